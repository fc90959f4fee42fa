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
  if ! [ -d "$__id" ] && ! __make "$__id"; then
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

__start() {
  # In a shell of its own, so that what is launched has the user's own mask of file modes.
  if __said=$(__prepare); then
    # Two of them: the first makes itself a leader, so that the second has to fork, and nobody waits for the wrapper.
    # An `&` would do the same, and have all of it ignore SIGINT.
    if (__enter >/dev/null && cd "./$__id" && setsid setsid /bin/sh ./script) </dev/null >/dev/null 2>&1; then
      echo started
    else
      __fault tool 'setsid cannot start anything'
    fi
  else
    printf '%s\n' "${__said:-fault directory "$__id cannot be made"}"
  fi
}
