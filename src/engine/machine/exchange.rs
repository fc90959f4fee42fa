//! What goes into the machine, and what comes out of it.

use crate::cancel::CancelLevel;
use crate::event::{EventKind, LogInfo};
use crate::executor::{Ended, ExecError};
use crate::ids::StageId;
use crate::outcome::CancelReason;

/// What is to be done next. The order counts: a stage is announced before it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Say that this happened.
    Emit(EventKind),
    /// Start this attempt.
    Start {
        /// Of which stage.
        stage: StageId,
        /// Counted from one.
        attempt: u32,
        /// Whether it was started before, by an earlier supervisor: then it is joined where it runs, and its log goes on.
        resumes: bool,
    },
    /// Ask the running attempt of this stage to end.
    Cancel {
        /// Which stage.
        stage: StageId,
        /// How firmly.
        level: CancelLevel,
    },
    /// Have the running attempt of this stage stand still, or go on.
    Hold {
        /// Which stage.
        stage: StageId,
        /// Whether it is to stand still.
        still: bool,
    },
}

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// A started attempt is over.
    Ended {
        /// Of which stage.
        stage: StageId,
        /// How it ended, or why it could not be run.
        result: Result<Ended, ExecError>,
        /// What it printed.
        log: LogInfo,
    },
    /// The run is to end.
    Cancel {
        /// By what.
        reason: CancelReason,
        /// How firmly.
        level: CancelLevel,
    },
    /// The run is to stand still. Nothing comes of it in a run that ends.
    Pause,
    /// The run is to go on.
    Resume,
    /// The command of an attempt elsewhere begins: until then it was brought there, which is not its own time.
    Begun {
        /// Of which stage.
        stage: StageId,
        /// Which attempt.
        attempt: u32,
    },
    /// The command of an attempt has ended, and nobody had asked it to: what comes is not its own time, and whatever it is
    /// asked from now on, how it ended stands.
    Over {
        /// Of which stage.
        stage: StageId,
        /// Which attempt.
        attempt: u32,
    },
    /// An attempt that was to stand still does.
    Still {
        /// Of which stage.
        stage: StageId,
        /// Which attempt.
        attempt: u32,
    },
}
