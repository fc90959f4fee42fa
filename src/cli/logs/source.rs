//! What a run's stages print, read to the end of what there is and on from there, onto a page.

use std::io;
use std::time::Duration;

use super::page::{Lane, Page};
use crate::cli::target::Target;
use crate::clock::Timestamp;
use crate::event::{LogInfo, Stream};
use crate::ids::{RunNumber, StageId, StageName};
use crate::journal::index::IndexReader;
use crate::journal::last_lines::{OfStream, Start, start_of_last};
use crate::report::{LogKey, LogPart, Logs, Mishap, Prefix};
use crate::session::logs::RunLogs;
use crate::view::StageState;

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;
/// How far back lines are looked for, in bytes.
const FAR: u64 = 16 << 20;
/// The streams, in the order of their lanes.
const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Begin {
    /// With the first byte of the first attempt.
    First,
    /// With the first byte of the last attempt.
    LastAttempt,
    /// So many lines before the end of the last attempt.
    Last(usize),
}

/// What of it is shown, and how.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Wanted {
    pub(in crate::cli) begin: Begin,
    /// Of one stream only.
    pub(in crate::cli) only: Option<Stream>,
    /// Whether a line says whose it is.
    pub(in crate::cli) prefixed: bool,
    /// Whether it says of which run, too.
    pub(in crate::cli) with_run: bool,
}

/// How far a stage's output has been shown.
struct Cursor {
    stage: StageId,
    /// As long as nothing was read.
    begin: Option<Begin>,
    attempt: u32,
    part: LogPart,
    offset: u64,
    index: Option<(u32, IndexReader)>,
    removed: bool,
    /// Whether the log was changed by somebody, so that nothing is passed over that its index speaks of.
    changed: bool,
    lanes: [Lane; 2],
}

/// The stages of one run that are shown.
pub(in crate::cli) struct Source {
    pub(in crate::cli) target: Target,
    logs: RunLogs,
    wanted: Wanted,
    cursors: Vec<Cursor>,
    buffer: Vec<u8>,
}

/// A place in what an attempt printed.
struct Place {
    key: LogKey,
    /// What is known of the log, once the attempt has ended.
    info: LogInfo,
    /// Whether nothing more comes of the attempt.
    over: bool,
}

impl Source {
    pub(in crate::cli) fn new(target: Target, wanted: Wanted, page: &mut Page<'_>) -> Self {
        let names: Vec<StageName> = target.run.names.values().cloned().collect();
        let number = target.run.number;
        let cursor = |stage: &StageId| {
            let name = target.run.names.get(*stage)?;
            let prefix = wanted.prefixed.then(|| Prefix::new(wanted.with_run.then_some(number), name.clone()));
            if let Some(prefix) = &prefix {
                page.make_room(prefix);
            }
            Some(Cursor::new(number, *stage, wanted.begin, prefix.as_ref()))
        };
        let cursors = target.stages.iter().filter_map(cursor).collect();
        let logs = RunLogs::new(target.run.dir.clone(), names);
        Self { target, logs, wanted, cursors, buffer: vec![0; CHUNK] }
    }

    /// Shows some more of each stage that has more. Whether there may be more at once.
    pub(in crate::cli) fn turn(&mut self, page: &mut Page<'_>, now: Timestamp) -> io::Result<bool> {
        let mut more = false;
        for at in 0..self.cursors.len() {
            more |= self.step(at, page, now)?;
        }
        Ok(more)
    }

    /// Shows all that there is, one stage after the other.
    pub(in crate::cli) fn all(&mut self, page: &mut Page<'_>, now: Timestamp) -> io::Result<()> {
        for at in 0..self.cursors.len() {
            while self.step(at, page, now)? {}
            self.end(at, page)?;
        }
        Ok(())
    }

    /// Shows the lines that are not ended yet: nobody waits for the rest of them.
    pub(in crate::cli) fn finish(&mut self, page: &mut Page<'_>) -> io::Result<()> {
        (0..self.cursors.len()).try_for_each(|at| self.end(at, page))
    }

    /// Shows open lines of which nothing came for a moment.
    pub(in crate::cli) fn show_quiet(&mut self, page: &mut Page<'_>, now: Timestamp) -> io::Result<()> {
        self.cursors.iter_mut().flat_map(|cursor| &mut cursor.lanes).try_for_each(|lane| page.show_quiet(lane, now))
    }

    /// How long until an open line is to be shown.
    pub(in crate::cli) fn due(&self, now: Timestamp) -> Option<Duration> {
        self.cursors.iter().flat_map(|cursor| &cursor.lanes).filter_map(|lane| lane.due(now)).min()
    }

    fn end(&mut self, at: usize, page: &mut Page<'_>) -> io::Result<()> {
        self.cursors[at].lanes.iter_mut().try_for_each(|lane| page.end(lane))
    }

    /// Moves on by what can be read at a time. Whether there may be more at once.
    fn step(&mut self, at: usize, page: &mut Page<'_>, now: Timestamp) -> io::Result<bool> {
        let Some(place) = self.place(at) else { return Ok(false) };
        let cursor = &mut self.cursors[at];
        if let Some(begin) = cursor.begin.take() {
            // A log that cannot be read says so below.
            let _ = self.begin(at, begin, &place);
            return Ok(true);
        }
        if self.skip(at, &place) {
            return Ok(true);
        }
        let cursor = &mut self.cursors[at];
        match self.logs.read(place.key, cursor.offset, &mut self.buffer) {
            Ok(0) => {}
            Ok(n) => {
                self.show(at, n, &place, page, now)?;
                self.cursors[at].offset += n as u64;
                return Ok(true);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => {
                page.say(&mut cursor.lanes[0], &format!("[the log cannot be read: {error}]"))?;
                return self.next_part(at, &place, page);
            }
        }
        if self.meets(at, &place, page)? {
            return Ok(true);
        }
        if !place.over {
            return Ok(false);
        }
        let missing = place.length().saturating_sub(self.cursors[at].offset);
        if missing > 0 {
            self.say(at, &format!("[the log ends early: {missing} bytes of it are missing]"), page)?;
        }
        self.next_part(at, &place, page)
    }

    /// Passes over what is not wanted, where that need not be read to know it. Whether there was something.
    fn skip(&mut self, at: usize, place: &Place) -> bool {
        // Of what is still written the index may promise more than there will be.
        let Some(only) = self.wanted.only.filter(|_| place.over) else { return false };
        let cursor = &mut self.cursors[at];
        if cursor.changed {
            return false;
        }
        let base = place.base();
        let offset = base + cursor.offset;
        let Ok((stream, end)) = cursor.index(&self.target, place.key).at(offset) else { return false };
        let next = (end - base).min(place.length());
        let skips = stream != only && next > cursor.offset;
        if skips {
            cursor.offset = next;
        }
        skips
    }

    /// Where a stage's output is to be read on; none where there is nothing to read.
    fn place(&mut self, at: usize) -> Option<Place> {
        let cursor = &mut self.cursors[at];
        // Nothing has happened yet in a run that has only just been claimed.
        let view = self.target.run.view.stages().get(cursor.stage)?;
        let (last, ended) = match &view.state {
            StageState::Waiting => return None,
            StageState::Running { attempt, .. } => (*attempt, false),
            // The attempt before the one that comes next.
            StageState::Retrying { attempt, .. } => (attempt.saturating_sub(1), true),
            StageState::Finished(finished) => (finished.attempt, true),
        };
        if !matches!(cursor.begin, None | Some(Begin::First)) {
            cursor.attempt = last.max(1);
        }
        let attempt = cursor.attempt;
        let over = attempt < last || ended || !self.target.run.state.is_active();
        let info = view.attempt_log(attempt).unwrap_or_default();
        (attempt <= last).then_some(Place {
            key: LogKey { stage: cursor.stage, attempt, part: cursor.part },
            info,
            over,
        })
    }

    /// Shows what was read.
    fn show(&mut self, at: usize, n: usize, place: &Place, page: &mut Page<'_>, now: Timestamp) -> io::Result<()> {
        let cursor = &mut self.cursors[at];
        if !(self.wanted.prefixed || self.wanted.only.is_some()) {
            return page.push(&mut cursor.lanes[0], &self.buffer[..n], now);
        }
        let base = place.base() + cursor.offset;
        let mut done = 0;
        while done < n {
            let offset = base + done as u64;
            // Where nothing is known of the streams, all is stdout's.
            let (stream, end) = cursor.index(&self.target, place.key).at(offset).unwrap_or((Stream::Stdout, u64::MAX));
            let until = usize::try_from(end - offset).map_or(n, |length| n.min(done.saturating_add(length)));
            if self.wanted.only.is_none_or(|only| only == stream) {
                page.push(&mut cursor.lanes[lane(stream)], &self.buffer[done..until], now)?;
            }
            done = until;
        }
        Ok(())
    }

    /// Says what was done to the log, if anything, and goes on with what there is now. Whether that may be more at once.
    fn meets(&mut self, at: usize, place: &Place, page: &mut Page<'_>) -> io::Result<bool> {
        let cursor = &mut self.cursors[at];
        let (line, more) = match self.logs.mishap(place.key, cursor.offset) {
            None => return Ok(false),
            Some(Mishap::Truncated) => {
                (cursor.offset, cursor.changed) = (0, true);
                ("[the log was truncated; what it has now follows]", true)
            }
            Some(Mishap::Replaced) => {
                (cursor.offset, cursor.removed, cursor.changed) = (0, false, true);
                ("[the log was replaced by another file, which follows]", true)
            }
            Some(Mishap::Removed) if cursor.removed => return Ok(false),
            Some(Mishap::Removed) => {
                cursor.removed = true;
                ("[the log was removed; it is followed for as long as it can be]", false)
            }
        };
        self.say(at, line, page)?;
        Ok(more)
    }

    /// A line of ours, after what both streams printed.
    fn say(&mut self, at: usize, line: &str, page: &mut Page<'_>) -> io::Result<()> {
        self.end(at, page)?;
        page.say(&mut self.cursors[at].lanes[0], line)
    }

    /// Nothing more comes of this part: goes on with the next one, or the next attempt.
    fn next_part(&mut self, at: usize, place: &Place, page: &mut Page<'_>) -> io::Result<bool> {
        let LogInfo { omitted, tail, lost, .. } = place.info;
        if place.key.part == LogPart::Head && tail > 0 {
            self.say(at, &format!("[{omitted} bytes omitted]"), page)?;
            (self.cursors[at].part, self.cursors[at].offset) = (LogPart::Tail, 0);
            return Ok(true);
        }
        if lost > 0 {
            self.say(at, &format!("[{lost} bytes lost: they could not be written to the log]"), page)?;
        }
        self.end(at, page)?;
        let cursor = &mut self.cursors[at];
        cursor.attempt += 1;
        (cursor.part, cursor.offset, cursor.removed, cursor.changed) = (LogPart::Head, 0, false, false);
        Ok(true)
    }

    /// Moves to where the output begins that is wanted.
    fn begin(&mut self, at: usize, begin: Begin, place: &Place) -> io::Result<()> {
        let Begin::Last(mut lines) = begin else { return Ok(()) };
        let info = place.info;
        if info.tail > 0 {
            match self.start_of_last(at, lines, place, LogPart::Tail, info.tail)? {
                Start::At(offset) => {
                    (self.cursors[at].part, self.cursors[at].offset) = (LogPart::Tail, offset);
                    return Ok(());
                }
                Start::Before(missing) => lines = missing,
            }
        }
        let head = LogKey { part: LogPart::Head, ..place.key };
        let length = self.logs.path(head).and_then(|path| path.metadata().ok()).map_or(0, |file| file.len());
        if let Start::At(offset) = self.start_of_last(at, lines, place, LogPart::Head, length)? {
            self.cursors[at].offset = offset;
        }
        Ok(())
    }

    fn start_of_last(
        &mut self,
        at: usize,
        lines: usize,
        place: &Place,
        part: LogPart,
        length: u64,
    ) -> io::Result<Start> {
        let place = Place { key: LogKey { part, ..place.key }, ..*place };
        let (cursor, logs) = (&mut self.cursors[at], &mut self.logs);
        let base = place.base();
        let index = cursor.index(&self.target, place.key);
        let of = self.wanted.only.map(|stream| OfStream { index, stream, base });
        start_of_last(lines, length, FAR, of, |offset, buffer| logs.read(place.key, offset, buffer))
    }
}

impl Place {
    /// How long this part is, once the attempt has ended.
    fn length(&self) -> u64 {
        match self.key.part {
            LogPart::Head => self.info.bytes,
            LogPart::Tail => self.info.tail,
        }
    }

    /// Where this part begins in the whole output.
    fn base(&self) -> u64 {
        match self.key.part {
            LogPart::Head => 0,
            LogPart::Tail => self.info.bytes + self.info.omitted,
        }
    }
}

impl Cursor {
    fn new(run: RunNumber, stage: StageId, begin: Begin, prefix: Option<&Prefix>) -> Self {
        let lanes = STREAMS.map(|stream| Lane::new((run, stage, stream), prefix.cloned()));
        Self {
            stage,
            begin: Some(begin),
            attempt: 1,
            part: LogPart::Head,
            offset: 0,
            index: None,
            removed: false,
            changed: false,
            lanes,
        }
    }

    /// The index of this attempt's log.
    fn index(&mut self, target: &Target, key: LogKey) -> &mut IndexReader {
        if self.index.as_ref().is_none_or(|(attempt, _)| *attempt != key.attempt) {
            self.index = None;
        }
        let (_, index) = self.index.get_or_insert_with(|| {
            let name = &target.run.names[key.stage];
            (key.attempt, IndexReader::new(target.run.dir.index(name, key.attempt)))
        });
        index
    }
}

/// The lane of a stream.
fn lane(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}
