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

/// Durations closer to each other than one part in so many of the longest fill the height no more: that is noise, and is
/// not to look like a change.
const NOISE: u64 = 8;

/// The bars, from the lowest for the shortest duration to the highest for the longest; around the middle where they
/// hardly differ. A failure is a cross in its place.
pub(super) fn sparkline(bars: &[Bar], glyphs: Glyphs) -> String {
    let passed = |bar: &Bar| match bar {
        Bar::Passed(ms) => Some(*ms),
        Bar::Failed => None,
    };
    let shortest = bars.iter().filter_map(passed).min().unwrap_or(0);
    let longest = bars.iter().filter_map(passed).max().unwrap_or(0);
    let range = (longest - shortest).max(longest / NOISE);
    // What is higher than the bars need is left half below them, half above.
    let least = shortest - (range - (longest - shortest)) / 2;
    let levels = glyphs.either(BARS, ASCII_BARS);
    let steps = levels.len() - 1;
    bars.iter()
        .map(|bar| match bar {
            Bar::Failed => glyphs.either('✗', 'x'),
            // Too short to be measured, all of them.
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

    /// A few per cent up and down are what every machine does.
    #[test]
    fn noise_is_no_change() {
        let row = |bars: &[u64]| sparkline(&bars.iter().map(|ms| Passed(*ms)).collect::<Vec<_>>(), Glyphs::Unicode);
        assert_eq!(row(&[5003, 5010, 5001, 5004, 5003, 5018]), "▄▅▄▄▄▅");
        assert_eq!(row(&[5000, 5000, 5100, 5300, 6000]), "▁▁▂▃█");
        assert_eq!(row(&[7, 7, 7]), "▄▄▄");
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
