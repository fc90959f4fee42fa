//! From text to TOML tables, with every fault of grammar that can be told apart and what could be read besides.
//!
//! Places come out in the common numbering of all files. It knows nothing of what the tables mean.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};
use toml_parser::Source;
use toml_parser::parser::{Event, EventKind, parse_document};

use super::code::Code;
use super::fault::{Fault, FaultList};

/// A file's tables.
#[derive(Debug, Default)]
pub(super) struct Parsed<'t> {
    pub(super) table: DeTable<'t>,
    /// The lines whose grammar is broken, as places. What stands there says nothing about what was meant.
    pub(super) broken: Vec<Range<usize>>,
}

/// Reads a file that begins at `base` in the common numbering.
pub(super) fn parse<'t>(text: &'t str, base: usize, faults: &mut FaultList) -> Parsed<'t> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut broken = Vec::new();
    let mut too_deep = false;
    let mut definitions = None;
    let mut repeated = HashSet::new();
    for error in errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        let message = error.message();
        if message.contains("recursion") {
            if !too_deep {
                too_deep = true;
                let fault = Fault::new(Code::TooDeep, "this is nested more than 80 deep", shift(&span, base), "here");
                faults.push(fault.help("nothing in a pipeline needs more than a few levels: look for a stray bracket"));
            }
            broken.push(shift(&line(text, &span), base));
        } else if message == "duplicate key" || message.starts_with("cannot extend") {
            let definitions = definitions.get_or_insert_with(|| Definitions::of(text));
            faults.push_all(duplicate(text, &span, base, definitions, &mut repeated));
        } else {
            if !too_deep {
                faults.push(grammar(message, &span, base));
            }
            broken.push(shift(&line(text, &span), base));
        }
    }
    let mut table = table.into_inner();
    if base > 0 {
        table = shift_table(table, base);
    }
    Parsed { table, broken }
}

fn grammar(message: &str, span: &Range<usize>, base: usize) -> Fault {
    let (what, expected) = match message.split_once(", expected ") {
        Some((what, expected)) => (what, Some(format!("expected {expected}"))),
        None => (message, None),
    };
    let (what, expected) = match what {
        // The parser takes a missing text for one without quotes.
        "string values must be quoted" if span.is_empty() => ("missing value", None),
        _ => (what, expected),
    };
    let fault = Fault::new(Code::Syntax, format!("this is not TOML: {what}"), shift(span, base), "here");
    match (what, expected) {
        ("missing value", _) => fault.help("write a value behind the `=`, or take the line out"),
        ("string values must be quoted", _) => fault.help("put the text into quotes: key = \"text\""),
        (_, Some(expected)) => fault.help(expected),
        (_, None) => fault,
    }
}

/// The fault of a second definition; none if it stands in a table that is itself defined twice, and was told of.
fn duplicate<'t>(
    text: &str,
    span: &Range<usize>,
    base: usize,
    definitions: &Definitions<'t>,
    repeated: &mut HashSet<Path<'t>>,
) -> Option<Fault> {
    let name = text.get(span.clone()).unwrap_or("this");
    let found = definitions.before(span);
    if let Some((path, _)) = &found {
        if (1..path.len()).any(|names| repeated.contains(&path[..names])) {
            return None;
        }
        repeated.insert((*path).clone());
    }
    let path = found.as_ref().map_or(name.to_owned(), |(path, _)| written(path));
    let fault = Fault::new(Code::Duplicate, format!("`{path}` is defined twice"), shift(span, base), "again here");
    let fault = match found {
        Some((_, first)) => fault.and(shift(&first, base), "first here"),
        None => fault,
    };
    Some(fault.help("keep one of them"))
}

fn shift(span: &Range<usize>, base: usize) -> Range<usize> {
    span.start + base..span.end + base
}

/// The lines that a place touches.
fn line(text: &str, span: &Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let start = memchr::memrchr(b'\n', &bytes[..span.start.min(bytes.len())]).map_or(0, |i| i + 1);
    let end = span.end.min(bytes.len());
    start..memchr::memchr(b'\n', &bytes[end..]).map_or(bytes.len(), |i| end + i)
}

fn shift_table(table: DeTable<'_>, base: usize) -> DeTable<'_> {
    table
        .into_iter()
        .map(|(key, value)| (Spanned::new(shift(&key.span(), base), key.into_inner()), shift_value(value, base)))
        .collect()
}

fn shift_value(value: Spanned<DeValue<'_>>, base: usize) -> Spanned<DeValue<'_>> {
    let span = shift(&value.span(), base);
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shift_table(table, base)),
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|value| shift_value(value, base)).collect::<DeArray<'_>>())
        }
        other => other,
    };
    Spanned::new(span, value)
}

/// A path without the steps that stand for values in brackets.
fn written(path: &[Cow<'_, str>]) -> String {
    let names: Vec<&str> = path.iter().map(AsRef::as_ref).filter(|name| !name.starts_with('#')).collect();
    names.join(".")
}

/// Names from the top of the file; `#` and a number stand for a value in brackets or an element of `[[…]]`.
type Path<'t> = Vec<Cow<'t, str>>;

/// Where each key and table of a file is defined first: the parser names only the second place.
struct Definitions<'t> {
    first: HashMap<Path<'t>, Range<usize>>,
    /// Tables that came into being because a longer name was defined.
    implied: HashMap<Path<'t>, Range<usize>>,
    path_at: HashMap<usize, Path<'t>>,
}

impl<'t> Definitions<'t> {
    fn of(text: &'t str) -> Self {
        let source = Source::new(text);
        let tokens = source.lex().into_vec();
        let mut events: Vec<Event> = Vec::with_capacity(tokens.len());
        parse_document(&tokens, &mut events, &mut ());
        let mut this = Self { first: HashMap::new(), implied: HashMap::new(), path_at: HashMap::new() };
        this.walk(source, &events);
        this
    }

    /// The path of the key at this place, and where the same was defined before it.
    fn before(&self, span: &Range<usize>) -> Option<(&Path<'t>, Range<usize>)> {
        let path = self.path_at.get(&span.start)?;
        let first = self.first.get(path).filter(|first| first.start < span.start);
        let first = first.or_else(|| self.implied.get(path).filter(|first| first.start < span.start))?;
        Some((path, first.clone()))
    }

    fn walk(&mut self, source: Source<'t>, events: &[Event]) {
        // What is read now stands under the last of these: the header's name, then a step for each open value.
        let mut under: Vec<Path<'t>> = vec![Vec::new()];
        let mut key: Vec<(Cow<'t, str>, Range<usize>)> = Vec::new();
        let mut value: Path<'t> = Vec::new();
        let mut header = EventKind::StdTableOpen;
        let mut steps = 0_usize;
        let mut step = || {
            steps += 1;
            Cow::Owned(format!("#{steps}"))
        };
        for event in events {
            match event.kind() {
                EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                    under = vec![Vec::new()];
                    key.clear();
                    header = event.kind();
                }
                EventKind::StdTableClose | EventKind::ArrayTableClose => {
                    let array = header == EventKind::ArrayTableOpen;
                    let mut path = self.define(&[], std::mem::take(&mut key), !array);
                    if array {
                        path.push(step());
                    }
                    under = vec![path];
                }
                EventKind::SimpleKey => {
                    let mut name = Cow::Borrowed("");
                    if let Some(raw) = source.get(event) {
                        raw.decode_key(&mut name, &mut ());
                    }
                    key.push((name, event.span().start()..event.span().end()));
                }
                EventKind::KeyValSep => {
                    let prefix = under.last().cloned().unwrap_or_default();
                    value = self.define(&prefix, std::mem::take(&mut key), true);
                }
                EventKind::InlineTableOpen | EventKind::ArrayOpen => {
                    let mut path = value.clone();
                    path.push(step());
                    value.clone_from(&path);
                    under.push(path);
                    key.clear();
                }
                EventKind::InlineTableClose | EventKind::ArrayClose => {
                    if under.len() > 1 {
                        under.pop();
                    }
                    value = under.last().cloned().unwrap_or_default();
                    key.clear();
                }
                EventKind::Newline | EventKind::ValueSep => key.clear(),
                EventKind::KeySep
                | EventKind::Scalar
                | EventKind::Whitespace
                | EventKind::Comment
                | EventKind::Error => {}
            }
        }
    }

    /// Notes that a key is defined here, and with it the tables that its name goes through.
    fn define(&mut self, under: &[Cow<'t, str>], key: Vec<(Cow<'t, str>, Range<usize>)>, once: bool) -> Path<'t> {
        let mut path = under.to_vec();
        let last = key.len();
        for (i, (name, span)) in key.into_iter().enumerate() {
            path.push(name);
            self.path_at.insert(span.start, path.clone());
            let map = if once && i + 1 == last { &mut self.first } else { &mut self.implied };
            map.entry(path.clone()).or_insert(span);
        }
        path
    }
}
