# Has a tmux window show an attempt's log to whoever looks on. Nobody waits for it, and nothing depends on it.
#
# Before it: place.sh and what that needs; __id, the attempt's directory; __session; __name, the window's; __title, what runs;
# __show, the text of what the window runs.
#
# `end` is a FIFO that says how the attempt ended; `.window.ID` in the run's directory is which window of which server it is.

__window() {
  umask 077
  __enter >/dev/null && cd "$__id" || return
  command -v tmux >/dev/null || return
  # What ends at once is not looked at.
  sleep 0.5 || sleep 1
  [ -e verdict ] && return
  mkfifo -m 600 end || return
  if ! [ -s ../.window ]; then
    printf %s "$__show" >".window.part" && mv -f .window.part ../.window || return
  fi
  unset TMUX TMUX_PANE
  set -- -d -P -F '#{window_id} #{pid}' -n "$__name" /bin/sh "$__place/.window" "$__place/$__id" "$__title"
  # Another stage may make the session first.
  __made=$(tmux -L local-ci -f /dev/null new-window -t "=$__session:" "$@") ||
    __made=$(tmux -L local-ci -f /dev/null start-server \; set-option -g history-limit 10000 \; \
      set-window-option -g allow-rename off \; new-session -x 200 -y 50 -s "$__session" "$@") ||
    __made=$(tmux -L local-ci -f /dev/null new-window -t "=$__session:" "$@") || return
  echo "$__made" >"../.window.$__id"
}
(__window) </dev/null >/dev/null 2>&1 &
