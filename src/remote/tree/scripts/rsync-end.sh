# Says that the tree is what was sent. Given: run, base, work, prefix, id, changed.
mkdir -p "$work/./$prefix" && cd "$base" || exit 1
if [ "$changed" = yes ]; then
    mv -f listed.new listed && printf '%s\n' "$id" >listed.id || exit 1
fi
printf '%s rsync\n' "$run" >ready.new && mv -f ready.new ready
