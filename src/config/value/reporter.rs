//! Whether a plugin is told of events: a word, or a table for what there may be to say of it one day.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// Whether it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Reporter(pub(in crate::config) bool);

/// A table without keys.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

struct ReporterValue;

impl<'de> Visitor<'de> for ReporterValue {
    type Value = Reporter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false or an empty table")
    }

    fn visit_bool<E: de::Error>(self, told: bool) -> Result<Reporter, E> {
        Ok(Reporter(told))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Reporter, A::Error> {
        Nothing::deserialize(MapAccessDeserializer::new(map)).map(|Nothing {}| Reporter(true))
    }
}

impl<'de> Deserialize<'de> for Reporter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReporterValue)
    }
}

impl JsonSchema for Reporter {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Reporter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "boolean" }, { "type": "object", "additionalProperties": false }] })
    }
}
