//! The matchers that are built in.

use super::*;

#[test]
fn rustc_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Rustc, "rustc"), @"
    src/lib.rs:3:21-3:26 rustc error [E0308]: mismatched types
    src/lib.rs:4:10-4:17 rustc error [E0599]: no method named `missing` found for type `u32` in the current scope
    ");
}

#[test]
fn rustc_json_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Rustc, "rustc-json"), @"
    src/lib.rs:3:21-3:26 rustc error [E0308]: mismatched types
    src/lib.rs:4:10-4:17 rustc error [E0599]: no method named `missing` found for type `u32` in the current scope
    ");
}

#[test]
fn cargo_resolve_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Rustc, "cargo-resolve"), @r#"rustc error: failed to select a version for the requirement `serde = "^99"`"#);
}

#[test]
fn clippy_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Clippy, "clippy"), @"
    src/lib.rs:2:9-2:15 clippy warning [unused_variables]: unused variable: `unused`
    src/lib.rs:3:5-3:22 clippy warning [clippy::needless_return]: unneeded `return` statement
    src/lib.rs:1:20-1:29 clippy warning [clippy::ptr_arg]: writing `&Vec` instead of `&[_]` involves a new object where a slice will do
    ");
}

#[test]
fn clippy_denied_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Clippy, "clippy-denied"), @"
    src/lib.rs:2:9-2:15 clippy error [unused_variables]: unused variable: `unused`
    src/lib.rs:3:5-3:22 clippy error [clippy::needless_return]: unneeded `return` statement
    src/lib.rs:1:20-1:29 clippy error [clippy::ptr_arg]: writing `&Vec` instead of `&[_]` involves a new object where a slice will do
    ");
}

#[test]
fn rustfmt_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Rustfmt, "rustfmt"), @"src/lib.rs:1 rustfmt error: not formatted as rustfmt has it");
}

#[test]
fn cargo_test_is_read() {
    insta::assert_snapshot!(read(BuiltIn::CargoTest, "cargo-test"), @r#"
    src/lib.rs:29:8 cargo-test error <tests::does_not_panic>: test did not panic as expected
    src/lib.rs:16:9 cargo-test error <tests::adds>: assertion `left == right` failed: not | the sum |   left: 3 |  right: 4
    cargo-test error <tests::returns_an_error>: Error: "no sum"
    src/lib.rs:5 cargo-test error <src/lib.rs - add (line 5)>: Test executable failed (exit status: 101). | stderr: | thread 'main' (6599) panicked at src/lib.rs:5:1: | assertion `left == right` failed |   left: 2 |  right: 3
    "#);
}

#[test]
fn cargo_test_nocapture_is_read() {
    insta::assert_snapshot!(read(BuiltIn::CargoTest, "cargo-test-nocapture"), @"src/lib.rs:16:9 cargo-test error <tests::adds>: assertion `left == right` failed: not | the sum |   left: 3 |  right: 4");
}

#[test]
fn gcc_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Gcc, "gcc"), @"
    link.c:2 gcc error: undefined reference to `gone'
    link.c gcc error: undefined reference to `gone'
    include.c:2:10 gcc error: missing.h: No such file or directory
    sub/main.c:3:5 gcc error: 'undeclared' undeclared (first use in this function)
    sub/main.c:4:12 gcc warning [-Wint-conversion]: returning 'char *' from a function with return type 'int' makes integer from pointer without a cast
    sub/main.c:2:9 gcc warning [-Wunused-variable]: unused variable 'unused'
    ");
}

#[test]
fn javac_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Javac, "javac"), @"
    A.java:2 javac error: incompatible types: String cannot be converted to int
    A.java:3 javac error: cannot find symbol
    ");
}

#[test]
fn eslint_stylish_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Eslint, "eslint-stylish"), @"
    src/a.js:1:7 eslint warning [no-unused-vars]: 'unused' is assigned a value but never used
    src/a.js:1:17 eslint error [semi]: Missing semicolon
    src/a.js:2:1 eslint error [no-undef]: 'console' is not defined
    src/a.js:2:13 eslint error [no-undef]: 'missing' is not defined
    src/b.js:1:9 eslint error: Parsing error: Unexpected token ;
    ");
}

#[test]
fn eslint_json_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Eslint, "eslint-json"), @"
    src/a.js:1:7-1:13 eslint warning [no-unused-vars]: 'unused' is assigned a value but never used.
    src/a.js:1:17-2:1 eslint error [semi]: Missing semicolon.
    src/a.js:2:1-2:8 eslint error [no-undef]: 'console' is not defined.
    src/a.js:2:13-2:20 eslint error [no-undef]: 'missing' is not defined.
    src/b.js:1:9 eslint error: Parsing error: Unexpected token ;
    ");
}

#[test]
fn eslint_compact_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Eslint, "eslint-compact"), @"
    src/a.js:1:7 eslint warning [no-unused-vars]: 'unused' is assigned a value but never used.
    src/a.js:1:17 eslint error [semi]: Missing semicolon.
    src/a.js:2:1 eslint error [no-undef]: 'console' is not defined.
    src/a.js:2:13 eslint error [no-undef]: 'missing' is not defined.
    src/b.js:1:9 eslint error: Parsing error: Unexpected token ;
    ");
}

#[test]
fn eslint_unix_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Eslint, "eslint-unix"), @"
    src/a.js:1:7 eslint warning [no-unused-vars]: 'unused' is assigned a value but never used.
    src/a.js:1:17 eslint error [semi]: Missing semicolon.
    src/a.js:2:1 eslint error [no-undef]: 'console' is not defined.
    src/a.js:2:13 eslint error [no-undef]: 'missing' is not defined.
    src/b.js:1:9 eslint error: Parsing error: Unexpected token ;
    ");
}

#[test]
fn tsc_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Tsc, "tsc"), @"
    src/a.ts:1:7 tsc error [TS2322]: Type 'string' is not assignable to type 'number'.
    src/a.ts:2:48 tsc error [TS2339]: Property 'c' does not exist on type '{ b: number; }'.
    src/a.ts:3:5 tsc error [TS2322]: Type 'string' is not assignable to type 'number'.
    ");
}

#[test]
fn tsc_nothing_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Tsc, "tsc-nothing"), @r#"tsc error [TS18003]: No inputs were found in config file '/project/tsconfig.json'. Specified 'include' paths were '["nowhere"]' and 'exclude' paths were '[]'."#);
}

#[test]
fn prettier_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Prettier, "prettier"), @"
    src/a.js prettier warning: not formatted as Prettier has it
    src/b.js:1:9 prettier error: SyntaxError: Unexpected token
    ");
}

#[test]
fn pytest_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Pytest, "pytest"), @"
    tests/test_halves.py:17 pytest error [RuntimeError] <ERROR at setup of test_with_fixture>: RuntimeError: no fixture
    tests/test_halves.py:5 pytest error [AssertionError] <test_of_even>: assert 2 == 3 | +  where 2 = half(4)
    tests/halves.py:3 pytest error [ValueError] <test_of_odd>: ValueError: odd
    tests/test_halves.py:13 pytest error [AssertionError] <TestMore.test_many[4]>: assert 2 == 1 | +  where 2 = half(4)
    ");
}

#[test]
fn pytest_short_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Pytest, "pytest-short"), @"
    tests/test_halves.py pytest error <test_of_even>: assert 2 == 3
    tests/test_halves.py pytest error <test_of_odd>: ValueError: odd
    tests/test_halves.py pytest error <TestMore.test_many[4]>: assert 2 == 1
    tests/test_halves.py pytest error <test_with_fixture>: RuntimeError: no fixture
    ");
}

#[test]
fn pytest_collect_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Pytest, "pytest-collect"), @"tests/test_import.py:1 pytest error <ERROR collecting tests/test_import.py>: ModuleNotFoundError: No module named 'nowhere'");
}

#[test]
fn python_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Python, "python"), @"tests/deep.py:3 python error: json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)");
}

#[test]
fn python_syntax_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Python, "python-syntax"), @"main.py:1 python error: SyntaxError: invalid syntax");
}

#[test]
fn mypy_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Mypy, "mypy"), @r#"
    a.py:2 mypy error [return-value]: Incompatible return value type (got "int", expected "str")
    a.py:4 mypy error [arg-type]: Argument 1 to "f" has incompatible type "str"; expected "int"
    a.py:5 mypy error [import-not-found]: Cannot find implementation or library stub for module named "nowhere"
    "#);
}

#[test]
fn mypy_columns_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Mypy, "mypy-columns"), @r#"
    a.py:2:12-2:12 mypy error [return-value]: Incompatible return value type (got "int", expected "str")
    a.py:4:3-4:5 mypy error [arg-type]: Argument 1 to "f" has incompatible type "str"; expected "int"
    a.py:5:1-5:1 mypy error [import-not-found]: Cannot find implementation or library stub for module named "nowhere"
    "#);
}

#[test]
fn ruff_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Ruff, "ruff"), @"
    a.py:1:1 ruff error [I001]: Import block is un-sorted or un-formatted
    a.py:1:8 ruff error [F401]: `os` imported but unused
    a.py:2:8 ruff error [F401]: `sys` imported but unused
    a.py:5:5 ruff error [F841]: Local variable `x` is assigned to but never used
    a.py:6:12 ruff error [F821]: Undefined name `y`
    b.py:1:7 ruff error [invalid-syntax]: Expected a parameter or the end of the parameter list
    b.py:1:9 ruff error [invalid-syntax]: unexpected EOF while parsing
    ");
}

#[test]
fn ruff_concise_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Ruff, "ruff-concise"), @"
    a.py:1:1 ruff error [I001]: Import block is un-sorted or un-formatted
    a.py:1:8 ruff error [F401]: `os` imported but unused
    a.py:2:8 ruff error [F401]: `sys` imported but unused
    a.py:5:5 ruff error [F841]: Local variable `x` is assigned to but never used
    a.py:6:12 ruff error [F821]: Undefined name `y`
    b.py:1:7 ruff error [invalid-syntax]: Expected a parameter or the end of the parameter list
    b.py:2:1 ruff error [invalid-syntax]: unexpected EOF while parsing
    ");
}

#[test]
fn shellcheck_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Shellcheck, "shellcheck"), @"
    a.sh:3:6 shellcheck note [SC2086]: Double quote to prevent globbing and word splitting.
    a.sh:4:1-4:11 shellcheck warning [SC2164]: Use 'cd ... || exit' or 'cd ... || return' in case cd fails.
    a.sh:5:6 shellcheck note [SC2086]: Double quote to prevent globbing and word splitting.
    a.sh:6:7 shellcheck warning [SC2154]: y is referenced but not assigned.
    a.sh:6:7 shellcheck note [SC2086]: Double quote to prevent globbing and word splitting.
    b.sh:1:1 shellcheck error [SC1073]: Couldn't parse this if expression. Fix to allow more checks.
    b.sh:2:1 shellcheck error [SC1050]: Expected 'then'.
    b.sh:2:1 shellcheck error [SC1072]: Expected 'then'. Fix any mentioned problems and try again.
    ");
}

#[test]
fn shellcheck_gcc_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Shellcheck, "shellcheck-gcc"), @"
    a.sh:3:6 shellcheck note [SC2086]: Double quote to prevent globbing and word splitting.
    a.sh:4:1 shellcheck warning [SC2164]: Use 'cd ... || exit' or 'cd ... || return' in case cd fails.
    a.sh:5:6 shellcheck note [SC2086]: Double quote to prevent globbing and word splitting.
    a.sh:6:7 shellcheck warning [SC2154]: y is referenced but not assigned.
    a.sh:6:7 shellcheck note [SC2086]: Double quote to prevent globbing and word splitting.
    b.sh:1:1 shellcheck error [SC1073]: Couldn't parse this if expression. Fix to allow more checks.
    b.sh:2:1 shellcheck error [SC1050]: Expected 'then'.
    b.sh:2:1 shellcheck error [SC1072]: Expected 'then'. Fix any mentioned problems and try again.
    ");
}

#[test]
fn go_build_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Go, "go-build"), @r#"
    main.go:3:8 go error: imported and not used: "os"
    main.go:6:2 go error: undefined: missing
    "#);
}

#[test]
fn go_vet_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Go, "go-vet"), @"main.go:6:2 go error: undeclared name: missing");
}

#[test]
fn go_test_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Go, "go-test"), @"
    pkg/half_test.go:6 go error <TestHalf>: 1 is not | 2
    pkg/half_test.go:10 go error <TestSub/one>: no
    ");
}

#[test]
fn go_panic_is_read() {
    insta::assert_snapshot!(read(BuiltIn::Go, "go-panic"), @"pkg/half_test.go:7 go error <TestPanics>: panic: runtime error: invalid memory address or nil pointer dereference");
}
