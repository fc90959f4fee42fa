//! What commands that look back start from: the project's state and its history, and which jobs a word stands for.

use super::error::CliError;
use super::output;
use super::project::Context;
use crate::ids::StageName;
use crate::journal::layout::ProjectDir;
use crate::pipeline::Pipeline;
use crate::plan::nearest;
use crate::session::past::{self, Past};
use crate::session::prepare::Project;
use crate::session::runs::meant;

/// The project's state and its history. What is wrong with the history is said.
pub(super) fn open(context: &Context<'_>, project: &Project) -> Result<(ProjectDir, Past), CliError> {
    let dir = context.state(&project.root)?;
    let past = past::open(&dir, &project.root);
    say(&past);
    Ok((dir, past))
}

/// Says what is wrong with the history and was not said yet: some of it turns out only when it is asked.
pub(super) fn say(past: &Past) {
    past.warnings().iter().for_each(|warning| output::warning(warning));
}

/// The jobs that a word stands for: the stage or the cells of the matrix of the config that has this name; where it has
/// none any more, those of earlier runs.
pub(super) fn jobs(pipeline: &Pipeline, past: &Past, word: &str) -> Result<Vec<StageName>, CliError> {
    let now: Vec<StageName> = pipeline.stages().values().map(|stage| stage.name.clone()).collect();
    let then = past.jobs().map_err(unreadable)?;
    for names in [&now, &then] {
        let meant = meant(names.iter().cloned(), word);
        if !meant.is_empty() {
            return Ok(meant);
        }
    }
    let matrices = pipeline.stages().values().map(|stage| stage.declared.as_str());
    let similar = nearest(word, now.iter().chain(&then).map(StageName::as_str).chain(matrices));
    let meant = if similar.is_empty() { String::new() } else { format!("; did you mean {}?", similar.join(" or ")) };
    Err(CliError::usage(format!("there is no job {word:?}, now or in earlier runs{meant}"))
        .or_try("`local-ci list` shows the stages, `local-ci runs` what came of them"))
}

/// The same with the cells that the matrix no longer has.
pub(super) fn jobs_ever(pipeline: &Pipeline, past: &Past, word: &str) -> Result<Vec<StageName>, CliError> {
    let mut found = jobs(pipeline, past, word)?;
    if found.iter().all(|name| name.as_str() != word) {
        let then = meant(past.jobs().map_err(unreadable)?, word);
        found.extend(then.into_iter().filter(|name| name.as_str() != word));
        found.sort();
        found.dedup();
    }
    Ok(found)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn unreadable(error: std::io::Error) -> CliError {
    CliError::infrastructure(format!("the history cannot be read: {error}"))
}
