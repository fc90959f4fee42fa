//! Go: gofmt, vet and the tests of a module, or of the modules of a workspace.

use super::directory::{Directory, Seen};
use super::draft::{Draft, Run};
use super::kind::Kind;
use crate::pipeline::matcher::BuiltIn;

/// The file of a workspace, and the one of a module.
pub(super) const MARKERS: [&str; 2] = ["go.work", "go.mod"];

/// gofmt lists what it would change and succeeds all the same. What others wrote, and what is there to be broken, is left
/// out, as `go fmt` does.
const FMT: &str = r#"unformatted=$(find . \( -name vendor -o -name testdata \) -prune -o -name '*.go' -exec gofmt -l {} +)
if [ -n "$unformatted" ]; then
    printf 'not formatted:\n%s\n' "$unformatted"
    exit 1
fi"#;

/// The stages of a directory with a `go.work` or a `go.mod`.
pub(super) fn stages(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    let Some(marker) = dir.first(&MARKERS) else { return Vec::new() };
    let Some(text) = dir.read(marker, seen) else { return Vec::new() };
    let packages = if marker == "go.work" { modules(&text) } else { vec!["./...".to_owned()] };
    if packages.is_empty() {
        seen.without_stages.push("go.work uses no module".to_owned());
        return Vec::new();
    }
    let go = |verb: &str| Run::Argv(["go", verb].map(str::to_owned).into_iter().chain(packages.clone()).collect());
    vec![
        Draft::new(Kind::Go, "fmt", "The code is formatted", Run::Script(FMT)).fix(go("fmt")),
        Draft::new(Kind::Go, "vet", "Vet has nothing to say", go("vet")).annotate(&[BuiltIn::Go]),
        Draft::new(Kind::Go, "test", "The tests pass", go("test")).annotate(&[BuiltIn::Go]),
    ]
}

/// The modules that a workspace uses, as patterns of packages: `./...` at its root would mean none of them.
fn modules(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let used = match (in_block, line.strip_prefix("use")) {
            (true, _) if line == ")" => {
                in_block = false;
                continue;
            }
            (true, _) => line,
            (false, Some(rest)) if rest.trim() == "(" => {
                in_block = true;
                continue;
            }
            (false, Some(rest)) if rest.starts_with([' ', '\t']) => rest.trim(),
            (false, _) => continue,
        };
        let module = used.trim_matches(['"', '`']).trim_end_matches('/');
        let is_path = module == "." || module.starts_with("./") || module.starts_with("../");
        if is_path && !module.contains(char::is_control) {
            modules.push(format!("{module}/..."));
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_names_its_modules() {
        let text = "go 1.22\n\nuse .\nuse ./tools // more\nuse (\n\t./a\n\t\"./b/\" // x\n)\nreplace x => ./y\n";
        assert_eq!(modules(text), ["./...", "./tools/...", "./a/...", "./b/..."]);
        assert!(modules("go 1.22\n").is_empty());
    }
}
