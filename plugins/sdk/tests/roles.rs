//! One plugin with every role, against the mock host: what is said arrives, what is not granted is refused, and an example
//! that does not hold fails.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use local_ci_plugin::mock::{self, Host};
use local_ci_plugin::{
    Annotation, Channel, Context, Event, Example, ExpanderPlugin, Info, Kind, Line, Need, Outcome, ParserPlugin,
    ParserSession, Plugin, Problem, ReporterPlugin, Span, StagePlugin, StageSpec, clock, commands, env, files, http,
    output, settings,
};
use serde_json::{Value, json};

#[derive(Default)]
struct Every {
    events: usize,
}

impl Plugin for Every {
    fn info() -> Info {
        Info::new("every", "0.1.0", "Has every role")
            .stage(Kind::new("every", "Asks for everything"))
            .parser(Kind::new("count", "Counts lines"))
            .expander(Kind::new("every", "Makes stages"))
            .need(Need::files_read("in/**", "to read"))
            .need(Need::files_write("out/*", "to write"))
            .need(Need::env("NAME", "to greet"))
            .need(Need::command("git status -**", "to look"))
            .need(Need::http("hooks.example.invalid", "to tell"))
            .need(Need::clock("to know when"))
            .example(
                Example::stage("asks for everything", "every")
                    .file("in/a.txt", "text")
                    .env("NAME", "value")
                    .command("git status -s", 3, "one\ntwo", "oh")
                    .http(201, "made")
                    .now_ms(7)
                    .config(json!({ "key": 1 }))
                    .passes()
                    .says(r#"text value 3 ["one", "two", "!oh"] 201 7 {"key":1}"#)
                    .leaves("out/a.txt", "text")
                    .sends(json!({ "method": "POST", "body": "{\"a\":1}" }))
                    .finds(json!({ "severity": "note", "message": "read", "path": "in/a.txt" })),
            )
            .example(
                Example::parser("counts lines", "count")
                    .lines("a\nb")
                    .err_line("c")
                    .exit_code(2)
                    .finds(json!({ "message": "c on stderr", "severity": "error" }))
                    .finds(json!({ "message": "3 lines, Some(2)", "line": 3, "column": 1 })),
            )
            .example(Example::parser("has no other parser", "other").lines("a").has_problem("no-parser"))
            .example(
                Example::expander("makes stages", "every")
                    .params(json!({ "count": 2 }))
                    .makes("stage-0", json!({ "run": "true" }))
                    .makes("stage-1", json!({ "run": "true" })),
            )
            .example(
                Example::reporter("counts events")
                    .event("run_started", None, &json!({ "number": 1 }))
                    .event("stage_started", Some("fmt"), &json!({}))
                    .http(200, "")
                    .sends(json!({ "url": "https://hooks.example.invalid/{{TOKEN}}", "body": "2 run_started 1 fmt" })),
            )
    }
}

impl StagePlugin for Every {
    fn run(_kind: &str, _context: &Context) -> Result<Outcome, Problem> {
        let text = files::read_text("in/a.txt", 100)?;
        files::write("out/a.txt", text.as_bytes())?;
        output::annotate(&[Annotation::note("read").at(Span::file("in/a.txt"))]);
        let status = commands::Command::new("git").args(["status", "-s"]).output()?;
        let mark = |line: &Line| format!("{}{}", if line.channel == Channel::Err { "!" } else { "" }, line.text);
        let lines: Vec<_> = status.lines.iter().map(mark).collect();
        let answer = http::Request::post("https://hooks.example.invalid/").json(&json!({ "a": 1 })).send()?;
        let config: Value = settings::get()?;
        let (name, code, now) = (env::get("NAME").unwrap_or_default(), status.exit.code.unwrap_or(-1), clock::now_ms());
        Ok(Outcome::passed(format!("{text} {name} {code} {lines:?} {} {now} {config}", answer.status)))
    }
}

struct Count(u32);

impl ParserSession for Count {
    fn feed(&mut self, lines: &[Line]) -> Result<Vec<Annotation>, Problem> {
        self.0 += u32::try_from(lines.len()).unwrap();
        let of_stderr = lines.iter().filter(|line| line.channel == Channel::Err);
        Ok(of_stderr.map(|line| Annotation::error(format!("{} on stderr", line.text))).collect())
    }

    fn finish(&mut self, exit_code: Option<i32>) -> Result<Vec<Annotation>, Problem> {
        let what = format!("{} lines, {exit_code:?}", self.0);
        Ok(vec![Annotation::note(what).at(Span::line("a", self.0).column(1))])
    }
}

impl ParserPlugin for Every {
    type Session = Box<dyn ParserSession>;

    fn start(parser: &str, _context: &Context) -> Result<Self::Session, Problem> {
        match parser {
            "count" => Ok(Box::new(Count(0))),
            other => Err(Problem::new("no-parser", format!("there is no parser {other}"))),
        }
    }
}

impl ExpanderPlugin for Every {
    fn expand(_kind: &str, context: &Context) -> Result<Vec<StageSpec>, Problem> {
        let params: Value = context.params()?;
        let count = params["count"].as_u64().unwrap_or(0);
        Ok((0..count).map(|i| StageSpec::new(format!("stage-{i}"), json!({ "run": "true" }))).collect())
    }
}

impl ReporterPlugin for Every {
    fn notify(&mut self, batch: &[Event]) -> Result<(), Problem> {
        self.events += batch.len();
        let (first, last) = (&batch[0], &batch[batch.len() - 1]);
        let data: Value = first.data()?;
        let said =
            format!("{} {} {} {}", self.events, first.kind, data["number"], last.stage.as_deref().unwrap_or("none"));
        http::Request::post("https://hooks.example.invalid/{{TOKEN}}").body(said).send()?;
        Ok(())
    }
}

local_ci_plugin::export!(Every: stage, parser, expander, reporter);

#[test]
fn every_role_says_and_hears_everything() {
    mock::stage_examples::<Every>();
    mock::parser_examples::<Every>();
    mock::expander_examples::<Every>();
    mock::reporter_examples::<Every>();
}

#[test]
fn a_reporter_remembers_from_batch_to_batch() {
    let mut host = Host::new().reply(200, "").reply(200, "");
    let mut reporter = Every::default();
    let event =
        Event { seq: 1, at_ms: 0, kind: "run_started".to_owned(), stage: None, data: "{\"number\":9}".to_owned() };
    for _ in 0..2 {
        host.notify(&mut reporter, std::slice::from_ref(&event)).unwrap();
    }
    assert_eq!(host.requests()[1].body, b"2 run_started 9 none");
}

/// What is asked of a host in a test of one refusal.
fn host() -> Host {
    Host::new().file("in/a.txt", "text").env("NAME", "value").command("git **", 0, "", "").reply(200, "")
}

#[test]
fn what_a_pipeline_does_not_grant_is_refused() {
    for (kind, code) in
        [("files-read", "denied"), ("files-write", "denied"), ("commands", "denied"), ("http", "denied")]
    {
        let problem = host().refusing(kind).stage::<Every>("every", json!({})).unwrap_err();
        assert_eq!(problem.code, code, "{kind}");
        assert!(problem.message.contains(kind), "{problem}");
    }
    let outcome = host().refusing("env").stage::<Every>("every", json!({})).unwrap();
    assert!(!outcome.summary.unwrap().contains("value"));
}

/// A plugin whose need was forgotten: it asks for a file that it does not say that it needs.
struct Forgetful;

impl Plugin for Forgetful {
    fn info() -> Info {
        Info::new("forgetful", "0.1.0", "Forgets a need")
            .need(Need::files_read("src/*", "to read"))
            .example(Example::stage("passes", "forgetful").file("src/a", "").file("b", "").passes())
    }
}

impl StagePlugin for Forgetful {
    fn run(_kind: &str, _context: &Context) -> Result<Outcome, Problem> {
        let seen = files::glob("**", 10)?;
        assert_eq!(seen.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["src/a"]);
        files::read("src/../b", 1).unwrap_err();
        files::read("/b", 1).unwrap_err();
        files::read("b", 1)?;
        Ok(Outcome::passed("read"))
    }
}

#[test]
fn what_a_plugin_does_not_say_that_it_needs_is_refused() {
    let problem = Host::new().file("src/a", "").file("b", "").stage::<Forgetful>("forgetful", json!({})).unwrap_err();
    assert_eq!(problem.message, "not granted: files-read = [\"b\"]");
}

#[test]
#[should_panic(expected = "did not expect the problem: not granted")]
fn an_example_that_does_not_hold_fails() {
    mock::stage_examples::<Forgetful>();
}

#[test]
fn a_host_is_there_again_after_a_plugin_has_panicked() {
    let mut host = Host::new().file("a", "text");
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| host.within(|| panic!("on purpose"))));
    assert!(caught.is_err());
    assert_eq!(host.within(|| files::read_text("a", 10)).unwrap(), "text");
}

#[test]
fn files_are_read_in_pieces_up_to_a_limit() {
    let mut host = Host::new().file("a", vec![b'x'; 3_000_000]);
    host.within(|| {
        assert_eq!(files::read("a", 3_000_000).unwrap().len(), 3_000_000);
        assert!(matches!(files::read("a", 2_999_999).unwrap_err(), files::Failure::TooLarge(_)));
        assert_eq!(files::read("b", 1).unwrap_err(), files::Failure::Missing);
        assert_eq!(files::read_at("a", 2_999_990, 100).unwrap().len(), 10);
    });
}

#[test]
fn a_command_that_fails_says_how_and_what_it_said_last() {
    let mut host = Host::new().command("make **", 2, "out", "first\nlast\n\n");
    let problem = host.within(|| commands::Command::new("make").arg("all").output().unwrap().success().unwrap_err());
    assert_eq!(problem.to_string(), "`make all` ended with code 2: last (command)");
}

#[test]
fn settings_that_do_not_fit_are_a_problem_in_words() {
    let context = Context { params: "{\"count\": \"two\"}".to_owned(), ..Context::default() };
    let problem = context.params::<std::collections::BTreeMap<String, u32>>().unwrap_err();
    assert!(problem.to_string().starts_with("`with` does not fit: invalid type: string \"two\""), "{problem}");
    assert_eq!(Context::default().params::<Value>().unwrap(), json!({}));
}
