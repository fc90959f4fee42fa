//! Which option or argument takes what: the program's own table of arguments, with candidates put to each.
//!
//! By the names of values, so that an argument that is called like another is completed like it.

use std::ffi::OsStr;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::known::Known;
use super::shell::{Candidate, Shell};
use crate::cli::args::Cli;
use crate::cli::faces;
use crate::config::Code;
use crate::pipeline::hook;
use crate::process::signals;
use crate::report::Dialect;

/// In the place of names of files, which the shell completes.
pub(super) const FILES: &str = ":files";
/// In the place of names of directories.
pub(super) const DIRECTORIES: &str = ":directories";

/// What can stand in the place of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Stage,
    Job,
    /// What was added first: it is what is forgotten most.
    AddedFirst,
    Run,
    RunOrJob,
    /// Runs that go on.
    ActiveRun,
    /// The same with the jobs that run in them.
    Active,
    /// Those of them that stand still.
    Paused,
    Signal,
    Profile,
    Remote,
    Plugin,
    Hook,
    Tag,
    Mode,
    Flaky,
    When,
    Dialect,
    Code,
    Shell,
    File,
    Directory,
    /// Numbers, durations, patterns: nothing to offer.
    Free,
    /// The words of its type.
    Own,
}

/// What an argument of a command takes. None for one that nobody has thought of.
pub(super) fn kind(command: &str, arg: &Arg) -> Option<Kind> {
    let names = arg.get_value_names().unwrap_or_default();
    Some(match (names.first()?.as_str(), command, arg.get_id().as_str()) {
        // What has ended can be neither stopped nor waited for.
        ("RUN|JOB", "stop" | "pause" | "await" | "await-any" | "await-all", _) | ("JOB", "signal", _) => Kind::Active,
        ("RUN|JOB", "resume", _) => Kind::Paused,
        ("RUN|JOB", ..) | ("JOB", "stdout" | "stderr", _) => Kind::RunOrJob,
        ("RUN", _, "after" | "after_any") => Kind::ActiveRun,
        ("RUN", ..) => Kind::Run,
        ("JOB", "remove", _) => Kind::AddedFirst,
        ("JOB", ..) => Kind::Job,
        ("STAGE", ..) => Kind::Stage,
        ("SIG", ..) => Kind::Signal,
        ("NAME", _, "profile") => Kind::Profile,
        ("PLUGIN", ..) => Kind::Plugin,
        ("HOOK", ..) => Kind::Hook,
        ("TAG", ..) => Kind::Tag,
        ("MODE", ..) => Kind::Mode,
        ("POLICY", ..) => Kind::Flaky,
        ("WHEN", ..) => Kind::When,
        ("DIALECT", ..) => Kind::Dialect,
        ("CODE", ..) => Kind::Code,
        ("SHELL", ..) => Kind::Shell,
        // A command of one's own begins with a file, as often as not.
        ("FILE" | "CMD", ..) => Kind::File,
        ("HOST", ..) => Kind::Remote,
        // A directory of another machine is nothing that is known here.
        ("DIR", _, id) if id != "remote_dir" => Kind::Directory,
        // A source is `path:` and a directory, or an address: nothing that could be listed.
        ("ARGS" | "BASE" | "N" | "DUR" | "RE" | "DIR" | "SOURCE" | "KIND=FILE", ..)
        | ("NAME", "new" | "add", _)
        | ("NAME", _, "session") => Kind::Free,
        ("FORMAT" | "LANG", ..) => Kind::Own,
        _ => return None,
    })
}

/// The table of arguments, completed from what is known of a project. Words that stand in the line already are not
/// offered as stages once more.
pub(super) fn table(known: Known, typed: Vec<String>) -> Command {
    let shared = Arc::new(Mutex::new((known, typed)));
    let complete = &move |command: &str, arg: Arg| match kind(command, &arg) {
        None | Some(Kind::Own) => arg,
        Some(kind) => {
            let shared = Arc::clone(&shared);
            arg.add(ArgValueCompleter::new(move |current: &OsStr| {
                let shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let current = current.to_str().unwrap_or_default();
                of_kind(kind, &shared.0, &shared.1, current)
            }))
        }
    };
    Cli::command().mut_args(|arg| complete("", arg)).mut_subcommands(|command| below(command, complete))
}

/// A command with its arguments completed, and those of the commands below it.
fn below(command: Command, complete: &dyn Fn(&str, Arg) -> Arg) -> Command {
    let name = command.get_name().to_owned();
    command.mut_args(|arg| complete(&name, arg)).mut_subcommands(|command| below(command, complete))
}

fn of_kind(kind: Kind, known: &Known, typed: &[String], current: &str) -> Vec<CompletionCandidate> {
    let words = |words: &[&str]| words.iter().map(|word| plain(word)).collect();
    let candidates: Vec<Candidate> = match kind {
        Kind::Stage => known.stages(),
        Kind::Job => known.stages().into_iter().chain(known.added()).collect(),
        Kind::AddedFirst => known.added().into_iter().chain(known.stages()).collect(),
        Kind::Run => known.runs(),
        Kind::RunOrJob => match current.split_once('/') {
            Some((run, _)) => known.stages_of(run),
            None => known.runs().into_iter().chain(known.stages()).chain(known.added()).collect(),
        },
        Kind::ActiveRun => known.active(),
        Kind::Active => known.active().into_iter().chain(known.active_jobs(|_| true)).collect(),
        Kind::Paused => known.paused(),
        Kind::Signal => signals::names().map(plain).collect(),
        Kind::Profile => known.profiles(),
        Kind::Remote => known.remotes(),
        Kind::Plugin => known.plugins(),
        Kind::Hook => words(hook::NAMES),
        Kind::Tag => known.tags(),
        Kind::Mode => words(&faces::MODES),
        Kind::Flaky => words(&["pass", "fail"]),
        Kind::When => words(&["auto", "always", "never"]),
        Kind::Dialect => words(&Dialect::ALL.map(Dialect::word)),
        Kind::Code => {
            let code = |code: &Code| Candidate { value: code.id().to_owned(), help: code.title().to_owned() };
            Code::ALL.iter().map(code).collect()
        }
        Kind::Shell => Shell::ALL.iter().map(|shell| plain(shell.name())).collect(),
        Kind::File => return vec![CompletionCandidate::new(FILES)],
        Kind::Directory => return vec![CompletionCandidate::new(DIRECTORIES)],
        Kind::Free | Kind::Own => Vec::new(),
    };
    let begins = |value: &str| match kind {
        // `lc01` is as good as `LC01`, and the shell replaces what was typed.
        Kind::Code | Kind::Signal => {
            value.get(..current.len()).is_some_and(|front| front.eq_ignore_ascii_case(current))
        }
        _ => value.starts_with(current),
    };
    // What several of can be named is not named twice.
    let is_once =
        matches!(kind, Kind::Stage | Kind::Job | Kind::AddedFirst | Kind::RunOrJob | Kind::Active | Kind::Plugin);
    let is_new = |value: &String| !is_once || !typed.contains(value);
    let fitting = candidates.into_iter().filter(|candidate| begins(&candidate.value) && is_new(&candidate.value));
    fitting.map(|candidate| CompletionCandidate::new(candidate.value).help(Some(candidate.help.into()))).collect()
}

fn plain(word: &str) -> Candidate {
    Candidate { value: word.to_owned(), help: String::new() }
}
