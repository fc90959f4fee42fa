//! Building a plugin with the tools of its language, into `DIR/plugin.wasm`. What is missing is named with what to type.

mod c;
mod languages;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::bytes::BUILT;
use super::trouble::Trouble;
use crate::outcome::Exit;
use crate::plugin::component::{Shape, inspect};
use crate::plugin::{rewrite, store};
use crate::process::tool::{Ran, Tool, Tools};
use languages::Language;

/// How long one tool may take: a first build fetches and compiles what it stands on.
const PATIENCE: Duration = Duration::from_mins(30);
/// How much of what a tool said is shown, in lines.
const SAID_MAX: usize = 60;

/// A component that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Its file.
    pub file: PathBuf,
    /// What it is.
    pub shape: Shape,
}

/// What a directory's plugin is written in, as people call it; none where nothing says so.
pub fn language(dir: &Path) -> Option<&'static str> {
    Language::of(dir).map(Language::name)
}

/// Builds the plugin in a directory.
pub fn build(tools: &Tools, dir: &Path) -> Result<Built, Trouble> {
    let Some(language) = Language::of(dir) else {
        return Err(Trouble::new(format!("nothing in {} says how a plugin is built of it", dir.display())).or_try(
            "it has Cargo.toml for Rust, package.json for JavaScript, app.py for Python or plugin.c for C; \
             `local-ci plugin new NAME` begins one",
        ));
    };
    let bytes = language.build(&Workshop { tools, dir })?;
    // What comes of a tool is looked at before it takes the place of what was there.
    let shape = inspect(&bytes).map_err(|why| {
        Trouble::new(format!("what was built in {} is no plugin: it {why}", dir.display()))
            .or_try(language.not_a_plugin())
    })?;
    let file = dir.join(BUILT);
    rewrite::replace(&file, &bytes)
        .map_err(|error| Trouble::ours(format!("cannot write {}: {error}", file.display())))?;
    Ok(Built { file, shape })
}

/// A directory, and what runs tools there.
struct Workshop<'a> {
    tools: &'a Tools,
    dir: &'a Path,
}

impl Workshop<'_> {
    /// Whether there is a program of this name.
    fn has(&self, name: &str) -> bool {
        self.tools.find(name).is_ok()
    }

    /// Runs a tool here. Fails where it does, with what it said.
    fn run(&self, tool: Tool) -> Result<Ran, Trouble> {
        let name = tool.argv.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let short = name.rsplit('/').next().unwrap_or(&name).to_owned();
        let ran = self
            .tools
            .run(&tool.dir(self.dir), PATIENCE, &|| false)
            .map_err(|error| Trouble::ours(format!("{short} cannot be run: {error}")))?;
        match ran.exit {
            Exit::Code(0) => Ok(ran),
            Exit::Code(code) => Err(said(&ran, format!("{short} failed with exit code {code}"))),
            Exit::Signal(signal) => Err(said(&ran, format!("{short} was ended by signal {signal}"))),
        }
    }

    /// The bytes of a file that a tool has made here, which does not stay.
    fn take(&self, file: &str) -> Result<Vec<u8>, Trouble> {
        let path = self.dir.join(file);
        let bytes = read(&path)?;
        let _ = std::fs::remove_file(&path);
        Ok(bytes)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    store::read(path).map_err(|error| Trouble::ours(format!("{} cannot be read: {error}", path.display())))
}

/// What went wrong, with the last of what the tool said: on stderr, and where it said nothing there, on stdout.
fn said(ran: &Ran, why: String) -> Trouble {
    let text = match ran.said() {
        said if said.is_empty() => String::from_utf8_lossy(&ran.stdout).trim().to_owned(),
        said => said,
    };
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(SAID_MAX)..];
    let help: Vec<String> = last.iter().map(|line| format!("  | {line}")).collect();
    Trouble::new(why).or_try(format!("it said\n{}", help.join("\n")))
}
