//! Where a secret comes from: `true` for the variable of its own name, or a table with one of the ways.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};
use toml::Spanned;

/// What is written under a secret's name.
#[derive(Clone, Debug)]
pub(in crate::config) enum Origin {
    /// `true`: the variable of its name.
    OwnName,
    /// A table, in which one of the ways should be.
    Ways(Ways),
}

/// The ways to a secret.
#[derive(Clone, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Ways {
    /// An environment variable of whoever starts the run.
    #[schemars(with = "Option<String>")]
    pub(in crate::config) env: Option<Spanned<String>>,
    /// A file that nobody else can read: relative to the project's directory, absolute, or from `~/`.
    #[schemars(with = "Option<String>")]
    pub(in crate::config) file: Option<Spanned<String>>,
    /// A program and its arguments, without a shell: what it prints is the secret.
    #[schemars(with = "Option<Vec<String>>")]
    pub(in crate::config) command: Option<Spanned<Vec<String>>>,
}

struct OriginValue;

impl<'de> Visitor<'de> for OriginValue {
    type Value = Origin;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, or a table with `env`, `file` or `command`")
    }

    fn visit_bool<E: de::Error>(self, own: bool) -> Result<Origin, E> {
        if own { Ok(Origin::OwnName) } else { Err(E::invalid_value(Unexpected::Bool(false), &self)) }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Origin, A::Error> {
        Ways::deserialize(MapAccessDeserializer::new(map)).map(Origin::Ways)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OriginValue)
    }
}

impl JsonSchema for Origin {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Origin".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let ways = generator.subschema_for::<Ways>();
        json_schema!({ "anyOf": [{ "const": true }, ways] })
    }
}
