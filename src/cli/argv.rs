//! The bare form: `local-ci [OPTIONS] [STAGE]...` means `local-ci run …`.
//!
//! clap's own way to mix subcommands with names loses names (`fmt list`) and mistakes an option's value for a command
//! (`-C list`). So the first word that is neither an option nor an option's value is found with clap's own table of
//! options. If it is a command, it is moved to the front, so that options may stand before it; else `run` is put there.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use clap::{ArgAction, CommandFactory, FromArgMatches};

use super::args::Cli;

/// What was typed, understood. The table of arguments is built once: that takes longer than most of what comes after.
pub(super) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let arguments = with_command(&command, arguments);
    let matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The arguments with the command as their first word.
fn with_command(command: &clap::Command, arguments: &[OsString]) -> Vec<OsString> {
    let options = Options::of(command);
    let Some((program, words)) = arguments.split_first() else { return arguments.to_vec() };
    let mut rest = words.to_vec();
    let front = match first_word(words, &options) {
        First::At(at) if is_command(command, &words[at]) => rest.remove(at),
        First::Help => return arguments.to_vec(),
        First::At(_) | First::None | First::Value(_) => "run".into(),
    };
    [program.clone(), front].into_iter().chain(rest).collect()
}

/// Whether a word is a command's name.
pub(super) fn is_command(command: &clap::Command, word: &OsStr) -> bool {
    command.get_subcommands().any(|sub| word == sub.get_name()) || word == "help"
}

/// The first of some words that is neither an option nor an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    At(usize),
    /// There is none, and nothing but the program's own help or version is asked for.
    Help,
    None,
    /// There is none, and the option at this place has yet to get its value.
    Value(usize),
}

/// Finds the first word.
pub(super) fn first_word(words: &[OsString], options: &Options) -> First {
    let mut others = false;
    let mut at = 0;
    while at < words.len() {
        let word = words[at].as_encoded_bytes();
        if word == b"--" {
            others = true;
            break;
        }
        others |= ![&b"-h"[..], b"--help", b"-V", b"--version"].contains(&word);
        if !matches!(word, [b'-', _, ..]) {
            return First::At(at);
        }
        if options.takes_value_after(word) {
            if at + 1 == words.len() {
                return First::Value(at);
            }
            at += 1;
        }
        at += 1;
    }
    if words.is_empty() || others { First::None } else { First::Help }
}

/// The words that are neither options nor values of options.
pub(super) fn plain_words<'w>(words: &'w [OsString], options: &Options) -> Vec<&'w OsStr> {
    let mut plain = Vec::new();
    let mut is_value = false;
    for word in words {
        let bytes = word.as_encoded_bytes();
        if !is_value && !matches!(bytes, [b'-', _, ..]) {
            plain.push(word.as_os_str());
        }
        is_value = !is_value && options.takes_value_after(bytes);
    }
    plain
}

/// The last value that an option of every command is given.
pub(super) fn value_of(words: &[OsString], options: &Options, long: &str, short: char) -> Option<OsString> {
    let mut value = None;
    let mut at = 0;
    while at < words.len() && words[at] != "--" {
        let word = words[at].as_encoded_bytes();
        let attached = words[at].to_str().and_then(|word| {
            word.strip_prefix("--")
                .and_then(|word| word.strip_prefix(long)?.strip_prefix('='))
                .or_else(|| word.strip_prefix('-')?.strip_prefix(short).filter(|value| !value.is_empty()))
        });
        if let Some(attached) = attached {
            value = Some(attached.into());
        } else if options.takes_value_after(word) {
            at += 1;
            let is_it = match word {
                [b'-', b'-', name @ ..] => name == long.as_bytes(),
                letters => letters.last().copied().map(char::from) == Some(short),
            };
            value = words.get(at).filter(|_| is_it).cloned().or(value);
        }
        at += 1;
    }
    value
}

/// Which options take a value.
pub(super) struct Options {
    long: HashMap<String, bool>,
    short: HashMap<char, bool>,
}

impl Options {
    pub(super) fn of(command: &clap::Command) -> Self {
        let mut options = Self { long: HashMap::new(), short: HashMap::new() };
        for arg in command.get_arguments().chain(command.get_subcommands().flat_map(clap::Command::get_arguments)) {
            // What needs `=` before its value takes none of the words after it.
            let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) && !arg.is_require_equals_set();
            for long in arg.get_long_and_visible_aliases().into_iter().flatten() {
                options.long.insert(long.to_owned(), takes);
            }
            for short in arg.get_short_and_visible_aliases().into_iter().flatten() {
                options.short.insert(short, takes);
            }
        }
        options
    }

    /// Whether the word after this option is its value.
    fn takes_value_after(&self, option: &[u8]) -> bool {
        match option {
            [b'-', b'-', ..] => self.takes_next(option),
            [b'-', _, ..] => self.takes_next_short(option),
            _ => false,
        }
    }

    /// Whether the word after `--name` is its value; `--name=value` has it already.
    fn takes_next(&self, word: &[u8]) -> bool {
        std::str::from_utf8(&word[2..]).is_ok_and(|name| self.long.get(name) == Some(&true))
    }

    /// Whether the word after `-abc` is the value of its last letter; `-j4` has it already.
    fn takes_next_short(&self, word: &[u8]) -> bool {
        let letters = &word[1..];
        let value_of = letters.iter().position(|letter| self.short.get(&char::from(*letter)) == Some(&true));
        value_of == Some(letters.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(line: &str) -> String {
        let arguments: Vec<OsString> =
            std::iter::once("local-ci").chain(line.split_whitespace()).map(Into::into).collect();
        let seen: Vec<String> = with_command(&Cli::command(), &arguments)[1..]
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        seen.join(" ")
    }

    #[test]
    fn the_bare_form_is_run() {
        for (typed, means) in [
            ("", "run"),
            ("fmt clippy", "run fmt clippy"),
            ("fmt list", "run fmt list"),
            ("-C list fmt", "run -C list fmt"),
            ("-Clist fmt", "run -Clist fmt"),
            ("-j 4 plan-b", "run -j 4 plan-b"),
            ("-kj 4 fmt", "run -kj 4 fmt"),
            ("--jobs=4 --fix", "run --jobs=4 --fix"),
            ("--json", "run --json"),
            ("--json list", "list --json"),
            ("-C dir list", "list -C dir"),
            ("--tail 5 logs", "logs --tail 5"),
            ("-v -C plan plan --json", "plan -v -C plan --json"),
            ("run list", "run list"),
            ("test -- list", "run test -- list"),
            ("-- list", "run -- list"),
            ("--help", "--help"),
            ("-V", "-V"),
            ("-j 4 --help", "run -j 4 --help"),
            ("fmt --help", "run fmt --help"),
            ("help plan", "help plan"),
        ] {
            assert_eq!(seen(typed), means, "{typed:?}");
        }
    }

    #[test]
    fn the_value_of_an_option_is_found_wherever_it_stands() {
        let options = Options::of(&Cli::command());
        for (typed, value) in [
            ("", None),
            ("-C here fmt", Some("here")),
            ("-Chere fmt", Some("here")),
            ("fmt --directory here", Some("here")),
            ("fmt --directory=here", Some("here")),
            ("-C one plan -C two", Some("two")),
            ("-kC here", Some("here")),
            ("-j -C", None),
            ("--skip -C fmt", None),
            ("-C", None),
            ("fmt -- -C there", None),
        ] {
            let words: Vec<OsString> = typed.split_whitespace().map(Into::into).collect();
            assert_eq!(value_of(&words, &options, "directory", 'C').as_deref(), value.map(OsStr::new), "{typed}");
        }
    }

    #[test]
    fn the_table_of_options_is_sound() {
        Cli::command().debug_assert();
        let mut takes: HashMap<String, bool> = HashMap::new();
        for sub in Cli::command().get_subcommands() {
            for arg in sub.get_arguments() {
                let value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
                if let Some(long) = arg.get_long() {
                    // The walk looks an option up before it knows the command, so all commands have to agree.
                    assert_eq!(
                        *takes.entry(long.to_owned()).or_insert(value),
                        value,
                        "--{long} differs in {}",
                        sub.get_name()
                    );
                }
            }
        }
    }
}
