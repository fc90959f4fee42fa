//! Standing still: all that a paused run has started is stopped, no time counts, and it goes on as if nothing had been.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Identity, Project, Running, have, wait_until};

/// A stage with a tree of every kind: a child in its group and one in a session of its own, and a daemon that
/// has nothing left of its stage but the session that it fled from.
const TREE: &[&str] = &["leader", "child", "session", "daemon", "scrubbed"];

fn tree(project: &Project) -> String {
    let file = |name: &str| project.side(name).display().to_string();
    format!(
        "[stages.tree]\nleak = \"allow\"\nrun = '''\n\
         chaos sleep 600 --pid-file {} &\n\
         setsid chaos sleep 600 --pid-file {} &\n\
         chaos fork-daemon --double --pid-file {}\n\
         chaos fork-daemon --double --scrub-env --pid-file {}\n\
         exec chaos wait-for {} --pid-file {}\n'''\n",
        file("child"),
        file("session"),
        file("daemon"),
        file("scrubbed"),
        file("gate"),
        file("leader"),
    )
}

#[track_caller]
fn members(project: &Project) -> Vec<(&'static str, Identity)> {
    TREE.iter().map(|name| (*name, project.identity(name))).collect()
}

/// The first event of this kind.
#[track_caller]
fn event(project: &Project, number: u64, kind: &str) -> Value {
    let events = project.events(number);
    events.into_iter().find(|event| event["event"] == kind).unwrap_or_else(|| panic!("no event {kind}"))
}

/// The reading of the machine's clock at an event, in milliseconds.
fn moment(event: &Value) -> u64 {
    event["mono_us"].as_u64().unwrap() / 1000
}

/// What the machine's clock reads now, in milliseconds.
fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap()
}

#[track_caller]
fn assert_stopped(processes: &[(&'static str, Identity)]) {
    let states: Vec<_> = processes.iter().map(|(name, process)| (*name, process.state())).collect();
    assert!(states.iter().all(|(_, state)| *state == Some('T')), "{states:?}");
}

/// A run of one stage that ends when its gate is opened.
fn gated<'p>(project: &'p Project, more: &str) -> (Running<'p>, Identity) {
    project.config(&format!(
        "[stages.a]\nrun = [\"chaos\", \"wait-for\", \"{}\", \"--pid-file\", \"{}\"]\n{more}",
        project.side("gate").display(),
        project.side("pid").display()
    ));
    let run = project.local_ci(&[]).spawn();
    let stage = project.identity("pid");
    (run, stage)
}

/// H12: once `pause` has returned, nothing of the run runs: neither what left its group nor what left its session.
#[test]
fn h12_the_whole_tree_stands_still() {
    let project = Project::new();
    project.config(&tree(&project));
    let run = project.local_ci(&[]).spawn();
    let members = members(&project);
    let pause = project.local_ci(&["pause"]).output().assert_code(0);
    assert_eq!(pause.stderr(), "run 1 is paused; `local-ci resume 1` has it go on\n");
    assert_stopped(&members);
    let again = project.local_ci(&["pause", "1"]).output().assert_code(0);
    assert_eq!(again.stderr(), "run 1 is paused already\n");
    let resume = project.local_ci(&["resume", "tree"]).output().assert_code(0);
    assert_eq!(resume.stderr(), "run 1 goes on\n");
    for (name, process) in &members {
        wait_until(&format!("{name} to go on"), || process.state() != Some('T'));
    }
    let again = project.local_ci(&["resume"]).output().assert_code(0);
    assert_eq!(again.stderr(), "run 1 is not paused\n");
    project.open_gate("gate");
    run.wait().assert_code(0);
    assert!(!project.run_dir(1).join("control").exists());
    let over = project.local_ci(&["pause", "1"]).output().assert_code(2);
    assert!(over.stderr().starts_with("error: run 1 has ended: it passed\n"), "{}", over.transcript());
    let none = project.local_ci(&["pause"]).output().assert_code(2);
    assert!(none.stderr().contains("nothing is running here"), "{}", none.transcript());
    for (_, process) in members {
        process.kill(Signal::KILL);
    }
}

/// H11: a timeout shorter than the pause does not come due, neither stage nor run counts the time, and what took so long
/// for another reason tells nothing of the next time.
#[test]
fn h11_a_pause_counts_nowhere() {
    let project = Project::new();
    let (run, stage) = gated(&project, "timeout = \"5s\"\n[run]\ntimeout = \"6s\"\n");
    project.local_ci(&["pause"]).output().assert_code(0);
    assert_stopped(&[("the stage", stage)]);
    let started = moment(&event(&project, 1, "stage_started"));
    wait_until("the stage's time to be over", || now() > started + 6500);
    let list = project.local_ci(&["list"]).output().assert_code(0);
    assert!(list.stdout().starts_with("a  paused: "), "{}", list.transcript());
    let runs = project.local_ci(&["runs"]).output().assert_code(0);
    assert!(runs.stdout().contains("- paused"), "{}", runs.transcript());
    assert_stopped(&[("the stage", stage)]);
    project.local_ci(&["resume"]).output().assert_code(0);
    project.open_gate("gate");
    let run = run.wait().assert_code(0);
    assert!(run.stdout().contains("\n… paused\n… resumed\n"), "{}", run.transcript());
    let [paused, resumed, ended, over] =
        ["paused", "resumed", "stage_finished", "run_finished"].map(|k| event(&project, 1, k));
    let (pause, slack) = (moment(&resumed) - moment(&paused), 20);
    assert!(pause > 1000, "{pause}");
    for (what, end, began) in [("stage", &ended, started), ("run", &over, moment(&event(&project, 1, "run_started")))] {
        let took = end["duration_ms"].as_u64().unwrap();
        assert!(took + pause <= moment(end) - began + slack, "{what}: {took} + {pause} of {}", moment(end) - began);
    }
    let stats = project.local_ci(&["stats", "a", "--json"]).output().assert_code(0);
    let stats: Value = serde_json::from_str(&stats.stdout()).unwrap();
    assert_eq!(
        (&stats["jobs"][0]["passed"], &stats["jobs"][0]["estimate"]),
        (&Value::from(1), &Value::Null),
        "{stats}"
    );
    assert!(stats["jobs"][0]["last"][0]["duration_ms"].as_u64().unwrap() < 5000, "{stats}");
    project.assert_nothing_left();
}

/// H12: what forks without end is met in one of the rounds, and then nothing of it runs.
#[test]
fn h12_who_never_stops_forking_stands_still() {
    let project = Project::new();
    project.config("[stages.forks]\nrun = \"while :; do (: & : | :) & wait $!; done\"\n");
    let run = project.local_ci(&[]).spawn();
    wait_until("the stage to have started something", || !carriers(&project).is_empty());
    for _ in 0..10 {
        project.local_ci(&["pause"]).output().assert_code(0);
        let states: Vec<Option<char>> = carriers(&project).iter().map(|process| process.state()).collect();
        assert!(!states.is_empty() && states.iter().all(|state| *state == Some('T')), "{states:?}");
        project.local_ci(&["resume"]).output().assert_code(0);
    }
    project.local_ci(&["stop"]).output().assert_code(0);
    run.wait().assert_code(143);
    project.assert_nothing_left();
}

/// A shell with job control sees none of its jobs stop, and goes on as if nothing had been: its children are stopped after
/// it, and go on before it.
#[test]
fn who_watches_its_children_does_not_take_it_for_a_ctrl_z() {
    if !have("bash") {
        return;
    }
    let project = Project::new();
    let (gate, pid) = (project.side("gate"), project.side("pid"));
    project.config(&format!(
        "[stages.a]\nshell = [\"bash\", \"-c\"]\nrun = \"set -m; chaos wait-for {} --pid-file {}; echo code $?\"\n",
        gate.display(),
        pid.display()
    ));
    let run = project.local_ci(&[]).spawn();
    let child = project.identity("pid");
    for _ in 0..20 {
        project.local_ci(&["pause"]).output().assert_code(0);
        assert_stopped(&[("the job", child), ("the shell", child.parent().unwrap())]);
        project.local_ci(&["resume"]).output().assert_code(0);
    }
    project.open_gate("gate");
    let run = run.wait().assert_code(0);
    assert!(run.stdout().contains("\ncode 0\n"), "{}", run.transcript());
}

/// The living processes that carry a run's id: its stages and what they started.
fn carriers(project: &Project) -> Vec<Identity> {
    let carries = |line: &String| line.contains("a run's id");
    let left = project.left_now().into_iter().filter(carries);
    let pid = |line: String| line.split_whitespace().find_map(|word| word.parse().ok());
    left.filter_map(|line| Identity::of(pid(line)?)).collect()
}

/// H45: what is to end goes on first, so it hears SIGTERM and has its grace; the grace is not waited for.
#[test]
fn h45_a_paused_run_is_stopped_like_any_other() {
    let project = Project::new();
    let ready = project.side("ready");
    project.config(&format!(
        "[stages.a]\nrun = \"trap 'echo got TERM; exit 0' TERM; chaos touch {}; while :; do chaos sleep 0.02; done\"\ngrace = \"10m\"\n",
        ready.display()
    ));
    let run = project.local_ci(&[]).spawn();
    wait_until("the stage to be ready", || ready.exists());
    project.local_ci(&["pause"]).output().assert_code(0);
    project.local_ci(&["stop"]).output().assert_code(0);
    let run = run.wait().assert_code(143);
    assert!(run.stdout().contains("got TERM\n"), "{}", run.transcript());
    let kinds: Vec<String> = project.events(1).iter().map(|e| e["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        kinds,
        ["run_started", "stage_started", "paused", "resumed", "cancelling", "stage_finished", "run_finished"]
    );
    project.assert_nothing_left();
}

/// H45: SIGKILL needs nobody to go on.
#[test]
fn h45_a_paused_tree_is_killed() {
    let project = Project::new();
    project.config(&tree(&project));
    let run = project.local_ci(&[]).spawn();
    let members = members(&project);
    project.local_ci(&["pause"]).output().assert_code(0);
    project.local_ci(&["stop", "-f"]).output().assert_code(0);
    assert!(members.iter().all(|(_, process)| !process.is_alive()));
    run.wait().assert_code(143);
    project.assert_nothing_left();
}

/// H24: a supervisor that is killed takes a tree that stands still with it, and its socket.
#[test]
fn h24_a_paused_run_whose_supervisor_is_killed_leaves_nothing() {
    let project = Project::new();
    project.config(&tree(&project));
    let run = project.local_ci(&[]).spawn();
    let members = members(&project);
    let socket = project.run_dir(1).join("control");
    project.local_ci(&["pause"]).output().assert_code(0);
    assert!(socket.exists());
    project.supervisor(1).kill(Signal::KILL);
    run.wait().assert_code(3);
    for (_, process) in members {
        process.assert_gone();
    }
    assert!(!socket.exists());
    let resume = project.local_ci(&["resume", "1"]).output().assert_code(2);
    assert!(resume.stderr().starts_with("error: run 1 has ended: it was lost\n"), "{}", resume.transcript());
    project.assert_nothing_left();
}

/// A run is paused as a whole: whoever names a stage of it does not pause others by accident.
#[test]
fn a_job_among_others_is_not_paused_alone() {
    let project = Project::new();
    let (run, _) = gated(&project, "[stages.b]\nrun = \"true\"\nneeds = [\"a\"]\n");
    for verb in ["pause", "resume"] {
        let one = project.local_ci(&[verb, "a"]).output().assert_code(2);
        let text = format!("run 1 has more to do than that: b\n  hint: `local-ci {verb} 1` {verb}s all of it\n");
        assert!(one.stderr().contains(&text), "{}", one.transcript());
    }
    project.open_gate("gate");
    run.wait().assert_code(0);
    let over = project.local_ci(&["pause", "a"]).output().assert_code(2);
    assert!(over.stderr().starts_with("error: a is not running: in run 1 it passed\n"), "{}", over.transcript());
}

/// H31: a signal reaches every process of the stage, by its identity, and says how many those were.
#[test]
fn h31_a_signal_reaches_the_whole_tree() {
    let project = Project::new();
    project.config(&(tree(&project) + "[stages.other]\nrun = [\"chaos\", \"sleep\", \"600\"]\n[run]\njobs = 2\n"));
    let run = project.local_ci(&[]).spawn();
    let members = members(&project);
    project.wait_for_event(1, "stage_started");
    let sent = |args: &[&str]| project.local_ci(args).output().assert_code(0).stderr();
    assert!(sent(&["signal", "tree", "SIGCONT"]).ends_with(" processes of run 1\n"));
    project.local_ci(&["pause", "1"]).output().assert_code(0);
    let cont = project.local_ci(&["signal", "1", "cont"]).output().assert_code(2);
    assert!(cont.stderr().contains("it is paused, and `local-ci resume` has it go on"), "{}", cont.transcript());
    // What stands still gets it when it goes on; SIGKILL at once.
    let killed = sent(&["signal", "tree", "9"]);
    let count: usize = killed.strip_prefix("SIGKILL sent to ").unwrap().split(' ').next().unwrap().parse().unwrap();
    // The daemon that has lost every mark is known as nobody's where another stage runs beside it.
    assert!(count >= TREE.len() - 1, "{killed}");
    for (name, process) in members.iter().filter(|(name, _)| *name != "scrubbed") {
        wait_until(&format!("{name} to be gone"), || !process.is_alive());
    }
    let odd = project.local_ci(&["signal", "1", "TREM"]).output().assert_code(2);
    assert_eq!(odd.stderr(), "error: there is no signal \"TREM\"\n  hint: did you mean TERM?\n");
    project.local_ci(&["stop", "-f"]).output().assert_code(0);
    run.wait().assert_code(143);
    let over = project.local_ci(&["signal", "tree", "TERM"]).output().assert_code(2);
    assert!(over.stderr().starts_with("error: tree is not running: in run 1 it "), "{}", over.transcript());
    project.assert_nothing_left();
}

/// H75: where no socket can be made the run goes on, and who has something to ask is told.
#[test]
fn h75_a_file_system_without_sockets_costs_only_pausing() {
    let project = Project::new();
    project.config(&format!(
        "[stages.a]\nrun = [\"chaos\", \"wait-for\", \"{}\", \"--pid-file\", \"{}\"]\n",
        project.side("gate").display(),
        project.side("pid").display()
    ));
    let Some(run) = project.local_ci(&[]).under_strace(&["-f", "-e", "trace=bind", "-e", "inject=bind:error=EPERM"])
    else {
        return;
    };
    let run = run.spawn();
    project.identity("pid");
    let pause = project.local_ci(&["pause"]).output().assert_code(3);
    let why = "run 1 cannot be paused: its supervisor takes no requests";
    assert!(pause.stderr().contains(why), "{}", pause.transcript());
    project.open_gate("gate");
    run.wait().assert_code(0);
    let log = fs::read_to_string(project.run_dir(1).join("supervisor.log")).unwrap();
    assert!(log.contains("cannot take requests, so that the run can be neither paused nor sent a signal"), "{log}");
}

/// A run that waits for its turn has nothing that could stand still or get a signal.
#[test]
fn a_queued_run_has_not_started() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"true\"\n");
    project.local_ci(&[]).output().assert_code(0);
    let (_lock, _) = project.young_run(1, 2);
    let header = project.run_dir(2).join("header.json");
    let mut waiting: Value = serde_json::from_slice(&fs::read(&header).unwrap()).unwrap();
    waiting["waits"] = serde_json::json!({"until_ended": [1]});
    fs::write(header, waiting.to_string()).unwrap();
    for args in [&["pause", "2"][..], &["pause"], &["resume"], &["signal", "2", "TERM"], &["signal", "a", "TERM"]] {
        let asked = project.local_ci(args).output().assert_code(2);
        assert_eq!(asked.stderr(), "error: run 2 has not started; it waits for its turn\n");
    }
}

/// H33: what is asked of a run that has ended never reaches the run of the same job that goes on now.
#[test]
fn h33_an_old_run_is_not_taken_for_the_new_one() {
    let project = Project::new();
    project.open_gate("gate");
    gated(&project, "").0.wait().assert_code(0);
    for file in ["gate", "pid"] {
        fs::remove_file(project.side(file)).unwrap();
    }
    let (run, stage) = gated(&project, "");
    for args in [&["pause", "1"][..], &["resume", "1/a"], &["signal", "1/a", "KILL"], &["signal", "1", "KILL"]] {
        let asked = project.local_ci(args).output().assert_code(2);
        assert!(asked.stderr().contains("run 1 "), "{}", asked.transcript());
    }
    assert!(stage.is_alive() && project.events(2).len() == 2);
    project.local_ci(&["pause", "a"]).output().assert_code(0);
    assert_stopped(&[("the stage", stage)]);
    project.local_ci(&["resume", "latest"]).output().assert_code(0);
    project.open_gate("gate");
    run.wait().assert_code(0);
}

/// Whoever asks, and however many at once: each is answered, nothing starts in a paused run, and every stage runs once.
#[test]
fn requests_come_from_everywhere_at_once() {
    let project = Project::new();
    let last = format!("[stages.last]\nrun = [\"chaos\", \"wait-for\", \"{}\"]\n", project.side("gate").display());
    let stages = (0..20).fold(last, |text, n| text + &format!("[stages.s{n}]\nrun = \"true\"\n"));
    project.config(&(stages + "[run]\njobs = 3\n"));
    let run = project.local_ci(&[]).spawn();
    project.wait_for_event(1, "run_started");
    let ask = "for n in 1 2 3 4 5 6; do local-ci pause 1; local-ci signal 1 WINCH; local-ci resume 1; done 2>&1";
    let asking: Vec<Running<'_>> = (0..3).map(|_| project.sh(ask).spawn()).collect();
    for asked in asking {
        let asked = asked.wait();
        let known = [
            "run 1 is paused",
            "run 1 goes on",
            "run 1 is not paused",
            "SIGWINCH sent to ",
            "before all of it stood",
            "reached nobody",
        ];
        let nothing_runs = "nothing of it runs";
        let odd = asked
            .stdout()
            .lines()
            .find(|line| !known.iter().any(|part| line.contains(part)) && !line.contains(nothing_runs))
            .map(str::to_owned);
        assert_eq!(odd, None, "{}", asked.transcript());
    }
    project.local_ci(&["resume", "1"]).output().assert_code(0);
    project.open_gate("gate");
    let run = run.wait().assert_code(0);
    assert!(run.stdout().contains("  Passed: 21\n"), "{}", run.transcript());
    let mut is_paused = false;
    for event in project.events(1) {
        match event["event"].as_str().unwrap() {
            kind @ ("paused" | "resumed") => {
                assert_ne!(is_paused, kind == "paused", "{event}");
                is_paused = kind == "paused";
            }
            "stage_started" => assert!(!is_paused, "{event}"),
            _ => {}
        }
    }
    project.assert_nothing_left();
}
