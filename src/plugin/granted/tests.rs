//! The services as a plugin finds them, each both ways: what is granted works, and everything else is refused.

mod commands;
mod files;
mod hosts;
mod voice;
mod writes;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::{Commands, Granted, Surroundings};
use crate::cancel::CancelToken;
use crate::clock::ManualClock;
use crate::event::Annotation;
use crate::pipeline::plugin::Grants;
use crate::plugin::authority::Authority;
use crate::plugin::services::{HttpRequest, Services};

/// What came out of a plugin.
#[derive(Clone, Default)]
struct Heard {
    lines: Arc<Mutex<Vec<String>>>,
    annotations: Arc<Mutex<Vec<Annotation>>>,
}

impl Heard {
    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn annotations(&self) -> Vec<Annotation> {
        self.annotations.lock().unwrap().clone()
    }
}

/// A plugin's place in a project.
struct Bench {
    root: PathBuf,
    ours: Vec<PathBuf>,
    env: Vec<(String, String)>,
    cancel: CancelToken,
    clock: Arc<ManualClock>,
    heard: Heard,
    commands: Option<Box<dyn Commands>>,
    verbose: bool,
}

impl Bench {
    fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            ours: Vec::new(),
            env: Vec::new(),
            cancel: CancelToken::new(),
            clock: Arc::new(ManualClock::default()),
            heard: Heard::default(),
            commands: None,
            verbose: false,
        }
    }

    fn env(mut self, variables: &[(&str, &str)]) -> Self {
        self.env = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self
    }

    /// The services of a plugin that needs and is granted this.
    fn granted(self, grants: &Grants) -> Granted {
        let authority = Authority::new("x", grants, grants, None).unwrap();
        let (lines, annotations) = (Arc::clone(&self.heard.lines), Arc::clone(&self.heard.annotations));
        let surroundings = Surroundings {
            root: self.root,
            ours: self.ours,
            env: self.env,
            settings: r#"{"a":1}"#.to_owned(),
            clock: self.clock,
            cancel: self.cancel,
            verbose: self.verbose,
            log: Box::new(move |line| lines.lock().unwrap().push(line.to_owned())),
            annotate: Box::new(move |items| annotations.lock().unwrap().extend(items)),
            commands: self.commands,
        };
        Granted::new(authority, surroundings)
    }
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn reading(globs: &[&str]) -> Grants {
    Grants { files_read: list(globs), ..Grants::default() }
}

#[test]
fn a_plugin_that_is_granted_nothing_gets_nothing_but_its_settings_and_a_voice() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "a").unwrap();
    let bench = Bench::at(dir.path()).env(&[("CI", "1")]);
    let heard = bench.heard.clone();
    let mut granted = bench.granted(&Grants::default());
    assert!(matches!(granted.read("a", 0, 1), Err(crate::plugin::services::FileFailure::Denied(_))));
    assert!(matches!(granted.glob("**", 9), Err(crate::plugin::services::FileFailure::Denied(_))));
    assert!(matches!(granted.write("a", b"b"), Err(crate::plugin::services::FileFailure::Denied(_))));
    assert_eq!(granted.env("CI"), None);
    let command = crate::plugin::services::CommandRequest { argv: list(&["true"]), ..Default::default() };
    assert!(matches!(granted.spawn(command), Err(crate::plugin::services::CommandFailure::Denied(_))));
    let request = HttpRequest {
        method: "GET".into(),
        url: "https://example.invalid/".into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: None,
    };
    assert!(matches!(granted.send(request), Err(crate::plugin::services::HttpFailure::Denied(_))));
    assert!(granted.now_ms().unwrap_err().contains("clock = true"));
    assert_eq!(granted.settings(), r#"{"a":1}"#);
    granted.log(crate::plugin::services::Level::Info, "hello");
    // What a guest is not told, its user is, once.
    assert_eq!(granted.env("CI"), None);
    let lines = heard.lines();
    assert!(lines[0].starts_with("plugin x: knowing the variable `CI` is not permitted: "), "{lines:?}");
    assert_eq!(lines[1..], ["hello"]);
    assert_eq!(std::fs::read_to_string(dir.path().join("a")).unwrap(), "a");
}

#[test]
fn variables_and_the_time_are_had_where_they_are_granted() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::at(dir.path()).env(&[("CI", "0"), ("CI", "1"), ("HOME", "/")]);
    let (heard, clock) = (bench.heard.clone(), Arc::clone(&bench.clock));
    let grants = Grants { env: list(&["CI", "GONE"]), clock: true, ..Grants::default() };
    let mut granted = bench.granted(&grants);
    assert_eq!((granted.env("CI").as_deref(), granted.env("GONE")), (Some("1"), None));
    assert!(heard.lines().is_empty());
    assert_eq!(granted.env("HOME"), None);
    clock.set_wall(12_345);
    assert_eq!(granted.now_ms(), Ok(12_345));
}
