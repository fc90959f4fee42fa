//! From TOML tables to the typed [`Document`], with every value that does not fit.
//!
//! Each stage is read by itself. What cannot be read is taken out and becomes a fault, and the rest is read again,
//! until it fits: so one pass finds all, and what comes later sees only sound values.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error, ValueDeserializer};

use super::code::Code;
use super::fault::{Fault, FaultList};
use super::schema::{Document, Matcher, Stage};
use super::value::scalar::Pairs;
use super::wording::{self, Taken};

/// How many values are read again at most after faults in one table. Nobody's file comes near it; without it, a table
/// of a million faults would be read a hundred times.
const READ_AGAIN_MAX: usize = 1_000_000;

/// From this length on, an array with a fault is taken out whole.
const LONG_ARRAY: usize = 1_000;

/// Reads a value as `T`, taking out what does not fit. `None` if nothing of it does.
pub(super) fn read<T: DeserializeOwned>(value: &mut Spanned<DeValue<'_>>, faults: &mut FaultList) -> Option<T> {
    let mut read_again = 0_usize;
    loop {
        let error = match T::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let taken = error.span().and_then(|span| take_out(value, &span, None));
        let Some(taken) = taken else {
            faults.push(unplaced(&error, value.span()));
            return None;
        };
        faults.push(wording::fault(&error, &taken));
        read_again = read_again.saturating_add(size(value.get_ref()));
        if faults.is_full() || read_again > READ_AGAIN_MAX {
            // There may be more; nobody has looked.
            faults.left_out += 1;
            return None;
        }
    }
}

/// How many values a value is made of.
fn size(value: &DeValue<'_>) -> usize {
    match value {
        DeValue::Table(table) => 1 + table.values().map(|value| size(value.get_ref())).sum::<usize>(),
        DeValue::Array(array) => 1 + array.iter().map(|value| size(value.get_ref())).sum::<usize>(),
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => 1,
    }
}

/// Takes out the entry whose key or value is at this place.
fn take_out<'t>(
    value: &mut Spanned<DeValue<'t>>,
    span: &Range<usize>,
    key: Option<&Spanned<String>>,
) -> Option<Taken<'t>> {
    match value.get_mut() {
        DeValue::Table(table) => {
            let at = |(key, value): (&Spanned<_>, &Spanned<_>)| key.span() == *span || value.span() == *span;
            let found = table.iter().find(|(key, value)| at((*key, *value))).map(|(key, _)| key.get_ref().to_string());
            if let Some(name) = found {
                let (key, value) = table.remove_entry(name.as_str())?;
                let key = Spanned::new(key.span(), name);
                return Some(Taken { key, element: false, value });
            }
            let long = |value: &DeValue<'_>| value.as_array().is_some_and(|array| array.len() > LONG_ARRAY);
            let mut whole = None;
            for (key, value) in table.iter_mut() {
                // Only tables and arrays have something in them.
                if !(value.get_ref().is_table() || value.get_ref().is_array()) {
                    continue;
                }
                let key = Spanned::new(key.span(), key.get_ref().to_string());
                if let Some(taken) = take_out(value, span, Some(&key)) {
                    if !long(value.get_ref()) {
                        return Some(taken);
                    }
                    whole = Some((key, taken));
                    break;
                }
            }
            let (key, taken) = whole?;
            table.remove(key.get_ref().as_str());
            Some(taken)
        }
        DeValue::Array(array) => {
            let Some(index) = array.iter().position(|value| value.span() == *span) else {
                return array.iter_mut().find_map(|value| take_out(value, span, key));
            };
            let mut values: Vec<_> = std::mem::replace(array, DeArray::new()).into_iter().collect();
            let value = values.remove(index);
            *array = values.into_iter().collect();
            Some(Taken { key: key?.clone(), element: true, value })
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            None
        }
    }
}

fn unplaced(error: &Error, span: Range<usize>) -> Fault {
    Fault::new(Code::WrongType, error.message(), error.span().unwrap_or(span), "here")
}

/// Reads a whole file's tables, taking out of them what does not fit.
pub(super) fn document(table: &mut DeTable<'_>, faults: &mut FaultList) -> Document {
    // The stages are taken out and put back, so that the rest is not read again for each of their faults.
    let stages = table.iter().position(|(key, value)| key.get_ref() == "stages" && value.get_ref().is_table());
    let stages = stages.and_then(|_| table.remove_entry("stages"));
    let named: HashSet<String> = ["remotes", "plugins", "secrets", "matchers"]
        .iter()
        .filter_map(|name| table.get(*name)?.get_ref().as_table())
        .flat_map(|table| table.keys().map(|key| key.get_ref().to_string()))
        .collect();
    let written = ["remotes", "plugins", "secrets", "matchers"].map(|name| sizes(table, name));
    let whole = plugin_sizes(table);
    let expands = expand_size(table);
    let mut rest = Spanned::new(0..0, DeValue::Table(std::mem::take(table)));
    let mut document: Document = read(&mut rest, faults).unwrap_or_default();
    if let DeValue::Table(rest) = rest.into_inner() {
        *table = rest;
    }
    let kept = ["remotes", "plugins", "secrets", "matchers"].map(|name| sizes(table, name));
    document.expand_spoilt = expand_size(table) != expands;
    let left = plugin_sizes(table);
    document.dented =
        whole.into_iter().filter(|(name, size)| left.get(name) != Some(size)).map(|(name, _)| name).collect();
    // A host, a source or a pattern may have been among what was taken out.
    let is_whole = |table: usize, name: &String| written[table].get(name) == kept[table].get(name);
    let remotes =
        document.remotes.0.iter().filter(|(name, remote)| remote.host.is_some() || is_whole(0, name.get_ref()));
    let plugins =
        document.plugins.0.iter().filter(|(name, plugin)| plugin.source.is_some() || is_whole(1, name.get_ref()));
    let secrets = document.secrets.0.iter().filter(|(name, _)| is_whole(2, name.get_ref()));
    let matchers = document.matchers.0.iter().filter(|(name, matcher)| {
        let Matcher { pattern, patterns, file, .. } = matcher;
        pattern.is_some() || patterns.is_some() || file.is_some() || is_whole(3, name.get_ref())
    });
    let names = remotes.map(|(name, _)| name).chain(plugins.map(|(name, _)| name)).chain(secrets.map(|(name, _)| name));
    let names = names.chain(matchers.map(|(name, _)| name));
    let read: HashSet<&str> = names.map(|name| name.get_ref().as_str()).collect();
    document.excused = named.into_iter().filter(|name| !read.contains(name.as_str())).collect();
    if let Some((key, mut value)) = stages {
        if let DeValue::Table(stages) = value.get_mut() {
            document.stages = read_stages(stages, faults);
        }
        table.insert(key, value);
    }
    document
}

/// How many keys each table in this one has.
fn sizes(table: &DeTable<'_>, name: &str) -> HashMap<String, usize> {
    let tables = table.get(name).and_then(|tables| tables.get_ref().as_table()).into_iter().flatten();
    tables.filter_map(|(name, table)| Some((name.get_ref().to_string(), table.get_ref().as_table()?.len()))).collect()
}

/// How many values stand in the table of each plugin, however deep.
fn plugin_sizes(table: &DeTable<'_>) -> HashMap<String, usize> {
    let tables = table.get("plugins").and_then(|tables| tables.get_ref().as_table()).into_iter().flatten();
    tables.map(|(name, value)| (name.get_ref().to_string(), size(value.get_ref()))).collect()
}

/// How many keys all tables of `[[expand]]` have.
fn expand_size(table: &DeTable<'_>) -> usize {
    let tables = table.get("expand").and_then(|tables| tables.get_ref().as_array()).into_iter().flatten();
    tables.map(|table| table.get_ref().as_table().map_or(0, DeTable::len)).sum()
}

fn read_stages(stages: &mut DeTable<'_>, faults: &mut FaultList) -> Pairs<Stage> {
    let mut read_stages = Vec::with_capacity(stages.len());
    for (key, value) in stages.iter_mut() {
        let name = Spanned::new(key.span(), key.get_ref().to_string());
        let before = faults.count();
        let stage = if value.get_ref().is_table() {
            read(value, faults)
        } else {
            faults.push(wording::not_a_stage(&name, value));
            // An empty table in its place reads as a stage without faults of its own.
            *value.get_mut() = DeValue::Table(DeTable::new());
            None
        };
        let mut stage: Stage = stage.unwrap_or_default();
        stage.spoilt = faults.count() > before;
        read_stages.push((name, stage));
    }
    // A table that is opened after one of its own subtables moves behind others; the file's order is by place.
    read_stages.sort_by_key(|(name, _)| name.span().start);
    Pairs(read_stages)
}
