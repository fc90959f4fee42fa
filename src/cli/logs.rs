//! `logs`: what stages printed, now or then, line by line. With `-f` it goes on until the run ends, or the stage that
//! was named, and exits with its code.

use std::io::{self, BufWriter, Write};

use regex::bytes::Regex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::args::LogsArgs;
use super::error::CliError;
use super::project::Context;
use super::target::Target;
use super::{Ending, faces, output, queue, target};
use crate::event::LogInfo;
use crate::ids::{StageId, StageName};
use crate::journal::layout::ProjectDir;
use crate::journal::state::RunState;
use crate::journal::watch::Watch;
use crate::outcome::exit;
use crate::report::{LogKey, LogPart, Logs};
use crate::session::logs::RunLogs;
use crate::session::runs::Run;
use crate::text::terminal::{FilterOptions, Markers, TerminalFilter};
use crate::view::StageState;

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;

/// Shows logs.
pub(super) fn logs(context: &Context<'_>, args: &LogsArgs) -> Result<Ending, CliError> {
    let grep = args.grep.as_deref().map(expression).transpose()?;
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let mut target = target::find(&state, args.target.as_deref().unwrap_or("latest"))?;
    let names: Vec<StageName> = target.run.names.values().cloned().collect();
    let several = target.stages.len() > 1;
    let width = target.stages.iter().map(|id| names[id.0 as usize].as_str().len()).max().unwrap_or(0);
    let mut printer = Printer {
        out: BufWriter::with_capacity(CHUNK, io::stdout().lock()),
        logs: RunLogs::new(target.run.dir.clone(), names.clone()),
        grep,
        colour: faces::colour(context),
        wrote: false,
        cursors: Vec::new(),
        buffer: vec![0; CHUNK],
    };
    for id in &target.stages {
        let prefix = several.then(|| format!("{:width$} | ", names[id.0 as usize]));
        printer.cursors.push(Cursor::new(*id, prefix, args.tail));
    }
    let watch = Watch::new(&target.run.dir).ok();
    loop {
        // Read after the watch began, so that nothing happens unheard between the two. What can be read of the logs
        // after it was written before a run was seen to have ended, so nothing is left out.
        target.run.refresh().map_err(target::unreadable)?;
        let over = target.is_over();
        match printer.show(&target.run) {
            Ok(()) => {}
            // Nobody reads any more.
            Err(_) => break,
        }
        if over || !args.follow {
            let _ = printer.finish();
            if !printer.wrote {
                output::say(&nothing_shown(&state, &target, args));
            }
            break;
        }
        wait(watch.as_ref());
    }
    if target.run.state == RunState::Lost {
        output::lost_before_it_began(&target.run.dir, Some(target.run.number), &target.run.view);
    }
    Ok(Ending::Code(if args.follow { target.exit_code() } else { exit::PASSED }))
}

/// Why there was nothing to show.
fn nothing_shown(state: &ProjectDir, target: &Target, args: &LogsArgs) -> String {
    let (run, number) = (&target.run, target.run.number);
    let whose = match &target.stages[..] {
        [only] => run.names.get(*only).map_or_else(|| "the stage".to_owned(), ToString::to_string),
        _ => "the stages".to_owned(),
    };
    if run.state == RunState::Queued {
        return format!("run {number} {}: {whose} printed nothing yet", queue::is_queued(state, number));
    }
    let started = target.stages.iter().filter_map(|id| run.view.stages().get(*id)).any(|stage| stage.started.is_some());
    if !started {
        format!("{whose} did not start in run {number}")
    } else if args.grep.is_some() {
        format!("no line that {whose} printed in run {number} matches")
    } else {
        format!("{whose} printed nothing in run {number}")
    }
}

fn expression(text: &str) -> Result<Regex, CliError> {
    Regex::new(text).map_err(|error| {
        // The last line says what is wrong, those before it draw where.
        let error = error.to_string();
        let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
        CliError::usage(format!("--grep: {text:?} is not a regular expression: {why}")).or_try(
            "to look for the characters themselves, write a backslash before each of . * + ? ( ) [ ] { } | ^ $ \\",
        )
    })
}

/// Sleeps until something is written, and for a moment at most: a lock is let go just after its file is closed, and
/// only the closing is heard.
fn wait(watch: Option<&Watch>) {
    match watch {
        Some(watch) => {
            let _ = poll(&mut [PollFd::new(watch, PollFlags::IN)], Some(&Timespec { tv_sec: 1, tv_nsec: 0 }));
            watch.clear();
        }
        None => {
            let _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 100_000_000 }));
        }
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
    /// Whether anything was shown.
    wrote: bool,
    cursors: Vec<Cursor>,
    buffer: Vec<u8>,
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

    /// Shows the lines that are not ended yet: nobody waits for the rest of them.
    fn finish(&mut self) -> io::Result<()> {
        let mut cursors = std::mem::take(&mut self.cursors);
        for cursor in &mut cursors {
            self.end_part(cursor, "")?;
        }
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
            let over = cursor.attempt < last || ended || !run.state.is_active();
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
            self.end_part(cursor, &format!("[{} bytes omitted]\n", info.omitted))?;
            (cursor.part, cursor.offset) = (LogPart::Tail, 0);
            self.show_part(cursor)?;
        }
        let lost = match info.lost {
            0 => String::new(),
            lost => format!("[{lost} bytes lost: they could not be written to the log]\n"),
        };
        self.end_part(cursor, &lost)
    }

    /// Shows what there is of a part of the log, from the cursor on.
    fn show_part(&mut self, cursor: &mut Cursor) -> io::Result<()> {
        let log = LogKey { stage: cursor.stage, attempt: cursor.attempt, part: cursor.part };
        let mut shown = Vec::new();
        loop {
            let n = self.logs.read(log, cursor.offset, &mut self.buffer)?;
            if n == 0 {
                return Ok(());
            }
            cursor.offset += n as u64;
            self.filter(cursor).push(&self.buffer[..n], &mut shown);
            self.lines(cursor, &mut shown)?;
        }
    }

    /// Ends the open line, and adds a line of ours.
    fn end_part(&mut self, cursor: &mut Cursor, ours: &str) -> io::Result<()> {
        let mut shown = Vec::new();
        if let Some(mut filter) = cursor.filter.take() {
            filter.finish(&mut shown);
        }
        shown.extend_from_slice(ours.as_bytes());
        self.lines(cursor, &mut shown)
    }

    fn filter<'c>(&self, cursor: &'c mut Cursor) -> &'c mut TerminalFilter {
        let options = FilterOptions { colour: self.colour, markers: Markers::Keep };
        cursor.filter.get_or_insert_with(|| TerminalFilter::new(options))
    }

    /// Writes the whole lines of what was filtered, and keeps the rest for the next time.
    fn lines(&mut self, cursor: &mut Cursor, shown: &mut Vec<u8>) -> io::Result<()> {
        if cursor.prefix.is_none() && self.grep.is_none() {
            self.wrote |= !shown.is_empty();
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
                self.wrote = true;
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
