//! What is deleted of old runs and what is kept: limits, crashes at every step, and what those see who look for a run that
//! is gone.

use std::fs;
use std::thread;

use serde_json::Value;

use crate::history::{assert_sound, file, indexed, indexed_numbers};
use crate::support::{Project, assert_transcript, wait_until};

fn retention(project: &Project, text: &str) {
    let dir = project.root().join("config/local-ci");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), format!("[retention]\n{text}\n")).unwrap();
}

/// So many runs, of which none was deleted, and from then on these limits.
fn after(runs: u32, limits: &str) -> Project {
    let project = Project::new();
    project.config("[stages.one]\nrun = \"echo done\"\n");
    for _ in 0..runs {
        project.local_ci(&["-q"]).output().assert_code(0);
    }
    settle(&project);
    retention(&project, limits);
    project
}

/// Waits until the supervisors are gone.
#[track_caller]
fn settle(project: &Project) {
    wait_until("all to be over", || project.left_now().iter().all(|left| !left.starts_with("process")));
}

fn list(project: &Project) -> Vec<Value> {
    let text = fs::read_to_string(project.runs_dir().unwrap().with_file_name("pruned.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn listed(project: &Project) -> Vec<u64> {
    list(project).iter().map(|line| line["number"].as_u64().unwrap()).collect()
}

/// Makes a run as old as that.
fn age(project: &Project, number: u64, how: &str) {
    let run = project.run_dir(number);
    project.sh(&format!("find '{}' -exec touch -d '{how}' {{}} +", run.display())).output().assert_code(0);
}

#[test]
fn the_oldest_beyond_the_limit_go_and_what_came_of_them_stays() {
    let project = after(5, "runs = 2");
    let look = project.local_ci(&["prune", "--dry-run"]).output().redact(r"\d+ kB", "[N] kB");
    assert_transcript!(look, @"
    $ local-ci prune --dry-run
    would prune 3 runs, [N] kB; 2 are kept (at most 2 runs, 30 days, 1 GB)
    --- exit 0
    ");
    assert_eq!(project.run_numbers(), [1, 2, 3, 4, 5]);
    assert_eq!(listed(&project), [0; 0]);
    let done = project.local_ci(&["prune"]).output().redact(r"\d+ kB", "[N] kB");
    assert_transcript!(done, @"
    $ local-ci prune
    pruned 3 runs, [N] kB; 2 are kept (at most 2 runs, 30 days, 1 GB)
    --- exit 0
    ");
    assert_eq!(project.run_numbers(), [4, 5]);
    assert_eq!(listed(&project), [1, 2, 3]);
    let first = &list(&project)[0];
    assert_eq!((first["verdict"].as_str(), first["stages"][0]["status"].as_str()), (Some("passed"), Some("pass")));
    let pruned: Vec<bool> = indexed(&project).into_iter().map(|(_, _, pruned)| pruned).collect();
    assert_eq!(pruned, [true, true, true, false, false]);
    assert_transcript!(project.local_ci(&["prune"]).output(), @"
    $ local-ci prune
    nothing to prune; 2 are kept (at most 2 runs, 30 days, 1 GB)
    --- exit 0
    ");
    project.local_ci(&["-q"]).output().assert_code(0);
    assert_eq!(project.run_numbers(), [4, 5, 6], "numbers are never used twice");
    settle(&project);
    assert_sound(&project);
}

#[test]
fn runs_go_by_age_and_by_size_too() {
    let project = after(4, "age = \"7d\"");
    age(&project, 1, "8 days ago");
    age(&project, 3, "8 days ago");
    age(&project, 2, "6 days ago");
    let report = project.local_ci(&["prune", "--json"]).output().assert_code(0).stdout();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["pruned"], &report["kept"]), (&serde_json::json!([1, 3]), &2.into()));
    assert_eq!(project.run_numbers(), [2, 4]);

    let project = after(3, "size = \"1MiB\"");
    fs::write(project.run_dir(2).join("logs/large.log"), vec![b'x'; 2 << 20]).unwrap();
    let report = project.local_ci(&["prune", "--json"]).output().assert_code(0).stdout();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["pruned"], serde_json::json!([1, 2]), "what is older than what is too much goes with it");
    assert!(report["bytes"].as_u64().unwrap() > 2 << 20, "{report}");
}

/// H87: a run that goes on is never touched, however old it looks, and neither is the newest.
#[test]
fn h87_running_runs_and_the_newest_stay() {
    let project = after(1, "runs = 1\nage = \"1d\"");
    project.config("[stages.wait]\nrun = \"chaos wait-for $SIDE/go\"\n");
    let running = project.local_ci(&["-q"]).env("SIDE", project.side_dir()).spawn();
    project.wait_for_event(2, "stage_started");
    project.config("[stages.one]\nrun = \"echo done\"\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    wait_until("run 1 to be pruned by run 3", || project.run_numbers() == [2, 3]);
    age(&project, 2, "90 days ago");
    age(&project, 3, "90 days ago");
    project.local_ci(&["prune"]).output().assert_code(0);
    assert_eq!(project.run_numbers(), [2, 3]);
    project.open_gate("go");
    running.wait().assert_code(0);
    settle(&project);
    assert_eq!(indexed_numbers(&project), [1, 2, 3]);
}

/// Without anybody asking: where a limit is exceeded by half, the supervisor of the next run sees to it.
#[test]
fn a_run_that_exceeds_a_limit_by_half_prunes() {
    let project = after(3, "runs = 2");
    assert_eq!(project.run_numbers(), [1, 2, 3], "looked at a moment ago, and not exceeded by half");
    project.local_ci(&["-q"]).output().assert_code(0);
    settle(&project);
    assert_eq!((project.run_numbers(), listed(&project)), (vec![3, 4], vec![1, 2]));

    // A day later it is looked at anyway.
    project.local_ci(&["-q"]).output().assert_code(0);
    settle(&project);
    assert_eq!(project.run_numbers(), [3, 4, 5]);
    let lock = project.runs_dir().unwrap().with_file_name("prune.lock");
    project.sh(&format!("touch -d '25 hours ago' '{}'", lock.display())).output().assert_code(0);
    retention(&project, "runs = 3");
    project.local_ci(&["-q"]).output().assert_code(0);
    settle(&project);
    assert_eq!(project.run_numbers(), [4, 5, 6]);
}

/// H74, H87: a disk that is too full for the line that is kept of a run does not keep the run there.
#[test]
fn h74_a_full_disk_can_be_pruned() {
    let project = after(3, "runs = 1");
    let list = project.runs_dir().unwrap().with_file_name("pruned.jsonl");
    fs::write(&list, "").unwrap();
    let full = |when: &str| {
        let inject = format!("inject=write:error=ENOSPC:when={when}");
        project.local_ci(&["prune"]).under_strace(&["-P", list.to_str().unwrap(), "-e", &inject])
    };
    let Some(hopeless) = full("1+") else { return };
    let told = hopeless.output().assert_code(3).transcript();
    assert!(told.contains("\nnothing was pruned; 3 are kept (at most 1 run, 30 days, 1 GB)\n"), "{told}");
    assert_eq!(told.matches("warning: ").count(), 1, "{told}");
    assert_eq!(project.run_numbers(), [1, 2, 3]);
    let Some(tight) = full("1") else { return };
    tight.output().assert_code(0);
    assert_eq!((project.run_numbers(), listed(&project)), (vec![3], vec![1, 2]));
    assert_eq!(indexed_numbers(&project), [1, 2, 3]);
    assert_sound(&project);
}

/// H29, H32: a run whose header was lost is known by its journal, and one that says nothing at all is in nobody's way.
#[test]
fn h32_a_run_without_its_header_can_be_pruned() {
    let project = after(3, "runs = 1");
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", file(&project).display()));
    }
    for number in [1, 2] {
        fs::write(project.run_dir(number).join("header.json"), "").unwrap();
    }
    fs::remove_file(project.run_dir(1).join("events.jsonl")).unwrap();
    project.local_ci(&["runs"]).output().assert_code(0);
    assert_eq!(indexed_numbers(&project), [2, 3]);
    project.local_ci(&["prune"]).output().assert_code(0);
    assert_eq!((project.run_numbers(), listed(&project)), (vec![3], vec![2]));
}

#[test]
fn who_looks_for_a_pruned_run_is_told_so() {
    let project = after(2, "runs = 1");
    project.local_ci(&["prune"]).output().assert_code(0);
    for args in [["show", "1"], ["logs", "1"], ["attach", "1/one"], ["stop", "1"]] {
        let told = project.local_ci(&args).output().assert_code(2);
        let said = told.transcript();
        assert!(said.contains("error: run 1 was pruned [AGO]: what its stages printed is gone\n"), "{said}");
        assert!(said.contains("`local-ci runs` still has what came of it"), "{said}");
    }
    let told = project.local_ci(&["show", "9"]).output().assert_code(2).stderr();
    assert!(told.contains("there is no run 9"), "{told}");
}

/// The index can be made again with all that was pruned.
#[test]
fn h79_a_lost_index_is_made_again_from_runs_and_list() {
    let project = after(4, "runs = 2");
    project.local_ci(&["prune"]).output().assert_code(0);
    let before = indexed(&project);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", file(&project).display()));
    }
    assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "");
    assert_eq!(indexed(&project), before);
    assert_sound(&project);
}

/// H87: who prunes is killed at any step. Each run is whole, or gone with its line, and the next one finishes it.
#[test]
fn h87_a_pruner_killed_at_any_step_loses_nothing() {
    thread::scope(|scope| {
        // A kind each: strace counts each for itself, so that of several only the first is ever the first.
        for (kinds, stride) in [
            (&["write", "mkdir"][..], 1),
            (&["rename", "fdatasync", "utimensat"], 1),
            (&["unlink,unlinkat"], 3),
            (&["openat", "pwrite64"], 11),
        ] {
            scope.spawn(move || kinds.iter().for_each(|calls| kill_at_each(calls, stride)));
        }
    });
}

fn kill_at_each(calls: &str, stride: usize) {
    for k in (1..400).step_by(stride) {
        let project = after(3, "runs = 1");
        let inject = format!("inject={calls}:signal=KILL:when={k}");
        let Some(prune) = project.local_ci(&["prune"]).under_strace(&["-e", &inject]) else { return };
        let killed = prune.output().status.code() != Some(0);
        let numbers = project.run_numbers();
        let gone: Vec<u64> = (1..=3).filter(|number| !numbers.contains(number)).collect();
        assert!(gone.iter().all(|number| listed(&project).contains(number)), "{calls} {k}: {gone:?}");
        for number in numbers {
            let shown = project.local_ci(&["show", &number.to_string()]).output();
            assert_eq!(shown.status.code(), Some(0), "{calls} {k}: {}", shown.transcript());
            assert_eq!(project.log(number, "one.log"), b"done\n", "{calls} {k}");
        }
        assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "", "{calls} {k}");
        project.local_ci(&["prune"]).output().assert_code(0);
        assert_eq!(project.run_numbers(), [3], "{calls} {k}");
        assert_eq!(listed(&project), [1, 2], "{calls} {k}: once each");
        assert_eq!(indexed_numbers(&project), [1, 2, 3], "{calls} {k}");
        let gone = project.runs_dir().unwrap().with_file_name("gone");
        assert_eq!(fs::read_dir(gone).map_or(0, Iterator::count), 0, "{calls} {k}");
        assert_sound(&project);
        if !killed {
            assert!(k > 1, "{calls}: nothing was ever killed");
            return;
        }
    }
    panic!("no prune came through");
}

/// H27, H87: the same where it is the supervisor that prunes, after its run: that one has its verdict all the same.
#[test]
fn h87_a_supervisor_killed_while_it_prunes_loses_nothing() {
    thread::scope(|scope| {
        for kinds in [&["write", "rename"][..], &["mkdir", "fdatasync"], &["openat", "unlink,unlinkat"]] {
            scope.spawn(move || kinds.iter().for_each(|calls| kill_supervisor_at_each(calls)));
        }
    });
}

fn kill_supervisor_at_each(calls: &str) {
    for k in (1..100).step_by(2) {
        let project = after(3, "runs = 1");
        let kept = project.runs_dir().unwrap();
        let kept = kept.parent().unwrap();
        // Only calls on what is pruned count: the command line looks at none of it.
        let files = ["pruned.jsonl", "prune.lock", "runs/1", "gone", "gone/1", "gone/1/logs", "runs/2", "gone/2"];
        let paths: Vec<String> = files.iter().map(|file| kept.join(file).display().to_string()).collect();
        let inject = format!("inject={calls}:signal=KILL:when={k}");
        let options: Vec<&str> = paths.iter().flat_map(|path| ["-P", path]).chain(["-e", &inject]).collect();
        let Some(run) = project.local_ci(&["-q"]).under_strace(&options) else { return };
        run.output().assert_code(0);
        settle(&project);
        let is_done = project.run_numbers() == [4];
        assert_eq!(project.verdict(4).2, 0, "{calls} {k}");
        let gone: Vec<u64> = (1..=3).filter(|number| !project.run_numbers().contains(number)).collect();
        assert!(gone.iter().all(|number| listed(&project).contains(number)), "{calls} {k}: {gone:?}");
        assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "", "{calls} {k}");
        project.local_ci(&["prune"]).output().assert_code(0);
        assert_eq!(project.run_numbers(), [4], "{calls} {k}");
        assert_eq!(listed(&project), [1, 2, 3], "{calls} {k}: once each");
        assert_eq!(indexed_numbers(&project), [1, 2, 3, 4], "{calls} {k}");
        assert_eq!(fs::read_dir(kept.join("gone")).map_or(0, Iterator::count), 0, "{calls} {k}");
        assert_sound(&project);
        if is_done {
            assert!(k > 1, "{calls}: nothing was ever killed");
            return;
        }
    }
    panic!("no supervisor came through");
}
