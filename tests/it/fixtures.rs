//! Runs that earlier versions left behind open for ever, and mean what they meant.

use std::path::Path;

use local_ci::ids::RunNumber;
use local_ci::journal::header::Header;
use local_ci::journal::index;
use local_ci::journal::layout::ProjectDir;
use local_ci::journal::state::RunState;
use local_ci::outcome::Verdict;
use local_ci::session::runs;

/// The first schema: a run with every kind of outcome, a capped log, a retry and a leaked process.
#[test]
fn a_run_of_schema_1_is_read() {
    let journals = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journals/schema-1");
    let run = runs::read(&ProjectDir::at(journals), RunNumber(1)).unwrap();
    assert_eq!(run.state, RunState::Finished { verdict: Verdict::Failed, exit_code: 1 });
    let outcomes: Vec<(String, &str)> = run
        .view
        .stages()
        .values()
        .map(|stage| (stage.info.name.to_string(), stage.finished().unwrap().outcome.word()))
        .collect();
    let outcomes: Vec<(&str, &str)> = outcomes.iter().map(|(name, word)| (name.as_str(), *word)).collect();
    assert_eq!(
        outcomes,
        [
            ("fmt", "pass"),
            ("test", "pass"),
            ("lint", "fail"),
            ("docs", "skip"),
            ("broken", "fail"),
            ("ship", "skip"),
            ("slow", "timeout"),
            ("big", "pass"),
            ("leaky", "pass"),
        ]
    );
    let stage = |name: &str| run.view.stages().values().find(|stage| stage.info.name.as_str() == name).unwrap();
    assert!(stage("test").is_flaky());
    assert!(stage("lint").is_allowed_failure());
    assert!(stage("big").finished().unwrap().log.omitted > 0);
    assert_eq!(stage("leaky").finished().unwrap().leaked.len(), 1);

    let header = Header::read(&run.dir).unwrap();
    assert_eq!(header.schema_version, 1);
    assert_eq!(header.stages[0].env, ["GREETING"]);
    let fmt = &stage("fmt").info.name;
    assert_eq!(std::fs::read(run.dir.log(fmt, 1)).unwrap(), b"hello\noops\n");
    let pieces = index::decode(&std::fs::read(run.dir.index(fmt, 1)).unwrap());
    assert_eq!(pieces.last().map(|piece| piece.end), Some(11));
    assert_eq!(std::fs::metadata(run.dir.log(&stage("test").info.name, 1)).unwrap().len(), 8);
}

/// The same schema with what was added to it: estimates, fingerprints of inputs, threads and locks, and the command line
/// that a rerun stands for.
#[test]
fn a_run_of_schema_1_with_estimates_is_read() {
    let journals = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journals/schema-1");
    let run = runs::read(&ProjectDir::at(journals), RunNumber(2)).unwrap();
    assert_eq!(run.state, RunState::Finished { verdict: Verdict::Failed, exit_code: 1 });
    let infos: Vec<_> = run.view.stages().values().map(|stage| &stage.info).collect();
    let estimates: Vec<_> =
        infos.iter().map(|info| info.estimate.as_ref().map(|e| (e.expected_ms, e.samples))).collect();
    assert_eq!(estimates, [Some((53, 3)), Some((103, 2)), None]);
    assert_eq!((infos[0].threads, infos[1].threads), (1, 2));
    assert_eq!(infos[1].locks, ["target"]);
    assert!(infos[0].inputs.as_ref().is_some_and(|digest| digest.len() == 64) && infos[1].inputs.is_none());
    let header = Header::read(&run.dir).unwrap();
    assert_eq!(header.argv, ["local-ci", "rerun", "--failed", "-q"]);
    assert_eq!(header.equivalent, ["local-ci", "run", "--jobs=2", "test", "pack"]);
}
