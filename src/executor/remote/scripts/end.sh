# Has an attempt end: sends it the signal of a level, or, at the last one, kills it until nothing is left. Harmless when run
# twice: a level that was reached is not sent again, and killing has nothing more to do.
#
# Before it: tree.sh and what that needs; place.sh and what that needs; __id, the attempt's directory; __level: 1 for INT, 2
# for TERM, 3 for KILL, 4 for KILL to the wrapper too.
# It says `absent` (there is no such attempt), `ended` (there is a verdict, or another boot), or `done`, and before that `left PID NAME` for
# each process that could not be killed.

__end() {
  if [ -e verdict ]; then
    echo ended
    return
  fi
  __wrapper= __boot_then=
  { read -r __wrapper __wrapper_born __boot_then __more <pid; } 2>/dev/null
  # Numbers of another boot mean others now.
  if [ -n "$__boot_then" ] && [ "$__boot_then" != "$__boot" ]; then
    echo ended
    return
  fi
  if [ "$__level" -lt 3 ]; then
    if [ -e "ending.$__level" ]; then
      echo done
      return
    fi
    # First, so that a wrapper that has not got there yet starts nothing.
    : >"ending.$__level"
    case $__level in
    1) __word=INT ;;
    *) __word=TERM ;;
    esac
    __members=$(__look)
    [ -z "$__members" ] || printf '%s\n' "$__members" | __send "$__word" "$(__leader && echo "$__sid")" >/dev/null
    echo done
    return
  fi
  : >ending.3
  if [ "$__level" -gt 3 ]; then
    # The wrapper's whole session: what it has started for itself ends with it.
    if [ -n "$__wrapper" ] && __same "$__wrapper" "$__wrapper_born"; then
      kill -s KILL -- "-$__wrapper" 2>/dev/null || kill -s KILL "$__wrapper" 2>/dev/null
    fi
  fi
  __leader
  __slay
  [ -z "$__left" ] || printf '%s\n' "$__left" | while read -r __pid __start __state __parent __group __name; do
    echo "left $__pid $__name"
  done
  echo done
}

umask 077
if __enter >/dev/null && cd "$__id" 2>/dev/null; then
  __end
else
  echo absent
fi
