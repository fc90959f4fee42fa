//! The directory there: that it is ours to change, and that nobody else changes it.
//!
//! A work tree is only ever made in a directory that was empty or not there, which gets a marker with the project's name;
//! from then on everything in it may be replaced. Its lock is the run's until it lets go: another run of the project waits.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::order::{Hands, Order};
use super::words::word;
use crate::env;
use crate::remote::{Fault, FaultKind};
use crate::text::plain::printable;

const PREPARE: &str = include_str!("scripts/prepare.sh");
const KEEP: &str = include_str!("scripts/keep.sh");
/// How often it is looked whether a work tree that somebody else has is free.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is asked meanwhile whether anybody still waits.
const ASK: Duration = Duration::from_millis(50);

/// The place there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Our own directory for the project.
    pub(super) base: PathBuf,
    /// The work tree's, which is ours to change.
    pub(super) work: PathBuf,
    /// The commit that the tree was brought to last, where it was; or that it was brought there by rsync.
    pub(super) ready: Option<String>,
    /// Whether it was for another run that it was brought there.
    pub(super) is_others: bool,
    /// Commits that can be built upon, the last one first.
    pub(super) sent: Vec<String>,
    /// Which list of files was sent last: see `rsync`.
    pub(super) listed: Option<String>,
    /// Where the login there looks for programs. A connection of its own, as for what is sent, reads no profile.
    pub(super) path: Option<Vec<u8>>,
    /// Where the program is that was asked for.
    pub(super) tool: Option<String>,
}

impl Place {
    /// What stands before every script that a connection of its own runs: it finds the programs that the login finds.
    pub(super) fn preamble(&self) -> String {
        let path = self.path.as_ref().map_or_else(String::new, |path| format!("PATH={}; export PATH\n", word(path)));
        preamble() + &path
    }
}

/// What came of asking for it.
enum Asked {
    Ours(Place),
    Held { by: String },
}

/// What stands before every script of ours: texts of programs in English, and no variable that leads git elsewhere.
pub(super) fn preamble() -> String {
    format!("LC_ALL=C; export LC_ALL; unset CDPATH {}\n", env::GIT_REPOSITORY.join(" "))
}

/// Gets the directory for a run, waiting for whoever has it. `tool` is what has to be installed there.
pub(super) fn prepare(order: &Order<'_>, hands: &Hands<'_>, tool: &str) -> Result<Place, Fault> {
    let dir = order.remote.dir.as_deref().map(expanded).transpose()?;
    let number = order.number.map_or_else(String::new, |number| number.to_string());
    let script = format!(
        "{}project={}\ncustom={}\ndir={}\ntool={tool}\nrun={}\nnumber={number}\n{PREPARE}",
        preamble(),
        word(order.project.as_bytes()),
        if dir.is_some() { "yes" } else { "no" },
        dir.unwrap_or_else(|| "''".to_owned()),
        word(order.run.as_str().as_bytes()),
    );
    let mut is_told = false;
    loop {
        let said = hands.call(&script)?;
        let by = match understand(&said.output, order, hands.there.host())? {
            Asked::Ours(place) => return Ok(place),
            Asked::Held { by } => by,
        };
        if !is_told {
            is_told = true;
            let host = hands.there.host();
            let (whose, ways) = if by.is_empty() {
                ("another run".to_owned(), String::new())
            } else {
                let by = printable(&by);
                let ways = format!(" (`local-ci attach {by}` follows it, `local-ci stop {by}` ends it)");
                (format!("run {by}"), ways)
            };
            (hands.tell)(&format!(
                "{whose} of this project has the work tree on {host}: waiting until that has ended there{ways}"
            ));
        }
        let mut waited = Duration::ZERO;
        while waited < LOOK {
            hands.check()?;
            std::thread::sleep(ASK);
            waited += ASK;
        }
    }
}

/// A directory as a word of a script: `~` and `$HOME` at its beginning are whose home it is there, and nothing else means
/// anything. What is not absolute begins there as well.
pub(super) fn expanded(dir: &str) -> Result<String, Fault> {
    let home = ["$HOME", "${HOME}", "~"].iter().find_map(|home| dir.strip_prefix(home));
    match home {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok(format!("\"$HOME\"{}", word(rest.as_bytes()))),
        _ if dir.starts_with('~') => {
            let text =
                format!("the directory `{}` begins with the name of a user, which is not looked up", printable(dir));
            Err(Fault::new(FaultKind::Directory, text).cure("write it from `/` or from `~/`"))
        }
        _ if dir.starts_with('/') => Ok(word(dir.as_bytes())),
        _ => Ok(format!("\"$HOME\"/{}", word(dir.as_bytes()))),
    }
}

fn understand(output: &[u8], order: &Order<'_>, host: &str) -> Result<Asked, Fault> {
    let mut place = Place::default();
    let mut held = None;
    for line in output.split(|byte| *byte == b'\n') {
        let at = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (key, value) = (&line[..at], line.get(at + 1..).unwrap_or_default());
        let text = || String::from_utf8_lossy(value).into_owned();
        let path = || PathBuf::from(OsString::from_vec(value.to_owned()));
        match key {
            b"refused" => return Err(refused(&text(), order, host)),
            b"held" => held = Some(text()),
            b"base" => place.base = path(),
            b"work" => place.work = path(),
            b"ready" => {
                let text = text();
                let (run, what) = text.split_once(' ').unwrap_or_default();
                place.ready = Some(what.to_owned());
                place.is_others = run != order.run.as_str();
            }
            b"sent" => place.sent.push(text()),
            b"listed" => place.listed = Some(text()),
            b"path" => place.path = Some(value.to_owned()).filter(|path| !path.is_empty()),
            // What is no file's name is a function or an alias of the shell.
            b"tool" => place.tool = Some(text()).filter(|tool| tool.starts_with('/')),
            _ => {}
        }
    }
    match held {
        Some(by) => Ok(Asked::Held { by }),
        None if place.work.as_os_str().is_empty() => {
            Err(Fault::new(FaultKind::Protocol, format!("{host} did not say where the work tree is")))
        }
        None => Ok(Asked::Ours(place)),
    }
}

/// Why it is not.
fn refused(why: &str, order: &Order<'_>, host: &str) -> Fault {
    let (kind, what) = why.split_once(' ').unwrap_or((why, ""));
    let what = printable(what);
    let directory = |text: String| Fault::new(FaultKind::Directory, text);
    let as_it_is = "sync = \"none\", to use the directory as it is, with what is in it";
    let of_ours = "leave `dir` out, for a directory of our own";
    match kind {
        "tool" => missing_there(&what, host),
        "root" | "home" => {
            let name = if kind == "root" { "the root of the file system" } else { "a home directory" };
            directory(format!("`{what}` on {host} is {name}: no work tree is made there")).cure(of_ours)
        }
        "unmarked" => directory(format!(
            "`{what}` on {host} is not empty and was not made by local-ci: what is in it would be replaced"
        ))
        .cure(as_it_is)
        .cure(of_ours),
        "owner" => directory(format!("`{what}` on {host} is the work tree of another project, or of another machine"))
            .cure("give each a `dir` of its own, or leave `dir` out")
            .cure(as_it_is),
        "file" => directory(format!("`{what}` on {host} is no directory")).cure(of_ours),
        "name" => directory(format!("the directory on {host} has a line break in its name")),
        "enter" => directory(format!("`{what}` on {host} may not be entered")),
        _ if is_full(&what) => no_space(host, &what),
        _ => directory(format!("cannot make the work tree's directory on {host}: {what}"))
            .cure(if order.remote.dir.is_some() { of_ours } else { "dir = \"DIRECTORY\", for another place there" }),
    }
}

/// A program that is not installed there.
pub(super) fn missing_there(tool: &str, host: &str) -> Fault {
    let fault = Fault::new(FaultKind::MissingTool, format!("`{tool}` is not installed on {host}"))
        .cure(format!("there: sudo apt-get install {tool}"));
    match tool {
        "git" => fault.cure("sync = \"rsync\", which needs no git there"),
        _ => fault,
    }
}

/// Whether a program says that there is no room.
pub(super) fn is_full(said: &str) -> bool {
    said.contains("No space left") || said.contains("Disk quota exceeded")
}

/// No room there.
pub(super) fn no_space(host: &str, said: &str) -> Fault {
    let text = format!("there is no space left on {host}: {}", super::program::lines(said));
    Fault::new(FaultKind::NoSpace, text).cure("make room there, or name a directory elsewhere: dir = \"DIRECTORY\"")
}

/// Takes the lock anew from the shell that this runs in, where the tree is still what was sent for the run; else its code is
/// not zero.
pub(super) fn keep(base: &Path, run: &str) -> String {
    format!("{}base={}\nrun={}\n{KEEP}", preamble(), word(base.as_os_str().as_bytes()), word(run.as_bytes()))
}

/// Lets go of the directory. It may be done twice, and where nobody has it.
pub(super) fn release(base: &Path, run: &str) -> String {
    format!(
        "lock={}/lock\ncase $(readlink \"$lock\") in {}:*) rm -f \"$lock\" ;; esac\n",
        word(base.as_os_str().as_bytes()),
        word(run.as_bytes())
    )
}
