//! Who looks on: matchers and parsers of what stages print, and reporters of what happens.

use std::collections::HashSet;

use toml::Spanned;

use super::abilities::{Plugins, Wanted, what_it_has};
use super::matchers::Matchers;
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::nearest::nearest;
use crate::config::schema::Matcher;
use crate::config::value::reporter::Reporter;
use crate::config::value::scalar::Pairs;
use crate::config::visible::visible_line;
use crate::pipeline::matcher::{Annotate, BuiltIn};
use crate::pipeline::plugin::ParserUse;

/// The names that an `annotate` can have.
pub(super) struct Observers<'a> {
    /// `[matchers]`, which go first.
    pub(super) matchers: &'a Matchers,
    /// Names in `[matchers]` and `[plugins]` of which something could not be read.
    pub(super) excused: &'a HashSet<String>,
}

impl Observers<'_> {
    /// Who an `annotate` names, each once.
    pub(super) fn named(
        &self,
        names: &[Spanned<String>],
        plugins: &mut Plugins<'_, '_>,
        faults: &mut FaultList,
    ) -> Vec<Annotate> {
        let mut named = Vec::new();
        for given in names {
            if let Some(one) = self.one(given, plugins, faults)
                && !named.contains(&one)
            {
                named.push(one);
            }
        }
        named
    }

    /// None where it is nothing, which is a fault, or was one already.
    fn one(&self, given: &Spanned<String>, plugins: &mut Plugins<'_, '_>, faults: &mut FaultList) -> Option<Annotate> {
        let text = given.get_ref().as_str();
        let name = text.split(':').next().unwrap_or_default();
        if let Some(matcher) = self.matchers.get(text) {
            return matcher.clone().map(Annotate::Own);
        }
        if plugins.has(name) {
            let chosen = plugins.choose(Wanted::Parser, given, faults)?;
            let excerpt = chosen.kind.excerpt;
            return Some(Annotate::Parser(ParserUse { plugin: chosen.plugin, parser: chosen.kind.name, excerpt }));
        }
        if self.excused.contains(text) {
            return None;
        }
        let built_in = BuiltIn::find(text);
        if built_in.is_none() {
            faults.push(self.unknown(given, plugins));
        }
        built_in.map(Annotate::BuiltIn)
    }

    fn unknown(&self, given: &Spanned<String>, plugins: &Plugins<'_, '_>) -> Fault {
        let text = given.get_ref().as_str();
        let (name, parser) = text.split_at(text.find(':').unwrap_or(text.len()));
        let message = format!("there is no matcher or parser `{}`", visible_line(text));
        let label = "not in [matchers] or [plugins], and not built in";
        let fault = Fault::new(Code::UnknownParser, message, given.span(), label);
        let own = self.matchers.keys().map(String::as_str);
        let known = own.chain(BuiltIn::ALL.iter().map(|one| one.name())).chain(plugins.names());
        match nearest(name, known) {
            Some(near) => {
                // Only plugins have parts.
                let parser = if plugins.has(near) { visible_line(parser) } else { String::new() };
                fault.help(format!("did you mean `{near}{parser}`?"))
            }
            None => {
                let names: Vec<&str> = BuiltIn::ALL.iter().map(|one| one.name()).collect();
                fault.help(format!("built in are {}; your own go into [matchers]", names.join(", ")))
            }
        }
    }
}

/// That no name is both a matcher's and a plugin's: `annotate` could mean either.
pub(super) fn apart(matchers: &Pairs<Matcher>, plugins: &Plugins<'_, '_>, faults: &mut FaultList) {
    for (key, _) in matchers.0.iter().filter(|(key, _)| plugins.has(key.get_ref())) {
        let text = format!("`{}` is the name of a plugin and of a matcher", visible_line(key.get_ref()));
        let fault = Fault::new(Code::BadMatcher, text, key.span(), "also in [plugins]");
        faults.push(fault.help("`annotate` could mean either: call one of them something else"));
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
