//! What commands that look back start from: the project's state and its history, and which jobs a word stands for.

use std::path::Path;

use super::error::CliError;
use super::output;
use super::project::{Anchor, Context};
use crate::ids::{RunNumber, StageName};
use crate::journal::layout::ProjectDir;
use crate::plan::nearest;
use crate::session::jobs::{self, AdHoc};
use crate::session::past::{self, Past};
use crate::session::runs::meant;

/// The project's state and its history. What is wrong with the history is said, and which runs nobody can read.
pub(super) fn open(context: &Context<'_>, root: &Path) -> Result<(ProjectDir, Past), CliError> {
    let dir = context.state(root)?;
    let past = past::open(&dir, root);
    say(&past);
    for number in past.unseen().unwrap_or_default() {
        if let Some(error) = past::damage(&dir, number) {
            say_damaged(number, "", &error);
        }
    }
    Ok((dir, past))
}

/// Says what is wrong with the history and was not said yet: some of it turns out only when it is asked.
pub(super) fn say(past: &Past) {
    past.warnings().iter().for_each(|warning| output::warning(warning));
}

/// Says of a damaged run that it is passed over. `place` says whose run it is, where that has to be said.
pub(super) fn say_damaged(number: RunNumber, place: &str, error: &std::io::Error) {
    output::warning(&format!("run {number}{place} cannot be read: {error}"));
}

/// The ad-hoc jobs of a project. That they cannot be read is said.
pub(super) fn ad_hoc(state: &ProjectDir) -> Vec<AdHoc> {
    jobs::read(state).unwrap_or_else(|error| {
        output::warning(&format!("the ad-hoc jobs cannot be read ({}: {error})", state.jobs().display()));
        Vec::new()
    })
}

/// The jobs that a word stands for: the stage or the cells of the matrix of the config that has this name, or the ad-hoc
/// job; where there is none, those of earlier runs.
pub(super) fn jobs(anchor: &Anchor, ad_hoc: &[AdHoc], past: &Past, word: &str) -> Result<Vec<StageName>, CliError> {
    let stages = || anchor.project.iter().flat_map(|project| project.pipeline.stages().values());
    let added = ad_hoc.iter().map(|job| &job.name);
    let now: Vec<StageName> = stages().map(|stage| &stage.name).chain(added).cloned().collect();
    let then = past.jobs().map_err(unreadable)?;
    for names in [&now, &then] {
        let meant = meant(names.iter().cloned(), word);
        if !meant.is_empty() {
            return Ok(meant);
        }
    }
    let matrices = stages().map(|stage| stage.declared.as_str());
    let similar = nearest(word, now.iter().chain(&then).map(StageName::as_str).chain(matrices));
    let meant = if similar.is_empty() { String::new() } else { format!("; did you mean {}?", similar.join(" or ")) };
    Err(CliError::usage(format!("there is no job {word:?}, now or in earlier runs{meant}"))
        .or_try("`local-ci list` shows the jobs, `local-ci runs` what came of them"))
}

/// The same with the cells that the matrix no longer has.
pub(super) fn jobs_ever(
    anchor: &Anchor,
    ad_hoc: &[AdHoc],
    past: &Past,
    word: &str,
) -> Result<Vec<StageName>, CliError> {
    let mut found = jobs(anchor, ad_hoc, past, word)?;
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
