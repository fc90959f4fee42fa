//! The work tree there by way of rsync, for what is in no repository: files go where their content differs, whatever their
//! times say, and what was sent before and is here no more is removed.
//!
//! What was sent is written down there, and nothing else is ever removed; rsync itself removes nothing.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::carry::{Load, after, carry, nonce};
use super::listing::{Listing, Nested, list};
use super::names::Globs;
use super::notices;
use super::order::{Hands, Order, Sent};
use super::place::{Place, is_full, missing_there, no_space, prepare};
use super::program::lines;
use super::repository::Repository;
use super::snapshot::unusable;
use super::store;
use super::words::word;
use crate::ids::hex;
use crate::process::tool::{Ran, Tool};
use crate::remote::{Bulk, Fault, FaultKind};

const BEGIN: &str = include_str!("scripts/rsync-begin.sh");
const REMOVE: &str = include_str!("scripts/rsync-remove.sh");
const END: &str = include_str!("scripts/rsync-end.sh");
/// How often a transfer is tried whose line was cut.
const TRIES: u32 = 5;
/// Some files were gone before they could be read, which is as if they had gone before.
const VANISHED: i32 = 24;

/// Brings the tree there. Gives the place and what was sent.
pub(super) fn send(
    order: &Order<'_>,
    hands: &Hands<'_>,
    repository: Option<&Repository>,
) -> Result<(Place, Sent), Fault> {
    let listing = list(order.root, repository, Nested::Listed, &Globs::new(&order.remote.include)?, hands)?;
    listing.notices.iter().for_each(|notice| (hands.tell)(notice));
    notices::tell_secrets(&listing.secrets, order, hands);
    let prefix = repository.map_or(Path::new(""), |repository| &repository.prefix);
    let mut cuts = 0;
    loop {
        let place = prepare(order, hands, "rsync")?;
        match (Errand { order, hands, listing: &listing, prefix, place: &place }).run() {
            Ok(sent) => return Ok((place, sent)),
            Err(fault) if fault.kind == FaultKind::Cut && cuts < TRIES => cuts += 1,
            Err(fault) => return Err(fault),
        }
    }
}

struct Errand<'a> {
    order: &'a Order<'a>,
    hands: &'a Hands<'a>,
    listing: &'a Listing,
    prefix: &'a Path,
    place: &'a Place,
}

impl Errand<'_> {
    fn run(&self) -> Result<Sent, Fault> {
        let names = packed(&self.listing.files);
        let id = hex(&blake3::hash(&names).as_bytes()[..16]);
        let changed = self.place.listed.as_deref() != Some(&id);
        let before = if changed { self.listed_before()? } else { BTreeSet::new() };
        self.begin(changed.then_some(names.as_slice()))?;
        let gone: BTreeSet<PathBuf> = before.difference(&self.listing.files).cloned().collect();
        if !gone.is_empty() {
            let nonce = nonce()?;
            let script = format!("{}project={}\n{REMOVE}", self.script(&nonce), word(self.order.project.as_bytes()));
            let said = carry(self.hands, &script, Load::Bytes(&packed(&gone)))?.output;
            after(&said, &nonce).ok_or_else(|| self.cut())?;
        }
        let sent = self.transfer(&names)?;
        let changed = if changed { "yes" } else { "no" };
        let prefix = word(self.prefix.as_os_str().as_bytes());
        let end = format!("{}prefix={prefix}\nid={id}\nchanged={changed}\n{END}", self.script(""));
        if self.hands.call(&end)?.code != 0 {
            let host = self.hands.there.host();
            return Err(Fault::new(FaultKind::Directory, format!("cannot write down on {host} what was sent there")));
        }
        self.remember(&id, &names);
        Ok(Sent { files: sent.files + u64::try_from(gone.len()).unwrap_or(0), ..sent })
    }

    /// What all scripts are given.
    fn script(&self, nonce: &str) -> String {
        let path = |path: &Path| word(path.as_os_str().as_bytes());
        let run = word(self.order.run.as_str().as_bytes());
        let (base, work) = (path(&self.place.base), path(&self.place.work));
        format!("{}nonce={nonce}\nrun={run}\nbase={base}\nwork={work}\n", self.place.preamble())
    }

    fn cut(&self) -> Fault {
        let host = self.hands.there.host();
        Fault::new(FaultKind::Cut, format!("the line to {host} was cut while the work tree was being sent"))
    }

    /// What may be there of ours. Most often we have it here as well.
    fn listed_before(&self) -> Result<BTreeSet<PathBuf>, Fault> {
        let remembered = self.place.listed.as_ref().and_then(|id| fs::read(self.order.store.join(list_name(id))).ok());
        let names = match (remembered, &self.place.listed) {
            (Some(names), Some(id)) if hex(&blake3::hash(&names).as_bytes()[..16]) == *id => names,
            _ => {
                let nonce = nonce()?;
                let script = format!(
                    "{}printf '\\n%s \\n' \"$nonce\"\n[ -f \"$base/listed\" ] && cat \"$base/listed\"\nprintf 'end'\n",
                    self.script(&nonce)
                );
                let said = carry(self.hands, &script, Load::Nothing)?.output;
                let names = after(&said, &nonce).and_then(|rest| rest.strip_prefix(b"\n"));
                names.and_then(|names| names.strip_suffix(b"end")).ok_or_else(|| self.cut())?.to_vec()
            }
        };
        let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect())
    }

    /// Says there that the tree is being changed, and which files it may have from now on.
    fn begin(&self, names: Option<&[u8]>) -> Result<(), Fault> {
        let nonce = nonce()?;
        let changed = if names.is_some() { "yes" } else { "no" };
        let script = format!("{}changed={changed}\n{BEGIN}", self.script(&nonce));
        let said = match names {
            Some(names) => carry(self.hands, &script, Load::Bytes(names))?.output,
            None => self.hands.call(&script)?.output,
        };
        let said = String::from_utf8_lossy(after(&said, &nonce).ok_or_else(|| self.cut())?).into_owned();
        let host = self.hands.there.host();
        match said.split_once('\n').unwrap_or((&said, "")) {
            ("done", _) => Ok(()),
            ("lock", _) => Err(Fault::new(FaultKind::Cut, format!("the work tree on {host} was taken by another run"))),
            (_, text) if is_full(text) => Err(no_space(host, text)),
            (_, text) => {
                let text = format!("cannot write down on {host} what is sent there: {}", lines(text));
                Err(Fault::new(FaultKind::Directory, text))
            }
        }
    }

    fn transfer(&self, names: &[u8]) -> Result<Sent, Fault> {
        let bulk = self.hands.there.bulk();
        let mut from = self.listing.top.clone().into_os_string();
        from.push("/");
        let mut to = destination(&bulk);
        to.push(self.place.work.as_os_str());
        to.push("/");
        let what = ["rsync", "--files-from=-", "--from0", "--checksum", "--links", "--executability"];
        let how = ["--secluded-args", "--omit-dir-times", "--out-format=%i", "--stats", "--no-human-readable"];
        let mut tool = Tool::new(what.into_iter().chain(how)).env("LC_ALL", "C").dir(&self.listing.top);
        if !bulk.command.is_empty() {
            tool = tool.arg("-e").arg(shell(&bulk.command));
            // The one that the login finds: rsync's own connection reads no profile.
            if let Some(there) = self.place.tool.as_deref().filter(|there| is_plain(there)) {
                tool = tool.arg(format!("--rsync-path={there}"));
            }
        }
        let tool = tool.arg("--").arg(from).arg(to).stdin(names);
        let ran = self.hands.run(&tool)?;
        let host = self.hands.there.host();
        let said = ran.said();
        match ran.exit.shell_code() {
            0 | VANISHED => Ok(counted(&ran)),
            _ if is_full(&said) => Err(no_space(host, &said)),
            _ if said.contains("command not found")
                || said.contains("not found (code 127)")
                || said.contains("code 127") =>
            {
                Err(missing_there("rsync", host))
            }
            255 => Err(Fault::new(FaultKind::Cut, format!("the line to {host} was cut: {}", lines(&said)))),
            _ if said.contains("is your shell clean") || said.contains("protocol version mismatch") => {
                let text = format!("what the login shell on {host} prints by itself is in rsync's way");
                Err(Fault::new(FaultKind::Protocol, text)
                    .cure("there: have ~/.bashrc and the like print nothing where no terminal is")
                    .cure("sync = \"git\", which does not mind"))
            }
            _ => Err(Fault::new(FaultKind::Directory, format!("rsync to {host} has failed: {}", lines(&said)))),
        }
    }

    /// Keeps the list here, and no older one of it.
    fn remember(&self, id: &str, names: &[u8]) {
        if let Some(last) = self.place.listed.as_ref().filter(|last| *last != id) {
            let _ = fs::remove_file(self.order.store.join(list_name(last)));
        }
        let path = self.order.store.join(list_name(id));
        // Without it, the list is asked for the next time.
        let _ = store::file(&path).and_then(|mut list| list.write_all(names)).map_err(|error| unusable(&path, &error));
    }
}

fn list_name(id: &str) -> String {
    format!("listed.{id}")
}

/// Names as programs take them: each ended by a NUL.
fn packed(names: &BTreeSet<PathBuf>) -> Vec<u8> {
    let mut packed = Vec::new();
    for name in names {
        packed.extend_from_slice(name.as_os_str().as_bytes());
        packed.push(0);
    }
    packed
}

/// What stands before the directory there.
fn destination(bulk: &Bulk) -> OsString {
    if bulk.command.is_empty() {
        return OsString::new();
    }
    let (user, host) = bulk.host.rsplit_once('@').map_or(("", bulk.host.as_str()), |(user, host)| (user, host));
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    // An address with colons would be taken for a host and a directory.
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    format!("{user}{host}:").into()
}

/// A command as rsync takes it apart: at blanks, but for those between quotes, in which two quotes are one.
fn shell(command: &[String]) -> OsString {
    let words = command.iter().map(|word| format!("'{}'", word.replace('\'', "''")));
    OsString::from_vec(words.collect::<Vec<_>>().join(" ").into_bytes())
}

/// Whether every shell reads this as the one word that it is.
fn is_plain(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._+-".contains(&byte))
}

/// What was sent, from what rsync prints: a line for each file, then figures.
fn counted(ran: &Ran) -> Sent {
    let text = String::from_utf8_lossy(&ran.stdout);
    let is_file = |line: &&str| {
        let mut letters = line.bytes();
        matches!((letters.next(), letters.next()), (Some(b'<' | b'>' | b'c' | b'h'), Some(b'f' | b'L')))
            && line.len() >= 11
            && !line.contains(' ')
    };
    let files = text.lines().filter(is_file).count();
    let bytes = text.lines().find_map(|line| line.strip_prefix("Total bytes sent: ")?.trim().parse().ok());
    Sent { files: u64::try_from(files).unwrap_or(u64::MAX), bytes: bytes.unwrap_or(0), ..Sent::default() }
}
