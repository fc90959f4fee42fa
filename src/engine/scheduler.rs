//! What runs next: facts in, transitions out. A value, not a thread; it knows no time, no process and no retry.
//!
//! ```text
//!             needs satisfied          needs satisfied,
//!                                      locks free, slots free
//!  Waiting ───────────────────▶ Ready ────────Start────────▶ Running ──finished──▶ Ended
//!     │                           │                             │
//!     ├─ Skip (plan, need failed) └─ Cancel, Skip (run timeout) └─ Stop: stays Running until it has finished
//!     └─ Cancel, Skip (run timeout)     both ──▶ Ended
//! ```
//!
//! - Every stage gets exactly one of `Start`, `Skip` and `Cancel`, and at most one `Stop` after its `Start`. It has
//!   ended with `Skip` and `Cancel`, and with `finished` after a `Start`.
//! - **Priority.** Of the stages that are ready, the one with the longest way to the end of the run comes first, by
//!   [`Plan::paths`]; of equals the one that stands first in the plan.
//! - **Slots.** Each executor has its own pool of them. A stage takes its threads, at least one and at most all. The first
//!   ready stage of a pool whose locks are free and whose threads do not fit holds back everything behind it there, so
//!   that a wide stage starts as soon as enough has ended and cannot be overtaken for ever.
//! - **Locks.** A stage whose lock is taken waits aside and holds back nobody. A lock that becomes free goes to the
//!   first stage by priority that can use it: one whose pool is full leaves it to one of another.
//! - **Cancelling.** After the first cancellation nothing starts, and later ones change nothing: each running stage
//!   is asked to stop once. Whoever wants to ask more firmly does so with the stages that are [`Scheduler::running`].
//!
//! The cost is O((V + E) log V) for the whole run. Only stages that share several locks with others add to it: such
//! a one may move from one lock's queue to another's when a lock becomes free. Pools are few, and are all looked at for each
//! stage that starts.

mod resume;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::ids::{DenseId, DenseMap, StageId, StageName};
use crate::outcome::{CancelReason, Outcome, SkipReason};
use crate::plan::{Decision, Plan};

/// What is to be done with a stage now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// It starts.
    Start(StageId),
    /// It ends without having been started, for this reason.
    Skip(StageId, SkipReason),
    /// It ends without having been started, because the run was cancelled.
    Cancel(StageId, CancelReason),
    /// It runs, and is to be asked to end.
    Stop(StageId, CancelReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Needs are open.
    Waiting,
    /// It could start, but for locks and slots.
    Ready,
    Running,
    Ended,
}

/// Higher priority first, then the order of the plan.
type Rank = (Reverse<u64>, StageId);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LockId(u32);

impl DenseId for LockId {
    fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PoolId(u32);

impl DenseId for PoolId {
    fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The slots of one executor.
#[derive(Clone, Debug)]
struct Pool {
    free: u32,
    /// Ready stages that do not wait aside for a lock. Where a free lock has stages of this pool aside, a stage that ranks
    /// before them and uses the lock is in here: it takes the lock, or lets the next of them in.
    ready: BTreeSet<Rank>,
}

/// A stage, as far as it matters here.
#[derive(Clone, Debug)]
struct Node {
    name: StageName,
    state: State,
    /// Needs that are not satisfied yet.
    open: usize,
    dependants: Vec<StageId>,
    pool: PoolId,
    threads: u32,
    locks: Vec<LockId>,
    allow_failure: bool,
    priority: u64,
}

/// A lock and, for each pool, the ready stages that wait aside for it.
#[derive(Clone, Debug)]
struct Lock {
    taken: bool,
    aside: DenseMap<PoolId, BTreeSet<Rank>>,
}

impl Pool {
    fn of(slots: u32) -> Self {
        Self { free: slots.max(1), ready: BTreeSet::new() }
    }
}

/// Decides for one run what starts, is skipped and is cancelled.
#[derive(Clone, Debug)]
pub struct Scheduler {
    nodes: DenseMap<StageId, Node>,
    locks: DenseMap<LockId, Lock>,
    pools: DenseMap<PoolId, Pool>,
    running: BTreeSet<StageId>,
    fail_fast: bool,
    cancelled: Option<CancelReason>,
    ended: usize,
    /// Decided and not handed out yet; never a `Start`.
    decided: VecDeque<Transition>,
}

impl Scheduler {
    /// A scheduler at the start of a run. The slots of each executor are those that the plan gives it.
    pub fn new(plan: &Plan) -> Self {
        // What is no remote of the plan is here.
        let mut pools: DenseMap<PoolId, Pool> = DenseMap::new();
        let here = pools.push(Pool::of(plan.jobs));
        let there: HashMap<&str, PoolId> =
            plan.remotes.keys().map(|name| (name.as_str(), pools.push(Pool::of(plan.slots(name))))).collect();
        let free_lock = Lock { taken: false, aside: DenseMap::filled(pools.len(), BTreeSet::new()) };
        let graph = plan.graph();
        let remaining = plan.paths().remaining;
        let mut locks = DenseMap::new();
        let mut lock_ids: HashMap<&str, LockId> = HashMap::new();
        let mut nodes = DenseMap::new();
        for (id, stage) in plan.stages.iter() {
            let mut own: Vec<LockId> = Vec::new();
            for name in &stage.policy.locks {
                let lock = *lock_ids.entry(name).or_insert_with(|| locks.push(free_lock.clone()));
                if !own.contains(&lock) {
                    own.push(lock);
                }
            }
            let pool = there.get(stage.executor.as_str()).copied().unwrap_or(here);
            nodes.push(Node {
                name: stage.name.clone(),
                // Before anything follows from them, so that none of them becomes ready because of another.
                state: if stage.runs() { State::Waiting } else { State::Ended },
                open: graph.needs(id).len(),
                dependants: graph.dependants(id).to_vec(),
                pool,
                threads: stage.policy.threads.clamp(1, pools[pool].free),
                locks: own,
                allow_failure: stage.policy.allow_failure,
                priority: remaining[id],
            });
        }
        let mut scheduler = Self {
            nodes,
            locks,
            pools,
            running: BTreeSet::new(),
            fail_fast: plan.fail_fast,
            cancelled: None,
            ended: 0,
            decided: VecDeque::new(),
        };
        for (id, stage) in plan.stages.iter() {
            if let Decision::Skip { reason } = &stage.decision {
                scheduler.skip(id, reason.clone());
            }
        }
        for (id, stage) in plan.stages.iter() {
            if stage.needs.is_empty() {
                scheduler.set_ready(id);
            }
        }
        scheduler
    }

    /// Everything that can be said now. There is nothing more to say until a stage has finished or the run is
    /// cancelled.
    pub fn poll(&mut self) -> Vec<Transition> {
        let mut transitions = self.hand_out();
        let mut held_back = DenseMap::filled(self.pools.len(), false);
        while let Some(rank) = self.first_ready(&held_back) {
            let (_, id) = rank;
            let pool = self.nodes[id].pool;
            let taken = self.nodes[id].locks.iter().copied().find(|lock| self.locks[*lock].taken);
            if let Some(lock) = taken {
                self.pools[pool].ready.remove(&rank);
                self.locks[lock].aside[pool].insert(rank);
                for lock in self.nodes[id].locks.clone() {
                    self.let_in_next(lock, pool);
                }
            } else if self.nodes[id].threads > self.pools[pool].free {
                held_back[pool] = true;
            } else {
                self.pools[pool].ready.remove(&rank);
                self.start(id);
                if !self.nodes[id].locks.is_empty() {
                    // Who holds back its pool may now wait for the lock instead.
                    held_back = DenseMap::filled(self.pools.len(), false);
                }
                transitions.push(Transition::Start(id));
            }
        }
        transitions
    }

    /// The first of all ready stages whose pool has free slots and nobody who holds back the rest.
    fn first_ready(&self, held_back: &DenseMap<PoolId, bool>) -> Option<Rank> {
        let open = self.pools.iter().filter(|(id, pool)| pool.free > 0 && !held_back[*id]);
        open.filter_map(|(_, pool)| pool.ready.first().copied()).min()
    }

    /// A stage that was started has come to its last word. What follows from it is handed out by the next
    /// [`Scheduler::poll`]. Of stages that do not run this says nothing new, and changes nothing.
    pub fn finished(&mut self, stage: StageId, outcome: &Outcome) {
        if !self.running.remove(&stage) {
            return;
        }
        let pool = self.nodes[stage].pool;
        self.pools[pool].free += self.nodes[stage].threads;
        for lock in self.nodes[stage].locks.clone() {
            self.locks[lock].taken = false;
            for pool in self.pools.ids() {
                self.let_in_next(lock, pool);
            }
        }
        self.end(stage, outcome);
        let against_the_verdict = match outcome {
            Outcome::Failed { .. } | Outcome::TimedOut { .. } => !self.nodes[stage].allow_failure,
            Outcome::Errored { .. } => true,
            Outcome::Passed | Outcome::Cached | Outcome::Skipped { .. } | Outcome::Cancelled { .. } => false,
        };
        if self.fail_fast && against_the_verdict {
            self.cancel_all(CancelReason::FailFast);
        }
    }

    /// Ends the run: what was not started is cancelled, or skipped where the run's time is over; what runs is to be
    /// stopped. Also hands out what was decided before.
    pub fn cancel(&mut self, reason: CancelReason) -> Vec<Transition> {
        self.cancel_all(reason);
        self.hand_out()
    }

    /// Whether every stage has ended and every transition was handed out.
    pub fn is_done(&self) -> bool {
        self.ended == self.nodes.len() && self.decided.is_empty()
    }

    /// The stages that were started and have not finished, in order of the plan.
    pub fn running(&self) -> impl ExactSizeIterator<Item = StageId> {
        self.running.iter().copied()
    }

    /// What cancelled the run first, if anything did.
    pub fn cancelled(&self) -> Option<CancelReason> {
        self.cancelled
    }

    /// What was decided; without requests to stop what has finished meanwhile.
    fn hand_out(&mut self) -> Vec<Transition> {
        let running = &self.running;
        let due = |transition: &Transition| match transition {
            Transition::Stop(id, _) => running.contains(id),
            Transition::Start(_) | Transition::Skip(..) | Transition::Cancel(..) => true,
        };
        self.decided.drain(..).filter(due).collect()
    }

    fn rank(&self, id: StageId) -> Rank {
        (Reverse(self.nodes[id].priority), id)
    }

    fn set_ready(&mut self, id: StageId) {
        if self.nodes[id].state == State::Waiting {
            self.nodes[id].state = State::Ready;
            let (pool, rank) = (self.nodes[id].pool, self.rank(id));
            self.pools[pool].ready.insert(rank);
        }
    }

    fn start(&mut self, id: StageId) {
        self.nodes[id].state = State::Running;
        self.running.insert(id);
        let pool = self.nodes[id].pool;
        self.pools[pool].free -= self.nodes[id].threads;
        for lock in self.nodes[id].locks.clone() {
            self.locks[lock].taken = true;
        }
    }

    /// A lock that is free gives its first stage aside of a pool another chance.
    fn let_in_next(&mut self, lock: LockId, pool: PoolId) {
        if !self.locks[lock].taken
            && let Some(rank) = self.locks[lock].aside[pool].pop_first()
        {
            self.pools[pool].ready.insert(rank);
        }
    }

    /// Ends a stage that was not started.
    fn skip(&mut self, id: StageId, reason: SkipReason) {
        self.decided.push_back(Transition::Skip(id, reason.clone()));
        self.end(id, &Outcome::Skipped { reason });
    }

    /// The one place where stages end: marks this one, and then those that can no longer start because of it,
    /// nearest first. Dependants with nothing left to wait for become ready.
    fn end(&mut self, id: StageId, outcome: &Outcome) {
        self.nodes[id].state = State::Ended;
        self.ended += 1;
        if outcome.satisfies(self.nodes[id].allow_failure) {
            for dependant in std::mem::take(&mut self.nodes[id].dependants) {
                self.nodes[dependant].open -= 1;
                if self.nodes[dependant].open == 0 {
                    self.set_ready(dependant);
                }
            }
            return;
        }
        let mut unsatisfied = VecDeque::from([id]);
        while let Some(need) = unsatisfied.pop_front() {
            let name = self.nodes[need].name.clone();
            for dependant in std::mem::take(&mut self.nodes[need].dependants) {
                if self.nodes[dependant].state == State::Waiting {
                    self.nodes[dependant].state = State::Ended;
                    self.ended += 1;
                    let reason = SkipReason::NeedFailed { stage: name.clone() };
                    self.decided.push_back(Transition::Skip(dependant, reason));
                    unsatisfied.push_back(dependant);
                }
            }
        }
    }

    fn cancel_all(&mut self, reason: CancelReason) {
        if self.cancelled.is_some() {
            return;
        }
        self.cancelled = Some(reason);
        for (_, pool) in self.pools.iter_mut() {
            pool.ready.clear();
        }
        for (_, lock) in self.locks.iter_mut() {
            lock.aside.iter_mut().for_each(|(_, aside)| aside.clear());
        }
        for (id, node) in self.nodes.iter_mut() {
            match node.state {
                State::Waiting | State::Ready => {
                    node.state = State::Ended;
                    self.ended += 1;
                    self.decided.push_back(match reason {
                        CancelReason::RunTimeout => Transition::Skip(id, SkipReason::RunTimeout),
                        CancelReason::Interrupt
                        | CancelReason::Terminate
                        | CancelReason::Hangup
                        | CancelReason::Stopped
                        | CancelReason::FailFast
                        | CancelReason::AwaitedNotPassed => Transition::Cancel(id, reason),
                    });
                }
                State::Running => self.decided.push_back(Transition::Stop(id, reason)),
                State::Ended => {}
            }
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
