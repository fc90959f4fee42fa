//! `schema`: the config's JSON schema.

use super::args::SchemaArgs;
use super::error::CliError;
use super::{Ending, output};
use crate::config;
use crate::outcome::exit;

/// Prints the JSON schema of the project's config, or of the user's.
pub(super) fn schema(args: &SchemaArgs) -> Result<Ending, CliError> {
    let schema = if args.user { config::user_schema() } else { config::document_schema() };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| CliError::infrastructure(error.to_string()))?;
    let _ = output::print(&(text + "\n"));
    Ok(Ending::Code(exit::PASSED))
}
