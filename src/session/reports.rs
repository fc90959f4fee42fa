//! A run's reports: what the record says, put into files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::history::Status;
use crate::ids::StageName;
use crate::journal::header::Header;
use crate::journal::layout::RunDir;
use crate::journal::read::read_all;
use crate::journal::state;
use crate::report::document::{Facts, Kind, render};
use crate::session::logs::RunLogs;
use crate::session::past::Past;
use crate::view::RunView;

/// How many earlier runs of a stage are drawn.
const SHOWN: usize = 20;
/// How many are looked through for them.
const LOOK_BACK: usize = 200;

/// What a run's directory has for reports.
pub struct Record {
    view: RunView,
    logs: RunLogs,
    facts: Facts,
}

impl Record {
    /// Reads it; none as long as the run goes on. An error where the journal cannot be read, or has nothing in it.
    pub fn read(run: &RunDir) -> io::Result<Option<Self>> {
        // The state first: what is read afterwards then has all that a run said that has ended.
        let goes_on = state::of(run)?.is_active();
        let mut view = RunView::new();
        for event in read_all(run)? {
            view.apply(&event);
        }
        // Its supervisor may still be about to leave.
        if goes_on && view.end().is_none() {
            return Ok(None);
        }
        if view.header().is_none() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "nothing was written down of it"));
        }
        Ok(Some(Self::of(view, run)))
    }

    /// The same where what happened is known already.
    pub fn of(mut view: RunView, run: &RunDir) -> Self {
        if let Some(lost) = view.lost_event() {
            view.apply(&lost);
        }
        let names: Vec<StageName> = view.stages().values().map(|stage| stage.info.name.clone()).collect();
        let facts = facts(&view, Header::read(run).ok());
        Self { view, logs: RunLogs::new(run.clone(), names), facts }
    }

    /// The project's directory.
    pub fn root(&self) -> &Path {
        Path::new(self.view.header().map_or("", |run| run.project.as_str()))
    }

    /// The same with how long its stages took before, as far as the history of the project knows.
    #[must_use]
    pub fn with_history(mut self, past: &Past) -> Self {
        let this = self.view.header().and_then(|run| run.number);
        for stage in self.view.stages().values() {
            let name = &stage.info.name;
            // What came after it, and whether it is in the index itself by now, is to make no difference.
            let runs = past.runs(Some(std::slice::from_ref(name)), LOOK_BACK).unwrap_or_default();
            let before = runs.into_iter().filter(|run| this.is_none_or(|this| run.number < this));
            let mut took: Vec<Option<u64>> = before
                .filter_map(|run| run.job)
                .filter(|job| job.attempts > 0)
                .map(|job| (job.status == Status::Pass).then_some(job.duration_ms))
                .take(SHOWN)
                .collect();
            took.reverse();
            self.facts.history.insert(name.clone(), took);
        }
        self
    }

    /// One of its reports.
    pub fn render(&mut self, kind: Kind) -> Vec<u8> {
        render(kind, &self.view, &mut self.logs, &self.facts)
    }
}

fn facts(view: &RunView, header: Option<Header>) -> Facts {
    let project = view.header().map_or("", |run| run.project.as_str());
    let name = Path::new(project).file_name().map_or_else(|| project.into(), |name| name.to_string_lossy());
    let program = header.as_ref().map_or(env!("CARGO_PKG_VERSION"), |header| header.program.as_str()).to_owned();
    let (commit, branch) = header.map_or((None, None), |header| (header.commit, header.branch));
    Facts {
        project: name.into_owned(),
        commit,
        branch,
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        program,
        history: BTreeMap::new(),
    }
}

/// Puts a report into a file, and makes the directories that it is to be in. Whoever reads it finds the old text or the
/// new one. A report is for others, so it gets the rights that files get here; a pipe or a device is written to.
pub fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    // A link may be meant: what it points to is replaced, and the link stays.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => return fs::write(path, text),
        Ok(_) | Err(_) => {}
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    // Two runs at once may have been told to write the same file.
    name.push(format!(".{}.new", std::process::id()));
    let unfinished = directory.join(name);
    // What a process with that number left that was killed right here.
    let _ = fs::remove_file(&unfinished);
    let written = fs::File::create_new(&unfinished)
        .and_then(|mut file| file.write_all(text))
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_takes_the_place_of_the_one_before_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out/deep/report.xml");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(write(dir.path(), b"x").is_err(), "a directory");
        assert!(write(&path.join("below"), b"x").is_err(), "below a file");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, b"three").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
    }
}
