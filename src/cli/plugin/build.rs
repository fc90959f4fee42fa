//! `plugin build`: a component of a plugin's sources, with the tools of its language.

use super::shown;
use crate::cli::args::plugin::PluginBuildArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::process::tool::Tools;
use crate::session::plugins::build;
use crate::text::plain::printable;

/// Builds a plugin.
pub(super) fn build(context: &Context<'_>, args: &PluginBuildArgs) -> Result<Ending, CliError> {
    let dir = context.directory.join(&args.dir);
    let Ok(dir) = dir.canonicalize() else {
        return Err(CliError::usage(format!("there is no directory {}", args.dir.display()))
            .or_try("name the directory of a plugin; `local-ci plugin new NAME` makes one"));
    };
    if let Some(language) = build::language(&dir) {
        output::say(&printable(&format!("building a plugin in {language}: {}", dir.display())));
    }
    let built = build::build(&Tools::plain(context.env), &dir)?;
    let (size, roles) = (shown::size(built.shape.size), shown::roles(&built.shape.roles));
    output::say(&printable(&format!("wrote {}: {size}, {roles}", built.file.display())));
    Ok(Ending::Code(exit::PASSED))
}
