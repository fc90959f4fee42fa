//! The point and the band.
//!
//! **The point** starts from the weighted median of the last durations, where a duration counts half as much as the one
//! three runs later: so it follows a change of level after three runs, and one odd run does not move it. It is the
//! weighted mean of those durations that are within a tenth of that median: where there is a level, all that are on it
//! have a say in where exactly it is.
//!
//! **The band** is conformal: what the same rule would have foretold for each of those runs is compared with what they
//! took, and the band is as wide as eight of ten of these errors, one of ten left out on either side. Errors are ratios,
//! for long stages err by more, and recent ones count more, for noise comes and goes with the machine.

use super::numbers::{log_ratio, milliseconds, seconds};
use crate::event::{Basis, Estimate};

/// How many past runs are looked at.
pub const SAMPLES: usize = 30;

/// Errors of other stages that are looked at.
pub const POOLED: usize = 100;

/// What a duration counts, as a part of what the next newer one counts: 2^(−1/3), a half-life of three runs.
const FADE: f64 = 0.793_700_525_984_099_7;
/// What a duration counts as at least where errors are ratios, in seconds.
const MILLISECOND: f64 = 0.001;
/// How far from the median a duration may be, as a part of it, to be on the same level.
const LEVEL: f64 = 0.1;
/// The same as [`FADE`] for errors: 2^(−1/10), a half-life of ten runs.
const ERROR_FADE: f64 = 0.933_032_991_536_807_4;
/// With fewer errors than this, others stand in for them.
const ERRORS_LEAST: usize = 8;
/// With this many samples the band is made of a stage's own errors: there is one for each sample but the first.
pub const OWN_BAND: u32 = 9;
/// The share of errors between an end of the band and the other end's infinity.
const ONE_SIDED: f64 = 0.9;
/// The band's ends are at least this far from the point, as a factor. On a quiet machine a tenth, which one would think
/// of first, holds 93 % of runs rather than 80 %.
const LEAST: f64 = 1.03;
/// And this far where no errors are known.
const UNKNOWN: f64 = 2.0;

/// Foretells the next duration from past ones, in milliseconds, newest first; the first [`SAMPLES`] are looked at. None
/// where there are none.
///
/// `pooled` are errors of other stages' predictions in the same project (see [`error`]), newest first; the first
/// [`POOLED`] are looked at. They stand in for the stage's own as long as it has fewer than eight. Where those are too
/// few as well, the band is from half the point to twice it.
pub fn estimate(newest_first: &[u64], pooled: &[f64], basis: Basis) -> Option<Estimate> {
    let samples = &newest_first[..newest_first.len().min(SAMPLES)];
    let mut history = History::default();
    // Errors as ratios: they are in the same order as their logarithms, which take longer to find.
    let mut ratios: Vec<f64> = Vec::with_capacity(SAMPLES);
    for sample in samples.iter().rev() {
        let took = seconds(*sample);
        if let Some(foretold) = history.point() {
            ratios.push(took.max(MILLISECOND) / foretold.max(MILLISECOND));
        }
        history.push(took);
    }
    let (least, most) = (samples.iter().min()?, samples.iter().max()?);
    let point = milliseconds(history.point()?).clamp(*least, *most);
    // Newest first, like everything here; they were made oldest first.
    ratios.reverse();
    let [below, above] = if ratios.len() >= ERRORS_LEAST {
        ends(&ratios, ERROR_FADE)
    } else if pooled.len() >= ERRORS_LEAST {
        ends(&pooled[..pooled.len().min(POOLED)], 1.0).map(f64::exp)
    } else {
        [1.0 / UNKNOWN, UNKNOWN]
    };
    // What another command took says little about how far off this one will be.
    let least = if matches!(basis, Basis::EarlierCommand | Basis::OtherMachine) { UNKNOWN } else { LEAST };
    let at = |ratio: f64| milliseconds(seconds(point) * ratio);
    let mut longer_ms: Vec<u64> = samples.iter().copied().filter(|sample| *sample > point).collect();
    longer_ms.sort_unstable();
    Some(Estimate {
        expected_ms: point,
        low_ms: at(below.min(1.0 / least)).min(point),
        high_ms: at(above.max(least)).max(point),
        samples: u32::try_from(samples.len()).unwrap_or(u32::MAX),
        basis,
        longer_ms,
    })
}

/// By how much a prediction was wrong: the logarithm of actual / foretold, both in milliseconds. Positive where it took
/// longer; zero milliseconds count as one.
pub fn error(foretold_ms: u64, actual_ms: u64) -> f64 {
    log_ratio(actual_ms, foretold_ms)
}

/// Of errors, newest first, those that leave a tenth of the weight of all below and above them.
fn ends(newest_first: &[f64], fade: f64) -> [f64; 2] {
    let mut weight = 1.0;
    let mut weighted: Vec<(f64, f64)> = Vec::with_capacity(newest_first.len());
    for error in newest_first {
        weighted.push((*error, weight));
        weight *= fade;
    }
    weighted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let all: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    [quantile(weighted.iter().rev(), all), quantile(weighted.iter(), all)]
}

/// The first with [`ONE_SIDED`] of the weight of all at or before it.
fn quantile<'a>(weighted: impl Iterator<Item = &'a (f64, f64)>, all: f64) -> f64 {
    let mut so_far = 0.0;
    let mut at = 0.0;
    for (error, weight) in weighted {
        at = *error;
        so_far += weight;
        if so_far >= ONE_SIDED * all {
            break;
        }
    }
    at
}

/// Durations as they become known, oldest first, and what they foretell. Kept sorted, so that what each of thirty runs
/// would have been foretold costs one pass each.
#[derive(Default)]
struct History {
    /// In seconds and with their weights, ascending. Weights grow instead of fading: only ratios matter.
    sorted: Vec<(f64, f64)>,
    weight: f64,
    next: f64,
}

impl History {
    fn push(&mut self, seconds: f64) {
        if self.sorted.is_empty() {
            self.sorted.reserve(SAMPLES);
            self.next = 1.0;
        } else {
            self.next /= FADE;
        }
        self.weight += self.next;
        let at = self.sorted.partition_point(|(other, _)| *other < seconds);
        self.sorted.insert(at, (seconds, self.next));
    }

    /// What the next one is expected to take, in seconds.
    fn point(&self) -> Option<f64> {
        let mut so_far = 0.0;
        let median = self.sorted.iter().position(|(_, weight)| {
            so_far += weight;
            so_far >= self.weight / 2.0
        });
        // Rounding may leave the last one short of a half of what it was part of.
        let median = median.unwrap_or(self.sorted.len().saturating_sub(1));
        let (middle, _) = self.sorted.get(median)?;
        let (low, high) = (middle * (1.0 - LEVEL), middle * (1.0 + LEVEL));
        let (mut sum, mut weight) = (0.0, 0.0);
        for (seconds, own) in self.sorted[..median].iter().rev().take_while(|(seconds, _)| *seconds >= low) {
            sum += seconds * own;
            weight += own;
        }
        for (seconds, own) in self.sorted[median..].iter().take_while(|(seconds, _)| *seconds <= high) {
            sum += seconds * own;
            weight += own;
        }
        Some(sum / weight)
    }
}

#[cfg(test)]
mod tests;
