//! H158: whatever bytes are given, they are a component of ours or the reason why not.

use proptest::prelude::*;

use super::forge::{CONTRACT, Forge};
use super::{Compiler, Host};
use crate::plugin::component::{SIZE_MAX, inspect};

fn refused(bytes: &[u8]) -> String {
    let why = Host::new(None, Compiler::Here).load("sample", bytes).map(drop).unwrap_err().to_string();
    assert!(why.starts_with("plugin sample ") && !why.contains('\n'), "{why:?}");
    why
}

/// The contract with one text in place of another.
fn changed(from: &str, to: &str) -> String {
    assert!(CONTRACT.contains(from), "{from}");
    CONTRACT.replace(from, to)
}

#[test]
fn h158_what_is_no_component_is_refused_with_the_reason() {
    let mut cut = Forge::default().build();
    cut.truncate(cut.len() / 2);
    let module = wat::parse_str("(module)").unwrap();
    let other = wat::parse_str("(component)").unwrap();
    let said = [b"".as_slice(), b"hello", b"\0asm", &module, &cut, &other, &vec![0; SIZE_MAX + 1]].map(refused);
    insta::assert_snapshot!(said.join("\n"), @"
    plugin sample is an empty file
    plugin sample is no WebAssembly: it does not begin as such a file does
    plugin sample is damaged, or is no component: unexpected end-of-file (at byte 4); `local-ci plugin build DIR` makes one of sources
    plugin sample is a WebAssembly module, and a plugin is a component: build it with `local-ci plugin build`
    plugin sample is damaged, or is no component: unexpected end-of-file (at byte 4578); `local-ci plugin build DIR` makes one of sources
    plugin sample is no plugin: it neither imports nor exports anything of `local-ci:plugin`
    plugin sample is too large: 65 MiB, and 64 MiB are the most
    ");
}

#[test]
fn h158_what_does_not_fit_the_contract_is_refused_with_the_reason() {
    let forge = Forge::default;
    let stage = || Forge { world: "stage-plugin", ..forge() };
    let of = |contract: String, forge: Forge| Forge { contract, ..forge }.build();
    let later = |version| Forge { version, ..forge() }.build();
    let camera = changed("interface clock {", "interface camera { shoot: func(); }\ninterface clock {")
        .replace("import clock;", "import clock; import camera;");
    let shoot = r#"(import "local-ci:plugin/camera@0.1.0" "shoot" (func))"#.to_owned();
    let shout = changed("progress: func(", "shout: func();\n  progress: func(");
    let shouting = r#"(import "local-ci:plugin/output@0.1.0" "shout" (func))"#.to_owned();
    let log = changed("log: func(level: level, message: string);", "log: func(level: level);");
    let logging = r#"(import "local-ci:plugin/output@0.1.0" "log" (func (param i32)))"#.to_owned();
    let foreign = changed("import clock;", "import clock; import shell: func();");
    let shell = r#"(import "$root" "shell" (func))"#.to_owned();
    let said = [
        later("0.2.0"),
        later("1.0.0"),
        of(
            changed("world stage-plugin { include host-side; export about;", "world stage-plugin { include host-side;"),
            stage(),
        ),
        of(changed("export about; export stage; }", "export about; }"), stage()),
        of(camera, Forge { imports: shoot, ..forge() }),
        of(shout, Forge { imports: shouting, ..forge() }),
        of(log, Forge { imports: logging, ..forge() }),
        of(foreign, Forge { imports: shell, ..forge() }),
    ]
    .map(|bytes| refused(&bytes));
    insta::assert_snapshot!(said.join("\n"), @"
    plugin sample speaks version 0.2.0 of the contract, and this local-ci speaks 0.1
    plugin sample speaks version 1.0.0 of the contract, and this local-ci speaks 0.1
    plugin sample does not export `about`, which every plugin does
    plugin sample has no role: it exports neither `stage`, `parser`, `expander` nor `reporter`
    plugin sample needs `camera`, which this version of local-ci does not have: update local-ci
    plugin sample does not fit version 0.1.0 of the contract: component imports instance `local-ci:plugin/output@0.1.0`: instance export `shout` has the wrong type: function implementation is missing; a later local-ci may have it
    plugin sample does not fit version 0.1.0 of the contract: component imports instance `local-ci:plugin/output@0.1.0`: instance export `log` has the wrong type: type mismatch with parameters: expected 2-tuple, found 1-tuple
    plugin sample imports `shell`, which is nothing that plugins can have
    ");
}

/// Types of exports are looked at when there is an instance, so by [`describe`](crate::plugin::host::Component::describe).
#[test]
fn h158_a_role_with_other_types_is_refused_when_it_is_described() {
    let contract = changed("summary: option<string>,\n    outputs", "summary: option<string>, more: u32,\n    outputs");
    let bytes = Forge { contract, ..Forge::default() }.build();
    let component = Host::new(None, Compiler::Here).load("sample", &bytes).unwrap();
    insta::assert_snapshot!(component.describe().unwrap_err().to_string(), @"plugin sample does not fit version 0.1.0 of the contract: its export `stage`: type mismatch with results: expected record of 4 fields, found 5 fields");
}

/// A component has no end that could be missing, so cut between two sections it is one, of fewer exports.
#[test]
fn h158_a_component_cut_anywhere_is_refused_or_has_less() {
    let whole = Forge { world: "stage-plugin", ..Forge::default() }.build();
    let shape = inspect(&whole).unwrap();
    for end in 0..whole.len() {
        match inspect(&whole[..end]) {
            Ok(less) => assert_eq!(less.roles, shape.roles),
            Err(why) => assert!(!why.is_empty() && !why.contains('\n'), "{end}: {why:?}"),
        }
    }
}

#[test]
fn what_is_read_without_running_says_what_it_may_ask_for() {
    let mut forge = Forge { world: "stage-plugin", ..Forge::default() };
    assert_eq!(inspect(&forge.build()).unwrap().imports, Vec::<String>::new(), "what is not called is not there");
    forge.imports = super::forge::import("files", "read", "read", "(param i32 i32 i64 i64 i32)");
    let bytes = forge.build();
    let shape = inspect(&bytes).unwrap();
    assert_eq!((shape.api.as_str(), shape.imports.as_slice()), ("0.1.0", ["files".to_owned()].as_slice()));
    assert_eq!(shape.size, bytes.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn h158_no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = inspect(&bytes);
        let _ = inspect(&[b"\0asm\x0d\0\x01\0", bytes.as_slice()].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn h158_no_change_of_a_component_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        gap in prop::option::of((any::<prop::sample::Index>(), 1..64_usize)),
    ) {
        let mut bytes = Forge { world: "stage-plugin", ..Forge::default() }.build();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((at, len)) = gap {
            let at = at.index(bytes.len());
            bytes.drain(at..(at + len).min(bytes.len()));
        }
        if let Ok(component) = Host::new(None, Compiler::Here).load("sample", &bytes) {
            let _ = component.describe();
        }
    }
}
