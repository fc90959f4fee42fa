//! A run on a terminal, as it goes on: what has happened stands above, for good; below it a region shows what runs.
//!
//! What the region shows is a pure function from the run, the time and the terminal's size to lines of text (`frame`);
//! what puts them on the terminal knows nothing of runs (`region`).

mod amounts;
mod fit;
mod frame;
mod region;
mod reporter;
mod row;

pub use amounts::percent;
pub use reporter::{Live, LiveOptions};

#[cfg(test)]
mod tests;
