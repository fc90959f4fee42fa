//! The events of all runs of a project, or of all projects, as they happen.
//!
//! Runs that go on are told from their first event on, so that whoever reads along can fold them; then whatever is
//! appended to a journal, and whatever run is started. It sleeps until the file system says that something has changed, and
//! looks a few times a second where that cannot be heard. A run whose supervisor has died without a last word is told to be
//! lost, by an event that stands in no journal.
//!
//! Where to listen is looked for anew whenever a directory came or went: `runs` of each project, or what is there of the
//! way to it. Directories are listened to before they are read, so nothing falls between the two. What was heard is never
//! more than a reason to look.

mod ears;
mod followed;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::runs;
use crate::clock::Clock;
use crate::event::Event;
use crate::ids::RunNumber;
use crate::journal::layout::ProjectDir;
use ears::{Ears, Heard, Woken};
use followed::Followed;

/// How often is looked where nothing can be heard.
const LOOK: Duration = Duration::from_millis(100);
/// How soon is looked again at a run whose lock is being let go: that it was closed is heard a moment before.
const SOON: Duration = Duration::from_millis(2);

/// Whose runs.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Those of one project.
    Project(ProjectDir),
    /// Those of all projects in this state directory.
    Everywhere(PathBuf),
}

/// An event, and the run it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The run's number in its project.
    pub number: RunNumber,
    /// The project's directory.
    pub project: String,
    /// What happened.
    pub event: Event,
}

/// What takes what there is to tell.
pub trait Listener {
    /// These happened, those of one run in their order. An error ends the stream: nobody listens any more.
    fn told(&mut self, events: &[Told]) -> io::Result<()>;

    /// This run is damaged, and is passed over.
    fn unreadable(&mut self, number: RunNumber, error: &io::Error);
}

/// Tells of all that happens until nobody listens any more: `out` is where it is told, whose other end is watched.
pub fn stream(scope: Scope, listener: &mut dyn Listener, out: BorrowedFd<'_>, clock: &dyn Clock) {
    let mut stream = Stream {
        scope,
        ears: Ears::new(),
        projects: BTreeMap::new(),
        places: HashMap::new(),
        runs: BTreeMap::new(),
        has_begun: false,
    };
    stream.survey(listener);
    stream.has_begun = true;
    loop {
        let told = stream.take(clock);
        if !told.is_empty() && listener.told(&told).is_err() {
            return;
        }
        match stream.ears.wait(out, stream.limit()) {
            Woken::Nobody => return,
            Woken::Late => stream.look_at_all(listener),
            Woken::Heard(heard) => stream.hear(heard, listener),
        }
    }
}

/// Which run: by the directory of its project.
type Key = (PathBuf, RunNumber);

/// What a place is listened to for.
enum Place {
    /// Something on the way to a project's runs.
    Way,
    /// The runs of a project.
    Runs(PathBuf),
    /// A run that goes on.
    Run(Key),
}

/// A project that is known.
struct Project {
    /// Its newest run that was looked at. Whatever is newer is new.
    newest: RunNumber,
    /// Whether its runs are listened to.
    is_heard: bool,
}

struct Stream {
    scope: Scope,
    ears: Ears,
    projects: BTreeMap<PathBuf, Project>,
    places: HashMap<i32, Place>,
    runs: BTreeMap<Key, Followed>,
    /// Whether runs that have ended by now have ended since.
    has_begun: bool,
}

impl Stream {
    /// Looks which projects there are, listens to those that are not listened to yet, and finds their runs.
    fn survey(&mut self, listener: &mut dyn Listener) {
        let found = match &self.scope {
            Scope::Project(project) => vec![project.clone()],
            Scope::Everywhere(state) => {
                let projects = state.join("projects");
                self.listen_to_way(&projects);
                let entries = std::fs::read_dir(&projects).into_iter().flatten().flatten();
                entries.filter(|entry| entry.path().is_dir()).map(|entry| ProjectDir::at(entry.path())).collect()
            }
        };
        for project in found {
            self.listen_to(&project);
            self.find_runs(&project, listener);
        }
    }

    /// Listens to the runs of a project; where there are none yet, to what there is of the way to them.
    fn listen_to(&mut self, project: &ProjectDir) {
        let path = project.path().to_owned();
        if self.projects.get(&path).is_some_and(|known| known.is_heard) {
            return;
        }
        let watch = self.ears.listen_to_directory(&project.runs());
        if let Some(watch) = watch {
            self.places.insert(watch, Place::Runs(path.clone()));
        } else {
            self.listen_to_way(&project.runs());
            // It may have come before its way was listened to.
            if let Some(watch) = self.ears.listen_to_directory(&project.runs()) {
                self.places.insert(watch, Place::Runs(path.clone()));
            }
        }
        let is_heard = self.places.values().any(|place| matches!(place, Place::Runs(of) if *of == path));
        self.projects.entry(path).or_insert(Project { newest: RunNumber(0), is_heard }).is_heard = is_heard;
    }

    /// Listens to the last directory that there is on the way to a path, or to the path itself.
    fn listen_to_way(&mut self, path: &Path) {
        let mut there = path.ancestors();
        let watch = there.find_map(|directory| self.ears.listen_to_directory(directory));
        if let Some(watch) = watch {
            self.places.entry(watch).or_insert(Place::Way);
        }
    }

    /// Takes up the runs of a project that go on, and those that have come since it was looked at.
    fn find_runs(&mut self, project: &ProjectDir, listener: &mut dyn Listener) {
        let numbers = project.numbers().unwrap_or_default();
        let Some(known) = self.projects.get_mut(project.path()) else { return };
        let seen = known.newest;
        let wanted: Vec<RunNumber> = if self.has_begun {
            numbers.iter().copied().filter(|number| *number > seen).collect()
        } else {
            // One that has been claimed and not been published yet is met as a new one.
            runs::active(project).unwrap_or_default()
        };
        // What is taken up now is not taken up again when its coming is heard.
        let newest = numbers.last().max(wanted.iter().max()).copied();
        known.newest = newest.unwrap_or(seen);
        for number in wanted {
            self.begin(project, number, listener);
        }
    }

    /// Takes up a run.
    fn begin(&mut self, project: &ProjectDir, number: RunNumber, listener: &mut dyn Listener) {
        let key = (project.path().to_owned(), number);
        if self.runs.contains_key(&key) {
            return;
        }
        let dir = project.run(number);
        let watch = self.ears.listen_to_run(dir.path());
        match Followed::new(dir, number, watch) {
            Ok(run) => {
                if let Some(watch) = watch {
                    self.places.insert(watch, Place::Run(key.clone()));
                }
                self.runs.insert(key, run);
            }
            Err(error) => {
                watch.inspect(|watch| self.ears.leave(*watch));
                // One that was deleted meanwhile is no damage.
                if project.run(number).path().exists() {
                    listener.unreadable(number, &error);
                }
            }
        }
    }

    /// What was heard says where to look.
    fn hear(&mut self, heard: Vec<Heard>, listener: &mut dyn Listener) {
        let mut is_changed = false;
        for Heard { watch, name, is_end, is_overflow } in heard {
            if is_overflow {
                return self.look_at_all(listener);
            }
            match self.places.get(&watch) {
                Some(Place::Run(key)) => {
                    if let Some(run) = self.runs.get_mut(key) {
                        run.hear(name.as_deref());
                    }
                    if is_end {
                        self.places.remove(&watch);
                    }
                }
                Some(Place::Runs(project)) if is_end => {
                    // Who forgets everything takes the directory away, and whatever comes after is new.
                    if let Some(known) = self.projects.get_mut(project) {
                        *known = Project { newest: RunNumber(0), is_heard: false };
                    }
                    self.places.remove(&watch);
                    is_changed = true;
                }
                Some(Place::Runs(project)) => {
                    let project = ProjectDir::at(project.clone());
                    self.find_runs(&project, listener);
                }
                Some(Place::Way) => {
                    if is_end {
                        self.places.remove(&watch);
                    }
                    is_changed = true;
                }
                None => {}
            }
        }
        if is_changed {
            self.survey(listener);
        }
    }

    /// Looks everywhere: it was not heard what has changed, or that anything has.
    fn look_at_all(&mut self, listener: &mut dyn Listener) {
        // Those that are waited for to end need no more than that.
        if !self.runs.values().any(Followed::is_closing) || !self.ears.is_sharp() {
            self.survey(listener);
        }
        self.runs.values_mut().for_each(Followed::look_again);
    }

    /// What has happened in the runs that there was reason to look at.
    fn take(&mut self, clock: &dyn Clock) -> Vec<Told> {
        let mut told = Vec::new();
        let mut over = Vec::new();
        for (key, run) in &mut self.runs {
            if run.take(clock, &mut told) {
                over.push(key.clone());
            }
        }
        for key in over {
            if let Some(watch) = self.runs.remove(&key).and_then(|run| run.watch) {
                self.places.remove(&watch);
                self.ears.leave(watch);
            }
        }
        told
    }

    /// How long may be slept; for as long as nothing is heard where everything is.
    fn limit(&self) -> Option<Duration> {
        if self.runs.values().any(Followed::is_closing) {
            return Some(SOON);
        }
        let is_deaf = !self.ears.is_sharp() || self.runs.values().any(|run| run.watch.is_none());
        is_deaf.then_some(LOOK)
    }
}
