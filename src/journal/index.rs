//! Which bytes of a log came from which stream, and when.
//!
//! A file of 16-byte records, little-endian: microseconds on the monotonic clock, then twice the offset at which the
//! piece ends, plus one if it came from stderr. A piece is what one stream printed within about 10 ms. A torn last
//! record is not there yet; bytes after the last record are not known and count as stdout.

use crate::event::Stream;

/// The length of a record, in bytes.
pub const RECORD: usize = 16;
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

/// Collects pieces until they are written.
#[derive(Debug, Default)]
pub(super) struct IndexBuffer {
    open: Option<Piece>,
    ready: Vec<u8>,
}

impl IndexBuffer {
    /// The log now ends at `end`, by bytes from this stream.
    pub(super) fn extend(&mut self, mono_us: u64, stream: Stream, end: u64) {
        match &mut self.open {
            Some(open) if open.stream == stream && mono_us.saturating_sub(open.mono_us) < COALESCE_US => open.end = end,
            open => {
                if let Some(done) = open.replace(Piece { mono_us, end, stream }) {
                    self.ready.extend_from_slice(&done.encode());
                }
            }
        }
    }

    /// The records that are complete, and with `all` the open one too.
    pub(super) fn take(&mut self, all: bool) -> Vec<u8> {
        if let Some(open) = self.open.take_if(|_| all) {
            self.ready.extend_from_slice(&open.encode());
        }
        std::mem::take(&mut self.ready)
    }

    /// How many bytes wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.ready.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_coalesced_by_stream_and_time() {
        let mut index = IndexBuffer::default();
        index.extend(1_000, Stream::Stdout, 5);
        index.extend(5_000, Stream::Stdout, 9);
        index.extend(6_000, Stream::Stderr, 12);
        index.extend(7_000, Stream::Stdout, 13);
        index.extend(20_000, Stream::Stdout, 20);
        let bytes = index.take(true);
        let ends: Vec<_> = decode(&bytes).iter().map(|p| (p.mono_us, p.end, p.stream)).collect();
        assert_eq!(
            ends,
            [
                (1_000, 9, Stream::Stdout),
                (6_000, 12, Stream::Stderr),
                (7_000, 13, Stream::Stdout),
                (20_000, 20, Stream::Stdout)
            ]
        );
        // Torn in the middle of a record: what was whole is there.
        assert_eq!(decode(&bytes[..bytes.len() - 1]).len(), 3);
    }
}
