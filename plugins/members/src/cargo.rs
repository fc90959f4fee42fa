//! Members of a Cargo workspace, as the Cargo book says: those that `members` matches and `exclude` does not, the root's own
//! package, and what members depend on by a path within the workspace.

use std::collections::{BTreeMap, BTreeSet};

use local_ci_plugin::Problem;
use toml::de::{DeTable, DeValue};

use crate::member::{Member, directories, join, manifest, unreadable, within};

const MANIFEST: &str = "Cargo.toml";
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Whether this manifest is a workspace's.
pub(crate) fn is_workspace(text: &str) -> bool {
    DeTable::parse(text).is_ok_and(|table| table.get_ref().contains_key("workspace"))
}

/// The members of the workspace whose manifest stands in `root`.
pub(crate) fn members(root: &str) -> Result<Vec<Member>, Problem> {
    let path = within(root, MANIFEST);
    let text = manifest(&path)?;
    let table = parsed(&path, &text)?;
    let Some(workspace) = get_table(&table, "workspace") else {
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
        let text = manifest(&path)?;
        let table = parsed(&path, &text)?;
        let depends = path_dependencies(&table, &dir, workspace, root);
        open.extend(depends.into_iter().filter(|other| is_below(other, root)));
        let name = get_table(&table, "package").and_then(|package| get(package, "name")?.as_str());
        let Some(name) = name else {
            return Err(unreadable(&path, "there is no package.name in it"));
        };
        members.insert(dir.clone(), Member { path: dir, name: name.to_owned(), scripts: Vec::new() });
    }
    Ok(members.into_values().collect())
}

/// A table as the parser has it: to make other types of it with serde takes twice the code.
fn parsed<'i>(path: &str, text: &'i str) -> Result<DeTable<'i>, Problem> {
    let parsed = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        unreadable(path, format_args!("line {line}: {}", error.message()))
    })?;
    Ok(parsed.into_inner())
}

fn get<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a DeValue<'i>> {
    table.get(key).map(toml::Spanned::get_ref)
}

fn get_table<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    get(table, key)?.as_table()
}

fn strings<'a>(table: &'a DeTable<'_>, key: &str) -> impl Iterator<Item = &'a str> {
    let items = get(table, key).and_then(DeValue::as_array).into_iter().flat_map(|list| list.iter());
    items.filter_map(|item| item.get_ref().as_str())
}

fn is_below(dir: &str, root: &str) -> bool {
    root.is_empty() || dir.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The directories that a manifest's dependencies name: by themselves, or as the workspace says.
fn path_dependencies(manifest: &DeTable<'_>, dir: &str, workspace: &DeTable<'_>, root: &str) -> Vec<String> {
    let path = |of: &DeValue<'_>| of.as_table().and_then(|table| get(table, "path")?.as_str().map(str::to_owned));
    let shared = get_table(workspace, "dependencies");
    let mut tables = vec![manifest];
    for target in get_table(manifest, "target").into_iter().flat_map(|targets| targets.values()) {
        tables.extend(target.get_ref().as_table());
    }
    let mut dirs = Vec::new();
    for dependencies in tables.iter().flat_map(|table| DEPENDENCIES.iter().filter_map(|kind| get_table(table, kind))) {
        for (name, dependency) in dependencies {
            let dependency = dependency.get_ref();
            let of_workspace = dependency.as_table().and_then(|table| get(table, "workspace")?.as_bool());
            dirs.extend(if of_workspace == Some(true) {
                let shared = shared.and_then(|shared| get(shared, name.get_ref()));
                shared.and_then(path).and_then(|path| join(root, &path))
            } else {
                path(dependency).and_then(|path| join(dir, &path))
            });
        }
    }
    dirs
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
