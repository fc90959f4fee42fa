//! Whether grants permit all that a plugin needs, told from the patterns alone. Never says so where it is not so; where
//! patterns are too strange to be compared, they are covered by their own text, or by a `**` in their place.

use super::key::Key;
use super::patterns::{self, EVERY, Pattern, Word};
use crate::config::path_matcher;
use crate::pipeline::plugin::Grants;

/// Something that is needed and not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Under which key.
    pub key: Key,
    /// The value; of `clock`, `true`.
    pub value: String,
}

/// What of these needs grants, or a policy, do not permit. In the order of the keys. What a glob with `!` takes out is
/// taken out on purpose, and not missing.
pub fn covers(needs: &Grants, grants: &Grants) -> Vec<Missing> {
    let mut missing = Vec::new();
    for key in Key::ALL {
        let is_file = matches!(key, Key::FilesRead | Key::FilesWrite);
        let (mut needed, mut granted) = (key.values(needs), key.values(grants));
        for values in [&mut needed, &mut granted] {
            values.retain(|value| !(is_file && value.starts_with('!')));
        }
        needed.retain(|value| !is_open(key, value));
        for value in needed {
            if !granted.iter().any(|grant| covered(key, &value, grant)) && !covered_by_all(key, &value, &granted) {
                missing.push(Missing { key, value });
            }
        }
    }
    missing
}

/// The lines of TOML that permit what is missing beside what is granted already: each key that has to change, as a whole.
/// They stand in `[plugins.NAME.grants]`, or in `[plugin-policy]`.
pub fn as_toml(missing: &[Missing], granted: &Grants) -> String {
    let mut text = String::new();
    for key in Key::ALL {
        let mut added =
            missing.iter().filter(|missing| missing.key == key).map(|missing| missing.value.clone()).peekable();
        if added.peek().is_some() {
            let values: Vec<String> = key.values(granted).into_iter().chain(added).collect();
            text.push_str(&key.line(&values));
            text.push('\n');
        }
    }
    text
}

/// Whether a need names nothing: the grants say what is meant by it, and lack nothing.
fn is_open(key: Key, need: &str) -> bool {
    matches!(key, Key::Env | Key::Http | Key::Secrets) && need == EVERY
}

/// Whether one grant permits all that a need means.
fn covered(key: Key, need: &str, grant: &str) -> bool {
    match key {
        Key::FilesRead | Key::FilesWrite => paths(need, grant),
        Key::Env | Key::Secrets => need == grant || grant == EVERY,
        Key::Commands => match (Pattern::read(need), Pattern::read(grant)) {
            (Ok(need), Ok(grant)) => commands(&need, &grant),
            (Err(_), _) | (_, Err(_)) => false,
        },
        Key::Http => grant == EVERY,
        Key::Clock => true,
    }
}

/// Whether grants together permit all that a need means: each port of a host may be in another.
fn covered_by_all(key: Key, need: &str, grants: &[String]) -> bool {
    let Some((host, ports)) = (key == Key::Http).then(|| patterns::host(need)).flatten() else { return false };
    let granted: Vec<_> =
        grants.iter().filter_map(|grant| patterns::host(grant)).filter(|(its, _)| *its == host).collect();
    ports.iter().all(|port| granted.iter().any(|(_, ports)| ports.contains(port)))
}

fn commands(need: &Pattern, grant: &Pattern) -> bool {
    let rest = |word: &Word| grant.rest.as_ref().is_some_and(|rest| rest.covers(word));
    let words = |(nth, word): (usize, &Word)| grant.words.get(nth).map_or_else(|| rest(word), |its| its.covers(word));
    let long_enough = need.words.len() >= grant.words.len();
    long_enough && need.rest.as_ref().is_none_or(rest) && need.words.iter().enumerate().all(words)
}

fn paths(need: &str, grant: &str) -> bool {
    let plain = |text: &str| text.strip_prefix("./").unwrap_or(text).to_owned();
    let (need, grant) = (plain(need), plain(grant));
    if need == grant {
        return true;
    }
    let is_strange = |text: &str| text.contains(['{', '}', '\\', '[', ']']);
    let is_literal = |text: &str| !text.contains(['*', '?']) && !is_strange(text);
    if is_literal(&need) {
        return path_matcher(&grant).is_ok_and(|grant| grant.is_match(&need));
    }
    if is_strange(&grant) {
        return false;
    }
    let (need, grant): (Vec<&str>, Vec<&str>) = (need.split('/').collect(), grant.split('/').collect());
    names(&need, &grant)
}

/// Whether every path that these names mean is one that those mean. The grant's have no braces, brackets or backslashes.
fn names(need: &[&str], grant: &[&str]) -> bool {
    match (need, grant) {
        ([], []) => true,
        ([], _) | (_, []) => false,
        // At the end, it stands for one name at least.
        (_, ["**"]) => true,
        (_, ["**", rest @ ..]) => (0..need.len()).any(|n| names(&need[n..], rest)),
        ([name, need @ ..], [pattern, grant @ ..]) => one(name, pattern) && names(need, grant),
    }
}

/// Whether a name, which may be a pattern, is always one that a pattern of a single name means.
fn one(name: &str, pattern: &str) -> bool {
    let is_one = name != "**" && !name.contains(['{', '}', '\\', '[', ']']);
    let is_literal = is_one && !name.contains(['*', '?']);
    is_one && (name == pattern || pattern == "*" || is_literal && path_matcher(pattern).is_ok_and(|p| p.is_match(name)))
}
