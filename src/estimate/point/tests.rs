//! The point and the band, by example and by property.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn own(newest_first: &[u64]) -> Estimate {
    estimate(newest_first, &[], Basis::Own).unwrap()
}

#[test]
fn nothing_is_foretold_from_nothing() {
    assert_eq!(estimate(&[], &[0.1; 50], Basis::Own), None);
}

#[test]
fn one_run_foretells_the_next_within_half_and_twice() {
    let estimate = own(&[60_000]);
    assert_eq!((estimate.expected_ms, estimate.low_ms, estimate.high_ms), (60_000, 30_000, 120_000));
    assert_eq!((estimate.samples, estimate.longer_ms), (1, vec![]));
}

#[test]
fn with_few_errors_of_its_own_a_stage_errs_as_others_do() {
    let pooled: Vec<f64> = (0..100).map(|i| f64::from(i - 50) / 100.0).collect();
    let estimate = estimate(&[1000, 1000], &pooled, Basis::OtherWorktree).unwrap();
    assert_eq!((estimate.low_ms, estimate.high_ms), (670, 1477), "e^-0.40 and e^0.39 times the point");
    assert_eq!(estimate.basis, Basis::OtherWorktree);
    // With eight errors of its own it does not: all of them are nothing, and the band has its least width.
    let estimate = super::estimate(&[1000; 9], &pooled, Basis::Own).unwrap();
    assert_eq!((estimate.low_ms, estimate.high_ms), (971, 1030));
}

#[test]
fn what_is_older_than_thirty_runs_has_no_say() {
    let mut samples = vec![1000; SAMPLES];
    samples.extend([9_000; 100]);
    assert_eq!(own(&samples), own(&[1000; SAMPLES]));
}

/// The half-life of three runs is there for this.
#[test]
fn a_change_of_level_is_followed_after_three_runs() {
    for (before, after) in [(10_000, 25_000), (10_000, 4_000)] {
        for history in 4..SAMPLES {
            let mut samples = vec![after, after];
            samples.extend(vec![before; history]);
            assert_eq!(own(&samples).expected_ms, before, "two runs after {history} others");
            samples.insert(0, after);
            assert_eq!(own(&samples).expected_ms, after, "three runs after {history} others");
        }
    }
}

#[test]
fn one_odd_run_changes_nothing() {
    let mut samples = [1000; 12];
    samples[0] = 90_000;
    let estimate = own(&samples);
    assert_eq!(estimate.expected_ms, 1000);
    assert_eq!(estimate.longer_ms, [90_000]);
}

#[test]
fn a_noisier_stage_has_a_wider_band() {
    let noisy: Vec<u64> = (0..30).map(|i| if i % 2 == 0 { 1000 } else { 1400 }).collect();
    let quiet: Vec<u64> = (0..30).map(|i| if i % 2 == 0 { 1000 } else { 1040 }).collect();
    let width = |estimate: Estimate| estimate.high_ms - estimate.low_ms;
    assert!(width(own(&noisy)) > 3 * width(own(&quiet)));
}

#[test]
fn extremes_are_no_trouble() {
    let estimate = own(&[u64::MAX; 30]);
    assert_eq!((estimate.expected_ms, estimate.high_ms), (u64::MAX, u64::MAX));
    let estimate = own(&[0; 30]);
    assert_eq!((estimate.expected_ms, estimate.low_ms, estimate.high_ms), (0, 0, 0));
    assert!(own(&[0, u64::MAX, 0, 5, u64::MAX]).low_ms <= 5);
    assert!(super::estimate(&[5; 2], &[f64::NAN; 10], Basis::Own).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_point_is_among_the_samples_and_the_band_around_it(
        samples in vec(0u64..10_000_000, 1..40),
        pooled in vec(-3.0f64..3.0, 0..20),
    ) {
        let estimate = estimate(&samples, &pooled, Basis::Own).unwrap();
        let seen = &samples[..samples.len().min(SAMPLES)];
        prop_assert!(estimate.expected_ms >= *seen.iter().min().unwrap());
        prop_assert!(estimate.expected_ms <= *seen.iter().max().unwrap());
        prop_assert!(estimate.low_ms <= estimate.expected_ms && estimate.expected_ms <= estimate.high_ms);
        prop_assert_eq!(estimate.samples as usize, seen.len());
        let longer = seen.iter().filter(|ms| **ms > estimate.expected_ms).count();
        prop_assert_eq!(estimate.longer_ms.len(), longer);
        prop_assert!(estimate.longer_ms.is_sorted());
    }

    /// Nothing hangs on the unit: all that is foretold grows with the samples.
    #[test]
    fn a_thousand_times_as_long_is_foretold_a_thousand_times_as_long(samples in vec(1_000u64..10_000_000, 1..35)) {
        let thousand: Vec<u64> = samples.iter().map(|ms| ms * 1000).collect();
        let (one, thousand) = (own(&samples), own(&thousand));
        for (one, thousand) in [
            (one.expected_ms, thousand.expected_ms),
            (one.low_ms, thousand.low_ms),
            (one.high_ms, thousand.high_ms),
        ] {
            // Both are whole milliseconds, and so are the points that the band's errors come from: one in a thousand.
            let ratio = seconds(thousand) / seconds(one);
            prop_assert!((ratio / 1000.0 - 1.0).abs() < 0.01, "{one} {thousand}");
        }
    }
}
