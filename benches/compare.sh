#!/bin/sh
# Compares local-ci with other runners on this machine, in one go: see README.md beside this file.
# Peers that are missing are installed into a cache directory outside the tree where that is possible.
#
#   sh benches/compare.sh [--only CASE[,CASE]] [--rounds N] [--json FILE]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
cache=${LOCAL_CI_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/local-ci-bench}
mkdir -p "$cache"
PATH="$cache/bin:$cache/npm/node_modules/.bin:$PATH"
export PATH

have() { command -v "$1" >/dev/null 2>&1; }
# Tries to install a peer once; what cannot be had is reported as skipped by the driver.
attempt() {
    have "$1" && return 0
    name=$1
    shift
    echo "installing $name: $*" >&2
    "$@" >"$cache/install-$name.log" 2>&1 || echo "could not install $name; see $cache/install-$name.log" >&2
}

have python3 || {
    echo 'python3 is needed to measure: apt-get install python3' >&2
    exit 2
}
attempt just cargo install --locked just --root "$cache"
if [ "$(id -u)" -eq 0 ] && have apt-get; then
    attempt make apt-get install -y --no-install-recommends make
    attempt time apt-get install -y --no-install-recommends time
    attempt ninja apt-get install -y --no-install-recommends ninja-build
fi
if have npm; then
    attempt turbo npm install --no-audit --no-fund --prefix "$cache/npm" turbo
    attempt moon npm install --no-audit --no-fund --prefix "$cache/npm" @moonrepo/cli
    attempt task npm install --no-audit --no-fund --prefix "$cache/npm" @go-task/cli
fi

cargo build --locked --quiet --release --features chaos --bins
target=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')
exec python3 "$here/compare.py" --bin "$target/release" --work "$cache/work" "$@"
