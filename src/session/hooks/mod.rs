//! Git hooks: where a repository has them, setting ours beside what is there, and what a hook's stages run on.
//!
//! ```text
//!  git push ─▶ .git/hooks/pre-push (ours) ─┬─ refs ─▶ pre-push.before-local-ci (what was there)
//!                                          └─ refs ─▶ local-ci hook run pre-push
//!                                                       │ push:     which commits, which trees
//!                                                       │ verdicts: was this tree green before?
//!                                                       ▼ tree:     a work tree of our own, at that commit
//!                                                     a run like any other, of the same project
//! ```
//!
//! Nothing here prints, and nothing of the user's repository is changed but files in its directory of hooks.

pub mod git;
pub mod install;
pub mod place;
pub mod push;
pub mod repository;
mod script;
pub mod tree;
pub mod verdicts;
