//! just: the recipes that check something, read from the justfile's text without running just.

use std::collections::BTreeMap;

use super::directory::{Directory, Seen};
use super::draft::Draft;
use super::draft::Run;
use super::kind::Kind;
use super::make::drafts;

/// What just looks for; it minds no case, of which these are what people write.
pub(super) const JUSTFILES: [&str; 3] = ["justfile", "Justfile", ".justfile"];

/// The stages of a directory with a justfile.
pub(super) fn stages(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    let Some(name) = dir.first(&JUSTFILES) else { return Vec::new() };
    let Some(text) = dir.read(name, seen) else { return Vec::new() };
    let stages = drafts(Kind::Just, &recipes(&text), |recipe| Run::Argv(["just", recipe].map(str::to_owned).to_vec()));
    if stages.is_empty() {
        seen.without_stages.push(format!("{name} has no recipe check, lint or test that takes no parameters"));
    }
    stages
}

/// The recipes that can be run without parameters, each with what it needs.
fn recipes(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut recipes = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t', '#', '['])) {
        let line = without_strings(line);
        let Some((head, rest)) = line.split_once(':') else { continue };
        if rest.starts_with('=') {
            continue;
        }
        let mut words = head.trim_start_matches('@').split_whitespace();
        let Some(name) = words.next() else { continue };
        // A parameter is fine where it has a default, or may be given any number of times, nothing included.
        if words.all(|parameter| parameter.contains('=') || parameter.starts_with('*')) {
            let needs = rest.split('#').next().unwrap_or_default().split_whitespace();
            let plain = needs.map(|need| need.trim_matches(['(', ')'])).filter(|need| !["&&", ""].contains(need));
            recipes.insert(name.to_owned(), plain.map(str::to_owned).collect());
        }
    }
    recipes
}

/// The line without what is quoted in it, which may hold anything: colons, blanks, signs of a comment.
fn without_strings(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_read_by_eye() {
        let text = [
            "x := 'a'",
            "alias t := test",
            "set shell := ['sh']",
            "# c: d",
            "[private]",
            "@check: lint (test) && done",
            "  a: b",
            "test *args: build",
            "lint path='.':",
            "deploy host:",
            "if x == y: z",
            "serve url='http://127.0.0.1:1' name=\"a b: c\" +rest='x': build",
            "echo +words:",
            "all what=`pwd | sed s:a:b:`: (build 'a: b') # c",
            "odd x='",
        ];
        let recipes = recipes(&text.join("\n"));
        let names: Vec<&str> = recipes.keys().map(String::as_str).collect();
        assert_eq!(names, ["all", "check", "lint", "serve", "test"]);
        assert_eq!(recipes["check"], ["lint", "test", "done"]);
        assert_eq!(recipes["serve"], ["build"]);
    }
}
