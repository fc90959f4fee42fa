//! A program on a terminal of its own: what a person sees on the screen, types, and has left afterwards.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcgetpgrp, tcsetwinsize};

use super::invocation::Invocation;
use super::processes;
use super::project::Project;
use super::wait::PATIENCE;

/// Looked again after that long, in case a program ended without a word.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// A program on a pseudo-terminal. Dropping it kills all that runs in its project's name.
pub(crate) struct Terminal<'p> {
    project: &'p Project,
    shown: String,
    deadline: Instant,
    master: File,
    /// Held open, so that the master never reads an end before the program has opened its side.
    slave: Option<OwnedFd>,
    child: Child,
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

/// How a program on a terminal ended.
pub(crate) struct Left {
    pub(crate) status: ExitStatus,
    /// The terminal's modes at the program's end.
    pub(crate) modes: String,
    /// The screen at the program's end.
    pub(crate) screen: String,
    /// Every byte that it wrote.
    pub(crate) bytes: Vec<u8>,
}

impl<'p> Terminal<'p> {
    #[track_caller]
    pub(crate) fn start(invocation: Invocation<'p>, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        tcsetwinsize(&master, size(rows, columns)).unwrap();
        let child = invocation.command_on_tty(OsStr::from_bytes(name.to_bytes())).spawn().unwrap();
        Self {
            project: invocation.project,
            shown: invocation.shown,
            deadline: Instant::now() + invocation.limit,
            master: master.into(),
            slave: Some(slave),
            child,
            parser: vt100::Parser::new(extent(rows), extent(columns), 0),
            bytes: Vec::new(),
        }
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// The process group in the foreground of the terminal.
    pub(crate) fn foreground(&self) -> i32 {
        tcgetpgrp(&self.master).unwrap().as_raw_pid()
    }

    /// Types these keys; `"\x03"` is Ctrl+C, `"\x1a"` Ctrl+Z.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Makes the terminal larger or smaller.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        tcsetwinsize(&self.master, size(rows, columns)).unwrap();
        self.parser.screen_mut().set_size(extent(rows), extent(columns));
    }

    /// The terminal's modes, to compare.
    pub(crate) fn modes(&self) -> String {
        let modes = tcgetattr(&self.master).unwrap();
        let (input, output) = (modes.input_modes, modes.output_modes);
        let (control, local) = (modes.control_modes, modes.local_modes);
        format!("{input:?} {output:?} {control:?} {local:?} {:?}", modes.special_codes)
    }

    /// What a person sees now.
    pub(crate) fn screen(&mut self) -> String {
        while self.read(&Timespec::default()) == Look::Some {}
        self.parser.screen().contents()
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub(crate) fn wait_for_screen(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.parser.screen().contents().contains(text) {
            let ended = self.child.try_wait().unwrap().is_some();
            let nothing_more = self.read(&LOOK) != Look::Some;
            if nothing_more && (ended || Instant::now() > deadline) {
                let screen = self.parser.screen().contents();
                panic!("{text:?} never came on the screen of {}\n--- screen\n{screen}", self.shown);
            }
        }
    }

    /// Sends a signal to the program alone.
    pub(crate) fn kill(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid()).unwrap(), signal).unwrap();
    }

    /// Closes the terminal as closing its window does.
    pub(crate) fn close(&mut self) {
        // The last descriptor of the master's side goes with the swap.
        self.master = File::open("/dev/null").unwrap();
        self.slave = None;
    }

    /// Closes the terminal as closing its window does, and waits for the program's end.
    #[track_caller]
    pub(crate) fn hang_up(mut self) -> ExitStatus {
        self.close();
        self.outlive()
    }

    /// Waits for the end of a program whose terminal is closed.
    #[track_caller]
    pub(crate) fn outlive(mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < self.deadline, "{} outlived its terminal", self.shown);
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// Waits for the program's end and reads what it still had to say.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Left {
        let status = loop {
            let read = self.read(&LOOK);
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if read != Look::Some && Instant::now() > self.deadline {
                let screen = self.parser.screen().contents();
                processes::kill_all(self.project.root());
                panic!("{} did not end in time\n--- screen\n{screen}", self.shown);
            }
        };
        let modes = self.modes();
        // Without any other holder, the master reads all that is left and then an end.
        self.slave = None;
        let deadline = Instant::now() + PATIENCE;
        while self.read(&LOOK) != Look::End {
            let held = processes::belonging_to(self.project.root());
            assert!(Instant::now() < deadline, "{} has ended, but its terminal is still held: {held:?}", self.shown);
        }
        let screen = self.parser.screen().contents();
        Left { status, modes, screen, bytes: std::mem::take(&mut self.bytes) }
    }

    /// Takes in what the program wrote, waiting at most that long for it.
    fn read(&mut self, limit: &Timespec) -> Look {
        let mut polled = [PollFd::from_borrowed_fd(self.master.as_fd(), PollFlags::IN)];
        if !matches!(poll(&mut polled, Some(limit)), Ok(1..)) {
            return Look::Nothing;
        }
        let mut block = [0; 16 * 1024];
        // EIO is how a terminal says that nobody is on its other side.
        match self.master.read(&mut block) {
            Ok(0) | Err(_) => Look::End,
            Ok(length) => {
                self.parser.process(&block[..length]);
                self.bytes.extend_from_slice(&block[..length]);
                Look::Some
            }
        }
    }
}

/// What one look at the terminal brought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Some,
    Nothing,
    End,
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            processes::kill_all(self.project.root());
        }
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// A screen has at least one cell; a terminal may say it has none.
fn extent(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap_or(NonZero::<u16>::MIN)
}
