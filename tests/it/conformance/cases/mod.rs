//! The cases: each asks a place for stages, and knows nothing of what the place is made of.

mod ending;
mod ends;
mod link;
mod machine;
mod neighbours;
mod odd;
mod output;
mod pipes;

pub(crate) use ending::*;
pub(crate) use ends::*;
pub(crate) use link::*;
pub(crate) use machine::*;
pub(crate) use neighbours::*;
pub(crate) use odd::*;
pub(crate) use output::*;
pub(crate) use pipes::*;
