//! The host against components that behave, and against those that do not.

mod faults;
pub(crate) mod forge;
mod kept;
mod limits;
mod loading;
mod roles;
mod versions;
mod witness;

use super::{Compiler, Component, Host};
use crate::plugin::info::Context;
use crate::plugin::{Fault, FaultKind, StageEnd};
use forge::Forge;

/// Loads a component under the name `sample`, with nothing kept.
fn load(forge: &Forge) -> Component {
    Host::new(None, Compiler::Here).load("sample", &forge.build()).unwrap()
}

fn context() -> Context {
    Context {
        run: "run".to_owned(),
        stage: "lint".to_owned(),
        attempt: 1,
        params: r#"{"x":true}"#.to_owned(),
        extra: vec![("dir".to_owned(), ".".to_owned())],
    }
}

/// What a component's stage says, whatever that is.
fn run(forge: &Forge) -> Result<StageEnd, Fault> {
    load(forge).run_stage(witness::Said::default().call(), "sample", &context())
}

fn kind(fault: &Fault) -> &FaultKind {
    assert_eq!(fault.plugin, "sample");
    &fault.kind
}
