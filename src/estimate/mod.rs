//! How long a stage will take, from how long it took: a point, a band around it, and what is left once it runs. And what
//! can be said of many past runs: how good the foretelling was, where durations are heading, and whether a stage flakes.
//!
//! Everything here is arithmetic on slices: it knows nothing of where past runs are kept, of plans or of faces.

mod flakes;
mod numbers;
mod point;
mod statistics;

pub use flakes::{Flaky, PastOutcome, flakiness};
pub use point::{SAMPLES, estimate};
pub use statistics::{Accuracy, Trend, accuracy, median, trend};
