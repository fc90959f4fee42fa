//! The kinds of documents, and where one is to go.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `JUnit` XML as Jenkins and Surefire write it: what build servers read.
    Junit,
    /// SARIF 2.1.0: what was found in the project, for code scanners.
    Sarif,
    /// A summary in Markdown, such as the one of a step of GitHub Actions.
    Markdown,
    /// A page for people, in one file.
    Html,
    /// JSON for trace viewers: Perfetto, and that of Chrome.
    ChromeTrace,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Junit, Self::Sarif, Self::Markdown, Self::Html, Self::ChromeTrace];

    /// What it is called on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::ChromeTrace => "chrome-trace",
        }
    }

    /// The kind that files with such a name are of, where there is but one.
    pub fn of_file(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let endings = [
            (".xml", Self::Junit),
            (".sarif", Self::Sarif),
            (".sarif.json", Self::Sarif),
            (".md", Self::Markdown),
            (".html", Self::Html),
            (".htm", Self::Html),
            (".trace.json", Self::ChromeTrace),
        ];
        endings.into_iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, kind)| kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// That a word is no kind of document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is no kind of report: there are {}", Kind::ALL.map(Kind::word).join(", "))]
pub struct UnknownKind {
    /// The word.
    pub word: String,
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        let known = Self::ALL.into_iter().find(|kind| kind.word() == word);
        known.ok_or_else(|| UnknownKind { word: word.to_owned() })
    }
}

/// A document and the file that it is to be in: `KIND=FILE`, or a file whose name says the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which document.
    pub kind: Kind,
    /// Where it is to be.
    pub path: PathBuf,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = match text.split_once('=') {
            Some((kind, path)) => (kind.parse().map_err(|error: UnknownKind| error.to_string())?, path),
            None => match Kind::of_file(Path::new(text)) {
                Some(kind) => (kind, text),
                None => {
                    let kinds = Kind::ALL.map(Kind::word).join(", ");
                    return Err(format!("expected KIND=FILE, such as junit=report.xml; KIND is one of {kinds}"));
                }
            },
        };
        if path.is_empty() || path == "-" {
            return Err(format!("expected a file, such as {kind}=report; `local-ci report` prints one to stdout"));
        }
        Ok(Self { kind, path: path.into() })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind, self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_its_kind_or_has_an_ending_that_does() {
        let target = |text: &str| text.parse::<Target>().map(|target| target.to_string());
        assert_eq!(target("junit=out/a=b.xml").unwrap(), "junit=out/a=b.xml");
        assert_eq!(target("report.XML").unwrap(), "junit=report.XML");
        assert_eq!(target("x.sarif.json").unwrap(), "sarif=x.sarif.json");
        assert_eq!(target("x.trace.json").unwrap(), "chrome-trace=x.trace.json");
        assert!(target("report.json").unwrap_err().starts_with("expected KIND=FILE"));
        assert!(target("junit=").unwrap_err().starts_with("expected a file"));
        assert!(target("sarif=-").unwrap_err().contains("stdout"));
        assert!(target("pdf=x").unwrap_err().starts_with("\"pdf\" is no kind of report: there are junit, sarif"));
    }
}
