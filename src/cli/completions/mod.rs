//! `completions`: what a shell needs to complete, and the answers it gets while somebody types.
//!
//! The script that is printed calls the program back with the words so far ([`callback`]). Nothing of that runs or
//! writes anything or says more than the answer: whatever is wrong, there are fewer candidates.

mod callback;
mod candidates;
mod command;
mod known;
mod line;
mod shell;
#[cfg(test)]
mod tests;

pub(super) use callback::callback;
pub(super) use command::completions;
