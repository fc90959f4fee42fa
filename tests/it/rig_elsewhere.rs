//! The rig for other machines: what it promises to the other tests, shown with ssh itself.

use std::process::{Command, Output, Stdio};

use rustix::process::{Signal, getuid};

use crate::support::{Cable, Host, Line, Project, Setup, signal_all, wait_until};

fn ssh(host: &Host) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.arg("-F").arg(host.ssh_config()).args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]);
    ssh.args(["-o", "ConnectTimeout=10", "box"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ssh
}

fn said(host: &Host, command: &str) -> (Option<i32>, String) {
    let Output { status, stdout, .. } = ssh(host).arg(command).output().unwrap();
    (status.code(), String::from_utf8_lossy(&stdout).into_owned())
}

#[test]
fn a_session_there_has_a_home_a_shell_and_a_path_of_its_own() {
    let project = Project::new();
    let setup = Setup::default().without(&["rsync"]).profile("echo from the profile\n").env("MARK", "a b");
    let Some(mut host) = setup.start(&project) else { return };
    let home = host.home().display().to_string();
    assert_eq!(said(&host, "echo \"$HOME $MARK\"; exit 7"), (Some(7), format!("{home} a b\n")));
    let asked = "command -v rsync; command -v chaos >/dev/null && exec sh -l -c 'command -v rsync; command -v chaos'";
    let (code, text) = said(&host, asked);
    assert_eq!((code, text.lines().count()), (Some(0), 2), "{text}");
    assert!(text.starts_with("from the profile\n") && text.ends_with("/chaos\n"), "{text}");
    host.change(|setup| setup.shell("fish").rc("echo noise\n"));
    host.down();
    assert_eq!(said(&host, "true").0, Some(255), "nobody is there");
    host.up();
    // Once from the account's own shell, and once from the one that is put in its place.
    let (code, text) = said(&host, "echo fish $FISH_VERSION | string sub -l 4");
    assert_eq!((code, text.as_str()), (Some(0), "noise\nnoise\nfish\n"));
    host.change_key();
    host.down();
    host.up();
    let refused = ssh(&host).arg("true").output().unwrap();
    assert_eq!(refused.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("CHANGED"), "{refused:?}");
    host.trust();
    assert_eq!(said(&host, "true").0, Some(0));
}

#[test]
fn a_machine_says_since_which_boot_it_runs() {
    if !getuid().is_root() {
        return;
    }
    let project = Project::new();
    let own = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let Some(host) = Setup::default().boot("another").start(&project) else { return };
    assert_eq!(said(&host, "cat /proc/sys/kernel/random/boot_id").1, "another\n");
    assert_eq!(std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap(), own);
}

#[test]
fn a_line_is_cut_when_and_where_it_is_asked_to_be() {
    let project = Project::new();
    let Some(host) = Setup::default().start(&project) else { return };
    let line = Line::to(host.port());
    host.address("127.0.0.1", line.port());
    assert_eq!(said(&host, "echo whole").1, "whole\n");
    line.cut_after([100_000, 4_000]);
    let (code, text) = said(&host, "chaos lines 100000");
    assert_eq!((code, line.were_cut()), (Some(255), 1));
    assert!(text.len() < 100_000 && text.starts_with("line 1\n"), "{} bytes", text.len());
    let (code, text) = said(&host, "chaos lines 100000");
    assert_eq!((code, line.were_cut()), (Some(255), 2), "{} bytes", text.len());
    assert_eq!(said(&host, "chaos lines 10").0, Some(0));
    line.sever();
    assert_eq!(said(&host, "true").0, Some(255));
    line.mend();
    let mut waits = ssh(&host).arg("echo up; exec sleep 600").spawn().unwrap();
    wait_until("a connection", || !host.connections().is_empty());
    line.cut();
    assert_eq!(waits.wait().unwrap().code(), Some(255));
    // What stands still goes on.
    line.stall();
    let waits = ssh(&host).arg("echo late").spawn().unwrap();
    wait_until("a connection", || line.connections() >= 6);
    line.flow();
    assert_eq!(waits.wait_with_output().unwrap().stdout, b"late\n");
}

#[test]
fn a_stopped_connection_says_nothing_and_goes_on() {
    let project = Project::new();
    let Some(host) = Setup::default().start(&project) else { return };
    let (gate, begun) = (project.side("gate"), project.side("begun"));
    let command = format!(": >'{}'; chaos wait-for '{}'; echo said", begun.display(), gate.display());
    let talks = ssh(&host).arg(command).spawn().unwrap();
    // Before, there is a process that only lets the user in.
    wait_until("a command to run there", || begun.exists());
    let stopped = host.connections();
    signal_all(&stopped, Signal::STOP);
    wait_until("it to stand still", || stopped.iter().all(|connection| connection.state() == Some('T')));
    project.open_gate("gate");
    signal_all(&stopped, Signal::CONT);
    assert_eq!(talks.wait_with_output().unwrap().stdout, b"said\n");
}

#[test]
fn a_cable_is_drawn_and_put_back() {
    let project = Project::new();
    let Some(mut host) = Setup::default().start(&project) else { return };
    let Some(cable) = Cable::lay() else { return };
    host.move_to(cable.namespace(), cable.far_address());
    assert_eq!(said(&host, "echo over the cable").1, "over the cable\n");
    cable.draw();
    assert_eq!(said(&host, "true").0, Some(255));
    cable.put_back();
    assert_eq!(said(&host, "echo again").1, "again\n");
}
