//! Values that are one text or several: commands, shells, lists that may be written without brackets.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::scalar::{Pairs, Scalar};

/// Operating systems, as Rust names them.
pub(in crate::config) const SYSTEMS: &[&str] =
    &["linux", "macos", "windows", "freebsd", "netbsd", "openbsd", "dragonfly", "solaris", "illumos", "android", "ios"];

/// Shells that take `-e -c SCRIPT` as `sh` does.
pub(in crate::config) const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "yash"];

/// A text, or an array of texts.
#[derive(Clone, Debug)]
pub(in crate::config) enum TextOrTexts {
    /// One text.
    One(String),
    /// An array.
    Many(Vec<Spanned<String>>),
}

/// `run` and `fix`: a script or a program with its arguments, and something to do in either.
pub(in crate::config) fn command(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "string", "pattern": r"\S" },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ],
    })
}

/// `shell`: one that is known, by its name or path, or a whole command.
pub(in crate::config) fn shell(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "string", "pattern": format!("(^|/)({})$", SHELLS.join("|")) },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ],
    })
}

struct TextOrTextsValue;

impl<'de> Visitor<'de> for TextOrTextsValue {
    type Value = TextOrTexts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TextOrTexts, E> {
        Ok(TextOrTexts::One(text.into()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<TextOrTexts, E> {
        Ok(TextOrTexts::One(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<TextOrTexts, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(TextOrTexts::Many)
    }
}

impl<'de> Deserialize<'de> for TextOrTexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTextsValue)
    }
}

/// A list of texts, which may be written as one text.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Words(pub(in crate::config) Vec<Spanned<String>>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Spanned::<TextOrTexts>::deserialize(deserializer)?;
        let span = value.span();
        Ok(Self(match value.into_inner() {
            TextOrTexts::One(text) => vec![Spanned::new(span, text)],
            TextOrTexts::Many(texts) => texts,
        }))
    }
}

impl JsonSchema for Words {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        one_or_several(&json_schema!({ "type": "string" }))
    }
}

/// `when.os`: systems that are known.
pub(in crate::config) fn systems(_: &mut SchemaGenerator) -> Schema {
    one_or_several(&json_schema!({ "type": "string", "enum": SYSTEMS }))
}

fn one_or_several(one: &Schema) -> Schema {
    json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
}

/// `when.env`: names that have to be set, or names with the values they must have.
#[derive(Clone, Debug)]
pub(in crate::config) enum Variables {
    /// Names that have to be set.
    Names(Vec<Spanned<String>>),
    /// Names with their values.
    Values(Pairs<Scalar>),
}

struct VariablesValue;

impl<'de> Visitor<'de> for VariablesValue {
    type Value = Variables;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of variables with their values, or an array of names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Variables, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Variables::Names)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Variables, A::Error> {
        Pairs::deserialize(MapAccessDeserializer::new(map)).map(Variables::Values)
    }
}

impl<'de> Deserialize<'de> for Variables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VariablesValue)
    }
}

impl JsonSchema for Variables {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Variables".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let values = generator.subschema_for::<Pairs<Scalar>>();
        json_schema!({ "anyOf": [values, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// `matrix`: axes in the order of the file, and what is added and taken out.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Matrix {
    /// The axes with their values.
    pub(in crate::config) axes: Vec<(Spanned<String>, Vec<Spanned<Scalar>>)>,
    /// Variables for some combinations, or further combinations.
    pub(in crate::config) include: Vec<Spanned<Pairs<Scalar>>>,
    /// Combinations that are left out.
    pub(in crate::config) exclude: Vec<Spanned<Pairs<Scalar>>>,
}

struct MatrixTable;

impl<'de> Visitor<'de> for MatrixTable {
    type Value = Matrix;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of axes, each an array of values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Matrix, A::Error> {
        let mut matrix = Matrix::default();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            match key.get_ref().as_str() {
                "include" => matrix.include = map.next_value()?,
                "exclude" => matrix.exclude = map.next_value()?,
                _ => matrix.axes.push((key, map.next_value()?)),
            }
        }
        Ok(matrix)
    }
}

impl<'de> Deserialize<'de> for Matrix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MatrixTable)
    }
}

impl JsonSchema for Matrix {
    fn schema_name() -> Cow<'static, str> {
        "Matrix".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let rows = generator.subschema_for::<Vec<Pairs<Scalar>>>();
        let (mut include, mut exclude) = (rows.clone(), rows);
        include.insert(
            "description".into(),
            "Variables for the combinations that match, or a whole combination of its own.".into(),
        );
        exclude.insert("description".into(), "Combinations that are left out.".into());
        json_schema!({
            "description": "Every key but `include` and `exclude` is an axis with its values.",
            "type": "object",
            "properties": { "include": include, "exclude": exclude },
            "additionalProperties": generator.subschema_for::<Vec<Scalar>>(),
        })
    }
}
