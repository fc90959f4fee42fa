//! Bytes without the escape sequences between them, and where each of them was: a secret in two colours is one all the same.

use std::ops::Range;

use memchr::memchr;

/// The longest sequence that is taken for one, in bytes. What is longer is text.
const SEQUENCE_MAX: usize = 256;
const ESCAPE: u8 = 0x1b;

/// A buffer without its sequences.
pub(super) struct Bare {
    /// What is left.
    pub(super) bytes: Vec<u8>,
    /// For the beginning of each piece that is left: its place in `bytes`, and in the buffer.
    pieces: Vec<(usize, usize)>,
    /// Where a sequence begins whose end has not come yet.
    pub(super) open: Option<usize>,
}

/// What stands where an escape does.
enum Sequence {
    /// A sequence of so many bytes.
    Whole(usize),
    /// The beginning of one.
    Open,
    /// None.
    Text,
}

impl Bare {
    /// None where there is nothing to take out.
    pub(super) fn of(buffer: &[u8]) -> Option<Self> {
        let mut at = memchr(ESCAPE, buffer)?;
        let mut bare = Self { bytes: Vec::with_capacity(buffer.len()), pieces: Vec::new(), open: None };
        let mut from = 0;
        loop {
            match sequence(&buffer[at..]) {
                Sequence::Whole(length) => {
                    bare.keep(buffer, from..at);
                    from = at + length;
                    at = from;
                }
                Sequence::Open => {
                    bare.keep(buffer, from..at);
                    bare.open = Some(at);
                    return Some(bare);
                }
                Sequence::Text => at += 1,
            }
            match memchr(ESCAPE, &buffer[at..]) {
                Some(next) => at += next,
                None => break,
            }
        }
        bare.keep(buffer, from..buffer.len());
        Some(bare)
    }

    fn keep(&mut self, buffer: &[u8], piece: Range<usize>) {
        if !piece.is_empty() {
            self.pieces.push((self.bytes.len(), piece.start));
            self.bytes.extend_from_slice(&buffer[piece]);
        }
    }

    /// Where a byte that is left was in the buffer.
    pub(super) fn start(&self, at: usize) -> usize {
        let piece = self.pieces.partition_point(|(bare, _)| *bare <= at).saturating_sub(1);
        self.pieces.get(piece).map_or(at, |(bare, place)| place + (at - bare))
    }

    /// What a range was in the buffer, with the sequences inside it.
    pub(super) fn place(&self, range: &Range<usize>) -> Range<usize> {
        self.start(range.start)..self.start(range.end - 1) + 1
    }
}

/// What begins at the first byte, which is an escape. ECMA-48 has the shapes; a control string also ends with BEL, as
/// terminals take it.
fn sequence(bytes: &[u8]) -> Sequence {
    let most = &bytes[..bytes.len().min(SEQUENCE_MAX)];
    let Some(kind) = most.get(1) else { return Sequence::Open };
    let end = match kind {
        b'[' => most[2..].iter().position(|byte| !(0x20..=0x3f).contains(byte)).map(|at| (at + 2, at + 3)),
        b']' | b'P' | b'X' | b'^' | b'_' => string_end(most),
        0x20..=0x2f => most[2..].iter().position(|byte| !(0x20..=0x2f).contains(byte)).map(|at| (at + 2, at + 3)),
        0x30..=0x7e => return Sequence::Whole(2),
        _ => return Sequence::Text,
    };
    match end {
        // A byte that cannot end it: what began was none.
        Some((last, _)) if matches!(kind, b'[') && !(0x40..=0x7e).contains(&most[last]) => Sequence::Text,
        Some((last, _)) if matches!(kind, 0x20..=0x2f) && !(0x30..=0x7e).contains(&most[last]) => Sequence::Text,
        Some((_, length)) => Sequence::Whole(length),
        None if most.len() == SEQUENCE_MAX => Sequence::Text,
        None => Sequence::Open,
    }
}

/// Where a control string ends: its last byte, and its length.
fn string_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let ends = |at: usize| bytes[at] == 0x07 || (bytes[at] == b'\\' && bytes[at - 1] == ESCAPE);
    (2..bytes.len()).find(|at| ends(*at)).map(|at| (at, at + 1))
}
