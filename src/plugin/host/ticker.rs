//! Ticks while guests run: an epoch each 10 ms, from one thread that is there only then, and knows which threads run guests.
//!
//! The thread stays for a while after the last guest, asleep: a parser is called thousands of times a second, and a thread for
//! each would cost more than the call.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use wasmtime::Engine;

/// Between two ticks: how long a guest may go on after it was asked to end.
const TICK: Duration = Duration::from_millis(10);
/// How long the thread stays after the last guest.
const LINGER: Duration = Duration::from_millis(500);

/// Where a tick stands.
#[derive(Default)]
struct Running {
    /// Threads that are in a guest, or in a call of one to the host.
    threads: Vec<ThreadId>,
    has_ticker: bool,
    is_asleep: bool,
}

/// See the module.
pub(super) struct Ticker {
    engine: Engine,
    running: Mutex<Running>,
    changed: Condvar,
}

impl Ticker {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, running: Mutex::default(), changed: Condvar::new() }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This thread runs a guest until the value is dropped. None where it does so already: a guest called the host, and what
    /// that did called a guest. None, as an error, where there can be no thread to tick.
    pub(super) fn enter(self: &Arc<Self>) -> std::io::Result<Option<Ticking>> {
        let this = thread::current().id();
        let mut running = self.running();
        if running.threads.contains(&this) {
            return Ok(None);
        }
        if !running.has_ticker {
            let ticker = Arc::clone(self);
            thread::Builder::new().name("plugin-ticks".to_owned()).spawn(move || ticker.tick())?;
            running.has_ticker = true;
        } else if running.is_asleep {
            self.changed.notify_one();
        }
        running.threads.push(this);
        Ok(Some(Ticking { ticker: Arc::clone(self), thread: this }))
    }

    fn tick(&self) {
        let mut running = self.running();
        loop {
            running.is_asleep = running.threads.is_empty();
            let patience = if running.is_asleep { LINGER } else { TICK };
            let (after, waited) = self.changed.wait_timeout(running, patience).unwrap_or_else(PoisonError::into_inner);
            running = after;
            if !running.threads.is_empty() {
                self.engine.increment_epoch();
            } else if waited.timed_out() && running.is_asleep {
                running.has_ticker = false;
                return;
            }
        }
    }
}

/// A guest runs on this thread.
pub(super) struct Ticking {
    ticker: Arc<Ticker>,
    thread: ThreadId,
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.ticker.running().threads.retain(|thread| *thread != self.thread);
    }
}
