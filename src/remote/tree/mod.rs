//! The work tree on another machine: bringing it there, having it for a run, and exchanging what stages make.
//!
//! ```text
//!  Order, Hands ──▶ Tree::send ─┬─ git:    snapshot here ─ pack ─▶ repo.git ─▶ work/      three round trips
//!                               ├─ rsync:  list here ─ rsync --checksum ─▶ work/          where there is no repository
//!                               └─ none:   the directory as it is
//!                    Tree::put, Tree::fetch: files that globs match, those whose content differs
//!                    Tree::release: another run may have it
//! ```
//!
//! Nothing here goes by the time of a file on another machine. Nothing is deleted there but in a directory that we have
//! made, and of what git does not ignore. Nothing of the repository here is changed.

mod carry;
mod git;
mod listing;
mod names;
mod none;
mod notices;
mod order;
mod outputs;
mod place;
mod preview;
mod program;
mod repository;
mod rsync;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;
mod there;
mod words;
mod work_tree;

pub use order::{Hands, Order, Sent};
pub use outputs::Moved;
pub use preview::{Preview, preview};
pub use repository::git as quiet_git;
pub use there::There;
pub use work_tree::Tree;
