//! Brings a run's work tree to another machine, and between it and here what stages make.

use std::collections::BTreeMap;
use std::path::PathBuf;
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
            Load { id, makes: plan.stages[id].outputs.clone(), needs }
        };
        let ids = plan.stages.ids().filter(here);
        let loads = ids.map(|id| (plan.stages[id].name.clone(), load(id))).collect();
        Arc::new(Self { parts, loads, tree: Mutex::default() })
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

    /// Tells the run of something.
    fn tell(&self, news: RemoteNews) {
        // The loop is gone only when the run is over.
        let _ = self.parts.messages.send(Message::News { remote: self.parts.remote.name.clone(), news });
    }

    fn send(&self, job: Option<&Job>, cancelled: Cancelled<'_>) -> Result<Arc<Tree>, Fault> {
        let order = self.order();
        let joins = self.parts.was_sent || job.is_some_and(|job| job.resumes.is_some());
        let (tree, sent) = self.with_hands(cancelled, |hands| {
            let there = if joins { Tree::rejoin(&order, hands)? } else { None };
            match there {
                Some(tree) => Ok((tree, None)),
                None => Tree::send(&order, hands).map(|(tree, sent)| (tree, Some(sent))),
            }
        })?;
        if let Some(sent) = sent.filter(|_| self.parts.remote.sync != How::None) {
            let duration_ms = milliseconds(sent.took);
            self.tell(RemoteNews::Sent { files: sent.files, bytes: sent.bytes, duration_ms });
        }
        let tree = Arc::new(tree);
        *self.tree() = Some(Arc::clone(&tree));
        Ok(tree)
    }

    /// The line was made anew: says there again whose the tree is. Where somebody else has it meanwhile, it is sent again
    /// before the next stage starts.
    pub(super) fn keep(&self, cancelled: Cancelled<'_>) {
        let Some(tree) = self.tree().clone() else { return };
        if let Ok(false) = self.with_hands(cancelled, |hands| tree.keep(hands)) {
            *self.tree() = None;
        }
    }

    /// Nothing of the run is started there any more: others may have the tree.
    pub(super) fn release(&self, cancelled: Cancelled<'_>) -> Result<(), Fault> {
        let Some(tree) = self.tree().take() else { return Ok(()) };
        self.with_hands(cancelled, |hands| tree.release(hands))
    }
}

impl Carrier for Cart {
    fn prepare(&self, cancelled: Cancelled<'_>) -> Result<WorkTree, Fault> {
        let tree = self.send(None, cancelled)?;
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
        let there = self.tree().clone();
        let tree = match there {
            Some(tree) => tree,
            None => self.send(Some(job), cancelled)?,
        };
        self.with_hands(cancelled, |hands| tree.put(&load.needs, hands)).map(drop)
    }

    fn fetch(&self, job: &Job, cancelled: Cancelled<'_>) -> Result<(), Fault> {
        let Some(load) = self.loads.get(&job.stage).filter(|load| !load.makes.is_empty()) else { return Ok(()) };
        let there = self.tree().clone();
        let tree = match there {
            Some(tree) => tree,
            None => self.send(Some(job), cancelled)?,
        };
        let moved = self.with_hands(cancelled, |hands| tree.fetch(&load.makes, hands))?;
        let duration_ms = milliseconds(moved.took);
        self.tell(RemoteNews::Fetched { stage: load.id, files: moved.files, bytes: moved.bytes, duration_ms });
        Ok(())
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
