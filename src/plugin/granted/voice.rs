//! What a plugin says, as lines. How much and how often that may be is seen to before it comes here.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::event::{Annotation, Spot};
use crate::plugin::authority::place;
use crate::plugin::services::Level;
use crate::text::plain::printable;

/// How much of a note on progress is kept, and of a place that is none, in bytes.
const SHORT_MAX: usize = 1 << 10;
/// How many things are told the user on the plugin's account.
const NOTICES_MAX: usize = 32;

/// A plugin's voice for one call, or one session.
pub(super) struct Voice {
    plugin: String,
    verbose: bool,
    log: Box<dyn FnMut(&str) + Send>,
    annotate: Box<dyn FnMut(Vec<Annotation>) + Send>,
    noticed: BTreeSet<String>,
}

/// Where a voice goes.
pub(super) struct Ears {
    pub(super) log: Box<dyn FnMut(&str) + Send>,
    pub(super) annotate: Box<dyn FnMut(Vec<Annotation>) + Send>,
}

impl Voice {
    pub(super) fn new(plugin: &str, verbose: bool, ears: Ears) -> Self {
        Self { plugin: plugin.to_owned(), verbose, log: ears.log, annotate: ears.annotate, noticed: BTreeSet::new() }
    }

    /// Whether it hands on what matters so much.
    pub(super) fn hears(&self, level: Level) -> bool {
        self.verbose || level >= Level::Info
    }

    /// A text of the plugin's, line by line.
    pub(super) fn log(&mut self, level: Level, message: &str) {
        if !self.hears(level) {
            return;
        }
        let before = match level {
            Level::Trace => "trace: ",
            Level::Debug => "debug: ",
            Level::Info => "",
            Level::Warn => "warning: ",
            Level::Error => "error: ",
        };
        // What ends with the end of a line has no empty line after it.
        let message = message.strip_suffix('\n').unwrap_or(message);
        for (nth, line) in message.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let text = if nth == 0 { format!("{before}{line}") } else { line.to_owned() };
            (self.log)(&text);
        }
    }

    /// A sentence of ours about the plugin.
    fn say(&mut self, sentence: &str) {
        (self.log)(&format!("plugin {}: {sentence}", self.plugin));
    }

    /// Tells the user something that the plugin is not told, once.
    pub(super) fn notice(&mut self, sentence: &str) {
        if self.noticed.len() < NOTICES_MAX && self.noticed.insert(sentence.to_owned()) {
            self.say(sentence);
        }
    }

    /// How far it is.
    pub(super) fn progress(&mut self, done: u64, total: Option<u64>, note: Option<&str>) {
        let mut text = format!("progress: {done}");
        // Writing to a String cannot fail.
        if let Some(total) = total {
            let _ = write!(text, " of {total}");
        }
        if let Some(note) = note.filter(|note| !note.is_empty()) {
            let _ = write!(text, ", {}", printable(cut(note, SHORT_MAX)));
        }
        (self.log)(&text);
    }

    /// What it found, of a project in this directory.
    pub(super) fn annotate(&mut self, items: Vec<Annotation>, root: &Path) {
        (self.annotate)(items.into_iter().map(|item| presentable(item, root)).collect());
    }
}

/// An annotation of a plugin as it is kept: about a place in the project, relative to its directory. A place elsewhere becomes
/// a part of the message.
pub fn presentable(mut annotation: Annotation, root: &Path) -> Annotation {
    if let Some(at) = annotation.at.take() {
        let relative = Path::new(&at.path).strip_prefix(root).ok().and_then(Path::to_str).unwrap_or(&at.path);
        match place::clean(relative) {
            Ok(path) => annotation.at = Some(counted_from_one(Spot { path, ..at })),
            Err(_) => {
                // Writing to a String cannot fail.
                let _ = write!(annotation.message, " (at {}", printable(cut(&at.path, SHORT_MAX)));
                if let Some(line) = at.line {
                    let _ = write!(annotation.message, ":{line}");
                }
                annotation.message.push(')');
            }
        }
    }
    annotation
}

/// A place without numbers that no line or column has.
fn counted_from_one(spot: Spot) -> Spot {
    let some = |number: Option<u32>| number.filter(|number| *number > 0);
    Spot {
        line: some(spot.line),
        column: some(spot.column),
        end_line: some(spot.end_line),
        end_column: some(spot.end_column),
        path: spot.path,
    }
}

/// As much of a text as is at most so long.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
