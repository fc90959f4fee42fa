//! How many attempts run at a time, as far as our descriptors go.
//!
//! An attempt that gets no descriptor half-way loses output or cannot be ended, so it is not begun before there are
//! enough for all of it. The limit is not raised: stages inherit it, and some programs walk through every descriptor
//! that they could have.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, getrlimit};

use crate::cancel::CancelToken;

/// Descriptors of this process besides its attempts': the journal, the line to the starter, signals, looks at `/proc`,
/// the jobserver's, the socket and who asks something over it.
const OURS: u64 = 19;
/// Descriptors of one attempt: its output, the other ends of that and of the jobserver while it is started, its waker,
/// its log and index.
const EACH: u64 = 9;

/// The attempts that may still be begun.
#[derive(Debug)]
pub(super) struct Room {
    free: Mutex<u64>,
    changed: Condvar,
}

/// An attempt's place, free again when it is dropped.
pub(super) struct Place(Arc<Room>);

impl Room {
    /// Room for as many as this process's limit allows; always for one.
    pub(super) fn by_limit() -> Arc<Self> {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self::of(limit.saturating_sub(OURS) / EACH)
    }

    fn of(places: u64) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(places.max(1)), changed: Condvar::new() })
    }

    fn free(&self) -> MutexGuard<'_, u64> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place; none where the attempt is cancelled first.
    pub(super) fn enter(self: &Arc<Self>, cancel: &CancelToken) -> Option<Place> {
        let room = Arc::clone(self);
        let _registration = cancel.register(move || {
            // Held, so that nobody is between looking at the token and going to sleep.
            let _free = room.free();
            room.changed.notify_all();
        });
        let wait = |free: &mut u64| {
            cancel.answer_for_nothing();
            *free == 0 && cancel.level().is_none()
        };
        let mut free = self.changed.wait_while(self.free(), wait).unwrap_or_else(PoisonError::into_inner);
        if *free == 0 || cancel.level().is_some() {
            return None;
        }
        *free -= 1;
        Some(Place(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::CancelLevel;

    #[test]
    fn a_place_is_waited_for_until_it_is_free_or_not_wanted() {
        let room = Room::of(0);
        let token = CancelToken::new();
        let place = room.enter(&token).unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| room.enter(&CancelToken::new()).is_some());
            let cancelled = scope.spawn(|| room.enter(&token).is_none());
            token.raise(CancelLevel::Terminate);
            assert!(cancelled.join().unwrap());
            drop(place);
            assert!(other.join().unwrap());
        });
    }
}
