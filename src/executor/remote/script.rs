//! The texts that are sent to start an attempt: the wrapper with the command and its environment in it, and what writes
//! and launches that.

use super::place::{self, Place, bare};
use super::processes;
use crate::env::{self, DENIED, GIT_REPOSITORY};
use crate::executor::{Job, Streams};
use crate::pipeline::secret::SHELLS_OWN;
use crate::remote::quote::quote;

/// Runs the command and writes down how it ended: see the file.
const WRAPPER: &str = include_str!("scripts/wrapper.sh");
/// Starts the wrapper, or finds that it was started: see the file.
const START: &str = include_str!("scripts/start.sh");

/// What a login there has and a stage has not: it ends with the login, or says where a person sits.
const SESSION: &[&str] = &[
    "SSH_AUTH_SOCK",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_ORIGINAL_COMMAND",
    "SSH_TTY",
    "SSH_USER_AUTH",
    "STY",
    "TMUX",
    "TMUX_PANE",
    "XDG_SESSION_CLASS",
    "XDG_SESSION_ID",
    "XDG_SESSION_TYPE",
];

/// A job as it is run there.
pub(super) struct Order<'a> {
    /// What to run.
    pub(super) job: &'a Job,
    /// Where, there.
    pub(super) dir: &'a str,
    /// The run's directory.
    pub(super) place: &'a Place,
    /// Variables of every stage there.
    pub(super) env: &'a [(String, String)],
}

impl Order<'_> {
    /// The text that starts the attempt.
    pub(super) fn start(&self) -> String {
        let id = place::attempt(self.job);
        let script = self.wrapper(&id);
        format!(
            "{}__id={} __only_join=\n__write() {{\nprintf %s {} 1<>script\n}}\n{}__start\n",
            self.place.script(),
            quote(&id),
            quote(&script),
            bare(START)
        )
    }

    /// The text of the file `script`. In braces, so that the shell has read all of it before it does anything.
    fn wrapper(&self, id: &str) -> String {
        let mut words = self.job.command.words();
        let mut exports = format!("unset {}\n", unwanted().collect::<Vec<_>>().join(" "));
        let mut by_env = Vec::new();
        for (name, value) in self.environment() {
            if is_identifier(&name) && !SHELLS_OWN.contains(&name.as_str()) {
                exports.extend(["export ", &name, "=", &quote(&value), "\n"]);
            } else {
                // Nothing that is a secret, which is never called so: for a moment the whole machine can read it.
                by_env.push(format!("{name}={value}"));
            }
        }
        let has_name = words.first().is_some_and(|name| !name.is_empty() && !name.contains('='));
        if !by_env.is_empty() && has_name {
            words.splice(0..0, ["env".to_owned()].into_iter().chain(by_env));
        }
        let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
        format!(
            "{{\n__umask=$1\n{}__id={} __nonce={} {} __dir={} __pty={} {}\nset -- {}\n__environment() {{\n{exports}}}\n{}exit\n}}\n",
            processes::functions(self.job),
            quote(id),
            quote(&place::nonce(self.job)),
            self.place.boot(),
            quote(self.dir),
            if self.job.streams == Streams::Pipes { "" } else { "1" },
            processes::keeping(self.job),
            words.join(" "),
            bare(WRAPPER)
        )
    }

    /// What the command finds set, each name once: the last word on each counts, and ours comes last.
    fn environment(&self) -> Vec<(String, String)> {
        let number = self.job.number.map(|number| (env::RUN.to_owned(), number.to_string()));
        let ours = [
            (env::RUN_ID.to_owned(), self.job.run.to_string()),
            (env::STAGE.to_owned(), self.job.stage.to_string()),
            (env::ATTEMPT.to_owned(), self.job.attempt.to_string()),
            (env::LOCAL_CI.to_owned(), "1".to_owned()),
        ];
        let all: Vec<(String, String)> =
            self.env.iter().chain(&self.job.env).cloned().chain(ours).chain(number).collect();
        let is_last = |at: usize| !all[at + 1..].iter().any(|(later, _)| *later == all[at].0);
        (0..all.len()).filter(|at| is_last(*at)).map(|at| all[at].clone()).collect()
    }
}

/// The text that finds out whether an attempt was started, and starts nothing.
pub(super) fn join(place: &Place, id: &str) -> String {
    format!("{}__id={} __only_join=1\n{}__start\n", place.script(), quote(id), bare(START))
}

fn unwanted() -> impl Iterator<Item = &'static str> {
    DENIED.iter().chain(GIT_REPOSITORY).chain(SESSION).copied()
}

/// Whether a shell can have a variable of this name.
fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
