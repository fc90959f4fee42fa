//! What stages printed, for a display: reads from the files of a run's directory.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use crate::ids::{DenseId, StageName};
use crate::journal::layout::{RunDir, open_to_read};
use crate::report::{LogKey, LogPart, Logs, Mishap};

/// How many files stay open between reads: the one that is followed and the one that is quoted from.
const OPEN: usize = 2;

/// The logs of one run.
#[derive(Debug)]
pub struct RunLogs {
    run: RunDir,
    names: Vec<StageName>,
    kept: bool,
    open: Vec<(LogKey, File)>,
}

impl RunLogs {
    /// The logs of this run, whose stages have these names, in order.
    pub fn new(run: RunDir, names: Vec<StageName>) -> Self {
        Self { run, names, kept: true, open: Vec::new() }
    }

    /// The same, of a run whose directory is gone as soon as it has been shown: nobody is pointed there.
    #[must_use]
    pub fn not_kept(self) -> Self {
        Self { kept: false, ..self }
    }

    fn file(&self, log: LogKey) -> Option<PathBuf> {
        let name = self.names.get(log.stage.index())?;
        Some(match log.part {
            LogPart::Head => self.run.log(name, log.attempt),
            LogPart::Tail => self.run.tail(name, log.attempt),
        })
    }
}

impl Logs for RunLogs {
    fn read(&mut self, log: LogKey, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let at = match self.open.iter().position(|(key, _)| *key == log) {
            Some(at) => at,
            None => {
                let Some(path) = self.file(log) else { return Ok(0) };
                match open_to_read(&path) {
                    Ok(file) => {
                        self.open.truncate(OPEN - 1);
                        self.open.insert(0, (log, file));
                        0
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                    Err(error) => return Err(error),
                }
            }
        };
        self.open[at].1.read_at(buf, offset)
    }

    fn mishap(&mut self, log: LogKey, offset: u64) -> Option<Mishap> {
        let named = std::fs::metadata(self.file(log)?).ok();
        let at = self.open.iter().position(|(key, _)| *key == log);
        let open = at.and_then(|at| self.open[at].1.metadata().ok());
        match (open, named) {
            (Some(open), Some(named)) if (open.dev(), open.ino()) != (named.dev(), named.ino()) => {
                self.open.retain(|(key, _)| *key != log);
                Some(Mishap::Replaced)
            }
            (Some(now), _) | (None, Some(now)) if now.len() < offset => Some(Mishap::Truncated),
            (Some(_), None) => Some(Mishap::Removed),
            (None, None) if offset > 0 => Some(Mishap::Removed),
            (Some(_) | None, Some(_)) | (None, None) => None,
        }
    }

    fn path(&self, log: LogKey) -> Option<PathBuf> {
        // A stage that printed nothing has no file.
        self.file(log).filter(|path| self.kept && path.exists())
    }

    fn written(&self, log: LogKey) -> Option<i64> {
        let modified = std::fs::metadata(self.file(log)?).ok()?.modified().ok()?;
        i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
    }

    fn is_kept(&self) -> bool {
        self.kept && self.run.path().exists()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StageId;
    use crate::journal::layout::create_dir;

    const KEY: LogKey = LogKey { stage: StageId(0), attempt: 1, part: LogPart::Head };

    fn logs() -> (tempfile::TempDir, PathBuf, RunLogs) {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::new(dir.path().join("1"));
        create_dir(&run.logs()).unwrap();
        let name = StageName::new("a").unwrap();
        let path = run.log(&name, 1);
        (dir, path, RunLogs::new(run, vec![name]))
    }

    fn read(logs: &mut RunLogs, offset: u64) -> Vec<u8> {
        let mut buffer = [0; 64];
        let n = logs.read(KEY, offset, &mut buffer).unwrap();
        buffer[..n].to_vec()
    }

    /// H71: what is done to a log while it is read is noticed, and what there is then can be read.
    #[test]
    fn h71_what_is_done_to_a_log_is_noticed() {
        let (_dir, path, mut logs) = logs();
        assert_eq!((read(&mut logs, 0), logs.mishap(KEY, 0)), (vec![], None), "it is not there yet");
        std::fs::write(&path, "four").unwrap();
        assert_eq!((read(&mut logs, 0), logs.mishap(KEY, 4)), (b"four".to_vec(), None));

        std::fs::write(&path, "2.").unwrap();
        assert_eq!((read(&mut logs, 4), logs.mishap(KEY, 4)), (vec![], Some(Mishap::Truncated)));
        assert_eq!((read(&mut logs, 0), logs.mishap(KEY, 2)), (b"2.".to_vec(), None));

        let other = path.with_extension("other");
        std::fs::write(&other, "another").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!((read(&mut logs, 2), logs.mishap(KEY, 2)), (vec![], Some(Mishap::Replaced)));
        assert_eq!((read(&mut logs, 0), logs.mishap(KEY, 7)), (b"another".to_vec(), None));

        let mut writer = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((read(&mut logs, 7), logs.mishap(KEY, 7)), (vec![], Some(Mishap::Removed)));
        std::io::Write::write_all(&mut writer, b" one").unwrap();
        assert_eq!(read(&mut logs, 7), b" one", "it is still open");
    }
}
