//! Trees that are brought from one directory of this machine to another, through a shell as it would be elsewhere.

mod git;
mod outputs;
mod place;
mod rsync;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::{Hands, Order, Sent, There, Tree};
use crate::env::Env;
use crate::ids::{RunId, RunNumber};
use crate::pipeline::remote::{DEFAULT_GIVE_UP, DEFAULT_SESSION, DEFAULT_TIMEOUT, Destination, Remote, Sync};
use crate::process::tool::{Tool, Tools};
use crate::remote::here::Here;
use crate::remote::shell::{Answer, Shell};
use crate::remote::{Bulk, Fault, Login};

const LIMIT: Duration = Duration::from_mins(1);

/// Two homes on one machine: the project is in one, and the other is there.
struct Rig {
    home: tempfile::TempDir,
    tools: Tools,
    there: Elsewhere,
    told: Mutex<Vec<String>>,
    remote: Remote,
    root: PathBuf,
    run: RunId,
}

struct Elsewhere {
    shell: Mutex<Shell>,
    home: PathBuf,
    tools: Tools,
    bulk: Bulk,
}

fn tools(home: &Path) -> Tools {
    let path = std::env::split_paths("/usr/local/bin:/usr/bin:/bin").map(|dir| dir.display().to_string());
    let path = path.collect::<Vec<_>>().join(":");
    let home = home.to_str().unwrap();
    Tools::plain(&Env::from_pairs([("PATH", path.as_str()), ("HOME", home), ("GIT_CONFIG_NOSYSTEM", "1")]))
}

/// A run that nothing else on this machine is of: whether anything of it lives is looked up in all of /proc.
fn some_run() -> RunId {
    let mut bytes = [0; 16];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).unwrap();
    RunId::from_bytes(bytes)
}

impl Elsewhere {
    fn new(home: PathBuf) -> Self {
        let tools = tools(&home);
        let shell = Shell::open(&Here::new(tools.clone()), Login::No, LIMIT).unwrap();
        let bulk = Bulk { command: Vec::new(), host: String::new() };
        Self { shell: Mutex::new(shell), home, tools, bulk }
    }
}

impl There for Elsewhere {
    fn host(&self) -> &'static str {
        "build.example.invalid"
    }

    fn call(&self, script: &str, cancelled: &(dyn Fn() -> bool + std::marker::Sync)) -> Result<Answer, Fault> {
        self.shell.lock().unwrap().call(script, LIMIT, &|| cancelled())
    }

    fn bulk(&self) -> Bulk {
        self.bulk.clone()
    }
}

impl Rig {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (here, there) = (home.path().join("here"), home.path().join("there"));
        fs::create_dir_all(here.join("project")).unwrap();
        fs::create_dir_all(&there).unwrap();
        let remote = Remote {
            name: "box".into(),
            destination: Destination { user: None, host: "build.example.invalid".into(), port: None },
            session: DEFAULT_SESSION.into(),
            dir: None,
            sync: Sync::Git,
            include: Vec::new(),
            env: BTreeMap::new(),
            slots: None,
            description: None,
            timeout: DEFAULT_TIMEOUT,
            give_up: DEFAULT_GIVE_UP,
        };
        Self {
            tools: tools(&here),
            there: Elsewhere::new(there),
            told: Mutex::default(),
            remote,
            root: here.join("project"),
            run: some_run(),
            home,
        }
    }

    /// A rig whose project is a repository with one commit of these files.
    fn repository(files: &[(&str, &str)]) -> Self {
        let rig = Self::new();
        rig.git("init -q");
        for (name, text) in files {
            rig.write(name, text);
        }
        rig.commit();
        rig
    }

    fn commit(&self) {
        self.git("add -A");
        self.git("-c user.name=a -c user.email=a@example.invalid commit -q --allow-empty -m first");
    }

    fn git(&self, arguments: &str) -> String {
        self.git_in(&self.root, arguments)
    }

    fn git_in(&self, dir: &Path, arguments: &str) -> String {
        let tool = Tool::new(["git"].into_iter().chain(arguments.split(' '))).dir(dir);
        let ran = self.tools.run(&tool, LIMIT, &|| false).unwrap();
        assert!(ran.exit.success(), "git {arguments}: {}", ran.said());
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    fn write(&self, name: impl AsRef<Path>, text: &str) {
        write(&self.root.join(name), text);
    }

    /// The work tree's directory there, where nothing else is said.
    fn work(&self) -> PathBuf {
        self.base().join("work")
    }

    fn base(&self) -> PathBuf {
        self.there.home.join(".local/state/local-ci/project-01234567")
    }

    fn store(&self) -> PathBuf {
        self.home.path().join("here/store")
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }

    /// With what is needed to send it.
    fn with<T>(&self, work: impl FnOnce(&Order<'_>, &Hands<'_>) -> T) -> T {
        let store = self.store();
        let order = Order {
            root: &self.root,
            store: &store,
            project: "project-01234567",
            run: &self.run,
            number: Some(RunNumber(42)),
            remote: &self.remote,
        };
        let tell = |text: &str| self.told.lock().unwrap().push(text.to_owned());
        work(&order, &Hands { there: &self.there, tools: &self.tools, cancelled: &|| false, tell: &tell })
    }

    fn send(&self) -> (Tree, Sent) {
        self.try_send().unwrap()
    }

    fn try_send(&self) -> Result<(Tree, Sent), Fault> {
        self.with(Tree::send)
    }

    fn release(&self, tree: &Tree) {
        self.with(|_, hands| tree.release(hands)).unwrap();
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What a directory has but for what git and we keep in it: names with what is in them.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(dir, dir, &mut found);
    found
}

fn walk(top: &Path, dir: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_name() == ".git" || entry.file_name() == ".local-ci-workdir" {
            continue;
        }
        let relative = path.strip_prefix(top).unwrap().to_owned();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            walk(top, &path, found);
        } else if kind.is_symlink() {
            found.insert(relative, [b"-> ", fs::read_link(&path).unwrap().as_os_str().as_bytes()].concat());
        } else {
            let executable = entry.metadata().unwrap().permissions().mode() & 0o111 != 0;
            let mut text = if executable { b"x ".to_vec() } else { Vec::new() };
            text.extend(fs::read(&path).unwrap());
            found.insert(relative, text);
        }
    }
}

/// The names of what a directory has, as texts.
fn names(dir: &Path) -> BTreeSet<String> {
    contents(dir).keys().map(|path| path.to_string_lossy().into_owned()).collect()
}

fn modified(path: &Path) -> std::time::SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

fn odd(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
