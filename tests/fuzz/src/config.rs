//! A configuration: any text becomes a pipeline, or faults that are in it and are drawn harmlessly.
//!
//! A line `#---` parts the text: the file, what overrides it, the environment file of its stages, and what a plugin makes
//! for each `[[expand]]`.

use std::path::{Path, PathBuf};

use local_ci::config::{Aspect, ConfigError, FaultReport, Misfit, Supplier, Unsupplied, parse};
use local_ci::pipeline::plugin::{Abilities, Expand, Generated, Grants, Kind, Plugin, Ready};
use local_ci::plugin::schema;

/// What is longer shows nothing that less does not.
const SIZE_MAX: usize = 16 * 1024;
const NAMES: [&str; 2] = ["local-ci.toml", "local-ci.local.toml"];
const SCHEMA: &str = r#"{"type": "object", "additionalProperties": false, "properties": {
    "size": {"type": "integer", "minimum": 1}, "rules": {"type": "array", "items": {"type": "string"}},
    "deep": {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}}}"#;

pub(crate) fn run(data: &[u8]) {
    let Some(text) = std::str::from_utf8(data).ok().filter(|text| text.len() <= SIZE_MAX) else { return };
    let mut parts = text.splitn(4, "#---\n");
    let (own, over) = (parts.next().unwrap_or_default(), parts.next());
    let variables = parts.next().map(str::to_owned);
    let supplier = Answering { body: parts.next().unwrap_or(r#"{"run": "true"}"#).to_owned() };
    let mut files = vec![(NAMES[0], own)];
    files.extend(over.map(|over| (NAMES[1], over)));
    match parse(Path::new("/project"), &files, &|_| variables.clone(), &supplier) {
        Ok(loaded) => assert_eq!(loaded.sources.len(), files.len()),
        Err(error) => refused(&error, &files),
    }
}

fn refused(error: &ConfigError, files: &[(&str, &str)]) {
    assert!(!error.is_not_found() && !error.list().is_empty());
    for width in [0, 80] {
        let drawn = error.render(false, width);
        assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'), "{drawn:?}");
        // What it says where a place is not in the text.
        assert!(!drawn.contains("Failed to read contents"), "{drawn}");
    }
    let coloured = without_colour(&error.render(true, 80));
    assert!(!coloured.contains(|c: char| c.is_control() && c != '\n'), "{coloured:?}");
    for report in error.faults() {
        assert!(!report.message.is_empty());
        is_in_the_text(&report, files);
    }
}

fn is_in_the_text(report: &FaultReport, files: &[(&str, &str)]) {
    let file = files.iter().find(|(name, _)| *name == report.file);
    let Some((_, text)) = file else { panic!("{report:?} is in no file") };
    // A fault of a whole file is at none of its lines.
    let (Some(line), Some(column)) = (report.line, report.column) else { return };
    let line = line.checked_sub(1).and_then(|line| text.split('\n').nth(line));
    let Some(line) = line else { panic!("{report:?} is not in {text:?}") };
    assert!((1..=line.chars().count() + 1).contains(&column), "{report:?} is not in {line:?}");
}

/// A drawing without `ESC [ digits m`.
fn without_colour(drawn: &str) -> String {
    let mut pieces = drawn.split("\u{1b}[");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        text.push_str(rest.strip_prefix('m').unwrap_or("\u{1b}"));
    }
    text
}

/// Every plugin can do everything, and `broken` nothing.
struct Answering {
    /// What is made for an expander, whatever it is.
    body: String,
}

impl Supplier for Answering {
    fn abilities(&self, root: &Path, plugin: &Plugin) -> Result<(Ready, Abilities), Unsupplied> {
        if plugin.name == "broken" {
            return Err(Unsupplied::new("plugin broken is not built").help("local-ci plugin build"));
        }
        let kind = Kind { name: plugin.name.clone(), params: Some(SCHEMA.to_owned()), fixes: true, ..Kind::default() };
        let abilities = Abilities {
            stages: vec![kind.clone()],
            parsers: vec![kind.clone()],
            expanders: vec![kind],
            reports: true,
            config: Some(SCHEMA.to_owned()),
        };
        let (component, needs) = (root.join(PathBuf::from("plugin.wasm")), Grants::default());
        let (plugin, hash) = (plugin.clone(), "0".repeat(64));
        Ok((Ready { plugin, component, hash, needs, policy: None, events: Vec::new() }, abilities))
    }

    fn expand(&self, _: &Path, _: &Plugin, expand: &Expand) -> Result<Vec<Generated>, Unsupplied> {
        let made = |name: &str| Generated { name: name.to_owned(), body: self.body.clone() };
        Ok(if expand.params.contains("none") { Vec::new() } else { vec![made("made"), made("a")] })
    }

    fn misfits(&self, schema: &str, value: &str) -> Result<Vec<Misfit>, String> {
        let misfits = schema::misfits(schema, value)?;
        assert!(misfits.iter().all(|misfit| misfit.pointer.is_empty() || misfit.pointer.starts_with('/')));
        // A value that is wrong as a whole has no key.
        assert!(misfits.iter().all(|misfit| misfit.aspect == Aspect::Value || !misfit.pointer.is_empty()));
        Ok(misfits)
    }
}
