//! The work tree there by way of git: what the last commits there have not is packed here and unpacked there, and the tree
//! is brought to the commit. Only files that differ are written.
//!
//! On a line that is there this takes two round trips: one for the directory, while the commit is made here; and one for what
//! came of a checkout. A pack that is small goes with the script of that. A large one takes two more, to open a connection for
//! it, and to hear how much it may say.

use std::fs;
use std::path::Path;

use super::carry::{Load, after, carry, nonce};
use super::names::Globs;
use super::notices;
use super::order::{Hands, Order, Sent};
use super::place::{Place, is_full, missing_there, no_space, prepare};
use super::program::lines;
use super::repository::Repository;
use super::snapshot::{Darkroom, Snapshot};
use super::words::{printing, word};
use crate::remote::{Fault, FaultKind};

const CHECKOUT: &str = include_str!("scripts/checkout.sh");
/// A pack of so many bytes goes with the script, over the control channel.
const SMALL_MAX: u64 = 16 * 1024;
/// As long as no more files than this are to be written: what is done on that channel keeps others waiting.
const FEW_MAX: u64 = 2000;
/// How often a transfer is tried whose line was cut. Each waits until the line is there again.
const TRIES: u32 = 5;

/// What came of a script there.
enum Outcome {
    Done,
    /// What is there is not what we took it for: all has to be sent.
    Anew,
    /// Somebody else has the work tree meanwhile.
    Lost,
}

/// Brings the tree there. Gives the place and what was sent.
pub(super) fn send(order: &Order<'_>, hands: &Hands<'_>, repository: &Repository) -> Result<(Place, Sent), Fault> {
    let include = Globs::new(&order.remote.include)?;
    let darkroom = Darkroom::new(repository, hands, order.store)?;
    // The way there and the look at what is here go on side by side.
    let (place, snapshot) = std::thread::scope(|scope| {
        let place = scope.spawn(|| prepare(order, hands, "git"));
        let snapshot = darkroom.take(&include);
        let place = place.join().unwrap_or_else(|_| Err(Fault::new(FaultKind::Protocol, "no place was made there")));
        (place, snapshot)
    });
    // Of two faults, that of this side is told: it is there whatever the other machine is like.
    let snapshot = snapshot?;
    let place = place?;
    snapshot.notices.iter().for_each(|notice| (hands.tell)(notice));
    notices::tell_secrets(&snapshot.secrets, order, hands);
    let excluded = repository.excluded(hands)?;
    let errand = Errand { order, hands, repository, darkroom: &darkroom, snapshot: &snapshot, excluded };
    let sent = errand.run(place);
    darkroom.forget();
    sent
}

struct Errand<'a> {
    order: &'a Order<'a>,
    hands: &'a Hands<'a>,
    repository: &'a Repository,
    darkroom: &'a Darkroom<'a>,
    snapshot: &'a Snapshot,
    excluded: Vec<u8>,
}

impl Errand<'_> {
    fn run(&self, mut place: Place) -> Result<(Place, Sent), Fault> {
        let mut anew = false;
        let mut cuts = 0;
        loop {
            let sent = if anew { Ok((Outcome::Done, self.send_all(&place)?)) } else { self.send_changes(&place) };
            match sent {
                Ok((Outcome::Done, sent)) => return Ok((place, sent)),
                Ok((Outcome::Anew, _)) => anew = true,
                Ok((Outcome::Lost, _)) => place = prepare(self.order, self.hands, "git")?,
                Err(fault) if fault.kind == FaultKind::Cut && cuts < TRIES => {
                    cuts += 1;
                    place = prepare(self.order, self.hands, "git")?;
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    /// What the place has not. Where it has the commit, the tree is brought back to it: stages may have changed it.
    fn send_changes(&self, place: &Place) -> Result<(Outcome, Sent), Fault> {
        let commit = &self.snapshot.commit;
        if place.sent.contains(commit) {
            let nonce = nonce()?;
            let script = self.script(place, &nonce, Pack::None);
            let said = self.hands.call(&script)?;
            let outcome = self.understand(after(&said.output, &nonce), Pack::None)?;
            let files = self.differing(place)?;
            return Ok((outcome, Sent { files, ..Sent::default() }));
        }
        let known: Vec<&str> = place.sent.iter().map(String::as_str).filter(|id| self.darkroom.has(id)).collect();
        if known.is_empty() {
            return Ok((Outcome::Done, self.send_all(place)?));
        }
        // What was there may be here no more, as far as git had a say in that.
        let Ok((file, bytes)) = self.darkroom.pack(commit, &known) else { return Ok((Outcome::Anew, Sent::default())) };
        let files = self.differing(place)?;
        let outcome = self.send_pack(place, &file, Pack::Changes, files)?;
        Ok((outcome, Sent { files, bytes, ..Sent::default() }))
    }

    fn send_all(&self, place: &Place) -> Result<Sent, Fault> {
        let (file, bytes) = self.darkroom.pack(&self.snapshot.commit, &[])?;
        let files = u64::try_from(self.snapshot.files.len()).unwrap_or(u64::MAX);
        match self.send_pack(place, &file, Pack::All, files)? {
            Outcome::Done => Ok(Sent { files, bytes, ..Sent::default() }),
            Outcome::Anew | Outcome::Lost => {
                let host = self.hands.there.host();
                Err(Fault::new(FaultKind::Cut, format!("the work tree on {host} was taken by another run")))
            }
        }
    }

    /// Sends a pack, and has so many files be as it says.
    fn send_pack(&self, place: &Place, file: &Path, pack: Pack, files: u64) -> Result<Outcome, Fault> {
        let nonce = nonce()?;
        let script = self.script(place, &nonce, pack);
        let is_small = files <= FEW_MAX && fs::metadata(file).is_ok_and(|metadata| metadata.len() <= SMALL_MAX);
        let bytes = if is_small { fs::read(file).ok() } else { None };
        let said = match bytes {
            Some(bytes) => {
                let script = format!("{} | {{\n{script}\n}}\n", printing(&bytes));
                self.hands.call(&script).map(|answer| answer.output)
            }
            None => carry(self.hands, &script, Load::From(file)).map(|carried| carried.output),
        };
        let _ = fs::remove_file(file);
        self.understand(after(&said?, &nonce), pack)
    }

    /// How many files are others than they were there.
    fn differing(&self, place: &Place) -> Result<u64, Fault> {
        let last = place.ready.as_ref().or(place.sent.first()).filter(|last| self.darkroom.has(last));
        match last {
            Some(last) if *last == self.snapshot.commit => Ok(0),
            Some(last) => self.darkroom.differ(last, &self.snapshot.commit),
            None => Ok(u64::try_from(self.snapshot.files.len()).unwrap_or(u64::MAX)),
        }
    }

    fn script(&self, place: &Place, nonce: &str, pack: Pack) -> String {
        let yes = |is: bool| if is { "yes" } else { "no" };
        let path = |path: &Path| word(path.as_os_str().as_encoded_bytes());
        format!(
            "{}nonce={nonce}\nbase={}\nwork={}\nrun={}\npartial={}\npacked={}\nanew={}\nsha256={}\ncommit={}\n\
             prefix={}\nexcluded={}\n{CHECKOUT}",
            place.preamble(),
            path(&place.base),
            path(&place.work),
            word(self.order.run.as_str().as_bytes()),
            yes(pack != Pack::All),
            yes(pack != Pack::None),
            yes(pack == Pack::All),
            yes(self.repository.is_sha256),
            self.snapshot.commit,
            path(&self.repository.prefix),
            word(&self.excluded),
        )
    }

    /// What a script says of how it went, which begins with a word.
    fn understand(&self, said: Option<&[u8]>, pack: Pack) -> Result<Outcome, Fault> {
        let host = self.hands.there.host();
        let Some(said) = said else {
            return Err(Fault::new(
                FaultKind::Cut,
                format!("the line to {host} was cut while the work tree was being sent"),
            ));
        };
        let said = String::from_utf8_lossy(said);
        let (word, text) = said.split_once('\n').unwrap_or((&said, ""));
        let text = text.trim();
        match word {
            "done" => {
                if !text.is_empty() {
                    (self.hands.tell)(&notices::left_there(host, &lines(text)));
                }
                Ok(Outcome::Done)
            }
            "lock" => Ok(Outcome::Lost),
            _ if is_full(text) => Err(no_space(host, text)),
            _ if text.contains("git: not found") || text.contains("git: command not found") => {
                Err(missing_there("git", host))
            }
            "partial" | "unpack" | "checkout" if pack != Pack::All => Ok(Outcome::Anew),
            _ => {
                let text = format!("the work tree could not be brought to {host}: {}", lines(text));
                Err(Fault::new(FaultKind::Directory, text).cure("sync = \"rsync\", which needs no git there"))
            }
        }
    }
}

/// What is sent with a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pack {
    /// Nothing: all is there.
    None,
    /// What others have not that are there.
    Changes,
    /// All of it.
    All,
}
