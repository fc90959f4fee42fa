//! Hearing of changes in a run's directory without asking again and again.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

use super::layout::{ProjectDir, RunDir};
use crate::ids::RunNumber;

/// Becomes readable when something was written in a run's directory, or its lock was let go.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// Watches a run. Fails where the system has no watches left; whoever follows then looks a few times a second.
    pub fn new(run: &RunDir) -> io::Result<Self> {
        let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&watch, run.path(), WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::CLOSE_WRITE)?;
        inotify::add_watch(&watch, run.logs(), WatchFlags::MODIFY | WatchFlags::CREATE)?;
        Ok(Self(watch))
    }

    /// Watches nothing yet: see [`Watch::add_end`].
    pub fn of_ends() -> io::Result<Self> {
        Ok(Self(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?))
    }

    /// Watches for the end of a run as well, and for little else: its events, and its lock. What stages print, and what
    /// programs do with the run's jobserver, wakes nobody. To be called again as long as it is waited for: a run that has
    /// said nothing yet has no events to be watched.
    pub fn add_end(&self, run: &RunDir) -> io::Result<()> {
        inotify::add_watch(&self.0, run.lock(), WatchFlags::CLOSE_WRITE)?;
        match inotify::add_watch(&self.0, run.events(), WatchFlags::MODIFY) {
            Err(rustix::io::Errno::NOENT) => inotify::add_watch(&self.0, run.path(), WatchFlags::CREATE)?,
            other => other?,
        };
        Ok(())
    }

    /// Forgets what was heard so far, so that the descriptor waits for what comes next.
    pub fn clear(&self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.0, &mut buffer);
        while reader.next().is_ok() {}
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Heard {
    /// Something happened in this run, or it was let go of.
    Run(RunNumber),
    /// There is a new run, or one is gone.
    Runs,
}

/// Hears of changes in many runs of a project with one descriptor: of descriptors a user has few, of watches many.
#[derive(Debug)]
pub struct Watches {
    fd: OwnedFd,
    watched: HashMap<i32, Heard>,
    /// Runs that have said nothing yet.
    silent: HashMap<RunNumber, RunDir>,
}

impl Watches {
    /// Watches nothing yet. Fails where the system has nothing left for that.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            fd: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
            watched: HashMap::new(),
            silent: HashMap::new(),
        })
    }

    /// Watches a run: its events, its lock, and with `logs` what its stages print. What programs do with its jobserver,
    /// which is a file of its directory too, wakes nobody.
    pub fn add(&mut self, number: RunNumber, run: &RunDir, logs: bool) -> io::Result<()> {
        let end = WatchFlags::CLOSE_WRITE | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        let wd = inotify::add_watch(&self.fd, run.path(), WatchFlags::CREATE | end)?;
        self.watched.insert(wd, Heard::Run(number));
        self.add_events(number, run)?;
        if logs {
            let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE;
            let wd = inotify::add_watch(&self.fd, run.logs(), flags)?;
            self.watched.insert(wd, Heard::Run(number));
        }
        Ok(())
    }

    /// Watches a run's events, once there are any.
    fn add_events(&mut self, number: RunNumber, run: &RunDir) -> io::Result<()> {
        match inotify::add_watch(&self.fd, run.events(), WatchFlags::MODIFY) {
            Ok(wd) => {
                self.watched.insert(wd, Heard::Run(number));
                self.silent.remove(&number);
                Ok(())
            }
            Err(rustix::io::Errno::NOENT) => {
                self.silent.insert(number, run.clone());
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Watches for runs that come.
    pub fn add_runs(&mut self, project: &ProjectDir) -> io::Result<()> {
        let wd = inotify::add_watch(&self.fd, project.runs(), WatchFlags::MOVED_TO | WatchFlags::CREATE)?;
        self.watched.insert(wd, Heard::Runs);
        Ok(())
    }

    /// What was heard since the last call, each once. Where so much happened that some of it was not kept, all that is
    /// watched.
    pub fn heard(&mut self) -> Vec<Heard> {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&self.fd, &mut buffer);
        let (mut heard, mut overflown) = (Vec::new(), false);
        while let Ok(event) = reader.next() {
            overflown |= event.events().contains(inotify::ReadFlags::QUEUE_OVERFLOW);
            heard.extend(self.watched.get(&event.wd()));
        }
        if overflown {
            heard.extend(self.watched.values());
        }
        heard.sort_unstable();
        heard.dedup();
        // One that has begun to speak is heard from now on; what it has said by now is read by who is told of it here.
        let begun: Vec<(RunNumber, RunDir)> = self
            .silent
            .iter()
            .filter(|(number, _)| heard.contains(&Heard::Run(**number)))
            .map(|(n, run)| (*n, run.clone()))
            .collect();
        for (number, run) in begun {
            // Where that fails, its end is heard all the same.
            let _ = self.add_events(number, &run);
        }
        heard
    }
}

impl AsFd for Watches {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::layout::create_dir;
    use std::io::Write;

    #[test]
    fn many_runs_are_told_apart_on_one_descriptor() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::at(dir.path().to_owned());
        create_dir(&project.runs()).unwrap();
        let mut watches = Watches::new().unwrap();
        watches.add_runs(&project).unwrap();
        for number in (1..=300).map(RunNumber) {
            let run = project.run(number);
            create_dir(&run.logs()).unwrap();
            watches.add(number, &run, true).unwrap();
        }
        assert_eq!(watches.heard(), [Heard::Runs]);
        std::fs::write(project.run(RunNumber(7)).events(), "x").unwrap();
        std::fs::write(project.run(RunNumber(300)).logs().join("a.log"), "x").unwrap();
        assert_eq!(watches.heard(), [Heard::Run(RunNumber(7)), Heard::Run(RunNumber(300))]);
        assert_eq!(watches.heard(), []);
        // From its first event on every event is heard, and what else is written in its directory is not.
        let mut events = std::fs::File::options().append(true).open(project.run(RunNumber(7)).events()).unwrap();
        std::fs::File::create(project.run(RunNumber(7)).jobserver()).unwrap();
        assert_eq!(watches.heard(), [Heard::Run(RunNumber(7))]);
        events.write_all(b"y").unwrap();
        assert_eq!(watches.heard(), [Heard::Run(RunNumber(7))]);
        let mut jobserver = std::fs::File::options().append(true).open(project.run(RunNumber(7)).jobserver()).unwrap();
        jobserver.write_all(b"+").unwrap();
        assert_eq!(watches.heard(), []);
    }
}
