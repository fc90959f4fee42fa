//! `plugin list`: the plugins of a project, where each comes from, who uses it, and whether it can be used.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::{shown, stock};
use crate::cli::args::plugin::PluginListArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::plugin::Role;
use crate::session::plugins::Rules;
use crate::session::plugins::resolve::{Resolver, host};
use crate::text::plain::printable;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    plugins: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    source: String,
    version: Option<String>,
    roles: Vec<Role>,
    used_by: &'a [String],
    problem: Option<String>,
}

/// Lists plugins.
pub(super) fn list(context: &Context<'_>, args: &PluginListArgs) -> Result<Ending, CliError> {
    let stock = stock::open(context)?;
    let declared = &stock.declared;
    let resolver = Resolver::new(
        host(context.env),
        context.env,
        Rules { is_locked: context.global.locked, ..Rules::default() },
        Arc::new(|_| {}),
    );
    let lines = declared.plugins.values().map(|plugin| {
        let locked = stock.lock().plugins.get(&plugin.name);
        let found = resolver.find(&declared.root, plugin);
        let version = found.as_ref().ok().map(|found| &found.info.version).or(locked.map(|entry| &entry.version));
        let roles = found.as_ref().ok().map(|found| &found.shape.roles).or(locked.map(|entry| &entry.roles));
        Line {
            name: &plugin.name,
            source: plugin.source.to_string(),
            version: version.cloned(),
            roles: roles.cloned().unwrap_or_default(),
            used_by: declared.users(&plugin.name),
            problem: found.err().map(|trouble| trouble.to_string()),
        }
    });
    let lines: Vec<Line<'_>> = lines.collect();
    if args.json {
        let document = Document { schema_version: crate::event::SCHEMA_VERSION, plugins: lines };
        let text =
            serde_json::to_string_pretty(&document).map_err(|error| CliError::infrastructure(error.to_string()))?;
        let _ = output::print(&(text + "\n"));
    } else if lines.is_empty() {
        output::say(
            "there are no plugins here; `local-ci plugin add SOURCE` adds one, `local-ci plugin new NAME` begins one",
        );
    } else {
        let _ = output::print(&lines.iter().map(block).collect::<String>());
    }
    Ok(Ending::Code(exit::PASSED))
}

/// One of them for people.
fn block(line: &Line<'_>) -> String {
    let version = line.version.as_deref().map(|version| format!(" {}", shown::line(version))).unwrap_or_default();
    let roles = if line.roles.is_empty() { String::new() } else { format!("  {}", shown::roles(&line.roles)) };
    let mut text = format!("{}{version}{roles}\n", printable(line.name));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  from {}", shown::line(&line.source));
    let _ = match line.used_by {
        [] => writeln!(text, "  used by nothing"),
        users => writeln!(text, "  used by {}", printable(&users.join(", "))),
    };
    if let Some(problem) = &line.problem {
        let _ = writeln!(text, "  cannot be used: {}", problem.lines().map(printable).collect::<Vec<_>>().join(" "));
    }
    text
}
