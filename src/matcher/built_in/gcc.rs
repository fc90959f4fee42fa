//! GCC and Clang, what their linkers miss, and the directories in which `make` runs them.

use std::path::PathBuf;

use regex::Regex;

use crate::event::Severity;
use crate::matcher::member::{Find, Finds, Member, Whereabouts, own, severity};

/// How deep directories are nested at most that are remembered.
const DEPTH_MAX: usize = 64;

/// See the module.
pub(super) struct Compiler {
    /// Where `make` is, the innermost last.
    dirs: Vec<PathBuf>,
    said: Regex,
    missed: Regex,
    moved: Regex,
}

impl Compiler {
    pub(super) fn new() -> Self {
        Self {
            dirs: Vec::new(),
            said: own(
                r"^(?<file>[^\s:][^:]*):(?<line>\d+):(?:(?<column>\d+):)?\s+(?<severity>fatal error|error|warning):\s+(?<message>.*?)(?:\s+\[(?<code>-W[^\]]+)\])?$",
            ),
            missed: own(
                r"^(?:\S*\bld(?:\.\w+)?: )?(?:[^\s:]+\.o: in function .*|(?<file>[^\s:]+):(?:\([^)]*\)|(?<line>\d+)): (?<message>(?:undefined reference to|multiple definition of) .*))$",
            ),
            moved: own(r"^\S*make(?:\[\d+\])?: (?<way>Entering|Leaving) directory ['`](?<dir>.*)'$"),
        }
    }
}

impl Member for Compiler {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        let from = || self.dirs.last().map(PathBuf::as_path);
        if line.contains("error: ") || line.contains("warning: ") {
            if let Some(captures) = self.said.captures(line) {
                let text = |name| captures.name(name).map(|found| found.as_str());
                let at = Whereabouts::new(&captures["file"], text("line"), text("column")).relative_to(from());
                let how = text("severity").and_then(severity).unwrap_or(Severity::Error);
                finds.add(Find::error(&captures["message"]).severity(how).code(text("code")).at(at));
            }
        } else if line.contains("undefined reference to") || line.contains("multiple definition of") {
            if let Some(captures) = self.missed.captures(line)
                && let (Some(file), Some(message)) = (captures.name("file"), captures.name("message"))
            {
                let number = captures.name("line").map(|line| line.as_str());
                let at = Whereabouts::new(file.as_str(), number, None).relative_to(from());
                finds.add(Find::error(message.as_str()).at(at));
            }
        } else if line.contains("ing directory ")
            && let Some(captures) = self.moved.captures(line)
        {
            if &captures["way"] == "Leaving" {
                self.dirs.pop();
            } else if self.dirs.len() < DEPTH_MAX {
                self.dirs.push(PathBuf::from(&captures["dir"]));
            }
        }
    }
}
