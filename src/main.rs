//! The `local-ci` command: see [`local_ci::cli`].

use std::ffi::OsString;
use std::process::ExitCode;

use local_ci::cli::{self, Ending};
use local_ci::env::Env;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match cli::main(&arguments, &Env::capture()) {
        Ending::Code(code) => ExitCode::from(code),
        Ending::Signal(signal) => {
            local_ci::process::die_of_signal(signal);
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
        }
    }
}
