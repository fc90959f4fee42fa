//! Members of a Cargo workspace, as the Cargo book says: those that `members` matches and `exclude` does not, the root's own
//! package, and what members depend on by a path within the workspace.

use std::collections::{BTreeMap, BTreeSet};

use local_ci_plugin::Problem;
use toml::{Table, Value};

use crate::member::{Member, directories, join, manifest, unreadable, within};

const MANIFEST: &str = "Cargo.toml";
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Whether this manifest is a workspace's.
pub(crate) fn is_workspace(text: &str) -> bool {
    text.parse::<Table>().is_ok_and(|table| table.contains_key("workspace"))
}

/// The members of the workspace whose manifest stands in `root`.
pub(crate) fn members(root: &str) -> Result<Vec<Member>, Problem> {
    let path = within(root, MANIFEST);
    let table = parsed(&path)?;
    let Some(workspace) = table.get("workspace").and_then(Value::as_table) else {
        return Err(unreadable(&path, "there is no [workspace] in it"));
    };
    let (mut open, mut named) = (BTreeSet::new(), BTreeSet::new());
    for pattern in strings(workspace, "members") {
        open.extend(directories(root, pattern, MANIFEST, &path)?);
        named.extend(join(root, pattern));
    }
    if table.contains_key("package") {
        open.insert(root.to_owned());
    }
    let exclude: Vec<_> = strings(workspace, "exclude").filter_map(|dir| join(root, dir)).collect();
    let is_excluded = |dir: &str| {
        // What `members` names in full is a member all the same.
        !named.contains(dir) && exclude.iter().any(|excluded| is_below(dir, excluded))
    };
    let mut members: BTreeMap<String, Member> = BTreeMap::new();
    while let Some(dir) = open.pop_first() {
        if members.contains_key(&dir) || is_excluded(&dir) {
            continue;
        }
        let path = within(&dir, MANIFEST);
        let table = if dir == root { table.clone() } else { parsed(&path)? };
        open.extend(path_dependencies(&table, &dir, workspace, root).filter(|other| is_below(other, root)));
        let Some(name) = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str) else {
            return Err(unreadable(&path, "there is no package.name in it"));
        };
        members.insert(dir.clone(), Member { path: dir, name: name.to_owned(), scripts: Vec::new() });
    }
    Ok(members.into_values().collect())
}

fn parsed(path: &str) -> Result<Table, Problem> {
    let text = manifest(path)?;
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        unreadable(path, format_args!("line {line}: {}", error.message()))
    })
}

fn is_below(dir: &str, root: &str) -> bool {
    root.is_empty() || dir.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn strings<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a str> {
    table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The directories that a manifest's dependencies name: by themselves, or as the workspace says.
fn path_dependencies<'a>(
    manifest: &'a Table,
    dir: &'a str,
    workspace: &'a Table,
    root: &'a str,
) -> impl Iterator<Item = String> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(targets.filter_map(Value::as_table));
    let listed = tables.flat_map(|table| DEPENDENCIES.iter().filter_map(|&kind| table.get(kind)?.as_table()));
    listed.flat_map(Table::iter).filter_map(move |(name, dependency)| {
        let path = |of: &Value| of.get("path").and_then(Value::as_str).map(str::to_owned);
        if dependency.get("workspace").and_then(Value::as_bool) == Some(true) {
            join(root, &path(workspace.get("dependencies")?.get(name)?)?)
        } else {
            join(dir, &path(dependency)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use local_ci_plugin::mock::Host;

    use super::*;

    fn found(host: Host) -> Vec<(String, String)> {
        let members = { host }.within(|| members("")).unwrap();
        members.into_iter().map(|member| (member.name, member.path)).collect()
    }

    fn package(name: &str) -> String {
        format!("[package]\nname = {name:?}\n")
    }

    #[test]
    fn members_are_found_by_pattern_and_left_out_by_exclude() {
        let root = "[workspace]\nmembers = [\"crates/*\", \"tool/\"]\nexclude = [\"crates/old\", \"tool\"]\n";
        let host = Host::new()
            .file("Cargo.toml", root)
            .file("crates/a/Cargo.toml", package("a"))
            .file("crates/b/Cargo.toml", package("b-lib"))
            .file("crates/old/Cargo.toml", "not even toml")
            .file("crates/b/examples/deep/Cargo.toml", package("deep"))
            .file("tool/Cargo.toml", package("tool"));
        let pair = |name: &str, path: &str| (name.to_owned(), path.to_owned());
        assert_eq!(found(host), [pair("a", "crates/a"), pair("b-lib", "crates/b"), pair("tool", "tool")]);
    }

    #[test]
    fn a_package_at_the_root_and_what_members_depend_on_are_members() {
        let root = "[package]\nname = \"root\"\n[dependencies]\na = { path = \"a\" }\n[workspace]\n\
                    [workspace.dependencies]\nc = { path = \"libs/c\" }\nunused = { path = \"unused\" }\n";
        let a = package("a")
            + "[target.'cfg(unix)'.dev-dependencies]\nb = { path = \"../b\" }\nc.workspace = true\n\
                    out = { path = \"../../out\" }\nserde = \"1\"\n";
        let host = Host::new()
            .file("Cargo.toml", root)
            .file("a/Cargo.toml", a)
            .file("b/Cargo.toml", package("b"))
            .file("libs/c/Cargo.toml", package("c"));
        let names: Vec<_> = found(host).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["root", "a", "b", "c"]);
    }

    #[test]
    fn a_member_that_is_not_there_is_named() {
        let mut host = Host::new().file("Cargo.toml", "[workspace]\nmembers = [\"gone\"]\n");
        let problem = host.within(|| members("")).unwrap_err();
        assert_eq!(problem.message, "Cargo.toml: the member gone has no Cargo.toml, or git ignores it");
    }

    #[test]
    fn a_manifest_that_is_none_is_named() {
        let root = "[workspace]\nmembers = [\"a\"]\n";
        let mut host = Host::new().file("Cargo.toml", root).file("a/Cargo.toml", "[package\n");
        let problem = host.within(|| members("")).unwrap_err();
        assert_eq!(problem.code, "manifest");
        assert!(problem.message.starts_with("a/Cargo.toml: line 1: "), "{problem}");
    }
}
