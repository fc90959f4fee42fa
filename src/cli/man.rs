use super::Ending;
use super::error::CliError;
pub(super) fn man() -> Result<Ending, CliError> {
    Err(CliError::usage("`man` is not in this version"))
}
