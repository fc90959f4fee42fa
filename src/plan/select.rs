//! What was asked for: from names, globs, tags and a profile to stages.
//!
//! Everything asked for is added up: `--tag slow fmt` is `fmt` and all that has the tag. What is left out is
//! taken away at the end, and wins. Needs, conditions and order are no business of this module.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::error::{PlanError, nearest};
use super::pattern::{compile, is_glob};
use crate::ids::{DenseMap, StageId, StageName};
use crate::pipeline::{Flaky, Pipeline, Profile};
use crate::plan::Reason;

/// What the user wants to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Names, globs, or the names of matrix stages, which stand for all their cells.
    pub stages: Vec<String>,
    /// Tags; every stage that has one of them.
    pub tags: Vec<String>,
    /// A profile of the config.
    pub profile: Option<String>,
    /// Names, globs or matrix stages to leave out.
    pub skip: Vec<String>,
    /// Whether to leave out what the stages need.
    pub only: bool,
    /// Whether to leave out what no change affects, as far as it is known what has changed.
    pub changed: bool,
    /// The base that is compared with, where one was named.
    pub base: Option<String>,
    /// Whether stages that have a `fix` run it.
    pub fix: bool,
    /// Arguments for the one stage that is asked for.
    pub args: Vec<String>,
    /// Slots.
    pub jobs: Option<u32>,
    /// Whether the first failure cancels the rest.
    pub fail_fast: Option<bool>,
    /// What a stage is worth that passed only at another attempt.
    pub flaky: Option<Flaky>,
    /// How long the whole run may take.
    pub timeout: Option<Duration>,
    /// Where they run instead of where they say, and how.
    pub elsewhere: Elsewhere,
}

/// What a request says of the machines that stages run on. What it does not say is as the config has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Where all stages run: a remote of the pipeline, `[user@]host[:port]`, or `local`.
    pub remote: Option<String>,
    /// The tmux session, of the one remote of the plan.
    pub session: Option<String>,
    /// How long one operation over its line may take.
    pub timeout: Option<Duration>,
    /// The project's directory there.
    pub dir: Option<String>,
}

/// The option that leaves stages out.
pub(super) const SKIP: &str = "--skip";

/// A request with its names looked up.
pub(super) struct Selection {
    /// By stage, what asked for it; nothing where nothing did.
    pub(super) asked: DenseMap<StageId, Vec<Reason>>,
    /// By stage, what leaves it out, such as `--skip`.
    pub(super) skip: DenseMap<StageId, Option<String>>,
    /// What a person should know about the request.
    pub(super) warnings: Vec<String>,
}

impl Selection {
    /// Looks up what a request asks for. At least one stage is asked for, and maybe left out again.
    pub(super) fn new(pipeline: &Pipeline, request: &Request) -> Result<Self, PlanError> {
        let stages = pipeline.stages();
        if stages.is_empty() {
            return Err(PlanError::NoStages);
        }
        let names = Names::new(pipeline);
        let mut selection = Self {
            asked: DenseMap::filled(stages.len(), Vec::new()),
            skip: DenseMap::filled(stages.len(), None),
            warnings: Vec::new(),
        };
        for text in &request.stages {
            selection.ask(&names.find_some(text)?, text);
        }
        for tag in &request.tags {
            let tagged = names.tagged(tag);
            if tagged.is_empty() {
                let known: BTreeSet<&String> = stages.values().flat_map(|stage| &stage.tags).collect();
                return Err(PlanError::UnmatchedTag {
                    tag: tag.clone(),
                    nearest: nearest(tag, known.iter().map(|known| known.as_str())),
                    known: known.into_iter().cloned().collect(),
                });
            }
            selection.ask(&tagged, &format!("--tag {tag}"));
        }
        if let Some(name) = &request.profile {
            let profile = pipeline.profiles().get(name).ok_or_else(|| {
                let known: Vec<String> = pipeline.profiles().keys().cloned().collect();
                PlanError::UnknownProfile {
                    name: name.clone(),
                    nearest: nearest(name, known.iter().map(String::as_str)),
                    known,
                }
            })?;
            selection.apply_profile(&names, name, profile)?;
        }
        let asks_for_none = |profile: &Profile| profile.stages.is_empty() && profile.tags.is_empty();
        let profile = request.profile.as_ref().and_then(|name| pipeline.profiles().get(name));
        if request.stages.is_empty() && request.tags.is_empty() && profile.is_none_or(asks_for_none) {
            let mut any = false;
            for (id, _) in stages.iter().filter(|(_, stage)| stage.default) {
                selection.asked[id].push(Reason::Default);
                any = true;
            }
            if !any {
                return Err(PlanError::NoDefaultStages);
            }
        }
        // After the profile's, so that the command line is what is named where both leave a stage out.
        for text in &request.skip {
            selection.leave_out(&names.find_some(text)?, SKIP);
        }
        Ok(selection)
    }

    fn apply_profile(&mut self, names: &Names<'_>, name: &str, profile: &Profile) -> Result<(), PlanError> {
        let by = format!("--profile {name}");
        let mut any = profile.stages.is_empty() && profile.tags.is_empty();
        for text in &profile.stages {
            let found = names.find_in_profile(text, name)?;
            self.warn_if_none(&found, name, text);
            any |= !found.is_empty();
            self.ask(&found, &by);
        }
        for tag in &profile.tags {
            let found = names.tagged(tag);
            self.warn_if_none(&found, name, tag);
            any |= !found.is_empty();
            self.ask(&found, &by);
        }
        if !any {
            return Err(PlanError::EmptyProfile { name: name.to_owned() });
        }
        for text in &profile.skip {
            let found = names.find_in_profile(text, name)?;
            self.warn_if_none(&found, name, text);
            self.leave_out(&found, &by);
        }
        Ok(())
    }

    fn warn_if_none(&mut self, found: &[StageId], profile: &str, text: &str) {
        if found.is_empty() {
            self.warnings.push(format!("{text:?} in the profile {profile:?} matches no stage"));
        }
    }

    fn ask(&mut self, stages: &[StageId], by: &str) {
        for id in stages {
            let reason = Reason::Asked { by: by.to_owned() };
            if !self.asked[*id].contains(&reason) {
                self.asked[*id].push(reason);
            }
        }
    }

    fn leave_out(&mut self, stages: &[StageId], by: &str) {
        for id in stages {
            self.skip[*id] = Some(by.to_owned());
        }
    }
}

/// The names of a pipeline, to be looked up.
struct Names<'a> {
    pipeline: &'a Pipeline,
    /// Stages by name and, for matrix cells, by the name that stands in the config.
    by_name: HashMap<&'a str, Vec<StageId>>,
}

impl<'a> Names<'a> {
    fn new(pipeline: &'a Pipeline) -> Self {
        let mut by_name: HashMap<&str, Vec<StageId>> = HashMap::with_capacity(pipeline.stages().len());
        for (id, stage) in pipeline.stages().iter() {
            by_name.entry(stage.name.as_str()).or_default().push(id);
            if stage.declared != stage.name {
                by_name.entry(stage.declared.as_str()).or_default().push(id);
            }
        }
        Self { pipeline, by_name }
    }

    /// The stages that a name, a glob or a matrix stage's name means, in order of declaration; a glob may mean none.
    fn find(&self, text: &str) -> Result<Vec<StageId>, PlanError> {
        if is_glob(text) {
            let glob = compile(text)?;
            let matches = |name: &StageName| glob.is_match(name.as_str());
            let stages = self.pipeline.stages().iter();
            return Ok(stages.filter(|(_, s)| matches(&s.name) || matches(&s.declared)).map(|(id, _)| id).collect());
        }
        self.by_name.get(text).cloned().ok_or_else(|| PlanError::UnknownStage {
            name: text.to_owned(),
            nearest: nearest(text, self.by_name.keys().copied()),
            from: None,
        })
    }

    /// As [`Names::find`], where it must be at least one.
    fn find_some(&self, text: &str) -> Result<Vec<StageId>, PlanError> {
        let found = self.find(text)?;
        if found.is_empty() { Err(PlanError::UnmatchedGlob { glob: text.to_owned() }) } else { Ok(found) }
    }

    /// As [`Names::find`], for what stands in a profile.
    fn find_in_profile(&self, text: &str, profile: &str) -> Result<Vec<StageId>, PlanError> {
        self.find(text).map_err(|error| match error {
            PlanError::UnknownStage { name, nearest, .. } => {
                PlanError::UnknownStage { name, nearest, from: Some(profile.to_owned()) }
            }
            other => other,
        })
    }

    fn tagged(&self, tag: &str) -> Vec<StageId> {
        let stages = self.pipeline.stages().iter();
        stages.filter(|(_, stage)| stage.tags.iter().any(|t| t == tag)).map(|(id, _)| id).collect()
    }
}
