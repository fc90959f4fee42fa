//! The types that files are read with, as JSON schemas for editors: what is not in one is refused in a file.
//!
//! A schema says what can be said of one value or one table. What holds across keys (that a need is a stage, that a
//! remote is there) it leaves to [`super::load()`].

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::schema::{Document, User};

/// The JSON schema (draft 2020-12) of `local-ci.toml` and `local-ci.local.toml`.
pub fn document_schema() -> Value {
    let mut schema = schema_of::<Document>("local-ci.toml", "The pipeline of a project: local-ci runs its stages.");
    default_like_stages(&mut schema);
    if let Some(stage) = schema.pointer_mut("/$defs/Stage").and_then(Value::as_object_mut) {
        stage.insert("not".into(), serde_json::json!({ "required": ["run", "uses"] }));
    }
    schema
}

/// The JSON schema (draft 2020-12) of a user's own `config.toml`.
pub fn user_schema() -> Value {
    let mut schema = schema_of::<User>("config.toml", "What one person wants of local-ci in all projects.");
    if let Some(keys) = schema.pointer_mut("/properties").and_then(Value::as_object_mut)
        && let Some(color) = keys.get("color").cloned()
    {
        keys.insert("colour".into(), color);
    }
    schema
}

fn schema_of<T: JsonSchema>(title: &str, description: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(plainly)).into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    schema.insert("description".into(), description.into());
    schema.to_value()
}

/// `[defaults]` takes what stages take: the same keys with the same meaning.
fn default_like_stages(schema: &mut Value) {
    let Some(stage) = schema.pointer("/$defs/Stage/properties").cloned() else { return };
    if let Some(keys) = schema.pointer_mut("/$defs/Defaults/properties").and_then(Value::as_object_mut) {
        for (key, value) in keys {
            if let Some(of_stage) = stage.get(key) {
                *value = of_stage.clone();
            }
        }
    }
}

/// Puts what comes of Rust's types into the words of the file: TOML has no null, and a comment's lines are one text.
fn plainly(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    if schema.get("default").is_some_and(is_nothing) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") {
        alternatives.retain(|alternative| alternative.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            schema.extend(only);
        }
    }
    for (format, most) in [("uint32", u32::MAX), ("uint16", u16::MAX.into())] {
        if schema.get("format").is_some_and(|found| found == format) {
            schema.remove("format");
            schema.insert("maximum".into(), most.into());
        }
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

/// What a key is when it is not given, where that is nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(keys) => keys.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
