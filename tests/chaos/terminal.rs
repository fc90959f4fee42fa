//! Terminals: asking one, being put on one, and leaving one in a bad state.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::output;

/// What a terminal that is not there gives: ENXIO.
const NO_TERMINAL: u8 = 6;

pub(crate) fn read_tty() -> io::Result<ExitCode> {
    let tty = match File::options().read(true).write(true).open("/dev/tty") {
        Ok(tty) => tty,
        Err(error) => {
            output::complain(&format!("/dev/tty: {error}"));
            return Ok(ExitCode::from(NO_TERMINAL));
        }
    };
    (&tty).write_all(b"name? ")?;
    let mut answer = String::new();
    BufReader::new(tty).read_line(&mut answer)?;
    writeln!(io::stdout(), "the answer was {}", answer.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn read_stdin() -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    writeln!(io::stdout(), "stdin had {} bytes", text.len())
}

pub(crate) fn on_tty(tty: &Path, command: &[OsString]) -> io::Result<ExitCode> {
    rustix::process::setsid()?;
    let tty = File::options().read(true).write(true).open(tty)?;
    rustix::process::ioctl_tiocsctty(&tty)?;
    let (program, args) = command.split_first().ok_or_else(|| io::Error::other("no command"))?;
    Err(Command::new(program).args(args).stdin(tty.try_clone()?).stdout(tty.try_clone()?).stderr(tty).exec())
}

pub(crate) fn spoil() -> io::Result<()> {
    let tty = File::options().read(true).write(true).open("/dev/tty")?;
    let mut modes = tcgetattr(&tty)?;
    modes.make_raw();
    Ok(tcsetattr(&tty, OptionalActions::Now, &modes)?)
}
