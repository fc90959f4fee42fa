//! The line to another machine, broken at random and on purpose: what comes over it is what was printed, each stage is
//! started once, its verdict is the true one, and nothing hangs.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use local_ci::outcome::Exit;
use rustix::process::Signal;

use crate::conformance::{Backend, Seen, Ssh, Stage};
use crate::support::{Cable, Identity, Project, signal_all, wait_until};

/// How many numbered lines are a bit more than twenty megabytes.
const LINES: u64 = 1_750_000;
/// Nothing here may take longer, on a busy machine either.
const LIMIT: Duration = Duration::from_mins(3);

/// Numbers that are the same in every run: xorshift64*, by Marsaglia and Vigna.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit
    }
}

/// A stage that counts how often it is started, prints twenty megabytes, and ends with this code.
fn talkative(code: i32) -> Stage {
    Stage::new(format!("echo x >>\"$SIDE/starts\"; chaos lines {LINES}; exit {code}"))
}

/// What it prints.
fn lines() -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let mut text = String::new();
    for number in 1..=LINES {
        let _ = writeln!(text, "line {number}");
        if text.len() > 1 << 20 || number == LINES {
            hasher.update(text.as_bytes());
            text.clear();
        }
    }
    hasher.finalize()
}

#[track_caller]
fn assert_exact(project: &Project, seen: &Seen, code: i32, how: &str) {
    seen.assert(if code == 0 { "passed" } else { "failed" }, Exit::Code(code));
    assert_eq!(fs::read_to_string(project.side("starts")).unwrap(), "x\n", "{how}: started more than once");
    assert!(blake3::hash(&seen.log) == lines(), "{how}: {} bytes that are not what was printed", seen.log.len());
}

/// H126: cut after so and so many bytes, again and again; the first ones within the first words that are exchanged, where
/// a start may have been heard or not.
#[test]
fn h126_cuts_at_random_bytes_lose_and_double_nothing() {
    for seed in 1..=4 {
        let Some(at) = Ssh::new() else { return };
        let mut random = Random(seed);
        at.product.configure(&[talkative(3)]);
        // Before the run the command line makes sure of the line; that is another test's. So the first is spared.
        let spared = [u64::MAX];
        let early = (0..3).map(|_| 3_000 + random.below(6_000)).collect::<Vec<_>>();
        let late = (0..7).map(|_| 5_000 + random.below(3_000_000)).collect::<Vec<_>>();
        let how = format!("seed {seed}, cut after {early:?}, then {late:?}");
        at.line.cut_after(spared.into_iter().chain(early).chain(late));
        let running = at.run_there(&["--output", "quiet"]).limit(LIMIT).spawn();
        let number = at.product.count_run();
        wait_until("the stage to start", || at.project().side("starts").exists());
        at.line.cut();
        let transcript = running.wait().transcript();
        let seen = at.product.seen(number, &["s"], &format!("{how}\n{transcript}")).remove(0);
        assert_exact(at.project(), &seen, 3, &how);
        assert!(at.line.were_cut() >= 3, "{how}: cut {} times only", at.line.were_cut());
        at.assert_nothing_left();
    }
}

/// The same where the cut comes while the run is begun: when it is told, that it could not be had, nothing ran; otherwise
/// all of it did.
#[test]
fn h126_cuts_while_a_run_begins_start_nothing_twice() {
    let mut random = Random(99);
    let Some(at) = Ssh::new() else { return };
    at.product.configure(&[Stage::new("echo x >>\"$SIDE/starts\"; echo it works; exit 3")]);
    for round in 0..12 {
        let starts = at.project().side("starts");
        let _ = fs::remove_file(&starts);
        let after = 1_500 + random.below(9_000);
        // No line is there: the master of the round before is gone with the line.
        at.line.cut();
        at.line.cut_after([after]);
        let finished = at.run_there(&["--output", "quiet"]).limit(LIMIT).output();
        let how = format!("round {round}, cut after {after}\n{}", finished.transcript());
        let started = fs::read_to_string(&starts).unwrap_or_default();
        match finished.status.code() {
            Some(1) => assert_eq!(started, "x\n", "{how}"),
            Some(3) => assert_eq!(started, "", "{how}"),
            code => panic!("{code:?}: {how}"),
        }
    }
    at.assert_nothing_left();
}

/// Processes of the line are killed at either end while it is in use: the server's for the connection, and the client that
/// is shared here.
#[test]
fn h126_killed_processes_of_the_line_lose_nothing() {
    let mut random = Random(7);
    let Some(at) = Ssh::new() else { return };
    at.product.configure(&[talkative(0)]);
    let running = at.run_there(&["--output", "quiet"]).limit(LIMIT).spawn();
    let number = at.product.count_run();
    wait_until("the stage to start", || at.project().side("starts").exists());
    for round in 0..6 {
        let before = at.line.carried();
        let more = random.below(2_000_000);
        let is_over = || at.project().last_word(number).is_some();
        wait_until("some more to come", || at.line.carried() >= before + more || is_over());
        let killed: Vec<Identity> = if round % 2 == 0 { at.host().connections() } else { at.masters() };
        signal_all(&killed, Signal::KILL);
    }
    let transcript = running.wait().transcript();
    let seen = at.product.seen(number, &["s"], &transcript).remove(0);
    assert_exact(at.project(), &seen, 0, "killed at either end");
    at.assert_nothing_left();
}

/// H127: stalled while it streams, with nobody told: it is noticed, and made anew.
#[test]
fn h127_a_stalled_line_is_noticed_while_it_streams() {
    let Some(at) = Ssh::new() else { return };
    at.product.configure(&[talkative(0)]);
    let running = at.run_there(&["--output", "quiet"]).limit(LIMIT).spawn();
    let number = at.product.count_run();
    wait_until("some of it to come", || at.line.carried() > 1_000_000);
    let stopped = at.host().connections();
    signal_all(&stopped, Signal::STOP);
    let transcript = running.wait().transcript();
    signal_all(&stopped, Signal::KILL);
    let seen = at.product.seen(number, &["s"], &transcript).remove(0);
    assert_exact(at.project(), &seen, 0, "stalled");
    at.assert_nothing_left();
}

/// H126 with a real cable: drawn for longer than the line's patience, and shortly, while it streams and at the stage's end.
#[test]
fn h126_a_drawn_cable_loses_nothing() {
    let Some(at) = Ssh::new() else { return };
    let Some(cable) = Cable::lay() else { return };
    at.host_mut().move_to(cable.namespace(), cable.far_address());
    at.product.configure(&[Stage::new(format!(
        "echo x >>\"$SIDE/starts\"; chaos lines {half}; chaos wait-for \"$SIDE/go\"; chaos touch \"$SIDE/over\"; exit 3",
        half = LINES / 10
    ))]);
    let running = at.run_there(&["--output", "quiet"]).limit(LIMIT).spawn();
    let number = at.product.count_run();
    wait_until("the stage to start", || at.project().side("starts").exists());
    cable.draw();
    at.wait_for_news(number, "down");
    cable.put_back();
    at.wait_for_news(number, "up");
    // And across the end.
    cable.draw();
    at.project().open_gate("go");
    wait_until("the end of the stage", || at.project().side("over").exists());
    cable.put_back();
    let transcript = running.wait().assert_code(1).transcript();
    let seen = at.product.seen(number, &["s"], &transcript).remove(0);
    seen.assert("failed", Exit::Code(3));
    let printed = (1..=LINES / 10).fold(String::new(), |text, line| text + &format!("line {line}\n"));
    assert!(seen.text() == printed, "{} bytes instead of {}", seen.log.len(), printed.len());
    assert_eq!(fs::read_to_string(at.project().side("starts")).unwrap(), "x\n");
    at.assert_nothing_left();
}
