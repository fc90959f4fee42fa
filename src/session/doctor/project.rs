//! The project and its pipeline.

use super::finding::{Finding, Section};
use super::shown;
use crate::config::ConfigError;
use crate::session::prepare::Project;

/// What there is to run.
pub(super) fn section(opened: &Result<Project, ConfigError>) -> Section {
    let mut findings = Vec::new();
    match opened {
        Ok(project) => {
            let n = project.pipeline.stages().len();
            let stages = if n == 1 { "1 stage".to_owned() } else { format!("{n} stages") };
            let from = match &project.detected {
                Some(detected) => format!("no local-ci.toml, detected {}", detected.kinds.join(", ")),
                None => project.config.iter().map(|(path, _)| shown(path)).collect::<Vec<_>>().join(" with "),
            };
            findings.push(match n {
                0 => Finding::problem(format!("{}: {from}, without any stage", shown(&project.root)))
                    .cure("write one into the config"),
                _ => Finding::ok(format!("{}: {from}, {stages}", shown(&project.root))),
            });
            findings.extend(project.warnings.iter().map(Finding::warning));
        }
        Err(error) if error.is_missing_file() => findings.push(Finding::problem(error.to_string())),
        Err(error) if error.is_not_found() => {
            findings.push(Finding::warning(error.to_string()).cure("`local-ci init` writes a first config"));
        }
        Err(error) => findings.push(Finding::problem(error.to_string()).cure("`local-ci validate` shows where")),
    }
    Section { name: "project", findings }
}
