//! One attempt of a plugin's stage: the guest on a thread of its own, its commands run by the executor inside, and what both
//! have to say written here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Shared;
use super::found::Found;
use super::link::{Both, Link};
use crate::cancel::CancelToken;
use crate::event::{LeakedProcess, OutputSink, Stream};
use crate::executor::jobserver::Offer;
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
    /// To be written.
    Output(Stream, Vec<u8>),
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
            let message = format!("lost: plugin {plugin} ran it in the process that saw to the run, which is gone");
            return Err(ExecError::Infrastructure { message });
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
        let (noted, leaked) = (Arc::new(Mutex::new(Found::default())), Arc::new(Mutex::new(Vec::new())));
        let around = self.around(&link, &say, &noted, &leaked);
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
        write_down(&said, out, cancel, &link);
        let result = guest.join().unwrap_or_else(|_| {
            let why = "could not be called: the supervisor's log says more";
            Err(Fault::new(plugin, FaultKind::Unable(why.into())))
        });
        found.append(std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner)));
        let leaked = std::mem::take(&mut *leaked.lock().unwrap_or_else(PoisonError::into_inner));
        self.ended(result, leaked, out, found)
    }

    /// What the guest finds around it.
    fn around(
        &self,
        link: &Link,
        say: &Sender<Piece>,
        noted: &Arc<Mutex<Found>>,
        leaked: &Arc<Mutex<Vec<LeakedProcess>>>,
    ) -> Around {
        let (log, noted, source) = (say.clone(), Arc::clone(noted), self.used.plugin.clone());
        let commands = StageCommands {
            executor: Arc::clone(self.inner),
            job: self.job.clone(),
            root: self.shared.guests.root(),
            both: link.both(),
            out: say.clone(),
            leaked: Arc::clone(leaked),
        };
        Around {
            env: self.shared.env(self.job),
            cancel: link.guest(),
            log: Box::new(move |line| {
                // Who writes is there for as long as the guest is.
                let _ = log.send(Piece::Output(Stream::Stdout, format!("{line}\n").into_bytes()));
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
        out: &mut dyn OutputSink,
        found: &mut Found,
    ) -> Result<Ended, ExecError> {
        let error = match result {
            Ok(StageEnd { verdict, summary, outputs }) => {
                if !outputs.is_empty() {
                    out.write(Stream::Stdout, format!("{}\n", unkept(&self.used.plugin, &outputs)).as_bytes());
                }
                let summary = summary.as_deref().map(str::trim_end).filter(|summary| !summary.is_empty());
                if let Some(summary) = summary {
                    out.write(Stream::Stdout, format!("{summary}\n").as_bytes());
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
        // What did not end has no place for them.
        for process in &leaked {
            found.remark(format!("plugin {}: {}", self.used.plugin, leaked_sentence(process)));
        }
        Err(error)
    }
}

/// What is said of outputs, which are in the contract and which nothing takes yet.
fn unkept(plugin: &str, outputs: &[String]) -> String {
    let named: Vec<String> = outputs.iter().take(OUTPUTS_SHOWN).map(|name| format!("`{}`", printable(name))).collect();
    let more = if outputs.len() > named.len() { " and others" } else { "" };
    format!("plugin {plugin}: its outputs {}{more} are not kept: no stage can use them yet", named.join(", "))
}

/// Says that the guest has ended when it is dropped.
struct Ends(Sender<Piece>);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.send(Piece::Ended);
    }
}

/// Writes down what is said, until the guest has ended; and answers for a guest that is to stand still and waits.
fn write_down(said: &Receiver<Piece>, out: &mut dyn OutputSink, cancel: &CancelToken, link: &Link) {
    let (wake, woken) = bounded(1);
    let _registration = cancel.register(move || {
        // Full: it is woken already.
        let _ = wake.try_send(());
    });
    let mut answers_at = crossbeam_channel::never();
    loop {
        crossbeam_channel::select! {
            recv(said) -> piece => match piece {
                Ok(Piece::Output(stream, bytes)) => out.write(stream, &bytes),
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
    leaked: Arc<Mutex<Vec<LeakedProcess>>>,
}

impl Commands for StageCommands {
    fn start(&mut self, request: CommandRequest) -> Result<Box<dyn Process>, CommandFailure> {
        let CommandRequest { argv, dir, env, timeout_ms } = request;
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
        let leaked = Arc::clone(&self.leaked);
        let grace = job.grace;
        let work = Box::new(move |lines: &mut dyn OutputSink, cancel: &CancelToken| {
            both.command_begins();
            let result = executor.execute(&job, &mut Logged { out: &out, lines }, cancel);
            both.command_ended();
            if let Ok(ended) = &result {
                leaked.lock().unwrap_or_else(PoisonError::into_inner).extend(ended.leaked.iter().cloned());
            }
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
}

impl OutputSink for Logged<'_> {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        // Whoever writes it down is there for as long as a command is.
        let _ = self.out.send(Piece::Output(stream, bytes.to_vec()));
        self.lines.write(stream, bytes);
    }
}
