//! `hook install` and `hook uninstall`.

use std::path::{Path, PathBuf};

use super::{check, repository};
use crate::cli::args::{HookInstallArgs, HookUninstallArgs};
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::pipeline::hook::{NAMES, PRE_PUSH};
use crate::process::tool::Tools;
use crate::session::hooks::install::{
    self, InstallError, Installed, Request, Uninstalled, before, command, install as set, uninstall as take_out,
};
use crate::session::hooks::place::{Place, managed};
use crate::session::hooks::repository::Repository;
use crate::session::prepare;
use crate::text::plain::printable;

/// Sets hooks.
pub(super) fn install(context: &Context<'_>, args: &HookInstallArgs) -> Result<Ending, CliError> {
    args.hooks.iter().try_for_each(|name| check(name))?;
    let tools = Tools::plain(context.env);
    let repository = repository(context, &tools)?;
    let root = prepare::locate(&context.load_request());
    let project = root.strip_prefix(&repository.top).unwrap_or(Path::new("")).to_owned();
    let names = if args.hooks.is_empty() { configured(context)? } else { args.hooks.clone() };
    let place = Place::of(&repository, &tools)?;
    if place.is_shared() && !args.anyway {
        return Err(refuse(&place, &repository, &names, &project));
    }
    // In a file that others have too, nothing stands of this machine.
    let program = if place.is_shared() { None } else { this_program() };
    for name in &names {
        let request = Request { directory: &repository.hooks, name, project: &project, program: program.as_deref() };
        let done = set(&request).map_err(|error| failed(&error, name))?;
        let path = shown(&repository, &repository.hooks.join(name));
        output::say(&match done {
            Installed::New => format!("{path}: set"),
            Installed::Beside => {
                let kept = before(&repository.hooks, name);
                let kept = kept.file_name().unwrap_or_default().to_string_lossy().into_owned();
                format!("{path}: set; the hook that was there is {kept} now, and runs first")
            }
            Installed::Renewed => format!("{path}: renewed"),
            Installed::Unchanged => format!("{path}: set already, nothing was changed"),
        });
    }
    if let Some(name) = names.first() {
        output::say(&format!(
            "next: `{program} hook list` shows what runs, `{program} hook run {name}` tries it",
            program = context.program()
        ));
    }
    Ok(Ending::Code(exit::PASSED))
}

/// The hooks of the config, or the one that most people want.
fn configured(context: &Context<'_>) -> Result<Vec<String>, CliError> {
    let project = context.project()?;
    let hooks = &project.pipeline.hooks().hooks;
    let names: Vec<String> = hooks.iter().map(|(name, _)| name.clone()).collect();
    Ok(if names.is_empty() { vec![PRE_PUSH.to_owned()] } else { names })
}

/// The program that this is, by the path at which it will be there the next time, too.
#[expect(clippy::disallowed_methods, reason = "it is written down for later, and started by nobody now")]
fn this_program() -> Option<PathBuf> {
    std::env::current_exe().ok().filter(|path| path.is_file())
}

/// A file as a person would name it.
fn shown(repository: &Repository, path: &Path) -> String {
    let path = path.canonicalize().ok().filter(|_| !path.is_symlink()).unwrap_or_else(|| path.to_owned());
    printable(&path.strip_prefix(&repository.top).unwrap_or(&path).to_string_lossy()).into_owned()
}

/// Others have the directory of hooks, too: it is for the user to say whether they are to have this one.
fn refuse(place: &Place, repository: &Repository, names: &[String], project: &Path) -> CliError {
    let directory = shown(repository, &repository.hooks);
    let name = names.first().map_or(PRE_PUSH, String::as_str);
    let line = command(name, project);
    let (why, hint) = match place {
        Place::OfUser { origin } => (
            format!("core.hooksPath in {origin} has all of your repositories use the hooks in {directory}"),
            format!(
                "`git config core.hooksPath .git/hooks` gives this repository hooks of its own, without those; or put \
                 `{line}` into {directory}/{name}; --anyway sets it there, for all of them"
            ),
        ),
        Place::InWorkTree | Place::Own => {
            let file = managed(repository, name)
                .map_or_else(|| format!("{directory}/{name}"), |file| file.display().to_string());
            (
                format!("core.hooksPath has git use the hooks in {directory}, which is a part of the work tree"),
                format!("put `{line}` into {file}, for all who have the repository; --anyway sets it in {directory}"),
            )
        }
    };
    CliError::usage(format!("{}; nothing was changed", printable(&why))).or_try(printable(&hint).into_owned())
}

fn failed(error: &InstallError, name: &str) -> CliError {
    let message = printable(&error.to_string()).into_owned();
    match error {
        InstallError::Both(..) => CliError::usage(format!("{message}; nothing was changed")).or_try(format!(
            "something has put its own hook in the place of ours: keep one of the two under the name {name}, remove the \
             other, and install again"
        )),
        InstallError::Other { .. } => CliError::usage(format!("{message}; nothing was changed"))
            .or_try(format!("a repository has one hook of a name: `local-ci hook uninstall {name}` takes that one out")),
        InstallError::Io { .. } => CliError::infrastructure(message),
    }
}

/// Takes hooks out.
pub(super) fn uninstall(context: &Context<'_>, args: &HookUninstallArgs) -> Result<Ending, CliError> {
    args.hooks.iter().try_for_each(|name| check(name))?;
    let tools = Tools::plain(context.env);
    let repository = repository(context, &tools)?;
    let all: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    let names = if args.hooks.is_empty() { &all } else { &args.hooks };
    let mut any = false;
    for name in names {
        let path = shown(&repository, &repository.hooks.join(name));
        match take_out(&repository.hooks, name).map_err(|error| failed(&error, name))? {
            Uninstalled::Removed => output::say(&format!("{path}: removed")),
            Uninstalled::Restored => output::say(&format!("{path}: removed; the hook that was there before is back")),
            Uninstalled::NotOurs if args.hooks.is_empty() => continue,
            Uninstalled::NotOurs => match install::look(&repository.hooks, name) {
                Ok(install::Found::Nothing) => output::say(&format!("{path}: there is no such hook")),
                _ => output::say(&format!("{path}: not set by local-ci, and left as it is")),
            },
        }
        any = true;
    }
    if !any {
        output::say("no hook of local-ci's is set here");
    }
    Ok(Ending::Code(exit::PASSED))
}
