//! Leaving a run that goes on: `--detach` at once, `--allow` whenever its viewer likes. Neither ends it.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::project::Context;
use super::{Ending, output};
use crate::event::SCHEMA_VERSION;
use crate::ids::{RunId, RunNumber, StageName};
use crate::journal::header::Waits;
use crate::journal::layout::RunDir;
use crate::journal::state::{self, Owner, RunState};
use crate::outcome::{Verdict, exit};
use crate::pipeline::remote::Remote;
use crate::plan::Plan;
use crate::report::Display;
use crate::report::terminal::Stderr;
use crate::session::follow;
use crate::session::interrupts::Interrupts;
use crate::session::logout;
use crate::session::queue;
use crate::session::remotes::fleet;
use crate::session::start::{FirstWord, Started};
use crate::text::plain::printable;
use crate::view::RunView;

/// What who stays with a run is told before its output: other programs know it by this line.
const BANNER: &str = "Following live output (Ctrl+C to stop streaming; job keeps running)...";

/// How long the first word of a run is waited for. It takes a few milliseconds; a machine that takes longer has its run
/// all the same.
const FIRST_WORD: Duration = Duration::from_secs(2);

/// A run that is to be left.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    /// What to type for the same project, up to where a command would stand.
    program: String,
    run: RunDir,
    id: RunId,
    number: Option<RunNumber>,
    stages: Vec<StageName>,
    project: PathBuf,
    directory: PathBuf,
    /// This machine.
    host: String,
    /// Where it goes on, as it is told.
    place: Place,
    /// What it waits for before it starts.
    waits: Option<Waits>,
}

/// Where a run goes on.
#[derive(Clone, Debug)]
struct Place {
    /// On which machines.
    hosts: String,
    /// In which directory there, where it is one.
    directory: String,
    /// The other machines.
    remotes: Vec<RemotePlace>,
}

/// Another machine that stages of the run are on.
#[derive(Clone, Debug, Serialize)]
struct RemotePlace {
    name: String,
    host: String,
    directory: String,
}

/// How a run in the background is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announcement {
    /// In sentences.
    Sentences,
    /// By its number alone.
    Number,
    /// As an object.
    Json,
}

/// What programs are told of a run in the background.
#[derive(Serialize)]
struct Detached<'a> {
    schema_version: u32,
    run: Option<RunNumber>,
    id: &'a RunId,
    /// `running`; `queued` where it waits for its turn, `finished` where there was nothing to execute.
    state: &'a str,
    /// The runs that it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<RunNumber>,
    /// None while it goes on.
    exit_code: Option<u8>,
    project: String,
    directory: String,
    /// The machine that supervises it.
    host: &'a str,
    /// The other machines that stages of it are on.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    remotes: &'a [RemotePlace],
    stages: &'a [StageName],
    commands: Option<Commands>,
}

/// What to type to come back.
#[derive(Serialize)]
struct Commands {
    attach: String,
    logs: String,
    stop: String,
}

impl Leaving {
    /// A run of this context's project.
    pub(super) fn new(
        context: &Context<'_>,
        (run, id, number): (&RunDir, &RunId, Option<RunNumber>),
        project: PathBuf,
        stages: Vec<StageName>,
    ) -> Self {
        let host = printable(&rustix::system::uname().nodename().to_string_lossy()).into_owned();
        let directory = context.directory.to_string_lossy().into_owned();
        Self {
            program: context.program(),
            run: run.clone(),
            id: id.clone(),
            number,
            stages,
            project,
            directory: context.directory.clone(),
            place: Place { hosts: host.clone(), directory, remotes: Vec::new() },
            host,
            waits: None,
        }
    }

    /// The same of a run whose stages may be on other machines.
    pub(super) fn elsewhere(mut self, plan: &Plan) -> Self {
        if plan.remotes.is_empty() {
            return self;
        }
        let there = |remote: &Remote| RemotePlace {
            name: remote.name.clone(),
            host: remote.destination.to_string(),
            directory: match &remote.dir {
                Some(dir) => dir.clone(),
                None => format!("~/.local/state/local-ci/{}/work", fleet::project(&plan.root)),
            },
        };
        let remotes: Vec<RemotePlace> = plan.remotes.values().map(there).collect();
        let is_here = plan.stages.values().any(|stage| stage.runs() && !plan.remotes.contains_key(&stage.executor));
        let hosts = remotes.iter().map(|remote| remote.host.as_str()).chain(is_here.then_some(self.host.as_str()));
        let hosts = hosts.collect::<Vec<_>>().join(", ");
        let directory = match &remotes[..] {
            [only] if !is_here => only.directory.clone(),
            _ => std::mem::take(&mut self.place.directory),
        };
        Self { place: Place { hosts, directory, remotes }, ..self }
    }

    /// The same of a run that may wait for its turn.
    pub(super) fn queued(self, waits: Option<&Waits>) -> Self {
        Self { waits: waits.cloned(), ..self }
    }

    /// What is said by who leaves the run now.
    pub(super) fn farewell(&self) -> String {
        let word = match state::of(&self.run) {
            Ok(RunState::Finished { verdict, .. }) => Some(verdict.word()),
            Ok(RunState::Lost) => Some(Verdict::Lost.word()),
            Ok(RunState::Queued | RunState::Running) | Err(_) => None,
        };
        let sentence = match word {
            Some(word) => self.ended(word),
            None => format!("{} continues on {}.", self.which(), self.place.hosts),
        };
        sentence + &self.ways(word.is_some())
    }

    fn which(&self) -> String {
        self.number.map_or("The run".to_owned(), |number| format!("Run {number}"))
    }

    fn ended(&self, word: &str) -> String {
        format!("{} has ended: {word}.", self.which())
    }

    /// How to come back, each on a line of its own after a line's end.
    fn ways(&self, is_over: bool) -> String {
        let program = &self.program;
        let logs = if is_over { "logs" } else { "logs -f" };
        match self.number {
            Some(number) => format!("\nView logs later: {program} {logs} {number}\nCheck status:    {program} list"),
            None => "\nNothing of it is kept, so that nobody can come back to it.".into(),
        }
    }

    /// How we end where a run's supervisor died before it could say anything.
    fn dead(&self) -> Ending {
        output::lost(&self.run, self.number, &RunView::new());
        Ending::Code(exit::INFRASTRUCTURE)
    }

    // ---- --detach

    /// Leaves a run that was just started in the background, and says how to come back to it.
    pub(super) fn detach(
        &self,
        context: &Context<'_>,
        how: Announcement,
        started: &Started,
        interrupts: &Interrupts,
    ) -> Ending {
        self.detach_saying(context, started, interrupts, || self.announce(how, &self.continues(), None))
    }

    /// The same with other words, that are said when the run is known to have begun.
    pub(super) fn detach_saying(
        &self,
        context: &Context<'_>,
        started: &Started,
        interrupts: &Interrupts,
        announce: impl FnOnce(),
    ) -> Ending {
        let leaving = self.clone();
        interrupts.leave_with(move || leaving.farewell());
        match started.first_word(FIRST_WORD) {
            FirstWord::Dead => return self.dead(),
            FirstWord::Begun(notices) => notices.iter().for_each(|text| output::say(text)),
            FirstWord::Silence => {}
        }
        announce();
        if logout::kills(context.env) {
            output::warning(
                "systemd-logind is configured to kill what a user leaves behind (KillUserProcesses=yes): this run ends \
                 when you log out, unless you allow yourself to linger (`loginctl enable-linger`)",
            );
        }
        Ending::Code(exit::PASSED)
    }

    /// Says of a run that had nothing to execute that it is over. It ends with its own code, which is known.
    pub(super) fn detach_ended(&self, how: Announcement, code: u8) -> Ending {
        let sentence = match self.number {
            Some(number) => format!(
                "Run {number} had nothing to execute, and has ended.\n  {} show {number}  shows what came of it\n",
                self.program
            ),
            None => "The run had nothing to execute, and has ended.\n".into(),
        };
        self.announce(how, &sentence, Some(code));
        Ending::Code(code)
    }

    fn continues(&self) -> String {
        let program = &self.program;
        let Some(number) = self.number else {
            let stop = Owner::read(&self.run).map_or(String::new(), |owner| format!("  kill {}  ends it\n", owner.pid));
            return format!("The run continues in the background; nothing of it is kept.\n{stop}");
        };
        let ways = [("attach", "follows it"), ("logs", "shows what it has printed"), ("stop", "ends it")];
        let width = ways.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
        let first = match &self.waits {
            Some(waits) => queue::started(number, waits),
            None => format!("Run {number} continues in the background."),
        };
        ways.iter().fold(first + "\n", |text, (command, what)| {
            let gap = " ".repeat(width - command.len());
            text + &format!("  {program} {command} {number}{gap}  {what}\n")
        })
    }

    /// Says on stdout which run it is. That nobody reads it is no reason to end the run.
    fn announce(&self, how: Announcement, sentences: &str, exit_code: Option<u8>) {
        let text = match how {
            Announcement::Sentences => sentences.to_owned(),
            Announcement::Number => self.number.map_or(String::new(), |number| format!("{number}\n")),
            Announcement::Json => self.json(exit_code),
        };
        let _ = output::print(&text);
    }

    fn json(&self, exit_code: Option<u8>) -> String {
        let command = |name: &str, number: RunNumber| format!("{} {name} {number}", self.program);
        let detached = Detached {
            schema_version: SCHEMA_VERSION,
            run: self.number,
            id: &self.id,
            state: match exit_code {
                Some(_) => "finished",
                None if self.waits.is_some() => "queued",
                None => "running",
            },
            waits_for: self.waits.as_ref().map(Waits::runs).unwrap_or_default(),
            exit_code,
            project: self.project.to_string_lossy().into_owned(),
            directory: self.directory.to_string_lossy().into_owned(),
            host: &self.host,
            remotes: &self.place.remotes,
            stages: &self.stages,
            commands: self.number.map(|number| Commands {
                attach: command("attach", number),
                logs: command("logs", number),
                stop: command("stop", number),
            }),
        };
        // Texts and numbers can always be written.
        serde_json::to_string(&detached).map_or(String::new(), |text| text + "\n")
    }

    // ---- --allow

    /// Says which run it is and that it is followed. From now on Ctrl+C leaves it.
    pub(super) fn introduce(&self, interrupts: &Interrupts) {
        let leaving = self.clone();
        interrupts.leave_with(move || leaving.farewell());
        let Place { hosts, directory, .. } = &self.place;
        output::say(&format!("{} on {hosts} in {}\n{BANNER}", self.which(), printable(directory)));
    }

    /// Whether the supervisor of the run has come up; where it has not, how we end.
    pub(super) fn confirm(&self, started: &Started) -> Option<Ending> {
        (started.first_word(FIRST_WORD) == FirstWord::Dead).then(|| self.dead())
    }

    /// After following: stays until Ctrl+C where somebody can press it, and says how to come back.
    pub(super) fn part(
        &self,
        context: &Context<'_>,
        ending: follow::Ending,
        display: &Display,
        interrupts: &Interrupts,
    ) -> Ending {
        let ended = match ending {
            follow::Ending::Finished(verdict, _) => Some(verdict),
            follow::Ending::Lost => Some(Verdict::Lost),
            follow::Ending::Left => None,
        };
        if ended == Some(Verdict::Lost) {
            output::lost(&self.run, self.number, display.view());
        }
        match ended.map(|verdict| self.ended(verdict.word())) {
            Some(ended) if display.closed().is_none() && is_attended(context) => {
                interrupts.stay(|| output::say(&format!("{ended} Press Ctrl+C to leave.")));
                output::say(self.ways(true).trim_start());
            }
            Some(ended) => output::say(&(ended + &self.ways(true))),
            None => output::say(&self.farewell()),
        }
        if output::incomplete(display) {
            return Ending::Code(exit::INFRASTRUCTURE);
        }
        Ending::Code(exit::PASSED)
    }
}

/// Whether somebody sits here who can press Ctrl+C.
fn is_attended(context: &Context<'_>) -> bool {
    io::stderr().is_terminal() && context.is_interactive() && Stderr::is_foreground()
}

/// How a run in the background is to be announced.
pub(super) fn announcement(json: bool, quiet: bool) -> Announcement {
    match (json, quiet) {
        (true, _) => Announcement::Json,
        (false, true) => Announcement::Number,
        (false, false) => Announcement::Sentences,
    }
}
