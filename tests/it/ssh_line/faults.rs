//! What is wrong with another machine or with the way to it: told with its kind, the host's name and a cure, soon.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use local_ci::pipeline::remote::Destination;
use local_ci::remote::shell::Shell;
use local_ci::remote::{Fault, FaultKind, Login, Transport};

use super::{Cleared, LIMIT, connected, masters, shell, to, transport};
use crate::support::{Host, Line, Project, Setup};

/// The host's config of ssh with something in it replaced, under another name.
fn other_config(project: &Project, host: &Host, from: &str, to: &str) -> PathBuf {
    let text = std::fs::read_to_string(host.ssh_config()).unwrap();
    assert!(text.contains(from), "{text}");
    let file = project.side("other_config");
    std::fs::write(&file, text.replace(from, to)).unwrap();
    file
}

/// Why there is no connection to this destination by this config. Nothing of the try stays.
fn refused(project: &Project, config: &Path, destination: Destination) -> Fault {
    let fault = transport(project, config, destination).connect(LIMIT).unwrap_err();
    assert!(masters(project).is_empty(), "{fault}");
    fault
}

/// The fault as it is told, without the paths of the test.
fn told(project: &Project, fault: &Fault) -> String {
    fault.to_string().replace(project.root().to_str().unwrap(), "[TEMP]")
}

fn make_key(file: &Path, passphrase: &str) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f"]).arg(file).stdin(Stdio::null());
    assert!(keygen.status().unwrap().success());
}

/// H139: a command that stands in the shell's place, and one that says nothing for ever.
#[test]
fn h139_what_is_no_shell_is_told() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let setup = Setup::default().force("echo 'This account is currently not available.'; exit 1");
    let Some(mut host) = setup.start(&project) else { return };
    let way = connected(&project, &host);
    let fault = Shell::open(&way, Login::Yes, LIMIT).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Protocol);
    assert!(fault.message.contains("it said \"This account is currently not available.\""), "{fault}");
    host.change(|setup| setup.force("exec sleep 600"));
    host.down();
    host.up();
    way.connect(LIMIT).unwrap();
    let fault = Shell::open(&way, Login::Yes, Duration::from_secs(2)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::TimedOut, "{fault}");
    assert!(
        fault.message.starts_with("box gave no shell within 2 s") || fault.message.contains("not answered"),
        "{fault}"
    );
}

/// H128: nobody is asked for anything, and the reason is found though ssh does not say it.
#[test]
fn h128_a_passphrase_is_not_asked_for() {
    let project = Project::new();
    let Some(host) = Setup::default().start(&project) else { return };
    let key = project.side("locked_key");
    make_key(&key, "secret");
    let authorized = project.side("there").join("authorized_keys");
    std::fs::copy(key.with_extension("pub"), authorized).unwrap();
    let own = project.side("there").join("user_key").display().to_string();
    let config = other_config(&project, &host, &own, key.to_str().unwrap());
    let fault = refused(&project, &config, to("box"));
    assert_eq!(fault.kind, FaultKind::Auth);
    insta::assert_snapshot!(told(&project, &fault), @r#"
    box: it does not let you in with the keys that ssh has here (it takes: publickey); [TEMP]/side/locked_key has a passphrase, which nobody can be asked for
      try: eval "$(ssh-agent)" && ssh-add [TEMP]/side/locked_key
      try: `ssh-copy-id -F [TEMP]/side/other_config box`, which asks for the password once
      try: check whose account it is: `ssh -F [TEMP]/side/other_config box` with -v shows which keys are offered
    "#);
}

#[test]
fn h128_a_key_that_is_not_accepted_is_told() {
    let project = Project::new();
    let Some(host) = Setup::default().start(&project) else { return };
    let key = project.side("wrong_key");
    make_key(&key, "");
    let own = project.side("there").join("user_key").display().to_string();
    let config = other_config(&project, &host, &own, key.to_str().unwrap());
    let fault = refused(&project, &config, to("box"));
    assert_eq!(fault.kind, FaultKind::Auth);
    insta::assert_snapshot!(told(&project, &fault), @r"
    box: it does not let you in with the keys that ssh has here (it takes: publickey)
      try: `ssh-copy-id -F [TEMP]/side/other_config box`, which asks for the password once
      try: check whose account it is: `ssh -F [TEMP]/side/other_config box` with -v shows which keys are offered
    ");
}

/// H129: fails closed, shows what ssh says, and takes nothing for granted afterwards.
#[test]
fn h129_a_key_that_is_unknown_or_another_is_refused() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(mut host) = Setup::default().start(&project) else { return };
    host.forget();
    let fault = refused(&project, &host.ssh_config(), to("box"));
    assert_eq!(fault.kind, FaultKind::HostKeyUnknown);
    assert!(fault.cures[0].starts_with("`ssh -F ") && fault.cures[0].contains("fingerprint"), "{fault}");
    host.trust();
    host.change_key();
    host.down();
    host.up();
    let fault = refused(&project, &host.ssh_config(), to("box"));
    assert_eq!(fault.kind, FaultKind::HostKeyChanged);
    let known = project.side("there").join("known_hosts").display().to_string();
    assert!(fault.message.contains("  | SHA256:") && fault.message.contains(&known), "{fault}");
    assert!(
        fault.cures.iter().any(|cure| cure.contains(&format!("ssh-keygen -f \"{known}\" -R \"box.example.invalid\"")))
    );
    // And once more: what was refused is not remembered.
    assert_eq!(refused(&project, &host.ssh_config(), to("box")).kind, FaultKind::HostKeyChanged);
    host.trust();
    assert!(connected(&project, &host).is_up());
}

/// H143: whatever a host is called, nothing is run by its name.
#[test]
fn h143_a_hosts_name_is_never_an_option_or_a_command() {
    let project = Project::new();
    let Some(host) = Setup::default().start(&project) else { return };
    let mark = project.side("mark").display().to_string();
    for name in [
        format!("-oProxyCommand=touch {mark}"),
        format!("-oProxyCommand=touch${{IFS}}{mark}"),
        "-V".into(),
        format!("box;touch {mark}"),
        format!("$(touch {mark})"),
        format!("`touch {mark}`"),
        "a b".into(),
        "box\nbox".into(),
    ] {
        let fault = refused(&project, &host.ssh_config(), to(&name));
        assert!(!Path::new(&mark).exists(), "{name}");
        assert!(!fault.message.contains('\n'), "{fault}");
    }
    let user = Destination { user: Some(format!("-oProxyCommand=touch {mark}")), ..to("box") };
    refused(&project, &host.ssh_config(), user);
    assert!(!Path::new(&mark).exists());
}

#[test]
fn names_that_lead_nowhere_and_ports_that_nobody_listens_on() {
    let project = Project::new();
    let Some(mut host) = Setup::default().start(&project) else { return };
    let fault = refused(&project, &host.ssh_config(), to("no-such.example.invalid"));
    assert_eq!(fault.kind, FaultKind::Unresolved, "{fault}");
    host.down();
    let fault = refused(&project, &host.ssh_config(), to("box"));
    assert_eq!(fault.kind, FaultKind::Refused, "{fault}");
    assert!(fault.message.starts_with(&format!("box: nobody answers at 127.0.0.1 port {}", host.port())), "{fault}");
    let jump = other_config(&project, &host, "Host box\n", "Host box\n  ProxyJump no-such.example.invalid\n");
    let fault = refused(&project, &jump, to("box"));
    assert_eq!(fault.kind, FaultKind::Unresolved);
    assert!(fault.message.contains("leads to no-such.example.invalid"), "{fault}");
    let proxy = other_config(&project, &host, "Host box\n", "Host box\n  ProxyCommand no-such-program %h\n");
    let fault = refused(&project, &proxy, to("box"));
    assert!(fault.kind == FaultKind::Unreachable && fault.message.contains("no-such-program"), "{fault}");
    let bad = other_config(&project, &host, "Host box\n", "Hots box\n");
    let fault = refused(&project, &bad, to("box"));
    assert!(fault.kind == FaultKind::Unsupported && fault.message.contains("hots"), "{fault}");
    let fault = refused(&project, &project.side("no-such-config"), to("box"));
    assert!(fault.kind == FaultKind::Unsupported && fault.message.contains("no-such-config"), "{fault}");
}

/// H127: whoever does not answer is not waited for.
#[test]
fn h127_a_silent_network_ends_the_try() {
    let project = Project::new();
    let Some(host) = Setup::default().start(&project) else { return };
    let line = Line::to(host.port());
    host.address("127.0.0.1", line.port());
    line.stall();
    let began = Instant::now();
    let fault = transport(&project, &host.ssh_config(), to("box")).connect(Duration::from_secs(2)).unwrap_err();
    assert!(matches!(fault.kind, FaultKind::TimedOut | FaultKind::Unreachable), "{fault}");
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    assert!(masters(&project).is_empty());
}

/// One session is enough: what has no room on a connection gets one of its own.
#[test]
fn a_host_that_takes_one_session_is_given_more_connections() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(host) = Setup::default().line("MaxSessions 1").start(&project) else { return };
    let way = connected(&project, &host);
    let (first, second) = (shell(&way), shell(&way));
    assert_eq!(first.call("echo 1", LIMIT, &|| false).unwrap().output, b"1\n");
    assert_eq!(second.call("echo 2", LIMIT, &|| false).unwrap().output, b"2\n");
    assert_eq!((host.connections().len(), masters(&project).len()), (2, 2));
    // There is an end to that.
    let mut more: Vec<Shell> = Vec::new();
    let fault = loop {
        match Shell::open(&way, Login::No, LIMIT) {
            Ok(shell) => more.push(shell),
            Err(fault) => break fault,
        }
        assert!(more.len() < 10);
    };
    assert_eq!((fault.kind, more.len()), (FaultKind::Busy, 3));
    assert!(fault.cures[0].contains("MaxSessions"), "{fault}");
    drop((more, second));
    way.close();
    crate::support::wait_until("our own masters to be gone", || masters(&project).len() == 1);
    assert_eq!(first.call("echo 1", LIMIT, &|| false).unwrap().output, b"1\n");
}

#[test]
fn without_ssh_it_is_said_what_to_install() {
    let project = Project::new();
    let Some(host) = Setup::default().start(&project) else { return };
    let env = local_ci::env::Env::from_pairs([
        ("PATH", "/nonexistent"),
        ("XDG_RUNTIME_DIR", project.root().to_str().unwrap()),
    ]);
    let tools = local_ci::process::tool::Tools::plain(&env);
    let way = local_ci::remote::way::to(to("box"), Some(host.ssh_config()), tools, &env).unwrap();
    let fault = way.connect(LIMIT).unwrap_err();
    assert_eq!(
        (fault.kind, fault.cures.as_slice()),
        (FaultKind::MissingTool, &["apt-get install openssh-client".to_owned()][..])
    );
}
