//! Bytes by the file to a script there, and from one: over a connection of their own, since what is framed on the control
//! channel has to fit into memory.
//!
//! What a login shell prints by itself stands before our scripts' first word, which is a nonce that nobody else knows.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use memchr::memmem;
use rustix::rand::{GetRandomFlags, getrandom};

use super::order::{Hands, cancelled};
use super::program::lines;
use super::words::login_proof;
use crate::ids::hex;
use crate::process::tool::Tool;
use crate::remote::{Bulk, Fault, FaultKind};

/// How long a transfer may take. A line that is gone is noticed long before, by ssh.
const LIMIT: Duration = Duration::from_hours(2);

/// What a script reads, and where what it prints goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Load<'a> {
    /// It reads nothing.
    Nothing,
    /// It reads these.
    Bytes(&'a [u8]),
    /// It reads this file.
    From(&'a Path),
    /// What it prints goes to this file.
    Into(&'a Path),
}

/// A word that nobody else knows.
pub(super) fn nonce() -> Result<String, Fault> {
    let mut bytes = [0_u8; 16];
    let error = |error: rustix::io::Errno| Fault::new(FaultKind::Unsupported, format!("no random bytes: {error}"));
    getrandom(&mut bytes, GetRandomFlags::empty()).map_err(error)?;
    Ok(hex(&bytes))
}

/// What stands behind a nonce at the beginning of a line.
pub(super) fn after<'a>(output: &'a [u8], nonce: &str) -> Option<&'a [u8]> {
    memmem::find(output, format!("\n{nonce} ").as_bytes()).map(|at| &output[at + nonce.len() + 2..])
}

/// The command that runs a script there.
fn command(bulk: &Bulk, script: &str) -> Vec<OsString> {
    if bulk.command.is_empty() {
        return ["/bin/sh", "-c", script].map(OsString::from).into();
    }
    let words = bulk.command.iter().map(OsString::from);
    words.chain([OsString::from(&bulk.host), login_proof(script).into()]).collect()
}

/// What came of a script.
pub(super) struct Carried {
    /// What it printed, where that does not go to a file.
    pub(super) output: Vec<u8>,
    /// Its code, or 255 where its line was cut.
    pub(super) code: i32,
    /// What it said on stderr.
    pub(super) said: String,
}

/// Runs a script there with its own connection. One that has not printed its nonce was cut off, whatever its code.
pub(super) fn carry(hands: &Hands<'_>, script: &str, load: Load<'_>) -> Result<Carried, Fault> {
    let command = command(&hands.there.bulk(), script);
    let redirected = |how: &str, file: &Path| {
        let shell = ["/bin/sh", "-c", how].map(OsString::from);
        Tool::new(shell.into_iter().chain([file.as_os_str().to_owned()]).chain(command.clone()))
    };
    let tool = match load {
        Load::Nothing => Tool::new(command),
        Load::Bytes(bytes) => Tool::new(command).stdin(bytes),
        Load::From(file) => redirected("exec \"$@\" <\"$0\"", file),
        Load::Into(file) => redirected("exec \"$@\" >\"$0\"", file),
    };
    let host = hands.there.host();
    let ran = hands.tools.run(&tool, LIMIT, hands.cancelled).map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => cancelled(),
        io::ErrorKind::TimedOut => Fault::new(FaultKind::TimedOut, format!("a transfer to {host} did not end")),
        _ => Fault::new(FaultKind::MissingTool, format!("cannot reach {host}: {error}")),
    })?;
    // 255 is ssh's own; what it says then is why. A script may have it too, which then has printed its nonce.
    let (code, said) = (ran.exit.shell_code(), ran.said());
    if code == 255 && ran.stdout.is_empty() && !matches!(load, Load::Into(_)) {
        return Err(Fault::new(FaultKind::Cut, format!("the line to {host} was cut: {}", lines(&said))));
    }
    Ok(Carried { output: ran.stdout, code, said })
}
