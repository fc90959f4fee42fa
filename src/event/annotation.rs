//! What is to be told of the project itself, at a place in it: what a checker found.

use serde::{Deserialize, Serialize};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// It should be looked at.
    Warning,
    /// It is wrong.
    Error,
}

impl Severity {
    /// The word for it, as compilers print it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something to be told of the project. Its texts are foreign: they are made harmless before a terminal gets them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// How much it matters.
    pub severity: Severity,
    /// What is to be said; of several lines where the tool said several.
    pub message: String,
    /// What the rule is called, such as `E0308`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A line that stands above the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where, if it is about a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Spot>,
    /// Who says so: a plugin, a plugin's parser as `plugin:parser`, a matcher, or `stage` where the stage's own output does.
    pub source: String,
}

/// A place in a file of the project. Lines and columns count from one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// The file, relative to the project's directory.
    pub path: String,
    /// The line it begins in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column it begins in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The line it ends in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The column it ends in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
}

/// How many annotations of one attempt are kept; more are counted.
pub const ANNOTATIONS_MAX: usize = 10_000;
/// How much the annotations of one attempt take that are kept, as [`Annotation::size`] has it, in bytes; more are counted.
pub const ANNOTATIONS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The longest message that is kept whole, in bytes.
const MESSAGE_MAX: usize = 16 * 1024;
/// The longest of the other texts, in bytes.
const TEXT_MAX: usize = 4 * 1024;

impl Annotation {
    /// The same, its texts no longer than anybody reads.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        cut(&mut self.message, MESSAGE_MAX);
        let path = self.at.as_mut().map(|at| &mut at.path);
        for text in [self.code.as_mut(), self.title.as_mut(), path].into_iter().flatten() {
            cut(text, TEXT_MAX);
        }
        self
    }

    /// About how many bytes it is in an event.
    pub fn size(&self) -> usize {
        /// Names of fields, and numbers.
        const REST: usize = 120;
        let texts = [self.code.as_ref(), self.title.as_ref(), self.at.as_ref().map(|at| &at.path)];
        let texts = texts.into_iter().flatten().chain([&self.message, &self.source]);
        texts.map(|text| written(text)).sum::<usize>() + REST
    }
}

/// What may still be kept of what is found in one attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowance {
    count: usize,
    bytes: usize,
}

impl Allowance {
    /// Whether this may be kept as well: at most [`ANNOTATIONS_MAX`] are, of [`ANNOTATIONS_BYTES_MAX`].
    pub fn admits(&mut self, item: &Annotation) -> bool {
        let bytes = self.bytes + item.size();
        let is_kept = self.count < ANNOTATIONS_MAX && bytes <= ANNOTATIONS_BYTES_MAX;
        if is_kept {
            (self.count, self.bytes) = (self.count + 1, bytes);
        }
        is_kept
    }
}

/// How many bytes a text is as JSON.
fn written(text: &str) -> usize {
    let one = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(one).sum()
}

fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(message: String) -> Annotation {
        let (code, title, source) = (None, None, String::new());
        Annotation { severity: Severity::Note, message, code, title, at: None, source }
    }

    /// H160: a text as long as memory is no text to keep.
    #[test]
    fn h160_long_texts_are_cut_between_two_characters() {
        let long = "ä".repeat(MESSAGE_MAX);
        let at = Spot { path: long.clone(), line: None, column: None, end_line: None, end_column: None };
        let item = Annotation { title: Some(long.clone()), at: Some(at), ..note(long) }.bounded();
        assert!(item.message.ends_with("ä…") && item.message.len() <= MESSAGE_MAX + '…'.len_utf8());
        let (title, path) = (item.title.unwrap(), item.at.unwrap().path);
        assert!(title.ends_with("ä…") && title == path && title.len() <= TEXT_MAX + '…'.len_utf8());
        assert_eq!(note("short".to_owned()).bounded(), note("short".to_owned()));
    }

    /// H160: many that are long are bounded together.
    #[test]
    fn h160_no_more_is_kept_than_so_many_and_so_much() {
        let admitted = |item: &Annotation| {
            let mut allowance = Allowance::default();
            (0..=ANNOTATIONS_MAX).filter(|_| allowance.admits(item)).count()
        };
        assert_eq!(admitted(&note("short".to_owned())), ANNOTATIONS_MAX);
        for text in ["x", "\0", "\""] {
            let item = note(text.repeat(MESSAGE_MAX));
            let written = serde_json::to_string(&item).unwrap().len();
            assert!(item.size() >= written, "{text:?}: {} of {written}", item.size());
            assert_eq!(admitted(&item), ANNOTATIONS_BYTES_MAX / item.size(), "{text:?}");
        }
    }
}
