# Takes the lock anew from this shell, if the tree is still this run's. Given: base, run.
cd "$base" || exit 1
IFS=' ' read -r whose _ <ready || exit 1
[ "$whose" = "$run" ] || exit 1
held=$(readlink lock)
case $held in "$run":* | "") ;; *) exit 1 ;; esac
number=${held#*:}
number=${number%%:*}
IFS= read -r boot </proc/sys/kernel/random/boot_id
IFS= read -r stat <"/proc/$$/stat"
set -- ${stat##*)}
rm -f "lock.$$"
ln -s "$run:$number:$$:${20}:$boot" "lock.$$" && mv -f "lock.$$" lock
