//! Where the stages of a plan run: as they say, or all where the request says.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{PlanError, nearest};
use super::select::Elsewhere;
use super::signature::LOCAL;
use super::{PlannedStage, Remotes};
use crate::ids::StageName;
use crate::pipeline::remote::{Destination, Remote};
use crate::pipeline::{Pipeline, Stage};

/// Where stages run.
pub(super) struct Placing<'a> {
    pipeline: &'a Pipeline,
    elsewhere: &'a Elsewhere,
    /// For all stages, whatever they say.
    all: Option<Where>,
}

/// Where something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    Here,
    There(Box<Remote>),
}

impl<'a> Placing<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, elsewhere: &'a Elsewhere) -> Result<Self, PlanError> {
        let all = elsewhere.remote.as_deref().map(|text| find(pipeline, text)).transpose()?;
        Ok(Self { pipeline, elsewhere, all })
    }

    /// The name of the executor of a stage.
    pub(super) fn executor(&self, stage: &Stage) -> String {
        match &self.all {
            Some(Where::There(remote)) => remote.name.clone(),
            Some(Where::Here) => LOCAL.to_owned(),
            None => stage.executor().to_owned(),
        }
    }

    /// The remotes that these stages run on, as they are to be used. What talks with a person runs on none.
    pub(super) fn remotes<'s>(
        &self,
        stages: impl Iterator<Item = &'s PlannedStage> + Clone,
    ) -> Result<BTreeMap<String, Remote>, PlanError> {
        let away = stages.filter(|stage| stage.runs() && stage.executor != LOCAL);
        let talking: Vec<StageName> =
            away.clone().filter(|stage| stage.policy.interactive).map(|stage| stage.name.clone()).collect();
        if !talking.is_empty() {
            return Err(PlanError::InteractiveElsewhere { stages: talking, for_all: self.all.is_some() });
        }
        let names: BTreeSet<&str> = away.map(|stage| stage.executor.as_str()).collect();
        self.one_is_meant(&names)?;
        let mut remotes = BTreeMap::new();
        for name in names {
            let mut remote = match &self.all {
                Some(Where::There(remote)) => Remote::clone(remote),
                Some(Where::Here) | None => self.declared(name)?,
            };
            let Elsewhere { remote: _, session, timeout, dir } = self.elsewhere.clone();
            remote.session = session.unwrap_or(remote.session);
            remote.timeout = timeout.unwrap_or(remote.timeout);
            remote.dir = dir.or(remote.dir);
            remotes.insert(name.to_owned(), remote);
        }
        Ok(remotes)
    }

    fn declared(&self, name: &str) -> Result<Remote, PlanError> {
        let known = self.pipeline.remotes();
        let unknown = || PlanError::UnknownRemote {
            name: name.to_owned(),
            nearest: nearest(name, known.keys().map(String::as_str)),
        };
        known.get(name).cloned().ok_or_else(unknown)
    }

    /// That what is said of a remote is said of one.
    fn one_is_meant(&self, names: &BTreeSet<&str>) -> Result<(), PlanError> {
        let Elsewhere { remote: _, session, timeout, dir } = self.elsewhere;
        let said = [
            ("--session", session.is_some()),
            ("--remote-timeout", timeout.is_some()),
            ("--remote-dir", dir.is_some()),
        ];
        match said.into_iter().find(|(_, said)| *said) {
            Some((option, _)) if names.len() != 1 => {
                let remotes = Remotes(names.iter().map(|name| (*name).to_owned()).collect());
                Err(PlanError::WhichRemote { option, remotes })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What is meant by the text of `--remote`.
fn find(pipeline: &Pipeline, text: &str) -> Result<Where, PlanError> {
    if text == LOCAL {
        return Ok(Where::Here);
    }
    if let Some(remote) = pipeline.remotes().get(text) {
        return Ok(Where::There(Box::new(remote.clone())));
    }
    match Destination::parse(text) {
        Ok(destination) => Ok(Where::There(Box::new(Remote::new(text, destination)))),
        Err(why) => Err(PlanError::BadRemote { text: text.to_owned(), why }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::env::Env;
    use crate::pipeline::{Command, Placement, RunDefaults, When};
    use crate::plan::{Changed, Facts, Plan, Request};

    /// `here`, `box` and `far`, each named for where it runs; both remotes are known.
    fn plan(change: impl Fn(&mut Stage), elsewhere: Elsewhere) -> Result<Plan, PlanError> {
        let places = [("here", Placement::Local), ("box", on("box")), ("far", on("far"))];
        let stages = places.into_iter().map(|(name, placement)| {
            let mut stage = Stage::new(StageName::new(name).unwrap(), Command::Argv(vec!["make".into()]));
            stage.placement = placement;
            change(&mut stage);
            stage
        });
        let pipeline = Pipeline::new("/p".into(), stages.collect(), BTreeMap::new(), RunDefaults::default()).unwrap();
        let mut remotes = BTreeMap::new();
        for name in ["box", "far", "idle"] {
            let remote = Remote::new(name, Destination::parse(&format!("{name}.example.invalid")).unwrap());
            remotes.insert(name.to_owned(), Remote { slots: Some(9), dir: Some("/srv".into()), ..remote });
        }
        let env = Env::default();
        let facts = Facts {
            os: "macos".into(),
            ci: false,
            branch: None,
            env: &env,
            cores: 4,
            hook: None,
            changed: Changed::Unasked,
        };
        super::super::build(&pipeline.with_remotes(remotes), &Request { elsewhere, ..Request::default() }, &facts)
    }

    fn on(name: &str) -> Placement {
        Placement::Remote(name.to_owned())
    }

    fn to(remote: &str) -> Elsewhere {
        Elsewhere { remote: Some(remote.to_owned()), ..Elsewhere::default() }
    }

    fn executors(plan: &Plan) -> Vec<&str> {
        plan.stages.values().map(|stage| stage.executor.as_str()).collect()
    }

    fn remotes(plan: &Plan) -> Vec<String> {
        plan.remotes.values().map(|remote| format!("{} {}", remote.name, remote.destination)).collect()
    }

    #[test]
    fn stages_run_where_they_say_and_only_what_they_name_is_in_the_plan() {
        let plan = plan(|_| {}, Elsewhere::default()).unwrap();
        assert_eq!(executors(&plan), ["local", "box", "far"]);
        assert_eq!(remotes(&plan), ["box box.example.invalid", "far far.example.invalid"]);
        assert_eq!((plan.slots("local"), plan.slots("box"), plan.slots("other")), (4, 9, 4));
    }

    #[test]
    fn one_remote_for_all_is_an_entry_first_and_else_a_destination() {
        let named = plan(|_| {}, to("box")).unwrap();
        assert_eq!((executors(&named), remotes(&named)), (vec!["box"; 3], vec!["box box.example.invalid".to_owned()]));
        let typed = plan(|_| {}, to("ci@other.example.invalid:2222")).unwrap();
        assert_eq!(executors(&typed), ["ci@other.example.invalid:2222"; 3]);
        let remote = &typed.remotes["ci@other.example.invalid:2222"];
        assert_eq!((remote.destination.port, remote.slots, remote.session.as_str()), (Some(2222), None, "onion"));
        let here = plan(|_| {}, to("local")).unwrap();
        assert_eq!((executors(&here), here.remotes.len()), (vec!["local"; 3], 0));
    }

    /// H143: what is no destination is refused before anything is done with it.
    #[test]
    fn h143_what_is_neither_is_refused() {
        let error = plan(|_| {}, to("-oProxyCommand=id")).unwrap_err();
        assert!(!error.selects_nothing());
        insta::assert_snapshot!(error, @r#"--remote is "-oProxyCommand=id", which has a host that begins with `-`, which ssh would take for an option"#);
    }

    #[test]
    fn what_is_said_of_a_remote_is_said_of_one() {
        let said = Elsewhere { session: Some("ci".into()), timeout: Some(Duration::from_secs(5)), ..to("box") };
        let plan_of = |elsewhere: &Elsewhere| plan(|_| {}, elsewhere.clone());
        let remote = plan_of(&Elsewhere { dir: Some("~/x".into()), ..said.clone() }).unwrap().remotes["box"].clone();
        assert_eq!((remote.session.as_str(), remote.timeout.as_secs(), remote.dir.as_deref()), ("ci", 5, Some("~/x")));
        assert_eq!(plan_of(&said).unwrap().remotes["box"].dir.as_deref(), Some("/srv"));
        let unnamed = Elsewhere { remote: None, ..said.clone() };
        insta::assert_snapshot!(plan_of(&unnamed).unwrap_err(), @"--session is for one remote, and these stages run on box and far: name it with --remote");
        let nowhere = Elsewhere { dir: Some("~/x".into()), ..to("local") };
        insta::assert_snapshot!(plan_of(&nowhere).unwrap_err(), @"--remote-dir is for one remote, and these stages run here: name it with --remote");
        let one = plan(|stage| stage.default = stage.name.as_str() != "far", unnamed).unwrap();
        assert_eq!(one.remotes["box"].session, "ci");
    }

    #[test]
    fn who_talks_with_a_person_stays_here() {
        let talks = |stage: &mut Stage| stage.policy.interactive = stage.name.as_str() != "far";
        insta::assert_snapshot!(plan(talks, Elsewhere::default()).unwrap_err(), @"box is interactive, which works on this machine only: take `on` off, or leave it out with --skip");
        insta::assert_snapshot!(plan(talks, to("far")).unwrap_err(), @"here and box are interactive, which works on this machine only: leave out --remote, or leave it out with --skip");
        assert!(plan(talks, to("local")).is_ok());
    }

    /// A job runs once at a time, and not once on each machine.
    #[test]
    fn a_stage_is_the_same_job_wherever_it_runs() {
        let of = |elsewhere| plan(|_| {}, elsewhere).unwrap().stages.values().next().unwrap().clone();
        let (here, there) = (of(to("local")), of(to("box")));
        assert_ne!(here.signature, there.signature, "it takes another time there");
        assert_eq!((here.job(), there.job()), (here.signature, here.job()));
        let other = plan(|stage| stage.dir = "sub".into(), to("box")).unwrap();
        assert_ne!(other.stages.values().next().unwrap().job(), here.job());
    }

    #[test]
    fn the_system_that_counts_is_that_of_the_machine_that_runs_it() {
        let linux = |stage: &mut Stage| stage.when = When { os: Some(vec!["linux".into()]), ..When::default() };
        let plan = plan(linux, Elsewhere::default()).unwrap();
        let runs: Vec<bool> = plan.stages.values().map(PlannedStage::runs).collect();
        assert_eq!(runs, [false, true, true]);
    }

    #[test]
    fn threads_are_those_of_the_machine() {
        let wide = |stage: &mut Stage| stage.policy.threads = 8;
        assert_eq!(
            plan(wide, Elsewhere::default()).unwrap().warnings,
            ["here wants more threads than the run has slots (4), and will run alone"]
        );
        let wider = |stage: &mut Stage| stage.policy.threads = 10;
        assert_eq!(
            plan(wider, to("box")).unwrap().warnings,
            ["here, box and far want more threads than box has slots (9), and will run alone there"]
        );
    }
}
