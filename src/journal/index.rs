//! Which bytes of a log came from which stream, and when.
//!
//! A file of 16-byte records, little-endian: microseconds on the monotonic clock, then twice the offset at which the
//! piece ends, plus one if it came from stderr. A piece is what one stream printed within about 10 ms. Offsets count in
//! the whole output: those of a log's tail begin after what was left out between it and the head.
//!
//! A piece's first record is written before its bytes are, and another when it has grown and something follows it. So
//! while a log is being written, and after its writer was killed, bytes after the last record came from the stream of
//! that record. Who reads a log and then its index knows of all bytes that were read. (Earlier versions wrote records
//! late; what they left reads the same once their attempt has ended.) A torn last record is not there yet. Beyond
//! [`INDEX_MAX`] nothing more is said of the head.

mod reader;

pub use reader::IndexReader;

use std::collections::VecDeque;

use crate::event::Stream;

/// The length of a record, in bytes.
pub const RECORD: usize = 16;
/// How long an index of a log's head may be, in bytes: as much as two million changes of stream need.
pub const INDEX_MAX: usize = 32 << 20;
/// Bytes from one stream within this time are one piece, in microseconds.
const COALESCE_US: u64 = 10_000;

/// A piece of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// When it came, in microseconds on the monotonic clock.
    pub mono_us: u64,
    /// The offset of the first byte after it.
    pub end: u64,
    /// Where it came from.
    pub stream: Stream,
}

impl Piece {
    fn encode(self) -> [u8; RECORD] {
        let stream = u64::from(self.stream == Stream::Stderr);
        let mut record = [0; RECORD];
        record[..8].copy_from_slice(&self.mono_us.to_le_bytes());
        record[8..].copy_from_slice(&(self.end << 1 | stream).to_le_bytes());
        record
    }

    fn decode(record: [u8; RECORD]) -> Self {
        let number = |half: &[u8]| half.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
        let end = number(&record[8..]);
        let stream = if end & 1 == 1 { Stream::Stderr } else { Stream::Stdout };
        Self { mono_us: number(&record[..8]), end: end >> 1, stream }
    }
}

/// Reads an index file's bytes.
pub fn decode(bytes: &[u8]) -> Vec<Piece> {
    bytes.as_chunks::<RECORD>().0.iter().map(|record| Piece::decode(*record)).collect()
}

/// The bytes of an index file with these pieces.
pub(super) fn encode(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.encode()).collect()
}

/// Makes records of what is about to be written.
#[derive(Debug, Default)]
pub(super) struct IndexBuffer {
    open: Option<Piece>,
    /// Where the open piece ends as far as its records say.
    recorded: u64,
    ready: Vec<u8>,
    made: usize,
}

impl IndexBuffer {
    /// Goes on with an index of so many bytes, that says all of a log of `length`.
    pub(super) fn resume(&mut self, length: u64, made: usize) {
        *self = Self { recorded: length, made, ..Self::default() };
    }

    /// The log is about to end at `end`, by bytes from this stream.
    pub(super) fn extend(&mut self, mono_us: u64, stream: Stream, end: u64) {
        match &mut self.open {
            Some(open) if open.stream == stream && mono_us.saturating_sub(open.mono_us) < COALESCE_US => open.end = end,
            _ => {
                self.close();
                self.record(Piece { mono_us, end, stream });
            }
        }
    }

    /// Nothing follows: makes a record of how far the open piece has grown.
    pub(super) fn close(&mut self) {
        if let Some(open) = self.open.take().filter(|open| open.end > self.recorded) {
            self.record(open);
        }
    }

    fn record(&mut self, piece: Piece) {
        if self.made + RECORD <= INDEX_MAX {
            self.made += RECORD;
            self.ready.extend_from_slice(&piece.encode());
        }
        self.recorded = piece.end;
        self.open = Some(piece);
    }

    /// The records that are to be written before anything else is.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.ready)
    }
}

/// The pieces of the end of an output that is kept in memory.
#[derive(Debug, Default)]
pub(super) struct TailPieces(VecDeque<Piece>);

impl TailPieces {
    /// The output now ends at `end`, by bytes from this stream, and what is kept of it begins at `start`.
    pub(super) fn extend(&mut self, mono_us: u64, stream: Stream, end: u64, start: u64) {
        match self.0.back_mut() {
            Some(open) if open.stream == stream && mono_us.saturating_sub(open.mono_us) < COALESCE_US => open.end = end,
            _ => self.0.push_back(Piece { mono_us, end, stream }),
        }
        while self.0.front().is_some_and(|piece| piece.end <= start) {
            self.0.pop_front();
        }
    }

    /// Their records.
    pub(super) fn records(&self) -> Vec<u8> {
        self.0.iter().flat_map(|piece| piece.encode()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8]) -> Vec<(u64, u64, Stream)> {
        decode(bytes).iter().map(|piece| (piece.mono_us, piece.end, piece.stream)).collect()
    }

    #[test]
    fn pieces_are_coalesced_by_stream_and_time() {
        use Stream::{Stderr, Stdout};
        let mut index = IndexBuffer::default();
        index.extend(1_000, Stdout, 5);
        index.extend(5_000, Stdout, 9);
        index.extend(6_000, Stderr, 12);
        index.extend(7_000, Stdout, 13);
        index.extend(20_000, Stdout, 20);
        index.extend(21_000, Stdout, 22);
        index.close();
        index.close();
        let bytes = index.take();
        let whole = [
            (1_000, 5, Stdout),
            (1_000, 9, Stdout),
            (6_000, 12, Stderr),
            (7_000, 13, Stdout),
            (20_000, 20, Stdout),
            (20_000, 22, Stdout),
        ];
        assert_eq!(said(&bytes), whole);
        // Torn in the middle of a record: what was whole is there.
        assert_eq!(said(&bytes[..bytes.len() - 1]), whole[..5]);
    }

    /// A record is there before its bytes: at any moment those after the last record are of its stream.
    #[test]
    fn what_is_about_to_be_written_is_said_before() {
        let mut index = IndexBuffer::default();
        index.extend(0, Stream::Stdout, 3);
        assert_eq!(said(&index.take()), [(0, 3, Stream::Stdout)]);
        index.extend(9_000, Stream::Stdout, 7);
        assert!(index.take().is_empty(), "of the same stream, soon after");
        index.extend(9_500, Stream::Stderr, 8);
        assert_eq!(said(&index.take()), [(0, 7, Stream::Stdout), (9_500, 8, Stream::Stderr)]);
    }

    #[test]
    fn an_index_does_not_grow_for_ever() {
        let mut index = IndexBuffer::default();
        let mut length = 0;
        for n in 0..(INDEX_MAX / RECORD) as u64 + 10 {
            index.extend(0, if n % 2 == 0 { Stream::Stdout } else { Stream::Stderr }, n + 1);
            length += index.take().len();
        }
        assert_eq!(length, INDEX_MAX);
    }

    #[test]
    fn the_pieces_of_the_tail_go_with_their_bytes() {
        let mut tail = TailPieces::default();
        tail.extend(0, Stream::Stdout, 110, 100);
        tail.extend(1_000, Stream::Stderr, 115, 105);
        tail.extend(2_000, Stream::Stdout, 121, 111);
        assert_eq!(said(&tail.records()), [(1_000, 115, Stream::Stderr), (2_000, 121, Stream::Stdout)]);
    }
}
