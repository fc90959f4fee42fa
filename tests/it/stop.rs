//! Ending a run from elsewhere, and refusing to signal anybody when it is not certain who supervises it.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Identity, Project, Running, wait_until, watches};

/// A run of one stage that sleeps, in the foreground of a script.
fn sleeping(project: &Project) -> (Running<'_>, Identity) {
    let pid = project.side("pid");
    project.config(&format!(
        "[stages.sleeps]\nrun = [\"chaos\", \"sleep\", \"600\", \"--pid-file\", \"{}\"]\n",
        pid.display()
    ));
    let run = project.local_ci(&[]).spawn();
    let stage = project.identity("pid");
    project.supervisor(1);
    (run, stage)
}

/// The stage that is stopped gets SIGTERM and its grace; whoever watches the run learns that it was stopped.
#[test]
fn stop_ends_a_run_and_its_viewers() {
    let project = Project::new();
    let ready = project.side("ready");
    project.config(&format!(
        "[stages.a]\nrun = \"trap 'echo got TERM; exit 0' TERM; chaos touch {}; while :; do chaos sleep 0.02; done\"\n",
        ready.display()
    ));
    let run = project.local_ci(&[]).spawn();
    wait_until("the stage to be ready", || ready.exists());
    let viewer = project.local_ci(&["attach"]).spawn();
    viewer.wait_for_stdout("::group::a");
    let stop = project.local_ci(&["stop"]).output().assert_code(0);
    assert_eq!(stop.stderr(), "run 1 has ended\n");
    // All of it is gone by then: nothing is waited for here.
    assert_eq!(project.left_now().into_iter().filter(|left| left.contains("a run's id")).count(), 0);
    for watched in [run.wait().assert_code(143), viewer.wait().assert_code(143)] {
        let text = watched.stdout();
        assert!(text.contains("got TERM\n") && text.contains("cancelled: stopped"), "{}", watched.transcript());
    }
    assert_eq!(project.verdict(1), ("cancelled".into(), "stopped".into(), 143));
    let again = project.local_ci(&["stop", "1"]).output().assert_code(0);
    assert_eq!(again.stderr(), "run 1 has ended already\n");
    project.local_ci(&["stop"]).output().assert_code(2);
    project.assert_nothing_left();
}

/// H45: what ignores SIGTERM is killed by `stop -f` at once, its daemons too.
#[test]
fn h45_stop_with_force_kills_the_whole_tree() {
    let project = Project::new();
    let [ready, pid, daemon] = ["ready", "pid", "daemon"].map(|name| project.side(name).display().to_string());
    project.config(&format!(
        "[stages.a]\nrun = \"chaos fork-daemon --double --scrub-env --pid-file {daemon}; exec chaos ignore-term --ready-file {ready} --pid-file {pid}\"\ngrace = \"10m\"\n"
    ));
    let run = project.local_ci(&[]).spawn();
    wait_until("the stage to be ready", || project.side("ready").exists());
    let tree = [project.identity("pid"), project.identity("daemon")];
    project.local_ci(&["stop", "-f"]).output().assert_code(0);
    assert!(tree.iter().all(|process| !process.is_alive()));
    run.wait().assert_code(143);
    project.assert_nothing_left();
}

/// H24: a supervisor that does not even answer to `stop -f` is killed; that takes its five seconds.
#[test]
fn h24_stop_with_force_ends_a_supervisor_that_hangs() {
    let project = Project::new();
    let (run, stage) = sleeping(&project);
    project.supervisor(1).kill(Signal::STOP);
    project.local_ci(&["stop", "-f"]).output().assert_code(0);
    assert!(!stage.is_alive());
    run.wait().assert_code(3);
    project.local_ci(&["show"]).output().assert_code(3);
    project.assert_nothing_left();
}

/// What `stop` answers when the run says that this is its supervisor.
/// One that somebody has stopped is woken, to end its run as it should.
#[test]
fn h24_stop_wakes_a_supervisor_that_was_stopped() {
    let project = Project::new();
    let (run, stage) = sleeping(&project);
    let supervisor = project.supervisor(1);
    let guard = supervisor.parent().unwrap();
    for process in [guard, supervisor] {
        process.kill(Signal::STOP);
        wait_until("it to be stopped", || process.state() == Some('T'));
    }
    project.local_ci(&["stop", "1"]).output().assert_code(0);
    stage.assert_gone();
    run.wait().assert_code(143);
    assert_eq!(project.verdict(1), ("cancelled".into(), "stopped".into(), 143));
    project.assert_nothing_left();
}

#[track_caller]
fn assert_refused(project: &Project, owner: &str) {
    fs::write(project.run_dir(1).join("owner.json"), owner).unwrap();
    for args in [&["stop"][..], &["stop", "-f", "1"]] {
        let stop = project.local_ci(args).output().assert_code(3);
        assert!(stop.stderr().contains("nobody was signalled"), "{owner}: {}", stop.transcript());
    }
}

/// H30, H31: a record that names a process of another time or another boot names nobody.
#[test]
fn h31_a_foreign_process_is_never_signalled() {
    let project = Project::new();
    let (run, stage) = sleeping(&project);
    let owner = project.owner(1).unwrap();
    let bystander = project.chaos(&["sleep", "600", "--pid-file", project.side("other").to_str().unwrap()]).spawn();
    let other = project.identity("other");
    let boot = &owner["boot_id"];
    let forged =
        |pid: i32, start: u64, boot: &Value| json!({"pid": pid, "start_time": start, "boot_id": boot}).to_string();
    let supervisor = project.supervisor(1);
    // The id was used again after the supervisor had ended that had it; or in another boot, where even the moment fits.
    let another = json!("00000000-0000-0000-0000-000000000000");
    for process in [other, stage, supervisor] {
        assert_refused(&project, &forged(process.pid, process.start - 1, boot));
        assert_refused(&project, &forged(process.pid, process.start, &another));
    }
    assert!([other, stage, supervisor].iter().all(|process| process.is_alive()));
    fs::write(project.run_dir(1).join("owner.json"), owner.to_string()).unwrap();
    project.local_ci(&["stop"]).output().assert_code(0);
    run.wait().assert_code(143);
    assert!(other.is_alive());
    bystander.kill(Signal::KILL);
    bystander.wait().assert_signal(Signal::KILL);
    project.assert_nothing_left();
}

/// H30: after a reboot a run without a verdict is lost, and whoever has its supervisor's id now is left alone.
#[test]
fn h30_a_run_from_before_the_boot_is_lost() {
    let project = Project::new();
    let (run, stage) = sleeping(&project);
    project.supervisor(1).kill(Signal::KILL);
    run.wait().assert_code(3);
    stage.assert_gone();
    let bystander = project.chaos(&["sleep", "600", "--pid-file", project.side("other").to_str().unwrap()]).spawn();
    let other = project.identity("other");
    let mut owner = project.owner(1).unwrap();
    owner["pid"] = json!(other.pid);
    for boot in [owner["boot_id"].clone(), json!("another-boot")] {
        owner["boot_id"] = boot;
        fs::write(project.run_dir(1).join("owner.json"), owner.to_string()).unwrap();
        let show = project.local_ci(&["show"]).output().assert_code(3);
        assert!(show.stdout().contains("Lost: "), "{}", show.transcript());
        for args in [&["stop", "1"][..], &["stop", "-f", "1"]] {
            let stop = project.local_ci(args).output().assert_code(0);
            assert_eq!(stop.stderr(), "run 1 has ended already\n");
        }
    }
    assert!(other.is_alive());
    bystander.kill(Signal::KILL);
    bystander.wait().assert_signal(Signal::KILL);
}

/// H32: an owner that a crash left empty or half-written is nobody, and in nobody's way.
#[test]
fn h32_a_broken_owner_is_nobody() {
    let project = Project::new();
    let (run, stage) = sleeping(&project);
    let owner = project.owner(1).unwrap().to_string();
    for broken in ["", "abc", "-1", "99999999999", "{\"pid\":1}", &owner[..owner.len() / 2], "\u{0}\u{0}"] {
        assert_refused(&project, broken);
        let list = project.local_ci(&["list"]).output().assert_code(0);
        assert!(list.stdout().contains("sleeps  running: "), "{broken:?}: {}", list.transcript());
        project.local_ci(&["show", "1"]).output().assert_code(3);
        project.local_ci(&[]).output().assert_code(5);
    }
    assert!(stage.is_alive());
    fs::remove_file(project.run_dir(1).join("owner.json")).unwrap();
    fs::create_dir(project.run_dir(1).join("owner.json")).unwrap();
    project.local_ci(&["stop"]).output().assert_code(3);
    fs::remove_dir(project.run_dir(1).join("owner.json")).unwrap();
    run.kill(Signal::TERM);
    run.wait().assert_signal(Signal::TERM);
}

/// A run that has only just been claimed has no owner yet: stopping it waits for that one instead of giving up.
#[test]
fn a_run_can_be_stopped_from_its_first_moment() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"true\"\n");
    project.local_ci(&[]).output().assert_code(0);
    let (lock, _) = project.young_run(1, 2);
    // Stands for the supervisor: the request to stop ends it, and with it the run.
    let supervisor = project.chaos(&["sleep", "600", "--pid-file", project.side("pid").to_str().unwrap()]).spawn();
    let identity = project.identity("pid");
    let stop = project.local_ci(&["stop"]).spawn();
    wait_until("the command to watch the run", || watches(stop.pid()));
    let mut owner = project.owner(1).unwrap();
    (owner["pid"], owner["start_time"]) = (json!(identity.pid), json!(identity.start));
    fs::write(project.run_dir(2).join("owner.json"), owner.to_string()).unwrap();
    supervisor.wait().assert_signal(Signal::USR1);
    drop(lock);
    let stop = stop.wait().assert_code(0);
    assert_eq!(stop.stderr(), "run 2 has ended\n");
}
