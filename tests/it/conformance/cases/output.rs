//! What a stage prints arrives: all of it, once, in its order.

use std::time::Duration;

use local_ci::outcome::Exit;

use crate::conformance::backend::{Backend, Stage};

pub(crate) fn a_hundred_megabytes_arrive(at: &impl Backend) {
    let seen = at.run_one(Stage::new("chaos flood 100M; echo the end"));
    seen.assert("passed", Exit::Code(0));
    let flood = {
        let mut line = vec![b'x'; 79];
        line.push(b'\n');
        let mut flood: Vec<u8> = line.iter().copied().cycle().take(100 << 20).collect();
        flood.extend_from_slice(b"the end\n");
        flood
    };
    assert_eq!(seen.log.len(), flood.len());
    assert_eq!(blake3::hash(&seen.log), blake3::hash(&flood));
    at.assert_nothing_left();
}

pub(crate) fn the_last_line_needs_no_end(at: &impl Backend) {
    let seen = at.run_one(Stage::new("echo whole; printf 'not yet'"));
    seen.assert("passed", Exit::Code(0));
    assert_eq!(seen.text(), "whole\nnot yet");
    let seen = at.run_one(Stage::new("true"));
    assert_eq!((seen.status.as_str(), seen.text().as_str()), ("passed", ""), "{}", seen.said);
    at.assert_nothing_left();
}

/// Every byte there is, some of which a shell, a terminal or a protocol of lines would keep for itself. H135: nothing is
/// wrapped, and no blank is lost at the end of a line.
pub(crate) fn any_bytes_arrive(at: &impl Backend) {
    let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).chain(*b"\0\0\r\n\r\x1b[2J\x1b]0;title\x07 \t \n").collect();
    let digits = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let wide = "w".repeat(200);
    let seen = at.run_one(Stage::new(format!("chaos print-hex {digits}; echo '{wide}   '")));
    seen.assert("passed", Exit::Code(0));
    let expected = [bytes.as_slice(), wide.as_bytes(), b"   \n"].concat();
    assert!(seen.log == expected, "{:?}", seen.text());
    at.assert_nothing_left();
}

/// Elsewhere both go into one file, so this is promised; here it is so for a program that waits between its writes.
pub(crate) fn both_streams_keep_their_order(at: &impl Backend) {
    let run = "for n in 1 2 3; do echo out $n; sleep 0.1; echo err $n >&2; sleep 0.1; done";
    let seen = at.run_one(Stage::new(run));
    seen.assert("passed", Exit::Code(0));
    assert_eq!(seen.text(), "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
    at.assert_nothing_left();
}

/// H127, H138: longer than the beat of the line's heart; nobody takes it for an end.
pub(crate) fn silence_is_no_end(at: &impl Backend) {
    let seen = at.run_one(Stage::new("echo before; chaos sleep 6; echo after"));
    seen.assert("passed", Exit::Code(0));
    assert_eq!(seen.text(), "before\nafter\n");
    assert!(seen.took >= Duration::from_secs(6), "{}", seen.said);
    at.assert_nothing_left();
}
