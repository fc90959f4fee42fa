//! Processes that stay: some quietly, some against the will of whoever wants them gone.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::{Daemon, output};

/// Nothing stays longer than this, whatever becomes of the test.
const STAY: Duration = Duration::from_mins(10);
/// How long [`wait_for`] waits.
const WAIT: Duration = Duration::from_mins(3);
/// This program, even after the file it came from was replaced.
const SELF: &str = "/proc/self/exe";

/// `1.5`: a number of seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|e| format!("{e}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

/// Writes this process's id and start time. The file appears whole or not at all.
pub(crate) fn write_identity(file: &Path) -> io::Result<()> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let bad = || io::Error::other("/proc/self/stat is not as proc(5) has it");
    let pid = stat.split(' ').next().ok_or_else(bad)?;
    // The second field is the program's name in parentheses and may hold anything; the start time is the 22nd.
    let birth = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(19)).ok_or_else(bad)?;
    let mut draft = file.as_os_str().to_owned();
    draft.push(format!(".{pid}.tmp"));
    let draft = PathBuf::from(draft);
    fs::write(&draft, format!("{pid} {birth}\n"))?;
    fs::rename(draft, file)
}

/// Becomes itself again with the signals ignored: a shell's `trap ''` is inherited through exec.
pub(crate) fn ignore_signals(pid_file: Option<&Path>, ready_file: Option<&Path>) -> io::Result<ExitCode> {
    let mut command = Command::new("sh");
    // By its path: inside the shell, /proc/self/exe is the shell.
    command.args(["-c", "trap '' INT TERM HUP QUIT; exec \"$0\" \"$@\""]).arg(fs::read_link(SELF)?);
    command.args(["ignore-term", "--ignoring"]);
    command.args(pid_file.iter().flat_map(|file| [Path::new("--pid-file"), file]));
    command.args(ready_file.iter().flat_map(|file| [Path::new("--ready-file"), file]));
    Err(command.exec())
}

pub(crate) fn ignoring(ready_file: Option<&Path>) -> io::Result<()> {
    if let Some(file) = ready_file {
        touch(file)?;
    }
    std::thread::sleep(STAY);
    Ok(())
}

pub(crate) fn fork_daemon(how: &Daemon, pid_file: Option<&Path>) -> io::Result<()> {
    let mut command = Command::new(SELF);
    command.arg("daemon").stdin(Stdio::null());
    if how.setsid || how.double {
        command.arg("--setsid");
    }
    if how.double {
        command.args(["--generations", "1"]);
    }
    if !how.hold_stdout {
        command.stdout(Stdio::null()).stderr(Stdio::null());
    }
    if how.scrub_env {
        command.env_clear();
    }
    if let Some(file) = pid_file {
        command.arg("--pid-file").arg(file);
    }
    command.spawn()?;
    // Only once it is up may this process end: its end is what others take for their cue.
    match pid_file {
        Some(file) if wait_for(file)? != ExitCode::SUCCESS => Err(io::Error::other("the daemon did not come up")),
        _ => Ok(()),
    }
}

pub(crate) fn daemon(setsid: bool, generations: u32, pid_file: Option<&Path>) -> io::Result<()> {
    if setsid {
        rustix::process::setsid()?;
    }
    if generations > 0 {
        let mut command = Command::new(SELF);
        command.args(["daemon", "--generations", &(generations - 1).to_string()]);
        command.args(pid_file.iter().flat_map(|file| [Path::new("--pid-file"), file]));
        command.spawn()?;
        return Ok(());
    }
    if let Some(file) = pid_file {
        write_identity(file)?;
    }
    std::thread::sleep(STAY);
    Ok(())
}

pub(crate) fn wait_for(file: &Path) -> io::Result<ExitCode> {
    let start = Instant::now();
    while !file.try_exists()? {
        if start.elapsed() > WAIT {
            output::complain(&format!("{} did not appear", file.display()));
            return Ok(ExitCode::FAILURE);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn touch(file: &Path) -> io::Result<()> {
    File::options().append(true).create(true).open(file).map(drop)
}
