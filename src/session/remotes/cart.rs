//! Brings a run's work tree to another machine, and between it and here what stages make.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::Sender;

use super::rope::Rope;
use crate::engine::runner::Message;
use crate::event::RemoteNews;
use crate::executor::Job;
use crate::executor::remote::{Carrier, WorkTree};
use crate::ids::{RunId, RunNumber, StageId, StageName};
use crate::pipeline::remote::{Remote, Sync as How};
use crate::plan::Plan;
use crate::process::tool::Tools;
use crate::remote::tree::{Hands, Order, Tree};
use crate::remote::{Fault, FaultKind};

/// What is asked whether a stage still waits.
type Cancelled<'a> = &'a (dyn Fn() -> bool + Sync);

/// What is known of a stage that runs there.
#[derive(Debug)]
struct Load {
    id: StageId,
    /// Globs of what it makes.
    makes: Vec<String>,
    /// Globs of what stages make elsewhere that it needs.
    needs: Vec<String>,
    /// How often it is tried.
    attempts: u32,
}

/// Everything a cart is made of.
pub(super) struct Parts {
    /// The run.
    pub(super) run: RunId,
    /// Its number, where it has one.
    pub(super) number: Option<RunNumber>,
    /// The project's directory here.
    pub(super) root: PathBuf,
    /// What the project is called there.
    pub(super) project: String,
    /// A directory here in which is remembered what was sent.
    pub(super) store: PathBuf,
    /// Where to.
    pub(super) remote: Remote,
    /// The way there.
    pub(super) rope: Arc<Rope>,
    /// Programs here.
    pub(super) tools: Tools,
    /// Who tells what has come of it.
    pub(super) messages: Sender<Message>,
    /// Whether an earlier supervisor has sent the tree: it is not sent again then, for stages may be running in it.
    pub(super) was_sent: bool,
}

/// Carries files for the stages of a run on one machine.
pub(super) struct Cart {
    parts: Parts,
    loads: BTreeMap<StageName, Load>,
    tree: Mutex<Option<Arc<Tree>>>,
    /// How often the line was made anew, after each of which another run may have the tree.
    doubts: AtomicU64,
    /// Of these, how many had come when it was last seen to be ours.
    settled: AtomicU64,
}

impl Cart {
    /// A cart for the stages of this plan that run there.
    pub(super) fn new(plan: &Plan, parts: Parts) -> Arc<Self> {
        let here = |id: &StageId| plan.stages[*id].executor == parts.remote.name;
        let load = |id: StageId| {
            let mut needs: Vec<String> = Vec::new();
            for need in needed(plan, id).into_iter().filter(|need| !here(need)) {
                needs.extend(plan.stages[need].outputs.iter().cloned());
            }
            let attempts = plan.stages[id].policy.retries.saturating_add(1);
            Load { id, makes: plan.stages[id].outputs.clone(), needs, attempts }
        };
        let ids = plan.stages.ids().filter(here);
        let loads = ids.map(|id| (plan.stages[id].name.clone(), load(id))).collect();
        Arc::new(Self { parts, loads, tree: Mutex::default(), doubts: AtomicU64::new(0), settled: AtomicU64::new(0) })
    }

    fn tree(&self) -> MutexGuard<'_, Option<Arc<Tree>>> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self) -> Order<'_> {
        let Parts { run, number, root, project, store, remote, .. } = &self.parts;
        Order { root, store, project, run, number: *number, remote }
    }

    fn with_hands<T>(&self, cancelled: Cancelled<'_>, work: impl FnOnce(&Hands<'_>) -> T) -> T {
        let tell = |text: &str| self.tell(RemoteNews::Remark { text: text.to_owned() });
        work(&Hands { there: &*self.parts.rope, tools: &self.parts.tools, cancelled, tell: &tell })
    }

    /// The same for what a stage makes or needs: what becomes of it otherwise than was asked for is about that stage.
    fn with_hands_for<T>(&self, stage: &StageName, cancelled: Cancelled<'_>, work: impl FnOnce(&Hands<'_>) -> T) -> T {
        let tell = |text: &str| self.remark(stage, text.to_owned());
        work(&Hands { there: &*self.parts.rope, tools: &self.parts.tools, cancelled, tell: &tell })
    }

    fn remark(&self, stage: &StageName, text: String) {
        // As above.
        let _ = self.parts.messages.send(Message::Remark { stage: Some(stage.clone()), text });
    }

    /// Tells the run of something.
    fn tell(&self, news: RemoteNews) {
        // The loop is gone only when the run is over.
        let _ = self.parts.messages.send(Message::News { remote: self.parts.remote.name.clone(), news });
    }

    /// The tree that is there and this run's, if there is one: what this supervisor has brought there, or one before it that
    /// `joins` says has.
    fn ours(&self, joins: bool, cancelled: Cancelled<'_>) -> Result<Option<Arc<Tree>>, Fault> {
        if let Some(tree) = self.kept(cancelled)? {
            return Ok(Some(tree));
        }
        if !joins {
            return Ok(None);
        }
        let (order, doubts) = (self.order(), self.doubts.load(Ordering::Acquire));
        let tree = self.with_hands(cancelled, |hands| Tree::rejoin(&order, hands))?;
        Ok(tree.map(|tree| self.have(tree, doubts)))
    }

    /// The same, sent as it is here now where there is none.
    fn sent(&self, cancelled: Cancelled<'_>) -> Result<Arc<Tree>, Fault> {
        if let Some(tree) = self.ours(self.parts.was_sent, cancelled)? {
            return Ok(tree);
        }
        let (order, doubts) = (self.order(), self.doubts.load(Ordering::Acquire));
        let (tree, sent) = self.with_hands(cancelled, |hands| Tree::send(&order, hands))?;
        if self.parts.remote.sync != How::None {
            let duration_ms = milliseconds(sent.took);
            self.tell(RemoteNews::Sent { files: sent.files, bytes: sent.bytes, duration_ms });
        }
        Ok(self.have(tree, doubts))
    }

    /// It is ours, as far as the line that was there then says.
    fn have(&self, tree: Tree, doubts: u64) -> Arc<Tree> {
        let tree = Arc::new(tree);
        *self.tree() = Some(Arc::clone(&tree));
        self.settled.fetch_max(doubts, Ordering::AcqRel);
        tree
    }

    /// The line was made anew: another run may have the tree by now. To be called before anything goes over that line.
    pub(super) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }

    /// The tree, where there is one. If the line was made anew, says there again whose it is; where another run has it
    /// meanwhile, there is none any more.
    pub(super) fn kept(&self, cancelled: Cancelled<'_>) -> Result<Option<Arc<Tree>>, Fault> {
        let Some(tree) = self.tree().clone() else { return Ok(None) };
        let doubts = self.doubts.load(Ordering::Acquire);
        if self.settled.load(Ordering::Acquire) >= doubts {
            return Ok(Some(tree));
        }
        if self.with_hands(cancelled, |hands| tree.keep(hands))? {
            self.settled.fetch_max(doubts, Ordering::AcqRel);
            return Ok(Some(tree));
        }
        let mut now = self.tree();
        if now.as_ref().is_some_and(|now| Arc::ptr_eq(now, &tree)) {
            *now = None;
        }
        Ok(None)
    }

    /// Nothing of the run is started there any more: others may have the tree.
    pub(super) fn release(&self, cancelled: Cancelled<'_>) -> Result<(), Fault> {
        let Some(tree) = self.tree().take() else { return Ok(()) };
        self.with_hands(cancelled, |hands| tree.release(hands))
    }
}

impl Carrier for Cart {
    fn prepare(&self, cancelled: Cancelled<'_>) -> Result<WorkTree, Fault> {
        let tree = self.sent(cancelled)?;
        let path = tree.dir().to_str().map(str::to_owned);
        let path = path.ok_or_else(|| {
            let text =
                format!("{}: the work tree is in a directory whose name is no text", self.parts.remote.destination);
            Fault::new(FaultKind::Directory, text)
        })?;
        Ok(WorkTree { path })
    }

    fn bring(&self, job: &Job, cancelled: Cancelled<'_>) -> Result<(), Fault> {
        let Some(load) = self.loads.get(&job.stage).filter(|load| !load.needs.is_empty()) else { return Ok(()) };
        let tree = self.sent(cancelled)?;
        self.with_hands_for(&job.stage, cancelled, |hands| tree.put(&load.needs, hands)).map(drop)
    }

    fn fetch(&self, job: &Job, cancelled: Cancelled<'_>) -> Result<(), Fault> {
        let Some(load) = self.loads.get(&job.stage).filter(|load| !load.makes.is_empty()) else { return Ok(()) };
        // What is in a tree that is sent now, or in another run's, is not what this stage made.
        let Some(tree) = self.ours(self.parts.was_sent || job.resumes.is_some(), cancelled)? else {
            let host = &self.parts.remote.destination.host;
            let text = format!("what it made on {host} is gone: another run has had the work tree since");
            return Err(
                Fault::new(FaultKind::Directory, text).cure("run it again: it has the work tree to itself then")
            );
        };
        let moved = self.with_hands_for(&job.stage, cancelled, |hands| tree.fetch(&load.makes, hands))?;
        let duration_ms = milliseconds(moved.took);
        self.tell(RemoteNews::Fetched { stage: load.id, files: moved.files, bytes: moved.bytes, duration_ms });
        Ok(())
    }

    fn forgo(&self, job: &Job) {
        let load = self.loads.get(&job.stage).filter(|load| !load.makes.is_empty() && job.attempt >= load.attempts);
        if load.is_some() {
            let host = &self.parts.remote.destination.host;
            let text = format!("it did not pass: its outputs are not brought back from {host}");
            self.remark(&job.stage, text);
        }
    }
}

/// All stages that come before one, nearest first.
fn needed(plan: &Plan, stage: StageId) -> Vec<StageId> {
    let mut found: Vec<StageId> = Vec::new();
    let mut open = plan.stages[stage].needs.clone();
    while let Some(id) = open.pop() {
        if !found.contains(&id) {
            found.push(id);
            open.extend(plan.stages[id].needs.iter().copied());
        }
    }
    found
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
