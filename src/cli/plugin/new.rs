//! `plugin new`: a plugin that works, to be made into another. Never over anything.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use super::template;
use crate::cli::args::{Language, PluginNewArgs};
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::plan::quote;
use crate::session::prepare;
use crate::text::plain::printable;

/// Names that cannot be had: of what every plugin is built on.
const TAKEN: &[&str] = &["local-ci-plugin", "plugin"];

/// Writes a plugin.
pub(super) fn new(context: &Context<'_>, args: &PluginNewArgs) -> Result<Ending, CliError> {
    check_name(&args.name)?;
    let root = prepare::locate(&context.load_request());
    let dir = match &args.dir {
        Some(dir) => context.directory.join(dir),
        None => root.join("plugins").join(&args.name),
    };
    let files = template::files(args.lang, &args.name);
    write(&dir, &files)?;
    let shown = printable(&dir.display().to_string()).into_owned();
    let language = match args.lang {
        Language::Rust => "Rust",
        Language::Js => "JavaScript",
        Language::Python => "Python",
        Language::C => "C",
    };
    output::say(&format!("wrote {shown}: {} files, a plugin in {language} that works", files.len()));
    let (program, dir) = (context.program(), dir.canonicalize().unwrap_or(dir));
    let near = quote(&relative(&dir, &context.directory).to_string_lossy());
    let source = quote(&format!("path:{}", relative(&dir, &root).display()));
    output::say(&printable(&format!("next: {program} plugin build {near}")));
    output::say(&printable(&format!("      {program} plugin test {near}")));
    output::say(&printable(&format!("      {program} plugin add {source}")));
    Ok(Ending::Code(exit::PASSED))
}

/// Fails where something that is built on the name would not be one: a crate, a package, a stage kind.
fn check_name(name: &str) -> Result<(), CliError> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-') && name.len() <= 64;
    if !is_name || !name.chars().all(is_word) {
        return Err(CliError::usage(format!("{name:?} cannot be a plugin's name"))
            .or_try("a name is made of small letters, digits and dashes, and begins with a letter: word-count"));
    }
    if TAKEN.contains(&name) {
        return Err(CliError::usage(format!("{name:?} is what plugins are built on, and cannot be the name of one"))
            .or_try("give it the name of what it does"));
    }
    Ok(())
}

/// Writes all files, or none where something is there already.
fn write(dir: &Path, files: &[(&str, String)]) -> Result<(), CliError> {
    let shown = dir.display();
    let failed = |error: io::Error| CliError::infrastructure(format!("cannot write {shown}: {error}"));
    let is_free = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::symlink_metadata(dir).is_err(),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => false,
        Err(error) => return Err(failed(error)),
    };
    if !is_free {
        return Err(CliError::usage(format!("there is something in {shown} already; nothing was written"))
            .or_try("give another name, or a directory that is not there with --dir DIR"));
    }
    for (path, text) in files {
        let path = dir.join(path);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(failed)?;
        }
        // Should somebody else write here at the same time, neither writes over the other.
        let mut file = File::options().write(true).create_new(true).open(&path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
    }
    Ok(())
}

/// A path as seen from a directory; the path itself where it is not below it, nor beside it.
fn relative(path: &Path, from: &Path) -> PathBuf {
    let from = from.canonicalize().unwrap_or_else(|_| from.to_owned());
    match path.strip_prefix(&from) {
        Ok(below) if below.as_os_str().is_empty() => ".".into(),
        Ok(below) => below.to_owned(),
        Err(_) => {
            let common = path.components().zip(from.components()).take_while(|(a, b)| a == b).count();
            // From the top of the file system on, nothing is common but that.
            if common <= 1 {
                return path.to_owned();
            }
            let up = from.components().skip(common).map(|_| Component::ParentDir);
            up.chain(path.components().skip(common)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_crate_and_a_package_is_a_name() {
        for name in ["a", "word-count", "x2"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "2x", "-a", "a-", "Word", "a b", "a/b", "größe", "local-ci-plugin", &"a".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_path_is_shown_as_it_is_seen() {
        let seen = |path: &str, from: &str| relative(Path::new(path), Path::new(from)).display().to_string();
        assert_eq!(seen("/p/plugins/a", "/p"), "plugins/a");
        assert_eq!(seen("/p", "/p"), ".");
        assert_eq!(seen("/p/plugins/a", "/p/sub"), "../plugins/a");
        assert_eq!(seen("/q/a", "/p"), "/q/a");
    }

    #[test]
    fn nothing_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let (new, file) = (dir.path().join("new"), dir.path().join("file"));
        write(&new, &[("a/b.txt", "text".to_owned())]).unwrap();
        assert_eq!(fs::read_to_string(new.join("a/b.txt")).unwrap(), "text");
        let files = [("c.txt", "text".to_owned())];
        assert!(write(&new, &files).unwrap_err().to_string().contains("nothing was written"));
        fs::write(&file, "mine").unwrap();
        assert!(write(&file, &files).is_err());
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        assert!(write(&dir.path().join("link"), &files).is_err());
        assert!(!new.join("c.txt").exists() && !dir.path().join("nowhere").exists());
    }
}
