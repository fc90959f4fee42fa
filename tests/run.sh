#!/bin/sh
# Everything that must hold before a change is taken: formatting, lints, tests, documentation, dependencies, and the
# example that the README begins with. Needs a Rust toolchain and a Debian base; what else is missing is installed
# where that is possible (apt-get as root), and named as skipped where it is not.
#
# Ends with one line, `N passed, N failed, N skipped`, and code 1 if anything failed.
set -eu
# A shell starts what is in its background with SIGINT ignored, and whoever is started so cannot take that back, nor can
# what the tests start. So this begins anew with the usual dispositions.
if [ -z "${LOCAL_CI_TEST_SIGNALS:-}" ] && env --default-signal=INT true 2>/dev/null; then
    exec env --default-signal=INT,QUIT,HUP,TERM LOCAL_CI_TEST_SIGNALS=default sh "$0" "$@"
fi
unset LOCAL_CI_TEST_SIGNALS
cd "$(dirname "$0")/.."
exec </dev/null
# A snapshot that differs is a failure here, never a file to look at later.
export CI="${CI:-true}" INSTA_UPDATE=no CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"

passed=0 failed=0 skipped=0
failures=''
scratch=$(mktemp -d)
policy=''
trap 'rm -rf "$scratch" ${policy:+"$policy"}' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n== %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
pass() { passed=$((passed + 1)); }
fail() {
    failed=$((failed + 1))
    failures="$failures
  $1"
    printf '!! failed: %s\n' "$1"
}
skip() {
    skipped=$((skipped + 1))
    printf 'skipped: %s\n' "$*"
}

# check NAME COMMAND...: one thing that holds or does not.
check() {
    name=$1
    shift
    say "$name"
    if "$@"; then pass; else fail "$name"; fi
}

# Installs these Debian packages, or says why not.
install() {
    if [ "$(id -u)" -ne 0 ] || ! have apt-get; then
        echo "not installed: $*; to install: apt-get install $*"
        return 0
    fi
    say "apt-get install $*"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@"; } >"$scratch/apt.log" 2>&1 || {
        tail -n 5 "$scratch/apt.log"
        echo "not installed: $*; the tests that need them are skipped or fail below"
    }
}

missing='' server=''
have cc || missing="$missing gcc libc6-dev"
have git || missing="$missing git"
have strace || missing="$missing strace"
have make || missing="$missing make"
have python3 || missing="$missing python3"
# For certificates of an authority of the tests' own.
have openssl || missing="$missing openssl"
# For completions, the manual page and drawn plans.
have zsh || missing="$missing zsh"
have fish || missing="$missing fish"
have groff || missing="$missing groff-base"
have dot || missing="$missing graphviz"
# For stages on other machines: a server of our own on 127.0.0.1, what is used there, odd shells, and two network
# namespaces with a cable between them. The tests start their servers themselves, with keys and ports of their own.
have sshd || [ -x /usr/sbin/sshd ] || server='openssh-server'
have ssh || missing="$missing openssh-client"
have tmux || missing="$missing tmux"
have rsync || missing="$missing rsync"
have csh || missing="$missing csh"
have ip || missing="$missing iproute2"
have ps || missing="$missing procps"
# Word splitting is meant: a list of packages.
# shellcheck disable=SC2086
[ -z "$missing" ] || install $missing
# Its package starts a server for all the world, and has one at each boot where there is an init to do so. Tests must not
# do that to anybody's machine; in a container the package is kept from it.
if [ -n "$server" ]; then
    rules=/usr/sbin/policy-rc.d
    if [ -d /run/systemd/system ]; then
        echo "not installed: $server, which would listen on this machine from now on; to install: apt-get install $server"
    elif [ "$(id -u)" -ne 0 ] || [ -e "$rules" ]; then
        install "$server"
    else
        policy=$rules
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        install "$server"
        rm -f "$policy"
        policy=''
    fi
fi
# A server that root starts wants an empty directory for itself.
[ "$(id -u)" -ne 0 ] || mkdir -p -m 755 /run/sshd

if ! have cargo; then
    fail 'cargo is not on PATH; install a Rust toolchain first'
    echo "$passed passed, $failed failed, $skipped skipped"
    exit 1
fi
for component in rustfmt clippy; do
    case $component in rustfmt) tool=fmt ;; *) tool=clippy ;; esac
    cargo "$tool" --version >/dev/null 2>&1 || ! have rustup || rustup component add "$component" || true
done

if cargo fmt --version >/dev/null 2>&1; then
    check 'formatting' cargo fmt --all -- --check
    check 'formatting of the fuzz targets' cargo fmt --manifest-path tests/fuzz/Cargo.toml -- --check
else
    skip 'formatting: rustfmt is not installed; rustup component add rustfmt'
fi
if cargo clippy --version >/dev/null 2>&1; then
    check 'lints with no features' cargo clippy --locked --quiet --all-targets --no-default-features -- -D warnings
    check 'lints with all features' cargo clippy --locked --quiet --all-targets --all-features -- -D warnings
else
    skip 'lints: clippy is not installed; rustup component add clippy'
fi

# Plugins are components for another machine, in a workspace of their own. Rust makes them where it has the
# target; without it the tests that want them are skipped.
wasm=wasm32-unknown-unknown
has_wasm() { [ -n "$(find "$(rustc --print target-libdir --target "$wasm")" -name 'libcore-*' 2>/dev/null)" ]; }
if ! has_wasm && have rustup; then
    say "rustup target add $wasm"
    rustup target add "$wasm" || true
fi

say 'tests'
# Tests that skip themselves write why into this file: for cargo they have passed.
export LOCAL_CI_TEST_SKIPS="$scratch/skips"
: >"$LOCAL_CI_TEST_SKIPS"
# The status is lost in the pipe, so it goes through a file.
{
    status=0
    cargo test --locked --all-features --no-fail-fast 2>&1 || status=$?
    echo "$status" >"$scratch/status"
} | tee "$scratch/tests.log"
status=$(cat "$scratch/status")
# Adds up `test result: ok. 3 passed; 0 failed; ...` of every test binary.
total() { awk -v word="$1" '/^test result: /{ for (i = 2; i <= NF; i++) if ($i == word ";") n += $(i - 1) } END { print n + 0 }' "$scratch/tests.log"; }
tests_passed=$(total passed) tests_failed=$(total failed)
tests_skipped=$(grep -c '' "$LOCAL_CI_TEST_SKIPS" || true)
cat "$LOCAL_CI_TEST_SKIPS"
passed=$((passed + tests_passed - tests_skipped))
skipped=$((skipped + tests_skipped + $(total ignored)))
if [ "$tests_failed" -gt 0 ]; then
    failed=$((failed + tests_failed))
    failures="$failures
$(sed -n 's/^test \(.*\) \.\.\. FAILED$/  \1/p' "$scratch/tests.log")"
elif [ "$status" -ne 0 ]; then
    fail "tests: cargo test ended with $status before all of them had run"
elif [ "$tests_passed" -eq 0 ]; then
    fail 'tests: none ran'
fi

check 'documentation' env RUSTDOCFLAGS='-D warnings' cargo doc --locked --quiet --no-deps --all-features

if cargo deny --version >/dev/null 2>&1; then
    check 'licences and sources of dependencies' cargo deny --locked --all-features check licenses bans sources
    if cargo deny fetch db >"$scratch/deny.log" 2>&1; then
        check 'advisories' cargo deny --locked --all-features check advisories
    else
        skip 'advisories: their database cannot be fetched from here'
    fi
else
    skip 'dependencies: cargo-deny is not installed; cargo install --locked cargo-deny'
fi

# What the tests do with a few thousand inputs goes on from there, with coverage to guide it.
if ! cargo fuzz --version >/dev/null 2>&1; then
    skip 'fuzzing: cargo-fuzz is not installed; cargo install --locked cargo-fuzz'
elif ! have c++; then
    skip 'fuzzing: there is no compiler for C++; apt-get install g++'
else
    check 'fuzz targets, for ten seconds each' sh tests/fuzz/run.sh 10
fi

# The example works with nothing but cargo, and one of its stages fails on purpose: that is exit 1, and its advice shows.
quickstart() {
    status=0
    env LOCAL_CI_STATE_DIR="$scratch/state" LOCAL_CI_CACHE_DIR="$scratch/cache" \
        cargo run --locked --quiet --release -- -C examples/quickstart >"$scratch/quickstart.log" 2>&1 || status=$?
    cat "$scratch/quickstart.log"
    [ "$status" -eq 1 ] || {
        echo "expected exit 1 for the stage that fails on purpose, got $status"
        return 1
    }
    for text in 'Try this:' 'Total stages: 6' 'Passed: 4' 'Failed: 1' 'Skipped: 1'; do
        grep -qF "$text" "$scratch/quickstart.log" || {
            echo "expected to read: $text"
            return 1
        }
    done
}
check 'the quickstart example, from the release build' quickstart

# Plugins have a workspace of their own.
in_plugins() { (cd plugins && "$@"); }
# Where cargo puts what is built here, whatever the user's settings say.
target=${CARGO_TARGET_DIR:-target}
ci() { env LOCAL_CI_STATE_DIR="$scratch/state" LOCAL_CI_CACHE_DIR="$scratch/cache" "$target/release/local-ci" "$@"; }
plugins_are_built() {
    in_plugins cargo build --locked --quiet --release --target "$wasm"
}
# What a plugin says of itself holds for its component, too.
plugin_holds() { ci plugin build "$1" && ci plugin test "$1"; }

if cargo fmt --version >/dev/null 2>&1; then
    check 'formatting of the plugins' in_plugins cargo fmt --all -- --check
fi
if cargo clippy --version >/dev/null 2>&1; then
    check 'lints of the plugins' in_plugins cargo clippy --locked --quiet --all-targets -- -D warnings
fi
check 'tests of the plugins' in_plugins cargo test --locked --quiet
if [ ! -x "$target/release/local-ci" ]; then
    skip 'components: there is no release build to try them with; see the quickstart example above'
elif has_wasm; then
    check 'the plugins as components' plugins_are_built
    for manifest in plugins/*/Cargo.toml; do
        plugin=${manifest%/Cargo.toml}
        [ "$plugin" = plugins/sdk ] || check "the component of $plugin" plugin_holds "$plugin"
    done
else
    skip "components: Rust's target $wasm is not installed; rustup target add $wasm"
fi

# Plugins in other languages need tools that come from elsewhere; they are tried in a copy.
example_holds() { (cd "$1" && ci plugin build . && ci plugin test .); }
try_example() {
    language=$1
    shift
    cp -r "examples/plugins/$language" "$scratch/$language"
    if (cd "$scratch/$language" && "$@") >"$scratch/$language.log" 2>&1; then
        check "the example of a plugin in $language" example_holds "$scratch/$language"
    else
        skip "the example of a plugin in $language: its tools cannot be had; its README.md has the lines to type"
    fi
}
has_pip_tools() { python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt; }
if [ -x "$target/release/local-ci" ]; then
    # The copy is worked in, so the program is named from the root.
    case $target in /*) ;; *) target=$PWD/$target ;; esac
    if have npm; then
        try_example javascript npm install --no-audit --no-fund
    else
        skip 'the example of a plugin in javascript: npm is not installed; apt-get install npm'
    fi
    if have python3; then
        try_example python has_pip_tools
        say 'a new plugin in C'
        if ci plugin new words --lang c --dir "$scratch/c" && (cd "$scratch/c" && has_pip_tools) >"$scratch/c.log" 2>&1; then
            check 'a new plugin in C' example_holds "$scratch/c"
        else
            skip 'a new plugin in C: its compiler cannot be had; python3 -m venv .venv && .venv/bin/pip install ziglang'
        fi
    else
        skip 'the example of a plugin in python: python3 is not installed; apt-get install python3 python3-venv'
        skip 'a new plugin in C: python3 is not installed; apt-get install python3 python3-venv'
    fi
fi

[ -z "$failures" ] || printf '\nFailed:%s\n' "$failures"
printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
