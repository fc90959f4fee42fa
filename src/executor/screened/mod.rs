//! An executor around an executor: gives stages their secrets, and lets nobody else have them. What an attempt prints is
//! masked, each stream for itself, before a byte of it reaches the log or who reads along; and the stage's own workflow
//! commands are heard on the way.
//!
//! ```text
//!  bytes ─▶ Commands ─▶ Masker ─▶ log, readers
//!            │  └ ::add-mask:: ─▶ Screen: one needle more, for all attempts of the run
//!            └ ::error, ::warning, ::notice ─▶ annotations, told once the attempt has ended
//! ```
//!
//! Where nothing is secret bytes go on as they are, in the buffer that they came in.

mod commands;
mod said;
mod screen;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use screen::Screen;

use super::{Ended, ExecError, Executor, Job};
use crate::cancel::CancelToken;
use crate::event::{ANNOTATIONS_MAX, Annotation, OutputSink, RemoteNews, Stream};
use crate::text::mask::Masker;
use commands::{Commands, Heard};

/// Screens what is run by who is inside.
pub struct Screened {
    inner: Arc<dyn Executor>,
    screen: Arc<Screen>,
}

impl Screened {
    /// Around this executor.
    pub fn new(inner: Arc<dyn Executor>, screen: Arc<Screen>) -> Self {
        Self { inner, screen }
    }
}

impl Executor for Screened {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let mut job = job.clone();
        let given = self.screen.given(&job.stage).iter();
        job.env.extend(given.map(|(name, value)| (name.clone(), String::from_utf8_lossy(value.bytes()).into_owned())));
        let mut sink = Sink::new(out, &self.screen, &job);
        // The place where the log goes on is not that in what the stage has printed, which may have been longer or shorter:
        // it is read from the beginning and masked again, which gives what was written already, and that is passed over.
        if let Some(bytes) = job.resumes.filter(|_| !self.screen.needles().is_empty()) {
            sink.to_pass_over = bytes;
        }
        let passes_over = sink.to_pass_over > 0;
        let rewound;
        let inner_job = if passes_over {
            rewound = Job { resumes: Some(0), ..job.clone() };
            &rewound
        } else {
            &job
        };
        let result = self.inner.execute(inner_job, &mut sink, cancel);
        sink.finish();
        let (found, more) = (std::mem::take(&mut sink.found), sink.more);
        self.screen.tell(&job.stage, job.attempt, &found, more);
        match result {
            // Something of it was received, so it was there.
            Err(ExecError::NotThere { message }) if passes_over => Err(ExecError::Infrastructure { message }),
            result => result,
        }
    }

    fn last_news(&self) -> Option<RemoteNews> {
        self.inner.last_news()
    }

    fn hold_strays(&self, still: bool) {
        self.inner.hold_strays(still);
    }
}

/// One stream on its way.
struct Lane {
    commands: Commands,
    masker: Masker,
    /// Of which generation its needles are.
    generation: usize,
}

/// Takes what an attempt prints.
struct Sink<'a> {
    out: &'a mut dyn OutputSink,
    screen: &'a Screen,
    job: &'a Job,
    /// Of stdout and of stderr.
    lanes: [Lane; 2],
    /// What commands are resumed with.
    stopped: Option<Vec<u8>>,
    found: Vec<Annotation>,
    more: usize,
    /// How much of the masked output is written already.
    to_pass_over: u64,
    buffer: Vec<u8>,
}

impl<'a> Sink<'a> {
    fn new(out: &'a mut dyn OutputSink, screen: &'a Screen, job: &'a Job) -> Self {
        let generation = screen.generation();
        let lane = || Lane { commands: Commands::default(), masker: Masker::new(screen.needles()), generation };
        Self {
            out,
            screen,
            job,
            lanes: [lane(), lane()],
            stopped: None,
            found: Vec::new(),
            more: 0,
            to_pass_over: 0,
            buffer: Vec::new(),
        }
    }

    /// The attempt has ended: what was kept back is written.
    fn finish(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.read(stream, None);
            let lane = &mut self.lanes[index(stream)];
            let mut rest = std::mem::take(&mut self.buffer);
            rest.clear();
            lane.masker.finish(&mut rest);
            self.emit(stream, &rest);
        }
    }

    /// Reads on; without bytes, the end.
    fn read(&mut self, stream: Stream, bytes: Option<&[u8]>) {
        let mut commands = std::mem::take(&mut self.lanes[index(stream)].commands);
        let mut stopped = self.stopped.take();
        let mut hear = |heard: Heard<'_>| match heard {
            Heard::Bytes(bytes) => self.pass(stream, bytes),
            Heard::Secret(value) => self.screen.add(&self.job.stage, value),
            Heard::Said(..) if self.found.len() >= ANNOTATIONS_MAX => self.more += 1,
            Heard::Said(head, data) => self.found.push(said::annotation(head, data, &self.screen.root)),
        };
        match bytes {
            Some(bytes) => commands.push(bytes, &mut stopped, &mut hear),
            None => commands.finish(&mut stopped, &mut hear),
        }
        self.stopped = stopped;
        self.lanes[index(stream)].commands = commands;
    }

    fn pass(&mut self, stream: Stream, bytes: &[u8]) {
        let lane = &mut self.lanes[index(stream)];
        let generation = self.screen.generation();
        if lane.generation != generation {
            lane.masker.look_for(self.screen.needles());
            lane.generation = generation;
        }
        if lane.masker.is_idle() {
            return self.emit(stream, bytes);
        }
        let mut masked = std::mem::take(&mut self.buffer);
        masked.clear();
        lane.masker.push(bytes, &mut masked);
        self.emit(stream, &masked);
        self.buffer = masked;
    }

    fn emit(&mut self, stream: Stream, bytes: &[u8]) {
        let known = usize::try_from(self.to_pass_over).unwrap_or(usize::MAX).min(bytes.len());
        self.to_pass_over -= known as u64;
        if known < bytes.len() {
            self.out.write(stream, &bytes[known..]);
        }
    }
}

impl OutputSink for Sink<'_> {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        self.read(stream, Some(bytes));
    }
}

fn index(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}
