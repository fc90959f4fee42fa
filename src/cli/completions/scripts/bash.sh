# Completions of local-ci for bash.
#
# Bash cuts words at : and =, and the program puts them together again: it gets the line up to the cursor, and the part
# of it that bash will replace. An answer with a colon in front asks for what bash knows itself.
_local_ci_complete() {
    local answer candidate
    answer=$(LOCAL_CI_COMPLETE=bash command @PROGRAM@ -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null) || answer=
    COMPREPLY=()
    case $answer in
        '') ;;
        :files) compopt -o default 2>/dev/null ;;
        :directories) compopt -o dirnames 2>/dev/null ;;
        *)
            while IFS= read -r candidate; do
                COMPREPLY+=("$candidate")
            done <<<"$answer"
            ;;
    esac
}
complete -o nosort -F _local_ci_complete local-ci 2>/dev/null || complete -F _local_ci_complete local-ci
