//! Members of npm, Yarn and pnpm workspaces: `workspaces` of package.json, and `packages` of pnpm-workspace.yaml. Patterns
//! that begin with `!` take members away again.

use local_ci_plugin::{Problem, glob};
use serde_json::Value;

use crate::member::{Member, directories, join, manifest, unreadable, within};

const MANIFEST: &str = "package.json";
/// Where pnpm says it.
pub(crate) const PNPM: &str = "pnpm-workspace.yaml";

/// Whether this package.json is a workspace's.
pub(crate) fn is_workspace(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|json| json.get("workspaces").is_some())
}

/// The members that the package.json in `root` names.
pub(crate) fn npm(root: &str) -> Result<Vec<Member>, Problem> {
    let path = within(root, MANIFEST);
    let json = parsed(&path)?;
    let workspaces = json.get("workspaces");
    // Yarn has an object with `packages`.
    let listed = workspaces.and_then(|workspaces| workspaces.get("packages")).or(workspaces);
    let Some(listed) = listed.and_then(Value::as_array) else {
        return Err(unreadable(&path, "there is no list of `workspaces` in it"));
    };
    let patterns: Vec<_> = listed.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    members(root, &patterns, &path)
}

/// The members that the pnpm-workspace.yaml in `root` names, and the root's own package, as pnpm has it.
pub(crate) fn pnpm(root: &str) -> Result<Vec<Member>, Problem> {
    let path = within(root, PNPM);
    let patterns = packages(&manifest(&path)?).map_err(|why| unreadable(&path, why))?;
    members(root, &patterns, &path)
}

fn members(root: &str, patterns: &[String], said_by: &str) -> Result<Vec<Member>, Problem> {
    let mut dirs: Vec<String> = Vec::new();
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) => {
                let pattern = join(root, pattern).unwrap_or_default();
                dirs.retain(|dir| !glob::matches(&pattern, dir));
            }
            None => dirs.extend(directories(root, pattern, MANIFEST, said_by)?),
        }
    }
    dirs.sort();
    dirs.dedup();
    let member = |dir: String| {
        let json = parsed(&within(&dir, MANIFEST))?;
        let name = json.get("name").and_then(Value::as_str).unwrap_or(&dir).to_owned();
        let scripts = json.get("scripts").and_then(Value::as_object);
        let scripts = scripts.map(|scripts| scripts.keys().cloned().collect()).unwrap_or_default();
        Ok(Member { path: dir, name, scripts })
    };
    dirs.into_iter().map(member).collect()
}

fn parsed(path: &str) -> Result<Value, Problem> {
    serde_json::from_str(&manifest(path)?).map_err(|error| unreadable(path, error))
}

/// The `packages` of a pnpm-workspace.yaml: a list of texts, one below the other or in brackets. That is all of YAML that
/// these files use there; anything else is an error that shows the line.
fn packages(text: &str) -> Result<Vec<String>, String> {
    let mut lines = (1u32..).zip(text.lines().map(without_comment)).filter(|(_, line)| !line.trim().is_empty());
    let start = lines.find_map(|(number, line)| Some((number, line.strip_prefix("packages:")?)));
    let Some((number, rest)) = start else { return Err("there are no `packages` in it".to_owned()) };
    let rest = rest.trim();
    if let Some(open) = rest.strip_prefix('[') {
        let mut list = open.to_owned();
        while !list.contains(']') {
            let Some((_, line)) = lines.next() else {
                return Err(format!("line {number}: the bracket is not closed"));
            };
            list.push_str(line);
        }
        let list = list.split(']').next().unwrap_or_default();
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        return items
            .map(|item| unquoted(item).ok_or_else(|| format!("line {number}: {item} is no plain text")))
            .collect();
    }
    if !rest.is_empty() {
        return Err(format!("line {number}: `packages` is no list"));
    }
    let mut packages = Vec::new();
    for (number, line) in lines {
        let item = line.trim_start();
        match item.strip_prefix("- ") {
            Some(item) => {
                let item = unquoted(item.trim()).ok_or_else(|| format!("line {number}: {line} is no plain text"))?;
                packages.push(item);
            }
            // The next key of the file.
            None if item.len() == line.len() && item.contains(':') => break,
            None => return Err(format!("line {number}: {item} is no item of a list")),
        }
    }
    Ok(packages)
}

/// The line up to a `#` that no quotes are around.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (i, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return line[..i].trim_end(),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
        before = c;
    }
    line.trim_end()
}

fn unquoted(item: &str) -> Option<String> {
    for quote in ['\'', '"'] {
        if let Some(rest) = item.strip_prefix(quote) {
            let inner = rest.strip_suffix(quote)?;
            return (!inner.contains([quote, '\\'])).then(|| inner.to_owned());
        }
    }
    // Anchors, tags, nested lists and maps are no globs.
    let is_plain =
        !item.starts_with(['&', '*', '[', '{', '|', '>']) || item.starts_with("**") || item.starts_with("*/");
    (is_plain && !item.contains(": ")).then(|| item.to_owned())
}

#[cfg(test)]
mod tests {
    use local_ci_plugin::mock::Host;

    use super::*;

    fn workspace() -> Host {
        Host::new()
            .file("packages/a/package.json", r#"{ "name": "@shop/a", "scripts": { "test": "x", "lint": "y" } }"#)
            .file("packages/b/package.json", r#"{ "private": true }"#)
            .file("packages/b/node_modules/c/package.json", r#"{ "name": "c" }"#)
            .file("packages/skip/package.json", r#"{ "name": "skip" }"#)
    }

    fn named(members: Result<Vec<Member>, Problem>) -> Vec<(String, String)> {
        members.unwrap().into_iter().map(|member| (member.name, member.path)).collect()
    }

    #[test]
    fn npm_and_yarn_name_members_by_pattern() {
        let expected =
            [("@shop/a".to_owned(), "packages/a".to_owned()), ("packages/b".to_owned(), "packages/b".to_owned())];
        for listed in
            [r#"["packages/*", "!packages/skip"]"#, r#"{ "packages": ["./packages/**", "!./packages/skip"] }"#]
        {
            let mut host = workspace().file("package.json", format!(r#"{{ "workspaces": {listed} }}"#));
            let members = host.within(|| npm(""));
            assert_eq!(members.as_ref().unwrap()[0].scripts, ["lint", "test"]);
            assert_eq!(named(members), expected, "{listed}");
        }
    }

    #[test]
    fn pnpm_names_members_in_its_own_file() {
        let yaml = "# members\npackages:\n  - 'packages/*' # all\n  - \"!packages/skip\"\ncatalog:\n  x: 1\n";
        let mut host = workspace().file(PNPM, yaml);
        assert_eq!(named(host.within(|| pnpm("")))[0].0, "@shop/a");
        assert_eq!(named(host.within(|| pnpm(""))).len(), 2);
    }

    #[test]
    fn lists_of_yaml_are_read_in_either_form() {
        let table: [(&str, &[&str]); 5] = [
            ("packages:\n- a\n- b/*\n", &["a", "b/*"]),
            ("packages: [a, 'b', \"c/**\"]\nother: 1", &["a", "b", "c/**"]),
            ("packages: [a,\n  b\n]", &["a", "b"]),
            ("packages: [] # none", &[]),
            ("x: 1\npackages:\n\n  - '#a'\n  - **/b\n", &["#a", "**/b"]),
        ];
        for (yaml, expected) in table {
            assert_eq!(packages(yaml).unwrap(), expected, "{yaml}");
        }
    }

    #[test]
    fn other_yaml_is_refused_with_its_line() {
        let table = [
            ("catalog: {}\n", "there are no `packages` in it"),
            ("packages: all\n", "line 1: `packages` is no list"),
            ("packages:\n  - a\n  b\n", "line 3: b is no item of a list"),
            ("packages:\n  - &x a\n", "line 2:   - &x a is no plain text"),
            ("packages: [a\n", "line 1: the bracket is not closed"),
        ];
        for (yaml, expected) in table {
            assert_eq!(packages(yaml).unwrap_err(), expected, "{yaml}");
        }
    }

    #[test]
    fn a_manifest_that_is_none_is_named() {
        let mut host = Host::new().file("package.json", r#"{ "workspaces": ["a"] }"#).file("a/package.json", "{");
        let problem = host.within(|| npm("")).unwrap_err();
        assert!(problem.message.starts_with("a/package.json: "), "{problem}");
    }
}
