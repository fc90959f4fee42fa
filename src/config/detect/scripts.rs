//! Names under which people keep the same thing: scripts of `package.json`, tasks of `deno.json`.

use std::path::Path;

use serde_json::{Map, Value};

use super::broken::Broken;

/// A stage and the scripts that may be it, the most usual first.
pub(super) struct Role {
    pub(super) stage: &'static str,
    pub(super) description: &'static str,
    scripts: &'static [&'static str],
    /// Scripts that repair what it finds.
    fixes: &'static [&'static str],
}

/// What scripts are looked for.
pub(super) const ROLES: [Role; 5] = [
    Role {
        stage: "fmt",
        description: "The code is formatted",
        scripts: &["format:check", "fmt:check", "format-check", "check:format", "check-format", "prettier:check"],
        fixes: &["format", "fmt", "format:fix", "format:write", "prettier:write"],
    },
    Role {
        stage: "lint",
        description: "The linter has nothing to say",
        scripts: &["lint", "lint:check"],
        fixes: &["lint:fix", "lint-fix", "fix:lint"],
    },
    Role {
        stage: "typecheck",
        description: "The types fit",
        scripts: &["typecheck", "type-check", "check-types", "check:types", "types:check", "tsc"],
        fixes: &[],
    },
    Role { stage: "test", description: "The tests pass", scripts: &["test"], fixes: &[] },
    Role { stage: "build", description: "It builds", scripts: &["build"], fixes: &[] },
];

impl Role {
    /// The script that is it, and what that runs.
    pub(super) fn script<'s>(&self, scripts: &'s Map<String, Value>) -> Option<(&'static str, &'s str)> {
        self.scripts.iter().find_map(|name| Some((*name, text(scripts.get(*name)?)?)))
    }

    /// The script that repairs.
    pub(super) fn fix(&self, scripts: &Map<String, Value>) -> Option<&'static str> {
        self.fixes.iter().copied().find(|name| scripts.get(*name).and_then(text).is_some())
    }
}

/// What a script runs: a text, or an object with a `command`, as Deno has it.
fn text(script: &Value) -> Option<&str> {
    let text = script.as_str().or_else(|| script.get("command")?.as_str())?;
    (!text.trim().is_empty()).then_some(text)
}

/// A file of JSON that holds an object. The error says where it does not, in `text`; what is read is `plain`, which has
/// the same places.
pub(super) fn object(path: &Path, text: &str, plain: &str) -> Result<Map<String, Value>, Box<Broken>> {
    let first = plain.len() - plain.trim_start().len();
    let broken = |place, what: &str| Box::new(Broken::at(path, text, place, what));
    match serde_json::from_str(plain) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(broken(first..first + 1, "is not an object: it has to begin with `{`")),
        Err(error) => {
            let at = offset(plain, error.line(), error.column());
            let message = error.to_string();
            let what = message.split(" at line ").next().unwrap_or_default();
            let length = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            Err(broken(at..at + length, &format!("is not JSON: {what}")))
        }
    }
}

/// The byte at a line and column as `serde_json` counts them: from one, in bytes, zero standing before a line's first.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
