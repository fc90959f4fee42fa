# Takes away what is not needed any more there. Harmless when run twice.
#
# Before it: tree.sh; place.sh and what that needs; __done, words of `ID=passed` or `ID=failed`: attempts of which everything
# is on the other side; __session; __whole, not empty where the run is over.
# It says `kept ID` for attempts that are there still, and `gone` where the run's directory is.

# Whether the window that this file names is there. Another server may have given its number to another.
__is_there() {
  __window= __server=
  { read -r __window __server <"$1"; } 2>/dev/null
  [ -n "$__server" ] && [ "$(tmux -L local-ci display-message -p -t "$__window" '#{pid}' 2>/dev/null)" = "$__server" ]
}

__clean() {
  __enter >/dev/null || return
  unset TMUX TMUX_PANE
  for __one in $__done; do
    __id=${__one%=*}
    if __is_running "$__id"; then
      echo "kept $__id"
      continue
    fi
    [ -p "$__id/end" ] && [ ! -e "$__id/verdict" ] && echo gone 1<>"$__id/end"
    # Whoever looks for it finds that it was there.
    true >".done.$__id"
    rm -rf -- "$__id"
    [ -e "$__id" ] && echo "kept $__id"
    # Windows of what failed stay, the last twenty of them.
    if [ "${__one##*=}" = failed ] && __is_there ".window.$__id"; then
      rm -f -- ".window.$__id"
      tmux -L local-ci rename-window -t "$__window" "${__id%.*}!"
      __many=0
      for __old in $(tmux -L local-ci list-windows -t "=$__session" -F '#{window_id} #{window_name}' |
        while read -r __window __name; do
          case $__name in *!) echo "${__window#@}" ;; esac
        done | sort -rn); do
        __many=$((__many + 1))
        [ "$__many" -le 20 ] || tmux -L local-ci kill-window -t "@$__old"
      done
    fi
  done
  [ -n "$__whole" ] || return
  for __file in .window.*; do
    if __is_there "$__file"; then tmux -L local-ci kill-window -t "$__window"; fi
  done
  # What was not named is not known to be on the other side.
  for __id in *.*; do
    if [ -d "$__id" ] && ! [ -L "$__id" ]; then
      return
    fi
  done
  cd .. && rm -rf -- "$__place" && [ ! -e "$__place" ] && echo gone
}
(umask 077 && __clean) 2>/dev/null
