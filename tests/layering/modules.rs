//! Which module names which, read from source text; and what of it the floors forbid.
//!
//! A reference counts where it is written and, if what it names is only imported there, where it comes from: a
//! sibling reached through its parent's re-export is still a sibling.

use std::collections::{BTreeMap, BTreeSet};

use crate::floors;
use crate::tokens::{self, Token};
use crate::tree::Source;

/// A module's path from the crate's root; the root's is empty.
type Path = Vec<String>;

/// A path that a file names, and where.
#[derive(Clone, Debug)]
struct Reference {
    from: Path,
    to: Path,
    file: String,
    line: usize,
}

/// The modules of a crate and what they name.
#[derive(Default)]
struct Crate {
    modules: BTreeSet<Path>,
    references: Vec<Reference>,
    /// What a name that a module imports stands for.
    imports: BTreeMap<(Path, String), Path>,
    faults: Vec<String>,
}

/// Every arrow in `src/` that should not be there, as sentences.
pub(crate) fn faults(sources: &[Source]) -> Vec<String> {
    let mut krate = Crate::default();
    let sources: Vec<_> = sources
        .iter()
        .filter_map(|source| Some((source, module_of(&source.path)?)))
        .filter(|s| !is_tests(&s.1))
        .collect();
    krate.modules.extend(sources.iter().map(|(_, module)| module.clone()));
    for (source, module) in &sources {
        let tokens = tokens::without_tests(&tokens::tokens(&source.text));
        Reader { krate: &mut krate, file: &source.path, tokens: &tokens }.read(module);
    }
    krate.judge()
}

/// `src/plan/graph.rs` is `plan::graph`; `main` and `lib` are the root.
fn module_of(path: &str) -> Option<Path> {
    let path = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    Some(match path {
        "main" | "lib" => Path::new(),
        path => path.split('/').map(str::to_owned).collect(),
    })
}

fn is_tests(module: &Path) -> bool {
    module.iter().any(|name| name == "tests")
}

struct Reader<'a> {
    krate: &'a mut Crate,
    file: &'a str,
    tokens: &'a [Token],
}

impl Reader<'_> {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |t| &t.text)
    }

    fn read(&mut self, file_module: &Path) {
        let mut module = file_module.clone();
        // The depth of braces at which each inline module ends.
        let mut inline = Vec::new();
        let (mut depth, mut at) = (0usize, 0);
        while at < self.tokens.len() {
            match self.text(at) {
                "{" => depth += 1,
                "}" => {
                    depth = depth.saturating_sub(1);
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        module.pop();
                    }
                }
                "mod" if self.text(at + 2) == "{" => {
                    module.push(self.text(at + 1).to_owned());
                    self.krate.modules.insert(module.clone());
                    inline.push(depth);
                    depth += 1;
                    at += 2;
                }
                "use" => {
                    at = self.tree(at + 1, &module, Path::new(), true, true);
                    continue;
                }
                "crate" | "self" | "super" if self.text(at + 1) == "::" && self.text(at.wrapping_sub(1)) != "::" => {
                    at = self.tree(at, &module, Path::new(), true, false);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Reads one path, or a tree of them, that continues `path`, and returns where it ends.
    fn tree(&mut self, mut at: usize, module: &Path, mut path: Path, mut first: bool, import: bool) -> usize {
        let line = self.tokens.get(at).map_or(0, |t| t.line);
        loop {
            match self.text(at) {
                "{" if import => {
                    let end = tokens::matching(self.tokens, at);
                    at += 1;
                    while at < end {
                        at = self.tree(at, module, path.clone(), first, import);
                        // The comma, or whatever else a tree does not begin with, so that this ends.
                        at += usize::from(at < end);
                    }
                    return end + 1;
                }
                "*" if import => {
                    if self.krate.modules.contains(&path) && path.starts_with(module) && path.len() > module.len() {
                        self.krate.faults.push(format!(
                            "{}:{line}: a glob import of a child hides who uses it; name what is meant",
                            self.file
                        ));
                    }
                    self.found(module, &path, None, line);
                    return at + 1;
                }
                "crate" if first => path.clear(),
                "self" if first => path.clone_from(module),
                "self" => {}
                "super" => {
                    if first {
                        path.clone_from(module);
                    }
                    path.pop();
                }
                _ if !self.tokens.get(at).is_some_and(Token::is_word) => return at,
                name => {
                    let name = name.to_owned();
                    if first {
                        // A bare path begins with a child or an import of this module, or with another crate, and
                        // then it names nothing of ours beyond this module.
                        path.clone_from(module);
                    }
                    path.push(name);
                }
            }
            first = false;
            at += 1;
            if self.text(at) != "::" || !(self.is_path_part(at + 1)) {
                break;
            }
            at += 1;
        }
        let mut name = path.last().cloned();
        if import && self.text(at) == "as" {
            name = Some(self.text(at + 1).to_owned());
            at += 2;
        }
        self.found(module, &path, name.filter(|_| import), line);
        at
    }

    /// Whether a path goes on here: `Vec::<u8>` ends before its arguments.
    fn is_path_part(&self, at: usize) -> bool {
        matches!(self.text(at), "{" | "*") || self.tokens.get(at).is_some_and(Token::is_word)
    }

    fn found(&mut self, module: &Path, path: &Path, name: Option<String>, line: usize) {
        if let Some(name) = name {
            self.krate.imports.insert((module.clone(), name), path.clone());
        }
        let file = self.file.to_owned();
        self.krate.references.push(Reference { from: module.clone(), to: path.clone(), file, line });
    }
}

impl Crate {
    /// The modules that a path leads through: where it is looked up, then where imports lead from there.
    fn resolve(&self, path: &Path) -> Vec<Path> {
        let (mut path, mut found) = (path.clone(), Vec::new());
        // An import that leads to itself is not valid Rust; the bound only keeps a faulty tree from hanging us.
        for _ in 0..16 {
            let known = (0..=path.len()).rev().find(|n| self.modules.contains(&path[..*n])).unwrap_or(0);
            found.push(path[..known].to_vec());
            let Some(next) = path.get(known) else { break };
            let Some(target) = self.imports.get(&(path[..known].to_vec(), next.clone())) else { break };
            let target = [target.as_slice(), &path[known + 1..]].concat();
            if target == path {
                break;
            }
            path = target;
        }
        found
    }

    fn judge(mut self) -> Vec<String> {
        for module in &self.modules {
            if let [top] = module.as_slice()
                && let Some(objection) = floors::objection(top, top).filter(|o| o.contains("no floor"))
            {
                self.faults.push(format!("src/{top}: {objection}"));
            }
        }
        // Arrows between the children of one module below the top, with the place of the first.
        let mut arrows: BTreeMap<Path, BTreeMap<String, BTreeMap<String, String>>> = BTreeMap::new();
        for reference in &self.references {
            for to in self.resolve(&reference.to) {
                let from = &reference.from;
                let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                // A parent and its children may name each other.
                let (Some(a), Some(b)) = (from.get(common), to.get(common)) else { continue };
                let place = format!("{}:{}", reference.file, reference.line);
                if common == 0 {
                    if let Some(objection) = floors::objection(a, b) {
                        self.faults.push(format!("{place}: {objection}"));
                    }
                } else {
                    let siblings = arrows.entry(from[..common].to_vec()).or_default();
                    siblings.entry(a.clone()).or_default().entry(b.clone()).or_insert(place);
                }
            }
        }
        for (parent, siblings) in &arrows {
            if let Some(cycle) = cycle(siblings) {
                let steps: Vec<_> =
                    cycle.windows(2).map(|w| format!("{} names {} ({})", w[0], w[1], siblings[&w[0]][&w[1]])).collect();
                self.faults.push(format!("src/{}: a cycle of siblings: {}", parent.join("/"), steps.join(", ")));
            }
        }
        self.faults.sort();
        self.faults.dedup();
        self.faults
    }
}

/// A way from a node back to itself, if there is one, its first node repeated at the end.
fn cycle(arrows: &BTreeMap<String, BTreeMap<String, String>>) -> Option<Vec<String>> {
    fn visit(
        node: &str,
        arrows: &BTreeMap<String, BTreeMap<String, String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|n| n == node) {
            return Some(way[start..].iter().cloned().chain([node.to_owned()]).collect());
        }
        if !done.contains(node) {
            way.push(node.to_owned());
            for next in arrows.get(node).into_iter().flat_map(BTreeMap::keys) {
                if let Some(cycle) = visit(next, arrows, way, done) {
                    return Some(cycle);
                }
            }
            way.pop();
            done.insert(node.to_owned());
        }
        None
    }
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|node| visit(node, arrows, &mut Vec::new(), &mut done))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The faults of a tree of (path, text), joined.
    fn judge(files: &[(&str, &str)]) -> String {
        let sources: Vec<_> =
            files.iter().map(|(path, text)| Source { path: (*path).into(), text: (*text).into() }).collect();
        faults(&sources).join("\n")
    }

    #[test]
    fn arrows_down_and_to_the_left_are_allowed() {
        let found = judge(&[
            ("src/lib.rs", "pub mod ids; pub mod plan; pub mod cli;"),
            ("src/ids.rs", ""),
            ("src/clock.rs", "use crate::ids::RunId;"),
            ("src/plan/mod.rs", "pub mod graph; use crate::ids::{self, StageId}; fn f() { graph::f() }"),
            ("src/plan/graph.rs", "use super::Plan; use crate::plan::Other; use std::fmt;"),
            ("src/cli/mod.rs", "use crate::{ids, plan::{self, graph}}; fn f() { self::g(); }"),
            ("src/main.rs", "use local_ci::cli;"),
        ]);
        assert_eq!(found, "");
    }

    #[test]
    fn an_arrow_up_is_a_fault_however_it_is_written() {
        for text in [
            "use crate::session::Run;",
            "use crate::{ids::RunId, session};",
            "use crate::{ids::{RunId, StageId}, session::{self as s}};",
            "fn f() { let x = crate::session::Run::<u8>::new(); }",
            "fn f(x: &crate::session::Run) {}",
            "use super::session::Run;",
            "mod inner { use super::super::session::Run; }",
            "pub use crate::session::*;",
            "macro_rules! m { () => { $crate::session::f() } }",
        ] {
            let found = judge(&[("src/ids.rs", ""), ("src/session/mod.rs", ""), ("src/plan.rs", text)]);
            assert!(found.contains("src/plan.rs:1: `plan` (F2) names `session` (F8)"), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_is_no_code_is_no_arrow() {
        for text in [
            "// use crate::session::Run;",
            "/// See [`crate::session`].\nfn f() {}",
            "const A: &str = \"crate::session::Run\";",
            "#[cfg(test)]\nmod tests { use crate::session::Run; }",
        ] {
            assert_eq!(judge(&[("src/session/mod.rs", ""), ("src/plan.rs", text)]), "", "{text}");
        }
        assert_eq!(judge(&[("src/session.rs", ""), ("src/plan/tests.rs", "use crate::session::Run;")]), "");
    }

    #[test]
    fn a_later_module_of_the_same_floor_is_a_fault() {
        let found = judge(&[("src/ids.rs", "use crate::clock::Timestamp;"), ("src/clock.rs", "")]);
        assert!(found.contains("`ids` (F0) names `clock` (F0), which comes after it"), "{found}");
    }

    #[test]
    fn hands_know_nothing_of_each_other_in_either_direction() {
        for (from, to) in [("process", "journal"), ("text", "journal"), ("journal", "process")] {
            let (from_file, to_file) = (format!("src/{from}/mod.rs"), format!("src/{to}/mod.rs"));
            let found = judge(&[(&from_file, &format!("use crate::{to}::X;")), (&to_file, "")]);
            assert!(found.contains("know nothing of each other"), "{from} {to}: {found}");
        }
    }

    #[test]
    fn a_module_without_a_floor_is_a_fault_with_the_way_out() {
        let found = judge(&[("src/attic.rs", "")]);
        assert!(found.contains("`attic` stands on no floor: give it one in tests/layering/floors.rs"), "{found}");
    }

    #[test]
    fn a_cycle_of_siblings_is_a_fault() {
        let found = judge(&[
            ("src/plan/mod.rs", "mod a; mod b; mod c;"),
            ("src/plan/a.rs", "use super::b::B;"),
            ("src/plan/b.rs", "fn f() { crate::plan::c::g(); }"),
            ("src/plan/c.rs", "\nuse crate::plan::a::A;"),
        ]);
        assert_eq!(
            found,
            "src/plan: a cycle of siblings: a names b (src/plan/a.rs:1), b names c (src/plan/b.rs:1), \
             c names a (src/plan/c.rs:2)"
        );
    }

    #[test]
    fn a_cycle_through_the_parents_import_is_still_one() {
        for parent in ["mod a; mod b; pub use b::B;", "use self::b::{B as _, B};", "pub(crate) use crate::plan::b::B;"]
        {
            let found = judge(&[
                ("src/plan/mod.rs", parent),
                ("src/plan/a.rs", "use super::B; pub struct A;"),
                ("src/plan/b.rs", "use super::a::A;"),
            ]);
            assert!(found.contains("a cycle of siblings: a names b"), "{parent}: {found:?}");
        }
        let found = judge(&[("src/plan/mod.rs", "pub use a::*;"), ("src/plan/a.rs", "")]);
        assert!(found.contains("src/plan/mod.rs:1: a glob import of a child"), "{found}");
    }

    #[test]
    fn a_cycle_deeper_down_is_found_at_its_own_level() {
        let found = judge(&[
            ("src/cli/run/mod.rs", ""),
            ("src/cli/run/a.rs", "use super::b;"),
            ("src/cli/run/b.rs", "use super::a;"),
            ("src/cli/list.rs", "use super::run::a;"),
        ]);
        assert!(found.starts_with("src/cli/run: a cycle") && found.lines().count() == 1, "{found}");
    }
}
