//! What is so here and now, and whether a stage's `when` holds under it.
//!
//! Facts are found out by others; nothing here looks at the machine.

use std::ffi::OsStr;

use super::changed::{self, Changed, PathGlobs};
use super::error::{PlanError, enumerate};
use super::pattern::Globs;
use crate::env::{self, Env};
use crate::pipeline::When;

/// What is so here and now.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The operating system, as Rust names it.
    pub os: String,
    /// Whether the environment says that nobody sits here.
    pub ci: bool,
    /// The branch that is checked out, if it is a branch.
    pub branch: Option<String>,
    /// The environment, for `when.env`.
    pub env: &'a Env,
    /// How many threads the machine runs at a time.
    pub cores: u32,
    /// The git hook that all this is for, if it is for one.
    pub hook: Option<String>,
    /// What has changed, where somebody wants to know.
    pub changed: Changed,
}

/// The globs of conditions, each compiled once.
#[derive(Default)]
pub(super) struct Conditions {
    pub(super) names: Globs,
    pub(super) paths: PathGlobs,
}

/// Why a condition does not hold on a machine with this operating system, in words that go after "skipped:"; none where it
/// holds.
pub(super) fn unmet(
    when: &When,
    os: &str,
    facts: &Facts<'_>,
    globs: &mut Conditions,
) -> Result<Option<String>, PlanError> {
    if let Some(systems) = &when.os
        && !systems.iter().any(|system| system == os)
    {
        return Ok(Some(format!("runs on {} only", enumerate(systems, "or"))));
    }
    match (when.ci, facts.ci) {
        (Some(true), false) => return Ok(Some(format!("{} is not set", env::CI))),
        (Some(false), true) => return Ok(Some(format!("{} is set", env::CI))),
        (Some(true) | None, true) | (Some(false) | None, false) => {}
    }
    if let Some(hooks) = &when.hook
        && !facts.hook.as_ref().is_some_and(|hook| hooks.contains(hook))
    {
        return Ok(Some(format!("runs for the git hook {} only", enumerate(hooks, "or"))));
    }
    if let Some(wanted) = &when.branch
        && let Some(why) = branch_unmet(wanted, facts.branch.as_deref(), &mut globs.names)?
    {
        return Ok(Some(why));
    }
    if let Some(wanted) = &when.changed
        && let Some(why) = changed::unmet(wanted, &facts.changed, &mut globs.paths)?
    {
        return Ok(Some(why));
    }
    for (name, wanted) in &when.env {
        match (facts.env.get(name), wanted) {
            (None, _) => return Ok(Some(format!("{name} is not set"))),
            // What it is instead is not told: it may be a secret.
            (Some(value), Some(wanted)) if value != OsStr::new(wanted) => {
                return Ok(Some(format!("{name} is not {wanted:?}")));
            }
            (Some(_), _) => {}
        }
    }
    Ok(None)
}

fn branch_unmet(wanted: &[String], branch: Option<&str>, globs: &mut Globs) -> Result<Option<String>, PlanError> {
    let Some(branch) = branch else {
        return Ok(Some(format!("no branch is checked out, runs on {} only", enumerate(wanted, "or"))));
    };
    for glob in wanted {
        if globs.matches(glob, branch)? {
            return Ok(None);
        }
    }
    Ok(Some(format!("branch is {branch}, not {}", enumerate(wanted, "or"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(env: &Env) -> Facts<'_> {
        Facts {
            os: "linux".into(),
            ci: env.is_ci(),
            branch: Some("main".into()),
            env,
            cores: 4,
            hook: None,
            changed: Changed::Unasked,
        }
    }

    fn why(when: &When, facts: &Facts<'_>) -> Option<String> {
        unmet(when, &facts.os, facts, &mut Conditions::default()).unwrap()
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_is_not_asked_for_holds() {
        assert_eq!(why(&When::default(), &facts(&Env::default())), None);
    }

    #[test]
    fn each_part_says_why_it_does_not_hold() {
        let env = Env::from_pairs([("STAGE", "dev"), ("EMPTY", "")]);
        let variable = |name: &str, value: Option<&str>| When {
            env: [(name.to_owned(), value.map(str::to_owned))].into(),
            ..When::default()
        };
        let branch = |globs: &[&str]| When { branch: Some(words(globs)), ..When::default() };
        let os = |systems: &[&str]| When { os: Some(words(systems)), ..When::default() };
        let ci = |ci| When { ci: Some(ci), ..When::default() };
        for (when, expected) in [
            (os(&["linux"]), None),
            (os(&["macos"]), Some("runs on macos only")),
            (os(&["macos", "windows"]), Some("runs on macos or windows only")),
            (ci(false), None),
            (ci(true), Some("CI is not set")),
            (branch(&["ma*"]), None),
            (branch(&["release/*", "main"]), None),
            (branch(&["release/*"]), Some("branch is main, not release/*")),
            (branch(&["a", "b"]), Some("branch is main, not a or b")),
            (variable("STAGE", None), None),
            (variable("EMPTY", None), None),
            (variable("STAGE", Some("dev")), None),
            (variable("STAGE", Some("prod")), Some("STAGE is not \"prod\"")),
            (variable("DEPLOY", None), Some("DEPLOY is not set")),
            (variable("DEPLOY", Some("yes")), Some("DEPLOY is not set")),
        ] {
            assert_eq!(why(&when, &facts(&env)).as_deref(), expected, "{when:?}");
        }
        let on_ci = Env::from_pairs([("CI", "true")]);
        assert_eq!(why(&ci(false), &facts(&on_ci)).as_deref(), Some("CI is set"));
        let detached = Facts { branch: None, ..facts(&env) };
        let expected = Some("no branch is checked out, runs on main only");
        assert_eq!(why(&branch(&["main"]), &detached).as_deref(), expected);
    }

    #[test]
    fn a_stage_of_a_hook_runs_for_that_hook() {
        let env = Env::default();
        let when = When { hook: Some(words(&["pre-push", "pre-commit"])), ..When::default() };
        let by = |hook: &str| why(&when, &Facts { hook: Some(hook.into()), ..facts(&env) });
        assert_eq!(by("pre-commit"), None);
        let expected = Some("runs for the git hook pre-push or pre-commit only".to_owned());
        assert_eq!((by("commit-msg"), why(&when, &facts(&env))), (expected.clone(), expected));
    }

    #[test]
    fn all_parts_have_to_hold() {
        let when = When { os: Some(words(&["linux"])), branch: Some(words(&["release/*"])), ..When::default() };
        assert!(why(&when, &facts(&Env::default())).is_some());
    }
}
