//! `plugin add`: a plugin into `local-ci.toml` and `local-ci.lock`, with what it needs granted by who adds it.

use super::{shown, stock};
use crate::cli::args::plugin::PluginAddArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::pipeline::plugin::{Grants, Limits, Plugin, Source};
use crate::session::plugins::manifest;
use crate::session::plugins::stock::{Offer, Stock};
use crate::text::plain::printable;

/// Adds a plugin.
pub(super) fn add(context: &Context<'_>, args: &PluginAddArgs) -> Result<Ending, CliError> {
    stock::refuse_locked(context, "`plugin add`")?;
    let source: Source = args
        .source
        .parse()
        .map_err(|why| CliError::usage(format!("the source {:?} cannot be used: {why}", args.source)))?;
    let mut stock = stock::open_or_begin(context)?;
    if let Some(error) = &stock.replaced {
        return Err(CliError::usage(error.to_string()));
    }
    let fresh = |name: &str| {
        let (name, source, grants, limits) = (name.to_owned(), source.clone(), Grants::default(), Limits::default());
        Plugin { name, source, grants, limits, config: "{}".to_owned(), files: Vec::new() }
    };
    let mut name = name(args, &source)?;
    // What `plugin build` calls all of them says nothing of this one.
    if args.name.is_none() && name == "plugin" && !stock.declared.plugins.contains_key(&name) {
        let own = stock.look(&fresh(&name), false)?.found.info.name;
        if is_name(&own) {
            name = own;
        }
    }
    let is_there = stock.declared.plugins.contains_key(&name);
    let plugin = match stock.declared.plugins.get(&name) {
        // What a person has written beforehand, with the grants that it is to have.
        Some(there) if there.source == source => there.clone(),
        Some(there) => {
            return Err(CliError::usage(format!("there is a plugin {name} already, from {}", there.source))
                .or_try("give the new one another name with --name, or take the other out: `local-ci plugin remove`"));
        }
        None => fresh(&name),
    };
    let offer = stock.look(&plugin, false)?;
    output::say(&shown::title(&name, &offer.found.info));
    if is_there && offer.is_locked {
        output::say(&format!("plugin {name} is there already, as it was locked"));
        return Ok(Ending::Code(exit::PASSED));
    }
    if let Some(beyond) = shown::beyond_needs(&offer.found.shape.roles) {
        output::say(beyond);
    }
    let grants = granted(context, &stock, &offer, args.yes)?;
    let begun = stock.declared.beginning.as_ref().map(|text| match text.as_str() {
        "" => "for the project had none",
        _ => "with the stages that were found here, as `local-ci init` writes them",
    });
    stock.accept(&offer, &grants)?;
    if let Some(how) = begun {
        output::say(&format!("wrote {}, {how}", stock.declared.shown()));
    }
    output::say(&format!("added plugin {name} to {} and local-ci.lock", stock.declared.shown()));
    output::say(&format!("use it there:\n{}", shown::usage(&name, &offer.found).trim_end()));
    Ok(Ending::Code(exit::PASSED))
}

/// What the plugin is granted from now on: what it has, and what it needs where who sits here, or `yes`, says so.
pub(super) fn granted(context: &Context<'_>, stock: &Stock, offer: &Offer, yes: bool) -> Result<Grants, CliError> {
    let (plugin, info) = (&offer.plugin, &offer.found.info);
    if offer.missing.is_empty() {
        return Ok(plugin.grants.clone());
    }
    output::say(&format!("it needs\n{}", shown::needs(info).trim_end()));
    let all = offer.all_grants();
    if yes || context.is_interactive() && is_granted() {
        return Ok(all);
    }
    let (name, config) = (&plugin.name, stock.declared.shown());
    let lines = if stock.declared.plugins.contains_key(name) {
        format!("[plugins.{name}.grants]\n{}", manifest::lines(&all))
    } else {
        manifest::block(name, &plugin.source, &all)
    };
    let lines: Vec<String> = lines.lines().map(|line| format!("    {}", printable(line))).collect();
    let how = format!(
        "`--yes` grants it; or write this into {config}, then `local-ci plugin update {name}`, with --as-granted where \
         you grant less:"
    );
    let kept = if stock.declared.plugins.contains_key(name) { "it was left as it was" } else { "nothing was changed" };
    Err(CliError::usage(format!("plugin {name} needs more than {config} grants; {kept}"))
        .or_try(format!("{how}\n{}", lines.join("\n"))))
}

/// Asks who sits here.
fn is_granted() -> bool {
    let answer = output::ask("grant all of this? [y/N]").unwrap_or_default();
    matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes")
}

fn name(args: &PluginAddArgs, source: &Source) -> Result<String, CliError> {
    let Some(name) = args.name.clone().or_else(|| source.suggested_name()) else {
        return Err(CliError::usage(format!("the source {source} has no name in it that a plugin can have"))
            .or_try("say how it is to be called with --name NAME"));
    };
    if is_name(&name) {
        return Ok(name);
    }
    Err(CliError::usage(format!("{name:?} cannot be a plugin's name"))
        .or_try("it has letters, digits, `.`, `_` and `-`, and begins with a letter or a digit"))
}

/// Whether a plugin can be called so.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 100
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}
