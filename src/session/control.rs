//! What can be asked of a run that goes on, over the socket `control` in its directory.
//!
//! Who asks connects, sends a [`Request`] and reads a [`Reply`], as often as there is something to ask. Both are JSON with
//! its length before it. See `docs/design.md`, "Talking to a run".
//!
//! The socket is bound and reached through the directory's descriptor, as `/proc/self/fd/N/control`: so it has a short
//! name, however long the path to the run is.

pub(super) mod desk;
pub(super) mod listener;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use serde::{Deserialize, Serialize};

use crate::ids::StageName;
use crate::journal::layout::RunDir;
use crate::process::pty::Size;

/// A request or a reply is no longer than this.
pub const LARGEST: usize = 64 * 1024;

/// What a run can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "request")]
pub enum Request {
    /// To stand still: answered once everything that it started does.
    Pause,
    /// To go on.
    Resume,
    /// To send a signal to everything that a stage has started.
    Signal {
        /// Which stage; all that run where none is named.
        stage: Option<StageName>,
        /// The signal's number.
        signal: i32,
    },
    /// To know of a terminal, or of its new size: stages that are interactive may have it, until this connection ends.
    Terminal(Size),
    /// To have this as typed on that terminal, by the stage that has it.
    Keys {
        /// What was typed, as it came.
        typed: Vec<u8>,
    },
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply")]
pub enum Reply {
    /// It is done.
    Done,
    /// It was so before.
    Already,
    /// The signal was sent.
    Signalled {
        /// To so many processes.
        processes: usize,
    },
    /// It is not done.
    Refused {
        /// Why, as the end of a sentence.
        why: String,
    },
}

/// The directory of a run, open, and the socket's name by way of it. The name is good for as long as the file is open.
fn by_descriptor(run: &RunDir) -> io::Result<(File, PathBuf)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = File::from(rustix::fs::open(run.path(), flags, Mode::empty())?);
    let name = run.control().file_name().map(PathBuf::from).unwrap_or_default();
    let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
    Ok((directory, path))
}

/// Takes a message that was received for what it says.
pub(super) fn understood<T: for<'a> Deserialize<'a>>(message: &[u8]) -> io::Result<T> {
    serde_json::from_slice(message).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Connects to the socket of a run. Where too many are waiting for that already, it is waited for no longer than this.
pub(super) fn connect(run: &RunDir, patience: Duration) -> io::Result<UnixStream> {
    let (_directory, path) = by_descriptor(run)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(&path)?)?;
    Ok(UnixStream::from(socket))
}
