//! `stats`: what came of one job, or of each, and how long its next run should take.

use std::slice;

use super::args::StatsArgs;
use super::error::CliError;
use super::project::Context;
use super::{Ending, faces, history, output};
use crate::clock::{Clock, SystemClock};
use crate::estimate::{self, PastOutcome};
use crate::event::Basis;
use crate::history::{StageRecord, Status};
use crate::ids::{Signature, StageName};
use crate::outcome::exit;
use crate::pipeline::{Action, Pipeline};
use crate::plan::{Decision, Plan, PlannedStage, Request, command_text};
use crate::report::statistics::{JobStatistics, LastRun, Next, document, render};
use crate::session::past::Past;
use crate::session::prepare::Project;

/// How many of the last runs are looked at one by one.
const LAST: usize = 100;

/// Shows the statistics of a job.
pub(super) fn stats(context: &Context<'_>, args: &StatsArgs) -> Result<Ending, CliError> {
    let project = context.project()?;
    let (_, past) = history::open(context, &project)?;
    let names = match &args.job {
        Some(job) => history::jobs(&project.pipeline, &past, job)?,
        None => project.pipeline.stages().values().map(|stage| stage.name.clone()).collect(),
    };
    let plan = foretold(context, &project, &past, &names);
    let asked = Asked { pipeline: &project.pipeline, past: &past, plan: plan.as_ref() };
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
    pipeline: &'a Pipeline,
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
        let stage = self.pipeline.stages().values().find(|stage| stage.name == *name);
        Ok(JobStatistics {
            name: name.clone(),
            command: stage.map(|stage| match &stage.action {
                Action::Run(command) => command_text(command),
                Action::Use { kind } => format!("uses {kind}"),
            }),
            totals,
            median_ms: estimate::median(&samples),
            next: if stage.is_some() { self.next(name, &samples) } else { Next::Gone },
            trend: estimate::trend(&samples),
            flaky: estimate::flakiness(&self.outcomes(name, &records)),
            accuracy: estimate::accuracy(&predictions),
            last,
        })
    }

    fn planned(&self, name: &StageName) -> Option<&PlannedStage> {
        self.plan?.stages.values().find(|stage| stage.name == *name)
    }

    fn next(&self, name: &StageName, samples: &[u64]) -> Next {
        let estimate = match self.planned(name) {
            Some(PlannedStage { decision: Decision::Skip { reason }, .. }) => return Next::Skipped(reason.clone()),
            Some(planned) => planned.estimate.clone(),
            // It cannot be planned as it is written; how long it took is known all the same.
            None => estimate::estimate(samples, &[], Basis::Own),
        };
        estimate.map_or(Next::Unknown, Next::Expected)
    }

    /// How long the job took when it passed in its last runs, newest first, in milliseconds: with the command that it has
    /// now, or the one that it had last, where that one never ran.
    fn samples(&self, name: &StageName, newest_first: &[&StageRecord]) -> Vec<u64> {
        let planned = self.planned(name).map(|stage| stage.signature);
        let has_run = |signature: &Signature| newest_first.iter().any(|record| record.signature == *signature);
        let last = newest_first.first().map(|record| record.signature);
        let signature = planned.filter(has_run).or(last);
        let samples = newest_first
            .iter()
            .filter(|record| Some(record.signature) == signature && record.is_sample && record.status == Status::Pass);
        samples.map(|record| record.duration_ms).take(estimate::SAMPLES).collect()
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
