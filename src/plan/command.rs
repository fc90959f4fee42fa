//! Commands as a person reads them, and as a POSIX shell would read them back.
//!
//! What is shown here is never what is executed: an argv goes to the system as it is, without a shell.

use crate::pipeline::Command;

/// The command in words: a script as it stands, an argv quoted so that it can be pasted into a shell.
///
/// Arguments of a script (`-- ARGS`) stand after a ` -- `, on a line of their own where the script has several.
pub fn command_text(command: &Command) -> String {
    match command {
        Command::Argv(argv) => quote_all(argv),
        Command::Plugin(used) if used.params == "{}" => used.name(),
        Command::Plugin(used) => format!("{} {}", used.name(), used.params),
        Command::Shell { script, args, shell: _ } => {
            let script = script.trim_end_matches(['\n', '\r']);
            match (args.is_empty(), script.contains('\n')) {
                (true, _) => script.to_owned(),
                (false, false) => format!("{script} -- {}", quote_all(args)),
                (false, true) => format!("{script}\n-- {}", quote_all(args)),
            }
        }
    }
}

/// Words, each quoted where it must be, with a blank between.
pub fn quote_all(words: &[String]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// One word as a POSIX shell reads it back, wherever in a command it stands.
pub fn quote(word: &str) -> String {
    if is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Words that mean something to a shell where a command's name is expected.
const RESERVED: &[&str] = &[
    "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then",
    "time", "until", "while",
];

/// Whether a shell takes the word for itself without quotes.
fn is_plain(word: &str) -> bool {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"_-./:,+@%=".contains(&b);
    !word.is_empty() && word.bytes().all(harmless) && !RESERVED.contains(&word) && !is_assignment(word)
}

/// `NAME=value` in front of a command sets a variable instead.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// Whether a script looks at its arguments at all. A guess for a warning: it reads no shell grammar.
pub(super) fn uses_arguments(script: &str) -> bool {
    script.split('$').skip(1).any(|after| {
        let name = after.strip_prefix('{').unwrap_or(after);
        let name = name.strip_prefix('#').unwrap_or(name);
        name.starts_with(|c: char| matches!(c, '@' | '*' | '1'..='9')) || after.starts_with('#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Splits a line into words as XCU 2.2 and 2.3 have it, for what carries no expansion.
    fn split(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match c {
                ' ' | '\t' | '\n' => words.extend(word.take()),
                '\'' => word.get_or_insert_default().extend(chars.by_ref().take_while(|c| *c != '\'')),
                '\\' => word.get_or_insert_default().push(chars.next().unwrap()),
                c if "|&;<>()$`\"*?[#~".contains(c) => panic!("{c:?} stands unquoted in {line:?}"),
                c => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        words
    }

    proptest! {
        #[test]
        fn a_shell_reads_back_the_argv(argv in prop::collection::vec(r#"[a-c'"\\ \n\t$`*~=#;&|<>(){}\[\]!-]{0,6}|\PC{0,4}"#, 0..5)) {
            prop_assert_eq!(split(&quote_all(&argv)), argv);
        }
    }

    #[test]
    fn only_what_needs_quotes_has_them() {
        for (word, text) in [
            ("", "''"),
            ("cargo", "cargo"),
            ("--flag=value", "--flag=value"),
            ("CI=1", "'CI=1'"),
            ("PATH+=x", "'PATH+=x'"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("~", "'~'"),
            ("if", "'if'"),
            ("{", "'{'"),
            ("!", "'!'"),
            ("test:1.80", "test:1.80"),
            ("naïve", "'naïve'"),
            ("=", "'='"),
        ] {
            assert_eq!(quote(word), text);
        }
    }

    #[test]
    fn a_script_stands_as_it_is_with_its_arguments_behind_it() {
        let shell = |script: &str, args: &[&str]| {
            command_text(&Command::Shell {
                shell: vec!["sh".into(), "-c".into()],
                script: script.into(),
                args: args.iter().map(|a| (*a).to_owned()).collect(),
            })
        };
        assert_eq!(shell("echo $A | cat", &[]), "echo $A | cat");
        assert_eq!(shell("set -x\nmake\n", &[]), "set -x\nmake");
        assert_eq!(shell("make \"$@\"", &["-k", "a b"]), "make \"$@\" -- -k 'a b'");
        assert_eq!(shell("set -x\nmake \"$@\"\n", &["-k"]), "set -x\nmake \"$@\"\n-- -k");
        assert_eq!(command_text(&Command::Argv(vec!["a b".into(), "c".into()])), "'a b' c");
    }

    #[test]
    fn scripts_that_look_at_their_arguments_are_recognised() {
        for script in ["make \"$@\"", "echo $*", "cp $1 x", "echo ${2:-y}", "echo ${@}", "test $# = 1", "echo ${#1}"] {
            assert!(uses_arguments(script), "{script}");
        }
        for script in ["make", "echo $HOME", "echo ${PATH}", "mail a@example.invalid", "echo $0 $$ $?", "awk $"] {
            assert!(!uses_arguments(script), "{script}");
        }
    }
}
