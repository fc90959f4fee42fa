# Starts an attempt, or finds it started. Harmless when run twice: what it writes is the same each time, and of all
# wrappers that are launched only the one runs anything that makes the file `pid`.
#
# Before it: place.sh and what that needs; __id, the attempt's directory; __only_join, not empty where nothing may be
# started; __write, which writes the script.
# It says `started`, `joined` (there is a wrapper, or was one), `gone` (there was one, and all of it was taken away), `absent`,
# or `fault KIND TEXT`.

__prepare() {
  umask 077
  __enter || return 1
  if [ -e "$__id/pid" ]; then
    echo joined
    return 1
  fi
  if [ -e ".done.$__id" ] || [ -e "../.pruned.$__run" ]; then
    echo gone
    return 1
  fi
  if [ -n "$__only_join" ]; then
    echo absent
    return 1
  fi
  if ! command -v setsid >/dev/null; then
    __fault tool setsid
    return 1
  fi
  # What is wrong is asked for where it is: that takes one more process.
  if ! [ -d "$__id" ] && ! mkdir "$__id" 2>/dev/null && ! __make "$__id"; then
    return 1
  fi
  if [ -L "$__id" ] || ! [ -O "$__id" ] || ! cd "./$__id"; then
    __fault directory "$__place/$__id is a link or belongs to another user"
    return 1
  fi
  # Room for what has to be written at the end, whatever the command does to the disk: it is written over, not anew.
  # By who comes first only, for the wrapper may have begun to write there.
  set -C
  for __file in verdict.part said; do
    printf '%1023s\n' '' 2>/dev/null >"$__file"
  done
  set +C
  if ! { [ -s verdict.part ] && [ -s said ] && : >>log && __write; } 2>/dev/null; then
    if [ -e pid ]; then
      echo joined
    else
      __fault space "$(df -Pk . 2>&1 | tail -n 1)"
    fi
    return 1
  fi
}

# Launches the wrapper from the attempt's directory, in a session of its own, and does not wait for it. An `&` would have all
# of it ignore SIGINT.
__launch() {
  {
    # Where it cannot be asked to fork, two of them: the first makes itself a leader, so that the second has to.
    setsid -f /bin/sh ./script "$__umask" || setsid setsid /bin/sh ./script "$__umask"
  } </dev/null >/dev/null 2>&1 && return
  __fault tool 'setsid cannot start anything'
}

# Sets __umask to the mask of file modes that the command is to have, without another process where the kernel tells it.
__mask() {
  __umask=
  while read -r __word __rest; do
    case $__word in
    Umask:)
      __umask=$__rest
      break
      ;;
    esac
  done </proc/self/status
  [ -n "$__umask" ] || __umask=$(umask)
}

__start() {
  __mask
  # In a shell of its own, which has another mask.
  if __said=$(__prepare && __launch); then
    echo started
  else
    printf '%s\n' "${__said:-fault directory "$__id cannot be made"}"
  fi
}
