//! Rules that the whole tree keeps and the compiler does not know: the floors of `docs/design.md`, one size of file,
//! one place for `unsafe`, one for printing, and nobody's real host anywhere.
//!
//! Each rule is a function from source texts to sentences. Here it is asked about the tree as it is; beside the rule
//! it is asked about small trees that must fail.
#![expect(clippy::disallowed_methods, reason = "asks git for the files that it tracks")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "layering/contract.rs"]
mod contract;
#[path = "layering/floors.rs"]
mod floors;
#[path = "layering/hosts.rs"]
mod hosts;
#[path = "layering/modules.rs"]
mod modules;
#[path = "layering/tokens.rs"]
mod tokens;
#[path = "layering/tree.rs"]
mod tree;

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn modules_name_only_lower_floors() {
    let sources = tree::project();
    assert!(sources.iter().any(|s| s.path == "src/lib.rs"), "the tree was not found");
    assert_none(&modules::faults(&sources));
}

#[test]
fn the_drawing_shows_the_same_floors() {
    let design = include_str!("../docs/design.md");
    for floor in floors::FLOORS {
        let label = format!("F{}", floor.number);
        let line = design.lines().find(|line| line.split_whitespace().next() == Some(&label));
        let words: Vec<_> = line.unwrap_or_default().split_whitespace().collect();
        let mut places = floor.modules.iter().map(|module| words.iter().position(|word| word == module));
        assert!(places.all(|place| place.is_some()), "docs/design.md does not show {:?} on {label}", floor.modules);
    }
}

#[test]
fn every_file_is_compiled() {
    assert_none(&tree::undeclared(&tree::project()));
}

#[test]
fn no_file_is_too_long() {
    assert_none(&tree::too_long(&tree::project()));
}

#[test]
fn unsafe_has_one_place() {
    assert_none(&tree::unsafe_outside_unix(&tree::project()));
}

#[test]
fn only_faces_print() {
    assert_none(&tree::prints_outside_faces(&tree::project()));
}

/// H142: no default host, and no host at all, is anybody's.
#[test]
fn h142_no_real_host_stands_anywhere() {
    assert_none(&hosts::faults(&tree::project()));
}

#[test]
fn the_contract_with_plugins_is_as_it_was_released() {
    let now = contract::Shape::of(include_str!("../wit/plugin.wit")).unwrap();
    assert_none(&contract::faults(&now, &contract::released()));
}

/// The crate is copied whole beside new plugins, so it has the contract as a file of its own.
#[test]
fn plugins_in_rust_are_built_on_the_same_contract() {
    let (host, sdk) = (include_str!("../wit/plugin.wit"), include_str!("../plugins/sdk/wit/plugin.wit"));
    assert!(host == sdk, "wit/plugin.wit and plugins/sdk/wit/plugin.wit differ: copy the one over the other");
    let examples = [
        include_str!("../examples/plugins/javascript/wit/plugin.wit"),
        include_str!("../examples/plugins/python/wit/plugin.wit"),
    ];
    for example in examples {
        assert!(host == example, "wit/plugin.wit and its copy in an example differ: copy the one over the other");
    }
}
