//! What each stage of a pipeline would need, and whether it is there.

use std::ffi::OsStr;
use std::path::Path;

use super::ask::{Answer, Answers, QuestionId, Questions};
use super::finding::{Finding, Section};
use super::need::{Need, base, needs};
use super::shown;
use crate::config;
use crate::env::{self, Env};
use crate::pipeline::{Action, Placement, Stage};
use crate::session::prepare::Project;

/// A stage, as far as it was looked at before tools were asked.
struct Examined {
    name: String,
    needs: Vec<(Need, QuestionId)>,
    findings: Vec<Finding>,
}

/// All stages.
pub(super) struct Stages {
    stages: Vec<Examined>,
    /// Whether the project says which toolchain of Rust it is built with: what others have says little then.
    is_toolchain_pinned: bool,
}

/// Looks at each stage, and collects what is to be asked.
pub(super) fn examine(project: &Project, env: &Env, asked: &mut Questions) -> Stages {
    let is_toolchain_pinned =
        ["rust-toolchain.toml", "rust-toolchain"].iter().any(|name| project.root.join(name).is_file());
    let stages = project.pipeline.stages().values();
    Stages { stages: stages.map(|stage| one(stage, &project.root, env, asked)).collect(), is_toolchain_pinned }
}

fn one(stage: &Stage, root: &Path, env: &Env, asked: &mut Questions) -> Examined {
    let mut examined = Examined { name: stage.name.to_string(), needs: Vec::new(), findings: Vec::new() };
    let find = |finding: Finding| vec![finding.of_stage(stage.name.as_str())];
    if let Placement::Remote(remote) = &stage.placement {
        examined.findings =
            find(Finding::ok(format!("runs on {remote}, which `local-ci remote check {remote}` looks at")));
        return examined;
    }
    if let Some(systems) = stage.when.os.as_ref().filter(|all| !all.iter().any(|os| os == std::env::consts::OS)) {
        examined.findings = find(Finding::ok(format!("runs on {} only", systems.join(" or "))));
        return examined;
    }
    let Action::Run(command) = &stage.action else { return examined };
    let dir = root.join(&stage.dir);
    if !dir.is_dir() {
        let text = format!("its directory {} is not there", shown(&dir));
        examined.findings = find(Finding::problem(text).cure("make it, or correct the stage's `dir`"));
        return examined;
    }
    let path = stage.env.get(env::PATH).map(OsStr::new).or(env.get(env::PATH));
    for need in needs(command) {
        let question = asked.add_from(&need.program, need.arguments.clone(), path, &dir);
        examined.needs.push((need, question));
    }
    let runs_scripts = |need: &(Need, QuestionId)| ["npm", "pnpm", "yarn", "bun"].contains(&base(&need.0.program));
    if examined.needs.iter().any(runs_scripts) {
        examined.findings.extend(uninstalled(&dir, root).map(|finding| finding.of_stage(stage.name.as_str())));
    }
    examined
}

/// A package whose dependencies are not there.
fn uninstalled(dir: &Path, root: &Path) -> Option<Finding> {
    let text = "the dependencies of package.json are not installed: there is no node_modules";
    config::uninstalled(dir, root).map(|install| Finding::problem(text).cure(install))
}

impl Stages {
    /// What was found of each.
    pub(super) fn section(self, answers: &Answers) -> Section {
        let mut findings = Vec::new();
        for stage in self.stages {
            let before = findings.len();
            let mut versions: Vec<String> = Vec::new();
            let has_more = stage.needs.len() > 1;
            for (need, question) in &stage.needs {
                match judge(need, answers.of(*question), self.is_toolchain_pinned) {
                    Err(finding) => findings.push(finding.of_stage(&stage.name)),
                    // A shell goes without saying where it is not all there is.
                    Ok(_) if has_more && ["sh", "bash"].contains(&base(&need.program)) => {}
                    Ok(version) => versions.push(version),
                }
            }
            findings.extend(stage.findings);
            if findings.len() == before && !versions.is_empty() {
                findings.push(Finding::ok(versions.join(", ")).of_stage(&stage.name));
            }
        }
        Section { name: "stages", findings }
    }
}

/// What an answer means for who needs it: its version, or what is wrong.
fn judge(need: &Need, answer: &Answer, is_toolchain_pinned: bool) -> Result<String, Finding> {
    let with_cure = |finding: Finding| match &need.cure {
        Some(cure) => finding.cure(cure.as_str()),
        None => finding,
    };
    match answer {
        Answer::Version { text, path: _ } => {
            let name = base(&need.program);
            let is_named = text.to_ascii_lowercase().contains(spoken(name));
            Ok(if is_named { text.clone() } else { format!("{name} {text}") })
        }
        Answer::NotAsked(path) => Ok(shown(path)),
        Answer::Silent { path, why } => {
            let text = format!("{} does not work: {why}", question(need, path));
            let is_toolchain = base(&need.program).starts_with("cargo");
            Err(with_cure(if need.must_answer && !(is_toolchain && is_toolchain_pinned) {
                Finding::problem(text)
            } else {
                Finding::warning(text)
            }))
        }
        // That the machine is busy makes no stage fail.
        Answer::Slow(path) => Err(Finding::warning(format!("{} takes more than 2 s", question(need, path)))),
        Answer::Missing(why) => {
            let why = why.lines().next().unwrap_or_default();
            Err(with_cure(if need.is_certain { Finding::problem(why) } else { Finding::warning(why) }))
        }
    }
}

/// What a tool calls itself: `python3` is Python, and `cargo-clippy` clippy.
fn spoken(name: &str) -> &str {
    name.trim_start_matches("cargo-").trim_end_matches(|c: char| c.is_ascii_digit())
}

/// What was asked, as it would be typed.
fn question(need: &Need, path: &Path) -> String {
    let arguments = need.arguments.as_deref().unwrap_or_default().join(" ");
    format!("`{} {arguments}`", shown(path))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::pipeline::Command;

    fn judged(argv: &[&str], answer: &Answer, pinned: bool) -> (Level, Option<String>) {
        let argv = Command::Argv(argv.iter().map(|word| (*word).to_owned()).collect());
        let need = needs(&argv).pop().unwrap();
        match judge(&need, answer, pinned) {
            Ok(_) => (Level::Ok, None),
            Err(finding) => (finding.level, finding.cure),
        }
    }

    #[test]
    fn what_makes_a_stage_fail_is_a_problem_with_its_cure() {
        let missing = Answer::Missing("command not found: x".into());
        let silent = Answer::Silent { path: "/x".into(), why: "not installed".into() };
        let cure = |cure: &str| Some(cure.to_owned());
        assert_eq!(judged(&["some-tool"], &missing, false), (Level::Problem, None));
        let clippy = cure("rustup component add clippy");
        assert_eq!(judged(&["cargo", "clippy"], &missing, false), (Level::Problem, clippy.clone()));
        assert_eq!(judged(&["cargo", "clippy"], &silent, false), (Level::Problem, clippy.clone()));
        assert_eq!(judged(&["cargo", "clippy"], &silent, true), (Level::Warning, clippy));
        assert_eq!(judged(&["cargo", "deny"], &missing, false).0, Level::Warning);
        let pytest = cure("python3 -m pip install pytest");
        assert_eq!(judged(&["python3", "-m", "pytest"], &silent, true), (Level::Problem, pytest));
        let slow = Answer::Slow("/x".into());
        assert_eq!(judged(&["python3", "-m", "pytest"], &slow, false), (Level::Warning, None));
        assert_eq!(judged(&["make", "x"], &silent, false).0, Level::Warning);
        assert_eq!(judged(&["make", "x"], &Answer::NotAsked("/x".into()), false).0, Level::Ok);
    }

    #[test]
    fn a_package_without_its_dependencies_is_a_problem() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let of = || uninstalled(dir.path(), dir.path()).map(|finding| finding.cure.unwrap());
        assert_eq!(of(), None);
        write("package.json", r#"{ "devDependencies": {} }"#);
        assert_eq!(of(), None);
        write("package.json", r#"{ "devDependencies": { "x": "1" } }"#);
        assert_eq!(of().as_deref(), Some("npm install"));
        write("package-lock.json", "{}");
        assert_eq!(of().as_deref(), Some("npm ci"));
        write("pnpm-lock.yaml", "");
        assert_eq!(of().as_deref(), Some("pnpm install"));
        write("bun.lockb", "");
        assert_eq!(of().as_deref(), Some("bun install"));
        write("package.json", r#"{ "devDependencies": { "x": "1" }, "packageManager": "yarn@4.0.0" }"#);
        assert_eq!(of().as_deref(), Some("yarn install"));
        std::fs::create_dir(dir.path().join("node_modules")).unwrap();
        assert_eq!(of(), None);
    }
}
