//! Forgetting jobs and whole projects: what goes and what stays, whoever is killed at it, and that a name that is given
//! again inherits nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::thread;

use serde_json::Value;

use crate::adhoc::{jobs, settle};
use crate::history::{assert_sound, file, indexed_numbers};
use crate::support::{Project, assert_transcript, wait_until};

const PIPELINE: &str = "[stages.one]\nrun = 'echo 1'\n[stages.two]\nrun = 'echo 2'\n";

/// A file of the only project's state.
fn state(project: &Project, name: &str) -> PathBuf {
    project.runs_dir().unwrap().with_file_name(name)
}

fn text(project: &Project, name: &str) -> String {
    fs::read_to_string(state(project, name)).unwrap_or_default()
}

fn stats(project: &Project, job: &str) -> Value {
    let stats = project.local_ci(&["stats", job, "--json"]).output().assert_code(0);
    serde_json::from_str(&stats.stdout()).unwrap()
}

fn delete_index(project: &Project) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", file(project).display()));
    }
}

/// A job with two runs, and its name; `one` of the config with a run of its own, and two runs of all.
fn with_runs() -> (Project, String) {
    let project = Project::new();
    project.config(PIPELINE);
    for args in [&["add", "echo", "it"][..], &["one", "-q"], &["-q"], &["-q"], &["add", "echo", "it"]] {
        project.local_ci(args).output().assert_code(0);
        settle(&project);
    }
    let name = jobs(&project)[0].0.clone();
    (project, name)
}

/// What the table says of `remove`: the job goes, and all of its history.
#[test]
fn the_table_says_remove_removes_the_job_and_all_its_history() {
    let (project, name) = with_runs();
    let removed = project.local_ci(&["remove", &name]).output();
    assert_transcript!(removed.redact(&name, "[JOB]").redact(r"\d+ kB", "[N] kB"), @r"
    $ local-ci remove [JOB]
    --- stderr
    forgot job [JOB]: 2 runs, [N] kB
    --- exit 0
    ");
    assert_eq!(
        (project.run_numbers(), indexed_numbers(&project), jobs(&project)),
        (vec![2, 3, 4], vec![2, 3, 4], vec![])
    );
    for args in [["start", &name], ["show", "1"], ["show", "5"]] {
        project.local_ci(&args).output().assert_code(2);
    }
    // The same command is a new job, of which nothing is known, and numbers go on.
    let added = project.local_ci(&["add", "--json", "echo", "it"]).output().assert_code(0);
    let added: Value = serde_json::from_str(&added.stdout()).unwrap();
    assert_eq!((&added["new"], &added["run"], &added["runs"]), (&true.into(), &6.into(), &0.into()));
    assert!(added["expected_ms"].is_null(), "{added}");
    settle(&project);
    delete_index(&project);
    project.local_ci(&["runs"]).output().assert_code(0);
    assert_eq!(indexed_numbers(&project), [2, 3, 4, 6], "what is forgotten stays forgotten");
    assert_sound(&project);
    project.assert_nothing_left();
}

/// A stage of the config is forgotten as well; runs that had others stay, without it.
#[test]
fn a_stage_is_forgotten_and_stays_in_the_config() {
    let (project, _) = with_runs();
    assert_eq!(stats(&project, "one")["jobs"][0]["runs"], 3);
    let removed = project.local_ci(&["remove", "one"]).output().redact(r"\d+ kB", "[N] kB");
    assert_transcript!(removed, @r"
    $ local-ci remove one
    --- stderr
    forgot job one: 1 run, [N] kB
    2 runs stay, since they had other stages as well
    stage one stays in the config
    --- exit 0
    ");
    assert_eq!(project.run_numbers(), [1, 3, 4, 5]);
    project.local_ci(&["show", "3"]).output().assert_code(0);
    for _ in 0..2 {
        let (one, two) = (stats(&project, "one"), stats(&project, "two"));
        assert_eq!((&one["jobs"][0]["runs"], &two["jobs"][0]["runs"]), (&0.into(), &2.into()), "{one}");
        assert_eq!(indexed_numbers(&project), [1, 3, 4, 5]);
        assert_sound(&project);
        // Again from the runs, which still have it.
        delete_index(&project);
    }
    let none = project.local_ci(&["remove", "one"]).output().assert_code(0).stderr();
    assert!(none.starts_with("forgot job one: no runs\n"), "{none}");
    project.local_ci(&["one", "-q"]).output().assert_code(0);
    settle(&project);
    assert_eq!(stats(&project, "one")["jobs"][0]["runs"], 1, "what came later is remembered");
    project.assert_nothing_left();
}

/// What is kept of pruned runs goes too, and nothing else of it.
#[test]
fn of_pruned_runs_the_lines_go() {
    let (project, name) = with_runs();
    let dir = project.root().join("config/local-ci");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), "[retention]\nruns = 1\n").unwrap();
    project.local_ci(&["prune"]).output().assert_code(0);
    assert_eq!((project.run_numbers(), text(&project, "pruned.jsonl").lines().count()), (vec![5], 4));
    let removed = project.local_ci(&["remove", &name, "two"]).output().assert_code(0).stderr();
    assert!(removed.contains(": 2 runs, "), "{removed}");
    let lines: Vec<Value> =
        text(&project, "pruned.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let left: Vec<(u64, usize)> =
        lines.iter().map(|line| (line["number"].as_u64().unwrap(), line["stages"].as_array().unwrap().len())).collect();
    assert_eq!(left, [(2, 1), (3, 1), (4, 1)]);
    for _ in 0..2 {
        project.local_ci(&["runs"]).output().assert_code(0);
        assert_eq!(indexed_numbers(&project), [2, 3, 4]);
        assert_eq!(stats(&project, "one")["jobs"][0]["runs"], 3);
        assert_sound(&project);
        delete_index(&project);
    }
    // What is pruned from now on is added after what is left.
    for _ in 0..2 {
        project.local_ci(&["one", "-q"]).output().assert_code(0);
        settle(&project);
    }
    project.local_ci(&["prune"]).output().assert_code(0);
    assert_eq!(indexed_numbers(&project), [2, 3, 4, 6, 7]);
    assert_eq!(stats(&project, "one")["jobs"][0]["runs"], 5);
    assert_sound(&project);
}

/// H87: a job that goes on is not removed, and nothing of the others that were named is.
#[test]
fn h87_a_running_job_is_not_removed() {
    let (project, name) = with_runs();
    project.local_ci(&["add", "chaos", "sleep", "600"]).output().assert_code(0);
    let running = &jobs(&project)[1].0;
    let refused = project.local_ci(&["remove", &name, running]).output().assert_code(5).stderr();
    assert!(refused.contains(&format!("job {running} is running, in run 6; nothing was removed")), "{refused}");
    assert!(refused.contains("`local-ci stop 6` ends it"), "{refused}");
    assert_eq!((project.run_numbers(), jobs(&project).len()), ((1..=6).collect(), 2));
    let unknown = project.local_ci(&["remove", &name, "nobody"]).output().assert_code(2).stderr();
    assert!(unknown.contains("there is no job \"nobody\"") && unknown.contains("nothing was removed"), "{unknown}");
    assert_eq!(project.run_numbers().len(), 6);
    project.local_ci(&["stop", running]).output().assert_code(0);
    project.local_ci(&["remove", running, &name]).output().assert_code(0);
    assert_eq!((project.run_numbers(), jobs(&project)), (vec![2, 3, 4], vec![]));
    project.assert_nothing_left();
}

/// H87, H27: who removes is killed at any step. What is there is whole, nobody takes it for the job's history once the
/// job is gone, and the next one finishes it.
#[test]
fn h87_a_remover_killed_at_any_step_is_finished_by_the_next() {
    thread::scope(|scope| {
        for (calls, stride) in
            [("write", 1), ("rename,mkdir,fdatasync", 1), ("unlink,unlinkat,rmdir", 3), ("openat,pwrite64", 11)]
        {
            scope.spawn(move || kill_removers(calls, stride));
        }
    });
}

fn kill_removers(calls: &str, stride: usize) {
    for k in (1..400).step_by(stride) {
        let (project, name) = with_runs();
        let inject = format!("inject={calls}:signal=KILL:when={k}");
        let remove = project.local_ci(&["remove", &name, "one"]).under_strace(&["-e", &inject]);
        let Some(remove) = remove else { return };
        let killed = remove.output().status.code() != Some(0);
        let crash = format!("{calls} {k}");
        // Readers see whole runs, and say nothing of damage.
        for number in project.run_numbers() {
            let shown = project.local_ci(&["show", &number.to_string()]).output();
            assert_eq!(shown.status.code(), Some(0), "{crash}: {}", shown.transcript());
        }
        assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "", "{crash}");
        assert_sound(&project);
        if !jobs(&project).iter().any(|job| job.0 == name) {
            // Of a job that is gone nothing is inherited, whatever is still there.
            let added = project.local_ci(&["add", "--json", "echo", "it"]).output().assert_code(0);
            let added: Value = serde_json::from_str(&added.stdout()).unwrap();
            assert_eq!((&added["runs"], &added["run"]), (&0.into(), &6.into()), "{crash}");
            assert!(added["expected_ms"].is_null(), "{crash}: {added}");
            settle(&project);
            let anew = added["job"].as_str().unwrap();
            project.local_ci(&["remove", anew]).output().assert_code(0);
        }
        project.local_ci(&["remove", &name, "one"]).output().assert_code(0);
        assert_eq!((project.run_numbers(), jobs(&project)), (vec![3, 4], vec![]), "{crash}");
        assert_eq!(indexed_numbers(&project), [3, 4], "{crash}");
        assert_eq!(stats(&project, "two")["jobs"][0]["runs"], 2, "{crash}");
        assert_eq!(stats(&project, "one")["jobs"][0]["runs"], 0, "{crash}");
        assert_eq!(fs::read_dir(state(&project, "gone")).map_or(0, Iterator::count), 0, "{crash}");
        assert_sound(&project);
        if !killed {
            assert!(k > stride, "{calls}: nobody was ever killed");
            return;
        }
    }
    panic!("nobody came through");
}

/// H29: a leftover of a crash in the way of what is written anew is in nobody's way.
#[test]
fn h29_leftovers_are_in_nobodys_way() {
    let (project, name) = with_runs();
    fs::create_dir(state(&project, "forgotten.jsonl.new")).unwrap();
    fs::write(state(&project, "jobs.jsonl.new"), "half").unwrap();
    fs::create_dir_all(state(&project, "gone").join("1/logs")).unwrap();
    project.local_ci(&["remove", &name]).output().assert_code(0);
    assert_eq!((project.run_numbers(), jobs(&project)), (vec![2, 3, 4], vec![]));
}

/// `nuke` is asked for twice: by its name, and by an answer, or a word that stands for one.
#[test]
fn the_table_says_nuke_stops_everything_and_forgets_it() {
    let (project, _) = with_runs();
    project.local_ci(&["add", "chaos", "sleep", "600", "--pid-file", project.side("pid").to_str().unwrap()]).output();
    let stage = project.identity("pid");
    let refused = project.local_ci(&["nuke"]).output().assert_code(2).stderr();
    assert!(refused.contains("nothing was done") && refused.contains("--yes"), "{refused}");
    assert_eq!((project.run_numbers().len(), stage.is_alive()), (6, true));
    let nuked = project.local_ci(&["nuke", "--yes"]).output().redact(r"\d+ kB", "[N] kB");
    assert_transcript!(nuked, @r"
    $ local-ci nuke --yes
    --- stderr
    stopped 1 run, forgot 6 runs, [N] kB and 2 ad-hoc jobs; numbers are not used again
    --- exit 0
    ");
    assert!(!stage.is_alive());
    assert_eq!((project.run_numbers(), indexed_numbers(&project), jobs(&project)), (vec![], vec![], vec![]));
    assert_eq!(stats(&project, "one")["jobs"][0]["runs"], 0);
    let nothing = project.local_ci(&["nuke", "--yes"]).output().assert_code(0);
    assert_eq!(nothing.stderr(), "there is nothing to forget\n");
    project.local_ci(&["one", "-q"]).output().assert_code(0);
    settle(&project);
    assert_eq!((project.run_numbers(), indexed_numbers(&project)), (vec![7], vec![7]), "numbers are never used twice");
    assert_sound(&project);
    project.assert_nothing_left();
}

#[test]
fn nuke_asks_on_a_terminal() {
    let (project, _) = with_runs();
    for (answer, code) in [("\r", 2), ("no\r", 2), ("\x04", 2), ("y\r", 0)] {
        let before = project.run_numbers();
        let mut terminal = project.local_ci(&["nuke"]).on_terminal(24, 100);
        terminal.wait_for_screen("Go on? [y/N]");
        let screen = terminal.screen();
        assert!(screen.contains("/project: 5 runs; ") && screen.contains(" kB; 1 ad-hoc job"), "{screen}");
        terminal.type_keys(answer);
        assert_eq!(terminal.wait().status.code(), Some(code), "{answer:?}");
        assert_eq!(project.run_numbers(), if code == 0 { vec![] } else { before });
    }
    project.assert_nothing_left();
}

/// H178: nothing outside of the state is touched: a link in a directory's place is refused, and what is not ours left alone.
#[test]
fn h178_nuke_follows_no_link_out_of_the_state() {
    let (project, name) = with_runs();
    let runs = project.runs_dir().unwrap();
    let elsewhere = project.side("elsewhere");
    fs::rename(&runs, &elsewhere).unwrap();
    symlink(&elsewhere, &runs).unwrap();
    let refused = project.local_ci(&["nuke", "--yes"]).output().assert_code(3).stderr();
    assert!(refused.contains("nothing was forgotten: ") && refused.contains("is not a project's state"), "{refused}");
    let left = project.local_ci(&["nuke", "--all", "--yes"]).output().assert_code(3).stderr();
    assert!(left.contains("warning: left alone: "), "{left}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 5);
    assert_eq!(jobs(&project)[0].0, name);
    fs::remove_file(&runs).unwrap();
    fs::rename(&elsewhere, &runs).unwrap();

    // A directory of somebody else's, and links to one, beside the project's.
    let projects = project.state_dir().join("projects");
    let mine = project.side("mine");
    fs::create_dir_all(mine.join("runs/1")).unwrap();
    fs::write(mine.join("project.json"), "{\"root\":\"/\"}").unwrap();
    symlink(&mine, projects.join("root-000000000000")).unwrap();
    let told = project.local_ci(&["nuke", "--all", "--yes"]).output().assert_code(3).stderr();
    assert!(told.contains("root-000000000000 is not a project's state"), "{told}");
    assert!(mine.join("runs/1").exists());
    // A link inside of a run goes, and what it points to stays.
    fs::remove_file(projects.join("root-000000000000")).unwrap();
    project.local_ci(&["one", "-q"]).output().assert_code(0);
    settle(&project);
    symlink(&mine, project.run_dir(6).join("logs/link")).unwrap();
    project.local_ci(&["nuke", "--yes"]).output().assert_code(0);
    assert!(project.run_numbers().is_empty() && mine.join("project.json").exists());
}

/// `--all` is that of all directories, and of the index with its copies.
#[test]
fn nuke_all_forgets_the_projects_of_all_directories() {
    let (project, _) = with_runs();
    let other = project.side("other");
    fs::create_dir(&other).unwrap();
    project.local_ci(&["-C", other.to_str().unwrap(), "add", "chaos", "sleep", "600"]).output().assert_code(0);
    fs::write(project.state_dir().join("history.db.corrupt-1"), "old").unwrap();
    let nuked = project.local_ci(&["nuke", "--all", "-y"]).output().assert_code(0).stderr();
    assert!(nuked.starts_with("stopped 1 run, forgot 6 runs, "), "{nuked}");
    let left: Vec<String> = fs::read_dir(project.state_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("history.db") && name != "history.db.lock")
        .collect();
    assert_eq!(left, [""; 0]);
    project.local_ci(&["one", "-q"]).output().assert_code(0);
    settle(&project);
    assert_eq!(indexed_numbers(&project), [6]);
    project.assert_nothing_left();
}

/// H27: who nukes is killed at any step; the next one finishes it, and nobody sees half of anything.
#[test]
fn h27_a_nuke_killed_at_any_step_is_finished_by_the_next() {
    thread::scope(|scope| {
        for (calls, stride) in [("write,rename,fdatasync", 2), ("unlink,unlinkat,rmdir", 9), ("openat,pwrite64", 17)] {
            scope.spawn(move || kill_nukes(calls, stride));
        }
    });
}

fn kill_nukes(calls: &str, stride: usize) {
    for k in (1..400).step_by(stride) {
        let (project, _) = with_runs();
        let inject = format!("inject={calls}:signal=KILL:when={k}");
        let Some(nuke) = project.local_ci(&["nuke", "-y"]).under_strace(&["-e", &inject]) else { return };
        let killed = nuke.output().status.code() != Some(0);
        let crash = format!("{calls} {k}");
        for number in project.run_numbers() {
            project.local_ci(&["show", &number.to_string()]).output().assert_code(0);
        }
        assert_eq!(project.local_ci(&["plan"]).output().assert_code(0).stderr(), "", "{crash}");
        // Where nothing was left to be seen of it, there may be rows of the index that nobody would look for.
        project.local_ci(&["one", "-q"]).output().assert_code(0);
        wait_until("the run to be put away", || project.left_now().iter().all(|left| !left.starts_with("process")));
        project.local_ci(&["nuke", "-y"]).output().assert_code(0);
        assert_eq!((project.run_numbers(), jobs(&project)), (vec![], vec![]), "{crash}");
        assert_eq!(indexed_numbers(&project), [0; 0], "{crash}");
        assert_eq!(fs::read_dir(state(&project, "gone")).map_or(0, Iterator::count), 0, "{crash}");
        assert_sound(&project);
        if !killed {
            assert!(k > stride, "{calls}: nobody was ever killed");
            return;
        }
    }
    panic!("nobody came through");
}
