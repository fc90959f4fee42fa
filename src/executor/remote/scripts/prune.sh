# Takes away the directories of runs that nobody has looked at for two weeks and nothing of which runs. Harmless when run twice.
#
# Before it: tree.sh; place.sh and what that needs; __days.

__prune() {
  __enter >/dev/null && cd "$__base/local-ci" || return
  # Two levels and no more: what is below a work tree may have these names too.
  for __run in ./*/runs/*; do
    if [ -L "$__run" ] || ! [ -d "$__run" ] || [ -z "$(find "$__run" -prune -mtime "+$__days")" ]; then continue; fi
    __busy=
    for __attempt in "$__run"/*.*; do
      if [ -d "$__attempt" ] && __is_running "$__attempt"; then __busy=1; fi
    done
    [ -n "$__busy" ] || rm -rf -- "$__run"
  done
}
(umask 077 && __prune) >/dev/null 2>&1
