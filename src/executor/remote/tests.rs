//! The executor over a shell of this machine, which stands for another one.

mod cuts;
mod ends;
mod harness;
mod hostile;
mod output;
