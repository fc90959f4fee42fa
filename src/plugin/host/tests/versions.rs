//! Plugins of other times and other makers: earlier and later ones of 0.1, and those that bring imports of `wasi:` along.

use super::forge::{CONTRACT, Forge, component};
use super::witness::Said;
use super::{Compiler, Host, context, load};
use crate::plugin::info::Role;

/// Built from its source: see `old_world/plugin.wit`.
#[test]
fn a_plugin_of_an_older_0_1_runs_as_it_did() {
    let bytes = component(include_str!("old_world/plugin.wat"), include_str!("old_world/plugin.wit"), "plugin");
    let component = Host::new(None, Compiler::Here).load("old", &bytes).unwrap();
    assert_eq!((component.roles(), component.imports()), ([Role::Stage].as_slice(), ["output".to_owned()].as_slice()));
    let info = component.describe().unwrap();
    assert_eq!((info.name.as_str(), info.stages[0].name.as_str()), ("old", "old"));
    let said = Said::default();
    let end = component.run_stage(said.call(), "old", &context()).unwrap();
    assert_eq!(end.summary.as_deref(), Some("hello"));
    assert_eq!(said.log(), ["Info: hello"]);
}

#[test]
fn a_plugin_of_a_later_0_1_runs_where_it_asks_for_nothing_new() {
    let mut forge = Forge { version: "0.1.9", ..Forge::default() };
    forge.imports = super::forge::import("output", "log", "log", "(param i32 i32 i32)").replace("0.1.0", "0.1.9");
    let end = forge.outcome(0, None);
    forge.run = format!("(call $log (i32.const 2) (i32.const 0) (i32.const 0)) (i32.const {end})");
    let component = load(&forge);
    assert_eq!((component.shape().api.as_str(), component.imports()), ("0.1.9", ["output".to_owned()].as_slice()));
    component.describe().unwrap();
    let said = Said::default();
    component.run_stage(said.call(), "sample", &context()).unwrap();
    assert_eq!(said.log().len(), 1);
}

/// A contract whose worlds also import what compilers for `wasi:` bring along.
fn with_wasi() -> String {
    let wasi = "package wasi:sample@0.2.3 {
        interface streams { resource pipe { write: func(bytes: list<u8>); } open: func() -> pipe; }
        interface exit { exit: func(code: u32); }
    }";
    let imports = "import clock;\n  import wasi:sample/streams@0.2.3;\n  import wasi:sample/exit@0.2.3;";
    format!("{}\n{wasi}", CONTRACT.replace("import clock;", imports))
}

#[test]
fn what_only_brings_wasi_along_runs_and_what_calls_it_is_told_why_not() {
    let mut forge = Forge { contract: with_wasi(), ..Forge::default() };
    forge.imports = r#"
        (import "wasi:sample/streams@0.2.3" "open" (func $open (result i32)))
        (import "wasi:sample/streams@0.2.3" "[method]pipe.write" (func (param i32 i32 i32)))
        (import "wasi:sample/streams@0.2.3" "[resource-drop]pipe" (func (param i32)))
        (import "wasi:sample/exit@0.2.3" "exit" (func $exit (param i32)))"#
        .to_owned();
    forge.run = "(drop (call $open)) unreachable".to_owned();
    let component = load(&forge);
    assert_eq!(component.imports(), ["wasi:sample/exit@0.2.3", "wasi:sample/streams@0.2.3"]);
    component.describe().unwrap();
    component.expand(Said::default().call(), "sample", &context()).unwrap();
    let fault = component.run_stage(Said::default().call(), "sample", &context()).unwrap_err();
    assert_eq!(fault.to_string(), "plugin sample called `wasi:sample/streams@0.2.3#open`, which plugins do not have");
}
