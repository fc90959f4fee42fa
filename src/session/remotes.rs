//! The other machines of a run: in the command line, before there is one, and in its supervisor.

pub mod connect;
