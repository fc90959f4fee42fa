//! Names: where the state is, and what is called what in it.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::env::{self, Env};
use crate::ids::{RunNumber, StageName};

/// Makes a directory for its owner alone, with what is above it; one that is there already is fine.
pub fn create_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// How to create files: for their owner alone, and never through a link that somebody planted. A FIFO in a file's place
/// is not waited for.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

/// Opens a file of ours to read it. Whatever else somebody has put in its place is [`io::ErrorKind::InvalidInput`], and
/// not one byte is read of it: some of that never ends.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    let no_file = || {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        io::Error::new(io::ErrorKind::InvalidInput, format!("{name} is not a regular file"))
    };
    match private_file().read(true).open(path) {
        Ok(file) if file.metadata()?.is_file() => Ok(file),
        // What a socket and a link say when they are opened.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => Err(no_file()),
        Ok(_) => Err(no_file()),
        Err(error) => Err(error),
    }
}

/// Reads a whole file of ours, as [`open_to_read`] opens it.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_to_read(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The state directory that this environment asks for; none where it names no home either.
pub fn state_dir(env: &Env) -> Option<PathBuf> {
    env.absolute(env::STATE_DIR)
        .or_else(|| env.absolute(env::XDG_STATE_HOME).map(|dir| dir.join("local-ci")))
        .or_else(|| env.absolute(env::HOME).map(|home| home.join(".local/state/local-ci")))
}

/// A project's directory within the state: its runs, their numbers, and which of them go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectDir(PathBuf);

impl ProjectDir {
    /// The directory of the project at `root`, which is canonical: a project reached through a link is the same.
    pub fn new(state: &Path, root: &Path) -> Self {
        let hash = blake3::hash(root.as_os_str().as_bytes()).to_hex();
        let name = root.file_name().unwrap_or(OsStr::new("root")).to_string_lossy();
        let name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
            .take(40)
            .collect();
        Self(state.join("projects").join(format!("{name}-{}", &hash[..12])))
    }

    /// The project's state in this directory.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Which project this is, for people and for looking back from the state.
    pub fn project_file(&self) -> PathBuf {
        self.0.join("project.json")
    }

    /// The last number that was given out; its lock is the project's.
    pub fn counter(&self) -> PathBuf {
        self.0.join("counter")
    }

    /// A file for each run that goes on, named by its number.
    pub fn active(&self) -> PathBuf {
        self.0.join("active")
    }

    /// Where run directories are built before they are published.
    pub fn unborn(&self) -> PathBuf {
        self.0.join("new")
    }

    /// What is known of runs whose directories were deleted: a line for each.
    pub fn pruned(&self) -> PathBuf {
        self.0.join("pruned.jsonl")
    }

    /// The commands that were given as jobs: a line for each.
    pub fn jobs(&self) -> PathBuf {
        self.0.join("jobs.jsonl")
    }

    /// The jobs that were removed, and up to which run: a line for each.
    pub fn forgotten(&self) -> PathBuf {
        self.0.join("forgotten.jsonl")
    }

    /// Trees that were green: a file for each.
    pub fn verdicts(&self) -> PathBuf {
        self.0.join("verdicts")
    }

    /// Held by who deletes runs; changed when that was done.
    pub fn prune_lock(&self) -> PathBuf {
        self.0.join("prune.lock")
    }

    /// Where runs are while they are deleted. Nobody reads there.
    pub fn gone(&self) -> PathBuf {
        self.0.join("gone")
    }

    /// The index of all projects' runs, in the state directory that this project is in.
    pub fn history(&self) -> PathBuf {
        self.0.ancestors().nth(2).unwrap_or(&self.0).join("history.db")
    }

    /// What the project is called in the state.
    pub fn name(&self) -> String {
        self.0.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where the runs are.
    pub fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    /// One run.
    pub fn run(&self, number: RunNumber) -> RunDir {
        RunDir::new(self.runs().join(number.to_string()))
    }

    /// The numbers of all runs, oldest first.
    pub fn numbers(&self) -> io::Result<Vec<RunNumber>> {
        numbers_in(&self.runs())
    }
}

/// The numbers that name the entries of a directory, ascending; none where it is not there.
pub fn numbers_in(dir: &Path) -> io::Result<Vec<RunNumber>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        // What is written otherwise, `007`, is no name of ours, and nothing would be found under the number.
        let number = |name: &str| name.parse::<u64>().ok().filter(|number| number.to_string() == name);
        numbers.extend(entry?.file_name().to_str().and_then(number).map(RunNumber));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A run's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// The run directory at this path.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What the run was started with: [`super::header::Header`].
    pub fn header(&self) -> PathBuf {
        self.0.join("header.json")
    }

    /// What happened: an event a line.
    pub fn events(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    /// Held by the supervisor for its whole life, and by its guard.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Who the supervisor is: a [`crate::journal::state::Owner`].
    pub fn owner(&self) -> PathBuf {
        self.0.join("owner.json")
    }

    /// The supervisor's own stderr.
    pub fn supervisor_log(&self) -> PathBuf {
        self.0.join("supervisor.log")
    }

    /// The FIFO that stages share unused slots through, while the run goes on.
    pub fn jobserver(&self) -> PathBuf {
        self.0.join("jobserver")
    }

    /// The socket to ask the run something, while it goes on.
    pub fn control(&self) -> PathBuf {
        self.0.join("control")
    }

    /// What stages write for the CI step around the run, until that is put together.
    pub fn step(&self) -> PathBuf {
        self.0.join("step")
    }

    /// Where the stages' logs are.
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// What an attempt printed, from its first byte.
    pub fn log(&self, stage: &StageName, attempt: u32) -> PathBuf {
        self.attempt_file(stage, attempt, "log")
    }

    /// The end of what an attempt printed that printed more than it may keep.
    pub fn tail(&self, stage: &StageName, attempt: u32) -> PathBuf {
        self.attempt_file(stage, attempt, "tail")
    }

    /// Which bytes of the log came from which stream, and when: [`super::index`].
    pub fn index(&self, stage: &StageName, attempt: u32) -> PathBuf {
        self.attempt_file(stage, attempt, "idx")
    }

    fn attempt_file(&self, stage: &StageName, attempt: u32, kind: &str) -> PathBuf {
        // `@` is no character of stage names, so `test@2.log` is never another stage's first attempt.
        let name = if attempt <= 1 { format!("{stage}.{kind}") } else { format!("{stage}@{attempt}.{kind}") };
        self.logs().join(name)
    }
}

/// Opens a file that is appended to, creating it for its owner alone.
pub fn open_append(path: &Path) -> io::Result<File> {
    private_file().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn attempts_never_share_a_file_with_another_stage() {
        let run = RunDir::new("/r".into());
        let name = |text| StageName::new(text).unwrap();
        assert_eq!(run.log(&name("test"), 1), Path::new("/r/logs/test.log"));
        assert_eq!(run.log(&name("test"), 2), Path::new("/r/logs/test@2.log"));
        assert_eq!(run.log(&name("test.2"), 1), Path::new("/r/logs/test.2.log"));
    }

    /// H94: what differs is the path, not the way it was written; odd names stay readable and apart.
    #[test]
    fn h94_projects_are_told_apart_by_their_path() {
        let a = ProjectDir::new(Path::new("/s"), Path::new("/home/x/my project\n"));
        let b = ProjectDir::new(Path::new("/s"), Path::new("/home/y/my project\n"));
        assert_ne!(a, b);
        assert!(a.path().to_str().unwrap().starts_with("/s/projects/my_project_-"));
    }

    /// H172: closed to others from the moment they exist.
    #[test]
    fn h172_what_is_created_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("a/b");
        create_dir(&made).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&made), 0o700);
        assert_eq!(mode(&dir.path().join("a")), 0o700);
        open_append(&made.join("f")).unwrap();
        assert_eq!(mode(&made.join("f")), 0o600);
    }

    /// H32: what stands where a file should be is refused, and not waited for.
    #[test]
    fn h32_only_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("file"), "text").unwrap();
        std::fs::create_dir(path("dir")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path("fifo"), 0o600.into()).unwrap();
        assert_eq!(read_file(&path("file")).unwrap(), b"text");
        assert_eq!(read_file(&path("nothing")).unwrap_err().kind(), io::ErrorKind::NotFound);
        for name in ["dir", "link", "socket", "fifo"] {
            let error = read_file(&path(name)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}");
            assert_eq!(error.to_string(), format!("{name} is not a regular file"));
        }
    }

    /// H178: a link planted under our name is not written through.
    #[test]
    fn h178_planted_links_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        std::fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, dir.path().join("f")).unwrap();
        assert!(open_append(&dir.path().join("f")).is_err());
        assert_eq!(std::fs::read_to_string(victim).unwrap(), "mine");
    }
}
