//! What is said of a stage that seems to hang, wherever it is said.

use std::time::Duration;

use super::verdict::human;
use crate::event::Estimate;
use crate::outcome::HumanDuration;

/// `seems stuck: nothing printed for 4m, usually done after 2m10s`; none for a stage that does not seem so, having run this
/// long on its run's clock and been silent for so long.
pub(super) fn hint(estimate: &Estimate, elapsed: Duration, silent: Duration) -> Option<String> {
    estimate.seems_stuck(elapsed, silent).then(|| sentence(silent, estimate.expected_ms))
}

/// The sentence itself.
pub(super) fn sentence(silent: Duration, expected_ms: u64) -> String {
    let usually = human(expected_ms);
    // It changes by the minute: a figure that moves with each second would say that something happens.
    match silent.as_secs() {
        seconds @ 0..3600 => {
            format!("seems stuck: nothing printed for {}m, usually done after {usually}", seconds / 60)
        }
        _ => format!("seems stuck: nothing printed for {}, usually done after {usually}", HumanDuration(silent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::recorded::expecting;

    #[test]
    fn what_seems_stuck_is_said_in_words() {
        let s = Duration::from_secs;
        let estimate = expecting(130_000);
        assert_eq!(hint(&estimate, s(140), s(140)), None);
        assert_eq!(hint(&estimate, s(280), s(59)), None);
        let said = hint(&estimate, s(280), s(299)).unwrap();
        assert_eq!(said, "seems stuck: nothing printed for 4m, usually done after 2m10s");
        let said = hint(&estimate, s(9000), s(3900)).unwrap();
        assert_eq!(said, "seems stuck: nothing printed for 1h05m, usually done after 2m10s");
    }
}
