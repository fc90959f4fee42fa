//! A judge by JSON schemas: as much of draft 2020-12 as our own schemas use. A keyword that it does not know is refused,
//! so that no rule is passed over.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use regex::Regex;
use serde_json::{Map, Value};

/// What a value has against a schema; nothing where it fits.
pub(super) fn objections(root: &Value, value: &Value) -> Vec<String> {
    let mut judge = Judge { root, objections: Vec::new() };
    judge.look(root, value, "");
    judge.objections
}

/// A TOML file as a value that a schema can be held against.
pub(super) fn as_json(text: &str) -> Option<Value> {
    serde_json::to_value(text.parse::<toml::Table>().ok()?).ok()
}

struct Judge<'s> {
    root: &'s Value,
    objections: Vec<String>,
}

impl Judge<'_> {
    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut judge = Judge { root: self.root, objections: Vec::new() };
        judge.look(schema, value, "");
        judge.objections.is_empty()
    }

    fn look(&mut self, schema: &Value, value: &Value, at: &str) {
        let Some(rules) = schema.as_object() else {
            assert_eq!(schema, &Value::Bool(true), "{at}");
            return;
        };
        for (keyword, rule) in rules {
            if !self.keeps(rules, keyword, rule, value, at) {
                self.objections.push(format!("{at}: {value} does not keep to {keyword:?} {rule}"));
            }
        }
    }

    fn keeps(&mut self, rules: &Map<String, Value>, keyword: &str, rule: &Value, value: &Value, at: &str) -> bool {
        let each = |rule: &Value| rule.as_array().unwrap().clone();
        match keyword {
            "$schema" | "$defs" | "title" | "description" | "default" => true,
            "$ref" => {
                let place = rule.as_str().unwrap().strip_prefix('#').unwrap();
                self.look(&self.root.pointer(place).unwrap().clone(), value, at);
                true
            }
            "type" => match rule.as_array() {
                Some(kinds) => kinds.iter().any(|kind| is_a(kind, value)),
                None => is_a(rule, value),
            },
            "const" => rule == value,
            "enum" => each(rule).contains(value),
            "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
            "maxLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap()),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "required" => value
                .as_object()
                .is_none_or(|keys| each(rule).iter().all(|key| keys.contains_key(key.as_str().unwrap()))),
            "allOf" => each(rule).iter().all(|schema| self.fits(schema, value)),
            "anyOf" => each(rule).iter().any(|schema| self.fits(schema, value)),
            "oneOf" => each(rule).iter().filter(|schema| self.fits(schema, value)).count() == 1,
            "not" => !self.fits(rule, value),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.look(rule, item, &format!("{at}[{index}]"));
                }
                true
            }
            "propertyNames" => {
                value.as_object().is_none_or(|keys| keys.keys().all(|key| self.fits(rule, &Value::from(key.as_str()))))
            }
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = rule.get(key) {
                        self.look(schema, value, &format!("{at}.{key}"));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = |key: &str| rules.get("properties").is_some_and(|known| known.get(key).is_some());
                let mut others = value.as_object().into_iter().flatten().filter(|(key, _)| !known(key));
                match rule {
                    Value::Bool(false) => others.next().is_none(),
                    rule => {
                        others.for_each(|(key, value)| self.look(rule, value, &format!("{at}.{key}")));
                        true
                    }
                }
            }
            other => panic!("the judge does not know {other:?}, at {at}"),
        }
    }
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        other => panic!("there is no type {other:?} in our schemas"),
    }
}

/// Patterns are few and asked for often.
fn matches(pattern: &str, text: &str) -> bool {
    static PATTERNS: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut patterns = PATTERNS.lock().unwrap();
    patterns.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
}
