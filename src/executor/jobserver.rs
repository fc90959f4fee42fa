//! Which attempts are told of the slots that nobody uses, as far as that follows from the stage itself.

use std::collections::BTreeMap;

use crate::env::{CARGO_BUILD_JOBS, CARGO_MAKEFLAGS, MAKEFLAGS};
use crate::pipeline::{Command, Jobserver, Policy};

/// What an attempt's programs are told of the slots that nobody uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Nothing: what the stage takes is its own.
    Nothing,
    /// Cargo is told, by descriptors only where the command itself names it.
    Cargo {
        /// Whether it does.
        named: bool,
    },
    /// Make is told as well.
    Make,
}

impl Offer {
    /// What a stage with this command, these variables of its own and this policy is offered.
    ///
    /// Whoever says how many jobs there are to be, in the command or in a variable, is taken at their word: cargo
    /// ignores its own `-j` and `CARGO_BUILD_JOBS` where there is a jobserver.
    pub fn to(command: &Command, env: &BTreeMap<String, String>, policy: &Policy) -> Self {
        if env.contains_key(CARGO_MAKEFLAGS) || env.contains_key(MAKEFLAGS) {
            return Self::Nothing;
        }
        match policy.jobserver {
            Jobserver::Off => Self::Nothing,
            Jobserver::Make => Self::Make,
            Jobserver::Auto if says_jobs(command) || env.contains_key(CARGO_BUILD_JOBS) => Self::Nothing,
            Jobserver::Auto => Self::Cargo { named: names_cargo(command) },
        }
    }

    /// How many of the run's slots an attempt keeps to itself. One that shares keeps the one that its first program
    /// runs on; what it takes beyond that it finds among the others.
    pub fn keeps(self, policy: &Policy) -> u32 {
        match self {
            Self::Nothing => policy.threads,
            Self::Cargo { .. } | Self::Make => 1,
        }
    }
}

/// The command's text, word by word as far as that can be told without a shell.
fn any_word(command: &Command, of_words: impl Fn(&str) -> bool) -> bool {
    match command {
        Command::Argv(argv) => argv.iter().any(|word| of_words(word)),
        Command::Shell { script, args, .. } => {
            let ends = |c: char| c.is_whitespace() || ";&|()<>`'\"{}".contains(c);
            script.split(ends).chain(args.iter().map(String::as_str)).any(of_words)
        }
        // What it runs, if it runs anything, is not known.
        Command::Plugin(_) => false,
    }
}

/// Whether `cargo`, or a program of its like, is among its words.
fn names_cargo(command: &Command) -> bool {
    any_word(command, |word| {
        let name = word.rsplit('/').next().unwrap_or_default();
        name == "cargo" || name.starts_with("cargo-")
    })
}

/// Whether it says how many jobs there are to be.
fn says_jobs(command: &Command) -> bool {
    any_word(command, |word| word.starts_with("-j") || word == "--jobs" || word.starts_with("--jobs="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::DEFAULT_SHELL;

    fn script(text: &str) -> Command {
        let shell = DEFAULT_SHELL.map(str::to_owned).to_vec();
        Command::Shell { shell, script: text.into(), args: Vec::new() }
    }

    fn offer(command: &Command, jobserver: Jobserver) -> Offer {
        Offer::to(command, &BTreeMap::new(), &Policy { jobserver, ..Policy::default() })
    }

    #[test]
    fn cargo_is_recognised_among_the_words_of_a_command() {
        for text in ["cargo test", "cd x&&cargo test", "echo $(/usr/bin/cargo metadata)", "cargo-nextest nextest run"] {
            assert_eq!(offer(&script(text), Jobserver::Auto), Offer::Cargo { named: true }, "{text}");
        }
        for text in ["just test", "ls ~/.cargo", "cat Cargo.toml", "./cargo.sh"] {
            assert_eq!(offer(&script(text), Jobserver::Auto), Offer::Cargo { named: false }, "{text}");
        }
        let argv = |words: &[&str]| Command::Argv(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(offer(&argv(&["cargo", "test"]), Jobserver::Auto), Offer::Cargo { named: true });
        assert_eq!(offer(&argv(&["echo", "cargo test"]), Jobserver::Auto), Offer::Cargo { named: false });
    }

    #[test]
    fn who_says_how_many_jobs_is_taken_at_their_word() {
        for text in ["cargo test -j1", "cargo build --jobs 2", "cargo build --jobs=2 && true", "make -j 4"] {
            assert_eq!(offer(&script(text), Jobserver::Auto), Offer::Nothing, "{text}");
            assert_eq!(offer(&script(text), Jobserver::Make), Offer::Make, "{text}: asked for");
        }
        assert_eq!(offer(&script("cargo test --jobserver"), Jobserver::Auto), Offer::Cargo { named: true });
        for name in [MAKEFLAGS, CARGO_MAKEFLAGS] {
            let env = BTreeMap::from([(name.to_owned(), "-j4".to_owned())]);
            let policy = Policy { jobserver: Jobserver::Make, ..Policy::default() };
            assert_eq!(Offer::to(&script("make"), &env, &policy), Offer::Nothing, "{name}");
        }
        let env = BTreeMap::from([(CARGO_BUILD_JOBS.to_owned(), "1".to_owned())]);
        assert_eq!(Offer::to(&script("cargo test"), &env, &Policy::default()), Offer::Nothing);
    }

    #[test]
    fn who_shares_keeps_one_slot_and_who_does_not_keeps_all() {
        let policy = Policy { threads: 3, ..Policy::default() };
        assert_eq!(Offer::Nothing.keeps(&policy), 3);
        assert_eq!(Offer::Cargo { named: false }.keeps(&policy), 1);
        assert_eq!(Offer::Make.keeps(&policy), 1);
    }
}
