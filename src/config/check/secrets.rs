//! `[secrets]`: that each says where it comes from, in one way; and that stages name some that are there.

use std::collections::{BTreeMap, HashSet};

use toml::Spanned;

use super::globs;
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::glob::name_matcher;
use crate::config::nearest::nearest;
use crate::config::schema::Document;
use crate::config::value::origin::{self, Ways};
use crate::config::value::scalar::Pairs;
use crate::config::visible::visible_line;
use crate::pipeline::secret::{Origin, is_name};

fn bad<T>(at: &Spanned<T>, message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault::new(Code::BadSecret, message, at.span(), "here").help(help)
}

/// All entries that say where they come from, by name. Of those that are excused, something could not be read.
pub(super) fn check(
    written: &Pairs<Spanned<origin::Origin>>,
    excused: &HashSet<String>,
    faults: &mut FaultList,
) -> BTreeMap<String, Origin> {
    let mut checked = BTreeMap::new();
    for (key, origin) in &written.0 {
        let name = key.get_ref();
        if !is_name(name) {
            let text = format!("`{}` cannot be a secret's name", visible_line(name));
            faults.push(bad(
                key,
                text,
                "stages get it as a variable: letters, digits and `_`, no digit first, and no shell's own",
            ));
            continue;
        }
        let found = match origin.get_ref() {
            origin::Origin::OwnName => Some(Origin::Env(name.clone())),
            origin::Origin::Ways(ways) => way(name, origin, ways, excused.contains(name), faults),
        };
        if let Some(found) = found {
            checked.insert(name.clone(), found);
        }
    }
    checked
}

fn way(
    name: &str,
    origin: &Spanned<origin::Origin>,
    ways: &Ways,
    is_excused: bool,
    faults: &mut FaultList,
) -> Option<Origin> {
    let before = faults.count();
    let text = |value: &Spanned<String>, what: &str, faults: &mut FaultList| {
        if value.get_ref().is_empty()
            || value.get_ref().contains('\0')
            || (what == "env" && value.get_ref().contains('='))
        {
            let message = format!("`{what}` of secret `{name}` is empty, or has what it cannot have");
            faults.push(bad(
                value,
                message,
                "for example: { env = \"NPM_TOKEN\" } or { file = \"~/.config/npm-token\" }",
            ));
        }
        value.get_ref().clone()
    };
    let mut given = Vec::new();
    given.extend(ways.env.as_ref().map(|value| Origin::Env(text(value, "env", faults))));
    given.extend(ways.file.as_ref().map(|value| Origin::File(text(value, "file", faults))));
    given.extend(ways.command.as_ref().map(|words| {
        if words.get_ref().first().is_none_or(String::is_empty)
            || words.get_ref().iter().any(|word| word.contains('\0'))
        {
            let message = format!("`command` of secret `{name}` has no program, or a NUL character");
            faults.push(bad(words, message, "for example: { command = [\"pass\", \"show\", \"npm/token\"] }"));
        }
        Origin::Command(words.get_ref().clone())
    }));
    if given.is_empty() && !is_excused {
        let message = format!("secret `{name}` does not say where it comes from");
        faults.push(bad(
            origin,
            message,
            "give it one of `env`, `file` and `command`, or `true` for the variable of its name",
        ));
    } else if given.len() > 1 {
        let message = format!("secret `{name}` says more than one place where it comes from");
        faults.push(bad(origin, message, "keep one of `env`, `file` and `command`"));
    }
    given.pop().filter(|_| faults.count() == before)
}

/// The secrets that a stage names, each once.
pub(super) fn named(names: &[Spanned<String>], document: &Document, faults: &mut FaultList) -> Vec<String> {
    let mut known = Vec::new();
    for name in names {
        let defined = document.secrets.0.iter().map(|(key, _)| key.get_ref().as_str());
        let text = name.get_ref();
        if defined.clone().any(|key| key == text) || document.excused.contains(text) {
            if !known.contains(text) {
                known.push(text.clone());
            }
            continue;
        }
        let shown = visible_line(text);
        let fault =
            Fault::new(Code::UnknownSecret, format!("there is no secret `{shown}`"), name.span(), "not in [secrets]");
        faults.push(match nearest(text, defined) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help(format!("define it in [secrets], such as {shown} = true for the variable of that name")),
        });
    }
    known
}

/// `[run] mask`: globs of variables' names.
pub(super) fn mask(globs: &[Spanned<String>], faults: &mut FaultList) -> Vec<String> {
    for glob in globs {
        if let Err(why) = name_matcher(glob.get_ref()) {
            faults.push(globs::bad(glob, &why));
        }
    }
    globs.iter().map(|glob| glob.get_ref().clone()).collect()
}
