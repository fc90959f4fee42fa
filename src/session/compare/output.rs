//! The first line in which what an attempt printed differs from what another did, stream by stream: between the two
//! there is no order. Both logs are read side by side, a block at a time, and nothing of them is kept but the beginning
//! of a line.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::event::{LogInfo, Stream};
use crate::ids::StageName;
use crate::journal::index::IndexReader;
use crate::journal::layout::{RunDir, private_file};
use crate::report::comparison::OutputChange;
use crate::text::plain::printable;
use crate::text::terminal::{FilterOptions, TerminalFilter};

/// How much is read at a time, in bytes.
const BLOCK: usize = 64 * 1024;
/// How much of a line is kept before the place where it differs, and shown after it, in bytes.
const AROUND: usize = 200;

/// What an attempt printed.
pub(super) struct Log<'a> {
    pub(super) run: &'a RunDir,
    pub(super) stage: &'a StageName,
    pub(super) attempt: u32,
    /// What was kept of it, once it has ended.
    pub(super) info: Option<LogInfo>,
}

impl Log<'_> {
    /// Why it cannot be compared, as the end of a sentence.
    pub(super) fn objection(&self) -> Option<&'static str> {
        let Some(info) = self.info else { return Some("it has not come to its end") };
        let length = self.run.log(self.stage, self.attempt).metadata().map_or(0, |file| file.len());
        (length < info.bytes).then_some("its log is gone, or cut short")
    }

    /// Whether there is more than can be compared.
    fn is_cut(&self) -> bool {
        self.info.is_some_and(|info| info.omitted > 0 || info.tail > 0 || info.lost > 0)
    }

    /// The bytes of one stream.
    fn of(&self, stream: Stream) -> io::Result<Bytes> {
        let file = match private_file().read(true).open(self.run.log(self.stage, self.attempt)) {
            Ok(file) => Some(file),
            // What printed nothing has no log.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let index = IndexReader::new(self.run.index(self.stage, self.attempt));
        let length = self.info.map_or(0, |info| info.bytes);
        Ok(Bytes { file, index, stream, length, block: Vec::new(), start: 0, next: 0, piece: 0..0 })
    }
}

/// The bytes of one stream of a log, from the first on.
struct Bytes {
    file: Option<File>,
    index: IndexReader,
    stream: Stream,
    length: u64,
    block: Vec<u8>,
    /// Where the block begins in the log.
    start: u64,
    /// Which byte of the block is looked at next.
    next: usize,
    /// What of the block is there to be taken.
    piece: Range<usize>,
}

impl Bytes {
    /// The next bytes; none at the end.
    fn peek(&mut self) -> io::Result<&[u8]> {
        while self.piece.is_empty() && (self.next < self.block.len() || self.read()?) {
            let offset = self.start + self.next as u64;
            let (stream, end) = self.index.at(offset)?;
            let left = self.block.len() - self.next;
            let length = usize::try_from(end - offset).map_or(left, |length| length.min(left));
            if stream == self.stream {
                self.piece = self.next..self.next + length;
            }
            self.next += length;
        }
        Ok(&self.block[self.piece.clone()])
    }

    fn take(&mut self, n: usize) {
        self.piece.start += n;
    }

    /// Reads the next block. Whether there is one.
    fn read(&mut self) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        self.start += self.block.len() as u64;
        let want = usize::try_from(self.length.saturating_sub(self.start)).unwrap_or(BLOCK).min(BLOCK);
        self.block.resize(want, 0);
        (self.next, self.piece) = (0, 0..0);
        let n = loop {
            match file.read_at(&mut self.block, self.start) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                n => break n?,
            }
        };
        self.block.truncate(n);
        Ok(n > 0)
    }

    /// The rest of the line, its newline with it, as far as it is shown. None at the end of the stream.
    fn rest_of_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut rest = Vec::new();
        while rest.len() < AROUND && rest.last() != Some(&b'\n') {
            let piece = self.peek()?;
            if piece.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', piece).map_or(piece.len(), |at| at + 1).min(AROUND);
            rest.extend_from_slice(&piece[..end]);
            self.take(end);
        }
        Ok(if rest.is_empty() { None } else { Some(rest) })
    }
}

/// Compares what two attempts printed.
pub(super) fn compare(from: &Log<'_>, to: &Log<'_>) -> io::Result<OutputChange> {
    for stream in [Stream::Stdout, Stream::Stderr] {
        let (mut a, mut b) = (from.of(stream)?, to.of(stream)?);
        let mut place = Place::default();
        let differs = loop {
            let (x, y) = (a.peek()?, b.peek()?);
            let most = x.len().min(y.len());
            if most == 0 {
                // What ends where its log was cut says nothing of what came after it.
                break !(x.is_empty() && (y.is_empty() || from.is_cut()) || y.is_empty() && to.is_cut());
            }
            let same = same(&x[..most], &y[..most]);
            place.pass(&x[..same]);
            a.take(same);
            b.take(same);
            if same < most {
                break true;
            }
        };
        if differs {
            let lines = [a.rest_of_line()?, b.rest_of_line()?].map(|rest| place.line(rest));
            let [from, to] = shown(lines);
            return Ok(OutputChange::Differs { stream, line: place.lines + 1, from, to });
        }
    }
    Ok(if from.is_cut() || to.is_cut() { OutputChange::SameAsFarAsKept } else { OutputChange::Same })
}

/// How many bytes are the same from the beginning on.
fn same(a: &[u8], b: &[u8]) -> usize {
    if a == b { a.len() } else { a.iter().zip(b).take_while(|(a, b)| a == b).count() }
}

/// How far both are the same.
#[derive(Default)]
struct Place {
    /// Whole lines.
    lines: u64,
    /// The last of the open line.
    open: Vec<u8>,
    /// Whether there is more of it before that.
    cut: bool,
}

impl Place {
    fn pass(&mut self, bytes: &[u8]) {
        let open = match memchr::memrchr(b'\n', bytes) {
            None => bytes,
            Some(at) => {
                self.lines += memchr::memchr_iter(b'\n', &bytes[..=at]).count() as u64;
                (self.open, self.cut) = (Vec::new(), false);
                &bytes[at + 1..]
            }
        };
        self.open.extend_from_slice(&open[open.len().saturating_sub(AROUND)..]);
        self.cut |= open.len() > AROUND || self.open.len() > AROUND;
        self.open.drain(..self.open.len().saturating_sub(AROUND));
    }

    /// The line that differs, with its end; none where the stream has no such line.
    fn line(&self, rest: Option<Vec<u8>>) -> Option<Vec<u8>> {
        if rest.is_none() && self.open.is_empty() {
            return None;
        }
        let cut: &[u8] = if self.cut { "…".as_bytes() } else { b"" };
        Some([cut, &self.open, &rest.unwrap_or_default()].concat())
    }
}

/// The lines as a person reads them; where they read the same, with all that cannot be seen.
fn shown(lines: [Option<Vec<u8>>; 2]) -> [Option<String>; 2] {
    let filtered = lines.each_ref().map(|line| {
        let mut text = Vec::new();
        let mut filter = TerminalFilter::new(FilterOptions::default());
        filter.push(line.as_deref()?, &mut text);
        filter.finish(&mut text);
        Some(printable(String::from_utf8_lossy(&text).trim_end_matches('\n')).into_owned())
    });
    if filtered[0] != filtered[1] {
        return filtered;
    }
    lines.map(|line| Some(printable(&String::from_utf8_lossy(&line?)).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::layout::create_dir;

    /// What two attempts print, piece by piece, compared.
    fn compared(from: &[(Stream, &[u8])], to: &[(Stream, &[u8])], cut: bool) -> OutputChange {
        let dir = tempfile::tempdir().unwrap();
        let stage = StageName::new("s").unwrap();
        let mut infos = Vec::new();
        let runs = ["1", "2"].map(|name| RunDir::new(dir.path().join(name)));
        for (run, pieces) in runs.iter().zip([from, to]) {
            create_dir(&run.logs()).unwrap();
            let (mut log, mut index) = (Vec::new(), Vec::new());
            for (stream, bytes) in pieces {
                log.extend_from_slice(bytes);
                index.extend_from_slice(&1_u64.to_le_bytes());
                let end = (log.len() as u64) << 1 | u64::from(*stream == Stream::Stderr);
                index.extend_from_slice(&end.to_le_bytes());
            }
            std::fs::write(run.log(&stage, 1), &log).unwrap();
            std::fs::write(run.index(&stage, 1), &index).unwrap();
            infos.push(LogInfo { bytes: log.len() as u64, omitted: u64::from(cut), ..LogInfo::default() });
        }
        let log = |at: usize| Log { run: &runs[at], stage: &stage, attempt: 1, info: Some(infos[at]) };
        assert_eq!((log(0).objection(), log(1).objection()), (None, None));
        compare(&log(0), &log(1)).unwrap()
    }

    fn differs(stream: Stream, line: u64, from: Option<&str>, to: Option<&str>) -> OutputChange {
        OutputChange::Differs { stream, line, from: from.map(str::to_owned), to: to.map(str::to_owned) }
    }

    #[test]
    fn the_first_line_that_differs_is_found() {
        use Stream::{Stderr, Stdout};
        let out = |from: &[u8], to: &[u8]| compared(&[(Stdout, from)], &[(Stdout, to)], false);
        assert_eq!(out(b"a\nb\n", b"a\nb\n"), OutputChange::Same);
        assert_eq!(out(b"", b""), OutputChange::Same);
        assert_eq!(out(b"a\nbcd\ne\n", b"a\nbxd\nf\n"), differs(Stdout, 2, Some("bcd"), Some("bxd")));
        assert_eq!(out(b"a\n", b"a\nb\n"), differs(Stdout, 2, None, Some("b")));
        assert_eq!(out(b"a\nb", b"a\n"), differs(Stdout, 2, Some("b"), None));
        assert_eq!(out(b"a\nbc", b"a\nb"), differs(Stdout, 2, Some("bc"), Some("b")));
        // What cannot be seen is written out where nothing else differs.
        assert_eq!(out(b"a", b"a\n"), differs(Stdout, 1, Some("a"), Some("a\\n")));
        assert_eq!(
            out(b"\x1b[31ma\x1b[0m\n", b"\x1b[32ma\x1b[0m\n"),
            differs(Stdout, 1, Some("\\u{1b}[31ma\\u{1b}[0m\\n"), Some("\\u{1b}[32ma\\u{1b}[0m\\n"))
        );
        // Of two streams each is compared by itself.
        let mixed = compared(
            &[(Stdout, b"a\n"), (Stderr, b"x\n"), (Stdout, b"b\n"), (Stderr, b"y\n")],
            &[(Stderr, b"x\ny\n"), (Stdout, b"a\nb"), (Stdout, b"\n")],
            false,
        );
        assert_eq!(mixed, OutputChange::Same);
        let mixed = compared(&[(Stderr, b"x\n"), (Stdout, b"a\n")], &[(Stdout, b"a\n"), (Stderr, b"z\n")], false);
        assert_eq!(mixed, differs(Stderr, 1, Some("x"), Some("z")));
    }

    #[test]
    fn long_outputs_and_long_lines_are_compared_in_pieces() {
        let lines =
            |last: &str| (0..30_000).map(|n| format!("line {n}\n")).chain([last.to_owned()]).collect::<String>();
        let out = |from: &str, to: &str| {
            compared(&[(Stream::Stdout, from.as_bytes())], &[(Stream::Stdout, to.as_bytes())], false)
        };
        assert_eq!(out(&lines("one"), &lines("two")), differs(Stream::Stdout, 30_001, Some("one"), Some("two")));
        let long = |end: &str| format!("{}{end}{}", "x".repeat(1 << 20), "y".repeat(1 << 20));
        match out(&long("1"), &long("2")) {
            OutputChange::Differs { line: 1, from: Some(from), to: Some(to), .. } => {
                assert!(from.starts_with("…xxx") && from.contains("x1y") && from.len() < 500, "{from}");
                assert!(to.contains("x2y"), "{to}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn where_a_log_was_cut_nothing_is_said_of_the_rest() {
        let out = |from: &[u8], to: &[u8]| compared(&[(Stream::Stdout, from)], &[(Stream::Stdout, to)], true);
        assert_eq!(out(b"a\nb", b"a\nbc"), OutputChange::SameAsFarAsKept);
        assert_eq!(out(b"a\nb", b"a\nc"), differs(Stream::Stdout, 2, Some("b"), Some("c")));
    }
}
