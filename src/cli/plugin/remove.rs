//! `plugin remove`: a plugin that nothing uses out of `local-ci.toml` and `local-ci.lock`.

use super::stock;
use crate::cli::args::plugin::PluginRemoveArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::text::plain::printable;

/// Takes a plugin out.
pub(super) fn remove(context: &Context<'_>, args: &PluginRemoveArgs) -> Result<Ending, CliError> {
    stock::refuse_locked(context, "`plugin remove`")?;
    let mut stock = stock::open(context)?;
    if let Some(error) = &stock.replaced {
        return Err(CliError::usage(error.to_string()));
    }
    stock.remove(&args.plugin)?;
    let (name, config) = (printable(&args.plugin), stock.declared.shown());
    output::say(&format!("removed plugin {name} from {} and local-ci.lock; its files stay", printable(&config)));
    Ok(Ending::Code(exit::PASSED))
}
