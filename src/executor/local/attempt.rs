//! One attempt from its start to the end of everything it started.
//!
//! The thread that runs it sleeps in one poll(2) over the output, and a waker that rings when the process ends, when
//! an orphan is reaped, and when the attempt is to be cancelled. Three ways lead out:
//!
//! - the process ends, its output closes and nothing is left: the usual one, without looking at other processes;
//! - the process ends and something is still there after [`LEAK_PATIENCE`]: leaked, treated as the stage's `leak` says;
//! - it is cancelled: the whole tree gets the signal, and the attempt is over when the tree is empty.
//!
//! Before each of them it may have to stand still for a while: see [`super::hold`].

use std::time::Duration;

use super::{command, signal_of};
use crate::cancel::{CancelLevel, CancelToken};
use crate::clock::{Clock, Timestamp};
use crate::event::{LeakedProcess, OutputSink};
use crate::executor::{Ended, ExecError, Job};
use crate::outcome::Exit;
use crate::pipeline::Leak;
use crate::process::pump::Pump;
use crate::process::reaper::{Child, Reaper};
use crate::process::table::Entry;
use crate::process::tree::{Tree, signal_all, wait_gone};

/// How long a process's output and children may outlive it before they count as leaked.
const LEAK_PATIENCE: Duration = Duration::from_millis(200);
/// How often a tree that was asked to end is looked at, once its own process has.
const LOOK: Duration = Duration::from_millis(25);
/// How long what was killed may take to go; beyond that it hangs in the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// A process that was started, and what is needed to see it through.
pub(super) struct Attempt<'a> {
    pub(super) reaper: &'a Reaper,
    pub(super) clock: &'a dyn Clock,
    pub(super) job: &'a Job,
    pub(super) child: Child,
    /// When it was about to be started, as processes' start times count.
    pub(super) since: u64,
    /// The orphans that were there before.
    pub(super) earlier: Vec<(i32, u64)>,
    pub(super) pump: Pump,
}

impl Attempt<'_> {
    /// Sees the attempt through.
    pub(super) fn run(mut self, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let cookie = command::cookie(self.job).map(|(name, value)| format!("{name}={value}"));
        let tree = Tree {
            since: self.since,
            earlier: std::mem::take(&mut self.earlier),
            kin: cookie[0].clone(),
            cookie: cookie.into(),
        };
        let mut ended_at: Option<(Exit, Timestamp)> = None;
        loop {
            if cancel.level().is_some() {
                return self.end_tree(&tree, out, cancel);
            }
            if self.is_asked(&tree, cancel) {
                let stood = self.attend(&tree, out, cancel)?;
                // What it may take does not run out meanwhile.
                ended_at = ended_at.map(|(exit, at)| (exit, at.after(stood)));
                continue;
            }
            let look = || if self.pump.is_open() { self.child.exit() } else { self.child.look() };
            if let (None, Some(exit)) = (ended_at, look()) {
                ended_at = Some((exit, self.clock.now()));
            }
            let Some((exit, at)) = ended_at else {
                self.pump(None, out)?;
                continue;
            };
            let patience = LEAK_PATIENCE.saturating_sub(self.clock.now().since(at));
            if self.pump.is_open() {
                if patience.is_zero() {
                    let leaked = self.leaked(&tree, out)?;
                    return Ok(Ended { exit, leaked, took: None });
                }
            } else if self.reaper.orphans().is_empty() || self.members(&tree).is_none_or(|left| left.is_empty()) {
                return Ok(Ended { exit, leaked: Vec::new(), took: None });
            } else if patience.is_zero() {
                let leaked = self.leaked(&tree, out)?;
                return Ok(Ended { exit, leaked, took: None });
            }
            self.pump(Some(patience), out)?;
        }
    }

    pub(super) fn pump(&mut self, limit: Option<Duration>, out: &mut dyn OutputSink) -> Result<bool, ExecError> {
        self.pump
            .wait(limit, &mut |stream, bytes| out.write(stream, bytes))
            .map_err(|error| super::infrastructure("cannot read the stage's output", &error))
    }

    /// What is in the pipes now.
    fn drain(&mut self, out: &mut dyn OutputSink) {
        self.pump.drain(&mut |stream, bytes| out.write(stream, bytes));
    }

    /// What is left of the tree; nothing is known of it where `/proc` cannot be read, for want of a descriptor perhaps.
    /// That is no reason to let go of a tree: its group is still reached.
    pub(super) fn members(&self, tree: &Tree) -> Option<Vec<Entry>> {
        tree.members(self.reaper, &self.child).ok()
    }

    /// The process is gone and left something behind.
    fn leaked(&mut self, tree: &Tree, out: &mut dyn OutputSink) -> Result<Vec<LeakedProcess>, ExecError> {
        let members = self.members(tree).unwrap_or_default();
        let left = match self.job.leak {
            Leak::Kill | Leak::Fail => self.kill(tree, out)?,
            Leak::Warn | Leak::Allow => {
                self.reaper.spare(&members);
                members.clone()
            }
        };
        self.drain(out);
        if self.job.leak == Leak::Allow {
            // What was left on purpose is nothing to report.
            return Ok(Vec::new());
        }
        let report = |entry: Entry| {
            let killed = !left.iter().any(|left| left.pid == entry.pid);
            LeakedProcess { pid: entry.pid, command: entry.name, killed }
        };
        Ok(members.into_iter().map(report).collect())
    }

    /// Has the whole tree end, as firmly as asked for; more firmly when more is asked for meanwhile.
    fn end_tree(&mut self, tree: &Tree, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let mut sent: Option<CancelLevel> = None;
        loop {
            let level = cancel.level();
            if level == Some(CancelLevel::Kill) {
                let left = self.kill(tree, out)?;
                if !left.is_empty() {
                    return Err(ExecError::Infrastructure { message: survivors(&left) });
                }
                break;
            }
            if self.is_asked(tree, cancel) {
                self.attend(tree, out, cancel)?;
                continue;
            }
            if let Some(level) = level.filter(|level| Some(*level) > sent) {
                // The group in one call, so that a shell and what it runs hear it together; then who left the group.
                // Where the one that led it is gone, the others of the group are reached one by one.
                let group = self.child.signal_group(signal_of(level));
                let mut others = self.members(tree).unwrap_or_default();
                others.retain(|entry| !(group && entry.group == self.child.pid()));
                signal_all(&others, signal_of(level));
                sent = Some(level);
            }
            let ended = self.child.exit().is_some();
            if ended {
                let Some(left) = self.members(tree) else {
                    // What cannot be seen is waited for until it is to be killed.
                    self.pump(Some(LOOK), out)?;
                    continue;
                };
                if left.is_empty() {
                    break;
                }
                // A shell has its background jobs ignore SIGINT. What it leaves behind is asked in words that reach it.
                if sent == Some(CancelLevel::Interrupt) {
                    signal_all(&left, signal_of(CancelLevel::Terminate));
                    sent = Some(CancelLevel::Terminate);
                }
            }
            self.pump(ended.then_some(LOOK), out)?;
        }
        self.drain(out);
        let exit = self.child.exit().unwrap_or(Exit::Signal(libc::SIGKILL));
        Ok(Ended { exit, leaked: Vec::new(), took: None })
    }

    /// Kills the tree, again until nothing is left of it. Returns what cannot be killed: processes of another user, and
    /// those that hang in the kernel.
    fn kill(&mut self, tree: &Tree, out: &mut dyn OutputSink) -> Result<Vec<Entry>, ExecError> {
        let began = self.clock.now();
        loop {
            self.child.signal_group(libc::SIGKILL);
            let members = self.members(tree).unwrap_or_default();
            let refused = signal_all(&members, libc::SIGKILL);
            let over = refused.len() == members.len() && self.child.exit().is_some();
            if over || self.clock.now().since(began) > KILL_PATIENCE {
                return Ok(members);
            }
            wait_gone(&members, LOOK);
            self.pump(Some(Duration::from_millis(1)), out)?;
        }
    }
}

/// What to say of processes that cannot be killed.
fn survivors(left: &[Entry]) -> String {
    let named: Vec<String> = left.iter().map(|entry| format!("{} (pid {})", entry.name, entry.pid)).collect();
    format!(
        "what the stage started cannot be killed: {}; it belongs to another user or hangs in the kernel",
        named.join(", ")
    )
}
