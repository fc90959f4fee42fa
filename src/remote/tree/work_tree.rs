//! A run's work tree there, from the first byte that is sent to the last that is fetched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::order::{Hands, Order, Sent};
use super::outputs::{self, Moved, Published};
use super::place::{self, Place};
use super::repository::Repository;
use super::snapshot::unusable;
use super::store;
use super::{git, none, notices, rsync};
use crate::clock::{Clock, SystemClock};
use crate::ids::RunId;
use crate::pipeline::remote::Sync;
use crate::remote::Fault;

/// A work tree there that is a run's.
#[derive(Debug)]
pub struct Tree {
    /// Our own directory for the project; none where the directory there is used as it is.
    base: Option<PathBuf>,
    /// The project's directory there.
    dir: PathBuf,
    /// Where that is below the directory that was sent.
    prefix: PathBuf,
    /// The project's directory here.
    root: PathBuf,
    store: PathBuf,
    run: RunId,
    /// When the tree was looked at here: what has changed since is newer than what was sent.
    since: Option<SystemTime>,
    published: Published,
}

/// By which way a tree goes.
enum Way {
    Git(Repository),
    Rsync(Option<Repository>),
    None,
}

impl Way {
    fn of(order: &Order<'_>, hands: &Hands<'_>) -> Result<Self, Fault> {
        match order.remote.sync {
            Sync::None => Ok(Self::None),
            Sync::Git => Ok(match Repository::find(order.root, hands)? {
                Some(repository) => Self::Git(repository),
                None => Self::Rsync(None),
            }),
            // Without git, the files say themselves what is ignored.
            Sync::Rsync if hands.tools.find("git").is_err() => Ok(Self::Rsync(None)),
            Sync::Rsync => Ok(Self::Rsync(Repository::find(order.root, hands)?)),
        }
    }

    fn prefix(&self) -> &Path {
        match self {
            Self::Git(repository) | Self::Rsync(Some(repository)) => &repository.prefix,
            Self::Rsync(None) | Self::None => Path::new(""),
        }
    }
}

impl Tree {
    /// Brings the tree there as it is here, and keeps it for the run: until [`Self::release`], other runs of the project wait.
    /// Waits itself for a run that has it.
    ///
    /// Fails with what is wrong and what to do about it; then nothing is kept that another run could not take.
    pub fn send(order: &Order<'_>, hands: &Hands<'_>) -> Result<(Self, Sent), Fault> {
        let began = SystemClock.now();
        let stamp = stamp(order);
        store::directory(order.store).map_err(|error| unusable(order.store, &error))?;
        store::file(&stamp).map_err(|error| unusable(&stamp, &error))?;
        let way = Way::of(order, hands)?;
        let (place, sent) = match &way {
            Way::Git(repository) => git::send(order, hands, repository)?,
            Way::Rsync(repository) => {
                if repository.is_none() && order.remote.sync == Sync::Git {
                    (hands.tell)(&notices::no_repository());
                }
                rsync::send(order, hands, repository.as_ref())?
            }
            Way::None => (none::look(order, hands)?, Sent::default()),
        };
        let tree = Self::new(order, &way, place);
        Ok((tree, Sent { took: SystemClock.now().since(began), ..sent }))
    }

    /// Takes over the tree of a run whose supervisor has ended. What is there stays as it is, for stages may be running in
    /// it. None where it was not brought there yet, or another run has it meanwhile and has changed it.
    pub fn rejoin(order: &Order<'_>, hands: &Hands<'_>) -> Result<Option<Self>, Fault> {
        let way = Way::of(order, hands)?;
        let place = match &way {
            Way::None => none::look(order, hands)?,
            Way::Git(_) | Way::Rsync(_) => {
                let place = place::prepare(order, hands, "sh")?;
                if place.ready.is_none() || place.is_others {
                    // It is nothing to this run, and may be waited for.
                    hands.call(&place::release(&place.base, order.run.as_str()))?;
                    return Ok(None);
                }
                place
            }
        };
        Ok(Some(Self::new(order, &way, place)))
    }

    fn new(order: &Order<'_>, way: &Way, place: Place) -> Self {
        Self {
            base: Some(place.base).filter(|base| !base.as_os_str().is_empty()),
            // Joining an empty path would add a slash at the end.
            dir: if way.prefix().as_os_str().is_empty() { place.work } else { place.work.join(way.prefix()) },
            prefix: way.prefix().to_owned(),
            root: order.root.to_owned(),
            store: order.store.to_owned(),
            run: order.run.clone(),
            since: fs::metadata(stamp(order)).and_then(|metadata| metadata.modified()).ok(),
            published: Published::default(),
        }
    }

    /// The project's directory there.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Has those files there that these globs match here, whose content is another or that are not there.
    pub fn put(&self, globs: &[String], hands: &Hands<'_>) -> Result<Moved, Fault> {
        outputs::put(&self.exchange(hands), globs)
    }

    /// Has those files here that these globs match there, whose content is another or that are not here. Each is renamed
    /// into its place. What was sent, has not been changed there and has been changed here since, stays as it is here.
    pub fn fetch(&self, globs: &[String], hands: &Hands<'_>) -> Result<Moved, Fault> {
        outputs::fetch(&self.exchange(hands), globs)
    }

    fn exchange<'a>(&'a self, hands: &'a Hands<'a>) -> outputs::Exchange<'a> {
        outputs::Exchange {
            hands,
            root: &self.root,
            dir: &self.dir,
            prefix: &self.prefix,
            base: self.base.as_deref(),
            store: &self.store,
            since: self.since,
            published: &self.published,
        }
    }

    /// Says there again that the run has the tree, from the shell that is the run's now. To be called when the line was
    /// made anew: a lock whose shell is gone is taken for stale where nothing of its run is alive. Says whether the run still
    /// had it; where not, the tree has to be sent again before anything is started in it.
    pub fn keep(&self, hands: &Hands<'_>) -> Result<bool, Fault> {
        let Some(base) = &self.base else { return Ok(true) };
        Ok(hands.call(&place::keep(base, self.run.as_str()))?.code == 0)
    }

    /// Lets other runs have it.
    pub fn release(&self, hands: &Hands<'_>) -> Result<(), Fault> {
        let _ = fs::remove_file(self.store.join(stamp_name(&self.run)));
        match &self.base {
            Some(base) => hands.call(&place::release(base, self.run.as_str())).map(drop),
            None => Ok(()),
        }
    }
}

fn stamp_name(run: &RunId) -> String {
    format!("since.{run}")
}

fn stamp(order: &Order<'_>) -> PathBuf {
    order.store.join(stamp_name(order.run))
}
