//! Which of the annotations of a run are said, where a service hears only so many: errors before warnings
//! before notes; of each, stages that failed and do not say why, then what has a place, then the rest; and of each stage the
//! first before the second of any. The same run always has the same.

use std::cmp::Reverse;
use std::collections::HashSet;

use crate::event::{Severity, Spot};
use crate::ids::StageName;
use crate::view::{RunView, StageView, Tally};

/// What is to be said.
#[derive(Clone, Debug)]
pub(super) struct Said<'a> {
    /// How much it matters.
    pub(super) severity: Severity,
    /// What is said.
    pub(super) message: String,
    /// A line that stands above it, where one was given.
    pub(super) title: Option<&'a str>,
    /// What the rule is called.
    pub(super) code: Option<&'a str>,
    /// Where.
    pub(super) at: Option<&'a Spot>,
    /// Whose it is.
    pub(super) stage: &'a StageName,
    /// Whether it is the stage's own end, and no finding.
    pub(super) is_end: bool,
}

/// How many errors, warnings and notes a service hears.
pub(super) type Budget = [usize; 3];

/// What is said, in that order, and how many of each kind are not.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    pub(super) said: Vec<Said<'a>>,
    pub(super) left: Budget,
}

/// Chooses within a budget.
pub(super) fn choose(view: &RunView, budget: Budget) -> Chosen<'_> {
    let mut ranked = Vec::new();
    for (place, stage) in view.stages().values().enumerate() {
        // How many errors, warnings and notes of it there were, with a place and without.
        let mut counts = [0usize; 6];
        for said in end(stage).into_iter().chain(findings(stage)) {
            let nth = &mut counts[2 * kind(said.severity) + usize::from(said.at.is_none())];
            *nth += 1;
            ranked.push(((Reverse(said.severity), Reverse(said.is_end), said.at.is_none(), *nth, place), said));
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut seen = HashSet::new();
    let mut chosen = Chosen { said: Vec::new(), left: [0; 3] };
    let mut room = budget;
    for (_, said) in ranked {
        // Cells of a matrix find the same in the same file.
        let kind = kind(said.severity);
        if said.at.is_some() && !seen.insert((kind, said.message.clone(), spot(&said))) {
            continue;
        }
        if room[kind] > 0 {
            room[kind] -= 1;
            chosen.said.push(said);
        } else {
            chosen.left[kind] += 1;
        }
    }
    chosen
}

/// Which of the three numbers of a budget it takes from.
fn kind(severity: Severity) -> usize {
    match severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Note => 2,
    }
}

fn spot<'a>(said: &Said<'a>) -> Option<(&'a str, Option<u32>, Option<u32>)> {
    said.at.map(|at| (at.path.as_str(), at.line, at.column))
}

fn findings(stage: &StageView) -> impl Iterator<Item = Said<'_>> {
    stage.annotations.iter().map(|annotation| Said {
        severity: annotation.severity,
        message: annotation.message.clone(),
        title: annotation.title.as_deref(),
        code: annotation.code.as_deref(),
        at: annotation.at.as_ref(),
        stage: &stage.info.name,
        is_end: false,
    })
}

/// The end of a stage that did not pass and has found no error that says why.
fn end(stage: &StageView) -> Option<Said<'_>> {
    let (severity, message) = match (stage.finished(), stage.tally()) {
        (Some(finished), Some(Tally::Failed)) => {
            let severity = if stage.is_allowed_failure() { Severity::Warning } else { Severity::Error };
            (severity, finished.outcome.error().unwrap_or_default())
        }
        (None, _) if stage.started.is_some() && stage.left_on().is_none() => {
            (Severity::Error, "lost: the run ended before it did".to_owned())
        }
        _ => return None,
    };
    let has_said = stage.annotations.iter().any(|annotation| annotation.severity >= severity);
    (!has_said).then_some(Said {
        severity,
        message,
        title: None,
        code: None,
        at: None,
        stage: &stage.info.name,
        is_end: true,
    })
}
