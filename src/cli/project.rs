//! What every command starts from: the directory, the environment, the user's config, the project.

use std::cell::{Cell, OnceCell};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::args::{Global, Selection};
use super::error::CliError;
use super::output;
use crate::config::{ConfigError, LoadRequest, Supplier, UserConfig, load_user};
use crate::env::{self, Env};
use crate::journal::format;
use crate::journal::layout::{ProjectDir, state_dir};
use crate::pipeline::Annotations;
use crate::pipeline::plugin::Grants;
use crate::plan::{self, Plan, Request, quote};
use crate::session::past;
use crate::session::plugins::{self, Rules};
use crate::session::prepare::{self, Project};
use crate::text::plain::printable;

impl Selection {
    /// Which stages were asked for, and what of them.
    pub(super) fn request(&self) -> Request {
        Request {
            stages: self.stages.clone(),
            tags: self.tags.clone(),
            profile: self.profile.clone(),
            skip: self.skip.clone(),
            only: self.only,
            changed: self.changed.is_some(),
            base: self.changed.clone().filter(|base| !base.is_empty()),
            fix: self.fix,
            args: self.args.clone(),
            elsewhere: plan::Elsewhere {
                remote: self.elsewhere.remote.clone(),
                session: self.elsewhere.session.clone(),
                timeout: self.elsewhere.remote_timeout,
                dir: self.elsewhere.remote_dir.clone(),
            },
            ..Request::default()
        }
    }
}

/// Where a command works that needs no config: ad-hoc jobs and runs are there without one, and in spite of a broken one.
pub(super) struct Anchor {
    /// The project's directory, canonical; where nothing says what that is, the directory itself.
    pub(super) root: PathBuf,
    /// The project, where it has a config without faults or is of a known kind.
    pub(super) project: Option<Project>,
    /// What is wrong with its config, if something is.
    pub(super) fault: Option<ConfigError>,
}

impl Anchor {
    /// What is to become of commands to a CI that stages print.
    pub(super) fn annotations(&self) -> Annotations {
        self.project.as_ref().map(|project| project.pipeline.run().annotations).unwrap_or_default()
    }

    /// How the face of runs is configured there, if it is.
    pub(super) fn output(&self) -> Option<&str> {
        self.project.as_ref().and_then(|project| project.pipeline.run().output.as_deref())
    }
}

/// Who answers for the plugins of projects, in this environment, for who is typing: nothing is compiled for that. Where nobody knows what the user allows,
/// nothing is allowed.
pub(super) fn supplier(env: &Env) -> Box<dyn Supplier> {
    let policy = load_user(env).map_or_else(|_| Some(Grants::default()), |user| user.plugin_policy);
    plugins::supplier(env, Rules { policy, in_passing: true, ..Rules::default() }, |_| {})
}

/// What every command starts from.
#[derive(Clone)]
pub(super) struct Context<'a> {
    pub(super) env: &'a Env,
    pub(super) global: Global,
    /// The directory that the command works in, absolute.
    pub(super) directory: PathBuf,
    pub(super) argv: Vec<String>,
    pub(super) user: UserConfig,
    /// What the project wants to become of commands to a CI that stages print; fenced until it is known.
    pub(super) annotations: Annotations,
    /// Whether it was said that a later version has written the project's state.
    told_newer: Rc<Cell<bool>>,
    /// One for all that is asked, so that no plugin is loaded twice.
    supplier: Rc<OnceCell<Box<dyn Supplier>>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(global: Global, arguments: &[OsString], env: &'a Env) -> Result<Self, CliError> {
        let here = std::env::current_dir()
            .map_err(|error| CliError::infrastructure(format!("the current directory cannot be used: {error}")))?;
        let directory = match &global.directory {
            None => here,
            Some(given) => {
                let directory = here.join(given);
                if !directory.is_dir() {
                    return Err(CliError::usage(format!("there is no directory {}", given.display()))
                        .or_try("-C takes an existing directory"));
                }
                directory
            }
        };
        for name in [env::STATE_DIR, env::CACHE_DIR, env::SSH_CONFIG] {
            if let Some(given) = env.get(name).filter(|given| !given.is_empty() && !Path::new(given).is_absolute()) {
                let given = Path::new(given).display();
                return Err(CliError::usage(format!("{name} is {given}, which is not an absolute path"))
                    .or_try("runs of one project are found again only where the path means the same everywhere"));
            }
        }
        let user = load_user(env)?;
        let argv = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Ok(Self {
            env,
            global,
            directory,
            argv,
            user,
            annotations: Annotations::Fenced,
            told_newer: Rc::default(),
            supplier: Rc::default(),
        })
    }

    /// The config that was named, if one was.
    pub(super) fn config(&self) -> Option<PathBuf> {
        self.global.config.as_ref().map(|file| self.directory.join(file))
    }

    /// The same for a project whose `[run]` says this.
    pub(super) fn annotating(&self, annotations: Annotations) -> Self {
        Self { annotations, ..self.clone() }
    }

    /// The same with this config, where none was named.
    pub(super) fn with_config(&self, config: Option<PathBuf>) -> Self {
        let mut same = self.clone();
        same.global.config = same.global.config.or(config);
        same
    }

    /// The same in another directory, where its own config is found.
    pub(super) fn in_directory(&self, directory: PathBuf) -> Self {
        let mut same = self.clone();
        if directory != same.directory {
            same.global.directory = Some(directory.clone());
        }
        same.directory = directory;
        same.global.config = None;
        same
    }

    pub(super) fn load_request(&self) -> LoadRequest {
        LoadRequest {
            start: self.directory.clone(),
            explicit: self.config(),
            home: self.env.absolute(env::HOME),
            remotes: self.user.remotes.clone(),
        }
    }

    /// What to type for the same project, up to where a command would stand.
    pub(super) fn program(&self) -> String {
        let options = [("-C", &self.global.directory), ("-c", &self.global.config)];
        options.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?))).fold(
            "local-ci".to_owned(),
            // A path that is no text cannot be typed; what is shown of it is at least recognisable.
            |program, (option, path)| format!("{program} {option} {}", printable(&quote(&path.to_string_lossy()))),
        )
    }

    /// Who answers for the plugins of a project.
    pub(super) fn supplier(&self) -> &dyn Supplier {
        let supplier = || {
            let policy = self.user.plugin_policy.clone();
            let (is_locked, verbose) = (self.global.locked, self.global.verbose > 0);
            let rules = Rules { policy, is_locked, verbose, in_passing: false };
            // What they say while they make stages; a stage of theirs has a log for it.
            plugins::supplier(self.env, rules, |line| output::say(&printable(line)))
        };
        &**self.supplier.get_or_init(supplier)
    }

    /// Reads the project. What a person should know of its config is said where it is planned or validated.
    pub(super) fn project(&self) -> Result<Project, CliError> {
        Ok(prepare::open(&self.load_request(), self.supplier())?)
    }

    /// Where runs and ad-hoc jobs are looked for: no config is needed, and one with faults is no hindrance. A config that
    /// was named has to be there.
    pub(super) fn anchor(&self) -> Result<Anchor, CliError> {
        let request = self.load_request();
        match prepare::open(&request, self.supplier()) {
            Ok(project) => Ok(Anchor { root: project.root.clone(), project: Some(project), fault: None }),
            Err(error @ ConfigError::NotFound(_)) if request.explicit.is_some() => Err(error.into()),
            Err(ConfigError::NotFound(_)) => Ok(Anchor { root: prepare::locate(&request), project: None, fault: None }),
            Err(fault) => Ok(Anchor { root: prepare::locate(&request), project: None, fault: Some(fault) }),
        }
    }

    /// Says of a project without a config what its stages come from, where they are looked at.
    pub(super) fn say_detected(&self, project: &Project) {
        if let Some(detected) = &project.detected {
            let (kinds, program) = (detected.kinds.join(", "), self.program());
            output::say(&printable(&format!("no local-ci.toml: detected {kinds}; `{program} init` writes it out")));
        }
    }

    /// The project's state, for commands that look at runs. There need not be any.
    pub(super) fn state(&self, root: &Path) -> Result<ProjectDir, CliError> {
        let state = ProjectDir::new(&self.state_dir()?, root);
        if let Err(newer) = format::check(&state)
            && !self.told_newer.replace(true)
        {
            let name = state.path().display();
            output::warning(&format!("{name} was {newer}: what is shown may not be all of it; update this one"));
        }
        Ok(state)
    }

    /// The state of all projects.
    pub(super) fn state_dir(&self) -> Result<PathBuf, CliError> {
        state_dir(self.env).ok_or_else(|| {
            CliError::infrastructure(
                "no history is kept: none of LOCAL_CI_STATE_DIR, XDG_STATE_HOME and HOME is an absolute path",
            )
            .or_try("set LOCAL_CI_STATE_DIR to a directory, and run again")
        })
    }

    /// Foretells how long a plan's stages take, where the history knows. Says what a person should know of the history;
    /// nothing of it fails a run.
    pub(super) fn foretell(&self, root: &Path, plan: &mut Plan) -> Vec<String> {
        // That there is no state directory is said where a run would be put into it.
        let Some(state) = state_dir(self.env) else { return Vec::new() };
        let past = past::glance(&ProjectDir::new(&state, root), root);
        past.foretell(plan);
        past.warnings()
    }

    /// Whether a person sits here: there is a terminal to ask on, and nothing says that this is CI.
    pub(super) fn is_interactive(&self) -> bool {
        !self.env.is_ci() && File::options().read(true).write(true).open("/dev/tty").is_ok()
    }

    /// Plans what was asked for, and says what a person should know of the plan.
    pub(super) fn plan(&self, project: &Project, selection: &Selection) -> Result<Plan, CliError> {
        let request = Request {
            jobs: selection.jobs.or(project.pipeline.run().jobs).or(self.user.jobs),
            flaky: selection.flaky,
            fail_fast: match (selection.fail_fast, selection.keep_going) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => None,
            },
            timeout: selection.timeout,
            ..selection.request()
        };
        let plan = project.plan(&request, self.env)?;
        project.warnings.iter().chain(&plan.warnings).for_each(|text| output::warning(text));
        Ok(plan)
    }
}
