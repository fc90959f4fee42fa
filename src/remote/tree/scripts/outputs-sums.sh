# What is in the files whose names stand in $names, each ended by a NUL: first what each is, with its name and where it
# points; then, behind an empty name, the checksums of those that are files. Given: dir, names.
cd "$dir" || exit 1
xargs -0 sh -c 'for file do
    if [ -L "$file" ]; then printf "l%s\000%s\000" "$file" "$(readlink "$file")"
    elif [ -f "$file" ] && [ -x "$file" ]; then printf "x%s\000\000" "$file"
    elif [ -f "$file" ]; then printf "f%s\000\000" "$file"
    fi
done' sh <"$names"
printf '\000'
xargs -0 sha256sum -z -- <"$names" 2>/dev/null
exit 0
