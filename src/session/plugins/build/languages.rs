//! How a component is made in each language. The recipes are those of `docs/design.md`, "Plugins"; each check names what to
//! type where something is missing.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Workshop, c, read};
use crate::plan::quote;
use crate::plugin::wrap;
use crate::process::tool::Tool;
use crate::session::plugins::trouble::Trouble;

/// Rust's target: without an operating system, so that nothing is imported but what the plugin asks for.
const TARGET: &str = "wasm32-unknown-unknown";
/// What makes components of what Rust links; it comes with Rust.
const LINKER: &str = "wasm-component-ld";
/// What tools write, until it has been looked at.
const UNFINISHED: &str = ".plugin.wasm.new";
/// The world of `wit/world.wit`.
const WORLD: &str = "plugin";

/// What a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Js,
    Python,
    C,
}

impl Language {
    /// That of the files in a directory.
    pub(super) fn of(dir: &Path) -> Option<Self> {
        let files =
            [("Cargo.toml", Self::Rust), ("package.json", Self::Js), ("app.py", Self::Python), ("plugin.c", Self::C)];
        files.into_iter().find(|(file, _)| dir.join(file).is_file()).map(|(_, language)| language)
    }

    /// As people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Python => "Python",
            Self::C => "C",
        }
    }

    /// What may be amiss where the tools have made something else.
    pub(super) fn not_a_plugin(self) -> &'static str {
        match self {
            Self::Rust => "see that the crate has `crate-type = [\"cdylib\"]` and calls `local_ci_plugin::export!`",
            Self::Js | Self::Python => "see that it exports what wit/world.wit says",
            Self::C => "see that sdk/plugin.h is of the world in wit/world.wit: `sh sdk/bindings.sh` makes it anew",
        }
    }

    /// Makes the component's bytes.
    pub(super) fn build(self, workshop: &Workshop<'_>) -> Result<Vec<u8>, Trouble> {
        match self {
            Self::Rust => rust(workshop),
            Self::Js => js(workshop),
            Self::Python => python(workshop),
            Self::C => c(workshop),
        }
    }
}

/// A line of what cargo says in JSON.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

fn rust(workshop: &Workshop<'_>) -> Result<Vec<u8>, Trouble> {
    if !workshop.has("cargo") {
        return Err(Trouble::new("cargo is not installed, which builds plugins in Rust")
            .or_try("install Rust with rustup, then `rustup target add wasm32-unknown-unknown`"));
    }
    // The toolchain of this directory, which may have one of its own.
    let libraries = workshop.run(Tool::new(["rustc", "--print", "target-libdir", "--target", TARGET]))?;
    let libraries = String::from_utf8_lossy(&libraries.stdout).trim().to_owned();
    let has_core = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("libcore-");
    if !fs::read_dir(libraries).is_ok_and(|found| found.filter_map(Result::ok).any(has_core)) {
        return Err(Trouble::new(format!("Rust's target {TARGET} is not installed"))
            .or_try(format!("`rustup target add {TARGET}`")));
    }
    let cargo =
        ["cargo", "build", "--quiet", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"];
    // Also where no .cargo/config.toml says so.
    let ran = workshop.run(Tool::new(cargo).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", LINKER))?;
    let built = String::from_utf8_lossy(&ran.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
        .filter(|artifact| artifact.reason == "compiler-artifact")
        .flat_map(|artifact| artifact.filenames)
        .rfind(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    match built {
        Some(file) => read(&file),
        None => Err(Trouble::new("cargo built no component").or_try(Language::Rust.not_a_plugin())),
    }
}

fn js(workshop: &Workshop<'_>) -> Result<Vec<u8>, Trouble> {
    let tool = workshop.dir.join("node_modules/.bin/componentize-qjs");
    if !tool.exists() {
        let dir = quote(&workshop.dir.to_string_lossy());
        let next = if workshop.has("npm") {
            format!("`cd {dir} && npm install`")
        } else {
            format!("install Node.js, then `cd {dir} && npm install`")
        };
        return Err(
            Trouble::new("componentize-qjs is not installed, which makes components of JavaScript").or_try(next)
        );
    }
    let tool = Tool::new([tool.into_os_string()]);
    let words = ["--sync", "--stub-wasi", "--wit", "wit", "--world", WORLD, "--js", "plugin.js", "-o", UNFINISHED];
    workshop.run(words.into_iter().fold(tool, Tool::arg))?;
    workshop.take(UNFINISHED)
}

fn python(workshop: &Workshop<'_>) -> Result<Vec<u8>, Trouble> {
    let own = workshop.dir.join(".venv/bin/componentize-py");
    let tool = if own.exists() { own.into_os_string() } else { "componentize-py".into() };
    if tool == "componentize-py" && !workshop.has("componentize-py") {
        let dir = quote(&workshop.dir.to_string_lossy());
        let next = format!("`cd {dir} && python3 -m venv .venv && .venv/bin/pip install -r requirements.txt`");
        let next = if workshop.has("python3") { next } else { format!("install Python 3, then {next}") };
        return Err(Trouble::new("componentize-py is not installed, which makes components of Python").or_try(next));
    }
    let words = ["-d", "wit", "-w", WORLD, "componentize", "--stub-wasi", "-o", UNFINISHED, "app"];
    workshop.run(words.into_iter().fold(Tool::new([tool]), Tool::arg))?;
    workshop.take(UNFINISHED)
}

fn c(workshop: &Workshop<'_>) -> Result<Vec<u8>, Trouble> {
    c::compile(workshop, UNFINISHED)?;
    let module = workshop.take(UNFINISHED)?;
    wrap::wrap(&module, &workshop.dir.join("wit"), WORLD).map_err(|why| {
        Trouble::new(format!("the plugin in {} {why}", workshop.dir.display())).or_try(Language::C.not_a_plugin())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_its_files() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Language::of(dir.path()), None);
        for (file, language) in [
            ("plugin.c", Language::C),
            ("app.py", Language::Python),
            ("package.json", Language::Js),
            ("Cargo.toml", Language::Rust),
        ] {
            fs::write(dir.path().join(file), "").unwrap();
            assert_eq!(Language::of(dir.path()), Some(language), "{file}");
        }
    }
}
