//! Which of the user's keys cannot be used without a passphrase: nobody can be asked for one here, and ssh does not say
//! that this was the reason.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::options::Whom;
use crate::process::tool::{Tool, Tools};

/// How long each question may take.
const LIMIT: Duration = Duration::from_secs(2);
/// How many keys are looked at.
const KEYS_MAX: usize = 8;

/// The files of keys that ssh would try for this host, and that have a passphrase.
pub(super) fn locked(tools: &Tools, whom: &Whom, home: Option<&Path>) -> Vec<PathBuf> {
    let Ok(resolved) = tools.run(&Tool::new(whom.resolved()), LIMIT, &|| false) else { return Vec::new() };
    let files = identities(&String::from_utf8_lossy(&resolved.stdout), home);
    files.into_iter().filter(|file| file.is_file()).take(KEYS_MAX).filter(|file| is_locked(tools, file)).collect()
}

fn is_locked(tools: &Tools, file: &Path) -> bool {
    let tool = Tool::new(["ssh-keygen", "-y", "-P", "", "-f"]).arg(file);
    tools.run(&tool, LIMIT, &|| false).is_ok_and(|ran| !ran.exit.success() && ran.said().contains("passphrase"))
}

/// What `ssh -G` says of keys.
fn identities(resolved: &str, home: Option<&Path>) -> Vec<PathBuf> {
    let named = resolved.lines().filter_map(|line| line.strip_prefix("identityfile "));
    let file = |name: &str| match (name.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(name),
    };
    named.map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_as_ssh_names_them() {
        let text = "host box\nidentityfile ~/.ssh/id_rsa\nidentityagent none\nidentityfile /k\n";
        let found = identities(text, Some(Path::new("/home/ci")));
        assert_eq!(found, [PathBuf::from("/home/ci/.ssh/id_rsa"), "/k".into()]);
    }
}
