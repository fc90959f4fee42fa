//! `man`: the manual page, made from the program's own table of arguments and of what that does not say.

mod page;
mod sections;
#[cfg(test)]
mod tests;

use clap::CommandFactory;

use super::args::Cli;
use super::error::CliError;
use super::{Ending, output};
use crate::outcome::exit;

/// Prints the manual page.
#[expect(clippy::unnecessary_wraps, reason = "as every command")]
pub(super) fn man() -> Result<Ending, CliError> {
    let _ = output::print(&page::page(&Cli::command()));
    Ok(Ending::Code(exit::PASSED))
}
