//! The live face: what has happened goes above the region, for good, as [`Grouped`] writes it; the region is drawn below
//! it, at most twenty times a second, and only where something has changed. What stages print comes sooner, where it is
//! shown: whoever waits for a line is to see it as it is written.
//!
//! A terminal that takes nothing is not waited for, but for what is to stay: frames are left out, what is to be written
//! gathers up to a bound, and then logs are read no further. At the run's end everything is written, however long it
//! takes.

use std::io;
use std::time::Duration;

use super::frame::Scene;
use super::region::Region;
use crate::clock::{Clock, Timestamp};
use crate::event::{Event, EventKind};
use crate::report::grouped::Grouped;
use crate::report::stuck::LastPrinted;
use crate::report::style::Style;
use crate::report::terminal::{Canvas, Mark, Standing, standing};
use crate::report::transcript::TranscriptOptions;
use crate::report::{Logs, Reporter};
use crate::view::RunView;

/// Frames are no closer to each other than this.
const FRAME: Duration = Duration::from_millis(50);
/// Those that bring what stages have printed, no closer than this.
const TEXT: Duration = Duration::from_millis(10);
/// How often the terminal is looked at where nothing happens: whether a second has passed, whether it has been resized.
const PACE: Duration = Duration::from_millis(250);
/// No wait is shorter than this.
const MOMENT: Duration = Duration::from_millis(1);
/// How much may wait to be written above the region, in bytes.
const PENDING: usize = 64 * 1024;

/// What live mode is to know beside what stands above its region.
pub struct LiveOptions {
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Whether Ctrl+C is for the run, and not for who looks at it.
    pub is_ours: bool,
    /// Whether a key leaves the run, which then goes on.
    pub may_leave: bool,
    /// Whether the terminal has a mark of progress.
    pub has_mark: bool,
}

/// Shows a run on a terminal.
pub struct Live<C> {
    above: Grouped<Vec<u8>>,
    region: Region<C>,
    style: Style,
    options: LiveOptions,
    /// Whether what stages print is shown.
    has_output: bool,
    cancelling: Option<Timestamp>,
    printed: LastPrinted,
    drawn: Option<Timestamp>,
    /// When to show what it was too early for, if there was something.
    due: Option<Timestamp>,
}

impl<C: Canvas> Live<C> {
    /// On this canvas. What stands on it is noted for the process: see [`crate::report::terminal::restore`].
    pub fn new(canvas: C, transcript: TranscriptOptions, options: LiveOptions) -> Self {
        Self::noting(canvas, transcript, options, standing())
    }

    /// The same; what stands on the canvas is noted there.
    pub(in crate::report) fn noting(
        canvas: C,
        transcript: TranscriptOptions,
        options: LiveOptions,
        standing: &'static Standing,
    ) -> Self {
        let (style, has_output) = (transcript.style, transcript.layout.has_output());
        let above = Grouped::new(Vec::new(), transcript);
        Self {
            above,
            region: Region::new(canvas, standing),
            style,
            options,
            has_output,
            cancelling: None,
            printed: LastPrinted::default(),
            drawn: None,
            due: None,
        }
    }

    /// Brings the terminal up to date, unless that was done just now or cannot be done now.
    fn show(&mut self, view: &RunView) -> io::Result<()> {
        let now = self.options.clock.now();
        let is_over = view.end().is_some();
        let much = self.above.out().len() >= PENDING;
        let apart = if self.has_output && !self.above.out().is_empty() { TEXT } else { FRAME };
        let due = self.drawn.map_or(now, |drawn| drawn.after(apart));
        let is_due = due.since(now).is_zero();
        let is_shown = is_over || (is_due || much) && self.region.is_free();
        // A terminal that takes nothing is looked at as often as where nothing happens.
        self.due = (!is_due && !is_shown).then_some(due);
        if !is_shown {
            return Ok(());
        }
        let (style, LiveOptions { is_ours, may_leave, .. }) = (self.style, &self.options);
        let (is_ours, may_leave, cancelling) = (*is_ours, *may_leave, self.cancelling);
        let (room, printed) = (self.region.room(), self.printed.stages());
        let scene = Scene { view, now, room, style, cancelling, is_ours, may_leave, printed };
        let mark = if self.options.has_mark { scene.mark() } else { Mark::None };
        let above = std::mem::take(self.above.out());
        self.drawn = Some(now);
        self.region.show(&above, &scene.lines(), mark)
    }
}

impl<C: Canvas> Reporter for Live<C> {
    fn event(&mut self, view: &RunView, event: &Event, logs: &mut dyn Logs) -> io::Result<()> {
        if matches!(event.kind, EventKind::Cancelling { .. }) {
            self.cancelling.get_or_insert(event.at);
        }
        self.above.event(view, event, logs)
    }

    fn output(&mut self, view: &RunView, logs: &mut dyn Logs) -> io::Result<bool> {
        self.printed.look(view, logs);
        let is_full = self.above.out().len() >= PENDING;
        let more = !is_full && self.above.output(view, logs)?;
        // What is written in one go is shown in one go.
        if !more || self.above.out().len() >= PENDING {
            self.show(view)?;
        }
        Ok(more)
    }

    fn tick(&mut self, view: &RunView, now: Timestamp) -> io::Result<()> {
        self.printed.tick(view, now);
        self.show(view)
    }

    fn make_way(&mut self, _view: &RunView) -> io::Result<()> {
        self.due = None;
        let above = std::mem::take(self.above.out());
        self.drawn = None;
        self.region.show(&above, &[], Mark::None)
    }

    fn pace(&self) -> Duration {
        self.due.map_or(PACE, |due| due.since(self.options.clock.now()).max(MOMENT))
    }
}
