//! What commands about plugins start from, and what goes wrong with them as an error of the command line.

use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::session::plugins::declared::Declared;
use crate::session::plugins::resolve::host;
use crate::session::plugins::stock::Stock;
use crate::session::plugins::trouble::Trouble;
use crate::text::plain::printable;

/// The plugins of the project here.
pub(super) fn open(context: &Context<'_>) -> Result<Stock, CliError> {
    let declared = Declared::read(&context.load_request())?;
    Ok(Stock::open(declared, host(context.env), context.env)?)
}

/// The same for who adds the first one: where the project has no config, it is about to have one.
pub(super) fn open_or_begin(context: &Context<'_>) -> Result<Stock, CliError> {
    let declared = Declared::read_or_begin(&context.load_request())?;
    Ok(Stock::open(declared, host(context.env), context.env)?)
}

/// Fails where a command is asked to keep the lock file as it is, and cannot.
pub(super) fn refuse_locked(context: &Context<'_>, what: &str) -> Result<(), CliError> {
    if !context.global.locked {
        return Ok(());
    }
    Err(CliError::usage(format!("{what} changes local-ci.lock, and --locked lets nothing change it"))
        .or_try("leave --locked out, or unset LOCAL_CI_LOCKED"))
}

impl From<Trouble> for CliError {
    fn from(trouble: Trouble) -> Self {
        let error = if trouble.is_ours { Self::infrastructure(trouble.why) } else { Self::usage(trouble.why) };
        match trouble.help {
            // A plugin's own words may stand in it.
            Some(help) => error.or_try(help.lines().map(printable).collect::<Vec<_>>().join("\n")),
            None => error,
        }
    }
}
