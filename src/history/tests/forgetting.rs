//! What was forgotten is in no answer any more, and nothing else is missing.

use super::*;

fn forget(state: &State, what: &Forget) -> u64 {
    state.open().forget("p", what).unwrap()
}

fn job(text: &str, through: u64) -> Forget {
    Forget { jobs: vec![(name(text), RunNumber(through))], ..Forget::default() }
}

fn totals(state: &State, text: &str) -> Totals {
    let history = state.open();
    let known = history.project("p").unwrap().unwrap();
    let mut jobs = history.jobs(&known).unwrap();
    jobs.retain(|job| job.name == name(text));
    history.totals(&known, &jobs).unwrap()
}

fn samples(state: &State, text: &str, work: u8) -> Vec<u64> {
    let history = state.open();
    let (name, signature) = (name(text), signature(work));
    let sought = Sought { name: Some(&name), signature: &signature, executor: LOCAL };
    let known = history.project("p").unwrap();
    history.samples_for(known.as_ref(), || None, &[sought]).unwrap()[0].newest_first.clone()
}

#[test]
fn a_forgotten_job_is_gone_with_its_runs_and_its_samples() {
    let state = State::new();
    state.add("p", &[run(1, vec![passed("a", 1, 10)]), run(2, vec![passed("a", 1, 20), failed("b", 2)])]);
    state.add("p", &[run(3, vec![passed("b", 2, 30)]), run(4, vec![failed("a", 1)])]);
    state.add("q", &[run(1, vec![passed("a", 1, 70)])]);
    assert_eq!(forget(&state, &job("a", 4)), 2);
    let history = state.open();
    assert_eq!(numbers(&history, "p"), [3, 2]);
    assert_eq!(numbers(&history, "q"), [1], "another project is another");
    let known = history.project("p").unwrap().unwrap();
    assert_eq!(history.runs(&known, 9).unwrap()[1].stages, (1, 1), "what is left of run 2 is its other stage");
    let names: Vec<StageName> = history.jobs(&known).unwrap().into_iter().map(|job| job.name).collect();
    assert_eq!(names, [name("b")]);
    assert_eq!((samples(&state, "a", 1), samples(&state, "b", 2)), (vec![], vec![30]));
    assert_eq!((totals(&state, "a").runs, totals(&state, "b").runs), (0, 2));
    // Its fix goes with it, and there is nothing more to be done.
    assert_eq!(forget(&state, &job("a", 4)), 0);
}

/// A name may be given again: what came after is somebody else's.
#[test]
fn what_came_later_stays() {
    let state = State::new();
    let fix = StageRecord { is_fix: true, ..passed("a", 3, 5) };
    state.add("p", &[run(1, vec![passed("a", 1, 10)]), run(2, vec![fix]), run(3, vec![passed("a", 1, 30)])]);
    assert_eq!(forget(&state, &job("a", 2)), 2);
    assert_eq!(numbers(&state.open(), "p"), [3]);
    assert_eq!((totals(&state, "a").runs, totals(&state, "a").fastest_ms), (1, Some(30)));
    assert_eq!(samples(&state, "a", 1), [30]);
}

#[test]
fn all_of_a_project_is_forgotten_up_to_a_run() {
    let state = State::new();
    let runs: Vec<Ended> = (1..=9).map(|n| run(n, vec![passed("a", 1, n), passed("b", 2, n)])).collect();
    state.add("p", &runs);
    state.add("q", &runs);
    assert_eq!(forget(&state, &Forget { all: Some(RunNumber(8)), ledger: Some(0), ..Forget::default() }), 8);
    assert_eq!((numbers(&state.open(), "p"), numbers(&state.open(), "q").len()), (vec![9], 9));
    assert_eq!((totals(&state, "a").runs, samples(&state, "b", 2)), (1, vec![9]));
    assert_eq!(state.open().forget("nobody", &job("a", 1)).unwrap(), 0);
}
