//! Bytes and texts that others wrote, made safe to show: a streaming filter for what stages print, secrets masked, the escaping of
//! GitHub's workflow commands, and one-line texts with foreign content.
//!
//! Knows nothing of runs, stages or reporters. Whatever leaves this module can neither steer a terminal nor be taken
//! for a command by what reads our transcript.

mod markers;
pub mod mask;
pub mod plain;
mod sgr;
pub mod terminal;
pub mod workflow;
