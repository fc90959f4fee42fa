//! Compiling a component to native code. Whoever made it decides what the compiler has to do, so a child process does it, which
//! may use so much memory and time and no more, and whose faults are its own.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use wasmtime::Engine;

use super::engine;
use super::stop::short;
use crate::cancel::CancelToken;
use crate::outcome::Exit;
use crate::plugin::component::SIZE_MAX;
use crate::plugin::fault::FaultKind;
use crate::process::tool::{Ran, Tool, Tools};

/// The hidden command of ours that compiles: see [`compile_here`].
pub const COMMAND: &str = "compile-plugin";

/// How long it may take. A component made from Python, the largest there are, takes 4 s.
const WALL: Duration = Duration::from_mins(3);
/// What it may compute, in seconds, by all of its threads together.
const CPU_SECONDS: u64 = 120;
/// What it may have of memory, in bytes that it can write to.
const MEMORY: u64 = 4 << 30;
/// What it may have of addresses: each of its threads, one a core, sets some aside that it never uses.
const ADDRESSES: u64 = 16 << 30;
/// Where a child writes what we do not keep: it is read from there.
const STDOUT: &str = "/dev/stdout";

/// Who compiles.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// A child process, under limits.
    Child {
        /// What starts it.
        tools: Tools,
        /// This program.
        program: PathBuf,
    },
    /// This process. For tests, whose components are their own.
    Here,
    /// Nobody: only what was compiled before is used.
    Nobody,
}

/// What there is to say where nobody compiles.
const NOBODY: &str = "is not compiled yet";

impl Compiler {
    /// Compiles these bytes into a file, which is not there yet. A child is ended with `cancel`, and is gone when that is said.
    pub(super) fn to_file(
        &self,
        engine: &Engine,
        bytes: &[u8],
        file: &Path,
        cancel: &CancelToken,
    ) -> Result<(), FaultKind> {
        match self {
            Self::Child { tools, program } => Child { tools, program, cancel }.compile(bytes, file.into()).map(drop),
            Self::Here => {
                let code = compile(engine, bytes).map_err(FaultKind::NotCompiled)?;
                write(file, &code).map_err(|error| FaultKind::NotCompiled(not_kept(file, &error)))
            }
            Self::Nobody => Err(FaultKind::NotCompiled(NOBODY.to_owned())),
        }
    }

    /// Compiles these bytes for this process alone.
    pub(super) fn to_memory(&self, engine: &Engine, bytes: &[u8], cancel: &CancelToken) -> Result<Vec<u8>, FaultKind> {
        match self {
            Self::Child { tools, program } => Child { tools, program, cancel }.compile(bytes, STDOUT.into()),
            Self::Here => compile(engine, bytes).map_err(FaultKind::NotCompiled),
            Self::Nobody => Err(FaultKind::NotCompiled(NOBODY.to_owned())),
        }
    }
}

fn compile(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let compiled = catch_unwind(AssertUnwindSafe(|| engine.precompile_component(bytes)));
    let compiled = compiled.map_err(|_| "cannot be compiled: the compiler failed".to_owned())?;
    compiled.map_err(|error| format!("cannot be compiled: {}", short(&error.root_cause().to_string())))
}

/// A child that is about to compile, for as long as nobody asks it to end.
struct Child<'a> {
    tools: &'a Tools,
    program: &'a Path,
    cancel: &'a CancelToken,
}

impl Child<'_> {
    /// What it prints, once it has written what it compiled into this file.
    fn compile(&self, bytes: &[u8], file: OsString) -> Result<Vec<u8>, FaultKind> {
        let tool = Tool::new([self.program.into(), COMMAND.into(), file]).stdin(bytes);
        let is_cancelled = || self.cancel.level().is_some();
        match self.tools.run(&tool, WALL, &is_cancelled) {
            Ok(ran) if ran.exit.success() => Ok(ran.stdout),
            // What ends it may have been meant for all of us.
            _ if is_cancelled() => Err(FaultKind::Cancelled),
            Ok(ran) => Err(FaultKind::NotCompiled(ended(&ran))),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(FaultKind::NotCompiled(format!("cannot be compiled: that takes longer than {} s", WALL.as_secs())))
            }
            Err(error) => {
                let program = self.program.display();
                Err(FaultKind::NotCompiled(format!("cannot be compiled: {program} cannot be started: {error}")))
            }
        }
    }
}

/// Why a child has compiled nothing, as the rest of a sentence.
fn ended(ran: &Ran) -> String {
    match ran.exit {
        Exit::Code(_) if !ran.stderr.is_empty() => short(&ran.said()),
        Exit::Signal(signal) if signal == libc::SIGXCPU || signal == libc::SIGKILL => {
            format!("cannot be compiled: that takes more than {CPU_SECONDS} s of computing")
        }
        Exit::Signal(libc::SIGABRT) if ran.said().contains("memory allocation") => {
            format!("cannot be compiled: that takes more than {} GiB of memory", MEMORY >> 30)
        }
        exit @ (Exit::Code(_) | Exit::Signal(_)) => format!("cannot be compiled: the compiler ended with {exit}"),
    }
}

/// What the child does: limits itself, reads a component from `input`, and writes what it compiled into a file that is not
/// there yet, or to `/dev/stdout`. The error is the rest of a sentence that begins with the plugin's name.
pub fn compile_here(mut input: impl Read, file: &Path) -> Result<(), String> {
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    let limits =
        [(Resource::Data, MEMORY), (Resource::As, ADDRESSES), (Resource::Cpu, CPU_SECONDS), (Resource::Core, 0)];
    // Where less is allowed already, it stays at that.
    for (resource, most) in limits {
        let _ = setrlimit(resource, limit(most));
    }
    end_with_who_asked();
    let mut bytes = Vec::new();
    let read = input.by_ref().take(SIZE_MAX as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot be compiled: it cannot be read: {error}"))?;
    if bytes.len() > SIZE_MAX {
        return Err(format!("cannot be compiled: it has more than {} MiB", SIZE_MAX >> 20));
    }
    let engine = engine::engine().map_err(|error| format!("cannot be compiled on this machine: {error}"))?;
    let code = compile(&engine, &bytes)?;
    write(file, &code).map_err(|error| not_kept(file, &error))
}

/// Has this process end once nobody reads its stdout any more: who started it is gone, by Ctrl+C or worse, and what it would
/// make nobody waits for. A stdout that is no pipe has no such end.
fn end_with_who_asked() {
    let watch = || {
        loop {
            let stdout = std::io::stdout();
            let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
            match poll(&mut ends, None) {
                Err(Errno::INTR) => {}
                Ok(_) if ends[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => {
                    let _ = kill_process(getpid(), Signal::KILL);
                }
                Ok(_) | Err(_) => return,
            }
        }
    };
    // Without the thread, its limits end it all the same.
    let _ = std::thread::Builder::new().name("end".into()).spawn(watch);
}

fn write(file: &Path, code: &[u8]) -> io::Result<()> {
    if file == Path::new(STDOUT) {
        return File::options().write(true).open(file)?.write_all(code);
    }
    File::options().write(true).create_new(true).mode(0o600).open(file)?.write_all(code)
}

fn not_kept(file: &Path, error: &io::Error) -> String {
    format!("was compiled, but that cannot be written to {}: {error}", file.display())
}
