//! `stats`: what came of one job, or of each, and how long its next run should take.

use std::collections::HashSet;
use std::slice;

use super::args::StatsArgs;
use super::error::CliError;
use super::project::{Anchor, Context};
use super::{Ending, faces, history, output};
use crate::clock::{Clock, SystemClock};
use crate::estimate::{self, PastOutcome};
use crate::event::Basis;
use crate::history::{Sought, StageRecord, Status};
use crate::ids::{Signature, StageName};
use crate::outcome::exit;
use crate::pipeline::{Action, Pipeline};
use crate::plan::signature::LOCAL;
use crate::plan::{Decision, Plan, PlannedStage, Request, command_text};
use crate::report::statistics::{JobStatistics, LastRun, Next, OnMachine, document, render};
use crate::session::jobs::AdHoc;
use crate::session::past::Past;
use crate::session::prepare::Project;

/// How many of the last runs are looked at one by one.
const LAST: usize = 100;

/// Shows the statistics of a job.
pub(super) fn stats(context: &Context<'_>, args: &StatsArgs) -> Result<Ending, CliError> {
    let anchor = context.anchor()?;
    let (state, past) = history::open(context, &anchor.root)?;
    let ad_hoc = history::ad_hoc(&state);
    let names = match &args.job {
        Some(job) => history::jobs(&anchor, &ad_hoc, &past, job)?,
        None => all(&anchor, &ad_hoc, &past)?,
    };
    if names.is_empty() && anchor.project.is_none() {
        // Nothing ever ran here: what is wrong with the config is all there is to say.
        return Err(anchor
            .fault
            .map_or_else(|| context.project().err(), |fault| Some(fault.into()))
            .unwrap_or_else(|| CliError::usage("there are no jobs here, now or in earlier runs")));
    }
    let plan = anchor.project.as_ref().and_then(|project| foretold(context, project, &past, &names));
    let pipeline = anchor.project.as_ref().map(|project| &project.pipeline);
    let asked = Asked { pipeline, ad_hoc: &ad_hoc, past: &past, plan: plan.as_ref() };
    let jobs: Vec<JobStatistics> = names.iter().map(|name| asked.about(name)).collect::<Result<_, _>>()?;
    history::say(&past);
    let text = if args.json {
        format!("{:#}\n", document(args.job.as_deref(), &jobs, args.accuracy))
    } else {
        render(&jobs, args.accuracy, SystemClock.now().unix_ms, faces::look(context))
    };
    let _ = output::print(&text);
    Ok(Ending::Code(exit::PASSED))
}

/// The stages and the ad-hoc jobs; where no config was read, all that ever ran.
fn all(anchor: &Anchor, ad_hoc: &[AdHoc], past: &Past) -> Result<Vec<StageName>, CliError> {
    let mut names: Vec<StageName> = match &anchor.project {
        Some(project) => project.pipeline.stages().values().map(|stage| stage.name.clone()).collect(),
        None => past.jobs().map_err(history::unreadable)?,
    };
    let known: HashSet<StageName> = names.iter().cloned().collect();
    names.extend(ad_hoc.iter().map(|job| &job.name).filter(|name| !known.contains(name)).cloned());
    Ok(names)
}

/// A plan of these stages alone with what is foretold of them. None where there is no such plan any more.
fn foretold(context: &Context<'_>, project: &Project, past: &Past, names: &[StageName]) -> Option<Plan> {
    let stages = names.iter().map(|name| name.as_str().to_owned()).collect();
    let request = Request { stages, only: true, ..Request::default() };
    let mut plan = project.plan(&request, context.env).ok()?;
    past.foretell(&mut plan);
    Some(plan)
}

/// What is asked for statistics.
struct Asked<'a> {
    /// None where no config was read.
    pipeline: Option<&'a Pipeline>,
    ad_hoc: &'a [AdHoc],
    past: &'a Past,
    plan: Option<&'a Plan>,
}

impl Asked<'_> {
    fn about(&self, name: &StageName) -> Result<JobStatistics, CliError> {
        let totals = self.past.totals(name).map_err(history::unreadable)?;
        let runs = self.past.runs(Some(slice::from_ref(name)), LAST).map_err(history::unreadable)?;
        let records: Vec<_> = runs.into_iter().filter_map(|run| Some((run.number, run.job?))).collect();
        let last: Vec<LastRun> = records
            .iter()
            .map(|(run, record)| LastRun {
                run: *run,
                status: record.status,
                duration_ms: record.duration_ms,
                foretold: record.foretold,
                is_sample: record.is_sample,
            })
            .collect();
        let predictions: Vec<_> = last.iter().filter_map(LastRun::prediction).collect();
        let records: Vec<&StageRecord> = records.iter().map(|(_, record)| record).collect();
        let samples = self.samples(name, &records);
        let machines = Self::machines(&records);
        let command = self.command(name);
        Ok(JobStatistics {
            name: name.clone(),
            totals,
            median_ms: estimate::median(&samples),
            // What the config has no more does not run again; where none was read, nobody knows.
            next: if command.is_none() && self.pipeline.is_some() { Next::Gone } else { self.next(name, &samples) },
            command,
            trend: estimate::trend(&samples),
            flaky: estimate::flakiness(&self.outcomes(name, &records)),
            accuracy: estimate::accuracy(&predictions),
            machines,
            last,
        })
    }

    /// What a job runs now, as a person reads it.
    fn command(&self, name: &StageName) -> Option<String> {
        let mut stages = self.pipeline.iter().flat_map(|pipeline| pipeline.stages().values());
        if let Some(stage) = stages.find(|stage| stage.name == *name) {
            return Some(match &stage.action {
                Action::Run(command) => command_text(command),
                Action::Use(used) => format!("uses {}", used.name()),
            });
        }
        self.added(name).map(|job| command_text(&job.command()))
    }

    fn added(&self, name: &StageName) -> Option<&AdHoc> {
        self.ad_hoc.iter().find(|job| job.name == *name)
    }

    fn planned(&self, name: &StageName) -> Option<&PlannedStage> {
        self.plan?.stages.values().find(|stage| stage.name == *name)
    }

    fn next(&self, name: &StageName, samples: &[u64]) -> Next {
        let estimate = match self.planned(name) {
            Some(PlannedStage { decision: Decision::Skip { reason }, .. }) => return Next::Skipped(reason.clone()),
            Some(planned) => planned.estimate.clone(),
            // As a run of it would foretell it, with what other jobs say of errors.
            None if let Some(job) = self.added(name) => {
                let signature = job.signature();
                let sought = Sought { name: Some(name), signature: &signature, executor: LOCAL };
                self.past.estimates(&[sought]).into_iter().flatten().next()
            }
            // It cannot be planned as it is written; how long it took is known all the same.
            None => estimate::estimate(samples, &[], Basis::Own),
        };
        estimate.map_or(Next::Unknown, Next::Expected)
    }

    /// How long the job took when it passed in its last runs, newest first, in milliseconds: with the command that it has
    /// now, or the one that it had last, where that one never ran.
    fn samples(&self, name: &StageName, newest_first: &[&StageRecord]) -> Vec<u64> {
        let planned = self.planned(name).map(|stage| (stage.signature, stage.executor.as_str()));
        let last = newest_first.first().map(|record| work(record));
        let has_run = |wanted: &Work<'_>| newest_first.iter().any(|record| work(record) == *wanted);
        durations(newest_first, planned.filter(has_run).or(last))
    }

    /// What came of it on each machine that it ran on, the one of its last run first.
    fn machines(newest_first: &[&StageRecord]) -> Vec<OnMachine> {
        let mut machines: Vec<OnMachine> = Vec::new();
        for record in newest_first {
            let has_ended = matches!(record.status, Status::Pass | Status::Fail | Status::Timeout);
            let at = machines.iter().position(|machine| machine.executor == record.executor).unwrap_or_else(|| {
                let median_ms = estimate::median(&durations(newest_first, Some(work(record))));
                machines.push(OnMachine { executor: record.executor.clone(), runs: 0, passed: 0, median_ms });
                machines.len() - 1
            });
            machines[at].runs += u64::from(has_ended);
            machines[at].passed += u64::from(record.status == Status::Pass);
        }
        machines
    }

    /// What the job itself said in its last runs, with the command that it has now.
    fn outcomes<'r>(&self, name: &StageName, newest_first: &[&'r StageRecord]) -> Vec<PastOutcome<'r>> {
        let planned = self.planned(name).map(|stage| stage.signature);
        let Some(signature) = planned.or_else(|| newest_first.first().map(|record| record.signature)) else {
            return Vec::new();
        };
        let said = newest_first.iter().filter(|record| record.signature == signature).filter_map(|record| {
            let passed = match record.status {
                Status::Pass => true,
                Status::Fail | Status::Timeout => false,
                Status::Cached | Status::Skip | Status::Cancelled | Status::Error | Status::Lost => return None,
            };
            Some(PastOutcome { inputs: record.inputs.as_deref(), passed, retried: record.attempts > 1 })
        });
        said.collect()
    }
}

/// What a stage ran, and where.
type Work<'r> = (Signature, &'r str);

fn work(record: &StageRecord) -> Work<'_> {
    (record.signature, &record.executor)
}

/// How long this took when it passed, in milliseconds, as far as estimates look back.
fn durations(newest_first: &[&StageRecord], wanted: Option<Work<'_>>) -> Vec<u64> {
    let samples = newest_first
        .iter()
        .filter(|record| Some(work(record)) == wanted && record.is_sample && record.status == Status::Pass);
    samples.map(|record| record.duration_ms).take(estimate::SAMPLES).collect()
}
