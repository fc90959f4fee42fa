//! From what ssh says to what is wrong, and what to do about it. ssh has one exit code for everything, so its words decide;
//! they are the same in every language, since it has only one.

use super::options::Whom;
use crate::remote::{Fault, FaultKind};
use crate::text::plain::printable;

/// A rule: these words, wherever they stand, mean this.
struct Rule {
    words: &'static [&'static str],
    fault: fn(&Said<'_>) -> Fault,
}

/// What ssh said, and of whom.
struct Said<'a> {
    whom: &'a Whom,
    host: String,
    text: &'a str,
}

/// In this order: what says more comes first, since ssh ends nearly everything with the same few words.
const RULES: &[Rule] = &[
    Rule {
        words: &[
            "ad configuration option",
            "Can't open user config file",
            "Bad owner or permissions on",
            ": missing argument",
        ],
        fault: bad_config,
    },
    Rule {
        words: &["REMOTE HOST IDENTIFICATION HAS CHANGED", "REVOKED HOST KEY", "has changed and you have requested"],
        fault: key_changed,
    },
    Rule { words: &["Host key verification failed", "host key is known for"], fault: key_unknown },
    Rule { words: &["UNPROTECTED PRIVATE KEY FILE", "bad permissions"], fault: key_open },
    Rule { words: &["Too many authentication failures"], fault: too_many_keys },
    Rule {
        words: &[
            "signing failed",
            "agent refused operation",
            "Could not open a connection to your authentication agent",
        ],
        fault: agent,
    },
    Rule { words: &["contains invalid characters"], fault: odd_name },
    Rule { words: &["Permission denied ("], fault: denied },
    Rule { words: &["System is booting up", "pam_nologin", "System is going down"], fault: booting },
    Rule { words: &["stdio forwarding failed", "administratively prohibited"], fault: beyond_the_jump },
    Rule { words: &["Could not resolve hostname"], fault: unresolved },
    Rule { words: &["Connection refused"], fault: refused },
    Rule {
        words: &[
            "No route to host",
            "Network is unreachable",
            "Network is down",
            "Connection timed out",
            "Operation timed out",
            "timed out during banner exchange",
            "not responding",
        ],
        fault: unreachable,
    },
    Rule { words: &["Unable to negotiate", "no matching "], fault: no_agreement },
    Rule { words: &["unix_listener", "ControlPath too long", "ControlSocket"], fault: socket },
    Rule { words: &["invalid format", "Bad packet length", "Protocol major versions differ"], fault: no_ssh },
    Rule {
        words: &[
            "Connection closed by",
            "Connection reset by",
            "kex_exchange_identification",
            "Broken pipe",
            "Connection to ",
        ],
        fault: closed,
    },
];

/// What this says of why there is no connection.
pub(super) fn fault(whom: &Whom, text: &str) -> Fault {
    let said = Said { whom, host: printable(&whom.destination.to_string()).into_owned(), text };
    let rule = RULES.iter().find(|rule| rule.words.iter().any(|words| text.contains(words)));
    match rule {
        Some(rule) => (rule.fault)(&said),
        None => unknown(&said),
    }
}

impl Said<'_> {
    /// The line with these words in it, fit to be shown.
    fn line(&self, words: &str) -> Option<String> {
        self.text.lines().find(|line| line.contains(words)).map(shown)
    }

    /// The last line, which is where ssh says why it ends.
    fn last(&self) -> String {
        let last = self.text.lines().rev().map(str::trim).find(|line| !line.is_empty());
        last.map_or_else(|| "ssh said nothing".to_owned(), shown)
    }

    /// What is between these words and the next of those.
    fn between<'t>(&'t self, before: &str, after: &[char]) -> Option<&'t str> {
        let rest = &self.text[self.text.find(before)? + before.len()..];
        rest.split(after).next().map(str::trim).filter(|found| !found.is_empty())
    }

    fn by_hand(&self) -> String {
        self.whom.by_hand("ssh")
    }

    fn is(&self, kind: FaultKind, what: &str) -> Fault {
        Fault::new(kind, format!("{}: {what}", self.host))
    }
}

/// A line of foreign text as it is shown. ssh ends its own with a carriage return where it writes to what was a terminal.
fn shown(line: &str) -> String {
    printable(line.trim()).into_owned()
}

fn bad_config(said: &Said<'_>) -> Fault {
    // The first fault; the last line only counts them.
    let first = said.text.lines().find(|line| !line.trim().is_empty()).map_or_else(String::new, shown);
    said.is(FaultKind::Unsupported, &format!("ssh does not take its config: {first}"))
        .cure(format!("mend that file; `{}` says whether it is well", said.whom.by_hand("ssh -G")))
}

fn key_changed(said: &Said<'_>) -> Fault {
    let mut what = String::from(
        "its host key is another one than it was: the machine was made anew, or somebody stands in between",
    );
    // What ssh says of it, without the drawing around it.
    let plain = said.text.lines().filter(|line| !line.starts_with('@') && !line.trim().is_empty());
    for line in plain.take(12) {
        what.push_str("\n  | ");
        what.push_str(&shown(line));
    }
    let fault = said.is(FaultKind::HostKeyChanged, &what);
    let removal = said.line("ssh-keygen").map(|line| line.trim().to_owned()).or_else(|| {
        let file = said.between("Add correct host key in ", &['\n'])?.split(" to get rid").next()?;
        let name = said.between("Host key for ", &['\n'])?.split(" has changed").next()?;
        Some(format!("ssh-keygen -f \"{file}\" -R \"{name}\""))
    });
    let fault = fault.cure("ask whoever runs the machine for its fingerprint, and compare");
    match removal {
        Some(command) => {
            fault.cure(format!("only if it is the same: {command}, then `{}` once by hand", said.by_hand()))
        }
        None => fault,
    }
}

fn key_unknown(said: &Said<'_>) -> Fault {
    said.is(FaultKind::HostKeyUnknown, "its host key is not known here yet, and nobody is asked whether to trust it")
        .cure(format!("`{}` once by hand, and compare the fingerprint that it shows", said.by_hand()))
}

fn key_open(said: &Said<'_>) -> Fault {
    let file = said.between("Permissions ", &['\n']).and_then(|rest| rest.split('\'').nth(1)).unwrap_or("the key");
    let file = shown(file);
    said.is(FaultKind::Auth, &format!("ssh does not use {file}: others may read it")).cure(format!("chmod 600 {file}"))
}

fn too_many_keys(said: &Said<'_>) -> Fault {
    said.is(FaultKind::Auth, "it was offered so many keys that it hung up before the right one").cure(format!(
        "name the key for this host in {}: IdentityFile …, with IdentitiesOnly yes",
        said.whom.config_name()
    ))
}

fn agent(said: &Said<'_>) -> Fault {
    let line = ["signing failed", "agent refused operation"].iter().find_map(|words| said.line(words));
    let why = line.unwrap_or_else(|| said.last());
    said.is(FaultKind::Auth, &format!("the agent that has the key does not use it: {why}"))
        .cure("unlock the agent or the token, which nobody can be asked to confirm; `ssh-add -l` lists what it has")
}

fn denied(said: &Said<'_>) -> Fault {
    let methods = said.between("Permission denied (", &[')', '\n']).unwrap_or_default().to_owned();
    let what = format!("it does not let you in with the keys that ssh has here (it takes: {})", shown(&methods));
    let fault = said.is(FaultKind::Auth, &what);
    if !methods.contains("publickey") {
        return fault.cure("it takes no keys: have whoever runs it allow PubkeyAuthentication for this user");
    }
    fault
        .cure(format!("`{}`, which asks for the password once", said.whom.by_hand("ssh-copy-id")))
        .cure(format!("check whose account it is: `{}` with -v shows which keys are offered", said.by_hand()))
}

fn booting(said: &Said<'_>) -> Fault {
    let line =
        ["System is booting up", "pam_nologin", "System is going down"].iter().find_map(|words| said.line(words));
    said.is(FaultKind::Unreachable, &format!("it lets nobody in now: {}", line.unwrap_or_default()))
}

fn beyond_the_jump(said: &Said<'_>) -> Fault {
    let why = said.line("open failed").unwrap_or_else(|| said.last());
    said.is(FaultKind::Unreachable, &format!("the jump host cannot get there: {why}"))
        .cure(format!("`{}` with -v shows how far it gets", said.by_hand()))
        .cure(format!(
            "look at ProxyJump and HostName in {}, and at AllowTcpForwarding on the jump host",
            said.whom.config_name()
        ))
}

fn unresolved(said: &Said<'_>) -> Fault {
    let name = said.between("Could not resolve hostname ", &[':', '\n']).unwrap_or(&said.host);
    let (name, host) = (shown(name), &said.whom.destination.host);
    let what = if name == *host {
        "no such host: its name leads nowhere".to_owned()
    } else {
        format!("ssh's config leads to {name}, which leads nowhere")
    };
    said.is(FaultKind::Unresolved, &what).cure("check the name, and that the network is up (VPN?)")
}

fn odd_name(said: &Said<'_>) -> Fault {
    said.is(FaultKind::Unsupported, &format!("no host and no user is called that: {}", said.last()))
}

fn refused(said: &Said<'_>) -> Fault {
    let place = said.between("connect to host ", &[':', '\n']).map(shown);
    let place = place.map_or_else(String::new, |place| format!(" at {place}"));
    said.is(FaultKind::Refused, &format!("nobody answers{place}: the connection was refused")).cure(format!(
        "check the port (`port` of the remote, or Port in {}), and that sshd runs there",
        said.whom.config_name()
    ))
}

fn unreachable(said: &Said<'_>) -> Fault {
    said.is(FaultKind::Unreachable, &format!("no answer: {}", said.last()))
        .cure("check that the machine is up, and that no firewall or missing VPN is in the way")
}

fn no_agreement(said: &Said<'_>) -> Fault {
    let why = said.line("Unable to negotiate").or_else(|| said.line("no matching ")).unwrap_or_default();
    said.is(FaultKind::Unsupported, &format!("this ssh and that sshd have no algorithm in common: {why}")).cure(
        format!(
            "bring the older of the two up to date, or allow what it offers for this host in {}",
            said.whom.config_name()
        ),
    )
}

fn socket(said: &Said<'_>) -> Fault {
    said.is(FaultKind::Directory, &format!("ssh cannot make its socket: {}", said.last()))
}

fn no_ssh(said: &Said<'_>) -> Fault {
    said.is(FaultKind::Protocol, &format!("what answers there is no ssh: {}", said.last()))
        .cure(format!("check the port (`port` of the remote, or Port in {})", said.whom.config_name()))
}

fn closed(said: &Said<'_>) -> Fault {
    // A command of the user's that makes the connection says why in its own words, which come first.
    let first = said.text.lines().map(str::trim).find(|line| !line.is_empty()).map_or_else(String::new, shown);
    said.is(FaultKind::Unreachable, &format!("the connection was closed before it was made: {first}"))
        .cure(format!(
            "`{}` with -v shows how far it gets; with ProxyCommand or ProxyJump, try that alone",
            said.by_hand()
        ))
        .cure("where it comes and goes, too many connect at once (MaxStartups), or somebody is locked out (fail2ban)")
}

fn unknown(said: &Said<'_>) -> Fault {
    said.is(FaultKind::Unreachable, &format!("ssh made no connection: {}", said.last()))
        .cure(format!("`{}` by hand", said.by_hand()))
}

#[cfg(test)]
mod tests;
