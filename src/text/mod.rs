//! Bytes and texts that others wrote, made safe to show: a streaming filter for what stages print, secrets masked, the markers and
//! the escaping of CI services, and one-line texts with foreign content.
//!
//! Knows nothing of runs, stages or reporters. Whatever leaves this module can neither steer a terminal nor be taken
//! for a command by what reads our transcript.

pub mod azure;
pub mod gitlab;
mod markers;
pub mod mask;
pub mod plain;
mod sgr;
pub mod teamcity;
pub mod terminal;
pub mod workflow;
