//! One attempt of a plugin's stage: the guest on a thread of its own, its commands run by the executor inside, and what both
//! have to say written here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Shared;
use super::link::{Both, Link};
use super::orphans;
use crate::cancel::CancelToken;
use crate::event::{LeakedProcess, OutputSink, Stream};
use crate::executor::jobserver::Offer;
use crate::executor::reading::Found;
use crate::executor::{Ended, ExecError, Executor, Job, Streams};
use crate::outcome::Exit;
use crate::pipeline::plugin::Use;
use crate::pipeline::{Command, Leak};
use crate::plan::signature::LOCAL;
use crate::plugin::fault::{Fault, FaultKind};
use crate::plugin::granted::Commands;
use crate::plugin::granted::commands::{Patience, Running};
use crate::plugin::guests::{Around, STACK};
use crate::plugin::info::{StageEnd, Verdict};
use crate::plugin::services::{CommandFailure, CommandRequest, Process};
use crate::text::plain::printable;
use crate::view::leaked_sentence;

/// How many pieces of output may wait to be written.
const PIECES: usize = 64;
/// How long a guest that computes may take to stand still. One that does not by then waits for something outside of it, and
/// does nothing more until the end of that.
const COMPUTES: Duration = Duration::from_millis(50);
/// How many outputs are named that nothing takes.
const OUTPUTS_SHOWN: usize = 10;

/// Something for the attempt's thread.
enum Piece {
    /// To be written as it is.
    Output(Stream, Vec<u8>),
    /// A line of the guest's own, without its end.
    Line(String),
    /// The guest has ended.
    Ended,
}

/// An attempt, ready to be run.
pub(super) struct Attempt<'a> {
    pub(super) inner: &'a Arc<dyn Executor>,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) job: &'a Job,
    pub(super) used: &'a Use,
}

impl Attempt<'_> {
    /// Sees it through.
    pub(super) fn run(
        &self,
        out: &mut dyn OutputSink,
        cancel: &CancelToken,
        found: &mut Found,
    ) -> Result<Ended, ExecError> {
        let plugin = &self.used.plugin;
        if self.job.resumes.is_some() {
            return Err(orphans::end(self.inner.as_ref(), self.job, plugin));
        }
        // Nothing starts in a paused run.
        cancel.wait_while_held();
        if cancel.level().is_some() {
            return Err(ExecError::Infrastructure { message: "cancelled before it could be started".into() });
        }
        if self.inner.name() != LOCAL {
            // What its plugin does is done here, and its time begins now.
            cancel.say_begun();
        }
        let link = Link::new(cancel);
        let (say, said) = bounded(PIECES);
        let (noted, traces) = (Arc::new(Mutex::new(Found::default())), Arc::new(Mutex::new(Traces::default())));
        let around = self.around(&link, &say, &noted, &traces);
        let (guests, used) = (Arc::clone(&self.shared.guests), self.used.clone());
        let context = self.shared.context(self.job, &used.params, used.fix);
        let run = move || {
            // Said also where this thread panics.
            let _ended = Ends(say);
            guests.stage(&used, around, &context)
        };
        let guest = std::thread::Builder::new().name("guest".into()).stack_size(STACK).spawn(run);
        let guest = guest.map_err(|error| ExecError::Infrastructure {
            message: format!("cannot start a thread for plugin {plugin}: {error}"),
        })?;
        let mut paper = Paper { out, open: None };
        write_down(&said, &mut paper, cancel, &link);
        let result = guest.join().unwrap_or_else(|_| {
            let why = "could not be called: the supervisor's log says more";
            Err(Fault::new(plugin, FaultKind::Unable(why.into())))
        });
        found.append(std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner)));
        let Traces { leaked, unknown } = std::mem::take(&mut *traces.lock().unwrap_or_else(PoisonError::into_inner));
        match unknown {
            Some(error) => {
                self.tell_left(&leaked, found);
                Err(error)
            }
            None => self.ended(result, leaked, &mut paper, found),
        }
    }

    /// What the guest finds around it.
    fn around(
        &self,
        link: &Link,
        say: &Sender<Piece>,
        noted: &Arc<Mutex<Found>>,
        traces: &Arc<Mutex<Traces>>,
    ) -> Around {
        let (log, noted, source) = (say.clone(), Arc::clone(noted), self.used.plugin.clone());
        let commands = StageCommands {
            executor: Arc::clone(self.inner),
            job: self.job.clone(),
            root: self.shared.guests.root(),
            both: link.both(),
            out: say.clone(),
            traces: Arc::clone(traces),
        };
        Around {
            env: self.shared.env(self.job),
            cancel: link.guest(),
            log: Box::new(move |line| {
                // Who writes is there for as long as the guest is.
                let _ = log.send(Piece::Line(line.to_owned()));
            }),
            annotate: Box::new(move |items| {
                noted.lock().unwrap_or_else(PoisonError::into_inner).add(&source, items);
            }),
            commands: Some(Box::new(commands)),
        }
    }

    /// What the guest's answer comes to.
    fn ended(
        &self,
        result: Result<StageEnd, Fault>,
        leaked: Vec<LeakedProcess>,
        paper: &mut Paper<'_>,
        found: &mut Found,
    ) -> Result<Ended, ExecError> {
        let error = match result {
            Ok(StageEnd { verdict, summary, outputs }) => {
                if !outputs.is_empty() {
                    paper.line(&unkept(&self.used.plugin, &outputs));
                }
                let summary = summary.as_deref().map(str::trim_end).filter(|summary| !summary.is_empty());
                if let Some(summary) = summary {
                    paper.line(summary);
                }
                let code = match verdict {
                    Verdict::Passed => Some(0),
                    Verdict::Failed => Some(1),
                    // Whoever leaves nothing to do may leave no processes either, where that is a failure.
                    Verdict::Skipped if self.job.leak == Leak::Fail && !leaked.is_empty() => Some(0),
                    Verdict::Skipped => None,
                };
                if let Some(code) = code {
                    return Ok(Ended { exit: Exit::Code(code), leaked, took: None });
                }
                let why = summary.and_then(|summary| summary.lines().next());
                ExecError::NothingToDo { why: why.unwrap_or("nothing to do").to_owned() }
            }
            // It was asked to.
            Err(Fault { kind: FaultKind::Cancelled, .. }) => {
                return Ok(Ended { exit: Exit::Signal(libc::SIGTERM), leaked, took: None });
            }
            Err(fault) => ExecError::Infrastructure { message: fault.to_string() },
        };
        self.tell_left(&leaked, found);
        Err(error)
    }

    /// Says of processes that were left what has no place in how an attempt ended that did not.
    fn tell_left(&self, leaked: &[LeakedProcess], found: &mut Found) {
        for process in leaked {
            found.remark(format!("plugin {}: {}", self.used.plugin, leaked_sentence(process)));
        }
    }
}

/// What is said of outputs, which are in the contract and which nothing takes yet.
fn unkept(plugin: &str, outputs: &[String]) -> String {
    let named: Vec<String> = outputs.iter().take(OUTPUTS_SHOWN).map(|name| format!("`{}`", printable(name))).collect();
    let more = if outputs.len() > named.len() { " and others" } else { "" };
    format!("plugin {plugin}: its outputs {}{more} are not kept: no stage can use them yet", named.join(", "))
}

/// What an attempt's commands leave.
#[derive(Default)]
struct Traces {
    /// Processes that outlived them.
    leaked: Vec<LeakedProcess>,
    /// What became of the first one that nobody saw the end of. Whatever the guest makes of that, it is no verdict.
    unknown: Option<ExecError>,
}

impl Traces {
    /// Takes in what came of a command; `is_asked` is whether it was to end.
    fn add(&mut self, result: &Result<Ended, ExecError>, is_asked: bool) {
        match result {
            Ok(ended) => self.leaked.extend(ended.leaked.iter().cloned()),
            // What goes on there is found by who takes the run over, and nothing else of the attempt matters then.
            Err(error @ ExecError::Left { .. }) => self.unknown = Some(error.clone()),
            Err(error @ (ExecError::Infrastructure { .. } | ExecError::NotThere { .. })) if !is_asked => {
                self.unknown.get_or_insert_with(|| error.clone());
            }
            Err(
                ExecError::Infrastructure { .. }
                | ExecError::NotThere { .. }
                | ExecError::NotStarted { .. }
                | ExecError::NothingToDo { .. },
            ) => {}
        }
    }
}

/// Says that the guest has ended when it is dropped.
struct Ends(Sender<Piece>);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.send(Piece::Ended);
    }
}

/// The stage's log, in which a guest's own lines begin on lines of their own.
struct Paper<'a> {
    out: &'a mut dyn OutputSink,
    /// The stream whose last line has no end yet.
    open: Option<Stream>,
}

impl Paper<'_> {
    fn copy(&mut self, stream: Stream, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.open = (*last != b'\n').then_some(stream);
            self.out.write(stream, bytes);
        }
    }

    fn line(&mut self, text: &str) {
        if let Some(stream) = self.open.take() {
            self.out.write(stream, b"\n");
        }
        self.out.write(Stream::Stdout, format!("{text}\n").as_bytes());
    }
}

/// Writes down what is said, until the guest has ended; and answers for a guest that is to stand still and waits.
fn write_down(said: &Receiver<Piece>, paper: &mut Paper<'_>, cancel: &CancelToken, link: &Link) {
    let (wake, woken) = bounded(1);
    let _registration = cancel.register(move || {
        // Full: it is woken already.
        let _ = wake.try_send(());
    });
    let mut answers_at = crossbeam_channel::never();
    loop {
        crossbeam_channel::select! {
            recv(said) -> piece => match piece {
                Ok(Piece::Output(stream, bytes)) => paper.copy(stream, &bytes),
                Ok(Piece::Line(line)) => paper.line(&line),
                Ok(Piece::Ended) | Err(_) => break,
            },
            recv(woken) -> _ => {
                answers_at = if link.is_guest_awaited() {
                    crossbeam_channel::after(COMPUTES)
                } else {
                    crossbeam_channel::never()
                };
            }
            recv(answers_at) -> _ => {
                answers_at = crossbeam_channel::never();
                link.guest_waits();
            }
        }
    }
}

/// Runs a guest's commands where its stage runs, each as a part of the attempt.
struct StageCommands {
    executor: Arc<dyn Executor>,
    /// The attempt; its part is that of the last command.
    job: Job,
    root: std::path::PathBuf,
    both: Arc<Both>,
    out: Sender<Piece>,
    traces: Arc<Mutex<Traces>>,
}

impl Commands for StageCommands {
    fn start(&mut self, request: CommandRequest) -> Result<Box<dyn Process>, CommandFailure> {
        let CommandRequest { argv, dir, env, timeout_ms, quiet } = request;
        self.job.part += 1;
        let timeout = timeout_ms.map(Duration::from_millis);
        let mut job = Job {
            command: Command::Argv(argv),
            dir: dir.map_or_else(|| self.job.dir.clone(), |dir| self.root.join(dir)),
            streams: Streams::Pipes,
            offer: Offer::Nothing,
            limit: timeout.or(self.job.limit),
            ..self.job.clone()
        };
        job.env.extend(env);
        let (executor, both, out) = (Arc::clone(&self.executor), Arc::clone(&self.both), self.out.clone());
        let traces = Arc::clone(&self.traces);
        let grace = job.grace;
        let work = Box::new(move |lines: &mut dyn OutputSink, cancel: &CancelToken| {
            both.command_begins();
            let result = executor.execute(&job, &mut Logged { out: &out, lines, quiet }, cancel);
            both.command_ended();
            traces.lock().unwrap_or_else(PoisonError::into_inner).add(&result, cancel.level().is_some());
            result
        });
        let running = Running::start(work, Patience { timeout, grace }, self.both.command())?;
        Ok(Box::new(running))
    }
}

/// A command's output: to the stage's log, and to the guest.
struct Logged<'a> {
    out: &'a Sender<Piece>,
    lines: &'a mut dyn OutputSink,
    /// Whether what it prints on stdout is for the guest alone.
    quiet: bool,
}

impl OutputSink for Logged<'_> {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        // Whoever writes it down is there for as long as a command is.
        if !(self.quiet && stream == Stream::Stdout) {
            let _ = self.out.send(Piece::Output(stream, bytes.to_vec()));
        }
        self.lines.write(stream, bytes);
    }
}
