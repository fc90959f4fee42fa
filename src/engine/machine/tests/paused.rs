//! A run that stands still for a while: nothing happens in it, and afterwards all is as if no time had passed.

use proptest::prelude::*;

use super::*;

impl Sim {
    fn pause(&mut self) -> &mut Self {
        self.machine.handle(Input::Pause, self.now);
        self
    }

    fn resume(&mut self) -> &mut Self {
        self.machine.handle(Input::Resume, self.now);
        self
    }

    fn still(&mut self, stage: u32, attempt: u32) -> &mut Self {
        self.machine.handle(Input::Still { stage: StageId(stage), attempt }, self.now);
        self
    }
}

fn two(policy: Policy) -> Sim {
    let mut sim = Sim::new(plan(&[("a", &[], policy), ("b", &[], Policy::default()), ("c", &[0], Policy::default())]));
    sim.out();
    sim
}

/// H11: it is paused once all of it stands still; no timeout comes due meanwhile, and no duration counts it.
#[test]
fn h11_a_paused_run_has_no_time() {
    let mut sim = two(Policy { timeout: Some(4 * S), ..Policy::default() });
    assert_eq!(sim.at(S).pause().out(), "hold a\nhold b\n");
    assert!(sim.machine.is_held() && !sim.machine.is_still());
    assert_eq!(sim.machine.next_deadline(), None);
    assert_eq!(sim.at(2 * S).still(1, 1).out(), "");
    assert_eq!(sim.still(0, 2).out(), "", "another attempt's word");
    assert_eq!(sim.at(3 * S).still(0, 1).out(), "  paused\n");
    assert!(sim.machine.is_still());
    assert_eq!(sim.pause().at(3600 * S).out(), "");
    assert_eq!(sim.resume().out(), "  resumed\nrelease a\nrelease b\n");
    assert_eq!(sim.resume().at(3602 * S).out(), "");
    assert_eq!(sim.at(3603 * S).out(), "cancel a Terminate\n");
    insta::assert_snapshot!(sim.at(3604 * S).die(0, 15).exit(1, 0).out(), @r"
      a timeout after 5000ms (timed out (limit 4.0s))
      c skip after 0ms
      b pass after 5000ms
    run failed 1 after 5000ms
    ");
}

/// Nothing starts in a paused run: what follows from an end, and the next attempt, wait until it goes on.
#[test]
fn what_ends_meanwhile_has_no_consequence_yet() {
    let mut sim = two(Policy { retries: 1, ..Policy::default() });
    sim.at(S).pause().out();
    assert_eq!(sim.at(2 * S).die(0, 9).still(1, 1).out(), "  a fail, 1; again in 0\n  paused\n");
    assert_eq!(sim.at(9 * S).out(), "");
    assert_eq!(sim.resume().at(9 * S).out(), "  resumed\nrelease b\n  a started, 2\nstart a 2\n");
    sim.at(10 * S).pause().still(0, 2).still(1, 1).out();
    assert_eq!(sim.exit(0, 0).out(), "  a pass after 1000ms\n");
    assert_eq!(sim.at(20 * S).resume().out(), "  resumed\nrelease b\n  c started, 1\nstart c 1\n");
}

/// The delay before the next attempt stands still too.
#[test]
fn a_delay_goes_on_where_it_stood() {
    let mut sim = Sim::new(plan(&[("a", &[], Policy { retries: 1, retry_delay: 3 * S, ..Policy::default() })]));
    sim.out();
    sim.at(S).exit(0, 1).out();
    assert_eq!(sim.at(2 * S).pause().out(), "  paused\n");
    sim.at(100 * S).resume().out();
    assert_eq!(sim.at(101 * S).out(), "");
    assert_eq!(sim.at(102 * S).out(), "  a started, 2\nstart a 2\n");
}

/// What stands still does not hear that it is to end.
#[test]
fn a_run_that_is_to_end_goes_on_first() {
    let mut sim = two(Policy::default());
    sim.at(S).pause().still(0, 1).still(1, 1).out();
    insta::assert_snapshot!(sim.at(9 * S).cancel(CancelReason::Stopped, CancelLevel::Terminate).out(), @r"
      resumed
    release a
    release b
      cancelling: stopped, Terminate
    cancel a Terminate
    cancel b Terminate
      c cancelled after 0ms (cancelled: stopped)
    ");
    assert_eq!(sim.pause().out(), "", "a run that ends is not paused");
    assert!(!sim.machine.is_held());
    assert_eq!(sim.at(18 * S).out(), "");
    assert_eq!(sim.at(19 * S).out(), "cancel a Kill\ncancel b Kill\n");
}

/// A run that was told to go on, or to end, before all of it stood still was never paused.
#[test]
fn who_is_not_paused_yet_is_not_resumed() {
    let mut sim = two(Policy::default());
    assert_eq!(sim.pause().resume().out(), "hold a\nhold b\nrelease a\nrelease b\n");
    sim.pause().out();
    let out = sim.cancel(CancelReason::Interrupt, CancelLevel::Kill).out();
    assert!(out.starts_with("release a\nrelease b\n  cancelling: interrupted, Kill\ncancel a Kill\n"), "{out}");
}

/// A grace that has begun stands still with everything else.
#[test]
fn a_grace_stands_still() {
    let mut sim = two(Policy { timeout: Some(S), grace: 10 * S, ..Policy::default() });
    assert_eq!(sim.at(S).out(), "cancel a Terminate\n");
    sim.at(2 * S).pause().still(0, 1).still(1, 1).out();
    sim.at(1000 * S).resume().out();
    assert_eq!(sim.at(1008 * S).out(), "");
    assert_eq!(sim.at(1009 * S).out(), "cancel a Kill\n");
}

/// Where everything that stood still was killed and nothing is to come, there is nothing to resume.
#[test]
fn a_paused_run_of_which_nothing_is_left_has_ended() {
    let mut sim = Sim::new(plan(&[("a", &[], Policy::default())]));
    sim.out();
    sim.at(S).pause().still(0, 1).out();
    insta::assert_snapshot!(sim.at(9 * S).die(0, 9).out(), @r"
      a fail after 1000ms (signal 9 (SIGKILL; possibly out of memory))
      resumed
    run failed 1 after 1000ms
    ");
    let mut sim = Sim::new(plan(&[("a", &[], Policy::default())]));
    sim.out();
    assert_eq!(sim.pause().exit(0, 0).out(), "hold a\n  a pass after 0ms\nrun passed 0 after 0ms\n");
}

/// What a run is given to do: so long after the one before, this happens to a stage.
#[derive(Clone, Copy, Debug)]
enum Step {
    Wait,
    Exit(u32, i32),
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![Just(Step::Wait), (0u32..4, 0i32..2).prop_map(|(stage, code)| Step::Exit(stage, code))];
    proptest::collection::vec((0u64..8000, step), 1..12)
}

/// A run with these steps, which stands still before each of them for so many milliseconds.
fn told(steps: &[(u64, Step)], pauses: &[u64]) -> String {
    let policy = Policy { timeout: Some(9 * S), grace: 3 * S, retries: 1, retry_delay: 2 * S, ..Policy::default() };
    let mut plan = plan(&[
        ("a", &[], policy.clone()),
        ("b", &[], Policy { retry_delay: Duration::ZERO, ..policy }),
        ("c", &[0], Policy::default()),
        ("d", &[0, 1], Policy { timeout: Some(5 * S), ..Policy::default() }),
    ]);
    plan.timeout = Some(40 * S);
    let mut sim = Sim::new(plan);
    let mut text = sim.out();
    let mut passed = Duration::ZERO;
    for (at, (wait, step)) in steps.iter().enumerate() {
        passed += Duration::from_millis(*wait);
        text += &sim.at(passed).out();
        if let Some(pause) = pauses.get(at) {
            sim.pause();
            let running: Vec<StageId> = sim.machine.running().collect();
            for stage in running {
                for attempt in 1..=2 {
                    sim.still(stage.0, attempt);
                }
            }
            // A run that ends takes no break.
            if sim.machine.is_held() {
                assert!(sim.machine.is_still());
                passed += Duration::from_millis(*pause);
                text += &sim.at(passed).out();
            }
            text += &sim.resume().at(passed).out();
        }
        if let Step::Exit(stage, code) = step {
            sim.exit(*stage, *code);
        }
        text += &sim.at(passed).out();
    }
    let about_pauses = |line: &&str| ["hold ", "release ", "  paused", "  resumed"].iter().any(|w| line.starts_with(w));
    text.lines().filter(|line| !about_pauses(line)).fold(String::new(), |text, line| text + line + "\n")
}

proptest! {
    /// H11: whenever a run stands still and for however long, the same happens in it after the same time.
    #[test]
    fn h11_pauses_change_nothing(steps in steps(), pauses in proptest::collection::vec(0u64..100_000, 12)) {
        prop_assert_eq!(told(&steps, &pauses), told(&steps, &[]));
    }
}
