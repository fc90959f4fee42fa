//! The index of past runs, from outside: each run is in it once, whoever was killed, and whatever becomes of its file, a run
//! does not notice.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;

use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;

use crate::support::{Invocation, Project, wait_until};

const PIPELINE: &str = r#"
[stages.one]
run = "echo first"
[stages.two]
needs = ["one"]
run = "echo second; exit $CODE"
"#;

pub(crate) fn file(project: &Project) -> PathBuf {
    project.state_dir().join("history.db")
}

/// The index, to be looked at.
fn index(project: &Project) -> Option<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    file(project).exists().then(|| Connection::open_with_flags(file(project), flags).unwrap())
}

/// The runs in the index, oldest first: number, verdict, and whether it is pruned.
pub(crate) fn indexed(project: &Project) -> Vec<(u64, String, bool)> {
    let Some(index) = index(project) else { return Vec::new() };
    let Ok(mut runs) = index.prepare("SELECT number, verdict, pruned FROM run ORDER BY number") else {
        return Vec::new();
    };
    let rows = runs.query_map([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

pub(crate) fn indexed_numbers(project: &Project) -> Vec<u64> {
    indexed(project).into_iter().map(|(number, _, _)| number).collect()
}

/// I3: nothing in it contradicts itself, and no run has a stage twice or none.
#[track_caller]
pub(crate) fn assert_sound(project: &Project) {
    let Some(index) = index(project) else { return };
    let check: String = index.query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let version: i64 = index.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    if version > 0 {
        let sql = "SELECT count(*) FROM run r WHERE stages <> (SELECT count(*) FROM stage s WHERE s.project = r.project \
                   AND s.number = r.number)";
        assert_eq!(index.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "runs without their stages");
    }
}

fn run(project: &Project, code: i32) {
    project.local_ci(&["-q"]).env("CODE", code.to_string()).output().assert_code(code);
    // The supervisor adds the run when nobody waits for it any more.
    project.assert_nothing_left();
}

fn after(codes: &[i32]) -> Project {
    let project = Project::new();
    project.config(PIPELINE);
    for code in codes {
        run(&project, *code);
    }
    project
}

#[test]
fn a_run_is_in_the_index_when_all_is_over() {
    let project = after(&[0, 1]);
    assert_eq!(indexed(&project), [(1, "passed".into(), false), (2, "failed".into(), false)]);
    let index = index(&project).unwrap();
    let sql = "SELECT j.name, s.status, s.exit_code, s.attempts, s.is_sample, s.place FROM stage s JOIN job j ON j.id = \
               s.job WHERE s.number = 2 ORDER BY s.place";
    let mut stages = index.prepare(sql).unwrap();
    let stages =
        stages.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)));
    let stages: Vec<(String, i64, i64, i64, bool, i64)> = stages.unwrap().map(Result::unwrap).collect();
    assert_eq!(stages, [("one".into(), 0, 0, 1, true, 0), ("two".into(), 2, 1, 1, false, 1)]);
    assert_sound(&project);
}

/// A run with nothing to execute has no supervisor, and is added by the command line.
#[test]
fn a_run_that_executes_nothing_is_in_the_index_too() {
    let project = Project::new();
    project.config("[stages.one]\nrun = \"true\"\nwhen = { os = \"macos\" }\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    assert_eq!(indexed(&project), [(1, "passed".into(), false)]);
    project.assert_nothing_left();
}

/// A project's first command makes no index, for there is nothing to put into it.
#[test]
fn where_nothing_has_run_there_is_no_index() {
    let project = Project::new();
    project.config(PIPELINE);
    project.local_ci(&["plan"]).output().assert_code(0);
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

/// H24: a run whose supervisor was killed is lost, and the next who looks puts it into the index. One that goes on is not.
#[test]
fn h24_a_lost_run_is_taken_in_and_one_that_goes_on_is_not() {
    let project = after(&[0]);
    project.config("[stages.wait]\nrun = \"chaos wait-for $SIDE/go\"\n");
    let running = project.local_ci(&["-q"]).env("SIDE", project.side_dir()).spawn();
    project.wait_for_event(2, "stage_started");
    project.local_ci(&["plan"]).output().assert_code(0);
    assert_eq!(indexed_numbers(&project), [1]);
    project.supervisor(2).kill(Signal::KILL);
    running.wait().assert_code(3);
    project.assert_nothing_left();
    assert_eq!(indexed_numbers(&project), [1]);
    assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "");
    assert_eq!(indexed(&project)[1], (2, "lost".into(), false));
    assert_sound(&project);
}

/// H84: many at once, in one project and with one index; nobody is refused, and each run is there once.
#[test]
fn h84_many_runs_at_once_are_each_added_once() {
    let project = Project::new();
    let stages: Vec<String> = (0..8).map(|n| format!("[stages.s{n}]\nrun = \"echo {n}\"\n")).collect();
    project.config(&stages.concat());
    for _ in 0..4 {
        let running: Vec<_> = (0..8).map(|n| project.local_ci(&["-q", &format!("s{n}")]).spawn()).collect();
        for run in running {
            let ended = run.wait().assert_code(0);
            assert_eq!(ended.stderr(), "", "{}", ended.transcript());
        }
    }
    project.assert_nothing_left();
    assert_eq!(indexed_numbers(&project), (1..=32).collect::<Vec<_>>());
    for number in 1..=32 {
        assert_eq!(fs::read_to_string(project.run_dir(number).join("supervisor.log")).unwrap(), "", "run {number}");
    }
    assert_sound(&project);
}

fn aside(project: &Project) -> Vec<String> {
    let entries = fs::read_dir(project.state_dir()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // What SQLite had beside the file goes with it, under a longer name.
    let is_whole = |name: &str| name.strip_prefix("history.db.corrupt-").is_some_and(|time| !time.contains('-'));
    names.filter(|name| is_whole(name)).collect()
}

type Way<'a> = &'a dyn Fn(&fs::File, u64);

/// Damages the whole of an index, log included.
fn damage(project: &Project, how: Way<'_>) {
    // Another program's connection, which works the log into the file when it is closed.
    drop(Connection::open(file(project)).unwrap().query_row("SELECT count(*) FROM run", [], |_| Ok(())));
    let file = fs::File::options().read(true).write(true).open(file(project)).unwrap();
    how(&file, file.metadata().unwrap().len());
}

fn noise(length: u64) -> Vec<u8> {
    (0..length).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect()
}

/// H79: five ways to be broken. A run goes as ever, one warning says what became of the file, and the runs are all there.
#[test]
fn h79_a_damaged_index_is_made_anew_from_the_runs() {
    let ways: [(&str, Way<'_>); 5] = [
        ("header", &|file, _| file.write_all_at(b"not a database!", 0).unwrap()),
        ("mid-page", &|file, length| file.write_all_at(&noise(length - 4096), 4096).unwrap()),
        ("truncated", &|file, length| file.set_len(length / 2 + 100).unwrap()),
        ("garbage", &|file, length| file.write_all_at(&noise(length), 0).unwrap()),
        ("empty", &|file, _| file.set_len(0).unwrap()),
    ];
    for (way, how) in ways {
        let project = after(&[0, 1, 0]);
        damage(&project, how);
        let next = project.local_ci(&["-q"]).env("CODE", "0").output().assert_code(0);
        project.assert_nothing_left();
        let warnings = next.stderr();
        if way == "empty" {
            assert_eq!((warnings.as_str(), aside(&project).len()), ("", 0), "{way}");
        } else {
            assert_eq!(warnings.lines().count(), 1, "{way}: {warnings}");
            assert!(warnings.starts_with("warning: the history was damaged ("), "{way}: {warnings}");
            assert!(warnings.contains(&aside(&project)[0]), "{way}: {warnings}");
        }
        assert_eq!(indexed_numbers(&project), [1, 2, 3, 4], "{way}");
        assert_sound(&project);
        assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "", "{way}: said once");
    }
}

/// H80: a later version's index is read, or left alone; what it is told, once a command, is why.
#[test]
fn h80_an_index_of_a_later_version_is_not_written() {
    for (change, warning) in [
        ("ALTER TABLE run ADD COLUMN weather TEXT", "runs of this version are not added"),
        ("ALTER TABLE run RENAME TO voyage", "it was made by a later version of local-ci"),
    ] {
        let project = after(&[0]);
        let later = Connection::open(file(&project)).unwrap();
        later.execute_batch(&format!("{change}; PRAGMA user_version = 999")).unwrap();
        drop(later);
        let before = fs::read(file(&project)).unwrap();
        let next = project.local_ci(&["-q"]).env("CODE", "1").output().assert_code(1);
        project.assert_nothing_left();
        let said = next.stderr();
        assert!(said.lines().count() == 1 && said.contains(warning), "{said}");
        assert!(fs::read(file(&project)).unwrap() == before, "{change}");
        assert_eq!(aside(&project), [""; 0]);
        assert!(project.run_dir(2).join("events.jsonl").exists());
    }
}

/// A run whose system calls on the index, and on no other file, meet this.
fn on_index<'p>(project: &'p Project, inject: &str, code: i32) -> Option<Invocation<'p>> {
    let paths = ["", "-wal", "-shm", "-journal", ".lock"].map(|end| format!("{}{end}", file(project).display()));
    let options: Vec<&str> = paths.iter().flat_map(|path| ["-P", path]).chain(["-e", inject]).collect();
    project.local_ci(&["-q"]).env("CODE", code.to_string()).under_strace(&options)
}

/// H75, H88: whatever the file system refuses of the index, the run is the same, and is in the index when it can be.
#[test]
fn h75_an_index_that_cannot_be_written_costs_nothing_but_itself() {
    for (calls, error) in [
        ("openat", "ENOSPC"),
        ("openat", "EROFS"),
        ("openat", "EMFILE"),
        ("pwrite64", "ENOSPC"),
        ("pwrite64", "EIO"),
        ("pwrite64", "EDQUOT"),
        ("fdatasync,fsync", "EIO"),
        ("pread64", "EIO"),
        ("ftruncate", "EIO"),
    ] {
        for code in [0, 1] {
            let project = after(&[0]);
            let Some(run) = on_index(&project, &format!("inject={calls}:error={error}"), code) else { return };
            let ended = run.output().assert_code(code);
            let said = ended.stderr();
            assert!(said.lines().count() <= 1 && !said.contains("damaged"), "{calls} {error}: {said}");
            assert!(ended.stdout().contains("Run 2 is kept"), "{calls} {error}: {}", ended.transcript());
            project.assert_nothing_left();
            let log = fs::read_to_string(project.run_dir(2).join("supervisor.log")).unwrap();
            if ["openat", "pwrite64"].contains(&calls) {
                assert!(log.contains("the run is not added to the history yet"), "{calls} {error}: {log}");
            }
            let next = project.local_ci(&["plan"]).output().assert_code(0);
            assert_eq!(next.stderr(), "", "{calls} {error}");
            assert_eq!(indexed_numbers(&project), [1, 2], "{calls} {error}");
            assert_sound(&project);
        }
    }
}

/// H75: an index that cannot be opened at all is said to be so, once, and nothing else is different.
#[test]
fn h75_an_impossible_index_costs_one_warning() {
    let project = after(&[]);
    project.local_ci(&["-q", "one"]).output().assert_code(0);
    project.assert_nothing_left();
    for entry in fs::read_dir(project.state_dir()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_file() {
            fs::remove_file(entry).unwrap();
        }
    }
    make_dir(&file(&project));
    let next = project.local_ci(&["-q", "one"]).output().assert_code(0);
    let said = next.stderr();
    assert!(said.lines().count() == 1 && said.contains("nothing is known of earlier runs"), "{said}");
    project.assert_nothing_left();
    let log = fs::read_to_string(project.run_dir(2).join("supervisor.log")).unwrap();
    assert!(log.contains("the run is not added to the history yet"), "{log}");
    fs::remove_dir(file(&project)).unwrap();
    assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "");
    assert_eq!(indexed_numbers(&project), [1, 2]);
}

fn make_dir(path: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path).unwrap();
}

/// H27, H28, H86: a supervisor that is killed while it adds its run, at any step that touches the index, leaves an index
/// that is sound, and a run that the next one adds.
#[test]
fn h27_a_supervisor_killed_while_it_adds_its_run_loses_nothing() {
    thread::scope(|scope| {
        // A kind each: strace counts each for itself, so that of several only the first is ever the first.
        for (kinds, is_new, stride) in [
            (&["pwrite64"][..], true, 2),
            (&["pwrite64"], false, 1),
            (&["openat"], true, 1),
            (&["ftruncate", "unlink"], true, 1),
        ] {
            scope.spawn(move || kinds.iter().for_each(|calls| kill_at_each(calls, is_new, stride)));
        }
    });
}

fn kill_at_each(calls: &str, is_new: bool, stride: usize) {
    for k in (1..200).step_by(stride) {
        let project = after(if is_new { &[] } else { &[0, 0, 0] });
        let number = if is_new { 1 } else { 4 };
        let Some(run) = on_index(&project, &format!("inject={calls}:signal=KILL:when={k}"), 0) else { return };
        // Where the command line reads the index it makes such calls too, and may be the one that is killed.
        let ended = run.output();
        project.assert_nothing_left();
        let came_through = indexed_numbers(&project).contains(&number);
        assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "", "{calls} {k}");
        assert_sound(&project);
        assert_eq!(indexed_numbers(&project), project.run_numbers(), "{calls} {k}");
        if ended.status.code() == Some(0) && came_through {
            assert!(k > 1, "{calls}: nothing was ever killed");
            return;
        }
    }
    panic!("no run came through");
}

/// What a stage left that held its pipes is waited for, so how long it took says nothing.
#[test]
fn a_stage_that_was_waited_for_is_no_sample() {
    let project = Project::new();
    project.config("[stages.leaks]\nrun = \"(chaos sleep 5 &) ; true\"\nleak = \"warn\"\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    wait_until("the run to be in the index", || indexed_numbers(&project) == [1]);
    let sample: bool = index(&project).unwrap().query_row("SELECT is_sample FROM stage", [], |row| row.get(0)).unwrap();
    assert!(!sample);
}

/// The journal is what happened; a log of pruned runs that ends in the middle of a line is read up to there.
#[test]
fn a_torn_list_of_pruned_runs_is_read_up_to_its_tear() {
    let project = after(&[0]);
    let list = project.runs_dir().unwrap().with_file_name("pruned.jsonl");
    let line = concat!(
        r#"{"pruned_ms":1,"number":7,"run":"77","started_ms":1,"duration_ms":1,"verdict":"passed","exit_code":0,"#,
        r#""stages":[]}"#
    );
    let mut options = fs::File::options();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.append(true).create(true).open(&list).unwrap();
    write!(file, "{line}\nno line of ours\n{}", &line[..50]).unwrap();
    assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "");
    assert_eq!(indexed(&project), [(1, "passed".into(), false), (7, "passed".into(), true)]);
    writeln!(file, "{}", line[50..].replace("77", "7")).unwrap();
    project.local_ci(&["plan"]).output().assert_code(0);
    assert_eq!(indexed_numbers(&project), [1, 7], "one number, one run");
    assert_sound(&project);
}
