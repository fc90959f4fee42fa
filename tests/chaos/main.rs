//! `chaos`, the helper of the integration tests: a program that misbehaves on purpose, in one way at a time.
//!
//! Stages of test pipelines are calls of it. It knows nothing of the runner. What it starts ends by itself after ten
//! minutes at the latest, so that a failed test leaves nothing behind for ever.
//!
//! With `--pid-file FILE` a command first writes its process id and start time there, so that a test can wait until
//! it is up and later be sure that this very process is gone.
#![expect(clippy::disallowed_methods, reason = "spawns processes, reads its environment and the time as tests need it")]

mod end;
mod inspect;
mod jobserver;
mod linger;
mod output;
mod terminal;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Misbehaves on purpose, for tests.
#[derive(Parser)]
#[command(name = "chaos")]
struct Chaos {
    /// Writes `PID STARTTIME` to this file before anything else.
    #[arg(long, global = true, value_name = "FILE")]
    pid_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes that many bytes as fast as it can: lines of 80 bytes, the last one cut to fit. Takes k, M, G (1024).
    Flood {
        #[arg(value_parser = output::size)]
        bytes: u64,
        /// One line without an end.
        #[arg(long)]
        no_newline: bool,
        /// To stderr instead of stdout.
        #[arg(long)]
        stderr: bool,
    },
    /// Writes `line 1` to `line N`.
    Lines { count: u64 },
    /// Writes `out 1`, `err 1`, `out 2`, … to stdout and stderr in turn, a write each.
    Interleave { count: u64 },
    /// Draws progress from 0 to N with carriage returns, one newline at the end.
    ProgressCr { steps: u64 },
    /// Writes the bytes that these hex digits stand for.
    PrintHex {
        #[arg(required = true, value_parser = output::hex)]
        bytes: Vec<output::Bytes>,
    },
    /// Runs for that long and ends well.
    Sleep {
        #[arg(value_parser = linger::seconds)]
        seconds: std::time::Duration,
    },
    /// Runs on through INT, TERM, HUP and QUIT.
    IgnoreTerm {
        /// Touched once the signals are ignored.
        #[arg(long, value_name = "FILE")]
        ready_file: Option<PathBuf>,
        /// Set by itself, in the process that ignores them already.
        #[arg(long, hide = true)]
        ignoring: bool,
    },
    /// Starts a process that outlives it, and ends.
    ForkDaemon(Daemon),
    /// What fork-daemon starts.
    #[command(hide = true)]
    Daemon {
        #[arg(long)]
        setsid: bool,
        /// How many further generations to start before staying.
        #[arg(long, default_value_t = 0)]
        generations: u32,
    },
    /// Waits until a file exists; gives up with code 1 after three minutes.
    WaitFor { file: PathBuf },
    /// Does pieces of work, as many at a time as a jobserver gives it slots.
    JobserverClient(jobserver::Client),
    /// Creates a file, or leaves it as it is.
    Touch { file: PathBuf },
    /// Asks a question on /dev/tty and prints the answer; code 6 where there is no terminal.
    ReadTty,
    /// Reads stdin to its end and says how many bytes came.
    ReadStdin,
    /// Takes that much memory and touches every page of it.
    Alloc {
        #[arg(value_parser = output::size)]
        bytes: u64,
        /// Holds it for that long.
        #[arg(long, value_parser = linger::seconds, default_value = "0")]
        hold: std::time::Duration,
    },
    /// Ends by a signal: a number, or a name like SEGV.
    Crash {
        #[arg(value_parser = end::signal)]
        signal: i32,
    },
    /// Ends with a code.
    Exit { code: u8 },
    /// Prints these variables, or all, one a line, by name.
    EchoEnv { names: Vec<String> },
    /// Prints its open descriptors and what they are.
    Fds,
    /// Prints its masks of ignored and blocked signals as /proc has them, without SIGPIPE, which the Rust runtime
    /// ignores by itself.
    Signals,
    /// Prints its process, group and session ids, and whether it has a controlling terminal.
    Ids,
    /// Becomes the command, in a session of its own whose controlling terminal is TTY.
    OnTty {
        tty: PathBuf,
        #[arg(last = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
    /// Draws a full screen with the terminal's size and the keys that are typed, anew at every change, until `q`.
    Screen {
        /// Ends in the middle of everything, and puts nothing back.
        #[arg(long)]
        mess: bool,
    },
    /// Puts the terminal into raw mode and leaves it so.
    SpoilTerminal,
    /// Sets stdin, stdout and stderr to non-blocking and leaves them so.
    SpoilFlags,
    /// Prints which of stdin, stdout and stderr are non-blocking.
    Flags,
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
struct Daemon {
    /// Into a session of its own.
    #[arg(long)]
    setsid: bool,
    /// The classic way: a session of its own, and a second fork to be nobody's child.
    #[arg(long, conflicts_with = "setsid")]
    double: bool,
    /// It keeps stdout and stderr open.
    #[arg(long)]
    hold_stdout: bool,
    /// It has /dev/null for stdin, stdout and stderr. The default.
    #[arg(long, conflicts_with = "hold_stdout")]
    close_fds: bool,
    /// It has an empty environment.
    #[arg(long)]
    scrub_env: bool,
}

fn main() -> ExitCode {
    let chaos = Chaos::parse();
    match run(chaos) {
        Ok(code) => code,
        // A closed pipe is the reader's choice; a shell's tool would have died of SIGPIPE without a word.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(141),
        Err(error) => {
            output::complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(chaos: Chaos) -> io::Result<ExitCode> {
    let file = chaos.pid_file.as_deref();
    if let Some(file) = file.filter(|_| chaos.command.is_about_this_process()) {
        linger::write_identity(file)?;
    }
    match chaos.command {
        Command::Flood { bytes, no_newline, stderr } => output::flood(bytes, !no_newline, stderr)?,
        Command::Lines { count } => output::lines(count)?,
        Command::Interleave { count } => output::interleave(count)?,
        Command::ProgressCr { steps } => output::progress(steps)?,
        Command::PrintHex { bytes } => output::print(&bytes)?,
        Command::Sleep { seconds } => std::thread::sleep(seconds),
        Command::IgnoreTerm { ready_file, ignoring: false } => {
            return linger::ignore_signals(file, ready_file.as_deref());
        }
        Command::IgnoreTerm { ready_file, ignoring: true } => linger::ignoring(ready_file.as_deref())?,
        Command::ForkDaemon(daemon) => linger::fork_daemon(&daemon, file)?,
        Command::Daemon { setsid, generations } => linger::daemon(setsid, generations, file)?,
        Command::WaitFor { file } => return linger::wait_for(&file),
        Command::JobserverClient(client) => return jobserver::client(&client),
        Command::Touch { file } => linger::touch(&file)?,
        Command::ReadTty => return terminal::read_tty(),
        Command::ReadStdin => terminal::read_stdin()?,
        Command::Alloc { bytes, hold } => end::alloc(bytes, hold)?,
        Command::Crash { signal } => return end::crash(signal),
        Command::Exit { code } => return Ok(ExitCode::from(code)),
        Command::EchoEnv { names } => inspect::echo_env(&names)?,
        Command::Fds => inspect::fds()?,
        Command::Signals => inspect::signals()?,
        Command::Ids => inspect::ids()?,
        Command::OnTty { tty, command } => return terminal::on_tty(&tty, &command),
        Command::Screen { mess } => terminal::screen(mess)?,
        Command::SpoilTerminal => terminal::spoil()?,
        Command::SpoilFlags => inspect::spoil_flags()?,
        Command::Flags => inspect::flags()?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Command {
    /// Whether the pid file is to name this process, and not one that it starts and that writes the file itself.
    fn is_about_this_process(&self) -> bool {
        !matches!(self, Self::ForkDaemon(_) | Self::Daemon { .. } | Self::IgnoreTerm { ignoring: false, .. })
    }
}
