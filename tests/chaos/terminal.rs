//! Terminals: asking one, being put on one, and leaving one in a bad state.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcgetwinsize, tcsetattr};

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

/// A program as vim is one: on a screen of its own, in raw mode, with everything switched on that there is.
pub(crate) fn screen(mess: bool) -> io::Result<()> {
    let mut tty = File::options().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&tty)?;
    let mut modes = before.clone();
    modes.make_raw();
    // A read gives up after a tenth of a second, so that a new size is seen without a signal.
    modes.special_codes[SpecialCodeIndex::VMIN] = 0;
    modes.special_codes[SpecialCodeIndex::VTIME] = 1;
    tcsetattr(&tty, OptionalActions::Now, &modes)?;
    tty.write_all(b"\x1b[?1049h\x1b[?25l\x1b[?1003h\x1b[?1006h\x1b[?2004h\x1b[?1h\x1b=\x1b[2;6r\x1b[31m")?;
    let (mut keys, mut drawn) = (String::new(), None);
    let mut read = [0; 64];
    while !keys.contains('q') {
        let size = tcgetwinsize(&tty)?;
        let now = (size.ws_row, size.ws_col, keys.clone());
        if drawn.as_ref() != Some(&now) {
            let (rows, columns, keys) = &now;
            write!(tty, "\x1b[2J\x1b[3;5Hsize {rows}x{columns}\x1b[4;5Hkeys {keys}\x1b[{rows};1Hbottom")?;
            drawn = Some(now);
        }
        let n = tty.read(&mut read)?;
        keys.extend(read[..n].iter().flat_map(|byte| byte.escape_ascii()).map(char::from));
    }
    if mess {
        return tty.write_all(b"\x1b]0;no end");
    }
    tty.write_all(b"\x1b[r\x1b[0m\x1b>\x1b[?1l\x1b[?2004l\x1b[?1006l\x1b[?1003l\x1b[?25h\x1b[?1049l")?;
    Ok(tcsetattr(&tty, OptionalActions::Now, &before)?)
}
