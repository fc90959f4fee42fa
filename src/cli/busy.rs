//! What was to be started is running already: which run has it and how far that is, and the ways on. Somebody who sits
//! there is asked; everybody else is told, with exit code 5.

use std::io::{self, IsTerminal};
use std::time::Duration;

use super::args::RunArgs;
use super::error::CliError;
use super::output;
use super::project::Context;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::ids::{RunNumber, StageName};
use crate::journal::layout::ProjectDir;
use crate::journal::state::{Owner, RunState};
use crate::outcome::HumanDuration;
use crate::report::live;
use crate::report::terminal::Stderr;
use crate::session::runs::{self, Run, Stopped};

/// What a person wants who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To look at the run that goes on.
    Attach,
    /// To start when its turn has come.
    Wait,
    /// To have that run end, and then to start.
    Replace,
}

/// The ways on: a letter, and the words that it stands in. To quit is one everywhere.
const WAYS: [(char, &str, Way); 3] = [
    ('a', "[a]ttach", Way::Attach),
    ('w', "[w]ait your turn", Way::Wait),
    ('c', "[c]ancel it and start", Way::Replace),
];

/// How often somebody is asked who answers something else.
const TIMES: usize = 3;

/// A job that is running.
pub(super) struct Busy<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) project: &'a ProjectDir,
    pub(super) stage: &'a StageName,
    pub(super) number: RunNumber,
    /// Whether what was to be started may start later.
    pub(super) may_wait: bool,
}

impl Busy<'_> {
    /// Says so and asks for a way on. Where nobody wants one, that is the error.
    pub(super) fn ask(&self) -> Result<Way, CliError> {
        let message = self.message();
        let words: Vec<&str> = self.ways().map(|(_, word, _)| word).chain(["[q]uit"]).collect();
        let question = format!("{message}: {}?", words.join(", "));
        for _ in 0..TIMES {
            let Some(answer) = output::ask(&question) else { break };
            match self.way(&answer) {
                Answer::Way(way) => return Ok(way),
                Answer::Quit => break,
                Answer::Unclear => {}
            }
        }
        Err(self.error())
    }

    /// The error, for who cannot be asked.
    pub(super) fn error(&self) -> CliError {
        let (program, number) = (self.context.program(), self.number);
        let queue = if self.may_wait { "`--queue` waits for its turn, " } else { "" };
        let hint = format!("`{program} attach {number}` follows it, {queue}`{program} stop {number}` ends it");
        CliError::Busy { message: self.message(), hint }
    }

    /// The ways on that are offered here.
    fn ways(&self) -> impl Iterator<Item = (char, &'static str, Way)> {
        WAYS.into_iter().filter(|(.., way)| self.may_wait || *way != Way::Wait)
    }

    fn way(&self, answer: &str) -> Answer {
        understood(answer, self.ways())
    }

    /// Has the other run end.
    pub(super) fn end(&self) -> Result<(), CliError> {
        let number = self.number;
        output::say(&format!("waiting for run {number} to end"));
        match runs::stop(&self.project.run(number), false, &SystemClock) {
            Ok(Stopped::Ended) => Ok(()),
            Ok(Stopped::StillThere(_) | Stopped::NotFound) => {
                Err(CliError::infrastructure(format!("run {number} does not end; nothing was started")))
            }
            Err(error) => Err(CliError::infrastructure(format!("run {number} cannot be stopped: {error}"))),
        }
    }

    fn message(&self) -> String {
        message(&format!("stage {}", self.stage), self.project, self.number)
    }
}

/// What is in the way of starting a job that goes on already: who runs it, since when, and how far it is.
pub(super) fn message(job: &str, project: &ProjectDir, number: RunNumber) -> String {
    // It may have ended just now, and may be gone.
    let run = runs::read(project, number).ok();
    let pid = run.as_ref().and_then(|run| Owner::read(&run.dir)).map(|owner| format!("pid {}", owner.pid));
    let is_queued = run.as_ref().is_some_and(|run| run.state == RunState::Queued);
    let progress = run.filter(|_| !is_queued).map(|run| progress(&run, SystemClock.now())).unwrap_or_default();
    let about: Vec<String> = pid.into_iter().chain(progress).collect();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
    let does = if is_queued { "waits for its turn" } else { "is running" };
    format!("{job} {does} already, in run {number}{about}")
}

/// Since when a run goes on, and how far it is where history can say.
fn progress(run: &Run, now: Timestamp) -> Vec<String> {
    if run.view.header().is_none() {
        return Vec::new();
    }
    let elapsed = run.view.elapsed(now);
    let since = format!("for {}", HumanDuration(elapsed));
    let percent = run.view.eta(now).map(|eta| format!("{}%", percent(elapsed, eta.expected)));
    [since].into_iter().chain(percent).collect()
}

/// How much of the whole is over, in per cent.
fn percent(elapsed: Duration, left: Duration) -> u8 {
    let whole = elapsed.saturating_add(left).as_secs_f64();
    if whole > 0.0 { live::percent(elapsed.as_secs_f64() / whole) } else { 0 }
}

/// Whether somebody sits here who can be asked, and nothing says that this is for a program.
pub(super) fn may_ask(context: &Context<'_>, args: &RunArgs) -> bool {
    let is_for_programs = args.json || args.quiet || args.presence.detach || args.output.as_deref() == Some("json");
    !is_for_programs
        && io::stdin().is_terminal()
        && io::stderr().is_terminal()
        && context.is_interactive()
        && Stderr::is_foreground()
}

/// What somebody has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Way(Way),
    Quit,
    Unclear,
}

/// What is meant by an answer, where these are the ways on: the letter of one, or its word. What was typed for a shell,
/// before the question was there to be seen, is neither.
fn understood(answer: &str, mut ways: impl Iterator<Item = (char, &'static str, Way)>) -> Answer {
    let answer = answer.trim().to_ascii_lowercase();
    if "quit".starts_with(&answer) {
        return Answer::Quit;
    }
    let is_meant = |word: &str| {
        let word = word.replace(['[', ']'], "");
        word.split(' ').next().is_some_and(|word| word.starts_with(&answer))
    };
    ways.find(|(_, word, _)| is_meant(word)).map_or(Answer::Unclear, |(.., way)| Answer::Way(way))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H89: an answer is a letter or its word; nothing is a no.
    #[test]
    fn h89_an_answer_is_a_letter_or_its_word() {
        for (answer, expected) in [
            ("a", Answer::Way(Way::Attach)),
            ("Attach", Answer::Way(Way::Attach)),
            ("wait", Answer::Way(Way::Wait)),
            ("c", Answer::Way(Way::Replace)),
            ("q", Answer::Quit),
            ("", Answer::Quit),
            ("yes", Answer::Unclear),
            ("clear; make", Answer::Unclear),
            ("cancel ", Answer::Way(Way::Replace)),
        ] {
            assert_eq!(understood(answer, WAYS.into_iter()), expected, "{answer:?}");
        }
    }

    #[test]
    fn what_goes_on_is_not_at_its_end() {
        let seconds = Duration::from_secs;
        assert_eq!(percent(seconds(63), seconds(37)), 63);
        assert_eq!(percent(seconds(100), Duration::ZERO), 99);
        assert_eq!(percent(Duration::ZERO, Duration::ZERO), 0);
    }
}
