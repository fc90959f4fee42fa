//! Another machine over ssh: the user's own `ssh`, with all that is configured for it, makes one connection (a *master*),
//! and everything else goes over that. See `docs/design.md`, "Elsewhere".
//!
//! ```text
//!  command line ── ssh -f -N -M ──▶ shared master ── ends when idle for a minute
//!  supervisor ──── ssh -N -M ─────▶ private master ─ a child, made when the shared one is lost or full
//!                                       │ a socket in a directory of ours
//!        channels (shells) ─────────────┤ openssh: starts no process
//!        git, rsync ── ssh -S socket ───┘
//! ```

mod keys;
mod master;
mod mux;
mod options;
mod sockets;
mod told;
mod transport;

pub use transport::SshTransport;
