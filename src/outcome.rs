//! What came of things: a process's [`Exit`], a stage's [`Outcome`], a run's [`Verdict`], and every exit code.
//!
//! `Exit` is what the process did; `Outcome` is the stage's last word, and only the engine decides it;
//! `Verdict` is what the run came to. That we *could not run* something is neither a pass nor a failure.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::StageName;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Exit {
    /// Whether it returned zero.
    pub fn success(self) -> bool {
        self == Exit::Code(0)
    }

    /// The code a shell would report: the process's own, or 128 + signal.
    pub fn shell_code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit code {code}"),
            Exit::Signal(9) => f.write_str("signal 9 (SIGKILL; possibly out of memory)"),
            Exit::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "signal {signal} ({name})"),
                None => write!(f, "signal {signal}"),
            },
        }
    }
}

/// The usual name of a Linux signal.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        _ => return None,
    })
}

/// Why a stage that was run counts as failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Failure {
    /// Its process ended, and not with zero.
    Exit {
        /// How it ended.
        exit: Exit,
    },
    /// Its command could not be started: not found (127) or not executable (126).
    NotStarted {
        /// The code a shell would give.
        code: i32,
        /// What is wrong and what to do.
        message: String,
    },
    /// It left processes behind, and its `leak` policy is `fail`.
    Leaked {
        /// How its own process ended.
        exit: Exit,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Exit { exit } => exit.fmt(f),
            Failure::NotStarted { message, .. } => f.write_str(message),
            Failure::Leaked { exit } => write!(f, "left processes running ({exit})"),
        }
    }
}

/// Why a stage was never started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum SkipReason {
    /// Its `when` does not hold here.
    Condition {
        /// The part that does not hold, as a person would say it.
        why: String,
    },
    /// A stage it needs did not pass.
    NeedFailed {
        /// Which.
        stage: StageName,
    },
    /// The run's own time limit was over.
    RunTimeout,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::Condition { why } => f.write_str(why),
            SkipReason::NeedFailed { stage } => write!(f, "needs {stage}, which did not pass"),
            SkipReason::RunTimeout => f.write_str("run timeout"),
        }
    }
}

/// Who or what ended a run, or a stage of it, early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Ctrl+C in the foreground.
    Interrupt,
    /// SIGTERM to the command line or the supervisor.
    Terminate,
    /// The starter of a non-interactive run went away.
    Hangup,
    /// `local-ci stop`, from anywhere.
    Stopped,
    /// Another stage failed, under `--fail-fast`.
    FailFast,
    /// The run's own time limit.
    RunTimeout,
    /// The run that this one was to start after did not pass.
    AwaitedNotPassed,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CancelReason::Interrupt => "interrupted",
            CancelReason::Terminate => "terminated",
            CancelReason::Hangup => "its starter went away",
            CancelReason::Stopped => "stopped",
            CancelReason::FailFast => "another stage failed",
            CancelReason::RunTimeout => "run timeout",
            CancelReason::AwaitedNotPassed => "the run it waited for did not pass",
        })
    }
}

/// A stage's last word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Outcome {
    /// It ran and returned zero.
    Passed,
    /// It did not have to run: its inputs had passed before.
    Cached,
    /// It ran, or its command could not be started, and that counts against it.
    Failed {
        /// How.
        failure: Failure,
    },
    /// It ran longer than its `timeout`, or was running when the run's own was over.
    TimedOut {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// It was not started.
    Skipped {
        /// Why not.
        reason: SkipReason,
    },
    /// It was ended, or not started, because the run was cancelled.
    Cancelled {
        /// By what.
        reason: CancelReason,
    },
    /// It could not be run, for a reason that is not the stage's: no verdict.
    Errored {
        /// What is wrong and what to do.
        message: String,
    },
}

impl Outcome {
    /// Whether stages that need this one may start.
    pub fn satisfies(&self, allow_failure: bool) -> bool {
        match self {
            Outcome::Passed | Outcome::Cached | Outcome::Skipped { reason: SkipReason::Condition { .. } } => true,
            Outcome::Failed { .. } | Outcome::TimedOut { .. } => allow_failure,
            Outcome::Skipped { .. } | Outcome::Cancelled { .. } | Outcome::Errored { .. } => false,
        }
    }

    /// The word of the final report: `pass`, `fail`, `skip`, `cancelled`, `timeout` or `error`.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Passed | Outcome::Cached => "pass",
            Outcome::Failed { .. } => "fail",
            Outcome::TimedOut { .. } => "timeout",
            Outcome::Skipped { .. } => "skip",
            Outcome::Cancelled { .. } => "cancelled",
            Outcome::Errored { .. } => "error",
        }
    }

    /// What went wrong, in a line; nothing where nothing did.
    pub fn error(&self) -> Option<String> {
        match self {
            Outcome::Passed | Outcome::Cached | Outcome::Skipped { .. } => None,
            Outcome::Failed { failure } => Some(failure.to_string()),
            Outcome::TimedOut { limit_ms } => {
                Some(format!("timed out (limit {})", HumanDuration(Duration::from_millis(*limit_ms))))
            }
            Outcome::Cancelled { reason } => Some(format!("cancelled: {reason}")),
            Outcome::Errored { message } => Some(message.clone()),
        }
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Verdict {
    /// All that had to pass did.
    Passed,
    /// A stage failed or timed out.
    Failed,
    /// It was ended early, by this.
    Cancelled {
        /// By what.
        reason: CancelReason,
    },
    /// A stage could not be run, and none failed: no verdict.
    Errored,
    /// The supervisor died before it could say; never passed.
    Lost,
}

impl Verdict {
    /// The exit code of product: see the table in [`exit`].
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Passed => exit::PASSED,
            Verdict::Failed => exit::FAILED,
            Verdict::Errored | Verdict::Lost => exit::INFRASTRUCTURE,
            Verdict::Cancelled { reason } => match reason {
                CancelReason::Interrupt => exit::INTERRUPTED,
                CancelReason::Hangup => exit::HUNG_UP,
                CancelReason::Terminate | CancelReason::Stopped => exit::TERMINATED,
                CancelReason::FailFast | CancelReason::RunTimeout => exit::FAILED,
                CancelReason::AwaitedNotPassed => exit::INFRASTRUCTURE,
            },
        }
    }

    /// One word for tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Cancelled { .. } => "cancelled",
            Verdict::Errored => "errored",
            Verdict::Lost => "lost",
        }
    }
}

/// Every exit code of the program.
pub mod exit {
    /// All required stages passed; cached, skipped by condition and allowed failures count.
    pub const PASSED: u8 = 0;
    /// A stage failed or timed out.
    pub const FAILED: u8 = 1;
    /// The command line or the config is wrong; nothing ran.
    pub const USAGE: u8 = 2;
    /// No verdict could be had, and no stage failed.
    pub const INFRASTRUCTURE: u8 = 3;
    /// The selection is empty.
    pub const NOTHING_SELECTED: u8 = 4;
    /// A selected stage is running already.
    pub const ALREADY_RUNNING: u8 = 5;
    /// What was waited for has not ended in the time that `await --timeout` gives it.
    pub const NOT_IN_TIME: u8 = 124;
    /// SIGHUP: 128 + 1.
    pub const HUNG_UP: u8 = 129;
    /// SIGINT: 128 + 2.
    pub const INTERRUPTED: u8 = 130;
    /// SIGTERM: 128 + 15; also when another terminal stopped the run.
    pub const TERMINATED: u8 = 143;
}

/// A duration as a person reads it: `245ms`, `2.3s`, `2m30s`, `1h05m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HumanDuration(pub Duration);

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        // Each unit begins where the one before would round up to it: 59.96 s is `1m00s`, not `60.0s`.
        if ms < 1000 {
            f.pad(&format!("{ms}ms"))
        } else if ms < 59_950 {
            let tenths = (ms + 50) / 100;
            f.pad(&format!("{}.{}s", tenths / 10, tenths % 10))
        } else if ms < 3_599_500 {
            let s = (ms + 500) / 1000;
            f.pad(&format!("{}m{:02}s", s / 60, s % 60))
        } else {
            let minutes = (ms + 30_000) / 60_000;
            f.pad(&format!("{}h{:02}m", minutes / 60, minutes % 60))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_documented_and_never_round_into_the_next_unit() {
        for (ms, text) in [
            (0, "0ms"),
            (245, "245ms"),
            (999, "999ms"),
            (1000, "1.0s"),
            (2345, "2.3s"),
            (59_949, "59.9s"),
            (59_950, "1m00s"),
            (150_000, "2m30s"),
            (3_599_499, "59m59s"),
            (3_599_500, "1h00m"),
            (3_900_000, "1h05m"),
        ] {
            assert_eq!(HumanDuration(Duration::from_millis(ms)).to_string(), text, "{ms}");
        }
    }

    #[test]
    fn verdicts_have_the_documented_codes() {
        let cancelled = |reason| Verdict::Cancelled { reason }.exit_code();
        assert_eq!(Verdict::Passed.exit_code(), 0);
        assert_eq!(Verdict::Failed.exit_code(), 1);
        assert_eq!(Verdict::Errored.exit_code(), 3);
        assert_eq!(Verdict::Lost.exit_code(), 3);
        assert_eq!(cancelled(CancelReason::Interrupt), 130);
        assert_eq!(cancelled(CancelReason::Terminate), 143);
        assert_eq!(cancelled(CancelReason::Stopped), 143);
        assert_eq!(cancelled(CancelReason::Hangup), 129);
        assert_eq!(cancelled(CancelReason::AwaitedNotPassed), 3);
    }

    #[test]
    fn only_what_ran_well_or_need_not_run_satisfies() {
        let failed = Outcome::Failed { failure: Failure::Exit { exit: Exit::Code(1) } };
        assert!(!failed.satisfies(false));
        assert!(failed.satisfies(true));
        let condition = SkipReason::Condition { why: "os is linux".into() };
        assert!(Outcome::Skipped { reason: condition }.satisfies(false));
        assert!(!Outcome::Skipped { reason: SkipReason::RunTimeout }.satisfies(true));
        assert!(!Outcome::Cancelled { reason: CancelReason::FailFast }.satisfies(true));
    }
}
