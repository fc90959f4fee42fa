//! The stages themselves, from what was declared for each and for all.

use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};

use toml::Spanned;

use super::abilities::Plugins;
use super::action::{Doing, Uses, action};
use super::environment::{EnvFiles, Environments};
use super::matrix::{Cell, Declared, Layout};
use super::observers::Observers;
use super::{command, globs, hook_name, secrets};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::nearest::nearest;
use crate::config::schema::{self, Defaults, Document};
use crate::config::value::scalar::Scalar;
use crate::config::value::words::{SYSTEMS, Variables};
use crate::config::visible::visible_line;
use crate::ids::{DenseId, DenseMap, StageId};
use crate::pipeline::matcher::Annotate;
use crate::pipeline::remote::Remote;
use crate::pipeline::{Action, Command, Placement, Policy, Stage, When};

/// The stages of a pipeline to be.
pub(super) type Stages = DenseMap<StageId, Stage>;

/// What the stages are made of.
pub(super) struct Inputs<'a, 'd> {
    pub(super) document: &'d Document,
    pub(super) layout: &'a Layout<'d>,
    pub(super) files: &'a dyn EnvFiles,
    /// The user's own remotes, which a stage may name as well.
    pub(super) remotes: &'a BTreeMap<String, Remote>,
    /// Who reads what stages print.
    pub(super) observers: &'a Observers<'a>,
}

/// Builds all stages, in the order of their numbers.
pub(super) fn build(
    inputs: &Inputs<'_, '_>,
    mut needs: DenseMap<StageId, Vec<StageId>>,
    plugins: &mut Plugins<'_, '_>,
    faults: &mut FaultList,
) -> Stages {
    let Inputs { document, layout, files, remotes, observers } = *inputs;
    let mut environments = Environments::new(document, files, faults);
    let shared = Shared::new(document, remotes, observers, plugins, faults);
    let mut stages = Stages::new();
    for declared in &layout.declared {
        let Some(Template { stage: mut template, mut uses }) = shared.template(declared, inputs, plugins, faults)
        else {
            continue;
        };
        let env_file = declared.stage.env_file.as_ref().or(document.defaults.env_file.as_ref());
        let env = environments.of_stage(declared, env_file.map_or(&[][..], |words| &words.0), faults);
        for (i, cell) in declared.cells.iter().enumerate() {
            if let Some(needs) = needs.get_mut(StageId::from_index(declared.first + i)) {
                template.needs = std::mem::take(needs);
            }
            let mut stage = of_cell(&template, cell);
            stage.env = env.of_cell(cell);
            if let Some(uses) = &mut uses {
                uses.settle(&mut stage, cell, plugins, faults);
            }
            if let Some(dir) = declared.stage.dir.as_ref().filter(|_| !declared.variables.is_empty()) {
                stage.dir = cell_directory(dir, cell, faults);
            }
            stages.push(stage);
        }
    }
    stages
}

/// A stage as all its cells have it.
struct Template<'d> {
    stage: Stage,
    /// What it uses of a plugin, if it does; then the stage has no action yet.
    uses: Option<Uses<'d>>,
}

/// One cell of a stage.
fn of_cell(template: &Stage, cell: &Cell) -> Stage {
    let fill = |text: &String| command::fill(text, &cell.values);
    let fill_command = |command: &Command| command::fill_command(command, &cell.values);
    let mut stage = template.clone();
    stage.name = cell.name.clone();
    stage.description = stage.description.as_ref().map(fill);
    stage.action = match &stage.action {
        Action::Run(command) => Action::Run(fill_command(command)),
        Action::Use(used) => Action::Use(used.clone()),
    };
    stage.fix = stage.fix.as_ref().map(fill_command);
    stage.matrix.clone_from(&cell.values);
    stage
}

/// What `[defaults]` comes to, checked once.
struct Shared {
    when: When,
    inputs: Vec<String>,
    shell: Vec<String>,
    dir: PathBuf,
    remotes: Names,
    annotate: Vec<Annotate>,
    secrets: Vec<String>,
}

impl Shared {
    fn new(
        document: &Document,
        remotes: &BTreeMap<String, Remote>,
        observers: &Observers<'_>,
        plugins: &mut Plugins<'_, '_>,
        faults: &mut FaultList,
    ) -> Self {
        let (defaults, excused) = (&document.defaults, &document.excused);
        let remotes = document.remotes.0.iter().map(|(name, _)| name.get_ref()).chain(remotes.keys());
        // Checked here and not with each stage that takes them over, so that a fault is told once.
        let shared = Self {
            when: defaults.when.as_ref().map_or_else(Default::default, |when| check_when(when, faults)),
            inputs: globs::check(defaults.inputs.as_deref().unwrap_or_default(), faults),
            shell: command::shell(defaults.shell.as_ref(), faults),
            dir: defaults.dir.as_ref().map_or_else(PathBuf::new, |dir| directory(dir, &[], faults)),
            remotes: Names::of(remotes, excused),
            annotate: observers.named(defaults.annotate.as_deref().unwrap_or_default(), plugins, faults),
            secrets: secrets::named(defaults.secrets.as_deref().unwrap_or_default(), document, faults),
        };
        if let Some(on) = &defaults.on {
            shared.remotes.check(on, faults);
        }
        shared
    }

    /// The stage as all its cells have it. Nothing if its faults leave nothing to build.
    fn template<'d>(
        &self,
        declared: &Declared<'d>,
        inputs: &Inputs<'_, '_>,
        plugins: &mut Plugins<'_, '_>,
        faults: &mut FaultList,
    ) -> Option<Template<'d>> {
        let stage = declared.stage;
        let Inputs { document, observers, .. } = *inputs;
        let defaults = &document.defaults;
        let variables = declared.variables.as_slice();
        let shell = match &stage.shell {
            Some(shell) => command::shell(Some(shell), faults),
            None => self.shell.clone(),
        };
        let action = action(declared, &shell, plugins, faults);
        let fix = stage.fix.as_ref().and_then(|fix| command::command("fix", fix, &shell, declared, faults));
        if let Some(description) = &stage.description {
            command::text(description.get_ref(), "description", &description.span(), variables, faults);
        }
        let dir = match &stage.dir {
            Some(dir) => directory(dir, variables, faults),
            None => self.dir.clone(),
        };
        let when = match &stage.when {
            Some(when) => check_when(when, faults),
            None => self.when.clone(),
        };
        if let Some(on) = &stage.on {
            self.remotes.check(on, faults);
        }
        let inputs = stage.inputs.as_ref().map_or_else(|| self.inputs.clone(), |globs| globs::check(globs, faults));
        let outputs = globs::check_inside(&stage.outputs, faults);
        let on = stage.on.as_ref().or(defaults.on.as_ref());
        let secrets = match &stage.secrets {
            Some(names) => secrets::named(names, document, faults),
            None => self.secrets.clone(),
        };
        let annotate = match &stage.annotate {
            Some(names) => observers.named(names, plugins, faults),
            None => self.annotate.clone(),
        };
        let name = declared.name.clone()?;
        let mut built = Stage::new(name, Command::Argv(Vec::new()));
        let uses = match action? {
            Doing::Run(command) => {
                built.action = Action::Run(command);
                None
            }
            Doing::Use(uses) => Some(uses),
        };
        built.description = stage.description.as_ref().map(|text| text.get_ref().clone());
        built.fix = fix;
        built.dir = dir;
        built.policy = policy(stage, defaults);
        built.when = when;
        built.tags = stage.tags.as_ref().or(defaults.tags.as_ref()).cloned().unwrap_or_default();
        built.placement = on.map_or(Placement::Local, |on| Placement::Remote(on.get_ref().clone()));
        built.default = stage.default.unwrap_or(true);
        built.inputs = inputs;
        built.outputs = outputs;
        built.annotate = annotate;
        built.secrets = secrets;
        Some(Template { stage: built, uses })
    }
}

fn policy(stage: &schema::Stage, defaults: &Defaults) -> Policy {
    let plain = Policy::default();
    Policy {
        timeout: stage.timeout.or(defaults.timeout).and_then(|limit| limit.0),
        grace: stage.grace.or(defaults.grace).map_or(plain.grace, |span| span.0),
        retries: stage.retries.or(defaults.retries).unwrap_or(plain.retries),
        retry_delay: stage.retry_delay.or(defaults.retry_delay).map_or(plain.retry_delay, |span| span.0),
        allow_failure: stage.allow_failure.or(defaults.allow_failure).unwrap_or(plain.allow_failure),
        threads: stage.threads.or(defaults.threads).map_or(plain.threads, Into::into),
        locks: stage.locks.as_ref().or(defaults.locks.as_ref()).cloned().unwrap_or_default(),
        log_max: stage.log_max.or(defaults.log_max).map_or(plain.log_max, |size| size.0),
        leak: stage.leak.or(defaults.leak).unwrap_or(plain.leak),
        // What holds for all stages is for those that a terminal means something to.
        pty: stage
            .pty
            .as_ref()
            .map(|pty| *pty.get_ref())
            .or(defaults.pty.filter(|_| stage.uses.is_none()))
            .unwrap_or(plain.pty),
        interactive: stage.interactive.as_ref().map_or(plain.interactive, |on| *on.get_ref()),
        jobserver: stage.jobserver.or(defaults.jobserver).unwrap_or(plain.jobserver),
    }
}

/// The names of remotes.
struct Names {
    defined: HashSet<String>,
    excused: HashSet<String>,
}

impl Names {
    fn of<'n>(names: impl Iterator<Item = &'n String>, excused: &HashSet<String>) -> Self {
        Self { defined: names.cloned().collect(), excused: excused.clone() }
    }

    /// That a name is one of them.
    fn check(&self, name: &Spanned<String>, faults: &mut FaultList) {
        if self.defined.contains(name.get_ref()) || self.excused.contains(name.get_ref()) {
            return;
        }
        let shown = visible_line(name.get_ref());
        let text = format!("there is no remote `{shown}`");
        let fault = Fault::new(Code::UnknownRemote, text, name.span(), "not in [remotes]");
        faults.push(match nearest(name.get_ref(), self.defined.iter().map(String::as_str)) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help(format!("define it as [remotes.{shown}]")),
        });
    }
}

/// A directory inside the project, without `.` and `..`.
fn directory(dir: &Spanned<String>, variables: &[&str], faults: &mut FaultList) -> PathBuf {
    command::text(dir.get_ref(), "dir", &dir.span(), variables, faults);
    inside(dir.get_ref()).unwrap_or_else(|| {
        faults.push(outside(dir, dir.get_ref()));
        PathBuf::new()
    })
}

/// The directory of one cell: its values could lead out of the project.
fn cell_directory(dir: &Spanned<String>, cell: &Cell, faults: &mut FaultList) -> PathBuf {
    let filled = command::fill(dir.get_ref(), &cell.values);
    inside(&filled).unwrap_or_else(|| {
        // A directory that is wrong before it is filled in has its fault already.
        if inside(dir.get_ref()).is_some() {
            faults.push(outside(dir, &filled));
        }
        PathBuf::new()
    })
}

fn outside(dir: &Spanned<String>, text: &str) -> Fault {
    let message = format!("`dir` is not inside the project: {}", visible_line(text));
    let fault = Fault::new(Code::BadDirectory, message, dir.span(), "here");
    fault.help("give a path relative to the project's directory, such as dir = \"crates/core\"")
}

/// The path without `.` and `..`, if it stays inside.
fn inside(text: &str) -> Option<PathBuf> {
    if text.starts_with('~') {
        return None;
    }
    let mut path = PathBuf::new();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => path.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

fn check_when(when: &schema::When, faults: &mut FaultList) -> When {
    let mut checked = When { ci: when.ci, ..When::default() };
    if let Some(systems) = &when.os {
        for system in &systems.0 {
            if !SYSTEMS.contains(&system.get_ref().as_str()) {
                faults.push(unknown_system(system));
            }
        }
        checked.os = Some(systems.0.iter().map(|system| system.get_ref().clone()).collect());
    }
    if let Some(branches) = &when.branch {
        checked.branch = Some(globs::check(&branches.0, faults));
    }
    let variables: Vec<(&Spanned<String>, Option<&Scalar>)> = match &when.env {
        None => Vec::new(),
        Some(Variables::Names(names)) => names.iter().map(|name| (name, None)).collect(),
        Some(Variables::Values(pairs)) => pairs.0.iter().map(|(name, value)| (name, Some(value))).collect(),
    };
    for (name, value) in variables {
        super::environment::check(name, value.map_or("", |Scalar(text)| text), &name.span(), faults);
        checked.env.insert(name.get_ref().clone(), value.map(|Scalar(text)| text.clone()));
    }
    if let Some(changed) = &when.changed {
        checked.changed = Some(globs::check(&changed.0, faults));
    }
    if let Some(names) = &when.hook {
        names.0.iter().for_each(|name| hook_name::check(name, faults));
        checked.hook = Some(names.0.iter().map(|name| name.get_ref().clone()).collect());
    }
    checked
}

fn unknown_system(system: &Spanned<String>) -> Fault {
    let name = system.get_ref();
    let text = format!("`{}` is not an operating system that is known", visible_line(name));
    let fault = Fault::new(Code::UnknownValue, text, system.span(), format!("one of {}", SYSTEMS.join(", ")));
    let near = match name.to_ascii_lowercase().as_str() {
        "darwin" | "osx" | "mac" => Some("macos"),
        "win" | "win32" | "win64" => Some("windows"),
        _ => nearest(name, SYSTEMS.iter().copied()),
    };
    match near {
        Some(near) => fault.help(format!("did you mean \"{near}\"?")),
        None => fault,
    }
}
