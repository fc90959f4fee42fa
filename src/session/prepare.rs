//! From what was typed to a plan: reads the config, finds out what is so here and now, and plans.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::changed::{self, Since};
use super::source::{self, Source};
use crate::config::{self, ConfigError, Detected, LoadRequest, Supplier, Survey};
use crate::env::{self, Env};
use crate::pipeline::Pipeline;
use crate::plan::{self, Changed, Plan, PlanError};
use crate::plugin::lock;

/// A project: its pipeline, where it is, and what is checked out.
#[derive(Debug)]
pub struct Project {
    /// The stages.
    pub pipeline: Pipeline,
    /// Its directory, without links in it.
    pub root: PathBuf,
    /// The config files and their texts.
    pub config: Vec<(PathBuf, String)>,
    /// What is checked out.
    pub source: Source,
    /// What a person should know of the config.
    pub warnings: Vec<String>,
    /// What the project is, where it has no config and the first of the texts was made for it.
    pub detected: Option<Detected>,
    /// Its own remotes by name, each with the file that begins it; others of the pipeline are the user's.
    pub remotes: BTreeMap<String, PathBuf>,
    /// The git hook that it is opened for, if it is for one.
    pub hook: Option<String>,
    /// Since when files have changed, where no base is named.
    pub since: Since,
}

/// A plan, and what goes into its run's header.
#[derive(Debug)]
pub struct Prepared {
    /// What will be done.
    pub plan: Plan,
    /// The project's directory, without links in it.
    pub root: PathBuf,
    /// The config files and their texts.
    pub config: Vec<(PathBuf, String)>,
    /// What is checked out.
    pub source: Source,
}

/// Reads the project around a directory. `supplier` answers for its plugins.
pub fn open(request: &LoadRequest, supplier: &dyn Supplier) -> Result<Project, ConfigError> {
    let loaded = config::load(request, supplier)?;
    let root = std::fs::canonicalize(loaded.pipeline.root()).unwrap_or_else(|_| loaded.pipeline.root().to_owned());
    let source = source::read(&root);
    let config = loaded.sources.into_iter().map(|file| (file.path, file.text)).collect();
    let (warnings, detected, remotes) = (loaded.warnings, loaded.detected, loaded.remotes);
    Ok(Project {
        pipeline: loaded.pipeline,
        root,
        config,
        source,
        warnings,
        detected,
        remotes,
        hook: None,
        since: Since::Work,
    })
}

/// The directory of the project that a request is about, canonical, without reading its config: where a config is or would
/// be looked for and found, what the project's files say, or else where the request starts.
pub fn locate(request: &LoadRequest) -> PathBuf {
    let start = request.start.canonicalize().unwrap_or_else(|_| request.start.clone());
    if let Some(file) = &request.explicit {
        return config::root_of(&start.join(file)).unwrap_or(start);
    }
    match config::survey(request) {
        Ok(Survey::Written(path)) => config::root_of(&path).unwrap_or(start),
        Ok(Survey::Detected(detected)) => detected.root,
        Ok(Survey::Unknown { .. }) | Err(_) => start,
    }
}

impl Project {
    /// Plans a request here and now.
    pub fn plan(&self, request: &plan::Request, env: &Env) -> Result<Plan, PlanError> {
        // On a CI machine git has a commit checked out, and the branch is a variable.
        let branch = self.source.branch.clone().or_else(|| env.text(env::GITHUB_REF_NAME).map(str::to_owned));
        let facts = plan::Facts {
            os: std::env::consts::OS.to_owned(),
            ci: env.is_ci(),
            branch,
            env,
            hook: self.hook.clone(),
            changed: self.changed(request, env),
            cores: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        };
        plan::build(&self.pipeline, request, &facts)
    }

    /// What has changed, where the request or a condition wants to know.
    fn changed(&self, request: &plan::Request, env: &Env) -> Changed {
        let stages = self.pipeline.stages();
        if !request.changed && !stages.values().any(|stage| stage.when.changed.is_some()) {
            return Changed::Unasked;
        }
        let root = self.pipeline.root();
        // Where the project is looked at elsewhere, its files are called by their names here.
        let there =
            |path: &Path| path.strip_prefix(&self.root).map_or_else(|_| path.to_owned(), |file| root.join(file));
        let mut decisive: Vec<PathBuf> = self.config.iter().map(|(path, _)| there(path)).collect();
        decisive.push(root.join(lock::NAME));
        let question =
            changed::Question { root, base: request.base.as_deref(), since: &self.since, decisive: &decisive };
        changed::look(&question, env)
    }

    /// The project with a plan, ready to be started.
    pub fn prepare(self, plan: Plan) -> Prepared {
        Prepared { plan, root: self.root, config: self.config, source: self.source }
    }
}
