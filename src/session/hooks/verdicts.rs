//! Trees that were green: `verdicts/<key>` in the project's state.
//!
//! A key is what a verdict depends on and is known without reading a config: the tree, the hook, the selection, and the
//! program's version. Where nothing but that decided about the run, the file is the answer. Where something else did (a
//! condition on the environment, a plugin, another machine), the file has a fingerprint of the plan, and is the answer only
//! for that plan.
//!
//! What is lost of it costs one more run; what cannot be read is none.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{RunNumber, hex};
use crate::journal::format;
use crate::journal::layout::{ProjectDir, create_dir, read_file};
use crate::journal::replace::replace;
use crate::outcome::{Outcome, SkipReason};
use crate::pipeline::{Pipeline, When};
use crate::plan::Plan;
use crate::session::runs;

/// What BLAKE3 keys are derived from here.
const CONTEXT: &str = "local-ci 1 verdict of a tree";
const PLAN_CONTEXT: &str = "local-ci 1 plan of a verdict";
/// So many are kept.
const KEPT: usize = 500;
/// For so long: tools change too, and no hash says so.
const AGE: Duration = Duration::from_hours(30 * 24);

/// What a verdict is about.
#[derive(Clone, Debug, Serialize)]
pub struct Question<'a> {
    /// The tree, in hex digits.
    pub tree: &'a str,
    /// The project's directory in it.
    pub project: String,
    /// The hook.
    pub hook: &'a str,
    /// Which stages: what was said of it beside the config, which is in the tree.
    pub selection: Vec<String>,
    /// The program's version.
    pub version: &'static str,
}

/// A tree that was green.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Green {
    /// In which run.
    pub run: RunNumber,
    /// When that was, in milliseconds since 1970.
    pub at_ms: u64,
    /// The plan that has to be the same; none where nothing but the question decided.
    pub plan: Option<String>,
}

impl Question<'_> {
    fn file(&self, project: &ProjectDir) -> PathBuf {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        // Its fields are always written in the same way.
        hasher.update(&serde_json::to_vec(self).unwrap_or_default());
        project.verdicts().join(hex(&hasher.finalize().as_bytes()[..16]))
    }

    /// What is remembered of it, if that is young enough.
    pub fn recall(&self, project: &ProjectDir, now: Timestamp) -> Option<Green> {
        let green: Green = serde_json::from_slice(&read_file(&self.file(project)).ok()?).ok()?;
        let age = u64::try_from(now.unix_ms).ok()?.checked_sub(green.at_ms)?;
        (Duration::from_millis(age) <= AGE).then_some(green)
    }

    /// Remembers it. Makes room by forgetting the oldest.
    pub fn remember(&self, project: &ProjectDir, green: &Green) -> io::Result<()> {
        format::check(project).map_err(io::Error::other)?;
        create_dir(&project.verdicts())?;
        replace(&self.file(project), &serde_json::to_vec(green)?)?;
        let mut all: Vec<_> = fs::read_dir(project.verdicts())?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
            })
            .collect();
        all.sort();
        for (_, path) in all.iter().take(all.len().saturating_sub(KEPT)) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

/// Whether nothing but the tree and the selection decides what a plan is: no condition on the environment, no plugin, whose
/// authority is the user's to give, and no machine that only the user knows.
pub fn is_settled(pipeline: &Pipeline, plan: &Plan) -> bool {
    let is_free = |when: &When| {
        let When { os: _, env, ci, branch, changed, hook: _ } = when;
        env.is_empty() && ci.is_none() && branch.is_none() && changed.is_none()
    };
    pipeline.stages().values().all(|stage| is_free(&stage.when))
        && pipeline.plugins().is_empty()
        && plan.plugins.is_empty()
        && plan.remotes.is_empty()
}

/// A fingerprint of what a plan does: which stages, what of each, and where.
pub fn fingerprint(plan: &Plan) -> String {
    let mut hasher = blake3::Hasher::new_derive_key(PLAN_CONTEXT);
    for stage in plan.stages.values() {
        let plugin = plan.plugins.values().map(|plugin| plugin.hash.as_str()).collect::<Vec<_>>();
        let remote = plan.remotes.get(&stage.executor).map(|remote| remote.destination.to_string());
        let parts = (stage.name.as_str(), &stage.decision, stage.signature, &stage.needs, remote, plugin);
        let text = serde_json::to_vec(&parts).unwrap_or_default();
        hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(&text);
    }
    hex(hasher.finalize().as_bytes())
}

/// Whether every stage of a run passed, but for those that a condition left out: a failure that is allowed is no reason to
/// be silent the next time.
pub fn is_full_pass(project: &ProjectDir, number: RunNumber) -> bool {
    let passed = |outcome: &Outcome| match outcome {
        Outcome::Passed | Outcome::Cached | Outcome::Skipped { reason: SkipReason::Condition { .. } } => true,
        Outcome::Skipped { .. }
        | Outcome::Failed { .. }
        | Outcome::TimedOut { .. }
        | Outcome::Cancelled { .. }
        | Outcome::Errored { .. } => false,
    };
    runs::read(project, number).is_ok_and(|run| {
        run.view.exit_code() == Some(crate::outcome::exit::PASSED)
            && run.view.stages().values().all(|stage| stage.finished().is_some_and(|end| passed(&end.outcome)))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn question<'a>(tree: &'a str, selection: &[&str]) -> Question<'a> {
        let selection = selection.iter().map(|word| (*word).to_owned()).collect();
        Question { tree, project: String::new(), hook: "pre-push", selection, version: "1" }
    }

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp { unix_ms, mono_us: 0 }
    }

    #[test]
    fn a_verdict_is_for_its_question_and_for_a_month() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        let green = Green { run: RunNumber(7), at_ms: 1_000, plan: None };
        assert_eq!(question("a", &[]).recall(&project, at(0)), None);
        question("a", &["x", "y"]).remember(&project, &green).unwrap();
        let recall = |question: Question<'_>, ms| question.recall(&project, at(ms));
        assert_eq!(recall(question("a", &["x", "y"]), 2_000), Some(green.clone()));
        for other in [
            question("b", &["x", "y"]),
            question("a", &["xy"]),
            question("a", &["y", "x"]),
            Question { version: "2", ..question("a", &["x", "y"]) },
            Question { hook: "pre-commit", ..question("a", &["x", "y"]) },
            Question { project: "sub".into(), ..question("a", &["x", "y"]) },
        ] {
            assert_eq!(recall(other.clone(), 2_000), None, "{other:?}");
        }
        let month = i64::try_from(AGE.as_millis()).unwrap();
        assert!(recall(question("a", &["x", "y"]), month + 1_000).is_some());
        assert_eq!(recall(question("a", &["x", "y"]), month + 1_001), None);
        assert_eq!(recall(question("a", &["x", "y"]), 999), None, "a clock that was set back proves nothing");
        fs::write(question("a", &["x", "y"]).file(&project), "{").unwrap();
        assert_eq!(recall(question("a", &["x", "y"]), 2_000), None);
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        create_dir(&project.verdicts()).unwrap();
        for n in 0..KEPT {
            fs::write(project.verdicts().join(format!("old-{n}")), "").unwrap();
        }
        let green = Green { run: RunNumber(7), at_ms: 1_000, plan: None };
        question("a", &[]).remember(&project, &green).unwrap();
        assert_eq!(fs::read_dir(project.verdicts()).unwrap().count(), KEPT);
        assert!(question("a", &[]).recall(&project, at(1_000)).is_some());
    }
}
