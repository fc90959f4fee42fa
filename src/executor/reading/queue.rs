//! What waits to be read.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::event::Stream;

/// How much waits to be read, in bytes.
const QUEUE_MAX: usize = 64 * 1024 * 1024;
/// So much is worth waking the reader for before its time.
const PLENTY: usize = 256 * 1024;
/// How long a little waits for more: to read it alone would cost more than it is worth.
const GATHER: Duration = Duration::from_millis(5);

/// What was printed and is not read yet.
#[derive(Default)]
pub(super) struct Unread {
    pub(super) bytes: Vec<u8>,
    /// Of which stream they came, in order, and how many.
    pub(super) pieces: Vec<(Stream, usize)>,
    /// Bytes that there was no room for.
    pub(super) left_out: u64,
    /// Whether the attempt has ended, and how.
    pub(super) end: Option<End>,
    /// Nobody reads any more.
    is_closed: bool,
}

/// How an attempt ended; without a code where a signal ended it.
#[derive(Clone, Copy)]
pub(super) struct End(pub(super) Option<i32>);

/// What the attempt writes and the reader reads.
#[derive(Default)]
pub(super) struct Queue {
    unread: Mutex<Unread>,
    changed: Condvar,
}

impl Queue {
    fn unread(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, stream: Stream, bytes: &[u8]) {
        let mut unread = self.unread();
        if unread.is_closed {
            return;
        }
        let before = unread.bytes.len();
        if before + bytes.len() > QUEUE_MAX {
            unread.left_out += bytes.len() as u64;
            return;
        }
        unread.bytes.extend_from_slice(bytes);
        match unread.pieces.last_mut() {
            Some((last, length)) if *last == stream => *length += bytes.len(),
            Some(_) | None => unread.pieces.push((stream, bytes.len())),
        }
        let has_plenty = before < PLENTY && unread.bytes.len() >= PLENTY;
        drop(unread);
        if before == 0 || has_plenty {
            self.changed.notify_all();
        }
    }

    pub(super) fn end(&self, exit: Option<i32>) {
        self.unread().end = Some(End(exit));
        self.changed.notify_all();
    }

    /// Waits for something to read, or the end, and takes all of it into `into`, whose memory is used again.
    pub(super) fn take(&self, into: &mut Unread) {
        into.bytes.clear();
        into.pieces.clear();
        let nothing = |unread: &mut Unread| unread.bytes.is_empty() && unread.end.is_none();
        let unread = self.changed.wait_while(self.unread(), nothing).unwrap_or_else(PoisonError::into_inner);
        let little = |unread: &mut Unread| unread.bytes.len() < PLENTY && unread.end.is_none();
        let waited = self.changed.wait_timeout_while(unread, GATHER, little);
        let (mut unread, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut unread.bytes, &mut into.bytes);
        std::mem::swap(&mut unread.pieces, &mut into.pieces);
        into.end = unread.end;
        into.left_out = unread.left_out;
    }

    pub(super) fn close(&self) {
        let mut unread = self.unread();
        *unread = Unread { is_closed: true, ..Unread::default() };
    }
}
