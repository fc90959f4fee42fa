//! Somebody besides the sink who is told of a run's events, at a pace of its own: the run waits for it at its end alone, and
//! then not for long.

use crossbeam_channel::Receiver;

use crate::event::Event;

/// Who is told.
pub trait Observer {
    /// Something happened, and was written. Never waits.
    fn event(&mut self, event: &Event);

    /// This is the last event, which is about to be written; what is said of the telling is written before it, so its number
    /// may grow. None where nobody is to be told; else what is closed once everybody was.
    fn last(&mut self, event: &Event) -> Option<Receiver<()>>;

    /// Nobody waits any more: has those end that were not done with what they were told. What is to be said of them, in
    /// sentences.
    fn abandon(&mut self) -> Vec<String>;
}
