//! An expander that makes a stage for each member of a workspace: of Cargo, of npm, Yarn or pnpm, or of Go. It reads manifests
//! and runs nothing.

mod cargo;
mod go;
mod member;
mod node;
mod template;

use std::collections::BTreeMap;

use local_ci_plugin::{Context, Example, ExpanderPlugin, Info, Kind, Need, Plugin, Problem, StageSpec, glob};
use serde_json::{Map, Value, json};

use crate::member::{Member, manifest_if_any, within};
use crate::template::{Place, filled, filled_value};

/// How many members a message lists.
const LISTED_MAX: usize = 12;

/// The plugin.
pub struct Members;

/// What has the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Ecosystem {
    Cargo,
    Npm,
    Pnpm,
    Go,
}

/// `with` of an `[[expand]]`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Params {
    /// A text or a list of words, as in a stage.
    run: Value,
    #[serde(default = "usual_name")]
    name: String,
    of: Option<Ecosystem>,
    #[serde(default)]
    root: String,
    only: Option<Vec<String>>,
    #[serde(default)]
    skip: Vec<String>,
    script: Option<String>,
    #[serde(default)]
    stage: Map<String, Value>,
}

fn usual_name() -> String {
    "${member}".to_owned()
}

impl Plugin for Members {
    fn info() -> Info {
        let globs =
            |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
        let params = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["run"],
            "properties": {
                "run": { "description": "The command of each stage, with ${member}, ${path} or ${slug} in it.",
                    "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] },
                "name": { "type": "string", "minLength": 1,
                    "description": "The name of each stage; ${member} without it." },
                "of": { "enum": ["cargo", "npm", "pnpm", "go"],
                    "description": "What has the members; found out without it. Yarn's are npm's." },
                "root": { "type": "string", "description": "Where the workspace is, relative to the project's directory." },
                "only": globs("Globs of paths or names: other members are left out."),
                "skip": globs("Globs of paths or names of members that are left out."),
                "script": { "type": "string", "description": "Members whose package.json has no such script are left out." },
                "stage": { "type": "object", "description": "Other keys of each stage, with ${member} and the others in them." },
            },
        });
        let package = |name: &str| format!("[package]\nname = {name:?}\n");
        Info::new("members", env!("CARGO_PKG_VERSION"), "Makes a stage for each member of a workspace")
            .expander(Kind::new("members", "A stage for each member of Cargo, npm, Yarn, pnpm or Go").params(params))
            .need(Need::files_read("**/Cargo.toml", "to find the members of a Cargo workspace"))
            .need(Need::files_read("**/package.json", "to find the members of an npm, Yarn or pnpm workspace"))
            .need(Need::files_read("**/pnpm-workspace.yaml", "to find the members of a pnpm workspace"))
            .need(Need::files_read("**/go.work", "to find the members of a Go workspace"))
            .need(Need::files_read("**/go.mod", "to know the names of Go's modules"))
            .example(
                Example::expander("makes a stage for each crate", "members")
                    .params(json!({ "run": "cargo test -p ${member}", "name": "test-${member}", "stage": { "needs": ["fmt"] } }))
                    .file("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n")
                    .file("crates/core/Cargo.toml", &package("core"))
                    .file("crates/cli/Cargo.toml", &package("cli"))
                    .makes("test-cli", json!({ "run": "cargo test -p cli", "needs": ["fmt"] }))
                    .makes("test-core", json!({ "run": "cargo test -p core", "needs": ["fmt"] })),
            )
            .example(
                Example::expander("makes a stage for each package that has the script", "members")
                    .params(json!({ "run": ["npm", "test", "-w", "${member}"], "script": "test" }))
                    .file("package.json", r#"{ "workspaces": ["packages/*"] }"#)
                    .file("packages/a/package.json", r#"{ "name": "@shop/a", "scripts": { "test": "vitest" } }"#)
                    .file("packages/b/package.json", r#"{ "name": "@shop/b" }"#)
                    .makes("shop-a", json!({ "run": ["npm", "test", "-w", "@shop/a"] })),
            )
            .example(
                Example::expander("makes a stage for each module", "members")
                    .params(json!({ "run": "go test ./...", "name": "go-${path}", "stage": { "dir": "${path}" } }))
                    .file("go.work", "go 1.24\nuse (\n\t./api\n\t./tools/gen\n)\n")
                    .file("api/go.mod", "module example.invalid/api\n")
                    .file("tools/gen/go.mod", "module example.invalid/gen\n")
                    .makes("go-api", json!({ "run": "go test ./...", "dir": "api" }))
                    .makes("go-tools-gen", json!({ "run": "go test ./...", "dir": "tools/gen" })),
            )
            .example(
                Example::expander("says what it has looked for", "members")
                    .params(json!({ "run": "true" }))
                    .has_problem("no-workspace"),
            )
    }
}

impl ExpanderPlugin for Members {
    fn expand(_kind: &str, context: &Context) -> Result<Vec<StageSpec>, Problem> {
        let params: Params = context.params()?;
        let root = member::join("", &params.root)
            .ok_or_else(|| Problem::new("params", format!("`root`: {} leads out of the project", params.root)))?;
        let ecosystem = match params.of {
            Some(ecosystem) => ecosystem,
            None => found(&root)?,
        };
        let members = match ecosystem {
            Ecosystem::Cargo => cargo::members(&root),
            Ecosystem::Npm => node::npm(&root),
            Ecosystem::Pnpm => node::pnpm(&root),
            Ecosystem::Go => go::members(&root),
        }?;
        all_known(&members, &params)?;
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut stages = Vec::new();
        for member in members.iter().filter(|member| is_wanted(member, &params)) {
            let stage = stage(member, &params).map_err(|why| Problem::new("params", why))?;
            if let Some(other) = names.insert(stage.name.clone(), member.path.clone()) {
                let what = format!(
                    "{other} and {} would both be the stage {}: have a `name` with ${{path}} in it",
                    member.path, stage.name
                );
                return Err(Problem::new("same-name", what));
            }
            stages.push(stage);
        }
        Ok(stages)
    }
}

/// Fails where a member is named that is nowhere, or a script that none has: a typo would leave out what it was to check.
/// A pattern may mean nothing today.
fn all_known(members: &[Member], params: &Params) -> Result<(), Problem> {
    let is_name = |glob: &&String| !glob.contains(['*', '?', '[', '{', '!']);
    for name in params.only.iter().flatten().chain(&params.skip).filter(is_name) {
        if !members.iter().any(|member| member.path == *name || member.name == *name) {
            let names: Vec<&str> = members.iter().take(LISTED_MAX).map(|member| member.name.as_str()).collect();
            let more = if members.len() > LISTED_MAX { " …" } else { "" };
            let what = format!("no member is called {name:?}, nor its directory: there are {}{more}", names.join(", "));
            return Err(Problem::new("no-member", what));
        }
    }
    match &params.script {
        Some(script) if !members.is_empty() && !members.iter().any(|member| member.scripts.contains(script)) => {
            Err(Problem::new("no-script", format!("no member has a script {script:?}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// What the project has, where it has one thing.
fn found(root: &str) -> Result<Ecosystem, Problem> {
    let (mut found, mut denied) = (Vec::new(), Vec::new());
    // A pipeline may grant the manifests of one kind alone: the others are not there, then.
    let mut has = |file: &str| match manifest_if_any(&within(root, file)) {
        Err(problem) if problem.code == "denied" => {
            denied.push(within(root, file));
            Ok(None)
        }
        answer => answer,
    };
    if has("Cargo.toml")?.is_some_and(|text| cargo::is_workspace(&text)) {
        found.push(("cargo", Ecosystem::Cargo));
    }
    if has(node::PNPM)?.is_some() {
        found.push(("pnpm", Ecosystem::Pnpm));
    } else if has("package.json")?.is_some_and(|text| node::is_workspace(&text)) {
        found.push(("npm", Ecosystem::Npm));
    }
    if has(go::WORK)?.is_some() {
        found.push(("go", Ecosystem::Go));
    }
    match (found.as_slice(), denied.as_slice()) {
        ([(_, one)], _) => Ok(*one),
        ([], [_, ..]) => {
            let what = format!(
                "there is no workspace in what it may read. What it may not read: {}. Grant it the manifests that are meant: \
                 files-read = [\"**/Cargo.toml\"], or those of npm, pnpm or Go",
                denied.join(", ")
            );
            Err(Problem::new("denied", what))
        }
        ([], []) => {
            let place = if root.is_empty() { "the project's directory" } else { root };
            let what = format!(
                "{place} has no workspace: neither a Cargo.toml with [workspace], a package.json with workspaces, \
                 a pnpm-workspace.yaml nor a go.work"
            );
            Err(Problem::new("no-workspace", what))
        }
        (several, _) => {
            let names: Vec<_> = several.iter().map(|(name, _)| *name).collect();
            let what = format!("there are workspaces of {}: say with `of` which one is meant", names.join(" and "));
            Err(Problem::new("several-workspaces", what))
        }
    }
}

fn is_wanted(member: &Member, params: &Params) -> bool {
    let is_one =
        |globs: &[String]| globs.iter().any(|g| glob::matches(g, &member.path) || glob::matches(g, &member.name));
    let has_script = |script: &String| member.scripts.contains(script);
    params.only.as_ref().is_none_or(|only| is_one(only))
        && !is_one(&params.skip)
        && params.script.as_ref().is_none_or(has_script)
}

fn stage(member: &Member, params: &Params) -> Result<StageSpec, String> {
    let name = filled(&params.name, member, Place::Name)?;
    let mut body = Map::new();
    for (key, value) in &params.stage {
        // A command that stands here goes to a shell as well.
        let place = match (key.as_str(), value) {
            ("fix", Value::String(_)) => Place::Shell,
            _ => Place::Plain,
        };
        // What other stages of the same expansion are called.
        let place = if key == "needs" { Place::Name } else { place };
        body.insert(key.clone(), filled_value(value, member, place)?);
    }
    let place = if params.run.is_string() { Place::Shell } else { Place::Plain };
    body.insert("run".to_owned(), filled_value(&params.run, member, place)?);
    Ok(StageSpec::new(name, Value::Object(body)))
}

local_ci_plugin::export!(Members: expander);

#[cfg(test)]
mod tests {
    use local_ci_plugin::mock::{self, Host};

    use super::*;

    fn cargo() -> Host {
        Host::new()
            .file("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\n")
            .file("a/Cargo.toml", "[package]\nname = \"alpha\"\n")
            .file("b/Cargo.toml", "[package]\nname = \"beta\"\n")
    }

    fn names(host: &mut Host, params: Value) -> Result<Vec<String>, Problem> {
        Ok(host.expand::<Members>("members", params)?.into_iter().map(|stage| stage.name).collect())
    }

    #[test]
    fn the_examples_hold() {
        mock::expander_examples::<Members>();
    }

    #[test]
    fn members_are_chosen_by_path_or_name() {
        assert_eq!(names(&mut cargo(), json!({ "run": "x", "only": ["alp*"] })).unwrap(), ["alpha"]);
        assert_eq!(names(&mut cargo(), json!({ "run": "x", "skip": ["a"] })).unwrap(), ["beta"]);
        assert_eq!(names(&mut cargo(), json!({ "run": "x", "only": [] })).unwrap(), [""; 0]);
    }

    #[test]
    fn a_member_or_a_script_that_is_nowhere_is_a_typo() {
        for (params, says) in [
            (
                json!({ "run": "x", "only": ["alhpa"] }),
                "no member is called \"alhpa\", nor its directory: there are alpha, beta",
            ),
            (
                json!({ "run": "x", "skip": ["c"] }),
                "no member is called \"c\", nor its directory: there are alpha, beta",
            ),
            (json!({ "run": "x", "script": "lnt" }), "no member has a script \"lnt\""),
        ] {
            assert_eq!(names(&mut cargo(), params).unwrap_err().message, says);
        }
        assert_eq!(names(&mut cargo(), json!({ "run": "x", "only": ["c*"] })).unwrap(), [""; 0]);
    }

    #[test]
    fn two_workspaces_want_a_word_on_which_is_meant() {
        let mut host = cargo().file("go.work", "use ./g\n").file("g/go.mod", "module g\n");
        let problem = names(&mut host, json!({ "run": "x" })).unwrap_err();
        assert_eq!(problem.message, "there are workspaces of cargo and go: say with `of` which one is meant");
        assert_eq!(names(&mut host, json!({ "run": "x", "of": "go" })).unwrap(), ["g"]);
    }

    #[test]
    fn a_workspace_may_be_below_the_project() {
        let mut host = Host::new()
            .file("rust/Cargo.toml", "[workspace]\nmembers = [\"a\"]\n")
            .file("rust/a/Cargo.toml", "[package]\nname = \"a\"\n");
        let stages = host.expand::<Members>("members", json!({ "run": "x ${path}", "root": "./rust/" })).unwrap();
        assert_eq!(stages[0].body, json!({ "run": "x rust/a" }));
        assert_eq!(names(&mut host, json!({ "run": "x", "root": ".." })).unwrap_err().code, "params");
    }

    #[test]
    fn two_members_cannot_be_one_stage() {
        let problem = names(&mut cargo(), json!({ "run": "x", "name": "test" })).unwrap_err();
        assert_eq!(problem.code, "same-name");
        assert!(problem.message.starts_with("a and b would both be the stage test"), "{problem}");
    }

    #[test]
    fn what_a_stage_needs_is_named_as_stages_are() {
        let mut host = Host::new()
            .file("package.json", r#"{ "workspaces": ["a"] }"#)
            .file("a/package.json", r#"{ "name": "@x/a" }"#);
        let params = json!({ "run": "x", "stage": { "needs": ["build-${member}"], "fix": "y ${path}", "env": { "P": "${member}" } } });
        let stages = host.expand::<Members>("members", params).unwrap();
        let expected = json!({ "run": "x", "needs": ["build-x-a"], "fix": "y a", "env": { "P": "@x/a" } });
        assert_eq!(stages[0].body, expected);
    }

    #[test]
    fn without_a_command_there_is_a_sentence() {
        let problem = names(&mut cargo(), json!({})).unwrap_err();
        assert_eq!(problem.code, "params");
        assert!(problem.message.contains("run"), "{problem}");
    }

    #[test]
    fn a_workspace_that_may_not_be_read_is_a_refusal() {
        let problem = names(&mut cargo().refusing("files-read"), json!({ "run": "x" })).unwrap_err();
        assert_eq!(problem.code, "denied");
        assert!(
            problem.message.contains("What it may not read: Cargo.toml, pnpm-workspace.yaml, package.json, go.work."),
            "{problem}"
        );
    }
}
