//! Limits that are kept there, for the time in which here cannot reach it: nobody here cancels anything.

use std::fs;
use std::time::Duration;

use super::harness::{Ends, Log, Machine, wait_until};
use crate::cancel::CancelToken;
use crate::executor::{Executor, Job};
use crate::outcome::Exit;
use crate::process::table::ticks_now;

/// H47: TERM at the limit, KILL a grace later, and the verdict says so. A little later than here would.
#[test]
fn h47_a_limit_is_kept_there() {
    let machine = Machine::new();
    let script = "trap 'echo asked' TERM; setsid sleep 600 & while :; do sleep 600 & wait || :; done";
    let job = Job { limit: Some(Duration::from_millis(10)), grace: Duration::from_millis(100), ..machine.sh(script) };
    let began = ticks_now();
    let (result, log) = machine.execute(&job);
    assert!(ticks_now() - began >= 210);
    let ended = result.unwrap();
    assert_eq!((ended.exit, String::from_utf8_lossy(&log.bytes).into_owned()), (Exit::Signal(9), "asked\n".into()));
    let verdict = fs::read_to_string(machine.attempt().join("verdict")).unwrap();
    assert!(verdict.contains(",limit"), "{verdict}");
    assert_eq!(machine.processes(), Vec::<String>::new());
}

/// H47: paused time does not count, there either.
#[test]
fn h47_a_pause_stops_the_limit() {
    let machine = Machine::new();
    // In time, if what it stood still is not counted; its own naps end while it stands still.
    let script = ": >ready; while [ ! -e go ]; do sleep 0.1; done; echo in time";
    let job = Job { limit: Some(Duration::from_millis(10)), ..machine.sh(script) };
    let (tell, told) = crossbeam_channel::unbounded();
    let token = CancelToken::answered(move |heard| drop(tell.send(heard)));
    let mut log = Log::default();
    let ended = std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.executor.execute(&job, &mut log, &token));
        let ends = Ends(token.clone());
        let token = &ends.0;
        wait_until(|| machine.path("work/ready").exists());
        token.hold(true);
        told.recv().unwrap();
        let until = ticks_now() + 350;
        wait_until(|| ticks_now() >= until);
        assert!(!machine.attempt().join("limit.2").exists());
        fs::write(machine.path("work/go"), "").unwrap();
        token.hold(false);
        running.join().unwrap().unwrap()
    });
    assert_eq!((ended.exit, log.bytes.as_slice()), (Exit::Code(0), b"in time\n".as_slice()));
    assert!(ended.took.unwrap() < Duration::from_secs(3), "{ended:?}");
}

/// What keeps the limit ends with the stage, and leaves nothing that waits.
#[test]
fn what_keeps_a_limit_ends_with_the_stage() {
    let machine = Machine::new();
    let job = Job { limit: Some(Duration::from_secs(987_654)), ..machine.sh("true") };
    assert_eq!(machine.execute(&job).0.unwrap().exit, Exit::Code(0));
    let wrapper = fs::read_to_string(machine.attempt().join("pid")).unwrap();
    let session: i32 = wrapper.split(' ').next().unwrap().parse().unwrap();
    let table = || crate::process::table::Table::read().unwrap();
    wait_until(|| {
        let table = table();
        !table.descendants(0, &[]).iter().chain(&table.descendants(1, &[])).any(|entry| entry.session == session)
    });
}
