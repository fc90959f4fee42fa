//! Taking out of a text what differs from run to run, so that the rest can be compared.

use regex::{NoExpand, Regex};

/// Texts and patterns with the words that replace them, in order.
pub(crate) struct Redactions(Vec<(Regex, String)>);

impl Redactions {
    /// Those that every test needs, with these paths first, the longest names before their own beginnings.
    pub(crate) fn new(paths: &[(&str, String)]) -> Self {
        let mut redactions = Self(Vec::new());
        for (word, path) in paths {
            redactions.add(&regex::escape(path), word);
        }
        for (pattern, word) in [
            (r"\bprojects/[^/\s]+/", "projects/[HASH]/"),
            (r"\b[0-9a-f]{64}\b", "[SIGNATURE]"),
            (r"\b[0-9a-f]{32}\b", "[RUN-ID]"),
            (r"\bpid \d+", "pid [PID]"),
            (r#"("(?:unix|expected|duration|delay)_ms":|"mono_us":) ?\d+"#, "$1[TIME]"),
            (r"\bjust now\b|\b\d+ (?:sec|min|hours?) ago\b", "[AGO]"),
            (r"\b(?:\d+h\d{2}m|\d+m\d{2}s|\d+(?:\.\d+)?m?s)\b", "[TIME]"),
        ] {
            redactions.0.push((Regex::new(pattern).unwrap(), word.to_owned()));
        }
        redactions
    }

    /// One more pattern, whose word stands as it is.
    pub(crate) fn add(&mut self, pattern: &str, word: &str) {
        self.0.push((Regex::new(pattern).unwrap(), word.replace('$', "$$")));
    }

    /// The text with all of them applied.
    pub(crate) fn apply(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (pattern, word)| {
            if word.contains('$') {
                pattern.replace_all(&text, word.as_str()).into_owned()
            } else {
                pattern.replace_all(&text, NoExpand(word)).into_owned()
            }
        })
    }
}

#[test]
fn what_differs_is_taken_out_and_the_rest_stays() {
    let mut redactions = Redactions::new(&[("[PROJECT]", "/tmp/a+b/project".into()), ("[TEMP]", "/tmp/a+b".into())]);
    redactions.add("cost [0-9]+", "cost $1");
    let text = "✓ fmt (245ms) ✗ x (2.3s) 2m30s 1h05m /tmp/a+b/project/x /tmp/a+b/y /tmp/aab pid 77 just now 5 sec ago \
                {\"duration_ms\":12,\"mono_us\":3} 0123456789abcdef0123456789abcdef exit code 101 1.80 mss cost 5";
    assert_eq!(
        redactions.apply(text),
        "✓ fmt ([TIME]) ✗ x ([TIME]) [TIME] [TIME] [PROJECT]/x [TEMP]/y /tmp/aab pid [PID] [AGO] [AGO] \
         {\"duration_ms\":[TIME],\"mono_us\":[TIME]} [RUN-ID] exit code 101 1.80 mss cost $1"
    );
}
