# Takes away the directories of runs that nobody has looked at for two weeks and nothing of which runs. Harmless when run twice.
#
# Before it: tree.sh; place.sh and what that needs; __days; __mark_days, for how long it is known of a run that it was
# taken away.

__prune() {
  __enter >/dev/null && cd "$__base/local-ci" || return
  # Two levels and no more: what is below a work tree may have these names too.
  for __run in ./*/runs/*; do
    if [ -L "$__run" ] || ! [ -d "$__run" ] || [ -z "$(find "$__run" -prune -mtime "+$__days")" ]; then continue; fi
    __busy=
    for __attempt in "$__run"/*.*; do
      if [ -d "$__attempt" ] && __is_running "$__attempt"; then __busy=1; fi
    done
    [ -z "$__busy" ] || continue
    # Whoever takes the run over finds that it was there.
    true >"${__run%/*}/.pruned.${__run##*/}"
    rm -rf -- "$__run"
  done
  find ./*/runs -maxdepth 1 -type f -name '.pruned.*' -mtime "+$__mark_days" -exec rm -f -- {} +
}
(umask 077 && __prune) >/dev/null 2>&1
