//! One after the other, where who waits can be asked to end meanwhile: what is waited for may take minutes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::cancel::CancelToken;

/// Something that one has at a time. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Turn(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_taken: Mutex<bool>,
    changed: Condvar,
}

impl Inner {
    fn is_taken(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits until nobody else has it. None where who waits is asked to end, also where that was before.
    pub fn take(&self, cancel: &CancelToken) -> Option<Taken> {
        let inner = Arc::clone(&self.0);
        let _registration = cancel.register(move || {
            // Whoever waits has either not looked yet, or hears of it.
            drop(inner.is_taken());
            inner.changed.notify_all();
        });
        let goes_on = |is_taken: &mut bool| *is_taken && cancel.level().is_none();
        let waited = self.0.changed.wait_while(self.0.is_taken(), goes_on);
        let mut is_taken = waited.unwrap_or_else(PoisonError::into_inner);
        if cancel.level().is_some() {
            return None;
        }
        *is_taken = true;
        drop(is_taken);
        Some(Taken(Arc::clone(&self.0)))
    }
}

/// Had until it is dropped.
#[derive(Debug)]
pub struct Taken(Arc<Inner>);

impl Drop for Taken {
    fn drop(&mut self) {
        *self.0.is_taken() = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::CancelLevel;

    #[test]
    fn one_has_it_after_the_other() {
        let turn = Turn::default();
        let count = Mutex::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _taken = turn.take(&CancelToken::new()).unwrap();
                    // Had by two, one would find it locked.
                    *count.try_lock().unwrap() += 1;
                });
            }
        });
        assert_eq!(count.into_inner().unwrap(), 4);
    }

    #[test]
    fn who_waits_is_asked_to_end_and_does() {
        let (turn, cancel) = (Turn::default(), CancelToken::new());
        let taken = turn.take(&CancelToken::new()).unwrap();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| turn.take(&cancel).is_none());
            cancel.raise(CancelLevel::Interrupt);
            assert!(waits.join().unwrap());
        });
        drop(taken);
        assert!(turn.take(&cancel).is_none(), "nothing is begun for who is to end");
        assert!(turn.take(&CancelToken::new()).is_some());
    }
}
