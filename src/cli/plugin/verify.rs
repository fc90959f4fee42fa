//! `plugin verify`: whether plugins are what was locked and approved. Fetches nothing and changes nothing.

use std::sync::Arc;

use serde_json::json;

use super::{shown, stock};
use crate::cli::args::plugin::PluginVerifyArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::session::plugins::Rules;
use crate::session::plugins::pin::is_pinned;
use crate::session::plugins::resolve::{Resolver, host};
use crate::text::plain::printable;

/// Verifies plugins: all of them, where none is named.
pub(super) fn verify(context: &Context<'_>, args: &PluginVerifyArgs) -> Result<Ending, CliError> {
    let stock = stock::open(context)?;
    if let Some(error) = &stock.replaced {
        return Err(CliError::usage(error.to_string()));
    }
    let declared = &stock.declared;
    let plugins = match args.plugins.as_slice() {
        [] => declared.plugins.values().collect(),
        names => names.iter().map(|name| declared.find(name)).collect::<Result<Vec<_>, _>>()?,
    };
    let resolver =
        Resolver::new(host(context.env), context.env, Rules { is_locked: true, ..Rules::default() }, Arc::new(|_| {}));
    if declared.plugins.is_empty() {
        output::say(&printable(&format!("{} has no plugins", declared.shown())));
    }
    let mut is_sound = true;
    let mut verified = Vec::new();
    for plugin in plugins {
        match resolver.find(&declared.root, plugin) {
            found if args.json => {
                is_sound &= found.is_ok();
                verified.push(json!({
                    "name": plugin.name,
                    "source": plugin.source.to_string(),
                    "bytes_locked": is_pinned(&plugin.source),
                    "version": found.as_ref().ok().map(|found| &found.info.version),
                    "problem": found.as_ref().err().map(ToString::to_string),
                }));
            }
            Ok(found) => {
                let version = shown::line(&found.info.version);
                // A part of the project is what the project says.
                let how =
                    if is_pinned(&plugin.source) { "" } else { " (a part of the project: its bytes are not locked)" };
                output::say(&format!("ok      {} {version}{how}", printable(&plugin.name)));
            }
            Err(trouble) => {
                is_sound = false;
                output::say(&printable(&format!("FAILED  {}: {}", plugin.name, trouble.why)));
                for line in trouble.help.iter().flat_map(|help| help.lines()) {
                    output::say(&printable(&format!("        {line}")));
                }
            }
        }
    }
    if args.json {
        let document =
            json!({ "schema_version": crate::event::SCHEMA_VERSION, "sound": is_sound, "plugins": verified });
        let _ = output::print(&format!("{document:#}\n"));
    }
    if args.plugins.is_empty() {
        let stale = stock.lock().plugins.keys().filter(|name| !declared.plugins.contains_key(*name));
        for name in stale {
            output::warning(&format!(
                "local-ci.lock has {name}, which no config has; `local-ci plugin update` drops it"
            ));
        }
    }
    Ok(Ending::Code(if is_sound { exit::PASSED } else { exit::USAGE }))
}
