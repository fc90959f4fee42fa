//! The scheduler in lockstep with a slow and simple model of the same rules, over random runs.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{condition, failed, plan, remote, stage};
use super::*;
use crate::plan::PlannedStage;
use crate::view::recorded::expecting;

/// The same rules, the slow way: everything is looked at again at every step.
struct Model<'a> {
    plan: &'a Plan,
    priority: DenseMap<StageId, u64>,
    ended: BTreeMap<StageId, Outcome>,
    running: BTreeSet<StageId>,
    cancelled: Option<CancelReason>,
    /// Ends and stops that have to be handed out next, in any order.
    due: Vec<Transition>,
}

impl<'a> Model<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut model = Self {
            plan,
            priority: plan.paths().remaining,
            ended: BTreeMap::new(),
            running: BTreeSet::new(),
            cancelled: None,
            due: Vec::new(),
        };
        for (id, stage) in plan.stages.iter() {
            if let Decision::Skip { reason } = &stage.decision {
                model.ended.insert(id, Outcome::Skipped { reason: reason.clone() });
                model.due.push(Transition::Skip(id, reason.clone()));
            }
        }
        model
    }

    fn unstarted(&self) -> Vec<StageId> {
        self.plan.stages.ids().filter(|id| !self.ended.contains_key(id) && !self.running.contains(id)).collect()
    }

    fn satisfied(&self, need: StageId) -> Option<bool> {
        self.ended.get(&need).map(|outcome| outcome.satisfies(self.plan.stages[need].policy.allow_failure))
    }

    fn finish(&mut self, id: StageId, outcome: &Outcome) {
        self.running.remove(&id);
        self.ended.insert(id, outcome.clone());
        self.due.retain(|transition| !matches!(transition, Transition::Stop(stopped, _) if *stopped == id));
        // A need that comes first in the plan has its say before those that need it: once over the plan is enough.
        for waiting in self.unstarted() {
            let needs = &self.plan.stages[waiting].needs;
            if let Some(need) = needs.iter().find(|need| self.satisfied(**need) == Some(false)) {
                let reason = SkipReason::NeedFailed { stage: self.plan.stages[*need].name.clone() };
                self.ended.insert(waiting, Outcome::Skipped { reason: reason.clone() });
                self.due.push(Transition::Skip(waiting, reason));
            }
        }
        let allowed = self.plan.stages[id].policy.allow_failure;
        let counts = match outcome {
            Outcome::Failed { .. } | Outcome::TimedOut { .. } => !allowed,
            other => matches!(other, Outcome::Errored { .. }),
        };
        if self.plan.fail_fast && counts {
            self.cancel(CancelReason::FailFast);
        }
    }

    fn cancel(&mut self, reason: CancelReason) {
        if self.cancelled.is_some() {
            return;
        }
        self.cancelled = Some(reason);
        for id in self.unstarted() {
            if reason == CancelReason::RunTimeout {
                self.ended.insert(id, Outcome::Skipped { reason: SkipReason::RunTimeout });
                self.due.push(Transition::Skip(id, SkipReason::RunTimeout));
            } else {
                self.ended.insert(id, Outcome::Cancelled { reason });
                self.due.push(Transition::Cancel(id, reason));
            }
        }
        self.due.extend(self.running.iter().map(|id| Transition::Stop(*id, reason)));
    }

    fn threads(&self, id: StageId) -> u32 {
        self.plan.stages[id].policy.threads.clamp(1, self.slots(id))
    }

    /// The slots of the place that a stage runs in.
    fn slots(&self, id: StageId) -> u32 {
        self.plan.slots(&self.plan.stages[id].executor)
    }

    /// How many of them are taken.
    fn used(&self, id: StageId) -> u32 {
        let place = |id: &StageId| &self.plan.stages[*id].executor;
        self.running.iter().filter(|other| place(other) == place(&id)).map(|id| self.threads(*id)).sum()
    }

    fn start_ready(&mut self) -> Vec<StageId> {
        let mut started = Vec::new();
        while let Some(id) = self.first_to_start() {
            self.running.insert(id);
            started.push(id);
        }
        started
    }

    fn first_to_start(&self) -> Option<StageId> {
        let mut ready = self.unstarted();
        ready.retain(|id| self.plan.stages[*id].needs.iter().all(|need| self.satisfied(*need) == Some(true)));
        ready.sort_by_key(|id| (Reverse(self.priority[*id]), *id));
        let mut held_back: BTreeSet<&str> = BTreeSet::new();
        ready.into_iter().find(|id| {
            let PlannedStage { executor, policy, .. } = &self.plan.stages[*id];
            let locks = &policy.locks;
            let overlaps = |other: &StageId| self.plan.stages[*other].policy.locks.iter().any(|l| locks.contains(l));
            if held_back.contains(executor.as_str()) || self.running.iter().any(overlaps) {
                return false;
            }
            let fits = self.used(*id) + self.threads(*id) <= self.slots(*id);
            if !fits {
                held_back.insert(executor);
            }
            fits
        })
    }

    /// Compares what was handed out. Which of several failed needs a stage names is the scheduler's choice.
    fn check(&mut self, mut handed_out: Vec<Transition>, starts: &[StageId]) {
        let place = |transition: &Transition| match transition {
            Transition::Start(id) | Transition::Skip(id, _) | Transition::Cancel(id, _) | Transition::Stop(id, _) => {
                *id
            }
        };
        let started: Vec<StageId> =
            handed_out.iter().filter(|t| matches!(t, Transition::Start(_))).map(place).collect();
        assert_eq!(started, starts);
        handed_out.retain(|transition| !matches!(transition, Transition::Start(_)));
        for transition in &mut handed_out {
            if let Transition::Skip(id, SkipReason::NeedFailed { stage }) = transition {
                let blamed = self.plan.find(stage.as_str()).unwrap();
                assert!(self.plan.stages[*id].needs.contains(&blamed), "{id:?} does not need {blamed:?}");
                assert_eq!(self.satisfied(blamed), Some(false), "{id:?} blames {blamed:?}");
                let due = self.due.iter().find(|due| place(due) == *id);
                if let Some(Transition::Skip(_, reason @ SkipReason::NeedFailed { .. })) = due {
                    *transition = Transition::Skip(*id, reason.clone());
                }
            }
        }
        handed_out.sort_by_key(place);
        self.due.sort_by_key(place);
        assert_eq!(handed_out, std::mem::take(&mut self.due));
    }

    fn check_invariants(&self) {
        for id in &self.running {
            let (used, slots) = (self.used(*id), self.slots(*id));
            assert!(used <= slots, "{used} threads run in {slots} slots");
        }
        let mut taken: Vec<&String> = self
            .running
            .iter()
            .flat_map(|id| self.plan.stages[*id].policy.locks.iter().collect::<BTreeSet<_>>())
            .collect();
        let all = taken.len();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), all, "a lock is taken twice");
    }
}

/// What happens next to a run in a test.
#[derive(Clone, Debug)]
enum Step {
    /// The running stage with this number, modulo how many run, finishes.
    Finish(usize, Outcome),
    /// The run is cancelled.
    Cancel(CancelReason),
    /// The scheduler is asked.
    Poll,
}

/// Runs a plan in lockstep with the model. When the steps are used up, what runs passes.
fn drive(plan: &Plan, steps: &[Step]) -> (Vec<Transition>, BTreeMap<StageId, Outcome>) {
    let mut scheduler = Scheduler::new(plan);
    let mut model = Model::new(plan);
    let mut trace = Vec::new();
    let mut steps = steps.iter().cloned();
    // Watchdog: after the steps, each two turns end at least one stage.
    let mut turns = steps.len() + 2 * plan.stages.len() + 3;
    while !scheduler.is_done() {
        turns = turns.checked_sub(1).expect("the run does not end");
        let step =
            steps.next().unwrap_or(if turns.is_multiple_of(2) { Step::Poll } else { Step::Finish(0, Outcome::Passed) });
        match step {
            Step::Finish(which, outcome) => {
                let running: Vec<StageId> = scheduler.running().collect();
                assert_eq!(running, model.running.iter().copied().collect::<Vec<_>>());
                if let Some(id) = which.checked_rem(running.len()).map(|which| running[which]) {
                    scheduler.finished(id, &outcome);
                    model.finish(id, &outcome);
                }
            }
            Step::Cancel(reason) => {
                let handed_out = scheduler.cancel(reason);
                model.cancel(reason);
                trace.extend(handed_out.iter().cloned());
                model.check(handed_out, &[]);
            }
            Step::Poll => {
                let handed_out = scheduler.poll();
                let starts = model.start_ready();
                trace.extend(handed_out.iter().cloned());
                model.check(handed_out, &starts);
                model.check_invariants();
                assert_eq!(scheduler.poll(), [], "one call says everything");
                assert!(scheduler.is_done() || scheduler.running().len() > 0, "nothing runs and nothing will");
            }
        }
    }
    assert_eq!(model.ended.len(), plan.stages.len());
    (trace, model.ended)
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        8 => Just(Outcome::Passed),
        1 => Just(Outcome::Cached),
        2 => Just(failed()),
        1 => Just(Outcome::TimedOut { limit_ms: 5 }),
        1 => Just(Outcome::Errored { message: "the host is away".into() }),
        1 => Just(Outcome::Cancelled { reason: CancelReason::Stopped }),
    ]
}

fn reasons() -> impl Strategy<Value = CancelReason> {
    prop_oneof![
        Just(CancelReason::Interrupt),
        Just(CancelReason::Stopped),
        Just(CancelReason::FailFast),
        Just(CancelReason::AwaitedNotPassed),
        Just(CancelReason::RunTimeout),
    ]
}

fn steps(with_cancels: bool) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => (0usize..30, outcomes()).prop_map(|(which, outcome)| Step::Finish(which, outcome)),
        20 => Just(Step::Poll),
        u32::from(with_cancels) => reasons().prop_map(Step::Cancel),
    ];
    prop::collection::vec(step, 0..80)
}

fn plans() -> impl Strategy<Value = Plan> {
    let parts = (
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        0u32..5,
        prop::sample::subsequence(vec!["a", "b", "c"], 0..=3),
        (prop::bool::weighted(0.2), prop::bool::weighted(0.1), prop::bool::weighted(0.7)),
        prop::sample::select(vec!["local", "local", "box", "far"]),
        prop::option::of(0u64..9),
    );
    let slots = (0u32..=8, prop::option::of(0u32..=4));
    (slots, any::<bool>(), prop::collection::vec(parts, 0..=30)).prop_map(|((jobs, own_slots), fail_fast, stages)| {
        let stages =
            stages.into_iter().enumerate().map(|(index, (needs, threads, locks, flags, executor, expected))| {
                let (allow_failure, skip, with_locks) = flags;
                let mut needs: Vec<usize> =
                    if index == 0 { vec![] } else { needs.iter().map(|n| n.index(index)).collect() };
                needs.sort_unstable();
                needs.dedup();
                let mut planned = stage(index, &needs);
                planned.executor = executor.to_owned();
                planned.policy.threads = threads;
                planned.policy.allow_failure = allow_failure;
                if with_locks {
                    planned.policy.locks = locks.into_iter().map(str::to_owned).collect();
                }
                if skip {
                    planned.decision = Decision::Skip { reason: condition() };
                }
                planned.estimate = expected.map(|secs| expecting(secs * 1000));
                planned
            });
        let stages: Vec<PlannedStage> = stages.collect();
        // One with slots of its own, and one with as many as here.
        let remotes = [remote("box", own_slots), remote("far", None)].into();
        Plan { fail_fast, remotes, ..plan(jobs, stages) }
    })
}

/// What comes of each stage, from the plan alone: in order of the plan, no slots, no locks, no time.
fn verdicts(plan: &Plan, outcomes: &[Outcome]) -> Vec<&'static str> {
    let mut satisfies: Vec<bool> = Vec::new();
    let mut words = Vec::new();
    for (id, stage) in plan.stages.iter() {
        let outcome = match &stage.decision {
            Decision::Skip { reason } => Outcome::Skipped { reason: reason.clone() },
            Decision::Run if stage.needs.iter().all(|need| satisfies[need.index()]) => outcomes[id.index()].clone(),
            Decision::Run => Outcome::Skipped { reason: SkipReason::RunTimeout },
        };
        satisfies.push(outcome.satisfies(stage.policy.allow_failure));
        words.push(outcome.word());
    }
    words
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// H101: whatever the graph, the outcomes, the slots and the locks, a run ends, each stage once, by the rules;
    /// and always in the same way.
    #[test]
    fn h101_every_run_ends_by_the_rules(plan in plans(), steps in steps(true)) {
        let (trace, _) = drive(&plan, &steps);
        let (again, _) = drive(&plan, &steps);
        prop_assert_eq!(&trace, &again);
        let mut ends = vec![0; plan.stages.len()];
        for transition in &trace {
            match transition {
                Transition::Start(id) | Transition::Skip(id, _) | Transition::Cancel(id, _) => ends[id.index()] += 1,
                Transition::Stop(..) => {}
            }
        }
        prop_assert!(ends.iter().all(|times| *times == 1), "{:?}", ends);
    }

    /// H101: what comes of a run that nobody cancels depends on the graph and the outcomes alone.
    #[test]
    fn h101_slots_and_locks_do_not_change_the_result(
        plan in plans(),
        outcomes in prop::collection::vec(outcomes(), 30),
        order in prop::collection::vec(0usize..30, 30),
    ) {
        let plan = Plan { fail_fast: false, ..plan };
        let mut scheduler = Scheduler::new(&plan);
        let mut words = vec![""; plan.stages.len()];
        for turn in 0..=plan.stages.len() {
            for transition in scheduler.poll() {
                if let Transition::Skip(id, reason) = transition {
                    words[id.index()] = Outcome::Skipped { reason }.word();
                }
            }
            let running: Vec<StageId> = scheduler.running().collect();
            if let Some(id) = order.get(turn).and_then(|n| n.checked_rem(running.len())).map(|n| running[n]) {
                words[id.index()] = outcomes[id.index()].word();
                scheduler.finished(id, &outcomes[id.index()]);
            }
        }
        prop_assert!(scheduler.is_done());
        prop_assert_eq!(words, verdicts(&plan, &outcomes));
    }

    /// H24: a run that is gone on with comes to the same as one that was never cut off, wherever that was and however much
    /// of what followed had been said; and nothing is said or started twice.
    #[test]
    fn h24_a_run_that_is_cut_off_and_gone_on_with_comes_to_the_same(
        plan in plans(),
        outcomes in prop::collection::vec(outcomes(), 30),
        order in prop::collection::vec(0usize..30, 30),
        (cut, said) in (0usize..30, 0usize..8),
    ) {
        let plan = Plan { fail_fast: false, ..plan };
        let mut scheduler = Scheduler::new(&plan);
        let mut last_words: BTreeMap<StageId, Outcome> = BTreeMap::new();
        let mut started: BTreeSet<StageId> = BTreeSet::new();
        for turn in 0..=plan.stages.len() {
            let poll = scheduler.poll();
            // Killed in the middle of it.
            let poll = if turn == cut { poll.into_iter().take(said).collect() } else { poll };
            for transition in poll {
                match transition {
                    Transition::Start(id) => prop_assert!(started.insert(id), "{:?} is started twice", id),
                    Transition::Skip(id, reason) => {
                        let before = last_words.insert(id, Outcome::Skipped { reason });
                        prop_assert!(before.is_none(), "{:?} is said twice", id);
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            if turn == cut {
                let words: Vec<_> = last_words.iter().map(|(id, outcome)| (*id, outcome.clone())).collect();
                let going: Vec<_> = started.iter().copied().filter(|id| !last_words.contains_key(id)).collect();
                scheduler = Scheduler::resumed(&plan, &words, &going);
            }
            let running: Vec<StageId> = scheduler.running().collect();
            if let Some(id) = order.get(turn).and_then(|n| n.checked_rem(running.len())).map(|n| running[n]) {
                prop_assert!(last_words.insert(id, outcomes[id.index()].clone()).is_none());
                scheduler.finished(id, &outcomes[id.index()]);
            }
        }
        for _ in 0..2 * plan.stages.len() {
            for transition in scheduler.poll() {
                match transition {
                    Transition::Start(id) => prop_assert!(started.insert(id), "{:?} is started twice", id),
                    Transition::Skip(id, reason) => {
                        let before = last_words.insert(id, Outcome::Skipped { reason });
                        prop_assert!(before.is_none(), "{:?} is said twice", id);
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            let next = scheduler.running().next();
            if let Some(id) = next {
                prop_assert!(last_words.insert(id, outcomes[id.index()].clone()).is_none());
                scheduler.finished(id, &outcomes[id.index()]);
            }
        }
        prop_assert!(scheduler.is_done());
        let words: Vec<&str> = last_words.values().map(Outcome::word).collect();
        prop_assert_eq!(words, verdicts(&plan, &outcomes));
    }
}
