//! `plugin inspect`: what a plugin is, what it can ask for, and what it says that it needs.

use serde_json::{Value, json};

use super::shown;
use super::subject::Subject;
use crate::cli::args::plugin::PluginInspectArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::pipeline::plugin::Kind;
use crate::session::plugins::pin::Candidate;

/// Shows a plugin.
pub(super) fn inspect(context: &Context<'_>, args: &PluginInspectArgs) -> Result<Ending, CliError> {
    let subject = Subject::find(context, &args.plugin)?;
    let found = subject.load(context)?;
    let text = if args.json {
        format!("{:#}\n", document(&subject.name, &found))
    } else {
        shown::whole(&subject.name, &found)
    };
    let _ = output::print(&text);
    Ok(Ending::Code(exit::PASSED))
}

fn document(name: &str, found: &Candidate) -> Value {
    let (info, shape) = (&found.info, &found.shape);
    json!({
        "schema_version": crate::event::SCHEMA_VERSION,
        "name": name,
        "version": info.version,
        "summary": info.summary,
        "file": found.path.to_string_lossy(),
        "size": shape.size,
        "blake3": found.hash,
        "api": shape.api,
        "roles": shape.roles,
        "imports": shape.imports,
        "stages": kinds(&info.stages),
        "parsers": parsers(&info.parsers),
        "expanders": kinds(&info.expanders),
        "events": info.events,
        "config": info.config.as_deref().map(schema),
        "needs": info.needs,
    })
}

fn kinds(kinds: &[Kind]) -> Vec<Value> {
    let one = |kind: &Kind| {
        let params = kind.params.as_deref().map(schema);
        json!({ "name": kind.name, "summary": kind.summary, "params": params, "fixes": kind.fixes })
    };
    kinds.iter().map(one).collect()
}

/// Parsers also say which lines they are given; without a text in either, all.
fn parsers(parsers: &[Kind]) -> Vec<Value> {
    let mut shown = kinds(parsers);
    for (one, kind) in shown.iter_mut().zip(parsers) {
        one["lines"] = json!(kind.excerpt.lines);
        one["lines_from"] = json!(kind.excerpt.from);
    }
    shown
}

/// A schema as it is; as text where it is none.
fn schema(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
