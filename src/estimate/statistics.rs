//! What can be said of many past runs of a job: the middle, where it is heading, and how good the foretelling was.

use super::numbers::{count, log_ratio, middle};
use super::point::SAMPLES;

/// How good foretelling was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// How many runs were foretold and then took place.
    pub count: usize,
    /// The median of |foretold − actual| / actual, as a fraction: half of the runs were foretold this well or better.
    pub median_error: f64,
    /// The share of runs within the band that was foretold, ends included. The band is made for eight of ten.
    pub within: f64,
    /// The median of actual / foretold, less one: positive where runs took longer than was foretold.
    pub bias: f64,
}

/// Where durations are heading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// The median of the newer half of the runs that were looked at, in milliseconds.
    pub recent_ms: u64,
    /// The median of the older half, in milliseconds.
    pub earlier_ms: u64,
    /// By how many percent the newer median is above the older one; negative where it is below.
    pub percent: f64,
    /// How many runs are in each half.
    pub runs: usize,
    /// Whether the halves differ by more than chance would make them: by Mann and Whitney's rank-sum test, at 5 %.
    pub is_clear: bool,
}

/// Runs in each half below which nothing is said of a trend: with fewer, no order of them is beyond chance.
const TREND_LEAST: usize = 4;

/// The two-sided 5 % point of the normal distribution.
const NORMAL_95: f64 = 1.96;

/// The middle of durations, in milliseconds and in any order: the mean of the middle two where they are even in number.
pub fn median(ms: &[u64]) -> Option<u64> {
    let mut sorted = ms.to_vec();
    sorted.sort_unstable();
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some(u64::midpoint(*lower, *upper))
}

/// Compares what was foretold (the point and the band's ends) with what it took, both in milliseconds. None where
/// nothing was foretold.
pub fn accuracy(pairs: &[([u64; 3], u64)]) -> Option<Accuracy> {
    let mut errors: Vec<f64> = Vec::with_capacity(pairs.len());
    let mut ratios: Vec<f64> = Vec::with_capacity(pairs.len());
    for ([point, _, _], actual) in pairs {
        errors.push((log_ratio(*point, *actual).exp() - 1.0).abs());
        ratios.push(log_ratio(*actual, *point).exp());
    }
    let within = pairs.iter().filter(|([_, low, high], actual)| (low..=high).contains(&actual)).count();
    Some(Accuracy {
        count: pairs.len(),
        median_error: middle(&mut errors)?,
        within: count(within) / count(pairs.len()),
        bias: middle(&mut ratios)? - 1.0,
    })
}

/// Compares the newer half of the last durations, in milliseconds, with the older half: the change of their medians.
/// At most [`SAMPLES`] are looked at; of an odd number the middle one is in neither half. None with fewer than eight.
pub fn trend(newest_first: &[u64]) -> Option<Trend> {
    let looked_at = &newest_first[..newest_first.len().min(SAMPLES)];
    let runs = looked_at.len() / 2;
    if runs < TREND_LEAST {
        return None;
    }
    let (recent, earlier) = (&looked_at[..runs], &looked_at[looked_at.len() - runs..]);
    let (recent_ms, earlier_ms) = (median(recent)?, median(earlier)?);
    Some(Trend {
        recent_ms,
        earlier_ms,
        percent: (log_ratio(recent_ms, earlier_ms).exp() - 1.0) * 100.0,
        runs,
        is_clear: rank_sum(recent, earlier).abs() > NORMAL_95,
    })
}

/// By how many standard deviations more often one of the first is above one of the second than by chance (Mann and
/// Whitney's U, normal approximation; equal ones count half).
fn rank_sum(first: &[u64], second: &[u64]) -> f64 {
    let (n, m) = (count(first.len()), count(second.len()));
    let above: f64 = first
        .iter()
        .flat_map(|a| second.iter().map(move |b| a.cmp(b)))
        .map(|order| match order {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    (above - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_in_any_order() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[7]), Some(7));
        assert_eq!(median(&[9, 1, 5]), Some(5));
        assert_eq!(median(&[4, 1, 9, 5]), Some(4));
        assert_eq!(median(&[u64::MAX, u64::MAX]), Some(u64::MAX));
    }

    #[test]
    fn accuracy_says_how_far_off_how_often_inside_and_to_which_side() {
        assert_eq!(accuracy(&[]), None);
        // Off by 0 %, 20 % and 50 % of what they took; the last is outside its band.
        let told = accuracy(&[([100, 90, 110], 100), ([100, 70, 130], 125), ([100, 90, 110], 200)]).unwrap();
        assert_eq!(told.count, 3);
        assert!((told.median_error - 0.2).abs() < 1e-9, "{told:?}");
        assert!((told.within - 2.0 / 3.0).abs() < 1e-9, "{told:?}");
        assert!((told.bias - 0.25).abs() < 1e-9, "{told:?}");
        // What took no time is no division by zero.
        assert!(accuracy(&[([0, 0, 0], 0)]).unwrap().median_error.abs() < 1e-9);
    }

    #[test]
    fn a_trend_compares_the_newer_half_with_the_older() {
        assert_eq!(trend(&[100; 7]), None);
        let slower = trend(&[120, 121, 119, 120, 999, 100, 101, 99, 100]).unwrap();
        assert_eq!((slower.recent_ms, slower.earlier_ms, slower.runs), (120, 100, 4));
        assert!((slower.percent - 20.0).abs() < 1e-9 && slower.is_clear, "{slower:?}");
        // Noise of the same size on both sides is nothing.
        let noise = trend(&[130, 90, 100, 110, 95, 128, 101, 99]).unwrap();
        assert!(!noise.is_clear, "{noise:?}");
        assert!(!trend(&[100; 30]).unwrap().is_clear);
        // What is older than the last thirty has no say.
        let long: Vec<u64> = std::iter::repeat_n(100, 30).chain(std::iter::repeat_n(9_000, 30)).collect();
        assert_eq!(trend(&long).unwrap().earlier_ms, 100);
    }
}
