//! Files of problem matchers, as GitHub Actions has them (`{"problemMatcher": [{"owner": …, "pattern": [{"regexp": …}]}]}`) and
//! as VS Code has them in its tasks (the same under `tasks`, one without an array, or the name of one that is built in there).
//!
//! What is about showing and watching (`source`, `background`, `applyTo`, `fileLocation`) is passed over: paths are held against
//! the project wherever they begin.

use serde_json::Value;

use crate::event::Severity;
use crate::pipeline::matcher::{BuiltIn, Definition, Groups, Part, Pattern, compile};

/// How many lines of one after the other there may be.
pub(super) const LINES_MAX: usize = 20;

/// The matchers of such a file. `usual` is how much something matters of which the file does not say. The error is the rest of
/// a sentence about the file.
pub(super) fn read(text: &str, usual: Option<Severity>) -> Result<Vec<Part>, String> {
    // VS Code's own files may have a byte order mark.
    let whole: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| format!("it is no JSON: {error}"))?;
    let mut parts = Vec::new();
    gather(&whole, usual, &mut parts)?;
    if parts.is_empty() {
        return Err("no problem matcher is in it".into());
    }
    Ok(parts)
}

fn gather(value: &Value, usual: Option<Severity>, parts: &mut Vec<Part>) -> Result<(), String> {
    if let Some(tasks) = value.get("tasks").and_then(Value::as_array) {
        for task in tasks.iter().filter(|task| task.get("problemMatcher").is_some()) {
            gather(task, usual, parts)?;
        }
        return Ok(());
    }
    match value.get("problemMatcher").unwrap_or(value) {
        Value::Array(all) => all.iter().try_for_each(|one| matcher(one, usual, parts)),
        one => matcher(one, usual, parts),
    }
}

/// Ours for one that VS Code has built in, or that its usual extensions bring.
fn base(name: &str) -> Result<BuiltIn, String> {
    let plain = name.strip_prefix('$').unwrap_or(name);
    let ours = match plain {
        "tsc" | "tsc-watch" => Some(BuiltIn::Tsc),
        "eslint-stylish" | "eslint-compact" => Some(BuiltIn::Eslint),
        "rustc" | "rustc-watch" | "rustc-json" => Some(BuiltIn::Rustc),
        "rustc-panic" => Some(BuiltIn::CargoTest),
        "javac" => Some(BuiltIn::Javac),
        other => BuiltIn::find(other),
    };
    ours.ok_or_else(|| format!("there is nothing built in for \"{name}\""))
}

fn matcher(value: &Value, usual: Option<Severity>, parts: &mut Vec<Part>) -> Result<(), String> {
    if let Value::String(name) = value {
        parts.push(Part::BuiltIn(base(name)?));
        return Ok(());
    }
    let Value::Object(matcher) = value else {
        return Err("a problem matcher is to be an object, or the name of one".into());
    };
    let pattern = match (matcher.get("pattern"), matcher.get("base")) {
        (None, Some(Value::String(name))) | (Some(Value::String(name)), _) => {
            parts.push(Part::BuiltIn(base(name)?));
            return Ok(());
        }
        (Some(pattern), _) => pattern,
        (None, _) => return Err("a problem matcher has no `pattern`".into()),
    };
    let lines: &[Value] = match pattern {
        Value::Array(lines) => lines,
        line => std::slice::from_ref(line),
    };
    if lines.is_empty() || lines.len() > LINES_MAX {
        return Err(format!("a `pattern` has {} lines, and it may have from one to {LINES_MAX}", lines.len()));
    }
    let patterns = lines.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    if patterns.iter().all(|pattern| pattern.groups.message.is_none()) {
        return Err("no group of a `pattern` is its `message`".into());
    }
    let said = match matcher.get("severity").and_then(Value::as_str) {
        None => None,
        Some("error") => Some(Severity::Error),
        Some("warning") => Some(Severity::Warning),
        Some("info" | "notice") => Some(Severity::Note),
        Some(other) => return Err(format!("a `severity` cannot be \"{other}\"")),
    };
    let repeats = lines.last().and_then(|line| line.get("loop")).and_then(Value::as_bool).unwrap_or(false);
    let severity = said.or(usual).unwrap_or(Severity::Error);
    parts.push(Part::Form(Definition { severity, repeats: repeats && lines.len() > 1, patterns }));
    Ok(())
}

fn line(value: &Value) -> Result<Pattern, String> {
    let Some(regexp) = value.get("regexp").and_then(Value::as_str) else {
        return Err("a line of a `pattern` has no `regexp`".into());
    };
    let regex = compile(regexp).map_err(|why| format!("`{regexp}` cannot be read: {why}"))?;
    let mut groups = Groups::default();
    for name in Groups::NAMES {
        let Some(given) = value.get(name) else { continue };
        let number = given.as_u64().and_then(|number| usize::try_from(number).ok());
        let number = number.ok_or_else(|| format!("`{name}` is to be the number of a group"))?;
        if let Some(group) = groups.group(name) {
            *group = Some(number);
        }
    }
    // Without any, a pattern of VS Code has these.
    let is_file = value.get("kind").and_then(Value::as_str) == Some("file");
    if groups == Groups::default() && !is_file && regex.captures_len() > 3 && value.get("loop").is_none() {
        groups = Groups { file: Some(1), line: Some(2), column: Some(3), message: Some(0), ..groups };
    }
    if let Some(highest) = groups.highest().filter(|highest| *highest >= regex.captures_len()) {
        return Err(format!("`{regexp}` has {} groups, and number {highest} is asked for", regex.captures_len() - 1));
    }
    Ok(Pattern { regex: regexp.to_owned(), groups })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn githubs_shape_is_read() {
        let text = r#"{"problemMatcher": [{"owner": "eslint-stylish", "severity": "warning", "pattern": [
            {"regexp": "^([^\\s].*)$", "file": 1},
            {"regexp": "^\\s+(\\d+):(\\d+)\\s+(error|warning|info)\\s+(.*)\\s\\s+(.*)$",
             "line": 1, "column": 2, "severity": 3, "message": 4, "code": 5, "loop": true}]}]}"#;
        let parts = read(text, Some(Severity::Note)).unwrap();
        let [Part::Form(form)] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!((form.severity, form.repeats, form.patterns.len()), (Severity::Warning, true, 2));
        assert_eq!((form.patterns[0].groups.file, form.patterns[1].groups.code), (Some(1), Some(5)));
    }

    #[test]
    fn tasks_and_names_of_vs_code_are_read() {
        let text = r#"{"version": "2.0.0", "tasks": [{"label": "a", "problemMatcher": "$tsc"}, {"label": "b"},
            {"label": "c", "problemMatcher": ["$eslint-stylish", {"base": "$rustc", "fileLocation": "relative"},
             {"owner": "c", "fileLocation": ["relative", "${workspaceFolder}"],
              "pattern": {"regexp": "^(.*):(\\d+): (.*)$", "file": 1, "line": 2, "message": 3}}]}]}"#;
        let parts = read(text, None).unwrap();
        let built_in = |part: &Part| match part {
            Part::BuiltIn(one) => Some(*one),
            Part::Form(_) => None,
        };
        let names: Vec<_> = parts.iter().map(built_in).collect();
        assert_eq!(names, [Some(BuiltIn::Tsc), Some(BuiltIn::Eslint), Some(BuiltIn::Rustc), None]);
    }

    #[test]
    fn what_is_no_matcher_says_why() {
        for (text, why) in [
            ("{", "it is no JSON: "),
            ("[]", "no problem matcher is in it"),
            ("1", "a problem matcher is to be an object, or the name of one"),
            (r#"{"problemMatcher": "$nobody"}"#, "there is nothing built in for \"$nobody\""),
            (r#"{"pattern": []}"#, "a `pattern` has 0 lines"),
            (r#"{"pattern": {"file": 1}}"#, "a line of a `pattern` has no `regexp`"),
            (r#"{"pattern": {"regexp": "(", "message": 1}}"#, "`(` cannot be read: unclosed group"),
            (r#"{"pattern": {"regexp": "(x)", "message": 2}}"#, "`(x)` has 1 groups, and number 2 is asked for"),
            (r#"{"pattern": {"regexp": "(x)", "file": 1}}"#, "no group of a `pattern` is its `message`"),
            (r#"{"severity": "bad", "pattern": {"regexp": "x", "message": 0}}"#, "a `severity` cannot be \"bad\""),
        ] {
            let said = read(text, None).unwrap_err();
            assert!(said.starts_with(why), "{text}: {said}");
        }
    }
}
