//! Settings against the JSON schema that their plugin has for them (draft 2020-12, or what `$schema` says).
//!
//! A schema is foreign: it reaches no network and no file, and neither its size nor the ways in which it refers to itself can
//! keep us busy. `effort` walks a schema and a value as a validator would, counting, before one does.

mod effort;
#[cfg(test)]
mod tests;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, PatternOptions, ValidationError};
use serde_json::Value;

use crate::config::{Aspect, Misfit};
use crate::plan::nearest;

/// The largest schema, in bytes.
const SCHEMA_MAX: usize = 256 << 10;
/// The largest value, in bytes: that of a whole configuration.
const VALUE_MAX: usize = 4 << 20;
/// How large one pattern may become, in bytes.
const PATTERN_MAX: usize = 1 << 20;
/// How many misfits are told.
const MISFITS_MAX: usize = 100;
/// How many words a message lists.
const WORDS_MAX: usize = 12;

/// What of a value does not fit a schema, both as JSON texts. The error says what is wrong with the schema, as the end of a
/// sentence that begins with "a schema that".
pub fn misfits(schema: &str, value: &str) -> Result<Vec<Misfit>, String> {
    if schema.len() > SCHEMA_MAX {
        return Err(format!("is larger than {} KiB", SCHEMA_MAX >> 10));
    }
    if value.len() > VALUE_MAX {
        return Err(format!("cannot be held against settings of more than {} MiB", VALUE_MAX >> 20));
    }
    let schema: Value = serde_json::from_str(schema).map_err(|error| format!("is no JSON: {error}"))?;
    let value: Value = serde_json::from_str(value).map_err(|error| format!("was given no JSON: {error}"))?;
    effort::bounded(&schema, &value)?;
    let patterns = PatternOptions::regex().size_limit(PATTERN_MAX).dfa_size_limit(PATTERN_MAX);
    let validator = jsonschema::options()
        .offline()
        .with_pattern_options(patterns)
        .build(&schema)
        .map_err(|error| format!("is none: {}", shortened(&error.to_string())))?;
    let mut misfits = Vec::new();
    for error in validator.iter_errors(&value).take(MISFITS_MAX) {
        tell(&error, &schema, &mut misfits);
    }
    Ok(misfits)
}

/// Says what does not fit.
fn tell(error: &ValidationError<'_>, schema: &Value, misfits: &mut Vec<Misfit>) {
    let pointer = error.instance_path().to_string();
    let found = error.instance();
    let mut value = |message: String, help: Option<String>| {
        misfits.push(Misfit { pointer: pointer.clone(), aspect: Aspect::Value, message, help });
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let known = siblings(error, schema);
            for key in unexpected.iter().take(MISFITS_MAX) {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                let message = "is no setting that there is".to_owned();
                misfits.push(Misfit { pointer, aspect: Aspect::Key, message, help: meant(key, &known) });
            }
        }
        ValidationErrorKind::FalseSchema => misfits.push(Misfit {
            pointer: pointer.clone(),
            aspect: Aspect::Key,
            message: "is no setting that there is".to_owned(),
            help: None,
        }),
        ValidationErrorKind::Required { property } => {
            value(format!("lacks `{}`", property.as_str().unwrap_or_default()), None);
        }
        ValidationErrorKind::Type { kind } => {
            let kinds = match kind {
                TypeKind::Single(kind) => vec![named(*kind)],
                // TOML has no null that could be written.
                TypeKind::Multiple(kinds) => kinds.iter().filter(|kind| *kind != JsonType::Null).map(named).collect(),
            };
            value(format!("must be {}, not {}", kinds.join(" or "), described(found)), None);
        }
        ValidationErrorKind::Enum { options } => {
            let options: &[Value] = options.as_array().map_or(&[], Vec::as_slice);
            let near = found.as_str().and_then(|found| {
                let near = nearest(found, options.iter().filter_map(Value::as_str));
                near.first().map(|near| format!("did you mean \"{near}\"?"))
            });
            value(format!("must be one of {}", listed(options.iter().map(ToString::to_string))), near);
        }
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
            value("has none of the forms that it may have".to_owned(), None);
        }
        ValidationErrorKind::Pattern { pattern } => {
            value(format!("does not match the pattern {}", shortened(pattern)), None);
        }
        // What is left is about a limit, which the validator words well enough behind the name of what it is about.
        _ => value(shortened(error.masked_with("").to_string().trim()), None),
    }
}

/// The keys that the schema has where one too many was found.
fn siblings(error: &ValidationError<'_>, schema: &Value) -> Vec<String> {
    let place = error.schema_path().to_string();
    let table = place.rsplit_once('/').and_then(|(table, _)| schema.pointer(table));
    let keys = table.and_then(|table| table.get("properties")).and_then(Value::as_object);
    keys.map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
}

/// What somebody meant who wrote a key that there is not.
fn meant(key: &str, known: &[String]) -> Option<String> {
    match nearest(key, known.iter().map(String::as_str)).first() {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("there are {}", listed(known.iter().map(|key| format!("`{key}`"))))),
    }
}

fn listed(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.take(WORDS_MAX + 1).map(|word| shortened(&word)).collect();
    if words.len() > WORDS_MAX {
        "…".clone_into(&mut words[WORDS_MAX]);
    }
    words.join(", ")
}

/// A type in the words of who writes TOML.
fn named(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "nothing",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "a table",
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}

/// A text in a message: the first of its lines, and no more of it than can be read.
fn shortened(text: &str) -> String {
    const MOST: usize = 160;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
