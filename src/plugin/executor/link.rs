//! One attempt is asked to end, to stand still and to take signals; a guest and the command that it runs are who has to.
//!
//! ```text
//!  the attempt's token ──▶ guest: ends, stands still         ──┐ both stand still
//!                      └─▶ command: the same, and signals    ──┴──────────────────▶ the attempt does
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::cancel::{CancelLevel, CancelToken, Heard, Registration};

/// The tokens of one attempt.
pub(super) struct Link {
    both: Arc<Both>,
    _registration: Registration,
}

/// What the guest and its commands listen to, and who answers for them.
pub(super) struct Both {
    attempt: CancelToken,
    guest: CancelToken,
    command: CancelToken,
    state: Mutex<State>,
}

/// For which hold of the attempt each stands still.
#[derive(Default)]
struct State {
    guest: Option<u64>,
    command: Option<(u64, Option<String>)>,
    /// How many commands run.
    running: usize,
}

impl Link {
    pub(super) fn new(attempt: &CancelToken) -> Self {
        let attempt = attempt.clone();
        let both = Arc::new_cyclic(|both: &Weak<Both>| {
            let (of_guest, of_command) = (both.clone(), both.clone());
            let guest = CancelToken::answered(move |heard| {
                if let (Some(both), Heard::Still { .. }) = (of_guest.upgrade(), heard) {
                    both.guest_stands_still();
                }
            });
            let command = CancelToken::answered(move |heard| {
                if let Some(both) = of_command.upgrade() {
                    both.command_says(heard);
                }
            });
            Both { attempt: attempt.clone(), guest, command, state: Mutex::default() }
        });
        let listener = Arc::clone(&both);
        let registration = attempt.register(move || listener.pass_on());
        Self { both, _registration: registration }
    }

    /// What the guest listens to.
    pub(super) fn guest(&self) -> CancelToken {
        self.both.guest.clone()
    }

    /// What its commands listen to.
    pub(super) fn both(&self) -> Arc<Both> {
        Arc::clone(&self.both)
    }

    /// The guest has had the time to stand still by itself: it waits for something outside of it, and goes no further than
    /// to the end of that.
    pub(super) fn guest_waits(&self) {
        self.both.guest_stands_still();
    }

    /// Whether the attempt is to stand still and nobody has said that the guest does.
    pub(super) fn is_guest_awaited(&self) -> bool {
        let held = self.both.attempt.held();
        held.is_some() && self.both.state().guest != held
    }
}

impl Both {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its commands listen to.
    pub(super) fn command(&self) -> &CancelToken {
        &self.command
    }

    /// Hands on what is asked of the attempt.
    fn pass_on(&self) {
        if let Some(level) = self.attempt.level() {
            self.command.raise(level);
            // While a command ends, the guest waits for it: it hears of the end from whoever waits for that.
            let waits = self.state().running > 0 && level < CancelLevel::Kill;
            if !waits {
                self.guest.raise(level);
            }
        }
        let held = self.attempt.is_held();
        self.command.hold(held);
        self.guest.hold(held);
        self.pass_signals_on();
    }

    fn pass_signals_on(&self) {
        if !self.attempt.has_signals() {
            return;
        }
        let is_running = self.state().running > 0;
        for signal in self.attempt.take_signals() {
            if is_running {
                self.command.signal(signal);
            } else {
                self.attempt.say_signalled(0);
            }
        }
    }

    /// A command is about to start.
    pub(super) fn command_begins(&self) {
        let mut state = self.state();
        state.running += 1;
        state.command = None;
    }

    /// It is gone, with all that it started.
    pub(super) fn command_ended(&self) {
        let mut state = self.state();
        state.running = state.running.saturating_sub(1);
        drop(state);
        if let Some(level) = self.attempt.level() {
            self.guest.raise(level);
        }
        for _ in self.command.take_signals() {
            self.attempt.say_signalled(0);
        }
        self.answer();
    }

    fn guest_stands_still(&self) {
        self.state().guest = self.attempt.held();
        self.answer();
    }

    fn command_says(&self, heard: Heard) {
        match heard {
            Heard::Still { hold: _, restless } => {
                self.state().command = self.attempt.held().map(|hold| (hold, restless));
                self.answer();
            }
            Heard::Signalled { processes } => self.attempt.say_signalled(processes),
            // The attempt began before any of its commands.
            Heard::Begun | Heard::Over => {}
        }
    }

    /// Says that the attempt stands still, where both do.
    fn answer(&self) {
        let Some(hold) = self.attempt.held() else { return };
        let state = self.state();
        if state.guest != Some(hold) {
            return;
        }
        let restless = match &state.command {
            _ if state.running == 0 => None,
            Some((at, restless)) if *at == hold => restless.clone(),
            Some(_) | None => return,
        };
        drop(state);
        self.attempt.say_still(hold, restless);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> (CancelToken, crossbeam_channel::Receiver<Heard>) {
        let (tell, told) = crossbeam_channel::unbounded();
        (CancelToken::answered(move |heard| drop(tell.send(heard))), told)
    }

    #[test]
    fn an_attempt_stands_still_once_its_guest_and_its_command_do() {
        let (token, told) = attempt();
        let link = Link::new(&token);
        let both = link.both();
        both.command_begins();
        token.hold(true);
        assert!(link.is_guest_awaited());
        link.guest().answer_for_nothing();
        assert!(told.is_empty());
        both.command().say_still(1, Some("one does not".into()));
        assert_eq!(told.recv().unwrap(), Heard::Still { hold: 1, restless: Some("one does not".into()) });
        token.hold(false);
        assert!(!link.guest().is_held());
        both.command_ended();
        token.hold(true);
        assert!(told.is_empty());
        link.guest_waits();
        assert_eq!(told.recv().unwrap(), Heard::Still { hold: 3, restless: None });
        assert!(!link.is_guest_awaited());
    }

    /// A command that is asked to end has its grace, and the guest that waits for it does not end before it.
    #[test]
    fn a_guest_is_ended_after_its_command() {
        let (token, _told) = attempt();
        let link = Link::new(&token);
        let both = link.both();
        both.command_begins();
        token.raise(CancelLevel::Terminate);
        assert_eq!((both.command().level(), link.guest().level()), (Some(CancelLevel::Terminate), None));
        both.command_ended();
        assert_eq!(link.guest().level(), Some(CancelLevel::Terminate));
    }

    #[test]
    fn signals_go_to_the_command_and_reach_nobody_where_there_is_none() {
        let (token, told) = attempt();
        let link = Link::new(&token);
        token.signal(10);
        assert_eq!(told.recv().unwrap(), Heard::Signalled { processes: 0 });
        link.both().command_begins();
        token.signal(12);
        assert_eq!(link.both().command().take_signals(), [12]);
        link.both().command().say_signalled(3);
        assert_eq!(told.recv().unwrap(), Heard::Signalled { processes: 3 });
    }
}
