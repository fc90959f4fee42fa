//! Members of a Go workspace: the modules that `use` names in go.work.

use local_ci_plugin::Problem;

use crate::member::{Member, join, manifest, unreadable, within};

/// Where Go says it.
pub(crate) const WORK: &str = "go.work";

/// The modules that the go.work in `root` uses. Those outside of the project are left out.
pub(crate) fn members(root: &str) -> Result<Vec<Member>, Problem> {
    let path = within(root, WORK);
    let mut members = Vec::new();
    for used in used(&manifest(&path)?) {
        let Some(dir) = join(root, &used) else { continue };
        let path = within(&dir, "go.mod");
        let text = manifest(&path)?;
        let name = words(&text).find_map(|words| match words.as_slice() {
            [keyword, name] if keyword == "module" => Some(name.clone()),
            _ => None,
        });
        let name = name.ok_or_else(|| unreadable(&path, "there is no `module` in it"))?;
        members.push(Member { path: dir, name, scripts: Vec::new() });
    }
    members.sort();
    members.dedup();
    Ok(members)
}

/// The directories of `use ./a` and `use ( … )`.
fn used(text: &str) -> Vec<String> {
    let (mut used, mut within_use) = (Vec::new(), false);
    for words in words(text) {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["use", "("] => within_use = true,
            [")"] => within_use = false,
            [dir] if within_use => used.push((*dir).to_owned()),
            ["use", dir] => used.push((*dir).to_owned()),
            _ => {}
        }
    }
    used
}

/// The words of each line that has any. Comments begin with `//`; quotes are taken off, and brackets are words.
fn words(text: &str) -> impl Iterator<Item = Vec<String>> {
    let spaced = |line: &str| {
        let line = line.split("//").next().unwrap_or_default().replace('(', " ( ").replace(')', " ) ");
        line.split_whitespace().map(|word| word.trim_matches(['"', '`']).to_owned()).collect::<Vec<_>>()
    };
    text.lines().map(spaced).filter(|words| !words.is_empty()).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use local_ci_plugin::mock::Host;

    use super::*;

    #[test]
    fn modules_are_those_that_are_used() {
        let work = "go 1.24\n\nuse ./tool // one\nuse(\n\t\"./lib/a\"\n\t// ./old\n\t./lib/b\n\t../outside\n)\nreplace x => ./y\n";
        let mut host = Host::new()
            .file("go.work", work)
            .file("tool/go.mod", "module example.invalid/tool\n\ngo 1.24\n")
            .file("lib/a/go.mod", "// A.\nmodule \"example.invalid/a\" // a\n")
            .file("lib/b/go.mod", "module b\n");
        let members = host.within(|| members("")).unwrap();
        let names: Vec<_> = members.iter().map(|m| (m.name.as_str(), m.path.as_str())).collect();
        assert_eq!(names, [("example.invalid/a", "lib/a"), ("b", "lib/b"), ("example.invalid/tool", "tool")]);
    }

    #[test]
    fn a_module_that_is_not_there_is_named() {
        let mut host = Host::new().file("go.work", "use ./a\n");
        let problem = host.within(|| members("")).unwrap_err();
        assert_eq!(problem.message, "a/go.mod: there is no such file");
    }
}
