//! Whether a run that was left behind dies when its user logs out: systemd-logind can be told to kill all that a
//! session has started. Nothing is done about it here; who leaves a run is told.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::env::{self, Env};
use crate::process::logind::{is_session, would_kill};

/// Where logind is configured, the directories that go before others last. See logind.conf(5).
const DIRECTORIES: [&str; 4] = ["/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd"];

/// Where it is noted whose processes may linger, a file for each user.
const LINGER: &str = "/var/lib/systemd/linger";

/// Whether the user's processes are killed at the end of the session that this process belongs to.
pub fn kills(env: &Env) -> bool {
    let Some(user) = env.text(env::USER).or(env.text(env::LOGNAME)).filter(|user| !user.contains('/')) else {
        return false;
    };
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let is_session = is_session(&read(Path::new("/proc/self/cgroup")));
    is_session && !Path::new(LINGER).join(user).exists() && would_kill(&configuration(), user)
}

/// What configures logind, in the order in which it counts: of files that have one name the last directory's alone.
fn configuration() -> Vec<String> {
    let main = DIRECTORIES.iter().rev().find_map(|dir| fs::read_to_string(Path::new(dir).join("logind.conf")).ok());
    let mut pieces = BTreeMap::new();
    for dir in DIRECTORIES {
        let entries = fs::read_dir(Path::new(dir).join("logind.conf.d")).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "conf")) {
            pieces.insert(entry.file_name(), fs::read_to_string(entry.path()).unwrap_or_default());
        }
    }
    main.into_iter().chain(pieces.into_values()).collect()
}
