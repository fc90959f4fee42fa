//! Having an attempt end on another machine, as firmly as asked for, and being sure that it has.
//!
//! A level is a script there: it signals the command's group and what has left it. The wrapper stays, and writes the verdict
//! once nothing of the tree is left; it is what ends an attempt here too. At the last level the script kills, again until
//! nothing is left, and says what cannot be killed. Where no verdict comes after that, the wrapper is killed as well, and
//! the end is what this side says it is.
//!
//! While the line is down a level is tried until it is there again, and what the machine's own timers ask meanwhile counts.
//! Only for the last level nobody waits longer than one operation may take: what runs there then is left to itself.

use std::time::Duration;

use super::attempt::{Attempt, Turn, is_asked};
use super::processes::{self, Remaining, named};
use super::verdict::{How, Verdict};
use crate::cancel::{CancelLevel, CancelToken};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::event::OutputSink;
use crate::executor::{Ended, ExecError};
use crate::outcome::Exit;
use crate::remote::shell::Answer;
use crate::remote::{Fault, FaultKind};

/// Has an attempt end: see the file.
const END: &str = include_str!("scripts/end.sh");
/// How long a wrapper may take to say that everything is gone, once it was killed.
const VERDICT_PATIENCE: Duration = Duration::from_secs(5);
/// The level at which the wrapper is killed too.
const WITH_WRAPPER: u8 = 4;

/// What is said of an attempt that is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// There is no such attempt.
    Absent,
    /// There is a verdict.
    Ended,
    /// It was done; of what was to be killed this is left.
    Done(Vec<Remaining>),
    /// It says something else.
    Nonsense,
}

impl Said {
    fn read(answer: &Answer) -> Self {
        let text = answer.text();
        match text.lines().last() {
            Some("absent") => Self::Absent,
            Some("ended") => Self::Ended,
            Some("done") => {
                let left = text.lines().filter_map(|line| Remaining::read(line.strip_prefix("left ")?));
                Self::Done(left.collect())
            }
            _ => Self::Nonsense,
        }
    }
}

/// How far an attempt that is to end has come.
#[derive(Default)]
struct Progress {
    /// The level that was reached there.
    reached: Option<CancelLevel>,
    /// What could not be killed.
    left: Vec<Remaining>,
    /// When it was asked to be killed, and when it was.
    kill: Option<(Timestamp, Option<Timestamp>)>,
}

impl Attempt<'_> {
    /// Has all of it end, as firmly as asked for; more firmly when more is asked for meanwhile.
    pub(super) fn end_tree(&mut self, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let mut progress = Progress::default();
        loop {
            let level = cancel.level();
            if level < Some(CancelLevel::Kill) && is_asked(cancel) {
                match self.attend(out, cancel) {
                    Ok(Some(verdict)) => return self.ended(&verdict, &progress),
                    Ok(None) => continue,
                    Err(left @ ExecError::Left { .. }) => return Err(left),
                    Err(_) => return self.end_for_good(&progress),
                }
            }
            if let Some(level) = level.filter(|level| Some(*level) > progress.reached) {
                if self.reach(level, &mut progress, cancel)? == Reached::Nothing {
                    return Ok(Ended { exit: Exit::Signal(libc::SIGKILL), leaked: Vec::new(), took: None });
                }
                continue;
            }
            let limit = match progress.kill {
                Some((_, Some(killed))) => {
                    let limit = VERDICT_PATIENCE.min(self.site.timeout).saturating_sub(SystemClock.now().since(killed));
                    if limit.is_zero() {
                        return self.end_for_good(&progress);
                    }
                    Some(limit)
                }
                _ => None,
            };
            match self.turn(limit, out) {
                Ok(Turn::Over(verdict)) => return self.ended(&verdict, &progress),
                Ok(Turn::On) => {}
                Err(left @ ExecError::Left { .. }) => return Err(left),
                // Its wrapper is gone, or the machine was started anew: what is left is nothing that anybody waits for.
                Err(_) => return self.end_for_good(&progress),
            }
        }
    }

    /// Asks for a level there, and again while the line is down.
    fn reach(
        &mut self,
        level: CancelLevel,
        progress: &mut Progress,
        cancel: &CancelToken,
    ) -> Result<Reached, ExecError> {
        let began = SystemClock.now();
        if level == CancelLevel::Kill {
            progress.kill.get_or_insert((began, None));
        }
        let limit = self.site.timeout;
        let over = || match level {
            CancelLevel::Kill => SystemClock.now().since(began) >= limit,
            // More is asked for: that goes first.
            CancelLevel::Interrupt | CancelLevel::Terminate => cancel.level() > Some(level),
        };
        match self.ask_to_end(level as u8, &over) {
            Ok(Said::Done(left)) => progress.left = left,
            // What there is of it is on its way, a verdict among it.
            Ok(Said::Ended) => {}
            Ok(Said::Absent) => return Ok(Reached::Nothing),
            Ok(Said::Nonsense) => {
                let host = self.site.host();
                let message = format!("{host} says what it was not asked where a stage is to be ended");
                return Err(ExecError::Infrastructure { message });
            }
            Err(fault) if fault.kind == FaultKind::Cancelled && level < CancelLevel::Kill => return Ok(Reached::Level),
            Err(fault) => return Err(self.abandoned(&fault)),
        }
        progress.reached = Some(level);
        if let Some((_, killed)) = progress.kill.as_mut().filter(|_| level == CancelLevel::Kill) {
            *killed = Some(SystemClock.now());
        }
        Ok(Reached::Level)
    }

    fn ask_to_end(&self, level: u8, cancelled: &dyn Fn() -> bool) -> Result<Said, Fault> {
        // Half of the time that one operation may take, so that there is an answer in any case.
        let patience = (self.site.timeout / 2).min(Duration::from_secs(5)).as_millis() / 10;
        let sets = format!("__level={level} __patience={patience}");
        let script = processes::script(&self.site.place, self.job, &sets, END);
        self.call(&script, cancelled).map(|answer| Said::read(&answer))
    }

    /// Its verdict has come after it was asked to end.
    fn ended(&self, verdict: &Verdict, progress: &Progress) -> Result<Ended, ExecError> {
        if !progress.left.is_empty() {
            return Err(self.survived(&progress.left));
        }
        let exit = match verdict.how {
            How::Exit(exit) => exit,
            How::Refused => Exit::Signal(libc::SIGKILL),
        };
        Ok(Ended { exit, leaked: Vec::new(), took: Some(verdict.took) })
    }

    /// Nobody there says that it has ended: all of it is killed, its wrapper too.
    fn end_for_good(&self, progress: &Progress) -> Result<Ended, ExecError> {
        let began = SystemClock.now();
        let limit = self.site.timeout;
        let left = match self.ask_to_end(WITH_WRAPPER, &|| SystemClock.now().since(began) >= limit) {
            Ok(Said::Done(left)) => left,
            Ok(Said::Ended | Said::Absent) => progress.left.clone(),
            Ok(Said::Nonsense) => Vec::new(),
            Err(fault) => return Err(self.abandoned(&fault)),
        };
        if left.is_empty() {
            return Ok(Ended { exit: Exit::Signal(libc::SIGKILL), leaked: Vec::new(), took: None });
        }
        Err(self.survived(&left))
    }

    /// Kills what may be left of an attempt that nobody waits for any more. Fails with what is left all the same.
    pub(super) fn sweep(&self) -> Result<(), ExecError> {
        self.end_for_good(&Progress::default()).map(drop)
    }

    /// It was to end, and there is no way to say so there.
    fn abandoned(&self, fault: &Fault) -> ExecError {
        let host = self.site.host();
        let why = match fault.kind {
            FaultKind::Cancelled => format!("{host} has not answered for {} s", self.site.timeout.as_secs()),
            _ => fault.message.clone(),
        };
        let again = match self.job.number {
            Some(number) => {
                format!("`local-ci attach {number}` takes it over once {host} can be reached, and Ctrl+C ends it then")
            }
            None => format!("look for it with `ssh {host} ps -ef`"),
        };
        ExecError::Left {
            message: format!("it may still be running on {host}, where it could not be ended: {why}; {again}"),
        }
    }

    /// It has ended but for what cannot be killed.
    fn survived(&self, left: &[Remaining]) -> ExecError {
        let host = self.site.host();
        let named = named(left);
        let pids: Vec<String> = left.iter().map(|one| one.pid.to_string()).collect();
        ExecError::Infrastructure {
            message: format!(
                "still running on {host} although it was killed: {named}; it belongs to another user or hangs in the kernel \
                 (look at it with `ssh {host} ps -o pid,user,stat,args -p {}`)",
                pids.join(",")
            ),
        }
    }
}

/// What came of asking for a level.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// It is to be waited for.
    Level,
    /// There was nothing that could have ended.
    Nothing,
}
