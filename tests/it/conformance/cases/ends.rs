//! How a stage ends by itself.

use local_ci::outcome::Exit;

use crate::conformance::backend::{Backend, Stage};

pub(crate) fn ok(at: &impl Backend) {
    let seen = at.run_one(Stage::new("echo it works"));
    seen.assert("passed", Exit::Code(0));
    assert_eq!(seen.text(), "it works\n");
    assert_eq!(seen.leaked, 0, "{}", seen.said);
    at.assert_nothing_left();
}

/// H130: 255 is what ssh says of itself; here it is the command that says so.
pub(crate) fn exit_codes_are_the_commands_own(at: &impl Backend) {
    let codes = [1, 3, 127, 137, 255];
    let stages = codes.map(|code| Stage::new(format!("echo {code}; exit {code}")).named(format!("s{code}")));
    for (code, seen) in codes.iter().zip(at.run(&stages)) {
        seen.assert("failed", Exit::Code(*code));
        assert_eq!(seen.text(), format!("{code}\n"));
    }
    at.assert_nothing_left();
}

pub(crate) fn a_signal_is_no_code(at: &impl Backend) {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("SEGV", 11)] {
        let seen = at.run_one(Stage::new(format!("echo $$; kill -s {name} $$; sleep 600")));
        seen.assert("failed", Exit::Signal(number));
    }
    at.assert_nothing_left();
}

pub(crate) fn a_command_that_is_not_there_is_the_stages_fault(at: &impl Backend) {
    let seen = at.run_one(Stage::new("no-such-command-as-this"));
    seen.assert("failed", Exit::Code(127));
    assert!(seen.text().contains("no-such-command-as-this"), "{}", seen.text());
    at.assert_nothing_left();
}

/// Each prints its own, for a while, and all of it is its own.
pub(crate) fn twenty_stages_run_side_by_side(at: &impl Backend) {
    let all_up = "i=0; while [ $i -lt 20 ]; do i=$((i+1)); chaos wait-for \"$SIDE/up$i\"; done";
    let stages: Vec<_> = (1..=20)
        .map(|n| Stage::new(format!("chaos touch \"$SIDE/up{n}\"; {all_up}; chaos lines {n}000; echo {n} is done")))
        .enumerate()
        .map(|(index, stage)| stage.named(format!("s{}", index + 1)))
        .collect();
    for (n, seen) in (1..).zip(at.run(&stages)) {
        seen.assert("passed", Exit::Code(0));
        let lines = (1..=n * 1000).fold(String::new(), |text, line| text + &format!("line {line}\n"));
        assert!(seen.text() == format!("{lines}{n} is done\n"), "s{n} printed {} bytes", seen.log.len());
    }
    at.assert_nothing_left();
}
