//! The processes of an attempt there: the shell text that finds and signals them, and what it says of them.

use std::time::Duration;

use super::place::{self, Place, bare};
use crate::event::LeakedProcess;
use crate::executor::Job;
use crate::pipeline::Leak;
use crate::remote::quote::quote;

/// How much later a time limit is kept there.
const LATER: Duration = Duration::from_secs(2);
/// Functions on the processes of one attempt: see the file.
pub(super) const TREE: &str = include_str!("scripts/tree.sh");

/// The functions, and which attempt they are about. They are called in its directory.
pub(super) fn functions(job: &Job) -> String {
    format!(
        "__run_id={} __stage={} __attempt={}\n{}",
        quote(job.run.as_str()),
        quote(&job.stage.to_string()),
        job.attempt,
        bare(TREE)
    )
}

/// A script that acts on an attempt: `sets` are the assignments that it needs beyond the place and the functions.
pub(super) fn script(place: &Place, job: &Job, sets: &str, act: &str) -> String {
    let id = quote(&place::attempt(job));
    format!("{}{}__id={id} {sets}\n{}", place.script(), functions(job), bare(act))
}

/// What the wrapper is told of what it has to keep to, in hundredths of a second where it is a time. The limit is kept a little
/// later there than here: it is this side's as long as there is a line.
pub(super) fn keeping(job: &Job) -> String {
    let hundredths = |time: Duration| (time.as_millis() / 10).to_string();
    let limit = job.limit.map_or(String::new(), |limit| hundredths(limit.saturating_add(LATER)));
    format!("__limit={limit} __grace={} __policy={}", hundredths(job.grace), policy(job.leak))
}

/// The word for a policy on what is left behind.
fn policy(leak: Leak) -> &'static str {
    match leak {
        Leak::Kill => "kill",
        Leak::Fail => "fail",
        Leak::Warn => "warn",
        Leak::Allow => "allow",
    }
}

/// What was left behind, from the flags of a verdict: `left:PID:KILLED:NAME`.
pub(super) fn leaked(flags: &[String]) -> Vec<LeakedProcess> {
    let read = |flag: &String| {
        let mut parts = flag.strip_prefix("left:")?.splitn(3, ':');
        let (pid, killed, name) = (parts.next()?, parts.next()?, parts.next()?);
        Some(LeakedProcess { pid: pid.parse().ok()?, command: name.to_owned(), killed: killed == "1" })
    };
    flags.iter().filter_map(read).collect()
}

/// A process there that was not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remaining {
    pub(super) pid: i32,
    pub(super) name: String,
}

impl Remaining {
    /// `PID NAME`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (pid, name) = text.split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, name: name.to_owned() })
    }
}

/// `a (pid 1), b (pid 2)`.
pub(super) fn named(remaining: &[Remaining]) -> String {
    remaining.iter().map(|one| format!("{} (pid {})", one.name, one.pid)).collect::<Vec<_>>().join(", ")
}
