//! Where requests are answered: each is passed on to whom it is for, and what that one says goes back.

use crossbeam_channel::{Sender, bounded};

use super::{Reply, Request};
use crate::engine::request::{self, Answer, Asked};
use crate::engine::runner::Message;
use crate::executor::local::{Attached, Console};

/// Passes requests on. Threads that talk to somebody share it.
#[derive(Debug)]
pub(in crate::session) struct Desk {
    messages: Sender<Message>,
    console: Console,
}

impl Desk {
    /// A desk in front of this loop.
    pub(in crate::session) fn new(messages: Sender<Message>) -> Self {
        Self { messages, console: Console::default() }
    }

    /// The same, where terminals that are announced are for interactive stages on this console.
    #[must_use]
    pub(in crate::session) fn with_console(self, console: Console) -> Self {
        Self { console, ..self }
    }

    /// Answers one request, waiting until there is something to answer. `terminal` is that of whoever asks.
    pub(super) fn answer(&self, request: Request, terminal: &mut Option<Attached>) -> Reply {
        let request = match request {
            Request::Terminal(size) => {
                match terminal {
                    Some(terminal) => terminal.resize(size),
                    None => *terminal = Some(self.console.attach(size)),
                }
                return Reply::Done;
            }
            Request::Keys { typed } => {
                let Some(terminal) = terminal else {
                    return Reply::Refused { why: "keys come from a terminal, and none was announced".into() };
                };
                terminal.keys(&typed);
                return Reply::Done;
            }
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
