//! `[matchers.NAME]`: expressions that are some, and the files that have some.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use toml::Spanned;

use super::environment::{EnvFile, EnvFiles};
use super::matcher_file::{self, LINES_MAX};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::schema;
use crate::config::value::scalar::Pairs;
use crate::config::visible::visible_line;
use crate::event::Severity;
use crate::pipeline::matcher::{Definition, Groups, Matcher, Part, Pattern, compile};

/// The matchers of a configuration by their names; nothing for one that has faults.
pub(super) type Matchers = BTreeMap<String, Option<Matcher>>;

/// Checks all entries. `files` reads what they name, relative to the project; of those that are excused, something could not be
/// read.
pub(super) fn check(
    written: &Pairs<schema::Matcher>,
    excused: &HashSet<String>,
    files: &dyn EnvFiles,
    faults: &mut FaultList,
) -> Matchers {
    let entries = written.0.iter().map(|(key, written)| {
        let before = faults.count();
        let is_excused = excused.contains(key.get_ref());
        let matcher = one(key, written, is_excused, files, faults).filter(|_| faults.count() == before);
        (key.get_ref().clone(), matcher)
    });
    entries.collect()
}

fn bad(span: std::ops::Range<usize>, text: impl Into<String>) -> Fault {
    Fault::new(Code::BadMatcher, text, span, "here")
}

fn one(
    key: &Spanned<String>,
    written: &schema::Matcher,
    is_excused: bool,
    files: &dyn EnvFiles,
    faults: &mut FaultList,
) -> Option<Matcher> {
    let name = key.get_ref();
    let shown = visible_line(name);
    let is_name = !name.is_empty() && name.len() <= 100 && !name.contains(|c: char| c == ':' || c.is_control());
    if !is_name {
        let fault = bad(key.span(), format!("`{shown}` cannot be a matcher's name"));
        faults.push(fault.help("it has up to 100 characters, and no `:`, which stands before the parsers of plugins"));
    }
    let schema::Matcher { pattern, patterns, repeats, severity, file } = written;
    let is_form = pattern.is_some() || patterns.is_some();
    let parts = match (pattern, patterns, file) {
        (None, None, Some(file)) => {
            if let Some(other) = repeats.as_ref().map(Spanned::span) {
                faults.push(bad(other, "`loop` is for patterns, and the file says it of its own"));
            }
            let usual = severity.map(schema::Level::severity);
            from_file(file, usual, files, faults)?
        }
        (Some(pattern), None, None) => {
            if let Some(other) = repeats.as_ref().filter(|repeats| *repeats.get_ref()) {
                let fault = bad(other.span(), "`loop` has nothing to come after: there is one pattern");
                faults
                    .push(fault.help(
                        "every line that matches is found already; `loop` is for the last of several `patterns`",
                    ));
            }
            form(std::slice::from_ref(pattern), false, *severity, faults)?
        }
        (None, Some(patterns), None) => {
            if patterns.get_ref().is_empty() || patterns.get_ref().len() > LINES_MAX {
                let text = format!("`patterns` has one for each line, from one to {LINES_MAX}");
                faults.push(bad(patterns.span(), text));
                return None;
            }
            let repeats = repeats.as_ref().is_some_and(|repeats| *repeats.get_ref());
            if repeats && patterns.get_ref().len() == 1 {
                faults.push(bad(patterns.span(), "`loop` has nothing to come after: there is one pattern"));
            }
            form(patterns.get_ref(), repeats, *severity, faults)?
        }
        _ => {
            if !is_excused {
                let text = if is_form || file.is_some() {
                    format!("matcher `{shown}` is written in more than one way")
                } else {
                    format!("matcher `{shown}` does not say what it looks for")
                };
                let fault = bad(key.span(), text);
                faults.push(fault.help("give one of `pattern`, `patterns` and `file`; for example: pattern = '^(?<file>.+):(?<line>\\d+): (?<message>.+)$'"));
            }
            return None;
        }
    };
    Some(Matcher { name: name.clone(), parts })
}

/// Expressions with named groups.
fn form(
    patterns: &[Spanned<String>],
    repeats: bool,
    severity: Option<schema::Level>,
    faults: &mut FaultList,
) -> Option<Vec<Part>> {
    let mut lines = Vec::new();
    let mut has_message = false;
    for pattern in patterns {
        match compile(pattern.get_ref()) {
            Ok(regex) => {
                let groups = Groups::named(&regex);
                for name in regex.capture_names().flatten().filter(|name| !Groups::NAMES.contains(name)) {
                    let text = format!("a group cannot be called `{}`", visible_line(name));
                    let help =
                        format!("groups are called {}; one without a meaning needs no name", Groups::NAMES.join(", "));
                    faults.push(bad(pattern.span(), text).help(help));
                }
                has_message |= groups.message.is_some();
                lines.push(Pattern { regex: pattern.get_ref().clone(), groups });
            }
            Err(why) => {
                let text = format!("this is no regular expression: {}", visible_line(&why));
                let help =
                    "what there is, the page of the crate regex lists; in 'single quotes', a backslash is itself";
                faults.push(bad(pattern.span(), text).help(help));
            }
        }
    }
    if lines.len() < patterns.len() {
        return None;
    }
    if !has_message {
        let span = patterns.first().map_or(0..0, Spanned::span);
        let fault = bad(span, "no group says what was found");
        faults.push(fault.help("call one `message`, for example (?<message>.+)"));
        return None;
    }
    let severity = severity.map_or(Severity::Error, schema::Level::severity);
    Some(vec![Part::Form(Definition { severity, patterns: lines, repeats })])
}

/// All that is in a file.
fn from_file(
    file: &Spanned<String>,
    usual: Option<Severity>,
    files: &dyn EnvFiles,
    faults: &mut FaultList,
) -> Option<Vec<Part>> {
    let shown = visible_line(file.get_ref());
    let mut bad = |text: String, help: &str| {
        faults.push(bad(file.span(), text).help(help));
        None
    };
    if file.get_ref().is_empty() || file.get_ref().contains('\0') {
        return bad(
            "the path of this file is empty or has a NUL character".into(),
            "for example: file = \".github/matcher.json\"",
        );
    }
    let text = match files.read(Path::new(file.get_ref())) {
        EnvFile::Text(text) => text,
        EnvFile::Missing => return bad(format!("there is no file `{shown}`"), "its path is relative to the project"),
        EnvFile::Unusable(why) => {
            return bad(format!("`{shown}` cannot be used: it {why}"), "its path is relative to the project");
        }
    };
    match matcher_file::read(&text, usual) {
        Ok(parts) => Some(parts),
        Err(why) => bad(
            format!("`{shown}` cannot be used: {}", visible_line(&why)),
            "it is to have the shape of GitHub's `problemMatcher` or of a problem matcher in VS Code's tasks",
        ),
    }
}
