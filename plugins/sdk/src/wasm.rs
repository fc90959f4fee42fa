//! The component's side: generated bindings, and the translation between them and this crate's types. Nothing of it is for
//! plugins; `export!` names it.
//!
//! Each role is a world of its own here, that exports one interface. A plugin names those that it has, and the linker makes
//! one component of them: so no world is needed for each combination.

use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Once;

use crate::{ExpanderPlugin, ParserPlugin, ParserSession, Plugin, ReporterPlugin, StagePlugin};

#[expect(clippy::pedantic, reason = "generated")]
mod host {
    wit_bindgen::generate!({ path: "wit", world: "host-side" });
}

use host::local_ci::plugin as import;
use import::types as wit;

macro_rules! role {
    ($(#[$attribute:meta])* $module:ident, $world:literal) => {
        $(#[$attribute])*
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                inline: "package local-ci:sdk;
                    world about-role { export local-ci:plugin/about@0.1.0; }
                    world stage-role { export local-ci:plugin/stage@0.1.0; }
                    world parser-role { export local-ci:plugin/parser@0.1.0; }
                    world expander-role { export local-ci:plugin/expander@0.1.0; }
                    world reporter-role { export local-ci:plugin/reporter@0.1.0; }",
                world: $world,
                with: { "local-ci:plugin/types@0.1.0": crate::wasm::host::local_ci::plugin::types },
                pub_export_macro: true,
            });
        }
    };
}

role!(about, "about-role");
role!(
    #[expect(clippy::same_length_and_capacity, reason = "generated")]
    stage,
    "stage-role"
);
role!(
    #[expect(clippy::same_length_and_capacity, reason = "generated")]
    parser,
    "parser-role"
);
role!(
    #[expect(clippy::same_length_and_capacity, reason = "generated")]
    expander,
    "expander-role"
);
role!(
    #[expect(clippy::same_length_and_capacity, reason = "generated")]
    reporter,
    "reporter-role"
);

use about::exports::local_ci::plugin::about as about_role;
use expander::exports::local_ci::plugin::expander as expander_role;
use parser::exports::local_ci::plugin::parser as parser_role;
use reporter::exports::local_ci::plugin::reporter as reporter_role;
use stage::exports::local_ci::plugin::stage as stage_role;

/// A plugin, as the contract wants it.
pub struct Exported<P>(PhantomData<P>);

/// Has a panic tell the host what it says, before the trap that says nothing.
fn begin() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|panic| import::output::panicked(&panic.to_string()))));
}

impl<P: Plugin> about_role::Guest for Exported<P> {
    fn describe() -> about_role::Info {
        begin();
        let info = P::info();
        let kinds = |kinds: Vec<crate::Kind>| kinds.into_iter().map(kind).collect();
        let examples = info.examples.iter().map(crate::Example::to_json).collect();
        about_role::Info {
            name: info.name,
            version: info.version,
            summary: info.summary,
            stages: kinds(info.stages),
            parsers: kinds(info.parsers),
            expanders: kinds(info.expanders),
            events: info.events,
            config: info.config.map(|schema| schema.to_string()),
            needs: info.needs.into_iter().map(need).collect(),
            examples: serde_json::Value::Array(examples).to_string(),
            extra: Vec::new(),
        }
    }
}

impl<P: StagePlugin> stage_role::Guest for Exported<P> {
    fn run(kind: String, ctx: wit::Context) -> Result<wit::Outcome, wit::Problem> {
        begin();
        P::run(&kind, &context(ctx)).map(outcome).map_err(problem)
    }
}

impl<P: ParserPlugin + 'static> parser_role::Guest for Exported<P> {
    type Session = Session<P>;
}

/// One stage's output being read. The contract's constructor cannot fail, so a problem at the start is told at the first
/// occasion.
pub struct Session<P: ParserPlugin>(RefCell<Result<P::Session, crate::Problem>>);

impl<P: ParserPlugin + 'static> Session<P> {
    fn with(
        &self,
        act: impl FnOnce(&mut P::Session) -> Result<Vec<crate::Annotation>, crate::Problem>,
    ) -> Result<Vec<wit::Annotation>, wit::Problem> {
        begin();
        let found = match &mut *self.0.borrow_mut() {
            Ok(session) => act(session),
            Err(problem) => Err(problem.clone()),
        };
        found.map(|items| items.into_iter().map(annotation).collect()).map_err(problem)
    }
}

impl<P: ParserPlugin + 'static> parser_role::GuestSession for Session<P> {
    fn new(name: String, ctx: wit::Context) -> Self {
        begin();
        Self(RefCell::new(P::start(&name, &context(ctx))))
    }

    fn feed(&self, lines: Vec<wit::Line>) -> Result<Vec<wit::Annotation>, wit::Problem> {
        let lines: Vec<_> = lines.into_iter().map(line).collect();
        self.with(|session| session.feed(&lines))
    }

    fn finish(&self, exit_code: Option<i32>) -> Result<Vec<wit::Annotation>, wit::Problem> {
        self.with(|session| session.finish(exit_code))
    }
}

impl<P: ExpanderPlugin> expander_role::Guest for Exported<P> {
    fn expand(kind: String, ctx: wit::Context) -> Result<Vec<wit::StageSpec>, wit::Problem> {
        begin();
        let stages = P::expand(&kind, &context(ctx)).map_err(problem)?;
        let spec = |stage: crate::StageSpec| wit::StageSpec {
            name: stage.name,
            body: stage.body.to_string(),
            extra: to_pairs(stage.extra),
        };
        Ok(stages.into_iter().map(spec).collect())
    }
}

thread_local! {
    /// The plugin's one reporter. A component has one plugin, so its type is always the same.
    static REPORTER: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

impl<P: ReporterPlugin> reporter_role::Guest for Exported<P> {
    fn notify(batch: Vec<wit::Event>) -> Result<(), wit::Problem> {
        begin();
        let batch: Vec<_> = batch.into_iter().map(event).collect();
        REPORTER.with_borrow_mut(|slot| {
            let reporter = slot.get_or_insert_with(|| Box::new(P::default()));
            match reporter.downcast_mut::<P>() {
                Some(reporter) => reporter.notify(&batch).map_err(problem),
                None => Ok(()),
            }
        })
    }
}

fn kind(kind: crate::Kind) -> about_role::Kind {
    let texts = [("lines", kind.lines), ("lines-from", kind.lines_from)];
    let texts = texts.into_iter().filter(|(_, texts)| !texts.is_empty());
    let extra =
        texts.map(|(key, texts)| wit::Pair { key: key.to_owned(), value: serde_json::json!(texts).to_string() });
    about_role::Kind {
        name: kind.name,
        summary: kind.summary,
        params: kind.params.map(|schema| schema.to_string()),
        fixes: kind.fixes,
        extra: extra.collect(),
    }
}

fn need(need: crate::Need) -> about_role::Capability {
    about_role::Capability { kind: need.kind, value: need.value, reason: need.reason }
}

fn to_pairs(pairs: Vec<(String, String)>) -> Vec<wit::Pair> {
    pairs.into_iter().map(|(key, value)| wit::Pair { key, value }).collect()
}

fn from_pairs(pairs: Vec<wit::Pair>) -> Vec<(String, String)> {
    pairs.into_iter().map(|pair| (pair.key, pair.value)).collect()
}

fn context(context: wit::Context) -> crate::Context {
    crate::Context {
        run: context.run_id,
        stage: context.stage,
        attempt: context.attempt,
        params: context.params,
        extra: from_pairs(context.extra),
    }
}

fn problem(problem: crate::Problem) -> wit::Problem {
    wit::Problem {
        code: problem.code,
        message: problem.message,
        retryable: problem.retryable,
        extra: to_pairs(problem.extra),
    }
}

fn outcome(outcome: crate::Outcome) -> wit::Outcome {
    wit::Outcome {
        verdict: match outcome.verdict {
            crate::Verdict::Passed => wit::Verdict::Passed,
            crate::Verdict::Failed => wit::Verdict::Failed,
            crate::Verdict::Skipped => wit::Verdict::Skipped,
        },
        summary: outcome.summary,
        outputs: to_pairs(outcome.outputs),
        extra: to_pairs(outcome.extra),
    }
}

fn annotation(annotation: crate::Annotation) -> wit::Annotation {
    wit::Annotation {
        severity: match annotation.severity {
            crate::Severity::Note => wit::Severity::Note,
            crate::Severity::Warning => wit::Severity::Warning,
            crate::Severity::Error => wit::Severity::Error,
        },
        message: annotation.message,
        code: annotation.code,
        title: annotation.title,
        at: annotation.at.map(|at| wit::Span {
            path: at.path,
            line: at.line,
            column: at.column,
            end_line: at.end_line,
            end_column: at.end_column,
        }),
        extra: to_pairs(annotation.extra),
    }
}

fn line(line: wit::Line) -> crate::Line {
    let channel = match line.channel {
        wit::Channel::Out => crate::Channel::Out,
        wit::Channel::Err => crate::Channel::Err,
    };
    crate::Line { channel, text: line.text }
}

fn event(event: wit::Event) -> crate::Event {
    crate::Event { seq: event.seq, at_ms: event.at_ms, kind: event.kind, stage: event.stage, data: event.data }
}

/// What stands behind this crate's functions in a component: the host's.
pub(crate) mod backend {
    use super::import;
    use crate::{commands, files, http, output};

    pub(crate) fn log(level: output::Level, message: &str) {
        let level = match level {
            output::Level::Trace => import::output::Level::Trace,
            output::Level::Debug => import::output::Level::Debug,
            output::Level::Info => import::output::Level::Info,
            output::Level::Warn => import::output::Level::Warn,
            output::Level::Error => import::output::Level::Error,
        };
        import::output::log(level, message);
    }

    pub(crate) fn annotate(items: &[crate::Annotation]) {
        let items: Vec<_> = items.iter().cloned().map(super::annotation).collect();
        import::output::annotate(&items);
    }

    pub(crate) fn progress(done: u64, total: Option<u64>, note: Option<&str>) {
        import::output::progress(done, total, note);
    }

    pub(crate) fn settings() -> String {
        import::settings::get()
    }

    pub(crate) fn env(name: &str) -> Option<String> {
        import::env::get(name)
    }

    pub(crate) fn now_ms() -> u64 {
        import::clock::now_ms()
    }

    fn file_failure(failure: import::files::Failure) -> files::Failure {
        match failure {
            import::files::Failure::Denied(what) => files::Failure::Denied(what),
            import::files::Failure::Missing => files::Failure::Missing,
            import::files::Failure::TooLarge(size) => files::Failure::TooLarge(size),
            import::files::Failure::Other(why) => files::Failure::Other(why),
        }
    }

    pub(crate) fn read(path: &str, offset: u64, len: u64) -> Result<Vec<u8>, files::Failure> {
        import::files::read(path, offset, len).map_err(file_failure)
    }

    pub(crate) fn glob(pattern: &str, limit: u32) -> Result<Vec<files::Entry>, files::Failure> {
        let entries = import::files::glob(pattern, limit).map_err(file_failure)?;
        let entry = |entry: import::files::Entry| files::Entry { path: entry.path, size: entry.size, dir: entry.dir };
        Ok(entries.into_iter().map(entry).collect())
    }

    pub(crate) fn write(path: &str, content: &[u8]) -> Result<(), files::Failure> {
        import::files_write::write(path, content).map_err(file_failure)
    }

    fn command_failure(failure: import::commands::Failure) -> commands::Failure {
        match failure {
            import::commands::Failure::Denied(what) => commands::Failure::Denied(what),
            import::commands::Failure::NotFound(program) => commands::Failure::NotFound(program),
            import::commands::Failure::Cancelled => commands::Failure::Cancelled,
            import::commands::Failure::Other(why) => commands::Failure::Other(why),
        }
    }

    #[derive(Debug)]
    pub(crate) struct Process(import::commands::Process);

    pub(crate) fn spawn(command: commands::Command) -> Result<Process, commands::Failure> {
        let request = import::commands::Request {
            argv: command.argv,
            cwd: command.dir,
            env: super::to_pairs(command.env),
            timeout_ms: command.timeout_ms,
            extra: super::to_pairs(if command.quiet { vec![("quiet".into(), "true".into())] } else { Vec::new() }),
        };
        import::commands::spawn(&request).map(Process).map_err(command_failure)
    }

    impl Process {
        pub(crate) fn next_lines(&mut self, max: u32) -> Result<Vec<crate::Line>, commands::Failure> {
            let lines = self.0.next_lines(max).map_err(command_failure)?;
            Ok(lines.into_iter().map(super::line).collect())
        }

        pub(crate) fn kill(&mut self) {
            self.0.kill();
        }

        pub(crate) fn wait(&mut self) -> Result<commands::Exit, commands::Failure> {
            let exit = self.0.wait().map_err(command_failure)?;
            Ok(commands::Exit {
                code: exit.code,
                signal: exit.signal,
                timed_out: exit.timed_out,
                dropped_bytes: exit.dropped_bytes,
            })
        }
    }

    pub(crate) fn send(request: http::Request) -> Result<http::Response, http::Failure> {
        let value = |value: http::HeaderValue| match value {
            http::HeaderValue::Plain(value) => import::http::HeaderValue::Plain(value),
            http::HeaderValue::Secret(value) => import::http::HeaderValue::Secret(value),
        };
        let request = import::http::Request {
            method: request.method,
            url: request.url,
            headers: request.headers.into_iter().map(|(name, header)| (name, value(header))).collect(),
            body: request.body,
            timeout_ms: request.timeout_ms,
        };
        match import::http::send(&request) {
            Ok(response) => Ok(http::Response {
                status: response.status,
                headers: super::from_pairs(response.headers),
                body: response.body,
            }),
            Err(import::http::Failure::Denied(what)) => Err(http::Failure::Denied(what)),
            Err(import::http::Failure::Timeout) => Err(http::Failure::Timeout),
            Err(import::http::Failure::Other(why)) => Err(http::Failure::Other(why)),
        }
    }
}
