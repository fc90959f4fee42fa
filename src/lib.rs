//! local-ci: one pipeline file, the same verdict everywhere. This page is the map; `docs/design.md` says why.
//!
//! A run goes through the floors from [`cli`] down and comes back up as events. A module names only lower floors and
//! what stands above it on its own; `tests/layering.rs` holds that.
//!
//! - **Words** ([`ids`], [`clock`], [`cancel`], [`outcome`], [`event`], `env`): what everything else is said in. No I/O
//!   but reading clocks and, once, the environment.
//! - **What was asked for, what has happened** ([`estimate`], [`pipeline`], [`view`]): how long things take; stages after
//!   their config was checked; and the one fold of events into the state of a run that every face uses.
//! - **What will be done** ([`config`], [`plan`]): from files to a pipeline with all faults at once; from a pipeline and a
//!   request to a plan with reasons. Pure but for reading the config.
//! - **Hands** ([`process`], [`journal`], [`history`], [`text`], [`walk`], [`matcher`]): one mechanism each, ignorant of each other:
//!   processes and their trees; a run's directory; the index of what came of runs; making foreign bytes harmless; a
//!   project's files; what checkers say, found in what they print.
//! - **Where stages run** ([`executor`]): one attempt at a time, on this machine or, for tests, in no machine at all.
//! - **Plugins** ([`plugin`]): WebAssembly components, what they may do, and the host that runs them in a stage's place.
//! - **Running a plan** ([`engine`]): a scheduler and a machine as values, and the loop around them.
//! - **What is seen** ([`report`]): a display folds events into a view and drives a reporter, which asks for logs.
//! - **A run across processes** ([`session`]): place, start, supervise, follow; looking at runs and ending them.
//! - **The command line** ([`cli`]): argv to command to exit code.
//!
//! # Every file on disk
//!
//! Read: `local-ci.toml`, `.local-ci.toml` or `.config/local-ci.toml`, upward from the working directory, with
//! `local-ci.local.toml` beside it, the `env-file`s it names, and the files that its secrets are in; where there is none,
//! the files that say of what kind a project is (`docs/detection.md`); `$XDG_CONFIG_HOME/local-ci/config.toml`; of a repository `.git/HEAD` and what that
//! points to; of `/proc` the processes below a supervisor; the `make` that a stage would find. `init` writes `local-ci.toml`, and
//! nothing else in a project. Where plugins are used, `local-ci.lock` beside the config and the components that it names;
//! `plugin add`, `update` and `remove` write both files, `plugin build` a `plugin.wasm`, and `plugin new` a directory. A plugin
//! writes what it was granted, through `.local-ci-part-<pid>-<n>` beside it.
//!
//! Written, in `$XDG_STATE_HOME/local-ci/`: `history.db` with what SQLite puts beside it, its lock `history.db.lock`,
//! `history.db.version-<n>` from before its tables were changed, and up to three damaged ones,
//! `history.db.corrupt-<time>`.
//!
//! Below `projects/<name>-<hash>/` there ([`journal::layout`] has all names): `project.json`, `counter`, `active/<n>`,
//! `jobs.jsonl`, `pruned.jsonl`, `forgotten.jsonl` and `prune.lock`, and for each run `header.json`, `events.jsonl`, `owner.json`, `lock`,
//! `supervisor.log` and in `logs/` a `.log`, `.idx` and, for long outputs, a `.tail` for each attempt that printed
//! something; `jobserver`, a FIFO, is there while the run goes on, and in a CI step whose files the stages' are added to, `step/`. Where none of that can be written, the same run directory below a private one in `$XDG_RUNTIME_DIR`,
//! `$TMPDIR`, `/tmp` or `/dev/shm`, taken away after the run.
//!
//! Written, in `$XDG_CACHE_HOME/local-ci/wasm/<wasmtime>-<machine>/<engine>/`, where a plugin is used: `<hash>.cwasm`, what it
//! was compiled to, and `<hash>.json`, what it says of itself; in `plugins/` beside them, `<hash>.wasm`, what was fetched. All of
//! it can be deleted at any time.
//!
//! For git hooks: `hook install` writes `<hook>` into a repository's directory of hooks and keeps what was there as
//! `<hook>.before-local-ci`. In `$XDG_CACHE_HOME/local-ci/trees/<repository>-<hash>/`, where commits are tested: `work`, the
//! work tree with a repository of its own, `lock`, `run`, which run used it last, `refs-<pid>`, what is pushed, and for a moment `index`. In
//! the project's state `verdicts/<key>`, trees that were green.
//!
//! For other machines: in `$XDG_RUNTIME_DIR/local-ci/`, or else `/tmp/local-ci-<uid>/`, the sockets of ssh, with `.lock` and
//! `.said`, what ssh had to say; they go with their connections.

pub mod cancel;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod env;
pub mod estimate;
pub mod event;
pub mod executor;
pub mod history;
pub mod ids;
pub mod journal;
pub mod matcher;
pub mod outcome;
pub mod pipeline;
pub mod plan;
pub mod plugin;
pub mod process;
pub mod remote;
pub mod report;
pub mod session;
pub mod text;
pub mod view;
pub mod walk;
