//! Runs that wait for their turn: in which order they begin, what is said of them meanwhile, and what becomes of them when
//! somebody dies, stops them, or asks for what cannot be.

use std::fs;
use std::thread;

use crate::support::{Project, Running, assert_transcript, wait_until};

/// A stage that begins a line, waits until it may end, and ends with a code of the test's choice.
pub(crate) const GATED: &str = r#"
[stages.test]
run = "echo begin $LOCAL_CI_RUN >>$SIDE/marks; chaos wait-for $SIDE/go-$LOCAL_CI_RUN; echo end $LOCAL_CI_RUN >>$SIDE/marks; exit $(cat $SIDE/go-$LOCAL_CI_RUN)"
[stages.other]
run = "true"
[stages.third]
run = "echo third"
"#;

/// A project with runs in a line.
pub(crate) struct Line {
    pub(crate) project: Project,
}

impl Line {
    pub(crate) fn new() -> Self {
        let project = Project::new();
        project.config(GATED);
        Self { project }
    }

    /// A run in the foreground of a script.
    pub(crate) fn start(&self, args: &[&str]) -> Running<'_> {
        self.project.local_ci(args).env("SIDE", self.project.side_dir()).spawn()
    }

    /// The first run, which is running when this returns.
    pub(crate) fn first(&self) -> Running<'_> {
        let first = self.start(&["test"]);
        self.wait_begun(1);
        first
    }

    /// One that waits, once its supervisor does so.
    pub(crate) fn queued(&self, number: u64, args: &[&str]) -> Running<'_> {
        let queued = self.start(args);
        queued.wait_for_stderr(&format!("run {number} waits for run"));
        self.project.supervisor(number);
        queued
    }

    pub(crate) fn marks(&self) -> String {
        fs::read_to_string(self.project.side("marks")).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn wait_begun(&self, number: u64) {
        wait_until(&format!("run {number} to begin"), || self.marks().contains(&format!("begin {number}\n")));
    }

    /// Lets a run end with this code.
    pub(crate) fn end(&self, number: u64, code: i32) {
        // Whole at once: the stage waits for the file, and reads it then.
        let half = self.project.side("half");
        fs::write(&half, code.to_string()).unwrap();
        fs::rename(half, self.project.side(&format!("go-{number}"))).unwrap();
    }

    pub(crate) fn has_begun(&self, number: u64) -> bool {
        self.project.run_dir(number).join("events.jsonl").exists()
    }
}

/// A run with `--queue` begins when the one before it has ended, however, and not before.
#[test]
fn a_queued_run_begins_when_its_turn_has_come() {
    let line = Line::new();
    let first = line.first();
    let second = line.queued(2, &["--queue", "test"]);
    let third = line.queued(3, &["--queue", "test"]);
    assert!(!line.has_begun(2) && !line.has_begun(3));
    line.end(1, 7);
    first.wait().assert_code(1);
    line.wait_begun(2);
    assert!(!line.has_begun(3));
    line.end(2, 0);
    let second = second.wait().assert_code(0).redact(r"running for [0-9a-z.]+", "running for [TIME]");
    assert_transcript!(second, @"
    $ local-ci --queue test
    🚀 Running local CI pipeline...

    ::group::test
    $ echo begin $LOCAL_CI_RUN >>$SIDE/marks; chaos wait-for $SIDE/go-$LOCAL_CI_RUN; echo end $LOCAL_CI_RUN >>$SIDE/marks; exit $(cat $SIDE/go-$LOCAL_CI_RUN)
    ::endgroup::
    ✓ test ([TIME])

    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 2 is kept: local-ci show 2
    --- stderr
    run 2 waits for run 1 (running for [TIME])
    --- exit 0
    ");
    line.wait_begun(3);
    line.end(3, 0);
    third.wait().assert_code(0);
    assert_eq!(line.marks(), "begin 1\nend 1\nbegin 2\nend 2\nbegin 3\nend 3\n");
    line.project.assert_nothing_left();
}

/// Its time and its timeout begin when it begins.
#[test]
fn a_queued_run_takes_no_time_before_it_begins() {
    let line = Line::new();
    let first = line.first();
    let second = line.queued(2, &["--queue", "--timeout", "2s", "other"]);
    // Longer than the second may take; nothing is waited for but that.
    thread::sleep(std::time::Duration::from_millis(2500));
    line.end(1, 0);
    first.wait().assert_code(0);
    second.wait().assert_code(0);
    let last = line.project.last_word(2).unwrap();
    assert!(last["duration_ms"].as_u64().unwrap() < 2000, "{last}");
    line.project.assert_nothing_left();
}

/// All that looks at runs knows those that wait.
#[test]
fn a_queued_run_is_seen_everywhere() {
    let line = Line::new();
    let project = &line.project;
    let first = line.first();
    let second = line.queued(2, &["--queue", "test"]);
    let say = |args: &[&str]| project.local_ci(args).output().redact(r"(?m)^2 .* queued", "2 [AGO] queued");
    assert_transcript!(say(&["show", "2"]), @"
    $ local-ci show 2
    --- stderr
    run 2 is queued after run 1; `local-ci attach 2` follows it
    --- exit 3
    ");
    assert_transcript!(say(&["logs", "2"]), @"
    $ local-ci logs 2
    --- stderr
    run 2 is queued after run 1: test printed nothing yet
    --- exit 0
    ");
    assert_transcript!(say(&["rerun", "2", "--failed"]), @"
    $ local-ci rerun 2 --failed
    --- stderr
    error: run 2 has not begun yet: it is queued
      hint: `local-ci attach 2` follows it
    --- exit 2
    ");
    assert_transcript!(say(&["other", "test"]), @"
    $ local-ci other test
    --- stderr
    error: stage test is running already, in run 1 (pid [PID], since [TIME])
      hint: `local-ci attach 1` follows it, `--queue` waits for its turn, `local-ci stop 1` ends it
    --- exit 5
    ");
    let runs = say(&["runs"]).assert_code(0).stdout();
    let runs: Vec<&str> = runs.lines().collect();
    assert!(runs[1].starts_with("2 ") && runs[1].ends_with("- queued   waits for run 1"), "{runs:#?}");
    assert!(runs[2].starts_with("1 ") && runs[2].contains("running"), "{runs:#?}");
    let json = say(&["runs", "--json"]).assert_code(0).stdout();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["runs"][0]["verdict"], &json["runs"][0]["waits_for"]), (&"queued".into(), &[1].into()));
    assert_eq!(json["runs"][1].get("waits_for"), None);
    // A job that runs and waits is where it runs; who wants the other one names it.
    assert!(say(&["logs", "test"]).stderr().contains("printed nothing in run 1"));
    let completions =
        project.local_ci(&["--", "local-ci", "show", ""]).env("LOCAL_CI_COMPLETE", "fish").output().stdout();
    assert!(completions.contains("2\tqueued, "), "{completions}");
    assert!(say(&["prune"]).assert_code(0).stdout().starts_with("nothing to prune"));
    line.end(1, 0);
    line.end(2, 0);
    first.wait().assert_code(0);
    second.wait().assert_code(0);
    project.assert_nothing_left();
}

/// Whoever attaches to a run that waits sees it begin, and all of it.
#[test]
fn attaching_to_a_queued_run_follows_into_its_beginning() {
    let line = Line::new();
    let first = line.first();
    let second = line.queued(2, &["--queue", "test"]);
    let viewers = [&["attach", "2"][..], &["logs", "-f", "2"]].map(|args| line.project.local_ci(args).spawn());
    viewers[0].wait_for_stderr("run 2 waits for run 1 (running for ");
    line.end(1, 0);
    line.end(2, 4);
    first.wait().assert_code(0);
    let second = second.wait().assert_code(1);
    let [attached, logs] = viewers.map(|viewer| viewer.wait().assert_code(1));
    assert_eq!(attached.stdout().replace("local-ci test", ""), second.stdout().replace("local-ci test", ""));
    assert_eq!(logs.stdout(), "");
    line.project.assert_nothing_left();
}

/// Every option is a variable too.
#[test]
fn a_variable_queues_as_the_option_does() {
    let line = Line::new();
    let first = line.first();
    let queued = |name: &str, value: &str| {
        line.project.local_ci(&["other"]).env("SIDE", line.project.side_dir()).env(name, value).spawn()
    };
    let runs = [("LOCAL_CI_QUEUE", "1"), ("LOCAL_CI_AFTER", "1"), ("LOCAL_CI_AFTER_ANY", "test")];
    let mut waiting = Vec::new();
    for (at, (name, value)) in runs.iter().enumerate() {
        let run = if at == 0 { queued(name, value) } else { line.start(&["test", "--queue"]) };
        run.wait_for_stderr(&format!("run {} waits for run", at + 2));
        waiting.push(run);
        if at > 0 {
            let number = (at + 2).to_string();
            line.project.local_ci(&["stop", &number]).output().assert_code(0);
            waiting.pop().unwrap().wait().assert_code(143);
        }
    }
    for (name, value) in &runs[1..] {
        // `other` is in the queue itself, and in none that these wait for.
        let refused = queued(name, value).wait().assert_code(5);
        assert!(
            refused.stderr().contains("stage other waits for its turn already, in run 2"),
            "{}",
            refused.transcript()
        );
    }
    line.end(1, 0);
    first.wait().assert_code(0);
    for run in waiting {
        run.wait().assert_code(0);
    }
    queued("LOCAL_CI_AFTER", "1").wait().assert_code(0);
    line.project.assert_nothing_left();
}

/// In the background it waits as well, and outlives whoever has started it.
#[test]
fn a_queued_run_can_be_left_at_once() {
    let line = Line::new();
    let project = &line.project;
    let first = line.first();
    let start = |args: &[&str]| project.local_ci(args).env("SIDE", project.side_dir()).output();
    assert_transcript!(start(&["-d", "--queue", "test"]), @"
    $ local-ci -d --queue test
    Run 2 is queued after run 1.
      local-ci attach 2  follows it
      local-ci logs 2    shows what it has printed
      local-ci stop 2    ends it
    --- exit 0
    ");
    let json = start(&["-d", "--json", "--queue", "test"]).assert_code(0).stdout();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["state"], &json["waits_for"]), (&"queued".into(), &serde_json::json!([1, 2])));
    project.local_ci(&["--queue", "--allow", "test"]).output().assert_code(2);
    line.end(1, 0);
    first.wait().assert_code(0);
    line.end(2, 0);
    line.end(3, 0);
    project.local_ci(&["attach", "3"]).output().assert_code(0);
    assert_eq!(line.marks(), "begin 1\nend 1\nbegin 2\nend 2\nbegin 3\nend 3\n");
    project.assert_nothing_left();
}

/// H24, H30: a queued run whose supervisor is killed never starts, not even when its turn would have come, nor after a
/// H89: two starters at once with `--queue`: both run, one after the other.
#[test]
fn h89_of_two_that_queue_both_run() {
    let project = Project::new();
    project.config("[stages.test]\nrun = \"echo begin >>$SIDE/marks; chaos sleep 0.01; echo end >>$SIDE/marks\"\n");
    let rounds = 40;
    for _ in 0..rounds {
        let both = [(); 2].map(|()| project.local_ci(&["-q", "--queue"]).env("SIDE", project.side_dir()).spawn());
        for one in both {
            one.wait().assert_code(0);
        }
    }
    let marks = fs::read_to_string(project.side("marks")).unwrap();
    assert_eq!(marks, "begin\nend\n".repeat(2 * rounds));
    assert_eq!(project.run_numbers().last(), Some(&(2 * rounds as u64)));
    project.assert_nothing_left();
}

/// What a stage starts cannot wait for the run that the stage is in: with `--queue` it passes it over, by name it is told.
#[test]
fn a_run_in_a_stage_does_not_wait_for_that_run() {
    let project = Project::new();
    project.config(
        "[stages.outer]\nrun = \"local-ci -q --queue inner; local-ci --after $LOCAL_CI_RUN inner || echo code $?\"\n\
         [stages.inner]\nrun = \"true\"\ndefault = false\n",
    );
    let run = project.local_ci(&["outer"]).output().assert_code(0).stdout();
    assert!(run.contains("cannot end before this has ended") && run.contains("code 2\n"), "{run}");
    assert_eq!(project.verdict(2).0, "passed");
    project.assert_nothing_left();
}

/// A plan with nothing to be done waits for its turn all the same: somebody may wait for it.
#[test]
fn a_run_without_work_waits_too() {
    let project = Project::new();
    project.config(&format!("{GATED}[stages.never]\nrun = \"true\"\nwhen = {{ os = \"windows\" }}\n"));
    let line = Line { project };
    let first = line.first();
    let second = line.queued(2, &["--after", "1", "never"]);
    line.end(1, 1);
    first.wait().assert_code(1);
    second.wait().assert_code(3);
    line.project.local_ci(&["--queue", "never"]).output().assert_code(0);
    line.project.assert_nothing_left();
}

/// A run that was queued is rerun at once: when it started is nothing of what it was asked to do.
#[test]
fn a_rerun_does_not_wait_for_what_the_run_waited_for() {
    let line = Line::new();
    line.project.local_ci(&["-q", "--queue", "other"]).output().assert_code(0);
    let second = line.start(&["test"]);
    line.wait_begun(2);
    line.project.local_ci(&["rerun", "1"]).output().assert_code(0);
    line.end(2, 0);
    second.wait().assert_code(0);
    line.project.assert_nothing_left();
}
