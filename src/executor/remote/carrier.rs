//! What has to be there before a stage can run there, and what comes back.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::executor::Job;
use crate::remote::{Fault, FaultKind};

/// A work tree on another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkTree {
    /// Where it is there, absolute: what stands for the project's directory.
    pub path: String,
}

/// Brings files to another machine and back.
pub trait Carrier: Send + Sync {
    /// Brings the work tree there. Called before each stage that starts, one call after the other: what is there already and
    /// still the run's own is not brought again.
    fn prepare(&self, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<WorkTree, Fault>;

    /// Brings there what a stage needs of others, just before it starts.
    fn bring(&self, job: &Job, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<(), Fault> {
        let _ = (job, cancelled);
        Ok(())
    }

    /// Brings back what a stage made that passed.
    fn fetch(&self, job: &Job, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<(), Fault> {
        let _ = (job, cancelled);
        Ok(())
    }

    /// What a stage made that did not pass stays there.
    fn forgo(&self, job: &Job) {
        let _ = job;
    }
}

/// One that somebody else knows of, too.
impl<T: Carrier> Carrier for std::sync::Arc<T> {
    fn prepare(&self, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<WorkTree, Fault> {
        (**self).prepare(cancelled)
    }

    fn bring(&self, job: &Job, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<(), Fault> {
        (**self).bring(job, cancelled)
    }

    fn fetch(&self, job: &Job, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<(), Fault> {
        (**self).fetch(job, cancelled)
    }

    fn forgo(&self, job: &Job) {
        (**self).forgo(job);
    }
}

/// A work tree that is already there.
impl Carrier for WorkTree {
    fn prepare(&self, _cancelled: &(dyn Fn() -> bool + Sync)) -> Result<WorkTree, Fault> {
        Ok(self.clone())
    }
}

/// The work tree of a run, prepared by who comes first while the others wait. Nothing is remembered of it but who failed: it
/// may be another run's by the time at which it is asked for again.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_busy: bool,
    /// How often it has failed, and why the last time.
    failures: u64,
    fault: Option<Fault>,
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work tree. Who waited for somebody's try fails with it, but for one that was cancelled, which says nothing to
    /// others; who comes later tries anew.
    pub(super) fn get(
        &self,
        prepare: &dyn Fn() -> Result<WorkTree, Fault>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<WorkTree, Fault> {
        let mut state = self.state();
        let before = state.failures;
        while state.is_busy {
            if cancelled() {
                return Err(Fault::new(FaultKind::Cancelled, "cancelled while the work tree was sent"));
            }
            // Nobody wakes us when it is cancelled.
            let waited = self.changed.wait_timeout(state, std::time::Duration::from_millis(50));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(fault) = state.fault.as_ref().filter(|_| state.failures > before) {
            return Err(fault.clone());
        }
        state.is_busy = true;
        drop(state);
        let made = prepare();
        let mut state = self.state();
        state.is_busy = false;
        match &made {
            Ok(_) => {}
            Err(fault) if fault.kind == FaultKind::Cancelled => {}
            Err(fault) => {
                state.failures += 1;
                state.fault = Some(fault.clone());
            }
        }
        drop(state);
        self.changed.notify_all();
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_prepares_after_the_other_and_each_is_asked_anew() {
        let (turns, busy, tries) = (Turns::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let tree = WorkTree { path: "/there".into() };
        let prepare = || {
            assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0);
            tries.fetch_add(1, Ordering::SeqCst);
            std::thread::yield_now();
            busy.fetch_sub(1, Ordering::SeqCst);
            Ok(tree.clone())
        };
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| turns.get(&prepare, &|| false))).collect();
            for one in all {
                assert_eq!(one.join().unwrap(), Ok(tree.clone()));
            }
        });
        assert_eq!(tries.load(Ordering::SeqCst), 8);
    }

    #[test]
    fn a_failure_is_told_to_who_waited_and_tried_again_by_who_comes_later() {
        let turns = Turns::default();
        let fault = Fault::new(FaultKind::NoSpace, "no room");
        assert_eq!(turns.get(&|| Err(fault.clone()), &|| false), Err(fault.clone()));
        let (begun, waits) = (crossbeam_channel::bounded(1), crossbeam_channel::bounded(1));
        std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                let fail = || {
                    begun.0.send(()).unwrap();
                    waits.1.recv().unwrap();
                    Err(fault.clone())
                };
                turns.get(&fail, &|| false)
            });
            begun.1.recv().unwrap();
            let asked = AtomicUsize::new(0);
            let (turns, fault, waits) = (&turns, &fault, &waits);
            let second = scope.spawn(move || {
                // It asks whether it is cancelled while it waits, and then the first may fail.
                let cancelled = || {
                    if asked.fetch_add(1, Ordering::SeqCst) == 0 {
                        waits.0.send(()).unwrap();
                    }
                    false
                };
                turns.get(&|| unreachable!("{fault}"), &cancelled)
            });
            assert_eq!(second.join().unwrap(), Err(fault.clone()));
            assert_eq!(first.join().unwrap(), Err(fault.clone()));
        });
        let tree = WorkTree { path: "/there".into() };
        assert_eq!(turns.get(&|| Ok(tree.clone()), &|| false), Ok(tree.clone()));
    }
}
