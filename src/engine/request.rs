//! What is asked of a run by somebody who waits for the answer.

use crossbeam_channel::Sender;

use crate::ids::StageName;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// To stand still.
    Pause,
    /// To go on.
    Resume,
    /// To send a signal to everything that a stage has started.
    Signal {
        /// Which; all that run where none is named.
        stage: Option<StageName>,
        /// The signal's number.
        signal: i32,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// It was so before.
    Already,
    /// The signal was sent to so many processes.
    Signalled(usize),
    /// It is not done, and this is why: the end of a sentence.
    Refused(String),
}

/// A request and where its answer goes. A run that ends without having answered drops it.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// Who waits. Nobody need be there any more.
    pub answer: Sender<Answer>,
}
