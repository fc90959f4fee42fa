# Makes our directories, sees to it that the work tree's is ours to change, and takes its lock.
# Given: project, custom, dir, tool, run, number.
state=$HOME/.local/state
case ${XDG_STATE_HOME:-} in /*) state=$XDG_STATE_HOME ;; esac
base=$state/local-ci/$project
say() { printf '%s %s\n' "$1" "$2"; }
refuse() {
    say refused "$1 $2"
    exit 0
}

command -v "$tool" >/dev/null 2>&1 || refuse tool "$tool"
said=$( (umask 077 && mkdir -p "$base") 2>&1) || refuse make "$said"
work=$base/work
[ "$custom" = no ] || work=$dir
case $work in *'
'*) refuse name "" ;; esac

if [ -d "$work" ]; then
    real=$(cd "$work" && pwd -P) || refuse enter "$work"
    home=$(cd "$HOME" && pwd -P)
    case $real in
    /) refuse root "$work" ;;
    "$home") refuse home "$work" ;;
    esac
    if [ -f "$work/.local-ci-workdir" ]; then
        IFS= read -r owner <"$work/.local-ci-workdir"
        [ "$owner" = "$project" ] || refuse owner "$work"
    elif [ -n "$(ls -A "$work" 2>&1)" ]; then
        refuse unmarked "$work"
    fi
elif [ -e "$work" ] || [ -L "$work" ]; then
    refuse file "$work"
else
    said=$(mkdir -p "$work" 2>&1) || refuse make "$said"
fi
if ! [ -s "$work/.local-ci-workdir" ]; then
    said=$( (printf '%s\n' "$project" >"$work/.local-ci-workdir") 2>&1) || refuse make "$said"
fi

# The lock is a symbolic link, which is made in one step with what stands in it: whose it is, and the shell that took it.
# It is stale where neither that shell nor anything of its run is alive.
IFS= read -r boot </proc/sys/kernel/random/boot_id
started() {
    IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
    set -- ${stat##*)}
    [ "$1" != Z ] && printf %s "${20}"
}
mine=$run:$number:$$:$(started $$):$boot
lock=$base/lock
IFS=:
if ! ln -s "$mine" "$lock" 2>/dev/null; then
    held=$(readlink "$lock")
    set -- $held
    if [ "$1" != "$run" ] && [ "${5-}" = "$boot" ]; then
        # The separator is the colon here, at which nothing in /proc is to be parted.
        unset IFS
        if [ "$(started "$3")" = "$4" ] || grep -qsF -e "LOCAL_CI_RUN_ID=$1" /proc/[0-9]*/environ; then
            say held "$2"
            exit 0
        fi
    fi
    # Whoever else has found it stale may have been faster: what was moved away has to be what was read.
    if mv "$lock" "$lock.$$" 2>/dev/null; then
        gone=$(readlink "$lock.$$")
        [ "$gone" = "$held" ] || ln -s "$gone" "$lock" 2>/dev/null
        rm -f "$lock.$$"
    fi
    if ! ln -s "$mine" "$lock" 2>/dev/null; then
        said=$(readlink "$lock") || refuse make "cannot make $lock"
        say held ""
        exit 0
    fi
fi
unset IFS
rm -f "$base"/local-ci-names.*
say base "$base"
say work "$work"
say path "${PATH:-}"
say tool "$(command -v "$tool")"
[ -f "$base/ready" ] && say ready "$(cat "$base/ready")"
[ -f "$base/repo.git/local-ci-sent" ] && sed 's/^/sent /' "$base/repo.git/local-ci-sent"
[ -f "$base/listed.id" ] && say listed "$(cat "$base/listed.id")"
exit 0
