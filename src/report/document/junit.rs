//! `JUnit` XML in the flavour of Jenkins and Surefire: the run is a suite, every stage a test case in it.
//!
//! What is valid is what junit-10.xsd of Jenkins' xunit plugin says; the elements of attempts that were repeated are those of
//! Surefire's `rerunFailingTestsCount`. Build servers count `failure` and `error` against a build, so they stand where
//! the run's verdict counts them and nowhere else: a failure that is allowed is `skipped`, with the reason.

use std::time::Duration;

use super::attempts::{self, Attempt, end_of, why};
use super::xml::Xml;
use super::{Facts, moment, printed, title};
use crate::ids::StageId;
use crate::outcome::{Failure, Outcome};
use crate::report::{Logs, annotations};
use crate::view::{RunView, StageView};

/// How much of what an attempt printed is in the document, in bytes.
const PRINTED: u64 = 64 * 1024;
/// How many annotations of a stage are named.
const NAMED: usize = 100;

/// What a stage counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// A pass, whether it ran or did not have to.
    Passed,
    /// It ran and failed.
    Failure,
    /// It could not be run, or not to its end.
    Error,
    /// It was not run, or its failure does not count.
    Skipped,
}

impl Case {
    fn of(stage: &StageView) -> Self {
        if stage.is_allowed_failure() {
            return Self::Skipped;
        }
        match stage.finished() {
            Some(finished) => match &finished.outcome {
                Outcome::Cancelled { .. } if stage.started.is_none() => Self::Skipped,
                outcome => Self::of_attempt(Some(outcome)),
            },
            None if stage.started.is_none() => Self::Skipped,
            None => Self::Error,
        }
    }

    fn of_attempt(outcome: Option<&Outcome>) -> Self {
        match outcome {
            Some(Outcome::Passed | Outcome::Cached) => Self::Passed,
            Some(Outcome::Failed { failure: Failure::Exit { .. } | Failure::Leaked { .. } }) => Self::Failure,
            Some(Outcome::Skipped { .. }) => Self::Skipped,
            Some(
                Outcome::Failed { failure: Failure::NotStarted { .. } }
                | Outcome::TimedOut { .. }
                | Outcome::Cancelled { .. }
                | Outcome::Errored { .. },
            )
            | None => Self::Error,
        }
    }
}

/// The document.
pub(super) fn render(view: &RunView, logs: &mut dyn Logs, facts: &Facts) -> String {
    let cases: Vec<Case> = view.stages().values().map(Case::of).collect();
    let count = |wanted| cases.iter().filter(|case| **case == wanted).count().to_string();
    let (tests, failures, errors) = (cases.len().to_string(), count(Case::Failure), count(Case::Error));
    let (skipped, time) = (count(Case::Skipped), seconds(end_of(view)));
    let timestamp = moment::utc_seconds(view.header().map_or(0, |run| run.at.unix_ms));
    let name = title(view, facts);
    let mut xml = Xml::new();
    xml.open(
        "testsuites",
        &[("name", &name), ("tests", &tests), ("failures", &failures), ("errors", &errors), ("time", &time)],
    );
    xml.open(
        "testsuite",
        &[
            ("name", &name),
            ("tests", &tests),
            ("failures", &failures),
            ("errors", &errors),
            ("skipped", &skipped),
            ("time", &time),
            ("timestamp", &timestamp),
            ("hostname", &facts.host),
        ],
    );
    properties(&mut xml, view, facts);
    for ((id, stage), case) in view.stages().iter().zip(cases) {
        let time = seconds(stage.duration());
        xml.open("testcase", &[("name", stage.info.name.as_str()), ("classname", &facts.project), ("time", &time)]);
        test_case(&mut xml, view, logs, (id, stage), case);
        xml.close();
    }
    xml.finish()
}

/// What is known of the run that no attribute has a name for.
fn properties(xml: &mut Xml, view: &RunView, facts: &Facts) {
    let number = view.header().and_then(|run| run.number).map(|number| number.to_string());
    let verdict = view.verdict().map(|verdict| verdict.word().to_owned());
    let said = [
        ("local-ci.version", Some(facts.program.clone())),
        ("run", number),
        ("verdict", verdict),
        ("commit", facts.commit.clone()),
        ("branch", facts.branch.clone()),
    ];
    xml.open("properties", &[]);
    for (name, value) in said {
        if let Some(value) = value {
            xml.leaf("property", &[("name", name), ("value", &value)], "");
        }
    }
    for stage in view.stages().values() {
        if stage.finished().is_some_and(|finished| finished.outcome == Outcome::Cached) {
            xml.leaf("property", &[("name", "cached"), ("value", stage.info.name.as_str())], "");
        }
    }
    xml.close();
}

fn test_case(xml: &mut Xml, view: &RunView, logs: &mut dyn Logs, stage: (StageId, &StageView), case: Case) {
    let (id, stage) = stage;
    let attempts = attempts::of(view, stage);
    let (found, last) = (found(view, stage), attempts.last());
    match case {
        Case::Passed => {
            // The last one passed, and those before did not.
            for attempt in attempts.iter().take(attempts.len().saturating_sub(1)) {
                repeated(xml, logs, id, attempt, ["flakyFailure", "flakyError"]);
            }
            if !found.is_empty() {
                xml.leaf("system-out", &[], &found);
            }
        }
        Case::Failure | Case::Error => {
            let element = if case == Case::Failure { "failure" } else { "error" };
            let outcome = stage.finished().map(|finished| &finished.outcome);
            let message = why(outcome).unwrap_or_default();
            let kind = outcome.map_or("lost", Outcome::word);
            xml.leaf(element, &[("type", kind), ("message", &message)], &found);
            for attempt in attempts.iter().take(attempts.len().saturating_sub(1)) {
                repeated(xml, logs, id, attempt, ["rerunFailure", "rerunError"]);
            }
            system_out(xml, logs, id, last);
        }
        Case::Skipped => {
            let outcome = stage.finished().map(|finished| &finished.outcome);
            let reason = match (outcome, stage.is_allowed_failure()) {
                (None, _) => "the run ended before it started".to_owned(),
                (Some(outcome), true) => format!("allowed to fail: {}", why(Some(outcome)).unwrap_or_default()),
                (Some(outcome), false) => why(Some(outcome)).unwrap_or_default(),
            };
            xml.leaf("skipped", &[("message", &reason)], "");
            system_out(xml, logs, id, last);
        }
    }
}

/// What a stage found in the project, a line each.
fn found(view: &RunView, stage: &StageView) -> String {
    annotations::lines(stage, view, "local-ci", NAMED).join("\n")
}

/// An attempt that did not pass and was followed by another.
fn repeated(xml: &mut Xml, logs: &mut dyn Logs, id: StageId, attempt: &Attempt<'_>, names: [&'static str; 2]) {
    let name = if Case::of_attempt(attempt.outcome) == Case::Failure { names[0] } else { names[1] };
    let message = why(attempt.outcome).unwrap_or_default();
    let kind = attempt.outcome.map_or("lost", Outcome::word);
    xml.open(name, &[("type", kind), ("message", &message)]);
    system_out(xml, logs, id, Some(attempt));
    xml.close();
}

fn system_out(xml: &mut Xml, logs: &mut dyn Logs, id: StageId, attempt: Option<&Attempt<'_>>) {
    let Some(attempt) = attempt else { return };
    let text = printed::last(logs, id, attempt, PRINTED);
    if !text.is_empty() {
        xml.leaf("system-out", &[], &text);
    }
}

/// In seconds, with three decimals.
fn seconds(duration: Duration) -> String {
    format!("{}.{:03}", duration.as_secs(), duration.subsec_millis())
}

#[cfg(test)]
mod tests;
