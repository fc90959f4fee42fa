//! What reads along with a stage: problem matchers, which are data, and parsers of plugins. Nothing here reads anything.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::plugin::ParserUse;
use crate::event::Severity;

/// An item of a stage's `annotate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Annotate {
    /// A matcher that is built in.
    BuiltIn(BuiltIn),
    /// An entry of `[matchers]`.
    Own(Matcher),
    /// A plugin's parser.
    Parser(ParserUse),
}

impl Annotate {
    /// The parser, if it is one.
    pub fn parser(&self) -> Option<&ParserUse> {
        match self {
            Self::Parser(parser) => Some(parser),
            Self::BuiltIn(_) | Self::Own(_) => None,
        }
    }
}

/// An entry of `[matchers]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// Its name there.
    pub name: String,
    /// What it looks for, in order: of a file of matchers, all that are in it.
    pub parts: Vec<Part>,
}

/// One of the things that a matcher looks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Lines of a form.
    Form(Definition),
    /// What a matcher looks for that is built in, which a file named as its base.
    BuiltIn(BuiltIn),
}

/// Lines of which one comes after the other, and what their groups mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// How much it matters where no group says so.
    pub severity: Severity,
    /// One for each line; never empty.
    pub patterns: Vec<Pattern>,
    /// Whether the last line may come again and again, each time for one more annotation.
    pub repeats: bool,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// A regular expression as the crate `regex` has them.
    pub regex: String,
    /// What its groups mean, by their number; zero is the whole line.
    pub groups: Groups,
}

/// Which group is what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// The file.
    pub file: Option<usize>,
    /// A file, of which the directory is what `file` is relative to.
    pub from_path: Option<usize>,
    /// `line`, `line,column` or `line,column,end line,end column`.
    pub location: Option<usize>,
    /// The line.
    pub line: Option<usize>,
    /// The column.
    pub column: Option<usize>,
    /// The line it ends in.
    pub end_line: Option<usize>,
    /// The column it ends in.
    pub end_column: Option<usize>,
    /// How much it matters, as a word.
    pub severity: Option<usize>,
    /// What the rule is called.
    pub code: Option<usize>,
    /// What is said.
    pub message: Option<usize>,
}

impl Groups {
    /// The names that groups can have in an expression, each for its meaning.
    pub const NAMES: [&'static str; 10] =
        ["file", "fromPath", "location", "line", "column", "endLine", "endColumn", "severity", "code", "message"];

    /// Those that an expression names.
    pub fn named(regex: &Regex) -> Self {
        let mut groups = Self::default();
        for (number, name) in regex.capture_names().enumerate() {
            if let Some(group) = name.and_then(|name| groups.group(name)) {
                *group = Some(number);
            }
        }
        groups
    }

    /// The group of this name; none where no group has it.
    pub fn group(&mut self, name: &str) -> Option<&mut Option<usize>> {
        Some(match name {
            "file" => &mut self.file,
            "fromPath" => &mut self.from_path,
            "location" => &mut self.location,
            "line" => &mut self.line,
            "column" => &mut self.column,
            "endLine" => &mut self.end_line,
            "endColumn" => &mut self.end_column,
            "severity" => &mut self.severity,
            "code" => &mut self.code,
            "message" => &mut self.message,
            _ => return None,
        })
    }

    /// The highest number of a group.
    pub fn highest(&self) -> Option<usize> {
        let Self { file, from_path, location, line, column, end_line, end_column, severity, code, message } = self;
        let all = [file, from_path, location, line, column, end_line, end_column, severity, code, message];
        all.into_iter().filter_map(|group| *group).max()
    }
}

/// How large a compiled expression may be, in bytes: enough for any line, and not for what was written to fill memory.
pub const REGEX_SIZE_MAX: usize = 1 << 20;

/// Compiles a regular expression of the config. The error is what is wrong, in a line.
pub fn compile(regex: &str) -> Result<Regex, String> {
    RegexBuilder::new(regex).size_limit(REGEX_SIZE_MAX).build().map_err(|error| match error {
        // A drawing of the expression, and the reason in its last line.
        regex::Error::Syntax(text) => {
            let last = text.trim_end().lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
        regex::Error::CompiledTooBig(size) => format!("it is too large: compiled, it has more than {size} bytes"),
        other => other.to_string(),
    })
}

macro_rules! built_in {
    ($($variant:ident $name:literal $summary:literal,)*) => {
        /// A matcher that needs no entry in `[matchers]`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum BuiltIn {
            $(#[doc = $summary] $variant,)*
        }

        impl BuiltIn {
            /// All of them, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// What `annotate` calls it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it reads, as the beginning of a sentence.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary,)*
                }
            }

            /// The one of this name.
            pub fn find(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

built_in! {
    CargoTest "cargo-test" "Tests of Rust that failed: where each panicked and what it said, also of documentation and of `cargo nextest`.",
    Clippy "clippy" "The same as `rustc`, under the name of clippy.",
    Eslint "eslint" "`ESLint` in its formats `stylish`, `compact`, `unix` and `json`.",
    Gcc "gcc" "GCC and Clang, their linkers, and the directories that `make` says it enters.",
    Go "go" "`go build`, `go vet`, `go test` and what panics.",
    Javac "javac" "javac, also below Maven and Gradle.",
    Mypy "mypy" "mypy, with columns or without.",
    Prettier "prettier" "`prettier --check`.",
    Pytest "pytest" "Tests of pytest that failed, from the short summary or the tracebacks.",
    Python "python" "Tracebacks of Python, each at its last place in the project.",
    Ruff "ruff" "Ruff's `full` and `concise` formats.",
    Rustc "rustc" "rustc and cargo, as people read it and as `--message-format json`.",
    Rustfmt "rustfmt" "`cargo fmt --check` and `rustfmt --check`.",
    Shellcheck "shellcheck" "`ShellCheck` in its formats `tty` and `gcc`.",
    Tsc "tsc" "The TypeScript compiler, with `--pretty` or without.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_in_matcher_has_one_name_everywhere() {
        let names: Vec<&str> = BuiltIn::ALL.iter().map(|one| one.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for one in BuiltIn::ALL {
            assert_eq!(BuiltIn::find(one.name()), Some(*one));
            assert_eq!(serde_json::to_value(one).unwrap(), one.name());
        }
        assert_eq!(BuiltIn::find("x"), None);
    }
}
