//! Whether what a user leaves behind dies at logout: systemd-logind can be told to kill all that a session has started.
//! What its files say, whoever has read them, on this machine or on another.

/// Whether a process whose `/proc/PID/cgroup` this is belongs to a session of logind. What a user's own service manager
/// has started does not, nor does what the system has.
pub fn is_session(cgroup: &str) -> bool {
    let units = cgroup.split(['/', '\n']);
    units.filter_map(|unit| unit.strip_prefix("session-")).any(|unit| unit.strip_suffix(".scope").is_some())
}

/// Whether this configuration, file by file in the order in which they count, has logind kill what this user leaves behind.
/// Where it says nothing, systemd's builders have decided, and those of distributions mostly against it: so nobody is
/// warned. See logind.conf(5).
pub fn would_kill(configuration: &[String], user: &str) -> bool {
    let (mut kills, mut only, mut exempt) = (false, String::new(), "root".to_owned());
    for text in configuration {
        let mut in_section = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                in_section = line == "[Login]";
            }
            let Some((key, value)) = line.split_once('=').filter(|_| in_section) else { continue };
            let value = value.trim();
            match key.trim() {
                "KillUserProcesses" => kills = ["1", "yes", "y", "true", "t", "on"].contains(&&*value.to_lowercase()),
                "KillOnlyUsers" => value.clone_into(&mut only),
                "KillExcludeUsers" => value.clone_into(&mut exempt),
                _ => {}
            }
        }
    }
    let names = |list: &str| list.split_whitespace().any(|name| name == user);
    kills && !names(&exempt) && (only.is_empty() || names(&only))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H36: a user whose processes are killed at logout is known by the configuration alone.
    #[test]
    fn h36_killing_at_logout_is_read_from_the_configuration() {
        let table: [(&[&str], &str, bool); 11] = [
            (&[], "ada", false),
            (&["[Login]\n#KillUserProcesses=yes\n"], "ada", false),
            (&["[Login]\nKillUserProcesses=yes\n"], "ada", true),
            (&["[Login]\n  KillUserProcesses = Yes \n"], "ada", true),
            (&["[Other]\nKillUserProcesses=yes\n"], "ada", false),
            (&["[Login]\nKillUserProcesses=yes\n"], "root", false),
            (&["[Login]\nKillUserProcesses=yes\nKillExcludeUsers=\n"], "root", true),
            (&["[Login]\nKillUserProcesses=yes\nKillExcludeUsers=bob ada\n"], "ada", false),
            (&["[Login]\nKillUserProcesses=yes\nKillOnlyUsers=bob\n"], "ada", false),
            (&["[Login]\nKillUserProcesses=yes\nKillOnlyUsers=bob ada\n"], "ada", true),
            (&["[Login]\nKillUserProcesses=yes\n", "[Login]\nKillUserProcesses=no\n"], "ada", false),
        ];
        for (texts, user, expected) in table {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(would_kill(&texts, user), expected, "{texts:?}, {user}");
        }
    }

    /// H36: only what belongs to a session goes with it.
    #[test]
    fn h36_only_a_sessions_processes_go_with_it() {
        assert!(is_session("0::/user.slice/user-1000.slice/session-3.scope\n"));
        assert!(is_session("1:name=systemd:/user.slice/user-1000.slice/session-c2.scope\n"));
        assert!(!is_session("0::/user.slice/user-1000.slice/user@1000.service/app.slice/tmux.scope\n"));
        assert!(!is_session("0::/system.slice/runner.service\n"));
        assert!(!is_session("0::/\n"));
    }
}
