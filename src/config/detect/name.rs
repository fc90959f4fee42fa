//! What stages are called: by what they do, and where two do the same, also by where or for what.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use super::draft::Draft;

/// The name of each stage. Those that nobody else has stay as they are; others get their directory before them, their
/// kind, or both, whichever tells them apart first.
pub(super) fn names(drafts: &[Draft]) -> Vec<String> {
    let mut names: Vec<String> = drafts.iter().map(|draft| draft.name.to_owned()).collect();
    for shared in shared(drafts) {
        let group: Vec<usize> = (0..drafts.len()).filter(|at| drafts[*at].name == shared).collect();
        let by = [by_kind, by_directory, by_both];
        let tell_apart =
            |by: fn(&Draft) -> String| -> Vec<String> { group.iter().map(|at| by(&drafts[*at])).collect() };
        let is_one_place = group.iter().all(|at| drafts[*at].dir == drafts[group[0]].dir);
        let found = by.into_iter().skip(usize::from(!is_one_place)).map(tell_apart).find(|names| are_distinct(names));
        for (at, name) in group.iter().zip(found.unwrap_or_else(|| tell_apart(by_both))) {
            names[*at] = name;
        }
    }
    number_the_rest(&mut names);
    names
}

/// Names that more than one stage would have, in order.
pub(super) fn shared(drafts: &[Draft]) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    let mut shared: Vec<&'static str> = Vec::new();
    for draft in drafts {
        if !seen.insert(draft.name) && !shared.contains(&draft.name) {
            shared.push(draft.name);
        }
    }
    shared
}

fn by_kind(draft: &Draft) -> String {
    format!("{}-{}", draft.kind, draft.name)
}

fn by_directory(draft: &Draft) -> String {
    format!("{}-{}", slug(&draft.dir), draft.name)
}

fn by_both(draft: &Draft) -> String {
    format!("{}-{}-{}", slug(&draft.dir), draft.kind, draft.name)
}

fn are_distinct(names: &[String]) -> bool {
    names.iter().collect::<BTreeSet<_>>().len() == names.len()
}

/// Directories such as `a/b` and `a-b` have one name between them.
fn number_the_rest(names: &mut [String]) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for name in names {
        let plain = name.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            *name = format!("{plain}-{number}");
            number += 1;
        }
    }
}

/// A directory as a part of a stage's name.
pub(super) fn slug(dir: &Path) -> String {
    let parts = dir.components().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let text: String = parts.collect::<Vec<_>>().join("-");
    let text: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || "_.+".contains(c) { c } else { '-' }).take(60).collect();
    let text = text.trim_matches(['-', '.', '+']);
    if text.is_empty() { "root".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::draft::Run;
    use super::super::kind::Kind;
    use super::*;

    fn named(drafts: &[(Kind, &'static str, &str)]) -> Vec<String> {
        let draft = |(kind, name, dir): &(Kind, &'static str, &str)| Draft {
            dir: dir.into(),
            ..Draft::new(*kind, name, "", Run::words("x"))
        };
        names(&drafts.iter().map(draft).collect::<Vec<_>>())
    }

    #[test]
    fn only_names_that_clash_grow() {
        use Kind::{Node, Rust};
        let one = [(Rust, "fmt", ""), (Rust, "test", ""), (Node, "lint", ""), (Node, "test", "")];
        assert_eq!(named(&one), ["fmt", "rust-test", "lint", "node-test"]);
        let two = [(Rust, "fmt", "backend"), (Rust, "test", "backend"), (Node, "test", "web/app")];
        assert_eq!(named(&two), ["fmt", "backend-test", "web-app-test"]);
        let both = [(Rust, "test", "a"), (Node, "test", "a"), (Node, "test", "b")];
        assert_eq!(named(&both), ["a-rust-test", "a-node-test", "b-node-test"]);
        let same = [(Node, "test", "a/b"), (Node, "test", "a-b")];
        assert_eq!(named(&same), ["a-b-node-test", "a-b-node-test-2"]);
    }

    #[test]
    fn any_directory_makes_a_part_of_a_name() {
        for (dir, part) in [("a b/ç", "a-b"), ("-.x", "x"), ("ç", "root"), ("v1.2_3", "v1.2_3")] {
            assert_eq!(slug(Path::new(dir)), part);
            assert!(crate::ids::StageName::new(&format!("{part}-test")).is_ok());
        }
    }
}
