//! What came of an example against what it expects: each key that is there must hold.

use serde_json::{Map, Value, json};

use super::world::Scene;
use crate::event::Annotation;
use crate::pipeline::plugin::Generated;
use crate::plugin::services::HttpRequest;
use crate::plugin::{StageEnd, Verdict};

/// What can be expected.
const KEYS: &[&str] = &["verdict", "summary", "annotations", "requests", "stages", "files", "problem"];

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Came {
    pub(super) end: Option<StageEnd>,
    /// What it answered; what it said while it ran is in its world.
    pub(super) annotations: Vec<Annotation>,
    pub(super) stages: Vec<Generated>,
}

/// What is not as it was expected, each in a line.
pub(super) fn faults(expect: &Map<String, Value>, came: &Came, scene: &Scene) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differs = |what: &str, expected: &Value, found: &Value| {
        if expected != found {
            faults.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    if let Some(other) = expect.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return vec![format!("an example can expect nothing of `{other}`")];
    }
    for (key, expected) in expect {
        match key.as_str() {
            "verdict" => differs(key, expected, &json!(came.end.as_ref().map(|end| verdict(end.verdict)))),
            "summary" => differs(key, expected, &json!(came.end.as_ref().and_then(|end| end.summary.as_deref()))),
            "annotations" => {
                let all = scene.annotations.iter().chain(&came.annotations);
                differs(key, expected, &partly(expected, all.map(annotation)));
            }
            "requests" => differs(key, expected, &partly(expected, scene.requests.iter().map(request))),
            "stages" => {
                let body = |stage: &Generated| serde_json::from_str(&stage.body).unwrap_or_else(|_| json!(stage.body));
                let stages: Map<String, Value> =
                    came.stages.iter().map(|stage| (stage.name.clone(), body(stage))).collect();
                differs(key, expected, &Value::Object(stages));
            }
            "files" => {
                for (path, expected) in expected.as_object().into_iter().flatten() {
                    let content = scene.files.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                    differs(path, expected, &json!(content));
                }
            }
            // There was none, or nobody would have come here.
            _ => differs(key, expected, &Value::Null),
        }
    }
    faults
}

/// Of each thing that was found only the keys that are expected, so that the rest does not matter.
fn partly(expected: &Value, found: impl Iterator<Item = Map<String, Value>>) -> Value {
    let keep = |(at, mut one): (usize, Map<String, Value>)| {
        if let Some(wanted) = expected.get(at).and_then(Value::as_object) {
            one.retain(|key, _| wanted.contains_key(key));
        }
        Value::Object(one)
    };
    Value::Array(found.enumerate().map(keep).collect())
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Skipped => "skipped",
    }
}

fn annotation(annotation: &Annotation) -> Map<String, Value> {
    let Annotation { severity, message, code, title, at, source: _ } = annotation;
    let at = at.as_ref();
    let all = [
        ("severity", json!(severity.word())),
        ("message", json!(message)),
        ("code", json!(code)),
        ("title", json!(title)),
        ("path", json!(at.map(|at| &at.path))),
        ("line", json!(at.and_then(|at| at.line))),
        ("column", json!(at.and_then(|at| at.column))),
        ("end-line", json!(at.and_then(|at| at.end_line))),
        ("end-column", json!(at.and_then(|at| at.end_column))),
    ];
    all.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect()
}

fn request(request: &HttpRequest) -> Map<String, Value> {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let parts = [("method", request.method.clone()), ("url", request.url.clone()), ("body", body)];
    parts.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
}
