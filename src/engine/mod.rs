//! Runs a plan: [`scheduler`] says which stage is next, [`machine`] what follows from what happens, [`slots`] what nobody
//! uses meanwhile, all as values; [`runner`] is the loop that connects them with threads, clock and signals. Names no
//! journal, no display and no process: they come in through [`runner::Ports`].

pub mod machine;
pub mod observer;
pub mod request;
pub mod runner;
pub mod scheduler;
pub mod slots;
mod workers;
