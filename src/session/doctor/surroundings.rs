//! What this process was started in: repository, terminal, environment.

use std::path::Path;

use super::Patient;
use super::ask::Answer;
use super::finding::{Finding, Section};
use super::shown;
use crate::env::{self, Env};
use crate::report::{ColourWhen, Dialect};
use crate::session::source;

/// What is known of the streams of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Streams {
    /// Whether stdout is a terminal.
    pub stdout: bool,
    /// Whether stderr is one.
    pub stderr: bool,
    /// The terminal's columns and rows, where it says.
    pub size: Option<(u16, u16)>,
    /// What was asked for of colour.
    pub colour: ColourWhen,
}

/// git, and what it has checked out.
pub(super) fn git(here: &Path, version: &Answer) -> Section {
    let mut findings = vec![match version {
        Answer::Version { text, path } => Finding::ok(format!("{text}, {}", shown(path))),
        // Runs read the repository's files themselves.
        Answer::Missing(_) => Finding::ok("git is not installed; nothing here needs it, though a stage may"),
        Answer::NotAsked(path) | Answer::Slow(path) | Answer::Silent { path, .. } => {
            Finding::ok(format!("git is {}", shown(path)))
        }
    }];
    let source = source::read(here);
    let commit = source
        .commit
        .as_deref()
        .map_or("no commit yet".to_owned(), |commit| format!("commit {}", commit.get(..12).unwrap_or(commit)));
    let repository = here.ancestors().find(|above| std::fs::symlink_metadata(above.join(".git")).is_ok());
    findings.push(match (repository, source.branch) {
        (None, _) => Finding::ok("this is no repository, so that runs are recorded without a commit"),
        (Some(root), Some(branch)) => Finding::ok(format!("{}: branch {branch}, {commit}", shown(root))),
        (Some(root), None) => Finding::ok(format!("{}: no branch, {commit}", shown(root))),
    });
    Section { name: "git", findings }
}

/// What can be shown, and how.
pub(super) fn terminal(patient: &Patient<'_>) -> Section {
    let (streams, env) = (patient.streams, patient.env);
    let mut findings = Vec::new();
    let colour = |is_terminal| if streams.colour.decide(env, is_terminal) { "in colour" } else { "without colour" };
    for (name, is_terminal) in [("stdout", streams.stdout), ("stderr", streams.stderr)] {
        let what = if is_terminal { "a terminal" } else { "no terminal" };
        findings.push(Finding::ok(format!("{name} is {what}, {}", colour(is_terminal))));
    }
    if let Some((columns, rows)) = streams.size {
        findings.push(Finding::ok(format!("{columns} columns, {rows} rows")));
    }
    let dumb = env.text(env::TERM) == Some("dumb");
    findings.push(match env.text(env::TERM) {
        Some(term) => Finding::ok(format!("TERM is {term}")),
        None => Finding::ok("TERM is not set"),
    });
    let charset = [env::LC_ALL, env::LC_CTYPE, env::LANG].into_iter().find_map(|name| Some((name, env.text(name)?)));
    findings.push(match charset {
        Some((name, value)) if is_utf8(value) => Finding::ok(format!("UTF-8, as {name} says ({value})")),
        Some((name, value)) => Finding::ok(format!("not UTF-8, as {name} says ({value})")),
        None => Finding::ok("no character set is named: none of LC_ALL, LC_CTYPE and LANG is set"),
    });
    let against = [
        (!streams.stdout, "stdout is no terminal"),
        (!streams.stderr, "stderr is no terminal"),
        (env.is_ci(), "CI is set"),
        (!patient.is_interactive && !env.is_ci(), "/dev/tty cannot be opened"),
        (dumb, "TERM is dumb"),
    ];
    let against: Vec<&str> = against.into_iter().filter(|(holds, _)| *holds).map(|(_, why)| why).collect();
    findings.push(Finding::ok(match against.as_slice() {
        [] => "a terminal for people: a run can be shown live".to_owned(),
        why => format!("a run cannot be shown live here, only as a transcript: {}", why.join(", ")),
    }));
    Section { name: "terminal", findings }
}

fn is_utf8(locale: &str) -> bool {
    let charset = locale.split('@').next().unwrap_or_default().rsplit('.').next().unwrap_or_default();
    ["utf-8", "utf8"].iter().any(|name| charset.eq_ignore_ascii_case(name))
}

/// What the environment says of CI, and which of our options it sets.
pub(super) fn environment(env: &Env) -> Section {
    let dialect = match Dialect::of(env).place() {
        Some(place) => Finding::ok(format!("{place}: transcripts are written for its log")),
        None if env.is_ci() => Finding::ok("CI is set: a run ends with whoever started it"),
        None => Finding::ok("no CI"),
    };
    let ours = env.iter().filter_map(|(name, value)| {
        let name = name.to_str().filter(|name| name.starts_with("LOCAL_CI_"))?;
        // What a stage is told of itself is no option.
        let is_option = ![env::RUN_ID, env::RUN, env::STAGE, env::ATTEMPT].contains(&name);
        is_option.then(|| Finding::ok(format!("{name}={} is set", value.to_string_lossy())))
    });
    let mut findings = vec![dialect];
    findings.extend(ours);
    if let Some(stage) = env.text(env::STAGE) {
        findings.push(Finding::warning(format!("this runs inside the stage {stage} of another run")));
    }
    Section { name: "environment", findings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LoadRequest, NoSupplier};

    #[test]
    fn character_sets_are_read_leniently() {
        for (locale, utf8) in [("en_GB.UTF-8", true), ("C.utf8", true), ("C", false), ("de_DE", false)] {
            assert_eq!(is_utf8(locale), utf8, "{locale}");
            assert_eq!(is_utf8(&format!("{locale}@euro")), utf8, "{locale} with a modifier");
        }
    }

    #[test]
    fn what_is_against_a_live_view_is_named() {
        let of = |pairs: &[(&str, &str)], streams: Streams, is_interactive| {
            let env = Env::from_pairs(pairs.iter().copied());
            let request = LoadRequest::default();
            let section =
                terminal(&Patient { env: &env, request: &request, supplier: &NoSupplier, streams, is_interactive });
            section.findings.last().unwrap().text.clone()
        };
        let both = Streams { stdout: true, stderr: true, ..Streams::default() };
        assert_eq!(of(&[("TERM", "xterm")], both, true), "a terminal for people: a run can be shown live");
        let all = of(&[("TERM", "dumb"), ("CI", "1")], Streams::default(), false);
        assert!(all.ends_with(": stdout is no terminal, stderr is no terminal, CI is set, TERM is dumb"), "{all}");
        assert!(of(&[], both, false).ends_with(": /dev/tty cannot be opened"));
    }

    #[test]
    fn options_in_the_environment_are_shown() {
        let env = Env::from_pairs([("LOCAL_CI_JOBS", "2"), ("LOCAL_CI_STAGE", "x"), ("LOCAL_CI", "1"), ("CI", "1")]);
        let texts: Vec<String> = environment(&env).findings.into_iter().map(|finding| finding.text).collect();
        assert_eq!(
            texts,
            [
                "CI is set: a run ends with whoever started it",
                "LOCAL_CI_JOBS=2 is set",
                "this runs inside the stage x of another run"
            ]
        );
    }
}
