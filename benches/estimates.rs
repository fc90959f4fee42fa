//! How good and how fast foretelling is: real traces of durations, one step ahead, through the very function that the
//! program uses. `benches/README.md` says how to run it and what came of it.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local_ci::clock::{Clock, SystemClock};
use local_ci::estimate::{POOLED, SAMPLES, Span, Task, accuracy, bound, error, estimate, median};
use local_ci::event::{Basis, Event, EventKind, RunStarted, SCHEMA_VERSION, StageInfo};
use local_ci::ids::{DenseId, RunId, Signature, StageId, StageName};
use local_ci::view::RunView;

/// A trace, and the jobs of it that are scored.
struct Trace {
    file: &'static str,
    /// The median duration that a job has at least, in milliseconds.
    least_ms: u64,
    /// What the median error is to be at most.
    target: f64,
}

const TRACES: [Trace; 2] = [
    Trace { file: "julia-durations.csv", least_ms: 10_000, target: 0.079 },
    Trace { file: "oscar-durations.csv", least_ms: 1_000, target: 0.029 },
];
/// How many runs a job has at least that is scored.
const RUNS: usize = 12;
/// What share of runs is to be within the band.
const COVERAGE: std::ops::RangeInclusive<f64> = 0.76..=0.88;
/// How many stages the plan has that speed is measured with.
const STAGES: usize = 10_000;
/// How often each is measured.
const ROUNDS: u32 = 20;

/// How many jobs the run of a commit has at least to be scored as a whole.
const JOBS: usize = 10;

/// One passed run of a job.
struct Row {
    job: String,
    date: String,
    commit: String,
    ms: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    speed()?;
    // `cargo bench` puts an option of its own behind ours.
    let Some(directory) = std::env::args().skip(1).find(|word| !word.starts_with('-')).map(PathBuf::from) else {
        println!("\nTo measure how good it is, name the directory that holds the traces:");
        println!("    cargo bench --bench estimates -- DIRECTORY");
        println!("with julia-durations.csv and oscar-durations.csv in it, their columns: job,date,commit,duration_s.");
        return Ok(());
    };
    let mut met = true;
    for trace in &TRACES {
        let (text, is_met) = score(trace, &directory)?;
        print!("{text}");
        met &= is_met;
    }
    if met { Ok(()) } else { Err("foretelling is worse than it should be".into()) }
}

/// How long it takes to foretell all stages of a large plan, and then what is left of its run.
fn speed() -> Result<(), Box<dyn Error>> {
    let mut state = 1u64;
    let samples: Vec<Vec<u64>> = (0..STAGES)
        .map(|_| {
            let mut sample = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                10_000 + (state >> 40) % 5_000
            };
            (0..SAMPLES).map(|_| sample()).collect()
        })
        .collect();
    // The best of some rounds, of so few stages at a time that nothing else comes between: what else the machine does
    // only ever makes it slower.
    let took = |what: &dyn Fn(&[u64]) -> u64| -> Duration {
        let round = |few: &[Vec<u64>]| {
            let start = SystemClock.now();
            std::hint::black_box(few.iter().fold(0u64, |sum, samples| sum.wrapping_add(what(samples))));
            SystemClock.now().since(start)
        };
        samples.chunks(STAGES / 50).filter_map(|few| (0..ROUNDS).map(|_| round(few)).min()).sum()
    };
    let pooled = [0.1; POOLED];
    let full = took(&|samples| estimate(samples, &pooled, Basis::Own).map_or(0, |told| told.high_ms));
    let few = took(&|samples| estimate(&samples[..4], &pooled, Basis::Own).map_or(0, |told| told.high_ms));
    println!("{STAGES} stages: {full:.1?} with {SAMPLES} samples each, {few:.1?} with four and others' errors");

    let stage = |(index, samples): (usize, &Vec<u64>)| -> Result<StageInfo, Box<dyn Error>> {
        Ok(StageInfo {
            name: StageName::new(&format!("s{index}"))?,
            command: "true".into(),
            needs: (1..=3).filter_map(|back| index.checked_sub(back * 7)).map(StageId::from_index).collect(),
            signature: Signature::from_bytes([0; 32]),
            dir: String::new(),
            executor: "local".into(),
            allow_failure: false,
            is_fix: false,
            has_fix: false,
            threads: 1,
            locks: if index % 10 == 0 { vec!["lock".into()] } else { Vec::new() },
            inputs: None,
            // One in ten is not known.
            estimate: estimate(&samples[..if index % 10 == 1 { 0 } else { SAMPLES }], &pooled, Basis::Own),
            skip: None,
            interactive: false,
        })
    };
    let at = SystemClock.now();
    let started = RunStarted {
        schema_version: SCHEMA_VERSION,
        run: RunId::from_bytes([0; 16]),
        number: None,
        project: "/".into(),
        jobs: 8,
        stages: samples.iter().enumerate().map(stage).collect::<Result<_, _>>()?,
        remotes: Vec::new(),
    };
    let mut view = RunView::new();
    view.apply(&Event { seq: 0, at, kind: EventKind::RunStarted(started) });
    let round = || {
        let start = SystemClock.now();
        std::hint::black_box(view.eta(at));
        SystemClock.now().since(start)
    };
    let each = (0..ROUNDS).map(|_| round()).min().unwrap_or_default();
    println!("what is left of a run of them, with three needs each and one in ten unknown: {each:.1?}");
    Ok(())
}

/// The table of a trace, and whether its targets are met.
fn score(trace: &Trace, directory: &Path) -> Result<(String, bool), Box<dyn Error>> {
    let path = directory.join(trace.file);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut rows = text.lines().skip(1).map(row).collect::<Result<Vec<Row>, _>>()?;
    let mut durations: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in &rows {
        durations.entry(row.job.clone()).or_default().push(row.ms);
    }
    durations.retain(|_, ms| ms.len() >= RUNS && median(ms).is_some_and(|median| median >= trace.least_ms));
    rows.retain(|row| durations.contains_key(&row.job));
    // Errors of other jobs are known once their runs are over: all jobs side by side, in order of time. Sorting is stable,
    // so that a job's runs stay in the order of the file.
    rows.sort_by(|a, b| a.date.cmp(&b.date));

    let mut past: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut errors: Vec<f64> = Vec::new();
    let mut rules = Rules::default();
    let mut runs: BTreeMap<&str, Vec<(Span, u64)>> = BTreeMap::new();
    for row in &rows {
        let oldest_first = past.entry(&row.job).or_default();
        let newest_first: Vec<u64> = oldest_first.iter().rev().copied().collect();
        let pooled: Vec<f64> = errors.iter().rev().take(POOLED).copied().collect();
        if let Some(told) = estimate(&newest_first, &pooled, Basis::Own) {
            rules.ours.push(([told.expected_ms, told.low_ms, told.high_ms], row.ms));
            let sum: u64 = newest_first.iter().sum();
            rules.mean.push((sum / newest_first.len() as u64, row.ms));
            rules.last.push((newest_first[0], row.ms));
            rules.median.push((median(&newest_first[..newest_first.len().min(SAMPLES)]).unwrap_or(0), row.ms));
            errors.push(error(told.expected_ms, row.ms));
            let [expected, low, high] = [told.expected_ms, told.low_ms, told.high_ms].map(Duration::from_millis);
            runs.entry(&row.commit).or_default().push((Span { expected, low, high }, row.ms));
        }
        oldest_first.push(row.ms);
    }
    rules.runs = runs.values().filter(|jobs| jobs.len() >= JOBS).map(|jobs| one_after_another(jobs)).collect();
    rules.table(trace, durations.len())
}

/// What was foretold of a whole run on one slot, by the bound that the program uses, with what it took.
fn one_after_another(jobs: &[(Span, u64)]) -> ([u64; 3], u64) {
    let tasks =
        jobs.iter().map(|(span, _)| Task { span: *span, executor: "local", threads: 1, locks: &[], needs: &[] });
    let Span { expected, low, high } = bound(tasks, |_| 1).span;
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    ([ms(expected), ms(low), ms(high)], jobs.iter().map(|(_, ms)| ms).sum())
}

/// What was foretold by each rule, with what it took.
#[derive(Default)]
struct Rules {
    ours: Vec<([u64; 3], u64)>,
    /// Of whole runs.
    runs: Vec<([u64; 3], u64)>,
    mean: Vec<(u64, u64)>,
    last: Vec<(u64, u64)>,
    median: Vec<(u64, u64)>,
}

impl Rules {
    fn table(&self, trace: &Trace, jobs: usize) -> Result<(String, bool), Box<dyn Error>> {
        let ours = accuracy(&self.ours).ok_or("there is nothing to score")?;
        let points = |pairs: &[(u64, u64)]| {
            let pairs: Vec<([u64; 3], u64)> = pairs.iter().map(|(told, took)| ([*told; 3], *took)).collect();
            accuracy(&pairs).map_or(f64::NAN, |accuracy| accuracy.median_error)
        };
        let (is_good, is_covered) = (ours.median_error <= trace.target, COVERAGE.contains(&ours.within));
        let met = |met: bool| if met { "met" } else { "MISSED" };
        let mut text = format!("\n{}: {} predictions of {jobs} jobs\n", trace.file, ours.count);
        writeln!(
            text,
            "  this program           {:6.2} %  (at most {:.1} %: {})",
            ours.median_error * 100.0,
            trace.target * 100.0,
            met(is_good)
        )?;
        for (rule, pairs) in
            [("mean of all runs", &self.mean), ("last run", &self.last), ("median of last 30", &self.median)]
        {
            writeln!(text, "  {rule:22} {:6.2} %", points(pairs) * 100.0)?;
        }
        writeln!(
            text,
            "  within the band        {:6.2} %  ({:.0} to {:.0} %: {}), bias {:+.2} %",
            ours.within * 100.0,
            COVERAGE.start() * 100.0,
            COVERAGE.end() * 100.0,
            met(is_covered),
            ours.bias * 100.0
        )?;
        let runs = accuracy(&self.runs).ok_or("there is no run to score")?;
        writeln!(
            text,
            "  {:4} whole runs        {:6.2} %, within the band {:.2} %",
            runs.count,
            runs.median_error * 100.0,
            runs.within * 100.0
        )?;
        Ok((text, is_good && is_covered))
    }
}

/// A line of a trace. A job's name may be quoted and have commas in it.
fn row(line: &str) -> Result<Row, String> {
    let wrong = || format!("this is no line of a trace: {line}");
    let (job, rest) = match line.strip_prefix('"') {
        None => line.split_once(',').ok_or_else(wrong)?,
        Some(quoted) => quoted.split_once("\",").ok_or_else(wrong)?,
    };
    let mut columns = rest.split(',');
    let date = columns.next().ok_or_else(wrong)?;
    let commit = columns.next().ok_or_else(wrong)?;
    let seconds: f64 = columns.next().and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    let ms = u64::try_from(duration.as_millis()).map_err(|_| wrong())?.max(1);
    Ok(Row { job: job.to_owned(), date: date.to_owned(), commit: commit.to_owned(), ms })
}
