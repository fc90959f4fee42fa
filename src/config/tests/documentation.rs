//! That the reference has every key, and that its example is sound.

use std::collections::BTreeSet;

use super::{load, sound};
use crate::config::{Code, Fault};

const REFERENCE: &str = include_str!("../../../docs/config.md");

/// The keys in the first column of the first table below a heading.
pub(super) fn table(heading: &str) -> BTreeSet<String> {
    let (_, section) = REFERENCE.split_once(&format!("\n{heading}\n")).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let keys = rows.take_while(|line| line.starts_with('|'));
    keys.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect()
}

/// The keys of a table, from what is said of an unknown one.
pub(super) fn keys(header: &str) -> Vec<String> {
    let error = load(&[("local-ci.toml", &format!("{header}\nqqqqqqqqqqqqqqq = 1\n"))]).unwrap_err();
    let helps: Vec<String> = error.faults().into_iter().filter_map(|fault| fault.help).collect();
    let (list, _) = helps.iter().find_map(|help| help.strip_prefix("the keys here are ")?.split_once(';')).unwrap();
    list.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_key_is_in_the_reference() {
    for header in [
        "[stages.a]",
        "[run]",
        "[defaults]",
        "[profiles.a]",
        "[stages.a.when]",
        "[remotes.a]",
        "[plugins.a]",
        "[plugins.a.grants]",
        "[matchers.a]",
    ] {
        for key in keys(header) {
            assert!(REFERENCE.contains(&format!("`{key}`")), "`{key}` of {header} is not in docs/config.md");
        }
    }
    for table in keys("") {
        assert!(REFERENCE.contains(&format!("[{table}")), "[{table}] is not in docs/config.md");
    }
}

#[test]
fn the_examples_are_sound() {
    let mut examples = REFERENCE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    assert_eq!(sound(examples.next().unwrap()).pipeline.stages().len(), 2);
    assert_eq!(sound(examples.next().unwrap()).pipeline.stages().len(), 4);
    assert_eq!(sound(examples.next().unwrap()).pipeline.stages().len(), 1);
    assert_eq!(sound(examples.next().unwrap()).pipeline.secrets().len(), 3);
    assert_eq!(examples.next(), None);
}

/// What `explain` shows as wrong has that very fault and no other; what it shows as right has none.
#[test]
fn every_example_of_a_code_is_what_it_is_said_to_be() {
    for code in Code::ALL {
        let Some(example) = code.example() else { continue };
        let error = load(&[("local-ci.toml", example.wrong)]).unwrap_err();
        let codes: Vec<Code> = error.list().iter().map(Fault::code).collect();
        assert_eq!(codes, [*code], "{}", error.render(false, 100));
        sound(example.right);
    }
}

/// Everything that is wrong within a file has an example; what has none is known here.
#[test]
fn codes_without_an_example_are_those_of_files_and_of_limits() {
    let without: Vec<&str> = Code::ALL.iter().filter(|code| code.example().is_none()).map(|code| code.id()).collect();
    assert_eq!(
        without,
        ["LC0101", "LC0102", "LC0103", "LC0104", "LC0105", "LC0106", "LC0107", "LC0203", "LC0413", "LC0424"]
    );
}
