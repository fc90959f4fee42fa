//! Threads for attempts. An attempt has one to itself; when it has ended the thread waits for the next one, since to start
//! a thread takes as long as much of what a short stage costs.

use std::collections::HashMap;
use std::io;

use crossbeam_channel::{Sender, unbounded};

use crate::ids::StageId;

/// A worker's stack. What an attempt calls is shallow; many may run at once.
const STACK: usize = 256 * 1024;

/// What a worker does: an attempt, from its start to the message that it has ended. Does not panic.
pub(super) type Task = Box<dyn FnOnce() + Send>;

/// The threads of one run: as many as attempts ever ran at a time.
#[derive(Default)]
pub(super) struct Workers {
    idle: Vec<Sender<Task>>,
    busy: HashMap<StageId, Sender<Task>>,
}

impl Workers {
    /// Has a worker do the task of this stage, which has none at the moment.
    pub(super) fn run(&mut self, stage: StageId, task: Task) -> io::Result<()> {
        let worker = match self.idle.pop() {
            Some(worker) => worker,
            None => start()?,
        };
        // A worker waits for as long as there is this end of its channel.
        let _ = worker.send(task);
        self.busy.insert(stage, worker);
        Ok(())
    }

    /// The task of this stage has ended, or is about to return.
    pub(super) fn ended(&mut self, stage: StageId) {
        self.idle.extend(self.busy.remove(&stage));
    }
}

fn start() -> io::Result<Sender<Task>> {
    let (worker, tasks) = unbounded::<Task>();
    std::thread::Builder::new().name("attempt".into()).stack_size(STACK).spawn(move || {
        for task in tasks {
            task();
        }
    })?;
    Ok(worker)
}
