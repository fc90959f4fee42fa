//! What plugins can do, asked where something uses one: `NAME` and `NAME:KIND` become a kind that is there.
//!
//! Each plugin is asked for once, however many stages use it, and what is wrong with it is told once, at its own table.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::plugins::Entry;
use super::settings::{self, Judge};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::nearest::nearest;
use crate::config::supplier::{Supplier, Unsupplied};
use crate::config::visible::visible_line;
use crate::pipeline::plugin::{Abilities, Expand, Generated, Kind, Ready};

/// What a plugin is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `uses` of a stage.
    Stage,
    /// An item of `annotate`.
    Parser,
    /// `uses` of an `[[expand]]`.
    Expander,
}

impl Wanted {
    fn one(self) -> &'static str {
        match self {
            Self::Stage => "stage kind",
            Self::Parser => "parser",
            Self::Expander => "expander",
        }
    }

    fn of(self, abilities: &Abilities) -> &[Kind] {
        match self {
            Self::Stage => &abilities.stages,
            Self::Parser => &abilities.parsers,
            Self::Expander => &abilities.expanders,
        }
    }
}

/// A plugin that somebody was asked for.
struct Asked {
    ready: Ready,
    abilities: Abilities,
}

/// A kind that a plugin has.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) plugin: String,
    pub(super) kind: Kind,
}

/// The plugins of a configuration.
pub(super) struct Plugins<'a, 'd> {
    entries: &'a BTreeMap<&'d str, Entry<'d>>,
    excused: &'a HashSet<String>,
    root: &'a Path,
    supplier: &'a dyn Supplier,
    /// Nothing for one that cannot be used.
    asked: BTreeMap<String, Option<Asked>>,
    /// What was wrong with one: what is so of all of them is told once.
    told: HashSet<String>,
    /// Holds settings against their schemas.
    pub(super) judge: Judge<'a>,
}

impl<'a, 'd> Plugins<'a, 'd> {
    pub(super) fn new(
        entries: &'a BTreeMap<&'d str, Entry<'d>>,
        excused: &'a HashSet<String>,
        root: &'a Path,
        supplier: &'a dyn Supplier,
    ) -> Self {
        Self {
            entries,
            excused,
            root,
            supplier,
            asked: BTreeMap::new(),
            told: HashSet::new(),
            judge: Judge::new(supplier),
        }
    }

    /// The plugins that were asked for and can be used, by name.
    pub(super) fn ready(self) -> BTreeMap<String, Ready> {
        self.asked.into_iter().filter_map(|(name, asked)| Some((name, asked?.ready))).collect()
    }

    /// Whether `[plugins]` has this name, or would have it but for faults of its own.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name) || self.excused.contains(name)
    }

    /// The name in `[plugins]` that is most like this one.
    pub(super) fn like(&self, name: &str) -> Option<&'d str> {
        nearest(name, self.entries.keys().copied())
    }

    /// All names of `[plugins]`.
    pub(super) fn names(&self) -> impl Iterator<Item = &'d str> {
        self.entries.keys().copied()
    }

    /// The place of a plugin's table.
    pub(super) fn place(&self, name: &str) -> Range<usize> {
        self.entries.get(name).map_or(0..0, |entry| entry.key.span())
    }

    /// What `NAME` or `NAME:KIND` stands for. None where that is nothing, which is a fault, or was one already.
    pub(super) fn choose(&mut self, wanted: Wanted, given: &Spanned<String>, faults: &mut FaultList) -> Option<Chosen> {
        let text = given.get_ref().as_str();
        let (name, kind) = text.split_once(':').map_or((text, None), |(name, kind)| (name, Some(kind)));
        if !self.has(name) {
            faults.push(self.unknown(name, kind, given.span()));
            return None;
        }
        let abilities = self.abilities(name, faults)?;
        let kinds = wanted.of(abilities);
        match pick(name, kind, kinds) {
            Some(kind) => Some(Chosen { plugin: name.to_owned(), kind: kind.clone() }),
            None => {
                faults.push(no_such(wanted, name, kind, abilities, given.span()));
                None
            }
        }
    }

    fn unknown(&self, name: &str, kind: Option<&str>, span: Range<usize>) -> Fault {
        let text = format!("there is no plugin `{}`", visible_line(name));
        let fault = Fault::new(Code::UnknownPlugin, text, span, "not in [plugins]");
        let kind = kind.map_or_else(String::new, |kind| format!(":{}", visible_line(kind)));
        match self.like(name) {
            Some(near) => fault.help(format!("did you mean `{near}{kind}`?")),
            None => fault.help(format!("define it as [plugins.{}], with its source", visible_line(name))),
        }
    }

    /// What a plugin can do; none where it cannot be used, which is told at its table when it is first asked for.
    pub(super) fn abilities(&mut self, name: &str, faults: &mut FaultList) -> Option<&Abilities> {
        if !self.asked.contains_key(name) {
            let asked = self.ask(name, faults);
            self.asked.insert(name.to_owned(), asked);
        }
        self.asked.get(name)?.as_ref().map(|asked| &asked.abilities)
    }

    fn ask(&mut self, name: &str, faults: &mut FaultList) -> Option<Asked> {
        let entries = self.entries;
        let entry = entries.get(name)?;
        let plugin = entry.plugin.as_ref()?;
        let (ready, abilities) = match self.supplier.abilities(self.root, plugin) {
            Ok(answer) => answer,
            Err(why) => {
                if self.told.insert(why.why.clone()) {
                    faults.push(unsupplied(why, entry.key.span(), "this plugin"));
                }
                return None;
            }
        };
        if let Some(schema) = &abilities.config {
            let config = settings::Given {
                plugin: name,
                what: "config",
                settings: entry.written.config.as_ref(),
                json: &plugin.config,
                place: entry.key.span(),
                described: entry.key.span(),
            };
            settings::check(&config, schema, &mut self.judge, faults);
        }
        Some(Asked { ready, abilities })
    }

    /// Has a plugin make stages; none where it has faults.
    pub(super) fn expand(&self, name: &str, asked: &Expand) -> Option<Result<Vec<Generated>, Unsupplied>> {
        let plugin = self.entries.get(name)?.plugin.as_ref()?;
        Some(self.supplier.expand(self.root, plugin, asked))
    }
}

/// The fault of who answers for plugins.
pub(super) fn unsupplied(why: Unsupplied, span: Range<usize>, label: &str) -> Fault {
    let fault = Fault::new(Code::PluginFails, why.why, span, label);
    match why.help {
        Some(help) => fault.help(help),
        None => fault,
    }
}

/// The kind of this name; without one, that of the plugin's name, or the only one.
fn pick<'k>(plugin: &str, kind: Option<&str>, kinds: &'k [Kind]) -> Option<&'k Kind> {
    let named = |name: &str| kinds.iter().find(|kind| kind.name == name);
    match (kind, kinds) {
        (Some(kind), _) => named(kind),
        (None, [only]) => Some(only),
        (None, _) => named(plugin),
    }
}

fn no_such(wanted: Wanted, name: &str, kind: Option<&str>, abilities: &Abilities, span: Range<usize>) -> Fault {
    let kinds = wanted.of(abilities);
    let (one, plugin) = (wanted.one(), visible_line(name));
    let names: Vec<String> = kinds.iter().take(SHOWN).map(|kind| visible_line(&kind.name)).collect();
    let more = if kinds.len() > SHOWN { " …" } else { "" };
    let list = format!("{}{more}", names.join(", "));
    let (text, help) = match (kind, kinds) {
        (_, []) => (format!("plugin `{plugin}` has no {one}"), what_it_has(abilities)),
        (None, _) => {
            let text = format!("plugin `{plugin}` has several {one}s, and none of its own name: {list}");
            let first = names.first().map_or("", String::as_str);
            (text, format!("say which: \"{plugin}:{first}\""))
        }
        (Some(kind), _) => {
            let text = format!("plugin `{plugin}` has no {one} `{}`", visible_line(kind));
            let near = nearest(kind, kinds.iter().map(|kind| kind.name.as_str()));
            let help = match near {
                Some(near) => format!("did you mean \"{plugin}:{}\"?", visible_line(near)),
                None => format!("what it has: {list}"),
            };
            (text, help)
        }
    };
    let label = if kind.is_none() && !kinds.is_empty() { "which of them?".to_owned() } else { format!("no {one}") };
    Fault::new(Code::UnknownKind, text, span, label).help(help)
}

/// How many kinds of one plugin are listed.
const SHOWN: usize = 12;

/// What a plugin is good for, which is something else than was thought.
pub(super) fn what_it_has(abilities: &Abilities) -> String {
    let roles = [
        (!abilities.stages.is_empty(), "stage kinds, for `uses`"),
        (!abilities.parsers.is_empty(), "parsers, for `annotate`"),
        (!abilities.expanders.is_empty(), "expanders, for [[expand]]"),
        (abilities.reports, "a reporter, for [reporters]"),
    ];
    let has: Vec<&str> = roles.into_iter().filter(|(has, _)| *has).map(|(_, role)| role).collect();
    if has.is_empty() {
        "it has nothing that a pipeline could use".to_owned()
    } else {
        format!("it has {}", has.join("; "))
    }
}
