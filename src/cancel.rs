//! Asking a stage to end, from any thread, so that even a thread blocked in poll(2) hears it; and, while it has not been
//! asked that, to stand still, to go on, and to take a signal.
//!
//! The request to end only ever rises: from nothing, over a signal that the stage may handle, to kill. The others are
//! answered: with [`Heard`], to whoever made the token.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

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

/// What an attempt says of what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// All that it started stands still.
    Still {
        /// For which hold: see [`CancelToken::hold`].
        hold: u64,
        /// What does not, as a sentence.
        restless: Option<String>,
    },
    /// Its command begins: what was done before was to bring it to where it runs.
    Begun,
    /// Its command has ended: what is done from here on is to learn what it printed, and is not its own time.
    Over,
    /// A signal was sent.
    Signalled {
        /// To so many processes.
        processes: usize,
    },
}

type Waker = Box<dyn Fn() + Send + Sync>;
type Tell = Box<dyn Fn(Heard) + Send + Sync>;

#[derive(Default)]
struct Inner {
    level: AtomicU8,
    /// How often that changed: to stand still makes it odd, to go on even.
    holds: AtomicU64,
    /// The last hold that was answered.
    answered: AtomicU64,
    /// Signals that the attempt has not taken yet.
    signals: Mutex<Vec<i32>>,
    /// Whether there are any, to be looked at often.
    has_signals: AtomicBool,
    wakers: Mutex<Vec<(u64, Waker)>>,
    tell: Option<Tell>,
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

    /// A token that asks for nothing yet, and hands on what is said to what it asks.
    pub fn answered(tell: impl Fn(Heard) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { tell: Some(Box::new(tell)), ..Inner::default() }))
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
    ///
    /// Holds are numbered, so that an answer to one is not taken for an answer to the next.
    pub fn hold(&self, still: bool) {
        let change = |holds| (is_hold(holds) != still).then_some(holds + 1);
        if self.0.holds.fetch_update(Ordering::AcqRel, Ordering::Acquire, change).is_ok() {
            self.0.wake();
        }
    }

    /// Whether the attempt is to stand still, and for which hold.
    pub fn held(&self) -> Option<u64> {
        Some(self.0.holds.load(Ordering::Acquire)).filter(|holds| is_hold(*holds))
    }

    /// Whether the attempt is to stand still.
    pub fn is_held(&self) -> bool {
        self.held().is_some()
    }

    /// All that the attempt started stands still for this hold, but for what the sentence names. Said once.
    pub fn say_still(&self, hold: u64, restless: Option<String>) {
        if self.0.answered.swap(hold, Ordering::AcqRel) != hold {
            self.say(Heard::Still { hold, restless });
        }
    }

    /// Has everything that the attempt started get this signal. Wakes whoever registered.
    pub fn signal(&self, signal: i32) {
        let mut signals = self.0.signals();
        signals.push(signal);
        self.0.has_signals.store(true, Ordering::Release);
        drop(signals);
        self.0.wake();
    }

    /// Whether there are signals to take. Cheap.
    pub fn has_signals(&self) -> bool {
        self.0.has_signals.load(Ordering::Acquire)
    }

    /// The signals that came since this was asked last, in their order. Each is to be answered.
    pub fn take_signals(&self) -> Vec<i32> {
        let mut signals = self.0.signals();
        self.0.has_signals.store(false, Ordering::Release);
        std::mem::take(&mut *signals)
    }

    /// The command begins now: see [`Heard::Begun`].
    pub fn say_begun(&self) {
        self.say(Heard::Begun);
    }

    /// The command has ended, and not the attempt: see [`Heard::Over`].
    pub fn say_over(&self) {
        self.say(Heard::Over);
    }

    /// A signal was sent to so many processes.
    pub fn say_signalled(&self, processes: usize) {
        self.say(Heard::Signalled { processes });
    }

    fn say(&self, heard: Heard) {
        if let Some(tell) = &self.0.tell {
            tell(heard);
        }
    }

    /// Answers what is asked of an attempt that has started nothing.
    pub fn answer_for_nothing(&self) {
        if let Some(hold) = self.held() {
            self.say_still(hold, None);
        }
        if self.has_signals() {
            self.take_signals().iter().for_each(|_| self.say_signalled(0));
        }
    }

    /// For an attempt that has started nothing: waits for as long as it is to stand still and not to end.
    pub fn wait_while_held(&self) {
        self.answer_for_nothing();
        if !self.is_held() {
            return;
        }
        let changed = Arc::new((Mutex::new(false), Condvar::new()));
        let change = Arc::clone(&changed);
        let _registration = self.register(move || {
            *change.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            change.1.notify_all();
        });
        while self.is_held() && self.level().is_none() {
            self.answer_for_nothing();
            let seen = changed.0.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = changed.1.wait_while(seen, |changed| !*changed);
            *seen.unwrap_or_else(PoisonError::into_inner) = false;
        }
        self.answer_for_nothing();
    }

    /// Calls `wake` at every change until the registration is dropped; at once if there has been one already.
    pub fn register(&self, wake: impl Fn() + Send + Sync + 'static) -> Registration {
        let mut wakers = self.0.wakers();
        let key = wakers.last().map_or(0, |(key, _)| key + 1);
        if self.level().is_some() || self.is_held() || self.has_signals() {
            wake();
        }
        wakers.push((key, Box::new(wake)));
        drop(wakers);
        Registration { inner: Arc::clone(&self.0), key }
    }
}

/// Whether after so many changes the attempt is to stand still.
fn is_hold(holds: u64) -> bool {
    holds % 2 == 1
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

    /// An answer to one hold is none to the next, and none is given twice.
    #[test]
    fn who_has_started_nothing_stands_still_and_says_so() {
        let (tell, told) = crossbeam_channel::unbounded();
        let token = CancelToken::answered(move |heard| tell.send(heard).unwrap());
        token.hold(true);
        token.signal(10);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| token.wait_while_held());
            assert_eq!(told.recv().unwrap(), Heard::Still { hold: 1, restless: None });
            assert_eq!(told.recv().unwrap(), Heard::Signalled { processes: 0 });
            token.signal(12);
            assert_eq!(told.recv().unwrap(), Heard::Signalled { processes: 0 });
            token.hold(false);
            waiting.join().unwrap();
        });
        token.hold(true);
        token.answer_for_nothing();
        token.answer_for_nothing();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [Heard::Still { hold: 3, restless: None }]);
        token.raise(CancelLevel::Terminate);
        token.wait_while_held();
        assert!(told.is_empty());
    }
}
