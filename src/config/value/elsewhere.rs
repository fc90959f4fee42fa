//! How a work tree gets to another machine: a word, or a table with what is sent beside it.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;

use crate::pipeline::remote::Sync;

/// `sync`. TOML cannot have both `sync = "git"` and `sync.include`, so the second way to write it has a key for the first.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Syncing {
    pub(in crate::config) mode: Sync,
    pub(in crate::config) include: Vec<Spanned<String>>,
}

/// `sync` as a table.
#[derive(Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct SyncTable {
    /// How the work tree gets there.
    mode: Sync,
    /// Globs of files that are sent although git ignores them, or although they are called `.env`.
    #[schemars(with = "Vec<String>")]
    include: Vec<Spanned<String>>,
}

struct SyncingValue;

impl<'de> Visitor<'de> for SyncingValue {
    type Value = Syncing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"git\", \"rsync\" or \"none\", or a table with `mode` and `include`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Syncing, E> {
        let mode = Sync::deserialize(StrDeserializer::<E>::new(text))?;
        Ok(Syncing { mode, include: Vec::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Syncing, A::Error> {
        let SyncTable { mode, include } = SyncTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Syncing { mode, include })
    }
}

impl<'de> Deserialize<'de> for Syncing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SyncingValue)
    }
}

impl JsonSchema for Syncing {
    fn schema_name() -> Cow<'static, str> {
        "Syncing".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (word, table) = (generator.subschema_for::<Sync>(), generator.subschema_for::<SyncTable>());
        json_schema!({ "anyOf": [word, table] })
    }
}
