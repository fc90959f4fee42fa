//! Deno: its own formatter, linter and tests, or the tasks that the project has for them.

use serde_json::{Map, Value};

use super::directory::{Directory, Seen};
use super::draft::{Draft, Run};
use super::kind::Kind;
use super::scripts::{self, ROLES};
use super::{jsonc, node};
use crate::config::visible::visible_line;

/// The settings of a project.
pub(super) const SETTINGS: [&str; 2] = ["deno.json", "deno.jsonc"];

/// Lock files of others: with one of these beside it, the package is run by more than Deno.
const OTHERS: [&str; 5] = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"];

/// Whether a `package.json` here is there for Deno's sake, which reads it too.
pub(super) fn owns_package(dir: &Directory<'_>) -> bool {
    dir.first(&SETTINGS).is_some() && dir.has(node::MANIFEST) && dir.first(&OTHERS).is_none()
}

/// The stages of a directory with a `deno.json`.
pub(super) fn stages(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    let Some(name) = dir.first(&SETTINGS) else { return Vec::new() };
    let Some(text) = dir.read(name, seen) else { return Vec::new() };
    let settings = match scripts::object(&dir.path.join(name), &text, &jsonc::plain(&text)) {
        Ok(settings) => settings,
        Err(broken) => {
            seen.broken.push(*broken);
            return Vec::new();
        }
    };
    let none = Map::new();
    let tasks = settings.get("tasks").and_then(Value::as_object).unwrap_or(&none);
    let mut stages = Vec::new();
    for role in ROLES {
        let task = role.script(tasks);
        // A task knows the permissions that the project's code needs; Deno's own commands are the next best.
        let run = match (task, role.stage) {
            (Some((task, _)), _) => Run::words(&format!("deno task {task}")),
            (None, "fmt") => Run::words("deno fmt --check"),
            (None, "lint") => Run::words("deno lint"),
            (None, "test") if has_tests(dir) => Run::words("deno test"),
            (None, _) => continue,
        };
        let mut stage = Draft::new(Kind::Deno, role.stage, role.description, run);
        if let Some((task, command)) = task {
            stage = stage.why(format!("{name} has the task {task}: {}", visible_line(command))).annotate_tools(command);
        }
        stages.push(match (role.stage, role.fix(tasks)) {
            (_, Some(fix)) => stage.fix(Run::words(&format!("deno task {fix}"))),
            ("fmt", None) => stage.fix(Run::words("deno fmt")),
            ("lint", None) => stage.fix(Run::words("deno lint --fix")),
            (_, None) => stage,
        });
    }
    stages
}

/// Whether there are tests where Deno looks for them: it fails where there are none.
fn has_tests(dir: &Directory<'_>) -> bool {
    let is_test = |name: &String| {
        let stem =
            ["ts", "tsx", "js", "jsx", "mts", "mjs"].iter().find_map(|end| name.strip_suffix(&format!(".{end}")));
        stem.is_some_and(|stem| stem.rsplit(['_', '.']).next() == Some("test"))
    };
    ["", "tests", "test", "src"].iter().any(|below| dir.names(below).iter().any(is_test))
}
