//! Leaving the terminal as it was found, on every way out.
//!
//! The ways out are the end of the run, an error, a panic, a third Ctrl+C, SIGTERM. The last three come from places
//! that know no reporter, the signal from another thread even; so what stands on the terminal is noted for the whole
//! process, and [`restore`] takes it away. The cursor always stands where the region begins (see `live::region`), so
//! that taking the region away takes nothing but to erase from the cursor on.
//!
//! Writes to a terminal do not mix with one another, so a sentence from the thread that takes signals comes before a
//! frame or after it. After it, the frame is gone, and is drawn anew below the sentence.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use rustix::event::{Timespec, poll};

use super::canvas::{is_writable, write_some};
use super::features::Mark;
use super::keyboard::{Keyboard, Keying};
use crate::process::is_foreground;

/// What stands on a terminal and has to be taken away again.
#[derive(Debug, Default)]
pub(in crate::report) struct Standing {
    /// Lines below the cursor.
    region: AtomicBool,
    /// A mark of progress: its per cent and one more, or zero where there is none.
    mark: AtomicU16,
    /// Somebody has changed what stands, other than by taking it away.
    disturbed: AtomicBool,
    /// Held by who draws, and by who must not be drawn over.
    drawing: Mutex<()>,
}

/// What erases the region: the cursor stands where it begins. First its line, then, from the second column on, the rest:
/// to erase from the screen's first cell on is to clear the screen, and tmux keeps in its history what was cleared.
pub(in crate::report) const ERASE: &[u8] = b"\r\x1b[K\x1b[C\x1b[J\r";

static STANDING: Standing = Standing::new();
static KEYBOARD: Keyboard = Keyboard::new();

/// What stands on this process's terminal.
pub(in crate::report) fn standing() -> &'static Standing {
    &STANDING
}

impl Standing {
    /// Nothing.
    pub(in crate::report) const fn new() -> Self {
        Self {
            region: AtomicBool::new(false),
            mark: AtomicU16::new(0),
            disturbed: AtomicBool::new(false),
            drawing: Mutex::new(()),
        }
    }

    /// Notes whether lines stand below the cursor. To be said before they are drawn, and again after it.
    pub(in crate::report) fn set_region(&self, stands: bool) {
        self.region.store(stands, Ordering::SeqCst);
    }

    /// Whether the lines that were drawn last still stand.
    pub(in crate::report) fn has_region(&self) -> bool {
        self.region.load(Ordering::SeqCst)
    }

    /// Notes the mark of progress.
    pub(in crate::report) fn set_mark(&self, mark: Mark) {
        self.mark.store(mark.percent().map_or(0, |percent| u16::from(percent) + 1), Ordering::SeqCst);
    }

    /// Whether what stands is not what was drawn last. Asked once.
    pub(in crate::report) fn take_disturbed(&self) -> bool {
        self.disturbed.swap(false, Ordering::SeqCst)
    }

    /// To be held while something is drawn. Who has suspended the terminal is waited for.
    pub(in crate::report) fn drawing(&self) -> MutexGuard<'_, ()> {
        self.drawing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The same for somebody who cannot wait for long: who draws may wait for the terminal, and that for a key.
    fn drawing_soon(&self) -> Option<MutexGuard<'_, ()>> {
        for _ in 0..100 {
            match self.drawing.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {
                    let _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 2_000_000 }));
                }
            }
        }
        None
    }

    /// Takes away what stands. Each step is by itself: what fails is left for the next time.
    fn restore(&self, mark: impl FnMut(&[u8]) -> io::Result<()>, lines: impl FnMut(&[u8]) -> io::Result<()>) {
        self.leave_mark(|_| Mark::None, mark);
        self.erase(lines);
    }

    /// Leaves this mark in place of one that stands.
    fn leave_mark(&self, leave: impl FnOnce(u8) -> Mark, mut write: impl FnMut(&[u8]) -> io::Result<()>) {
        if let Some(percent) = self.mark.load(Ordering::SeqCst).checked_sub(1) {
            let mark = leave(u8::try_from(percent).unwrap_or(100));
            if write(mark.sequence().as_bytes()).is_ok() {
                self.set_mark(mark);
                self.disturbed.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Takes away the lines below the cursor.
    fn erase(&self, mut write: impl FnMut(&[u8]) -> io::Result<()>) {
        if self.region.load(Ordering::SeqCst) && write(ERASE).is_ok() {
            self.region.store(false, Ordering::SeqCst);
        }
    }

    /// The bytes of a sentence, after which no region stands. On a terminal that a stage has, lines end in two characters.
    fn sentence(&self, text: &str, is_raw: bool) -> Vec<u8> {
        let mut bytes = if self.region.swap(false, Ordering::SeqCst) { ERASE.to_vec() } else { Vec::new() };
        if is_raw {
            bytes.extend_from_slice(format!("\r\n{}\r\n", text.replace('\n', "\r\n")).as_bytes());
        } else {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(b'\n');
        }
        bytes
    }
}

/// Leaves the terminal as it was found, as far as that is possible at once. May be called at any time, from any thread,
/// more than once. Keys are not taken any more.
pub fn restore() {
    KEYBOARD.close();
    STANDING.restore(write_if_free, write_if_ours);
}

/// A terminal that is somebody else's until this is dropped: nothing is drawn on it, and no keys are taken.
#[derive(Debug)]
#[must_use]
pub struct Suspended {
    _drawing: Option<MutexGuard<'static, ()>>,
}

impl Drop for Suspended {
    fn drop(&mut self) {
        KEYBOARD.reopen();
    }
}

impl Suspended {
    /// Leaves the mark of a run that is paused in place of that of one that goes on, or none.
    pub fn leave_mark(&self, is_paused: bool) {
        STANDING.leave_mark(|percent| if is_paused { Mark::Paused(percent) } else { Mark::None }, write_if_free);
    }
}

/// Leaves the terminal to others for a while, as it was found but for the mark: see [`Suspended::leave_mark`].
pub fn suspend() -> Suspended {
    let drawing = STANDING.drawing_soon();
    KEYBOARD.close();
    STANDING.erase(write_if_ours);
    Suspended { _drawing: drawing }
}

fn write_if_free(bytes: &[u8]) -> io::Result<()> {
    if is_writable() { write_all(bytes) } else { Err(io::ErrorKind::WouldBlock.into()) }
}

/// The same where the cursor stands as we left it: in the background a shell has written its prompt there.
fn write_if_ours(bytes: &[u8]) -> io::Result<()> {
    if is_foreground(rustix::stdio::stderr()) { write_if_free(bytes) } else { Err(io::ErrorKind::WouldBlock.into()) }
}

/// Takes the keys of this terminal, which are given back on every way out. Says whether that is so now; it is not in the
/// background.
pub fn take_keys(tty: &Arc<File>, keying: Keying) -> io::Result<bool> {
    KEYBOARD.take(tty, keying)
}

/// How keys are taken now, if they are.
pub fn keying() -> Option<Keying> {
    KEYBOARD.keying()
}

/// Gives the keys back, as they were found.
pub fn give_keys_back() {
    KEYBOARD.give_back();
}

/// Writes what a stage printed, as it is, to the terminal that it has. Says how much of it; nothing where it does not have
/// it just now.
pub fn write_for_stage(bytes: &[u8]) -> io::Result<usize> {
    KEYBOARD.write_for_stage(bytes)
}

/// Writes a line to standard error, in place of a region that stands there.
pub fn say(text: &str) -> io::Result<()> {
    write_all(&STANDING.sentence(text, keying() == Some(Keying::Raw)))
}

/// One write, where the terminal takes it whole.
fn write_all(bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match write_some(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes away what stands, where the step of this number fails; what was written.
    fn restored(standing: &Standing, failing: Option<usize>) -> Vec<u8> {
        let done = std::cell::RefCell::new((Vec::new(), 0));
        let write = |bytes: &[u8]| {
            let (written, step) = &mut *done.borrow_mut();
            *step += 1;
            if failing == Some(*step) {
                return Err(io::ErrorKind::Other.into());
            }
            written.extend_from_slice(bytes);
            Ok(())
        };
        standing.restore(write, write);
        done.into_inner().0
    }

    /// H19: a step that fails keeps no other from being done, and is tried again.
    #[test]
    fn h19_every_step_is_by_itself_and_done_once() {
        let both = || {
            let standing = Standing::new();
            standing.set_region(true);
            standing.set_mark(Mark::Percent(40));
            standing
        };
        let (mark, region) = (&b"\x1b]9;4;0;0\x1b\\"[..], ERASE);
        for (failing, first, second) in [
            (None, [mark, region].concat(), vec![]),
            (Some(1), region.to_vec(), mark.to_vec()),
            (Some(2), mark.to_vec(), region.to_vec()),
        ] {
            let standing = both();
            assert_eq!(restored(&standing, failing), first, "{failing:?}");
            assert_eq!(restored(&standing, None), second, "{failing:?}");
            assert_eq!(restored(&standing, None), b"", "{failing:?}");
        }
        assert_eq!(restored(&Standing::new(), None), b"", "what never stood is not taken away");
    }

    /// H11: who leaves the terminal for a while leaves the mark of a run that is paused, and draws it anew afterwards.
    #[test]
    fn h11_the_mark_of_a_paused_run_stays() {
        let standing = Standing::new();
        standing.set_mark(Mark::Failing(40));
        let mut written = Vec::new();
        standing.leave_mark(Mark::Paused, |bytes| {
            written.extend_from_slice(bytes);
            Ok(())
        });
        assert_eq!(written, b"\x1b]9;4;4;40\x1b\\");
        assert!(standing.take_disturbed() && !standing.take_disturbed());
        assert_eq!(restored(&standing, None), b"\x1b]9;4;0;0\x1b\\", "on the way out it is taken away");
    }

    #[test]
    fn a_sentence_takes_the_place_of_the_region() {
        let standing = Standing::new();
        assert_eq!(standing.sentence("one", false), b"one\n");
        standing.set_region(true);
        assert_eq!(standing.sentence("two", false), [ERASE, b"two\n"].concat());
        assert!(!standing.has_region());
        assert_eq!(standing.sentence("three", false), b"three\n");
        assert_eq!(standing.sentence("a\nb", true), b"\r\na\r\nb\r\n", "beside what a stage has drawn");
    }
}
