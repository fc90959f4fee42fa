//! Commands of a guest that is gone: the process that it was in was killed, and what it had started on another machine goes on
//! there. Nobody can make a verdict of it any more, so whoever takes the run over ends it.

use crate::cancel::{CancelLevel, CancelToken};
use crate::event::{OutputSink, Stream};
use crate::executor::jobserver::Offer;
use crate::executor::{ExecError, Executor, Job, Streams};
use crate::pipeline::Command;

/// Ends what an attempt of this plugin has started where it runs, and says what the attempt comes to.
pub(super) fn end(executor: &dyn Executor, job: &Job, plugin: &str) -> ExecError {
    let lost = format!("lost: plugin {plugin} ran it in the process that saw to the run, which is gone");
    let lost = |more: String| ExecError::Infrastructure { message: format!("{lost}{more}") };
    let mut ended = 0_u32;
    // They were started one after the other, so the first that was never there is behind the last of them.
    for part in 1.. {
        let token = CancelToken::new();
        token.raise(CancelLevel::Kill);
        let job = Job {
            part,
            command: Command::Argv(Vec::new()),
            streams: Streams::Pipes,
            offer: Offer::Nothing,
            resumes: Some(0),
            ..job.clone()
        };
        match executor.execute(&job, &mut Nowhere, &token) {
            Ok(_) => ended = part,
            Err(ExecError::NotThere { .. }) => break,
            Err(left @ ExecError::Left { .. }) => return left,
            Err(error) => return lost(format!("; what it started may go on: {error}")),
        }
    }
    if ended == 0 {
        lost(String::new())
    } else {
        lost(format!("; nothing that it started on {} goes on", executor.name()))
    }
}

/// What it prints is nobody's any more.
struct Nowhere;

impl OutputSink for Nowhere {
    fn write(&mut self, _stream: Stream, _bytes: &[u8]) {}
}
