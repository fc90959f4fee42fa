//! `hook list`: which hooks there are, and what they run.

use std::fmt::Write as _;

use super::repository;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::pipeline::hook::{Hook, Hooks, NAMES, Tree};
use crate::process::tool::Tools;
use crate::session::hooks::install::{Found, before, look};
use crate::text::plain::printable;

/// Shows the hooks.
pub(super) fn list(context: &Context<'_>) -> Result<Ending, CliError> {
    let tools = Tools::plain(context.env);
    let repository = repository(context, &tools)?;
    let project = context.project()?;
    let hooks = project.pipeline.hooks();
    let mut rows = Vec::new();
    for name in NAMES {
        let found = look(&repository.hooks, name).map_err(|error| CliError::infrastructure(error.to_string()))?;
        let configured = hooks.find(name);
        let state = match (&found, configured) {
            (Found::Nothing, None) => continue,
            (Found::Foreign { .. }, None) => "not local-ci's".to_owned(),
            (Found::Nothing, Some(_)) => format!("not set: `{} hook install {name}`", context.program()),
            (Found::Foreign { .. }, Some(_)) => {
                format!("not local-ci's: `{} hook install {name}` sets ours beside it", context.program())
            }
            (Found::Ours { chained, project }, _) => {
                let kept = before(&repository.hooks, name);
                let kept = kept.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let after = if *chained { format!(", after {kept}") } else { String::new() };
                let place = if project.is_empty() { String::new() } else { format!(" in {project}") };
                format!("set{after}{place}")
            }
        };
        let runs = match (&found, configured) {
            (Found::Foreign { .. } | Found::Nothing, None) => String::new(),
            _ => format!("; {}", runs(name, hooks)),
        };
        rows.push((*name, format!("{state}{runs}")));
    }
    if rows.is_empty() {
        output::say(&format!("no hooks are set here; `{} hook install` sets pre-push", context.program()));
        return Ok(Ending::Code(exit::PASSED));
    }
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut table = String::new();
    for (name, text) in &rows {
        let _ = writeln!(table, "{name:width$}  {}", printable(text));
    }
    let _ = output::print(&table);
    Ok(Ending::Code(exit::PASSED))
}

/// What a hook runs, and on what.
pub(super) fn runs(name: &str, hooks: &Hooks) -> String {
    let Hook { stages, profile, .. } = hooks.find(name).cloned().unwrap_or_default();
    let mut parts = stages;
    parts.extend(profile.map(|name| format!("the profile {name}")));
    let what = if parts.is_empty() { "the default stages".to_owned() } else { parts.join(", ") };
    let on = match (hooks.tree(name), name) {
        (Tree::Worktree, _) => "in the work tree",
        (Tree::Commit, "pre-push") => "on the commits that are pushed",
        (Tree::Commit, _) => "on what is committed",
    };
    format!("runs {what}, {on}")
}
