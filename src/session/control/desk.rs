//! Where requests are answered: each is passed on to whom it is for, and what that one says goes back.

use crossbeam_channel::{Sender, bounded};

use super::{Reply, Request};
use crate::engine::request::{self, Answer, Asked};
use crate::engine::runner::Message;

/// Passes requests on. Threads that talk to somebody share it.
#[derive(Debug)]
pub(in crate::session) struct Desk {
    messages: Sender<Message>,
}

impl Desk {
    /// A desk in front of this loop.
    pub(in crate::session) fn new(messages: Sender<Message>) -> Self {
        Self { messages }
    }

    /// Answers one request, waiting until there is something to answer.
    pub(super) fn answer(&self, request: Request) -> Reply {
        let request = match request {
            Request::Pause => request::Request::Pause,
            Request::Resume => request::Request::Resume,
            Request::Signal { stage, signal } => request::Request::Signal { stage, signal },
        };
        let (answer, answered) = bounded(1);
        // The loop is gone only when the run is over, and then so is its end of the answer.
        let _ = self.messages.send(Message::Asked(Asked { request, answer }));
        match answered.recv() {
            Ok(Answer::Done) => Reply::Done,
            Ok(Answer::Already) => Reply::Already,
            Ok(Answer::Signalled(processes)) => Reply::Signalled { processes },
            Ok(Answer::Refused(why)) => Reply::Refused { why },
            Err(_) => Reply::Refused { why: "the run has ended".into() },
        }
    }
}
