//! The line to another machine: made, shared, lost and made again, and what is wrong with it told with its cure. With ssh
//! and sshd themselves, below everything that runs stages.

mod faults;
mod loss;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use local_ci::env::Env;
use local_ci::pipeline::remote::Destination;
use local_ci::process::tool::Tools;
use local_ci::remote::shell::Shell;
use local_ci::remote::ssh::SshTransport;
use local_ci::remote::{Login, Transport};
use rustix::process::Signal;

use crate::support::{Host, Identity, Project, Setup, have};

/// What anything may take that takes milliseconds.
const LIMIT: Duration = Duration::from_mins(1);

/// The user's surroundings: directories of the test's own.
fn env(project: &Project) -> Env {
    let runtime = project.side("run");
    std::fs::create_dir_all(&runtime).unwrap();
    let path = std::env::var("PATH").unwrap();
    let home = project.root().join("home");
    Env::from_pairs([
        ("PATH", path.as_str()),
        ("HOME", home.to_str().unwrap()),
        ("XDG_RUNTIME_DIR", runtime.to_str().unwrap()),
    ])
}

fn to(name: &str) -> Destination {
    Destination { user: None, host: name.to_owned(), port: None }
}

fn transport(project: &Project, config: &Path, destination: Destination) -> SshTransport {
    let env = env(project);
    SshTransport::new(destination, Some(config.to_owned()), Tools::plain(&env), &env).unwrap()
}

/// A connected way to the host.
fn connected(project: &Project, host: &Host) -> SshTransport {
    let transport = transport(project, &host.ssh_config(), to("box"));
    transport.connect(LIMIT).unwrap();
    transport
}

fn shell(transport: &SshTransport) -> Shell {
    Shell::open(transport, Login::Yes, LIMIT).unwrap()
}

fn said(shell: &Shell, script: &str) -> String {
    let answer = shell.call(script, LIMIT, &|| false).unwrap();
    assert_eq!(answer.code, 0, "{script}: {}", answer.text());
    answer.text()
}

/// The masters of this test, however they were started.
fn masters(project: &Project) -> Vec<Identity> {
    let mark = project.side("run").display().to_string();
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let ours = all.filter(|pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.starts_with("ssh") && line.contains(&mark)
    });
    ours.filter_map(Identity::of).filter(|master| master.is_alive()).collect()
}

/// Ends the shared master, which would outlive the test by a minute.
pub(crate) struct Cleared<'p>(pub(crate) &'p Project);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        for master in masters(self.0) {
            master.kill(Signal::KILL);
        }
    }
}

#[test]
fn a_shell_there_answers_over_a_line_that_the_next_finds_warm() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(host) = Setup::default().start(&project) else { return };
    let first = connected(&project, &host);
    let shell = shell(&first);
    assert_eq!(said(&shell, "echo \"$HOME\""), format!("{}\n", host.home().display()));
    let second = connected(&project, &host);
    assert_eq!((host.connections().len(), masters(&project).len()), (1, 1));
    let other = Shell::open(&second, Login::No, LIMIT).unwrap();
    assert_eq!(said(&other, "echo other"), "other\n");
    // The line stays for others, whoever lets go of it.
    first.close();
    drop((shell, first));
    assert_eq!(said(&other, "echo still"), "still\n");
    assert!(second.is_up());
    // What brings its own protocol goes over it too.
    let bulk = second.bulk();
    let mut ssh = Command::new(&bulk.command[0]);
    ssh.args(&bulk.command[1..]).args([bulk.host.as_str(), "echo over $SSH_CONNECTION"]);
    let ran = ssh.stdin(Stdio::null()).output().unwrap();
    assert!(ran.status.success() && ran.stdout.starts_with(b"over 127.0.0.1 "), "{ran:?}");
    assert_eq!(host.connections().len(), 1);
}

#[test]
fn who_connects_at_once_shares_one_line() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(host) = Setup::default().start(&project) else { return };
    let ways: Vec<_> = (0..6).map(|_| transport(&project, &host.ssh_config(), to("box"))).collect();
    std::thread::scope(|scope| {
        for way in &ways {
            scope.spawn(move || way.connect(LIMIT).unwrap());
        }
    });
    assert_eq!((host.connections().len(), masters(&project).len()), (1, 1));
}

/// H139: whatever shell the user has and whatever its files print.
#[test]
fn h139_odd_login_shells_and_noisy_files_are_no_matter() {
    for name in ["fish", "csh", "dash", "bash"] {
        if !have(name) {
            continue;
        }
        let project = Project::new();
        let _cleared = Cleared(&project);
        let setup = Setup::default().shell(name).rc("echo noise of the shell\n").profile("echo noise of the profile\n");
        let Some(host) = setup.start(&project) else { return };
        let transport = connected(&project, &host);
        let shell = shell(&transport);
        assert_eq!(shell.login(), Login::Yes);
        assert_eq!(said(&shell, "printf '%s\\n' \"it's\" \\!x '!!'"), "it's\n!x\n!!\n", "{name}");
        let text = "a line with 'quotes', $dollars and !history\n".repeat(70_000);
        let script = format!("cat <<'THE END' | wc -c\n{text}THE END");
        assert_eq!(said(&shell, &script).trim(), text.len().to_string(), "{name}");
        let noise = String::from_utf8_lossy(shell.noise()).into_owned();
        assert!(noise.contains("noise of the profile"), "{name}: {noise}");
    }
}
