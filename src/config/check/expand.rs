//! `[[expand]]`: stages that plugins make, read as if they stood in the file.
//!
//! A plugin gives the JSON form of a stage's table. It is written as TOML and read like the file, so that the same is checked
//! in the same words. Its places are numbers behind those of all files; in the end each fault that has one is put where the
//! stages are asked for, since there is no text that a person could look at.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::abilities::{Plugins, Wanted, unsupplied};
use super::{command, settings};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList, Place};
use crate::config::schema::{self, Document, Stage};
use crate::config::visible::visible_line;
use crate::config::{shape, syntax};
use crate::pipeline::plugin::{Expand, GENERATED_MAX, Generated};

/// How many bytes all stages of one `[[expand]]` may take.
const BYTES_MAX: usize = 4 << 20;
/// How much of the settings of one is shown that makes nothing, in characters.
const SETTINGS_SHOWN: usize = 200;

/// Stages that were made.
#[derive(Default)]
pub(super) struct Expansion {
    pub(super) stages: Vec<(Spanned<String>, Stage)>,
    /// Whether some could not be made, so that a name may be that of one of them.
    pub(super) is_open: bool,
    origins: Vec<Origin>,
}

/// Where a stage comes from.
struct Origin {
    /// The numbers of its places.
    places: Range<usize>,
    stage: String,
    /// What makes it, and where that is asked for.
    uses: String,
    asked: Range<usize>,
}

/// Has all stages made. `end` is the first number behind the places of all files.
pub(super) fn expand(
    document: &Document,
    plugins: &mut Plugins<'_, '_>,
    end: usize,
    faults: &mut FaultList,
    warnings: &mut Vec<String>,
) -> Expansion {
    let mut expansion = Expansion::default();
    let mut next = end;
    for written in &document.expand {
        let asked = written.span();
        match &written.get_ref().uses {
            Some(uses) => {
                let made = made(uses, written, plugins, faults);
                expansion.is_open |= made.is_none();
                if made.as_ref().is_some_and(Vec::is_empty) {
                    let with = written.get_ref().with.as_ref().map(|with| with.get_ref().json(&str::to_owned));
                    warnings.push(nothing(uses.get_ref(), with.as_deref()));
                }
                for generated in made.unwrap_or_default() {
                    let origin = Origin {
                        places: next..next,
                        stage: generated.name.clone(),
                        uses: uses.get_ref().clone(),
                        asked: asked.clone(),
                    };
                    next = expansion.read(&generated, origin, faults);
                }
            }
            // What could not be read was taken out of it, and has its own fault.
            None if document.expand_spoilt => expansion.is_open = true,
            None => {
                let fault = Fault::new(Code::BadExpansion, "this does not say what makes its stages", asked, "here");
                faults.push(fault.help("say which plugin does: uses = \"members\""));
                expansion.is_open = true;
            }
        }
    }
    expansion
}

/// What is said of a table that brings no stages: a typo in its settings may be why, and then nothing is checked any more.
fn nothing(uses: &str, with: Option<&str>) -> String {
    let with = with.map_or_else(String::new, |with| {
        let short: String = with.chars().take(SETTINGS_SHOWN).collect();
        let more = if short.len() < with.len() { "…" } else { "" };
        format!(" with {}{more}", visible_line(&short))
    });
    format!("the `[[expand]]` that uses `{}`{with} makes no stages", visible_line(uses))
}

/// What the plugin makes; none where it cannot be asked.
fn made(
    uses: &Spanned<String>,
    written: &Spanned<schema::Expand>,
    plugins: &mut Plugins<'_, '_>,
    faults: &mut FaultList,
) -> Option<Vec<Generated>> {
    let before = faults.count();
    let with = written.get_ref().with.as_ref();
    for (text, span) in with.iter().flat_map(|with| with.get_ref().texts()) {
        command::text(text, "with", &span, &[], faults);
    }
    let none = BTreeMap::new();
    let params = with.map_or_else(|| "{}".to_owned(), |with| with.get_ref().json(&|text| command::fill(text, &none)));
    let chosen = plugins.choose(Wanted::Expander, uses, faults)?;
    if let Some(schema) = &chosen.kind.params {
        let given = settings::Given {
            plugin: &chosen.plugin,
            what: "with",
            settings: with,
            json: &params,
            place: uses.span(),
            described: plugins.place(&chosen.plugin),
        };
        settings::check(&given, schema, &mut plugins.judge, faults);
    }
    if faults.count() > before {
        return None;
    }
    let asked = Expand { plugin: chosen.plugin.clone(), kind: chosen.kind.name, params };
    let span = written.span();
    let bad = |text: String| Fault::new(Code::BadExpansion, text, span.clone(), "by this");
    match plugins.expand(&chosen.plugin, &asked)? {
        Err(why) => faults.push(unsupplied(why, span, "to make these stages")),
        Ok(made) if made.len() > GENERATED_MAX => {
            let text = format!("`{}` makes {} stages", visible_line(uses.get_ref()), made.len());
            faults.push(
                bad(text).help(format!("there may be {GENERATED_MAX}: give it less to look at, or split the pipeline")),
            );
        }
        Ok(made) if made.iter().map(|stage| stage.body.len()).sum::<usize>() > BYTES_MAX => {
            let text = format!("`{}` makes stages of more than {} MiB", visible_line(uses.get_ref()), BYTES_MAX >> 20);
            faults.push(bad(text).help("this is for who made the plugin to mend"));
        }
        Ok(made) => return Some(made),
    }
    None
}

impl Expansion {
    /// Reads one stage. Gives the first number behind its places.
    fn read(&mut self, generated: &Generated, origin: Origin, faults: &mut FaultList) -> usize {
        let start = origin.places.start;
        let name = Spanned::new(start..start + 1, generated.name.clone());
        let before = faults.count();
        let mut stage = None;
        let mut end = start + 1;
        match toml_of(&generated.body) {
            Ok(text) => {
                let parsed = syntax::parse(&text, end, faults);
                let mut table = Spanned::new(name.span(), DeValue::Table(parsed.table));
                stage = shape::read(&mut table, faults);
                end += text.len();
            }
            Err(why) => {
                let text = format!("it is no stage's table: {}", visible_line(&why));
                let fault = Fault::new(Code::BadExpansion, text, name.span(), "");
                faults.push(fault.help("this is for who made the plugin to mend"));
            }
        }
        let mut stage: Stage = stage.unwrap_or_default();
        stage.spoilt = faults.count() > before;
        self.stages.push((name, stage));
        self.origins.push(Origin { places: start..end + 1, ..origin });
        end + 1
    }

    /// Puts faults of stages that were made to where they are asked for, with the stage and what makes it.
    pub(super) fn place(&self, faults: &mut FaultList) {
        if self.origins.is_empty() {
            return;
        }
        let origin = |place: usize| {
            let after = self.origins.partition_point(|origin| origin.places.end <= place);
            self.origins.get(after).filter(|origin| origin.places.contains(&place))
        };
        // What is wrong with all that one table makes comes of the table, and is told of the first.
        let mut told: HashMap<(usize, String), usize> = HashMap::new();
        let mut others = vec![0_usize; faults.faults.len()];
        for (at, fault) in faults.faults.iter().enumerate() {
            if let Place::Labels(labels) = &fault.place
                && let Some(origin) = labels.first().and_then(|first| origin(first.span.start))
            {
                let first = *told.entry((origin.asked.start, fault.message.clone())).or_insert(at);
                if first != at {
                    others[first] += 1;
                    others[at] = usize::MAX;
                }
            }
        }
        for (fault, others) in faults.faults.iter_mut().zip(&others) {
            let Place::Labels(labels) = &mut fault.place else { continue };
            if let Some(first) = labels.first_mut()
                && let Some(Origin { stage, uses, .. }) = origin(first.span.start)
            {
                let (stage, uses) = (visible_line(stage), visible_line(uses));
                let more = match *others {
                    0 | usize::MAX => String::new(),
                    1 => " and another one".to_owned(),
                    more => format!(" and {more} others"),
                };
                fault.message = format!("stage `{stage}`{more}, which `{uses}` makes: {}", fault.message);
                "made by this".clone_into(&mut first.text);
            }
            let mut seen = Vec::new();
            for label in labels.iter_mut() {
                if let Some(origin) = origin(label.span.start) {
                    label.span = origin.asked.clone();
                }
            }
            labels.retain(|label| {
                let is_new = !seen.contains(&label.span);
                seen.push(label.span.clone());
                is_new
            });
        }
        let mut others = others.into_iter();
        faults.faults.retain(|_| others.next() != Some(usize::MAX));
    }
}

/// The JSON form of a table as TOML. The error says why it has none.
fn toml_of(body: &str) -> Result<String, String> {
    let value: Value = serde_json::from_str(body).map_err(|error| format!("it is no JSON: {error}"))?;
    if !value.is_object() {
        return Err("it is no JSON object".to_owned());
    }
    toml::to_string(&without_nulls(value)).map_err(|error| error.to_string())
}

/// The same without keys that have no value: that is how many languages write what is not given.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(keys) => {
            let keys = keys.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(keys.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(values) => values.into_iter().map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
