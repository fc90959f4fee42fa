//! How good scheduling is: random pipelines through the program's own scheduler, with a clock that jumps from one end of
//! a stage to the next. `benches/README.md` says what came of it.
//!
//! Each cell is 400 graphs; what is printed is the mean of makespan / lower bound. The other rules (order of declaration,
//! longest stage first) are simulated here, by the same list scheduling with another rank; that our copy of the
//! program's own rule gives the program's own makespan is checked on every graph.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
#![expect(clippy::cast_precision_loss, reason = "figures of three digits")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use local_ci::engine::scheduler::{Scheduler, Transition};
use local_ci::estimate::{Span, Task, bound, median};
use local_ci::event::{Basis, Estimate};
use local_ci::ids::{DenseId, DenseMap, Signature, StageId, StageName};
use local_ci::outcome::Outcome;
use local_ci::pipeline::{Command, Policy};
use local_ci::plan::priority::{Paths, Weight};
use local_ci::plan::{Decision, Plan, PlannedStage};

/// How many graphs a cell has.
const GRAPHS: u64 = 400;
/// What the mean ratio is to be at most, with durations known exactly.
const TARGET: f64 = 1.02;
/// The share of stages that history does not know, where some are.
const UNKNOWN: f64 = 0.3;

/// The shapes: slots, stages, and how likely one stage needs another that stands before it.
const SHAPES: [(u32, usize, f64); 4] = [(2, 12, 0.15), (4, 30, 0.08), (4, 30, 0.0), (8, 30, 0.0)];

/// What is known of durations beforehand.
#[derive(Clone, Copy)]
enum Knowledge {
    Exact,
    /// They are off by this much, as the standard deviation of their logarithms.
    Off(f64),
    Nothing,
    /// Some are not known, and count as the mean or the median of the others.
    Mean,
    Median,
}

const RULES: [(&str, Knowledge); 6] = [
    ("exact", Knowledge::Exact),
    ("10 % off", Knowledge::Off(0.1)),
    ("50 % off", Knowledge::Off(0.5)),
    ("no history", Knowledge::Nothing),
    ("30 % as mean", Knowledge::Mean),
    ("as median", Knowledge::Median),
];

fn main() -> Result<(), Box<dyn Error>> {
    print!("slots stages needs  declared  longest ");
    for (name, _) in RULES {
        print!("{name:>13}");
    }
    println!();
    let mut met = true;
    for (slots, stages, density) in SHAPES {
        let mut sums = [0.0; RULES.len() + 2];
        for seed in 0..GRAPHS {
            let graph = Pipeline::random(seed, stages, density);
            let best = graph.bound(slots);
            let flat = vec![0; stages];
            let ratios = [graph.listed(slots, &flat), graph.listed(slots, &graph.durations)]
                .into_iter()
                .chain(RULES.into_iter().map(|(_, knowledge)| graph.scheduled(slots, &graph.known(knowledge, seed))));
            for (sum, makespan) in sums.iter_mut().zip(ratios) {
                *sum += makespan as f64 / best as f64;
            }
        }
        let means = sums.map(|sum| sum / GRAPHS as f64);
        print!("{slots:5} {stages:6} {density:5}  {:8.3} {:8.3} ", means[0], means[1]);
        means[2..].iter().for_each(|mean| print!("{mean:13.3}"));
        println!();
        met &= means[2] <= TARGET;
    }
    println!("critical path first, exact: at most {TARGET}: {}", if met { "met" } else { "MISSED" });
    if met { Ok(()) } else { Err("scheduling is worse than it should be".into()) }
}

/// A random pipeline, with what its stages really take, in milliseconds.
struct Pipeline {
    needs: Vec<Vec<StageId>>,
    durations: Vec<u64>,
}

impl Pipeline {
    fn random(seed: u64, stages: usize, density: f64) -> Self {
        let mut random = Random(seed);
        let needs = (0..stages)
            .map(|stage| (0..stage).filter(|_| random.uniform() < density).map(StageId::from_index).collect())
            .collect();
        // About ten seconds, one in six shorter than four, one in six longer than twenty-seven.
        let durations = (0..stages).map(|_| milliseconds(10.0 * random.normal().exp())).collect();
        Self { needs, durations }
    }

    /// No schedule takes less.
    fn bound(&self, slots: u32) -> u128 {
        let tasks = self.needs.iter().zip(&self.durations).map(|(needs, ms)| Task {
            span: Span::exactly(Duration::from_millis(*ms)),
            executor: "local",
            threads: 1,
            locks: &[],
            needs,
        });
        bound(tasks, |_| slots).span.expected.as_millis().max(1)
    }

    /// What is known of each stage, in milliseconds.
    fn known(&self, knowledge: Knowledge, seed: u64) -> Vec<Option<u64>> {
        let mut random = Random(!seed);
        let mut exactly: Vec<Option<u64>> = self.durations.iter().copied().map(Some).collect();
        match knowledge {
            Knowledge::Exact => {}
            Knowledge::Nothing => exactly.fill(None),
            Knowledge::Off(by) => {
                for ms in exactly.iter_mut().flatten() {
                    *ms = milliseconds(Duration::from_millis(*ms).as_secs_f64() * (by * random.normal()).exp());
                }
            }
            Knowledge::Mean | Knowledge::Median => {
                for ms in &mut exactly {
                    *ms = ms.filter(|_| random.uniform() >= UNKNOWN);
                }
                let rest: Vec<u64> = exactly.iter().copied().flatten().collect();
                let mean = rest.iter().sum::<u64>() / rest.len().max(1) as u64;
                let middle = median(&rest).unwrap_or(1);
                let other = if matches!(knowledge, Knowledge::Mean) { mean } else { middle };
                exactly = exactly.into_iter().map(|ms| ms.or(Some(other))).collect();
            }
        }
        exactly
    }

    /// How long it takes with the program's scheduler, given what is known.
    fn scheduled(&self, slots: u32, known: &[Option<u64>]) -> u128 {
        let plan = self.plan(slots, known);
        let mut scheduler = Scheduler::new(&plan);
        let mut running: BTreeSet<(u64, StageId)> = BTreeSet::new();
        let mut now = 0;
        while !scheduler.is_done() {
            for transition in scheduler.poll() {
                if let Transition::Start(id) = transition {
                    running.insert((now + self.durations[id.index()], id));
                }
            }
            if let Some((end, id)) = running.pop_first() {
                now = end;
                scheduler.finished(id, &Outcome::Passed);
            }
        }
        let weights: DenseMap<StageId, Weight> = known
            .iter()
            .map(|ms| ms.map_or(Weight::Unknown, |ms| Weight::Expected(Duration::from_millis(ms))))
            .collect();
        let ranks: Vec<u64> = Paths::new(&plan.graph(), &weights).remaining.values().copied().collect();
        assert_eq!(self.listed(slots, &ranks), u128::from(now), "the copy of the rule differs from the rule");
        u128::from(now)
    }

    /// How long it takes where, of the stages that can start, the one of the highest rank does; of equals the first.
    fn listed(&self, slots: u32, ranks: &[u64]) -> u128 {
        let mut open: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        let mut ready: BTreeSet<(Reverse<u64>, usize)> =
            (0..open.len()).filter(|stage| open[*stage] == 0).map(|stage| (Reverse(ranks[stage]), stage)).collect();
        let mut running: BTreeSet<(u64, usize)> = BTreeSet::new();
        let mut now = 0;
        loop {
            while running.len() < slots as usize
                && let Some((_, stage)) = ready.pop_first()
            {
                running.insert((now + self.durations[stage], stage));
            }
            let Some((end, ended)) = running.pop_first() else { return u128::from(now) };
            now = end;
            for (stage, needs) in self.needs.iter().enumerate() {
                if needs.iter().any(|need| need.index() == ended) {
                    open[stage] -= 1;
                    if open[stage] == 0 {
                        ready.insert((Reverse(ranks[stage]), stage));
                    }
                }
            }
        }
    }

    fn plan(&self, slots: u32, known: &[Option<u64>]) -> Plan {
        let stage = |(index, (needs, known)): (usize, (&Vec<StageId>, &Option<u64>))| PlannedStage {
            name: StageName::try_from(format!("s{index}")).unwrap_or_else(|error| panic!("{error}")),
            decision: Decision::Run,
            reasons: Vec::new(),
            command: Command::Argv(vec!["true".into()]),
            needs: needs.clone(),
            env: BTreeMap::new(),
            dir: PathBuf::new(),
            policy: Policy::default(),
            executor: "local".into(),
            signature: Signature::from_bytes([0; 32]),
            is_fix: false,
            has_fix: false,
            inputs: Vec::new(),
            inputs_digest: None,
            outputs: Vec::new(),
            annotate: Vec::new(),
            secrets: Vec::new(),
            estimate: known.map(|ms| Estimate {
                expected_ms: ms,
                low_ms: ms,
                high_ms: ms,
                samples: 1,
                basis: Basis::Own,
                longer_ms: Vec::new(),
            }),
        };
        Plan {
            root: PathBuf::from("/"),
            stages: self.needs.iter().zip(known).enumerate().map(stage).collect(),
            jobs: slots,
            fail_fast: false,
            flaky: local_ci::pipeline::Flaky::Pass,
            timeout: None,
            left_out: Vec::new(),
            warnings: Vec::new(),
            remotes: BTreeMap::new(),
            plugins: BTreeMap::new(),
            reporters: Vec::new(),
            secrets: BTreeMap::new(),
            mask: Vec::new(),
        }
    }
}

fn milliseconds(seconds: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(seconds).as_millis()).unwrap_or(u64::MAX).max(1)
}

/// Vigna's splitmix64: the same graphs for everybody.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between zero and one.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
