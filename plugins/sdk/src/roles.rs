//! What a plugin can be: a trait for each role. One type may have several; [`export!`](crate::export) says which.

use crate::info::Info;
use crate::types::{Annotation, Context, Event, Line, Outcome, Problem, StageSpec};

/// What every plugin is: something that says what it is.
pub trait Plugin {
    /// What the plugin offers and what it asks for. It is asked with nothing granted, and always answers the same.
    fn info() -> Info;
}

/// A plugin that brings stage kinds: `uses = "NAME"` in a stage.
pub trait StagePlugin: Plugin {
    /// Does the stage. `kind` is one of those in [`Info::stages`]. What the check finds is told by
    /// [`output::annotate`](crate::output::annotate) while it goes on, and by the outcome at the end; a problem says that
    /// there is no verdict.
    fn run(kind: &str, context: &Context) -> Result<Outcome, Problem>;
}

/// A plugin that reads what stages print: `annotate = ["NAME"]` in a stage.
pub trait ParserPlugin: Plugin {
    /// What reads one stage's output.
    type Session: ParserSession + 'static;

    /// A stage has begun. `parser` is one of those in [`Info::parsers`].
    fn start(parser: &str, context: &Context) -> Result<Self::Session, Problem>;
}

/// What reads the output of one stage.
pub trait ParserSession {
    /// More of its output, a few lines at a time; with what they show.
    fn feed(&mut self, lines: &[Line]) -> Result<Vec<Annotation>, Problem>;

    /// The stage has ended; without a code where a signal ended it. With what is left to be told.
    fn finish(&mut self, exit_code: Option<i32>) -> Result<Vec<Annotation>, Problem>;
}

/// So that a plugin with parsers of several types chooses at the start.
impl<S: ParserSession + ?Sized> ParserSession for Box<S> {
    fn feed(&mut self, lines: &[Line]) -> Result<Vec<Annotation>, Problem> {
        (**self).feed(lines)
    }

    fn finish(&mut self, exit_code: Option<i32>) -> Result<Vec<Annotation>, Problem> {
        (**self).finish(exit_code)
    }
}

/// A plugin that makes stages while the pipeline is read: an `[[expand]]` table.
pub trait ExpanderPlugin: Plugin {
    /// Makes the stages. `kind` is one of those in [`Info::expanders`].
    fn expand(kind: &str, context: &Context) -> Result<Vec<StageSpec>, Problem>;
}

/// A plugin that is told what happens: an entry of `[reporters]`. There is one value of it for each run, made before the
/// first batch, so it can remember. Where another supervisor goes on with a run there is a new one, which is told first how the
/// run began and which stages had finished. What it says is told to no reporter.
pub trait ReporterPlugin: Plugin + Default + 'static {
    /// Some events, in order. A problem puts it out of action for the rest of the run.
    fn notify(&mut self, batch: &[Event]) -> Result<(), Problem>;
}
