//! A program that runs, under a watchdog, and what it came to.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use super::capture::Capture;
use super::invocation::Invocation;
use super::processes;
use super::project::Project;
use super::redact::Redactions;
use super::wait::PATIENCE;

/// How long others may hold a program's output after it has ended.
const DRAIN: Duration = Duration::from_secs(3);

/// A program that was started and not yet waited for. Dropping it kills all that runs in its project's name.
pub(crate) struct Running<'p> {
    project: &'p Project,
    shown: String,
    deadline: Instant,
    child: Child,
    is_waited: bool,
    stdout: Capture,
    stderr: Capture,
}

impl<'p> Running<'p> {
    #[track_caller]
    pub(crate) fn start(invocation: Invocation<'p>, command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot start {}: {e}", invocation.shown));
        if let (Some(bytes), Some(mut stdin)) = (invocation.stdin, child.stdin.take()) {
            // A program need not read what it is given.
            std::thread::spawn(move || stdin.write_all(&bytes));
        }
        Self {
            project: invocation.project,
            shown: invocation.shown,
            deadline: Instant::now() + invocation.limit,
            stdout: Capture::of(child.stdout.take().unwrap()),
            stderr: Capture::of(child.stderr.take().unwrap()),
            is_waited: false,
            child,
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// Waits until it has printed this.
    #[track_caller]
    pub(crate) fn wait_for_stdout(&self, text: &str) {
        self.wait_for(&self.stdout, "stdout", text);
    }

    /// Waits until it has printed this as a message.
    #[track_caller]
    pub(crate) fn wait_for_stderr(&self, text: &str) {
        self.wait_for(&self.stderr, "stderr", text);
    }

    #[track_caller]
    fn wait_for(&self, capture: &Capture, name: &str, text: &str) {
        let found = capture.wait_for(PATIENCE, |bytes| memchr::memmem::find(bytes, text.as_bytes()).is_some());
        assert!(found, "{text:?} never came on {name} of {}\n{}", self.shown, self.so_far());
    }

    fn so_far(&self) -> String {
        let text = |capture: &Capture| String::from_utf8_lossy(&capture.bytes()).into_owned();
        format!("--- stdout\n{}\n--- stderr\n{}", text(&self.stdout), text(&self.stderr))
    }

    /// Sends a signal to it alone.
    pub(crate) fn kill(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid()).unwrap(), signal).unwrap();
    }

    /// Waits for its end and that of its output.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Finished {
        let Some(status) = wait_child(&mut self.child, self.deadline) else {
            let so_far = self.so_far();
            let living = living(self.project);
            // Here and not when dropped: a panic from here shows first what still ran.
            processes::kill_all(self.project.root());
            panic!("{} did not end in time\n{so_far}\n--- still running\n{living}", self.shown);
        };
        self.is_waited = true;
        let drained_by = Instant::now() + DRAIN;
        let drained = [&self.stdout, &self.stderr]
            .map(|capture| capture.wait_closed(drained_by.saturating_duration_since(Instant::now())));
        assert_eq!(
            drained,
            [true; 2],
            "{} has ended, but somebody still holds its stdout or stderr (false)\n{}\n--- still running\n{}",
            self.shown,
            self.so_far(),
            living(self.project)
        );
        Finished {
            shown: self.shown.clone(),
            status,
            stdout: self.stdout.bytes(),
            stderr: self.stderr.bytes(),
            redactions: self.project.redactions(),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.is_waited {
            let _ = self.child.kill();
            let _ = self.child.wait();
            processes::kill_all(self.project.root());
        }
    }
}

fn living(project: &Project) -> String {
    processes::belonging_to(project.root()).iter().fold(String::new(), |text, living| text + &format!("{living}\n"))
}

/// Waits for a child without polling; none when time is up.
fn wait_child(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    let pidfd = pidfd_open(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), PidfdFlags::empty()).unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        // A signal may interrupt the wait, and then we look again.
        let _ = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&Timespec::try_from(left).unwrap()));
    }
}

/// How a program ended and all that it printed.
pub(crate) struct Finished {
    shown: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    redactions: Redactions,
}

impl Finished {
    /// Stdout as text.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Stderr as text.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Fails, showing everything, unless it exited with this code.
    #[track_caller]
    pub(crate) fn assert_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "\n{}", self.transcript());
        self
    }

    /// Fails, showing everything, unless it died of this signal.
    #[track_caller]
    pub(crate) fn assert_signal(self, signal: Signal) -> Self {
        assert_eq!(self.status.signal(), Some(signal.as_raw()), "\n{}", self.transcript());
        self
    }

    /// One more thing that differs from run to run: a pattern, and the word that the transcript has for it.
    pub(crate) fn redact(mut self, pattern: &str, word: &str) -> Self {
        self.redactions.add(pattern, word);
        self
    }

    /// The session as a person would have seen it, stdout before stderr, without what differs from run to run.
    pub(crate) fn transcript(&self) -> String {
        let mut text = format!("$ {}\n{}", self.shown, self.stdout());
        end_line(&mut text);
        if !self.stderr.is_empty() {
            let _ = write!(text, "--- stderr\n{}", self.stderr());
            end_line(&mut text);
        }
        let _ = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => write!(text, "--- exit {code}"),
            (None, signal) => write!(text, "--- signal {}", signal.unwrap_or(0)),
        };
        self.redactions.apply(&text)
    }
}

fn end_line(text: &mut String) {
    if !text.ends_with('\n') {
        text.push_str(" (no newline)\n");
    }
}
