//! The shells: each one's script, how it says what was typed, and how it wants to be answered.

use std::ffi::OsString;

use super::line::{Line, split};
use crate::plan::quote;
use crate::text::plain::printable;

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

/// What a command line can go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Names of files, which every shell completes better than a program.
    Files,
    /// Names of directories.
    Directories,
    Candidates(Vec<Candidate>),
}

/// One way to go on: the whole word, and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) value: String,
    pub(super) help: String,
}

impl Shell {
    pub(super) const ALL: [Self; 4] = [Self::Bash, Self::Zsh, Self::Fish, Self::Powershell];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
        }
    }

    /// The shell of this name.
    pub(super) fn find(name: &str) -> Option<Self> {
        let name = if name == "pwsh" { "powershell" } else { name };
        Self::ALL.into_iter().find(|shell| shell.name() == name)
    }

    /// What the shell has to read once, so that it asks the program from then on.
    pub(super) fn script(self, program: &str) -> String {
        let (script, program) = match self {
            Self::Bash => (include_str!("scripts/bash.sh"), quote(program)),
            Self::Zsh => (include_str!("scripts/zsh.zsh"), quote(program)),
            Self::Fish => {
                let escaped = program.replace('\\', r"\\").replace('\'', r"\'");
                (include_str!("scripts/fish.fish"), format!("'{escaped}'"))
            }
            Self::Powershell => (include_str!("scripts/powershell.ps1"), format!("'{}'", program.replace('\'', "''"))),
        };
        script.replace("@PROGRAM@", &program)
    }

    /// The line so far, from what the script handed over.
    pub(super) fn line(self, arguments: &[OsString]) -> Option<Line> {
        match (self, arguments) {
            (Self::Bash, [line, replaced]) => {
                let mut line = split(line.to_str()?);
                let replaced = split(replaced.to_str()?).current;
                line.kept = line.current.strip_suffix(replaced.as_str()).unwrap_or_default().len();
                Some(line)
            }
            (Self::Zsh | Self::Fish, [before @ .., current]) => Some(Line::of(before, current.to_str()?)),
            (Self::Powershell, [before @ .., current]) => Some(Line::of(before, current.to_str()?.strip_prefix('.')?)),
            (Self::Bash, _) | (Self::Zsh | Self::Fish | Self::Powershell, []) => None,
        }
    }

    /// The answer as the script reads it, a line each.
    pub(super) fn write(self, answer: &Answer, line: &Line) -> String {
        match answer {
            Answer::Files => ":files\n".to_owned(),
            Answer::Directories => ":directories\n".to_owned(),
            Answer::Candidates(candidates) => {
                candidates.iter().map(|candidate| self.write_one(candidate, line)).collect()
            }
        }
    }

    fn write_one(self, candidate: &Candidate, line: &Line) -> String {
        // A shell shows this on a terminal, and a tab ends a value.
        let help = printable(&candidate.help).replace('\t', " ");
        let value = candidate.value.as_str();
        match self {
            Self::Bash => format!("{}\n", quote(value.strip_prefix(&line.current[..line.kept]).unwrap_or(value))),
            Self::Zsh => {
                let value = value.replace('\\', r"\\").replace(':', r"\:");
                if help.is_empty() { format!("{value}\n") } else { format!("{value}:{}\n", help.replace('\\', r"\\")) }
            }
            Self::Fish if help.is_empty() => format!("{value}\n"),
            Self::Fish => format!("{value}\t{help}\n"),
            Self::Powershell if help.is_empty() => format!("{}\n", powershell_word(value)),
            Self::Powershell => format!("{}\t{help}\n", powershell_word(value)),
        }
    }
}

/// A word as PowerShell reads it back.
fn powershell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:+=%".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "''")) }
}
