//! Other people's programs, which are not on every machine.

use std::path::{Path, PathBuf};

use super::strace::skip;

/// Whether a program is on the path; where it is not, a line says that the test is skipped.
pub(crate) fn have(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    if !found {
        skip(&format!("skipped: {program} is not installed; apt-get install {program}"));
    }
    found
}

/// The directory of the toolchain that runs the tests, if it has all of these programs; where it has not, a line says
/// that the test is skipped.
pub(crate) fn toolchain(programs: &[&str]) -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_default();
    let bin = Path::new(&cargo).parent().unwrap_or(Path::new(""));
    let missing = programs.iter().find(|program| !bin.join(program).is_file());
    match missing {
        None => Some(bin.to_owned()),
        Some(missing) => {
            skip(&format!("skipped: {missing} does not belong to the toolchain; rustup component add rustfmt clippy"));
            None
        }
    }
}
