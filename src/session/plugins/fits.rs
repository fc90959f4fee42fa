//! Values against the JSON schemas that plugins bring for them.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError};
use serde_json::Value;

use crate::config::{Aspect, Misfit};
use crate::plan::error::nearest;

/// The most that a schema may be long, in bytes.
const SCHEMA_MAX: usize = 256 * 1024;
/// How many misfits are told of one value.
const TOLD: usize = 20;

/// What of a value does not fit a schema, both as JSON texts. The error is the rest of a sentence about the schema.
///
/// Nothing is fetched for it, and its patterns take time in proportion to what they are tried on.
pub fn misfits(schema: &str, value: &str) -> Result<Vec<Misfit>, String> {
    if schema.len() > SCHEMA_MAX {
        return Err(format!("is larger than {} KiB", SCHEMA_MAX >> 10));
    }
    let schema: Value = serde_json::from_str(schema).map_err(|error| format!("is no JSON: {error}"))?;
    let value: Value = serde_json::from_str(value).map_err(|error| format!("was given what is no JSON: {error}"))?;
    let validator = jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| format!("is no JSON schema: {error}"))?;
    Ok(validator.iter_errors(&value).flat_map(|error| told(&error, &schema)).take(TOLD).collect())
}

/// What there is to say of one error: of several unknown keys, of each.
fn told(error: &ValidationError<'_>, schema: &Value) -> Vec<Misfit> {
    let pointer = error.instance_path().as_str();
    let value = |message: String| {
        vec![Misfit { pointer: pointer.to_owned(), aspect: Aspect::Value, message, help: None }]
    };
    let found = short(error.instance());
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let unknown = |key: &String| Misfit {
                pointer: format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
                aspect: Aspect::Key,
                message: "is nothing that the plugin knows".to_owned(),
                help: near(key, pointer, schema),
            };
            unexpected.iter().map(unknown).collect()
        }
        ValidationErrorKind::Required { property } => {
            value(format!("lacks `{}`", property.as_str().unwrap_or_default()))
        }
        ValidationErrorKind::Type { kind } => {
            let kinds: Vec<String> = match kind {
                TypeKind::Single(kind) => vec![kind.to_string()],
                TypeKind::Multiple(kinds) => kinds.iter().map(|kind| kind.to_string()).collect(),
            };
            value(format!("is {found}, and has to be of the type {}", kinds.join(" or ")))
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> = options.as_array().into_iter().flatten().map(short).collect();
            value(format!("is {found}, and can only be {}", options.join(", ")))
        }
        ValidationErrorKind::Minimum { limit } => value(format!("is {found}, and has to be {limit} at least")),
        ValidationErrorKind::Maximum { limit } => value(format!("is {found}, and can be {limit} at most")),
        ValidationErrorKind::MinLength { limit: 1 } => value("is empty".to_owned()),
        _ => value(format!("does not fit: {error}")),
    }
}

/// The key that may have been meant, of those that the schema names at this place.
fn near(key: &str, pointer: &str, schema: &Value) -> Option<String> {
    let names = pointer.split('/').skip(1);
    let place = names.into_iter().try_fold(schema, |place, name| place.get("properties")?.get(name))?;
    let known: Vec<&str> = place.get("properties")?.as_object()?.keys().map(String::as_str).collect();
    match nearest(key, known.iter().copied()).first() {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("there are {}", known.join(", "))),
    }
}

/// A value as it is said, not all of it where it is long.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_says_where_it_is() {
        let schema = r#"{ "type": "object", "additionalProperties": false,
            "properties": { "max": { "type": "integer", "minimum": 1 }, "names": { "items": { "pattern": "^[a-z]+$" } } } }"#;
        assert_eq!(misfits(schema, r#"{ "max": 3, "names": ["a"] }"#), Ok(Vec::new()));
        let found = misfits(schema, r#"{ "max": 0, "names": ["a", "B"], "other": 1 }"#).unwrap();
        let mut pointers: Vec<&str> = found.iter().map(|misfit| misfit.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/max", "/names/1", "/other"]);
        let at = |pointer: &str| found.iter().find(|misfit| misfit.pointer == pointer).unwrap();
        assert_eq!(at("/max").message, "is 0, and has to be 1 at least");
        assert_eq!((at("/other").aspect, at("/other").help.as_deref()), (Aspect::Key, Some("there are max, names")));
        let near = misfits(schema, r#"{ "nmes": 1 }"#).unwrap();
        assert_eq!(near[0].help.as_deref(), Some("did you mean `names`?"));
        assert_eq!(misfits(schema, "[]").unwrap()[0].message, "is [], and has to be of the type object");
    }

    /// H158: a schema is as foreign as the rest of a plugin.
    #[test]
    fn h158_a_schema_that_is_none_is_said_so() {
        for (schema, why) in [
            ("{", "is no JSON: "),
            (r#"{ "type": "nothing" }"#, "is no JSON schema: "),
            (r#"{ "$ref": "https://schemas.example.invalid/a.json" }"#, "is no JSON schema: "),
            (r##"{ "$ref": "#/definitions/missing" }"##, "is no JSON schema: "),
        ] {
            let error = misfits(schema, "{}").unwrap_err();
            assert!(error.starts_with(why), "{schema}: {error}");
        }
        assert!(misfits(&" ".repeat(SCHEMA_MAX + 1), "{}").unwrap_err().contains("larger than"));
        // A pattern that takes for ever where patterns look back.
        let slow = r#"{ "pattern": "^(a+)+$" }"#;
        let value = format!("\"{}b\"", "a".repeat(5_000));
        assert_eq!(misfits(slow, &value).unwrap().len(), 1);
        // One that refers to itself comes to an end.
        assert_eq!(misfits(r##"{ "$ref": "#" }"##, "{}").map(|_| ()).map_err(|_| ()), Ok(()));
    }
}
