//! A stage that has the terminal of whoever looks on: what it prints goes there as it comes, and everything else that
//! there is to show waits until it has ended.
//!
//! ```text
//!  events ─▶ waiting ─▶ view, reporter          while nobody has the terminal, or nobody here has one
//!                │
//!                └─ an interactive stage has started: events wait, its log goes to the terminal, byte for byte;
//!                   it has ended: the rest of its log, the terminal back, and on with what waits
//! ```

use std::collections::VecDeque;
use std::io;

use super::excerpt::last_lines;
use super::{LogKey, LogPart, Logs};
use crate::event::{Event, EventKind, LogInfo};
use crate::ids::{StageId, StageName};
use crate::text::terminal::FilterOptions;
use crate::view::RunView;

/// How much of a stage's output is taken at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// The terminal of whoever looks on, as it is handed to stages.
pub trait StageTerminal {
    /// Whether a stage is still to have it: the run is to know that there is one.
    fn expect(&mut self, more: bool);

    /// Hands it to a stage. Where that cannot be done now, it is done once it can.
    fn hand_over(&mut self);

    /// The stage is to draw what it shows anew, in the size that the terminal has.
    fn redraw(&mut self);

    /// Writes what the stage printed. Says how much was written; nothing where it cannot be just now.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Takes it back, as it was found.
    fn take_back(&mut self);

    /// Says something on it, while nobody has it.
    fn say(&mut self, text: &str);
}

/// The attempt that has the terminal.
#[derive(Debug)]
struct Guest {
    key: LogKey,
    name: StageName,
    /// How much of its log was written.
    offset: u64,
    /// Whether the terminal was handed to it.
    has_it: bool,
    /// Whether it had begun when we came, or when we came back to it.
    is_late: bool,
    /// Whether it has had the terminal at any time.
    was_served: bool,
}

/// The terminal, and who has it.
pub(super) struct Guests {
    terminal: Box<dyn StageTerminal>,
    waiting: VecDeque<Event>,
    guest: Option<Guest>,
    /// Whether what had happened before we came is known by now.
    is_live: bool,
    /// Whether the run stands still: what is typed would be for nobody.
    is_paused: bool,
    /// Whether that was said of the stage that is to have the terminal.
    is_said: bool,
    buffer: Vec<u8>,
}

impl Guests {
    /// On this terminal. `from_start`: nothing has happened in the run before we came.
    pub(super) fn new(terminal: Box<dyn StageTerminal>, from_start: bool) -> Self {
        Self {
            terminal,
            waiting: VecDeque::new(),
            guest: None,
            is_live: from_start,
            is_paused: false,
            is_said: false,
            buffer: Vec::new(),
        }
    }

    /// Something happened; it is shown once its turn comes.
    pub(super) fn push(&mut self, event: &Event) {
        self.waiting.push_back(event.clone());
        match &event.kind {
            EventKind::Paused => self.stand_still(),
            EventKind::Resumed => self.is_paused = false,
            EventKind::RunStarted(_)
            | EventKind::StageStarted { .. }
            | EventKind::StageRetrying { .. }
            | EventKind::StageFinished(_)
            | EventKind::Annotated { .. }
            | EventKind::Cancelling { .. }
            | EventKind::Notice { .. }
            | EventKind::Remote { .. }
            | EventKind::TakenOver { .. }
            | EventKind::RunFinished { .. } => {}
        }
    }

    /// The run is paused. What is typed is for the command line meanwhile, Ctrl+C above all.
    fn stand_still(&mut self) {
        (self.is_paused, self.is_said) = (true, false);
        if let Some(guest) = self.guest.as_mut().filter(|guest| guest.has_it) {
            (guest.has_it, guest.is_late) = (false, true);
            self.terminal.take_back();
            self.say_why_nobody_has_it();
        }
    }

    /// Nothing is shown and nobody hears what is typed: says once that the run is paused.
    fn say_why_nobody_has_it(&mut self) {
        if let (Some(guest), false) = (&self.guest, self.is_said) {
            self.is_said = true;
            let back = if guest.was_served { "back " } else { "" };
            self.terminal.say(&format!("the run is paused; {} gets the terminal {back}when it goes on", guest.name));
        }
    }

    /// The next event that may be shown now.
    pub(super) fn next(&mut self, logs: &mut dyn Logs) -> Option<Event> {
        if let Some(guest) = &self.guest {
            let log = self.waiting.iter().find_map(|event| end_of(event, guest.key))?;
            self.see_out(log, logs);
        }
        self.waiting.pop_front()
    }

    /// An event was shown. `view` has it.
    pub(super) fn shown(&mut self, event: &Event, view: &RunView) {
        match &event.kind {
            EventKind::StageStarted { stage, attempt } => {
                let known = view.stages().get(*stage).filter(|stage| stage.info.interactive);
                self.guest = known.map(|known| Guest {
                    key: LogKey { stage: *stage, attempt: *attempt, part: LogPart::Head },
                    name: known.info.name.clone(),
                    offset: 0,
                    has_it: false,
                    is_late: !self.is_live,
                    was_served: false,
                });
            }
            EventKind::RunStarted(_) | EventKind::StageFinished(_) | EventKind::RunFinished { .. } => {
                if self.is_live {
                    self.expect(view);
                }
            }
            EventKind::StageRetrying { .. }
            | EventKind::Annotated { .. }
            | EventKind::Cancelling { .. }
            | EventKind::Paused
            | EventKind::Resumed
            | EventKind::Remote { .. }
            | EventKind::TakenOver { .. }
            | EventKind::Notice { .. } => {}
        }
    }

    /// Says whether a stage of the run is still to have the terminal.
    fn expect(&mut self, view: &RunView) {
        let more = view
            .stages()
            .values()
            .any(|stage| stage.info.interactive && stage.info.skip.is_none() && stage.finished().is_none());
        self.terminal.expect(more && view.end().is_none());
    }

    /// All that had happened is known; from here on things happen while we are there.
    pub(super) fn is_up_to_date(&mut self, view: &RunView) {
        if !self.is_live && view.header().is_some() {
            self.is_live = true;
            self.expect(view);
        }
    }

    /// Whether a stage is to have the terminal, and does not yet; or it is to be said that it cannot now.
    pub(super) fn is_awaited(&self) -> bool {
        !(self.is_paused && self.is_said) && self.guest.as_ref().is_some_and(|guest| !guest.has_it)
    }

    /// Whether a stage has the terminal, or is about to.
    pub(super) fn is_taken(&self) -> bool {
        self.guest.is_some()
    }

    /// Hands the terminal over, and shows a bounded amount of what the stage printed. Whether there is more at once.
    pub(super) fn serve(&mut self, logs: &mut dyn Logs) -> bool {
        if self.is_paused {
            self.say_why_nobody_has_it();
            return false;
        }
        let Some(guest) = self.guest.as_mut() else { return false };
        if !guest.has_it {
            begin(guest, &mut *self.terminal, logs);
        }
        self.buffer.resize(CHUNK, 0);
        copy(guest, &mut *self.terminal, logs, &mut self.buffer).unwrap_or(false)
    }

    /// The stage has ended. What is left of what it printed is written, and the terminal taken back. What had ended
    /// before we came is not brought back.
    fn see_out(&mut self, log: LogInfo, logs: &mut dyn Logs) {
        let Some(mut guest) = self.guest.take() else { return };
        if !guest.has_it {
            if !guest.was_served && (guest.is_late || log.bytes == 0) {
                return;
            }
            begin(&mut guest, &mut *self.terminal, logs);
        }
        self.buffer.resize(CHUNK, 0);
        while guest.offset < log.bytes {
            match copy(&mut guest, &mut *self.terminal, logs, &mut self.buffer) {
                Ok(true) => {}
                // Nothing is there to be read, or nobody to see it.
                Ok(false) | Err(_) => break,
            }
        }
        self.terminal.take_back();
    }

    /// Nothing more will happen: the terminal is taken back, whoever has it.
    pub(super) fn end(&mut self) {
        if self.guest.take().is_some_and(|guest| guest.has_it) {
            self.terminal.take_back();
        }
        self.terminal.expect(false);
    }
}

/// What an attempt printed, if this is the event that ends it.
fn end_of(event: &Event, key: LogKey) -> Option<LogInfo> {
    match &event.kind {
        EventKind::StageFinished(finished) if finished.stage == key.stage => Some(finished.log),
        EventKind::StageRetrying { stage, log, .. } if *stage == key.stage => Some(*log),
        // It will have no other end.
        EventKind::RunFinished { .. } => Some(LogInfo::default()),
        EventKind::RunStarted(_)
        | EventKind::StageStarted { .. }
        | EventKind::StageRetrying { .. }
        | EventKind::StageFinished(_)
        | EventKind::Annotated { .. }
        | EventKind::Cancelling { .. }
        | EventKind::Paused
        | EventKind::Resumed
        | EventKind::Remote { .. }
        | EventKind::TakenOver { .. }
        | EventKind::Notice { .. } => None,
    }
}

/// Hands the terminal to a stage. Who comes late sees the last lines of what was said before, and then what comes. What
/// the stage has drawn with moves of the cursor is not repeated as it was: it may have asked the terminal something,
/// and the answer would be typed in.
fn begin(guest: &mut Guest, terminal: &mut dyn StageTerminal, logs: &mut dyn Logs) {
    (guest.has_it, guest.was_served) = (true, true);
    terminal.hand_over();
    let mut text = format!("{} has the terminal: what is typed goes to it\r\n", guest.name);
    if guest.is_late {
        // A run that can be come back to keeps its logs.
        let length = logs.path(guest.key).and_then(|path| path.metadata().ok()).map_or(0, |log| log.len());
        guest.offset = length;
        text.push_str(&said_before(guest.key.stage, guest.key.attempt, length, logs));
    }
    let _ = write_all(terminal, text.as_bytes());
    if guest.is_late {
        terminal.redraw();
    }
}

/// The last lines of what a stage has printed so far; the last of them is left open where it has no end yet.
fn said_before(stage: StageId, attempt: u32, bytes: u64, logs: &mut dyn Logs) -> String {
    if is_drawn(LogKey { stage, attempt, part: LogPart::Head }, bytes, logs) {
        return String::new();
    }
    let log = LogInfo { bytes, ..LogInfo::default() };
    let filter = FilterOptions { colour: true, ..FilterOptions::default() };
    let mut text = last_lines(logs, (stage, attempt), log, filter).unwrap_or_default().join("\r\n");
    let mut last = [b'\n'];
    let is_open = bytes > 0
        && logs.read(LogKey { stage, attempt, part: LogPart::Head }, bytes - 1, &mut last).is_ok()
        && last != [b'\n'];
    if !text.is_empty() && !is_open {
        text.push_str("\r\n");
    }
    text
}

/// Whether the end of what a stage has printed is drawn and not written: the cursor is put somewhere (CUP, ECMA-48,
/// 8.3.21). As text that says nothing.
fn is_drawn(key: LogKey, bytes: u64, logs: &mut dyn Logs) -> bool {
    let mut end = vec![0; usize::try_from(bytes).unwrap_or(CHUNK).min(CHUNK)];
    let from = bytes.saturating_sub(end.len() as u64);
    let n = logs.read(key, from, &mut end).unwrap_or(0);
    memchr::memmem::find_iter(&end[..n], b"\x1b[").any(|start| {
        let rest = &end[start + 2..n];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        digits > 0 && rest.get(digits) == Some(&b'H')
    })
}

/// What a face says instead of what a stage printed that had a terminal: it was seen there, and drawn with moves of the
/// cursor it is no text. Nothing for other stages.
pub(super) fn instead_of_output(view: &RunView, stage: StageId, program: &str) -> Option<String> {
    let info = &view.stages().get(stage)?.info;
    let number = view.header().and_then(|run| run.number);
    info.interactive.then(|| match number {
        Some(number) => {
            format!("[it had the terminal; `{program} logs {number}/{}` has what it printed there]", info.name)
        }
        None => "[it had the terminal]".to_owned(),
    })
}

fn write_all(terminal: &mut dyn StageTerminal, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match terminal.write(rest) {
            Ok(0) => break,
            Ok(n) => rest = &rest[n..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Shows what the stage has printed since, a bounded amount. Whether there may be more at once.
fn copy(
    guest: &mut Guest,
    terminal: &mut dyn StageTerminal,
    logs: &mut dyn Logs,
    buffer: &mut [u8],
) -> io::Result<bool> {
    let n = logs.read(guest.key, guest.offset, buffer)?;
    let mut written = 0;
    while written < n {
        match terminal.write(&buffer[written..n]) {
            Ok(0) => break,
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    guest.offset += written as u64;
    Ok(n > 0 && written == n)
}
