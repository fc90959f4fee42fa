//! A plugin in words: what it is, what it needs and why. All of it is the plugin's own, and made harmless here.

use std::fmt::Write as _;

use serde_json::Value;

use crate::pipeline::plugin::{Excerpt, Kind};
use crate::plugin::Role;
use crate::plugin::info::{Info, Need};
use crate::session::plugins::pin::Candidate;
use crate::text::plain::printable;

/// The most of a line of a plugin's that is shown, in characters.
const LINE_MAX: usize = 200;

/// A foreign text in a line, not all of it where it is long.
pub(super) fn line(text: &str) -> String {
    let shown = printable(text.trim());
    match shown.char_indices().nth(LINE_MAX) {
        Some((at, _)) => format!("{}…", &shown[..at]),
        None => shown.into_owned(),
    }
}

/// What a role is called.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Stage => "stage",
        Role::Parser => "parser",
        Role::Expander => "expander",
        Role::Reporter => "reporter",
    }
}

/// Roles between commas.
pub(super) fn roles(roles: &[Role]) -> String {
    roles.iter().map(|one| role(*one)).collect::<Vec<_>>().join(", ")
}

/// Bytes as people count them.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        ..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0),
    }
}

/// Its name, its version and what it is for.
pub(super) fn title(name: &str, info: &Info) -> String {
    let (name, own) = (printable(name), line(&info.name));
    let named = if name == own { own } else { format!("{name}, which is {own}") };
    format!("{named} {}: {}", line(&info.version), line(&info.summary))
}

/// What no need says of a plugin, and who takes it in has to know.
pub(super) fn beyond_needs(roles: &[Role]) -> Option<&'static str> {
    let why =
        "it can make stages, which run any command that it says, whatever is granted: `local-ci plan -v` shows them";
    roles.contains(&Role::Expander).then_some(why)
}

/// What it needs, a line each, with its reasons. All of what would be granted is shown, and a command by its words: blanks
/// between them that mean nothing must not push the last one out of sight.
pub(super) fn needs(info: &Info) -> String {
    let whole = |need: &Need| {
        let value = if need.kind == "commands" { words(&need.value) } else { need.value.clone() };
        (printable(&need.kind).into_owned(), printable(&value).into_owned())
    };
    let all: Vec<_> = info.needs.iter().map(whole).collect();
    let width = all.iter().map(|(kind, _)| kind.chars().count()).max().unwrap_or(0);
    let values = all.iter().map(|(_, value)| value.chars().count()).max().unwrap_or(0).min(40);
    let mut text = String::new();
    for ((kind, value), need) in all.iter().zip(&info.needs) {
        let reason = line(&need.reason);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {kind:width$}  {value:values$}  {reason}");
    }
    text
}

fn words(command: &str) -> String {
    command.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// All that there is to say of a component.
pub(super) fn whole(name: &str, found: &Candidate) -> String {
    let (info, shape) = (&found.info, &found.shape);
    let mut text = format!("{}\n", title(name, info));
    let mut add = |what: &str, said: &str| {
        let _ = writeln!(text, "  {what:8}  {said}");
    };
    add("file", &line(&found.path.display().to_string()));
    add("size", &size(shape.size));
    add("blake3", &found.hash);
    add("api", &line(&shape.api));
    add("roles", &roles(&shape.roles));
    let imports: Vec<String> = shape.imports.iter().map(|import| line(import)).collect();
    add("imports", if imports.is_empty() { "nothing".to_owned() } else { imports.join(", ") }.as_str());
    for (what, kinds) in [("stages", &info.stages), ("parsers", &info.parsers), ("expands", &info.expanders)] {
        for (at, kind) in kinds.iter().enumerate() {
            add(if at == 0 { what } else { "" }, &one_kind(kind));
        }
    }
    if let Some(beyond) = beyond_needs(&shape.roles) {
        let _ = writeln!(text, "  {beyond}");
    }
    if info.needs.is_empty() {
        text.push_str("  it needs nothing granted\n");
    } else {
        text.push_str("  it needs\n");
        text.push_str(&needs(info));
    }
    text
}

fn one_kind(kind: &Kind) -> String {
    let fixes = if kind.fixes { ", with --fix" } else { "" };
    format!("{}: {}{fixes}{}", line(&kind.name), line(&kind.summary), excerpt(&kind.excerpt))
}

/// Which lines a parser is given; nothing where that is all of them.
fn excerpt(excerpt: &Excerpt) -> String {
    let quoted =
        |texts: &[String]| texts.iter().map(|text| format!("`{}`", printable(text))).collect::<Vec<_>>().join(", ");
    let (lines, from) = (quoted(&excerpt.lines), quoted(&excerpt.from));
    match (lines.as_str(), from.as_str()) {
        ("", "") => String::new(),
        (lines, "") => format!("; reads lines with {lines}"),
        ("", from) => format!("; reads from the first line with {from} on"),
        (lines, from) => format!("; reads lines with {lines}, and all from the first with {from} on"),
    }
}

/// What to write into a config to use it, for each of its roles.
pub(super) fn usage(name: &str, found: &Candidate) -> String {
    let info = &found.info;
    let named = |kinds: &[Kind]| match kinds {
        [only] if only.name == name => name.to_owned(),
        [only] => format!("{name}:{}", line(&only.name)),
        // The kind of its own name goes without saying.
        many => match many.iter().find(|kind| kind.name == name).or(many.first()) {
            Some(kind) if kind.name != name => format!("{name}:{}", line(&kind.name)),
            _ => name.to_owned(),
        },
    };
    let mut text = String::new();
    for role in &found.shape.roles {
        let lines = match role {
            Role::Stage => format!("  [stages.{name}]\n  uses = \"{}\"\n{}", named(&info.stages), with(&info.stages)),
            Role::Parser => format!("  annotate = [\"{}\"]   # in a stage\n", named(&info.parsers)),
            Role::Expander => {
                format!("  [[expand]]\n  uses = \"{}\"\n{}", named(&info.expanders), with(&info.expanders))
            }
            Role::Reporter => format!("  [reporters]\n  {name} = true\n"),
        };
        text.push_str(&lines);
    }
    if let Some(config) = required(info.config.as_deref()) {
        let _ = writeln!(text, "  [plugins.{name}.config]   # what it has to be told\n  {}", config.join("\n  "));
    }
    let open: Vec<String> = info.needs.iter().filter(|need| need.value == "*").map(|need| line(&need.kind)).collect();
    if !open.is_empty() {
        let _ = writeln!(text, "  and in its grants, by name, what it may use of: {}", open.join(", "));
    }
    text
}

/// `with` of the only kind that there is, with what cannot be left out.
fn with(kinds: &[Kind]) -> String {
    let [only] = kinds else { return String::new() };
    match required(only.params.as_deref()) {
        Some(keys) => format!("  with = {{ {} }}   # what it has to be told\n", keys.join(", ")),
        None => String::new(),
    }
}

/// The settings that a schema wants in any case, each with a value of its kind in its place; none where there are none.
fn required(schema: Option<&str>) -> Option<Vec<String>> {
    let schema: Value = serde_json::from_str(schema?).ok()?;
    let keys: Vec<String> = schema.get("required")?.as_array()?.iter().filter_map(Value::as_str).map(line).collect();
    let kind = |key: &str| schema.pointer(&format!("/properties/{key}/type")).and_then(Value::as_str);
    let value = |key: &str| match kind(key) {
        Some("boolean") => "true",
        Some("integer" | "number") => "0",
        Some("array") => "[]",
        Some("object") => "{}",
        Some(_) | None => "\"…\"",
    };
    let lines: Vec<String> = keys.iter().map(|key| format!("{key} = {}", value(key))).collect();
    (!lines.is_empty()).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H160: what is granted is what was shown, to its last character.
    #[test]
    fn h160_nothing_of_what_would_be_granted_is_left_out() {
        let need = |kind: &str, value: String| Need { kind: kind.into(), value, reason: "because".into() };
        let command = format!("git{}**", " ".repeat(190));
        let glob = format!("docs/{{{},**}}", "a".repeat(190));
        let info =
            Info { needs: vec![need("commands", command), need("files-write", glob.clone())], ..Info::default() };
        let shown = needs(&info);
        assert!(shown.contains("commands     git **  "), "{shown}");
        assert!(shown.contains(&glob), "{shown}");
    }
}
