//! Statistics for programs.

use serde_json::{Value, json};

use super::{JobStatistics, LastRun, Next, OnMachine, whole};
use crate::event::SCHEMA_VERSION;

/// The statistics of the jobs that a name stands for, as one object. With `predictions`, every estimate that can be
/// compared with what happened is in it.
pub fn document(asked: Option<&str>, jobs: &[JobStatistics], predictions: bool) -> Value {
    let jobs: Vec<Value> = jobs.iter().map(|job| one(job, predictions)).collect();
    json!({ "schema_version": SCHEMA_VERSION, "job": asked, "jobs": jobs })
}

fn one(job: &JobStatistics, predictions: bool) -> Value {
    let totals = &job.totals;
    let mut value = json!({
        "name": job.name,
        "command": job.command,
        "runs": totals.runs,
        "passed": totals.passed,
        "retried": totals.flaky,
        "average_ms": totals.mean_ms.map(whole),
        "fastest_ms": totals.fastest_ms,
        "slowest_ms": totals.slowest_ms,
        "median_ms": job.median_ms,
        "estimate": match &job.next {
            Next::Expected(estimate) => Some(estimate),
            Next::Unknown | Next::Skipped(_) | Next::Gone => None,
        },
        "skip": match &job.next {
            Next::Skipped(reason) => Some(reason),
            Next::Expected(_) | Next::Unknown | Next::Gone => None,
        },
        "trend": job.trend.map(|trend| json!({
            "recent_ms": trend.recent_ms,
            "earlier_ms": trend.earlier_ms,
            "percent": trend.percent,
            "runs": trend.runs,
            "is_clear": trend.is_clear,
        })),
        "last_failure": totals.last_failure.map(|(run, started)| json!({ "run": run, "started_unix_ms": started })),
        "flaky": job.flaky.map(|flaky| json!({
            "failed": flaky.failed,
            "total": flaky.total,
            "rate": flaky.rate,
        })),
        "accuracy": job.accuracy.map(|accuracy| json!({
            "count": accuracy.count,
            "median_error": accuracy.median_error,
            "within": accuracy.within,
            "bias": accuracy.bias,
        })),
        "executors": job.machines.iter().map(machine).collect::<Vec<_>>(),
        "last": job.last.iter().map(last).collect::<Vec<_>>(),
    });
    if predictions {
        value["predictions"] = job.last.iter().filter_map(prediction).collect();
    }
    value
}

fn machine(machine: &OnMachine) -> Value {
    let OnMachine { executor, runs, passed, median_ms } = machine;
    json!({ "executor": executor, "runs": runs, "passed": passed, "median_ms": median_ms })
}

fn last(run: &LastRun) -> Value {
    json!({ "run": run.run, "status": run.status, "duration_ms": run.duration_ms })
}

fn prediction(run: &LastRun) -> Option<Value> {
    let ([point, low, high], took) = run.prediction()?;
    Some(json!({
        "run": run.run,
        "expected_ms": point,
        "low_ms": low,
        "high_ms": high,
        "duration_ms": took,
    }))
}
