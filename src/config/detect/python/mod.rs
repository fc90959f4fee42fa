//! Python: ruff, mypy and tests where the project's files say that it uses them, in the environment that they name.

mod facts;
mod suite;

use super::directory::{Directory, Seen};
use super::draft::{Draft, Run};
use super::kind::Kind;
use crate::pipeline::matcher::BuiltIn;
use facts::Facts;
use suite::Runner;

pub(super) use facts::is_marker;

/// The stages of a directory with Python's files.
pub(super) fn stages(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    let Some(facts) = Facts::read(dir, seen) else { return Vec::new() };
    let mut stages = Vec::new();
    let stage = |name, description, run| Draft::new(Kind::Python, name, description, run);
    if let Some(why) = &facts.ruff {
        let ruff = |arguments: &str| facts.tool(dir, "ruff", arguments);
        stages.push(stage("fmt", "The code is formatted", ruff("format --check .")).fix(ruff("format .")).why(why));
        stages.push(
            stage("lint", "Ruff has nothing to say", ruff("check ."))
                .fix(ruff("check --fix ."))
                .annotate(&[BuiltIn::Ruff]),
        );
    }
    if let Some((why, names_files)) = &facts.mypy {
        let arguments = if *names_files { "" } else { " ." };
        stages.push(
            stage("typecheck", "The types fit", facts.module(&format!("mypy{arguments}")))
                .why(why)
                .annotate(&[BuiltIn::Mypy]),
        );
    }
    match suite::runner(dir, &facts) {
        Some(Runner::Pytest(why)) => {
            stages.push(stage("test", "The tests pass", facts.module("pytest")).why(why).annotate(&[BuiltIn::Pytest]));
        }
        Some(Runner::Unittest { place }) => {
            let arguments = format!("unittest discover{place}");
            let why = "The tests are written for unittest, and nothing says that the project uses pytest.";
            stages
                .push(stage("test", "The tests pass", facts.module(&arguments)).why(why).annotate(&[BuiltIn::Python]));
        }
        None => {}
    }
    if stages.is_empty() {
        let marker = facts.marker;
        seen.without_stages.push(format!("{marker} configures neither ruff nor mypy, and no tests are here"));
    }
    stages
}

impl Facts {
    /// A tool that is a program by itself.
    fn tool(&self, dir: &Directory<'_>, tool: &str, arguments: &str) -> Run {
        let program = match self.environment {
            facts::Environment::Uv => format!("uv run {tool}"),
            facts::Environment::Poetry => format!("poetry run {tool}"),
            facts::Environment::Venv if dir.has(&format!(".venv/bin/{tool}")) => format!(".venv/bin/{tool}"),
            facts::Environment::Venv | facts::Environment::Plain => tool.to_owned(),
        };
        Run::words(&format!("{program} {arguments}"))
    }

    /// A module that is run by the project's interpreter.
    fn module(&self, arguments: &str) -> Run {
        let python = match self.environment {
            facts::Environment::Uv => "uv run python",
            facts::Environment::Poetry => "poetry run python",
            facts::Environment::Venv => ".venv/bin/python",
            // Not every system has a `python`, and an environment that is active has both.
            facts::Environment::Plain => "python3",
        };
        Run::words(&format!("{python} -m {arguments}"))
    }
}
