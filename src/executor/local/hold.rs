//! Standing still: a paused run's processes are stopped, all of them, and go on when it does. And signals, which reach a
//! tree whether it stands still or not.

use std::time::Duration;

use rustix::event::{Timespec, poll};

use super::LocalExecutor;
use super::attempt::Attempt;
use crate::cancel::CancelToken;
use crate::event::OutputSink;
use crate::executor::ExecError;
use crate::process::reaper::Reaper;
use crate::process::still::Still;
use crate::process::table::{Entry, Table, signal_exactly};
use crate::process::tree::Tree;

/// Between two looks at a tree that is being stopped.
const LOOK: Duration = Duration::from_millis(1);
/// How long a tree may take to stand still. What takes longer hangs in the kernel, and stops when it comes out of it.
const PATIENCE: Duration = Duration::from_secs(3);

impl Attempt<'_> {
    /// Does what was asked meanwhile: sends signals, and stands still for as long as it is to. Says for how long it did.
    pub(super) fn attend(
        &mut self,
        tree: &Tree,
        out: &mut dyn OutputSink,
        cancel: &CancelToken,
    ) -> Result<Duration, ExecError> {
        self.pass_signals_on(tree, cancel);
        if !cancel.is_held() {
            return Ok(Duration::ZERO);
        }
        let began = self.clock.now();
        let level = cancel.level();
        let mut still = Still::default();
        let mut settled = None;
        while let Some(hold) = cancel.held().filter(|_| cancel.level() == level) {
            self.pass_signals_on(tree, cancel);
            if settled.is_none() {
                let late = self.clock.now().since(began) >= PATIENCE;
                settled = match self.members(tree) {
                    Some(members) => (still.stop(&members) || late).then(|| restless(&still, &members)),
                    // What cannot be seen is reached by its group.
                    None => {
                        self.child.signal_group(libc::SIGSTOP);
                        late.then(|| Some("nobody can see whether all of it stands still".into()))
                    }
                };
                if settled.is_none() {
                    self.pump(Some(LOOK), out)?;
                    continue;
                }
            }
            cancel.say_still(hold, settled.clone().flatten());
            // Somebody may have killed it.
            if self.is_gone(tree) {
                break;
            }
            self.pump(None, out)?;
        }
        match self.members(tree) {
            Some(members) => still.resume(&members),
            None => drop(self.child.signal_group(libc::SIGCONT)),
        }
        Ok(self.clock.now().since(began))
    }

    /// Whether nothing is left of it that could stand still.
    fn is_gone(&self, tree: &Tree) -> bool {
        self.child.exit().is_some() && self.members(tree).is_some_and(|left| left.is_empty())
    }

    /// Whether something is asked of it that [`Attempt::attend`] does.
    pub(super) fn is_asked(&self, tree: &Tree, cancel: &CancelToken) -> bool {
        cancel.has_signals() || cancel.is_held() && !self.is_gone(tree)
    }

    /// Sends signals that came to every process of the tree, and says how many got each.
    fn pass_signals_on(&self, tree: &Tree, cancel: &CancelToken) {
        if !cancel.has_signals() {
            return;
        }
        for signal in cancel.take_signals() {
            let members = self.members(tree).unwrap_or_default();
            let reached = |entry: &&Entry| signal_exactly(entry.pid, entry.start_time, signal).unwrap_or(false);
            cancel.say_signalled(members.iter().filter(reached).count());
        }
    }
}

/// What does not stand still, as a sentence.
fn restless(still: &Still, members: &[Entry]) -> Option<String> {
    let named: Vec<String> =
        still.restless(members).map(|entry| format!("{} (pid {})", entry.name, entry.pid)).collect();
    let hung = (!named.is_empty())
        .then(|| format!("{} hangs in the kernel and stops only when it comes out of it", named.join(", ")));
    let refused = match still.refused() {
        0 => None,
        n => Some(format!("{n} of its processes belong to another user and cannot be stopped")),
    };
    let parts: Vec<String> = [hung, refused].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("not all of it stands still while the run is paused: {}", parts.join("; ")))
}

/// What is below us and belongs to no child that is ours: an orphan that lost every mark of its stage.
#[derive(Debug)]
pub(super) struct Strays(Still);

impl Strays {
    /// Stops what runs of them, for a moment at most.
    pub(super) fn stop(reaper: &Reaper) -> Self {
        let mut still = Still::default();
        for _ in 0..200 {
            if still.stop(&strays(reaper)) {
                break;
            }
            let _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 }));
        }
        Self(still)
    }

    /// Has those go on that were stopped.
    pub(super) fn resume(self, reaper: &Reaper) {
        self.0.resume(&strays(reaper));
    }
}

fn strays(reaper: &Reaper) -> Vec<Entry> {
    let orphans = reaper.orphans();
    if orphans.is_empty() {
        return orphans;
    }
    let table = Table::read().unwrap_or_default();
    let below: Vec<Entry> = orphans.iter().flat_map(|orphan| table.descendants(orphan.pid, &[])).cloned().collect();
    orphans.into_iter().chain(below).collect()
}

impl LocalExecutor {
    /// See [`crate::executor::Executor::hold_strays`].
    pub(super) fn stop_strays(&self, still: bool) {
        let mut strays = self.strays.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(stopped) = strays.take() {
            stopped.resume(&self.reaper);
        }
        if still {
            *strays = Some(Strays::stop(&self.reaper));
        }
    }
}
