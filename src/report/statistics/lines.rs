//! Statistics for people: a block of lines for one job, a table for several.

use std::fmt::Write as _;

use console::Alignment;

use super::{JobStatistics, LastRun, Next, OnMachine, percent, whole};
use crate::estimate::{Flaky, OWN_BAND};
use crate::event::{Basis, Estimate};
use crate::history::{Status, Totals};
use crate::plan::signature::LOCAL;
use crate::report::about::About;
use crate::report::ago::Ago;
use crate::report::mark::Mark;
use crate::report::sparkline::{Bar, sparkline};
use crate::report::table::{Look, Table};
use crate::report::verdict::human;
use crate::text::plain::printable;

/// How many runs a row of bars shows at most.
const BARS_MOST: usize = 60;
/// How many predictions the table shows.
const PREDICTIONS: usize = 20;

/// The statistics as a person reads them. `now_ms` is the wall clock's reading. With `predictions`, the last estimates
/// stand beside what happened. A terminal, which has a width, also gets a row of bars.
pub fn render(jobs: &[JobStatistics], predictions: bool, now_ms: i64, look: Look) -> String {
    match jobs {
        [job] => {
            let mut text = String::new();
            for line in block(job, now_ms, look) {
                text.push_str(&look.cut(&line));
                text.push('\n');
            }
            if predictions {
                text.push_str(&told(job, look));
            }
            text
        }
        several => {
            let mut text = table(several, now_ms, look);
            for job in several.iter().filter(|_| predictions) {
                let _ = write!(text, "\n{}\n", job.name);
                text.push_str(&told(job, look));
            }
            text
        }
    }
}

/// What is to be expected of a run that was just started: how long it takes, and how often it passed before. Nothing where
/// history knows nothing.
pub fn outlook(totals: &Totals, estimate: Option<&Estimate>, look: Look) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(estimate) = estimate {
        lines.push(format!("Expected duration: {}", About(estimate.expected_ms)));
        lines.push(band(estimate, look));
    }
    if totals.runs > 0 {
        lines.push(format!("Total runs: {}", totals.runs));
        lines.push(success(totals));
    }
    lines
}

fn success(totals: &Totals) -> String {
    format!("Success rate: {}% ({}/{})", percent(totals.passed, totals.runs), totals.passed, totals.runs)
}

fn block(job: &JobStatistics, now_ms: i64, look: Look) -> Vec<String> {
    let totals = &job.totals;
    let command = match &job.command {
        Some(command) => look.first_line(command),
        None => "not in the config any more".into(),
    };
    let mut lines = vec![format!("Job: {} ({command})", job.name), format!("Total runs: {}", totals.runs)];
    if totals.runs > 0 {
        lines.push(success(totals));
    }
    if let Some(mean) = totals.mean_ms {
        lines.push(format!("Average duration: {}", human(whole(mean))));
    }
    for (what, ms) in [("Fastest", totals.fastest_ms), ("Slowest", totals.slowest_ms)] {
        lines.extend(ms.map(|ms| format!("{what}: {}", human(ms))));
    }
    lines.push(format!("Estimated next run: {}", next(&job.next, totals.passed > 0)));
    if let Next::Expected(estimate) = &job.next {
        lines.push(band(estimate, look));
        lines.push(format!("Estimated from: {}", basis(estimate)));
    }
    lines.extend(job.median_ms.map(|ms| format!("Median duration: {}", human(ms))));
    if job.machines.len() > 1 {
        lines.extend(job.machines.iter().map(machine));
    }
    lines.extend(trend(job));
    if let Some((run, started)) = totals.last_failure {
        lines.push(format!("Last failure: run {run}, {}", Ago::between(started, now_ms)));
    }
    if totals.flaky > 0 {
        lines.push(format!("Passed only after another attempt: {} of {}", totals.flaky, totals.passed));
    }
    lines.extend(job.flaky.map(flaky));
    if let Some(accuracy) = job.accuracy {
        lines.push(format!(
            "Estimates so far: off by {:.0}% in the median over {}; {:.0}% within the band",
            accuracy.median_error * 100.0,
            runs(accuracy.count),
            accuracy.within * 100.0,
        ));
    }
    if let Some(width) = look.width {
        lines.extend(bars(&job.last, width, look));
    }
    lines
}

fn next(next: &Next, has_passed: bool) -> String {
    match next {
        Next::Expected(estimate) => About(estimate.expected_ms).to_string(),
        Next::Unknown if has_passed => {
            "not known yet (no run passed that says how long it takes: it was paused)".into()
        }
        Next::Unknown => "not known yet (no passed runs)".into(),
        Next::Skipped(reason) => format!("none, it would be skipped ({})", printable(&reason.to_string())),
        Next::Gone => "none, the config has no such stage any more".into(),
    }
}

/// The band leaves one run in ten out on either side.
fn band(estimate: &Estimate, look: Look) -> String {
    let dash = look.style.glyphs.dash();
    let (low, high) = (human(estimate.low_ms), human(estimate.high_ms));
    if estimate.samples >= OWN_BAND && !matches!(estimate.basis, Basis::EarlierCommand | Basis::OtherMachine) {
        format!("Band: {low}{dash}{high}, eight of ten runs")
    } else {
        format!("Band: {low}{dash}{high}, a guess until it has passed more often")
    }
}

fn basis(estimate: &Estimate) -> String {
    let samples = match estimate.samples {
        1 => "1 passed run".to_owned(),
        n => format!("{n} passed runs"),
    };
    match estimate.basis {
        Basis::Own => samples,
        Basis::OtherWorktree => format!("{samples} in another work tree of the repository"),
        Basis::EarlierCommand => format!("{samples} with the command that it had before"),
        Basis::OtherMachine => format!("{samples} on other machines"),
    }
}

fn machine(machine: &OnMachine) -> String {
    let OnMachine { executor, runs, passed, median_ms } = machine;
    let place = if executor == LOCAL { "Here".to_owned() } else { format!("On {}", printable(executor)) };
    let median = median_ms.map(|ms| format!(", median {}", human(ms))).unwrap_or_default();
    format!("{place}: {passed} of {runs} passed{median}")
}

fn trend(job: &JobStatistics) -> Option<String> {
    let trend = job.trend?;
    let (recent, earlier) = (human(trend.recent_ms), human(trend.earlier_ms));
    let change = trend.percent.abs();
    let word = match trend.percent {
        _ if !trend.is_clear => "steady".to_owned(),
        percent if percent > 0.0 => format!("{change:.0}% slower"),
        _ => format!("{change:.0}% faster"),
    };
    Some(format!("Trend: {word} (the last {}: {recent}, those before: {earlier})", runs(trend.runs)))
}

/// What was counted, and not the rate that comes of it: that leaves room for chance, and would be taken for a wrong sum.
fn flaky(flaky: Flaky) -> String {
    // Where nothing else is known of these inputs, how many of them it were says nothing.
    if flaky.total > flaky.failed {
        let (failed, total) = (flaky.failed, flaky.total);
        format!("Flaky: {failed} of {total} runs failed or needed another attempt on unchanged inputs")
    } else {
        "Flaky: runs came out differently on unchanged inputs".to_owned()
    }
}

/// The last runs as a row of bars, oldest first.
fn bars(newest_first: &[LastRun], width: usize, look: Look) -> Option<String> {
    let bar = |run: &LastRun| match run.status {
        Status::Pass => Some(Bar::Passed(run.duration_ms)),
        Status::Fail | Status::Timeout | Status::Error | Status::Lost => Some(Bar::Failed),
        // Of these no duration says anything, nor do they speak against the job.
        Status::Cached | Status::Skip | Status::Cancelled => None,
    };
    let room = width.saturating_sub("Last 60 runs: ".len()).min(BARS_MOST);
    let mut bars: Vec<Bar> = newest_first.iter().filter_map(bar).take(room).collect();
    bars.reverse();
    if bars.len() < 2 {
        return None;
    }
    Some(format!("Last {}: {}", runs(bars.len()), sparkline(&bars, look.style.glyphs)))
}

fn runs(count: usize) -> String {
    if count == 1 { "1 run".into() } else { format!("{count} runs") }
}

/// What was foretold beside what happened.
fn told(job: &JobStatistics, look: Look) -> String {
    let predictions = job.last.iter().filter_map(|run| Some((run.run, run.prediction()?))).take(PREDICTIONS);
    let dash = look.style.glyphs.dash();
    let mut table = Table::new(&[
        ("Run", Alignment::Right),
        ("Foretold", Alignment::Right),
        ("Took", Alignment::Right),
        ("Off by", Alignment::Right),
        ("Band", Alignment::Left),
    ]);
    let mut any = false;
    for (run, ([point, low, high], took)) in predictions {
        any = true;
        let outside = if (low..=high).contains(&took) { "" } else { ", missed" };
        table.row(vec![
            run.to_string(),
            About(point).to_string(),
            human(took).to_string(),
            off_by(point, took),
            format!("{}{dash}{}{outside}", human(low), human(high)),
        ]);
    }
    if any {
        format!("\n{}", table.render(look))
    } else {
        format!("\n{}\n", look.cut("Nothing was foretold yet that can be compared."))
    }
}

/// By how much more or less it was foretold than it took, as a share of that.
fn off_by(foretold: u64, took: u64) -> String {
    let sign = if foretold >= took { '+' } else { '-' };
    let took_ms = u128::from(took.max(1));
    let share = (u128::from(foretold.abs_diff(took)) * 200 + took_ms) / (took_ms * 2);
    if share == 0 { "0%".into() } else { format!("{sign}{share}%") }
}

/// Several jobs, a line each.
fn table(jobs: &[JobStatistics], now_ms: i64, look: Look) -> String {
    let mut table = Table::new(&[
        ("Job", Alignment::Left),
        ("Runs", Alignment::Right),
        ("Success", Alignment::Right),
        ("Median", Alignment::Right),
        ("Next", Alignment::Right),
        ("Last failure", Alignment::Left),
    ]);
    for job in jobs {
        let totals = &job.totals;
        let share = if totals.runs > 0 { format!("{}%", percent(totals.passed, totals.runs)) } else { String::new() };
        table.row(vec![
            job.name.to_string(),
            totals.runs.to_string(),
            share,
            job.median_ms.map_or(String::new(), |ms| human(ms).to_string()),
            match &job.next {
                Next::Expected(estimate) => About(estimate.expected_ms).to_string(),
                Next::Unknown => "unknown".into(),
                Next::Skipped(_) => "skipped".into(),
                Next::Gone => "gone".into(),
            },
            totals.last_failure.map_or(String::new(), |(run, started)| {
                format!("{} run {run}, {}", Mark::Failed.draw(look.style), Ago::between(started, now_ms))
            }),
        ]);
    }
    table.render(look)
}
