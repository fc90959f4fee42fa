//! `plugin update`: fetches plugins anew and locks what they are now; with `--locked`, only what is locked already.

use super::{add, shown, stock};
use crate::cli::args::plugin::PluginUpdateArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::plugin::authority::covers;
use crate::plugin::lock::Entry;
use crate::session::plugins::stock::Stock;
use crate::text::plain::printable;

/// Updates plugins: all of them, where none is named.
pub(super) fn update(context: &Context<'_>, args: &PluginUpdateArgs) -> Result<Ending, CliError> {
    let mut stock = stock::open(context)?;
    let mut names = args.plugins.clone();
    for name in &names {
        stock.declared.find(name)?;
    }
    if let Some(error) = &stock.replaced {
        if context.global.locked {
            return Err(CliError::usage(error.to_string()));
        }
        output::warning(&format!("{error}; now all plugins are locked anew"));
        names.clear();
    }
    let is_all = names.is_empty();
    if is_all {
        names = stock.declared.plugins.keys().cloned().collect();
    }
    if names.is_empty() {
        output::say(&printable(&format!("{} has no plugins", stock.declared.shown())));
    }
    let mut failed: Option<CliError> = None;
    for name in &names {
        if let Err(error) = one(context, &mut stock, name, args) {
            // One that cannot be had keeps no other from being updated.
            if let Some(earlier) = failed.replace(error) {
                output::fault(&earlier, context.global.color.unwrap_or_default(), context.env);
            }
        }
    }
    if is_all && !context.global.locked {
        for name in stock.tidy()? {
            output::say(&printable(&format!("{name}: no longer in local-ci.lock, for no config has it")));
        }
    }
    failed.map_or(Ok(Ending::Code(exit::PASSED)), Err)
}

fn one(context: &Context<'_>, stock: &mut Stock, name: &str, args: &PluginUpdateArgs) -> Result<(), CliError> {
    let plugin = stock.declared.find(name)?.clone();
    let before = stock.lock().plugins.get(name).cloned();
    let offer = stock.look(&plugin, context.global.locked)?;
    let (name, version) = (printable(name), shown::line(&offer.found.info.version));
    if offer.is_locked {
        output::say(&format!("{name} {version}: as it was locked"));
        return Ok(());
    }
    let grants = if offer.is_approved || args.as_granted {
        plugin.grants.clone()
    } else {
        output::say(&shown::title(&name, &offer.found.info));
        add::granted(context, stock, &offer, args.yes)?
    };
    stock.accept(&offer, &grants)?;
    let is_other = |before: &Entry| {
        before.version != offer.found.info.version
            || before.blake3.as_ref().is_some_and(|hash| *hash != offer.found.hash)
            || before.source != plugin.source.to_string()
    };
    let Some(before) = before.filter(is_other) else {
        output::say(&format!("{name} {version}: locked"));
        return Ok(());
    };
    let hash =
        |hash: Option<&str>| hash.and_then(|hash| hash.get(..12)).map(|hash| format!(", {hash}")).unwrap_or_default();
    output::say(&format!(
        "{name} {version}{}: locked, it was {}{} from {}",
        hash(Some(&offer.found.hash)),
        shown::line(&before.version),
        hash(before.blake3.as_deref()),
        shown::line(&before.source)
    ));
    // What was granted to what was there before stays; who reads this may want it back.
    let beyond = covers(&grants, &offer.found.needs);
    let beyond: Vec<String> =
        beyond.iter().map(|one| format!("{} {}", one.key.as_str(), shown::line(&one.value))).collect();
    if !beyond.is_empty() {
        output::say(&format!("  it is granted what it does not ask for: {}", beyond.join("; ")));
    }
    Ok(())
}
