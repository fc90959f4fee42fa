//! The machine driven by hand: what goes in, at which moment, and the whole list of what comes out.

use std::path::PathBuf;

use super::*;
use crate::ids::{RunId, Signature, StageName};
use crate::outcome::Exit;
use crate::pipeline::{Command, Policy};
use crate::plan::{Decision, PlannedStage};

mod paused;
mod taken_over;

const S: Duration = Duration::from_secs(1);

fn plan(stages: &[(&str, &[u32], Policy)]) -> Plan {
    Plan {
        root: PathBuf::from("/p"),
        stages: stages
            .iter()
            .map(|(name, needs, policy)| PlannedStage {
                name: StageName::new(name).unwrap(),
                decision: Decision::Run,
                reasons: Vec::new(),
                command: Command::Argv(vec!["true".into()]),
                needs: needs.iter().map(|id| StageId(*id)).collect(),
                env: std::collections::BTreeMap::new(),
                dir: PathBuf::new(),
                policy: policy.clone(),
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
            })
            .collect(),
        jobs: 2,
        fail_fast: false,
        flaky: crate::pipeline::Flaky::Pass,
        timeout: None,
        left_out: Vec::new(),
        warnings: Vec::new(),
        remotes: std::collections::BTreeMap::new(),
        plugins: std::collections::BTreeMap::new(),
        reporters: Vec::new(),
        secrets: std::collections::BTreeMap::new(),
        mask: Vec::new(),
    }
}

/// A run driven by hand.
struct Sim {
    machine: Machine,
    names: Vec<String>,
    start: Timestamp,
    now: Timestamp,
}

impl Sim {
    fn new(plan: Plan) -> Self {
        Self::capped(plan, None)
    }

    fn capped(plan: Plan, grace_cap: Option<Duration>) -> Self {
        Self::of(plan, |plan, started, now| Machine::new(plan, started, grace_cap, now))
    }

    fn of(plan: Plan, machine: impl FnOnce(Plan, RunStarted, Timestamp) -> Machine) -> Self {
        let start = Timestamp { unix_ms: 0, mono_us: 1_000_000 };
        let names = plan.stages.values().map(|stage| stage.name.to_string()).collect();
        let started = RunStarted {
            schema_version: 1,
            run: RunId::from_bytes([0; 16]),
            number: None,
            project: "/p".into(),
            jobs: plan.jobs,
            stages: plan.stages.values().map(PlannedStage::info).collect(),
            remotes: Vec::new(),
        };
        Self { machine: machine(plan, started, start), names, start, now: start }
    }

    /// Everything that comes out now, a line each.
    fn out(&mut self) -> String {
        let mut text = String::new();
        while let Some(effect) = self.machine.next_effect() {
            text += &self.line(effect);
            text.push('\n');
        }
        text
    }

    fn line(&self, effect: Effect) -> String {
        let name = |stage: StageId| &self.names[stage.0 as usize];
        match effect {
            Effect::Start { stage, attempt, resumes } => {
                format!("{} {} {attempt}", if resumes { "join" } else { "start" }, name(stage))
            }
            Effect::Cancel { stage, level } => format!("cancel {} {level:?}", name(stage)),
            Effect::Hold { stage, still } => format!("{} {}", if still { "hold" } else { "release" }, name(stage)),
            Effect::Emit(EventKind::RunStarted(_)) => "run started".into(),
            Effect::Emit(EventKind::StageStarted { stage, attempt }) => format!("  {} started, {attempt}", name(stage)),
            Effect::Emit(EventKind::StageRetrying { stage, attempt, outcome, delay_ms, .. }) => {
                format!("  {} {}, {attempt}; again in {delay_ms}", name(stage), outcome.word())
            }
            Effect::Emit(EventKind::StageFinished(f)) => {
                let error = f.outcome.error().map_or(String::new(), |error| format!(" ({error})"));
                format!("  {} {} after {}ms{error}", name(f.stage), f.outcome.word(), f.duration_ms)
            }
            Effect::Emit(EventKind::Cancelling { reason, level }) => format!("  cancelling: {reason}, {level:?}"),
            Effect::Emit(EventKind::Paused) => "  paused".into(),
            Effect::Emit(EventKind::Resumed) => "  resumed".into(),
            Effect::Emit(EventKind::Remote { remote, .. }) => format!("  news of {remote}"),
            Effect::Emit(EventKind::TakenOver { after_ms, ahead_us }) => {
                format!("  taken over after {after_ms}ms, {ahead_us} ahead")
            }
            Effect::Emit(EventKind::Annotated { stage, items, .. }) => {
                format!("  {} annotations of {}", items.len(), name(stage))
            }
            Effect::Emit(EventKind::Notice { text, .. }) => format!("  notice: {text}"),
            Effect::Emit(EventKind::RunFinished { verdict, exit_code, duration_ms }) => {
                format!("run {} {exit_code} after {duration_ms}ms", verdict.word())
            }
        }
    }

    /// Moves the time to so long after the start, waking the machine at each deadline on the way.
    fn at(&mut self, after: Duration) -> &mut Self {
        let then = self.start.after(after);
        while let Some(deadline) = self.machine.next_deadline().filter(|deadline| *deadline <= then.mono_us) {
            self.now.mono_us = deadline.max(self.now.mono_us);
            self.machine.wake(self.now);
        }
        self.now = then;
        self.machine.wake(self.now);
        self
    }

    fn end(&mut self, stage: u32, result: Result<Ended, ExecError>) -> &mut Self {
        let input = Input::Ended { stage: StageId(stage), result, log: LogInfo::default() };
        self.machine.handle(input, self.now);
        self
    }

    fn exit(&mut self, stage: u32, code: i32) -> &mut Self {
        self.end(stage, Ok(Ended { exit: Exit::Code(code), leaked: Vec::new(), took: None }))
    }

    fn die(&mut self, stage: u32, signal: i32) -> &mut Self {
        self.end(stage, Ok(Ended { exit: Exit::Signal(signal), leaked: Vec::new(), took: None }))
    }

    fn cancel(&mut self, reason: CancelReason, level: CancelLevel) -> &mut Self {
        self.machine.handle(Input::Cancel { reason, level }, self.now);
        self
    }
}

#[test]
fn stages_are_announced_before_they_start_and_the_run_ends_with_the_last() {
    let mut sim = Sim::new(plan(&[("fmt", &[], Policy::default()), ("test", &[0], Policy::default())]));
    insta::assert_snapshot!(sim.out(), @r"
    run started
      fmt started, 1
    start fmt 1
    ");
    insta::assert_snapshot!(sim.at(S).exit(0, 0).out(), @r"
      fmt pass after 1000ms
      test started, 1
    start test 1
    ");
    insta::assert_snapshot!(sim.at(3 * S).exit(1, 2).out(), @r"
      test fail after 2000ms (exit code 2)
    run failed 1 after 3000ms
    ");
    assert!(sim.machine.is_finished());
}

/// H47: a stage that is over its time gets SIGTERM, its grace, and SIGKILL; it has timed out whatever it answers.
#[test]
fn h47_a_timeout_terminates_and_after_the_grace_kills() {
    let policy = Policy { timeout: Some(30 * S), grace: 10 * S, ..Policy::default() };
    let mut sim = Sim::new(plan(&[("slow", &[], policy)]));
    sim.out();
    assert_eq!(sim.at(29 * S).out(), "");
    assert_eq!(sim.at(30 * S).out(), "cancel slow Terminate\n");
    assert_eq!(sim.at(39 * S).out(), "");
    assert_eq!(sim.at(40 * S).out(), "cancel slow Kill\n");
    insta::assert_snapshot!(sim.at(41 * S).die(0, 9).out(), @r"
      slow timeout after 41000ms (timed out (limit 30.0s))
    run failed 1 after 41000ms
    ");
}

/// H96: a machine that slept has used up no time limit: the wall clock went on meanwhile, the monotonic one stood still.
#[test]
fn h96_a_machine_that_slept_times_nothing_out() {
    let policy = Policy { timeout: Some(30 * S), ..Policy::default() };
    let mut sim = Sim::new(plan(&[("slow", &[], policy)]));
    sim.out();
    sim.at(29 * S);
    sim.start.unix_ms += 43 * 60_000;
    assert_eq!(sim.at(29 * S).out(), "");
    assert_eq!(sim.at(30 * S).out(), "cancel slow Terminate\n");
}

/// H48: the run's own time ends what runs and skips the rest; that is a failure.
#[test]
fn h48_the_runs_own_timeout_ends_everything() {
    let mut plan = plan(&[("a", &[], Policy::default()), ("b", &[0], Policy::default())]);
    plan.timeout = Some(5 * S);
    let mut sim = Sim::new(plan);
    sim.out();
    insta::assert_snapshot!(sim.at(5 * S).out(), @r"
      cancelling: run timeout, Terminate
    cancel a Terminate
      b skip after 0ms
    ");
    insta::assert_snapshot!(sim.at(6 * S).die(0, 15).out(), @r"
      a timeout after 6000ms (timed out (limit 5.0s))
    run failed 1 after 6000ms
    ");
}

/// H01, H02: once gracefully, twice for good; nothing new starts and the verdict is the signal's.
#[test]
fn h01_h02_cancelling_twice_kills() {
    let mut sim = Sim::new(plan(&[("a", &[], Policy::default()), ("b", &[0], Policy::default())]));
    sim.out();
    insta::assert_snapshot!(sim.at(S).cancel(CancelReason::Interrupt, CancelLevel::Interrupt).out(), @r"
      cancelling: interrupted, Interrupt
    cancel a Interrupt
      b cancelled after 0ms (cancelled: interrupted)
    ");
    insta::assert_snapshot!(sim.at(2 * S).cancel(CancelReason::Interrupt, CancelLevel::Kill).out(), @r"
      cancelling: interrupted, Kill
    cancel a Kill
    ");
    insta::assert_snapshot!(sim.die(0, 9).out(), @r"
      a cancelled after 2000ms (cancelled: interrupted)
    run cancelled 130 after 2000ms
    ");
}

/// What it takes to bring a stage to another machine is not its own time.
#[test]
fn h47_a_timeout_elsewhere_begins_with_the_command() {
    let limited = Policy { timeout: Some(5 * S), ..Policy::default() };
    let mut plan = plan(&[("a", &[], limited)]);
    plan.stages[StageId(0)].executor = "box".into();
    let mut sim = Sim::new(plan);
    sim.out();
    assert_eq!(sim.at(60 * S).out(), "", "it is on its way");
    sim.machine.handle(Input::Begun { stage: StageId(0), attempt: 1 }, sim.now);
    assert_eq!(sim.at(64 * S).out(), "");
    assert_eq!(sim.at(65 * S).out(), "cancel a Terminate\n");
}

/// H157: what reads along after a command has ended takes nothing of its time, and does not change how it ended.
#[test]
fn h157_what_has_ended_is_not_timed_out_while_its_output_is_read() {
    let limited = Policy { timeout: Some(5 * S), ..Policy::default() };
    let mut sim = Sim::new(plan(&[("a", &[], limited)]));
    sim.out();
    assert_eq!(sim.at(4 * S).out(), "");
    sim.machine.handle(Input::Over { stage: StageId(0), attempt: 1 }, sim.now);
    assert_eq!(sim.at(9 * S).out(), "");
    let end = sim.exit(0, 0).out();
    assert!(end.contains("a pass after 4000ms"), "{end}");
}

/// H157: that one attempt has ended says nothing of the next, also where it is heard late.
#[test]
fn h157_the_end_of_one_attempts_command_is_not_that_of_the_next() {
    let limited = Policy { timeout: Some(5 * S), retries: 1, ..Policy::default() };
    let mut sim = Sim::new(plan(&[("a", &[], limited)]));
    sim.out();
    let over = |sim: &mut Sim| sim.machine.handle(Input::Over { stage: StageId(0), attempt: 1 }, sim.now);
    over(sim.at(S));
    assert!(sim.at(2 * S).exit(0, 1).out().ends_with("start a 2\n"));
    over(&mut sim);
    assert_eq!(sim.at(7 * S).out(), "cancel a Terminate\n");
    let end = sim.at(8 * S).exit(0, 0).out();
    assert!(end.contains("a timeout after 6000ms"), "{end}");
}

/// H45: who ignores the request is killed after its grace, and under CI after no more than the cap.
#[test]
fn h45_the_grace_is_capped_where_somebody_elses_is_shorter() {
    let policy = Policy { grace: 60 * S, ..Policy::default() };
    let mut sim = Sim::capped(plan(&[("a", &[], policy)]), Some(5 * S));
    sim.out();
    sim.cancel(CancelReason::Terminate, CancelLevel::Terminate).out();
    assert_eq!(sim.at(4 * S).out(), "");
    assert_eq!(sim.at(5 * S).out(), "cancel a Kill\n");
}

#[test]
fn retries_wait_their_delay_and_a_later_pass_passes() {
    let policy = Policy { retries: 2, retry_delay: 3 * S, ..Policy::default() };
    let mut sim = Sim::new(plan(&[("a", &[], policy)]));
    sim.out();
    assert_eq!(sim.at(S).exit(0, 1).out(), "  a fail, 1; again in 3000\n");
    assert_eq!(sim.at(3 * S).out(), "");
    assert_eq!(sim.at(4 * S).out(), "  a started, 2\nstart a 2\n");
    assert_eq!(sim.at(5 * S).die(0, 11).out(), "  a fail, 2; again in 3000\n");
    assert_eq!(sim.at(8 * S).out(), "  a started, 3\nstart a 3\n");
    assert_eq!(sim.at(9 * S).exit(0, 0).out(), "  a pass after 1000ms\nrun passed 0 after 9000ms\n");
}

#[test]
fn a_later_pass_fails_a_run_in_which_flaky_stages_do() {
    let retried = Policy { retries: 1, ..Policy::default() };
    let allowed = Policy { allow_failure: true, ..retried.clone() };
    let flaky = |policy: &Policy| {
        let mut plan = plan(&[("a", &[], policy.clone()), ("b", &[0], Policy::default())]);
        plan.flaky = crate::pipeline::Flaky::Fail;
        let mut sim = Sim::new(plan);
        sim.out();
        sim.at(S).exit(0, 1).out();
        let passed = sim.at(2 * S).exit(0, 0).out();
        passed + &sim.at(3 * S).exit(1, 0).out()
    };
    let text = flaky(&retried);
    assert!(text.contains("passed at attempt 2 only") && text.contains("start b 1"), "{text}");
    assert!(text.ends_with("run failed 1 after 3000ms\n"), "{text}");
    let text = flaky(&allowed);
    assert!(!text.contains("only") && text.ends_with("run passed 0 after 3000ms\n"), "{text}");
}

#[test]
fn an_attempt_has_its_own_timeout_and_a_late_timer_of_the_last_one_means_nothing() {
    let policy = Policy { retries: 1, timeout: Some(10 * S), ..Policy::default() };
    let mut sim = Sim::new(plan(&[("a", &[], policy)]));
    sim.out();
    assert_eq!(sim.at(9 * S).exit(0, 1).out(), "  a fail, 1; again in 0\n  a started, 2\nstart a 2\n");
    assert_eq!(sim.at(18 * S).out(), "");
    assert_eq!(sim.at(19 * S).out(), "cancel a Terminate\n");
}

#[test]
fn a_stage_that_waits_for_its_next_attempt_is_cancelled_at_once() {
    let policy = Policy { retries: 1, retry_delay: 60 * S, ..Policy::default() };
    let mut sim = Sim::new(plan(&[("a", &[], policy)]));
    sim.out();
    sim.exit(0, 1).out();
    insta::assert_snapshot!(sim.cancel(CancelReason::Stopped, CancelLevel::Terminate).out(), @r"
      cancelling: stopped, Terminate
      a cancelled after 0ms (cancelled: stopped)
    run cancelled 143 after 0ms
    ");
    assert_eq!(sim.at(100 * S).out(), "");
}

/// What a run came to that waited for another one in vain: every stage has its last word, and none was started.
#[test]
fn a_run_that_is_refused_starts_nothing_and_ends_in_order() {
    let skipped = Decision::Skip { reason: SkipReason::Condition { why: "os is linux".into() } };
    let mut plan =
        plan(&[("a", &[], Policy::default()), ("b", &[0], Policy::default()), ("c", &[], Policy::default())]);
    plan.stages[StageId(2)].decision = skipped;
    plan.timeout = Some(10 * S);
    let mut sim =
        Sim::of(plan, |plan, started, now| Machine::refused(plan, started, CancelReason::AwaitedNotPassed, now));
    insta::assert_snapshot!(sim.out(), @r"
    run started
      cancelling: the run it waited for did not pass, Terminate
      c skip after 0ms
      a cancelled after 0ms (cancelled: the run it waited for did not pass)
      b cancelled after 0ms (cancelled: the run it waited for did not pass)
    run cancelled 3 after 0ms
    ");
    assert_eq!(sim.at(100 * S).out(), "");
}

#[test]
fn fail_fast_ends_what_runs_and_the_run_has_failed() {
    let mut plan = plan(&[("a", &[], Policy::default()), ("b", &[], Policy::default()), ("c", &[], Policy::default())]);
    plan.fail_fast = true;
    let mut sim = Sim::new(plan);
    sim.out();
    insta::assert_snapshot!(sim.at(S).exit(0, 1).out(), @r"
      a fail after 1000ms (exit code 1)
      cancelling: another stage failed, Terminate
    cancel b Terminate
      c cancelled after 0ms (cancelled: another stage failed)
    ");
    insta::assert_snapshot!(sim.at(2 * S).die(1, 15).out(), @r"
      b cancelled after 2000ms (cancelled: another stage failed)
    run failed 1 after 2000ms
    ");
}

#[test]
fn a_command_that_cannot_be_started_is_a_failure_and_not_tried_again() {
    let policy = Policy { retries: 3, ..Policy::default() };
    let mut sim = Sim::new(plan(&[("a", &[], policy)]));
    sim.out();
    let error = ExecError::NotStarted { code: 127, message: "command not found: x".into() };
    insta::assert_snapshot!(sim.end(0, Err(error)).out(), @r"
      a fail after 0ms (command not found: x)
    run failed 1 after 0ms
    ");
}

/// What could not be run is no verdict; where another stage failed, that is one.
#[test]
fn infrastructure_is_three_unless_a_stage_failed() {
    let broken = || Err(ExecError::Infrastructure { message: "no room".into() });
    let two = || plan(&[("a", &[], Policy::default()), ("b", &[], Policy::default())]);
    let mut sim = Sim::new(two());
    sim.out();
    assert!(sim.end(0, broken()).exit(1, 0).out().ends_with("run errored 3 after 0ms\n"));
    let mut sim = Sim::new(two());
    sim.out();
    assert!(sim.end(0, broken()).exit(1, 1).out().ends_with("run failed 1 after 0ms\n"));
}

#[test]
fn an_allowed_failure_lets_the_run_pass() {
    let policy = Policy { allow_failure: true, ..Policy::default() };
    let mut sim = Sim::new(plan(&[("a", &[], policy), ("b", &[0], Policy::default())]));
    sim.out();
    sim.exit(0, 1);
    assert!(sim.exit(1, 0).out().ends_with("run passed 0 after 0ms\n"));
}

#[test]
fn leaked_processes_fail_a_stage_only_where_it_says_so() {
    for (leak, word) in [(Leak::Kill, "passed"), (Leak::Fail, "failed")] {
        let mut sim = Sim::new(plan(&[("a", &[], Policy { leak, ..Policy::default() })]));
        sim.out();
        let leaked = vec![crate::event::LeakedProcess { pid: 1, command: "sleep".into(), killed: true }];
        let out = sim.end(0, Ok(Ended { exit: Exit::Code(0), leaked, took: None })).out();
        assert!(out.contains(&format!("run {word}")), "{leak:?}: {out}");
    }
}
