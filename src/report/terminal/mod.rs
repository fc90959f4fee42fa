//! The terminal that live mode draws on: what it can do, how it is written to, and how it is left as it was found.
//! Nothing here knows of runs.

mod canvas;
mod features;
mod keyboard;
mod restore;
mod stage_screen;

pub use canvas::{Canvas, Size, Stderr};
pub use features::{Features, Host};
pub(super) use features::{Mark, linked};
pub use keyboard::Keying;
pub(super) use restore::{ERASE, Standing, standing};
pub use restore::{Suspended, give_keys_back, keying, restore, say, suspend, take_keys, write_for_stage};
