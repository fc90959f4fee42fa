//! From a pipeline and a request to a plan.
//!
//! A stage that is asked for pulls in what it needs, unless it is skipped by condition. What is left out, by
//! `--skip` or `--only`, and what is skipped by condition counts as satisfied. The order through it is kept all the
//! same: with `build → test → deploy` and `--skip test`, `deploy` waits for `build` where `build` is in the plan.

use std::collections::VecDeque;
use std::collections::{BTreeMap, BTreeSet};

use super::changed::{Changed, Effect, effect};
use super::command::uses_arguments;
use super::error::{PlanError, enumerate};
use super::facts::{Conditions, Facts, unmet};
use super::graph::Graph;
use super::placement::Placing;
use super::select::{Request, Selection};
use super::signature::{LOCAL, Work, signature};
use super::{Decision, Plan, PlannedStage, Reason};
use crate::ids::{DenseId, DenseMap, StageId, StageName};
use crate::outcome::SkipReason;
use crate::pipeline::matcher::Annotate;
use crate::pipeline::plugin::Ready;
use crate::pipeline::secret::DEFAULT_MASK;
use crate::pipeline::{Action, Command, DEFAULT_LOG_MAX, Pipeline, Stage};

/// The option that leaves out what stages need.
const ONLY: &str = "--only";
/// The operating system of all other machines.
const ELSEWHERE_OS: &str = "linux";
/// The lock that runs `fix` commands one at a time. No lock of a config clashes with it in practice: it is our option.
const FIX_LOCK: &str = "--fix";
/// The lock that gives a terminal to one stage at a time. A config that writes this name asks for just that.
const TERMINAL_LOCK: &str = "(terminal)";

/// What becomes of a stage of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing leads to it.
    Absent,
    /// Something leads to it, and this leaves it out.
    LeftOut(String),
    /// It is in the plan and does not run.
    Skipped(String),
    /// It is in the plan and runs.
    Runs,
}

/// Makes the plan of a request. The same input always gives the same plan.
pub fn build(pipeline: &Pipeline, request: &Request, facts: &Facts<'_>) -> Result<Plan, PlanError> {
    let mut selection = Selection::new(pipeline, request)?;
    let placing = Placing::new(pipeline, &request.elsewhere)?;
    let chosen = Chosen::new(pipeline, request, facts, &placing, &mut selection)?;
    let target = chosen.target_of_args(&selection, &request.args)?;

    let stages = pipeline.stages();
    let graph: Graph = stages.ids().map(|id| chosen.needs_in_plan(id)).collect();
    let order: Vec<StageId> = graph.order().into_iter().filter(|id| chosen.in_plan(*id)).collect();
    let mut place = DenseMap::filled(stages.len(), StageId(0));
    for (new, old) in order.iter().enumerate() {
        place[*old] = StageId::from_index(new);
    }
    let mut planned = DenseMap::new();
    for id in order {
        let args = if target == Some(id) { request.args.as_slice() } else { &[] };
        let mut needs: Vec<StageId> = graph.needs(id).iter().map(|need| place[*need]).collect();
        needs.sort_unstable();
        let reasons = std::mem::take(&mut selection.asked[id]);
        planned.push(chosen.plan_stage(id, reasons, needs, args));
    }
    let remotes = placing.remotes(planned.values())?;
    let reporters = pipeline.reporters().to_vec();
    let plugins = plugins(pipeline, &planned, &reporters);
    let runs = planned.values().filter(|stage| stage.runs());
    let wanted: BTreeSet<&String> = runs.flat_map(|stage| &stage.secrets).collect();
    let secrets = pipeline.secrets().iter().filter(|(name, _)| wanted.contains(name));
    let secrets = secrets.map(|(name, origin)| (name.clone(), origin.clone())).collect();
    let jobs = request.jobs.or(pipeline.run().jobs).unwrap_or(facts.cores).max(1);
    let mut plan = Plan {
        root: pipeline.root().to_owned(),
        stages: planned,
        jobs,
        fail_fast: request.fail_fast.or(pipeline.run().fail_fast).unwrap_or(false),
        flaky: request.flaky.or(pipeline.run().flaky).unwrap_or_default(),
        timeout: request.timeout.or(pipeline.run().timeout),
        left_out: chosen.left_out(),
        warnings: selection.warnings,
        remotes,
        plugins,
        reporters,
        secrets,
        mask: pipeline.run().mask.clone().unwrap_or_else(|| DEFAULT_MASK.map(str::to_owned).to_vec()),
    };
    plan.warnings.extend(chosen.warn_of_unknown_changes(request, facts));
    if let Changed::Known { since, .. } = &facts.changed
        && request.changed
        && !plan.has_work()
    {
        plan.warnings.push(format!("nothing runs: no stage is affected by what has changed since {since}"));
    }
    plan.warnings.extend(warn(&plan, request, target.map(|id| place[id])));
    Ok(plan)
}

/// The plugins that what runs of a plan uses, and those that are told of it.
fn plugins(
    pipeline: &Pipeline,
    stages: &DenseMap<StageId, PlannedStage>,
    reporters: &[String],
) -> BTreeMap<String, Ready> {
    let used = stages.values().filter(|stage| stage.runs()).flat_map(|stage| {
        let own = match &stage.command {
            Command::Plugin(used) => Some(&used.plugin),
            Command::Argv(_) | Command::Shell { .. } => None,
        };
        own.into_iter().chain(stage.annotate.iter().filter_map(Annotate::parser).map(|parser| &parser.plugin))
    });
    let ready = |name: &String| Some((name.clone(), pipeline.plugins().get(name)?.clone()));
    used.chain(reporters).filter_map(ready).collect()
}

/// The stages of a pipeline with what becomes of each.
struct Chosen<'a> {
    pipeline: &'a Pipeline,
    placing: &'a Placing<'a>,
    fix: bool,
    fates: DenseMap<StageId, Fate>,
}

impl<'a> Chosen<'a> {
    /// Follows needs from what is asked for. Adds to the selection's reasons who needed what else is in.
    fn new(
        pipeline: &'a Pipeline,
        request: &Request,
        facts: &Facts<'_>,
        placing: &'a Placing<'a>,
        selection: &mut Selection,
    ) -> Result<Self, PlanError> {
        let stages = pipeline.stages();
        let fates = DenseMap::filled(stages.len(), Fate::Absent);
        let mut chosen = Self { pipeline, placing, fix: request.fix, fates };
        let asked: DenseMap<StageId, bool> = selection.asked.values().map(|reasons| !reasons.is_empty()).collect();
        let mut globs = Conditions::default();
        // What was asked for and no change affects: it runs only where something else needs it.
        let mut unaffected: DenseMap<StageId, Option<String>> = DenseMap::filled(stages.len(), None);
        let mut left_out_by = None;
        let mut open = VecDeque::new();
        for id in stages.ids().filter(|id| asked[*id]) {
            if let Some(by) = &selection.skip[id] {
                chosen.fates[id] = Fate::LeftOut(by.clone());
                left_out_by = Some(by.clone());
                continue;
            }
            let inputs = &stages[id].inputs;
            match if request.changed {
                effect(inputs, &facts.changed, &mut globs.paths)?
            } else {
                Effect::Affected(None)
            } {
                Effect::Affected(reason) => {
                    selection.asked[id].extend(reason);
                    open.push_back(id);
                }
                Effect::Unaffected(why) => unaffected[id] = Some(why),
            }
        }
        if open.is_empty() && unaffected.values().all(Option::is_none) {
            return Err(PlanError::NothingLeft { left_out: chosen.left_out(), by: left_out_by.unwrap_or_default() });
        }
        while let Some(id) = open.pop_front() {
            if chosen.in_plan(id) {
                continue;
            }
            // What runs elsewhere runs on Linux: nothing else is reached.
            let os = if placing.executor(&stages[id]) == LOCAL { &facts.os } else { ELSEWHERE_OS };
            if let Some(why) = unmet(&stages[id].when, os, facts, &mut globs)? {
                chosen.fates[id] = Fate::Skipped(why);
                continue;
            }
            chosen.fates[id] = Fate::Runs;
            for need in stages[id].needs.iter().copied() {
                if let Some(by) = &selection.skip[need] {
                    chosen.fates[need] = Fate::LeftOut(by.clone());
                } else if request.only && !asked[need] {
                    chosen.fates[need] = Fate::LeftOut(ONLY.to_owned());
                } else if !asked[need] || !request.only && unaffected[need].is_some() {
                    let reason = Reason::NeededBy { stage: stages[id].name.clone() };
                    if selection.asked[need].last() != Some(&reason) {
                        selection.asked[need].push(reason);
                    }
                    open.push_back(need);
                }
            }
        }
        for (id, why) in unaffected.iter() {
            if let (Fate::Absent, Some(why)) = (&chosen.fates[id], why) {
                chosen.fates[id] = Fate::Skipped(why.clone());
            }
        }
        Ok(chosen)
    }

    fn in_plan(&self, id: StageId) -> bool {
        matches!(self.fates[id], Fate::Runs | Fate::Skipped(_))
    }

    fn names(&self, wanted: impl Fn(StageId) -> bool) -> Vec<StageName> {
        let stages = self.pipeline.stages().iter();
        stages.filter(|(id, _)| wanted(*id)).map(|(_, stage)| stage.name.clone()).collect()
    }

    fn left_out(&self) -> Vec<StageName> {
        self.names(|id| matches!(self.fates[id], Fate::LeftOut(_)))
    }

    fn fix_of<'s>(&self, stage: &'s Stage) -> Option<&'s Command> {
        stage.fix.as_ref().filter(|_| self.fix)
    }

    /// What a stage runs, but for arguments of the command line.
    fn command(&self, stage: &Stage) -> Command {
        match (self.fix_of(stage), &stage.action) {
            (Some(fix), _) => fix.clone(),
            (None, Action::Run(command)) => command.clone(),
            (None, Action::Use(used)) => Command::Plugin(used.clone()),
        }
    }

    /// What is said where nobody knows what has changed, and something depends on it.
    fn warn_of_unknown_changes(&self, request: &Request, facts: &Facts<'_>) -> Option<String> {
        let Changed::Unknown { why } = &facts.changed else { return None };
        if request.changed {
            return Some(format!("what has changed is not known, so that nothing is left out: {why}"));
        }
        let depends = self.names(|id| self.in_plan(id) && self.pipeline.stages()[id].when.changed.is_some());
        let depends: Vec<&str> = depends.iter().map(StageName::as_str).collect();
        let verb = if depends.len() == 1 { "runs" } else { "run" };
        let said = format!("what has changed is not known, so that {} {verb}: {why}", enumerate(&depends, "and"));
        (!depends.is_empty()).then_some(said)
    }

    /// The stage that `-- ARGS` go to.
    fn target_of_args(&self, selection: &Selection, args: &[String]) -> Result<Option<StageId>, PlanError> {
        if args.is_empty() {
            return Ok(None);
        }
        let is_asked = |id: StageId| {
            let by_need = |reason: &Reason| matches!(reason, Reason::NeededBy { .. });
            self.in_plan(id) && !selection.asked[id].iter().all(by_need)
        };
        let mut asked = self.pipeline.stages().ids().filter(|id| is_asked(*id));
        match (asked.next(), asked.next()) {
            (Some(only), None) => match self.command(&self.pipeline.stages()[only]) {
                Command::Plugin(used) => {
                    let stage = self.pipeline.stages()[only].name.clone();
                    Err(PlanError::ArgsForPlugin { stage, used: used.name() })
                }
                Command::Argv(_) | Command::Shell { .. } => Ok(Some(only)),
            },
            _ => Err(PlanError::ArgsForMany { asked: self.names(is_asked) }),
        }
    }

    /// What a stage of the plan waits for. A need that does not run hands on what it would have waited for itself;
    /// one that is skipped by condition stays besides, so that the plan shows it.
    fn needs_in_plan(&self, id: StageId) -> Vec<StageId> {
        let stages = self.pipeline.stages();
        let direct = || stages[id].needs.iter().copied();
        match self.fates[id] {
            Fate::Absent | Fate::LeftOut(_) => return Vec::new(),
            Fate::Skipped(_) => return direct().filter(|need| self.in_plan(*need)).collect(),
            Fate::Runs => {}
        }
        let mut needs: Vec<StageId> = direct().filter(|need| self.in_plan(*need)).collect();
        let mut passed: Vec<StageId> = direct().filter(|need| self.fates[*need] != Fate::Runs).collect();
        let mut seen: std::collections::HashSet<StageId> = passed.iter().copied().collect();
        while let Some(through) = passed.pop() {
            for need in stages[through].needs.iter().copied() {
                if !seen.insert(need) {
                    continue;
                }
                if self.fates[need] == Fate::Runs {
                    needs.push(need);
                } else {
                    passed.push(need);
                }
            }
        }
        needs
    }

    fn plan_stage(&self, id: StageId, mut reasons: Vec<Reason>, needs: Vec<StageId>, args: &[String]) -> PlannedStage {
        let stage = &self.pipeline.stages()[id];
        let mut policy = stage.policy.clone();
        let decision = match &self.fates[id] {
            Fate::Skipped(why) => Decision::Skip { reason: SkipReason::Condition { why: why.clone() } },
            Fate::Runs | Fate::Absent | Fate::LeftOut(_) => Decision::Run,
        };
        if self.fix_of(stage).is_some() && decision == Decision::Run {
            reasons.push(Reason::Fix);
            policy.locks.push(FIX_LOCK.to_owned());
        }
        let mut command = self.command(stage);
        if policy.interactive {
            policy.locks.push(TERMINAL_LOCK.to_owned());
            // Whoever has the terminal sees what the log gets, so a limit would leave them with a screen that stands still.
            policy.log_max = policy.log_max.max(DEFAULT_LOG_MAX);
        }
        match &mut command {
            Command::Argv(words) => words.extend_from_slice(args),
            Command::Shell { args: own, .. } => own.extend_from_slice(args),
            // Whoever gives it some was told that it takes none.
            Command::Plugin(_) => {}
        }
        if decision != Decision::Run {
            // It may be affected, and that is not why it does not run.
            reasons.retain(|reason| !matches!(reason, Reason::Changed { .. } | Reason::AnyChange { .. }));
        }
        if decision == Decision::Run {
            reasons.extend(stage.needs.iter().filter_map(|need| self.about_need(*need)));
        }
        let executor = self.placing.executor(stage);
        let (env, dir, secrets) = (&stage.env, stage.dir.as_path(), stage.secrets.as_slice());
        let work = Work { command: &command, env, dir, secrets, executor: &executor };
        PlannedStage {
            name: stage.name.clone(),
            decision,
            reasons,
            signature: signature(&work),
            command,
            needs,
            env: stage.env.clone(),
            dir: stage.dir.clone(),
            policy,
            executor,
            is_fix: self.fix_of(stage).is_some(),
            has_fix: stage.fix.is_some(),
            inputs: stage.inputs.clone(),
            inputs_digest: None,
            outputs: stage.outputs.clone(),
            annotate: stage.annotate.clone(),
            secrets: stage.secrets.clone(),
            estimate: None,
        }
    }

    /// What is special about a need.
    fn about_need(&self, need: StageId) -> Option<Reason> {
        let stage = &self.pipeline.stages()[need];
        let name = stage.name.clone();
        match &self.fates[need] {
            Fate::LeftOut(by) => Some(Reason::NeedLeftOut { stage: name, by: by.clone() }),
            Fate::Skipped(_) => Some(Reason::NeedSkipped { stage: name }),
            Fate::Runs | Fate::Absent => stage.policy.allow_failure.then_some(Reason::NeedMayFail { stage: name }),
        }
    }
}

/// What a person should know about a plan before it starts.
fn warn(plan: &Plan, request: &Request, target: Option<StageId>) -> Vec<String> {
    let mut warnings = Vec::new();
    let runs = || plan.stages.values().filter(|stage| stage.decision == Decision::Run);
    for executor in std::iter::once(LOCAL).chain(plan.remotes.keys().map(String::as_str)) {
        let slots = plan.slots(executor);
        let is_wide = |stage: &&PlannedStage| stage.executor == executor && stage.policy.threads > slots;
        let wide: Vec<&str> = runs().filter(is_wide).map(|s| s.name.as_str()).collect();
        if !wide.is_empty() {
            let verb = if wide.len() == 1 { "wants" } else { "want" };
            let (whose, alone) = if executor == LOCAL { ("the run", "") } else { (executor, " there") };
            warnings.push(format!(
                "{} {verb} more threads than {whose} has slots ({slots}), and will run alone{alone}",
                enumerate(&wide, "and")
            ));
        }
    }
    if request.fix && !runs().any(|stage| stage.reasons.contains(&Reason::Fix)) {
        warnings.push("--fix changes nothing: no stage of this run has a `fix` command".to_owned());
    }
    if let Some(stage) = target.and_then(|id| plan.stages.get(id))
        && let Command::Shell { script, .. } = &stage.command
        && !uses_arguments(script)
    {
        warnings
            .push(format!("the arguments after -- have no effect: the script of {} does not use \"$@\"", stage.name));
    }
    warnings
}
