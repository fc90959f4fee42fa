//! That the reference has every key, and that its example is sound.

use super::{load, sound};

const REFERENCE: &str = include_str!("../../../docs/config.md");

/// The keys of a table, from what is said of an unknown one.
fn keys(header: &str) -> Vec<String> {
    let error = load(&[("local-ci.toml", &format!("{header}\nqqqqqqqqqqqqqqq = 1\n"))]).unwrap_err();
    let help = error.faults().into_iter().find_map(|fault| fault.help).unwrap_or_default();
    let (list, _) = help.strip_prefix("the keys here are ").unwrap().split_once(';').unwrap();
    list.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_key_is_in_the_reference() {
    for header in ["[stages.a]", "[run]", "[defaults]", "[profiles.a]", "[stages.a.when]"] {
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
    assert_eq!(examples.next(), None);
}
