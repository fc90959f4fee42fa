# What a window runs: $1 is the attempt's directory, $2 what runs. Shows its log until it has ended, says how, and waits for Enter.
# Ctrl+C ends the window, and nothing else.
cd "$1" || exit
exec 3<>end || exit
tail=
trap 'kill "$tail" 2>/dev/null; exit' INT HUP TERM
printf '%s\n(Ctrl+C closes this window; the stage goes on)\n\n' "$2"
tail -c +1 -f log &
tail=$!
if [ -e verdict ]; then
  read -r word word word what code rest <verdict
else
  read -r what code rest <&3
fi
# What was written last is shown within a second.
sleep 2
kill "$tail" 2>/dev/null
case $what in
code) printf '\n[ended with code %s]' "$code" ;;
signal) printf '\n[ended by signal %s]' "$code" ;;
refused) printf '\n[could not be run]' ;;
*) printf '\n[ended without a verdict]' ;;
esac
printf ' Enter closes this window. '
read -r word
