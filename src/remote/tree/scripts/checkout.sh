# Takes a pack from stdin, where there is one, and makes the work tree what a commit says. Nothing that git ignores is
# touched. Given: nonce, base, work, run, partial, packed, anew, sha256, commit, prefix, excluded.
answer() { printf '\n%s %s\n%s\n' "$nonce" "$1" "$said"; }
fail() {
    answer "$1"
    df -Pk "$work" 2>/dev/null | tail -n 1
    exit 0
}

said=$(readlink "$base/lock")
case $said in "$run":*) ;; *) fail lock ;; esac
said=
cd "$base" || fail make

have=
[ -f repo.git/local-ci ] && IFS= read -r have <repo.git/local-ci
want="1 $sha256 $work"
if [ "$have" != "$want" ] || [ "$anew" = yes ]; then
    [ "$partial" = no ] || fail partial
    rm -rf repo.git
    algorithm=
    [ "$sha256" = no ] || algorithm=--object-format=sha256
    said=$({
        git init -q --bare --template= $algorithm repo.git &&
            git -C repo.git config core.worktree "$work" &&
            # What stands in commits is what was read here: nothing is to be made of it there.
            printf '[core]\n\tbare = false\n\tautocrlf = false\n\thooksPath = /dev/null\n\texcludesFile = /dev/null\n' >>repo.git/config &&
            printf '[gc]\n\tpruneExpire = 2.days.ago\n' >>repo.git/config &&
            mkdir -p repo.git/info && printf '* -filter\n' >repo.git/info/attributes &&
            printf '%s\n' "$want" >repo.git/local-ci
    } 2>&1) || fail make
fi

GIT_DIR=$base/repo.git
GIT_WORK_TREE=$work
export GIT_DIR GIT_WORK_TREE
if [ "$packed" = yes ]; then
    said=$(git index-pack --stdin --fix-thin 2>&1 >/dev/null) || fail unpack
fi

# From here on the tree is not what anybody asked for, until it is.
rm -f ready repo.git/index.lock repo.git/HEAD.lock
[ "$(cat "$work/.git" 2>/dev/null)" = "gitdir: $base/repo.git" ] || {
    rm -rf "$work/.git"
    said=$( (printf 'gitdir: %s\n' "$base/repo.git" >"$work/.git") 2>&1) || fail make
}
said=$( (printf '%s\n/.local-ci-workdir\n' "$excluded" >repo.git/info/exclude) 2>&1) || fail make
cd "$work" || fail make
said=$(git read-tree --reset -u "$commit" 2>&1) || {
    # An index that a crash has left is no reason to give up: without one, every file is written anew.
    rm -f "$GIT_DIR/index"
    said=$(git read-tree --reset -u "$commit" 2>&1) || fail checkout
}
left=$(git clean -fdq 2>&1) || left=${left:-some files}
said=$(mkdir -p "./$prefix" 2>&1) || fail make

cd "$base" || fail make
said=$( (printf '%s %s\n' "$run" "$commit" >ready.new) 2>&1) || fail record
if [ "$packed" = yes ]; then
    # The last few stay, so that who goes back and forth between branches sends little.
    {
        printf '%s\n' "$commit"
        [ -f repo.git/local-ci-sent ] && grep -vxF "$commit" repo.git/local-ci-sent | head -n 7
    } >repo.git/local-ci-sent.new
    said=$({
        printf 'update refs/local-ci/%s %s\n' "$commit" "$commit"
        [ -f repo.git/local-ci-sent ] && grep -vxFf repo.git/local-ci-sent.new repo.git/local-ci-sent |
            sed 's,^,delete refs/local-ci/,'
        printf 'option no-deref\nupdate HEAD %s\n' "$commit"
    } | git update-ref --stdin 2>&1) || fail record
    mv -f repo.git/local-ci-sent.new repo.git/local-ci-sent
else
    said=$(git update-ref --no-deref HEAD "$commit" 2>&1) || fail record
fi
# What a stage changes is told by its being newer than this file, and the clock of files ticks every few milliseconds only.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    { true >tick; } 2>/dev/null || break
    [ -z "$(find tick -newer ready.new)" ] || break
done
rm -f tick
said=$(mv -f ready.new ready 2>&1) || fail record
said=$left
answer done
if [ "$packed" = yes ]; then
    git gc --auto --quiet </dev/null >/dev/null 2>&1 &
fi
exit 0
