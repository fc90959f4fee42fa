use std::fmt::Write as _;

use super::*;

const HYGIENE: &str = r##"{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://plugins.example.invalid/hygiene",
    "type": "object",
    "properties": {
        "max-file-kib": { "type": "integer", "minimum": 1 },
        "rules": { "type": "array", "items": { "enum": ["spaces", "newline"] }, "uniqueItems": true },
        "name": { "type": ["string", "null"], "pattern": "^[a-z]+$", "maxLength": 5 },
        "deep": { "$ref": "#/$defs/deep" }
    },
    "required": ["max-file-kib"],
    "additionalProperties": false,
    "$defs": { "deep": { "properties": { "on/off": { "anyOf": [{ "type": "boolean" }, { "const": "auto" }] } }, "additionalProperties": false } }
}"##;

fn told(schema: &str, value: &str) -> String {
    misfits(schema, value).unwrap().iter().fold(String::new(), |mut text, misfit| {
        let help = misfit.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
        let _ = writeln!(text, "{} {:?}: {}{help}", misfit.pointer, misfit.aspect, misfit.message);
        text
    })
}

#[test]
fn what_fits_is_not_talked_about() {
    assert_eq!(
        told(HYGIENE, r#"{"max-file-kib": 512, "rules": ["spaces"], "name": "abc", "deep": {"on/off": "auto"}}"#),
        ""
    );
    assert_eq!(told("true", "{}"), "");
    assert_eq!(told("{}", "[1, null]"), "");
}

#[test]
fn every_misfit_is_told_where_it_is() {
    let value = r#"{"max-file-kbi": 1, "other": 2, "max-file-kib": 0, "rules": ["space", "newline", "newline"], "name": "ABCDEF", "deep": {"on/off": 3, "x": 1}}"#;
    insta::assert_snapshot!(told(HYGIENE, value), @r#"
    /deep/on~1off Value: has none of the forms that it may have
    /deep/x Key: is no setting that there is (there are `on/off`)
    /max-file-kib Value: is less than the minimum of 1
    /name Value: is longer than 5 characters
    /name Value: does not match the pattern ^[a-z]+$
    /rules Value: has non-unique elements
    /rules/0 Value: must be one of "spaces", "newline" (did you mean "spaces"?)
    /max-file-kbi Key: is no setting that there is (did you mean `max-file-kib`?)
    /other Key: is no setting that there is (there are `deep`, `max-file-kib`, `name`, `rules`)
    "#);
    insta::assert_snapshot!(told(HYGIENE, r#"{"max-file-kib": "512", "rules": {}, "name": 1.5}"#), @r"
    /max-file-kib Value: must be a whole number, not a string
    /name Value: must be a string, not 1.5
    /rules Value: must be an array, not a table
    ");
    insta::assert_snapshot!(told(HYGIENE, "{}"), @" Value: lacks `max-file-kib`");
    insta::assert_snapshot!(told(HYGIENE, "[]"), @" Value: must be a table, not an array");
}

#[test]
fn a_schema_that_is_none_is_refused_with_why() {
    for (schema, why) in [
        ("no", "is no JSON: expected"),
        (r#"{"type": "whole"}"#, "is none: "),
        (r#"{"pattern": "("}"#, "is none: "),
        (r#"{"properties": {"a": {"pattern": "(?!x)"}}}"#, "is none: "),
        (r#"{"pattern": "(((a{1000}){1000}){1000})"}"#, "is none: "),
        (r##"{"$ref": "#/$defs/x"}"##, "refers to #/$defs/x, which it does not have"),
        (r#"{"$ref": "https://example.invalid/schema"}"#, "has `$ref` in it; only"),
        (r#"{"$ref": "file:///etc/passwd"}"#, "has `$ref` in it; only"),
        (r#"{"properties": {"a": {"$id": "https://example.invalid/a"}}}"#, "has `$id` in it; only"),
        (r##"{"$dynamicRef": "#a"}"##, "has `$dynamicRef` in it; only"),
    ] {
        let error = misfits(schema, r#"{"a": "b"}"#).unwrap_err();
        assert!(error.starts_with(why), "{schema}: {error}");
    }
    let error = misfits(&format!("\"{}\"", "x".repeat(SCHEMA_MAX)), "{}").unwrap_err();
    assert_eq!(error, "is larger than 256 KiB");
}

/// H155: what a plugin says of its settings cannot keep us busy either.
#[test]
fn h155_a_schema_that_never_ends_is_refused() {
    for schema in [r##"{"$ref": "#"}"##, r##"{"allOf": [{"$ref": "#"}]}"##, r##"{"not": {"anyOf": [{"$ref": "#"}]}}"##]
    {
        assert_eq!(misfits(schema, "{}").unwrap_err(), "refers to itself without end", "{schema}");
    }
    let mut defs = "\"d0\": {\"type\": \"object\"}".to_owned();
    for i in 1..60 {
        let _ = write!(
            defs,
            ", \"d{i}\": {{\"allOf\": [{{\"$ref\": \"#/$defs/d{0}\"}}, {{\"$ref\": \"#/$defs/d{0}\"}}]}}",
            i - 1
        );
    }
    let laughs = format!("{{\"$ref\": \"#/$defs/d59\", \"$defs\": {{{defs}}}}}");
    assert_eq!(misfits(&laughs, "{}").unwrap_err(), "would take too long to hold settings against");
    // The same of a schema in which only a value that goes deep finds its way.
    let twice = r##"{"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}"##;
    let deep = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
    assert_eq!(misfits(twice, &deep).unwrap_err(), "would take too long to hold settings against");
    assert_eq!(misfits(twice, r#"{"a": {"a": 1}}"#), Ok(Vec::new()));
    // Where no value leads there it is compiled and no more, which takes no longer than it is long.
    let elsewhere = laughs.replacen("\"$ref\"", "\"properties\": {\"a\": {\"$ref\": \"#/$defs/d59\"}}, \"x\"", 1);
    assert_eq!(misfits(&elsewhere, "{}"), Ok(Vec::new()));
    assert_eq!(misfits(r##"{"properties": {"a": {"$ref": "#/properties/a"}}}"##, "{}"), Ok(Vec::new()));
    // Schemas of what has itself in it are usual.
    let tree = r##"{"type": "object", "additionalProperties": {"$ref": "#"}}"##;
    assert_eq!(told(tree, r#"{"a": {"b": {"c": 1}}}"#), "/a/b/c Value: must be a table, not 1\n");
}
