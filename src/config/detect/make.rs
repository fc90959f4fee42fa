//! Make: the targets that check something, read from the makefile's text without running make.

use std::collections::BTreeMap;

use super::directory::{Directory, Seen};
use super::draft::{Draft, Run};
use super::kind::Kind;

/// What make looks for, in its order.
pub(super) const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// Names that say of a target or recipe that it checks, and what to say of them. One called `fmt` mostly rewrites
/// files, so it is not among them.
pub(super) const CHECKS: [(&str, &str); 3] =
    [("check", "All checks pass"), ("lint", "The linter has nothing to say"), ("test", "The tests pass")];

/// The stages of a directory with a makefile.
pub(super) fn stages(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    let Some(name) = dir.first(&MAKEFILES) else { return Vec::new() };
    let Some(text) = dir.read(name, seen) else { return Vec::new() };
    let targets = targets(&text);
    let stages = drafts(Kind::Make, &targets, |target| Run::Argv(["make", target].map(str::to_owned).to_vec()));
    if stages.is_empty() {
        seen.without_stages.push(format!("{name} has no target check, lint or test"));
    }
    stages
}

/// A stage for each check that is not done by another one already.
pub(super) fn drafts(kind: Kind, targets: &BTreeMap<String, Vec<String>>, run: impl Fn(&str) -> Run) -> Vec<Draft> {
    let is_there = |name: &str| targets.contains_key(name);
    let done_by_other = |name: &str| {
        CHECKS.iter().any(|(other, _)| {
            let needs = targets.get(*other).into_iter().flatten();
            *other != name && needs.into_iter().any(|need| need == name)
        })
    };
    let wanted = CHECKS.iter().filter(|(name, _)| is_there(name) && !done_by_other(name));
    let draft =
        |(name, description): &(&'static str, &str)| Draft::new(kind, name, description, run(name)).lock(kind.name());
    let mut stages: Vec<Draft> = wanted.map(draft).collect();
    if stages.len() > 1
        && let Some(first) = stages.first_mut()
    {
        first.why = Some(format!("One at a time: two {kind}s in one directory may build the same file."));
    }
    stages
}

/// The targets of a makefile, each with what it needs. Read by eye: neither patterns nor what includes and variables
/// would bring.
fn targets(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let joined = text.replace("\\\n", " ");
    let mut defines = 0_usize;
    for line in joined.lines().filter(|line| !line.starts_with('\t')) {
        // A help text may look like a rule. `define` is no word of its own where it is a target or a variable.
        let mut words = line.split_whitespace().skip_while(|word| ["override", "export"].contains(word));
        let (word, next) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if word == "define" && !next.is_empty() && !next.starts_with([':', '=', '?', '+', '!']) {
            defines += 1;
        } else if word == "endef" {
            defines = defines.saturating_sub(1);
        }
        if defines > 0 || line.starts_with([' ', '#']) {
            continue;
        }
        let Some((names, rest)) = line.split_once(':') else { continue };
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        // `A := b`, `A ::= b`, `A = b:c`, and `all: A = b`, which sets a variable for a target.
        if rest.starts_with('=') || rest.starts_with(":=") || names.contains(['=', '%', '$']) {
            continue;
        }
        let needs = rest.split([';', '#', '|']).next().unwrap_or_default();
        let needs = if needs.contains('=') { "" } else { needs };
        for name in names.split_whitespace().filter(|name| !name.starts_with('.')) {
            targets.entry(name.to_owned()).or_default().extend(needs.split_whitespace().map(str::to_owned));
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_by_eye() {
        let text = "CHECK := yes\nX ::= y\nA = b:c\n.PHONY: check test\nall: build\ncheck:: lint \\\n  test # all\n\
                    test: CFLAGS = -g\ntest: main | dir\n\techo a:b\n%.o: %.c\n$(X): y\nlint a b:\n# no: x\n";
        let targets = targets(text);
        let names: Vec<&str> = targets.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "all", "b", "check", "lint", "test"]);
        assert_eq!((&targets["check"], &targets["test"]), (&vec!["lint".into(), "test".into()], &vec!["main".into()]));
    }

    #[test]
    fn what_is_defined_as_text_is_no_target() {
        let text = "define HELP\nUsage:\ntest: runs the tests\ndefine INNER =\ncheck: x\nendef\nlint: x\nendef # HELP\n\
                    override define A\ncheck:\nendef\ndefine: x\nbuild:\n";
        let targets = targets(text);
        assert_eq!(targets.keys().map(String::as_str).collect::<Vec<_>>(), ["build", "define"]);
    }
}
