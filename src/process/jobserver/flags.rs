//! What `MAKEFLAGS` and its kin say of a jobserver.
//!
//! Words between blanks; after a word `--` come make's variables, which are none of our business. The first word may be
//! letters of options without a dash. `--jobserver-auth` was `--jobserver-fds` before make 4.2.

use std::ffi::OsStr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::fs::{Access, access};

use crate::env;

/// The variables that a program may look at.
pub const ALL: [&str; 3] = [env::CARGO_MAKEFLAGS, env::MAKEFLAGS, env::MFLAGS];

/// What a variable that we were started with is worth to a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inherited {
    /// It names no jobserver.
    Plain,
    /// It names a FIFO that is there.
    Usable,
    /// It names a jobserver that a stage cannot reach: descriptors, which it does not inherit, or a FIFO that is gone.
    /// This is the rest of it.
    Unreachable(String),
}

/// The part before the variables, and the variables with the `--` before them.
fn split(flags: &str) -> (&str, &str) {
    let at = if flags.starts_with("-- ") { Some(0) } else { flags.find(" -- ") };
    flags.split_at(at.unwrap_or(flags.len()))
}

/// What a word says of where the jobserver is.
fn auth(word: &str) -> Option<&str> {
    word.strip_prefix("--jobserver-auth=").or_else(|| word.strip_prefix("--jobserver-fds="))
}

/// Whether a word sets the number of jobs.
fn is_jobs(word: &str) -> bool {
    word.starts_with("-j") || word.starts_with("--jobs")
}

/// Looks at a variable that we were started with.
pub fn inherited(value: &OsStr) -> Inherited {
    // What is not text names no jobserver that cargo would take.
    let Some(flags) = value.to_str() else { return Inherited::Plain };
    let (words, _) = split(flags);
    match words.split(' ').filter_map(auth).next_back() {
        None => Inherited::Plain,
        Some(auth) if auth.strip_prefix("fifo:").is_some_and(|path| is_reachable(Path::new(path))) => Inherited::Usable,
        Some(_) => Inherited::Unreachable(with(flags, "")),
    }
}

fn is_reachable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_fifo())
        && access(path, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// The flags with this said of jobs and jobserver, instead of what they say themselves.
pub fn with(flags: &str, ours: &str) -> String {
    let (words, variables) = split(flags);
    let kept: Vec<&str> = words
        .split(' ')
        .enumerate()
        .filter(|(at, word)| auth(word).is_none() && !is_jobs(word) && (*at == 0 || !word.is_empty()))
        .map(|(_, word)| word)
        .collect();
    // A first word without a dash would be letters; an empty one says that there are none.
    let mut text = kept.join(" ");
    if !ours.is_empty() {
        text.push(' ');
        text.push_str(ours);
    }
    if variables.starts_with('-') {
        text.push(' ');
    }
    text + variables
}

/// `-jN` and where the jobserver is: a FIFO. None where the path has something in it that the variable cannot carry.
pub fn fifo(jobs: u32, path: &Path) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@=,".contains(c);
    let path = path.to_str().filter(|path| path.chars().all(plain))?;
    Some(format!("-j{jobs} --jobserver-auth=fifo:{path}"))
}

/// `-jN` and where the jobserver is: open descriptors, to read from and to write to.
pub fn descriptors(jobs: u32, read: i32, write: i32) -> String {
    format!("-j{jobs} --jobserver-auth={read},{write}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(flags: &str) -> Inherited {
        inherited(OsStr::new(flags))
    }

    #[test]
    fn flags_without_a_jobserver_are_left_alone() {
        for flags in ["", "-j8", "k", "ks -- CFLAGS=--jobserver-auth=3,4", "-- A=--jobserver-fds=3,4"] {
            assert_eq!(look(flags), Inherited::Plain, "{flags}");
        }
    }

    #[test]
    fn a_jobserver_that_no_stage_can_reach_is_taken_out() {
        let rest = |flags| match look(flags) {
            Inherited::Unreachable(rest) => rest,
            other => panic!("{flags}: {other:?}"),
        };
        assert_eq!(rest(" -j8 --jobserver-auth=3,4"), "");
        assert_eq!(rest("ks -j8 --jobserver-fds=3,4 -- A=-j2\\ b"), "ks -- A=-j2\\ b");
        assert_eq!(rest("-j --jobserver-fds=6,7 --jobserver-auth=6,7"), "");
        assert_eq!(rest("--jobserver-auth=fifo:/nonexistent --no-print-directory"), "--no-print-directory");
    }

    #[test]
    fn a_fifo_that_is_there_is_usable_and_another_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "").unwrap();
        let flags = fifo(4, &file).unwrap();
        assert!(matches!(look(&flags), Inherited::Unreachable(_)));
        std::fs::remove_file(&file).unwrap();
        let _pool = super::super::pool::Pool::create(&file).unwrap();
        assert_eq!(look(&flags), Inherited::Usable);
    }

    #[test]
    fn ours_stand_among_the_options_and_before_the_variables() {
        assert_eq!(with("", "-j4 A"), " -j4 A");
        assert_eq!(with("ks -j8 -- X=1", "-j4 A"), "ks -j4 A -- X=1");
        assert_eq!(with(" -j8 --no-print-directory", "-j4 A"), " --no-print-directory -j4 A");
        assert_eq!(with("-- X=1", "-j4 A"), " -j4 A -- X=1");
    }

    #[test]
    fn a_path_with_a_blank_cannot_be_said() {
        assert_eq!(fifo(4, Path::new("/a/b.c")).as_deref(), Some("-j4 --jobserver-auth=fifo:/a/b.c"));
        assert_eq!(fifo(4, Path::new("/a b")), None);
        assert_eq!(descriptors(2, 28, 29), "-j2 --jobserver-auth=28,29");
    }
}
