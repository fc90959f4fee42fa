//! A stage that looks at the messages of the commits since a base, such as the main branch: whether they are Conventional
//! Commits. Commits that merge others are not looked at.

mod message;

use local_ci_plugin::commands::{Command, Failure};
use local_ci_plugin::{Annotation, Context, Example, Info, Kind, Need, Outcome, Plugin, Problem, StagePlugin, output};
use serde_json::json;

use crate::message::{Commit, Rules};

/// The plugin.
pub struct Commits;

/// `with` of a stage.
#[derive(Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Params {
    base: String,
    types: Vec<String>,
    scopes: Vec<String>,
    require_scope: bool,
    max_subject: usize,
}

/// The types of Conventional Commits, and those that its users agree on.
const TYPES: [&str; 11] =
    ["feat", "fix", "docs", "refactor", "perf", "test", "build", "ci", "chore", "style", "revert"];

impl Default for Params {
    fn default() -> Self {
        Self {
            base: "origin/HEAD".to_owned(),
            types: TYPES.map(str::to_owned).to_vec(),
            scopes: Vec::new(),
            require_scope: false,
            max_subject: 100,
        }
    }
}

/// Where this branch left the base. What comes after `--end-of-options` is no option, whatever it looks like.
const MERGE_BASE: [&str; 3] = ["git", "merge-base", "--end-of-options"];
/// Names and messages: nothing that a user's git config may change is in it.
const LOG: [&str; 8] = [
    "git",
    "log",
    "--no-merges",
    "--no-show-signature",
    "--no-notes",
    "--encoding=UTF-8",
    "--format=%H%n%w(0,1,1)%B",
    "--end-of-options",
];

impl Plugin for Commits {
    fn info() -> Info {
        let names = json!({ "type": "array", "items": { "type": "string", "minLength": 1 } });
        let described = |description: &str| {
            let mut names = names.clone();
            names["description"] = description.into();
            names
        };
        let params = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "base": { "type": "string", "minLength": 1, "description":
                    "Commits that this branch or commit has not are looked at; origin/HEAD without it." },
                "types": described("The types that a message may begin with."),
                "scopes": described("The scopes that a message may name; any without it."),
                "require-scope": { "type": "boolean", "description": "Whether a message must name a scope." },
                "max-subject": { "type": "integer", "minimum": 0,
                    "description": "How many characters the first line may have; 100 without it, and 0 for any number." },
            },
        });
        let (merge_base, log) = (MERGE_BASE.join(" "), LOG.join(" "));
        let base = "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334\n";
        Info::new("commits", env!("CARGO_PKG_VERSION"), "Checks the messages of commits")
            .stage(Kind::new("commits", "Whether the messages since a base are Conventional Commits").params(params))
            .need(Need::command(&format!("{merge_base} * HEAD"), "to find where the branch began"))
            .need(Need::command(&format!("{log} *"), "to read the messages since then"))
            .example(
                Example::stage("finds a message without a type", "commits")
                    .params(json!({ "base": "origin/main" }))
                    .command(&format!("{merge_base} origin/main HEAD"), 0, base, "")
                    .command(
                        &format!("{log} *"),
                        0,
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n Add a thing\n\n\
                         bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n feat: add a thing\n \n It helps.\n",
                        "",
                    )
                    .fails()
                    .says("1 of 2 commits since origin/main has a message to be mended")
                    .finds(json!({ "severity": "error", "code": "commit-format", "title": "aaaaaaaaa Add a thing" })),
            )
            .example(
                Example::stage("has nothing to look at on the base itself", "commits")
                    .params(json!({ "base": "origin/main" }))
                    .command(&format!("{merge_base} origin/main HEAD"), 0, base, "")
                    .command(&format!("{log} *"), 0, "", "")
                    .is_skipped()
                    .says("there are no commits since origin/main"),
            )
            .example(
                Example::stage("says what to do where there is no base", "commits")
                    .params(json!({ "base": "origin/main" }))
                    .command(&format!("{merge_base} origin/main HEAD"), 128, "", "fatal: Not a valid object name")
                    .has_problem("no-base"),
            )
    }
}

impl StagePlugin for Commits {
    fn run(_kind: &str, context: &Context) -> Result<Outcome, Problem> {
        let params: Params = context.params()?;
        let commits = since(&params.base)?;
        if commits.is_empty() {
            return Ok(Outcome::skipped(format!("there are no commits since {}", params.base)));
        }
        let rules = Rules {
            types: params.types,
            scopes: params.scopes,
            require_scope: params.require_scope,
            max_subject: params.max_subject,
        };
        let mut wrong = 0;
        for commit in &commits {
            let flaws = message::flaws(commit, &rules);
            wrong += usize::from(!flaws.is_empty());
            let title = format!("{} {}", commit.short(), commit.subject());
            let found = |(code, message): (&str, String)| {
                output::error(format!("{title}: {message} ({code})"));
                Annotation::error(message).code(code).title(title.trim_end())
            };
            output::annotate(&flaws.into_iter().map(found).collect::<Vec<_>>());
        }
        let all = commits.len();
        let since = format!("since {}", params.base);
        Ok(match (wrong, all) {
            (0, 1) => Outcome::passed(format!("the message of 1 commit {since} is as it should be")),
            (0, _) => Outcome::passed(format!("the messages of {all} commits {since} are as they should be")),
            (1, 1) => Outcome::failed(format!("the one commit {since} has a message to be mended")),
            (1, _) => Outcome::failed(format!("1 of {all} commits {since} has a message to be mended")),
            _ => Outcome::failed(format!("{wrong} of {all} commits {since} have messages to be mended")),
        })
    }
}

/// The commits that the base has not, newest first.
fn since(base: &str) -> Result<Vec<Commit>, Problem> {
    let found = git(&MERGE_BASE, &[base, "HEAD"])?;
    let code = found.exit.code;
    let began = found.stdout().trim().to_owned();
    match code {
        // `merge-base` says by its code, and by nothing else, that there is no commit that both have.
        Some(1) => {
            let what =
                format!("{base} and HEAD have no commit in common; a shallow clone lacks it: git fetch --unshallow");
            return Err(Problem::new("no-base", what));
        }
        Some(128) => {
            let said = found.stderr();
            let what = format!(
                "there is no commit {base} here to begin at ({}): fetch it, or name another with `with = {{ base = … }}`",
                said.trim()
            );
            return Err(Problem::new("no-base", what));
        }
        _ => {
            found.success()?;
        }
    }
    let log = git(&LOG, &[&format!("{began}..HEAD")])?.success()?;
    Ok(message::commits(log.stdout().lines()))
}

fn git(words: &[&str], more: &[&str]) -> Result<local_ci_plugin::commands::Output, Problem> {
    Command::default().args(words.iter().chain(more).copied()).quiet().output().map_err(|failure| match failure {
        Failure::NotFound(_) => Problem::new("no-git", "git is not there, where the stage runs"),
        failure => failure.into(),
    })
}

local_ci_plugin::export!(Commits: stage);

#[cfg(test)]
mod tests {
    use local_ci_plugin::mock::{self, Host};

    use super::*;

    /// A host with this history since `main`.
    fn host(log: &str) -> Host {
        let host = Host::new().command(&format!("{} main HEAD", MERGE_BASE.join(" ")), 0, "beef\n", "");
        host.command(&format!("{} beef..HEAD", LOG.join(" ")), 0, log, "")
    }

    #[test]
    fn the_examples_hold() {
        mock::stage_examples::<Commits>();
    }

    #[test]
    fn the_log_is_asked_for_from_where_the_branch_began() {
        let mut host = host("aaaa\n feat: a\n");
        let outcome = host.stage::<Commits>("commits", json!({ "base": "main" })).unwrap();
        assert_eq!(outcome, Outcome::passed("the message of 1 commit since main is as it should be"));
        let log = format!("{} beef..HEAD", LOG.join(" "));
        assert_eq!(host.commands(), ["git merge-base --end-of-options main HEAD".to_owned(), log]);
    }

    #[test]
    fn every_flaw_is_told_with_its_commit() {
        let mut host = host("aaaaaaaaaaaa\n wip\n body\nbbbb\n fixup! x\ncccc\n");
        let outcome = host.stage::<Commits>("commits", json!({ "base": "main" })).unwrap();
        assert_eq!(outcome, Outcome::failed("3 of 3 commits since main have messages to be mended"));
        let told: Vec<_> =
            host.annotations().iter().map(|a| (a.title.as_deref().unwrap(), a.code.as_deref().unwrap())).collect();
        assert_eq!(
            told,
            [
                ("aaaaaaaaa wip", "commit-format"),
                ("aaaaaaaaa wip", "commit-body"),
                ("bbbb fixup! x", "commit-fixup"),
                ("cccc", "commit-format"),
            ]
        );
    }

    #[test]
    fn a_clone_that_lacks_the_common_commit_is_told_what_to_do() {
        let mut host = Host::new().command("git merge-base **", 1, "", "");
        let problem = host.stage::<Commits>("commits", json!({ "base": "main" })).unwrap_err();
        assert_eq!(problem.code, "no-base");
        assert!(problem.message.contains("git fetch --unshallow"), "{problem}");
    }

    #[test]
    fn without_git_or_its_grant_there_is_a_sentence() {
        let problem = Host::new().stage::<Commits>("commits", json!({})).unwrap_err();
        assert_eq!(problem.to_string(), "git is not there, where the stage runs (no-git)");
        let problem = host("").refusing("commands").stage::<Commits>("commits", json!({ "base": "main" })).unwrap_err();
        assert_eq!(problem.code, "denied");
    }

    #[test]
    fn a_base_that_looks_like_an_option_stays_a_base() {
        let mut host = Host::new().command("git merge-base **", 128, "", "fatal: Not a valid object name --all");
        let problem = host.stage::<Commits>("commits", json!({ "base": "--all" })).unwrap_err();
        assert_eq!(problem.code, "no-base");
        assert_eq!(host.commands(), ["git merge-base --end-of-options --all HEAD"]);
    }
}
