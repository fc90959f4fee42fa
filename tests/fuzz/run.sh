#!/bin/sh
# Fuzzes: `sh tests/fuzz/run.sh [SECONDS [TARGET]...]`, each target for so many seconds (60), all of them where none is
# named. What is learnt is kept in corpus/TARGET beside this file, and is where the next time begins; what was found is in
# artifacts/TARGET. Both are git's to ignore. Ends with 1 where anything was found.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ "$#" -eq 0 ] || shift
[ "$#" -gt 0 ] || set -- $(ls tests/fuzz/seeds)
# What is built for this is of no use for anything else.
target=${LOCAL_CI_FUZZ_TARGET:-tests/fuzz/target}
status=0
for name in "$@"; do
    printf '\n== %s\n' "$name"
    mkdir -p "tests/fuzz/corpus/$name"
    # Nothing here is unsafe but what stands in src/process/unix and in dependencies, which sanitizers would be for.
    cargo fuzz run --fuzz-dir tests/fuzz --target-dir "$target" --sanitizer none "$name" \
        "tests/fuzz/corpus/$name" "tests/fuzz/seeds/$name" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=30 -rss_limit_mb=4096 -print_final_stats=1 || status=1
done
exit "$status"
