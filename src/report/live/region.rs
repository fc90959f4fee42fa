//! Lines at the bottom of what was written, which change; and above them, lines that stay.
//!
//! indicatif lays the lines out: it keeps to the terminal's size and clears what was there before. It draws on rows in
//! memory, and what has come of them is put on the terminal with one write, and only where it differs from what stands
//! there.
//!
//! The cursor is always left where the region begins. Whatever a terminal does to its lines when it is resized, the
//! cursor stays with its line: so the next frame, and whoever takes the region away, erases from the cursor on and needs
//! to know nothing. Lines are a column narrower than the terminal, for a full one leaves the cursor in a place of which
//! terminals have different ideas.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::fit::width;
use crate::report::terminal::{Canvas, ERASE, Mark, Size, Standing};
use crate::report::transcript::write_out;

/// The region of a terminal.
pub(super) struct Region<C> {
    canvas: C,
    standing: &'static Standing,
    rows: Rows,
    layout: ProgressBar,
    drawn: Drawn,
}

/// What stands on the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Drawn {
    rows: Vec<String>,
    mark: Mark,
    size: Size,
}

impl<C: Canvas> Region<C> {
    /// An empty region below what was written so far. What stands is noted in `standing`.
    pub(super) fn new(canvas: C, standing: &'static Standing) -> Self {
        let size = canvas.size();
        let rows = Rows::default();
        let target = ProgressDrawTarget::term_like(Box::new(rows.clone()));
        let layout = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            layout.set_style(style);
        }
        Self { canvas, standing, rows, layout, drawn: Drawn { rows: Vec::new(), mark: Mark::None, size } }
    }

    /// How large lines may be: how many, and how wide.
    pub(super) fn room(&self) -> Size {
        room(self.canvas.size())
    }

    /// Whether something can be drawn now without waiting.
    pub(super) fn is_free(&self) -> bool {
        self.canvas.is_free()
    }

    /// Writes `above` for good, and these lines below it in place of those that stood there, in one write. Does nothing
    /// where nothing changes.
    pub(super) fn show(&mut self, above: &[u8], lines: &[String], mark: Mark) -> io::Result<()> {
        let standing = self.standing;
        let _drawing = standing.drawing();
        let size = self.canvas.size();
        let rows = self.lay_out(lines, room(size));
        let next = Drawn { rows, mark, size };
        let stands = self.standing.has_region() != self.drawn.rows.is_empty();
        // Nobody knows what the terminal shows of a mark that somebody else has set.
        let disturbed = standing.take_disturbed();
        if above.is_empty() && stands && next == self.drawn && !disturbed {
            return Ok(());
        }
        let bytes = self.change(above, &next, disturbed);
        // Before, so that whoever interrupts us in the middle of it takes it away; after, since somebody may have.
        self.note(&next, true);
        write_out(&mut self.canvas, &bytes)?;
        self.note(&next, false);
        self.drawn = next;
        Ok(())
    }

    /// The lines as rows that fit.
    fn lay_out(&self, lines: &[String], room: Size) -> Vec<String> {
        self.rows.lock().size = room;
        self.layout.set_message(lines.join("\n"));
        self.rows.lock().shown()
    }

    /// What takes the terminal from what stands to what is to stand.
    fn change(&self, above: &[u8], next: &Drawn, disturbed: bool) -> Vec<u8> {
        // Lines are written over one another, so that nothing flickers; but not where they may have been moved.
        let afresh = !above.is_empty() || next.size != self.drawn.size || next.rows.is_empty();
        let mut bytes = if afresh { ERASE.to_vec() } else { b"\r".to_vec() };
        bytes.extend_from_slice(above);
        let mut text = next.rows.join("\x1b[K\r\n");
        if !text.is_empty() {
            text.push_str("\x1b[J\r");
        }
        if next.rows.len() > 1 {
            // Writing to a String cannot fail.
            let _ = write!(text, "\x1b[{}A", next.rows.len() - 1);
        }
        if next.mark != self.drawn.mark || disturbed {
            text.push_str(&next.mark.sequence());
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    fn note(&self, next: &Drawn, before: bool) {
        let region = !next.rows.is_empty();
        if region || !before {
            self.standing.set_region(region);
        }
        if next.mark != Mark::None || !before {
            self.standing.set_mark(next.mark);
        }
    }
}

/// How large lines may be on a terminal of this size: one row is left for what stands above.
fn room(Size { rows, columns }: Size) -> Size {
    Size { rows: rows.saturating_sub(1).max(1), columns: columns.saturating_sub(1).max(1) }
}

/// Rows in memory, as a terminal would have them after what was written to it.
#[derive(Clone, Debug, Default)]
struct Rows(Arc<Mutex<Cells>>);

#[derive(Debug)]
struct Cells {
    size: Size,
    rows: Vec<String>,
    row: usize,
    column: usize,
}

impl Default for Cells {
    fn default() -> Self {
        Self { size: room(Size::USUAL), rows: Vec::new(), row: 0, column: 0 }
    }
}

impl Cells {
    /// The rows without blanks at their ends, up to the last that has anything.
    fn shown(&self) -> Vec<String> {
        let mut rows: Vec<String> = self.rows.iter().map(|row| row.trim_end_matches(' ').to_owned()).collect();
        let used = rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
        rows.truncate(used);
        rows
    }

    fn current(&mut self) -> &mut String {
        if self.rows.len() <= self.row {
            self.rows.resize(self.row + 1, String::new());
        }
        &mut self.rows[self.row]
    }
}

impl Rows {
    fn lock(&self) -> MutexGuard<'_, Cells> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TermLike for Rows {
    fn width(&self) -> u16 {
        self.lock().size.columns
    }

    fn height(&self) -> u16 {
        self.lock().size.rows
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        let mut cells = self.lock();
        cells.row = cells.row.saturating_sub(n);
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.lock().row += n;
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.lock().column += n;
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        let mut cells = self.lock();
        cells.column = cells.column.saturating_sub(n);
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        let mut cells = self.lock();
        (cells.row, cells.column) = (cells.row + 1, 0);
        Ok(())
    }

    /// Text that fits the row that it is on. A full row is left with the first character that comes after it.
    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let mut cells = self.lock();
        if cells.column >= usize::from(cells.size.columns) {
            (cells.row, cells.column) = (cells.row + 1, 0);
        }
        cells.column += width(&console::strip_ansi_codes(text));
        cells.current().push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        let mut cells = self.lock();
        cells.column = 0;
        cells.current().clear();
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
