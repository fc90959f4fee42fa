//! Runs as their directories show them, for tests that look past the command line: who supervises one, what its last
//! event says, and what its stages' logs hold.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use super::processes::Identity;
use super::project::Project;
use super::wait::wait_until;

impl Project {
    /// Where the runner keeps its runs: there is one project in a test's state.
    pub(crate) fn runs_dir(&self) -> Option<PathBuf> {
        let project = fs::read_dir(self.state_dir().join("projects")).ok()?.next()?.ok()?;
        Some(project.path().join("runs"))
    }

    /// The directory of a run, once it is there.
    #[track_caller]
    pub(crate) fn run_dir(&self, number: u64) -> PathBuf {
        let dir = || self.runs_dir().map(|runs| runs.join(number.to_string()));
        wait_until(&format!("run {number} to have a directory"), || dir().is_some_and(|dir| dir.is_dir()));
        dir().unwrap()
    }

    /// The numbers of all runs, oldest first.
    pub(crate) fn run_numbers(&self) -> Vec<u64> {
        let entries = self.runs_dir().and_then(|dir| fs::read_dir(dir).ok()).into_iter().flatten();
        let mut numbers: Vec<u64> =
            entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Who supervises a run, as the run says; none before it has said so.
    pub(crate) fn owner(&self, number: u64) -> Option<Value> {
        let file = self.runs_dir()?.join(number.to_string()).join("owner.json");
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// The supervisor of a run, once it is up.
    #[track_caller]
    pub(crate) fn supervisor(&self, number: u64) -> Identity {
        let mut owner = None;
        wait_until(&format!("the supervisor of run {number}"), || {
            owner = self.owner(number);
            owner.is_some()
        });
        let owner = owner.unwrap();
        Identity::new(i32::try_from(owner["pid"].as_i64().unwrap()).unwrap(), owner["start_time"].as_u64().unwrap())
    }

    /// The event that ended a run, if it ended with one.
    pub(crate) fn last_word(&self, number: u64) -> Option<Value> {
        let text = fs::read_to_string(self.runs_dir()?.join(number.to_string()).join("events.jsonl")).ok()?;
        let (whole, _) = text.rsplit_once('\n')?;
        let event: Value = serde_json::from_str(whole.lines().last()?).unwrap();
        (event["event"] == "run_finished").then_some(event)
    }

    /// Waits for the event that ends a run, and takes from it the verdict, by what the run was ended (empty where it
    /// was not), and the exit code.
    #[track_caller]
    pub(crate) fn verdict(&self, number: u64) -> (String, String, u64) {
        wait_until(&format!("the end of run {number}"), || self.last_word(number).is_some());
        let event = self.last_word(number).unwrap();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (word(&event["verdict"]["kind"]), word(&event["verdict"]["reason"]), event["exit_code"].as_u64().unwrap())
    }

    /// A file of a run's logs, such as `test.log`.
    #[track_caller]
    pub(crate) fn log(&self, number: u64, file: &str) -> Vec<u8> {
        let path = self.run_dir(number).join("logs").join(file);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The events of a run so far.
    #[track_caller]
    pub(crate) fn events(&self, number: u64) -> Vec<Value> {
        let text = fs::read_to_string(self.run_dir(number).join("events.jsonl")).unwrap_or_default();
        // A last line without its end is not written yet.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        text[..whole].lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until a run's journal has an event of this kind.
    #[track_caller]
    pub(crate) fn wait_for_event(&self, number: u64, kind: &str) {
        wait_until(&format!("run {number} to have an event {kind}"), || {
            self.events(number).iter().any(|event| event["event"] == kind)
        });
    }

    /// A directory for stages and tests to agree through; tests hand it to stages as `SIDE`.
    pub(crate) fn side_dir(&self) -> PathBuf {
        self.root().join("side")
    }

    /// Creates the file that a stage waits for.
    #[track_caller]
    pub(crate) fn open_gate(&self, name: &str) {
        fs::write(self.side(name), "").unwrap();
    }

    /// A run at its very beginning, made of one that has ended: claimed, its lock held until the file is dropped, and
    /// nothing said. Gives also what its events are to be.
    #[track_caller]
    pub(crate) fn young_run(&self, done: u64, number: u64) -> (File, Vec<u8>) {
        let (done, young) = (self.run_dir(done), self.runs_dir().unwrap().join(number.to_string()));
        let copied = Command::new("cp").arg("-a").args([&done, &young]).stdin(Stdio::null()).status().unwrap();
        assert!(copied.success());
        let events = fs::read(young.join("events.jsonl")).unwrap();
        for said in ["events.jsonl", "owner.json"] {
            fs::remove_file(young.join(said)).unwrap();
        }
        let lock = File::options().write(true).open(young.join("lock")).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        let active = self.runs_dir().unwrap().with_file_name("active");
        fs::write(active.join(number.to_string()), "").unwrap();
        fs::write(active.with_file_name("counter"), format!("{number:>20}\n")).unwrap();
        (lock, events)
    }
}

/// Whether a process listens for changes of files, which one that follows a run does once it has found it.
pub(crate) fn watches(pid: i32) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target.ends_with("anon_inode:inotify"))
}
