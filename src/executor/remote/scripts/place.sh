# Enters the run's directory, which is made where it is missing, and sees to it that it is ours alone.
#
# Before it: __base, the directory of all programs' state, empty for the user's own; __project and __run, names without
# anything but letters, digits, `.`, `_`, `:`, `+` and `-`; __boot_at, where the boot's id is read.
# It says `fault KIND TEXT` and fails where it cannot be used.

__fault() {
  printf 'fault %s %s\n' "$1" "$2"
  return 1
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
  __new=
  if ! [ -d "$__place" ]; then
    __new=1
    if ! __why=$(mkdir -p -- "$__place" 2>&1) && ! [ -d "$__place" ]; then
      case $__why in
      *pace*) __fault space "$__why" ;;
      *) __fault directory "$__why" ;;
      esac
      return 1
    fi
  fi
  if ! cd "$__base/local-ci" 2>/dev/null; then
    __fault directory "$__base/local-ci cannot be entered"
    return 1
  fi
  for __part in . "$__project" "$__project/runs" "$__project/runs/$__run"; do
    if [ -L "$__part" ] || ! [ -O "$__part" ]; then
      __fault directory "$__base/local-ci/$__part is a link or belongs to another user"
      return 1
    fi
  done
  # Once for a run: what nobody else may write to stays so.
  if [ -n "$__new" ]; then
    __open=$(find . "$__project" "$__project/runs" "$__project/runs/$__run" -prune \( -perm -020 -o -perm -002 \))
    if [ -n "$__open" ]; then
      __fault directory "others may write to $__base/local-ci (chmod -R go-w it)"
      return 1
    fi
  fi
  if ! cd "$__project/runs/$__run" 2>/dev/null; then
    __fault directory "$__place cannot be entered"
    return 1
  fi
}
