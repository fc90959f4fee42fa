//! Settings against the schema that their plugin has for them: each misfit at the very key.

use std::collections::HashSet;
use std::ops::Range;

use toml::Spanned;

use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::supplier::{Aspect, Misfit, Supplier};
use crate::config::value::written::{Found, Settings};
use crate::config::visible::visible_line;

/// Settings of a plugin, or of a use of it.
pub(super) struct Given<'a> {
    /// The plugin's name.
    pub(super) plugin: &'a str,
    /// The key that they stand under.
    pub(super) what: &'static str,
    /// As they are written; none: they are not.
    pub(super) settings: Option<&'a Spanned<Settings>>,
    /// The same as the plugin gets them.
    pub(super) json: &'a str,
    /// Where they would stand.
    pub(super) place: Range<usize>,
    /// Where the plugin is described, whose fault a broken schema is.
    pub(super) described: Range<usize>,
}

/// Holds settings against schemas.
pub(super) struct Judge<'a> {
    supplier: &'a dyn Supplier,
    /// Plugins with schemas that are none, and were told of.
    broken: HashSet<(String, String)>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(supplier: &'a dyn Supplier) -> Self {
        Self { supplier, broken: HashSet::new() }
    }
}

/// How many misfits of one table are shown: a schema that has nothing to do with it has one for each key.
const MISFITS_MAX: usize = 20;

/// Checks settings. Says whether they fit.
pub(super) fn check(given: &Given<'_>, schema: &str, judge: &mut Judge<'_>, faults: &mut FaultList) -> bool {
    let misfits = match judge.supplier.misfits(schema, given.json) {
        Ok(misfits) => misfits,
        Err(why) => {
            // The plugin's fault, not that of who uses it; and the same for all who do.
            if judge.broken.insert((given.plugin.to_owned(), schema.to_owned())) {
                let (plugin, what) = (visible_line(given.plugin), given.what);
                let text = format!("plugin `{plugin}` has a JSON schema for `{what}` that {why}");
                let fault = Fault::new(Code::PluginFails, text, given.described.clone(), "this plugin");
                faults.push(fault.help("this is for who made it to mend"));
            }
            return false;
        }
    };
    for misfit in misfits.iter().take(MISFITS_MAX) {
        faults.push(fault(given, misfit));
    }
    misfits.is_empty()
}

fn fault(given: &Given<'_>, misfit: &Misfit) -> Fault {
    let what = given.what;
    let found = given.settings.and_then(|settings| settings.get_ref().find(&misfit.pointer));
    let (subject, span) = match (found, given.settings) {
        (Some(Found { path, key, value }), _) => {
            let span = match misfit.aspect {
                Aspect::Key => key,
                Aspect::Value => value,
            };
            (format!("{what}.{}", visible_line(&path)), span)
        }
        (None, Some(settings)) => (what.to_owned(), settings.span()),
        (None, None) => (what.to_owned(), given.place.clone()),
    };
    let text = format!("`{subject}` {}", misfit.message);
    let fault = Fault::new(Code::BadSettings, text, span, format!("settings of plugin {}", visible_line(given.plugin)));
    match &misfit.help {
        Some(help) => fault.help(help.clone()),
        None => fault,
    }
}
