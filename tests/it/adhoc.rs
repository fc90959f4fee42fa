//! Commands as jobs: added, found again, started, restarted and stopped; what the table of commands says of each.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::thread;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Finished, Project, assert_transcript, wait_until};

/// The ad-hoc jobs of the only project: name and command.
pub(crate) fn jobs(project: &Project) -> Vec<(String, String)> {
    let text = project.runs_dir().map(|runs| fs::read_to_string(runs.with_file_name("jobs.jsonl")).unwrap_or_default());
    let job = |line: &str| -> (String, String) {
        let job: Value = serde_json::from_str(line).unwrap();
        let words: Vec<&str> = job["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        (job["name"].as_str().unwrap().to_owned(), words.join(" "))
    };
    text.unwrap_or_default().lines().map(job).collect()
}

/// What `--json` said of a run that was started.
fn document(started: &Finished) -> Value {
    assert_eq!(started.status.code(), Some(0), "{}", started.transcript());
    serde_json::from_str(&started.stdout()).unwrap()
}

/// Waits until the supervisors are gone, which then have added their runs to the history.
#[track_caller]
pub(crate) fn settle(project: &Project) {
    wait_until("all to be over", || project.left_now().iter().all(|left| !left.starts_with("process")));
}

/// `add make test`: creates the job and starts a run; again, it is the same job, and what is to be expected is said.
#[test]
fn the_table_says_add_finds_or_creates_the_job_and_starts_a_run() {
    let project = Project::new();
    let added = project.local_ci(&["add", "echo", "a b"]).output();
    let name = jobs(&project)[0].0.clone();
    assert_eq!(name.len(), 3);
    assert_transcript!(added.redact(&name, "[JOB]"), @r"
    $ local-ci add echo 'a b'
    Job [JOB]: echo 'a b'
    Run 1 continues in the background.
      local-ci attach [JOB]  follows it
      local-ci await [JOB]   waits until it has ended
      local-ci stop [JOB]    ends it
    --- exit 0
    ");
    project.verdict(1);
    assert_eq!(project.log(1, &format!("{name}.log")), b"a b\n");
    settle(&project);
    let again = project.local_ci(&["add", "echo", "a b"]).output().redact(&name, "[JOB]");
    let again = again.redact(r"~\S+\n", "~[TIME]\n").redact(r"Band: \S+,", "Band: [LOW]–[HIGH],");
    assert_transcript!(again, @r"
    $ local-ci add echo 'a b'
    Job [JOB]: echo 'a b'
    Run 2 continues in the background.
    Expected duration: ~[TIME]
    Band: [LOW]–[HIGH], a guess until it has passed more often
    Total runs: 1
    Success rate: 100% (1/1)
      local-ci attach [JOB]  follows it
      local-ci await [JOB]   waits until it has ended
      local-ci stop [JOB]    ends it
    --- exit 0
    ");
    project.verdict(2);
    settle(&project);
    let third = document(&project.local_ci(&["add", "--json", "echo", "a b"]).output());
    assert_eq!((&third["job"], &third["run"], &third["runs"]), (&name.as_str().into(), &3.into(), &2.into()));
    assert_eq!((&third["new"], &third["success_rate"]), (&false.into(), &1.0.into()));
    assert!(third["low_ms"].as_u64() <= third["expected_ms"].as_u64() && third["expected_ms"].is_u64(), "{third}");
    assert_eq!(jobs(&project), [(name, "echo a b".to_owned())]);
    project.verdict(3);
    project.assert_nothing_left();
}

/// `add make test` while it runs is an error that says which run it is, and the ways on.
#[test]
fn the_table_says_add_is_an_error_while_the_job_runs() {
    let project = Project::new();
    let add = || project.local_ci(&["add", "chaos", "sleep", "600"]).output();
    add().assert_code(0);
    let name = &jobs(&project)[0].0;
    project.wait_for_event(1, "stage_started");
    let refused = add().redact(name, "[JOB]").redact(r"pid \d+, for \S+\)", "pid [PID], for [TIME])");
    assert_transcript!(refused, @r"
    $ local-ci add chaos sleep 600
    --- stderr
    error: job [JOB] is running already, in run 1 (pid [PID], for [TIME])
      hint: `local-ci attach 1` follows it, `local-ci await 1` waits for it, `local-ci stop 1` ends it
    --- exit 5
    ");
    project.local_ci(&["stop"]).output().assert_code(0);
    // One job, and a run for each time that it was started.
    add().assert_code(0);
    assert_eq!((jobs(&project).len(), project.run_numbers()), (1, vec![1, 2]));
    project.local_ci(&["stop", "-f"]).output().assert_code(0);
    project.assert_nothing_left();
}

#[test]
fn the_table_says_start_starts_a_new_run_and_is_an_error_if_running() {
    let project = Project::new();
    project
        .local_ci(&["add", "sh", "-c", "chaos wait-for $GO"])
        .env("GO", project.side("none"))
        .output()
        .assert_code(0);
    let name = &jobs(&project)[0].0;
    let start = |args: &[&str]| project.local_ci(args).env("GO", project.side("go")).output();
    let refused = start(&["start", name]).assert_code(5).stderr();
    assert!(refused.contains(&format!("job {name} is running already, in run 1")), "{refused}");
    assert!(refused.contains("`local-ci attach 1` follows it"), "{refused}");
    project.local_ci(&["stop", name]).output().assert_code(0);
    project.open_gate("go");
    let started = document(&start(&["start", "--json", name]));
    assert_eq!((&started["job"], &started["run"], &started["new"]), (&name.as_str().into(), &2.into(), &false.into()));
    assert_eq!(project.verdict(2).0, "passed");
    let unknown = start(&["start", "nobody"]).assert_code(2).stderr();
    assert!(unknown.contains("there is no job \"nobody\""), "{unknown}");
    let near = start(&["start", &format!("{name}x")]).assert_code(2).stderr();
    assert!(near.contains(&format!("did you mean {name}?")), "{near}");
    project.assert_nothing_left();
}

/// A stage is started with what it needs, in the background, as `run` would.
#[test]
fn a_stage_is_started_with_what_it_needs() {
    let project = Project::new();
    project.config("[stages.one]\nrun = 'echo one'\n[stages.two]\nneeds = ['one']\nrun = 'echo two'\ndir = 'sub'\n");
    project.write("sub/file", "");
    let started = document(&project.local_ci(&["start", "two", "--json"]).output());
    assert_eq!((&started["job"], &started["command"]), (&"two".into(), &"echo two".into()));
    assert!(started["directory"].as_str().unwrap().ends_with("/project/sub") && started["new"].is_null(), "{started}");
    assert_eq!(project.verdict(1).0, "passed");
    assert_eq!((project.log(1, "one.log"), project.log(1, "two.log")), (b"one\n".to_vec(), b"two\n".to_vec()));
    settle(&project);
    let told = project.local_ci(&["start", "two"]).output().assert_code(0).stdout();
    assert!(told.starts_with("Job two: echo two\nRun 2 continues in the background.\nExpected duration: ~"), "{told}");
    project.verdict(2);
    project.local_ci(&["rerun", "2", "-q"]).output().assert_code(0);
    assert_eq!(project.log(3, "two.log"), b"two\n");
    project.assert_nothing_left();
}

/// A name that an ad-hoc job has may come to be a stage's as well: then the stage is meant, and that is said.
#[test]
fn of_a_stage_and_a_job_of_one_name_the_stage_is_meant() {
    let project = Project::new();
    project.local_ci(&["add", "echo", "job"]).output().assert_code(0);
    project.verdict(1);
    let name = jobs(&project)[0].0.clone();
    project.config(&format!("[stages.{name}]\nrun = 'echo stage'\n"));
    let told = project.local_ci(&["start", &name]).output().assert_code(0).stderr();
    assert!(told.contains(&format!("{name} is a stage of the config, and it is the stage that is meant")), "{told}");
    project.verdict(2);
    assert_eq!(project.log(2, &format!("{name}.log")), b"stage\n");
    // A job that is added gets no name that a stage has.
    project.local_ci(&["remove", &name]).output().assert_code(0);
    project.local_ci(&["add", "echo", "job"]).output().assert_code(0);
    assert_ne!(jobs(&project)[0].0, name);
    project.verdict(3);
    project.assert_nothing_left();
}

#[test]
fn the_table_says_restart_stops_if_running_and_starts_a_new_run() {
    let project = Project::new();
    let pids = project.side("pids");
    let line = format!("echo $$ >>{}; exec chaos ignore-term --ready-file $READY", pids.display());
    let run = |args: &[&str], ready: &str| project.local_ci(args).env("READY", project.side(ready)).output();
    run(&["add", "sh", "-c", &line], "first").assert_code(0);
    let name = &jobs(&project)[0].0;
    wait_until("the first to be ready", || project.side("first").exists());
    let restarted = run(&["restart", "-f", name], "second").assert_code(0);
    assert!(restarted.stderr().contains("stopping run 1\n"), "{}", restarted.transcript());
    assert!(restarted.stdout().contains("Run 2 continues in the background.\n"), "{}", restarted.transcript());
    assert_eq!(project.verdict(1), ("cancelled".into(), "stopped".into(), 143));
    wait_until("the second to be ready", || project.side("second").exists());
    let pids: Vec<i32> = fs::read_to_string(pids).unwrap().lines().map(|pid| pid.parse().unwrap()).collect();
    let alive = |pid: i32| crate::support::Identity::of(pid).is_some_and(crate::support::Identity::is_alive);
    assert_eq!((pids.len(), alive(pids[0]), alive(pids[1])), (2, false, true));
    project.local_ci(&["stop", "-f", name]).output().assert_code(0);
    // What does not run is started.
    let started = run(&["restart", name, "--json"], "third").assert_code(0);
    assert_eq!((document(&started)["run"].as_u64(), started.stderr()), (Some(3), String::new()));
    project.local_ci(&["stop", "-f"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// A run is stopped as a whole, so a restart does not take others' work with it; and nothing is stopped for a job that
/// could not be started again.
#[test]
fn a_restart_that_would_harm_is_refused_before_anything_is_stopped() {
    let project = Project::new();
    let pipeline = "[stages.a]\nrun = 'chaos sleep 600'\n[stages.b]\nrun = 'chaos sleep 600'\n";
    project.config(pipeline);
    project.local_ci(&["run", "-d"]).output().assert_code(0);
    project.wait_for_event(1, "stage_started");
    let refused = project.local_ci(&["restart", "a"]).output().assert_code(2).stderr();
    assert!(refused.contains("run 1 has more to do than that: b"), "{refused}");
    project.config(&pipeline.replace("[stages.b]", "[stages.b]\nuses = 'x'"));
    project.local_ci(&["restart", "b"]).output().assert_code(2);
    assert!(project.last_word(1).is_none(), "nothing was stopped");
    project.local_ci(&["stop", "-f"]).output().assert_code(0);
    project.assert_nothing_left();
}

#[test]
fn the_table_says_stop_stops_the_running_job() {
    let project = Project::new();
    project.config("[stages.other]\nrun = 'true'\n");
    project.local_ci(&["add", "chaos", "sleep", "600"]).output().assert_code(0);
    let name = &jobs(&project)[0].0;
    // Another run is the latest one.
    project.local_ci(&["-q"]).output().assert_code(0);
    let stopped = project.local_ci(&["stop", name]).output().assert_code(0);
    assert_eq!(stopped.stderr(), "run 1 has ended\n");
    assert_eq!(project.verdict(1), ("cancelled".into(), "stopped".into(), 143));
    let again = project.local_ci(&["stop", name]).output().assert_code(0);
    assert_eq!(again.stderr(), "run 1 has ended already\n");
    project.assert_nothing_left();
}

/// What does not end although it was killed is named: here a guard that was stopped, whose run cannot be over before it.
#[test]
fn what_cannot_be_stopped_is_named() {
    let project = Project::new();
    project.local_ci(&["add", "chaos", "sleep", "600"]).output().assert_code(0);
    project.wait_for_event(1, "stage_started");
    let guard = project.supervisor(1).parent().unwrap();
    guard.kill(Signal::STOP);
    let told = project.local_ci(&["stop", "-f"]).output().assert_code(3).stderr();
    let named = format!("run 1 does not end; what cannot be killed: local-ci (pid {})", guard.pid);
    assert!(told.contains(&named), "{told}");
    // Its supervisor is gone by now, and with the guard the run is over.
    guard.kill(Signal::CONT);
    guard.assert_gone();
    project.assert_nothing_left();
}

/// Without a config, with one that is broken, and in a directory below: a job is what it runs and where. H94: a directory
/// is the same however it is reached.
#[test]
fn h94_a_job_belongs_to_its_directory_however_that_is_reached() {
    let project = Project::new();
    project.config("[stages.x]\nrun = 1\n");
    project.write("sub dir/file", "");
    symlink(project.dir().join("sub dir"), project.side("link")).unwrap();
    let pwd = |args: &[&str]| project.local_ci(&[&["add", "pwd", "-P"], args].concat());
    let told = pwd(&[]).output().assert_code(0).stderr();
    assert!(told.contains("warning: the config has faults and is passed over; `local-ci validate`"), "{told}");
    pwd(&[]).cwd("sub dir").output().assert_code(0);
    project.verdict(1);
    project.verdict(2);
    project.local_ci(&["-C", project.side("link").to_str().unwrap(), "add", "pwd", "-P"]).output().assert_code(0);
    project.verdict(3);
    let [top, below] = &jobs(&project)[..] else { panic!("{:?}", jobs(&project)) };
    let dir = project.dir();
    assert_eq!(project.log(1, &format!("{}.log", top.0)), format!("{}\n", dir.display()).as_bytes());
    for run in [2, 3] {
        let log = project.log(run, &format!("{}.log", below.0));
        assert_eq!(log, format!("{}/sub dir\n", dir.display()).as_bytes());
    }
    // A job is known by its name from anywhere in the project.
    project.local_ci(&["start", &below.0]).output().assert_code(0);
    project.verdict(4);
    assert!(project.log(4, &format!("{}.log", below.0)).ends_with(b"/sub dir\n"));
    project.assert_nothing_left();
}

/// H112: what follows the command is the command's, and reaches it as it was typed.
#[test]
fn h112_every_word_after_the_command_is_the_commands() {
    let project = Project::new();
    let words = ["-C", "x", "--json", "-j4", "--", "-v", "--color", "never", "", "a b", "'", "$HOME", "*", "é\n", "-h"];
    let line: Vec<&str> = ["--color", "never", "add", "printf", "%s|"].into_iter().chain(words).collect();
    project.local_ci(&line).output().assert_code(0);
    project.verdict(1);
    let name = &jobs(&project)[0].0;
    assert_eq!(project.log(1, &format!("{name}.log")), format!("{}|", words.join("|")).as_bytes());
    for line in [&["add", "--", "printf", "-x"][..], &["add", "--json", "--", "printf", "-x"]] {
        project.local_ci(line).output().assert_code(0);
        settle(&project);
    }
    assert_eq!(jobs(&project).len(), 2);
    // A name that begins like an option is one all the same, after the dashes.
    let dashed = project.local_ci(&["add", "--", "-x", "y"]).output().assert_code(2).stderr();
    assert!(dashed.contains("command not found: -x"), "{dashed}");
    project.assert_nothing_left();
}

/// What cannot run is told before anything is made.
#[test]
fn what_is_wrong_with_a_command_is_told_before_anything_is_made() {
    let project = Project::new();
    project.write("plain", "not a program");
    for (line, told) in [
        (&["add"][..], "required arguments were not provided"),
        (&["add", ""], "the command's name is empty"),
        (&["add", "no-such-program", "x"], "command not found: no-such-program"),
        (&["add", "make test"], "`local-ci add sh -c 'make test'`"),
        (&["add", "./missing"], "command not found: ./missing"),
        (&["add", "./plain"], "permission denied"),
        (&["add", "-q"], "options of local-ci stand before the command"),
        (&["-c", "none.toml", "add", "true"], "none.toml"),
        (&["-C", "none", "add", "true"], "there is no directory none"),
    ] {
        let refused = project.local_ci(line).output().assert_code(2);
        assert!(refused.stderr().contains(told), "{}", refused.transcript());
        assert_eq!(refused.stdout(), "");
    }
    let odd = project.local_ci(&["add", "echo"]).arg(OsStr::from_bytes(b"a\xffb")).output().assert_code(2).stderr();
    assert!(odd.contains("argument 1 is not UTF-8 text"), "{odd}");
    assert!(!project.state_dir().exists(), "nothing was made");
    let other = project.local_ci(&["-c", "sub/local-ci.toml", "add", "true"]);
    project.write("sub/local-ci.toml", "[stages.a]\nrun = 'true'\n");
    let outside = other.output().assert_code(2).stderr();
    assert!(outside.contains("is not below the project's directory"), "{outside}");
    project.assert_nothing_left();
}

/// Nobody could come back to a run that is kept nowhere, so it is not started.
#[test]
fn where_no_state_can_be_kept_nothing_is_started() {
    let project = Project::new();
    fs::write(project.state_dir(), "in the way").unwrap();
    for args in [&["add", "touch", "made"][..], &["start", "x"]] {
        let refused = project.local_ci(args).output();
        assert!(matches!(refused.status.code(), Some(2 | 3)), "{}", refused.transcript());
    }
    let refused = project.local_ci(&["add", "touch", "made"]).output().assert_code(3).stderr();
    assert!(refused.contains("the list of ad-hoc jobs cannot be used"), "{refused}");
    assert!(!project.dir().join("made").exists());
    fs::remove_file(project.state_dir()).unwrap();
    project.assert_nothing_left();
}

/// H89: two who add one command at once: one of them starts it, and there is one job.
#[test]
fn h89_of_two_adders_one_wins() {
    let project = Project::new();
    for round in 0..30 {
        // Who loses lets the winner's run go. Were there two winners, both runs would wait in vain.
        let go = project.side(&format!("go-{round}"));
        let script =
            "local-ci add sh -c 'chaos wait-for $GO' >&2; code=$?; [ $code = 0 ] || chaos touch $GO; echo $code";
        let both = [(); 2].map(|()| project.sh(script).env("GO", &go).spawn());
        let mut codes = both.map(|one| one.wait().stdout());
        codes.sort();
        assert_eq!(codes, ["0\n", "5\n"], "round {round}");
        assert_eq!(project.verdict(round + 1).0, "passed");
        wait_until("the run to be over", || !project.left_now().iter().any(|left| left.contains("a run's id")));
    }
    assert_eq!((jobs(&project).len(), project.run_numbers().len()), (1, 30));
    settle(&project);
    project.assert_nothing_left();
}

/// H33: while a job is restarted, whoever looks sees no run with the exit code of another. Each run ends with a code that
/// its number gives, or is stopped.
#[test]
fn h33_a_restarted_job_never_shows_the_exit_code_of_an_earlier_run() {
    const ROUNDS: u64 = 60;
    let project = Project::new();
    project.config("[stages.a]\nrun = 'exit $((LOCAL_CI_RUN % 7 + 1))'\n");
    let look = || {
        let list = project.local_ci(&["list", "--json"]).output().assert_code(0).stdout();
        let line = &serde_json::from_str::<Value>(&list).unwrap()[0];
        let Some(run) = line["run"].as_u64() else { return };
        match line["exit_code"].as_u64() {
            Some(code) if line["status"] == "fail" => assert_eq!(code, run % 7 + 1, "{line}"),
            Some(_) => assert_eq!(line["status"], "cancelled", "{line}"),
            None => assert_ne!(line["state"], "stopped", "{line}"),
        }
    };
    for round in 1..=ROUNDS {
        let restart = project.local_ci(&["restart", "-f", "a", "--json"]).spawn();
        look();
        assert_eq!(document(&restart.wait())["run"].as_u64(), Some(round));
        look();
    }
    settle(&project);
    for run in 1..=ROUNDS {
        let (verdict, _, code) = project.verdict(run);
        assert!(matches!((verdict.as_str(), code), ("failed", 1) | ("cancelled", 143)), "run {run}: {verdict} {code}");
    }
    project.assert_nothing_left();
}

/// A run of an ad-hoc job again is its job again, in the foreground; also where the job was removed.
#[test]
fn a_run_of_an_ad_hoc_job_can_be_done_again() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'true'\n").write("sub/file", "");
    project.local_ci(&["add", "sh", "-c", "echo here; test -e $SIDE/good"]).cwd("sub").env("SIDE", "/").output();
    assert_eq!(project.verdict(1).0, "failed");
    let name = jobs(&project)[0].0.clone();
    let rerun = |args: &[&str]| project.local_ci(args).env("SIDE", project.side_dir()).output();
    let again = rerun(&["rerun", "1"]).assert_code(1);
    assert!(again.stderr().starts_with(&format!("rerunning run 1: {name} (sh -c ")), "{}", again.transcript());
    assert!(again.stdout().contains(&format!("::group::{name}\n")) && again.stdout().contains("\nhere\n"));
    project.open_gate("good");
    rerun(&["rerun", "--failed", "-q"]).assert_code(0);
    assert!(rerun(&["rerun", "--failed"]).assert_code(4).stderr().contains("nothing failed in run 3"));
    let dry = rerun(&["rerun", "--dry-run"]).assert_code(0).stdout();
    assert!(dry.starts_with("would run sh -c ") && dry.ends_with("/project/sub\n"), "{dry}");
    settle(&project);
    fs::remove_file(project.runs_dir().unwrap().with_file_name("jobs.jsonl")).unwrap();
    rerun(&["rerun", "3", "-q"]).assert_code(0);
    assert_eq!(jobs(&project).len(), 1);
    project.assert_nothing_left();
}

/// H27, H28: who adds is killed at any step. The job is there once or not at all, and the next who adds gets it.
#[test]
fn h27_an_adder_killed_at_any_step_leaves_a_sound_list() {
    thread::scope(|scope| {
        for (calls, stride) in [("write,ftruncate,lseek", 1), ("mkdir,rename,pwrite64,flock", 1), ("openat", 7)] {
            scope.spawn(move || kill_adders(calls, stride));
        }
    });
}

fn kill_adders(calls: &str, stride: usize) {
    for k in (1..120).step_by(stride) {
        let project = Project::new();
        let inject = format!("inject={calls}:signal=KILL:when={k}");
        // The supervisor is let go of when it is executed.
        let add = project.local_ci(&["add", "echo", "it"]).under_strace(&["-b", "execve", "-e", &inject]);
        let Some(add) = add else { return };
        let killed = add.output().status.code() != Some(0);
        let crash = format!("{calls} {k}");
        assert!(jobs(&project).len() <= 1, "{crash}");
        wait_until("what was started to be over", || {
            project.left_now().iter().all(|left| !left.contains("a run's id") && !left.starts_with("process"))
        });
        let again = project.local_ci(&["add", "--json", "echo", "it"]).output();
        let run = document(&again)["run"].as_u64().unwrap();
        assert_eq!(again.stderr(), "", "{crash}");
        assert_eq!(project.verdict(run).0, "passed", "{crash}");
        assert_eq!(jobs(&project).len(), 1, "{crash}");
        let name = &jobs(&project)[0].0;
        assert_eq!(project.log(run, &format!("{name}.log")), b"it\n", "{crash}");
        settle(&project);
        if !killed {
            assert!(k > stride, "{calls}: nobody was ever killed");
            return;
        }
    }
    panic!("nobody came through without 120 of {calls}");
}
