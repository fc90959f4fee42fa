//! The `local-ci` command: see [`local_ci::cli`].

use std::ffi::OsString;
use std::process::ExitCode;

use local_ci::cli::{self, Ending};
use local_ci::env::Env;
use local_ci::report::terminal;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // Before the message, which would else stand among what is drawn; what is drawn belongs to nobody any more.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        terminal::restore();
        tell(panic);
    }));
    let ending = cli::main(&arguments, &Env::capture());
    terminal::restore();
    match ending {
        Ending::Code(code) => ExitCode::from(code),
        Ending::Signal(signal) => {
            local_ci::process::die_of_signal(signal);
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
        }
    }
}
