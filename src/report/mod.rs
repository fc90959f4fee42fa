//! What a person or a program sees of a run. A [`Reporter`] draws; it is told what happened and asks [`Logs`] for
//! what stages printed, at its own pace. It never waits for anything but its own output, and never runs anything.

mod about;
mod ago;
mod annotations;
mod announce;
pub mod comparison;
mod cursor;
pub mod dialect;
pub mod display;
pub mod document;
mod excerpt;
pub mod grouped;
mod guest;
pub mod job_list;
pub mod json;
pub mod lines;
pub mod live;
mod mark;
pub mod past_runs;
mod prefix;
pub mod quiet;
pub mod recap;
mod remotes;
mod silence;
mod sparkline;
mod spoken;
pub mod statistics;
mod stuck;
pub mod style;
mod summary;
mod table;
pub mod terminal;
mod transcript;
mod verdict;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use about::About;
pub use ago::Ago;
pub use dialect::Dialect;
pub use display::Display;
pub use guest::StageTerminal;
pub use prefix::Prefix;
pub use remotes::{Aside, Detail, Words};
pub use style::{ColourWhen, Glyphs, Style};
pub use table::Look;
pub use transcript::{Layout, Randomness, Rerun, TranscriptOptions};

use crate::clock::Timestamp;
use crate::event::Event;
use crate::ids::StageId;
use crate::view::RunView;

/// One of the two files that an attempt's output may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogPart {
    /// The output from its first byte, up to `log-max`.
    Head,
    /// The end of an output longer than `log-max`; complete once the attempt has ended.
    Tail,
}

/// Which log: a stage's, of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogKey {
    /// The stage.
    pub stage: StageId,
    /// The attempt, from one.
    pub attempt: u32,
    /// Head or tail.
    pub part: LogPart,
}

/// Where a viewer begins that does not want all of what an attempt printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// In which part.
    pub part: LogPart,
    /// From which byte of it on.
    pub offset: u64,
    /// What to say of what is left out.
    pub note: String,
}

/// What somebody did to a log while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It is shorter than what was read of it.
    Truncated,
    /// There is another file in its place, which is read from now on.
    Replaced,
    /// It is gone. What is open of it can be read all the same.
    Removed,
}

/// Where a reporter finds what stages printed.
pub trait Logs {
    /// Where to begin with what an attempt printed; none: with its first byte.
    fn beginning(&mut self, _log: LogKey) -> Option<Beginning> {
        None
    }

    /// What was done to a log of which nothing could be read from `offset` on, if anything.
    fn mishap(&mut self, _log: LogKey, _offset: u64) -> Option<Mishap> {
        None
    }

    /// Reads what is there from `offset` on; zero bytes where nothing is there yet, or the file does not exist.
    fn read(&mut self, log: LogKey, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// The file as a person would open it, where there is one.
    fn path(&self, log: LogKey) -> Option<PathBuf>;

    /// When something was written to a log the last time: by the wall clock, in milliseconds since 1970. None where that is
    /// not known.
    fn written(&self, _log: LogKey) -> Option<i64> {
        None
    }

    /// Whether all of this is still there after the run: somebody may have removed it.
    fn is_kept(&self) -> bool;
}

/// A face of a run.
pub trait Reporter {
    /// Something happened; `view` has it already.
    fn event(&mut self, view: &RunView, event: &Event, logs: &mut dyn Logs) -> io::Result<()>;

    /// There may be more output to show. Shows a bounded amount and says whether there is more at once.
    fn output(&mut self, view: &RunView, logs: &mut dyn Logs) -> io::Result<bool>;

    /// Time passes: called about as often as [`Reporter::pace`] says while nothing else happens.
    fn tick(&mut self, view: &RunView, now: Timestamp) -> io::Result<()>;

    /// Somebody else is about to write on the terminal: writes what is to stay, and takes away what is not.
    fn make_way(&mut self, _view: &RunView) -> io::Result<()> {
        Ok(())
    }

    /// How often it wants to hear that time passes; sooner for once, where it has something to show.
    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }
}

#[cfg(test)]
mod tests;
