//! Where live mode draws: standard error, as a terminal.

use std::io::{self, Write};

use console::Term;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stderr;

use crate::process;

/// How large a terminal is, in cells. Neither is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// From top to bottom.
    pub rows: u16,
    /// From left to right.
    pub columns: u16,
}

impl Size {
    /// What a terminal is taken for that does not say, or says that it has none.
    pub const USUAL: Self = Self { rows: 24, columns: 80 };
}

/// Something that can be drawn on.
pub trait Canvas: Write {
    /// How large it is now.
    fn size(&self) -> Size;

    /// Whether drawing now would neither wait for somebody to read nor get in somebody's way: in the background of a
    /// shell the terminal is another program's.
    fn is_free(&self) -> bool;
}

/// Standard error, unbuffered: what is drawn is drawn with one write.
#[derive(Debug)]
pub struct Stderr {
    term: Term,
}

impl Stderr {
    /// Standard error, if it is a terminal.
    pub fn terminal() -> Option<Self> {
        let term = Term::stderr();
        term.is_term().then_some(Self { term })
    }

    /// Whether we are in the foreground of this terminal.
    pub fn is_foreground() -> bool {
        process::is_foreground(stderr())
    }
}

impl Canvas for Stderr {
    fn size(&self) -> Size {
        self.term.size_checked().map_or(Size::USUAL, |(rows, columns)| Size { rows, columns })
    }

    fn is_free(&self) -> bool {
        is_writable() && Self::is_foreground()
    }
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_some(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes to standard error, past any buffer.
pub(super) fn write_some(bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(stderr(), bytes)?)
}

/// Whether standard error takes something at once. A terminal that was stopped with Ctrl+S does not.
pub(super) fn is_writable() -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let stderr = stderr();
    let mut polled = [PollFd::new(&stderr, PollFlags::OUT)];
    poll(&mut polled, Some(&now)).is_ok_and(|ready| ready > 0) && polled[0].revents().contains(PollFlags::OUT)
}
