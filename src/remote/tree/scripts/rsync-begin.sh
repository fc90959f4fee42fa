# Says that the tree is being changed, and what may be in it of ours from now on. Given: nonce, base, run, changed. Where
# that is yes, stdin is the list of all files that will be there, each ended by a NUL.
answer() { printf '\n%s %s\n%s\n' "$nonce" "$1" "$said"; }
said=$(readlink "$base/lock")
case $said in "$run":*) ;; *) answer lock; exit 0 ;; esac
cd "$base" || exit 1
rm -f ready
if [ "$changed" = yes ]; then
    # Until all is done, what was there before and what is to come are both ours.
    said=$( { rm -f listed.id && cat >listed.new && cat listed.new >>listed; } 2>&1) || {
        answer make
        df -Pk . 2>/dev/null | tail -n 1
        exit 0
    }
fi
answer done
