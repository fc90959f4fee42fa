//! What the cases of the list ask of a place that stages run at.

use std::time::Duration;

use local_ci::outcome::Exit;

use crate::support::Project;

/// A stage of a case.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) name: String,
    /// For `sh -e -c`. Finds the test's directory as `SIDE`, and `chaos` on its path.
    pub(crate) run: String,
    /// Relative to the project.
    pub(crate) dir: String,
    pub(crate) timeout: Option<Duration>,
    /// From SIGTERM to SIGKILL.
    pub(crate) grace: Option<Duration>,
}

impl Stage {
    /// A stage called `s` that runs this.
    pub(crate) fn new(run: impl Into<String>) -> Self {
        Self { name: "s".into(), run: run.into(), dir: String::new(), timeout: None, grace: None }
    }

    pub(crate) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    pub(crate) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(crate) fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    pub(crate) fn dir(mut self, dir: impl Into<String>) -> Self {
        self.dir = dir.into();
        self
    }
}

/// What a stage came to.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// As journals have it: `passed`, `failed`, `timed_out`, `cancelled`, `errored`.
    pub(crate) status: String,
    pub(crate) exit: Option<Exit>,
    /// Every byte that it printed.
    pub(crate) log: Vec<u8>,
    /// How long it took.
    pub(crate) took: Duration,
    /// How many processes it left behind, as it was said.
    pub(crate) leaked: usize,
    /// All that was said of it, for a failure to show.
    pub(crate) said: String,
}

impl Seen {
    /// Fails, showing everything, unless it came to this.
    #[track_caller]
    pub(crate) fn assert(&self, status: &str, exit: Exit) {
        assert_eq!((self.status.as_str(), self.exit), (status, Some(exit)), "{}", self.said);
    }

    /// What it printed, for people.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.log).into_owned()
    }
}

/// A place that stages run at, with a project of its own.
pub(crate) trait Backend {
    /// The project.
    fn project(&self) -> &Project;

    /// Starts these stages, all of them at once.
    fn start<'b>(&'b self, stages: &[Stage]) -> Box<dyn Begun + 'b>;

    /// What is started there from now on finds the programs of this directory before all others.
    fn put_on_path(&self, dir: &std::path::Path);

    /// Fails where anything is left that should not be.
    fn assert_nothing_left(&self);

    /// Runs these stages to their end.
    #[track_caller]
    fn run(&self, stages: &[Stage]) -> Vec<Seen> {
        self.start(stages).wait()
    }

    /// Runs one stage to its end.
    #[track_caller]
    fn run_one(&self, stage: Stage) -> Seen {
        self.run(&[stage]).remove(0)
    }
}

/// Stages that run.
pub(crate) trait Begun {
    /// Has all of them end, as a person would who does not want them any more.
    fn stop(&self);

    /// Waits for their end: what each came to, in the order that they were given in.
    fn wait(self: Box<Self>) -> Vec<Seen>;
}
