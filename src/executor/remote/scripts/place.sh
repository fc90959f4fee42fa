# Enters the run's directory, which is made where it is missing, and sees to it that it is ours alone.
#
# Before it: __base, the directory of all programs' state, empty for the user's own; __project and __run, names without
# anything but letters, digits, `.`, `_`, `:`, `+` and `-`; __boot_at, where the boot's id is read.
# It says `fault KIND TEXT` and fails where it cannot be used.

__fault() {
  printf 'fault %s %s\n' "$1" "$2"
  return 1
}

# Makes a directory, or finds that somebody else just has.
__make() {
  __why=$(mkdir "$@" 2>&1) && return
  shift "$(($# - 1))"
  [ -d "$1" ] && return
  case $__why in
  *pace*) __fault space "$__why" ;;
  *) __fault directory "$__why" ;;
  esac
}

__enter() {
  if ! read -r __boot 2>/dev/null <"$__boot_at" || ! [ -r /proc/self/stat ]; then
    __fault unsupported 'this is no Linux with /proc'
    return 1
  fi
  if [ -z "$__base" ]; then
    case ${XDG_STATE_HOME:-} in
    /*) __base=$XDG_STATE_HOME ;;
    *)
      if [ -z "${HOME:-}" ]; then
        __fault directory 'HOME is not set'
        return 1
      fi
      __base=$HOME/.local/state
      ;;
    esac
  fi
  __place=$__base/local-ci/$__project/runs/$__run
  if ! { [ -d "$__base" ] || __make -p "$__base"; }; then
    return 1
  fi
  if ! cd -- "$__base" 2>/dev/null; then
    __fault directory "$__base cannot be entered"
    return 1
  fi
  # One by one, so that nothing is made behind a link.
  __new=
  for __part in local-ci "$__project" runs "$__run"; do
    if ! [ -e "$__part" ] && ! [ -L "$__part" ]; then
      __new=1
      __make -m 700 "$__part" || return 1
    fi
    if [ -L "$__part" ] || ! [ -O "$__part" ] || ! cd "./$__part"; then
      __fault directory "$__part in $__place is a link or belongs to another user"
      return 1
    fi
  done
  # Once for a run: what nobody else may write to stays so.
  if [ -n "$__new" ]; then
    __open=$(find . .. ../.. ../../.. -prune \( -perm -020 -o -perm -002 \))
    if [ -n "$__open" ]; then
      __fault directory "others may write to $__base/local-ci (chmod -R go-w it)"
      return 1
    fi
  fi
}
