//! What ssh is called with: what we depend on is always said, whatever the user has configured; all else is the user's.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::pipeline::remote::Destination;
use crate::plan::quote;
use crate::text::plain::printable;

/// How long a connection may take to be made, beyond which a network that swallows packets is not waited for.
const CONNECT_MAX: Duration = Duration::from_secs(15);

/// Whom to connect to, and with which config.
#[derive(Clone, Debug)]
pub(super) struct Whom {
    pub(super) destination: Destination,
    /// What stands in place of the user's config of ssh.
    pub(super) config: Option<PathBuf>,
}

impl Whom {
    /// Options of every call. A prompt would wait for ever for somebody who is not there; a line that is dead has to be
    /// noticed, which Debian's default takes 15 minutes for; whatever the user forwards is not for us.
    fn common(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(config) = &self.config {
            words.extend(["-F".into(), config.into()]);
        }
        let options = [
            "BatchMode=yes",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=3",
            "TCPKeepAlive=yes",
            "ConnectionAttempts=1",
            "ClearAllForwardings=yes",
            "ForwardX11=no",
            "PermitLocalCommand=no",
            "RemoteCommand=none",
            "RequestTTY=no",
            "EscapeChar=none",
        ];
        words.extend(options.iter().flat_map(|option| ["-o", option]).map(OsString::from));
        words
    }

    /// The last words: `--` before the host, so that no name is taken for an option.
    fn host(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(user) = &self.destination.user {
            words.extend(["-l".into(), user.into()]);
        }
        if let Some(port) = self.destination.port {
            words.extend(["-p".into(), port.to_string().into()]);
        }
        words.extend(["--".into(), (&self.destination.host).into()]);
        words
    }

    /// `ssh` that becomes a master at this socket. As a daemon it goes once nobody has used it for a minute, and returns
    /// when the connection is there; else it stays until it is ended.
    pub(super) fn master(&self, socket: &Path, is_daemon: bool, limit: Duration) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["ssh".into()];
        words.extend(self.common());
        let seconds = limit.min(CONNECT_MAX).as_secs().max(1);
        let persist = if is_daemon { "ControlPersist=60" } else { "ControlPersist=no" };
        words.extend(["-o".into(), format!("ConnectTimeout={seconds}").into(), "-o".into(), persist.into()]);
        words.extend([
            "-o".into(),
            "LogLevel=INFO".into(),
            "-o".into(),
            control_path(socket),
            "-N".into(),
            "-M".into(),
        ]);
        if is_daemon {
            words.push("-f".into());
        }
        words.extend(self.host());
        words
    }

    /// `ssh` that goes there and back, over no master: to hear what is in its way.
    pub(super) fn trial(&self, limit: Duration) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["ssh".into()];
        words.extend(self.common());
        let seconds = format!("ConnectTimeout={}", limit.min(CONNECT_MAX).as_secs().max(1));
        let more = [seconds.as_str(), "LogLevel=INFO", "ControlMaster=no", "ControlPath=none", "ControlPersist=no"];
        words.extend(more.iter().flat_map(|option| ["-o", option]).map(OsString::from));
        words.extend(self.host());
        words.push("exit".into());
        words
    }

    /// `ssh` that says what it would do: which keys it would try.
    pub(super) fn resolved(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["ssh".into(), "-G".into()];
        words.extend(self.common());
        words.extend(self.host());
        words
    }

    /// `ssh` over the master at this socket, to be followed by the host and a command.
    pub(super) fn bulk(&self, socket: &Path) -> Vec<String> {
        let mut words = vec!["ssh".to_owned()];
        words.extend(self.common().into_iter().map(|word| word.to_string_lossy().into_owned()));
        let control = control_path(socket).to_string_lossy().into_owned();
        let more = ["ConnectTimeout=15".to_owned(), "LogLevel=ERROR".into(), "ControlMaster=no".into(), control];
        words.extend(more.into_iter().flat_map(|option| ["-o".to_owned(), option]));
        if let Some(port) = self.destination.port {
            words.extend(["-p".to_owned(), port.to_string()]);
        }
        words
    }

    /// The user's config of ssh, as a person names it.
    pub(super) fn config_name(&self) -> String {
        let named = |config: &PathBuf| printable(&config.to_string_lossy()).into_owned();
        self.config.as_ref().map_or_else(|| "~/.ssh/config".to_owned(), named)
    }

    /// What a person types to get there.
    pub(super) fn by_hand(&self, program: &str) -> String {
        let mut words = program.to_owned();
        if let Some(config) = &self.config {
            let _ = write!(words, " -F {}", quote(&config.to_string_lossy()));
        }
        if let Some(port) = self.destination.port {
            let _ = write!(words, " -p {port}");
        }
        printable(&format!("{words} {}", self.destination)).into_owned()
    }
}

/// The option that names a socket. ssh replaces what begins with `%` and `${`.
fn control_path(socket: &Path) -> OsString {
    let mut option = OsString::from("ControlPath=\"");
    option.push(socket.to_string_lossy().replace('%', "%%"));
    option.push("\"");
    option
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whom(user: Option<&str>, host: &str, port: Option<u16>) -> Whom {
        let destination = Destination { user: user.map(str::to_owned), host: host.to_owned(), port };
        Whom { destination, config: None }
    }

    fn text(words: &[OsString]) -> String {
        words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    /// H127, H128, H129: what bounds every call is always there, and what would let anybody in never is.
    #[test]
    fn h127_what_bounds_a_call_is_always_said() {
        let whom = whom(Some("ci"), "box", Some(2222));
        let socket = Path::new("/run/user/1/local-ci/x");
        let limit = Duration::from_secs(30);
        for words in [
            text(&whom.master(socket, true, limit)),
            text(&whom.master(socket, false, limit)),
            whom.bulk(socket).join(" "),
        ] {
            for option in ["BatchMode=yes", "ServerAliveInterval=5", "ServerAliveCountMax=3", "ConnectTimeout=15"] {
                assert!(words.contains(option), "{option}: {words}");
            }
            assert!(!words.contains("StrictHostKeyChecking"), "{words}");
            assert!(words.contains("-p 2222"), "{words}");
        }
    }

    /// H143: whatever a host is called, it is no option.
    #[test]
    fn h143_a_host_is_never_an_option() {
        let words = whom(None, "-oProxyCommand=x", None).master(Path::new("/x"), true, Duration::from_secs(5));
        assert_eq!(words[words.len() - 2..], ["--", "-oProxyCommand=x"]);
        assert!(text(&words).contains("ConnectTimeout=5"));
    }

    #[test]
    fn a_socket_is_named_as_ssh_reads_names() {
        assert_eq!(control_path(Path::new("/a b/100%")), "ControlPath=\"/a b/100%%\"");
    }

    #[test]
    fn a_person_is_told_what_to_type() {
        let mut whom = whom(Some("ci"), "127.0.0.1", Some(2222));
        assert_eq!(whom.by_hand("ssh"), "ssh -p 2222 ci@127.0.0.1");
        (whom.config, whom.destination.port) = (Some("/c".into()), None);
        assert_eq!(whom.by_hand("ssh"), "ssh -F /c ci@127.0.0.1");
        whom.config = Some("/a b/c".into());
        assert_eq!(whom.by_hand("ssh -t"), "ssh -t -F '/a b/c' ci@127.0.0.1");
    }
}
