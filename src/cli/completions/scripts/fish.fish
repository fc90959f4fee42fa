# Completions of local-ci for fish.
function __local_ci_complete
    set --local before (commandline --current-process --tokenize --cut-at-cursor)
    set --local current (commandline --current-token --cut-at-cursor)
    set --local answer (env LOCAL_CI_COMPLETE=fish @PROGRAM@ -- $before "$current" 2>/dev/null)
    switch "$answer[1]"
        case ''
        case ':files'
            __fish_complete_path "$current"
        case ':directories'
            __fish_complete_directories "$current"
        case '*'
            printf '%s\n' $answer
    end
end
complete --command local-ci --no-files --keep-order --arguments '(__local_ci_complete)'
