//! Seeing a tool through: what it reads goes in and what it prints comes out in one poll(2), so that neither waits for the
//! other.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::{OUTPUT_MAX, Ran, Started, Streams};
use crate::clock::{Clock, SystemClock, Timestamp};

/// How often it is asked whether the tool is still wanted.
const LOOK: Duration = Duration::from_millis(50);
/// How long others may hold a tool's output after it has ended.
const DRAIN: Duration = Duration::from_millis(200);
/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_millis(500);
/// How long what was killed may take to go.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
/// The most that is kept of what a tool says on stderr.
const SAID_MAX: usize = 1024 * 1024;

/// A tool that runs, and what was fed to it and read from it so far.
pub(super) struct Feed<'a> {
    started: Started,
    stdin: Option<(File, &'a [u8])>,
    stdout: Option<File>,
    stderr: Option<File>,
    printed: Vec<u8>,
    said: Vec<u8>,
}

/// What is ready.
struct Ready {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

impl<'a> Feed<'a> {
    pub(super) fn new(started: Started, streams: Streams, bytes: &'a [u8]) -> Self {
        let stdin = streams.stdin.map(|file| {
            // Written as far as it is read; should that fail, one write may wait for the tool, which is bounded too.
            let _ = rustix::io::ioctl_fionbio(&file, true);
            (file, bytes)
        });
        let (stdout, stderr) = (Some(streams.stdout), Some(streams.stderr));
        Self { started, stdin, stdout, stderr, printed: Vec::new(), said: Vec::new() }
    }

    /// Runs it to its end.
    pub(super) fn run(mut self, name: &str, limit: Duration, cancelled: &dyn Fn() -> bool) -> io::Result<Ran> {
        let began = SystemClock.now();
        let mut ended: Option<Timestamp> = None;
        loop {
            let now = SystemClock.now();
            if let Some(exit) = self.started.exit() {
                let since = *ended.get_or_insert(now);
                let is_read = self.stdout.is_none() && self.stderr.is_none();
                let left = DRAIN.saturating_sub(now.since(since));
                if is_read || left.is_zero() {
                    return Ok(Ran { exit, stdout: self.printed, stderr: self.said });
                }
                // Whoever else reads our end of its stdin is not waited for.
                self.stdin = None;
                self.pump(left)?;
            } else {
                let left = limit.saturating_sub(now.since(began));
                if left.is_zero() {
                    self.end();
                    let said = format!("{name} took more than {} s", limit.as_secs_f32());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, said));
                }
                if cancelled() {
                    self.end();
                    return Err(io::Error::new(io::ErrorKind::Interrupted, format!("{name} was cancelled")));
                }
                self.pump(left.min(LOOK))?;
            }
            if self.printed.len() > OUTPUT_MAX {
                self.end();
                let said = format!("{name} printed more than {} MiB", OUTPUT_MAX / 1024 / 1024);
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, said));
            }
        }
    }

    /// Ends it with its group.
    fn end(&mut self) {
        (self.stdin, self.stdout) = (None, None);
        for (signal, patience) in [(Signal::TERM, GRACE), (Signal::KILL, KILL_PATIENCE)] {
            if !self.started.signal_group(signal) {
                return;
            }
            let sent = SystemClock.now();
            loop {
                let left = patience.saturating_sub(SystemClock.now().since(sent));
                if self.started.exit().is_some() {
                    // What of its group has not heeded the first has no leader any more, and nobody to report to.
                    return;
                }
                if left.is_zero() {
                    break;
                }
                let _ = poll(&mut [PollFd::new(&self.started, PollFlags::IN)], timespec(left).as_ref());
                self.started.clear();
            }
        }
    }

    /// Moves what can be moved within that time.
    fn pump(&mut self, limit: Duration) -> io::Result<()> {
        let ready = self.wait(limit)?;
        if ready.stdin
            && let Some((file, bytes)) = &mut self.stdin
        {
            let is_over = match file.write(bytes) {
                Ok(written) => {
                    *bytes = &bytes[written..];
                    bytes.is_empty()
                }
                Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
            };
            if is_over {
                self.stdin = None;
            }
        }
        if ready.stdout {
            read(&mut self.stdout, &mut self.printed, OUTPUT_MAX + 1);
        }
        if ready.stderr {
            read(&mut self.stderr, &mut self.said, SAID_MAX);
        }
        Ok(())
    }

    fn wait(&self, limit: Duration) -> io::Result<Ready> {
        let mut fds = vec![PollFd::new(&self.started, PollFlags::IN)];
        // An ended tool's own descriptor stays readable, and what is left of its output is what is waited for.
        if self.started.exit().is_some() {
            fds.clear();
        }
        let before = fds.len();
        let stdin = self.stdin.as_ref().map(|(file, _)| (file.as_fd(), PollFlags::OUT));
        let outputs = [&self.stdout, &self.stderr].map(|file| file.as_ref().map(|file| (file.as_fd(), PollFlags::IN)));
        let streams = [stdin, outputs[0], outputs[1]];
        fds.extend(streams.iter().flatten().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)));
        match poll(&mut fds, timespec(limit).as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut heard = fds[before..].iter().map(|fd| !fd.revents().is_empty());
        let [stdin, stdout, stderr] = streams.map(|stream| stream.is_some() && heard.next().unwrap_or(false));
        self.started.clear();
        Ok(Ready { stdin, stdout, stderr })
    }
}

fn timespec(limit: Duration) -> Option<Timespec> {
    Timespec::try_from(limit).ok()
}

/// Reads once; what is over the most is dropped, and a stream that has ended is closed.
fn read(stream: &mut Option<File>, into: &mut Vec<u8>, most: usize) {
    let Some(file) = stream else { return };
    let mut buffer = [0; 16 * 1024];
    match file.read(&mut buffer) {
        Ok(0) => *stream = None,
        Ok(read) => into.extend_from_slice(&buffer[..read.min(most.saturating_sub(into.len()))]),
        Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
        Err(_) => *stream = None,
    }
}
