//! An executor around an executor: what its attempts print is read.

use std::sync::Arc;

use super::found::Found;
use super::gate::Gate;
use super::reader::{AtWork, Reads};
use super::told::tell;
use crate::cancel::{CancelToken, Registration};
use crate::event::{OutputSink, RemoteNews, Stream};
use crate::executor::news::Tell;
use crate::executor::{Ended, ExecError, Executor, Job};
use crate::outcome::Exit;

/// Who reads an attempt, in the order in which what they find is told.
type Staff = Box<dyn Fn(&Job) -> Vec<Arc<dyn Reads>> + Send + Sync>;

/// See the module.
pub struct ReadingExecutor {
    inner: Arc<dyn Executor>,
    staff: Staff,
    tell: Tell,
}

impl ReadingExecutor {
    /// Around this executor. `staff` says who reads an attempt; what they find is told to `tell`.
    pub fn new(
        inner: Arc<dyn Executor>,
        staff: impl Fn(&Job) -> Vec<Arc<dyn Reads>> + Send + Sync + 'static,
        tell: Tell,
    ) -> Self {
        Self { inner, staff: Box::new(staff), tell }
    }

    /// All who read this attempt, at work.
    fn readers(&self, job: &Job, found: &mut Found) -> Vec<AtWork> {
        let mut readers = Vec::new();
        for reads in (self.staff)(job) {
            match AtWork::start(reads) {
                Ok(reader) => readers.push(reader),
                Err(remark) => found.remark(remark),
            }
        }
        readers
    }
}

impl Executor for ReadingExecutor {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let mut found = Found::default();
        let readers = Arc::new(self.readers(job, &mut found));
        if readers.is_empty() {
            tell(&self.tell, job, found);
            return self.inner.execute(job, out, cancel);
        }
        let registration = stand_still_with(&readers, cancel);
        let mut tee = Tee { out, readers: readers.iter().map(|reader| (reader, reader.gate())).collect() };
        let result = self.inner.execute(job, &mut tee, cancel);
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
            found.append(reader.finish(cancel));
        }
        tell(&self.tell, job, found);
        result
    }

    fn last_news(&self) -> Option<RemoteNews> {
        self.inner.last_news()
    }

    fn hold_strays(&self, still: bool) {
        self.inner.hold_strays(still);
    }
}

/// Has readers stand still while the attempt does. Until this is dropped.
fn stand_still_with(readers: &Arc<Vec<AtWork>>, cancel: &CancelToken) -> Registration {
    let (readers, token) = (Arc::clone(readers), cancel.clone());
    cancel.register(move || readers.iter().for_each(|reader| reader.hold(token.is_held())))
}

/// Writes to the log, and to who reads along what that one wants.
struct Tee<'a> {
    out: &'a mut dyn OutputSink,
    readers: Vec<(&'a AtWork, Gate)>,
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
