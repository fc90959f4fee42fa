//! `init`: writes a config of what the project has, never over anything.

use std::path::Path;

use super::args::InitArgs;
use super::error::CliError;
use super::project::Context;
use super::{Ending, output};
use crate::config::{self, EXAMPLE, NoSupplier, Survey};
use crate::outcome::exit;
use crate::session::init::{self, InitError};
use crate::text::plain::printable;

/// Writes a config of what the project has.
pub(super) fn init(context: &Context<'_>, args: &InitArgs) -> Result<Ending, CliError> {
    if context.global.config.is_some() {
        return Err(CliError::usage(format!("`init` writes {}, and takes no --config", init::NAME))
            .or_try("-C names the directory to write it for"));
    }
    let (root, text, of_what) = match config::survey(&context.load_request())? {
        Survey::Written(path) => return Err(there(&path)),
        Survey::Detected(found) => {
            let what = format!("what was found here: {}", found.kinds.join(", "));
            (found.root, found.text, what)
        }
        Survey::Unknown { root, seen } => {
            let why = if seen.is_empty() { String::new() } else { format!(" ({})", seen.join("; ")) };
            (root, EXAMPLE.to_owned(), format!("an example to start from, since no file here says what to run{why}"))
        }
    };
    // What does not pass its own check must not be written; and its stages are named.
    let loaded = config::parse(&root, &[(init::NAME, &text)], &|_| None, &NoSupplier)?;
    if args.dry_run {
        let path = root.join(init::NAME);
        output::say(&printable(&format!("would write {}, {of_what}", path.display())));
        let _ = output::print(&text);
        return Ok(Ending::Code(exit::PASSED));
    }
    let path = init::write(&root, &text).map_err(|error| match error {
        InitError::There(path) => there(&path),
        InitError::Io(..) => CliError::infrastructure(error.to_string()),
    })?;
    let stages: Vec<&str> = loaded.pipeline.stages().values().map(|stage| stage.name.as_str()).collect();
    let program = context.program();
    output::say(&printable(&format!("wrote {}, {of_what}", path.display())));
    output::say(&format!("stages: {}", stages.join(", ")));
    output::say(&format!("next: `{program} plan` shows what would run, `{program}` runs it"));
    output::say("what is for you alone goes into local-ci.local.toml beside it; keep that one out of git");
    Ok(Ending::Code(exit::PASSED))
}

fn there(path: &Path) -> CliError {
    CliError::usage(format!("this project has a config, {}; nothing was written", path.display()))
        .or_try("`local-ci validate` checks it; to start afresh, move it away first")
}
