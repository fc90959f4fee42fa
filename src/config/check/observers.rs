//! Plugins that look on: parsers of what stages print, and reporters of what happens.

use toml::Spanned;

use super::abilities::{Plugins, Wanted, what_it_has};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::schema::Document;
use crate::config::value::reporter::Reporter;
use crate::config::value::scalar::Pairs;
use crate::config::visible::visible_line;
use crate::pipeline::plugin::ParserUse;

/// Matchers that a later version has built in.
const LATER: &[&str] = &["rustc"];

/// The parsers of an `annotate`, each once.
pub(super) fn parsers(
    names: &[Spanned<String>],
    document: &Document,
    plugins: &mut Plugins<'_, '_>,
    faults: &mut FaultList,
) -> Vec<ParserUse> {
    let mut parsers = Vec::new();
    for given in names {
        let name = given.get_ref().split(':').next().unwrap_or_default();
        if !plugins.has(name) {
            faults.push(unknown(given, document, plugins));
            continue;
        }
        let Some(chosen) = plugins.choose(Wanted::Parser, given, faults) else { continue };
        let parser = ParserUse { plugin: chosen.plugin, parser: chosen.kind.name, excerpt: chosen.kind.excerpt };
        if !parsers.contains(&parser) {
            parsers.push(parser);
        }
    }
    parsers
}

fn unknown(given: &Spanned<String>, document: &Document, plugins: &Plugins<'_, '_>) -> Fault {
    let text = given.get_ref().as_str();
    let (name, parser) = text.split_at(text.find(':').unwrap_or(text.len()));
    let message = format!("there is no parser `{}`", visible_line(text));
    let fault = Fault::new(Code::UnknownParser, message, given.span(), "not a plugin in [plugins]");
    if LATER.contains(&text) || document.matchers.contains_key(text) {
        return fault.help("matchers come with a later version; for now `annotate` takes parsers of plugins");
    }
    match plugins.like(name) {
        Some(near) => fault.help(format!("did you mean `{near}{}`?", visible_line(parser))),
        None => fault.help("`annotate` takes parsers of plugins: NAME or NAME:PARSER, with NAME an entry of [plugins]"),
    }
}

/// The plugins that are told of events, in the order of the file.
pub(super) fn reporters(
    written: &Pairs<Spanned<Reporter>>,
    plugins: &mut Plugins<'_, '_>,
    faults: &mut FaultList,
) -> Vec<String> {
    let mut reporters = Vec::new();
    for (key, _) in written.0.iter().filter(|(_, reporter)| reporter.get_ref().0) {
        let name = key.get_ref();
        if !plugins.has(name) {
            let text = format!("there is no plugin `{}`", visible_line(name));
            let fault = Fault::new(Code::UnknownPlugin, text, key.span(), "not in [plugins]");
            faults.push(match plugins.like(name) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!("define it as [plugins.{}], with its source", visible_line(name))),
            });
            continue;
        }
        let Some(abilities) = plugins.abilities(name, faults) else { continue };
        if abilities.reports {
            reporters.push(name.clone());
        } else {
            let text = format!("plugin `{}` is no reporter", visible_line(name));
            let fault = Fault::new(Code::UnknownKind, text, key.span(), "takes no events");
            faults.push(fault.help(what_it_has(abilities)));
        }
    }
    reporters
}
