//! What was found during one attempt, gathered until its end: so that the order is that of the declaration, and not of
//! threads.

use crate::event::{ANNOTATIONS_MAX, Annotation, Spot};

/// The longest message that is kept whole, in bytes.
const MESSAGE_MAX: usize = 16 * 1024;
/// The longest of the other texts, in bytes.
const TEXT_MAX: usize = 4096;
/// How many sentences of one reader are kept.
const REMARKS_MAX: usize = 20;

/// What was found, and what there is to say of who looked.
#[derive(Debug, Default)]
pub struct Found {
    /// What it found, [`ANNOTATIONS_MAX`] at most.
    pub(super) items: Vec<Annotation>,
    /// How many it found after that.
    pub(super) more: usize,
    /// What a person should know.
    pub(super) remarks: Vec<String>,
    /// How many sentences were left out.
    silenced: usize,
}

impl Found {
    /// Takes in what was found. `source` says who did where that is not said.
    pub fn add(&mut self, source: &str, items: Vec<Annotation>) {
        for item in items {
            if self.items.len() < ANNOTATIONS_MAX {
                self.items.push(bounded(source, item));
            } else {
                self.more += 1;
            }
        }
    }

    /// Takes in a sentence.
    pub fn remark(&mut self, text: String) {
        if self.remarks.len() < REMARKS_MAX {
            self.remarks.push(text);
        } else {
            self.silenced += 1;
        }
    }

    /// Takes in what another has found, which comes after this.
    pub fn append(&mut self, other: Self) {
        let room = ANNOTATIONS_MAX - self.items.len();
        self.more += other.more + other.items.len().saturating_sub(room);
        self.items.extend(other.items.into_iter().take(room));
        self.remarks.extend(other.remarks);
        self.silenced += other.silenced;
    }

    /// The sentences, and what is said of what was left out.
    pub fn into_parts(mut self) -> (Vec<Annotation>, Vec<String>) {
        if self.silenced > 0 {
            self.remarks.push(format!("its plugins said {} more things, which were left out", self.silenced));
        }
        if self.more > 0 {
            let kept = ANNOTATIONS_MAX;
            self.remarks.push(format!("{} more annotations were left out: {kept} of a stage are kept", self.more));
        }
        (self.items, self.remarks)
    }
}

/// The annotation, its texts no longer than anybody reads.
fn bounded(source: &str, item: Annotation) -> Annotation {
    let text = |text: Option<String>| text.map(|text| cut(text, TEXT_MAX));
    Annotation {
        severity: item.severity,
        message: cut(item.message, MESSAGE_MAX),
        code: text(item.code),
        title: text(item.title),
        at: item.at.map(|at| Spot { path: cut(at.path, TEXT_MAX), ..at }),
        source: if item.source.is_empty() { source.to_owned() } else { item.source },
    }
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Severity;

    fn note(message: &str) -> Annotation {
        let source = String::new();
        Annotation { severity: Severity::Note, message: message.into(), code: None, title: None, at: None, source }
    }

    #[test]
    fn what_is_too_much_is_counted_and_said() {
        let (mut first, mut second) = (Found::default(), Found::default());
        first.add("p", vec![note("a"); ANNOTATIONS_MAX - 1]);
        second.add("q:r", vec![note("b"); 3]);
        first.append(second);
        let (items, remarks) = first.into_parts();
        assert_eq!((items.len(), items[0].source.as_str()), (ANNOTATIONS_MAX, "p"));
        assert_eq!(items[ANNOTATIONS_MAX - 1].source, "q:r");
        assert_eq!(remarks, ["2 more annotations were left out: 10000 of a stage are kept"]);
    }

    /// H160: a text as long as memory is no text to keep.
    #[test]
    fn h160_a_long_text_is_cut_between_two_characters() {
        let mut found = Found::default();
        found.add("p", vec![note(&"ä".repeat(MESSAGE_MAX))]);
        let message = &found.items[0].message;
        assert!(message.ends_with("ä…") && message.len() <= MESSAGE_MAX + '…'.len_utf8());
    }
}
