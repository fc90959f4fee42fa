//! A host for tests: files in memory, commands, hosts and variables that answer as they are told, and a record of all that
//! a plugin said and did. On every target but the component's, this crate's functions end up here.
//!
//! It grants what the plugin says that it needs, and refuses everything else with the failures of the real host: a need that
//! was forgotten shows in `cargo test`. [`Host::refusing`] takes a grant away, as a pipeline may.
//!
//! ```
//! use local_ci_plugin::mock::Host;
//! use local_ci_plugin::{commands::Command, files};
//!
//! let mut host = Host::new().file("a.txt", "text").command("git rev-parse HEAD", 0, "0123abcd\n", "");
//! let head = host.within(|| {
//!     assert_eq!(files::read_text("a.txt", 100).unwrap(), "text");
//!     Command::new("git").args(["rev-parse", "HEAD"]).output().unwrap().stdout()
//! });
//! assert_eq!(head, "0123abcd\n");
//! assert_eq!(host.commands(), ["git rev-parse HEAD"]);
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::output::Level;
use crate::types::PIECE;
use crate::{
    Annotation, Context, Event, ExpanderPlugin, Line, Need, Outcome, ParserPlugin, ParserSession, Plugin, Problem,
    ReporterPlugin, StagePlugin, StageSpec, commands, glob, http,
};

pub use examples::{expander_examples, parser_examples, reporter_examples, stage_examples};

pub(crate) mod backend;
mod examples;

/// A host for tests. It is told what there is, calls a plugin, and is asked what the plugin did.
#[derive(Clone, Debug, Default)]
pub struct Host {
    world: World,
    context: Context,
    is_unabridged: bool,
}

/// What there is, and what was done with it.
#[derive(Clone, Debug, Default)]
struct World {
    files: BTreeMap<String, Vec<u8>>,
    env: BTreeMap<String, String>,
    settings: Value,
    answers: Vec<(String, Answer)>,
    replies: VecDeque<http::Response>,
    now_ms: u64,
    /// What is granted; none: everything.
    needs: Option<Vec<Need>>,
    refused: BTreeSet<String>,
    log: Vec<(Level, String)>,
    annotations: Vec<Annotation>,
    progress: Vec<(u64, Option<u64>, Option<String>)>,
    ran: Vec<commands::Command>,
    requests: Vec<http::Request>,
}

/// What a command does.
#[derive(Clone, Debug)]
struct Answer {
    lines: Vec<Line>,
    code: i32,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Puts a world where this thread's calls find it, and takes it back, also when a test fails within.
struct Visit<'a>(&'a mut World);

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if let Some(world) = WORLD.with_borrow_mut(Option::take) {
            *self.0 = world;
        }
    }
}

impl World {
    /// Whether this is granted; with the whole of the grant that would be missing.
    fn grants(&self, kind: &str, fits: impl Fn(&str) -> bool) -> bool {
        if self.refused.contains(kind) {
            return false;
        }
        let Some(needs) = &self.needs else { return true };
        needs.iter().any(|need| need.kind == kind && fits(&need.value))
    }

    fn visit<R>(&mut self, act: impl FnOnce() -> R) -> R {
        let world = std::mem::take(self);
        let before = WORLD.with_borrow_mut(|slot| slot.replace(world));
        assert!(before.is_none(), "a mock host is at work already on this thread");
        let _visit = Visit(self);
        act()
    }
}

impl Host {
    /// A host of an empty project, with a stage `stage` on its first attempt.
    pub fn new() -> Self {
        let context = Context { run: "run".to_owned(), stage: "stage".to_owned(), attempt: 1, ..Context::default() };
        Self { world: World { settings: json!({}), ..World::default() }, context, is_unabridged: false }
    }

    /// With a file in the project.
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.world.files.insert(path.to_owned(), content.into());
        self
    }

    /// With a variable in the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.world.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With these settings of the plugin (`[plugins.NAME] config`).
    pub fn settings(mut self, config: Value) -> Self {
        self.world.settings = config;
        self
    }

    /// A command ends with this code and prints this. Its words stand with spaces between them and may be a pattern as in
    /// grants; of several that fit, the first answers. A command that nothing fits is not found.
    pub fn command(mut self, words: &str, code: i32, out: &str, err: &str) -> Self {
        let out = out.lines().flat_map(pieces).map(Line::out);
        let lines = out.chain(err.lines().flat_map(pieces).map(Line::err)).collect();
        self.world.answers.push((words.to_owned(), Answer { lines, code }));
        self
    }

    /// The next request is answered like this. Without an answer left, there is none in time.
    pub fn reply(mut self, status: u16, body: &str) -> Self {
        self.world.replies.push_back(http::Response { status, headers: Vec::new(), body: body.into() });
        self
    }

    /// It is this time, in milliseconds since 1970.
    pub fn now_ms(mut self, now: u64) -> Self {
        self.world.now_ms = now;
        self
    }

    /// The pipeline does not grant this kind, such as `commands`, whatever the plugin needs.
    pub fn refusing(mut self, kind: &str) -> Self {
        self.world.refused.insert(kind.to_owned());
        self
    }

    /// Parsers are given all lines, whatever [`Kind::lines`](crate::Kind::lines) says, as by a host that knows nothing of it.
    /// The same has to come of it.
    pub fn unabridged(mut self) -> Self {
        self.is_unabridged = true;
        self
    }

    /// Calls are told this as well, such as `dir`.
    pub fn extra(mut self, key: &str, value: &str) -> Self {
        self.context.extra.retain(|(name, _)| name != key);
        self.context.extra.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Runs something of the plugin's that is no role, such as a function that reads files. Everything is granted.
    pub fn within<R>(&mut self, act: impl FnOnce() -> R) -> R {
        self.world.needs = None;
        self.world.visit(act)
    }

    fn of<P: Plugin, R>(&mut self, act: impl FnOnce() -> R) -> R {
        self.world.needs = Some(P::info().needs);
        self.world.visit(act)
    }

    fn context(&self, params: &Value) -> Context {
        Context { params: params.to_string(), ..self.context.clone() }
    }

    /// Runs a stage.
    #[expect(clippy::needless_pass_by_value, reason = "settings are written where they are used")]
    pub fn stage<P: StagePlugin>(&mut self, kind: &str, params: Value) -> Result<Outcome, Problem> {
        let context = self.context(&params);
        self.of::<P, _>(|| P::run(kind, &context))
    }

    /// Runs a stage that is to mend what it finds.
    #[expect(clippy::needless_pass_by_value, reason = "settings are written where they are used")]
    pub fn fix<P: StagePlugin>(&mut self, kind: &str, params: Value) -> Result<Outcome, Problem> {
        let mut context = self.context(&params);
        context.extra.push(("fix".to_owned(), "true".to_owned()));
        self.of::<P, _>(|| P::run(kind, &context))
    }

    /// Has a parser read these lines, as far as it asks for them, one batch for each slice of at most `batch` lines, and the
    /// end.
    #[expect(clippy::needless_pass_by_value, reason = "settings are written where they are used")]
    pub fn parse<P: ParserPlugin>(
        &mut self,
        parser: &str,
        params: Value,
        lines: &[Line],
        batch: usize,
        exit_code: Option<i32>,
    ) -> Result<Vec<Annotation>, Problem> {
        let context = self.context(&params);
        let kind = P::info().parsers.into_iter().find(|kind| kind.name == parser).unwrap_or_default();
        let mut is_open = self.is_unabridged;
        let lines: Vec<_> = lines.iter().filter(|line| kind.wants(&line.text, &mut is_open)).cloned().collect();
        self.of::<P, _>(|| {
            let mut session = P::start(parser, &context)?;
            let mut found = Vec::new();
            for lines in lines.chunks(batch.max(1)) {
                found.extend(session.feed(lines)?);
            }
            found.extend(session.finish(exit_code)?);
            Ok(found)
        })
    }

    /// Has stages made.
    #[expect(clippy::needless_pass_by_value, reason = "settings are written where they are used")]
    pub fn expand<P: ExpanderPlugin>(&mut self, kind: &str, params: Value) -> Result<Vec<StageSpec>, Problem> {
        let context = Context { params: params.to_string(), attempt: 1, ..Context::default() };
        self.of::<P, _>(|| P::expand(kind, &context))
    }

    /// Tells a reporter of some events.
    pub fn notify<P: ReporterPlugin>(&mut self, reporter: &mut P, batch: &[Event]) -> Result<(), Problem> {
        self.of::<P, _>(|| reporter.notify(batch))
    }

    /// What the plugin has annotated. What a parser gives back is not among it.
    pub fn annotations(&self) -> &[Annotation] {
        &self.world.annotations
    }

    /// The lines that it has logged.
    pub fn log(&self) -> Vec<&str> {
        self.world.log.iter().map(|(_, line)| line.as_str()).collect()
    }

    /// What it has said of its progress: done, of how much, doing what.
    pub fn progress(&self) -> &[(u64, Option<u64>, Option<String>)] {
        &self.world.progress
    }

    /// The file as it is now; nothing where there is none.
    pub fn content(&self, path: &str) -> Option<&[u8]> {
        self.world.files.get(path).map(Vec::as_slice)
    }

    /// The commands that it has run, in words.
    pub fn commands(&self) -> Vec<String> {
        self.world.ran.iter().map(|command| command.argv.join(" ")).collect()
    }

    /// The requests that it has sent. Secrets stand in them as `{{NAME}}`.
    pub fn requests(&self) -> &[http::Request] {
        &self.world.requests
    }
}

/// A line as a host hands it over.
fn pieces(line: &str) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), line);
    while rest.len() >= PIECE {
        let (piece, after) =
            rest.split_at((PIECE..rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}
