//! A line of no interest is of none to any matcher.

use super::*;

/// Nobody takes a line for what it is not.
#[test]
fn a_plain_log_has_nothing_in_it() {
    let line =
        "2026-01-01T00:00:00Z  INFO worker{id=7}: handled request GET /api/items/42 in 3.1 ms, 200, 1832 bytes\n";
    let all: Vec<Annotate> = BuiltIn::ALL.iter().map(|one| Annotate::BuiltIn(*one)).collect();
    assert_eq!(shown(&found(&all, &line.repeat(1000))), "");
}
