//! What state a run is in, as the kernel and the journal have it.
//!
//! Liveness is the lock and never a pid. The order of looking matters: the lock first, the journal after. A supervisor
//! writes its last event before it lets go, so a run whose lock was free has said all it will, until somebody takes it over.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::header::Header;
use super::layout::{RunDir, private_file, read_file};
use super::{lock, read};
use crate::event::EventKind;
use crate::outcome::Verdict;

/// What state a run is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Its supervisor lives and waits for other runs; nothing of it has started.
    Queued,
    /// Its supervisor lives.
    Running,
    /// It came to a verdict.
    Finished {
        /// Which.
        verdict: Verdict,
        /// The exit code that goes with it.
        exit_code: u8,
    },
    /// Its supervisor is gone and never said what the run came to.
    Lost,
}

impl RunState {
    /// Whether somebody sees to it: it runs, or it waits for its turn.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// Looks at a run.
pub fn of(run: &RunDir) -> io::Result<RunState> {
    let held = lock::is_held(&run.lock())?;
    let last = read::last_word(run)?.map(|event| event.kind);
    Ok(match last {
        Some(EventKind::RunFinished { verdict, exit_code, .. }) => RunState::Finished { verdict, exit_code },
        _ if held && is_queued(run) => RunState::Queued,
        _ if held => RunState::Running,
        _ => RunState::Lost,
    })
}

/// Whether a run has said nothing yet because it waits. Its journal is made when its turn has come.
fn is_queued(run: &RunDir) -> bool {
    !run.events().exists() && Header::read(run).is_ok_and(|header| header.waits.is_some())
}

/// Who supervises a run: to be signalled only after its identity was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The supervisor's process id.
    pub pid: i32,
    /// When it started, in clock ticks since the boot.
    pub start_time: u64,
    /// The boot it lives in.
    pub boot_id: String,
}

impl Owner {
    /// Writes who supervises the run.
    pub fn write(&self, run: &RunDir) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        private_file().write(true).create(true).truncate(true).open(run.owner())?.write_all(&text)
    }

    /// Who supervises the run; nobody where the file is missing, empty or no longer readable.
    pub fn read(run: &RunDir) -> Option<Self> {
        serde_json::from_slice(&read_file(&run.owner()).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::layout::create_dir;

    /// H24: a run without a last event whose lock is free is lost, never passed and never running.
    #[test]
    fn h24_a_free_lock_without_a_last_event_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::new(dir.path().join("1"));
        create_dir(run.path()).unwrap();
        let held = lock::create_held(&run.lock()).unwrap();
        assert_eq!(of(&run).unwrap(), RunState::Running);
        drop(held);
        assert_eq!(of(&run).unwrap(), RunState::Lost);
        let line = r#"{"seq":0,"unix_ms":1,"mono_us":1,"event":"run_finished","verdict":{"kind":"failed"},"exit_code":1,"duration_ms":5}"#;
        std::fs::write(run.events(), line).unwrap();
        assert_eq!(of(&run).unwrap(), RunState::Lost, "a torn last line was not said");
        std::fs::write(run.events(), format!("{line}\n")).unwrap();
        assert_eq!(of(&run).unwrap(), RunState::Finished { verdict: Verdict::Failed, exit_code: 1 });
    }

    /// H32: what is no owner is nobody.
    #[test]
    fn h32_a_broken_owner_is_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::new(dir.path().to_owned());
        assert_eq!(Owner::read(&run), None);
        for text in ["", "abc", "-1", "99999999999", "{\"pid\":1}"] {
            std::fs::write(run.owner(), text).unwrap();
            assert_eq!(Owner::read(&run), None, "{text:?}");
        }
        let owner = Owner { pid: 1, start_time: 2, boot_id: "b".into() };
        owner.write(&run).unwrap();
        assert_eq!(Owner::read(&run), Some(owner));
    }
}
