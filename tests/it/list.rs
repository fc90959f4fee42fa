//! `list`: stages and ad-hoc jobs with how each stands, here and everywhere, with and without a config.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Finished, Project, Running, assert_transcript};

const PIPELINE: &str = r#"
[stages.abc]
run = "chaos wait-for $SIDE/go"
[stages.def]
run = "true"
[stages.bad]
run = "exit 3"
"#;

fn project() -> Project {
    let project = Project::new();
    project.config(PIPELINE);
    project
}

fn run(project: &Project, args: &[&str]) -> Finished {
    project.local_ci(args).env("SIDE", project.side_dir()).output()
}

fn start<'p>(project: &'p Project, args: &[&str]) -> Running<'p> {
    project.local_ci(args).env("SIDE", project.side_dir()).spawn()
}

fn json(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap()
}

/// The line of a job.
#[track_caller]
fn line(project: &Project, job: &str) -> String {
    let text = run(project, &["list"]).assert_code(0).stdout();
    let found = text.lines().find(|line| line.starts_with(&format!("{job} ")));
    found.unwrap_or_else(|| panic!("no {job} in\n{text}")).to_owned()
}

/// Adds a command as a job, and says what it is called.
#[track_caller]
fn add(project: &Project, dir: &str, command: &[&str]) -> String {
    let args: Vec<&str> = ["-C", dir, "add", "--json", "--"].iter().chain(command).copied().collect();
    let added = json(&run(project, &args).assert_code(0));
    let name = ["job", "name"].into_iter().find_map(|key| added[key].as_str().or(added[key]["name"].as_str()));
    name.unwrap_or_else(|| panic!("{added}")).to_owned()
}

/// runs.txt, "Listing": `gob list` prints `abc  running: make test` and `def  stopped (0): make build`, here of jobs that
/// were added in a directory without a config.
#[test]
fn runs_txt_list_shows_what_runs_and_what_came_of_the_rest() {
    let project = Project::new();
    let gate = project.side("go");
    let running = add(&project, ".", &["chaos", "wait-for", gate.to_str().unwrap()]);
    project.wait_for_event(1, "stage_started");
    let ended = add(&project, ".", &["true"]);
    assert_eq!(project.verdict(2).0, "passed");
    let failed = add(&project, ".", &["sh", "-c", "exit 4"]);
    assert_eq!(project.verdict(3).0, "failed");
    let command = |line: &str| line.split("  [").next().unwrap().to_owned();
    assert_eq!(command(&line(&project, &running)), format!("{running}  running: chaos wait-for {}", gate.display()));
    assert_eq!(command(&line(&project, &ended)), format!("{ended}  stopped (0): true"));
    assert_eq!(command(&line(&project, &failed)), format!("{failed}  stopped (4): sh -c 'exit 4'"));
    let listed = json(&run(&project, &["list", "--json"]).assert_code(0));
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, [&running, &ended, &failed], "in the order in which they were added");
    assert!(listed.as_array().unwrap().iter().all(|job| job["kind"] == "ad_hoc"), "{listed}");
    assert_eq!((&listed[0]["state"], listed[0]["elapsed_ms"].is_u64()), (&json!("running"), true), "{listed}");
    // runs.txt, `gob runs abc`.
    let runs = run(&project, &["runs", &running]).assert_code(0).stdout();
    assert!(runs.contains(&format!("1/{running}")) && runs.contains("◉ running"), "{runs}");
    let stats = run(&project, &["stats", &ended]).assert_code(0).stdout();
    assert!(stats.contains(&format!("Job: {ended} (true)\nTotal runs: 1\nSuccess rate: 100% (1/1)")), "{stats}");
    assert_transcript!(run(&project, &["stats", "nosuchjob"]), @r#"
    $ local-ci stats nosuchjob
    --- stderr
    error: there is no job "nosuchjob", now or in earlier runs
      hint: `local-ci list` shows the jobs, `local-ci runs` what came of them
    --- exit 2
    "#);
    project.open_gate("go");
    assert_eq!(project.verdict(1).0, "passed");
    project.assert_nothing_left();
}

/// A config with faults keeps nobody from what is known: the stages are those of earlier runs, and the fault is said.
#[test]
fn a_broken_config_hides_nothing_that_is_known() {
    let project = project();
    run(&project, &["-q", "def", "bad"]).assert_code(1);
    project.config("[stages.def]\nrnu = \"true\"\n");
    let finished = run(&project, &["list"]).redact(r"just now|\d+ sec ago", "[AGO]");
    assert_transcript!(finished, @"
    $ local-ci list
    bad  stopped (3): exit 3  [failed, run 1, [AGO]]
    def  stopped (0): true  [passed, run 1, [AGO]]
    --- stderr
    warning: [PROJECT]/local-ci.toml:2: there is no key `rnu` here; stages are those of earlier runs
      hint: `local-ci validate` shows what is wrong
    --- exit 0
    ");
    let runs = run(&project, &["runs", "bad"]).assert_code(0).stdout();
    assert!(runs.contains("1/bad") && runs.contains("failed (3)"), "{runs}");
    fs::remove_file(project.dir().join("local-ci.toml")).unwrap();
    let said = run(&project, &["list"]).assert_code(0).stdout();
    assert!(said.starts_with("bad  stopped (3): exit 3  [failed, run 1, ") && said.lines().count() == 2, "{said}");
    assert!(run(&project, &["stats", "def"]).assert_code(0).stdout().contains("Total runs: 1"));
    project.assert_nothing_left();
}

/// Nothing is known and nothing can be read: then the fault is the answer, as it is for every command.
#[test]
fn where_nothing_is_known_the_config_is_the_answer() {
    let project = Project::new();
    assert!(run(&project, &["list"]).assert_code(4).stderr().contains("no local-ci.toml"));
    project.config("[stages.def]\nrnu = \"true\"\n");
    assert!(run(&project, &["list"]).assert_code(2).stderr().contains("rnu"));
    project.config("");
    run(&project, &["list"]).assert_code(4);
    assert_eq!(run(&project, &["list", "-a"]).assert_code(0).stderr(), "nothing has run in any directory yet\n");
    assert_eq!(json(&run(&project, &["list", "-a", "--json"]).assert_code(0)), json!([]));
}

/// All directories of the state, each with its jobs; no config but that of here is read, and one that is gone is said so.
#[test]
fn all_directories_are_listed_and_those_that_are_gone_are_named() {
    let project = project();
    let mark = project.side("mark");
    run(&project, &["-q", "def"]).assert_code(0);
    for dir in ["one", "two"] {
        project.write(&format!("{dir}/local-ci.toml"), &format!("[stages.{dir}]\nrun = \"true\"\n"));
        run(&project, &["-C", dir, "-q"]).assert_code(0);
    }
    // Whoever reads it is told what is wrong with it.
    project.write("one/local-ci.toml", "no config");
    let job = add(&project, "two", &["touch", mark.to_str().unwrap()]);
    run(&project, &["-C", "two", "await", "latest"]).assert_code(0);
    fs::remove_dir_all(project.dir().join("two")).unwrap();
    let finished = run(&project, &["list", "-a"]).assert_code(0);
    let finished = finished.redact(r"just now|\d+ sec ago", "[AGO]").redact(&job, "[JOB]");
    assert_transcript!(finished, @"
    $ local-ci list -a
    [PROJECT]
    def  stopped (0): true  [passed, run 1, [AGO]]

    [PROJECT]/one
    one  stopped (0): true  [passed, run 1, [AGO]]

    [PROJECT]/two  (this directory is gone)
    two  stopped (0): true  [passed, run 1, [AGO]]
    [JOB]  stopped (0): touch [TEMP]/side/mark  [passed, run 2, [AGO]]
    --- exit 0
    ");
    let listed = json(&run(&project, &["list", "-a", "--json"]).assert_code(0));
    let gone: Vec<&Value> = listed.as_array().unwrap().iter().map(|group| &group["gone"]).collect();
    assert_eq!(gone, [false, false, true]);
    assert_eq!(listed[1]["jobs"][0]["name"], "one");
    project.assert_nothing_left();
}

/// A run directory that was damaged by hand is said once, and passed over.
#[test]
fn a_damaged_run_is_reported_and_skipped() {
    let project = project();
    run(&project, &["-q", "def"]).assert_code(0);
    // Nothing of it is known, for it was never in the index.
    let damaged = project.runs_dir().unwrap().join("7");
    fs::create_dir(&damaged).unwrap();
    fs::write(damaged.join("header.json"), "{").unwrap();
    fs::write(damaged.join("events.jsonl"), "rubbish\n").unwrap();
    for args in [&["list"][..], &["list", "-a"], &["runs"], &["runs", "def"], &["stats"]] {
        let finished = run(&project, args).assert_code(0);
        assert_eq!(finished.stderr().matches("warning: run 7").count(), 1, "{}", finished.transcript());
        assert!(finished.stdout().contains("def") || finished.stdout().contains("passed"), "{}", finished.transcript());
    }
    fs::remove_dir_all(damaged).unwrap();
}

/// H24: a run whose supervisor was killed is lost as soon as its lock is free, whether the index has it or not.
#[test]
fn h24_what_was_lost_is_listed_as_lost() {
    let project = project();
    let command_line = start(&project, &["-q", "abc"]);
    project.wait_for_event(1, "stage_started");
    project.supervisor(1).kill(Signal::KILL);
    command_line.wait().assert_code(3);
    assert!(line(&project, "abc").starts_with("abc  lost: chaos wait-for"));
    project.open_gate("go");
    run(&project, &["-q", "abc"]).assert_code(0);
    assert!(line(&project, "abc").starts_with("abc  stopped (0): "));
    project.assert_nothing_left();
}

/// Paused runs stand still, queued ones wait, and both say so.
#[test]
fn what_stands_still_and_what_waits_is_said() {
    let project = project();
    let held = start(&project, &["-q", "abc"]);
    project.wait_for_event(1, "stage_started");
    let queued = start(&project, &["-q", "--queue", "def"]);
    project.run_dir(2);
    run(&project, &["pause", "1"]).assert_code(0);
    let paused = line(&project, "abc");
    assert!(paused.starts_with("abc  paused: ") && paused.contains("[paused for "), "{paused}");
    let waiting = line(&project, "def");
    assert!(waiting.starts_with("def  queued: true  [run 2, waits for run 1, "), "{waiting}");
    let listed = json(&run(&project, &["list", "--json"]).assert_code(0));
    assert_eq!((&listed[0]["state"], &listed[1]["behind"]), (&json!("paused"), &json!([1])), "{listed}");
    assert!(listed[0]["paused_ms"].is_u64(), "{listed}");
    run(&project, &["resume", "1"]).assert_code(0);
    assert!(line(&project, "abc").starts_with("abc  running: "));
    project.open_gate("go");
    held.wait().assert_code(0);
    queued.wait().assert_code(0);
    project.assert_nothing_left();
}

/// A stage that runs far longer than it ever did, and says nothing, seems stuck. Its run is not touched.
#[test]
fn what_seems_stuck_is_said_to_be() {
    let project = project();
    project.open_gate("go");
    run(&project, &["-q", "abc"]).assert_code(0);
    run(&project, &["runs"]).assert_code(0);
    fs::remove_file(project.side("go")).unwrap();
    let held = start(&project, &["-q", "abc"]);
    project.wait_for_event(2, "stage_started");
    assert!(!line(&project, "abc").contains("stuck"));
    // Ten minutes ago, as far as its journal says. What it is told by its clock is when it ends.
    let journal = project.run_dir(2).join("events.jsonl");
    let mut events = project.events(2);
    for event in &mut events {
        let past = event["mono_us"].as_u64().unwrap().saturating_sub(600_000_000);
        event["mono_us"] = past.into();
        event["unix_ms"] = (event["unix_ms"].as_i64().unwrap() - 600_000).into();
    }
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    let text = lines.join("\n") + "\n";
    fs::write(&journal, text).unwrap();
    let stuck = line(&project, "abc");
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    if uptime.split('.').next().unwrap().parse::<u64>().unwrap() > 700 {
        assert!(stuck.contains("[seems stuck: nothing printed for 10m, usually done after "), "{stuck}");
        // It has printed something just now.
        let log = project.run_dir(2).join("logs/abc.log");
        fs::write(&log, "here\n").unwrap();
        fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).unwrap();
        fs::File::options().write(true).open(&log).unwrap().set_modified(SystemTime::now()).unwrap();
        assert!(!line(&project, "abc").contains("stuck"));
        let before = SystemTime::now() - Duration::from_secs(65);
        fs::File::options().write(true).open(&log).unwrap().set_modified(before).unwrap();
        assert!(line(&project, "abc").contains("[seems stuck: nothing printed for 1m, "));
    }
    project.open_gate("go");
    held.wait();
    project.assert_nothing_left();
}

/// H189: on a terminal names and states stand under each other, and a locale without UTF-8 gets ASCII.
#[test]
fn h189_a_terminal_gets_columns() {
    let project = project();
    run(&project, &["-q", "def"]).assert_code(0);
    let left = project.local_ci(&["list"]).env("LANG", "C").env("NO_COLOR", "1").on_terminal(30, 100).wait();
    let lines: Vec<&str> = left.screen.lines().collect();
    assert!(lines[0].starts_with("abc  never run:   chaos wait-for"), "{}", left.screen);
    assert!(lines[1].starts_with("def  stopped (0): true  [passed, run 1, "), "{}", left.screen);
    assert!(left.screen.is_ascii(), "{}", left.screen);
    assert!(run(&project, &["list"]).stdout().starts_with("abc  never run: chaos wait-for"));
}
