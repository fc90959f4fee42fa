//! The matchers that are built in, a module for each tool that more than one line of has to be understood, and one for the rest.

mod cargo_test;
mod eslint;
mod gcc;
mod go;
mod plain;
mod pytest;
mod python;
mod ruff;
mod rustc;
mod shellcheck;

use super::member::Member;
use crate::pipeline::matcher::BuiltIn;

/// What a built-in matcher is made of, at its beginning.
pub(super) fn members(which: BuiltIn) -> Vec<Box<dyn Member>> {
    match which {
        BuiltIn::CargoTest => vec![Box::new(cargo_test::Tests::default())],
        BuiltIn::Clippy | BuiltIn::Rustc => vec![Box::new(rustc::Diagnostics::new())],
        BuiltIn::Eslint => eslint::members(),
        BuiltIn::Gcc => vec![Box::new(gcc::Compiler::new())],
        BuiltIn::Go => vec![Box::new(go::Go::new())],
        BuiltIn::Javac => plain::javac(),
        BuiltIn::Mypy => plain::mypy(),
        BuiltIn::Prettier => plain::prettier(),
        BuiltIn::Pytest => vec![Box::new(pytest::Tests::new())],
        BuiltIn::Python => vec![Box::new(python::Tracebacks::new())],
        BuiltIn::Ruff => ruff::members(),
        BuiltIn::Rustfmt => plain::rustfmt(),
        BuiltIn::Shellcheck => shellcheck::members(),
        BuiltIn::Tsc => plain::tsc(),
    }
}
