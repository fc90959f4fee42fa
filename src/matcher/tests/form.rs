//! Expressions of lines that come one after the other.

use super::*;
use crate::event::Severity;

fn pattern(regex: &str) -> Pattern {
    Pattern { regex: regex.into(), groups: Groups::named(&compile(regex).unwrap()) }
}

fn own(patterns: &[&str], repeats: bool) -> Vec<Annotate> {
    let patterns = patterns.iter().map(|regex| pattern(regex)).collect();
    let form = Definition { severity: Severity::Warning, patterns, repeats };
    vec![Annotate::Own(Matcher { name: "own".into(), parts: vec![Part::Form(form)] })]
}

#[test]
fn the_last_line_comes_again_and_again() {
    let annotate = own(&[r"^FILE (?<file>.+)$", r"^ (?<line>\d+) (?<severity>\w+) (?<message>.+)$"], true);
    let text =
        "FILE a.c\n 1 error one\n 2 info two\n 3 what three\nend\n 4 error four\nFILE b.c\nFILE c.c\n 5 error five\n";
    insta::assert_snapshot!(shown(&found(&annotate, text)), @"
    a.c:1 own error: one
    a.c:2 own note: two
    a.c:3 own warning: three
    c.c:5 own error: five
    ");
}

#[test]
fn a_line_that_breaks_off_may_begin_another() {
    let annotate = own(&["^a (?<file>.+)$", "^b$", "^c (?<message>.+)$"], false);
    assert_eq!(shown(&found(&annotate, "a x\na y\nb\nc one\nc two\na z\nb\nb\nc three")), "y own warning: one\n");
}

#[test]
fn a_location_is_one_group_or_four() {
    let annotate = own(&[r"^(?<file>.+)\((?<location>[0-9,]+)\): (?<message>.+)$"], false);
    let text = "a(1): one\na(1,2): two\na(1,2,3,4): three\na(0): none";
    assert_eq!(
        shown(&found(&annotate, text)),
        "a:1 own warning: one\na:1:2 own warning: two\na:1:2-3:4 own warning: three\na own warning: none\n"
    );
}

#[test]
fn what_is_said_twice_is_found_once() {
    let annotate = own(&["^(?<file>.+): (?<message>.+)$"], false);
    assert_eq!(found(&annotate, "a: x\na: x\na: y\nb: x\n").len(), 3);
}

/// A warning about a file of somebody else is nothing to mend here; an error is, wherever it shows.
#[test]
fn what_is_outside_of_the_project_is_an_error_without_a_place_or_nothing() {
    let annotate = own(&["^(?<file>.+):(?<line>[0-9]+): (?<severity>error|warning) (?<message>.+)$"], false);
    let text = "/usr/include/x.h:3: warning a\n../x.h:4: error b\n";
    assert_eq!(shown(&found(&annotate, text)), "own error: b (at ../x.h:4)\n");
}
