//! What a process finds when it starts: descriptors, signals, ids, environment.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

pub(crate) fn echo_env(names: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if names.is_empty() {
        let all: BTreeMap<_, _> = std::env::vars_os().collect();
        for (name, value) in all {
            writeln!(out, "{}={}", name.to_string_lossy(), value.to_string_lossy())?;
        }
    }
    for name in names {
        match std::env::var_os(name) {
            Some(value) => writeln!(out, "{name}={}", value.to_string_lossy())?,
            None => writeln!(out, "{name} is not set")?,
        }
    }
    Ok(())
}

pub(crate) fn fds() -> io::Result<()> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let number: u32 = entry.file_name().to_string_lossy().parse().map_err(io::Error::other)?;
        // The descriptor of this very listing is closed by the time it is looked up again.
        found.insert(number, entry.path());
    }
    let mut out = io::stdout().lock();
    for (number, path) in found {
        if let Ok(target) = fs::read_link(path) {
            writeln!(out, "{number} {}", target.display())?;
        }
    }
    Ok(())
}

/// Descriptors that are shared with whoever started this program share their flags too.
pub(crate) fn spoil_flags() -> io::Result<()> {
    for fd in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?;
    }
    Ok(())
}

pub(crate) fn flags() -> io::Result<()> {
    let mut out = io::stdout();
    for (name, fd) in
        [("stdin", rustix::stdio::stdin()), ("stdout", rustix::stdio::stdout()), ("stderr", rustix::stdio::stderr())]
    {
        let blocks = if fcntl_getfl(fd)?.contains(OFlags::NONBLOCK) { "does not block" } else { "blocks" };
        writeln!(out, "{name} {blocks}")?;
    }
    Ok(())
}

pub(crate) fn signals() -> io::Result<()> {
    const SIGPIPE: u64 = 1 << 12;
    let status = fs::read_to_string("/proc/self/status")?;
    let mut out = io::stdout().lock();
    for name in ["SigIgn", "SigBlk"] {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        let mask = u64::from_str_radix(line.unwrap_or_default(), 16).map_err(io::Error::other)?;
        writeln!(out, "{name} {:016x}", mask & !SIGPIPE)?;
    }
    Ok(())
}

pub(crate) fn ids() -> io::Result<()> {
    // From /proc and not from getsid(2), whose wrapper knows no 0: that is what a group or session has for a number where
    // its leader is in a pid namespace further out, as that of a container's first process is.
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, rest) =
        stat.rsplit_once(") ").ok_or_else(|| io::Error::other("/proc/self/stat is not as proc(5) has it"))?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let (pid, group, session) = (std::process::id(), fields[2], fields[3]);
    let terminal =
        if fs::File::open("/dev/tty").is_ok() { "a controlling terminal" } else { "no controlling terminal" };
    writeln!(io::stdout(), "pid {pid}, group {group}, session {session}, {terminal}")
}
