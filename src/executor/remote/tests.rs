//! The executor over a shell of this machine, which stands for another one.

mod cleanup;
mod cuts;
mod ending;
mod ends;
mod harness;
mod hold;
mod hostile;
mod left;
mod limits;
mod output;
mod windows;
