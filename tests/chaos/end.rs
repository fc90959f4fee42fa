//! Ends that are no exit codes, and ways to get there.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit};

/// Signals that tests call by name.
const NAMES: &[(&str, Signal)] = &[
    ("HUP", Signal::HUP),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("ILL", Signal::ILL),
    ("ABRT", Signal::ABORT),
    ("BUS", Signal::BUS),
    ("FPE", Signal::FPE),
    ("KILL", Signal::KILL),
    ("USR1", Signal::USR1),
    ("SEGV", Signal::SEGV),
    ("USR2", Signal::USR2),
    ("TERM", Signal::TERM),
];

/// A signal by number or name, with or without SIG.
pub(crate) fn signal(text: &str) -> Result<i32, String> {
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let named = NAMES.iter().find(|(n, _)| *n == name).map(|(_, signal)| signal.as_raw());
    named.or_else(|| text.parse().ok()).ok_or_else(|| "a signal's number, or a name like SEGV".into())
}

pub(crate) fn crash(number: i32) -> io::Result<ExitCode> {
    let signal = Signal::from_named_raw(number).ok_or_else(|| io::Error::other("no such signal"))?;
    // A core file would be litter in the test's directory.
    setrlimit(Resource::Core, Rlimit { current: Some(0), ..getrlimit(Resource::Core) })?;
    // The runtime's own handler of SIGSEGV and SIGBUS takes the first one and puts the default back.
    for _ in 0..2 {
        kill_process(getpid(), signal)?;
    }
    Err(io::Error::other(format!("signal {number} did not end this process")))
}

pub(crate) fn alloc(bytes: u64, hold: Duration) -> io::Result<()> {
    let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
    let mut memory: Vec<u8> = Vec::new();
    memory.try_reserve_exact(bytes).map_err(io::Error::other)?;
    // Ones, as zeros might never become pages.
    memory.resize(bytes, 1);
    writeln!(io::stdout(), "took {} bytes", std::hint::black_box(&memory).len())?;
    std::thread::sleep(hold);
    Ok(())
}
