//! Runs the examples that a plugin carries, as `local-ci plugin test` does with the component.

use serde_json::{Map, Value, json};

use super::{Answer, Host};
use crate::{
    Annotation, Event, ExpanderPlugin, Line, Outcome, ParserPlugin, Plugin, Problem, ReporterPlugin, StagePlugin,
    StageSpec, Verdict,
};

/// What came of an example, in the words of its `expect`.
#[derive(Default)]
struct Found {
    outcome: Option<Outcome>,
    annotations: Vec<Annotation>,
    stages: Vec<StageSpec>,
}

/// Runs the examples of the plugin's stage kinds.
///
/// # Panics
///
/// Where something comes of one that it does not say, and where there is none.
pub fn stage_examples<P: StagePlugin>() {
    run::<P>("stage", |host, example| {
        let kind = text(example, "kind");
        let params = object(example, "params");
        let fix = example.get("fix") == Some(&Value::Bool(true));
        let outcome = if fix { host.fix::<P>(kind, params) } else { host.stage::<P>(kind, params) }?;
        Ok(Found { outcome: Some(outcome), annotations: host.annotations().to_vec(), ..Found::default() })
    });
}

/// Runs the examples of the plugin's parsers: once with all lines at once, once line by line, since no plugin can choose, and
/// once with lines that the parser does not ask for.
///
/// # Panics
///
/// Where something comes of one that it does not say, and where there is none.
pub fn parser_examples<P: ParserPlugin>() {
    for (batch, is_unabridged) in [(usize::MAX, false), (1, false), (usize::MAX, true)] {
        run::<P>("parser", |host, example| {
            host.is_unabridged = is_unabridged;
            let lines: Vec<_> = list(example, "lines").iter().map(line).collect();
            let exit_code = example.get("exit-code").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok());
            let found = host.parse::<P>(text(example, "kind"), object(example, "params"), &lines, batch, exit_code)?;
            Ok(Found { annotations: [host.annotations().to_vec(), found].concat(), ..Found::default() })
        });
    }
}

/// Runs the examples of the plugin's expanders.
///
/// # Panics
///
/// Where something comes of one that it does not say, and where there is none.
pub fn expander_examples<P: ExpanderPlugin>() {
    run::<P>("expander", |host, example| {
        let stages = host.expand::<P>(text(example, "kind"), object(example, "params"))?;
        Ok(Found { annotations: host.annotations().to_vec(), stages, ..Found::default() })
    });
}

/// Runs the examples of the plugin's reporter, a new one for each.
///
/// # Panics
///
/// Where something comes of one that it does not say, and where there is none.
pub fn reporter_examples<P: ReporterPlugin>() {
    run::<P>("reporter", |host, example| {
        let batch: Vec<_> = list(example, "events").iter().map(event).collect();
        host.notify(&mut P::default(), &batch)?;
        Ok(Found { annotations: host.annotations().to_vec(), ..Found::default() })
    });
}

fn run<P: Plugin>(role: &str, act: impl Fn(&mut Host, &Value) -> Result<Found, Problem>) {
    let all: Vec<Value> = P::info().examples.iter().map(crate::Example::to_json).collect();
    let of_role: Vec<_> = all.iter().filter(|example| example["role"] == role).collect();
    assert!(!of_role.is_empty(), "the plugin carries no example of the role {role}");
    for example in of_role {
        assert!(
            example["expect"].as_object().is_some_and(|expect| !expect.is_empty()),
            "example {}: it expects nothing",
            example["name"]
        );
        let mut host = host(example);
        let found = act(&mut host, example);
        let faults = faults(&example["expect"], &host, found);
        assert!(faults.is_empty(), "example {}:\n  {}", example["name"], faults.join("\n  "));
    }
}

/// The host that an example describes.
fn host(example: &Value) -> Host {
    let mut host = Host::new().settings(object(example, "config"));
    for (path, text) in map(example, "files") {
        host = host.file(path, text.as_str().unwrap_or_default());
    }
    for (name, value) in map(example, "env") {
        host = host.env(name, value.as_str().unwrap_or_default());
    }
    for (words, answer) in map(example, "commands") {
        let out = text(answer, "out").lines().map(Line::out);
        let lines = out.chain(text(answer, "err").lines().map(Line::err)).collect();
        let code = answer.get("code").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()).unwrap_or(0);
        host.world.answers.push((words.clone(), Answer { lines, code }));
    }
    for reply in list(example, "http") {
        let status = reply.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
        host = host.reply(status.unwrap_or(200), text(reply, "body"));
    }
    host.now_ms(example.get("now-ms").and_then(Value::as_u64).unwrap_or(0))
}

fn faults(expect: &Value, host: &Host, found: Result<Found, Problem>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differs = |what: &str, expected: &Value, found: &Value| {
        if expected != found {
            faults.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    let found = match found {
        Ok(found) => found,
        Err(problem) => {
            let code = Value::from(problem.code.as_str());
            if expect.get("problem") != Some(&code) {
                faults.push(format!("did not expect the problem: {problem}"));
            }
            return faults;
        }
    };
    for (key, expected) in expect.as_object().into_iter().flatten() {
        match key.as_str() {
            "verdict" => differs(key, expected, &json!(found.outcome.as_ref().map(|outcome| verdict(outcome.verdict)))),
            "summary" => {
                differs(key, expected, &json!(found.outcome.as_ref().and_then(|outcome| outcome.summary.clone())));
            }
            "annotations" => differs(key, expected, &partly(expected, found.annotations.iter().map(annotation))),
            "requests" => differs(key, expected, &partly(expected, host.requests().iter().map(request))),
            "stages" => {
                let stages: Map<_, _> =
                    found.stages.iter().map(|stage| (stage.name.clone(), stage.body.clone())).collect();
                differs(key, expected, &Value::Object(stages));
            }
            "files" => {
                for (path, expected) in expected.as_object().into_iter().flatten() {
                    let content = host.content(path).map(String::from_utf8_lossy);
                    differs(path, expected, &json!(content));
                }
            }
            "problem" => differs(key, expected, &Value::Null),
            // Examples are made by functions of this crate, so this is a fault in it.
            _ => panic!("examples have no {key:?} in what they expect"),
        }
    }
    faults
}

/// What was found, of each thing only the keys that are expected, so that the rest does not matter.
fn partly(expected: &Value, found: impl Iterator<Item = Map<String, Value>>) -> Value {
    let expected: Vec<_> = expected.as_array().into_iter().flatten().collect();
    let keep = |(i, mut one): (usize, Map<String, Value>)| {
        if let Some(wanted) = expected.get(i).and_then(|wanted| wanted.as_object()) {
            one.retain(|key, _| wanted.contains_key(key));
        }
        Value::Object(one)
    };
    Value::Array(found.enumerate().map(keep).collect())
}

fn verdict(verdict: Verdict) -> Value {
    match verdict {
        Verdict::Passed => "passed".into(),
        Verdict::Failed => "failed".into(),
        Verdict::Skipped => "skipped".into(),
    }
}

fn annotation(annotation: &Annotation) -> Map<String, Value> {
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            map.insert(key.to_owned(), value);
        }
    };
    put("severity", json!(annotation.severity));
    put("message", json!(annotation.message));
    put("code", json!(annotation.code));
    put("title", json!(annotation.title));
    if let Some(at) = &annotation.at {
        put("path", json!(at.path));
        put("line", json!(at.line));
        put("column", json!(at.column));
        put("end-line", json!(at.end_line));
        put("end-column", json!(at.end_column));
    }
    map
}

fn request(request: &crate::http::Request) -> Map<String, Value> {
    let parts = [
        ("method", request.method.clone()),
        ("url", request.url.clone()),
        ("body", String::from_utf8_lossy(&request.body).into_owned()),
    ];
    parts.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
}

fn line(line: &Value) -> Line {
    match line.as_str() {
        Some(text) => Line::out(text),
        None => Line::err(text(line, "err")),
    }
}

fn event(event: &Value) -> Event {
    Event {
        seq: event.get("seq").and_then(Value::as_u64).unwrap_or(0),
        at_ms: event.get("at-ms").and_then(Value::as_u64).unwrap_or(0),
        kind: text(event, "kind").to_owned(),
        stage: event.get("stage").and_then(Value::as_str).map(str::to_owned),
        data: event.get("data").map_or_else(|| "{}".to_owned(), Value::to_string),
    }
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn object(of: &Value, key: &str) -> Value {
    of.get(key).cloned().unwrap_or_else(|| json!({}))
}

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn map<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    of.get(key).and_then(Value::as_object).into_iter().flatten()
}
