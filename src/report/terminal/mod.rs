//! The terminal that live mode draws on: what it can do, how it is written to, and how it is left as it was found.
//! Nothing here knows of runs.

mod canvas;
mod features;
mod restore;

pub use canvas::{Canvas, Size, Stderr};
pub use features::{Features, Host};
pub(super) use features::{Mark, linked};
pub(super) use restore::{ERASE, Standing, standing};
pub use restore::{Suspended, restore, say, suspend};
