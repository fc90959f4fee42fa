# Says that the tree is what was sent. Given: run, base, work, prefix, id, changed.
mkdir -p "$work/./$prefix" && cd "$base" || exit 1
if [ "$changed" = yes ]; then
    mv -f listed.new listed && printf '%s\n' "$id" >listed.id || exit 1
fi
printf '%s rsync\n' "$run" >ready.new || exit 1
# What a stage changes is told by its being newer than this file, and the clock of files ticks every few milliseconds only.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    { true >tick; } 2>/dev/null || break
    [ -z "$(find tick -newer ready.new)" ] || break
done
rm -f tick
mv -f ready.new ready
