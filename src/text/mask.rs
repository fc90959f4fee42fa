//! Secrets out of a stream of bytes: each value that must not be seen, and the forms that tools give it, becomes `***`.
//!
//! ```text
//!  bytes ──▶ held + bytes ──▶ search as it is ──────────────┐
//!                        └──▶ search without escapes, if any ┴─▶ ranges ─▶ what lies between them, `***` for each
//!                                                             └▶ held: from where a secret may just have begun
//! ```
//!
//! Invariants, each tested:
//! - The same bytes give the same text, however they are cut into pushes.
//! - Every byte of every occurrence is covered, of occurrences that overlap too. What is left never has a needle in it that
//!   was there before.
//! - What is put in is never looked at again: no replacement completes a secret.
//! - At most the longest needle is held back, and only while it may be one; [`HELD_MAX`] more where escape sequences stand
//!   between its bytes.
//!
//! What a program does to a secret of its own (reverses it, splits it over lines, encrypts it) cannot be found.

mod bare;
mod forms;
mod needles;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

pub use needles::{Needles, TOO_SHORT};

use bare::Bare;

/// What stands for a secret.
pub const REPLACEMENT: &str = "***";
/// How much more than the longest needle is held back where escape sequences stand in it, in bytes.
pub const HELD_MAX: usize = 64 * 1024;

/// The masker of one stream of bytes. See the module.
#[derive(Clone, Debug)]
pub struct Masker {
    needles: Arc<Needles>,
    /// From where a needle may have begun.
    held: Vec<u8>,
    /// How much of that is covered by a range that was written already.
    covered: usize,
}

impl Masker {
    /// A masker of these.
    pub fn new(needles: Arc<Needles>) -> Self {
        Self { needles, held: Vec::new(), covered: 0 }
    }

    /// Looks for these from now on, in what is held back as well.
    pub fn look_for(&mut self, needles: Arc<Needles>) {
        self.needles = needles;
    }

    /// Whether nothing is looked for, so that all that comes stays as it is.
    pub fn is_idle(&self) -> bool {
        self.needles.is_empty() && self.held.is_empty()
    }

    /// Takes the next bytes and writes what of them is settled.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.is_idle() {
            out.extend_from_slice(bytes);
            return;
        }
        let held = std::mem::take(&mut self.held);
        let buffer = if held.is_empty() { Cow::Borrowed(bytes) } else { Cow::Owned([&held, bytes].concat()) };
        let found = self.search(&buffer);
        let live = found.live.unwrap_or(buffer.len());
        self.covered = write(&buffer, &found.ranges, self.covered, live, out);
        self.held = buffer[live..].to_vec();
    }

    /// The stream has ended: writes what was held back, which was no needle.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let found = self.search(&held);
        write(&held, &found.ranges, self.covered, held.len(), out);
        self.covered = 0;
    }

    fn search(&self, buffer: &[u8]) -> Found {
        let mut found = self.needles.search(buffer);
        if let Some(bare) = Bare::of(buffer) {
            let without = self.needles.search(&bare.bytes);
            found.ranges.extend(without.ranges.iter().map(|range| bare.place(range)));
            found.ranges.sort_unstable_by_key(|range| range.start);
            let live = without.live.map(|live| bare.start(live)).into_iter().chain(bare.open).min();
            let room = self.needles.longest() + HELD_MAX;
            found.live = live.filter(|live| buffer.len() - live <= room).into_iter().chain(found.live).min();
        }
        found
    }
}

/// A text that is all there, masked.
pub fn mask(text: &str, needles: &Arc<Needles>) -> String {
    if needles.is_empty() {
        return text.to_owned();
    }
    let (mut masker, mut out) = (Masker::new(Arc::clone(needles)), Vec::with_capacity(text.len()));
    masker.push(text.as_bytes(), &mut out);
    masker.finish(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// What a search has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    /// Where needles are, by where they begin.
    ranges: Vec<Range<usize>>,
    /// From where on what is there is the beginning of one.
    live: Option<usize>,
}

/// Writes what lies before `live`, with a replacement for each stretch of ranges that overlap. The first `covered` bytes
/// belong to a stretch that has its replacement. How much behind `live` belongs to one that has.
fn write(buffer: &[u8], ranges: &[Range<usize>], covered: usize, live: usize, out: &mut Vec<u8>) -> usize {
    let mut end = covered;
    for range in ranges.iter().take_while(|range| range.start < live) {
        // A range that begins where another ends is one of its own.
        if range.start >= end {
            out.extend_from_slice(&buffer[end..range.start]);
            out.extend_from_slice(REPLACEMENT.as_bytes());
        }
        end = end.max(range.end);
    }
    if end < live {
        out.extend_from_slice(&buffer[end..live]);
    }
    end.saturating_sub(live)
}
