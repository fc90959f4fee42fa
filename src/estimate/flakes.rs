//! Whether a job flakes: whether it comes out now this way, now that, while nothing that it reads has changed.

use std::collections::HashMap;

use super::numbers::count;
use super::point::SAMPLES;

/// How one past run of a job came out. Only what the job itself said belongs here: a run that was lost or cancelled, or
/// whose job could not be started, says nothing of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastOutcome<'a> {
    /// The fingerprint of what its `inputs` matched; none where it is not known, and then it is like no other run.
    pub inputs: Option<&'a str>,
    /// Whether it passed in the end.
    pub passed: bool,
    /// Whether there was more than one attempt.
    pub retried: bool,
}

/// A job that flakes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flaky {
    /// How many of `total` failed, or passed only after another attempt.
    pub failed: usize,
    /// How many of the last thirty runs were on inputs on which the job both failed and passed.
    pub total: usize,
    /// How often it is expected to come out differently on the same inputs, from 0 to 1.
    pub rate: f64,
}

/// How many runs ago a run counts half as much as the latest.
const HALF_LIFE: f64 = 20.0;
/// What is believed before anything is known: that 1.5 % of runs flake (what Google reports of its own), and this as
/// firmly as if twenty runs had shown it.
const PRIOR_FLIPS: f64 = 0.3;
const PRIOR_RUNS: f64 = 20.0;
/// The rate above which a job is called flaky.
const LEAST_RATE: f64 = 0.02;

/// Whether a job flakes, by its last [`SAMPLES`] outcomes with the command it has now, newest first.
///
/// A run *flips* where it comes out differently from the next older run on the same inputs, or where one of its own
/// attempts did not pass and a later one did. The rate is the posterior mean of a Beta-Binomial of flips among runs that
/// could have flipped. A job is flaky where at least one run flipped and the rate is above 2 %: one that flipped long ago
/// and has been steady since is no longer called so.
pub fn flakiness(newest_first: &[PastOutcome<'_>]) -> Option<Flaky> {
    let looked_at = &newest_first[..newest_first.len().min(SAMPLES)];
    let mut newer: HashMap<&str, (usize, bool)> = HashMap::new();
    let (mut flips, mut trials) = (PRIOR_FLIPS, PRIOR_RUNS);
    let mut flipped = false;
    let mut weigh = |age: usize, flip: bool| {
        let weight = 0.5f64.powf(count(age) / HALF_LIFE);
        trials += weight;
        if flip {
            flips += weight;
            flipped = true;
        }
    };
    for (age, run) in looked_at.iter().enumerate() {
        let within_itself = run.passed && run.retried;
        if within_itself {
            weigh(age, true);
        }
        let Some(inputs) = run.inputs else { continue };
        // The newer of the two is the one that came out differently.
        if let Some((newer_age, passed)) = newer.insert(inputs, (age, run.passed)) {
            weigh(newer_age, passed != run.passed);
        }
    }
    let rate = flips / trials;
    if !flipped || rate <= LEAST_RATE {
        return None;
    }
    let mixed = |run: &&PastOutcome<'_>| {
        let mut same = looked_at.iter().filter(|other| run.inputs.is_some() && other.inputs == run.inputs);
        run.passed && run.retried || same.any(|other| other.passed != run.passed || other.passed && other.retried)
    };
    let told = looked_at.iter().filter(mixed);
    let (total, failed) =
        told.fold((0, 0), |(total, failed), run| (total + 1, failed + usize::from(!run.passed || run.retried)));
    Some(Flaky { failed, total, rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter a run, newest first: `p` passed, `f` failed, `r` passed after another attempt; the digit behind it is
    /// the inputs, 0 where they are not known.
    fn outcomes(text: &str) -> Vec<PastOutcome<'_>> {
        let run = |word| -> PastOutcome<'_> {
            let (outcome, inputs): (&str, &str) = str::split_at(word, 1);
            PastOutcome { inputs: (inputs != "0").then_some(inputs), passed: outcome != "f", retried: outcome == "r" }
        };
        text.split(' ').filter(|word| !word.is_empty()).map(run).collect()
    }

    #[test]
    fn only_a_change_on_the_same_inputs_is_a_flake() {
        assert_eq!(flakiness(&[]), None);
        assert_eq!(flakiness(&outcomes("p3 f2 p1 f0 p0")), None, "the inputs changed, or are not known");
        assert_eq!(flakiness(&outcomes("f1 f1 f1 f1")), None, "it is simply broken");
        let flaky = flakiness(&outcomes("p2 p1 f1 p1 f3 f3")).unwrap();
        assert_eq!((flaky.failed, flaky.total), (1, 3));
        assert!(flaky.rate > 0.02 && flaky.rate < 0.2, "{flaky:?}");
    }

    #[test]
    fn a_pass_after_another_attempt_is_a_flake_by_itself() {
        let flaky = flakiness(&outcomes("p2 r0 p1")).unwrap();
        assert_eq!((flaky.failed, flaky.total), (1, 1));
        let flaky = flakiness(&outcomes("p1 r1 p1")).unwrap();
        assert_eq!((flaky.failed, flaky.total), (1, 3));
        // One that failed in every attempt is no flake.
        let broken = [PastOutcome { inputs: Some("1"), passed: false, retried: true }; 3];
        assert_eq!(flakiness(&broken), None);
    }

    #[test]
    fn a_flake_of_long_ago_is_forgiven() {
        let flip = "f1 p1";
        let steady = |runs: usize| "p2 ".repeat(runs);
        assert!(flakiness(&outcomes(flip)).is_some());
        assert!(flakiness(&outcomes(&format!("{}{flip}", steady(10)))).is_some());
        assert_eq!(flakiness(&outcomes(&format!("{}{flip}", steady(28)))), None, "the rate has sunk below 2 %");
        assert_eq!(flakiness(&outcomes(&format!("{}{flip}", steady(30)))), None, "it is not looked at any more");
    }

    #[test]
    fn the_more_often_the_higher_the_rate() {
        let rate = |text| flakiness(&outcomes(text)).unwrap().rate;
        assert!(rate("p1 f1 p1 f1 p1 f1") > rate("p1 p1 p1 p1 f1 f1"));
        assert!(rate("p1 f1 p1 f1 p1 f1") < 1.0);
    }
}
