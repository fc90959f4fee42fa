# Runs one attempt's command and writes down how it ended. Leads a session of its own; all its streams are /dev/null; it
# starts in the attempt's directory.
#
# Before it: __id, the attempt's directory; __nonce; __boot_at, where the boot's id is read; __dir, where the command runs;
# __pty, not empty where it has a terminal; __umask, the mask of file modes
# that the command has; __environment, which sets its variables; `$@`, the command; tree.sh and what that
# needs; __limit and __grace, in hundredths of a second, the limit empty where there is none; __policy, on what is left.
#
# Only shell builtins where that is possible: each program that is started costs a millisecond.

# Sets __pid and __born to who this very process is: its number, and when it was started in ticks since the boot. That is
# field 22 of the line; the second, in parentheses, may hold anything.
__identify() {
  read -r __line </proc/self/stat
  __pid=${__line%% *}
  # Unquoted: the fields are numbers and a letter.
  __take_born ${__line##*) }
}

# The twentieth of what is left.
__take_born() {
  shift 19
  __born=$1
}

# Sets __quoted to a word that the shell reads as this text.
__quote() {
  __quoted=
  __rest=$1
  while :; do
    case $__rest in
    *\'*)
      __quoted=$__quoted${__rest%%\'*}"'\\''"
      __rest=${__rest#*\'}
      ;;
    *) break ;;
    esac
  done
  __quoted="'$__quoted$__rest'"
}

# Sets __file to the program of this name, as execvp(3) finds it; else fails, with what is there but cannot be executed.
__find() {
  __file=
  case $1 in
  */*)
    [ -e "$1" ] || return 127
    __file=$1
    [ -f "$1" ] && [ -x "$1" ] && return 0
    return 126
    ;;
  esac
  __rest=${PATH-/bin:/usr/bin}:
  while [ -n "$__rest" ]; do
    __at=${__rest%%:*}
    __rest=${__rest#*:}
    __at=${__at:-.}/$1
    if [ -f "$__at" ]; then
      if [ -x "$__at" ]; then
        __file=$__at
        return 0
      fi
      __file=${__file:-$__at}
    fi
  done
  [ -z "$__file" ] || return 126
  return 127
}

# The command is not run, for this reason: a code, a word, and what it is about.
__refuse() {
  printf 'refused %s %s %s.' "$1" "$2" "$3" >&2
  exit "$1"
}

# Whether the program can be executed; a shell would run what has no first line for the kernel as a script of its own.
__check() {
  [ -n "$1" ] || __refuse 127 empty ''
  __find "$1"
  case $? in
  127)
    __where=$PATH
    case $1 in
    */*) __where=$PWD ;;
    esac
    __refuse 127 missing "$1
$__where"
    ;;
  126)
    [ -d "$__file" ] && __refuse 126 directory "$__file"
    __refuse 126 permission "$__file"
    ;;
  esac
  case $__file in
  /bin/* | /usr/* | /sbin/*) return ;;
  esac
  case $(od -An -tx1 -N4 -- "$__file" 2>/dev/null) in
  ' 23 21'*)
    IFS= read -r __first <"$__file"
    __first=${__first#??}
    # A carriage return is no blank to the kernel: it belongs to the name.
    while :; do
      case $__first in
      ' '* | '	'*) __first=${__first#?} ;;
      *) break ;;
      esac
    done
    __first=${__first%%[ 	]*}
    [ -e "$__first" ] || __refuse 127 interpreter "$__first"
    ;;
  # Of the kernel's own format; or not ours to read; or one that somebody may have told the kernel of.
  ' 7f 45 4c 46' | '' | ' 4d 5a'*) ;;
  *) __refuse 126 format "$__file" ;;
  esac
}

# Runs the command in place of this subshell; its stderr is `said` until the command has everything.
__command() {
  exec 5>>log 6>group || exit 126
  if ! cd -- "$__dir" 2>/dev/null; then
    [ -e "$__dir" ] || __refuse 126 no-dir "$__dir"
    [ -d "$__dir" ] || __refuse 126 not-dir "$__dir"
    __refuse 126 closed-dir "$__dir"
  fi
  unset OLDPWD
  __find setsid || __refuse 126 tool setsid
  __setsid=$__file
  if [ -n "$__pty" ]; then
    __find script || __refuse 126 tool script
    __script=$__file
    "$__script" --version 2>/dev/null | grep -q util-linux || __refuse 126 tool script
  fi
  umask "$__umask"
  __environment
  __check "$1"
  # Who it is stays the same from here on: setsid(1) and the command take this subshell's place.
  __identify
  printf '%s %s end\n' "$__pid" "$__born" >&6
  if [ -n "$__pty" ]; then
    # script(1) runs its text with $SHELL, whatever that is, and the command is to see the user's own.
    if [ -n "${SHELL+x}" ]; then __shell=$SHELL; else __shell=; fi
    __quote "$__shell"
    __text="stty -opost 2>/dev/null; SHELL=$__quoted; exec"
    for __word; do
      __quote "$__word"
      __text="$__text $__quoted"
    done
    SHELL=/bin/sh
    export SHELL
    exec </dev/null >&5 2>&1 5>&- 6>&-
    exec "$__setsid" -- "$__script" -q -e -c "$__text" /dev/null
  fi
  exec </dev/null >&5 2>&1 5>&- 6>&-
  exec "$__setsid" -- "$@"
}

# Tells followers that it has ended. Opened for reading too, so that nobody is waited for where nobody follows.
__tell() {
  for __wake in ../wake.*; do
    [ -p "$__wake" ] && printf 'E %s\n' "$__id" 1<>"$__wake"
  done
  # The window of an onlooker.
  [ -p end ] && printf '%s %s\n' "$__what" "$__code" 1<>end
}

umask 077
read -r __boot <"$__boot_at"
__identify
# The claim: the file is made by one wrapper alone.
set -C
printf '%s %s %s end\n' "$$" "$__born" "$__boot" >pid || exit 0
set +C
# All of it was read; what a stage is given is to be in no file for longer than it takes.
true >script

__dog=
if [ -n "$__limit" ]; then
  (__watch "$__limit" "$__grace") </dev/null >/dev/null 2>&1 &
  __dog=$!
fi

__clock
__since=$__now
# In the foreground: what runs beside a shell ignores SIGINT. What the shell itself has to say of how it ended, `Killed`, goes
# to `said`, for a code above 128 may be the command's own.
{
  (
    # What is to end already is not begun, and ends as what was killed does.
    if __is_ending; then exec /bin/sh -c 'kill -s KILL $$'; fi
    __command "$@"
  )
  __code=$?
} 2<>said
__stood
__took=$(((__now - __since - __stood) * 10))
__is_alone || __leave "$__policy"
[ -z "$__dog" ] || __unwatch "$__dog"

__what=code
read -r __word __rest <said
case $__word in
'') ;;
refused) __what=refused ;;
*)
  if [ "$__code" -gt 128 ]; then
    __what=signal
    __code=$((__code - 128))
  fi
  ;;
esac
__flags=-
[ -e limit.2 ] && __flags=$__flags,limit
[ -s leaked ] && __flags=$__flags$(__leaked)
# What cannot be written now could not be written by the command either.
printf '%4096s' '' >room || __flags=$__flags,full
: >room
__length=0
[ -s log ] && __length=$(wc -c <log)
# Over what is there already, so that a full disk has room for it.
printf '%-1023s\n' "local-ci 1 $__nonce $__what $__code $__took $((__length)) $__flags end" 1<>verdict.part
mv -f verdict.part verdict
__tell
