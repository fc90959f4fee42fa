//! `plugin test`: the examples that a plugin carries, and those in its `fixtures`, on its component.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::shown;
use super::subject::Subject;
use crate::cli::args::plugin::PluginTestArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::session::plugins::trial::{self, Tried};
use crate::text::plain::printable;

/// The directory of examples beside a plugin's sources: files of JSON, each with an example or an array of them.
const FIXTURES: &str = "fixtures";
/// How many of the plugin's own lines are shown of an example that came out otherwise.
const LOG_MAX: usize = 20;

/// Runs all examples.
pub(super) fn test(context: &Context<'_>, args: &PluginTestArgs) -> Result<Ending, CliError> {
    let subject = Subject::find(context, &args.plugin)?;
    let found = subject.load(context)?;
    let own = trial::read(&found.info.examples)
        .map_err(|why| CliError::usage(format!("plugin {} has no examples, but {why}", subject.name)))?;
    let fixtures = match &subject.sources {
        Some(dir) => fixtures(&dir.join(FIXTURES))?,
        None => Vec::new(),
    };
    let examples: Vec<Value> = own.into_iter().chain(fixtures).collect();
    if examples.is_empty() {
        output::problem(&format!("plugin {} has no examples", subject.name));
        output::say("  hint: its `describe` carries them; wit/plugin.wit says what stands in one");
        return Ok(Ending::Code(exit::NOTHING_SELECTED));
    }
    let mut failed = 0;
    for (at, example) in (1..).zip(&examples) {
        let tried = trial::run(&found, example, at);
        failed += usize::from(!tried.faults.is_empty());
        let _ = output::print(&line(&tried));
    }
    let (all, name) = (examples.len(), printable(&subject.name));
    let word = if all == 1 { "example" } else { "examples" };
    if failed == 0 {
        output::say(&format!("{name}: {all} {word}, as they say"));
        return Ok(Ending::Code(exit::PASSED));
    }
    output::say(&format!("{name}: {failed} of {all} {word} came out otherwise"));
    Ok(Ending::Code(exit::FAILED))
}

/// What came of one of them.
fn line(tried: &Tried) -> String {
    let name = shown::line(&tried.name);
    if tried.faults.is_empty() {
        return format!("ok      {name}\n");
    }
    let faults = tried.faults.iter().map(|fault| printable(fault).into_owned());
    let log = tried.log.iter().take(LOG_MAX).map(|said| format!("it said: {}", shown::line(said)));
    let details = faults.chain(log).map(|line| format!("        {line}\n"));
    format!("FAILED  {name}\n{}", details.collect::<String>())
}

/// The examples of a directory, by the names of their files.
fn fixtures(dir: &Path) -> Result<Vec<Value>, CliError> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(Vec::new()) };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut examples = Vec::new();
    for path in paths {
        let failed = |why: String| CliError::usage(format!("the fixture {} cannot be read: {why}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        examples.extend(trial::read(&text).map_err(|why| failed(format!("it is {why}")))?);
    }
    Ok(examples)
}
