//! An executor around an executor: a plugin's stage is run by its plugin, all else by who is inside, and what any of them
//! prints is read by the stage's parsers.
//!
//! ```text
//!  the attempt's thread          a guest's thread              a command's thread
//!  ┌──────────────┐   spawns     ┌───────┐  commands ─▶ Running ─▶ the executor inside, a part of the same job
//!  │ PluginExecutor├────────────▶│ guest │  log ─┐                    │ output
//!  └──────▲───────┘              └───────┘       ▼                    ▼
//!         └────────────────────── a bounded channel ◀─────────────────┘
//!  writes to the stage's log, and for each parser what that one wants to a queue: see `gate` and `reading`
//! ```
//!
//! A guest computes on a thread of its own because the attempt's stack is small. What was found is told once the attempt has
//! ended and before that is told, in the order of the declaration: the same inputs give the same events.

mod found;
mod gate;
mod lines;
mod link;
mod orphans;
mod patience;
mod reading;
mod stage;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::guests::Guests;
use super::info::Context;
use crate::cancel::{CancelToken, Registration};
use crate::event::{OutputSink, RemoteNews, Stream};
use crate::executor::news::portions;
pub use crate::executor::news::{News, Tell};
use crate::executor::{Ended, ExecError, Executor, Job};
use crate::ids::StageName;
use crate::outcome::Exit;
use crate::pipeline::Command;
use crate::pipeline::plugin::ParserUse;
use found::Found;
use gate::Gate;
use reading::Reader;

/// What all executors of a run share.
pub struct Shared {
    guests: Arc<dyn Guests>,
    /// What stages inherit, to be known to a plugin where it is granted.
    env: Vec<(String, String)>,
    parsers: BTreeMap<StageName, Vec<ParserUse>>,
    tell: Tell,
    /// Plugins of which a parser failed.
    out_of_action: Mutex<BTreeSet<String>>,
}

impl Shared {
    /// For stages with these parsers, that inherit this environment.
    pub fn new(
        guests: Arc<dyn Guests>,
        env: Vec<(String, String)>,
        parsers: BTreeMap<StageName, Vec<ParserUse>>,
        tell: Tell,
    ) -> Self {
        Self { guests, env, parsers, tell, out_of_action: Mutex::default() }
    }

    /// A parser of it failed: none is started again. Whether that is new.
    fn put_out_of_action(&self, plugin: &str) -> bool {
        self.out_of_action.lock().unwrap_or_else(PoisonError::into_inner).insert(plugin.to_owned())
    }

    fn is_out_of_action(&self, plugin: &str) -> bool {
        self.out_of_action.lock().unwrap_or_else(PoisonError::into_inner).contains(plugin)
    }

    /// The environment of an attempt.
    fn env(&self, job: &Job) -> Vec<(String, String)> {
        let is_set = |name: &str| job.env.iter().any(|(set, _)| set == name);
        self.env.iter().filter(|(name, _)| !is_set(name)).chain(&job.env).cloned().collect()
    }

    /// What a call is about.
    fn context(&self, job: &Job, params: &str, fix: bool) -> Context {
        let root = self.guests.root();
        let dir = job.dir.strip_prefix(&root).unwrap_or(&job.dir).to_string_lossy().into_owned();
        let mut extra = vec![("dir".to_owned(), dir)];
        if fix {
            extra.push(("fix".to_owned(), "true".to_owned()));
        }
        Context {
            run: job.run.to_string(),
            stage: job.stage.to_string(),
            attempt: job.attempt,
            params: params.to_owned(),
            extra,
        }
    }
}

/// How much of what a person is told of plugins is kept of each sentence, in bytes.
const REMARK_MAX: usize = 1024;

/// A sentence of bounded length: foreign words are in it.
pub(super) fn bounded(mut text: String) -> String {
    if text.len() > REMARK_MAX {
        text.truncate(text.floor_char_boundary(REMARK_MAX));
        text.push('…');
    }
    text
}

/// A line of a plugin that has no log to go to.
pub(super) fn spoken(plugin: &str, line: &str) -> String {
    format!("plugin {plugin} says: {line}")
}

/// What a [`PluginExecutor`] sees to. What plugins' stages print is screened before parsers read it, so there are two of
/// them around who does that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It runs plugins' stages, and hands on all others.
    Stages,
    /// It has parsers read along.
    Parsers,
}

/// Runs plugins' stages, and hands on all others; or has parsers read along.
pub struct PluginExecutor {
    inner: Arc<dyn Executor>,
    shared: Arc<Shared>,
    part: Part,
}

impl PluginExecutor {
    /// Around this executor.
    pub fn new(inner: Arc<dyn Executor>, shared: Arc<Shared>, part: Part) -> Self {
        Self { inner, shared, part }
    }

    fn attempt(
        &self,
        job: &Job,
        out: &mut dyn OutputSink,
        cancel: &CancelToken,
        found: &mut Found,
    ) -> Result<Ended, ExecError> {
        match &job.command {
            Command::Plugin(used) if self.part == Part::Stages => {
                stage::Attempt { inner: &self.inner, shared: &self.shared, job, used }.run(out, cancel, found)
            }
            Command::Argv(_) | Command::Shell { .. } | Command::Plugin(_) => self.inner.execute(job, out, cancel),
        }
    }

    /// The stage's parsers that can read, each at work.
    fn readers(&self, job: &Job, found: &mut Found) -> Vec<Reader> {
        let parsers = self.shared.parsers.get(&job.stage).filter(|_| self.part == Part::Parsers);
        let parsers = parsers.map(Vec::as_slice).unwrap_or_default();
        let mut readers = Vec::new();
        for used in parsers.iter().filter(|used| !self.shared.is_out_of_action(&used.plugin)) {
            let (env, context) = (self.shared.env(job), self.shared.context(job, "{}", false));
            match Reader::start(Arc::clone(&self.shared.guests), used, env, context) {
                Ok(reader) => readers.push(reader),
                Err(fault) => found.remark(fault.to_string()),
            }
        }
        readers
    }

    /// Tells what was found, and what else there is to say of it.
    fn tell(&self, job: &Job, found: Found) {
        let (items, remarks) = found.into_parts();
        let (stage, attempt) = (&job.stage, job.attempt);
        for items in portions(items) {
            (self.shared.tell)(News::Annotated { stage: stage.clone(), attempt, items });
        }
        for text in remarks {
            (self.shared.tell)(News::Remark { stage: Some(stage.clone()), text });
        }
    }
}

impl Executor for PluginExecutor {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let mut found = Found::default();
        let readers = Arc::new(self.readers(job, &mut found));
        if readers.is_empty() {
            let result = self.attempt(job, out, cancel, &mut found);
            self.tell(job, found);
            return result;
        }
        let registration = stand_still_with(&readers, cancel);
        let mut tee = Tee { out, readers: readers.iter().map(|reader| (reader, reader.gate())).collect() };
        let result = self.attempt(job, &mut tee, cancel, &mut found);
        tee.end();
        if cancel.level().is_none() {
            cancel.say_over();
        }
        drop(registration);
        let exit = match &result {
            Ok(Ended { exit: Exit::Code(code), .. }) => Some(*code),
            Ok(Ended { exit: Exit::Signal(_), .. }) | Err(_) => None,
        };
        readers.iter().for_each(|reader| reader.end(exit));
        for reader in Arc::into_inner(readers).unwrap_or_default() {
            found.append(reader.finish(&self.shared, cancel));
        }
        self.tell(job, found);
        result
    }

    fn last_news(&self) -> Option<RemoteNews> {
        self.inner.last_news()
    }

    fn hold_strays(&self, still: bool) {
        self.inner.hold_strays(still);
    }
}

/// Has parsers stand still while the attempt does. Until this is dropped.
fn stand_still_with(readers: &Arc<Vec<Reader>>, cancel: &CancelToken) -> Registration {
    let (readers, token) = (Arc::clone(readers), cancel.clone());
    cancel.register(move || readers.iter().for_each(|reader| reader.hold(token.is_held())))
}

/// Writes to the log, and to who reads along what that one wants.
struct Tee<'a> {
    out: &'a mut dyn OutputSink,
    readers: Vec<(&'a Reader, Gate)>,
}

impl Tee<'_> {
    /// There is nothing more to come.
    fn end(mut self) {
        for (reader, gate) in &mut self.readers {
            gate.end(&mut |stream, bytes| reader.push(stream, bytes));
        }
    }
}

impl OutputSink for Tee<'_> {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        self.out.write(stream, bytes);
        for (reader, gate) in &mut self.readers {
            gate.push(stream, bytes, &mut |stream, bytes| reader.push(stream, bytes));
        }
    }
}
