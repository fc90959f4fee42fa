use super::Ending;
use super::args::CompletionsArgs;
use super::error::CliError;
use crate::env::Env;
pub(super) fn completions(_args: &CompletionsArgs, _env: &Env) -> Result<Ending, CliError> {
    Err(CliError::usage("`completions` is not in this version"))
}
