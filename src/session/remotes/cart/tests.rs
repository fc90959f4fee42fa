//! Runs of one project that have its work tree on a machine one after the other.

use std::fs;
use std::path::Path;

use crossbeam_channel::Receiver;

use super::*;
use crate::env::Env;
use crate::executor::Streams;
use crate::executor::jobserver::Offer;
use crate::executor::remote::Line;
use crate::ids::Signature;
use crate::pipeline::remote::Destination;
use crate::pipeline::{Command, Leak, Policy};
use crate::plan::{Decision, PlannedStage};
use crate::process::tool::Tool;
use crate::remote::here::Here;

/// One machine's home for the project, and another's.
struct Rig(tempfile::TempDir);

fn tools(home: &Path) -> Tools {
    let home = home.to_str().unwrap();
    Tools::plain(&Env::from_pairs([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", home)]))
}

impl Rig {
    fn new() -> Self {
        let rig = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(rig.root()).unwrap();
        fs::create_dir_all(rig.there()).unwrap();
        fs::write(rig.root().join("file"), "first").unwrap();
        let init = Tool::new(["git", "init", "-q"]).dir(rig.root());
        assert!(tools(rig.0.path()).run(&init, Duration::from_secs(20), &|| false).unwrap().exit.success());
        rig
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("project")
    }

    fn there(&self) -> PathBuf {
        self.0.path().join("there")
    }

    fn work(&self) -> PathBuf {
        self.there().join(".local/state/local-ci/project-01234567/work")
    }

    /// A run of the project.
    fn run(&self, was_sent: bool) -> Run {
        let mut id = [0; 16];
        rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty()).unwrap();
        self.again(&RunId::from_bytes(id), was_sent)
    }

    /// A supervisor of that run.
    fn again(&self, run: &RunId, was_sent: bool) -> Run {
        let destination = Destination { user: None, host: "box.example.invalid".into(), port: None };
        let remote = Remote::new("box", destination);
        let (tell, told) = crossbeam_channel::unbounded();
        let rope = Rope::new(&remote, Arc::new(Here::new(tools(&self.there()))), tell.clone());
        let stage = PlannedStage {
            name: StageName::new("build").unwrap(),
            decision: Decision::Run,
            reasons: Vec::new(),
            command: Command::Argv(vec!["true".into()]),
            needs: Vec::new(),
            env: BTreeMap::new(),
            dir: PathBuf::new(),
            policy: Policy { retries: 1, ..Policy::default() },
            executor: "box".into(),
            signature: Signature::from_bytes([0; 32]),
            is_fix: false,
            has_fix: false,
            inputs: Vec::new(),
            inputs_digest: None,
            outputs: vec!["made".into()],
            annotate: Vec::new(),
            secrets: Vec::new(),
            estimate: None,
        };
        let plan = Plan {
            root: self.root(),
            stages: [stage].into_iter().collect(),
            jobs: 1,
            fail_fast: false,
            flaky: crate::pipeline::Flaky::Pass,
            timeout: None,
            left_out: Vec::new(),
            warnings: Vec::new(),
            plugins: BTreeMap::new(),
            reporters: Vec::new(),
            secrets: BTreeMap::new(),
            mask: Vec::new(),
            remotes: BTreeMap::from([("box".to_owned(), remote.clone())]),
        };
        let parts = Parts {
            run: run.clone(),
            number: Some(RunNumber(42)),
            root: self.root(),
            project: "project-01234567".into(),
            store: self.0.path().join("store"),
            remote,
            rope: Arc::clone(&rope),
            tools: tools(self.0.path()),
            messages: tell,
            was_sent,
        };
        Run { id: run.clone(), cart: Cart::new(&plan, parts), rope, told }
    }
}

/// A supervisor's cart.
struct Run {
    id: RunId,
    cart: Arc<Cart>,
    rope: Arc<Rope>,
    told: Receiver<Message>,
}

impl Run {
    fn prepare(&self) {
        self.cart.prepare(&|| false).unwrap();
    }

    /// Brings back what its stage made there.
    fn fetch(&self, resumes: Option<u64>) -> Result<(), Fault> {
        self.cart.fetch(&self.job(1, resumes), &|| false)
    }

    fn job(&self, attempt: u32, resumes: Option<u64>) -> Job {
        Job {
            run: self.id.clone(),
            number: None,
            stage: StageName::new("build").unwrap(),
            attempt,
            part: 0,
            command: Command::Argv(vec!["true".into()]),
            dir: PathBuf::new(),
            env: Vec::new(),
            leak: Leak::Kill,
            streams: Streams::Pipes,
            offer: Offer::Nothing,
            limit: None,
            grace: Duration::from_secs(1),
            resumes,
        }
    }

    /// What was said of its stage since it was asked the last time.
    fn said(&self) -> Vec<String> {
        let said = |message| match message {
            Message::Remark { stage: Some(stage), text } => Some(format!("{stage}: {text}")),
            _ => None,
        };
        self.told.try_iter().filter_map(said).collect()
    }

    /// Its line is cut and made anew, of which it has heard.
    fn cut(&self) {
        self.rope.lost(1, Fault::new(FaultKind::Cut, "cut"));
        self.cart.doubt();
    }

    /// How often it has sent the tree since it was asked the last time.
    fn sent(&self) -> usize {
        let is_sent = |message: &Message| matches!(message, Message::News { news: RemoteNews::Sent { .. }, .. });
        self.told.try_iter().filter(is_sent).count()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.rope.close();
    }
}

#[test]
fn a_tree_that_is_there_is_not_sent_again() {
    let rig = Rig::new();
    let run = rig.run(false);
    run.prepare();
    fs::write(rig.root().join("file"), "changed meanwhile").unwrap();
    run.prepare();
    run.cut();
    run.prepare();
    assert_eq!((run.sent(), fs::read_to_string(rig.work().join("file")).unwrap().as_str()), (1, "first"));
}

#[test]
fn a_tree_that_another_run_had_while_the_line_was_down_is_sent_again_before_the_next_stage() {
    let rig = Rig::new();
    let (ours, other) = (rig.run(false), rig.run(false));
    ours.prepare();
    ours.cut();
    fs::write(rig.root().join("file"), "of the other").unwrap();
    other.prepare();
    other.cart.release(&|| false).unwrap();
    assert_eq!(fs::read_to_string(rig.work().join("file")).unwrap(), "of the other");
    fs::write(rig.root().join("file"), "ours").unwrap();
    ours.prepare();
    assert_eq!((ours.sent(), fs::read_to_string(rig.work().join("file")).unwrap().as_str()), (2, "ours"));
}

#[test]
fn what_another_run_has_made_since_is_not_brought_back_as_ours() {
    let rig = Rig::new();
    let ours = rig.run(false);
    ours.prepare();
    fs::write(rig.work().join("made"), "ours").unwrap();
    ours.fetch(None).unwrap();
    assert_eq!(fs::read_to_string(rig.root().join("made")).unwrap(), "ours");
    ours.cut();
    let other = rig.run(false);
    other.prepare();
    fs::write(rig.work().join("made"), "of the other").unwrap();
    // One that has heard of the cut, and one that takes the run over.
    let next = rig.again(&ours.id, true);
    other.cart.release(&|| false).unwrap();
    for (run, resumes) in [(&ours, None), (&next, Some(0))] {
        let fault = run.fetch(resumes).unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(fault.to_string(), @"
            what it made on box.example.invalid is gone: another run has had the work tree since
              try: run it again: it has the work tree to itself then
            ");
        }
    }
    assert_eq!((ours.sent(), next.sent()), (1, 0));
    assert_eq!(fs::read_to_string(rig.root().join("made")).unwrap(), "ours");
    // Nobody waits for a run that has found its tree to be another's.
    let third = rig.run(false);
    third.prepare();
}

#[test]
fn who_takes_a_run_over_brings_back_what_it_has_made() {
    let rig = Rig::new();
    let ours = rig.run(false);
    ours.prepare();
    fs::write(rig.work().join("made"), "ours").unwrap();
    let next = rig.again(&ours.id, true);
    drop(ours);
    next.fetch(Some(0)).unwrap();
    assert_eq!(fs::read_to_string(rig.root().join("made")).unwrap(), "ours");
    assert_eq!(next.sent(), 0);
}

/// It is about the stage: so it stands in the report, and with all else that is said of that.
#[test]
fn what_is_not_brought_back_is_said_of_its_stage() {
    let rig = Rig::new();
    let run = rig.run(false);
    run.prepare();
    run.fetch(None).unwrap();
    assert_eq!(run.said(), ["build: `made` in `outputs` matches no file"]);
    // It may pass yet.
    run.cart.forgo(&run.job(1, None));
    assert_eq!(run.said(), [""; 0]);
    run.cart.forgo(&run.job(2, None));
    assert_eq!(run.said(), ["build: it did not pass: its outputs are not brought back from box.example.invalid"]);
}
