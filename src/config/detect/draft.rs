//! A stage as it is found, before it has its final name.

use std::path::PathBuf;

use super::kind::Kind;
use crate::pipeline::matcher::BuiltIn;

/// What a stage runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// A program and its arguments. `-- ARGS` of the command line are appended.
    Argv(Vec<String>),
    /// A script for `sh -e -c`.
    Script(&'static str),
}

impl Run {
    /// Words without blanks in them.
    pub(super) fn words(text: &str) -> Self {
        Self::Argv(text.split(' ').map(str::to_owned).collect())
    }
}

/// A stage of one directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    /// The kind it comes from.
    pub(super) kind: Kind,
    /// What it is called where no other stage is called so.
    pub(super) name: &'static str,
    /// Its directory, relative to the project's; empty: the project's own.
    pub(super) dir: PathBuf,
    pub(super) description: String,
    /// Why it is as it is, for whoever reads the configuration; lines of text that may be anybody's, but for their ends.
    pub(super) why: Option<String>,
    pub(super) run: Run,
    pub(super) fix: Option<Run>,
    pub(super) env: Vec<(&'static str, &'static str)>,
    pub(super) lock: Option<&'static str>,
    /// Matchers that are built in and read what it prints.
    pub(super) annotate: Vec<BuiltIn>,
}

impl Draft {
    /// A stage that runs these words.
    pub(super) fn new(kind: Kind, name: &'static str, description: &str, run: Run) -> Self {
        Self {
            kind,
            name,
            dir: PathBuf::new(),
            description: description.to_owned(),
            why: None,
            run,
            fix: None,
            env: Vec::new(),
            lock: None,
            annotate: Vec::new(),
        }
    }

    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    pub(super) fn fix(mut self, fix: Run) -> Self {
        self.fix = Some(fix);
        self
    }

    pub(super) fn lock(mut self, lock: &'static str) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Has these read what it prints.
    pub(super) fn annotate(mut self, matchers: &[BuiltIn]) -> Self {
        self.annotate.extend_from_slice(matchers);
        self
    }

    /// Has those read what it prints whose tools a command names as a word of it.
    pub(super) fn annotate_tools(self, command: &str) -> Self {
        const TOOLS: [(&str, BuiltIn); 9] = [
            ("eslint", BuiltIn::Eslint),
            ("tsc", BuiltIn::Tsc),
            ("vue-tsc", BuiltIn::Tsc),
            ("prettier", BuiltIn::Prettier),
            ("pytest", BuiltIn::Pytest),
            ("ruff", BuiltIn::Ruff),
            ("mypy", BuiltIn::Mypy),
            ("shellcheck", BuiltIn::Shellcheck),
            ("go", BuiltIn::Go),
        ];
        let is_word = |tool: &str| {
            command
                .split(|c: char| c.is_whitespace() || ";&|()\"'".contains(c))
                .any(|word| word == tool || word.rsplit('/').next() == Some(tool))
        };
        let mut matchers: Vec<BuiltIn> =
            TOOLS.iter().filter(|(tool, _)| is_word(tool)).map(|(_, matcher)| *matcher).collect();
        matchers.dedup();
        self.annotate(&matchers)
    }

    pub(super) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }
}
