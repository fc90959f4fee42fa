//! Changing `[plugins]` of a config without touching anything else in it: comments, order and blanks stay as they are.
//!
//! Text in, text out. A plugin's tables are put in and taken out as lines, for that keeps every other byte; what is written
//! in another way (`plugins = { … }`, `hygiene.source = …`) is changed as a document.

use std::ops::Range;

use toml_edit::{Document, DocumentMut, Formatted, InlineTable, Item, Table, TableLike, Value};

use crate::pipeline::plugin::{Grants, Source};
use crate::plugin::authority::Key;

/// How long a line with grants may get, in bytes; beyond it they have a table of their own.
const LINE_MAX: usize = 100;

/// Why a config cannot be changed, as the rest of a sentence that begins with its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is no TOML.
    #[error("is no TOML; `local-ci validate` shows where")]
    Broken,
    /// It has a plugin of this name.
    #[error("has a plugin {0} already")]
    There(String),
    /// It has no plugin of this name.
    #[error("has no plugin {0}")]
    Missing(String),
    /// `plugins`, or an entry of it, is no table.
    #[error("has something else than tables in `plugins`; `local-ci validate` shows where")]
    NoTable,
}

/// Whether a config has a plugin of this name.
pub fn declares(text: &str, name: &str) -> bool {
    let Ok(document) = Document::parse(text) else { return false };
    let plugins = document.as_table().get("plugins").and_then(Item::as_table_like);
    plugins.is_some_and(|plugins| plugins.contains_key(name))
}

/// The config with one more plugin: behind the others, or at its end.
pub fn with_plugin(text: &str, name: &str, source: &Source, grants: &Grants) -> Result<String, ManifestError> {
    if declares(text, name) {
        return Err(ManifestError::There(name.to_owned()));
    }
    let document = Document::parse(text).map_err(|_| ManifestError::Broken)?;
    let plugins = document.as_table().get("plugins");
    let is_open = plugins.is_none_or(|item| item.as_table().is_some_and(|table| !table.is_dotted()));
    if !is_open {
        return with_entry(text, name, source, grants);
    }
    let last = plugins.map(|item| blocks(text, item)).unwrap_or_default().into_iter().map(|block| block.end).max();
    let at = last.unwrap_or(text.len());
    let (before, after) = text.split_at(at);
    let break_before = match before {
        "" => "",
        before if before.ends_with("\n\n") => "",
        before if before.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    // What stands behind has its own blank line before it, or is what a person put there without one.
    let new = format!("{before}{break_before}{}{after}", block(name, source, grants));
    // Whatever is odd about this config, it is not to be broken by us.
    if declares(&new, name) { Ok(new) } else { with_entry(text, name, source, grants) }
}

/// The same where `plugins` is a value.
fn with_entry(text: &str, name: &str, source: &Source, grants: &Grants) -> Result<String, ManifestError> {
    let mut document: DocumentMut = text.parse().map_err(|_| ManifestError::Broken)?;
    let plugins = document.as_table_mut().get_mut("plugins").and_then(Item::as_table_like_mut);
    let mut entry = InlineTable::new();
    entry.insert("source", source.to_string().into());
    if *grants != Grants::default() {
        entry.insert("grants", Value::InlineTable(inline(grants)));
    }
    plugins.ok_or(ManifestError::NoTable)?.insert(name, Item::Value(Value::InlineTable(entry)));
    Ok(document.to_string())
}

/// The config with these grants for a plugin, in the place of those that it has.
pub fn with_grants(text: &str, name: &str, grants: &Grants) -> Result<String, ManifestError> {
    let mut document: DocumentMut = text.parse().map_err(|_| ManifestError::Broken)?;
    let plugins = document.as_table_mut().get_mut("plugins").ok_or(ManifestError::Missing(name.to_owned()))?;
    let plugins = plugins.as_table_like_mut().ok_or(ManifestError::NoTable)?;
    let entry = plugins.get_mut(name).ok_or(ManifestError::Missing(name.to_owned()))?;
    let entry = entry.as_table_like_mut().ok_or(ManifestError::NoTable)?;
    match entry.get_mut("grants").and_then(Item::as_table_like_mut) {
        None => {
            entry.insert("grants", Item::Value(Value::InlineTable(inline(grants))));
        }
        Some(table) => {
            for key in Key::ALL {
                set(table, key, grants);
            }
        }
    }
    Ok(document.to_string())
}

fn set(table: &mut dyn TableLike, key: Key, grants: &Grants) {
    let values = key.values(grants);
    let name = key.as_str();
    if values.is_empty() {
        table.remove(name);
        return;
    }
    // What stands there already keeps its way of being written.
    let there: Option<Vec<&str>> =
        table.get(name).and_then(Item::as_array).and_then(|array| array.iter().map(Value::as_str).collect());
    if there.is_some_and(|there| there == values) {
        return;
    }
    let decor = table.get(name).and_then(Item::as_value).map(|value| value.decor().clone());
    let mut value = value(key, &values);
    if let Some(decor) = decor {
        *value.decor_mut() = decor;
    }
    match table.get_mut(name) {
        Some(item) => *item = Item::Value(value),
        None => {
            table.insert(name, Item::Value(value));
        }
    }
}

/// The config without a plugin.
pub fn without(text: &str, name: &str) -> Result<String, ManifestError> {
    let missing = || ManifestError::Missing(name.to_owned());
    let document = Document::parse(text).map_err(|_| ManifestError::Broken)?;
    let plugins = document.as_table().get("plugins").and_then(Item::as_table_like).ok_or_else(missing)?;
    let mut blocks = blocks(text, plugins.get(name).ok_or_else(missing)?);
    if blocks.is_empty() {
        let mut document: DocumentMut = text.parse().map_err(|_| ManifestError::Broken)?;
        let plugins = document.as_table_mut().get_mut("plugins").and_then(Item::as_table_like_mut);
        plugins.ok_or(ManifestError::NoTable)?.remove(name);
        return Ok(document.to_string());
    }
    blocks.sort_by_key(|block| block.start);
    let mut new = text.to_owned();
    for block in blocks.into_iter().rev() {
        new = cut(&new, &block);
    }
    Ok(new)
}

/// The lines of a plugin's tables: header, keys, and the comment right above. Empty where it is written in another way.
fn blocks(text: &str, item: &Item) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    collect(text, item, &mut blocks);
    blocks
}

fn collect(text: &str, item: &Item, blocks: &mut Vec<Range<usize>>) {
    match item {
        Item::Table(table) => {
            if let (Some(header), Some(_), false) = (table.span(), table.position(), table.is_dotted()) {
                let end = last_value(table).unwrap_or(header.start).max(header.start);
                blocks.push(with_comment(text, header.start)..line_end(text, end));
            }
            table.iter().for_each(|(_, item)| collect(text, item, blocks));
        }
        Item::ArrayOfTables(tables) => {
            tables.iter().for_each(|table| collect(text, &Item::Table(table.clone()), blocks));
        }
        Item::Value(_) | Item::None => {}
    }
}

/// Where the last value ends that stands below a header, its dotted keys included.
fn last_value(table: &Table) -> Option<usize> {
    let ends = table.iter().filter_map(|(_, item)| match item {
        Item::Value(value) => value.span().map(|span| span.end),
        Item::Table(dotted) if dotted.is_dotted() => last_value(dotted),
        Item::Table(_) | Item::ArrayOfTables(_) | Item::None => None,
    });
    ends.max()
}

/// Where the comment begins that stands right above this line, or the line.
fn with_comment(text: &str, at: usize) -> usize {
    let mut start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    while start > 0 {
        let above = text[..start - 1].rfind('\n').map_or(0, |at| at + 1);
        // Editors read this one at the top of the file.
        if !text[above..start].trim_start().starts_with('#') || text[above..].starts_with("#:schema") {
            break;
        }
        start = above;
    }
    start
}

/// Behind the line that this byte is in.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// The text without these lines, nor the blank lines before them where there would be some twice.
fn cut(text: &str, lines: &Range<usize>) -> String {
    let (mut before, mut after) = (&text[..lines.start], &text[lines.end..]);
    let is_blank = |line: &str| line.trim().is_empty();
    let ends_here = after.is_empty() || after.lines().next().is_some_and(is_blank);
    if before.is_empty() {
        after = after.trim_start_matches(['\n', '\r']);
    } else if ends_here {
        let kept = before.trim_end_matches(['\n', '\r', ' ', '\t']).len();
        before = &before[..line_end(before, kept.min(before.len().saturating_sub(1)))];
    }
    format!("{before}{after}")
}

/// A plugin's tables, as they are written into a config.
pub fn block(name: &str, source: &Source, grants: &Grants) -> String {
    let name = key(name);
    let mut text = format!("[plugins.{name}]\nsource = {}\n", quoted(&source.to_string()));
    if *grants == Grants::default() {
        return text;
    }
    let line = format!("grants ={}\n", Value::InlineTable(inline(grants)).decorated(" ", ""));
    if line.len() <= LINE_MAX {
        text.push_str(&line);
    } else {
        text = format!("{text}[plugins.{name}.grants]\n{}", lines(grants));
    }
    text
}

/// Grants as lines: those of a table.
pub fn lines(grants: &Grants) -> String {
    let given = Key::ALL.into_iter().filter(|key| !key.values(grants).is_empty());
    let line = |key: Key| format!("{} ={}\n", key.as_str(), value(key, &key.values(grants)).decorated(" ", ""));
    given.map(line).collect::<Vec<_>>().concat()
}

fn inline(grants: &Grants) -> InlineTable {
    let mut table = InlineTable::new();
    for key in Key::ALL {
        let values = key.values(grants);
        if !values.is_empty() {
            table.insert(key.as_str(), value(key, &values));
        }
    }
    table
}

fn value(key: Key, values: &[String]) -> Value {
    match key {
        Key::Clock => Value::Boolean(Formatted::new(true)),
        _ => values.iter().map(String::as_str).collect(),
    }
}

/// A name as a key: bare where it can be.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string().trim().to_owned()
}

#[cfg(test)]
mod tests;
