//! A machine of its own for a test: a home, a work tree, a line that can be cut.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cancel::{CancelLevel, CancelToken};
use crate::env::Env;
use crate::event::{OutputSink, Stream};
use crate::executor::jobserver::Offer;
use crate::executor::remote::{Line, Place, RemoteExecutor, Site, WorkTree};
use crate::executor::{Ended, ExecError, Executor, Job, Streams};
use crate::ids::{RunId, RunNumber, StageName};
use crate::pipeline::{Command, Leak};
use crate::process::table::{environment_has, read_entry};
use crate::process::tool::Tools;
use crate::remote::here::Here;
use crate::remote::shell::{Answer, Shell};
use crate::remote::{Channel, Fault, FaultKind, Login, Transport};

pub(super) const LIMIT: Duration = Duration::from_mins(1);

/// A line over a transport that is always there; a channel that ends is opened again.
pub(super) struct Straight<T> {
    pub(super) transport: T,
    shell: Mutex<Option<Arc<Shell>>>,
    /// How many channels were opened.
    pub(super) generation: AtomicU64,
    pub(super) calls: AtomicU32,
}

impl<T: Transport> Straight<T> {
    pub(super) fn new(transport: T) -> Self {
        Self { transport, shell: Mutex::new(None), generation: AtomicU64::new(0), calls: AtomicU32::new(0) }
    }
}

impl<T: Transport> Line for Straight<T> {
    fn host(&self) -> &'static str {
        "box"
    }

    fn call(&self, script: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        loop {
            let shell = {
                let mut shell = self.shell.lock().unwrap();
                if shell.is_none() {
                    *shell = Shell::open(&self.transport, Login::Yes, LIMIT).ok().map(Arc::new);
                }
                let Some(shell) = shell.clone() else { continue };
                shell
            };
            match shell.call(script, LIMIT, cancelled) {
                Err(fault) if fault.kind == FaultKind::Cut => {
                    let mut now = self.shell.lock().unwrap();
                    if now.as_ref().is_some_and(|now| Arc::ptr_eq(now, &shell)) {
                        *now = None;
                    }
                }
                said => return said,
            }
        }
    }

    fn open(&self, _cancelled: &dyn Fn() -> bool) -> Result<(Channel, u64), Fault> {
        Ok((self.transport.open(Login::No, LIMIT)?, self.generation.fetch_add(1, Ordering::SeqCst)))
    }

    fn lost(&self, _generation: u64, why: Fault) {
        assert!(matches!(why.kind, FaultKind::Cut), "{why}");
    }
}

/// What an attempt printed, and what is done after each piece of it.
#[derive(Default)]
pub(super) struct Log {
    pub(super) bytes: Vec<u8>,
    pub(super) pieces: Vec<usize>,
}

impl OutputSink for Log {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        assert_eq!(stream, Stream::Stdout);
        self.bytes.extend_from_slice(bytes);
        self.pieces.push(bytes.len());
    }
}

/// A machine.
pub(super) struct Machine {
    dir: Arc<tempfile::TempDir>,
    pub(super) executor: RemoteExecutor,
    run: RunId,
}

pub(super) fn here(home: &Path) -> Here {
    let usual = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", home.to_str().unwrap()), ("SSH_TTY", "/dev/pts/9")];
    Here::new(Tools::plain(&Env::from_pairs(usual)))
}

impl Machine {
    pub(super) fn new() -> Self {
        Self::with(|home| Arc::new(Straight::new(here(home))))
    }

    pub(super) fn with(line: impl FnOnce(&Path) -> Arc<dyn Line>) -> Self {
        Self::of(Arc::new(tempfile::tempdir().unwrap()), line)
    }

    /// Another supervisor's executor for the same run on the same machine.
    pub(super) fn beside(other: &Self) -> Self {
        Self::of(Arc::clone(&other.dir), |home| Arc::new(Straight::new(here(home))))
    }

    /// Another remote of the same run, which leads to the same account over this line.
    pub(super) fn also(other: &Self, name: &str, line: Arc<dyn Line>) -> Self {
        let named = |site| Site { name: name.to_owned(), ..site };
        Self::adjusted(Arc::clone(&other.dir), |_| line, named, RemoteExecutor::keeping)
    }

    /// One whose run directories are where the user's own surroundings say.
    pub(super) fn at_home(profile: &str) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        fs::create_dir_all(dir.path().join("home")).unwrap();
        fs::write(dir.path().join("home/.profile"), profile).unwrap();
        Self::placed(dir, |home| Arc::new(Straight::new(here(home))), |place, _| place)
    }

    fn of(dir: Arc<tempfile::TempDir>, line: impl FnOnce(&Path) -> Arc<dyn Line>) -> Self {
        Self::adjusted(dir, line, |site| site, RemoteExecutor::keeping)
    }

    fn placed(
        dir: Arc<tempfile::TempDir>,
        line: impl FnOnce(&Path) -> Arc<dyn Line>,
        place: impl FnOnce(Place, &Path) -> Place,
    ) -> Self {
        Self::made(dir, line, place, |site| site, RemoteExecutor::keeping)
    }

    /// One whose site is another than usual, and with an executor of this kind.
    pub(super) fn adjusted(
        dir: Arc<tempfile::TempDir>,
        line: impl FnOnce(&Path) -> Arc<dyn Line>,
        adjust: impl FnOnce(Site) -> Site,
        executor: impl FnOnce(Site) -> RemoteExecutor,
    ) -> Self {
        Self::made(dir, line, |place, path| place.below(path.join("state").to_str().unwrap()), adjust, executor)
    }

    fn made(
        dir: Arc<tempfile::TempDir>,
        line: impl FnOnce(&Path) -> Arc<dyn Line>,
        place: impl FnOnce(Place, &Path) -> Place,
        adjust: impl FnOnce(Site) -> Site,
        executor: impl FnOnce(Site) -> RemoteExecutor,
    ) -> Self {
        let path = dir.path().canonicalize().unwrap();
        fs::create_dir_all(path.join("work/sub")).unwrap();
        fs::create_dir_all(path.join("home")).unwrap();
        let boot = path.join("boot_id");
        if !boot.exists() {
            fs::write(&boot, fs::read("/proc/sys/kernel/random/boot_id").unwrap()).unwrap();
        }
        // Its own, since processes are known by it.
        let run =
            RunId::from_bytes(blake3::hash(path.as_os_str().as_encoded_bytes()).as_bytes()[..16].try_into().unwrap());
        let site = Site {
            name: "box".into(),
            line: line(&path.join("home")),
            place: place(Place::new("p-12345678", &run), &path).booted_by(boot.to_str().unwrap()),
            root: "/project".into(),
            session: None,
            timeout: LIMIT,
            env: vec![("WHOSE".into(), "the machine's".into())],
            carrier: Box::new(WorkTree { path: path.join("work").to_str().unwrap().to_owned() }),
        };
        Self { dir, executor: executor(adjust(site)), run }
    }

    /// The living processes that attempts of it have started and that carry its variables, by their names.
    pub(super) fn processes(&self) -> Vec<String> {
        let cookie = [format!("LOCAL_CI_RUN_ID={}", self.run)];
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let living = |pid: i32| read_entry(pid).filter(|entry| !entry.is_dead() && environment_has(pid, &cookie));
        pids.filter_map(living).map(|entry| entry.name).collect()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// The directory of the first attempt of the stage `s`.
    pub(super) fn attempt(&self) -> PathBuf {
        self.run_dir().join("s.1")
    }

    pub(super) fn run_dir(&self) -> PathBuf {
        self.path("state/local-ci/p-12345678/runs").join(self.run.as_str())
    }

    pub(super) fn job(&self, command: Command) -> Job {
        Job {
            run: self.run.clone(),
            number: Some(RunNumber(42)),
            stage: StageName::new("s").unwrap(),
            attempt: 1,
            part: 0,
            command,
            dir: "/project".into(),
            env: Vec::new(),
            leak: Leak::Kill,
            streams: Streams::Pipes,
            offer: Offer::Nothing,
            limit: None,
            grace: Duration::from_secs(1),
            resumes: None,
        }
    }

    pub(super) fn sh(&self, script: &str) -> Job {
        let shell = ["sh", "-e", "-c"].map(str::to_owned).to_vec();
        self.job(Command::Shell { shell, script: script.into(), args: Vec::new() })
    }

    pub(super) fn execute(&self, job: &Job) -> (Result<Ended, ExecError>, Log) {
        let mut log = Log::default();
        let result = self.executor.execute(job, &mut log, &CancelToken::new());
        (result, log)
    }

    /// Runs a script as the stage `s`.
    pub(super) fn run(&self, script: &str) -> (Result<Ended, ExecError>, String) {
        let (result, log) = self.execute(&self.sh(script));
        (result, String::from_utf8_lossy(&log.bytes).into_owned())
    }
}

/// Has an attempt end with the test that has started it, whatever comes of that.
pub(super) struct Ends(pub(super) CancelToken);

impl Drop for Ends {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.raise(CancelLevel::Kill);
        }
    }
}

/// The environment that a stage printed with `env -0`.
pub(super) fn environment(printed: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(printed).into_owned();
    text.split('\0').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

/// Waits until something is so, for it is about to be.
pub(super) fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("it is not so");
}

/// A line for each number.
pub(super) fn lines(numbers: impl IntoIterator<Item = u32>, line: impl Fn(u32) -> String) -> String {
    numbers.into_iter().map(|number| line(number) + "\n").collect()
}
