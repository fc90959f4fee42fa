//! What `--changed` leaves out, and what comes along all the same.

use super::*;
use crate::outcome::SkipReason;

/// `build` reads src, `lint` and `docs` what they say, `deploy` needs all and says nothing.
fn plan_of(changed: Changed, request: &Request) -> Plan {
    let stage = |name: &str, inputs: &[&str]| {
        let mut stage = Stage::new(StageName::new(name).unwrap(), Command::Argv(vec!["x".into()]));
        stage.inputs = words(inputs);
        stage
    };
    let mut stages: Vec<Stage> = vec![
        stage("build", &["src/**"]),
        stage("test", &["tests/**"]),
        stage("docs", &["docs/**"]),
        stage("other", &[]),
    ];
    stages[1].needs = vec![StageId(0)];
    stages[2].when.changed = Some(words(&["docs/*.md"]));
    let pipeline =
        Pipeline::new("/p".into(), stages.into_iter().collect(), BTreeMap::new(), RunDefaults::default()).unwrap();
    let env = Env::default();
    let facts = Facts { os: "linux".into(), ci: false, branch: None, env: &env, cores: 4, hook: None, changed };
    build(&pipeline, request, &facts).unwrap()
}

fn since_main(files: &[&str]) -> Changed {
    Changed::Known { since: "main".into(), files: files.iter().map(Into::into).collect(), decisive: None }
}

fn told(plan: &Plan) -> Vec<String> {
    let of = |stage: &PlannedStage| match &stage.decision {
        Decision::Run => {
            let reasons: Vec<String> = stage.reasons.iter().map(ToString::to_string).collect();
            format!("{}: {}", stage.name, reasons.join(", "))
        }
        Decision::Skip { reason: SkipReason::Condition { why } } => format!("{} skipped: {why}", stage.name),
        Decision::Skip { reason } => format!("{} skipped: {reason:?}", stage.name),
    };
    plan.stages.values().map(of).collect()
}

const CHANGED: fn() -> Request = || Request { changed: true, ..Request::default() };

#[test]
fn what_no_change_affects_is_skipped_unless_something_needs_it() {
    assert_eq!(
        told(&plan_of(since_main(&["tests/a.rs"]), &CHANGED())),
        [
            "build: in the default set, needed by test",
            "test: in the default set, tests/a.rs has changed since main",
            "docs skipped: none of its inputs has changed since main",
            "other: in the default set, has no inputs, and something has changed since main",
        ]
    );
    let only = Request { only: true, ..CHANGED() };
    let told = told(&plan_of(since_main(&["tests/a.rs"]), &only));
    assert_eq!(told[0], "build skipped: none of its inputs has changed since main");
}

#[test]
fn where_nothing_has_changed_all_is_skipped_and_says_so() {
    let plan = plan_of(since_main(&[]), &CHANGED());
    assert!(!plan.has_work());
    assert!(
        told(&plan).iter().all(|line| line.ends_with("skipped: nothing has changed since main")),
        "{:?}",
        told(&plan)
    );
    // What is left out is left out for that, and not for this.
    let skip = Request { skip: words(&["build", "docs"]), ..CHANGED() };
    assert_eq!(plan_of(since_main(&[]), &skip).left_out, [name("build"), name("docs")]);
}

/// What nobody knows is never a reason to leave something out, and it is said.
#[test]
fn where_nobody_knows_what_has_changed_everything_runs() {
    let unknown = || Changed::Unknown { why: "it is shallow".into() };
    let plan = plan_of(unknown(), &CHANGED());
    assert!(plan.stages.values().all(PlannedStage::runs));
    assert_eq!(plan.warnings, ["what has changed is not known, so that nothing is left out: it is shallow"]);
    let plan = plan_of(unknown(), &Request::default());
    assert_eq!(plan.warnings, ["what has changed is not known, so that docs runs: it is shallow"]);
}

#[test]
fn a_condition_on_what_has_changed_holds_with_or_without_the_option() {
    let plan = plan_of(since_main(&["docs/x.txt"]), &Request::default());
    assert_eq!(told(&plan)[2], "docs skipped: no file changed since main matches docs/*.md");
    assert_eq!(told(&plan)[0], "build: in the default set");
    assert!(plan_of(since_main(&["docs/x.md"]), &Request::default()).stages.values().all(PlannedStage::runs));
}
