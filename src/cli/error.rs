//! What went wrong, what to do, and the exit code: decided here and nowhere else.

use std::collections::BTreeSet;

use crate::config::{Code, ConfigError, Fault};
use crate::journal::turn::Refusal;
use crate::outcome::exit;
use crate::plan::PlanError;
use crate::plan::error::{nearest, similarity};
use crate::session::place::StartError;
use crate::text::plain::printable;

/// Documented commands that this version does not have, and that are read as stages.
const LATER_COMMANDS: &[&str] = &["agent", "cache", "hook", "import", "mcp", "tui", "watch"];

/// Whether there will be a command of this name.
pub(super) fn is_later_command(name: &str) -> bool {
    LATER_COMMANDS.contains(&name)
}

/// Files that a project without a config is known by; docs/detection.md has them all.
const LOOKED_FOR: &str = "Cargo.toml, package.json, go.mod, pyproject.toml, deno.json, pom.xml, build.gradle, justfile, \
                          Makefile and their kin";

/// A config that works.
const SMALLEST: &str = "  [stages.test]\n  run = \"echo hello\"";

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The config is missing or wrong.
    #[error("{0}")]
    Config(ConfigError),
    /// The request is wrong, or selects nothing.
    #[error("{0}")]
    Plan(PlanError),
    /// A word that was typed in the place of a stage is none.
    #[error("there is no stage {word:?}{}", did_you_mean(.stages, .commands, .word))]
    UnknownWord {
        /// The word.
        word: String,
        /// Stages with a similar name.
        stages: Vec<String>,
        /// Commands with a similar name.
        commands: Vec<String>,
    },
    /// There is no config, and a word that was typed is like a command's name.
    #[error("{error}")]
    NoConfig {
        /// Where it was looked for.
        error: ConfigError,
        /// The word.
        word: String,
        /// The command.
        command: String,
    },
    /// No run could be started.
    #[error("{0}")]
    Start(StartError),
    /// What was asked for is running already.
    #[error("{message}")]
    Busy {
        /// In which run, and how far that is.
        message: String,
        /// The ways on.
        hint: String,
    },
    /// The command line asks for something that is not there, or that this version cannot do.
    #[error("{message}")]
    Usage {
        /// What.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Something outside of us does not work.
    #[error("{message}")]
    Infrastructure {
        /// What.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl CliError {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    pub(super) fn infrastructure(message: impl Into<String>) -> Self {
        Self::Infrastructure { message: message.into(), hint: None }
    }

    pub(super) fn or_try(mut self, what: impl Into<String>) -> Self {
        if let Self::Usage { hint, .. } | Self::Infrastructure { hint, .. } = &mut self {
            *hint = Some(what.into());
        }
        self
    }

    /// The same, for words that were typed where a stage or one of these commands can stand: either may have been meant.
    pub(super) fn of_words(self, typed: &[String], commands: &[String]) -> Self {
        match self {
            Self::Plan(PlanError::UnknownStage { name, nearest: stages, from: None }) if typed.contains(&name) => {
                // Who types a command that there will be has not mistyped another.
                let is_later = LATER_COMMANDS.contains(&name.as_str());
                let commands = commands.iter().map(String::as_str).filter(|_| !is_later);
                let commands = nearest(&name, commands);
                Self::UnknownWord { word: name, stages, commands }
            }
            Self::Config(error) if error.is_not_found() && !error.is_missing_file() => {
                let near = |word: &String| nearest(word, commands.iter().map(String::as_str)).into_iter().next();
                match typed.first().and_then(|word| Some((word.clone(), near(word)?))) {
                    Some((word, command)) => Self::NoConfig { error, word, command },
                    None => Self::Config(error),
                }
            }
            other => other,
        }
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::NoConfig { .. } => exit::NOTHING_SELECTED,
            Self::Config(error) if error.is_missing_file() => exit::USAGE,
            Self::Config(error) if error.is_not_found() => exit::NOTHING_SELECTED,
            Self::Plan(error) if error.selects_nothing() => exit::NOTHING_SELECTED,
            Self::Start(StartError::Running { .. }) | Self::Busy { .. } => exit::ALREADY_RUNNING,
            // It is the request that cannot be.
            Self::Start(StartError::OutOfTurn(Refusal::WaitsForUs { .. }))
            | Self::Config(_)
            | Self::Plan(_)
            | Self::UnknownWord { .. }
            | Self::Usage { .. } => exit::USAGE,
            Self::Start(
                StartError::OutOfTurn(_) | StartError::Untold(_) | StartError::NoRoom(_) | StartError::Supervisor(_),
            )
            | Self::Infrastructure { .. } => exit::INFRASTRUCTURE,
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) if error.is_missing_file() => {
                Some("--config takes a file, relative to the directory that the command works in".into())
            }
            Self::Config(ConfigError::NotFound(missing)) => Some(format!(
                "{}; `local-ci init` writes a first config, and the smallest one is:\n\n{SMALLEST}",
                not_detected(&missing.seen)
            )),
            Self::Plan(PlanError::NoStages) => {
                Some(format!("write one into the config; the smallest one is:\n\n{SMALLEST}"))
            }
            // They say what there is instead.
            Self::Plan(PlanError::UnmatchedTag { .. } | PlanError::UnknownProfile { .. }) => None,
            Self::Plan(error) if error.selects_nothing() => Some("`local-ci list` shows the stages".into()),
            Self::Config(error) => explained(&error.list().iter().map(Fault::code).collect()),
            Self::NoConfig { word, command, .. } => {
                let word = printable(word);
                Some(format!("nor is there a command `{word}`; did you mean `local-ci {command}`?"))
            }
            Self::UnknownWord { word, .. } if LATER_COMMANDS.contains(&word.as_str()) => {
                Some(format!("nor is there a command `{word}` in this version; `local-ci --help` shows the commands"))
            }
            Self::UnknownWord { stages, commands, .. } if stages.is_empty() && commands.is_empty() => {
                Some("`local-ci list` shows the stages".into())
            }
            Self::Plan(PlanError::UnknownStage { nearest, .. }) if nearest.is_empty() => {
                Some("`local-ci list` shows the stages".into())
            }
            Self::Start(StartError::OutOfTurn(Refusal::NotPassed { number, .. })) => Some(format!(
                "`local-ci show {number}` says what came of it; `--after-any {number}` runs this all the same"
            )),
            Self::Start(StartError::Untold(_)) => {
                Some("run it without --after and --after-any, when that run has ended".into())
            }
            Self::Start(StartError::Running { number, .. }) => {
                Some(format!("`local-ci attach {number}` follows it, `local-ci stop {number}` ends it"))
            }
            Self::Start(StartError::NoRoom(_)) => {
                Some("set TMPDIR or LOCAL_CI_STATE_DIR to a directory that can be written".into())
            }
            Self::Plan(_)
            | Self::UnknownWord { .. }
            | Self::Start(StartError::Supervisor(_) | StartError::OutOfTurn(_)) => None,
            Self::Busy { hint, .. } => Some(hint.clone()),
            Self::Usage { hint, .. } | Self::Infrastructure { hint, .. } => hint.clone(),
        }
    }
}

/// Stages and commands that may have been meant, the most similar first; of equal ones the stages.
fn did_you_mean(stages: &[String], commands: &[String], word: &str) -> String {
    let score = |name: &str| similarity(word, name).unwrap_or_default();
    let stages = stages.iter().map(|name| (score(name), name.clone()));
    let commands = commands.iter().map(|name| (score(name), format!("the command {name}")));
    let mut all: Vec<(f64, String)> = stages.chain(commands).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all: Vec<String> = all.into_iter().take(3).map(|(_, name)| name).collect();
    if all.is_empty() { String::new() } else { format!("; did you mean {}?", all.join(" or ")) }
}

/// Where there is more to read about the faults of a config.
fn explained(codes: &BTreeSet<Code>) -> Option<String> {
    let first = codes.first()?;
    Some(match codes.len() {
        1 => format!("`local-ci explain {first}` says more about it"),
        _ => format!("`local-ci explain CODE` says more about each code, such as `local-ci explain {first}`"),
    })
}

/// Why the files that are there do not say what to run.
fn not_detected(seen: &[String]) -> String {
    match seen {
        [] => format!("nor does a file say what to run: looked for {LOOKED_FOR}"),
        seen => printable(&format!("nor does a file say what to run: {}", seen.join("; "))).into_owned(),
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<PlanError> for CliError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::faces;

    /// What is said of a word, where the pipeline has these stages.
    fn said(word: &str, stages: &[&str]) -> String {
        let nearest = nearest(word, stages.iter().copied());
        let error = PlanError::UnknownStage { name: word.into(), nearest, from: None };
        CliError::from(error).of_words(&[word.to_owned()], &faces::commands()).to_string()
    }

    #[test]
    fn a_stage_or_a_command_may_have_been_meant() {
        let stages = ["fmt", "clippy", "test", "stage", "list-all", "docs"];
        for (word, meant) in [
            ("clipy", "clippy"),
            ("stats-", "the command stats or the command start or stage"),
            ("valdate", "the command validate"),
            ("lst", "the command list or list-all"),
            ("tset", "test"),
            ("doc", "docs or the command doctor"),
            ("shwo", "the command show"),
        ] {
            assert_eq!(said(word, &stages), format!("there is no stage {word:?}; did you mean {meant}?"));
        }
        assert_eq!(said("zzz", &stages), "there is no stage \"zzz\"");

        assert_eq!(said("tui", &["fmt"]), "there is no stage \"tui\"");
        assert_eq!(said("hook", &["hooks"]), "there is no stage \"hook\"; did you mean hooks?");
    }

    #[test]
    fn equally_near_the_stage_goes_first() {
        assert_eq!(
            said("lost", &["last"]),
            "there is no stage \"lost\"; did you mean last or the command list or the command logs?"
        );
    }

    /// What `--skip` or a profile names is a stage and nothing else.
    #[test]
    fn a_command_is_only_meant_where_one_could_stand() {
        let error = |from| PlanError::UnknownStage { name: "stat".into(), nearest: vec!["start".into()], from };
        let said = |error: PlanError, typed: &[&str]| {
            let typed: Vec<String> = typed.iter().map(|word| (*word).to_owned()).collect();
            CliError::from(error).of_words(&typed, &faces::commands()).to_string()
        };
        assert_eq!(said(error(None), &["fmt"]), "there is no stage \"stat\"; did you mean start?");
        assert!(!said(error(Some("quick".into())), &["stat"]).contains("command"));
    }

    #[test]
    fn a_command_of_a_later_version_is_none_of_this_one() {
        let commands = faces::commands();
        let here: Vec<&&str> =
            LATER_COMMANDS.iter().filter(|later| commands.iter().any(|now| now == **later)).collect();
        assert!(here.is_empty(), "{here:?}");
    }
}
