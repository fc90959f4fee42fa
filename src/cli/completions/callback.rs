//! The shell calls back: `LOCAL_CI_COMPLETE=SHELL local-ci -- WORDS…`, where the last word is the one that is being typed.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::engine::CompletionCandidate;

use super::candidates::{DIRECTORIES, FILES, table};
use super::known::Known;
use super::line::{Line, expanded};
use super::shell::{Answer, Candidate, Shell};
use crate::cli::args::Cli;
use crate::cli::argv::{First, Options, first_word, is_command, plain_words, value_of};
use crate::cli::project::supplier;
use crate::config::{LoadRequest, load_user};
use crate::env::{self, Env};

/// The answer to a shell that asks how a line can go on; none where this is no such question.
pub(in crate::cli) fn callback(arguments: &[OsString], env: &Env) -> Option<String> {
    // A variable that was set for another reason must not make a run say nothing and pass.
    let shell = Shell::find(env.get(env::COMPLETE)?.to_str()?)?;
    let [_, dashes, words @ ..] = arguments else { return None };
    if dashes != "--" {
        return None;
    }
    let here = std::env::current_dir().unwrap_or_default();
    Some(shell.line(words).map(|line| shell.write(&answer(&line, &here, env), &line)).unwrap_or_default())
}

/// What a line can go on with.
pub(super) fn answer(line: &Line, here: &Path, env: &Env) -> Answer {
    // What stands behind it goes to a stage, and nobody knows what that takes.
    if line.before.iter().any(|word| word == "--") {
        return Answer::Files;
    }
    let root = Cli::command();
    let options = Options::of(&root);
    let typed = plain_words(&line.before, &options).into_iter().filter_map(|word| word.to_str().map(str::to_owned));
    let mut table = table(Known::new(request(line, &options, here, env), supplier(env), env), typed.collect());
    // For a single dash every option is shown once, by its long name.
    let current = OsString::from(if line.current == "-" { "--" } else { &line.current });
    let mut ask = |words: Vec<OsString>| -> Vec<CompletionCandidate> {
        let place = words.len() - 1;
        clap_complete::engine::complete(&mut table, words, place, None).unwrap_or_default()
    };
    let with = |command: &str, before: &[OsString]| -> Vec<OsString> {
        let front = ["local-ci", command].map(OsString::from).into_iter();
        front.chain(before.iter().cloned()).chain([current.clone()]).collect()
    };
    let found = match first_word(&line.before, &options) {
        First::At(at) if is_command(&root, &line.before[at]) => {
            let mut before = line.before.clone();
            let command = before.remove(at);
            ask(with(&command.to_string_lossy(), &before))
        }
        First::At(_) => ask(with("run", &line.before)),
        First::Value(at) => ask(with(command_with(&root, &line.before[at]), &line.before)),
        First::Help | First::None => {
            let mut found = ask(with("run", &line.before));
            if !line.current.starts_with('-') {
                // A stage that is called like a command is only reached behind `run`.
                found.retain(|candidate| !is_command(&root, candidate.get_value()));
                let commands = ask(vec!["local-ci".into(), current.clone()]);
                found.extend(commands.into_iter().filter(|found| is_command(&root, found.get_value())));
            }
            found
        }
    };
    if found.iter().any(|candidate| candidate.get_value().to_string_lossy().ends_with(DIRECTORIES)) {
        return Answer::Directories;
    }
    if found.iter().any(|candidate| candidate.get_value().to_string_lossy().ends_with(FILES)) {
        return Answer::Files;
    }
    Answer::Candidates(presentable(found, &line.current))
}

/// Whose config and runs the line is about.
fn request(line: &Line, options: &Options, here: &Path, env: &Env) -> LoadRequest {
    let home = env.absolute(env::HOME);
    let typed = |long, short, variable| {
        let set = || env.get(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
        let value = value_of(&line.before, options, long, short);
        value.map(|value| expanded(&value, home.as_deref())).or_else(set)
    };
    let start = typed("directory", 'C', env::DIRECTORY).map_or_else(|| here.to_owned(), |dir| here.join(dir));
    let explicit = typed("config", 'c', env::CONFIG).map(|file| start.join(file));
    LoadRequest { start, explicit, home, remotes: load_user(env).unwrap_or_default().remotes }
}

/// The command that an option is of, which waits for its value before any command was typed.
fn command_with<'r>(root: &'r clap::Command, option: &OsString) -> &'r str {
    let option = option.to_string_lossy();
    let has = |command: &clap::Command| {
        command.get_arguments().chain(root.get_arguments()).any(|arg| match option.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => arg.get_short() == option.chars().last(),
        })
    };
    let commands = || root.get_subcommands();
    let run = commands().find(|command| command.get_name() == "run" && has(command));
    run.or_else(|| commands().find(|command| has(command))).map_or("run", clap::Command::get_name)
}

/// What can be shown and typed: options only where one was begun, nothing twice, nothing that a terminal would act on.
fn presentable(found: Vec<CompletionCandidate>, current: &str) -> Vec<Candidate> {
    let mut seen = HashSet::new();
    let candidates = found.into_iter().filter(|candidate| !candidate.is_hide_set()).filter_map(|candidate| {
        let value = candidate.get_value().to_str()?.to_owned();
        let is_option = value.starts_with('-') && !current.starts_with('-');
        let is_hostile = value.contains('\t') || *crate::text::plain::printable(&value) != *value;
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default().to_owned();
        (!is_option && !is_hostile && seen.insert(value.clone())).then_some(Candidate { value, help })
    });
    candidates.collect()
}
