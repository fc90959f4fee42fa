//! `hook`: stages before git pushes or commits.

mod install;
mod list;
mod run;
mod subjects;
mod trial;

use super::Ending;
use super::args::HookCommand;
use super::error::CliError;
use super::project::Context;
use crate::pipeline::hook::NAMES;
use crate::plan::nearest;
use crate::process::tool::Tools;
use crate::session::hooks::git::GitError;
use crate::session::hooks::repository::{Repository, Surroundings};

/// Does what is asked of hooks.
pub(super) fn hook(context: &Context<'_>, command: &HookCommand) -> Result<Ending, CliError> {
    match command {
        HookCommand::Install(args) => install::install(context, args),
        HookCommand::Uninstall(args) => install::uninstall(context, args),
        HookCommand::Run(args) => run::run(context, args),
        HookCommand::List => list::list(context),
    }
}

impl From<GitError> for CliError {
    fn from(error: GitError) -> Self {
        Self::infrastructure(error.to_string())
    }
}

/// That git has such a hook.
fn check(name: &str) -> Result<(), CliError> {
    if NAMES.contains(&name) {
        return Ok(());
    }
    let near = nearest(name, NAMES.iter().copied());
    let hint = if near.is_empty() { NAMES.join(", ") } else { format!("did you mean {}?", near.join(" or ")) };
    Err(CliError::usage(format!("git has no hook {name:?} that could be set here")).or_try(hint))
}

/// What there is around the directory.
fn surroundings(context: &Context<'_>, tools: &Tools) -> Result<Surroundings, CliError> {
    // Git starts hooks at the top of the work tree, and so names its files from there, whatever -C says.
    let started = std::env::current_dir().unwrap_or_else(|_| context.directory.clone());
    Ok(Surroundings::of(&context.directory, &started, context.env, tools)?)
}

/// The repository around the directory, which has to have a work tree.
fn repository(context: &Context<'_>, tools: &Tools) -> Result<Repository, CliError> {
    match surroundings(context, tools)? {
        Surroundings::Repository(repository) => Ok(*repository),
        Surroundings::Bare(dir) => {
            Err(CliError::usage(format!("{} is a bare repository, which has no work tree for stages", dir.display()))
                .or_try("run it in a clone of it"))
        }
        Surroundings::Nothing => {
            Err(CliError::usage(format!("{} is in no git repository", context.directory.display()))
                .or_try("run it in one, or name one with -C"))
        }
    }
}
