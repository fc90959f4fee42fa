//! The program as it is started by a person, with its stages on this machine.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local_ci::outcome::Exit;
use serde_json::Value;

use super::backend::{Backend, Begun, Seen, Stage};
use crate::support::{Invocation, Project, Running};

/// The program, in a project of its own.
pub(crate) struct Product {
    pub(crate) project: Project,
    /// Arguments that say where.
    pub(crate) to: Vec<String>,
    /// Variables of the command line.
    pub(crate) env: Vec<(String, PathBuf)>,
    runs: Cell<u64>,
    path: RefCell<Vec<PathBuf>>,
}

impl Product {
    /// Its stages run on this machine.
    #[expect(clippy::unnecessary_wraps, reason = "other places need what is not on every machine")]
    pub(crate) fn local() -> Option<Self> {
        Some(Self::new(Project::new(), &[]))
    }

    /// Its stages run where these arguments say.
    pub(crate) fn new(project: Project, to: &[&str]) -> Self {
        let to = to.iter().map(|&word| word.to_owned()).collect();
        Self { project, to, env: Vec::new(), runs: Cell::new(0), path: RefCell::default() }
    }

    /// The program with these arguments, in the environment of this place.
    pub(crate) fn local_ci(&self, args: &[&str]) -> Invocation<'_> {
        let mut invocation = self.project.local_ci(args);
        for (name, value) in &self.env {
            invocation = invocation.env(name, value);
        }
        let dirs = self.path.borrow();
        if !dirs.is_empty() {
            let bin = Path::new(env!("CARGO_BIN_EXE_chaos")).parent().unwrap();
            let rest = std::env::var_os("PATH").unwrap_or_default();
            let all = dirs.iter().cloned().chain([bin.to_owned()]).chain(std::env::split_paths(&rest));
            invocation = invocation.env("PATH", std::env::join_paths(all).unwrap());
        }
        invocation
    }

    /// The program that runs stages where this place says, with these arguments before their names.
    pub(crate) fn run_there(&self, args: &[&str]) -> Invocation<'_> {
        let to: Vec<&str> = self.to.iter().map(String::as_str).collect();
        self.local_ci(&[&["run"], to.as_slice(), args].concat())
    }

    /// Writes a pipeline of these stages.
    pub(crate) fn configure(&self, stages: &[Stage]) {
        self.configure_with("", stages);
    }

    /// Writes a pipeline of these stages, below these tables.
    pub(crate) fn configure_with(&self, tables: &str, stages: &[Stage]) {
        // What JSON makes of a text that has no DEL is a basic string of TOML.
        let string = |text: &str| serde_json::to_string(text).unwrap();
        let side = self.project.side_dir();
        let mut config = format!("{tables}\n[env]\nSIDE = {}\n", string(side.to_str().unwrap()));
        for stage in stages {
            let _ =
                write!(config, "[stages.{}]\nrun = {}\nlog-max = \"1GiB\"\n", string(&stage.name), string(&stage.run));
            if !stage.dir.is_empty() {
                let _ = writeln!(config, "dir = {}", string(&stage.dir));
            }
            for (key, duration) in [("timeout", stage.timeout), ("grace", stage.grace)] {
                if let Some(duration) = duration {
                    let _ = writeln!(config, "{key} = \"{}ms\"", duration.as_millis());
                }
            }
        }
        self.project.config(&config);
    }

    /// The number that the next run has.
    pub(crate) fn count_run(&self) -> u64 {
        self.runs.set(self.runs.get() + 1);
        self.runs.get()
    }

    /// What the stages of a run came to that has ended, by the order of their names.
    #[track_caller]
    pub(crate) fn seen(&self, number: u64, names: &[&str], said: &str) -> Vec<Seen> {
        let events = self.project.events(number);
        let started = events.iter().find(|event| event["event"] == "run_started");
        let began = &started.unwrap_or_else(|| panic!("run {number} did not begin\n{said}"))["stages"];
        let order: Vec<_> = began.as_array().unwrap().iter().map(|stage| stage["name"].as_str().unwrap()).collect();
        names
            .iter()
            .map(|name| {
                let id = order.iter().position(|other| other == name);
                let ends = |event: &&Value| {
                    event["event"] == "stage_finished" && event["stage"].as_u64() == id.map(|id| id as u64)
                };
                let ended: Vec<_> = events.iter().filter(ends).collect();
                let [end] = ended.as_slice() else { panic!("{name} ended {} times: {events:#?}\n{said}", ended.len()) };
                let log = self.project.run_dir(number).join("logs").join(format!("{name}.log"));
                Seen {
                    status: end["outcome"]["status"].as_str().unwrap().to_owned(),
                    exit: serde_json::from_value::<Option<Exit>>(end["exit"].clone()).unwrap(),
                    // One that printed nothing need not have any.
                    log: fs::read(log).unwrap_or_default(),
                    took: Duration::from_millis(end["duration_ms"].as_u64().unwrap()),
                    leaked: end["leaked"].as_array().map_or(0, Vec::len),
                    said: format!("{end:#}\n{said}"),
                }
            })
            .collect()
    }
}

impl Backend for Product {
    fn project(&self) -> &Project {
        &self.project
    }

    fn start<'b>(&'b self, stages: &[Stage]) -> Box<dyn Begun + 'b> {
        self.configure(stages);
        let running = self.run_there(&["-k", "-j20", "--output", "quiet"]).spawn();
        let names = stages.iter().map(|stage| stage.name.clone()).collect();
        Box::new(Run { of: self, running, number: self.count_run(), names })
    }

    fn put_on_path(&self, dir: &Path) {
        self.path.borrow_mut().insert(0, dir.to_owned());
    }

    #[track_caller]
    fn assert_nothing_left(&self) {
        self.project.assert_nothing_left();
    }
}

/// A run that goes on.
struct Run<'b> {
    of: &'b Product,
    running: Running<'b>,
    number: u64,
    names: Vec<String>,
}

impl Begun for Run<'_> {
    #[track_caller]
    fn stop(&self) {
        self.of.local_ci(&["stop", &self.number.to_string()]).output().assert_code(0);
    }

    #[track_caller]
    fn wait(self: Box<Self>) -> Vec<Seen> {
        let Self { of, running, number, names } = *self;
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        of.seen(number, &names, &running.wait().transcript())
    }
}
