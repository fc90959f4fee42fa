# The processes of one attempt: found, signalled, gone. Works in the attempt's directory.
#
# Before it: __boot, which boot this is; __run_id, __stage and __attempt, the values of LOCAL_CI_RUN_ID, LOCAL_CI_STAGE and
# LOCAL_CI_ATTEMPT, which everything that the attempt starts carries in its environment, and nothing of ours does.
#
# What belongs to an attempt: the session that its command leads (`group` says which process that is, and when it was
# started), whatever was started with its variables, and the descendants of both. What is in the wrapper's session is ours.
# A number is only signalled after a look at when its process was started.

# Sets __now to the time since the boot, in hundredths of a second.
__clock() {
  read -r __now __more </proc/uptime
  __now=${__now%.*}${__now#*.}
  while :; do
    case $__now in
    0?*) __now=${__now#0} ;;
    *) return ;;
    esac
  done
}

# Whether there is a living process with this number that was started then.
__same() {
  __stat=
  { while read -r __more; do __stat="$__stat $__more"; done <"/proc/$1/stat"; } 2>/dev/null
  set -- "$2" ${__stat##*) }
  [ "$1" = "${21:-none}" ] && [ "$2" != Z ] && [ "$2" != X ]
}

# Whether the attempt in this directory is running.
__is_running() {
  [ -e "$1/verdict" ] && return 1
  __wrapper= __boot_then=
  { read -r __wrapper __wrapper_born __boot_then __more <"$1/pid"; } 2>/dev/null
  [ "$__boot_then" = "$__boot" ] && __same "$__wrapper" "$__wrapper_born"
}

# Sets __wrapper, __sid and __born to the wrapper's number, and to the command's and its start; to nothing where they are not
# known, or of another boot, when numbers meant others.
__leader() {
  __wrapper= __then= __sid= __born=
  { read -r __wrapper __more __then __more <pid; } 2>/dev/null
  [ "$__then" = "$__boot" ] || return 0
  { read -r __sid __born __more <group; } 2>/dev/null
}

# Prints `/proc/PID/environ` for everything that was started with the attempt's variables.
__kin() {
  set -- $(grep -lF -- "LOCAL_CI_RUN_ID=$__run_id" /proc/[0-9]*/environ 2>/dev/null)
  [ $# -gt 0 ] || return 0
  if printf 'a\0b\0' | grep -qzxF b 2>/dev/null; then
    for __want in "RUN_ID=$__run_id" "STAGE=$__stage" "ATTEMPT=$__attempt"; do
      set -- $(grep -lzxF -- "LOCAL_CI_$__want" "$@" 2>/dev/null)
      [ $# -gt 0 ] || return 0
    done
    echo "$@"
    return
  fi
  # A grep that knows lines only.
  for __file; do
    __found=$(tr '\0' '\n' <"$__file" 2>/dev/null | grep -cxF -e "LOCAL_CI_RUN_ID=$__run_id" \
      -e "LOCAL_CI_STAGE=$__stage" -e "LOCAL_CI_ATTEMPT=$__attempt")
    [ "$__found" = 3 ] && echo "$__file"
  done
}

# Prints `PID START STATE PARENT GROUP NAME` for every living process of the attempt, parents before their children.
__look() {
  __leader
  cat /proc/[0-9]*/stat 2>/dev/null |
    LC_ALL=C awk -v sid="$__sid" -v born="$__born" -v wrapper="$__wrapper" -v kin="$(__kin)" '
      # A name may hold anything, a newline too; it has 15 bytes, so what has all fields behind it is the end of one.
      {
        line = line == "" ? $0 : line "\n" $0
        parts = split(line, part, /\) /)
        if (split(part[parts], field, " ") < 20) next
        pid = substr(line, 1, index(line, " ") - 1)
        from = index(line, "(") + 1
        name[pid] = substr(line, from, length(line) - length(part[parts]) - 1 - from)
        gsub(/[^!-~]|,/, "_", name[pid])
        line = ""
        state[pid] = field[1]; parent[pid] = field[2]; group[pid] = field[3]
        session[pid] = field[4]; start[pid] = field[20]
        pids[++count] = pid
      }
      END {
        words = split(kin, word, /[^0-9]+/)
        for (i = 1; i <= words; i++) if (word[i] != "") is_kin[word[i]] = 1
        is_ours = sid != "" && (!(sid in start) || start[sid] == born)
        for (i = 1; i <= count; i++) {
          pid = pids[i]
          if (session[pid] == wrapper) continue
          if (pid in is_kin || (is_ours && session[pid] == sid && start[pid] + 0 >= born + 0)) depth[pid] = 1
        }
        # Further from the root with each round, until nobody is.
        for (deepest = 1; changed || deepest == 1; deepest++) {
          changed = 0
          for (i = 1; i <= count; i++) {
            pid = pids[i]
            if (deepest > count || session[pid] == wrapper || depth[parent[pid]] != deepest) continue
            if (depth[pid] <= deepest) { depth[pid] = deepest + 1; changed = 1 }
          }
        }
        for (at = 1; at <= deepest; at++)
          for (i = 1; i <= count; i++) {
            pid = pids[i]
            if (depth[pid] == at && state[pid] != "Z" && state[pid] != "X")
              print pid, start[pid], state[pid], parent[pid], group[pid], name[pid]
          }
      }'
}

# Sends a signal to each of these, lines of __look; says `sent PID` or, of what has changed its user, `refused PID`.
# Whole groups first, which the second word names, so that a shell and what it runs hear it together.
__send() {
  __signal=$1
  __whole=$2
  while read -r __pid __start __state __parent __group __name; do
    if [ -n "$__whole" ] && [ "$__group" = "$__whole" ]; then
      [ -n "$__heard" ] || kill -s "$__signal" -- "-$__whole" 2>/dev/null
      __heard=1
      echo "sent $__pid"
      continue
    fi
    __same "$__pid" "$__start" || continue
    if kill -s "$__signal" "$__pid" 2>/dev/null; then
      echo "sent $__pid"
    elif __same "$__pid" "$__start"; then
      echo "refused $__pid"
    fi
  done
  __heard=
}

# Kills all of it, until two looks in a row have found nothing, for __patience at most: hundredths of a second, five seconds
# where that is not set. Sets __left to what is there still: processes of another user, and those that hang in the kernel.
__slay() {
  __clock
  __until=$((__now + ${__patience:-500}))
  __quiet=0
  while [ "$__quiet" -lt 2 ]; do
    __left=$(__look)
    if [ -z "$__left" ]; then
      __quiet=$((__quiet + 1))
      continue
    fi
    __quiet=0
    __clock
    [ "$__now" -lt "$__until" ] || return 0
    __told=$(printf '%s\n' "$__left" | __send KILL "$__sid")
    case $__told in
    *sent*) sleep 0.01 || sleep 1 ;;
    *refused*) return 0 ;;
    esac
  done
}

# Whether the attempt is to end.
__is_ending() {
  [ -e ending.1 ] || [ -e ending.2 ] || [ -e ending.3 ] || [ -e limit.2 ]
}

# Whether the command has left nothing behind: the usual case, at the price of one program.
__is_alone() {
  __leader
  if [ -n "$__sid" ] && kill -s 0 -- "-$__sid" 2>/dev/null; then
    return 1
  fi
  ! grep -qF -- "LOCAL_CI_RUN_ID=$__run_id" /proc/[0-9]*/environ </dev/null >/dev/null 2>&1
}

# After the command has ended: what it has left behind, as the policy says: `kill`, `fail`, `warn` or `allow`. What is gone
# within 200 ms was not left behind. Writes lines of `PID KILLED NAME` to `leaked`.
__leave() (
  __clock
  __until=$((__now + 20))
  __asked=
  # Judged by when the look began: on a busy machine it takes its time.
  while __clock && __began=$__now && __members=$(__look) && [ -n "$__members" ]; do
    if [ -e ending.3 ] || [ -e limit.3 ]; then
      # Whoever has asked for that does the same.
      __slay
      return 0
    fi
    if __is_ending; then
      # A shell has its background jobs ignore SIGINT: they are asked in a word that reaches them.
      if [ -z "$__asked" ] && ! [ -e ending.2 ] && ! [ -e limit.2 ]; then
        printf '%s\n' "$__members" | __send TERM '' >/dev/null
        __asked=1
      fi
    elif __is_held; then
      __clock
      __until=$((__now + 20))
    else
      [ "$__began" -lt "$__until" ] || break
    fi
    sleep 0.02 || sleep 1
  done
  [ -n "$__members" ] && [ "$1" != allow ] || return 0
  __left=$__members
  case $1 in
  kill | fail) __slay ;;
  esac
  printf '%s\n' "$__members" | while read -r __pid __start __state __parent __group __name; do
    __killed=1
    case "
$__left" in
    *"
$__pid $__start "*) __killed=0 ;;
    esac
    printf '%s %s %s\n' "$__pid" "$__killed" "$__name"
  done >leaked
)

# What __leave wrote down, as words for the verdict: `,left:PID:KILLED:NAME` of each, and of so many that they have room there.
__leaked() {
  __many=0
  while read -r __pid __killed __name && [ "$__many" -lt 16 ]; do
    printf ',left:%s:%s:%s' "$__pid" "$__killed" "$__name"
    __many=$((__many + 1))
  done <leaked
}

# Reads `held`: for how long the attempt stood still in all, in hundredths of a second, and, while it does, since when, and
# which processes did so before by themselves. One file, so that no time is counted twice. Fails where it does not stand still.
__is_held() {
  __stood=0 __stopped= __still=
  { read -r __stood __stopped __still <held; } 2>/dev/null
  __stood=${__stood:-0}
  [ -n "$__stopped" ]
}

# Sets __stood to the time for which the attempt was stopped, in hundredths of a second, up to now, and __now to that.
__stood() {
  __is_held
  __clock
  [ -z "$__stopped" ] || __stood=$((__stood + __now - __stopped))
}

# Holds the attempt to a limit, in hundredths of a second: TERM then, KILL after a grace. Time for which it is stopped does not
# count. Ends with the wrapper, and with __unwatch; to be run in a subshell in the background, before the command is. It makes
# none of its own, since what is sent to the one has to come here.
__watch() {
  __nap=
  trap 'kill "$__nap" 2>/dev/null; exit 0' TERM
  __clock
  __began=$__now
  __due=$1
  { read -r __wrapper __wrapper_born __more <pid; } 2>/dev/null
  for __level in 2 3; do
    while :; do
      __stood
      __spent=$((__now - __began - __stood))
      [ "$__spent" -lt "$__due" ] || [ -n "$__stopped" ] || break
      # Whole seconds, since those are what every sleep takes, and never too few.
      __seconds=$(((__due - __spent + 99) / 100))
      [ "$__seconds" -ge 1 ] || __seconds=1
      [ "$__seconds" -le 30 ] || __seconds=30
      sleep "$__seconds" &
      __nap=$!
      wait "$__nap"
      __same "$__wrapper" "$__wrapper_born" || exit 0
    done
    : >"limit.$__level"
    case $__level in
    2) __members=$(__look) && printf '%s\n' "$__members" | __send TERM "$__sid" >/dev/null ;;
    3) __slay ;;
    esac
    __due=$((__spent + $2))
  done
}

# Ends what __watch runs in: its number is given.
__unwatch() {
  kill -s TERM "$1" 2>/dev/null
  wait "$1"
}
