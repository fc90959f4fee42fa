//! Asking a stage to end, from any thread, so that even a thread blocked in poll(2) hears it; and, while it has not been
//! asked that, to stand still, to go on, and to take a signal.
//!
//! The request to end only ever rises: from nothing, over a signal that the stage may handle, to kill.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// How firmly a stage is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelLevel {
    /// SIGINT to the tree: what Ctrl+C would have sent.
    Interrupt = 1,
    /// SIGTERM to the tree.
    Terminate = 2,
    /// SIGKILL to the tree, again until nothing is left.
    Kill = 3,
}

type Waker = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Inner {
    level: AtomicU8,
    still: AtomicBool,
    /// Signals that the attempt has not taken yet.
    signals: Mutex<Vec<i32>>,
    wakers: Mutex<Vec<(u64, Waker)>>,
}

impl Inner {
    fn wakers(&self) -> MutexGuard<'_, Vec<(u64, Waker)>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.wakers().iter().for_each(|(_, wake)| wake());
    }

    fn signals(&self) -> MutexGuard<'_, Vec<i32>> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stage attempt's request to end. Clones share it.
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Inner>);

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelToken").field(&self.level()).finish()
    }
}

impl CancelToken {
    /// A token that asks for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is asked for now, if anything.
    pub fn level(&self) -> Option<CancelLevel> {
        match self.0.level.load(Ordering::Acquire) {
            0 => None,
            1 => Some(CancelLevel::Interrupt),
            2 => Some(CancelLevel::Terminate),
            _ => Some(CancelLevel::Kill),
        }
    }

    /// Raises the request; asking for less than before changes nothing. Wakes whoever registered.
    pub fn raise(&self, level: CancelLevel) {
        let before = self.0.level.fetch_max(level as u8, Ordering::AcqRel);
        if before < level as u8 {
            self.0.wake();
        }
    }

    /// Has everything that the attempt started stand still, or go on. Wakes whoever registered where that is new.
    pub fn hold(&self, still: bool) {
        if self.0.still.swap(still, Ordering::AcqRel) != still {
            self.0.wake();
        }
    }

    /// Whether the attempt is to stand still.
    pub fn is_held(&self) -> bool {
        self.0.still.load(Ordering::Acquire)
    }

    /// Has everything that the attempt started get this signal. Wakes whoever registered.
    pub fn signal(&self, signal: i32) {
        self.0.signals().push(signal);
        self.0.wake();
    }

    /// The signals that came since this was asked last, in their order.
    pub fn take_signals(&self) -> Vec<i32> {
        std::mem::take(&mut *self.0.signals())
    }

    /// Calls `wake` at every change until the registration is dropped; at once if there has been one already.
    pub fn register(&self, wake: impl Fn() + Send + Sync + 'static) -> Registration {
        let mut wakers = self.0.wakers();
        let key = wakers.last().map_or(0, |(key, _)| key + 1);
        if self.level().is_some() || self.is_held() || !self.0.signals().is_empty() {
            wake();
        }
        wakers.push((key, Box::new(wake)));
        drop(wakers);
        Registration { inner: Arc::clone(&self.0), key }
    }
}

/// Keeps a waker registered for as long as it lives.
pub struct Registration {
    inner: Arc<Inner>,
    key: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.inner.wakers().retain(|(key, _)| *key != self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_token_only_rises_and_wakes_at_each_rise() {
        let token = CancelToken::new();
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let registration = token.register(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(token.level(), None);
        token.raise(CancelLevel::Terminate);
        token.raise(CancelLevel::Interrupt);
        assert_eq!(token.level(), Some(CancelLevel::Terminate));
        token.raise(CancelLevel::Kill);
        assert_eq!(woken.load(Ordering::SeqCst), 2);
        drop(registration);
        assert!(token.0.wakers().is_empty());
    }

    #[test]
    fn what_is_to_stand_still_and_what_gets_a_signal_is_woken() {
        let token = CancelToken::new();
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let _registration = token.register(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        token.hold(true);
        token.hold(true);
        assert!(token.is_held());
        token.signal(10);
        token.signal(12);
        token.hold(false);
        assert_eq!((token.is_held(), token.level(), woken.load(Ordering::SeqCst)), (false, None, 4));
        assert_eq!(token.take_signals(), [10, 12]);
        assert!(token.take_signals().is_empty());
    }

    #[test]
    fn a_late_registration_is_woken_at_once() {
        let token = CancelToken::new();
        token.raise(CancelLevel::Kill);
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let _registration = token.register(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(woken.load(Ordering::SeqCst), 1);
    }
}
