//! Terminals for what we start: a pair of ends, ours to read and type on, and the one that a program has.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{
    InputModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};
use serde::{Deserialize, Serialize};

/// How large a terminal is, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// From top to bottom.
    pub rows: u16,
    /// From left to right.
    pub columns: u16,
}

impl Size {
    /// What a terminal is taken for that does not say.
    pub const USUAL: Self = Self { rows: 24, columns: 80 };

    /// What this terminal says of itself; the usual where it says nothing, or that it has no cells.
    pub fn of(terminal: impl AsFd) -> Self {
        match tcgetwinsize(terminal) {
            Ok(size) => Self { rows: size.ws_row, columns: size.ws_col }.sound(),
            Err(_) => Self::USUAL,
        }
    }

    /// The same, unless it has no cells: then the usual.
    #[must_use]
    pub fn sound(self) -> Self {
        if self.rows == 0 || self.columns == 0 { Self::USUAL } else { self }
    }

    fn winsize(self, pixels: u16) -> Winsize {
        Winsize { ws_row: self.rows, ws_col: self.columns, ws_xpixel: pixels, ws_ypixel: pixels }
    }
}

/// A terminal that nobody has opened yet: our end, and the one to be given away.
pub fn pair(size: Size) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags)?;
    unlockpt(&ours)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags)?;
    tcsetwinsize(&theirs, size.winsize(0))?;
    Ok((ours, theirs))
}

/// Has a terminal pass on what is written to it as it is, without carriage returns of its own.
pub fn pass_on_output(terminal: impl AsFd) -> io::Result<()> {
    change(terminal, |modes| modes.output_modes.remove(OutputModes::OPOST))
}

/// Has a terminal take what is typed for UTF-8, so that one backspace takes away one character.
pub fn take_utf8(terminal: impl AsFd) -> io::Result<()> {
    change(terminal, |modes| modes.input_modes.insert(InputModes::IUTF8))
}

fn change(terminal: impl AsFd, how: impl FnOnce(&mut rustix::termios::Termios)) -> io::Result<()> {
    let mut modes = tcgetattr(terminal.as_fd())?;
    how(&mut modes);
    Ok(tcsetattr(terminal, OptionalActions::Now, &modes)?)
}

/// Tells a terminal how large it is, and whoever is in its foreground that this may be new (SIGWINCH), also where it is
/// not: who draws then draws anew.
pub fn resize(terminal: impl AsFd, size: Size) -> io::Result<()> {
    // The system says nothing of a size that is the same; one that differs in pixels, which nobody has given us, does not
    // count as the same.
    tcsetwinsize(terminal.as_fd(), size.winsize(1))?;
    Ok(tcsetwinsize(terminal, size.winsize(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H22: a terminal without cells is taken for a usual one.
    #[test]
    fn h22_a_terminal_without_cells_is_a_usual_one() {
        let (ours, theirs) = pair(Size { rows: 10, columns: 20 }).unwrap();
        assert_eq!(Size::of(&theirs), Size { rows: 10, columns: 20 });
        resize(&ours, Size { rows: 0, columns: 7 }).unwrap();
        assert_eq!(Size::of(&theirs), Size::USUAL);
        assert_eq!(tcgetwinsize(&theirs).unwrap().ws_xpixel, 0);
        assert_eq!(Size::of(std::fs::File::open("/dev/null").unwrap()), Size::USUAL);
    }
}
