#compdef local-ci
# Completions of local-ci for zsh: source it after compinit, or put it into a directory of fpath as _local-ci.
_local-ci() {
    local answer
    answer=$(LOCAL_CI_COMPLETE=zsh command @PROGRAM@ -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    case $answer in
        '') return 1 ;;
        :files) _files ;;
        :directories) _files -/ ;;
        *)
            local -a candidates
            candidates=("${(@f)answer}")
            _describe -V 'local-ci' candidates
            ;;
    esac
}
if [[ ${funcstack[1]} == _local-ci ]]; then
    _local-ci "$@"
elif (( $+functions[compdef] )); then
    compdef _local-ci local-ci
fi
