//! Plans from pipelines: what is selected, what is skipped and why, in which order, and what is refused.

mod changed;
mod plugins;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::env::Env;
use crate::ids::DenseId;
use crate::pipeline::{Action, Flaky, Pipeline, Profile, RunDefaults, Stage, When};

fn name(text: &str) -> StageName {
    StageName::new(text).unwrap()
}

fn script(text: &str) -> Command {
    Command::Shell { shell: vec!["sh".into(), "-e".into(), "-c".into()], script: text.into(), args: Vec::new() }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A pipeline from stages with the names of what they need; needs may be declared later.
#[derive(Default)]
struct Declared {
    stages: Vec<(Stage, Vec<&'static str>)>,
    profiles: BTreeMap<String, Profile>,
    run: RunDefaults,
}

impl Declared {
    fn of(stages: &[(&'static str, &[&'static str])]) -> Self {
        let mut declared = Self::default();
        for (name, needs) in stages {
            declared = declared.stage(name, needs, |_| {});
        }
        declared
    }

    fn stage(mut self, text: &str, needs: &[&'static str], change: impl FnOnce(&mut Stage)) -> Self {
        let mut stage = Stage::new(name(text), script(&format!("make {text}")));
        change(&mut stage);
        self.stages.push((stage, needs.to_vec()));
        self
    }

    fn change(mut self, text: &str, change: impl FnOnce(&mut Stage)) -> Self {
        change(&mut self.stages.iter_mut().find(|(stage, _)| stage.name.as_str() == text).unwrap().0);
        self
    }

    fn profile(mut self, name: &str, profile: Profile) -> Self {
        self.profiles.insert(name.to_owned(), profile);
        self
    }

    fn pipeline(&self) -> Pipeline {
        let place = |need: &&str| {
            StageId::from_index(self.stages.iter().position(|(stage, _)| stage.name.as_str() == *need).unwrap())
        };
        let stages = self
            .stages
            .iter()
            .map(|(stage, needs)| Stage { needs: needs.iter().map(place).collect(), ..stage.clone() });
        Pipeline::new("/project".into(), stages.collect(), self.profiles.clone(), self.run.clone()).unwrap()
    }

    fn try_plan(&self, request: &Request) -> Result<Plan, PlanError> {
        let env = Env::default();
        let facts = Facts {
            os: "linux".into(),
            ci: false,
            branch: Some("main".into()),
            env: &env,
            cores: 4,
            hook: None,
            changed: Changed::Unasked,
        };
        build(&self.pipeline(), request, &facts)
    }

    fn plan(&self, request: &Request) -> Plan {
        self.try_plan(request).unwrap()
    }

    fn error(&self, request: &Request) -> PlanError {
        self.try_plan(request).unwrap_err()
    }
}

fn ask(stages: &[&str]) -> Request {
    Request { stages: words(stages), ..Request::default() }
}

fn skip(stages: &[&str]) -> Request {
    Request { skip: words(stages), ..Request::default() }
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.stages.values().map(|stage| stage.name.as_str()).collect()
}

fn planned<'a>(plan: &'a Plan, name: &str) -> &'a PlannedStage {
    &plan.stages[plan.find(name).unwrap()]
}

fn needs<'a>(plan: &'a Plan, name: &str) -> Vec<&'a str> {
    planned(plan, name).needs.iter().map(|need| plan.stages[*need].name.as_str()).collect()
}

fn asked(by: &str) -> Reason {
    Reason::Asked { by: by.into() }
}

fn needed_by(stage: &str) -> Reason {
    Reason::NeededBy { stage: name(stage) }
}

/// build → test → deploy, and lint beside them; deploy is not in the default set.
fn usual() -> Declared {
    Declared::of(&[("deploy", &["test"]), ("build", &[]), ("test", &["build"]), ("lint", &[])])
        .change("deploy", |stage| stage.default = false)
}

fn on_macos(stage: &mut Stage) {
    stage.when.os = Some(words(&["macos"]));
}

#[test]
fn the_default_set_is_planned_in_order_of_declaration_and_needs() {
    let plan = usual().plan(&Request::default());
    assert_eq!(names(&plan), ["build", "test", "lint"]);
    assert_eq!(needs(&plan, "test"), ["build"]);
    assert!(plan.stages.values().all(|stage| stage.reasons == [Reason::Default] && stage.runs()));
    assert_eq!(plan.root, std::path::Path::new("/project"));
    assert!(plan.warnings.is_empty() && plan.left_out.is_empty() && plan.has_work());
}

#[test]
fn what_is_asked_for_brings_what_it_needs_and_nothing_else() {
    let plan = usual().plan(&ask(&["deploy"]));
    assert_eq!(names(&plan), ["build", "test", "deploy"]);
    assert_eq!(planned(&plan, "deploy").reasons, [asked("deploy")]);
    assert_eq!(planned(&plan, "test").reasons, [needed_by("deploy")]);
    assert_eq!(planned(&plan, "build").reasons, [needed_by("test")]);
}

#[test]
fn only_leaves_out_what_is_needed_and_says_so() {
    let plan = usual().plan(&Request { only: true, ..ask(&["deploy"]) });
    assert_eq!(names(&plan), ["deploy"]);
    assert!(needs(&plan, "deploy").is_empty());
    assert_eq!(plan.left_out, [name("test")]);
    let left_out = Reason::NeedLeftOut { stage: name("test"), by: "--only".into() };
    assert_eq!(planned(&plan, "deploy").reasons, [asked("deploy"), left_out]);
}

#[test]
fn skip_leaves_out_a_stage_and_what_only_it_needed() {
    let plan = usual().plan(&Request { stages: words(&["deploy", "lint"]), ..skip(&["test"]) });
    assert_eq!(names(&plan), ["deploy", "lint"]);
    assert_eq!(plan.left_out, [name("test")]);
    let left_out = Reason::NeedLeftOut { stage: name("test"), by: "--skip".into() };
    assert_eq!(planned(&plan, "deploy").reasons, [asked("deploy"), left_out]);
}

#[test]
fn the_order_through_a_stage_that_is_left_out_is_kept() {
    for request in [
        Request { stages: words(&["deploy", "build"]), ..skip(&["test"]) },
        Request { only: true, ..ask(&["deploy", "build"]) },
    ] {
        let plan = usual().plan(&request);
        assert_eq!(names(&plan), ["build", "deploy"]);
        assert_eq!(needs(&plan, "deploy"), ["build"]);
    }
}

#[test]
fn skip_wins_over_what_is_asked_for() {
    let plan = usual().plan(&Request { stages: words(&["lint", "build"]), ..skip(&["lint"]) });
    assert_eq!(names(&plan), ["build"]);
    assert_eq!(plan.left_out, [name("lint")]);
    let error = usual().error(&Request { stages: words(&["lint"]), ..skip(&["lint"]) });
    assert!(error.selects_nothing());
    insta::assert_snapshot!(error, @"nothing is left to run: lint is left out by --skip");
}

#[test]
fn a_matrix_stage_stands_for_all_its_cells() {
    let cell = |declared: Declared, text: &str| declared.stage(text, &[], |stage| stage.declared = name("test"));
    let declared = cell(cell(Declared::of(&[("tester", &[])]), "test:1.80"), "test:1.90");
    assert_eq!(names(&declared.plan(&ask(&["test"]))), ["test:1.80", "test:1.90"]);
    assert_eq!(names(&declared.plan(&ask(&["test:1.90"]))), ["test:1.90"]);
    assert_eq!(names(&declared.plan(&skip(&["test"]))), ["tester"]);
    assert_eq!(names(&declared.plan(&ask(&["*.9*"]))), ["test:1.90"]);
    assert_eq!(names(&declared.plan(&ask(&["tes?"]))), ["test:1.80", "test:1.90"]);
}

#[test]
fn names_globs_tags_and_profiles_add_up() {
    let declared = usual()
        .change("lint", |stage| stage.tags = words(&["quick"]))
        .profile("ship", Profile { stages: words(&["deploy"]), skip: words(&["test"]), ..Profile::default() });
    let request = Request {
        stages: words(&["b*", "build"]),
        tags: words(&["quick"]),
        profile: Some("ship".into()),
        ..Request::default()
    };
    let plan = declared.plan(&request);
    assert_eq!(names(&plan), ["build", "deploy", "lint"]);
    assert_eq!(planned(&plan, "build").reasons, [asked("b*"), asked("build")]);
    assert_eq!(planned(&plan, "lint").reasons, [asked("--tag quick")]);
    let left_out = Reason::NeedLeftOut { stage: name("test"), by: "--profile ship".into() };
    assert_eq!(planned(&plan, "deploy").reasons, [asked("--profile ship"), left_out]);
}

#[test]
fn a_profile_that_only_skips_cuts_down_the_default_set() {
    let profile = Profile { skip: words(&["te*", "x*"]), ..Profile::default() };
    let plan = usual().profile("fast", profile).plan(&Request { profile: Some("fast".into()), ..Request::default() });
    assert_eq!(names(&plan), ["build", "lint"]);
    assert_eq!(plan.warnings, ["\"x*\" in the profile \"fast\" matches no stage"]);
}

/// H100: a name that is not there is an error, with the nearest that are; nothing runs instead.
#[test]
fn h100_an_unknown_stage_is_refused_with_the_nearest_names() {
    let error = usual().error(&ask(&["lint", "biuld"]));
    assert!(!error.selects_nothing());
    insta::assert_snapshot!(error, @r#"there is no stage "biuld"; did you mean build?"#);
    insta::assert_snapshot!(usual().error(&ask(&["xyz"])), @r#"there is no stage "xyz""#);
    insta::assert_snapshot!(usual().error(&skip(&["lnt"])), @r#"there is no stage "lnt"; did you mean lint?"#);
    let profile = Profile { stages: words(&["tests"]), ..Profile::default() };
    let error = usual().profile("all", profile).error(&Request { profile: Some("all".into()), ..Request::default() });
    insta::assert_snapshot!(error, @r#"there is no stage "tests", which the profile "all" names; did you mean test?"#);
}

#[test]
fn what_matches_nothing_is_refused() {
    let tag = Request { tags: words(&["fast"]), ..Request::default() };
    let profile = |name: &str| Request { profile: Some(name.into()), ..Request::default() };
    let declared = usual()
        .change("lint", |stage| stage.tags = words(&["faster"]))
        .profile("quick", Profile { tags: words(&["gone"]), stages: words(&["x*"]), ..Profile::default() });
    let by_hand = Declared::of(&[("a", &[])]).change("a", |stage| stage.default = false);
    let errors = [
        declared.error(&ask(&["lint", "x*"])),
        declared.error(&skip(&["x*"])),
        declared.error(&tag),
        declared.error(&profile("quik")),
        declared.error(&profile("quick")),
        by_hand.error(&Request::default()),
        Declared::default().error(&Request::default()),
    ];
    assert!(errors.iter().all(PlanError::selects_nothing));
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"), @r#"
    no stage matches "x*"
    no stage matches "x*"
    no stage has the tag "fast"; did you mean faster?
    there is no profile "quik"; did you mean quick?
    no stage matches the profile "quick"
    no stage is in the default set: name one, or take `default = false` off one
    the pipeline has no stages
    "#);
}

#[test]
fn a_broken_glob_is_refused() {
    let error = usual().error(&ask(&["te[st"]));
    assert!(!error.selects_nothing());
    insta::assert_snapshot!(error, @r#""te[st" is not a glob: unclosed character class; missing ']'"#);
}

#[test]
fn a_condition_that_does_not_hold_skips_a_stage_and_spares_what_it_needs() {
    let declared = usual().change("test", on_macos);
    let plan = declared.plan(&ask(&["deploy"]));
    assert_eq!(names(&plan), ["test", "deploy"]);
    let reason = SkipReason::Condition { why: "runs on macos only".into() };
    assert_eq!(planned(&plan, "test").decision, Decision::Skip { reason });
    assert_eq!(planned(&plan, "deploy").reasons, [asked("deploy"), Reason::NeedSkipped { stage: name("test") }]);
    // What is in the plan for another reason still comes first.
    let plan = declared.plan(&ask(&["deploy", "build"]));
    assert_eq!(needs(&plan, "deploy"), ["build", "test"]);
    assert_eq!(needs(&plan, "test"), ["build"]);
}

#[test]
fn a_plan_of_skipped_stages_is_a_plan_without_work() {
    let plan = usual().change("lint", on_macos).plan(&ask(&["lint"]));
    assert_eq!(names(&plan), ["lint"]);
    assert!(!plan.has_work());
}

#[test]
fn a_need_that_may_fail_is_told() {
    let plan = usual().change("build", |stage| stage.policy.allow_failure = true).plan(&ask(&["test"]));
    assert_eq!(needs(&plan, "test"), ["build"]);
    assert_eq!(planned(&plan, "test").reasons, [asked("test"), Reason::NeedMayFail { stage: name("build") }]);
}

#[test]
fn interactive_stages_run_one_at_a_time() {
    let declared = usual()
        .change("lint", |stage| (stage.policy.interactive, stage.policy.log_max) = (true, 10))
        .change("test", |stage| stage.policy.interactive = true);
    let plan = declared.plan(&Request::default());
    assert_eq!(planned(&plan, "lint").policy.locks, planned(&plan, "test").policy.locks);
    assert_eq!(planned(&plan, "lint").policy.locks, ["(terminal)"]);
    assert_eq!(planned(&plan, "lint").policy.log_max, crate::pipeline::DEFAULT_LOG_MAX);
    assert!(planned(&plan, "build").policy.locks.is_empty());
    assert!(planned(&plan, "lint").info().interactive && !planned(&plan, "build").info().interactive);
    let before = usual().plan(&Request::default());
    assert_eq!(planned(&plan, "lint").signature, planned(&before, "lint").signature, "it is the same work");
}

#[test]
fn fix_replaces_commands_one_at_a_time() {
    let declared = usual()
        .change("lint", |stage| {
            stage.fix = Some(script("make fix-lint"));
            stage.policy.locks = words(&["cargo"]);
        })
        .change("build", |stage| stage.fix = Some(Command::Argv(words(&["make", "fix build"]))));
    let without_fix = declared.plan(&ask(&["build"]));
    let plan = declared.plan(&Request { fix: true, ..Request::default() });
    let lint = planned(&plan, "lint");
    assert_eq!(lint.command_text(), "make fix-lint");
    assert_eq!(lint.reasons, [Reason::Default, Reason::Fix]);
    assert_eq!(lint.policy.locks, ["cargo", "--fix"]);
    assert_eq!(planned(&plan, "build").command_text(), "make 'fix build'");
    assert_eq!(planned(&plan, "build").policy.locks, ["--fix"]);
    assert_ne!(planned(&plan, "build").signature, planned(&without_fix, "build").signature);
    assert_eq!(planned(&plan, "test").command_text(), "make test");
    assert!(planned(&plan, "test").policy.locks.is_empty());
    assert!(plan.warnings.is_empty());
    let without = usual().plan(&Request { fix: true, ..Request::default() });
    assert_eq!(without.warnings, ["--fix changes nothing: no stage of this run has a `fix` command"]);
}

#[test]
fn arguments_go_to_the_one_stage_that_is_asked_for() {
    let args = |request: Request| Request { args: words(&["-k", "a b"]), ..request };
    let declared = usual()
        .change("build", |stage| stage.action = Action::Run(script("make \"$@\"")))
        .change("lint", |stage| stage.action = Action::Run(Command::Argv(words(&["lint", "--all"]))));
    let plan = declared.plan(&args(ask(&["lint"])));
    assert_eq!(planned(&plan, "lint").command, Command::Argv(words(&["lint", "--all", "-k", "a b"])));
    let plan = declared.plan(&args(ask(&["build"])));
    assert!(matches!(&planned(&plan, "build").command, Command::Shell { args, .. } if args == &["-k", "a b"]));
    assert!(plan.warnings.is_empty());
    // What is only needed gets none.
    let plan = declared.plan(&args(ask(&["test"])));
    assert_eq!(planned(&plan, "build").command_text(), "make \"$@\"");
    assert_eq!(planned(&plan, "test").command_text(), "make test -- -k 'a b'");
    assert_eq!(plan.warnings, ["the arguments after -- have no effect: the script of test does not use \"$@\""]);
    let error = declared.error(&args(ask(&["lint", "build"])));
    assert!(!error.selects_nothing());
    insta::assert_snapshot!(error, @"arguments after -- go to exactly one stage, and build and lint are selected: name one stage");
    assert_eq!(
        names(&declared.plan(&args(Request { stages: words(&["lint", "build"]), ..skip(&["build"]) }))),
        ["lint"]
    );
}

#[test]
fn the_run_s_own_limits_come_from_the_request_the_config_and_the_machine_in_this_order() {
    let mut declared = usual();
    let plan = declared.plan(&Request::default());
    assert_eq!((plan.jobs, plan.fail_fast, plan.flaky, plan.timeout), (4, false, Flaky::Pass, None));
    let minute = Some(Duration::from_mins(1));
    let flaky = Some(Flaky::Fail);
    declared.run =
        RunDefaults { jobs: Some(3), fail_fast: Some(true), flaky, timeout: minute, ..RunDefaults::default() };
    let plan = declared.plan(&Request::default());
    assert_eq!((plan.jobs, plan.fail_fast, plan.flaky, plan.timeout), (3, true, Flaky::Fail, minute));
    let second = Some(Duration::from_secs(1));
    let flaky = Some(Flaky::Pass);
    let request = Request { jobs: Some(0), fail_fast: Some(false), flaky, timeout: second, ..Request::default() };
    let plan = declared.plan(&request);
    assert_eq!((plan.jobs, plan.fail_fast, plan.flaky, plan.timeout), (1, false, Flaky::Pass, second));
}

#[test]
fn a_stage_wider_than_the_run_is_told() {
    let declared = usual().change("test", |stage| stage.policy.threads = 5);
    let told = ["test wants more threads than the run has slots (4), and will run alone"];
    assert_eq!(declared.plan(&Request::default()).warnings, told);
    assert!(declared.plan(&ask(&["lint"])).warnings.is_empty());
    assert!(declared.plan(&Request { jobs: Some(5), ..Request::default() }).warnings.is_empty());
}

#[test]
fn everything_else_of_a_stage_is_carried_over() {
    let declared = usual().change("lint", |stage| {
        stage.env.insert("A".into(), "1".into());
        stage.dir = "web".into();
        stage.policy.retries = 3;
        stage.outputs = words(&["dist/**"]);
        stage.when = When { ci: Some(false), ..When::default() };
    });
    let plan = declared.plan(&ask(&["lint"]));
    let lint = planned(&plan, "lint");
    assert_eq!(lint.env, BTreeMap::from([("A".to_owned(), "1".to_owned())]));
    assert_eq!(lint.dir, std::path::Path::new("web"));
    assert_eq!((lint.policy.retries, lint.executor.as_str(), lint.estimate.as_ref()), (3, "local", None));
    assert_eq!(lint.outputs, ["dist/**"]);
    assert_eq!(lint.signature, signature::signature(&lint.work()));
}

#[test]
fn a_plan_survives_the_way_to_the_supervisor() {
    let plan = usual().change("test", on_macos).plan(&ask(&["deploy", "build"]));
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

/// Plans in a time that a search through all stages for each of them would exceed.
fn plan_at_size(declared: &[Stage], request: &Request) -> Plan {
    let begun = SystemClock.now();
    let stages = declared.iter().cloned().collect();
    let pipeline = Pipeline::new("/project".into(), stages, BTreeMap::new(), RunDefaults::default()).unwrap();
    let env = Env::default();
    let facts = Facts {
        os: "linux".into(),
        ci: false,
        branch: Some("main".into()),
        env: &env,
        cores: 4,
        hook: None,
        changed: Changed::Unasked,
    };
    let plan = build(&pipeline, request, &facts).unwrap();
    assert!(SystemClock.now().since(begun) < Duration::from_mins(1));
    plan
}

const MANY: usize = 100_000;

fn many(needs: impl Fn(usize) -> Option<usize>) -> Vec<Stage> {
    (0..MANY)
        .map(|index| {
            let mut stage = Stage::new(name(&format!("s{index}")), script("true"));
            stage.needs = needs(index).map(StageId::from_index).into_iter().collect();
            stage.when.branch = Some(words(&["main", "release/*"]));
            stage
        })
        .collect()
}

/// H98: ten times ten thousand stages are planned at once.
#[test]
fn h98_many_stages_are_planned() {
    assert_eq!(plan_at_size(&many(|_| None), &Request::default()).stages.len(), MANY);
    assert_eq!(plan_at_size(&many(|_| None), &ask(&["s*"])).stages.len(), MANY);
}

/// H99: a deep chain and a wide fan are planned without recursion, whole and with holes.
#[test]
fn h99_a_deep_chain_and_a_wide_fan_are_planned() {
    let chain = many(|index| (index + 1 < MANY).then_some(index + 1));
    let plan = plan_at_size(&chain, &ask(&["s0"]));
    assert_eq!(plan.stages.len(), MANY);
    assert_eq!(plan.stages[StageId(0)].name, name("s99999"));
    let plan = plan_at_size(&chain, &Request { only: true, ..ask(&["s0", "s99999"]) });
    assert_eq!(names(&plan), ["s99999", "s0"]);
    assert_eq!(needs(&plan, "s0"), ["s99999"]);
    let fan = many(|index| (index > 0).then_some(0));
    assert_eq!(plan_at_size(&fan, &Request::default()).stages.len(), MANY);
    assert_eq!(plan_at_size(&fan, &skip(&["s0"])).stages.len(), MANY - 1);
}

/// A plan whose stages are expected to take so many seconds; none where that is nothing.
fn expecting(mut plan: Plan, seconds: &[(&str, u64)]) -> Plan {
    for (name, seconds) in seconds {
        let id = plan.find(name).unwrap();
        plan.stages[id].estimate = (*seconds > 0).then(|| crate::view::recorded::expecting(seconds * 1000));
    }
    plan
}

#[test]
fn a_whole_plan_is_expected_to_take_its_longest_way_or_what_slots_and_locks_allow() {
    let secs = Duration::from_secs;
    let plan = expecting(usual().plan(&Request::default()), &[("build", 10), ("test", 20), ("lint", 40)]);
    let expectation = plan.expectation().unwrap();
    assert_eq!((expectation.expected, expectation.unknown), (secs(40), 0));
    assert_eq!((expectation.low, expectation.high), (secs(36), secs(44)));
    assert_eq!(Plan { jobs: 1, ..plan.clone() }.expectation().unwrap().expected, secs(70));
    let mut locked = plan.clone();
    for (_, stage) in locked.stages.iter_mut() {
        stage.policy.locks = words(&["cargo"]);
    }
    assert_eq!(locked.expectation().unwrap().expected, secs(70));

    // Build and test are the longest way, and lint is taken for the middle one of the two.
    let guessed = expecting(plan, &[("build", 10), ("test", 40), ("lint", 0)]).expectation().unwrap();
    assert_eq!((guessed.expected, guessed.unknown), (secs(50), 1));
}

#[test]
fn of_a_plan_of_which_nothing_is_known_nothing_is_expected() {
    assert_eq!(usual().plan(&Request::default()).expectation(), None);
    let skipped = expecting(usual().change("lint", on_macos).plan(&Request::default()), &[("lint", 500)]);
    assert_eq!(skipped.expectation(), None, "what does not run says nothing of what does");
    let known = expecting(skipped, &[("build", 10), ("test", 20)]);
    assert_eq!(known.expectation().unwrap().expected, Duration::from_secs(30), "and takes no time");
}
