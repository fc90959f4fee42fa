//! What a hook is about: the trees that git is about to take, each once.

use std::io::{self, IsTerminal, Read};

use super::super::error::CliError;
use super::super::output;
use crate::process::tool::Tools;
use crate::session::hooks::push::{self, Update};
use crate::session::hooks::repository::{Commit, Repository};

/// What git says of a push.
#[derive(Clone, Debug, Default)]
pub(super) struct Push {
    /// As it said it.
    pub(super) text: String,
    /// The same, understood.
    pub(super) updates: Vec<Update>,
}

/// A tree, and what is pushed of it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The commit, of several with this tree the first.
    pub(super) commit: Commit,
    /// The references.
    pub(super) updates: Vec<Update>,
}

impl Target {
    /// What a person calls it.
    pub(super) fn title(&self) -> String {
        let names: Vec<String> = self.updates.iter().take(3).map(ToString::to_string).collect();
        let more = self.updates.len().saturating_sub(3);
        let names = if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") };
        format!("{} ({names})", short(&self.commit.id))
    }
}

/// A commit as a person reads it.
pub(super) fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// What is to be pushed. Without arguments nobody but a person can have called: that one tries what a push of HEAD would do.
pub(super) fn push(args: &[String], repository: Option<&Repository>, tools: &Tools) -> Result<Push, CliError> {
    let mut stdin = io::stdin();
    let is_trial = args.is_empty();
    let mut bytes = Vec::new();
    if !(is_trial && stdin.is_terminal()) {
        stdin
            .read_to_end(&mut bytes)
            .map_err(|error| CliError::infrastructure(format!("cannot read what is to be pushed: {error}")))?;
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if is_trial && text.trim().is_empty() {
        let Some(repository) = repository else { return Ok(Push::default()) };
        let head = repository.commits(&["HEAD"], tools)?.pop().flatten();
        let head = head.ok_or_else(|| {
            CliError::usage("there is no commit yet that could be pushed").or_try("commit something first")
        })?;
        let branch = repository.branch(tools)?.unwrap_or_else(|| "HEAD".to_owned());
        text = format!("{branch} {} {branch} {}\n", head.id, "0".repeat(head.id.len()));
        output::say(&format!("trying what `git push` of {} would do", short(&head.id)));
    }
    let updates = push::parse(&text).map_err(|line| {
        CliError::usage(format!("{line:?} is not what git says of a reference that is pushed"))
            .or_try("git calls this hook; `local-ci hook run pre-push </dev/null` tries it")
    })?;
    Ok(Push { text, updates })
}

/// The trees of a push, each once, in the order in which git named them.
pub(super) fn targets(push: &Push, repository: &Repository, tools: &Tools) -> Result<Vec<Target>, CliError> {
    let pushed: Vec<&Update> = push.updates.iter().filter(|update| !update.is_deletion()).collect();
    if pushed.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = pushed.iter().map(|update| update.local.as_str()).collect();
    let mut targets: Vec<Target> = Vec::new();
    for (update, commit) in pushed.into_iter().zip(repository.commits(&ids, tools)?) {
        let Some(commit) = commit else {
            output::say(&format!("{update} is no commit, and is not tested"));
            continue;
        };
        match targets.iter_mut().find(|target| target.commit.tree == commit.tree) {
            Some(target) => target.updates.push(update.clone()),
            None => targets.push(Target { commit, updates: vec![update.clone()] }),
        }
    }
    Ok(targets)
}
