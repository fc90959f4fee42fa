//! A command line that is being typed, as words.

use std::ffi::{OsStr, OsString};

/// The words before the cursor's, and as much of that as stands before the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Without the program's name.
    pub(super) before: Vec<OsString>,
    pub(super) current: String,
    /// How many bytes of the current word the shell leaves where they are.
    pub(super) kept: usize,
}

impl Line {
    /// A line from words, the program's name first.
    pub(super) fn of(words: &[OsString], current: &str) -> Self {
        Self { before: words.iter().skip(1).cloned().collect(), current: current.to_owned(), kept: 0 }
    }
}

/// Splits a line as a shell does: at blanks that are not quoted, with quotes taken away. What a shell would put in the
/// place of variables and the like stays as it is: nothing is looked up, let alone run.
pub(super) fn split(line: &str) -> Line {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (Some('"'), '\\') if chars.peek().is_some_and(|next| "\\\"$`".contains(*next)) => {
                word.get_or_insert_default().extend(chars.next());
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    let current = word.unwrap_or_default();
    // Variables that are set for this one command stand before its name.
    let mut words = words.into_iter().skip_while(|word| is_assignment(word)).map(OsString::from);
    words.next();
    Line { before: words.collect(), current, kept: 0 }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// A path as the shell would expand it: only `~` in front is, for nothing else can be known.
pub(super) fn expanded(path: &OsStr, home: Option<&std::path::Path>) -> std::path::PathBuf {
    match (std::path::Path::new(path).strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}
