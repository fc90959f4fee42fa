//! Faults as data, as colour, and in great numbers.

use std::path::Path;

use super::{faults, load};
use crate::config::{Code, ConfigError, FaultReport, NotFound, Stop};

#[test]
fn faults_are_data() {
    let text = "[stages.a]\nrun = \"é\" \ntimeouts = \"5m\"\nneeds = [\"é\", \"b\"]\n";
    let error = load(&[("sub/local-ci.toml", text)]).unwrap_err();
    let reports = error.faults();
    assert_eq!(
        reports[0],
        FaultReport {
            file: "sub/local-ci.toml".into(),
            line: Some(3),
            column: Some(1),
            code: "LC0301",
            message: "there is no key `timeouts` here".into(),
            help: Some("did you mean `timeout`?".into()),
        }
    );
    // Columns are characters, not bytes.
    assert_eq!((reports[2].line, reports[2].column, reports[2].code), (Some(4), Some(15), "LC0405"));
    assert_eq!(error.list().iter().map(super::super::Fault::code).next(), Some(Code::UnknownKey));
    assert_eq!(error.to_string(), "the configuration has 3 faults");
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let error = load(&[("local-ci.toml", "x = 1\n")]).unwrap_err();
    assert!(error.render(true, 80).contains("\u{1b}["));
    assert!(!error.render(false, 80).contains('\u{1b}'));
}

/// H61: in colour too, a file adds no escape of its own.
#[test]
fn h61_colour_brings_only_colour() {
    let text = "\"\\u001b]52;c;aGk=\\u0007\" = 1\n# \u{9b}31m \u{1b}[2J\n[stages.\"\\u001b[H\"]\nrun = 1\n";
    let drawn = load(&[("\u{1b}[2Jlocal-ci.toml", text)]).unwrap_err().render(true, 80);
    let sgr = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    let rest = sgr.replace_all(&drawn, "");
    assert!(!rest.chars().any(|c| c.is_control() && c != '\n'), "{rest:?}");
}

#[test]
fn messages_wrap_at_the_width() {
    let text = "[stages.a]\nrun = \"x\"\nzzzzzz = 1\n";
    let drawn = load(&[("local-ci.toml", text)]).unwrap_err().render(false, 60);
    assert!(drawn.lines().all(|line| line.chars().count() <= 60), "{drawn}");
}

#[test]
fn a_hundred_faults_are_enough() {
    let stages: Vec<String> = (0..500).map(|i| format!("[stages.s{i}]\nrun = 1\nneeds = [\"x\"]\n")).collect();
    let drawn = faults(&stages.concat());
    assert_eq!(drawn.matches("× ").count(), 100);
    assert!(drawn.ends_with("more than 100 faults in the configuration; the first 100 are shown\n"));
    let variables: Vec<String> = (0..5_000).map(|i| format!("v{i} = []\n")).collect();
    assert_eq!(load(&[("local-ci.toml", &format!("[env]\n{}", variables.concat()))]).unwrap_err().list().len(), 100);
}

/// H121: a table of faults is not read once for each of them.
#[test]
fn h121_great_numbers_of_faults_are_not_all_looked_for() {
    let variables: Vec<String> = (0..300_000).map(|i| format!("v{i}=[]\n")).collect();
    let drawn = faults(&format!("[env]\n{}", variables.concat()));
    assert!(drawn.contains("more than 4 faults"), "{drawn}");
    let drawn = faults(&format!("[stages.a]\nrun = \"x\"\nneeds = [{}]\n", "1, ".repeat(300_000)));
    assert!(drawn.contains("1 fault in"), "{drawn}");
}

#[test]
fn several_rings_are_found_at_once() {
    let text: String = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]
        .map(|(name, need)| format!("[stages.{name}]\nrun = \"x\"\nneeds = [\"{need}\"]\n"))
        .concat();
    let error = load(&[("local-ci.toml", &text)]).unwrap_err();
    let messages: Vec<String> = error.faults().into_iter().map(|fault| fault.message).collect();
    assert_eq!(messages, ["stages need each other: a → b → a", "stages need each other: c → d → c"]);
}

#[test]
fn a_ring_of_cells_is_one_of_stages() {
    let text = "[stages.a]\nrun = \"x\"\nmatrix.n = [1, 2]\nneeds = [\"b\"]\n\
                [stages.b]\nrun = \"x\"\nmatrix.n = [1, 2]\nneeds = [\"a:2\"]\n";
    let error = load(&[("local-ci.toml", text)]).unwrap_err();
    assert_eq!(error.faults().len(), 1);
    assert_eq!(error.faults()[0].message, "stages need each other: a:2 → b:1 → a:2");
}

/// What follows from one mistake is not told as another.
#[test]
fn one_mistake_is_one_fault() {
    for text in [
        "[stages.a]\nrnu = \"x\"\n",
        "[stages.a]\nrun = [1]\n",
        "[stages]\na = 1\n[stages.b]\nrun = \"x\"\nneeds = [\"a\"]\n",
        "[stages.\"a b\"]\nrun = \"x\"\n[stages.b]\nrun = \"x\"\nneeds = [\"a b\"]\n[profiles.p]\nstages = [\"a b\"]\n",
        "[stages.a]\nrun = \"x\"\nmatrix = { n = [1.5] }\n[stages.b]\nrun = \"x\"\nneeds = [\"a\", \"a:1.5\"]\n",
        "[stages.a]\nrun = \"x\"\n[stages.a]\nrun = \"y\"\n[stages.b]\nrun = \"x\"\nneeds = [\"a\"]\n",
        "[defaults]\ndir = \"..\"\nshell = \"fish\"\n[stages.a]\nrun = \"x\"\n[stages.b]\nrun = \"x\"\n",
        "[remotes.box]\nhots = \"x.example.invalid\"\n[stages.a]\nrun = \"x\"\non = \"box\"\n",
        "[remotes.box]\nhost = 1\n",
        "[remotes]\nbox = 1\n[stages.a]\nrun = \"x\"\non = \"box\"\n",
    ] {
        let error = load(&[("local-ci.toml", text)]).unwrap_err();
        let expected = 1 + usize::from(text.contains("dir = ")); // two mistakes there
        assert_eq!(error.faults().len(), expected, "{}", error.render(false, 100));
    }
}

#[test]
fn nothing_found_says_where_the_search_ended() {
    let error = ConfigError::NotFound(Box::new(NotFound {
        start: "/home/me/x".into(),
        stop: Some(Stop::Owner { directory: Path::new("/srv").into(), owner: 7 }),
        seen: Vec::new(),
    }));
    insta::assert_snapshot!(error.render(false, 80), @r#"
    LC0101

      × no local-ci.toml in /home/me/x or above it: the search ended below /srv,
      │ which belongs to another user (number 7)
      help: write a first one with `local-ci init`, or name one with `--config
            FILE`
    "#);
    assert!(error.faults().is_empty());
}
