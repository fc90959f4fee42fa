//! Waiting for a turn: the part of a supervisor's life before its run begins.
//!
//! ```text
//!  awaited runs: events, lock ── inotify ──▶ a thread that looks ─▶ come, or in vain ─┐
//!  control thread: signals, Ctrl+C, a starter that is gone ──▶ messages ─▶ cancelled ─┴─▶ main thread
//! ```
//!
//! Nothing of the run is there meanwhile but its directory, without a journal. An awaited run has ended when its last event
//! is written or when it is lost; one that is not there any more has ended too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::past::ledger;
use crate::engine::request::Answer;
use crate::engine::runner::Message;
use crate::ids::RunNumber;
use crate::journal::header::Waits;
use crate::journal::layout::{ProjectDir, RunDir};
use crate::journal::state::{self, RunState};
use crate::journal::watch::Watch;
use crate::outcome::{CancelReason, Verdict};
use crate::process::identity::Identity;
use crate::process::table;

/// How soon it is looked again after something was heard: a lock is let go just after its file is closed, and only the
/// closing is heard. Nor is it looked more often than that.
const SOON: Duration = Duration::from_millis(20);
/// How often it is looked at least, in case something was not heard.
const SELDOM: Duration = Duration::from_secs(5);
/// The same where nothing can be heard.
const DEAF: Duration = Duration::from_millis(250);

/// What a look at the awaited runs says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The turn has not come.
    Wait,
    /// It has.
    Come,
    /// It never will: the run that was to pass did not.
    InVain,
}

/// Looks at the runs that are waited for.
pub fn look(project: &ProjectDir, waits: &Waits) -> Look {
    let passed = waits.until_passed.map(|number| has_passed(project, number));
    if passed == Some(Some(false)) {
        return Look::InVain;
    }
    let all_ended = waits.until_ended.iter().all(|number| has_passed(project, *number).is_some());
    if all_ended && passed != Some(None) { Look::Come } else { Look::Wait }
}

/// The runs of these that have not ended.
pub fn still_awaited(project: &ProjectDir, waits: &Waits) -> Vec<RunNumber> {
    waits.runs().into_iter().filter(|number| has_passed(project, *number).is_none()).collect()
}

/// Whether a run has passed; none as long as it has not ended, or nobody can tell.
fn has_passed(project: &ProjectDir, number: RunNumber) -> Option<bool> {
    let run = project.run(number);
    match state::of(&run).ok()? {
        RunState::Queued | RunState::Running => None,
        RunState::Finished { verdict, .. } => Some(verdict == Verdict::Passed),
        // One that was pruned meanwhile has left a line that says what came of it.
        RunState::Lost if !run.path().exists() => {
            Some(ledger::find(project, number).is_some_and(|line| line.run.verdict == Verdict::Passed.word()))
        }
        RunState::Lost => Some(false),
    }
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// The run begins.
    Come,
    /// It is over before it has begun.
    Cancelled(CancelReason),
}

/// Waits until the turn of a run has come, or somebody ends it.
pub(super) fn wait(
    run: &RunDir,
    project: &ProjectDir,
    waits: &Waits,
    messages: &(Sender<Message>, Receiver<Message>),
) -> Waited {
    let (tell, told) = bounded(1);
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = Watcher { run: run.clone(), project: project.clone(), waits: waits.clone(), stop: Arc::clone(&stop) };
    let watching = std::thread::Builder::new().name("turn".into()).stack_size(128 * 1024);
    let Ok(_) = watching.spawn(move || tell.send(watcher.watch())) else {
        // A machine that has no room for one thread more: it is not heard who wants to end this run, but it has its turn.
        return Watcher { run: run.clone(), project: project.clone(), waits: waits.clone(), stop }.watch();
    };
    let mut later = Vec::new();
    let waited = loop {
        select! {
            recv(told) -> waited => break waited.unwrap_or(Waited::Come),
            recv(messages.1) -> message => match message {
                Ok(Message::Cancel { reason, .. }) => break Waited::Cancelled(reason),
                Ok(Message::Asked(asked)) => {
                    let _ = asked.answer.send(Answer::Refused("its turn has not come, and nothing of it has started".into()));
                }
                Ok(message) => later.push(message),
                // This side keeps a sender itself, so the channel is never closed.
                Err(_) => {}
            },
        }
    };
    stop.store(true, Ordering::Release);
    for message in later {
        let _ = messages.0.send(message);
    }
    waited
}

/// Looks at the awaited runs whenever one of them may have ended.
struct Watcher {
    run: RunDir,
    project: ProjectDir,
    waits: Waits,
    stop: Arc<AtomicBool>,
}

impl Watcher {
    fn watch(self) -> Waited {
        let watch = Watch::of_ends().ok();
        let (mut pause, mut heard) = (SOON, false);
        loop {
            // Watched before it is looked, so that nothing happens unheard between the two.
            let is_heard = watch.as_ref().is_some_and(|watch| self.add_all(watch));
            match look(&self.project, &self.waits) {
                Look::Come if !self.run.path().exists() => return Waited::Cancelled(CancelReason::Stopped),
                Look::Come => return Waited::Come,
                Look::InVain => return Waited::Cancelled(CancelReason::AwaitedNotPassed),
                Look::Wait if self.stop.load(Ordering::Acquire) => return Waited::Cancelled(CancelReason::Stopped),
                Look::Wait => {}
            }
            if heard {
                sleep(&mut [], SOON);
                (pause, heard) = (SOON, false);
                continue;
            }
            let most = if is_heard { SELDOM } else { DEAF };
            match &watch {
                Some(watch) => {
                    heard = sleep(&mut [PollFd::new(watch, PollFlags::IN)], pause.min(most));
                    watch.clear();
                }
                None => heard = sleep(&mut [], pause.min(most)),
            }
            pause = (pause * 4).min(most);
        }
    }

    /// Watches for the ends of all runs that have not ended. Says whether that was possible.
    fn add_all(&self, watch: &Watch) -> bool {
        let open = still_awaited(&self.project, &self.waits);
        // One that is not there any more has ended, which the next look will show.
        open.iter()
            .map(|number| self.project.run(*number))
            .all(|run| watch.add_end(&run).is_ok() || !run.path().exists())
    }
}

/// Says whether anything was heard before the time was over.
fn sleep(fds: &mut [PollFd<'_>], limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    poll(fds, Some(&limit)).is_ok_and(|ready| ready > 0)
}

/// The runs of a project that this process is a part of: those whose supervisor it is below.
pub fn outer_runs(project: &ProjectDir) -> Vec<RunNumber> {
    let mut above = Vec::new();
    let mut next = i32::try_from(std::process::id()).ok();
    while let Some(entry) = next.and_then(table::read_entry) {
        next = Some(entry.parent).filter(|parent| *parent > 0 && !above.contains(parent));
        above.push(entry.pid);
    }
    let is_above = |number: &RunNumber| {
        state::Owner::read(&project.run(*number)).is_some_and(|owner| {
            above.contains(&owner.pid)
                && Identity { pid: owner.pid, start_time: owner.start_time, boot_id: owner.boot_id }.is_alive()
        })
    };
    crate::journal::claim::active(project).unwrap_or_default().into_iter().filter(is_above).collect()
}

#[cfg(test)]
mod tests;
