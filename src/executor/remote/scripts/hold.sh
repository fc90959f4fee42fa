# Has everything that an attempt has started stand still, or go on, or take a signal. Harmless when run twice.
#
# Before it: tree.sh and what that needs; place.sh and what that needs; __id, the attempt's directory; __ask: `still`, `on` or
# a signal's number; with that, __claim, a word of its own for this request.
# It says `absent`, `ended`, or:
#   still:  `restless PID NAME` for each process that does not stand still, `refused N`, `still`
#   on:     `on`
#   signal: `signalled N`
#
# `held` says for how long it stood still: see __is_held.

# Sets `held` to this, at once or not at all.
__held() {
  printf '%s\n' "$1" >held.part && mv -f held.part held
}

# Stops them, parents before their children: a shell with job control would otherwise take a stopped child for Ctrl+Z. What
# forks meanwhile is met in the next round; two looks in a row have to find nothing that runs.
__still() {
  if ! __is_held; then
    __before=
    for __one in $(__look | while read -r __pid __start __state __rest; do
      [ "$__state" = T ] && echo "$__pid.$__start"
    done); do
      __before="$__before $__one"
    done
    __clock
    __held "$__stood $__now$__before"
  fi
  __clock
  __until=$((__now + 300))
  __quiet=0 __round=0 __refused=' '
  while [ "$__quiet" -lt 2 ]; do
    __round=$((__round + 1))
    __running= __restless=
    __members=$(__look)
    while read -r __pid __start __state __parent __group __name; do
      case $__state in
      '' | T | t) continue ;;
      esac
      case $__refused in
      *" $__pid "*) continue ;;
      esac
      # After some rounds a child is stopped although its parent runs: that may wait for it in the kernel.
      case "$__running " in
      *" $__parent "*) [ "$__round" -gt 6 ] || continue ;;
      esac
      __running="$__running $__pid"
      __restless="$__restless
$__pid $__name"
      __same "$__pid" "$__start" || continue
      kill -s STOP "$__pid" 2>/dev/null || ! __same "$__pid" "$__start" || __refused="$__refused$__pid "
    done <<END
$__members
END
    if [ -z "$__running" ]; then
      __quiet=$((__quiet + 1))
      continue
    fi
    __quiet=0
    __clock
    [ "$__now" -lt "$__until" ] || break
    [ "$__round" -lt 4 ] || sleep 0.01 || sleep 1
  done
  [ "$__quiet" -ge 2 ] || printf '%s\n' "${__restless#?}" | while read -r __pid __name; do
    echo "restless $__pid $__name"
  done
  set -- $__refused
  echo "refused $#"
  echo still
}

# Children before their parents, and not those that stood still before.
__go_on() {
  if __is_held; then
    __reversed=
    for __one in $(__look | while read -r __pid __start __rest; do echo "$__pid.$__start"; done); do
      __reversed="$__one $__reversed"
    done
    for __one in $__reversed; do
      case " $__still " in
      *" $__one "*) continue ;;
      esac
      __same "${__one%.*}" "${__one#*.}" && kill -s CONT "${__one%.*}" 2>/dev/null
    done
    __stood
    # Where there is no room for that, the time counts.
    __held "$__stood" || rm -f held
  fi
  echo on
}

__signal() {
  if mkdir "signal.$__claim" 2>/dev/null; then
    __members=$(__look)
    # By name: not every shell takes a number there.
    __sent=$([ -z "$__members" ] || printf '%s\n' "$__members" | __send "$(kill -l "$__ask")" '' | grep -c '^sent')
    echo "${__sent:-0}" >"signal.$__claim/sent"
  fi
  __sent=0
  { read -r __sent __more <"signal.$__claim/sent"; } 2>/dev/null
  echo "signalled ${__sent:-0}"
}

umask 077
if ! __enter >/dev/null || ! cd "$__id" 2>/dev/null; then
  echo absent
elif [ -e verdict ]; then
  echo ended
else
  case $__ask in
  still) __still ;;
  on) __go_on ;;
  *) __signal ;;
  esac
fi
