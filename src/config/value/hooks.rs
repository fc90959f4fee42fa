//! `[hooks]`: each hook a list of stages, or a table; and among them what holds for all.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use crate::pipeline::hook::{NAMES, Tree};

/// One hook.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Hook {
    /// None: the hook is a table that names none.
    pub(in crate::config) stages: Option<Vec<Spanned<String>>>,
    pub(in crate::config) profile: Option<Spanned<String>>,
    pub(in crate::config) tree: Option<Tree>,
}

/// A hook as a table.
#[derive(Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct HookTable {
    /// Names of stages, or globs of names. Without these and a profile, those that run when none is named.
    #[schemars(with = "Option<Vec<String>>")]
    stages: Option<Vec<Spanned<String>>>,
    /// A profile of `[profiles]`.
    #[schemars(with = "Option<String>")]
    profile: Option<Spanned<String>>,
    /// What they run on: what is pushed or committed (`commit`), or the work tree as it is (`worktree`).
    tree: Option<Tree>,
}

struct HookValue;

impl<'de> Visitor<'de> for HookValue {
    type Value = Hook;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of stages, or a table with `stages`, `profile` and `tree`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Hook, A::Error> {
        let stages = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
        Ok(Hook { stages: Some(stages), ..Hook::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Hook, A::Error> {
        let HookTable { stages, profile, tree } = HookTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Hook { stages, profile, tree })
    }
}

impl<'de> Deserialize<'de> for Hook {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HookValue)
    }
}

impl JsonSchema for Hook {
    fn schema_name() -> Cow<'static, str> {
        "Hook".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<HookTable>();
        json_schema!({ "anyOf": [{ "type": "array", "items": { "type": "string" }, "minItems": 1 }, table] })
    }
}

/// The whole table, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Hooks {
    pub(in crate::config) tree: Option<Tree>,
    pub(in crate::config) hooks: Vec<(Spanned<String>, Spanned<Hook>)>,
}

struct HooksTable;

impl<'de> Visitor<'de> for HooksTable {
    type Value = Hooks;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of git hooks")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hooks, A::Error> {
        let mut hooks = Hooks::default();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            if key.get_ref() == "tree" {
                hooks.tree = Some(map.next_value()?);
            } else {
                hooks.hooks.push((key, map.next_value()?));
            }
        }
        Ok(hooks)
    }
}

impl<'de> Deserialize<'de> for Hooks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HooksTable)
    }
}

impl JsonSchema for Hooks {
    fn schema_name() -> Cow<'static, str> {
        "Hooks".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let hook = generator.subschema_for::<Hook>();
        let mut tree = generator.subschema_for::<Tree>();
        tree.insert("description".into(), "What the stages of all hooks run on.".into());
        let mut properties = serde_json::Map::new();
        properties.insert("tree".to_owned(), tree.to_value());
        properties.extend(NAMES.iter().map(|name| {
            let mut hook = hook.clone();
            hook.insert("description".into(), format!("What the git hook {name} runs: stages, or a table.").into());
            ((*name).to_owned(), hook.to_value())
        }));
        json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}
