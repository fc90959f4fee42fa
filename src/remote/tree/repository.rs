//! The repository here that a project stands in, and git run in it so that nothing of it changes.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::order::Hands;
use super::program::failed;
use crate::process::tool::{Ran, Tool};
use crate::remote::Fault;

/// A repository with a work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repository {
    /// The work tree's first directory.
    pub(super) top: PathBuf,
    /// The project's directory below it; empty where they are the same.
    pub(super) prefix: PathBuf,
    /// What belongs to this work tree alone: its index.
    pub(super) dir: PathBuf,
    /// What it shares with other work trees: objects and settings.
    pub(super) common: PathBuf,
    /// Whether its objects are known by SHA-256.
    pub(super) is_sha256: bool,
}

/// What would make git do more than it is asked for: keep its own notes up to date, run what the user has hooked in, ask
/// other programs what has changed.
const QUIET: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "core.safecrlf=false",
    "core.quotePath=false",
    "advice.addEmbeddedRepo=false",
    "diff.ignoreSubmodules=dirty",
    "pack.packSizeLimit=0",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// A git that keeps no notes of its own in a repository, runs none of the user's hooks and asks nobody anything.
pub fn git<S: AsRef<OsStr>>(dir: &Path, arguments: impl IntoIterator<Item = S>) -> Tool {
    let mut argv = vec![OsString::from("git")];
    argv.extend(QUIET.iter().flat_map(|setting| ["-c", *setting]).map(OsString::from));
    argv.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
    let unset = ["GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"];
    let tool = Tool::new(argv).dir(dir).env("LC_ALL", "C").env("LANGUAGE", "");
    let tool = tool.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1");
    unset.iter().fold(tool, |tool, name| tool.env(*name, "0"))
}

impl Repository {
    /// The repository that a project is part of; none where it is part of none. A project below a repository that knows
    /// nothing of it is not part of that: a home directory may well be one.
    pub(super) fn find(root: &Path, hands: &Hands<'_>) -> Result<Option<Self>, Fault> {
        let what = ["--is-inside-work-tree", "--show-object-format", "--show-cdup", "--absolute-git-dir"];
        let ran = hands.run(&git(root, ["rev-parse"].iter().chain(&what)))?;
        if !ran.exit.success() {
            let said = ran.said();
            // In a bare repository, or in `.git`, there is no work tree to show the way up in.
            let is_none = said.contains("not a git repository") || said.contains("must be run in a work tree");
            return if is_none { Ok(None) } else { Err(failed("look at the repository", &ran)) };
        }
        let mut lines = ran.stdout.splitn(4, |byte| *byte == b'\n');
        let mut line = || lines.next().unwrap_or_default();
        let (inside, format, up, dir) = (line(), line(), line(), line());
        if inside != b"true" {
            return Ok(None);
        }
        let unreadable = |error: std::io::Error| {
            let text = format!("cannot find the directory {}: {error}", root.display());
            Fault::new(crate::remote::FaultKind::Directory, text)
        };
        let real = root.canonicalize().map_err(unreadable)?;
        let top = real.join(OsStr::from_bytes(up)).canonicalize().map_err(unreadable)?;
        let dir = PathBuf::from(OsStr::from_bytes(dir.strip_suffix(b"\n").unwrap_or(dir)));
        let prefix = real.strip_prefix(&top).unwrap_or(Path::new("")).to_owned();
        let common = match fs::read(dir.join("commondir")) {
            Ok(text) => dir.join(OsStr::from_bytes(text.strip_suffix(b"\n").unwrap_or(&text))),
            Err(_) => dir.clone(),
        };
        let found = Self { top, prefix, dir, common, is_sha256: format == b"sha256" };
        if found.prefix.as_os_str().is_empty() || found.knows_of_project(hands)? { Ok(Some(found)) } else { Ok(None) }
    }

    fn knows_of_project(&self, hands: &Hands<'_>) -> Result<bool, Fault> {
        let known = git(&self.top.join(&self.prefix), ["ls-files", "-z", "--cached", "--", "."]);
        Ok(!hands.run_well(&known, "list what git knows of the project")?.stdout.is_empty())
    }

    /// What git passes over in this work tree without any file in it saying so: the user's own patterns, and those of the
    /// repository.
    pub(super) fn excluded(&self, hands: &Hands<'_>) -> Result<Vec<u8>, Fault> {
        let mut patterns = fs::read(self.common.join("info/exclude")).unwrap_or_default();
        // Where no file is named, git has one all the same.
        let script = "f=$(git config --type=path --get core.excludesFile) || f=${XDG_CONFIG_HOME:-$HOME/.config}/git/ignore; \
                      if [ -f \"$f\" ]; then exec cat \"$f\"; fi";
        let Ran { stdout, .. } = hands.run(&Tool::new(["/bin/sh", "-c", script]).dir(&self.top))?;
        // The repository's own go before the user's, as the last pattern that matches decides.
        let mut all = stdout;
        all.push(b'\n');
        all.append(&mut patterns);
        Ok(all)
    }
}
