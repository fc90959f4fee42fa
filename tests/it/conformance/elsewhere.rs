//! The program with `--remote`, and a server of our own at the other end of a line that can be cut.

use std::cell::{Ref, RefCell, RefMut};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::backend::{Backend, Begun, Stage};
use super::product::Product;
use serde_json::Value;

use crate::support::{Host, Identity, Invocation, Line, Project, Setup, have, wait_until};

/// A project, and a machine for its stages.
pub(crate) struct Ssh {
    // Before the project, which takes the directories away.
    host: RefCell<Host>,
    pub(crate) line: Line,
    pub(crate) product: Product,
}

impl Ssh {
    /// None, with a line that says so, where there is no sshd.
    pub(crate) fn new() -> Option<Self> {
        Self::with(Setup::default())
    }

    /// With a machine made like this.
    pub(crate) fn with(setup: Setup) -> Option<Self> {
        if !have("git") {
            return None;
        }
        let project = Project::new();
        let host = setup.start(&project)?;
        let line = Line::to(host.port());
        host.address("127.0.0.1", line.port());
        let mut product = Product::new(project, &["--remote", "box"]);
        product.env.push(("LOCAL_CI_SSH_CONFIG".into(), host.ssh_config()));
        make_repository(&product.project);
        Some(Self { host: RefCell::new(host), line, product })
    }

    /// The machine.
    pub(crate) fn host(&self) -> Ref<'_, Host> {
        self.host.borrow()
    }

    /// The machine, to switch off and on.
    pub(crate) fn host_mut(&self) -> RefMut<'_, Host> {
        self.host.borrow_mut()
    }

    /// The program that runs stages there.
    pub(crate) fn run_there(&self, args: &[&str]) -> Invocation<'_> {
        self.product.run_there(args)
    }

    /// The processes here that hold the line, for all who share it.
    pub(crate) fn masters(&self) -> Vec<Identity> {
        let mark = self.host().ssh_config().display().to_string();
        ssh_processes(&mark)
    }

    /// What a run was told of its machine, of this kind.
    pub(crate) fn news(&self, number: u64, kind: &str) -> Vec<Value> {
        let all = self.product.project.events(number).into_iter();
        all.filter(|event| event["event"] == "remote" && event["news"] == kind).collect()
    }

    /// Waits until a run was told this of its machine.
    pub(crate) fn wait_for_news(&self, number: u64, kind: &str) {
        wait_until(&format!("the line to be {kind}"), || !self.news(number, kind).is_empty());
    }

    /// The directories of attempts that are there, by `run/stage.attempt`.
    pub(crate) fn attempts_there(&self) -> Vec<PathBuf> {
        let projects = entries(&self.host().state());
        let runs = projects.iter().flat_map(|project| entries(&project.join("runs")));
        runs.flat_map(|run| entries(&run)).filter(|path| path.is_dir()).collect()
    }
}

/// The processes of ssh whose command line has this in it.
fn ssh_processes(mark: &str) -> Vec<Identity> {
    let pids = entries(Path::new("/proc")).into_iter().filter_map(|path| path.file_name()?.to_str()?.parse().ok());
    let ours = pids.filter(|pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.starts_with("ssh") && line.contains(mark)
    });
    ours.filter_map(Identity::of).collect()
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Makes a repository of the project's directory, whose own files are elsewhere.
fn make_repository(project: &Project) {
    let init = Command::new("git")
        .args(["init", "-q", "--separate-git-dir"])
        .arg(project.side("git"))
        .arg(project.dir())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(init.status.success(), "{init:?}");
    project.expects(".git");
}

impl Backend for Ssh {
    fn project(&self) -> &Project {
        &self.product.project
    }

    fn start<'b>(&'b self, stages: &[Stage]) -> Box<dyn Begun + 'b> {
        self.product.start(stages)
    }

    fn put_on_path(&self, dir: &Path) {
        for program in entries(dir) {
            symlink(&program, self.host().bin().join(program.file_name().unwrap())).unwrap();
        }
    }

    /// Nothing runs there, nothing of ours is for others to read, and here neither once the line is no more: it is kept for
    /// the next run, and not longer than there is somebody at its other end.
    #[track_caller]
    fn assert_nothing_left(&self) {
        let mut open = vec![self.host().state()];
        while let Some(path) = open.pop() {
            let Ok(metadata) = path.symlink_metadata() else { continue };
            // What git keeps has the modes that git gives it, below a directory that is ours alone.
            if metadata.is_dir() && !["work", "repo.git"].iter().any(|name| path.ends_with(name)) {
                open.extend(entries(&path));
                let mode = metadata.permissions().mode() & 0o777;
                assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
            }
        }
        // Who cleans up there gets to the end of it before the line is cut. Where that hangs, it is found below.
        self.product.project.let_supervisors_end();
        self.host_mut().down();
        // Windows stay for whoever looks on.
        self.host().end_tmux();
        self.product.assert_nothing_left();
    }
}
