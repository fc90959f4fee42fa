//! Taking away what runs leave on the other machine: an attempt's directory once all of it is here, the run's at its end,
//! and what earlier runs could not take away. Nothing that still runs, and nobody waits for it before the run's end.
//!
//! A thread does it, so that what comes while it waits for an answer goes together with the next.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::line::Line;
use super::place::{Place, bare};
use super::processes::TREE;
use crate::clock::{Clock, SystemClock};
use crate::remote::quote::quote;

/// Takes away attempts, and the run: see the file.
const CLEAN: &str = include_str!("scripts/clean.sh");
/// Takes away what earlier runs have left: see the file.
const PRUNE: &str = include_str!("scripts/prune.sh");
/// What nobody has looked at for more than so many days is taken away.
const DAYS: u32 = 13;
/// For so many days it is known of a run that it was.
const MARK_DAYS: u32 = 400;
/// How long something that is done waits: what starts next goes first, and what is done meanwhile goes with it.
const TURN: Duration = Duration::from_millis(100);
/// How long a run's end may wait for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes away what is not needed any more there. Dropping it takes away the run's directory, if nothing is left to itself.
pub(super) struct Janitor {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    line: Arc<dyn Line>,
    place: Place,
    session: Option<String>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Attempts that are there, and of which not all is here.
    open: BTreeSet<String>,
    /// `ID=passed` or `ID=failed`.
    done: Vec<String>,
    closing: bool,
    #[cfg(test)]
    resting: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: takes away what is done, until it is to end.
    fn run(&self) {
        let mut closing = false;
        while !closing {
            let state = self.state();
            let idle = |state: &mut State| state.done.is_empty() && !state.closing;
            let state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            let waits = |state: &mut State| !state.closing;
            let waited = self.changed.wait_timeout_while(state, TURN, waits);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
            let done = std::mem::take(&mut state.done);
            closing = state.closing;
            let is_whole = closing && state.open.is_empty();
            drop(state);
            let mut script = clean(&self.place, self.session.as_deref(), &done, is_whole);
            if closing {
                script.insert_str(0, &prune(&self.place));
            }
            let began = SystemClock.now();
            // What is not done now is done by a later run.
            let late = || (closing || self.state().closing) && SystemClock.now().since(began) >= PATIENCE;
            let _ = self.line.call(&script, &late);
        }
    }
}

impl Janitor {
    pub(super) fn new(line: Arc<dyn Line>, place: Place, session: Option<String>) -> Self {
        let shared = Shared { line, place, session, state: Mutex::default(), changed: Condvar::new() };
        Self { shared: Arc::new(shared), thread: Mutex::new(None) }
    }

    /// Has it take nothing away.
    #[cfg(test)]
    pub(super) fn rest(&self) {
        self.shared.state().resting = true;
    }

    /// There is or may be something of this attempt from now on.
    pub(super) fn begun(&self, id: &str) -> io::Result<()> {
        let mut state = self.shared.state();
        #[cfg(test)]
        if state.resting {
            return Ok(());
        }
        state.open.insert(id.to_owned());
        drop(state);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let run = move || shared.run();
            *thread = Some(std::thread::Builder::new().name("janitor".into()).stack_size(256 * 1024).spawn(run)?);
        }
        Ok(())
    }

    /// All of this attempt is here. Its window goes with the run where it passed or was to end, and stays for whoever looks
    /// into why it failed.
    pub(super) fn done(&self, id: &str, is_well: bool) {
        let mut state = self.shared.state();
        state.open.remove(id);
        state.done.push(format!("{id}={}", if is_well { "passed" } else { "failed" }));
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        self.shared.state().closing = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// The text that takes away these attempts, `ID=passed` or `ID=failed`, and the run.
fn clean(place: &Place, session: Option<&str>, done: &[String], whole: bool) -> String {
    format!(
        "{}{}__done={} __session={} __whole={}\n{}",
        place.script(),
        bare(TREE),
        quote(&done.join(" ")),
        quote(session.unwrap_or_default()),
        if whole { "1" } else { "" },
        bare(CLEAN)
    )
}

/// The text that takes away what earlier runs have left.
fn prune(place: &Place) -> String {
    format!("{}{}__days={DAYS} __mark_days={MARK_DAYS}\n{}", place.script(), bare(TREE), bare(PRUNE))
}
