//! What can be shown of a line without ssh: cuts, another boot, and a start that is asked for twice.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use local_ci::outcome::Exit;
use rustix::process::Signal;

use crate::conformance::backend::{Backend, Seen, Stage};
use crate::conformance::near::{Going, Here};
use crate::support::{Identity, wait_until};

/// A stage that counts its starts, prints, waits for the gate, and prints again.
fn gated() -> Stage {
    Stage::new(
        "echo x >>\"$SIDE/starts\"; chaos lines 20000; chaos touch \"$SIDE/up\"; chaos wait-for \"$SIDE/go\"; \
         chaos lines 30000; echo done; exit 3",
    )
}

#[track_caller]
fn assert_whole(at: &Here, seen: &Seen) {
    seen.assert("failed", Exit::Code(3));
    let lines = |count| (1..=count).fold(String::new(), |text, n| text + &format!("line {n}\n"));
    assert!(seen.text() == lines(20_000) + &lines(30_000) + "done\n", "{} bytes", seen.log.len());
    assert_eq!(fs::read_to_string(at.project.side("starts")).unwrap(), "x\n", "started more than once");
}

fn wait_for_start(at: &Here) {
    wait_until("the stage to be up", || at.project.side("up").exists());
}

/// The same start twice: the second time it is there, and all that it has printed is told from its first byte on.
pub(crate) fn one_id_is_started_once() {
    let Some(mut at) = Here::new() else { return };
    at.give_up = Duration::from_secs(1);
    let run = at.next_run();
    let first = Going::start(&Arc::new(at.executor(&run)), at.job(&run, &gated()));
    wait_for_start(&at);
    at.pipes.sever();
    let left = first.end();
    assert_eq!(left.status, "left", "{}", left.said);
    at.pipes.mend();
    let second = Going::start(&Arc::new(at.executor(&run)), at.job(&run, &gated()));
    at.project.open_gate("go");
    assert_whole(&at, &second.end());
    at.assert_nothing_left();
}

/// H126, as often as there is something to cut.
pub(crate) fn a_cut_of_its_pipes_loses_nothing(at: &Here) {
    let begun = at.start(&[gated()]);
    // While it is started or prints, while it is silent, and across its end.
    wait_until("the stage to be begun", || at.project.side("starts").exists());
    at.pipes.cut();
    wait_for_start(at);
    wait_until("a shell", || at.pipes.open_shells() > 0);
    at.pipes.sever();
    at.project.open_gate("go");
    wait_until("the verdict to be there", || at.attempts_there().values().any(|dir| dir.join("verdict").exists()));
    at.pipes.mend();
    assert_whole(at, &begun.wait().remove(0));
    at.assert_nothing_left();
}

pub(crate) fn a_time_limit_holds_without_its_pipes(at: &Here) {
    let run = "echo begun; chaos fork-daemon --double --pid-file \"$SIDE/daemon\"; \
               exec chaos ignore-term --pid-file \"$SIDE/pid\"";
    let stage = Stage::new(run).within(Duration::from_secs(3)).grace(Duration::from_millis(500));
    let begun = at.start(&[stage]);
    let there = ["pid", "daemon"].map(|name| at.project.identity(name));
    at.pipes.sever();
    for process in there {
        process.assert_gone();
    }
    at.pipes.mend();
    let seen = begun.wait().remove(0);
    assert_eq!((seen.status.as_str(), seen.text().as_str()), ("timed_out", "begun\n"), "{}", seen.said);
    at.assert_nothing_left();
}

/// It is left to itself, and whoever joins it later has the rest: from the byte where this side stopped.
pub(crate) fn what_is_given_up_is_joined_later() {
    let Some(mut at) = Here::new() else { return };
    at.give_up = Duration::from_secs(1);
    let run = at.next_run();
    let first = Going::start(&Arc::new(at.executor(&run)), at.job(&run, &gated()));
    wait_for_start(&at);
    wait_until("some of it to come", || !first.log().is_empty());
    at.pipes.sever();
    let left = first.end();
    assert_eq!(left.status, "left", "{}", left.said);
    at.project.open_gate("go");
    at.pipes.mend();
    let mut job = at.job(&run, &gated());
    job.resumes = Some(left.log.len() as u64);
    let mut seen = Going::start(&Arc::new(at.executor(&run)), job).end();
    seen.log.splice(0..0, left.log);
    assert_whole(&at, &seen);
    // Of one that was never started there, nothing is started by joining it.
    let mut job = at.job(&at.next_run(), &gated());
    job.resumes = Some(0);
    let seen = Going::start(&Arc::new(at.executor(&job.run)), job).end();
    assert_eq!((seen.status.as_str(), seen.log.len()), ("errored", 0), "{}", seen.said);
    assert_eq!(fs::read_to_string(at.project.side("starts")).unwrap(), "x\n");
    at.assert_nothing_left();
}

/// H132: what ran is gone with the boot, and it is not begun anew.
pub(crate) fn another_boot_is_said(at: &Here) {
    let begun = at.start(&[Stage::new("echo x >>\"$SIDE/starts\"; exec chaos sleep 600 --pid-file \"$SIDE/pid\"")]);
    let stage = at.project.identity("pid");
    at.pipes.sever();
    // The wrapper, whose session leader the stage is none of; and the stage.
    for dir in at.attempts_there().values() {
        let pid = fs::read_to_string(dir.join("pid")).unwrap();
        Identity::of(pid.split(' ').next().unwrap().parse().unwrap()).unwrap().kill(Signal::KILL);
    }
    stage.kill(Signal::KILL);
    stage.assert_gone();
    at.reboot();
    at.pipes.mend();
    let seen = begun.wait().remove(0);
    assert_eq!(seen.status, "errored", "{}", seen.said);
    assert!(seen.said.contains("started anew") || seen.said.contains("reboot"), "{}", seen.said);
    assert_eq!(fs::read_to_string(at.project.side("starts")).unwrap(), "x\n");
    at.assert_nothing_left();
}

/// H24 there: the wrapper is killed. Nobody knows how the stage would have ended, and it does not go on by itself; a
/// verdict that somebody planted changes nothing.
pub(crate) fn a_killed_wrapper_is_no_verdict(at: &Here) {
    for planted in [None, Some(""), Some("0\n"), Some("local-ci 1 guessed code 0 1 0 - end\n")] {
        let begun = at.start(&[Stage::new("echo begun; exec chaos sleep 600 --pid-file \"$SIDE/pid\"")]);
        let stage = at.project.identity("pid");
        let attempts = at.attempts_there();
        let dir = attempts.values().find(|dir| dir.join("pid").exists()).unwrap();
        if let Some(planted) = planted {
            fs::write(dir.join("verdict"), planted).unwrap();
        }
        let pid = fs::read_to_string(dir.join("pid")).unwrap();
        Identity::of(pid.split(' ').next().unwrap().parse().unwrap()).unwrap().kill(Signal::KILL);
        let seen = begun.wait().remove(0);
        assert_eq!(seen.status, "errored", "{planted:?}: {}", seen.said);
        // What plants a verdict ends itself for those who ask for its end.
        assert!(planted.is_some() || !stage.is_alive(), "the stage goes on");
        stage.kill(Signal::KILL);
        fs::remove_file(at.project.side("pid")).unwrap();
        let _ = fs::remove_dir_all(dir);
    }
    at.assert_nothing_left();
}
