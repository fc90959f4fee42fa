//! Runs whose supervisor was killed, or that have given a lost line up, while stages of theirs run on another machine: what
//! runs there goes on, nothing starts by itself, and who attaches takes the run over, to the byte.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Host, Invocation, Line, Project, Running, Setup, have, wait_until};

/// A project in a repository, and a machine that is reached over a line.
struct There {
    // Before the project, which takes the directories away.
    host: Host,
    line: Line,
    project: Project,
}

/// A stage there that prints, waits, prints and waits, and one after it. Each says when it is started.
const LONG: &str = r#"
[stages.long]
run = """
echo long >>"$SIDE/count"
chaos lines 3000
until test -e "$SIDE/half"; do sleep 0.02; done
chaos lines 3000
until test -e "$SIDE/go"; do sleep 0.02; done
"""
on = "box"
[stages.later]
run = "echo later >>\"$SIDE/count\"; echo later"
needs = ["long"]
on = "box"
"#;

impl There {
    /// None, with a line that says so, where there is no sshd. `more` is for the machine's part of the config.
    fn new(more: &str, stages: &str) -> Option<Self> {
        if !have("git") {
            return None;
        }
        let project = Project::new();
        // Windows of what was ended stay for whoever looks on, and nobody does here.
        let host = Setup::default().without(&["tmux"]).start(&project)?;
        let line = Line::to(host.port());
        host.address("127.0.0.1", line.port());
        let side = project.side_dir().into_os_string().into_string().unwrap();
        project.config(&format!("[env]\nSIDE = {side:?}\n[remotes.box]\nhost = \"box\"\n{more}\n{stages}"));
        let mut git = Command::new("git");
        git.args(["init", "-q", "--separate-git-dir"]).arg(project.side("git")).current_dir(project.dir());
        git.env_clear().env("HOME", project.root()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        assert!(git.stdin(Stdio::null()).status().unwrap().success());
        project.expects(".git");
        Some(Self { host, line, project })
    }

    fn local_ci(&self, args: &[&str]) -> Invocation<'_> {
        self.project.local_ci(args).env("LOCAL_CI_SSH_CONFIG", self.host.ssh_config())
    }

    /// Starts the run of this number.
    fn start(&self, args: &[&str]) -> Running<'_> {
        let _ = fs::remove_file(self.project.side("count"));
        for gate in ["half", "go"] {
            let _ = fs::remove_file(self.project.side(gate));
        }
        self.local_ci(&[&["--output", "grouped"], args].concat()).spawn()
    }

    /// Kills the supervisor of a run, and waits until whoever follows it has said how to come back.
    #[track_caller]
    fn kill_supervisor(&self, run: Running<'_>, number: u64) {
        self.project.supervisor(number).kill(Signal::KILL);
        let told = run.wait().assert_code(3);
        let way_back = format!("run {number} goes on on box; `local-ci attach {number}` takes it over");
        assert!(told.stderr().contains(&way_back), "{}", told.transcript());
    }

    fn count(&self) -> String {
        fs::read_to_string(self.project.side("count")).unwrap_or_default()
    }

    fn printed(&self, number: u64) -> usize {
        let log = self.project.run_dir(number).join("logs/long.log");
        fs::metadata(log).map_or(0, |log| usize::try_from(log.len()).unwrap())
    }

    /// What `long` prints in all.
    fn output(&self) -> Vec<u8> {
        let lines = self.project.chaos(&["lines", "3000"]).output().stdout;
        [&lines[..], &lines[..]].concat()
    }

    /// A run of [`LONG`] that was taken over is as if nothing had happened.
    #[track_caller]
    fn assert_whole(&self, number: u64) {
        assert_eq!(self.count(), "long\nlater\n", "each was started once");
        assert!(self.project.log(number, "long.log") == self.output(), "{} bytes", self.printed(number));
        assert_eq!(self.project.log(number, "later.log"), b"later\n");
        assert_eq!(self.project.verdict(number), ("passed".into(), String::new(), 0));
        let events = self.project.events(number);
        let numbers: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        let times: Vec<u64> = events.iter().map(|event| event["mono_us"].as_u64().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
        assert_eq!((of("run_started"), of("stage_started"), of("stage_finished")), (1, 2, 2));
        let finished: Vec<&Value> = events.iter().filter(|event| event["event"] == "stage_finished").collect();
        assert_eq!(finished[0]["log"]["bytes"], self.output().len());
    }

    /// Fails unless nothing is left, there and here.
    #[track_caller]
    fn assert_nothing_left(mut self) {
        self.project.let_supervisors_end();
        self.host.down();
        self.project.assert_nothing_left();
    }
}

/// H24, H126: killed at whatever moment, the supervisor takes nothing with it that runs there.
#[test]
fn h24_a_killed_supervisor_is_replaced_by_who_attaches() {
    let Some(there) = There::new("", LONG) else { return };
    let begun = |number| {
        there.project.wait_for_event(number, "stage_started");
        wait_until("the stage to begin", || there.count() == "long\n");
    };
    let half = there.output().len() / 2;
    let moments: [(&str, &dyn Fn(u64)); 5] = [
        ("announced", &|number| there.project.wait_for_event(number, "stage_started")),
        ("begun", &begun),
        ("printing", &|number| wait_until("output", || there.printed(number) > 0)),
        ("silent", &|number| wait_until("half of it", || there.printed(number) == half)),
        ("printing on", &|number| {
            wait_until("half of it", || there.printed(number) == half);
            there.project.open_gate("half");
            wait_until("more", || there.printed(number) > half);
        }),
    ];
    for (number, (moment, reach)) in (1..).zip(moments) {
        let run = there.start(&[]);
        wait_until("the run to be there", || there.project.run_numbers().contains(&number));
        reach(number);
        there.kill_supervisor(run, number);
        // Nothing happens by itself, and it ends there while nobody looks.
        assert_eq!(there.project.run_numbers().len() as u64, number, "{moment}");
        there.project.open_gate("half");
        if number % 2 == 0 {
            there.project.open_gate("go");
        }
        let attached = there.local_ci(&["attach", &number.to_string(), "--output", "grouped"]).spawn();
        attached.wait_for_stderr(&format!("run {number} was left; taking it over\n"));
        there.project.open_gate("go");
        let shown = attached.wait().assert_code(0).stdout();
        assert!(shown.contains("::group::later\n") && shown.contains("  Passed: 2\n"), "{moment}: {shown}");
        there.assert_whole(number);
    }
    let runs = there.local_ci(&["runs", "--json"]).output().assert_code(0).stdout();
    let runs: Value = serde_json::from_str(&runs).unwrap();
    let verdicts: Vec<&str> =
        runs["runs"].as_array().unwrap().iter().map(|run| run["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["passed"; 5]);
    there.assert_nothing_left();
}

/// H24: killed again and again, also while it is being taken over.
#[test]
fn h24_whoever_takes_over_can_be_killed_as_well() {
    let Some(there) = There::new("", LONG) else { return };
    let run = there.start(&[]);
    wait_until("output", || there.printed(1) > 0);
    there.kill_supervisor(run, 1);
    for round in 0..3 {
        let before = there.project.events(1).len();
        let attached = there.local_ci(&["attach", "1", "--output", "grouped"]).spawn();
        wait_until("somebody to have taken it over", || there.project.events(1).len() > before);
        if round == 2 {
            there.project.open_gate("half");
        }
        there.kill_supervisor(attached, 1);
    }
    there.project.open_gate("go");
    there.local_ci(&["attach", "1"]).output().assert_code(0);
    there.assert_whole(1);
    let taken = there.project.events(1).into_iter().filter(|event| event["event"] == "taken_over").count();
    assert_eq!(taken, 4);
    there.assert_nothing_left();
}

/// Between two stages: what was not started is, by who attaches, and not before.
#[test]
fn h24_what_was_not_started_is_started_by_who_attaches() {
    let stages = LONG.to_owned() + "[stages.wait]\nrun = \"until test -e $SIDE/on; do sleep 0.02; done\"\n";
    let Some(there) = There::new("", &stages.replace("needs = [\"long\"]", "needs = [\"long\", \"wait\"]")) else {
        return;
    };
    let run = there.start(&[]);
    there.project.open_gate("half");
    there.project.open_gate("go");
    there.project.wait_for_event(1, "stage_finished");
    there.project.supervisor(1).kill(Signal::KILL);
    let told = run.wait().assert_code(3).stderr();
    let way_back = "run 1 was left before all of it was started; `local-ci attach 1` goes on with it";
    assert!(told.contains(way_back), "{told}");
    assert_eq!(there.count(), "long\n");
    // The stage that ran here went with its supervisor, and what needs it does not run; nothing is said to have passed.
    let shown = there.local_ci(&["attach", "1", "--output", "grouped"]).output().assert_code(3).stdout();
    assert!(shown.contains("its supervisor was killed"), "{shown}");
    assert_eq!(there.count(), "long\n");
    assert_eq!(there.project.verdict(1).0, "errored");
    there.assert_nothing_left();
}

/// A stage here beside one there: the one is gone with the supervisor, the other is joined.
#[test]
fn h24_what_ran_here_is_lost_and_what_runs_there_is_not() {
    let stages = LONG.to_owned() + "[stages.here]\nrun = \"echo up; exec chaos ignore-term --pid-file $SIDE/pid\"\n";
    let Some(there) = There::new("", &stages) else { return };
    let run = there.start(&[]);
    let here = there.project.identity("pid");
    wait_until("output", || there.printed(1) > 0);
    there.kill_supervisor(run, 1);
    here.assert_gone();
    for gate in ["half", "go"] {
        there.project.open_gate(gate);
    }
    there.local_ci(&["attach", "1"]).output().assert_code(3);
    let report = there.local_ci(&["show", "1", "--json"]).output().assert_code(3).stdout();
    let report: Value = serde_json::from_str(&report).unwrap();
    let of = |name: &str| report["results"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    assert_eq!((&of("long")["status"], &of("later")["status"]), (&"pass".into(), &"pass".into()));
    assert_eq!(of("here")["status"], "error");
    assert_eq!(there.project.log(1, "here.log"), b"up\n");
    assert_eq!(there.count(), "long\nlater\n");
    there.assert_nothing_left();
}

/// What is asked of a run that was left is answered by all that looks at it, with the way on.
#[track_caller]
fn assert_left(there: &There, number: u64) {
    let answers = |args: &[&str], code: i32, word: &str| {
        let finished = there.local_ci(args).output().assert_code(code);
        let said = finished.stdout() + &finished.stderr();
        assert!(said.contains(word), "{word:?}: {}", finished.transcript());
        finished.stdout()
    };
    let (run, attach) = (number.to_string(), format!("local-ci attach {number}"));
    answers(&["list"], 0, &format!("goes on on box: {attach}"));
    let list: Value = serde_json::from_str(&answers(&["list", "--json"], 0, "")).unwrap();
    assert_eq!((&list[0]["state"], &list[0]["on"]), (&"lost".into(), &"box".into()), "{list}");
    answers(&["runs"], 0, &format!("goes on on box: {attach}"));
    let runs: Value = serde_json::from_str(&answers(&["runs", "--json"], 0, "")).unwrap();
    assert_eq!((&runs["runs"][0]["verdict"], &runs["runs"][0]["left_on"][0]), (&"lost".into(), &"box".into()));
    answers(&["show", &run], 3, &format!("`{attach}` takes it over"));
    answers(&["await", &run], 3, "was left: nobody sees to it any more, and it goes on on box");
    answers(&["logs", &run], 0, &format!("`{attach}` takes it over"));
    let report: Value = serde_json::from_str(&answers(&["show", &run, "--json"], 3, "")).unwrap();
    assert_eq!(report["results"][0]["error"], "the run was left before this stage ended, which may run on box still");
    answers(&["stats", "long"], 0, "");
    answers(&["remove", "long"], 5, "may run on box still; nothing was removed");
    let ways = format!("`local-ci stop {number}` ends it, `{attach}` takes it over");
    for (asked, what) in
        [(&["pause", &run][..], "run 1 was left"), (&["signal", "long", "TERM"], "long was left in run 1")]
    {
        answers(asked, 2, &format!("{what}, and may run on box still"));
        answers(asked, 2, &ways);
    }
    // Neither is any reason to start anything.
    assert_eq!(there.count(), "long\n");
}

/// H126: a line that does not come back is given up: the run ends here and goes on there, and who attaches when the line is
/// there again has all of it.
#[test]
fn h126_a_line_that_does_not_come_back_is_given_up_and_the_run_taken_over() {
    let Some(there) = There::new("give-up = \"1s\"\ntimeout = \"2s\"", LONG) else { return };
    let run = there.start(&[]);
    wait_until("output", || there.printed(1) > 0);
    there.line.sever();
    let told = run.wait().assert_code(3);
    assert!(told.stderr().contains("run 1 goes on on box; `local-ci attach 1` takes it over"), "{}", told.transcript());
    let events = there.project.events(1);
    assert!(events.iter().any(|event| event["news"] == "gave_up"), "{events:?}");
    assert!(events.iter().all(|event| event["event"] != "stage_finished" && event["event"] != "run_finished"));
    assert_left(&there, 1);
    // Not before the machine can be reached.
    let unreached = there.local_ci(&["attach", "1"]).output().assert_code(3);
    assert!(unreached.stderr().contains("box"), "{}", unreached.transcript());
    there.line.mend();
    there.project.open_gate("half");
    let attached = there.local_ci(&["attach", "1", "--output", "grouped"]).spawn();
    attached.wait_for_stderr("taking it over");
    there.project.open_gate("go");
    attached.wait().assert_code(0);
    there.assert_whole(1);
    there.assert_nothing_left();
}

/// Killed while it is paused: whoever takes it over has it go on, and what stood still counts nowhere.
#[test]
fn h11_a_paused_run_that_is_taken_over_goes_on() {
    let Some(there) = There::new("", LONG) else { return };
    let run = there.start(&[]);
    wait_until("output", || there.printed(1) > 0);
    there.local_ci(&["pause", "1"]).output().assert_code(0);
    there.kill_supervisor(run, 1);
    for gate in ["half", "go"] {
        there.project.open_gate(gate);
    }
    there.local_ci(&["attach", "1"]).output().assert_code(0);
    there.assert_whole(1);
    let kinds: Vec<Value> = there.project.events(1).into_iter().map(|event| event["event"].clone()).collect();
    let at = |kind: &str| kinds.iter().position(|one| one == kind).unwrap();
    assert!(at("paused") < at("taken_over") && at("taken_over") + 1 == at("resumed"), "{kinds:?}");
    there.assert_nothing_left();
}

/// H89: of two who attach at the same time one takes the run over, and both see all of it.
#[test]
fn h89_two_who_attach_at_once_take_it_over_once() {
    let Some(there) = There::new("", LONG) else { return };
    for number in 1..=3 {
        let run = there.start(&[]);
        wait_until("output", || there.printed(number) > 0);
        there.kill_supervisor(run, number);
        for gate in ["half", "go"] {
            there.project.open_gate(gate);
        }
        let word = number.to_string();
        let attach = || there.local_ci(&["attach", &word, "--output", "grouped"]).spawn();
        for attached in [attach(), attach()] {
            let shown = attached.wait().assert_code(0).stdout();
            assert!(shown.contains("::group::later\n") && shown.contains("line 3000\n"), "{shown}");
        }
        there.assert_whole(number);
        let taken = there.project.events(number).into_iter().filter(|event| event["event"] == "taken_over").count();
        assert_eq!(taken, 1);
    }
    there.assert_nothing_left();
}

/// H144: what was left is ended by `stop` where it runs, also with a config that is broken by now.
#[test]
fn h144_what_was_left_is_stopped_there() {
    let stages = "[stages.long]\nrun = \"echo long >>$SIDE/count; chaos lines 5; exec chaos ignore-term --pid-file \
                  $SIDE/pid\"\non = \"box\"\ngrace = \"1s\"\n[stages.later]\nrun = \"echo later >>$SIDE/count\"\nneeds = \
                  [\"long\"]\non = \"box\"\n";
    let Some(there) = There::new("", stages) else { return };
    let good = fs::read_to_string(there.project.dir().join("local-ci.toml")).unwrap();
    // Named, and as what there is to stop where nothing goes on here.
    for (number, words) in [(1, &["stop", "1"][..]), (2, &["stop"])] {
        fs::write(there.project.dir().join("local-ci.toml"), &good).unwrap();
        let _ = fs::remove_file(there.project.side("pid"));
        let run = there.start(&[]);
        let stage = there.project.identity("pid");
        wait_until("output", || there.printed(number) > 0);
        there.kill_supervisor(run, number);
        assert!(stage.is_alive());
        fs::write(there.project.dir().join("local-ci.toml"), "[stages.long]\nrun = 5\n").unwrap();
        let told = there.local_ci(words).output().assert_code(0);
        assert!(told.stderr().contains(&format!("run {number} has ended")), "{}", told.transcript());
        stage.assert_gone();
        assert_eq!(there.project.verdict(number), ("cancelled".into(), "stopped".into(), 143));
        assert_eq!(there.count(), "long\n");
        assert_eq!(there.project.log(number, "long.log"), b"line 1\nline 2\nline 3\nline 4\nline 5\n");
    }
    let told = there.local_ci(&["stop"]).output().assert_code(2).stderr();
    assert!(told.contains("nothing is running here"), "{told}");
    there.assert_nothing_left();
}

/// The config is another one by now: what runs is followed to its end, and nothing that nobody asked for is started.
#[test]
fn what_has_changed_is_followed_and_not_started() {
    let Some(there) = There::new("", LONG) else { return };
    let run = there.start(&[]);
    wait_until("output", || there.printed(1) > 0);
    there.kill_supervisor(run, 1);
    let config = there.project.dir().join("local-ci.toml");
    let changed = fs::read_to_string(&config).unwrap().replace("echo later\"", "echo other\"");
    fs::write(config, changed.replace("chaos lines 3000", "chaos lines 3")).unwrap();
    for gate in ["half", "go"] {
        there.project.open_gate(gate);
    }
    let told = there.local_ci(&["attach", "1"]).output().assert_code(3);
    assert!(
        told.stderr().contains("later: what it runs has changed since its run was started"),
        "{}",
        told.transcript()
    );
    assert!(there.project.log(1, "long.log") == there.output());
    assert_eq!(there.count(), "long\n");
    assert_eq!(there.project.verdict(1).0, "errored");
    there.assert_nothing_left();
}

/// H89: a job that somebody has started again meanwhile is not run twice at once.
#[test]
fn h89_a_left_run_waits_for_nobody_and_runs_nothing_twice() {
    let Some(there) = There::new("", LONG) else { return };
    let run = there.start(&[]);
    wait_until("output", || there.printed(1) > 0);
    there.kill_supervisor(run, 1);
    // It has to wait there for what runs in the work tree, and is running all the same.
    there.local_ci(&["-d", "--only", "later"]).output().assert_code(0);
    let told = there.local_ci(&["attach", "1"]).output().assert_code(5).stderr();
    assert!(told.contains("stage later is running already, in run 2") && told.contains("attach 2"), "{told}");
    there.local_ci(&["stop", "2"]).output().assert_code(0);
    for gate in ["half", "go"] {
        there.project.open_gate(gate);
    }
    there.local_ci(&["attach", "1"]).output().assert_code(0);
    there.assert_whole(1);
    there.assert_nothing_left();
}
