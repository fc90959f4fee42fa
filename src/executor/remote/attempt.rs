//! One attempt on another machine, from its start to its end.
//!
//! The thread that runs it sleeps in one channel, in which it is told of output, of the verdict, of its loss, and that
//! something is asked of it. Three ways lead out, as they do here:
//!
//! - the verdict comes, after the last byte of output;
//! - there is none and will be none: what ran is lost, or left to itself;
//! - it is cancelled: see [`super::ending`].
//!
//! Before each of them it may have to stand still for a while: see [`super::hold`].

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::follower::{Following, Heard};
use super::site::Site;
use super::verdict::{How, Verdict};
use super::{fault, place, processes, refusal};
use crate::cancel::CancelToken;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::event::{OutputSink, Stream};
use crate::executor::{Ended, ExecError, Job};
use crate::outcome::Exit;
use crate::remote::shell::Answer;
use crate::remote::{Fault, FaultKind};

/// For how long there may be nothing of an attempt that was started before it is lost.
const NOTHING_PATIENCE: Duration = Duration::from_secs(15);

/// An attempt that was started, and what is needed to see it through.
pub(super) struct Attempt<'a> {
    pub(super) site: &'a Site,
    pub(super) job: &'a Job,
    /// Its directory's name.
    pub(super) id: String,
    pub(super) heard: Receiver<Heard>,
    pub(super) following: Following,
    /// When there was something of it the last time.
    pub(super) seen: Timestamp,
}

/// What a turn of the loop came to.
pub(super) enum Turn {
    /// It goes on: there was output, or something may be asked of it, or the time was over.
    On,
    /// It has ended: all of its output is written down.
    Over(Verdict),
}

/// Whether something is asked of an attempt that [`Attempt::attend`] does.
pub(super) fn is_asked(cancel: &CancelToken) -> bool {
    cancel.has_signals() || cancel.is_held()
}

impl Attempt<'_> {
    /// Sees the attempt through.
    pub(super) fn run(mut self, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        match self.follow(out, cancel) {
            Ok(Some(verdict)) => self.end(&verdict, cancel),
            Ok(None) => self.end_tree(out, cancel),
            Err(error) => Err(self.unheard(error)),
        }
    }

    /// Follows it to its verdict. None where it is to end before.
    fn follow(&mut self, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Option<Verdict>, ExecError> {
        // A run that was paused when its supervisor was killed goes on.
        if self.job.resumes.is_some() {
            self.go_on(cancel)?;
        }
        loop {
            if cancel.level().is_some() {
                return Ok(None);
            }
            if is_asked(cancel) {
                if let Some(verdict) = self.attend(out, cancel)? {
                    return Ok(Some(verdict));
                }
            } else if let Turn::Over(verdict) = self.turn(None, out)? {
                return Ok(Some(verdict));
            }
        }
    }

    /// Nobody will hear of it any more, so nothing of it is to go on. Where that cannot be seen to, it is left to itself, and
    /// there is no verdict on it.
    pub(super) fn unheard(&self, error: ExecError) -> ExecError {
        let ExecError::Infrastructure { message } = error else { return error };
        match self.sweep() {
            Ok(()) => ExecError::Infrastructure { message },
            Err(left @ ExecError::Left { .. }) => left,
            Err(left) => ExecError::Infrastructure { message: format!("{message}; {left}") },
        }
    }

    /// Waits for the next thing that happens, no longer than `limit`, and writes down what it printed.
    pub(super) fn turn(&mut self, limit: Option<Duration>, out: &mut dyn OutputSink) -> Result<Turn, ExecError> {
        let heard = match limit {
            None => self.heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(limit) => self.heard.recv_timeout(limit),
        };
        let host = self.site.host();
        match heard {
            Ok(Heard::Bytes(bytes)) => {
                self.seen = SystemClock.now();
                out.write(Stream::Stdout, &bytes);
                self.following.take(bytes.len());
                Ok(Turn::On)
            }
            Ok(Heard::Verdict(record)) => match Verdict::read(&record, &place::nonce(self.job)) {
                Some(verdict) => Ok(Turn::Over(verdict)),
                None => Err(fault::lost(host, "what is there as its verdict is not what its wrapper writes")),
            },
            Ok(Heard::Lost(why)) => {
                let why = match why.as_str() {
                    "rebooted" => "the machine was started anew while it ran",
                    _ => "what waited for its end was killed, for want of memory perhaps",
                };
                Err(fault::lost(host, why))
            }
            Ok(Heard::Nothing) => {
                if SystemClock.now().since(self.seen) < NOTHING_PATIENCE {
                    return Ok(Turn::On);
                }
                Err(fault::lost(host, "its directory is gone, or nothing in it ever ran"))
            }
            Ok(Heard::Left(fault)) => Err(fault::ended(&fault)),
            Ok(Heard::Woken) | Err(RecvTimeoutError::Timeout) => Ok(Turn::On),
            Err(RecvTimeoutError::Disconnected) => Err(fault::lost(host, "nobody follows it any more")),
        }
    }

    /// Runs a script there.
    pub(super) fn call(&self, script: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        self.site.line.call(script, cancelled)
    }

    /// What its verdict comes to.
    pub(super) fn end(&self, verdict: &Verdict, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let exit = match verdict.how {
            How::Exit(exit) => exit,
            How::Refused => return Err(self.refused()),
        };
        if verdict.full && !exit.success() {
            return Err(self.full(exit));
        }
        if verdict.full {
            let host = self.site.host();
            let said =
                format!("{}: there was no room on {host} when it ended: some of its output may be missing", self.id);
            self.site.line.remark(said);
        }
        if exit.success() {
            let cancelled = || cancel.level().is_some();
            match self.site.carrier.fetch(self.job, &cancelled) {
                // What becomes of it then is not for us to say.
                Err(fault) if fault.kind != FaultKind::Cancelled => return Err(fault::ended(&fault)),
                Ok(()) | Err(_) => {}
            }
        } else if cancel.level().is_none() && self.job.part == 0 {
            // What a plugin makes of a command that fails is not known yet.
            self.site.carrier.forgo(self.job);
        }
        Ok(Ended { exit, leaked: processes::leaked(&verdict.flags), took: Some(verdict.took) })
    }

    /// The command was not run: why is in a file there.
    fn refused(&self) -> ExecError {
        let script = self.site.place.in_attempt(&self.id, "cat said");
        match self.call(&script, &|| false) {
            Ok(answer) => refusal::read(&answer.text(), self.site.host()),
            Err(fault) => fault::ended(&fault),
        }
    }

    /// It failed, and there is no room: which of both was first is not to be known.
    fn full(&self, exit: Exit) -> ExecError {
        let script = self.site.place.in_attempt(&self.id, "df -Pk . | tail -n 1");
        let df = self.call(&script, &|| false).map(|answer| answer.text().trim().to_owned()).unwrap_or_default();
        let host = self.site.host();
        let message = format!("the stage ended with {exit} on {host}, where there is no room for its output: {df}");
        let fault = Fault::new(FaultKind::NoSpace, message).cure("make room there (`df -h`)");
        fault::ended(&fault)
    }
}
