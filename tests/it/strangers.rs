//! Control acts on those whom a run has started and on nobody else: whatever stands where its supervisor is recorded, and
//! whoever sits where its socket should be.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Identity, Project, Running, wait_until};

/// A run of one stage that sleeps, and a process that is none of its business.
fn with_a_bystander(project: &Project) -> (Running<'_>, Identity, Running<'_>, Identity) {
    project.config("[stages.sleeps]\nrun = \"exec chaos sleep 600 --pid-file $SIDE/pid\"\n");
    let run = project.local_ci(&[]).env("SIDE", project.side_dir()).spawn();
    let stage = project.identity("pid");
    let bystander = project.chaos(&["sleep", "600", "--pid-file", project.side("other").to_str().unwrap()]).spawn();
    let other = project.identity("other");
    project.supervisor(1);
    (run, stage, bystander, other)
}

#[track_caller]
fn end(project: &Project, run: Running<'_>, bystander: Running<'_>) {
    project.local_ci(&["stop"]).output().assert_code(0);
    run.wait().assert_code(143);
    bystander.kill(Signal::KILL);
    bystander.wait().assert_signal(Signal::KILL);
    project.assert_nothing_left();
}

/// H31, H32: whomever the record names, `signal`, `pause` and `resume` reach what the run itself has started, and `stop`,
/// which needs the record, refuses.
#[test]
fn h31_control_reaches_the_run_and_never_whom_its_record_names() {
    let project = Project::new();
    let (run, stage, bystander, other) = with_a_bystander(&project);
    let owner = project.owner(1).unwrap();
    let file = project.run_dir(1).join("owner.json");
    let boot = &owner["boot_id"];
    let forged = [
        json!({"pid": other.pid, "start_time": other.start - 1, "boot_id": boot}).to_string(),
        json!({"pid": other.pid, "start_time": other.start, "boot_id": "another"}).to_string(),
        json!({"pid": -1, "start_time": 0, "boot_id": boot}).to_string(),
        json!({"pid": 0, "start_time": 0, "boot_id": boot}).to_string(),
        json!({"pid": 1, "start_time": 0, "boot_id": boot}).to_string(),
        "99999999999".to_owned(),
        String::new(),
    ];
    for record in &forged {
        fs::write(&file, record).unwrap();
        project.local_ci(&["pause", "1"]).output().assert_code(0);
        assert_eq!((stage.state(), other.state()), (Some('T'), Some('S')), "{record}");
        project.local_ci(&["resume", "1"]).output().assert_code(0);
        wait_until("the stage to go on", || stage.state() != Some('T'));
        // One that a sleeping program does not even notice.
        let sent = project.local_ci(&["signal", "sleeps", "CONT"]).output().assert_code(0);
        assert!(sent.stderr().contains("sent to 1 process of run 1"), "{record}: {}", sent.transcript());
        for args in [&["stop", "1"][..], &["stop", "-f", "1"], &["restart", "sleeps"]] {
            let refused = project.local_ci(args).output().assert_code(3);
            assert!(refused.stderr().contains("nobody was signalled"), "{record}: {}", refused.transcript());
        }
        assert!(stage.is_alive() && other.is_alive(), "{record}");
    }
    assert_eq!(project.run_numbers(), [1], "what could not be stopped was not started again");
    fs::write(&file, owner.to_string()).unwrap();
    end(&project, run, bystander);
}

/// H31: a run whose socket is gone, or is something else, says that it cannot be asked; nobody waits for ever, nobody is
/// signalled, and `stop`, which does not need the socket, ends it.
#[test]
fn h31_a_run_whose_socket_is_gone_says_so() {
    std::thread::scope(|scope| {
        for (what, put) in [
            ("nothing", (|_| {}) as fn(&Path)),
            ("a file", |path| fs::write(path, "text").unwrap()),
            ("a directory", |path| fs::create_dir(path).unwrap()),
            ("a FIFO", |path| rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o600.into()).unwrap()),
            ("a link to nowhere", |path| symlink("/nowhere", path).unwrap()),
            ("a socket of somebody who is gone", |path| drop(UnixListener::bind(path).unwrap())),
            // Left open on purpose: it takes the request and never answers.
            ("a socket of somebody who never answers", |path| std::mem::forget(UnixListener::bind(path).unwrap())),
        ] {
            scope.spawn(move || {
                let project = Project::new();
                let (run, stage, bystander, other) = with_a_bystander(&project);
                let socket = project.run_dir(1).join("control");
                wait_until("the run to listen", || socket.exists());
                fs::remove_file(&socket).unwrap();
                put(&socket);
                // Who takes a request and is silent is waited for, which once is enough.
                let silent = what.ends_with("never answers");
                let all = [&["signal", "sleeps", "TERM"][..], &["pause", "1"], &["resume", "1"]];
                for args in &all[..if silent { 1 } else { all.len() }] {
                    let asked = project.local_ci(args).output().assert_code(3);
                    assert!(asked.stderr().starts_with("error: run 1 cannot be "), "{what}: {}", asked.transcript());
                }
                assert_eq!((stage.state(), other.state()), (Some('S'), Some('S')), "{what}");
                project.local_ci(&["list"]).output().assert_code(0);
                let _ = fs::remove_dir(&socket).or_else(|_| fs::remove_file(&socket));
                end(&project, run, bystander);
            });
        }
    });
}

/// H31: what is asked of a run that has ended, or was lost, reaches nobody, whoever has its supervisor's number now.
#[test]
fn h31_a_run_that_is_over_is_asked_nothing() {
    let project = Project::new();
    let (run, stage, bystander, other) = with_a_bystander(&project);
    project.supervisor(1).kill(Signal::KILL);
    run.wait().assert_code(3);
    stage.assert_gone();
    let mut owner = project.owner(1).unwrap();
    (owner["pid"], owner["start_time"]) = (json!(other.pid), json!(other.start));
    fs::write(project.run_dir(1).join("owner.json"), owner.to_string()).unwrap();
    for args in [&["pause", "1"][..], &["resume", "1"], &["signal", "sleeps", "KILL"], &["signal", "1", "STOP"]] {
        let asked = project.local_ci(args).output().assert_code(2);
        assert!(asked.stderr().contains("lost") || asked.stderr().contains("not running"), "{}", asked.transcript());
    }
    project.local_ci(&["stop", "-f", "1"]).output().assert_code(0);
    assert_eq!(other.state(), Some('S'));
    bystander.kill(Signal::KILL);
    bystander.wait().assert_signal(Signal::KILL);
}
