//! What plugins of local-ci are written on, in Rust.
//!
//! A plugin is one WebAssembly component. It says what it offers ([`Plugin::info`]), and has one or more roles: it brings stage
//! kinds ([`StagePlugin`]), reads what stages print ([`ParserPlugin`]), makes stages ([`ExpanderPlugin`]) or is told of events
//! ([`ReporterPlugin`]). What it reaches of the outside stands in [`files`], [`env::get`], [`commands`], [`http`] and [`clock`], and
//! each of them answers what the pipeline grants. [`output`] and [`settings`] are always there.
//!
//! `local-ci plugin new` writes a crate that builds. This is one:
//!
//! ```
//! use local_ci_plugin::{Annotation, Context, Example, Info, Kind, Need, Outcome, Plugin, Problem, Span, StagePlugin};
//! use local_ci_plugin::{files, output};
//! use serde_json::json;
//!
//! struct Words;
//!
//! #[derive(serde::Deserialize)]
//! #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
//! struct Params {
//!     word: String,
//! }
//!
//! impl Default for Params {
//!     fn default() -> Self {
//!         Self { word: "TODO".to_owned() }
//!     }
//! }
//!
//! impl Plugin for Words {
//!     fn info() -> Info {
//!         Info::new("words", "0.1.0", "Finds a word that should not be there")
//!             .stage(Kind::new("words", "Fails where a text file has the word").params(json!({
//!                 "type": "object",
//!                 "properties": { "word": { "type": "string", "description": "The word; TODO without it." } },
//!                 "additionalProperties": false,
//!             })))
//!             .need(Need::files_read("**/*.txt", "to look for the word"))
//!             .example(
//!                 Example::stage("finds the word", "words")
//!                     .file("a.txt", "one\nTODO two\n")
//!                     .fails()
//!                     .says("1 line has TODO")
//!                     .finds(json!({ "path": "a.txt", "line": 2, "code": "word" })),
//!             )
//!     }
//! }
//!
//! impl StagePlugin for Words {
//!     fn run(_kind: &str, context: &Context) -> Result<Outcome, Problem> {
//!         let params: Params = context.params()?;
//!         let mut found = 0;
//!         for file in files::glob("**/*.txt", 10_000)? {
//!             let text = files::read_text(&file.path, 1024 * 1024)?;
//!             for (number, line) in (1u32..).zip(text.lines()) {
//!                 if line.contains(&params.word) {
//!                     found += 1;
//!                     let what = format!("this line has {}", params.word);
//!                     let at = Span::line(&file.path, number);
//!                     output::annotate(&[Annotation::error(what).code("word").at(at)]);
//!                 }
//!             }
//!         }
//!         Ok(match found {
//!             0 => Outcome::passed("nothing found"),
//!             1 => Outcome::failed(format!("1 line has {}", params.word)),
//!             n => Outcome::failed(format!("{n} lines have {}", params.word)),
//!         })
//!     }
//! }
//!
//! local_ci_plugin::export!(Words: stage);
//!
//! // What stands in `#[cfg(test)] mod tests`: natively, with plain `cargo test`.
//! use local_ci_plugin::mock::{self, Host};
//!
//! mock::stage_examples::<Words>();
//!
//! let mut host = Host::new().file("a.txt", "nothing").file("b.txt", "x");
//! let outcome = host.stage::<Words>("words", json!({ "word": "x" })).unwrap();
//! assert_eq!(outcome, Outcome::failed("1 line has x"));
//! assert_eq!(host.annotations()[0].at, Some(Span::line("b.txt", 1)));
//! ```
//!
//! The crate's manifest says `crate-type = ["cdylib", "rlib"]`. `local-ci plugin build`, or
//! `cargo build --release --target wasm32-unknown-unknown` with the linker `wasm-component-ld`, makes the component.
//! A panic ends the call: the stage is errored, with the panic's message.

#[cfg(not(target_arch = "wasm32"))]
pub mod mock;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;

pub mod commands;
pub mod example;
pub mod files;
pub mod glob;
pub mod http;
pub mod output;

mod host;
mod info;
mod roles;
mod types;

pub use example::Example;
pub use host::{clock, env, settings};
pub use info::{Info, Kind, Need};
pub use roles::{ExpanderPlugin, ParserPlugin, ParserSession, Plugin, ReporterPlugin, StagePlugin};
pub use types::{Annotation, Channel, Context, Event, Line, Outcome, Problem, Severity, Span, StageSpec, Verdict};

#[cfg(not(target_arch = "wasm32"))]
use mock::backend;
#[cfg(target_arch = "wasm32")]
use wasm::backend;

/// Makes the crate a plugin: `export!(Type: stage, parser)`, with the roles that the type has a trait for, of `stage`,
/// `parser`, `expander` and `reporter`. The component has these roles and no others. Once in a crate.
#[macro_export]
macro_rules! export {
    ($plugin:ident: $($role:ident),+ $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::wasm::Exported<$plugin>;
            $crate::wasm::about::export!(Exported with_types_in $crate::wasm::about);
            $($crate::wasm::$role::export!(Exported with_types_in $crate::wasm::$role);)+
        };
        // So that a missing trait is seen natively as well.
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            $($crate::__role!($role $plugin);)+
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __role {
    (stage $plugin:ident) => {
        const _: fn(&str, &$crate::Context) -> Result<$crate::Outcome, $crate::Problem> =
            <$plugin as $crate::StagePlugin>::run;
    };
    (parser $plugin:ident) => {
        const _: fn(&str, &$crate::Context) -> Result<<$plugin as $crate::ParserPlugin>::Session, $crate::Problem> =
            <$plugin as $crate::ParserPlugin>::start;
    };
    (expander $plugin:ident) => {
        const _: fn(&str, &$crate::Context) -> Result<Vec<$crate::StageSpec>, $crate::Problem> =
            <$plugin as $crate::ExpanderPlugin>::expand;
    };
    (reporter $plugin:ident) => {
        const _: fn(&mut $plugin, &[$crate::Event]) -> Result<(), $crate::Problem> =
            <$plugin as $crate::ReporterPlugin>::notify;
    };
}
