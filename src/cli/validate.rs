//! `validate`: checks the config, every fault in one pass.

use std::path::PathBuf;

use super::args::ValidateArgs;
use super::error::CliError;
use super::project::Context;
use super::{Ending, output};
use crate::outcome::exit;
use crate::session::prepare;
use crate::text::plain::printable;

/// Checks the config.
pub(super) fn validate(context: &Context<'_>, args: &ValidateArgs) -> Result<Ending, CliError> {
    let opened = prepare::open(&context.load_request(), context.supplier());
    if args.json {
        let (faults, warnings, code) = match &opened {
            Ok(project) => (Vec::new(), project.warnings.clone(), exit::PASSED),
            Err(error) if error.is_not_found() => {
                return Err(opened.err().map_or_else(|| CliError::usage(""), Into::into));
            }
            Err(error) => (error.faults(), Vec::new(), exit::USAGE),
        };
        let document = serde_json::json!({ "valid": faults.is_empty(), "faults": faults, "warnings": warnings });
        let _ = output::print(&format!("{document:#}\n"));
        return Ok(Ending::Code(code));
    }
    let project = opened?;
    context.say_detected(&project);
    project.warnings.iter().for_each(|text| output::warning(text));
    let built_in = |at: usize| at == 0 && project.detected.is_some();
    let file = |(at, (path, _)): (usize, &(PathBuf, String))| {
        if built_in(at) { "the built-in pipeline".to_owned() } else { path.display().to_string() }
    };
    let files: Vec<String> = project.config.iter().enumerate().map(file).collect();
    let stages = match project.pipeline.stages().len() {
        1 => "1 stage".to_owned(),
        n => format!("{n} stages"),
    };
    output::say(&printable(&format!("{}: {stages}, no faults", files.join(" with "))));
    Ok(Ending::Code(exit::PASSED))
}
