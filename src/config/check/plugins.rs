//! `[plugins.NAME]`: where each comes from and what it may do, as far as that can be seen before anybody is asked for it.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use toml::Spanned;

use super::{environment, globs};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::schema;
use crate::config::value::scalar::Pairs;
use crate::config::visible::visible_line;
use crate::pipeline::plugin::{Grants, Limits, Plugin, Source};

/// How long a plugin's name may be, in bytes: it stands in messages, in the lock file and in paths.
const NAME_MAX: usize = 100;

/// An entry of `[plugins]`.
pub(super) struct Entry<'d> {
    pub(super) key: &'d Spanned<String>,
    pub(super) written: &'d schema::Plugin,
    /// What it says; none where it has faults, so that nobody is asked for it.
    pub(super) plugin: Option<Plugin>,
}

/// Checks all entries. Of those that are excused, the source could not be read; of those that are dented, something.
pub(super) fn check<'d>(
    written: &'d Pairs<schema::Plugin>,
    excused: &HashSet<String>,
    dented: &HashSet<String>,
    files: &[PathBuf],
    faults: &mut FaultList,
) -> BTreeMap<&'d str, Entry<'d>> {
    let entries = written.0.iter().map(|(key, written)| {
        let before = faults.count();
        let plugin = one(key, written, excused.contains(key.get_ref()), faults);
        let plugin = plugin.filter(|_| faults.count() == before && !dented.contains(key.get_ref()));
        let plugin = plugin.map(|plugin| Plugin { files: files.to_owned(), ..plugin });
        (key.get_ref().as_str(), Entry { key, written, plugin })
    });
    entries.collect()
}

fn bad(value: &Spanned<String>, message: impl Into<String>) -> Fault {
    Fault::new(Code::BadPlugin, message, value.span(), "here")
}

fn one(key: &Spanned<String>, written: &schema::Plugin, is_excused: bool, faults: &mut FaultList) -> Option<Plugin> {
    let name = key.get_ref();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= NAME_MAX
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if !is_name {
        let fault = bad(key, format!("`{}` cannot be a plugin's name", visible_line(name)));
        faults.push(fault.help("it has letters, digits, `.`, `_` and `-`, and begins with a letter or a digit"));
    }
    for (what, value) in [
        ("memory", written.limits.memory.as_ref().map(|size| (size.span(), size.get_ref().0 == 0))),
        ("time", written.limits.time.as_ref().map(|time| (time.span(), time.get_ref().0.is_zero()))),
    ] {
        if let Some((span, true)) = value {
            let text = format!("`{what}` leaves the plugin nothing: it is zero");
            faults.push(Fault::new(Code::OutOfRange, text, span, "here").help("take it away for what is usual"));
        }
    }
    let grants = granted(&written.grants, faults);
    let limits = Limits {
        memory: written.limits.memory.as_ref().map(|size| size.get_ref().0),
        time: written.limits.time.as_ref().map(|time| time.get_ref().0),
    };
    let config =
        written.config.as_ref().map_or_else(|| "{}".to_owned(), |config| config.get_ref().json(&str::to_owned));
    let Some(source) = &written.source else {
        if !is_excused {
            let fault = bad(key, format!("plugin `{}` does not say where it comes from", visible_line(name)));
            faults.push(fault.help(format!("for example: source = \"path:plugins/{}\"", visible_line(name))));
        }
        return None;
    };
    match source.get_ref().parse::<Source>() {
        Ok(source) => Some(Plugin { name: name.clone(), source, grants, limits, config, files: Vec::new() }),
        Err(why) => {
            let text = format!("the source of plugin `{}` cannot be used", visible_line(name));
            faults.push(bad(source, text).help(why));
            None
        }
    }
}

/// Checks what may be done, and gives it as it is.
fn granted(written: &schema::Grants, faults: &mut FaultList) -> Grants {
    let texts = |list: &Option<Vec<Spanned<String>>>| {
        list.iter().flatten().map(|value| value.get_ref().clone()).collect::<Vec<_>>()
    };
    check_grants(written, false, faults);
    Grants {
        files_read: texts(&written.files_read),
        files_write: texts(&written.files_write),
        env: texts(&written.env),
        commands: texts(&written.commands),
        http: texts(&written.http),
        secrets: texts(&written.secrets),
        clock: written.clock.unwrap_or(false),
    }
}

/// Checks what a user allows plugins. What is not named is allowed: the pipeline grants it or not. None: nothing is named.
pub(in crate::config) fn policy(written: &schema::Grants, faults: &mut FaultList) -> Option<Grants> {
    check_grants(written, true, faults);
    let schema::Grants { files_read, files_write, env, commands, http, secrets, clock } = written;
    let lists = [files_read, files_write, env, commands, http, secrets];
    if lists.iter().all(|list| list.is_none()) && clock.is_none() {
        return None;
    }
    // `**` is every file and command, and `*` every variable and host, which only a policy can say.
    let or_all = |list: &Option<Vec<Spanned<String>>>, all: &str| match list {
        Some(list) => list.iter().map(|value| value.get_ref().clone()).collect(),
        None => vec![all.to_owned()],
    };
    Some(Grants {
        files_read: or_all(files_read, "**"),
        files_write: or_all(files_write, "**"),
        env: or_all(env, "*"),
        commands: or_all(commands, "**"),
        http: or_all(http, "*"),
        secrets: or_all(secrets, "*"),
        clock: clock.unwrap_or(true),
    })
}

/// That each value is one of its kind. What exactly a pattern permits is for who enforces it to say.
fn check_grants(written: &schema::Grants, is_policy: bool, faults: &mut FaultList) {
    for list in [&written.files_read, &written.files_write].into_iter().flatten() {
        globs::check(list, faults);
    }
    for name in [&written.env, &written.secrets].into_iter().flatten().flatten() {
        environment::check(name, "", &name.span(), faults);
    }
    for command in written.commands.iter().flatten().filter(|command| command.get_ref().trim().is_empty()) {
        let fault = bad(command, "this command has no words");
        faults.push(fault.help("for example: commands = [\"git diff --name-only --end-of-options *\"]"));
    }
    for host in written.http.iter().flatten() {
        let text = host.get_ref().as_str();
        let is_host = !text.is_empty() && !text.contains(|c: char| c == '/' || c == '@' || c.is_whitespace());
        if !is_host || text.contains('*') && !(is_policy && text == "*") {
            let fault = bad(host, format!("`{}` is no host", visible_line(text)));
            faults.push(fault.help("a host is written without a scheme or a path: http = [\"hooks.example.invalid\"]"));
        }
    }
}
