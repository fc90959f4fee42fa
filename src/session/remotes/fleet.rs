//! The other machines of a run in its supervisor: an executor for each, and their end.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::Sender;

use super::Ways;
use super::cart::{Cart, Parts};
use super::rope::{Again, Rope};
use crate::cancel::CancelToken;
use crate::engine::runner::Message;
use crate::env::Env;
use crate::event::{OutputSink, RemoteNews};
use crate::executor::remote::{Place, RemoteExecutor, Site};
use crate::executor::{Ended, ExecError, Executor, Job};
use crate::ids::{RunId, RunNumber, hex};
use crate::journal::layout::create_dir;
use crate::pipeline::remote::Remote;
use crate::plan::Plan;
use crate::process::reaper::Reaper;
use crate::process::tool::Tools;
use crate::remote::{Fault, FaultKind};

/// Where and whose the run is.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// The run.
    pub run: &'a RunId,
    /// Its number, where it has one.
    pub number: Option<RunNumber>,
    /// A directory here that is ours alone, for what is remembered of what was sent. Made where it is missing.
    pub store: &'a Path,
    /// The machines that an earlier supervisor has sent the work tree to.
    pub sent: &'a [String],
}

/// The machines of a run.
#[derive(Default)]
pub struct Fleet {
    ships: Vec<Arc<Ship>>,
    ways: Option<Ways>,
}

/// A machine of a run, as the engine knows it.
struct Ship {
    name: String,
    /// What runs stages there, or why nothing can.
    crew: Result<Crew, Fault>,
}

struct Crew {
    /// None once the run is over: what is dropped takes away what it has there.
    executor: Mutex<Option<Arc<RemoteExecutor>>>,
    rope: Arc<Rope>,
    cart: Arc<Cart>,
    /// Whether something goes on there that nobody follows any more.
    has_left: AtomicBool,
}

impl Fleet {
    /// The machines that stages of this plan run on. Nothing is connected before there is something to run, and where no
    /// stage is elsewhere this does nothing.
    pub fn of(plan: &Plan, whose: Whose<'_>, env: &Env, reaper: &Reaper, messages: &Sender<Message>) -> Self {
        if plan.remotes.is_empty() {
            return Self::default();
        }
        let tools = Tools::reaped(reaper.clone(), env);
        let ways = Ways::new(tools.clone(), env);
        let project = project(&plan.root);
        let crew = |remote: &Remote| {
            let rope = Rope::new(remote, ways.to(remote)?, messages.clone());
            let store = whose.store.join(format!("on-{}", remote.name));
            // What git writes in it has modes of its own: nobody else gets in.
            create_dir(&store).map_err(|error| {
                Fault::new(FaultKind::Directory, format!("cannot make {}: {error}", store.display()))
            })?;
            let parts = Parts {
                run: whose.run.clone(),
                number: whose.number,
                root: plan.root.clone(),
                project: project.clone(),
                store,
                remote: remote.clone(),
                rope: Arc::clone(&rope),
                tools: tools.clone(),
                messages: messages.clone(),
                was_sent: whose.sent.contains(&remote.name),
            };
            let cart = Cart::new(plan, parts);
            let (doubted, kept) = (Arc::downgrade(&cart), Arc::downgrade(&cart));
            // Says there again whose the work tree is.
            rope.whenever_made_anew(Again {
                first: Box::new(move || {
                    if let Some(cart) = doubted.upgrade() {
                        cart.doubt();
                    }
                }),
                then: Box::new(move || {
                    // Where that fails, it is asked again before anything is done in the tree.
                    drop(kept.upgrade().map(|cart| cart.kept(&|| false)));
                }),
            });
            let site = Site {
                name: remote.name.clone(),
                line: rope.clone(),
                place: Place::new(&project, whose.run),
                root: plan.root.clone(),
                session: Some(remote.session.clone()),
                timeout: remote.timeout,
                env: remote.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
                carrier: Box::new(Arc::clone(&cart)),
            };
            let executor = Mutex::new(Some(Arc::new(RemoteExecutor::new(site))));
            Ok(Crew { executor, rope, cart, has_left: AtomicBool::new(false) })
        };
        let ships =
            plan.remotes.values().map(|remote| Arc::new(Ship { name: remote.name.clone(), crew: crew(remote) }));
        let ships = ships.collect();
        Self { ships, ways: Some(ways) }
    }

    /// The executors, one for each machine.
    pub fn executors(&self) -> Vec<Arc<dyn Executor>> {
        self.ships.iter().map(|ship| Arc::clone(ship) as Arc<dyn Executor>).collect()
    }

    /// The run is over: takes away what is left of it there, and ends the lines. All machines at the same time, and none that
    /// cannot be reached is waited for. Gives what there is to complain about.
    pub fn disband(self) -> Vec<String> {
        let crews = || self.ships.iter().filter_map(|ship| ship.crew.as_ref().ok().map(|crew| (&ship.name, crew)));
        let complaints = std::thread::scope(|scope| {
            let ends: Vec<_> = crews()
                .filter(|(_, crew)| crew.rope.was_used())
                .map(|(name, crew)| (name, scope.spawn(|| crew.leave())))
                .collect();
            let complaint =
                |(name, end): (&String, std::thread::ScopedJoinHandle<'_, Result<(), Fault>>)| match end.join() {
                    Ok(Ok(())) => None,
                    Ok(Err(fault)) => Some(format!("{name}: {fault}")),
                    Err(_) => Some(format!("{name}: what is left there was not taken away")),
                };
            ends.into_iter().filter_map(complaint).collect()
        });
        crews().for_each(|(_, crew)| crew.rope.close());
        if let Some(ways) = &self.ways {
            ways.close();
        }
        complaints
    }
}

impl Crew {
    fn executor(&self) -> Option<Arc<RemoteExecutor>> {
        self.executor.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves the machine as it was found, but for what goes on there. The work tree first: somebody may wait for it.
    fn leave(&self) -> Result<(), Fault> {
        let has_left = self.has_left.load(Ordering::Acquire);
        let released = if has_left { Ok(()) } else { self.cart.release(&|| !self.rope.is_up()) };
        drop(self.executor.lock().unwrap_or_else(PoisonError::into_inner).take());
        released
    }
}

impl Executor for Ship {
    fn name(&self) -> &str {
        &self.name
    }

    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let crew = match &self.crew {
            Ok(crew) => crew,
            Err(fault) => return Err(ExecError::Infrastructure { message: fault.to_string() }),
        };
        let Some(executor) = crew.executor() else {
            return Err(ExecError::Infrastructure { message: format!("the run on {} is over", self.name) });
        };
        let result = executor.execute(job, out, cancel);
        let leaves = matches!(result, Err(ExecError::Left { .. }));
        crew.has_left.fetch_or(leaves, Ordering::AcqRel);
        result
    }

    fn last_news(&self) -> Option<RemoteNews> {
        let crew = self.crew.as_ref().ok().filter(|crew| crew.rope.was_used())?;
        Some(RemoteNews::Done { received: crew.executor()?.received(), round_trip_us: crew.rope.round_trip_us() })
    }

    fn hold_strays(&self, still: bool) {
        if let Some(executor) = self.crew.as_ref().ok().and_then(Crew::executor) {
            executor.hold_strays(still);
        }
    }
}

/// What a project is called on other machines: by its directory and by this machine, so that two people who use one
/// account do not have one work tree.
pub fn project(root: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).take(40).collect();
    // What begins with a dot is hidden, and what begins with a dash an option.
    let name = name.trim_start_matches(['.', '-']);
    let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
    let machine = if machine.is_empty() { rustix::system::uname().nodename().to_bytes().to_vec() } else { machine };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&machine.len().to_le_bytes()).update(&machine).update(root.as_os_str().as_bytes());
    format!("{}-{}", if name.is_empty() { "project" } else { name }, hex(&hasher.finalize().as_bytes()[..4]))
}

/// Where a run remembers what was sent.
pub fn store(project: Option<&Path>, run: &Path) -> PathBuf {
    project.unwrap_or(run).join("elsewhere")
}
