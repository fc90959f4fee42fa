//! Requests that somebody waits for the answer of, and the answers of attempts that they wait for.
//!
//! A request is answered after what comes of it was written: who hears that a run is paused finds that in its journal.

use std::mem;

use crossbeam_channel::Sender;

use super::Loop;
use crate::cancel::Heard;
use crate::clock::Timestamp;
use crate::engine::machine::{Input, Machine};
use crate::engine::request::{Answer, Asked, Request};
use crate::event::EventKind;
use crate::ids::{StageId, StageName};

/// Who waits for an answer.
#[derive(Default)]
pub(super) struct Waiting {
    pausers: Vec<Sender<Answer>>,
    resumers: Vec<Sender<Answer>>,
    signals: Vec<Signalling>,
}

/// A signal on its way.
struct Signalling {
    /// The stages that have not said yet how many got it.
    open: Vec<StageId>,
    processes: usize,
    answer: Sender<Answer>,
}

impl Loop<'_> {
    /// Takes in a request.
    pub(super) fn asked(&mut self, asked: Asked, machine: &mut Machine, now: Timestamp) {
        let Asked { request, answer } = asked;
        match request {
            Request::Pause if machine.is_still() => tell(&answer, Answer::Already),
            Request::Pause => {
                machine.handle(Input::Pause, now);
                if machine.is_held() {
                    self.waiting.pausers.push(answer);
                } else {
                    tell(&answer, Answer::Refused("it is being ended".into()));
                }
            }
            Request::Resume if machine.is_held() => {
                machine.handle(Input::Resume, now);
                self.waiting.resumers.push(answer);
            }
            Request::Resume => tell(&answer, Answer::Already),
            Request::Signal { stage, signal } => self.signal(stage, signal, answer, machine),
        }
    }

    /// Answers what can be answered by now.
    pub(super) fn answer(&mut self, machine: &Machine) {
        tell_all(&mut self.waiting.resumers, &Answer::Done);
        if machine.is_still() {
            tell_all(&mut self.waiting.pausers, &Answer::Done);
        } else if !machine.is_held() {
            let why = "it was told to go on, or to end, before all of it stood still";
            tell_all(&mut self.waiting.pausers, &Answer::Refused(why.into()));
        }
    }

    fn signal(&mut self, stage: Option<StageName>, signal: i32, answer: Sender<Answer>, machine: &Machine) {
        if signal == libc::SIGCONT && machine.is_held() {
            // It would undo what the run is said to be.
            let why = "it is paused, and `local-ci resume` has it go on";
            return tell(&answer, Answer::Refused(why.into()));
        }
        let is_meant = |id: &StageId| stage.as_ref().is_none_or(|name| self.plan.stages[*id].name == *name);
        let meant: Vec<StageId> = machine.running().filter(is_meant).collect();
        if meant.is_empty() {
            let why = stage.map_or_else(|| "nothing of it runs".into(), |name| format!("{name} is not running"));
            return tell(&answer, Answer::Refused(why));
        }
        self.waiting.signals.push(Signalling { open: meant.clone(), processes: 0, answer });
        for stage in meant {
            if let Some(token) = &self.tokens[stage] {
                token.signal(signal);
            }
            self.answer_for_unstarted(stage);
        }
    }

    /// An attempt has done what it was asked.
    pub(super) fn heard(&mut self, stage: StageId, attempt: u32, heard: Heard, machine: &mut Machine, now: Timestamp) {
        match heard {
            Heard::Still { hold, restless } => {
                if self.tokens[stage].as_ref().and_then(crate::cancel::CancelToken::held) != Some(hold) {
                    return;
                }
                if let Some(text) = restless {
                    self.emit(EventKind::Notice { stage: Some(stage), text });
                }
                machine.handle(Input::Still { stage, attempt }, now);
            }
            Heard::Signalled { processes } => self.count(stage, processes),
            Heard::Over => machine.handle(Input::Over { stage, attempt }, now),
            Heard::Begun => machine.handle(Input::Begun { stage, attempt }, now),
        }
    }

    /// An attempt has ended: it says nothing any more.
    pub(super) fn hushed(&mut self, stage: StageId) {
        while self.waiting.signals.iter().any(|signalling| signalling.open.contains(&stage)) {
            self.count(stage, 0);
        }
    }

    /// So many processes of a stage got the first signal that it had not answered yet.
    fn count(&mut self, stage: StageId, processes: usize) {
        let signals = &mut self.waiting.signals;
        let Some(at) = signals.iter().position(|signalling| signalling.open.contains(&stage)) else { return };
        signals[at].open.retain(|open| *open != stage);
        signals[at].processes += processes;
        if signals[at].open.is_empty() {
            let done = signals.remove(at);
            tell(&done.answer, Answer::Signalled(done.processes));
        }
    }

    /// An attempt that there is no thread for yet has started nothing.
    pub(super) fn answer_for_unstarted(&self, stage: StageId) {
        if let (true, Some(token)) = (self.unstarted.iter().any(|u| u.stage == stage), &self.tokens[stage]) {
            token.answer_for_nothing();
        }
    }
}

/// Answers somebody, who need not be there any more.
fn tell(to: &Sender<Answer>, answer: Answer) {
    let _ = to.send(answer);
}

fn tell_all(waiting: &mut Vec<Sender<Answer>>, answer: &Answer) {
    for to in mem::take(waiting) {
        tell(&to, answer.clone());
    }
}
