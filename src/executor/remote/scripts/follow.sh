# Sends the output of attempts as it is written, and how each ended, over stdout.
#
# Before it: place.sh and what that needs; __mark, a word that nobody guesses, which begins each line of ours; __whose, the
# remote that follows, as part of a file's name; __chunk, the most that is sent at once, in bytes.
#
# It sleeps in a FIFO, into which is written: requests, which come over stdin; the ends of wrappers; ticks.
#
#   F n name offset until   follow attempt `name` from this byte as number n, and send no byte from `until` on
#   A n until               there is room for this much
#   U n                     no longer
#   E name                  the attempt's wrapper has ended
#   C n                     there may be more to send
#   T                       a tick
#   Q                       the line has ended
#
# It says, each after the mark:
#
#   R                        ready
#   D n offset length        followed by so many bytes
#   V n verdict…             after the last byte that it names
#   L n why                  there is no verdict and will be none: `gone` or `rebooted`
#   N n                      there is nothing of it yet; said again every 5 s
#   H                        a sign of life, every 5 s while anything is followed

# Reads who the wrapper of $1 is, and whether it is there: prints nothing where it is.
__look_after() {
  __wend=
  read -r __wpid __wborn __wboot __wend 2>/dev/null <"$1/pid"
  __state=
  if [ "$__wend" != end ]; then
    __state=none
  elif [ "$__wboot" != "$__boot" ]; then
    __state=rebooted
  elif ! read -r __line 2>/dev/null <"/proc/$__wpid/stat"; then
    __state=gone
  else
    __line=${__line##*) }
    # Unquoted: the fields of the line, which are numbers and a letter.
    set -- $__line
    case $1 in
    Z | X) __state=gone ;;
    *)
      shift 19
      [ "$1" = "$__wborn" ] || __state=gone
      ;;
    esac
  fi
}

# Reads the verdict on $1, and sets __size to the length of its log; fails where there is none that is complete.
__judge() {
  [ -e "$1/verdict" ] || return 1
  __verdict=
  read -r __verdict 2>/dev/null <"$1/verdict"
  case $__verdict in
  'local-ci 1 '*' end') ;;
  *) return 1 ;;
  esac
  set -- $__verdict
  __size=$7
  case $__size in
  '' | *[!0-9]*) return 1 ;;
  esac
}

# Sends what there is of number $1; $2 is the log's length where that is known.
__look() {
  eval "__name=\${__name_$1-} __off=\${__off_$1-} __until=\${__until_$1-}"
  [ -n "$__name" ] || return
  # Before the length: what was written by then is all there will be.
  if __judge "$__name"; then
    __ended=1
  else
    __ended=
    __size=$2
    if [ -z "$__size" ]; then
      __size=$(wc -c 2>/dev/null <"$__name/log") || __size=0
    fi
  fi
  __length=$((__size - __off))
  __room=$((__until - __off))
  [ "$__length" -le "$__room" ] || __length=$__room
  [ "$__length" -le "$__chunk" ] || __length=$__chunk
  if [ "$__length" -gt 0 ]; then
    printf '%s D %s %s %s\n' "$__mark" "$1" "$__off" "$__length"
    __copy "$__name/log" "$__off" "$__length"
    __off=$((__off + __length))
    eval "__off_$1=$__off"
    __quiet=0
    if [ "$__off" -lt "$__size" ] && [ "$__off" -lt "$__until" ]; then
      printf 'C %s\n' "$1" >&4
    fi
  fi
  if [ -n "$__ended" ]; then
    if [ "$__off" -ge "$__size" ]; then
      printf '%s V %s %s\n' "$__mark" "$1" "$__verdict"
      __forget "$1"
    fi
    return
  fi
  if [ "$__length" -le 0 ] && [ "$__off" -ge "$__size" ]; then
    __look_after "$__name"
    case $__state in
    '') ;;
    none) [ -n "$__beat" ] && printf '%s N %s\n' "$__mark" "$1" ;;
    *)
      # It may have ended between the two looks, and not without a word; and it may have left more than was there. What
      # is no verdict is none, whoever has put it there.
      if ! __judge "$__name"; then
        __size=$(wc -c 2>/dev/null <"$__name/log") || __size=0
        if [ "$__off" -ge "$__size" ]; then
          printf '%s L %s %s\n' "$__mark" "$1" "$__state"
          __forget "$1"
        fi
      fi
      ;;
    esac
  fi
}

__forget() {
  unset "__name_$1" "__off_$1" "__until_$1"
  __rest=
  for __one in $__active; do
    [ "$__one" = "$1" ] || __rest="$__rest $__one"
  done
  __active=$__rest
}

# Sends $3 bytes of $1 from offset $2.
__copy() {
  if [ -n "$__dd" ]; then
    dd if="$1" bs=1048576 iflag=skip_bytes,count_bytes skip="$2" count="$3" 2>/dev/null
  else
    tail -c "+$(($2 + 1))" -- "$1" | head -c "$3"
  fi
}

# All of them, with one program for all lengths.
__look_at_all() {
  __logs=
  for __n in $__active; do
    eval "__logs=\"\$__logs \$__name_$__n/log\""
  done
  # Pairs of a length and a name, of those that are there, in the same order.
  set -- $(wc -c $__logs 2>/dev/null)
  for __n in $__active; do
    eval "__name=\$__name_$__n"
    if [ "${2-}" = "$__name/log" ]; then
      __pair=$1
      shift 2
    else
      __pair=0
    fi
    __look "$__n" "$__pair"
  done
}

__follow() {
  umask 077
  # What a login script printed need not have ended its line.
  echo
  __enter || return
  exec 3<&0 </dev/null
  # Those of followers of this remote that were cut off. One that still runs sees that its own is gone, and ends. Another
  # remote of the run may lead to the same account.
  rm -f "wake.$__whose."*
  __wake=wake.$__whose.$__mark
  if ! __why=$(mkfifo -m 600 "$__wake" 2>&1); then
    __fault space "$__why"
    return
  fi
  exec 4<>"$__wake"
  {
    cat <&3
    # On a line of its own, whatever was torn before it.
    printf '\nQ\n'
  } >&4 &
  exec 3<&-
  __dd=
  dd if=/dev/null bs=1 count=0 skip=0 iflag=skip_bytes,count_bytes 2>/dev/null && __dd=1
  # Whether there are naps of less than a second.
  __naps=
  sleep 0.001 2>/dev/null && __naps=1
  printf '%s R\n' "$__mark"

  __active= __ticking= __quiet=0 __beat= __last=0
  while read -r __op __n __a __b __c <&4; do
    case $__op in
    Q) break ;;
    E)
      # Known by its name.
      for __one in $__active; do
        eval "__name=\$__name_$__one"
        if [ "$__name" = "$__n" ]; then
          __look "$__one" ''
          break
        fi
      done
      ;;
    T)
      [ -z "$__ticking" ] || wait "$__ticking"
      __ticking=
      [ -p "$__wake" ] || break
      read -r __now __rest </proc/uptime
      __now=${__now%.*}
      __beat=
      if [ "$((__now - __last))" -ge 5 ]; then
        __beat=1 __last=$__now
        printf '%s H\n' "$__mark"
      fi
      __quiet=$((__quiet + 1))
      [ -z "$__active" ] || __look_at_all
      __beat=
      ;;
    F | A | U | C)
      # What was torn on its way is not obeyed.
      case $__n$__b$__c in
      '' | *[!0-9]*) continue ;;
      esac
      case $__op in
      F)
        eval "__name_$__n=\$__a __off_$__n=\$__b __until_$__n=\$__c"
        __active="$__active $__n"
        __look "$__n" ''
        ;;
      A)
        eval "__until_$__n=\$__a"
        __look "$__n" ''
        ;;
      U) __forget "$__n" ;;
      C) __look "$__n" '' ;;
      esac
      ;;
    esac
    # One tick at a time, and none while nothing runs; slower where nothing comes.
    if [ -n "$__active" ] && [ -z "$__ticking" ]; then
      case $__naps.$__quiet in
      1.[012]) __pause=0.02 ;;
      1.[345]) __pause=0.05 ;;
      1.[6789]) __pause=0.1 ;;
      1.*) __pause=0.2 ;;
      *) __pause=1 ;;
      esac
      {
        sleep "$__pause"
        echo T
      } >&4 &
      __ticking=$!
    fi
  done
  rm -f "$__wake"
}
