//! `runs`: what came of earlier runs, and how far those are that go on.

mod line;

use serde_json::json;

use super::args::RunsArgs;
use super::error::CliError;
use super::project::Context;
use super::target::unreadable;
use super::{Ending, faces, history, output};
use crate::clock::{Clock, SystemClock};
use crate::event::SCHEMA_VERSION;
use crate::outcome::{Verdict, exit};
use crate::report::past_runs::{PastLine, render};
use crate::session::runs;

/// How many lines there are where nobody says how many.
const LINES: usize = 20;

/// Lists the runs, newest first.
pub(super) fn runs(context: &Context<'_>, args: &RunsArgs) -> Result<Ending, CliError> {
    let anchor = context.anchor()?;
    // Before the history is looked at: a run that ends in between is in both, and not in neither.
    let state = context.state(&anchor.root)?;
    let active = runs::active(&state).map_err(unreadable)?;
    let (_, past) = history::open(context, &anchor.root)?;
    let ad_hoc = history::ad_hoc(&state);
    let job = args.job.as_deref();
    let jobs = job.map(|job| history::jobs_ever(&anchor, &ad_hoc, &past, job)).transpose()?;
    let jobs = jobs.as_deref();
    let limit = args.limit.unwrap_or(LINES);
    // One more than is shown, to know whether there are more.
    let mut ended = past.runs(jobs, limit.saturating_add(1)).map_err(history::unreadable)?;
    // One that somebody has gone on with.
    ended.retain(|run| run.verdict != Verdict::Lost.word() || !active.contains(&run.number));
    history::say(&past);
    let now = SystemClock.now();
    let mut lines: Vec<PastLine> = Vec::new();
    for number in active.into_iter().filter(|number| ended.iter().all(|run| run.number != *number)) {
        // One that is being pruned right now is none.
        let Ok(run) = runs::read(&state, number) else { continue };
        lines.extend(line::of_active(&state, &run, jobs, now));
    }
    lines.extend(ended.into_iter().map(|run| line::of_past(&state, run)));
    // Stable: cells of one run stay in the run's order.
    lines.sort_by_key(|line| std::cmp::Reverse(line.run));
    let more = lines.len() > limit;
    lines.truncate(limit);

    if args.json {
        let document = json!({
            "schema_version": SCHEMA_VERSION,
            "project": anchor.root.to_string_lossy(),
            "job": job,
            "runs": lines,
            "more": more,
        });
        let _ = output::print(&format!("{document:#}\n"));
        return Ok(Ending::Code(exit::PASSED));
    }
    let look = faces::look(context);
    if !lines.is_empty() {
        let _ = output::print(&render(&lines, now.unix_ms, look));
    }
    match job {
        _ if more && look.width.is_some() => {
            let job = job.map_or(String::new(), |job| format!(" {job}"));
            output::say(&format!(
                "there are older ones: {} runs{job} -n {}",
                context.program(),
                limit.saturating_mul(5).max(LINES)
            ));
        }
        _ if !lines.is_empty() || more => {}
        Some(job) => output::say(&format!("{job} has never run")),
        None => output::say(
            "there are no runs of this project yet; `local-ci run` starts one, `local-ci add CMD` one of any command",
        ),
    }
    Ok(Ending::Code(exit::PASSED))
}
