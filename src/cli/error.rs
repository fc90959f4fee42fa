//! What went wrong, what to do, and the exit code: decided here and nowhere else.

use crate::config::ConfigError;
use crate::outcome::exit;
use crate::plan::PlanError;
use crate::session::place::StartError;
use crate::text::plain::printable;

/// Documented commands that this version does not have, and that are read as stages.
const LATER_COMMANDS: &[&str] = &[
    "add",
    "agent",
    "await",
    "await-all",
    "await-any",
    "cache",
    "completions",
    "diff",
    "doctor",
    "explain",
    "hook",
    "import",
    "init",
    "mcp",
    "nuke",
    "pause",
    "plugin",
    "prune",
    "remote",
    "remove",
    "report",
    "rerun",
    "restart",
    "resume",
    "runs",
    "schema",
    "signal",
    "start",
    "stats",
    "stderr",
    "stdout",
    "tui",
    "watch",
];

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
    /// No run could be started.
    #[error("{0}")]
    Start(StartError),
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

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Config(error) if error.is_missing_file() => exit::USAGE,
            Self::Config(error) if error.is_not_found() => exit::NOTHING_SELECTED,
            Self::Plan(error) if error.selects_nothing() => exit::NOTHING_SELECTED,
            Self::Start(StartError::Running { .. }) => exit::ALREADY_RUNNING,
            Self::Start(StartError::NoRoom(_) | StartError::Supervisor(_)) | Self::Infrastructure { .. } => {
                exit::INFRASTRUCTURE
            }
            Self::Config(_) | Self::Plan(_) | Self::Usage { .. } => exit::USAGE,
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
            Self::Plan(PlanError::UnknownStage { name, .. }) if LATER_COMMANDS.contains(&name.as_str()) => {
                Some(format!("nor is there a command `{name}` in this version; `local-ci --help` shows the commands"))
            }
            Self::Plan(PlanError::UnknownStage { nearest, .. }) if nearest.is_empty() => {
                Some("`local-ci list` shows the stages".into())
            }
            Self::Start(StartError::Running { number, .. }) => {
                Some(format!("`local-ci attach {number}` follows it, `local-ci stop {number}` ends it"))
            }
            Self::Start(StartError::NoRoom(_)) => {
                Some("set TMPDIR or LOCAL_CI_STATE_DIR to a directory that can be written".into())
            }
            Self::Config(_) | Self::Plan(_) | Self::Start(StartError::Supervisor(_)) => None,
            Self::Usage { hint, .. } | Self::Infrastructure { hint, .. } => hint.clone(),
        }
    }
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
