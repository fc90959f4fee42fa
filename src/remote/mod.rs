//! Hands for another machine: a line to it, a shell at its other end, and a work tree there. Knows nothing of stages.
//!
//! ```text
//!  Transport ── opens ──▶ Channel: bytes to and from a `/bin/sh` there
//!     │  here: a shell of this machine, for tests and for comparison
//!     │  ssh:  one multiplexed connection (feature `ssh`)
//!     ▼
//!  Shell ── call(script) ──▶ Answer        one request at a time, framed by a nonce
//!  Link  ── a Shell that comes back: waits while the line is down, tries again what was cut off, gives up in the end
//!  tree  ── brings the work tree there, and what a stage made back
//! ```

pub mod fault;
pub mod here;
pub mod link;
pub mod probe;
pub mod quote;
pub mod shell;
#[cfg(feature = "ssh")]
pub mod ssh;
pub mod tree;
pub mod way;

use std::fs::File;
use std::time::Duration;

pub use fault::{Fault, FaultKind};

/// What a shell is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// To start stages from: it has what the user's profile sets, `PATH` above all.
    Yes,
    /// For us alone.
    No,
}

impl Login {
    /// The command that makes a `/bin/sh` that reads commands from its standard input.
    ///
    /// It is read by whatever shell the user has (fish and csh among them), so it has words and single quotes alone. The
    /// profile is read with nothing to read itself, since it would take away what follows; what it exports stays.
    pub fn command(self) -> &'static str {
        match self {
            Self::Yes => "exec /bin/sh -c 'exec 3<&0 </dev/null; exec /bin/sh -l -c \"exec /bin/sh -s <&3 3<&-\"'",
            Self::No => "exec /bin/sh -s",
        }
    }
}

/// Bytes to and from a `/bin/sh` that reads commands from its standard input. Dropping it ends the line, and not what was
/// started there in a session of its own with all three streams redirected.
pub struct Channel {
    /// What it reads.
    pub input: File,
    /// What it prints: before anything else, whatever the login scripts of the user print.
    pub output: File,
    /// What it prints on stderr, until it is told to print it elsewhere. To be read or closed: it is a pipe.
    pub errors: File,
    /// What keeps the line open.
    pub guard: Box<dyn Send + Sync>,
}

/// How programs that bring their own protocol (`git`, `rsync`, `tar`) reach the same machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// A command and its arguments, to be followed by the host and the command there: `ssh -S PATH …`. Empty where the
    /// machine is this one.
    pub command: Vec<String>,
    /// What stands for the host after that: who is logged in to and where, as ssh takes it. Empty where the machine is this one.
    pub host: String,
}

/// A way to a machine. All of it may be called from any thread.
pub trait Transport: Send + Sync {
    /// The machine as a person knows it, with the user where one is named.
    fn host(&self) -> &str;

    /// Makes sure that the line is there, making it anew where it is not. Takes no longer than `limit`.
    fn connect(&self, limit: Duration) -> Result<(), Fault>;

    /// Opens a shell there, over a line that is there. Takes no longer than `limit`.
    fn open(&self, login: Login, limit: Duration) -> Result<Channel, Fault>;

    /// Whether the line was there a moment ago, as far as this side knows. Asks nobody there.
    fn is_up(&self) -> bool {
        true
    }

    /// Has the next [`Self::connect`] make a line of its own, whatever is there: nothing came over this one any more.
    fn suspect(&self) {}

    /// How other programs reach it, while the line is there.
    fn bulk(&self) -> Bulk;

    /// What a person types to get there by this program, `ssh` with options of its own perhaps.
    fn by_hand(&self, program: &str) -> String {
        format!("{program} {}", self.host())
    }

    /// Ends the line, as far as it is ours.
    fn close(&self);
}
