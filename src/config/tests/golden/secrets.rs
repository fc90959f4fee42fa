//! What is wrong in `[secrets]`, and with who names some of it.

use super::super::faults;

#[test]
fn each_secret_says_in_one_way_where_it_comes_from() {
    let text = r#"[stages.a]
run = "true"
[secrets]
A-B = true
NONE = {}
BOTH = { env = "X", file = "x" }
EMPTY = { command = [] }
NOT = false
ODD = { env = 1 }
"#;
    insta::assert_snapshot!(faults(text), @r#"

    "#);
}

#[test]
fn stages_name_secrets_that_are_there() {
    let text = r#"[defaults]
secrets = ["NPM_TOKN"]
[stages.a]
run = "true"
secrets = ["OTHER", "BROKEN"]
[run]
mask = ["a[-"]
[secrets]
NPM_TOKEN = true
BROKEN = { env = 1 }
"#;
    insta::assert_snapshot!(faults(text), @r#"

    "#);
}
