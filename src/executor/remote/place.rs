//! Where a run's directories are on the other machine, and what every script there begins with.

use super::fault;
use super::line::Line;
use crate::executor::Job;
use crate::ids::RunId;
use crate::remote::Fault;
use crate::remote::quote::quote;

/// Enters the run's directory: see the file.
const ENTER: &str = include_str!("scripts/place.sh");
/// Where Linux says which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A run's directory there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    base: String,
    project: String,
    run: RunId,
    boot_at: String,
}

impl Place {
    /// The directory of a run of this project, which is named by letters, digits, `.`, `_` and `-`. It is below the state
    /// directory of the user there.
    pub fn new(project: &str, run: &RunId) -> Self {
        Self { base: String::new(), project: project.to_owned(), run: run.clone(), boot_at: BOOT_ID.to_owned() }
    }

    /// The same below this directory.
    #[must_use]
    pub fn below(self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self }
    }

    /// The same where this file says which boot it is, to be able to act a reboot.
    #[must_use]
    pub fn booted_by(self, file: &str) -> Self {
        Self { boot_at: file.to_owned(), ..self }
    }

    /// Shell text that defines `__enter`, which goes to the run's directory or says `fault KIND TEXT` and fails. It is there
    /// then, and ours alone.
    pub fn script(&self) -> String {
        format!(
            "__base={} __project={} __run={} {}\n{}",
            quote(&self.base),
            quote(&self.project),
            quote(self.run.as_str()),
            self.boot(),
            bare(ENTER)
        )
    }

    /// The same, whatever the environment of the shell says that is asked next.
    pub(super) fn resolve(&self, line: &dyn Line, cancelled: &dyn Fn() -> bool) -> Result<Self, Fault> {
        if !self.base.is_empty() {
            return Ok(self.clone());
        }
        let answer =
            line.call(&format!("{}__enter && printf 'at %s.' \"$__base\"\n", self.script()), cancelled)?.text();
        if let Some(base) = answer.strip_prefix("at ").and_then(|base| base.strip_suffix('.')) {
            return Ok(self.clone().below(base));
        }
        let said = answer.trim_end().strip_prefix("fault ").unwrap_or(&answer);
        let (kind, text) = said.split_once(' ').unwrap_or((said, ""));
        Err(fault::told(line.host(), kind, text))
    }

    /// Shell text that runs a command in an attempt's directory, where that is there.
    pub(super) fn in_attempt(&self, id: &str, command: &str) -> String {
        format!("{}__enter >/dev/null && cd -- {} && {command}\n", self.script(), quote(id))
    }

    /// The assignment that says where the boot's id is.
    pub(super) fn boot(&self) -> String {
        format!("__boot_at={}", quote(&self.boot_at))
    }
}

/// An attempt's directory within its run's; of a command that a plugin runs for it, one of its own. No stage has a `~` in its
/// name.
pub(super) fn attempt(job: &Job) -> String {
    match job.part {
        0 => format!("{}.{}", job.stage, job.attempt),
        part => format!("{}.{}~{part}", job.stage, job.attempt),
    }
}

/// What an attempt's verdict has to begin with: whoever takes a run over knows it too.
pub(super) fn nonce(job: &Job) -> String {
    let of = format!("{}/{}", job.run, attempt(job));
    crate::ids::hex(&blake3::derive_key("local-ci 1 an attempt's verdict", of.as_bytes())[..16])
}

/// A script without its comments, which are for those who read it here.
pub(super) fn bare(script: &str) -> String {
    let kept = script.lines().filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
    kept.fold(String::with_capacity(script.len()), |text, line| text + line + "\n")
}
