//! Telling an attempt's programs where the pool is, in a way that all of them understand.
//!
//! | the stage's `make` | `auto` | `make` |
//! | --- | --- | --- |
//! | takes FIFOs, or there is none | `CARGO_MAKEFLAGS` with the FIFO | that, and `MAKEFLAGS` with it |
//! | is older | `CARGO_MAKEFLAGS` with descriptors, if the command names cargo | both, with descriptors |
//!
//! A FIFO in `CARGO_MAKEFLAGS` would do for cargo alone, but build scripts hand that variable on to make.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Resource, getrlimit};

use crate::env::{CARGO_BUILD_JOBS, CARGO_MAKEFLAGS, Env, MAKEFLAGS};
use crate::executor::Job;
use crate::executor::jobserver::Offer;
use crate::process::jobserver::flags::{self, ALL, Inherited};
use crate::process::jobserver::make;
use crate::process::jobserver::pool::Pool;

/// Under this number a program finds the end to read from: above what scripts use by number, below any usual limit.
pub(super) const READ: RawFd = 28;
/// Under this number it finds the end to write to.
pub(super) const WRITE: RawFd = 29;

/// The slots that nobody uses, for local attempts.
#[derive(Debug)]
pub struct Sharing {
    pool: Arc<Pool>,
    jobs: u32,
    /// What make is told by the environment that stages inherit.
    makeflags: String,
    /// Whether that environment says how many jobs cargo is to use.
    cargo_jobs: bool,
    /// What the machine's `make` is like, by where it is looked for.
    takes_fifos: Mutex<HashMap<Option<OsString>, bool>>,
}

/// What an attempt gets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) variables: Vec<(&'static str, String)>,
    /// Whether it has the pool's ends as [`READ`] and [`WRITE`].
    pub(super) descriptors: bool,
}

impl Sharing {
    /// A run's pool, the number of its slots, and the environment that stages inherit.
    pub fn new(pool: Arc<Pool>, jobs: u32, inherit: &Env) -> Self {
        let makeflags = inherit.text(MAKEFLAGS).unwrap_or_default().to_owned();
        let cargo_jobs = inherit.text(CARGO_BUILD_JOBS).is_some();
        Self { pool, jobs, makeflags, cargo_jobs, takes_fifos: Mutex::default() }
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What an attempt gets whose programs are looked for in this PATH.
    pub(super) fn tell(&self, job: &Job, path: Option<&OsStr>) -> Told {
        match job.offer {
            Offer::Nothing => return Told::default(),
            Offer::Cargo { .. } if self.cargo_jobs => return Told::default(),
            Offer::Cargo { .. } | Offer::Make => {}
        }
        let by_fifo = flags::fifo(self.jobs, self.pool.path()).filter(|_| self.takes_fifos(path, job));
        let (said, descriptors) = match (by_fifo, job.offer) {
            (Some(said), _) => (said, false),
            (None, Offer::Cargo { named: true } | Offer::Make) if has_numbers() => {
                (flags::descriptors(self.jobs, READ, WRITE), true)
            }
            (None, _) => return Told::default(),
        };
        let mut variables = Vec::with_capacity(2);
        if job.offer == Offer::Make {
            variables.push((MAKEFLAGS, flags::with(&self.makeflags, &said)));
        }
        variables.push((CARGO_MAKEFLAGS, said));
        Told { variables, descriptors }
    }

    fn takes_fifos(&self, path: Option<&OsStr>, job: &Job) -> bool {
        let mut known = self.takes_fifos.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(path.map(OsStr::to_owned)).or_insert_with(|| make::takes_fifos(path, &job.dir))
    }
}

/// Whether a process may have descriptors of these numbers.
fn has_numbers() -> bool {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    u64::try_from(WRITE).is_ok_and(|number| number < limit)
}

/// What a variable that we were started with is to a stage; none where it goes on as it is.
pub(super) fn without_unreachable(name: &OsStr, value: &OsStr) -> Option<String> {
    if !ALL.iter().any(|one| name == *one) {
        return None;
    }
    match flags::inherited(value) {
        Inherited::Plain | Inherited::Usable => None,
        Inherited::Unreachable(rest) => Some(rest),
    }
}
