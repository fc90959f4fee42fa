//! What is asked of a master over its socket. The only place where anything is asynchronous: each question has a small
//! runtime of its own for as long as it takes, so that one that waits keeps no other waiting.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openssh::{Session, Stdio};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::remote::Channel;

/// How long a master may take to say that it lives: it asks nobody.
const ALIVE: Duration = Duration::from_secs(2);

/// Why a master opens no channel.
#[derive(Debug)]
pub(super) enum Refused {
    /// There is no master at that socket, or not any more.
    Gone,
    /// The host takes no more on this connection.
    Busy,
    /// Nothing came in time.
    Late,
    /// Anything else.
    Other(String),
}

/// Whether there is a master at this socket that answers.
pub(super) fn is_alive(socket: &Path) -> bool {
    if !socket.exists() {
        return false;
    }
    let session = Session::resume_mux(socket.into(), None);
    matches!(wait(ALIVE, session.check()), Ok(Some(Ok(()))))
}

/// Opens a channel on which this command is run there.
pub(super) fn open(socket: &Path, command: &str, limit: Duration) -> Result<Channel, Refused> {
    let other = |error: io::Error| Refused::Other(error.to_string());
    let pipes = || pipe_with(PipeFlags::CLOEXEC).map_err(|error| other(error.into()));
    let ((their_input, input), (output, their_output), (errors, their_errors)) = (pipes()?, pipes()?, pipes()?);
    let session = Arc::new(Session::resume_mux(socket.into(), None));
    let mut asked = session.arc_raw_command(command);
    let theirs = |end: OwnedFd| Stdio::from(end);
    asked.stdin(theirs(their_input)).stdout(theirs(their_output)).stderr(theirs(their_errors));
    let child = match wait(limit, asked.spawn()).map_err(other)? {
        None => return Err(Refused::Late),
        Some(Err(openssh::Error::Disconnected)) => return Err(Refused::Gone),
        Some(Err(error)) => {
            let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            // The words of mux.c; the protocol has no code for it.
            if said.contains("open refused") {
                return Err(Refused::Busy);
            }
            // The master may have gone while it was asked.
            return Err(if is_of_socket(&error) { Refused::Gone } else { Refused::Other(said) });
        }
        Some(Ok(child)) => child,
    };
    // With it goes our connection to the master, which ends the channel. Nobody waits for it: what it would say, the end of
    // its output says as well.
    let guard = Box::new(Mutex::new(child));
    Ok(Channel { input: input.into(), output: output.into(), errors: errors.into(), guard })
}

/// Whether it is about the socket of the master, and not what the master answered.
fn is_of_socket(error: &openssh::Error) -> bool {
    let mut below = error.source();
    while let Some(error) = below {
        if error.is::<io::Error>() {
            return true;
        }
        below = error.source();
    }
    false
}

/// Waits for an answer: none where it did not come in time.
fn wait<T>(limit: Duration, answer: impl Future<Output = T>) -> io::Result<Option<T>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    Ok(runtime.block_on(async { tokio::time::timeout(limit, answer).await.ok() }))
}
