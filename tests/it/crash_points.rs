//! A crash at every step that leaves something on disk: the process is killed as it enters the k-th system call of a
//! kind, k = 1, 2, …, until a run comes through unharmed. After each kill the project is as sound as before.
//!
//! strace counts the calls of each process and each thread for itself, and each kind of call for itself: where several
//! kinds are named at once, the first call of the first of them always comes before the first of another. So one kind
//! stands for itself, but for names of the same call. Which process is hit is chosen two ways: the
//! command line alone is traced (`-b execve` lets go of whatever executes another program, so of the supervisor and
//! its guard), or all are traced and only calls on one run's own files count (`-P`), which the command line at most
//! reads. The guard makes no such calls.

use std::fs;
use std::thread;

use crate::support::{Finished, Project, wait_until, watches};

/// No kind of step has this many; a test that gets there does not count what it should.
const MANY: usize = 80;

/// A pipeline that prints, has a process tree, and comes to this end.
fn pipeline(project: &Project, end: &str) {
    project.config(&format!(
        "[stages.a]\nrun = \"echo a; (chaos sleep 0.01 &) ; true\"\n[stages.b]\nrun = \"echo b; {end}\"\nneeds = [\"a\"]\n"
    ));
}

/// What holds after any crash of a run that would have come to `code`. `next` is the number that run has, if it was
/// published.
#[track_caller]
fn assert_sound(project: &Project, before: &[u64], code: i32, crash: &str) {
    let numbers = project.run_numbers();
    let said = |finished: &Finished| format!("{crash}\n{}", finished.transcript());
    assert!(numbers.starts_with(before) && numbers.len() <= before.len() + 1, "{crash}: {before:?}, then {numbers:?}");
    for args in [&["list"][..], &["plan"]] {
        let finished = project.local_ci(args).output();
        assert_eq!(finished.status.code(), Some(0), "{}", said(&finished));
        assert_eq!(finished.stderr(), "", "{}", said(&finished));
    }
    if let Some(number) = numbers.get(before.len()) {
        for stage in ["a", "b"] {
            let log = fs::read(project.run_dir(*number).join(format!("logs/{stage}.log"))).unwrap_or_default();
            assert!(format!("{stage}\n").as_bytes().starts_with(&log), "{crash}: {log:?}");
        }
        let number = &number.to_string();
        // A supervisor or its guard may still be ending what was started; `show` is 0 for a run that goes on.
        let mut show = project.local_ci(&["show", number]).output();
        wait_until("the run to be over", || {
            show = project.local_ci(&["show", number]).output();
            !show.stderr().contains("has not ended yet")
        });
        let shown = show.status.code().unwrap();
        match project.last_word(*numbers.last().unwrap()) {
            // Ended in order, or by its supervisor for want of a starter.
            Some(word) if word["verdict"]["kind"] == "cancelled" => assert_eq!(shown, 129, "{}", said(&show)),
            Some(_) => assert_eq!(shown, code, "{}", said(&show)),
            None => {
                assert_eq!(shown, 3, "{}", said(&show));
                assert!(show.stdout().contains("Lost: ") || show.stderr().contains(" is lost: "), "{}", said(&show));
            }
        }
    }
    let left: Vec<String> = project.left_now().into_iter().filter(|left| left.contains("a run's id")).collect();
    assert!(left.is_empty(), "{crash}: {left:?}");
    let next = project.local_ci(&[]).output();
    assert_eq!(next.status.code(), Some(code), "{}", said(&next));
    assert_eq!(next.stderr(), "", "{}", said(&next));
    let after = project.run_numbers();
    assert!(after.starts_with(&numbers) && after.len() == numbers.len() + 1, "{crash}: {numbers:?}, then {after:?}");
}

/// Kills at each `stride`-th call of a kind, in a new project each time or always in the same. Says at which call a run
/// came through; zero where there is no strace.
fn enumerate(calls: &str, stride: usize, new_each_time: bool, options: &dyn Fn(&Project) -> Vec<String>) -> usize {
    enumerate_of(&[], calls, stride, new_each_time, options)
}

/// The same for a run that is started with these arguments.
fn enumerate_of(
    args: &[&str],
    calls: &str,
    stride: usize,
    new_each_time: bool,
    options: &dyn Fn(&Project) -> Vec<String>,
) -> usize {
    let is_detached = !args.is_empty();
    let mut project = Project::new();
    for k in (1..MANY).step_by(stride) {
        if new_each_time && k > 1 {
            project = Project::new();
        }
        let (end, code) = if k % 2 == 0 { ("true", 0) } else { ("exit 7", 1) };
        pipeline(&project, end);
        let options = options(&project);
        let before = project.run_numbers();
        let inject = format!("inject={calls}:signal=KILL:when={k}");
        let options: Vec<&str> = options.iter().map(String::as_str).chain(["-e", &inject]).collect();
        let run = project.local_ci(args).env("CI", "true").under_strace(&options);
        // Without strace there is nothing to be seen, and a line has said so.
        let Some(run) = run else { return 0 };
        let run = run.output();
        let crash = format!("killed at call {k} of {calls} {options:?}\n{}", run.transcript());
        assert_sound(&project, &before, code, &crash);
        let word = project.last_word(before.len() as u64 + 1);
        let is_cancelled = word.as_ref().is_some_and(|word| word["verdict"]["kind"] == "cancelled");
        assert!(!(is_detached && is_cancelled), "it ended with its starter: {crash}");
        let told = if is_detached { 0 } else { code };
        let is_unharmed = run.status.code() == Some(told) && word.is_some();
        if is_unharmed {
            return k;
        }
    }
    panic!("no run came through without {MANY} calls of {calls}");
}

/// H27, H28, H29: the command line is killed at any of its steps, in a project's first run and in a later one.
#[test]
fn h27_a_command_line_killed_at_any_step_leaves_a_sound_project() {
    let alone = |_: &Project| vec!["-b".to_owned(), "execve".to_owned()];
    thread::scope(|scope| {
        // A stride where there are many: the index is read before a run starts, and what is asked of it is no step of ours.
        for (calls, stride) in [
            (&["mkdir,mkdirat", "rename,renameat,renameat2", "ftruncate", "sendto", "clone"][..], 1),
            (&["write", "clone3,vfork"], 1),
            (&["pwrite64", "openat"], 4),
        ] {
            for new_each_time in [true, false] {
                scope.spawn(move || {
                    for calls in calls {
                        enumerate(calls, stride, new_each_time, &alone);
                    }
                });
            }
        }
    });
}

/// H23, H27, H28: who starts a run in the background is killed at any of its steps: the run was never there, or is lost, or
/// goes on to its end without anybody.
#[test]
fn h27_a_starter_in_the_background_killed_at_any_step_leaves_a_sound_project() {
    let alone = |_: &Project| vec!["-b".to_owned(), "execve".to_owned()];
    thread::scope(|scope| {
        for calls in [
            &["mkdir,mkdirat", "rename,renameat,renameat2", "sendto", "clone3,vfork"][..],
            &["write", "ftruncate", "recvfrom", "shutdown"],
        ] {
            scope.spawn(move || {
                for calls in calls {
                    enumerate_of(&["-d"], calls, 1, true, &alone);
                }
            });
        }
    });
}

/// Options that count only calls on files of the next run, by their names in the run's or the marks' directory.
fn of_the_next_run(project: &Project, files: &[&str], marks: bool) -> Vec<String> {
    // A first run has to be there to tell where the next one will be.
    if project.run_numbers().is_empty() {
        project.local_ci(&[]).output();
    }
    let runs = project.runs_dir().unwrap();
    let last: u64 = fs::read_to_string(runs.with_file_name("counter")).unwrap().trim().parse().unwrap();
    let next = (last + 1).to_string();
    let files = files.iter().map(|file| runs.join(&next).join(file));
    let marks = marks.then(|| runs.with_file_name("active").join(&next));
    files.chain(marks).flat_map(|path| ["-P".to_owned(), path.display().to_string()]).collect()
}

/// H27, H28: the supervisor is killed at any of its steps.
#[test]
fn h27_a_supervisor_killed_at_any_step_leaves_a_sound_project() {
    const FILES: [&str; 6] = ["events.jsonl", "owner.json", "logs/a.log", "logs/a.idx", "logs/b.log", "logs/b.idx"];
    let files = |project: &Project| of_the_next_run(project, &FILES, false);
    let mark = |project: &Project| of_the_next_run(project, &[], true);
    let slots = |project: &Project| of_the_next_run(project, &["jobserver"], false);
    let all = |_: &Project| Vec::new();
    let found: Vec<Vec<usize>> = thread::scope(|scope| {
        let threads = [
            scope.spawn(move || vec![enumerate("write", 1, false, &files)]),
            scope.spawn(move || vec![enumerate("openat", 1, false, &files)]),
            // A killed supervisor's guard takes these away; the run is over where it is the supervisor that does.
            scope.spawn(move || {
                let steps = ["mknod,mknodat", "open,openat", "write", "unlink,unlinkat"];
                steps.map(|calls| enumerate(calls, 1, false, &slots)).to_vec()
            }),
            scope.spawn(move || vec![enumerate("unlink,unlinkat", 1, false, &mark)]),
            // The first `clone3` is the command line's, which starts the supervisor; `clone` is the guard's fork.
            scope.spawn(move || ["clone", "clone3,vfork"].map(|calls| enumerate(calls, 1, false, &all)).to_vec()),
        ];
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let found = found.concat();
    // Fewer than these would mean that the wrong files are looked at. Zero is for where there is no strace.
    let least = [6, 3, 2, 2, 2, 2, 1, 2, 3];
    assert!(found == [0; 9] || found.iter().zip(least).all(|(found, least)| *found >= least), "{found:?}");
}

/// A run that goes on, and behind it one that queues and is killed at each call of a kind. Says at which call it came
/// through; zero where there is no strace.
fn enumerate_behind(calls: &str, stride: usize, options: &[&str]) -> usize {
    for k in (1..MANY).step_by(stride) {
        let project = Project::new();
        project.config("[stages.a]\nrun = \"echo $LOCAL_CI_RUN >>$SIDE/marks; chaos wait-for $SIDE/go\"\n");
        let start = |args: &[&str]| project.local_ci(args).env("SIDE", project.side_dir()).env("CI", "true");
        let first = start(&["-q"]).spawn();
        let marks = || fs::read_to_string(project.side("marks")).unwrap_or_default();
        wait_until("the first run to begin", || marks() == "1\n");
        let inject = format!("inject={calls}:signal=KILL:when={k}");
        let options: Vec<&str> = options.iter().copied().chain(["-e", &inject]).collect();
        let Some(second) = start(&["-q", "--queue"]).under_strace(&options) else { return 0 };
        let second = second.spawn();
        let is_over = |pid: i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
        };
        let waits = || {
            let owner = project.owner(2).and_then(|owner| i32::try_from(owner["pid"].as_i64()?).ok());
            owner.is_some_and(watches)
        };
        wait_until("the second run to wait or to be killed", || is_over(second.pid()) || waits());
        let before = project.run_numbers();
        assert!(before == [1] || before == [1, 2], "killed at call {k} of {calls}: {before:?}");
        let third = start(&["-q", "--queue"]).spawn();
        third.wait_for_stderr(" waits for run");
        assert_eq!(marks(), "1\n", "killed at call {k} of {calls}");
        fs::write(project.side("go"), "").unwrap();
        first.wait().assert_code(0);
        let second = second.wait();
        let crash = format!("killed at call {k} of {calls} {options:?}\n{}", second.transcript());
        third.wait().assert_code(0);
        let last = *project.run_numbers().last().unwrap();
        let passed = |number: u64| project.last_word(number).is_some_and(|word| word["exit_code"] == 0);
        // Whoever was killed before it could begin never does, and whoever begins is in its turn.
        let began: Vec<u64> = marks().lines().map(|line| line.parse().unwrap()).collect();
        assert!(began.is_sorted_by(|one, next| one < next), "{crash}\n{began:?}");
        for number in project.run_numbers() {
            let announced = project.events(number).iter().any(|event| event["event"] == "stage_started");
            let ran = began.contains(&number);
            assert!((ran || !passed(number)) && (announced || !ran), "{crash}\n{began:?}, {number}");
        }
        assert!(passed(1) && passed(last), "{crash}");
        wait_until("the marks to be gone", || {
            fs::read_dir(project.runs_dir().unwrap().with_file_name("active")).unwrap().count() <= 1
        });
        start(&["-q"]).output().assert_code(0);
        let left = fs::read_dir(project.runs_dir().unwrap().with_file_name("new")).unwrap().count();
        assert_eq!(left, 0, "{crash}");
        project.assert_nothing_left();
        if second.status.code() == Some(0) {
            return k;
        }
    }
    panic!("no run came through without {MANY} calls of {calls}");
}

/// H27: who queues is killed at any step of its claim, and its supervisor at any step of its waiting: nothing is started out
/// of turn, the line goes on, and what was killed never starts.
#[test]
fn h27_a_queued_run_killed_at_any_step_is_in_nobodys_way() {
    const ALONE: &[&str] = &["-b", "execve"];
    // strace counts each kind of call for itself, so each is enumerated by itself.
    let kinds: [(&str, usize, &[&str]); 9] = [
        ("pwrite64", 1, ALONE),
        ("mkdir", 1, ALONE),
        ("write", 1, ALONE),
        ("rename", 1, ALONE),
        ("sendto", 1, ALONE),
        ("flock", 2, ALONE),
        ("openat", 4, ALONE),
        ("inotify_init1", 1, &[]),
        ("inotify_add_watch", 1, &[]),
    ];
    let found: Vec<usize> = thread::scope(|scope| {
        let threads =
            kinds.map(|(calls, stride, options)| scope.spawn(move || enumerate_behind(calls, stride, options)));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // At least the first of each kind was one that killed. Zero is for where there is no strace.
    assert!(found == [0; 9] || found.iter().all(|k| *k > 1), "{found:?}");
}
