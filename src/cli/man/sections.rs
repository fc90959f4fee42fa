//! What the table of arguments does not say: variables and files.

use crate::env;

/// Options, with the variables that stand for them.
pub(super) const OPTIONS_AS_VARIABLES: &[(&str, &str)] = &[
    ("--directory", env::DIRECTORY),
    ("--config", env::CONFIG),
    ("--color", env::COLOR),
    ("--verbose", env::VERBOSE),
    ("--locked", env::LOCKED),
    ("--profile", env::PROFILE),
    ("--tag", env::TAG),
    ("--skip", env::SKIP),
    ("--only", env::ONLY),
    ("--fix", env::FIX),
    ("--jobs", env::JOBS),
    ("--fail-fast", env::FAIL_FAST),
    ("--keep-going", env::KEEP_GOING),
    ("--flaky", env::FLAKY),
    ("--timeout", env::TIMEOUT),
    ("--remote", env::REMOTE),
    ("--session", env::SESSION),
    ("--remote-timeout", env::REMOTE_TIMEOUT),
    ("--remote-dir", env::REMOTE_DIR),
    ("--queue", env::QUEUE),
    ("--after", env::AFTER),
    ("--after-any", env::AFTER_ANY),
    ("--no-cache", env::NO_CACHE),
    ("--repeat", env::REPEAT),
    ("--quiet", env::QUIET),
    ("--output", env::OUTPUT),
    ("--json", env::JSON),
    ("--detach", env::DETACH),
    ("--allow", env::ALLOW),
    ("--follow", env::FOLLOW),
    ("--report", env::REPORT),
    ("--dry-run", env::DRY_RUN),
];

/// Variables that are read, and those that stages find set.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    (env::STATE_DIR, "Where runs are kept, instead of `$XDG_STATE_HOME/local-ci`. An absolute path."),
    (env::CACHE_DIR, "Where what can be made again is kept, instead of `$XDG_CACHE_HOME/local-ci`. An absolute path."),
    (env::SSH_CONFIG, "The config that `ssh` reads in place of yours. An absolute path."),
    (env::CI, "Set, and neither empty, `0` nor `false`: nobody sits at the terminal."),
    (env::GITHUB_ACTIONS, "`true`: the transcript is one for a step of GitHub Actions."),
    (env::NO_COLOR, "Set and not empty: no colour, unless `--color` says otherwise."),
    (env::FORCE_COLOR, "Set, and neither empty, `0` nor `false`: colour."),
    (env::CLICOLOR_FORCE, "Set, and neither empty nor `0`: colour."),
    (env::ACCESSIBLE, "`1`: whole sentences, and nothing that moves, is drawn or says something by a sign alone."),
    (env::HYPERLINKS, "`1` or `0`: whether the terminal shows links, instead of what is known of it."),
    (env::PROGRESS, "`1` or `0`: whether the terminal shows progress in its title, instead of what is known of it."),
    (env::COMPLETE, "Set by what `completions` prints, while a shell asks how a line can go on."),
    (env::LOCAL_CI, "`1` for everything that a run starts."),
    (env::RUN, "For a stage: the run's number. Not set where no state can be kept."),
    (env::RUN_ID, "For a stage: the run's identity."),
    (env::STAGE, "For a stage: its name."),
    (env::ATTEMPT, "For a stage: which attempt this is, from 1."),
];

/// Files that are read and written.
pub(super) const FILES: &[(&str, &str)] = &[
    (
        "local-ci.toml, .local-ci.toml, .config/local-ci.toml",
        "The configuration, looked for upward from the working directory to the repository's root.",
    ),
    ("local-ci.local.toml", "One's own changes to it, beside it and not tracked."),
    ("$XDG_CONFIG_HOME/local-ci/config.toml", "What one person wants in all projects; else below `~/.config`."),
    (
        "$XDG_STATE_HOME/local-ci/",
        "Runs with their events and logs, readable by their user alone; else below `~/.local/state`.",
    ),
];
