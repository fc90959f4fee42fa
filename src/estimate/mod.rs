//! How long a stage will take, from how long it took: a point, a band around it, and what is left once it runs. And what
//! can be said of many past runs: how good the foretelling was, where durations are heading, and whether a stage flakes.
//!
//! Everything here is arithmetic on slices: it knows nothing of where past runs are kept, of plans or of faces.

mod bound;
mod flakes;
mod numbers;
mod point;
mod running;
mod statistics;
mod stuck;
mod typical;

pub use bound::{Bound, Limit, Span, Task, bound};
pub use flakes::{Flaky, PastOutcome, flakiness};
pub use point::{OWN_BAND, POOLED, SAMPLES, error, estimate};
pub use statistics::{Accuracy, Trend, accuracy, median, trend};
pub use typical::typical;
