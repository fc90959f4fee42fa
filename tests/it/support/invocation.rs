//! A program that is about to be started: arguments, a clean environment, and how long it may take.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::project::Project;
use super::running::{Finished, Running};
use super::strace;
use super::terminal::Terminal;

/// After that long a program has hung.
const LIMIT: Duration = Duration::from_mins(3);

/// A program to start, with nothing in its environment but what stands here.
pub(crate) struct Invocation<'p> {
    pub(crate) project: &'p Project,
    /// As a person would have typed it.
    pub(crate) shown: String,
    pub(crate) limit: Duration,
    pub(crate) stdin: Option<Vec<u8>>,
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    cwd: PathBuf,
}

impl<'p> Invocation<'p> {
    pub(crate) fn new(project: &'p Project, program: &Path, name: &str, args: &[&str]) -> Self {
        let quoted = args.iter().map(|arg| {
            let is_plain = !arg.is_empty() && arg.chars().all(|c| c.is_alphanumeric() || "-_=./:,@%+".contains(c));
            if is_plain { (*arg).to_owned() } else { format!("'{}'", arg.replace('\'', r"'\''")) }
        });
        Self {
            project,
            shown: [name.to_owned()].into_iter().chain(quoted).collect::<Vec<_>>().join(" "),
            limit: LIMIT,
            stdin: None,
            program: program.to_owned(),
            args: args.iter().map(OsString::from).collect(),
            env: BTreeMap::new(),
            cwd: project.dir(),
        }
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Takes a variable away.
    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.env.remove(OsStr::new(name));
        self
    }

    /// One more argument, of any bytes.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Gives it this to read; without it, stdin is /dev/null.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Starts it in a directory below the project's.
    pub(crate) fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.cwd = self.project.dir().join(dir);
        self
    }

    /// Lets it take that long instead of three minutes.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it under strace with these options, to have system calls fail or kill at a chosen moment. None, with a
    /// line that says so, where strace is missing or may not trace.
    pub(crate) fn under_strace(mut self, options: &[&str]) -> Option<Self> {
        let strace = strace::program()?;
        let log = self.project.side("strace.log");
        let before = ["-f", "-qq", "-o"].map(OsString::from).into_iter().chain([log.into_os_string()]);
        let before = before.chain(options.iter().map(OsString::from)).chain(["--".into(), self.program.into()]);
        self.args.splice(0..0, before);
        self.program = strace;
        Some(self)
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn output(self) -> Finished {
        self.spawn().wait()
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn spawn(self) -> Running<'p> {
        let mut command = self.command();
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        Running::start(self, command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts it on a terminal of its own, with that many rows and columns.
    #[track_caller]
    pub(crate) fn on_terminal(self, rows: u16, columns: u16) -> Terminal<'p> {
        Terminal::start(self, rows, columns)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env).current_dir(&self.cwd);
        command
    }

    /// The same command, started by the helper that gives it a controlling terminal.
    pub(crate) fn command_on_tty(&self, tty: &OsStr) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
        command.arg("on-tty").arg(tty).arg("--").arg(&self.program).args(&self.args);
        command.env_clear().envs(&self.env).current_dir(&self.cwd);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        command
    }
}
