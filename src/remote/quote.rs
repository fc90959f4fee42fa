//! Words for a POSIX shell.

/// A word that a POSIX shell reads as this text, whatever is in it, but for NUL, which no word can have. Always in quotes:
/// which characters are harmless depends on the shell and on where the word stands.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use crate::process::tool::{Tool, Tools};
    use proptest::prelude::*;
    use std::time::Duration;

    fn read_back(shell: &str, text: &str) -> Option<Vec<u8>> {
        let tools = Tools::plain(&Env::from_pairs([("PATH", "/usr/bin:/bin")]));
        let script = format!("printf %s {}", quote(text));
        let tool = Tool::new([shell]).arg("-s").stdin(script);
        tools.run(&tool, Duration::from_mins(1), &|| false).ok().map(|ran| ran.stdout)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// H113: every byte but NUL comes through every shell that is here. What is no UTF-8 has no way into a config, so
        /// the text is made of every character, and all bytes above 127 are parts of some.
        #[test]
        fn h113_a_quoted_text_is_one_word_and_comes_back(
            text in proptest::collection::vec(prop_oneof![any::<char>(), proptest::char::range('\u{1}', '\u{7f}')], 0..200)
        ) {
            let text: String = text.into_iter().filter(|c| *c != '\0').collect();
            for shell in ["sh", "dash", "bash", "zsh"] {
                if let Some(read) = read_back(shell, &text) {
                    prop_assert_eq!(read, text.as_bytes(), "{}", shell);
                }
            }
        }
    }

    #[test]
    fn h113_what_other_quoting_left_bare_is_quoted() {
        for text in ["a;rm -rf x", "", "-n", "~", "*", "$(id)", "`id`", "it's", "''", "\\", "a\nb\n", "\u{81}\u{88}"] {
            assert_eq!(read_back("sh", text).unwrap(), text.as_bytes(), "{text:?}");
        }
    }
}
