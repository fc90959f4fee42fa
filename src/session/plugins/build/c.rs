//! C: one call of a compiler for WebAssembly, whichever is there. It makes a module; making that a component takes no tool.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use super::Workshop;
use crate::plan::quote;
use crate::process::tool::Tool;
use crate::session::plugins::trouble::Trouble;

/// Zig, as Python's package manager installs it.
const ZIG_OF_PYTHON: &str = "python-zig";
/// What all of them understand. There is no operating system and no C library but what the plugin brings.
const FLAGS: &[&str] = &[
    "-std=c11",
    "-Oz",
    "-Wall",
    "-ffreestanding",
    "-nostdlib",
    "-Isdk",
    "-Wl,--no-entry",
    "-Wl,--gc-sections",
    "-Wl,--strip-all",
    "-Wl,-z,stack-size=262144",
];

/// With the stack below the data, where it ends the plugin when it is used up instead of overwriting them. Zig puts it there
/// unasked.
const CLANG: &[&str] = &["clang", "--target=wasm32", "-Wl,--stack-first"];

/// Makes a module of all that is C in the directory and in its `sdk`.
pub(super) fn compile(workshop: &Workshop<'_>, to: &str) -> Result<(), Trouble> {
    let mut sources = sources(workshop.dir, "");
    sources.extend(self::sources(workshop.dir, "sdk"));
    let tool = FLAGS.iter().copied().fold(compiler(workshop)?, Tool::arg).arg("-o").arg(to);
    workshop.run(sources.into_iter().fold(tool, Tool::arg))?;
    Ok(())
}

/// The C files in a directory of the plugin, sorted, so that a component is always made the same way.
fn sources(dir: &Path, below: &str) -> Vec<OsString> {
    let mut found: Vec<OsString> = fs::read_dir(dir.join(below))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(Path::new(".").join(below).join(entry.ok()?.file_name())))
        .filter(|path| path.extension() == Some(OsStr::new("c")))
        .map(OsString::from)
        .collect();
    found.sort();
    found
}

/// What compiles: the plugin's own before the machine's.
fn compiler(workshop: &Workshop<'_>) -> Result<Tool, Trouble> {
    let zig = |program: OsString| Tool::new([program]).arg("cc").arg("--target=wasm32-freestanding");
    let own = workshop.dir.join(".venv/bin").join(ZIG_OF_PYTHON);
    if own.exists() {
        return Ok(zig(own.into_os_string()));
    }
    let Some(lacking) = clang(workshop)? else {
        return Ok(Tool::new(CLANG.iter().copied()));
    };
    if let Some(program) = ["zig", ZIG_OF_PYTHON].into_iter().find(|name| workshop.has(name)) {
        return Ok(zig(program.into()));
    }
    let dir = quote(&workshop.dir.to_string_lossy());
    let next = format!("`cd {dir} && python3 -m venv .venv && .venv/bin/pip install -r requirements.txt`");
    let next = if workshop.has("python3") { next } else { format!("install Python 3, then {next}") };
    Err(Trouble::new(lacking)
        .or_try(format!("{next} installs zig, which does; or `apt-get install clang lld` on Debian")))
}

/// What clang lacks to make WebAssembly, as a sentence; nothing where it can.
fn clang(workshop: &Workshop<'_>) -> Result<Option<&'static str>, Trouble> {
    if !workshop.has("clang") {
        return Ok(Some("neither clang nor zig is installed, which compile C to WebAssembly"));
    }
    // A directory and a name where it is beside clang, a name alone where it is to be found on PATH.
    let linker = workshop.run(Tool::new(["clang", "--print-prog-name=wasm-ld"]))?;
    let linker = String::from_utf8_lossy(&linker.stdout).trim().to_owned();
    if !(Path::new(&linker).is_absolute() || workshop.has(&linker)) {
        return Ok(Some("clang is installed, and its linker wasm-ld is not, which WebAssembly takes"));
    }
    let targets = workshop.run(Tool::new(["clang", "--print-targets"]))?;
    let knows = String::from_utf8_lossy(&targets.stdout).split_whitespace().any(|word| word == "wasm32");
    Ok((!knows).then_some("clang is installed, and it does not make WebAssembly"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_is_what_is_c_always_in_one_order() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("sdk")).unwrap();
        for file in ["plugin.c", "-o.c", "more.c", "notes.txt", "plugin.h", "sdk/text.c", "sdk/text.h"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        // None of them is taken for an option.
        assert_eq!(sources(dir.path(), ""), ["./-o.c", "./more.c", "./plugin.c"]);
        assert_eq!(sources(dir.path(), "sdk"), ["./sdk/text.c"]);
        assert!(sources(dir.path(), "nowhere").is_empty());
    }
}
