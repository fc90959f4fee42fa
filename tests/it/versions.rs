//! Two versions of the program on one state directory: the older one reads what it can, says so, and changes nothing. And
//! file systems that have no locks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Project, assert_transcript, wait_until};

/// Every file below a directory, with what is in it and when it was changed.
fn tree(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()) {
            let metadata = entry.symlink_metadata().unwrap();
            let text = if metadata.is_file() { fs::read(&entry).unwrap() } else { Vec::new() };
            if metadata.is_dir() {
                open.push(entry.clone());
            }
            found.insert(entry, (text, metadata.modified().unwrap()));
        }
    }
    found
}

/// Waits until all processes are gone.
#[track_caller]
fn settle(project: &Project) {
    wait_until("all to be over", || project.left_now().iter().all(|left| !left.starts_with("process")));
}

/// The state of the test's project.
fn state_of(project: &Project) -> PathBuf {
    project.runs_dir().unwrap().parent().unwrap().to_owned()
}

/// A project with two runs, whose state a later version has made into something else since: what it has changed of files
/// that this one knows, and a file that this one does not know.
fn of_a_later_version() -> Project {
    let project = Project::new();
    project.config("[stages.one]\nrun = \"echo done\"\n");
    for _ in 0..2 {
        project.local_ci(&["-q"]).output().assert_code(0);
    }
    settle(&project);
    let state = state_of(&project);
    let about = serde_json::json!({"root": project.dir(), "format": 2, "shards": 16});
    fs::write(state.join("project.json"), about.to_string()).unwrap();
    fs::write(state.join("lease"), "of a kind that there is not yet").unwrap();
    fs::create_dir(state.join("new/3")).unwrap();
    fs::write(state.join("active/3"), "a mark of another kind\n").unwrap();
    project
}

/// H34: of a state in a newer format nothing is changed and nothing deleted, whatever is asked; runs run without it.
#[test]
fn h34_a_newer_state_is_read_and_never_written() {
    let project = of_a_later_version();
    let retention = project.root().join("config/local-ci");
    fs::create_dir_all(&retention).unwrap();
    fs::write(retention.join("config.toml"), "[retention]\nruns = 1\n").unwrap();
    let state = state_of(&project);
    let before = tree(&state);
    let run = |args: &[&str]| project.local_ci(args).output().redact(r"projects/project-[0-9a-f]+", "projects/[HASH]");
    assert_transcript!(run(&["-q"]), @"
    $ local-ci -q
    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]
    --- stderr
    warning: no history is kept of this run: the state directory cannot be used ([STATE]/projects/[HASH] was written by a newer version of local-ci, in format 2, while this one knows format 1; update this one, or set LOCAL_CI_STATE_DIR to another directory)
    --- exit 0
    ");
    assert_transcript!(run(&["-q", "--queue"]), @"
    $ local-ci -q --queue
    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]
    --- stderr
    warning: no history is kept of this run, and it waits for no other run: the state directory cannot be used ([STATE]/projects/[HASH] was written by a newer version of local-ci, in format 2, while this one knows format 1; update this one, or set LOCAL_CI_STATE_DIR to another directory)
    --- exit 0
    ");
    assert_transcript!(run(&["-q", "--after", "1"]), @"
    $ local-ci -q --after 1
    --- stderr
    warning: [STATE]/projects/[HASH] was written by a newer version of local-ci, in format 2, while this one knows format 1: what is shown may not be all of it; update this one
    error: nobody can tell when its turn has come: the state directory cannot be used ([STATE]/projects/[HASH] was written by a newer version of local-ci, in format 2, while this one knows format 1; update this one, or set LOCAL_CI_STATE_DIR to another directory)
      hint: run it without --after and --after-any, when that run has ended
    --- exit 3
    ");
    assert_transcript!(run(&["prune"]), @"
    $ local-ci prune
    --- stderr
    warning: [STATE]/projects/[HASH] was written by a newer version of local-ci, in format 2, while this one knows format 1: what is shown may not be all of it; update this one
    error: runs could not be pruned: the project's state was written by a newer version of local-ci, in format 2, while this one knows format 1
    --- exit 3
    ");
    assert_transcript!(run(&["show", "1"]), @"
    $ local-ci show 1
    ✓ one ([TIME])

    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 1 is kept: local-ci show 1
    --- stderr
    warning: [STATE]/projects/[HASH] was written by a newer version of local-ci, in format 2, while this one knows format 1: what is shown may not be all of it; update this one
    --- exit 0
    ");
    assert_transcript!(run(&["runs", "--json", "-n", "1"]).assert_code(0).redact(r"(?s)\{.*\}", "{…}"), @"
    $ local-ci runs --json -n 1
    {…}
    --- stderr
    warning: [STATE]/projects/[HASH] was written by a newer version of local-ci, in format 2, while this one knows format 1: what is shown may not be all of it; update this one
    --- exit 0
    ");
    for args in [&["list"][..], &["logs", "2"], &["attach", "1"], &["rerun", "1"], &["stats", "one"], &["stop", "2"]] {
        run(args).assert_code(0);
    }
    settle(&project);
    assert_eq!(tree(&state), before);
}

/// H34: a run that a later version has written, in a state of this one's format: it is shown as far as it goes, and kept.
#[test]
fn h34_a_newer_run_is_shown_as_far_as_it_is_known() {
    let project = Project::new();
    project.config("[stages.one]\nrun = \"echo done\"\n");
    for _ in 0..3 {
        project.local_ci(&["-q"]).output().assert_code(0);
    }
    let run = project.run_dir(1);
    let header = fs::read_to_string(run.join("header.json")).unwrap();
    fs::write(
        run.join("header.json"),
        header.replacen("\"schema_version\":1", "\"schema_version\":2,\"mood\":\"good\"", 1),
    )
    .unwrap();
    let events = fs::read_to_string(run.join("events.jsonl")).unwrap();
    let (first, rest) = events.split_once('\n').unwrap();
    let strange = r#"{"seq":1,"unix_ms":1,"mono_us":1,"event":"sung","song":["la"]}"#;
    let first = first.replacen("\"schema_version\":1", "\"schema_version\":2", 1);
    fs::write(run.join("events.jsonl"), format!("{first}\n{strange}\n{rest}")).unwrap();
    let before = tree(&run);
    assert_transcript!(project.local_ci(&["show", "1"]).output(), @"
    $ local-ci show 1
    ✓ one ([TIME])

    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 1 is kept: local-ci show 1
    --- stderr
    warning: run 1 was written by a newer version of local-ci: what this one does not know of it is left out
    --- exit 0
    ");
    assert_transcript!(project.local_ci(&["logs", "1"]).output(), @"
    $ local-ci logs 1
    done
    --- stderr
    warning: run 1 was written by a newer version of local-ci: what this one does not know of it is left out
    --- exit 0
    ");
    let retention = project.root().join("config/local-ci");
    fs::create_dir_all(&retention).unwrap();
    fs::write(retention.join("config.toml"), "[retention]\nruns = 1\n").unwrap();
    project.local_ci(&["prune"]).output().assert_code(0);
    assert_eq!(project.run_numbers(), [1, 3], "what it came to is for the later version to say");
    assert_eq!(tree(&run), before);
    project.local_ci(&["-q"]).output().assert_code(0);
    settle(&project);
}

/// H91: a state directory without locks costs history and one warning; without locks anywhere, the run runs all the same.
#[test]
fn h91_a_file_system_without_locks_costs_history_only() {
    for error in ["ENOLCK", "EOPNOTSUPP"] {
        for everywhere in [false, true] {
            let project = Project::new();
            project.config("[stages.one]\nrun = \"echo done; exit 4\"\n");
            project.local_ci(&["-q"]).output().assert_code(1);
            let counter = state_of(&project).join("counter");
            let inject = format!("inject=flock:error={error}");
            let mut options = vec!["-e", &inject];
            if !everywhere {
                options.extend(["-P", counter.to_str().unwrap()]);
            }
            let Some(run) = project.local_ci(&["--json"]).under_strace(&options) else { return };
            let run = run.output().assert_code(1);
            let report: serde_json::Value = serde_json::from_str(&run.stdout()).unwrap();
            assert_eq!((&report["verdict"], &report["run"]["number"]), (&"failed".into(), &serde_json::Value::Null));
            let said = run.stderr();
            assert!(said.starts_with("warning: no history is kept of this run: "), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert_eq!(project.run_numbers(), [1]);
            project.assert_nothing_left();
        }
    }
}
