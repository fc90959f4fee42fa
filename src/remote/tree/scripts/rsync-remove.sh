# Removes the files whose names come on stdin, each ended by a NUL, and directories that are empty without them. Whatever
# is behind a symbolic link is somebody else's. Given: nonce, work, project.
IFS= read -r owner <"$work/.local-ci-workdir" && [ "$owner" = "$project" ] && cd "$work" || exit 1
xargs -0 sh -c '
    for file do
        case /$file/ in *//* | */../* | */./*) continue ;; esac
        at=$file
        while case $at in */*) ;; *) false ;; esac; do
            at=${at%/*}
            [ -L "./$at" ] && continue 2
        done
        [ -d "./$file" ] && ! [ -L "./$file" ] && continue
        rm -f "./$file"
        at=$file
        while case $at in */*) ;; *) false ;; esac; do
            at=${at%/*}
            rmdir "./$at" 2>/dev/null || break
        done
    done' sh
printf '\n%s done\n' "$nonce"
