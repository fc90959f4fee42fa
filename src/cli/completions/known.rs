//! What can be named in the project that the line is about: its stages, profiles and tags, and its runs.
//!
//! Looked up when first asked for, and read only. What cannot be read is as good as not there.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

use super::shell::Candidate;
use crate::clock::{Clock, SystemClock};
use crate::config::{LoadRequest, Supplier};
use crate::env::Env;
use crate::ids::RunNumber;
use crate::journal::header::Header;
use crate::journal::layout::{ProjectDir, state_dir};
use crate::journal::state::{self, RunState};
use crate::outcome::Verdict;
use crate::pipeline::Action;
use crate::pipeline::remote::Remote;
use crate::plan::{command_text, quote};
use crate::report::Ago;
use crate::session::jobs::{self, AdHoc};
use crate::session::plugins::declared::Declared;
use crate::session::prepare::{self, Project};
use crate::session::runs::{self, Run};

/// How many runs are offered. Who wants an older one knows its number.
const RUNS: usize = 20;

/// The project of a line.
pub(super) struct Known {
    request: LoadRequest,
    supplier: Box<dyn Supplier>,
    state: Option<PathBuf>,
    project: OnceCell<Option<Project>>,
}

impl Known {
    pub(super) fn new(request: LoadRequest, supplier: Box<dyn Supplier>, env: &Env) -> Self {
        Self { request, supplier, state: state_dir(env), project: OnceCell::new() }
    }

    fn project(&self) -> Option<&Project> {
        self.project.get_or_init(|| prepare::open(&self.request, &*self.supplier).ok()).as_ref()
    }

    /// Stages, and matrix stages for all their cells, in the order of the config.
    pub(super) fn stages(&self) -> Vec<Candidate> {
        let Some(project) = self.project() else { return Vec::new() };
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut matrices = BTreeSet::new();
        for stage in project.pipeline.stages().values() {
            if stage.declared != stage.name && matrices.insert(&stage.declared) {
                let help = "all cells of the matrix".to_owned();
                candidates.push(Candidate { value: stage.declared.to_string(), help });
            }
            let help = stage.description.clone().unwrap_or_else(|| match &stage.action {
                Action::Run(command) => command_text(command).lines().next().unwrap_or_default().to_owned(),
                Action::Use(used) => format!("uses {}", used.name()),
            });
            candidates.push(Candidate { value: stage.name.to_string(), help });
        }
        candidates
    }

    pub(super) fn profiles(&self) -> Vec<Candidate> {
        let profiles = self.project().map(|project| project.pipeline.profiles().iter());
        let candidate = |(name, profile): (&String, &crate::pipeline::Profile)| Candidate {
            value: name.clone(),
            help: profile.description.clone().unwrap_or_default(),
        };
        profiles.into_iter().flatten().map(candidate).collect()
    }

    /// Those of the project and of the user; where there is no project, the user's.
    pub(super) fn remotes(&self) -> Vec<Candidate> {
        let remotes = self.project().map_or(&self.request.remotes, |project| project.pipeline.remotes());
        let help = |remote: &Remote| remote.description.clone().unwrap_or_else(|| remote.destination.to_string());
        remotes.iter().map(|(name, remote)| Candidate { value: name.clone(), help: help(remote) }).collect()
    }

    /// Plugins of the config, also where something else is wrong with it.
    pub(super) fn plugins(&self) -> Vec<Candidate> {
        let plugins = Declared::read(&self.request).map(|declared| declared.plugins).unwrap_or_default();
        plugins.into_values().map(|plugin| Candidate { help: plugin.source.to_string(), value: plugin.name }).collect()
    }

    pub(super) fn tags(&self) -> Vec<Candidate> {
        let stages = self.project().map(|project| project.pipeline.stages().values());
        let tags: BTreeSet<&String> = stages.into_iter().flatten().flat_map(|stage| &stage.tags).collect();
        tags.into_iter().map(|tag| Candidate { value: tag.clone(), help: String::new() }).collect()
    }

    /// Where the runs are, without a config and in spite of a broken one, too.
    fn runs_dir(&self) -> Option<ProjectDir> {
        let root = || self.project().map_or_else(|| prepare::locate(&self.request), |project| project.root.clone());
        Some(ProjectDir::new(self.state.as_deref()?, &root()))
    }

    /// Commands that were added, by the names that were made up for them.
    pub(super) fn added(&self) -> Vec<Candidate> {
        let jobs = self.runs_dir().and_then(|dir| jobs::read(&dir).ok()).unwrap_or_default();
        let candidate = |job: AdHoc| {
            let help = command_text(&job.command()).lines().next().unwrap_or_default().to_owned();
            Candidate { value: job.name.to_string(), help }
        };
        jobs.into_iter().map(candidate).collect()
    }

    /// Runs by number, the newest first, with what came of each; `latest` before them.
    pub(super) fn runs(&self) -> Vec<Candidate> {
        let Some(dir) = self.runs_dir() else { return Vec::new() };
        let numbers = dir.numbers().unwrap_or_default();
        let runs: Vec<Candidate> =
            numbers.into_iter().rev().take(RUNS).filter_map(|number| candidate(&dir, number)).collect();
        let latest = runs
            .first()
            .map(|run| Candidate { value: "latest".to_owned(), help: format!("run {}: {}", run.value, run.help) });
        latest.into_iter().chain(runs).collect()
    }

    /// Runs that go on.
    pub(super) fn active(&self) -> Vec<Candidate> {
        let Some(dir) = self.runs_dir() else { return Vec::new() };
        let numbers = runs::active(&dir).unwrap_or_default();
        numbers.into_iter().rev().filter_map(|number| candidate(&dir, number)).collect()
    }

    /// The jobs that run now, in runs of which this holds.
    pub(super) fn active_jobs(&self, is_meant: impl Fn(&Run) -> bool) -> Vec<Candidate> {
        let runs = self.active_runs();
        let jobs = runs.iter().filter(|run| is_meant(run)).flat_map(|run| {
            let state = if run.view.is_paused() { "paused" } else { "running" };
            let help = format!("{state} in run {}", run.number);
            let running = run.view.running();
            let names: Vec<String> = running.iter().filter_map(|id| Some(run.names.get(*id)?.to_string())).collect();
            names.into_iter().map(move |value| Candidate { value, help: help.clone() })
        });
        jobs.collect()
    }

    /// Runs that stand still, and the jobs in them.
    pub(super) fn paused(&self) -> Vec<Candidate> {
        let is_paused = |run: &Run| run.view.is_paused();
        let paused: Vec<String> =
            self.active_runs().iter().filter(|run| is_paused(run)).map(|run| run.number.to_string()).collect();
        let runs = self.active().into_iter().filter(|run| paused.contains(&run.value));
        runs.chain(self.active_jobs(is_paused)).collect()
    }

    fn active_runs(&self) -> Vec<Run> {
        let Some(dir) = self.runs_dir() else { return Vec::new() };
        let numbers = runs::active(&dir).unwrap_or_default();
        numbers.into_iter().rev().filter_map(|number| runs::read(&dir, number).ok()).collect()
    }

    /// The stages of one run, as `42/test`.
    pub(super) fn stages_of(&self, run: &str) -> Vec<Candidate> {
        let number = |dir: &ProjectDir| match run {
            "latest" => dir.numbers().ok()?.pop(),
            number => number.parse().ok().map(RunNumber),
        };
        let header = self.runs_dir().and_then(|dir| Header::read(&dir.run(number(&dir)?)).ok());
        let stages = header.into_iter().flat_map(|header| header.stages);
        let help = |stage: &crate::journal::header::HeaderStage| command_text(&stage.command);
        let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
        stages.map(|stage| Candidate { value: format!("{run}/{}", stage.name), help: first(help(&stage)) }).collect()
    }
}

/// A run: what came of it, when it was started, and what was typed for it.
fn candidate(dir: &ProjectDir, number: RunNumber) -> Option<Candidate> {
    let run = dir.run(number);
    let header = Header::read(&run).ok()?;
    let came_to = match state::of(&run).ok()? {
        RunState::Queued => "queued",
        RunState::Running if runs::read(dir, number).is_ok_and(|run| run.view.is_paused()) => "paused",
        RunState::Running => "running",
        RunState::Lost => "lost",
        RunState::Finished { verdict, .. } => match verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Cancelled { .. } => "cancelled",
            Verdict::Errored => "could not be run",
            Verdict::Lost => "lost",
        },
    };
    let age = Ago(SystemClock.now().unix_ms.saturating_sub(header.started.unix_ms));
    let typed: Vec<String> = header.argv.iter().skip(1).map(|word| quote(word)).collect();
    let typed = if typed.is_empty() { "all stages".to_owned() } else { typed.join(" ") };
    let help = format!("{came_to}, {age}: {typed}");
    Some(Candidate { value: number.to_string(), help })
}
