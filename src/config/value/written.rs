//! Values of any shape, each with its place: the settings of plugins, whose meaning only they know.

use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use toml::Spanned;

use super::Refusal;
use crate::config::code::Code;

/// A value as it is written, of those that JSON has as well.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum Written {
    /// A string.
    Text(String),
    /// A number or a boolean.
    Plain(Value),
    /// An array.
    Array(Vec<Spanned<Written>>),
    /// A table, in the order of the file.
    Table(Vec<(Spanned<String>, Spanned<Written>)>),
}

/// Settings: a table of any values. None of them: an empty one.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Settings(Vec<(Spanned<String>, Spanned<Written>)>);

/// Where something in settings is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Found {
    /// Its path as it would be written, such as `paths[2].name`.
    pub(in crate::config) path: String,
    /// The key; of an element of an array, the element.
    pub(in crate::config) key: Range<usize>,
    /// The value.
    pub(in crate::config) value: Range<usize>,
}

impl Settings {
    /// The settings as a JSON object, its keys sorted at every depth so that the same settings are the same text. Each text
    /// goes through `fill`.
    pub(in crate::config) fn json(&self, fill: &dyn Fn(&str) -> String) -> String {
        table(&self.0, fill).to_string()
    }

    /// Every text in it, with its place.
    pub(in crate::config) fn texts(&self) -> Vec<(&str, Range<usize>)> {
        let mut found = Vec::new();
        let mut open: Vec<&Spanned<Written>> = self.0.iter().rev().map(|(_, value)| value).collect();
        while let Some(value) = open.pop() {
            match value.get_ref() {
                Written::Text(text) => found.push((text.as_str(), value.span())),
                Written::Plain(_) => {}
                Written::Array(values) => open.extend(values.iter().rev()),
                Written::Table(pairs) => open.extend(pairs.iter().rev().map(|(_, value)| value)),
            }
        }
        found
    }

    /// The deepest thing on the way that a JSON pointer goes; none where it does not go into the settings at all.
    pub(in crate::config) fn find(&self, pointer: &str) -> Option<Found> {
        let mut found: Option<Found> = None;
        let mut place = Place::Table(&self.0);
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let path = found.as_ref().map_or("", |found| found.path.as_str());
            let (next, value) = match place {
                Place::Table(pairs) => {
                    let Some((key, value)) = pairs.iter().find(|(key, _)| *key.get_ref() == token) else { break };
                    let path = if path.is_empty() { token } else { format!("{path}.{token}") };
                    (Found { path, key: key.span(), value: value.span() }, value)
                }
                Place::Array(values) => {
                    let Some(value) = token.parse().ok().and_then(|index: usize| values.get(index)) else { break };
                    (Found { path: format!("{path}[{token}]"), key: value.span(), value: value.span() }, value)
                }
                Place::Leaf => break,
            };
            found = Some(next);
            place = match value.get_ref() {
                Written::Table(pairs) => Place::Table(pairs),
                Written::Array(values) => Place::Array(values),
                Written::Text(_) | Written::Plain(_) => Place::Leaf,
            };
        }
        found
    }
}

/// What a pointer has come to.
enum Place<'a> {
    Table(&'a [(Spanned<String>, Spanned<Written>)]),
    Array(&'a [Spanned<Written>]),
    Leaf,
}

fn table(pairs: &[(Spanned<String>, Spanned<Written>)], fill: &dyn Fn(&str) -> String) -> Value {
    // Sorted by hand: whether a map of JSON does it is for whoever else is built in to say.
    let mut pairs: Vec<_> = pairs.iter().collect();
    pairs.sort_by(|(a, _), (b, _)| a.get_ref().cmp(b.get_ref()));
    let pairs = pairs.into_iter().map(|(key, written)| (key.get_ref().clone(), value(written.get_ref(), fill)));
    Value::Object(pairs.collect::<Map<String, Value>>())
}

fn value(written: &Written, fill: &dyn Fn(&str) -> String) -> Value {
    match written {
        Written::Text(text) => Value::String(fill(text)),
        Written::Plain(plain) => plain.clone(),
        Written::Array(values) => values.iter().map(|written| value(written.get_ref(), fill)).collect(),
        Written::Table(pairs) => table(pairs, fill),
    }
}

struct WrittenValue;

impl<'de> Visitor<'de> for WrittenValue {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has as well")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Written, E> {
        Ok(Written::Text(text.into()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Written, E> {
        Ok(Written::Text(text))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Written, E> {
        Ok(Written::Plain(value.into()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Written, E> {
        Ok(Written::Plain(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Written, E> {
        match Number::from_f64(number) {
            Some(number) => Ok(Written::Plain(number.into())),
            None => Err(E::custom(Refusal::new(
                Code::BadSettings,
                "cannot be infinite or no number: plugins get JSON, which has neither",
                "write it in quotes, if the plugin knows what to do with it",
            ))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Written, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Written::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
        SettingsTable.visit_map(map).map(|settings| Written::Table(settings.0))
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenValue)
    }
}

struct SettingsTable;

impl<'de> Visitor<'de> for SettingsTable {
    type Value = Settings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
        let mut pairs = Vec::new();
        // Dates come as tables too, and theirs are the only keys without a place.
        let dates = |_| {
            let message = "cannot be a date or a time: plugins get JSON, which has none";
            de::Error::custom(Refusal::new(Code::BadSettings, message, "write it in quotes"))
        };
        while let Some(key) = map.next_key::<Spanned<String>>().map_err(dates)? {
            pairs.push((key, map.next_value()?));
        }
        Ok(Settings(pairs))
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SettingsTable)
    }
}

impl JsonSchema for Settings {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Settings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Settings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_same_settings_are_the_same_text() {
        let json = |text: &str| read(text).json(&|text| text.replace("$x", "1"));
        let one = json("b = 2\na = { d = [1.5, true, '$x'], c = '' }\n");
        assert_eq!(one, r#"{"a":{"c":"","d":[1.5,true,"1"]},"b":2}"#);
        assert_eq!(one, json("a.d = [1.5, true, '1']\nb = 2\na.c = ''\n"));
        assert_eq!(json(""), "{}");
    }

    #[test]
    fn a_pointer_leads_to_a_key_and_its_value() {
        let text = "max = 1\n[sub]\n\"a/b~\" = [{ x = 2 }]\n";
        let settings = read(text);
        let found = |pointer: &str| {
            settings.find(pointer).map(|found| (found.path, &text[found.key.clone()], &text[found.value.clone()]))
        };
        assert_eq!(found("/max"), Some(("max".into(), "max", "1")));
        assert_eq!(found("/sub/a~1b~0/0/x"), Some(("sub.a/b~[0].x".into(), "x", "2")));
        assert_eq!(found("/max/deeper").unwrap().0, "max");
        assert_eq!(found("/sub/none").unwrap().0, "sub");
        assert_eq!(found("/sub/a~1b~0/7").unwrap().0, "sub.a/b~");
        assert_eq!((found(""), found("/none")), (None, None));
    }
}
