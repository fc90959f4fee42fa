//! Durations as a row of bars, one character each.

use super::style::Glyphs;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// From little ink to much.
const ASCII_BARS: [char; 8] = ['.', ':', '-', '=', '+', '*', '#', '@'];

/// One run in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    /// It passed in so many milliseconds.
    Passed(u64),
    /// It did not: how long it took is of no interest.
    Failed,
}

/// The bars, from the lowest for the shortest duration to the highest for the longest; all in the middle where they are
/// all the same. A failure is a cross in its place.
pub(super) fn sparkline(bars: &[Bar], glyphs: Glyphs) -> String {
    let passed = |bar: &Bar| match bar {
        Bar::Passed(ms) => Some(*ms),
        Bar::Failed => None,
    };
    let least = bars.iter().filter_map(passed).min().unwrap_or(0);
    let range = bars.iter().filter_map(passed).max().unwrap_or(0) - least;
    let levels = glyphs.either(BARS, ASCII_BARS);
    let steps = levels.len() - 1;
    bars.iter()
        .map(|bar| match bar {
            Bar::Failed => glyphs.either('✗', 'x'),
            Bar::Passed(_) if range == 0 => levels[steps / 2],
            Bar::Passed(ms) => {
                // To the nearest level, in whole numbers.
                let range = u128::from(range);
                let level = (u128::from(ms - least) * steps as u128 + range / 2) / range;
                levels[usize::try_from(level).unwrap_or(steps).min(steps)]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Bar::{Failed, Passed};
    use super::*;

    #[test]
    fn durations_are_bars_and_failures_crosses() {
        let ramp: Vec<Bar> = (0..8).map(|n| Passed(1000 + n * 100)).collect();
        assert_eq!(sparkline(&ramp, Glyphs::Unicode), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&ramp, Glyphs::Ascii), ".:-=+*#@");
        let mixed = [Passed(100), Failed, Passed(200), Passed(100)];
        assert_eq!(sparkline(&mixed, Glyphs::Unicode), "▁✗█▁");
        assert_eq!(sparkline(&mixed, Glyphs::Ascii), ".x@.");
    }

    #[test]
    fn there_is_no_row_that_cannot_be_drawn() {
        for (bars, drawn) in [
            (&[][..], ""),
            (&[Passed(7)], "▄"),
            (&[Passed(0), Passed(0)], "▄▄"),
            (&[Failed], "✗"),
            (&[Passed(0), Passed(u64::MAX)], "▁█"),
        ] {
            assert_eq!(sparkline(bars, Glyphs::Unicode).chars().count(), drawn.chars().count(), "{bars:?}");
        }
        assert_eq!(sparkline(&[Passed(7)], Glyphs::Unicode), "▄");
    }
}
