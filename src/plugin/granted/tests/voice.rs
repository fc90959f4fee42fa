//! H160: what a plugin says, however much it is.

use std::path::Path;

use super::Bench;
use crate::event::{Annotation, Severity, Spot};
use crate::pipeline::plugin::Grants;
use crate::plugin::granted::presentable;
use crate::plugin::services::{Level, Services};

fn annotation(path: &str, line: u32) -> Annotation {
    let at = Spot { path: path.to_owned(), line: Some(line), column: Some(0), end_line: None, end_column: None };
    Annotation {
        severity: Severity::Warning,
        message: "found".to_owned(),
        code: None,
        title: None,
        at: Some(at),
        source: "x".to_owned(),
    }
}

#[test]
fn h160_a_text_of_several_lines_is_several_lines() {
    let bench = Bench::at(Path::new("/"));
    let heard = bench.heard.clone();
    let mut granted = bench.granted(&Grants::default());
    granted.log(Level::Info, "a\r\nb\n");
    granted.log(Level::Warn, "c\n\nd");
    granted.log(Level::Error, "");
    granted.log(Level::Debug, "never");
    granted.log(Level::Trace, "never");
    granted.log(Level::Info, "\x1b[2J::error::x\0");
    // As a command's output is: made harmless where it is shown.
    assert_eq!(heard.lines(), ["a", "b", "warning: c", "", "d", "error: ", "\x1b[2J::error::x\0"]);
}

#[test]
fn lines_for_who_looks_for_a_fault_are_there_when_they_are_wanted() {
    let mut bench = Bench::at(Path::new("/"));
    bench.verbose = true;
    let heard = bench.heard.clone();
    let mut granted = bench.granted(&Grants::default());
    granted.log(Level::Debug, "a");
    granted.log(Level::Trace, "b");
    assert_eq!(heard.lines(), ["debug: a", "trace: b"]);
}

#[test]
fn progress_is_a_line() {
    let bench = Bench::at(Path::new("/"));
    let heard = bench.heard.clone();
    let mut granted = bench.granted(&Grants::default());
    granted.progress(1, Some(9), Some("a\x1b[2J\nb"));
    granted.progress(4, None, Some(""));
    assert_eq!(heard.lines(), [r"progress: 1 of 9, a\u{1b}[2J\nb", "progress: 4"]);
}

#[test]
fn h159_the_place_of_an_annotation_is_in_the_project() {
    let root = Path::new("/work/project");
    let at = |path: &str| presentable(annotation(path, 3), root);
    for (path, is) in [("src/a", "src/a"), ("./src//a", "src/a"), ("/work/project/src/a", "src/a")] {
        let spot = at(path).at.unwrap();
        assert_eq!((spot.path.as_str(), spot.line, spot.column), (is, Some(3), None), "{path}");
    }
    for path in ["../a", "/etc/passwd", "a/../../b", "/work/project/../x", "/work/projects/a", "", "a\0"] {
        let item = at(path);
        assert_eq!(item.at, None, "{path}");
        assert!(item.message.starts_with("found (at ") && item.message.ends_with(":3)"), "{}", item.message);
    }
    assert_eq!(at("/x/\x1b[2J").message, r"found (at /x/\u{1b}[2J:3)");
}

#[test]
fn what_is_found_is_handed_on_with_its_place_in_the_project() {
    let bench = Bench::at(Path::new("/work/project"));
    let heard = bench.heard.clone();
    bench.granted(&Grants::default()).annotate(vec![annotation("/work/project/a", 1), annotation("./b", 2)]);
    let paths: Vec<_> = heard.annotations().into_iter().map(|item| item.at.unwrap().path).collect();
    assert_eq!(paths, ["a", "b"]);
}
