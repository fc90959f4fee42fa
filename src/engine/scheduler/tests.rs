//! The scheduler by example, and at size.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::ids::Signature;
use crate::outcome::{Exit, Failure};
use crate::pipeline::remote::{Destination, Remote};
use crate::pipeline::{Command, Policy};
use crate::plan::PlannedStage;
use crate::view::recorded::expecting;

pub(super) fn name(index: usize) -> StageName {
    StageName::new(&format!("s{index}")).unwrap()
}

pub(super) fn stage(index: usize, needs: &[usize]) -> PlannedStage {
    PlannedStage {
        name: name(index),
        decision: Decision::Run,
        reasons: Vec::new(),
        command: Command::Argv(vec!["true".into()]),
        needs: needs.iter().map(|need| StageId::from_index(*need)).collect(),
        env: BTreeMap::new(),
        dir: PathBuf::new(),
        policy: Policy::default(),
        executor: "local".into(),
        signature: Signature::from_bytes([0; 32]),
        is_fix: false,
        has_fix: false,
        inputs: Vec::new(),
        inputs_digest: None,
        outputs: Vec::new(),
        annotate: Vec::new(),
        secrets: Vec::new(),
        estimate: None,
    }
}

pub(super) fn plan(jobs: u32, stages: impl IntoIterator<Item = PlannedStage>) -> Plan {
    Plan {
        root: "/project".into(),
        stages: stages.into_iter().collect(),
        jobs,
        fail_fast: false,
        flaky: crate::pipeline::Flaky::Pass,
        timeout: None,
        left_out: Vec::new(),
        warnings: Vec::new(),
        remotes: BTreeMap::new(),
        plugins: BTreeMap::new(),
        reporters: Vec::new(),
        secrets: BTreeMap::new(),
        mask: Vec::new(),
    }
}

pub(super) fn remote(name: &str, slots: Option<u32>) -> (String, Remote) {
    let destination = Destination { user: None, host: format!("{name}.example.invalid"), port: None };
    (name.to_owned(), Remote { slots, ..Remote::new(name, destination) })
}

fn fail_fast(plan: Plan) -> Plan {
    Plan { fail_fast: true, ..plan }
}

pub(super) fn failed() -> Outcome {
    Outcome::Failed { failure: Failure::Exit { exit: Exit::Code(1) } }
}

pub(super) fn condition() -> SkipReason {
    SkipReason::Condition { why: "runs on macos only".into() }
}

fn start(index: u32) -> Transition {
    Transition::Start(StageId(index))
}

fn need_failed(index: u32, need: usize) -> Transition {
    Transition::Skip(StageId(index), SkipReason::NeedFailed { stage: name(need) })
}

#[test]
fn a_stage_starts_when_all_it_needs_is_satisfied() {
    let mut scheduler = Scheduler::new(&plan(4, [stage(0, &[]), stage(1, &[]), stage(2, &[0, 1])]));
    assert_eq!(scheduler.poll(), [start(0), start(1)]);
    scheduler.finished(StageId(1), &Outcome::Passed);
    assert_eq!(scheduler.poll(), []);
    scheduler.finished(StageId(0), &Outcome::Cached);
    assert_eq!(scheduler.poll(), [start(2)]);
    assert!(!scheduler.is_done());
    scheduler.finished(StageId(2), &Outcome::Passed);
    assert!(scheduler.is_done());
    assert_eq!(scheduler.poll(), []);
}

fn on(executor: &str, stage: PlannedStage) -> PlannedStage {
    PlannedStage { executor: executor.to_owned(), ..stage }
}

#[test]
fn each_machine_has_its_own_slots() {
    let wide = |mut stage: PlannedStage| {
        stage.policy.threads = 2;
        stage
    };
    let stages = [
        stage(0, &[]),
        stage(1, &[]),
        on("box", stage(2, &[])),
        on("box", wide(stage(3, &[]))),
        on("box", stage(4, &[])),
        on("far", stage(5, &[])),
        on("far", stage(6, &[])),
    ];
    let plan = Plan { remotes: [remote("box", Some(2)), remote("far", None)].into(), ..plan(1, stages) };
    let mut scheduler = Scheduler::new(&plan);
    // Stage 3 does not fit beside 2, and holds back 4 alone.
    assert_eq!(scheduler.poll(), [start(0), start(2), start(5)]);
    scheduler.finished(StageId(5), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(6)]);
    scheduler.finished(StageId(2), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(3)]);
    scheduler.finished(StageId(0), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(1)]);
}

/// A lock is one lock on all machines, and is not kept free for a stage whose machine has no slot.
#[test]
fn a_lock_goes_to_a_machine_that_can_use_it() {
    let locked = |mut stage: PlannedStage| {
        stage.policy.locks = vec!["db".into()];
        stage
    };
    let stages = [locked(stage(0, &[])), locked(stage(1, &[])), stage(2, &[]), on("box", locked(stage(3, &[])))];
    let plan = Plan { remotes: [remote("box", None)].into(), ..plan(1, stages) };
    let mut scheduler = Scheduler::new(&plan);
    assert_eq!(scheduler.poll(), [start(0)]);
    scheduler.finished(StageId(0), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(1)]);
    scheduler.finished(StageId(1), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(2), start(3)]);
}

#[test]
fn the_longest_way_to_the_end_goes_first() {
    let expected = |index, needs: &[usize], secs: u64| PlannedStage {
        estimate: Some(expecting(secs * 1000)),
        ..stage(index, needs)
    };
    let stages = [expected(0, &[], 3), expected(1, &[], 1), expected(2, &[1], 5), expected(3, &[], 3)];
    let mut scheduler = Scheduler::new(&plan(1, stages));
    let mut order = Vec::new();
    while !scheduler.is_done() {
        for transition in scheduler.poll() {
            let Transition::Start(id) = transition else { panic!("{transition:?}") };
            order.push(id.0);
            scheduler.finished(id, &Outcome::Passed);
        }
    }
    assert_eq!(order, [1, 2, 0, 3]);
}

#[test]
fn what_needs_a_failed_stage_is_skipped_and_the_rest_goes_on() {
    let stages = [stage(0, &[]), stage(1, &[0]), stage(2, &[1]), stage(3, &[0, 1]), stage(4, &[])];
    let mut scheduler = Scheduler::new(&plan(1, stages));
    assert_eq!(scheduler.poll(), [start(0)]);
    scheduler.finished(StageId(0), &failed());
    // The nearest need that did not pass is named: stage 3 needs both 0 and 1.
    assert_eq!(scheduler.poll(), [need_failed(1, 0), need_failed(3, 0), need_failed(2, 1), start(4)]);
}

#[test]
fn allowed_failures_satisfy_and_do_not_end_the_run() {
    let mut allowed = stage(0, &[]);
    allowed.policy.allow_failure = true;
    let mut scheduler = Scheduler::new(&fail_fast(plan(1, [allowed, stage(1, &[0])])));
    assert_eq!(scheduler.poll(), [start(0)]);
    scheduler.finished(StageId(0), &Outcome::TimedOut { limit_ms: 1 });
    assert_eq!(scheduler.poll(), [start(1)]);
}

#[test]
fn what_the_plan_skips_is_said_first_and_satisfies() {
    let skip = |index, needs: &[usize]| {
        let decision = Decision::Skip { reason: condition() };
        PlannedStage { decision, ..stage(index, needs) }
    };
    let stages = [stage(0, &[]), skip(1, &[]), skip(2, &[0, 1]), stage(3, &[1, 2])];
    let mut scheduler = Scheduler::new(&plan(1, stages));
    let skipped = |index| Transition::Skip(StageId(index), condition());
    assert_eq!(scheduler.poll(), [skipped(1), skipped(2), start(0)]);
    scheduler.finished(StageId(0), &failed());
    assert_eq!(scheduler.poll(), [start(3)]);
}

#[test]
fn fail_fast_stops_what_runs_and_cancels_the_rest() {
    let stages = [stage(0, &[]), stage(1, &[]), stage(2, &[]), stage(3, &[0]), stage(4, &[1])];
    let mut scheduler = Scheduler::new(&fail_fast(plan(3, stages)));
    assert_eq!(scheduler.poll(), [start(0), start(1), start(2)]);
    scheduler.finished(StageId(0), &failed());
    assert!(!scheduler.is_done());
    // Ends by itself before it could be asked to.
    scheduler.finished(StageId(2), &Outcome::Passed);
    let reason = CancelReason::FailFast;
    assert_eq!(
        scheduler.poll(),
        [need_failed(3, 0), Transition::Stop(StageId(1), reason), Transition::Cancel(StageId(4), reason)]
    );
    assert_eq!(scheduler.running().collect::<Vec<_>>(), [StageId(1)]);
    assert_eq!(scheduler.cancelled(), Some(reason));
    scheduler.finished(StageId(1), &Outcome::Cancelled { reason });
    assert!(scheduler.is_done());
}

/// H101: fail-fast with parallel stages ends where all of them pass.
#[test]
fn h101_fail_fast_ends_when_everything_passes() {
    let mut scheduler = Scheduler::new(&fail_fast(plan(4, (0..4).map(|index| stage(index, &[])))));
    assert_eq!(scheduler.poll().len(), 4);
    for index in 0..4 {
        scheduler.finished(StageId(index), &Outcome::Passed);
    }
    assert!(scheduler.is_done());
}

#[test]
fn a_run_out_of_time_skips_what_was_not_started() {
    let mut scheduler = Scheduler::new(&plan(1, [stage(0, &[]), stage(1, &[])]));
    assert_eq!(scheduler.poll(), [start(0)]);
    assert_eq!(
        scheduler.cancel(CancelReason::RunTimeout),
        [Transition::Stop(StageId(0), CancelReason::RunTimeout), Transition::Skip(StageId(1), SkipReason::RunTimeout)]
    );
    assert_eq!(scheduler.cancel(CancelReason::Interrupt), [], "each stage is asked once");
    assert_eq!(scheduler.cancelled(), Some(CancelReason::RunTimeout));
}

#[test]
fn a_wide_stage_is_not_overtaken_for_ever() {
    // Stage 1 is wide and first in line, because stage 2 waits for it.
    let mut wide = stage(1, &[]);
    wide.policy.threads = 99;
    let stages = [stage(0, &[]), wide, stage(2, &[1]), stage(3, &[]), stage(4, &[])];
    let mut scheduler = Scheduler::new(&plan(2, stages));
    assert_eq!(scheduler.poll(), [start(1)], "all slots, not more than there are");
    scheduler.finished(StageId(1), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(0), start(2)]);

    // Stage 2 becomes ready while another stage runs: it waits, and stage 3 does not slip past.
    let mut wide = stage(2, &[0]);
    wide.policy.threads = 2;
    let stages = [stage(0, &[]), stage(1, &[]), wide, stage(3, &[2]), stage(4, &[])];
    let mut scheduler = Scheduler::new(&plan(2, stages));
    assert_eq!(scheduler.poll(), [start(0), start(1)]);
    scheduler.finished(StageId(0), &Outcome::Passed);
    assert_eq!(scheduler.poll(), []);
    scheduler.finished(StageId(1), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(2)]);
}

#[test]
fn stages_that_share_a_lock_do_not_overlap_and_hold_back_nobody() {
    let locked = |index, locks: &[&str]| {
        let mut stage = stage(index, &[]);
        stage.policy.locks = locks.iter().map(|lock| (*lock).to_owned()).collect();
        stage
    };
    let stages = [
        locked(0, &["a", "a"]),
        locked(1, &["a", "b"]),
        locked(2, &["b"]),
        locked(3, &["a"]),
        locked(4, &["b"]),
        stage(5, &[]),
    ];
    let mut scheduler = Scheduler::new(&plan(8, stages));
    assert_eq!(scheduler.poll(), [start(0), start(2), start(5)]);
    scheduler.finished(StageId(0), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(3)], "stage 1 comes first for a, cannot use it without b, and passes it on");
    scheduler.finished(StageId(2), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(4)]);
    scheduler.finished(StageId(3), &Outcome::Passed);
    assert_eq!(scheduler.poll(), []);
    scheduler.finished(StageId(4), &Outcome::Passed);
    assert_eq!(scheduler.poll(), [start(1)]);
}

#[test]
fn word_of_a_stage_that_does_not_run_changes_nothing() {
    let mut scheduler = Scheduler::new(&fail_fast(plan(1, [stage(0, &[]), stage(1, &[0])])));
    scheduler.finished(StageId(0), &failed());
    assert_eq!(scheduler.poll(), [start(0)]);
    scheduler.finished(StageId(1), &failed());
    scheduler.finished(StageId(0), &Outcome::Passed);
    scheduler.finished(StageId(0), &failed());
    assert_eq!(scheduler.poll(), [start(1)]);
}

#[test]
fn a_run_without_stages_is_done_at_once() {
    let mut scheduler = Scheduler::new(&plan(0, []));
    assert!(scheduler.is_done());
    assert_eq!(scheduler.poll(), []);
}

/// Runs a plan whose stages all pass, in a time that a scan of all stages at every step would exceed, and says how
/// many were started.
fn run_at_size(plan: &Plan) -> usize {
    let begun = SystemClock.now();
    let mut scheduler = Scheduler::new(plan);
    let mut started = 0;
    while !scheduler.is_done() {
        let transitions = scheduler.poll();
        assert!(!transitions.is_empty(), "stuck");
        started += transitions.len();
        for id in scheduler.running().collect::<Vec<_>>() {
            scheduler.finished(id, &Outcome::Passed);
        }
    }
    assert!(SystemClock.now().since(begun) < Duration::from_mins(1));
    started
}

const MANY: usize = 100_000;

/// H99: a deep chain and a wide fan are nothing special.
#[test]
fn h99_a_deep_chain_and_a_wide_fan_run() {
    let chain = plan(4, (0..MANY).map(|i| stage(i, i.checked_sub(1).as_slice())));
    assert_eq!(run_at_size(&chain), MANY);
    let fan = plan(4, (0..MANY).map(|i| stage(i, if i == 0 { &[] } else { &[0] })));
    assert_eq!(run_at_size(&fan), MANY);
}

/// H98: many stages that all wait for one lock cost no more than as many that do not.
#[test]
fn h98_many_stages_that_share_a_lock_run() {
    let locked = plan(
        4,
        (0..MANY).map(|i| {
            let mut stage = stage(i, &[]);
            stage.policy.locks = vec!["port".into(), format!("cell-{i}")];
            stage
        }),
    );
    assert_eq!(run_at_size(&locked), MANY);
}

/// H99: the end of a long chain is skipped without recursion.
#[test]
fn h99_a_deep_chain_is_skipped() {
    let mut scheduler = Scheduler::new(&plan(4, (0..MANY).map(|i| stage(i, i.checked_sub(1).as_slice()))));
    assert_eq!(scheduler.poll(), [start(0)]);
    scheduler.finished(StageId(0), &failed());
    assert_eq!(scheduler.poll().len(), MANY - 1);
    assert!(scheduler.is_done());
}
