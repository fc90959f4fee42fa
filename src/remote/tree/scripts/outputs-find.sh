# Lists files below the directories that are given as arguments, each with how deep to look (0: all the way down): for each
# a letter for whether it has changed since the tree was brought there, one for what it is, and its name, ended by a NUL.
# Given: dir, stamp (empty where there is none).
cd "$dir" || exit 1
if ! find . -maxdepth 0 ${stamp:+-cnewer "$stamp"} >/dev/null 2>&1; then
    # Without that, all may have changed.
    stamp=
fi
show='for file do
    if [ -L "$file" ]; then kind=l; elif [ -x "$file" ]; then kind=x; else kind=f; fi
    printf "%s%s%s\000" "$0" "$kind" "$file"
done'
while [ $# -ge 2 ]; do
    at=./$1
    depth=$2
    shift 2
    [ -e "$at" ] || [ -L "$at" ] || continue
    deep=
    [ "$depth" = 0 ] || deep="-maxdepth $depth"
    if [ -n "$stamp" ]; then
        find "$at" $deep -name .git -prune -o \( -type f -o -type l \) \
            \( -cnewer "$stamp" -exec sh -c "$show" n {} + -o -exec sh -c "$show" o {} + \)
    else
        find "$at" $deep -name .git -prune -o \( -type f -o -type l \) -exec sh -c "$show" n {} +
    fi
done
exit 0
