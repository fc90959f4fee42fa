//! Having a stage end that does not want to.

use std::time::Duration;

use crate::conformance::backend::{Backend, Stage};

/// Time enough for a process to hear of its end on a busy machine, and little enough to wait for.
const GRACE: Duration = Duration::from_millis(500);

pub(crate) fn what_ignores_sigterm_is_killed(at: &impl Backend) {
    let begun = at.start(&[Stage::new("echo begun; exec chaos ignore-term --pid-file \"$SIDE/pid\"").grace(GRACE)]);
    let stage = at.project().identity("pid");
    begun.stop();
    assert!(!stage.is_alive(), "it lives");
    let seen = begun.wait().remove(0);
    assert_eq!((seen.status.as_str(), seen.text().as_str()), ("cancelled", "begun\n"), "{}", seen.said);
    at.assert_nothing_left();
}

/// H144: the tree is ended, not the shell alone, and wherever its processes went.
pub(crate) fn what_left_the_session_is_found(at: &impl Backend) {
    for way in ["--setsid", "--double", "--double --hold-stdout"] {
        let run = format!(
            "chaos fork-daemon {way} --pid-file \"$SIDE/daemon\"; exec chaos sleep 600 --pid-file \"$SIDE/pid\""
        );
        let begun = at.start(&[Stage::new(run).grace(GRACE)]);
        let (stage, daemon) = (at.project().identity("pid"), at.project().identity("daemon"));
        begun.stop();
        assert!(!stage.is_alive() && !daemon.is_alive(), "{way}: it lives");
        let seen = begun.wait().remove(0);
        assert_eq!(seen.status, "cancelled", "{way}: {}", seen.said);
        for name in ["pid", "daemon"] {
            std::fs::remove_file(at.project().side(name)).unwrap();
        }
    }
    at.assert_nothing_left();
}

pub(crate) fn a_time_limit_holds(at: &impl Backend) {
    let run = "echo begun; chaos fork-daemon --double --pid-file \"$SIDE/daemon\"; \
               exec chaos ignore-term --pid-file \"$SIDE/pid\"";
    let limit = Duration::from_secs(2);
    let seen = at.run_one(Stage::new(run).within(limit).grace(GRACE));
    assert_eq!((seen.status.as_str(), seen.text().as_str()), ("timed_out", "begun\n"), "{}", seen.said);
    assert!(seen.took >= limit && seen.took < Duration::from_mins(1), "{}", seen.said);
    for name in ["pid", "daemon"] {
        assert!(!at.project().identity(name).is_alive(), "{name} lives");
    }
    at.assert_nothing_left();
}

pub(crate) fn what_is_left_behind_is_said_and_killed(at: &impl Backend) {
    let seen =
        at.run_one(Stage::new("chaos fork-daemon --double --hold-stdout --pid-file \"$SIDE/daemon\"; echo started"));
    assert_eq!((seen.status.as_str(), seen.text().as_str()), ("passed", "started\n"), "{}", seen.said);
    assert!(!at.project().identity("daemon").is_alive(), "it lives");
    assert_eq!(seen.leaked, 1, "{}", seen.said);
    assert!(seen.took < Duration::from_mins(1), "the stage waited for it: {}", seen.said);
    at.assert_nothing_left();
}
