//! How much work it is to hold a value against a schema, counted before it is done.
//!
//! A schema may refer to parts of itself, twice and again twice, so that a kilobyte of it asks for more steps than there is
//! time, or in a ring, so that it never ends. What is counted here is at least what a validator does: it tries alternatives
//! once to see whether they fit and once to say why not.

use serde_json::{Map, Value};

/// How many steps there may be.
const STEPS_MAX: usize = 200_000;
/// How deep they may go into each other.
const DEPTH_MAX: usize = 200;

/// Refuses a schema that is too much work for this value, or that refers to anything outside itself. The error is the end of
/// a sentence that begins with "a schema that".
pub(super) fn bounded(schema: &Value, value: &Value) -> Result<(), String> {
    references(schema, true)?;
    let mut walk = Walk { root: schema, steps: 0 };
    // Compiling looks at everything once, whatever the value has.
    walk.step(schema, value, 0)
}

/// Only pointers into the schema itself are followed; all other ways to refer to something could lead anywhere.
fn references(schema: &Value, is_top: bool) -> Result<(), String> {
    match schema {
        Value::Object(keys) => {
            for (key, value) in keys {
                let is_other = match key.as_str() {
                    "$dynamicRef" | "$recursiveRef" | "$anchor" | "$dynamicAnchor" => value.is_string(),
                    "$id" => !is_top && value.is_string(),
                    "$ref" => value.as_str().is_some_and(|to| to != "#" && !to.starts_with("#/")),
                    _ => false,
                };
                if is_other {
                    return Err(format!(
                        "has `{key}` in it; only `$ref` to a place in itself, as `#/…`, is understood"
                    ));
                }
                references(value, false)?;
            }
            Ok(())
        }
        Value::Array(values) => values.iter().try_for_each(|value| references(value, false)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

struct Walk<'s> {
    root: &'s Value,
    steps: usize,
}

impl Walk<'_> {
    fn step(&mut self, schema: &Value, value: &Value, depth: usize) -> Result<(), String> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err("would take too long to hold settings against".to_owned());
        }
        if depth > DEPTH_MAX {
            return Err("refers to itself without end".to_owned());
        }
        let Some(rules) = schema.as_object() else { return Ok(()) };
        let depth = depth + 1;
        if let Some(place) = rules.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(place.strip_prefix('#').unwrap_or(place));
            let target = target.ok_or_else(|| format!("refers to {place}, which it does not have"))?;
            self.step(target, value, depth)?;
        }
        for (key, rule) in rules {
            let times = match key.as_str() {
                "allOf" | "then" | "else" | "dependentSchemas" => 1,
                "anyOf" | "oneOf" | "not" | "if" => 2,
                _ => 0,
            };
            for _ in 0..times {
                match (key.as_str(), rule) {
                    (_, Value::Array(rules)) => rules.iter().try_for_each(|rule| self.step(rule, value, depth))?,
                    ("dependentSchemas", Value::Object(rules)) => {
                        rules.values().try_for_each(|rule| self.step(rule, value, depth))?;
                    }
                    _ => self.step(rule, value, depth)?,
                }
            }
        }
        match value {
            Value::Object(keys) => self.keys(rules, keys, depth),
            Value::Array(values) => self.items(rules, values, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn keys(&mut self, rules: &Map<String, Value>, keys: &Map<String, Value>, depth: usize) -> Result<(), String> {
        for (key, value) in keys {
            if let Some(rule) = rules.get("properties").and_then(|known| known.get(key)) {
                self.step(rule, value, depth)?;
            }
            for rule in rules.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::values) {
                self.step(rule, value, depth)?;
            }
            for rule in ["additionalProperties", "unevaluatedProperties"].iter().filter_map(|name| rules.get(*name)) {
                self.step(rule, value, depth)?;
            }
            if let Some(rule) = rules.get("propertyNames") {
                self.step(rule, &Value::String(key.clone()), depth)?;
            }
        }
        Ok(())
    }

    fn items(&mut self, rules: &Map<String, Value>, values: &[Value], depth: usize) -> Result<(), String> {
        for value in values {
            for name in ["items", "prefixItems", "contains", "additionalItems", "unevaluatedItems"] {
                match rules.get(name) {
                    // Whichever of them is for this one.
                    Some(Value::Array(rules)) => rules.iter().try_for_each(|rule| self.step(rule, value, depth))?,
                    Some(rule) => self.step(rule, value, depth)?,
                    None => {}
                }
            }
        }
        Ok(())
    }
}
