//! A bug on request, for tests of what a panic leaves behind. In no build that anybody uses.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::env::{self, Env};
use crate::event::Event;
use crate::report::{Logs, Reporter, StageTerminal};
use crate::view::RunView;

/// A face that panics once a file is there.
struct Armed {
    reporter: Box<dyn Reporter>,
    file: PathBuf,
}

/// The face, which panics once the file that [`env::TEST_PANIC`] names is there.
pub(super) fn armed(reporter: Box<dyn Reporter>, env: &Env) -> Box<dyn Reporter> {
    match env.absolute(env::TEST_PANIC) {
        Some(file) => Box::new(Armed { reporter, file }),
        None => reporter,
    }
}

/// A stage's terminal that panics where something is to be written on it, once that file is there.
struct ArmedTerminal {
    terminal: Box<dyn StageTerminal>,
    file: PathBuf,
}

/// The terminal, which panics once the file that [`env::TEST_PANIC`] names is there.
pub(super) fn armed_terminal(terminal: Box<dyn StageTerminal>, env: &Env) -> Box<dyn StageTerminal> {
    match env.absolute(env::TEST_PANIC) {
        Some(file) => Box::new(ArmedTerminal { terminal, file }),
        None => terminal,
    }
}

impl StageTerminal for ArmedTerminal {
    fn expect(&mut self, more: bool) {
        self.terminal.expect(more);
    }

    fn hand_over(&mut self) {
        self.terminal.hand_over();
    }

    fn redraw(&mut self) {
        self.terminal.redraw();
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(!self.file.exists(), "a bug, as {} asks for", env::TEST_PANIC);
        self.terminal.write(bytes)
    }

    fn take_back(&mut self) {
        self.terminal.take_back();
    }
}

impl Reporter for Armed {
    fn event(&mut self, view: &RunView, event: &Event, logs: &mut dyn Logs) -> io::Result<()> {
        self.reporter.event(view, event, logs)
    }

    fn output(&mut self, view: &RunView, logs: &mut dyn Logs) -> io::Result<bool> {
        self.reporter.output(view, logs)
    }

    fn tick(&mut self, view: &RunView, now: Timestamp) -> io::Result<()> {
        assert!(!self.file.exists(), "a bug, as {} asks for", env::TEST_PANIC);
        self.reporter.tick(view, now)
    }

    fn make_way(&mut self, view: &RunView) -> io::Result<()> {
        self.reporter.make_way(view)
    }

    fn pace(&self) -> Duration {
        self.reporter.pace()
    }
}
