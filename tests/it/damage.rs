//! A run's directory that somebody has had their hands in: every file of it missing, cut, replaced by something else.
//! Whoever reads it says what is wrong or shows what there is; nobody panics, hangs, or signals a stranger, and the other
//! runs of the project are as they were.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use local_ci::clock::SystemClock;
use local_ci::ids::RunNumber;
use local_ci::journal::layout::ProjectDir;
use local_ci::journal::state::RunState;
use local_ci::session::runs::{self, Stopped};
use rustix::process::Signal;
use serde_json::json;

use crate::support::{Finished, Project, Running};

/// Who takes longer than that to look at a run of two lines waits for something that never comes.
const PATIENCE: Duration = Duration::from_secs(40);

/// All that reads the run `3`, or looks for one by the name of its stage.
const READERS: &[&[&str]] = &[
    &["list"],
    &["list", "-a"],
    &["runs", "a", "--json"],
    &["stats", "a"],
    &["show", "3"],
    &["show", "3", "--json"],
    &["attach", "3"],
    &["logs", "3"],
    &["logs", "-f", "3"],
    &["stdout", "a"],
    &["stderr", "a"],
    &["diff", "2", "3"],
    &["await", "3"],
    &["stop", "-f", "3"],
    &["pause", "3"],
    &["signal", "a", "TERM"],
    &["rerun", "3", "--dry-run"],
    &["prune"],
];

/// What may stand where a file of a run should be.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Missing,
    Empty,
    /// The first half of what it was.
    Half,
    /// Bytes that are no text.
    Bytes,
    /// Text of the right kind that means nothing.
    Json(&'static str),
    Directory,
    Fifo,
    /// A link to something that never ends.
    Link,
}

const DAMAGES: &[Damage] = &[
    Damage::Missing,
    Damage::Empty,
    Damage::Half,
    Damage::Bytes,
    Damage::Json("[null, 1, {\"pid\": 1}]\n"),
    Damage::Directory,
    Damage::Fifo,
    Damage::Link,
];

const FILES: &[&str] =
    &["header.json", "events.jsonl", "lock", "owner.json", "supervisor.log", "logs", "logs/a.log", "logs/a.idx"];

impl Damage {
    fn put(self, path: &Path) {
        let before = fs::read(path).unwrap_or_default();
        let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
        match self {
            Self::Missing => {}
            Self::Empty => fs::write(path, "").unwrap(),
            Self::Half => fs::write(path, &before[..before.len() / 2]).unwrap(),
            Self::Bytes => fs::write(path, [0xff, 0, b'\n', 0x80, b'{', 0xc3, b'\n'].repeat(50)).unwrap(),
            Self::Json(text) => fs::write(path, text).unwrap(),
            Self::Directory => fs::create_dir(path).unwrap(),
            Self::Fifo => assert!(Command::new("mkfifo").arg(path).stdin(Stdio::null()).status().unwrap().success()),
            Self::Link => std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        }
    }
}

/// A project with three runs that passed, and a copy of the newest to mend it with.
struct Patient {
    project: Project,
    whole: PathBuf,
    run: PathBuf,
}

impl Patient {
    fn new() -> Self {
        let project = Project::new();
        project.config("[stages.a]\nrun = \"echo out; echo err >&2\"\n[stages.b]\nrun = \"echo b\"\nneeds = [\"a\"]\n");
        for _ in 0..3 {
            project.local_ci(&["-q"]).output().assert_code(0);
        }
        let (run, whole) = (project.run_dir(3), project.side("whole"));
        copy(&run, &whole);
        Self { project, whole, run }
    }

    fn heal(&self) {
        let _ = fs::remove_dir_all(&self.run).or_else(|_| fs::remove_file(&self.run));
        copy(&self.whole, &self.run);
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).stdin(Stdio::null()).status().unwrap().success());
}

/// Fails where a command did anything but answer.
#[track_caller]
fn assert_answered(finished: &Finished, what: &str) {
    let said = format!("{what}\n{}", finished.transcript());
    // 143 and the like are runs' codes, and no signals.
    let code = finished.status.code().unwrap_or_else(|| panic!("ended by a signal: {said}"));
    assert!([0, 1, 2, 3, 4, 5].contains(&code), "{said}");
    assert!(!finished.stderr().contains("panicked") && !finished.stderr().contains("bug"), "{said}");
    assert!(code == 0 || !finished.stderr().is_empty() || !finished.stdout.is_empty(), "failed without a word: {said}");
}

/// Every command over every damage of these files of a run that has ended.
fn examine(files: &[&str]) {
    let patient = Patient::new();
    let project = &patient.project;
    // It lives, its run is over, and so nobody has any business with it, whatever the run says.
    let bystander = project.chaos(&["sleep", "600", "--pid-file", project.side("other").to_str().unwrap()]).spawn();
    let other = project.identity("other");
    let mut owner = project.owner(3).unwrap();
    (owner["pid"], owner["start_time"]) = (json!(other.pid), json!(other.start));
    fs::write(patient.whole.join("owner.json"), owner.to_string()).unwrap();
    patient.heal();
    for file in files {
        for damage in DAMAGES {
            damage.put(&patient.run.join(file));
            for reader in READERS {
                let finished = project.local_ci(reader).limit(PATIENCE).output();
                assert_answered(&finished, &format!("{file} is {damage:?}"));
                let tells_the_end = reader[0] == "show" || reader[0] == "attach";
                if *file == "events.jsonl" && tells_the_end {
                    assert_eq!(finished.status.code(), Some(3), "{file} is {damage:?}: {}", finished.transcript());
                }
            }
            for other in ["1", "2"] {
                let other = project.local_ci(&["show", other]).limit(PATIENCE).output();
                assert_eq!(other.status.code(), Some(0), "{file} is {damage:?}: {}", other.transcript());
            }
            patient.heal();
        }
    }
    assert!(other.is_alive(), "a stranger was signalled");
    bystander.kill(Signal::KILL);
    bystander.wait().assert_signal(Signal::KILL);
    project.local_ci(&["show", "3"]).output().assert_code(0);
    project.local_ci(&["-q"]).output().assert_code(0);
    assert_eq!(project.run_numbers(), [1, 2, 3, 4]);
    fs::remove_dir_all(&patient.whole).unwrap();
    project.assert_nothing_left();
}

/// H32: whatever stands where a run's files should be, each command has an answer, and knows the other runs.
#[test]
fn h32_a_damaged_run_is_reported_or_passed_over() {
    thread::scope(|scope| {
        for half in [&FILES[..FILES.len() / 2], &FILES[FILES.len() / 2..]] {
            scope.spawn(|| examine(half));
        }
    });
}

/// H27, H32: cut at every byte, each file of a run is read as far as it goes: a record is whole or it is lost, and what
/// is left of it is never another verdict.
#[test]
fn h32_files_cut_at_every_byte_are_read_as_far_as_they_go() {
    let patient = Patient::new();
    let state = ProjectDir::at(patient.run.ancestors().nth(2).unwrap().to_owned());
    let number = RunNumber(3);
    for file in ["header.json", "events.jsonl", "owner.json", "logs/a.log", "logs/a.idx"] {
        let path = patient.run.join(file);
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let run = runs::read(&state, number).unwrap_or_else(|error| panic!("{file} cut at {cut}: {error}"));
            let is_whole = file != "events.jsonl" || cut == whole.len();
            let expected = if is_whole { Some(0) } else { run.view.header().map(|_| 3) };
            assert_eq!(run.view.exit_code(), expected, "{file} cut at {cut}");
            assert_eq!(run.state == RunState::Lost, !is_whole, "{file} cut at {cut}");
            let stopped = runs::stop(&state.run(number), true, &SystemClock).unwrap();
            assert_eq!(stopped, Stopped::Ended, "{file} cut at {cut}");
        }
    }
}

/// H32, H37, H71: what is done to its files while a run goes on costs its record, and neither the run nor its verdict.
#[test]
fn h37_files_damaged_under_a_run_do_not_end_it() {
    let damages = [Damage::Missing, Damage::Bytes, Damage::Directory, Damage::Fifo];
    thread::scope(|scope| {
        for damage in damages {
            scope.spawn(move || damaged_while_it_runs(damage));
        }
    });
}

fn damaged_while_it_runs(damage: Damage) {
    let project = Project::new();
    project.config(
        "[stages.a]\nrun = \"echo before; chaos wait-for $SIDE/go; echo after; exit 7\"\n[stages.b]\nrun = \"echo b\"\n",
    );
    for (file, number) in FILES.iter().zip(1..) {
        let run: Running<'_> = project.local_ci(&["-j2"]).env("SIDE", project.side_dir()).spawn();
        run.wait_for_stdout("\nbefore\n");
        let supervisor = project.supervisor(number);
        let followers = [&["attach"][..], &["logs", "-f", "a"]].map(|args| {
            let follower = project.local_ci(args).limit(PATIENCE).spawn();
            follower.wait_for_stdout("before\n");
            follower
        });
        damage.put(&project.run_dir(number).join(file));
        for reader in [&["list"][..], &["show"], &["logs"], &["logs", "a"], &["runs"], &["plan"]] {
            let finished = project.local_ci(reader).limit(PATIENCE).output();
            assert_answered(&finished, &format!("{file} is {damage:?}, and the run goes on"));
        }
        assert!(supervisor.is_alive());
        project.open_gate("go");
        let run = run.wait();
        assert_eq!(run.status.code(), Some(1), "{file} is {damage:?}\n{}", run.transcript());
        assert!(!run.stderr().contains("panicked"), "{}", run.transcript());
        for follower in followers {
            assert_answered(&follower.wait(), &format!("{file} became {damage:?} while it was followed"));
        }
        fs::remove_file(project.side("go")).unwrap();
        // Nothing of it is in the way of the next one.
        fs::remove_dir_all(project.run_dir(number)).unwrap();
    }
    project.assert_nothing_left();
}
