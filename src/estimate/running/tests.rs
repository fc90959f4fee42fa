//! What is expected of a stage that runs, by example and by property.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::estimate::estimate;
use crate::event::Basis;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn usually(expected_ms: u64, high_ms: u64, longer_ms: &[u64]) -> Estimate {
    let longer_ms = longer_ms.to_vec();
    Estimate { expected_ms, low_ms: expected_ms / 2, high_ms, samples: 9, basis: Basis::Own, longer_ms }
}

#[test]
fn once_the_point_is_passed_longer_runs_are_what_there_is_to_go_by() {
    let estimate = usually(1000, 1500, &[1100, 1300, 2000, 4000]);
    assert_eq!(estimate.given(ms(999)), Some(ms(1000)));
    assert_eq!(estimate.given(ms(1000)), Some(ms(1650)));
    assert_eq!(estimate.given(ms(1100)), Some(ms(2000)));
    assert_eq!(estimate.given(ms(1300)), Some(ms(3000)));
    assert_eq!(estimate.given(ms(3999)), Some(ms(4000)));
    assert_eq!(estimate.given(ms(4000)), None, "longer than ever");
    assert_eq!(estimate.remaining(ms(1300)), Some(ms(1700)));
    assert_eq!(estimate.remaining(ms(4000)), None);
    assert_eq!(usually(0, 0, &[]).remaining(Duration::ZERO), Some(ms(1)));
}

#[test]
fn a_bar_fills_to_the_point_and_stops_short_of_the_end() {
    let estimate = usually(1000, 1500, &[4000]);
    assert!(estimate.fraction(Duration::ZERO).abs() < 1e-9);
    assert!((estimate.fraction(ms(500)) - 0.5).abs() < 1e-9);
    assert!((estimate.fraction(ms(990_000)) - 0.99).abs() < 1e-9);
    assert!((usually(0, 0, &[]).fraction(ms(5)) - 0.99).abs() < 1e-9);
}

#[test]
fn a_stage_is_late_past_the_band() {
    let estimate = usually(100_000, 150_000, &[160_000, 200_000]);
    assert_eq!(estimate.late_by(ms(150_000)), None);
    assert!(!estimate.is_late(ms(150_000)) && estimate.is_late(ms(150_001)));
    assert_eq!(estimate.late_by(ms(180_000)), Some(ms(30_000)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_expected_never_goes_down_and_is_never_over(
        samples in vec(0u64..20_000, 1..40),
        mut moments in vec(0u64..25_000, 2..20),
    ) {
        let estimate = estimate(&samples, &[], Basis::Own).unwrap();
        moments.sort_unstable();
        let mut before: Option<(Duration, f64)> = None;
        for moment in moments {
            let elapsed = ms(moment);
            let fraction = estimate.fraction(elapsed);
            prop_assert!((0.0..=0.99).contains(&fraction));
            let given = estimate.given(elapsed);
            if let Some((whole, part)) = before {
                prop_assert!(fraction >= part);
                prop_assert!(given.is_none_or(|given| given >= whole));
            }
            prop_assert_eq!(given.is_none(), estimate.remaining(elapsed).is_none());
            if let Some(given) = given {
                prop_assert!(given > elapsed);
                prop_assert_eq!(estimate.remaining(elapsed), given.checked_sub(elapsed));
                before = Some((given, fraction));
            } else {
                prop_assert!(samples.iter().take(30).all(|sample| ms(*sample) <= elapsed));
            }
        }
    }
}
