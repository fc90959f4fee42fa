//! The command itself: prints the script of a shell.

use std::path::Path;

use super::shell::Shell;
use crate::cli::args::CompletionsArgs;
use crate::cli::error::CliError;
use crate::cli::{Ending, output};
use crate::env::{self, Env};
use crate::outcome::exit;

/// Prints what a shell needs to complete.
pub(in crate::cli) fn completions(
    args: &CompletionsArgs,
    program: Option<&str>,
    env: &Env,
) -> Result<Ending, CliError> {
    let shell = match &args.shell {
        Some(name) => Shell::find(name).ok_or_else(|| unknown(&format!("there are no completions for {name:?}")))?,
        None => by_environment(env)?,
    };
    let _ = output::print(&shell.script(&program_to_call(program)));
    Ok(Ending::Code(exit::PASSED))
}

fn by_environment(env: &Env) -> Result<Shell, CliError> {
    match env.text(env::SHELL) {
        None => Err(unknown("SHELL is not set, and no shell is named")),
        Some(path) => {
            let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
            Shell::find(&name).ok_or_else(|| unknown(&format!("SHELL is {path:?}, for which there are no completions")))
        }
    }
}

fn unknown(what: &str) -> CliError {
    let names: Vec<&str> = Shell::ALL.iter().map(|shell| shell.name()).collect();
    CliError::usage(what).or_try(format!("name one of {}", names.join(", ")))
}

/// How the script calls the program: by its name where that was how it was found, so that a reinstall is found too;
/// else by its whole path.
fn program_to_call(program: Option<&str>) -> String {
    match program {
        Some(path) if path.contains('/') => match std::path::absolute(path) {
            Ok(path) => path.to_string_lossy().into_owned(),
            Err(_) => path.to_owned(),
        },
        Some(name) if !name.is_empty() => name.to_owned(),
        Some(_) | None => "local-ci".to_owned(),
    }
}
