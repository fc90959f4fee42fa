//! How an attempt ended, as its wrapper wrote it down: one line, which is complete or says nothing.

use std::time::Duration;

use crate::outcome::Exit;

/// How a command ended, or why it was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It ran.
    Exit(Exit),
    /// It was not run; the file `said` has the reason.
    Refused,
}

/// A wrapper's last word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// How it ended.
    pub(super) how: How,
    /// How long it ran, by the clock there: to a hundredth of a second.
    pub(super) took: Duration,
    /// How long its log was then, in bytes.
    pub(super) length: u64,
    /// The time limit that is kept there has ended it.
    pub(super) limited: bool,
    /// Its file system had no room when it ended.
    pub(super) full: bool,
    /// What else the wrapper has to say: words that were not there before.
    pub(super) flags: Vec<String>,
}

impl Verdict {
    /// Reads a record: `local-ci 1 NONCE code|signal|refused N MS LENGTH FLAGS end`. None where it is not complete, or not
    /// this attempt's.
    pub(super) fn read(record: &str, nonce: &str) -> Option<Self> {
        let words: Vec<&str> = record.split_ascii_whitespace().collect();
        let ["local-ci", "1", its, what, number, took, length, flags, "end"] = words[..] else { return None };
        if its != nonce {
            return None;
        }
        let number: i32 = number.parse().ok()?;
        let how = match what {
            "code" => How::Exit(Exit::Code(number)),
            "signal" => How::Exit(Exit::Signal(number)),
            "refused" => How::Refused,
            _ => return None,
        };
        let flags: Vec<String> = flags.split(',').map(str::to_owned).filter(|flag| flag != "-").collect();
        let has = |flag: &str| flags.iter().any(|one| one == flag);
        Some(Self {
            how,
            took: Duration::from_millis(took.parse().ok()?),
            length: length.parse().ok()?,
            limited: has("limit"),
            full: has("full"),
            flags,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "local-ci 1 abc signal 9 1230 4096 -,full end";

    /// H137: a record that is not all there says nothing, wherever it ends; H136: nor does one with another nonce.
    #[test]
    fn h137_a_record_is_complete_or_nothing() {
        let verdict = Verdict::read(RECORD, "abc").unwrap();
        assert_eq!(verdict.how, How::Exit(Exit::Signal(9)));
        assert_eq!((verdict.took, verdict.length), (Duration::from_millis(1230), 4096));
        assert_eq!((verdict.limited, verdict.full), (false, true));
        for at in 0..RECORD.len() {
            assert_eq!(Verdict::read(&RECORD[..at], "abc"), None, "{at}");
        }
        assert_eq!(Verdict::read(&format!("{RECORD}\n"), "abc"), Some(verdict));
        assert_eq!(Verdict::read(RECORD, "abd"), None);
        assert_eq!(Verdict::read("local-ci 2 abc code 0 1 1 - end", "abc"), None);
        assert_eq!(Verdict::read("local-ci 1 abc code x 1 1 - end", "abc"), None);
    }
}
