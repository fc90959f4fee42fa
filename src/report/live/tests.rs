//! Live mode on a screen in memory: what a person sees, and what was written to get there.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::{Live, LiveOptions};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::report::style::{Glyphs, Style};
use crate::report::terminal::{Canvas, Size, Standing};
use crate::report::tests::{MemoryLogs, options};
use crate::report::{Dialect, Display, Layout, LogKey, LogPart, Reporter, TranscriptOptions};
use crate::view::recorded::{Recorded, Step};

mod frames;
mod region;
mod runs;

/// A terminal in memory.
#[derive(Clone)]
struct Screen(Rc<Inner>);

struct Inner {
    parser: RefCell<vt100::Parser>,
    bytes: RefCell<Vec<u8>>,
    /// How much was written at a time.
    writes: RefCell<Vec<usize>>,
    size: Cell<Size>,
    is_free: Cell<bool>,
    is_gone: Cell<bool>,
}

impl Screen {
    fn new(rows: u16, columns: u16) -> Self {
        Self(Rc::new(Inner {
            parser: RefCell::new(vt100::Parser::new(cells(rows), cells(columns), 1000)),
            bytes: RefCell::default(),
            writes: RefCell::default(),
            size: Cell::new(Size { rows, columns }),
            is_free: Cell::new(true),
            is_gone: Cell::new(false),
        }))
    }

    fn resize(&self, rows: u16, columns: u16) {
        self.0.parser.borrow_mut().screen_mut().set_size(cells(rows), cells(columns));
        self.0.size.set(Size { rows, columns });
    }

    /// What is on it, without blank lines at the end.
    fn text(&self) -> String {
        self.0.parser.borrow().screen().contents().trim_end().to_owned()
    }

    /// The row and the column that the cursor is in.
    fn cursor(&self) -> (u16, u16) {
        self.0.parser.borrow().screen().cursor_position()
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.bytes.borrow().clone()
    }

    fn writes(&self) -> usize {
        self.0.writes.borrow().len()
    }
}

fn cells(n: u16) -> NonZero<u16> {
    NonZero::new(n).unwrap_or(NonZero::<u16>::MIN)
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.is_gone.get() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // As a terminal does with the ends of lines.
        let mut shown = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if *byte == b'\n' && shown.last() != Some(&b'\r') {
                shown.push(b'\r');
            }
            shown.push(*byte);
        }
        self.0.parser.borrow_mut().process(&shown);
        self.0.bytes.borrow_mut().extend_from_slice(bytes);
        self.0.writes.borrow_mut().push(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Canvas for Screen {
    fn size(&self) -> Size {
        self.0.size.get()
    }

    fn is_free(&self) -> bool {
        self.0.is_free.get()
    }
}

/// A clock that several hold.
struct Shared(Arc<ManualClock>);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// A run that is shown on a screen step by step.
struct Stage {
    clock: Arc<ManualClock>,
    logs: MemoryLogs,
    display: Display,
}

/// How a run is shown unless a test is about that.
fn transcript(layout: Layout) -> TranscriptOptions {
    TranscriptOptions { layout, ..options(Dialect::Plain, false) }
}

impl Stage {
    fn new(screen: &Screen, transcript: TranscriptOptions, has_mark: bool) -> Self {
        // The clock of recorded runs starts here.
        let clock = Arc::new(ManualClock::new(Timestamp { unix_ms: 1_700_000_000_000, mono_us: 5_000_000 }));
        let logs = MemoryLogs::default();
        let live =
            LiveOptions { clock: Box::new(Shared(Arc::clone(&clock))), is_ours: true, may_leave: false, has_mark };
        let standing: &'static Standing = Box::leak(Box::default());
        let reporter: Box<dyn Reporter> = Box::new(Live::noting(screen.clone(), transcript, live, standing));
        let display = Display::new(reporter, Box::new(logs.clone()));
        Self { clock, logs, display }
    }

    /// Plays these steps, each at its time.
    fn play(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Event(event) => {
                    self.reach(event.at);
                    self.display.event(event);
                }
                Step::Tick(at) => self.reach(*at),
                Step::Output { stage, attempt, tail, bytes } => {
                    let part = if *tail { LogPart::Tail } else { LogPart::Head };
                    self.logs.append(LogKey { stage: *stage, attempt: *attempt, part }, bytes);
                }
            }
            while self.display.output() {}
        }
    }

    /// Lets time pass until then, with the ticks that come meanwhile.
    fn reach(&mut self, then: Timestamp) {
        loop {
            let left = then.since(self.clock.now());
            if left.is_zero() {
                return;
            }
            self.wait(left.min(self.display.pace()));
        }
    }

    /// Lets so much time pass, and ticks.
    fn wait(&mut self, time: Duration) {
        self.clock.advance(time);
        self.display.tick(self.clock.now());
        while self.display.output() {}
    }
}

/// What is on the screen in the end.
fn shown(run: &Recorded, rows: u16, columns: u16, transcript: TranscriptOptions) -> String {
    let screen = Screen::new(rows, columns);
    Stage::new(&screen, transcript, false).play(&run.steps);
    screen.text()
}

/// A stage of this name.
fn stage_named(name: &str) -> crate::event::StageInfo {
    crate::view::recorded::stage(name, name)
}

/// The combinations of characters and colours.
const STYLES: [Style; 4] = [
    Style { colour: false, glyphs: Glyphs::Unicode },
    Style { colour: false, glyphs: Glyphs::Ascii },
    Style { colour: true, glyphs: Glyphs::Unicode },
    Style { colour: true, glyphs: Glyphs::Ascii },
];
