//! The line to another machine: made, shared, lost and made again, and what is wrong with it told with its cure. With ssh
//! and sshd themselves, below everything that runs stages.

use std::path::Path;
use std::time::{Duration, Instant};

use local_ci::env::Env;
use local_ci::pipeline::remote::Destination;
use local_ci::process::tool::Tools;
use local_ci::remote::shell::Shell;
use local_ci::remote::ssh::SshTransport;
use local_ci::remote::{Fault, FaultKind, Login, Transport};
use rustix::process::Signal;

use crate::support::{Host, Identity, Line, Project, Setup, children_of, wait_until};

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
struct Cleared<'p>(&'p Project);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        masters(self.0).iter().for_each(|master| master.kill(Signal::KILL));
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
    assert_eq!(host.connections().len(), 1);
    let began = Instant::now();
    for _ in 0..100 {
        said(&shell, ":");
    }
    eprintln!("a call: {:?}, a round trip: {:?}", began.elapsed() / 100, shell.round_trip());
    let second = connected(&project, &host);
    assert_eq!((host.connections().len(), masters(&project).len()), (1, 1));
    let began = Instant::now();
    let other = Shell::open(&second, Login::Yes, LIMIT).unwrap();
    eprintln!("a shell: {:?}", began.elapsed());
    assert_eq!(said(&other, "echo other"), "other\n");
    // The line stays for others, whoever lets go of it.
    first.close();
    drop(other);
    drop(first);
    assert!(second.is_up());
}
