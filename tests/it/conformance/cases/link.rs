//! A line that fails, and processes here that die: what runs there does not care, and nothing of it is lost.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use local_ci::outcome::Exit;
use rustix::process::Signal;

use crate::conformance::backend::{Backend, Seen, Stage};
use crate::conformance::elsewhere::Ssh;
use crate::support::{signal_all, wait_until};

/// A stage that says that it began, counts how often it did, and goes on in parts: after each, the test opens a gate.
fn in_parts(parts: u32) -> Stage {
    let mut run = "echo x >>\"$SIDE/starts\"; chaos lines 1000; echo part 0; chaos touch \"$SIDE/at0\"".to_owned();
    for n in 1..=parts {
        let _ = write!(
            run,
            "; chaos wait-for \"$SIDE/go{n}\"; chaos lines {n}000; echo part {n}; chaos touch \"$SIDE/at{n}\""
        );
    }
    Stage::new(run)
}

/// Fails unless all parts were printed, each once, by one start.
#[track_caller]
fn assert_whole(at: &impl Backend, seen: &Seen, parts: u32) {
    seen.assert("passed", Exit::Code(0));
    let mut all = String::new();
    for n in 0..=parts {
        all.extend((1..=n.max(1) * 1000).map(|line| format!("line {line}\n")));
        let _ = writeln!(all, "part {n}");
    }
    assert!(seen.text() == all, "{} bytes instead of {}\n{}", seen.log.len(), all.len(), seen.said);
    assert_eq!(fs::read_to_string(at.project().side("starts")).unwrap(), "x\n", "started more than once");
}

fn wait_for_part(at: &impl Backend, n: u32) {
    wait_until(&format!("part {n} to be over"), || at.project().side(&format!("at{n}")).exists());
}

/// Waits until what the stage printed up to the end of this part is written down here.
fn wait_for_log(at: &Ssh, number: u64, n: u32) {
    let end = format!("part {n}\n");
    let log = at.product.project.run_dir(number).join("logs/s.log");
    wait_until(&format!("the end of part {n} to arrive"), || {
        fs::read_to_string(&log).is_ok_and(|text| text.ends_with(&end))
    });
}

/// H126: cut in the middle of it, as often as there are parts.
pub(crate) fn a_cut_loses_nothing(at: &Ssh) {
    let begun = at.start(&[in_parts(4)]);
    for n in 1..=4 {
        wait_for_part(at, n - 1);
        at.line.cut();
        at.project().open_gate(&format!("go{n}"));
    }
    let seen = begun.wait().remove(0);
    assert_whole(at, &seen, 4);
    at.assert_nothing_left();
}

/// H126: for longer than the first tries take. The stage goes on meanwhile, and prints.
pub(crate) fn a_long_cut_loses_nothing(at: &Ssh) {
    let begun = at.start(&[in_parts(2)]);
    wait_for_part(at, 0);
    wait_for_log(at, 1, 0);
    at.line.sever();
    at.project().open_gate("go1");
    wait_for_part(at, 1);
    wait_until("two tries to have been in vain", || {
        at.news(1, "down").iter().any(|news| news["attempt"].as_u64() >= Some(2))
    });
    at.line.mend();
    wait_for_log(at, 1, 1);
    at.project().open_gate("go2");
    let seen = begun.wait().remove(0);
    assert_whole(at, &seen, 2);
    assert!(seen.said.contains("reconnect"), "nobody was told: {}", seen.said);
    at.assert_nothing_left();
}

pub(crate) fn a_cut_across_the_end_loses_nothing(at: &Ssh) {
    let begun = at.start(&[in_parts(1)]);
    wait_for_part(at, 0);
    wait_for_log(at, 1, 0);
    at.line.sever();
    at.project().open_gate("go1");
    wait_for_part(at, 1);
    wait_until("the verdict to be there", || at.attempts_there().iter().any(|dir| dir.join("verdict").exists()));
    at.line.mend();
    let seen = begun.wait().remove(0);
    assert_whole(at, &seen, 1);
    at.assert_nothing_left();
}

/// H127: the other end is there and does not answer, as behind a router that forgot the connection.
pub(crate) fn a_line_that_stalls_is_given_up_and_made_anew(at: &Ssh) {
    let begun = at.start(&[in_parts(1)]);
    wait_for_part(at, 0);
    wait_for_log(at, 1, 0);
    let stopped: Vec<_> = at.host().connections();
    assert!(!stopped.is_empty());
    signal_all(&stopped, Signal::STOP);
    at.project().open_gate("go1");
    let seen = begun.wait().remove(0);
    assert_whole(at, &seen, 1);
    signal_all(&stopped, Signal::KILL);
    at.assert_nothing_left();
}

/// The server's end of the line is killed, as where memory ran out there.
pub(crate) fn a_killed_server_process_loses_nothing(at: &Ssh) {
    let begun = at.start(&[in_parts(2)]);
    for n in 1..=2 {
        wait_for_part(at, n - 1);
        signal_all(&at.host().connections(), Signal::KILL);
        at.project().open_gate(&format!("go{n}"));
    }
    let seen = begun.wait().remove(0);
    assert_whole(at, &seen, 2);
    at.assert_nothing_left();
}

/// H23: the command line is killed; the run goes on, and whoever attaches sees all of it.
pub(crate) fn a_killed_command_line_loses_nothing(at: &Ssh) {
    at.product.configure(&[in_parts(1)]);
    at.run_there(&["-d"]).output().assert_code(0);
    let number = at.product.count_run();
    wait_for_part(at, 0);
    let first = at.product.local_ci(&["attach", "1"]).spawn();
    first.wait_for_stdout("part 0\n");
    first.kill(Signal::KILL);
    first.wait().assert_signal(Signal::KILL);
    at.project().open_gate("go1");
    let attached = at.product.local_ci(&["attach", "1"]).output().assert_code(0);
    assert!(
        attached.stdout().contains("part 0\n") && attached.stdout().contains("part 1\n"),
        "{}",
        attached.transcript()
    );
    let seen = at.product.seen(number, &["s"], &attached.transcript()).remove(0);
    assert_whole(at, &seen, 1);
    at.assert_nothing_left();
}

/// H24: the supervisor is killed. What it ran here would end with it; what runs there goes on, and the run is taken over.
pub(crate) fn a_killed_supervisor_is_replaced(at: &Ssh) {
    at.product.configure(&[in_parts(2), Stage::new("echo after").named("after")]);
    let running = at.run_there(&["-j1", "s", "after"]).spawn();
    let number = at.product.count_run();
    wait_for_part(at, 0);
    wait_for_log(at, 1, 0);
    at.project().supervisor(1).kill(Signal::KILL);
    let lost = running.wait().assert_code(3);
    assert!(
        lost.stderr().contains("local-ci attach 1") || lost.stdout().contains("local-ci attach 1"),
        "{}",
        lost.transcript()
    );
    at.project().open_gate("go1");
    wait_for_part(at, 1);
    let attached = at.product.local_ci(&["attach", "1"]).spawn();
    wait_for_log(at, 1, 1);
    at.project().open_gate("go2");
    let attached = attached.wait().assert_code(0);
    let seen = at.product.seen(number, &["s", "after"], &attached.transcript());
    assert_whole(at, &seen[0], 2);
    assert_eq!((seen[1].status.as_str(), seen[1].text().as_str()), ("passed", "after\n"), "{}", seen[1].said);
    at.assert_nothing_left();
}

/// However many want to, one takes it over, the others follow, and nothing is started twice.
pub(crate) fn taking_over_twice_starts_nothing_twice(at: &Ssh) {
    at.product.configure(&[in_parts(1)]);
    at.run_there(&["-d"]).output().assert_code(0);
    let number = at.product.count_run();
    wait_for_part(at, 0);
    at.project().supervisor(1).kill(Signal::KILL);
    let both = [(); 2].map(|()| at.product.local_ci(&["attach", "1"]).spawn());
    at.project().open_gate("go1");
    let both = both.map(|attached| attached.wait().assert_code(0).transcript());
    let seen = at.product.seen(number, &["s"], &both.concat()).remove(0);
    assert_whole(at, &seen, 1);
    at.assert_nothing_left();
}

/// The limit is kept there too: it holds while nobody here can reach it.
pub(crate) fn a_time_limit_holds_while_the_line_is_down(at: &Ssh) {
    let run = "echo begun; chaos fork-daemon --double --pid-file \"$SIDE/daemon\"; \
               exec chaos ignore-term --pid-file \"$SIDE/pid\"";
    let stage = Stage::new(run).within(Duration::from_secs(4)).grace(Duration::from_millis(500));
    let begun = at.start(&[stage]);
    let there = ["pid", "daemon"].map(|name| at.project().identity(name));
    at.line.sever();
    for process in there {
        process.assert_gone();
    }
    at.line.mend();
    let seen = begun.wait().remove(0);
    assert_eq!((seen.status.as_str(), seen.text().as_str()), ("timed_out", "begun\n"), "{}", seen.said);
    at.assert_nothing_left();
}

/// What is to end ends, as soon as there is a way to tell it.
pub(crate) fn what_is_stopped_while_the_line_is_down_ends(at: &Ssh) {
    let begun = at.start(&[Stage::new("echo begun; exec chaos sleep 600 --pid-file \"$SIDE/pid\"")]);
    let there = at.project().identity("pid");
    at.line.sever();
    let stopping = at.product.local_ci(&["stop", "1"]).spawn();
    at.project().wait_for_event(1, "cancelling");
    at.line.mend();
    stopping.wait();
    there.assert_gone();
    let seen = begun.wait().remove(0);
    assert_eq!(seen.status, "cancelled", "{}", seen.said);
    at.assert_nothing_left();
}

/// After the time that was asked for nobody waits any longer: the run is left to itself, and the way back is said.
pub(crate) fn what_is_given_up_can_be_taken_over(at: &Ssh) {
    at.product.configure_with("[remotes.box]\nhost = \"box\"\ngive-up = \"2s\"", &[in_parts(1)]);
    let running = at.run_there(&[]).spawn();
    let number = at.product.count_run();
    wait_for_part(at, 0);
    wait_for_log(at, 1, 0);
    at.line.sever();
    let left = running.wait().assert_code(3);
    let said = left.stdout() + &left.stderr();
    assert!(said.contains("local-ci attach 1"), "{}", left.transcript());
    at.line.mend();
    at.project().open_gate("go1");
    wait_for_part(at, 1);
    let attached = at.product.local_ci(&["attach", "1"]).output().assert_code(0);
    let seen = at.product.seen(number, &["s"], &attached.transcript()).remove(0);
    assert_whole(at, &seen, 1);
    at.assert_nothing_left();
}
