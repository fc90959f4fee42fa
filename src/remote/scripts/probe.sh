# What this machine is and has, as lines of a key and a value. What cannot be found out is left out, and nothing is changed.
# Before it stand: probe_state and probe_work, the two directories that are asked about, as they were written.
(
exec </dev/null 2>/dev/null
say() { [ -z "$2" ] || printf '%s %s\n' "$1" "$2"; }
say clock_first "$(date +%s.%N)"
say kernel "$(uname -s)"
say release "$(uname -r)"
say machine "$(uname -m)"
say name "$(uname -n)"
for file in /etc/os-release /usr/lib/os-release; do
    [ -r "$file" ] && say system "$(. "$file" && printf '%s' "$PRETTY_NAME")" && break
done
[ -r /proc/self/stat ] && [ -r /proc/self/environ ] && say proc yes
read -r boot </proc/sys/kernel/random/boot_id && say boot "$boot"
say cores "$(nproc || getconf _NPROCESSORS_ONLN)"
read -r load _ </proc/loadavg && say load "$load"
while read -r key value _; do
    case $key in
    MemTotal:) say memory_total "$value" ;;
    MemAvailable:) say memory_free "$value" ;;
    esac
done </proc/meminfo
user=$(id -un)
say user "$user"
say uid "$(id -u)"
say home "$HOME"
[ -d "$HOME" ] && [ -w "$HOME" ] && say home_writable yes
say umask "$(umask)"
say path "$PATH"
entry=$(getent passwd "$user" || grep "^$user:" /etc/passwd)
say shell "${entry##*:}"
say sh "$(readlink -f /bin/sh)"
sleep 0.01 && say fractions yes

about() {
    path=$2
    case $path in
    '') return ;;
    '~') path=$HOME ;;
    '~/'*) path=$HOME/${path#'~/'} ;;
    /*) ;;
    *) path=$HOME/$path ;;
    esac
    say "$1_path" "$path"
    near=$path
    while [ -n "$near" ] && [ ! -d "$near" ]; do near=${near%/*}; done
    near=${near:-/}
    say "$1_near" "$near"
    [ "$near" = "$path" ] || { [ -e "$path" ] && say "$1_file" yes; }
    [ -w "$near" ] && [ -x "$near" ] && say "$1_writable" yes
    [ -O "$near" ] && say "$1_ours" yes
    room=$(df -Pk "$near" | tail -n 1)
    say "$1_room" "$room"
    mount=${room##*% }
    mounted=
    while read -r _ at kind options _; do
        [ "$at" = "$mount" ] && mounted="$kind $options"
    done </proc/self/mounts
    say "$1_mount" "$mounted"
}
about state "${probe_state:-${XDG_STATE_HOME:-$HOME/.local/state}/local-ci}"
about work "$probe_work"

for tool in tmux git rsync setsid tar script; do
    at=$(command -v "$tool") || continue
    case $tool in
    tmux) says=$(tmux -V 2>&1) ;;
    *) says=$("$tool" --version 2>&1 | head -n 1) ;;
    esac
    printf 'tool %s %s\n' "$tool" "$at"
    printf 'says %s %s\n' "$tool" "$says"
done

while read -r line; do say cgroup "$line"; done </proc/self/cgroup
[ -n "$user" ] && [ -e "/var/lib/systemd/linger/$user" ] && say linger yes
main=
for dir in /usr/lib/systemd /usr/local/lib/systemd /run/systemd /etc/systemd; do
    [ -r "$dir/logind.conf" ] && main=$dir/logind.conf
done
logind() {
    say logind_file "$1"
    while read -r line || [ -n "$line" ]; do
        case $line in '['* | Kill*) say logind "$line" ;; esac
    done <"$1"
}
[ -n "$main" ] && logind "$main"
for dir in /usr/lib/systemd /usr/local/lib/systemd /run/systemd /etc/systemd; do
    for file in "$dir"/logind.conf.d/*.conf; do
        [ -r "$file" ] && logind "$file"
    done
done
for file in /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf; do
    [ -r "$file" ] || continue
    while read -r key value _ || [ -n "$key" ]; do
        case $key in [Mm][Aa][Xx][Ss][Ee][Ss][Ss][Ii][Oo][Nn][Ss]) say max_sessions "$value" ;; esac
    done <"$file"
done
say clock_last "$(date +%s.%N)"
say end yes
)
