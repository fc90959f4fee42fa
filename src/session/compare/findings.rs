//! What a stage found in one run and not in the other. A finding is the same as another where file, rule and message are:
//! lines move when something above them does, and so do those that messages speak of.

use std::collections::HashMap;

use crate::event::Annotation;

/// What makes a finding the same as another.
type Key<'a> = (&'a str, &'a str, String);

fn key(annotation: &Annotation) -> Key<'_> {
    let path = annotation.at.as_ref().map_or("", |at| at.path.as_str());
    (path, annotation.code.as_deref().unwrap_or_default(), without_lines(&annotation.message))
}

/// The text without numbers behind colons, such as those of `src/lib.rs:12:5`.
fn without_lines(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == ':' && rest.peek().is_some_and(char::is_ascii_digit) {
            while rest.next_if(char::is_ascii_digit).is_some() {}
        } else {
            kept.push(c);
        }
    }
    kept
}

/// What is in `here` and not in `there`. Of several that are the same, as many as there are more.
pub(super) fn only_in(here: &[Annotation], there: &[Annotation]) -> Vec<Annotation> {
    let mut known: HashMap<Key<'_>, usize> = HashMap::new();
    for annotation in there {
        *known.entry(key(annotation)).or_default() += 1;
    }
    let mut found = Vec::new();
    for annotation in here {
        match known.get_mut(&key(annotation)) {
            Some(count) if *count > 0 => *count -= 1,
            Some(_) | None => found.push(annotation.clone()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Severity, Spot};

    fn finding(path: &str, line: u32, message: &str) -> Annotation {
        let at = Spot { path: path.into(), line: Some(line), column: None, end_line: None, end_column: None };
        Annotation {
            severity: Severity::Error,
            message: message.into(),
            code: None,
            title: None,
            at: Some(at),
            source: "rustc".into(),
        }
    }

    #[test]
    fn what_has_moved_is_no_news() {
        let before = [finding("a.rs", 3, "unused, see b.rs:4:2"), finding("a.rs", 9, "gone")];
        let after = [finding("a.rs", 30, "unused, see b.rs:17"), finding("b.rs", 9, "gone")];
        assert_eq!(only_in(&after, &before), [finding("b.rs", 9, "gone")]);
        assert_eq!(only_in(&before, &after), [finding("a.rs", 9, "gone")]);
        assert_eq!(without_lines("a:12:3: b 4"), "a: b 4");
    }

    #[test]
    fn of_several_that_are_the_same_the_rest_is_news() {
        let (one, two) = (finding("a.rs", 1, "x"), finding("a.rs", 2, "x"));
        assert_eq!(only_in(&[one.clone(), two.clone()], std::slice::from_ref(&one)), [two]);
        assert_eq!(only_in(std::slice::from_ref(&one), &[one.clone(), one.clone()]), []);
    }
}
