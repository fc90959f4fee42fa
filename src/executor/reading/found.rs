//! What was found during one attempt, gathered until its end: so that the order is that of the declaration, and not of
//! threads.

use crate::event::{ANNOTATIONS_BYTES_MAX, ANNOTATIONS_MAX, Allowance, Annotation};
use crate::executor::news::bounded;

/// How many sentences of one reader are kept.
const REMARKS_MAX: usize = 20;

/// What was found, and what there is to say of who looked.
#[derive(Debug, Default)]
pub struct Found {
    /// What it found, as much as is kept.
    pub(super) items: Vec<Annotation>,
    allowance: Allowance,
    /// How many it found besides.
    pub(super) more: usize,
    /// What a person should know.
    pub(super) remarks: Vec<String>,
    /// How many sentences were left out.
    silenced: usize,
}

impl Found {
    /// Takes in what was found. `source` says who did where that is not said.
    pub fn add(&mut self, source: &str, items: Vec<Annotation>) {
        for mut item in items {
            if item.source.is_empty() {
                source.clone_into(&mut item.source);
            }
            self.keep(item);
        }
    }

    fn keep(&mut self, item: Annotation) {
        if self.allowance.admits(&item) {
            self.items.push(item);
        } else {
            self.more += 1;
        }
    }

    /// Takes in a sentence.
    pub fn remark(&mut self, text: String) {
        if self.remarks.len() < REMARKS_MAX {
            self.remarks.push(bounded(text));
        } else {
            self.silenced += 1;
        }
    }

    /// Takes in what another has found, which comes after this.
    pub fn append(&mut self, other: Self) {
        other.items.into_iter().for_each(|item| self.keep(item));
        self.more += other.more;
        self.remarks.extend(other.remarks);
        self.silenced += other.silenced;
    }

    /// The sentences, and what is said of what was left out.
    pub fn into_parts(mut self) -> (Vec<Annotation>, Vec<String>) {
        if self.silenced > 0 {
            self.remarks.push(format!("its readers said {} more things, which were left out", self.silenced));
        }
        if self.more > 0 {
            let (count, most) = (ANNOTATIONS_MAX, ANNOTATIONS_BYTES_MAX >> 20);
            self.remarks.push(format!(
                "{} more annotations were left out: {count} of a stage are kept, and {most} MiB of them",
                self.more
            ));
        }
        (self.items, self.remarks)
    }
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
        assert_eq!(remarks, ["2 more annotations were left out: 10000 of a stage are kept, and 4 MiB of them"]);
    }

    /// H160: a line as long as memory is no sentence.
    #[test]
    fn h160_a_sentence_is_of_bounded_length() {
        let mut found = Found::default();
        found.remark("ä".repeat(1 << 20));
        let (_, remarks) = found.into_parts();
        assert_eq!((remarks[0].len(), remarks[0].chars().last()), (1024 + '…'.len_utf8(), Some('…')));
    }
}
