//! A machine that stages run on, as all attempts there share it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::carrier::{Carrier, Turns, WorkTree};
use super::cleanup::Janitor;
use super::fault;
use super::follower::Follower;
use super::line::Line;
use super::place::Place;
use crate::executor::ExecError;
use crate::remote::Fault;

/// What an executor for another machine is made of.
pub struct Site {
    /// What plans, journals and history call it.
    pub name: String,
    /// The way to it.
    pub line: Arc<dyn Line>,
    /// The run's directory there.
    pub place: Place,
    /// The project's directory here, absolute.
    pub root: PathBuf,
    /// Variables of every stage there, below the stage's own.
    pub env: Vec<(String, String)>,
    /// The tmux session in which a person there can look on, where there is a tmux that is of use: see
    /// [`super::window::onlook`].
    pub session: Option<String>,
    /// How long one operation over the line may take.
    pub timeout: Duration,
    /// What brings the work tree there, and brings back what stages make.
    pub carrier: Box<dyn Carrier>,
}

impl Site {
    /// The machine as a person knows it.
    pub(super) fn host(&self) -> &str {
        self.line.host()
    }

    /// A directory of the project, as it is there. One outside of the project is the same there as here.
    pub(super) fn there(&self, tree: &WorkTree, dir: &Path) -> Result<String, ExecError> {
        let text = |path: &Path| {
            path.to_str().map(str::to_owned).ok_or_else(|| ExecError::Infrastructure {
                message: format!(
                    "the working directory {} has a name that is no text; stages elsewhere need one",
                    path.display()
                ),
            })
        };
        match dir.strip_prefix(&self.root) {
            Err(_) => text(dir),
            Ok(inside) if inside.as_os_str().is_empty() => Ok(tree.path.clone()),
            Ok(inside) => Ok(format!("{}/{}", tree.path.trim_end_matches('/'), text(inside)?)),
        }
    }
}

/// A site and what is there once for all of its attempts.
pub(super) struct Shared {
    pub(super) site: Site,
    pub(super) follower: Follower,
    pub(super) janitor: Janitor,
    tree: Turns,
}

impl Shared {
    pub(super) fn new(site: Site) -> Self {
        let follower = Follower::new(&site.name, Arc::clone(&site.line), site.place.clone());
        let janitor = Janitor::new(Arc::clone(&site.line), site.place.clone(), site.session.clone());
        Self { site, follower, janitor, tree: Turns::default() }
    }

    /// The work tree there.
    pub(super) fn tree(&self, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<WorkTree, ExecError> {
        let prepare = || -> Result<WorkTree, Fault> { self.site.carrier.prepare(cancelled) };
        self.tree.get(&prepare, cancelled).map_err(|fault| fault::ended(&fault))
    }
}
