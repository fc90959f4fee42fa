//! What was found in the project, as SARIF 2.1.0 (OASIS standard "Static Analysis Results Interchange Format").
//!
//! There is a SARIF run for each source of annotations: a tool, its rules, its results. Paths are relative to `SRCROOT`,
//! which is the project's directory and is not said: no path of this machine is in the document.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Facts, moment, title};
use crate::event::{Annotation, Severity, Spot};
use crate::view::{RunView, StageView};

/// What the project's directory is called.
const ROOT: &str = "SRCROOT";

/// The document.
pub(super) fn render(view: &RunView, facts: &Facts) -> String {
    let mut sources: Vec<&str> = Vec::new();
    for annotation in view.stages().values().flat_map(|stage| &stage.annotations) {
        if !sources.contains(&annotation.source.as_str()) {
            sources.push(&annotation.source);
        }
    }
    if sources.is_empty() {
        // That nothing was found is told as well.
        sources.push("local-ci");
    }
    let runs: Vec<Value> = sources.into_iter().map(|source| run(source, view, facts)).collect();
    let mut text = format!("{:#}", json!({ "version": "2.1.0", "runs": runs }));
    text.push('\n');
    text
}

/// All that one source has found.
fn run(source: &str, view: &RunView, facts: &Facts) -> Value {
    let mut rules: Vec<&str> = Vec::new();
    let mut results = Vec::new();
    for stage in view.stages().values() {
        for annotation in stage.annotations.iter().filter(|annotation| annotation.source == source) {
            let rule = annotation.code.as_deref().map(|code| {
                rules.iter().position(|known| *known == code).unwrap_or_else(|| {
                    rules.push(code);
                    rules.len() - 1
                })
            });
            results.push(result(annotation, rule, stage));
        }
    }
    let rules: Vec<Value> = rules.into_iter().map(|code| json!({ "id": code })).collect();
    let is_over = view.end().is_some_and(|end| !matches!(end.verdict, crate::outcome::Verdict::Lost));
    let mut invocation = json!({ "executionSuccessful": is_over });
    if let Some(run) = view.header() {
        invocation["startTimeUtc"] = moment::utc(run.at.unix_ms).into();
    }
    json!({
        "tool": { "driver": { "name": source, "rules": rules } },
        "automationDetails": { "id": format!("local-ci/{}/{source}/", facts.project) },
        "invocations": [invocation],
        "originalUriBaseIds": { ROOT: { "description": { "text": "The project's directory." } } },
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": properties(view, facts),
    })
}

/// What is known of the run that the format has no name for.
fn properties(view: &RunView, facts: &Facts) -> Value {
    let mut said = json!({ "run": title(view, facts), "program": format!("local-ci {}", facts.program) });
    for (name, value) in [("commit", &facts.commit), ("branch", &facts.branch)] {
        if let Some(value) = value {
            said[name] = value.as_str().into();
        }
    }
    said
}

fn result(annotation: &Annotation, rule: Option<usize>, stage: &StageView) -> Value {
    let Annotation { severity, message, code, title, at, source: _ } = annotation;
    let text = match title {
        Some(title) => format!("{title}\n{message}"),
        None => message.clone(),
    };
    let mut result = json!({
        "level": level(*severity),
        // The format wants some text.
        "message": { "text": if text.trim().is_empty() { "(no message)" } else { text.trim_end() } },
        "partialFingerprints": { "localCi/v1": fingerprint(annotation) },
        "properties": { "stage": stage.info.name.as_str() },
    });
    if let (Some(code), Some(rule)) = (code, rule) {
        result["ruleId"] = code.as_str().into();
        result["ruleIndex"] = rule.into();
    }
    if let Some(spot) = at {
        result["locations"] = json!([{ "physicalLocation": place(spot) }]);
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// The same finding has the same one after lines were added above it.
fn fingerprint(annotation: &Annotation) -> String {
    let mut hasher = blake3::Hasher::new();
    let path = annotation.at.as_ref().map_or("", |at| at.path.as_str());
    for part in [path, annotation.code.as_deref().unwrap_or_default(), &annotation.message] {
        // With its length before it, so that no two lists of parts read the same.
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

fn place(spot: &Spot) -> Value {
    let mut location = json!({ "artifactLocation": artifact(&spot.path) });
    // Lines and columns of the format count from one, and a column needs a line.
    let Some(line) = spot.line.filter(|line| *line > 0) else { return location };
    let mut region = json!({ "startLine": line });
    let column = spot.column.filter(|column| *column > 0);
    if let Some(column) = column {
        region["startColumn"] = column.into();
    }
    if let Some(end) = spot.end_line.filter(|end| *end >= line) {
        region["endLine"] = end.into();
    }
    let is_before =
        |end: &u32| column.is_some_and(|column| *end < column) && spot.end_line.is_none_or(|end| end <= line);
    if let Some(end) = spot.end_column.filter(|end| *end > 0 && !is_before(end)) {
        region["endColumn"] = end.into();
    }
    location["region"] = region;
    location
}

/// A file: relative to the project's directory, or where it is outside, as it is.
fn artifact(path: &str) -> Value {
    if path.starts_with('/') {
        return json!({ "uri": format!("file://{}", encoded(path)) });
    }
    let path = encoded(path.strip_prefix("./").unwrap_or(path));
    // A colon in the first segment would make a scheme of it (RFC 3986, section 4.2).
    let has_colon = path.split('/').next().is_some_and(|segment| segment.contains(':'));
    json!({ "uri": if has_colon { format!("./{path}") } else { path }, "uriBaseId": ROOT })
}

/// A path as part of a URI: all but its unreserved characters and slashes by their numbers (RFC 3986).
fn encoded(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' => {
                uri.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests;
