//! The fold of events into the state of a run: every face uses it, so all agree.

/// What is known of a run from its events so far.
#[derive(Debug)]
pub struct RunView;
