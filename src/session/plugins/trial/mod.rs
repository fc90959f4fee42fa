//! Examples of a plugin's use, run on its component: what it is given, and what has to come of it. `plugins/sdk/src/example.rs`
//! documents the format, and runs the same examples natively.
//!
//! The world that an example describes is made of values: no file is opened, no command run and no host spoken to.

mod expectation;
mod world;

use serde_json::{Map, Value};

use super::pin::Candidate;
use crate::cancel::CancelToken;
use crate::executor::reading::Sieve;
use crate::plugin::host::Call;
use crate::plugin::info::{Context, Notification};
use crate::plugin::services::{Line, Printed};
use crate::plugin::{Fault, FaultKind};
use expectation::{Came, faults};
use world::World;

/// The keys that an example can have.
const KEYS: &[&str] = &[
    "name",
    "role",
    "kind",
    "params",
    "config",
    "fix",
    "files",
    "env",
    "commands",
    "http",
    "now-ms",
    "lines",
    "exit-code",
    "events",
    "expect",
];

/// An example, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What it is called.
    pub name: String,
    /// What is not as it says, each in a line; none: all is.
    pub faults: Vec<String>,
    /// What the plugin said meanwhile.
    pub log: Vec<String>,
}

/// The examples of a JSON text: an array of them, or one.
pub fn read(text: &str) -> Result<Vec<Value>, String> {
    match serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))? {
        Value::Array(examples) => Ok(examples),
        example @ Value::Object(_) => Ok(vec![example]),
        _ => Err("neither an example nor an array of them".to_owned()),
    }
}

/// Runs an example. `at` is its place among its like, from one, for one without a name.
pub fn run(found: &Candidate, example: &Value, at: usize) -> Tried {
    let name = example.get("name").and_then(Value::as_str).map_or_else(|| format!("example {at}"), str::to_owned);
    let mut tried = Tried { name, faults: Vec::new(), log: Vec::new() };
    let Some(body) = example.as_object() else {
        tried.faults.push("it is no object".to_owned());
        return tried;
    };
    if let Some(key) = body.keys().find(|key| !KEYS.contains(&key.as_str())) {
        tried.faults.push(format!("examples have no `{key}`"));
        return tried;
    }
    let Some(expect) = body.get("expect").and_then(Value::as_object).filter(|expect| !expect.is_empty()) else {
        tried.faults.push("it does not say what to `expect`".to_owned());
        return tried;
    };
    match body.get("role").and_then(Value::as_str) {
        Some("stage") => once(found, body, expect, &mut tried, stage),
        // However its lines come, the same has to come of them: no parser can choose.
        Some("parser") => {
            once(found, body, expect, &mut tried, |found, body, call| parser(found, body, call, usize::MAX));
            if tried.faults.is_empty() {
                once(found, body, expect, &mut tried, |found, body, call| parser(found, body, call, 1));
            }
        }
        Some("expander") => once(found, body, expect, &mut tried, expander),
        Some("reporter") => once(found, body, expect, &mut tried, reporter),
        _ => tried.faults.push("its `role` is none of stage, parser, expander and reporter".to_owned()),
    }
    tried
}

/// Runs it once, in a world of its own.
fn once(
    found: &Candidate,
    body: &Map<String, Value>,
    expect: &Map<String, Value>,
    tried: &mut Tried,
    act: impl Fn(&Candidate, &Map<String, Value>, Call) -> Result<Came, Fault>,
) {
    let world = match World::new(&found.needs, body) {
        Ok(world) => world,
        Err(why) => {
            tried.faults.push(why);
            return;
        }
    };
    let call = Call { services: Box::new(world.clone()), limits: None, cancel: CancelToken::new() };
    let came = act(found, body, call);
    let scene = world.scene();
    tried.log.clone_from(&scene.log);
    match came {
        Ok(came) => tried.faults.extend(faults(expect, &came, &scene)),
        Err(Fault { kind: FaultKind::Problem { code, message, .. }, .. }) => match expect.get("problem") {
            Some(expected) if expected.as_str() == Some(code.as_str()) => {}
            _ => tried.faults.push(format!("it has a problem: {message} ({code})")),
        },
        Err(fault) => tried.faults.push(fault.to_string()),
    }
}

fn text<'b>(body: &'b Map<String, Value>, key: &str) -> &'b str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn context(body: &Map<String, Value>) -> Context {
    let mut extra = vec![("dir".to_owned(), String::new())];
    if body.get("fix") == Some(&Value::Bool(true)) {
        extra.push(("fix".to_owned(), "true".to_owned()));
    }
    Context {
        run: "example".to_owned(),
        stage: text(body, "kind").to_owned(),
        attempt: 1,
        params: body.get("params").map_or_else(|| "{}".to_owned(), Value::to_string),
        extra,
    }
}

fn stage(found: &Candidate, body: &Map<String, Value>, call: Call) -> Result<Came, Fault> {
    let end = found.component.run_stage(call, text(body, "kind"), &context(body))?;
    Ok(Came { end: Some(end), ..Came::default() })
}

fn parser(found: &Candidate, body: &Map<String, Value>, call: Call, batch: usize) -> Result<Came, Fault> {
    let kind = text(body, "kind");
    let mut parser = found.component.parser(call, kind, &context(body))?;
    // As in a run: it is given the lines that it says it wants.
    let known = found.info.parsers.iter().find(|parser| parser.name == kind);
    let mut sieve = Sieve::new(&known.map(|parser| parser.excerpt.clone()).unwrap_or_default());
    let lines = body.get("lines").and_then(Value::as_array).into_iter().flatten().map(line);
    let lines: Vec<Line> = lines.filter(|line| sieve.passes(line.text.as_bytes())).collect();
    let mut annotations = Vec::new();
    let lines: Vec<Printed<'_>> = lines.iter().map(Printed::from).collect();
    for lines in lines.chunks(batch.min(lines.len().max(1))) {
        annotations.extend(parser.feed(lines)?);
    }
    let code = body.get("exit-code").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok());
    annotations.extend(parser.finish(code)?);
    Ok(Came { annotations, ..Came::default() })
}

fn line(line: &Value) -> Line {
    let (is_err, said) = match line.get("err") {
        Some(said) => (true, said),
        None => (false, line),
    };
    Line { is_err, text: said.as_str().unwrap_or_default().to_owned() }
}

fn expander(found: &Candidate, body: &Map<String, Value>, call: Call) -> Result<Came, Fault> {
    let context = Context { run: String::new(), stage: String::new(), extra: Vec::new(), ..context(body) };
    let stages = found.component.expand(call, text(body, "kind"), &context)?;
    Ok(Came { stages, ..Came::default() })
}

fn reporter(found: &Candidate, body: &Map<String, Value>, call: Call) -> Result<Came, Fault> {
    let events = body.get("events").and_then(Value::as_array).into_iter().flatten();
    let batch: Vec<Notification> = events.map(notification).collect();
    found.component.reporter(call)?.notify(&batch)?;
    Ok(Came::default())
}

fn notification(event: &Value) -> Notification {
    let number = |key: &str| event.get(key).and_then(Value::as_u64).unwrap_or(0);
    let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
    Notification {
        seq: number("seq"),
        at_ms: number("at-ms"),
        kind: text("kind").unwrap_or_default(),
        stage: text("stage"),
        data: event.get("data").map_or_else(|| "{}".to_owned(), Value::to_string),
    }
}
