//! The executor for other machines with pipes to this one: its scripts and its loops, and neither ssh nor the program.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use local_ci::cancel::{CancelLevel, CancelToken};
use local_ci::event::{OutputSink, Stream};
use local_ci::executor::jobserver::Offer;
use local_ci::executor::remote::{Line, Place, RemoteExecutor, Site, WorkTree};
use local_ci::executor::{Ended, ExecError, Executor, Job, Streams};
use local_ci::ids::{RunId, RunNumber, StageName};
use local_ci::pipeline::{Command, Leak};
use local_ci::remote::link::{Generation, Link, Patience};
use local_ci::remote::shell::Answer;
use local_ci::remote::{Channel, Fault, Login, Transport};

use super::backend::{Backend, Begun, Seen, Stage};
use super::pipes::Pipes;
use crate::support::{Project, wait_until};

/// How long anything may take that is asked there.
const LIMIT: Duration = Duration::from_secs(30);
/// From SIGTERM to SIGKILL where a stage says nothing of it.
const GRACE: Duration = Duration::from_secs(10);

/// A project whose stages run on this machine as if it were another one.
pub(crate) struct Here {
    pub(crate) project: Project,
    pub(crate) pipes: Arc<Pipes>,
    /// The state directory there.
    pub(crate) base: PathBuf,
    bin: PathBuf,
    /// Says which boot it is there.
    boot: PathBuf,
    runs: RefCell<u8>,
    /// For how long a line is tried that was lost.
    pub(crate) give_up: Duration,
}

impl Here {
    #[expect(clippy::unnecessary_wraps, reason = "other places need what is not on every machine")]
    pub(crate) fn new() -> Option<Self> {
        let project = Project::new();
        let (home, bin) = (project.side("there"), project.side("there/bin"));
        fs::create_dir_all(&bin).unwrap();
        let chaos = Path::new(env!("CARGO_BIN_EXE_chaos")).parent().unwrap();
        let own = std::env::var_os("PATH").unwrap_or_default();
        let path = [bin.clone(), chaos.to_owned()].into_iter().chain(std::env::split_paths(&own));
        let path = std::env::join_paths(path).unwrap();
        // As of a login: the profile of the machine takes away what is set, and that of the user has the last word.
        fs::write(home.join(".profile"), format!("PATH='{}'\n", path.to_str().unwrap())).unwrap();
        let boot = project.side("there/boot_id");
        fs::write(&boot, "00000000-0000-4000-8000-000000000001\n").unwrap();
        let env: Vec<(OsString, OsString)> =
            vec![("HOME".into(), home.clone().into()), ("PATH".into(), path), ("LANG".into(), "C.UTF-8".into())];
        let base = home.join("state");
        Some(Self {
            project,
            pipes: Arc::new(Pipes::new(env)),
            base,
            bin,
            boot,
            runs: RefCell::new(0),
            give_up: Duration::from_mins(10),
        })
    }

    /// Says from now on that it is another boot.
    pub(crate) fn reboot(&self) {
        fs::write(&self.boot, "00000000-0000-4000-8000-000000000002\n").unwrap();
    }

    /// The id of the next run.
    pub(crate) fn next_run(&self) -> RunId {
        let mut runs = self.runs.borrow_mut();
        *runs += 1;
        // Of this test alone: what a run has started is found by it.
        let of = format!("{}/{runs}", self.project.root().display());
        RunId::from_bytes(blake3::hash(of.as_bytes()).as_bytes()[..16].try_into().unwrap())
    }

    /// An executor for a run.
    pub(crate) fn executor(&self, run: &RunId) -> RemoteExecutor {
        let place = Place::new("project", run);
        RemoteExecutor::new(Site {
            name: "box".into(),
            line: Arc::new(Rope::new(&self.pipes, self.give_up)),
            place: place.below(self.base.to_str().unwrap()).booted_by(self.boot.to_str().unwrap()),
            root: self.project.dir(),
            env: Vec::new(),
            session: None,
            timeout: LIMIT,
            carrier: Box::new(WorkTree { path: self.project.dir().to_str().unwrap().to_owned() }),
        })
    }

    /// A stage as the executor gets it.
    pub(crate) fn job(&self, run: &RunId, stage: &Stage) -> Job {
        Job {
            run: run.clone(),
            number: Some(RunNumber(1)),
            stage: StageName::new(&stage.name).unwrap(),
            attempt: 1,
            part: 0,
            command: Command::Shell {
                shell: ["sh", "-e", "-c"].map(str::to_owned).to_vec(),
                script: stage.run.clone(),
                args: Vec::new(),
            },
            dir: self.project.dir().join(&stage.dir),
            env: vec![("SIDE".into(), self.project.side_dir().to_str().unwrap().to_owned())],
            leak: Leak::Kill,
            streams: Streams::Pipes,
            offer: Offer::Nothing,
            limit: stage.timeout,
            grace: stage.grace.unwrap_or(GRACE),
            resumes: None,
        }
    }

    /// What is there of attempts.
    pub(crate) fn attempts_there(&self) -> BTreeMap<String, PathBuf> {
        let runs = fs::read_dir(self.base.join("local-ci/project/runs")).into_iter().flatten().flatten();
        let attempts = runs.flat_map(|run| fs::read_dir(run.path()).into_iter().flatten().flatten());
        let dirs = attempts.filter(|entry| entry.path().is_dir());
        dirs.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).collect()
    }
}

impl Backend for Here {
    fn project(&self) -> &Project {
        &self.project
    }

    fn start<'b>(&'b self, stages: &[Stage]) -> Box<dyn Begun + 'b> {
        let run = self.next_run();
        let executor = Arc::new(self.executor(&run));
        let stages = stages.iter().map(|stage| Going::start(&executor, self.job(&run, stage))).collect();
        Box::new(Run { stages })
    }

    fn put_on_path(&self, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            std::os::unix::fs::symlink(entry.path(), self.bin.join(entry.file_name())).unwrap();
        }
    }

    #[track_caller]
    fn assert_nothing_left(&self) {
        wait_until("the shells to be gone", || self.pipes.open_shells() == 0);
        self.project.assert_nothing_left();
    }
}

/// An attempt and the thread that sees it through.
pub(crate) struct Going {
    pub(crate) cancel: CancelToken,
    grace: Duration,
    log: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<(Result<Ended, ExecError>, bool, Duration)>,
}

impl Going {
    /// Starts it, with somebody who watches over its limit, as an engine does.
    pub(crate) fn start(executor: &Arc<RemoteExecutor>, job: Job) -> Self {
        let (cancel, log) = (CancelToken::new(), Arc::default());
        let (executor, token, kept) = (Arc::clone(executor), cancel.clone(), Collected(Arc::clone(&log)));
        let grace = job.grace;
        let thread = std::thread::spawn(move || {
            let (over, is_over) = crossbeam_channel::bounded::<()>(0);
            let watch = job.limit.map(|limit| {
                let (token, grace) = (token.clone(), job.grace);
                std::thread::spawn(move || {
                    if is_over.recv_timeout(limit) != Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                        return false;
                    }
                    token.raise(CancelLevel::Terminate);
                    if is_over.recv_timeout(grace) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                        token.raise(CancelLevel::Kill);
                    }
                    true
                })
            });
            let began = Instant::now();
            let ended = executor.execute(&job, &mut { kept }, &token);
            let took = began.elapsed();
            drop(over);
            (ended, watch.is_some_and(|watch| watch.join().unwrap()), took)
        });
        Self { cancel, grace, log, thread }
    }

    /// What it has printed so far.
    pub(crate) fn log(&self) -> Vec<u8> {
        self.log.lock().unwrap().clone()
    }

    /// What it came to.
    #[track_caller]
    pub(crate) fn end(self) -> Seen {
        wait_until("the attempt to end", || self.thread.is_finished());
        let (ended, is_late, took) = self.thread.join().unwrap();
        let said = format!("{ended:?}");
        let (status, exit, leaked, took) = match ended {
            Ok(ended) => {
                let status = if ended.exit.success() { "passed" } else { "failed" };
                (status, Some(ended.exit), ended.leaked.len(), ended.took.unwrap_or(took))
            }
            Err(ExecError::NotStarted { code, .. }) => ("failed", Some(local_ci::outcome::Exit::Code(code)), 0, took),
            Err(ExecError::Infrastructure { .. } | ExecError::NotThere { .. }) => ("errored", None, 0, took),
            Err(ExecError::NothingToDo { .. }) => ("skipped", None, 0, took),
            Err(ExecError::Left { .. }) => ("left", None, 0, took),
        };
        let status = match (is_late, self.cancel.level()) {
            (true, _) => "timed_out",
            (false, Some(_)) => "cancelled",
            (false, None) => status,
        };
        let log = std::mem::take(&mut *self.log.lock().unwrap());
        Seen { status: status.into(), exit, log, took, leaked, said }
    }
}

struct Collected(Arc<Mutex<Vec<u8>>>);

impl OutputSink for Collected {
    fn write(&mut self, _stream: Stream, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }
}

struct Run {
    stages: Vec<Going>,
}

impl Begun for Run {
    fn stop(&self) {
        for stage in &self.stages {
            stage.cancel.raise(CancelLevel::Terminate);
        }
        let began = Instant::now();
        wait_until("all of it to end", || {
            for stage in self.stages.iter().filter(|stage| began.elapsed() > stage.grace) {
                stage.cancel.raise(CancelLevel::Kill);
            }
            self.stages.iter().all(|stage| stage.thread.is_finished())
        });
    }

    fn wait(self: Box<Self>) -> Vec<Seen> {
        self.stages.into_iter().map(Going::end).collect()
    }
}

/// The line that the program has, over pipes.
pub(crate) struct Rope {
    link: Link,
    /// Those that channels came from, by the number that their followers have.
    generations: Mutex<Vec<Generation>>,
}

impl Rope {
    fn new(pipes: &Arc<Pipes>, give_up: Duration) -> Self {
        let patience = Patience { operation: LIMIT, give_up };
        let transport: Arc<dyn Transport> = Arc::<Pipes>::clone(pipes);
        Self { link: Link::new(transport, patience, |_| {}), generations: Mutex::default() }
    }
}

impl Line for Rope {
    fn host(&self) -> &str {
        self.link.host()
    }

    fn call(&self, script: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        self.link.call(script, cancelled)
    }

    fn open(&self, cancelled: &dyn Fn() -> bool) -> Result<(Channel, u64), Fault> {
        let (channel, generation) = self.link.open(Login::No, cancelled)?;
        let mut generations = self.generations.lock().unwrap();
        generations.push(generation);
        Ok((channel, generations.len() as u64 - 1))
    }

    fn lost(&self, generation: u64, why: Fault) {
        let generation = self.generations.lock().unwrap()[usize::try_from(generation).unwrap()];
        self.link.lost(generation, why);
    }
}

impl Drop for Rope {
    fn drop(&mut self) {
        self.link.close();
    }
}
