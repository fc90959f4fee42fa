//! Plugins from a table, for configurations in tests. What each can do stands in [`abilities`].

use std::cell::RefCell;
use std::path::Path;

use serde_json::Value;

use crate::config::{Aspect, Misfit, Supplier, Unsupplied};
use crate::pipeline::plugin::{Abilities, Expand, Generated, Grants, Kind, Plugin, Ready};

/// Answers from the table, and remembers who was asked for.
#[derive(Default)]
pub(super) struct TableSupplier {
    pub(super) asked: RefCell<Vec<String>>,
    /// What `members` makes, as names and bodies.
    pub(super) members: Vec<(String, String)>,
}

fn kind(name: &str, params: &str) -> Kind {
    let params = Some(params.to_owned()).filter(|params| !params.is_empty());
    Kind { name: name.into(), params, ..Kind::default() }
}

/// Of hygiene.
const HYGIENE: &str = r#"{"properties": {"allow": {"type": "object"}, "max-file-kib": {"type": "integer"}, "rules": {"items": {"type": "string"}}, "deep": {"properties": {"on": {"type": "boolean"}}}}}"#;
const MEMBERS: &str = r#"{"properties": {"kind": {"type": "string"}, "run": {"type": "string"}}}"#;
const WEBHOOK: &str = r#"{"properties": {"url": {"type": "string"}, "b": {}}, "required": ["url"]}"#;

fn abilities(name: &str) -> Result<Abilities, Unsupplied> {
    let none = Abilities::default();
    Ok(match name {
        "hygiene" => Abilities { stages: vec![Kind { fixes: true, ..kind("hygiene", HYGIENE) }], ..none },
        "test-report" => Abilities { parsers: vec![kind("junit", ""), kind("test-report", "")], ..none },
        "members" => Abilities { expanders: vec![kind("members", MEMBERS)], ..none },
        "webhook" => Abilities { reports: true, config: Some(WEBHOOK.into()), ..none },
        "many" => Abilities { stages: vec![kind("large-files", ""), kind("spaces", "")], ..none },
        "broken" => Abilities { stages: vec![kind("broken", "no schema")], ..none },
        "unbuilt" => {
            return Err(Unsupplied::new("plugin unbuilt is not built").help("local-ci plugin build plugins/unbuilt"));
        }
        _ => none,
    })
}

impl Supplier for TableSupplier {
    fn abilities(&self, root: &Path, plugin: &Plugin) -> Result<(Ready, Abilities), Unsupplied> {
        self.asked.borrow_mut().push(plugin.name.clone());
        let abilities = abilities(&plugin.name)?;
        let (component, hash) = (root.join("plugin.wasm"), "0".repeat(64));
        let ready = Ready {
            plugin: plugin.clone(),
            component,
            hash,
            needs: Grants::default(),
            policy: None,
            events: Vec::new(),
        };
        Ok((ready, abilities))
    }

    fn expand(&self, _: &Path, plugin: &Plugin, expand: &Expand) -> Result<Vec<Generated>, Unsupplied> {
        assert_eq!((plugin.name.as_str(), expand.kind.as_str()), ("members", "members"));
        if expand.params.contains("trap") {
            return Err(Unsupplied::new("plugin members gave up: there is no workspace here"));
        }
        let made = self.members.iter().map(|(name, body)| Generated { name: name.clone(), body: body.clone() });
        Ok(made.collect())
    }

    fn misfits(&self, schema: &str, value: &str) -> Result<Vec<Misfit>, String> {
        let schema: Value = serde_json::from_str(schema).map_err(|_| "is no JSON".to_owned())?;
        let mut misfits = Vec::new();
        look(&schema, &serde_json::from_str(value).unwrap(), "", &mut misfits);
        Ok(misfits)
    }
}

/// As much of JSON schemas as the table has. Other keys than those of `properties` are refused.
fn look(schema: &Value, value: &Value, pointer: &str, misfits: &mut Vec<Misfit>) {
    let mut misfit = |pointer: String, aspect, message: String| {
        misfits.push(Misfit { pointer, aspect, message, help: None });
    };
    let is_right = match schema["type"].as_str() {
        Some("integer") => value.is_i64(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !is_right {
        misfit(pointer.to_owned(), Aspect::Value, format!("must be of type {}, not {value}", schema["type"]));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            misfit(pointer.to_owned(), Aspect::Value, format!("lacks `{name}`"));
        }
    }
    if let (Some(known), Some(keys)) = (schema["properties"].as_object(), value.as_object()) {
        for (key, value) in keys {
            let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            match known.get(key) {
                Some(schema) => look(schema, value, &pointer, misfits),
                None => misfits.push(Misfit {
                    pointer,
                    aspect: Aspect::Key,
                    message: "is no setting of it".into(),
                    help: Some("there are others".into()),
                }),
            }
        }
    }
    if let (items @ Value::Object(_), Some(values)) = (&schema["items"], value.as_array()) {
        for (index, value) in values.iter().enumerate() {
            look(items, value, &format!("{pointer}/{index}"), misfits);
        }
    }
}
