//! What there is to go on with, and the plan for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::past::past;
use super::plan::again;
use super::*;
use crate::cancel::CancelLevel;
use crate::clock::Timestamp;
use crate::engine::machine::past::Before;
use crate::event::{Event, EventKind, LogInfo, RunStarted, SCHEMA_VERSION, Sink, StageInfo};
use crate::ids::{DenseMap, RunId, Signature, StageId};
use crate::journal::header::{HeaderRemote, HeaderStage};
use crate::journal::layout::create_dir;
use crate::journal::state::Owner;
use crate::journal::write::JournalWriter;
use crate::outcome::{CancelReason, Exit, Failure, Outcome};
use crate::pipeline::remote::{DEFAULT_GIVE_UP, DEFAULT_TIMEOUT, Destination, Remote, Sync};
use crate::pipeline::{Command, Policy};
use crate::plan::{Decision, Plan, PlannedStage};
use crate::process::identity::boot_id;

const BOX: &str = "box";

fn planned(name: &str, executor: &str, signature: u8, needs: &[u32]) -> PlannedStage {
    PlannedStage {
        name: StageName::new(name).unwrap(),
        decision: Decision::Run,
        reasons: Vec::new(),
        command: Command::Argv(vec!["echo".into(), name.into()]),
        needs: needs.iter().map(|id| StageId(*id)).collect(),
        env: BTreeMap::from([("SECRET".into(), "today".into())]),
        dir: PathBuf::new(),
        policy: Policy::default(),
        executor: executor.into(),
        signature: Signature::from_bytes([signature; 32]),
        is_fix: false,
        has_fix: false,
        inputs: Vec::new(),
        outputs: Vec::new(),
        annotate: Vec::new(),
        secrets: Vec::new(),
        inputs_digest: None,
        estimate: None,
    }
}

fn remote(host: &str) -> Remote {
    Remote {
        name: BOX.into(),
        destination: Destination { user: None, host: host.into(), port: None },
        session: "onion".into(),
        dir: None,
        sync: Sync::Git,
        include: Vec::new(),
        env: BTreeMap::from([("TOKEN".into(), "today".into())]),
        slots: Some(3),
        description: None,
        timeout: DEFAULT_TIMEOUT,
        give_up: DEFAULT_GIVE_UP,
    }
}

fn plan_of(stages: Vec<PlannedStage>) -> Plan {
    Plan {
        root: "/p".into(),
        stages: stages.into_iter().collect(),
        jobs: 7,
        fail_fast: true,
        flaky: crate::pipeline::Flaky::Pass,
        timeout: None,
        left_out: Vec::new(),
        warnings: Vec::new(),
        remotes: BTreeMap::from([(BOX.to_owned(), remote("today.example.invalid"))]),
        plugins: BTreeMap::new(),
        reporters: Vec::new(),
        secrets: BTreeMap::new(),
        mask: Vec::new(),
    }
}

fn header(plan: &Plan) -> Header {
    let stage = |stage: &PlannedStage| HeaderStage {
        name: stage.name.clone(),
        signature: stage.signature,
        command: stage.command.clone(),
        dir: String::new(),
        env: Vec::new(),
    };
    Header {
        schema_version: SCHEMA_VERSION,
        program: String::new(),
        run: RunId::from_bytes([7; 16]),
        number: None,
        started: Timestamp { unix_ms: 1, mono_us: 1 },
        argv: Vec::new(),
        equivalent: Vec::new(),
        project: "/p".into(),
        directory: "/p".into(),
        commit: None,
        branch: None,
        config: Vec::new(),
        stages: plan.stages.values().map(stage).collect(),
        remotes: vec![HeaderRemote::from(&remote("then.example.invalid"))],
        jobs: 2,
        waits: None,
    }
}

/// A run of this plan to which this happened, a second each.
fn events(plan: &Plan, kinds: Vec<EventKind>) -> Vec<Event> {
    let started = RunStarted {
        schema_version: SCHEMA_VERSION,
        run: RunId::from_bytes([7; 16]),
        number: None,
        project: "/p".into(),
        jobs: 2,
        stages: plan.stages.values().map(PlannedStage::info).collect::<Vec<StageInfo>>(),
        remotes: vec![crate::event::RemoteInfo {
            name: BOX.into(),
            host: "then.example.invalid".into(),
            session: "onion".into(),
            dir: None,
            sends: true,
            slots: Some(3),
        }],
    };
    let event = |(seq, kind): (u64, EventKind)| Event { seq, at: at(seq), kind };
    (0..).zip([EventKind::RunStarted(started)].into_iter().chain(kinds)).map(event).collect()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp { unix_ms: 1_000_000 + i64::try_from(seconds).unwrap() * 1000, mono_us: (5 + seconds) * 1_000_000 }
}

fn view(plan: &Plan, kinds: Vec<EventKind>) -> RunView {
    let mut view = RunView::new();
    for event in events(plan, kinds) {
        view.apply(&event);
    }
    view
}

fn starts(stage: u32) -> EventKind {
    EventKind::StageStarted { stage: StageId(stage), attempt: 1 }
}

fn ends(stage: u32) -> EventKind {
    EventKind::StageFinished(crate::event::StageFinished {
        stage: StageId(stage),
        attempt: 1,
        outcome: Outcome::Passed,
        exit: Some(Exit::Code(0)),
        duration_ms: 1,
        log: LogInfo::default(),
        leaked: Vec::new(),
    })
}

#[test]
fn a_run_can_be_gone_on_with_that_has_something_elsewhere_or_not_started() {
    let plan = plan_of(vec![planned("a", BOX, 1, &[]), planned("b", "local", 2, &[])]);
    let header = header(&plan);
    let of = |kinds| look(&view(&plan, kinds), &header).map(|left| left.sentence());
    let on_box = Some("goes on on box".to_owned());
    let unstarted = Some("was left before all of it was started".to_owned());
    assert_eq!(of(vec![starts(0), starts(1)]), on_box);
    assert_eq!(of(vec![starts(0), starts(1), ends(1)]), on_box);
    assert_eq!(of(vec![starts(1), starts(0), ends(0)]), None, "what was here is gone");
    assert_eq!(of(vec![starts(0), ends(0)]), unstarted);
    assert_eq!(of(vec![starts(0), ends(0), starts(1), ends(1)]), None, "there is nothing to do");
    assert_eq!(look(&RunView::new(), &header), None, "it never said anything");
    let here = Header { remotes: Vec::new(), ..header.clone() };
    assert_eq!(look(&view(&plan, vec![starts(0)]), &here), None, "all of it was here");
    let retrying = EventKind::StageRetrying {
        stage: StageId(0),
        attempt: 1,
        outcome: Outcome::Failed { failure: Failure::Exit { exit: Exit::Code(1) } },
        duration_ms: 1,
        delay_ms: 5000,
        log: LogInfo::default(),
        leaked: Vec::new(),
    };
    assert_eq!(of(vec![starts(0), retrying, starts(1), ends(1)]), unstarted);
}

#[test]
fn the_plan_is_the_runs_with_todays_commands_where_they_are_the_same() {
    let mut skipped = planned("skipped", "local", 4, &[]);
    let reason = crate::outcome::SkipReason::Condition { why: "os".into() };
    skipped.decision = Decision::Skip { reason };
    let mut first = planned("first", BOX, 1, &[]);
    first.policy.locks = vec!["l".into()];
    let then = plan_of(vec![
        first,
        planned("changed", BOX, 2, &[0]),
        planned("gone", BOX, 3, &[1]),
        skipped,
        planned("moved", BOX, 5, &[]),
    ]);
    // Another order, another lock, a stage that is new, and a condition that is met by now.
    let mut today = plan_of(vec![
        planned("new", BOX, 9, &[]),
        planned("changed", BOX, 22, &[]),
        planned("skipped", "local", 4, &[]),
        planned("moved", "local", 5, &[]),
        planned("first", BOX, 1, &[0]),
    ]);
    today.timeout = Some(std::time::Duration::from_mins(1));
    let again = again(&view(&then, vec![starts(0)]), &header(&then), Some(&today));
    let stages: DenseMap<StageId, PlannedStage> = again.plan.stages.clone();
    let names: Vec<&str> = stages.values().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["first", "changed", "gone", "skipped", "moved"]);
    let infos = |plan: &Plan| plan.stages.values().map(PlannedStage::info).collect::<Vec<_>>();
    assert_eq!(infos(&again.plan), infos(&then), "what the journal says of them holds");
    assert_eq!(stages[StageId(0)].env["SECRET"], "today");
    assert!(stages[StageId(1)].env.is_empty());
    let barred: Vec<u32> = again.barred.iter().map(|(stage, _)| stage.0).collect();
    assert_eq!(barred, [1, 2, 4]);
    assert!(again.barred[0].1.contains("has changed") && again.barred[1].1.contains("not in the config"));
    assert_eq!((again.plan.jobs, again.plan.fail_fast, again.plan.timeout), (2, true, today.timeout));
    // It is reached where it was started.
    let there = &again.plan.remotes[BOX];
    assert_eq!(there.destination.host, "then.example.invalid");
    assert_eq!((there.env["TOKEN"].as_str(), there.slots), ("today", Some(3)));
}

/// To end a run takes no config.
#[test]
fn without_a_config_nothing_is_started() {
    let then = plan_of(vec![planned("a", BOX, 1, &[]), planned("b", BOX, 2, &[])]);
    let again = again(&view(&then, vec![starts(0)]), &header(&then), None);
    assert_eq!(again.barred.len(), 2);
    assert_eq!(again.plan.stages[StageId(0)].command, then.stages[StageId(0)].command);
    assert_eq!(again.plan.remotes[BOX].destination.host, "then.example.invalid");
    assert_eq!(again.plan.root, Path::new("/p"));
}

#[test]
fn the_past_is_what_the_journal_says_on_a_clock_that_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::new(dir.path().join("1"));
    create_dir(&run.logs()).unwrap();
    let names = ["done", "there", "here", "later"];
    let of = |name: &&str| planned(name, if *name == "here" { "local" } else { BOX }, 1, &[]);
    let plan = plan_of(names.iter().map(of).collect());
    let cancelling = EventKind::Cancelling { reason: CancelReason::Interrupt, level: CancelLevel::Interrupt };
    let sent = crate::event::RemoteNews::Sent { files: 1, bytes: 1, duration_ms: 1 };
    let sent = EventKind::Remote { remote: BOX.into(), news: sent };
    let kinds = vec![starts(0), sent, ends(0), starts(1), starts(2), cancelling];
    let mut journal = JournalWriter::open(&run).unwrap();
    for event in events(&plan, kinds) {
        journal.event(&event).unwrap();
    }
    std::fs::write(run.log(&StageName::new("here").unwrap(), 1), "12345").unwrap();
    let torn = std::fs::read(run.events()).unwrap().into_iter().chain(*b"{\"seq\":7,").collect::<Vec<_>>();
    std::fs::write(run.events(), torn).unwrap();
    let owner = |boot_id: String| Owner { pid: 1, start_time: 1, boot_id }.write(&run).unwrap();

    owner(boot_id().unwrap());
    let now = at(100);
    let past_now = |now| past(&run, vec![(StageId(3), "why".into())], Some(CancelLevel::Kill), now).unwrap();
    let known = past_now(now);
    assert_eq!((known.next_seq, known.started, known.last), (7, at(0), at(6)));
    assert_eq!((known.after_ms, known.ahead_us, known.stop), (94_000, 0, Some(CancelLevel::Kill)));
    assert_eq!(known.cancelling, Some((CancelReason::Interrupt, CancelLevel::Interrupt)));
    assert_eq!(known.barred, [(StageId(3), "why".into())]);
    let stages: Vec<&Before> = known.stages.values().collect();
    assert!(matches!(stages[0], Before::Finished(_)), "{stages:?}");
    assert_eq!(stages[1], &Before::Elsewhere { attempt: 1, since: at(4) });
    let log = LogInfo { bytes: 5, ..LogInfo::default() };
    assert_eq!(stages[2], &Before::Here { attempt: 1, since: at(5), log });
    assert_eq!(known.sent, [BOX]);
    assert_eq!(stages[3], &Before::Waiting);
    let told: Vec<_> = known.told.iter().map(|event| (event.seq, event.kind.name())).collect();
    assert_eq!(told, [(0, "run_started"), (3, "stage_finished")]);
    // What travels to the supervisor comes out the same.
    let text = serde_json::to_string(&known).unwrap();
    assert_eq!(serde_json::from_str::<crate::engine::machine::past::Past>(&text).unwrap(), known);
    // After a reboot the machine's clock begins anew.
    owner("another".into());
    let rebooted = past_now(Timestamp { mono_us: 2_000_000, ..now });
    assert_eq!(rebooted.ahead_us, i64::try_from(now.mono_us).unwrap() - 2_000_000);
}
