//! From files to a valid [`Pipeline`](crate::pipeline::Pipeline), with every fault of the files in one pass.
//!
//! ```text
//! find ─▶ file ─▶ syntax ─▶ shape ─▶ layer ─▶ check ─▶ Pipeline
//! where   bytes   tables    types    one over  across
//!                           (schema) the other keys
//! ```
//!
//! Where nothing is found, `detect` writes the text that goes this way, from what the project's own files say.
//!
//! Each step goes on after a fault; what it cannot use it takes out, so that the next sees only sound values. Reads
//! files, writes none, and knows nothing of running. What it says about a file has nothing in it that a terminal
//! would act on.

mod builtin;
mod check;
mod code;
mod detect;
mod dotenv;
mod draw;
mod error;
mod example;
mod fault;
mod file;
mod find;
mod glob;
mod layer;
mod load;
mod nearest;
mod published;
mod render;
mod schema;
mod shape;
mod supplier;
mod syntax;
#[cfg(test)]
mod tests;
mod user;
mod value;
mod visible;
mod wording;

pub use builtin::{LoadRequest, Survey, survey};
pub use code::Code;
pub use detect::{Detected, EXAMPLE, uninstalled};
pub use error::{ConfigError, Faults, NotFound, Stop};
pub use example::Example;
pub use fault::{Fault, FaultReport, SourceFile};
pub use find::root_of;
pub use glob::{name_matcher, path_matcher};
pub use load::{Loaded, load, parse};
pub use published::{document_schema, user_schema};
pub use supplier::{Aspect, Misfit, NoSupplier, Supplier, Unsupplied};
pub use user::{Retention, UserConfig, load_user, user_path};
pub use value::parse_duration;
pub use visible::{visible, visible_line};
