//! This program, where it keeps what it keeps, and what the system allows.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};
use rustix::process::{Resource, getrlimit};

use super::finding::{Finding, Section};
use super::shown;
use crate::env::Env;
use crate::journal::layout::{ProjectDir, state_dir};

/// How many files of the state are counted.
const FILES_MAX: usize = 200_000;
/// Below this much free space runs may lose what stages print.
const LITTLE_SPACE: u64 = 100 << 20;
/// Descriptors that a few stages at a time need without waiting for each other.
const FEW_DESCRIPTORS: u64 = 128;
/// How every database of SQLite begins.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// This program.
pub(super) fn program() -> Section {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let build = if cfg!(debug_assertions) { ", a debug build" } else { "" };
    let text = format!("local-ci {} for {os} on {arch}{build}", env!("CARGO_PKG_VERSION"));
    Section { name: "program", findings: vec![Finding::ok(text)] }
}

/// Where runs and their history are kept.
pub(super) fn state(env: &Env, root: Option<&Path>) -> Section {
    let mut findings = Vec::new();
    match state_dir(env) {
        None => findings.push(
            Finding::warning("no history is kept: none of LOCAL_CI_STATE_DIR, XDG_STATE_HOME and HOME is absolute")
                .cure("set LOCAL_CI_STATE_DIR to a directory"),
        ),
        Some(state) => {
            findings.push(directory(&state));
            findings.extend(space(&state));
            findings.extend(runs(&state, root));
            findings.push(history(&state));
        }
    }
    Section { name: "state", findings }
}

/// Whether the directory can be used, or made.
fn directory(state: &Path) -> Finding {
    let name = shown(state);
    match fs::metadata(state) {
        Ok(meta) if !meta.is_dir() => Finding::warning(format!("{name} is no directory, so no history is kept"))
            .cure("move it away, or set LOCAL_CI_STATE_DIR to a directory"),
        Ok(_) => match access(state, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Finding::ok(format!("{name} can be written")),
            Err(error) => Finding::warning(format!("{name} cannot be used, so no history is kept: {error}"))
                .cure(format!("chmod u+rwx {name}, or set LOCAL_CI_STATE_DIR to another directory")),
        },
        Err(_) => match existing(state).map(|above| (above, access(above, Access::WRITE_OK | Access::EXEC_OK))) {
            Some((_, Ok(()))) => Finding::ok(format!("{name} is not there yet, and can be made")),
            Some((above, Err(error))) => {
                let above = shown(above);
                Finding::warning(format!("{name} cannot be made in {above}, so no history is kept: {error}"))
                    .cure("set LOCAL_CI_STATE_DIR to a directory that can be written")
            }
            None => Finding::warning(format!("{name} cannot be looked at, so no history is kept")),
        },
    }
}

/// The nearest directory above that is there.
fn existing(path: &Path) -> Option<&Path> {
    path.ancestors().find(|above| above.is_dir())
}

fn space(state: &Path) -> Option<Finding> {
    let system = statvfs(existing(state)?).ok()?;
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let text = format!("{} are free there", size(free));
    Some(if free < LITTLE_SPACE {
        Finding::warning(text).cure("make room: what stages print is lost once the disk is full")
    } else {
        Finding::ok(text)
    })
}

fn runs(state: &Path, root: Option<&Path>) -> Option<Finding> {
    if !state.is_dir() {
        return None;
    }
    let (bytes, complete) = weight(state);
    let at_least = if complete { "" } else { "at least " };
    let all = format!("{at_least}{} for all projects", size(bytes));
    let own = root.map(|root| match ProjectDir::new(state, root).numbers() {
        Ok(numbers) => format!("kept: {} of this project; {all}", count(numbers.len(), "run")),
        Err(error) => format!("the runs of this project cannot be listed ({error}); {all}"),
    });
    Some(Finding::ok(own.unwrap_or_else(|| format!("kept: {all}"))))
}

fn history(state: &Path) -> Finding {
    let path = state.join("history.db");
    let name = shown(&path);
    let Ok(meta) = fs::metadata(&path) else {
        return Finding::ok(format!("{name} is not there yet; it is made from the runs when it is needed"));
    };
    let mut head = [0; SQLITE.len()];
    let begins = fs::File::open(&path).and_then(|mut file| file.read_exact(&mut head));
    match begins {
        Ok(()) if head == SQLITE => Finding::ok(format!("{name} is a database of {}", size(meta.len()))),
        Ok(()) => Finding::warning(format!("{name} is no database; it is made anew from the runs")),
        Err(error) => Finding::warning(format!("{name} cannot be read ({error}); it is made anew from the runs")),
    }
}

/// How much all files below a directory take, and whether all of them were counted.
fn weight(root: &Path) -> (u64, bool) {
    let mut open = vec![root.to_owned()];
    let (mut bytes, mut files) = (0, 0);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                open.push(entry.path());
            }
            // What it takes on the disk, in blocks of 512 bytes: stat(2).
            bytes += meta.blocks() * 512;
            files += 1;
            if files == FILES_MAX {
                return (bytes, false);
            }
        }
    }
    (bytes, true)
}

/// What the system allows.
pub(super) fn limits() -> Section {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut findings =
        vec![Finding::ok(format!("{} for stages, unless --jobs or the config says otherwise", count(cores, "core")))];
    findings.push(match getrlimit(Resource::Nofile).current {
        Some(few) if few < FEW_DESCRIPTORS => {
            Finding::warning(format!("only {few} files may be open, so that stages have to wait for each other"))
                .cure("ulimit -n 1024")
        }
        Some(many) => Finding::ok(format!("{many} files may be open")),
        None => Finding::ok("any number of files may be open"),
    });
    Section { name: "limits", findings }
}

/// Bytes as a person reads them.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // In tenths, so that nothing has to be rounded in floating point.
    let (mut tenths, mut unit) = (bytes.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn sizes_read_well() {
        let sizes = [0, 1023, 1024, 1536, 10 << 20, 1023 << 20, 5 << 40, u64::MAX];
        assert_eq!(
            sizes.map(size),
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "10.0 MiB", "1023.0 MiB", "5.0 TiB", "1638.3 PiB"]
        );
    }

    #[test]
    fn a_state_that_cannot_be_used_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let of = |path: &Path| directory(path).level;
        assert_eq!(
            (of(dir.path()), of(&dir.path().join("not/yet")), of(&file)),
            (Level::Ok, Level::Ok, Level::Warning)
        );
        assert_eq!(of(Path::new("/proc/1/not-there")), Level::Warning);
        assert_eq!(history(dir.path()).level, Level::Ok);
        for (text, level) in
            [("", Level::Warning), ("x".repeat(99).as_str(), Level::Warning), ("SQLite format 3\0…", Level::Ok)]
        {
            fs::write(dir.path().join("history.db"), text).unwrap();
            assert_eq!(history(dir.path()).level, level, "{text:?}");
        }
    }
}
