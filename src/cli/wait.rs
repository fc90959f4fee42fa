//! `await`, `await-any`, `await-all`: wait quietly until runs or jobs have ended, and exit with what they came to.
//!
//! Nothing is asked of the runs, and a signal ends the waiting alone. Stdout stays empty, but for `await-any`, which
//! says there which it was; on stderr is a line for each that has ended.

mod said;

use std::time::{Duration, SystemTime};

use super::args::{AwaitArgs, AwaitSeveralArgs};
use super::error::CliError;
use super::project::Context;
use super::target::{self, Target, unreadable};
use super::{Ending, output};
use crate::clock::{Clock, SystemClock};
use crate::env;
use crate::journal::layout::ProjectDir;
use crate::outcome::{HumanDuration, exit};
use crate::session::runs;
use crate::session::waiting::{Due, Waiting};

/// Something that is waited for.
struct Awaited {
    target: Target,
    /// The job that was named, if one was.
    job: Option<String>,
    ended: bool,
    /// Whether somebody has deleted it before it was seen to have ended.
    gone: bool,
}

impl Awaited {
    fn find(state: &ProjectDir, word: &str) -> Result<Self, CliError> {
        let target = target::find(state, word)?;
        let job = word.split_once('/').map_or(word, |(_, job)| job);
        let job = target.narrowed.then(|| job.to_owned());
        Ok(Self { target, job, ended: false, gone: false })
    }

    /// Reads what was written since; whether it has ended.
    fn look(&mut self) -> Result<bool, CliError> {
        let read = self.target.run.refresh();
        // Looked at afterwards: of what is deleted while it is read nothing that was read means anything. What is deleted
        // later has come to what it came to.
        self.gone = !self.target.run.dir.path().is_dir();
        if !self.gone {
            read.map_err(unreadable)?;
        }
        self.ended = self.gone || self.target.is_over();
        Ok(self.ended)
    }

    fn exit_code(&self) -> u8 {
        if self.gone { exit::INFRASTRUCTURE } else { self.target.exit_code() }
    }

    /// What it is called in a sentence.
    fn name(&self) -> String {
        let number = self.target.run.number;
        self.job.as_ref().map_or_else(|| format!("run {number}"), |job| format!("{job} in run {number}"))
    }

    /// When its run was heard of last.
    fn ended_at(&self) -> Option<SystemTime> {
        self.target.run.dir.events().metadata().and_then(|events| events.modified()).ok()
    }

    /// What other commands take for it.
    fn word(&self) -> String {
        let number = self.target.run.number;
        self.job.as_ref().map_or_else(|| number.to_string(), |job| format!("{number}/{job}"))
    }

    fn say(&self) {
        if self.gone {
            output::say(&format!("{} was deleted while it was waited for", self.name()));
        } else {
            output::say(&said::of(&self.target, &self.name()));
        }
    }
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Ended,
    TimedOut,
}

/// `await`.
pub(super) fn one(context: &Context<'_>, args: &AwaitArgs) -> Result<Ending, CliError> {
    let state = context.state(&context.anchor()?.root)?;
    let mut awaited = vec![Awaited::find(&state, &args.target)?];
    refuse_own(context, &awaited)?;
    let came = wait(&mut awaited, args.timeout, |_| true)?;
    Ok(conclude(&awaited, came, args.timeout))
}

/// `await-any`.
pub(super) fn any(context: &Context<'_>, args: &AwaitSeveralArgs) -> Result<Ending, CliError> {
    let state = context.state(&context.anchor()?.root)?;
    let mut awaited = several(context, &state, &args.targets)?;
    if awaited.is_empty() {
        return Err(CliError::usage("nothing is running here").or_try("name runs or jobs to wait for"));
    }
    // Of those that have ended already, the one that did so first.
    awaited.sort_by_cached_key(|one| (!one.target.is_over(), one.ended_at()));
    let mut first = None;
    let came = wait(&mut awaited, args.timeout, |one| {
        first = Some(one.word());
        true
    })?;
    if let Some(first) = first {
        let _ = output::print(&format!("{first}\n"));
    }
    Ok(conclude(&awaited, came, args.timeout))
}

/// `await-all`.
pub(super) fn all(context: &Context<'_>, args: &AwaitSeveralArgs) -> Result<Ending, CliError> {
    let state = context.state(&context.anchor()?.root)?;
    let mut awaited = several(context, &state, &args.targets)?;
    if awaited.is_empty() {
        output::say("nothing is running here");
        return Ok(Ending::Code(exit::PASSED));
    }
    let mut left = awaited.len();
    let came = wait(&mut awaited, args.timeout, |_| {
        left -= 1;
        left == 0
    })?;
    Ok(conclude(&awaited, came, args.timeout))
}

/// What was named, in the order of numbers, or all that goes on here.
fn several(context: &Context<'_>, state: &ProjectDir, words: &[String]) -> Result<Vec<Awaited>, CliError> {
    let mut awaited = Vec::new();
    if words.is_empty() {
        for number in runs::active(state).map_err(unreadable)? {
            // One that is deleted right now does not go on.
            if let Ok(one) = Awaited::find(state, &number.to_string()) {
                awaited.push(one);
            }
        }
        awaited.retain(|one| !is_own(context, one));
        return Ok(awaited);
    }
    for word in words {
        awaited.push(Awaited::find(state, word)?);
    }
    refuse_own(context, &awaited)?;
    let key = |one: &Awaited| (one.target.run.number, one.target.narrowed, one.target.stages.clone());
    awaited.sort_by_key(key);
    awaited.dedup_by_key(|one| key(one));
    Ok(awaited)
}

/// Whether this process is a part of what is waited for.
fn is_own(context: &Context<'_>, one: &Awaited) -> bool {
    let own = context.env.text(env::RUN_ID);
    !one.target.narrowed
        && own.is_some_and(|own| one.target.run.view.header().is_some_and(|run| run.id.as_str() == own))
}

fn refuse_own(context: &Context<'_>, awaited: &[Awaited]) -> Result<(), CliError> {
    match awaited.iter().find(|one| is_own(context, one)) {
        None => Ok(()),
        Some(one) => {
            let number = one.target.run.number;
            Err(CliError::usage(format!(
                "run {number} is the one that this command is a part of: neither would ever end"
            )))
        }
    }
}

/// Waits until enough have ended: each that has is said, lowest numbers first where several have, and `enough` is asked
/// whether it was the last.
fn wait(
    awaited: &mut [Awaited],
    timeout: Option<Duration>,
    mut enough: impl FnMut(&Awaited) -> bool,
) -> Result<Came, CliError> {
    let began = SystemClock.now();
    let mut waiting = Waiting::new(&SystemClock);
    // Two jobs of one run are heard together.
    let mut numbers: Vec<_> = awaited.iter().map(|one| (one.target.run.number, one.target.run.dir.clone())).collect();
    numbers.sort_by_key(|(number, _)| *number);
    numbers.dedup_by_key(|(number, _)| *number);
    for (number, run) in numbers {
        waiting.add(number, &run, false);
    }
    // Looked at after they are watched, so that nothing happens unheard between the two.
    let mut due = Due::All;
    loop {
        for one in awaited.iter_mut().filter(|one| !one.ended && due.has(one.target.run.number)) {
            if one.look()? {
                one.say();
                if enough(one) {
                    return Ok(Came::Ended);
                }
            }
        }
        let left = timeout.map(|timeout| timeout.saturating_sub(SystemClock.now().since(began)));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Came::TimedOut);
        }
        due = waiting.wait(left);
    }
}

/// The exit code: that of the lowest number that has one which is not 0.
fn conclude(awaited: &[Awaited], came: Came, timeout: Option<Duration>) -> Ending {
    let code = match came {
        Came::Ended => {
            let mut codes = awaited.iter().filter(|one| one.ended).map(Awaited::exit_code);
            codes.find(|code| *code != exit::PASSED).unwrap_or(exit::PASSED)
        }
        Came::TimedOut => {
            let open: Vec<String> = awaited.iter().filter(|one| !one.ended).map(Awaited::name).collect();
            let has = if open.len() == 1 { "has" } else { "have" };
            let after = HumanDuration(timeout.unwrap_or_default());
            output::say(&format!("{} {has} not ended after {after}", open.join(", ")));
            exit::NOT_IN_TIME
        }
    };
    Ending::Code(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::layout::create_dir;
    use std::fs;
    use std::path::Path;

    /// What was seen to have ended has come to that, also where it is removed right after.
    #[test]
    fn what_is_deleted_after_its_end_has_come_to_its_end_and_before_to_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let state = ProjectDir::new(dir.path(), Path::new("/p"));
        let run = state.run(crate::ids::RunNumber(1));
        create_dir(run.path()).unwrap();
        let last = r#"{"seq":0,"unix_ms":1,"mono_us":1,"event":"run_finished","verdict":{"kind":"failed"},"exit_code":1,"duration_ms":5}"#;
        fs::write(run.events(), format!("{last}\n")).unwrap();
        let [mut seen, mut unseen] = [(); 2].map(|()| Awaited::find(&state, "1").unwrap());
        assert!(seen.look().unwrap());
        fs::remove_dir_all(run.path()).unwrap();
        assert!(unseen.look().unwrap());
        assert_eq!((seen.exit_code(), unseen.exit_code()), (1, exit::INFRASTRUCTURE));
    }
}
