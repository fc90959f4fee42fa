//! Runs that are left, and that go on with another machine.

use super::*;
use crate::clock::Pause;
use crate::engine::machine::past::{Before, Past};

/// A plan whose stages are on a box, but for those whose names begin with `here`.
fn on_box(stages: &[(&str, &[u32], Policy)]) -> Plan {
    let mut plan = plan(stages);
    for (_, stage) in plan.stages.iter_mut() {
        if !stage.name.as_str().starts_with("here") {
            stage.executor = "box".into();
        }
    }
    plan
}

fn on_box_plainly(stages: &[(&str, &[u32])]) -> Plan {
    let stages: Vec<_> = stages.iter().map(|(name, needs)| (*name, *needs, Policy::default())).collect();
    on_box(&stages)
}

fn left() -> Result<Ended, ExecError> {
    Err(ExecError::Left { message: "box cannot be reached".into() })
}

fn at(seconds: u64) -> Timestamp {
    Timestamp { unix_ms: 0, mono_us: 1_000_000 + seconds * 1_000_000 }
}

/// A run that began at zero, and of which the last was heard after ten seconds.
fn past(stages: Vec<Before>) -> Past {
    Past {
        next_seq: 7,
        started: at(0),
        last: at(10),
        clock: Pause::default(),
        told: Vec::new(),
        stages: stages.into_iter().collect(),
        barred: Vec::new(),
        cancelling: None,
        stop: None,
        sent: Vec::new(),
        after_ms: 50_000,
        ahead_us: 0,
    }
}

fn elsewhere(since: u64) -> Before {
    Before::Elsewhere { attempt: 1, since: at(since) }
}

fn finished(stage: u32, outcome: Outcome) -> Before {
    Before::Finished(unstarted_word(StageId(stage), 1, outcome))
}

fn failed() -> Outcome {
    Outcome::Failed { failure: Failure::Exit { exit: Exit::Code(1) } }
}

/// Taken over after a minute.
fn resumed(plan: Plan, past: Past) -> Sim {
    let mut sim = Sim::of(plan, |plan, _, _| Machine::resumed(plan, past, None, at(60)));
    sim.now = at(60);
    sim
}

#[expect(clippy::unnecessary_wraps, reason = "what an executor gives")]
fn took(code: i32, seconds: u64) -> Result<Ended, ExecError> {
    Ok(Ended { exit: Exit::Code(code), leaked: Vec::new(), took: Some(Duration::from_secs(seconds)) })
}

#[test]
fn what_is_left_has_no_last_word_and_the_others_go_on_to_theirs() {
    let mut sim = Sim::new(on_box_plainly(&[("a", &[]), ("here", &[]), ("here-too", &[1]), ("b", &[0])]));
    sim.out();
    assert_eq!(sim.at(S).end(0, left()).out(), "  notice: box cannot be reached\n");
    assert!(!sim.machine.is_left(), "another stage runs");
    insta::assert_snapshot!(sim.exit(1, 0).out(), @r"
      here pass after 1000ms
      here-too started, 1
    start here-too 1
    ");
    assert_eq!(sim.exit(2, 0).out(), "  here-too pass after 0ms\n");
    assert!(sim.machine.is_left() && !sim.machine.is_finished());
}

#[test]
fn nothing_more_is_started_where_somebody_was_left() {
    let mut plan = on_box_plainly(&[("a", &[]), ("b", &[]), ("c", &[])]);
    plan.jobs = 3;
    plan.stages[StageId(1)].policy.locks = vec!["l".into()];
    plan.stages[StageId(2)].policy.locks = vec!["l".into()];
    let mut sim = Sim::new(plan);
    sim.out();
    sim.end(0, left());
    // What had started there says for itself what came of it.
    insta::assert_snapshot!(sim.exit(1, 0).out(), @r"
      notice: box cannot be reached
      b pass after 0ms
    ");
    assert!(sim.machine.is_left());
}

#[test]
fn an_attempt_that_waits_here_is_waited_for_and_one_that_waits_there_is_not() {
    let again = || Policy { retries: 1, retry_delay: 5 * S, ..Policy::default() };
    let mut sim = Sim::new(on_box(&[("here", &[], again()), ("a", &[], Policy::default())]));
    sim.out();
    sim.exit(0, 1).end(1, left()).out();
    assert!(!sim.machine.is_left());
    assert_eq!(sim.at(5 * S).out(), "  here started, 2\nstart here 2\n");
    sim.exit(0, 0).out();
    assert!(sim.machine.is_left());

    let mut sim = Sim::new(on_box(&[("a", &[], again()), ("b", &[], Policy::default())]));
    sim.out();
    sim.exit(0, 1).end(1, left()).out();
    assert!(!sim.machine.is_left(), "its time has not come");
    assert_eq!(sim.at(5 * S).out(), "");
    assert!(sim.machine.is_left());
}

/// Whoever ends a run that is left in part ends what can be reached, and the rest is told by who takes it over.
#[test]
fn cancelling_ends_what_can_be_reached_and_does_not_pretend_of_the_rest() {
    let mut sim = Sim::new(on_box_plainly(&[("a", &[]), ("here", &[]), ("b", &[0])]));
    sim.out();
    sim.end(0, left()).out();
    insta::assert_snapshot!(sim.cancel(CancelReason::Stopped, CancelLevel::Terminate).out(), @r"
      cancelling: stopped, Terminate
    cancel here Terminate
      b cancelled after 0ms (cancelled: stopped)
    ");
    sim.die(1, 15).out();
    assert!(sim.machine.is_left() && !sim.machine.is_finished());
    // The same where the line was lost before it was cancelled.
    let mut sim = Sim::new(on_box_plainly(&[("a", &[])]));
    sim.out();
    sim.cancel(CancelReason::Stopped, CancelLevel::Kill).out();
    sim.end(0, left());
    assert!(sim.machine.is_left());
}

#[test]
fn a_paused_run_is_left_when_it_goes_on() {
    let mut sim = Sim::new(on_box_plainly(&[("a", &[])]));
    sim.out();
    sim.machine.handle(Input::Pause, sim.now);
    sim.end(0, left()).out();
    assert!(sim.machine.is_still() && !sim.machine.is_left());
    sim.machine.handle(Input::Resume, sim.now);
    assert!(sim.machine.is_left());
}

#[test]
fn what_has_ended_stays_what_runs_there_is_joined_what_ran_here_is_lost_and_the_rest_follows() {
    let plan = on_box_plainly(&[("done", &[]), ("there", &[0]), ("here", &[]), ("next", &[1]), ("never", &[2])]);
    let here = Before::Here { attempt: 1, since: at(4), log: LogInfo { bytes: 5, ..LogInfo::default() } };
    let stages = vec![finished(0, Outcome::Passed), elsewhere(3), here, Before::Waiting, Before::Waiting];
    let mut sim = resumed(plan, past(stages));
    insta::assert_snapshot!(sim.out(), @r"
      taken over after 50000ms, 0 ahead
    join there 1
      here error after 6000ms (its supervisor was killed, and it with it)
      never skip after 0ms
    ");
    insta::assert_snapshot!(sim.at(70 * S).end(1, took(0, 61)).out(), @r"
      there pass after 61000ms
      next started, 1
    start next 1
    ");
    insta::assert_snapshot!(sim.at(75 * S).exit(3, 0).out(), @r"
      next pass after 5000ms
    run errored 3 after 75000ms
    ");
}

#[test]
fn what_ran_here_is_tried_again_where_it_may_be() {
    let plan = on_box(&[("here", &[], Policy { retries: 1, ..Policy::default() })]);
    let here = Before::Here { attempt: 1, since: at(4), log: LogInfo::default() };
    let mut sim = resumed(plan, past(vec![here]));
    insta::assert_snapshot!(sim.out(), @r"
      taken over after 50000ms, 0 ahead
      here error, 1; again in 0
      here started, 2
    start here 2
    ");
}

#[test]
fn failures_from_before_count_and_nothing_is_said_twice() {
    let plan = on_box_plainly(&[("a", &[]), ("b", &[0]), ("c", &[]), ("d", &[2])]);
    let skipped = Outcome::Skipped { reason: SkipReason::NeedFailed { stage: StageName::new("a").unwrap() } };
    // It was killed between `c` and what follows from it.
    let stages = vec![finished(0, failed()), finished(1, skipped), finished(2, failed()), Before::Waiting];
    insta::assert_snapshot!(resumed(plan, past(stages)).out(), @r"
      taken over after 50000ms, 0 ahead
      d skip after 0ms
    run failed 1 after 60000ms
    ");
}

#[test]
fn a_run_of_which_nothing_but_the_verdict_was_missing_has_it() {
    let stages = vec![finished(0, Outcome::Passed)];
    let out = resumed(on_box_plainly(&[("a", &[])]), past(stages)).out();
    assert!(out.ends_with("run passed 0 after 60000ms\n"), "{out}");
}

#[test]
fn a_delay_goes_on_and_so_does_the_count_of_attempts() {
    let plan = on_box(&[("a", &[], Policy { retries: 2, retry_delay: 100 * S, ..Policy::default() })]);
    let mut sim = resumed(plan, past(vec![Before::Delayed { attempt: 1, until: at(100) }]));
    assert_eq!(sim.out(), "  taken over after 50000ms, 0 ahead\n");
    assert_eq!(sim.at(99 * S).out(), "");
    assert_eq!(sim.at(100 * S).out(), "  a started, 2\nstart a 2\n");
}

/// The config has changed: nothing that was not asked for is started, and the run does not pass without it.
#[test]
fn what_is_barred_is_not_started_and_not_tried_again_but_is_joined() {
    let again = || Policy { retries: 3, ..Policy::default() };
    let plan = on_box(&[("a", &[], again()), ("b", &[], again()), ("c", &[1], again())]);
    let mut past = past(vec![elsewhere(3), Before::Waiting, Before::Waiting]);
    past.barred = vec![(StageId(0), "its command has changed".into()), (StageId(1), "it is gone".into())];
    let mut sim = resumed(plan, past);
    insta::assert_snapshot!(sim.out(), @r"
      taken over after 50000ms, 0 ahead
    join a 1
      b error after 0ms (it is gone)
      c skip after 0ms
    ");
    insta::assert_snapshot!(sim.end(0, took(1, 5)).out(), @r"
      a fail, 1; again in 0
      a error after 0ms (its command has changed)
    run errored 3 after 60000ms
    ");
}

/// What was to end when its supervisor was killed is to end still.
#[test]
fn a_run_that_was_being_ended_goes_on_ending() {
    let plan = || on_box_plainly(&[("a", &[]), ("b", &[0])]);
    let mut cancelled = past(vec![elsewhere(3), Before::Waiting]);
    cancelled.cancelling = Some((CancelReason::Interrupt, CancelLevel::Interrupt));
    let mut sim = resumed(plan(), cancelled);
    insta::assert_snapshot!(sim.out(), @r"
      taken over after 50000ms, 0 ahead
    join a 1
    cancel a Interrupt
      b cancelled after 0ms (cancelled: interrupted)
    ");
    insta::assert_snapshot!(sim.end(0, took(0, 60)).out(), @r"
      a cancelled after 60000ms (cancelled: interrupted)
    run cancelled 130 after 60000ms
    ");

    let mut failing = plan();
    failing.stages[StageId(1)].needs = Vec::new();
    failing.fail_fast = true;
    let mut sim = resumed(failing, past(vec![finished(0, failed()), elsewhere(3)]));
    insta::assert_snapshot!(sim.out(), @r"
      taken over after 50000ms, 0 ahead
    join b 1
      cancelling: another stage failed, Terminate
    cancel b Terminate
    ");
}

#[test]
fn a_run_can_be_taken_over_to_be_ended() {
    let mut past = past(vec![elsewhere(3), Before::Waiting]);
    past.stop = Some(CancelLevel::Terminate);
    let mut sim = resumed(on_box_plainly(&[("a", &[]), ("b", &[])]), past);
    insta::assert_snapshot!(sim.out(), @r"
      taken over after 50000ms, 0 ahead
    join a 1
      cancelling: stopped, Terminate
    cancel a Terminate
      b cancelled after 0ms (cancelled: stopped)
    ");
    assert_eq!(sim.die(0, 15).out().lines().last(), Some("run cancelled 143 after 60000ms"));
}

#[test]
fn a_paused_run_goes_on_and_the_pause_does_not_count() {
    let mut past = past(vec![elsewhere(3)]);
    past.clock.begin(at(10));
    let mut sim = resumed(on_box_plainly(&[("a", &[])]), past);
    insta::assert_snapshot!(sim.out(), @r"
      taken over after 50000ms, 0 ahead
      resumed
    join a 1
    ");
    assert_eq!(sim.end(0, took(0, 7)).out().lines().last(), Some("run passed 0 after 10000ms"));
}

/// H138: its own limit and the run's count from the beginning, whoever saw to it meanwhile.
#[test]
fn limits_count_from_the_beginning() {
    let limited = || Policy { timeout: Some(90 * S), ..Policy::default() };
    let mut sim = resumed(on_box(&[("a", &[], limited())]), past(vec![elsewhere(3)]));
    sim.out();
    assert_eq!(sim.at(92 * S).out(), "");
    assert_eq!(sim.at(93 * S).out(), "cancel a Terminate\n");

    let mut plan = on_box_plainly(&[("a", &[]), ("b", &[0])]);
    plan.timeout = Some(80 * S);
    let mut sim = resumed(plan, past(vec![elsewhere(3), Before::Waiting]));
    sim.out();
    assert_eq!(sim.at(79 * S).out(), "");
    insta::assert_snapshot!(sim.at(80 * S).out(), @r"
      cancelling: run timeout, Terminate
    cancel a Terminate
      b skip after 0ms
    ");
}

/// What ended in time has, also where nobody hears of it until long after.
#[test]
fn what_is_joined_after_its_time_is_judged_by_when_it_ended() {
    let of = |limit: Option<u64>, run: Option<u64>, seconds| {
        let policy = Policy { timeout: limit.map(Duration::from_secs), ..Policy::default() };
        let mut plan = on_box(&[("a", &[], policy)]);
        plan.timeout = run.map(Duration::from_secs);
        let mut sim = resumed(plan, past(vec![elsewhere(3)]));
        sim.at(60 * S).end(0, took(0, seconds));
        sim.out().lines().last().map(str::to_owned).unwrap()
    };
    assert_eq!(of(Some(20), None, 19), "run passed 0 after 60000ms");
    assert_eq!(of(Some(20), None, 20), "run failed 1 after 60000ms");
    assert_eq!(of(None, Some(20), 16), "run passed 0 after 60000ms");
    assert_eq!(of(None, Some(20), 17), "run failed 1 after 60000ms");
    assert_eq!(of(Some(50), Some(20), 18), "run failed 1 after 60000ms");
}

/// It was killed between the announcement and the start: the same attempt starts now, and nothing is announced twice.
#[test]
fn what_was_announced_and_never_started_is_started() {
    let absent = || Err(ExecError::NotThere { message: "nothing of it is there".into() });
    let limited = Policy { timeout: Some(90 * S), ..Policy::default() };
    let mut sim = resumed(on_box(&[("a", &[], limited)]), past(vec![elsewhere(3)]));
    sim.out();
    assert_eq!(sim.end(0, absent()).out(), "start a 1\n");
    assert_eq!(sim.at(149 * S).out(), "", "its time begins when it does");
    assert_eq!(sim.end(0, took(0, 80)).out(), "  a pass after 80000ms\nrun passed 0 after 149000ms\n");
    // Whoever read along has heard an end, of what was not there: that is none of the attempt that starts now.
    let limited = Policy { timeout: Some(90 * S), ..Policy::default() };
    let mut sim = resumed(on_box(&[("a", &[], limited)]), past(vec![elsewhere(3)]));
    sim.machine.handle(Input::Over { stage: StageId(0), attempt: 1 }, sim.now);
    sim.end(0, absent()).out();
    sim.machine.handle(Input::Begun { stage: StageId(0), attempt: 1 }, sim.now);
    assert_eq!(sim.at(150 * S).out(), "cancel a Terminate\n");
    let timed_out = sim.at(151 * S).end(0, Ok(Ended { exit: Exit::Signal(15), leaked: Vec::new(), took: None })).out();
    assert!(timed_out.contains("a timeout after 91000ms"), "{timed_out}");
    // Once.
    let mut sim = resumed(on_box_plainly(&[("a", &[])]), past(vec![elsewhere(3)]));
    sim.end(0, absent()).end(0, absent());
    assert_eq!(sim.out().lines().last(), Some("run errored 3 after 60000ms"));
    // Not where it is to end, and not with another command.
    let mut ending = past(vec![elsewhere(3)]);
    ending.stop = Some(CancelLevel::Terminate);
    let mut sim = resumed(on_box_plainly(&[("a", &[])]), ending);
    assert_eq!(sim.end(0, absent()).out().lines().last(), Some("run cancelled 143 after 60000ms"));
    let mut barred = past(vec![elsewhere(3)]);
    barred.barred = vec![(StageId(0), "its command has changed".into())];
    let mut sim = resumed(on_box_plainly(&[("a", &[])]), barred);
    sim.out();
    let said = "  a error after 0ms (its command has changed)\nrun errored 3 after 60000ms\n";
    assert_eq!(sim.end(0, absent()).out(), said);
}
