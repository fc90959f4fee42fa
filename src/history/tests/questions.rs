//! What estimates rest on.

use super::*;

const REPOSITORY: &[u8] = b"/repository/.git";

fn sought<'a>(name: &'a StageName, signature: &'a Signature) -> Sought<'a> {
    Sought { name: Some(name), signature, executor: LOCAL }
}

fn samples(history: &History, project: &str, stage: &str, work: u8) -> (Vec<u64>, Basis) {
    samples_on(LOCAL, history, project, stage, work)
}

fn samples_on(executor: &str, history: &History, project: &str, stage: &str, work: u8) -> (Vec<u64>, Basis) {
    let known = history.project(project).unwrap();
    let (name, signature) = (name(stage), signature(work));
    let repository = || Some(REPOSITORY.to_vec());
    let found =
        history.samples_for(known.as_ref(), repository, &[Sought { executor, ..sought(&name, &signature) }]).unwrap();
    (found[0].newest_first.clone(), found[0].basis)
}

fn work_tree(state: &State, project: &str, runs: &[Ended]) {
    let about = About { repository: Some(REPOSITORY), ledger: None };
    state.open().add(project, about, runs).unwrap();
}

#[test]
fn the_stages_own_runs_come_first_whatever_it_was_called() {
    let state = State::new();
    let runs: Vec<Ended> = (1..=40).map(|n| run(n, vec![passed("old-name", 1, n)])).collect();
    work_tree(&state, "p", &runs);
    work_tree(&state, "q", &[run(50, vec![passed("new-name", 1, 999)])]);
    work_tree(&state, "p", &[run(41, vec![failed("old-name", 1)])]);
    let unfit = StageRecord { is_sample: false, ..passed("old-name", 1, 5000) };
    work_tree(&state, "p", &[run(42, vec![unfit])]);
    let (found, basis) = samples(&state.open(), "p", "new-name", 1);
    assert_eq!(found, (11..=40).rev().collect::<Vec<_>>());
    assert_eq!(basis, Basis::Own);
}

#[test]
fn then_come_those_of_other_work_trees_the_latest_first() {
    let state = State::new();
    work_tree(&state, "q", &[run(1, vec![passed("a", 1, 10)]), run(5, vec![passed("a", 1, 50)])]);
    work_tree(&state, "r", &[run(3, vec![passed("a", 1, 30)]), run(4, vec![failed("a", 1)])]);
    // Another repository has the same command.
    state.add("elsewhere", &[run(9, vec![passed("a", 1, 90)])]);
    // A project that has never run, and one that has, with an earlier command.
    assert_eq!(samples(&state.open(), "p", "a", 1), (vec![50, 30, 10], Basis::OtherWorktree));
    work_tree(&state, "p", &[run(1, vec![passed("a", 2, 20)])]);
    assert_eq!(samples(&state.open(), "p", "a", 1), (vec![50, 30, 10], Basis::OtherWorktree));
}

/// The same work (only the kind of place is part of it) on machines that are not equally fast.
#[test]
fn each_machine_has_its_own_durations_and_borrows_those_of_others_until_then() {
    let state = State::new();
    let on = |executor: &str, work, ms| StageRecord { executor: executor.into(), ..passed("a", work, ms) };
    work_tree(&state, "p", &[run(1, vec![on("local", 1, 10)])]);
    assert_eq!(samples_on("box", &state.open(), "p", "a", 2), (vec![10], Basis::OtherMachine));
    work_tree(&state, "p", &[run(2, vec![on("box", 2, 20)]), run(3, vec![on("far", 2, 30)])]);
    work_tree(&state, "q", &[run(1, vec![on("slow", 2, 90)]), run(2, vec![on("far", 2, 91)])]);
    for (executor, work, expected) in [
        ("local", 1, (vec![10], Basis::Own)),
        ("box", 2, (vec![20], Basis::Own)),
        ("far", 2, (vec![30], Basis::Own)),
        ("box", 3, (vec![20], Basis::EarlierCommand)),
        ("slow", 2, (vec![90], Basis::OtherWorktree)),
        ("new", 2, (vec![30, 20, 10], Basis::OtherMachine)),
    ] {
        assert_eq!(samples_on(executor, &state.open(), "p", "a", work), expected, "{executor}");
    }
}

#[test]
fn then_those_of_the_stages_earlier_command_in_the_same_kind_of_place() {
    let state = State::new();
    let remote = StageRecord { executor: "box".into(), ..passed("a", 3, 300) };
    work_tree(&state, "p", &[run(1, vec![passed("a", 1, 10)]), run(2, vec![passed("a", 2, 20)])]);
    work_tree(&state, "p", &[run(3, vec![remote]), run(4, vec![passed("b", 4, 40)])]);
    assert_eq!(samples(&state.open(), "p", "a", 9), (vec![20, 10], Basis::EarlierCommand));
    assert_eq!(samples(&state.open(), "p", "c", 9), (vec![], Basis::Own));
}

#[test]
fn errors_of_predictions_are_the_other_stages() {
    let state = State::new();
    let foretold =
        |stage: &str, work, took, point| StageRecord { foretold: Some([point, 1, 1]), ..passed(stage, work, took) };
    state.add("p", &[run(1, vec![foretold("a", 1, 10, 20), foretold("b", 2, 30, 10)])]);
    state.add("p", &[run(2, vec![foretold("a", 1, 10, 20), foretold("c", 3, 0, 1)])]);
    state.add("q", &[run(1, vec![foretold("d", 4, 10, 1)])]);
    let history = state.open();
    let known = history.project("p").unwrap();
    let (a, one) = (name("a"), signature(1));
    let found = history.samples_for(known.as_ref(), || None, &[sought(&a, &one)]).unwrap();
    assert_eq!(found[0].pooled, [0.0, 3_f64.ln()]);
}
