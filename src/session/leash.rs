//! The supervisor's end of the line to its starter, and the signals that it gets itself: what of both is a request to end.
//!
//! The end of the line is the leash: the starter is gone, and whether the run goes on without it was decided when it was
//! started. What can be asked besides ending comes over [`super::control`].

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvFlags, recv};

use super::assignment::OnHangup;
use super::wire::Control;
use crate::cancel::CancelLevel;
use crate::engine::runner::Message;
use crate::executor::local::Attached;
use crate::outcome::CancelReason;
use crate::process::signals::{self, Signals};

/// Turns what comes over the line, and signals, into messages for the loop.
pub(super) struct Leash {
    pub(super) socket: OwnedFd,
    pub(super) signals: Signals,
    pub(super) on_hangup: OnHangup,
    pub(super) messages: Sender<Message>,
    /// Whether the starter is there.
    pub(super) attached: Arc<AtomicBool>,
    /// Its terminal, if stages may have it.
    pub(super) terminal: Option<Attached>,
}

impl Leash {
    /// Listens for as long as the process lives.
    pub(super) fn listen(mut self) {
        let mut attached = true;
        // The reason stays the one it was first cancelled for.
        let mut reason = CancelReason::Interrupt;
        loop {
            let signals = PollFd::new(&self.signals, PollFlags::IN);
            let socket = PollFd::new(&self.socket, PollFlags::IN);
            let heard = if attached { poll(&mut [signals, socket], None) } else { poll(&mut [signals], None) };
            if heard.is_err_and(|error| error != rustix::io::Errno::INTR) {
                return;
            }
            while let Some(signal) = self.signals.next() {
                let (why, level) = match signal {
                    signals::STOP_REQUEST => (CancelReason::Stopped, CancelLevel::Terminate),
                    signals::KILL_REQUEST => (CancelReason::Stopped, CancelLevel::Kill),
                    signals::INTERRUPT => (CancelReason::Interrupt, CancelLevel::Interrupt),
                    // The supervisor leads a session without a terminal: a hangup is somebody's kill(1).
                    _ => (CancelReason::Terminate, CancelLevel::Terminate),
                };
                self.cancel(why, level);
            }
            if attached {
                let mut letters = [0; 64];
                match recv(self.socket.as_fd(), &mut letters[..], RecvFlags::DONTWAIT) {
                    Ok((0, _)) => attached = self.hung_up(),
                    Ok((n, _)) => {
                        for control in letters[..n].iter().filter_map(|letter| Control::of(*letter)) {
                            reason = match control {
                                Control::Interrupt => CancelReason::Interrupt,
                                Control::Terminate => CancelReason::Terminate,
                                Control::Kill => reason,
                            };
                            self.cancel(reason, control.level());
                        }
                    }
                    Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                    Err(_) => attached = self.hung_up(),
                }
            }
        }
    }

    /// The starter is gone. Says that nobody is attached any more.
    fn hung_up(&mut self) -> bool {
        self.terminal = None;
        self.attached.store(false, Ordering::Release);
        match self.on_hangup {
            OnHangup::Continue => {}
            OnHangup::Cancel => self.cancel(CancelReason::Hangup, CancelLevel::Terminate),
        }
        false
    }

    fn cancel(&self, reason: CancelReason, level: CancelLevel) {
        // The loop is gone only when the run is over.
        let _ = self.messages.send(Message::Cancel { reason, level });
    }
}
