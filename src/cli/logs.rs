//! `logs`: what stages printed, now or then, line by line. With `-f` it goes on until what it follows ends, and exits
//! with the code of that: the run's own, or that of the stage that was named.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use regex::bytes::Regex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::args::LogsArgs;
use super::error::CliError;
use super::project::Context;
use super::{Ending, faces, output, target};
use crate::event::LogInfo;
use crate::ids::{StageId, StageName};
use crate::journal::layout::ProjectDir;
use crate::journal::state::RunState;
use crate::journal::watch::Watch;
use crate::outcome::{Outcome, exit};
use crate::report::{LogKey, LogPart, Logs};
use crate::session::logs::RunLogs;
use crate::session::runs::{self, Run};
use crate::text::terminal::{FilterOptions, Markers, TerminalFilter};
use crate::view::StageState;

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;
/// How often a run is looked at that is watched.
const TICK: Duration = Duration::from_secs(1);
/// How often a run is looked at that cannot be watched.
const LOOK: Duration = Duration::from_millis(100);

/// Shows logs.
pub(super) fn logs(context: &Context<'_>, args: &LogsArgs) -> Result<Ending, CliError> {
    let grep = args
        .grep
        .as_deref()
        .map(Regex::new)
        .transpose()
        .map_err(|error| CliError::usage(format!("--grep takes a regular expression: {error}")))?;
    let project = context.project()?;
    let state = context.state(&project.root)?;
    let target = target::find(&state, &args.target)?;
    let names: Vec<StageName> = target.run.names.values().cloned().collect();
    let several = target.stages.len() > 1;
    let width = target.stages.iter().map(|id| names[id.0 as usize].as_str().len()).max().unwrap_or(0);
    let mut printer = Printer {
        out: BufWriter::with_capacity(CHUNK, io::stdout().lock()),
        logs: RunLogs::new(target.run.dir.clone(), names.clone()),
        grep,
        colour: faces::colour(context),
        cursors: Vec::new(),
    };
    for id in &target.stages {
        let prefix = several.then(|| format!("{:width$} | ", names[id.0 as usize]));
        printer.cursors.push(Cursor::new(*id, prefix, args.tail));
    }
    let followed = Followed { stages: target.stages, narrowed: target.narrowed };
    let watch = Watch::new(&target.run.dir).ok();
    // What happened between the first look and the watch would not be heard of.
    let mut run = if args.follow { again(&state, &target.run)? } else { target.run };
    loop {
        // What can be read now was written before the run was seen to have ended, so nothing is left out.
        let over = is_over(&run, &followed);
        match printer.show(&run) {
            Ok(()) => {}
            // Nobody reads any more.
            Err(_) => break,
        }
        if over || !args.follow {
            break;
        }
        wait(watch.as_ref());
        run = again(&state, &run)?;
    }
    if run.state == RunState::Lost {
        output::lost_before_it_began(&run.dir, Some(run.number), &run.view);
    }
    Ok(Ending::Code(if args.follow { code(&run, &followed) } else { exit::PASSED }))
}

fn again(state: &ProjectDir, run: &Run) -> Result<Run, CliError> {
    runs::read(state, run.number).map_err(target::unreadable)
}

fn is_over(run: &Run, target: &Followed) -> bool {
    run.state != RunState::Running || target.stage_code(run).is_some()
}

fn code(run: &Run, target: &Followed) -> u8 {
    target.stage_code(run).unwrap_or(match run.state {
        RunState::Finished { exit_code, .. } => exit_code,
        RunState::Lost => exit::INFRASTRUCTURE,
        RunState::Running => exit::PASSED,
    })
}

/// What is followed.
struct Followed {
    stages: Vec<StageId>,
    /// Whether they were named, and are followed for themselves.
    narrowed: bool,
}

impl Followed {
    /// What the named stages came to: the same whether the run goes on or not. None before they have ended, and where
    /// one of them was cancelled: then the run says why.
    fn stage_code(&self, run: &Run) -> Option<u8> {
        let mut code = exit::PASSED;
        for id in self.stages.iter().filter(|_| self.narrowed) {
            let stage = run.view.stages().get(*id)?;
            match stage.finished()?.outcome {
                Outcome::Cancelled { .. } => return None,
                Outcome::Failed { .. } | Outcome::TimedOut { .. } if !stage.is_allowed_failure() => code = exit::FAILED,
                Outcome::Errored { .. } if code == exit::PASSED => code = exit::INFRASTRUCTURE,
                Outcome::Passed
                | Outcome::Cached
                | Outcome::Skipped { .. }
                | Outcome::Failed { .. }
                | Outcome::TimedOut { .. }
                | Outcome::Errored { .. } => {}
            }
        }
        self.narrowed.then_some(code)
    }
}

/// Waits until something was written. Where that cannot be heard of, and in case it was not, not for long.
fn wait(watch: Option<&Watch>) {
    let limit = Timespec::try_from(if watch.is_some() { TICK } else { LOOK });
    let limit = limit.unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    let mut heard: Vec<PollFd<'_>> = watch.iter().map(|watch| PollFd::new(*watch, PollFlags::IN)).collect();
    let _ = poll(&mut heard, Some(&limit));
    if let Some(watch) = watch {
        watch.clear();
    }
}

/// How far a stage's output has been shown.
struct Cursor {
    stage: StageId,
    prefix: Option<String>,
    /// Lines from the end to begin at, until it is known where that is.
    tail: Option<usize>,
    attempt: u32,
    part: LogPart,
    offset: u64,
    filter: Option<TerminalFilter>,
    line: Vec<u8>,
}

impl Cursor {
    fn new(stage: StageId, prefix: Option<String>, tail: Option<usize>) -> Self {
        Self { stage, prefix, tail, attempt: 1, part: LogPart::Head, offset: 0, filter: None, line: Vec::new() }
    }
}

struct Printer<'a> {
    out: BufWriter<io::StdoutLock<'a>>,
    logs: RunLogs,
    grep: Option<Regex>,
    colour: bool,
    cursors: Vec<Cursor>,
}

impl Printer<'_> {
    /// Shows all that is there now.
    fn show(&mut self, run: &Run) -> io::Result<()> {
        let mut cursors = std::mem::take(&mut self.cursors);
        for cursor in &mut cursors {
            self.show_stage(run, cursor)?;
        }
        self.cursors = cursors;
        self.out.flush()
    }

    fn show_stage(&mut self, run: &Run, cursor: &mut Cursor) -> io::Result<()> {
        // Nothing has happened yet in a run that has only just been claimed.
        let Some(view) = run.view.stages().get(cursor.stage) else { return Ok(()) };
        let (last, ended) = match &view.state {
            StageState::Waiting => return Ok(()),
            StageState::Running { attempt, .. } => (*attempt, false),
            // The attempt before the one that comes next.
            StageState::Retrying { attempt, .. } => (attempt - 1, true),
            StageState::Finished(finished) => (finished.attempt, true),
        };
        if cursor.tail.is_some() {
            cursor.attempt = last.max(1);
        }
        while cursor.attempt <= last {
            let over = cursor.attempt < last || ended || run.state != RunState::Running;
            self.show_attempt(cursor, over, view.attempt_log(cursor.attempt))?;
            if !over {
                break;
            }
            cursor.attempt += 1;
            (cursor.part, cursor.offset) = (LogPart::Head, 0);
        }
        Ok(())
    }

    fn show_attempt(&mut self, cursor: &mut Cursor, over: bool, info: Option<LogInfo>) -> io::Result<()> {
        let info = info.unwrap_or_default();
        if let Some(lines) = cursor.tail.take() {
            self.begin_at_last(cursor, lines, info)?;
        }
        self.show_part(cursor)?;
        if !over {
            return Ok(());
        }
        if cursor.part == LogPart::Head && info.tail > 0 {
            let gap = format!("[{} bytes omitted]\n", info.omitted);
            self.end_part(cursor, gap.as_bytes())?;
            (cursor.part, cursor.offset) = (LogPart::Tail, 0);
            self.show_part(cursor)?;
        }
        self.end_part(cursor, b"")
    }

    /// Shows what there is of a part of the log, from the cursor on.
    fn show_part(&mut self, cursor: &mut Cursor) -> io::Result<()> {
        let log = LogKey { stage: cursor.stage, attempt: cursor.attempt, part: cursor.part };
        let mut buffer = vec![0; CHUNK];
        let mut shown = Vec::new();
        loop {
            let n = self.logs.read(log, cursor.offset, &mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            cursor.offset += n as u64;
            self.filter(cursor).push(&buffer[..n], &mut shown);
            self.lines(cursor, &mut shown)?;
        }
    }

    /// Ends the open line, and adds a line of ours.
    fn end_part(&mut self, cursor: &mut Cursor, ours: &[u8]) -> io::Result<()> {
        let mut shown = Vec::new();
        if let Some(mut filter) = cursor.filter.take() {
            filter.finish(&mut shown);
        }
        shown.extend_from_slice(ours);
        self.lines(cursor, &mut shown)
    }

    fn filter<'c>(&self, cursor: &'c mut Cursor) -> &'c mut TerminalFilter {
        let options = FilterOptions { colour: self.colour, markers: Markers::Keep };
        cursor.filter.get_or_insert_with(|| TerminalFilter::new(options))
    }

    /// Writes the whole lines of what was filtered, and keeps the rest for the next time.
    fn lines(&mut self, cursor: &mut Cursor, shown: &mut Vec<u8>) -> io::Result<()> {
        if cursor.prefix.is_none() && self.grep.is_none() {
            self.out.write_all(shown)?;
            shown.clear();
            return Ok(());
        }
        cursor.line.append(shown);
        let whole = memchr::memrchr(b'\n', &cursor.line).map_or(0, |at| at + 1);
        for line in cursor.line[..whole].split_inclusive(|byte| *byte == b'\n') {
            if self.grep.as_ref().is_none_or(|grep| grep.is_match(&line[..line.len() - 1])) {
                if let Some(prefix) = &cursor.prefix {
                    self.out.write_all(prefix.as_bytes())?;
                }
                self.out.write_all(line)?;
            }
        }
        cursor.line.drain(..whole);
        Ok(())
    }

    /// Moves to where the last so many lines begin: in the log's tail, or in its head where that has too few.
    fn begin_at_last(&mut self, cursor: &mut Cursor, lines: usize, info: LogInfo) -> io::Result<()> {
        let key = |part| LogKey { stage: cursor.stage, attempt: cursor.attempt, part };
        let mut missing = lines;
        if info.tail > 0 {
            match self.start_of_last(key(LogPart::Tail), lines)? {
                Ok(offset) => {
                    (cursor.part, cursor.offset) = (LogPart::Tail, offset);
                    return Ok(());
                }
                Err(more) => missing = more,
            }
        }
        cursor.offset = self.start_of_last(key(LogPart::Head), missing)?.unwrap_or(0);
        Ok(())
    }

    /// Where the last so many lines of a file begin, or how many more there should be.
    fn start_of_last(&mut self, log: LogKey, lines: usize) -> io::Result<Result<u64, usize>> {
        let length = self.logs.path(log).and_then(|path| std::fs::metadata(path).ok()).map_or(0, |meta| meta.len());
        if lines == 0 || length == 0 {
            return Ok(if lines == 0 { Ok(length) } else { Err(lines) });
        }
        let mut wanted = lines;
        let mut buffer = vec![0; CHUNK];
        let mut end = length;
        while end > 0 {
            let start = end.saturating_sub(CHUNK as u64);
            let want = usize::try_from(end - start).unwrap_or(CHUNK);
            let n = self.logs.read(log, start, &mut buffer[..want])?;
            for at in memchr::memrchr_iter(b'\n', &buffer[..n]) {
                let next = start + at as u64 + 1;
                // The newline that ends the last line begins no other.
                if next == length {
                    continue;
                }
                wanted -= 1;
                if wanted == 0 {
                    return Ok(Ok(next));
                }
            }
            end = start;
        }
        // The file's first line is one too.
        Ok(if wanted == 1 { Ok(0) } else { Err(wanted - 1) })
    }
}
