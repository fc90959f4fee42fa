//! The last event is told to the run's observer before it is written, so that what goes wrong with that is heard of.

use std::time::Duration;

use crossbeam_channel::{after, select};

use super::{Loop, Message};
use crate::event::{Event, EventKind};

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl Loop<'_> {
    /// Tells the observer of the last event, and waits for it: until it was told, or too long, or somebody wants the run to
    /// end now.
    pub(super) fn tell_last(&mut self, kind: &EventKind) {
        let event = Event { seq: self.seq, at: self.ports.clock.now(), kind: kind.clone() };
        // What is said from here on is about the telling.
        let Some(observer) = self.ports.observer.take() else { return };
        let Some(told) = observer.last(&event) else { return };
        let (messages, late) = (self.ports.messages.1.clone(), after(PATIENCE));
        let is_told = loop {
            select! {
                recv(told) -> _ => break true,
                recv(late) -> _ => break false,
                recv(messages) -> message => match message {
                    // This side keeps a sender itself, so there is always somebody who could.
                    Ok(Message::Cancel { .. }) | Err(_) => break false,
                    Ok(message) => self.overhear(message),
                },
            }
        };
        // What was said until now.
        while let Ok(message) = messages.try_recv() {
            self.overhear(message);
        }
        if !is_told {
            for text in observer.abandon() {
                self.emit(EventKind::Notice { stage: None, text });
            }
        }
    }

    /// Takes in a message of which nothing follows any more but that it was said. Who asks something gets no answer: the run is
    /// over.
    fn overhear(&mut self, message: Message) {
        match message {
            Message::Remark { stage, text } => {
                let stage = stage.and_then(|name| self.plan.find(name.as_str()));
                self.emit(EventKind::Notice { stage, text });
            }
            Message::Aside { text } => self.note(text),
            Message::News { remote, news } => self.emit(EventKind::Remote { remote, news }),
            Message::Ended { .. }
            | Message::Cancel { .. }
            | Message::Asked(_)
            | Message::Annotated { .. }
            | Message::Heard { .. } => {}
        }
    }
}
