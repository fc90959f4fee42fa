//! Rows under headings, in columns as wide as what stands in them, cut to the terminal.
//!
//! Widths are what a terminal shows: a wide character counts as two, a colour as nothing.

use console::{Alignment, measure_text_width, pad_str, truncate_str};

use super::style::Style;
use crate::text::plain::printable;

/// How a list looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Its characters and colours.
    pub style: Style,
    /// How many columns there are; none where lines may have any length.
    pub width: Option<usize>,
}

impl Look {
    /// A line cut to the width of the terminal, with a sign that it was.
    pub fn cut(self, line: &str) -> String {
        match self.width {
            None => line.to_owned(),
            Some(width) => self.cut_to(line, width),
        }
    }

    /// The first line of a text that is foreign, with a sign where there is more of it.
    pub fn first_line(self, text: &str) -> String {
        let mut lines = text.trim_end().lines();
        let first = printable(lines.next().unwrap_or_default()).into_owned();
        if lines.next().is_some() { format!("{first} {}", self.style.glyphs.ellipsis()) } else { first }
    }

    /// A line cut to so many columns.
    pub fn cut_to(self, line: &str, columns: usize) -> String {
        truncate_str(line, columns, self.style.glyphs.either("…", "~")).trim_end().to_owned()
    }
}

/// How many blanks stand between two columns.
pub(super) const GAP: usize = 2;

/// A table that grows a row at a time. The last column takes what is left of the line.
pub(super) struct Table {
    headings: Vec<(&'static str, Alignment)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub(super) fn new(headings: &[(&'static str, Alignment)]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, a cell a column. What is foreign in it has been made harmless.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The text, a line each for the headings and for every row.
    pub(super) fn render(&self, look: Look) -> String {
        let headings: Vec<String> = self.headings.iter().map(|(heading, _)| (*heading).to_owned()).collect();
        let lines = || std::iter::once(&headings).chain(&self.rows);
        let wide = |column: usize| lines().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell)).max();
        let widths: Vec<usize> = (0..self.headings.len()).map(|column| wide(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in lines() {
            let cells = row.iter().zip(&widths).zip(&self.headings);
            let padded = cells.map(|((cell, width), (_, alignment))| pad_str(cell, *width, *alignment, None));
            let line = padded.collect::<Vec<_>>().join(&" ".repeat(GAP));
            text.push_str(&look.cut(line.trim_end()));
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::Glyphs;

    fn table() -> Table {
        let mut table = Table::new(&[("N", Alignment::Right), ("Name", Alignment::Left), ("Rest", Alignment::Left)]);
        table.row(vec!["7".into(), "日本語".into(), "anything that is there".into()]);
        table.row(vec!["42".into(), "\x1b[32mok\x1b[0m".into(), String::new()]);
        table
    }

    /// H189: what is wide, and what is not there at all, is counted as it is shown.
    #[test]
    fn h189_columns_stand_under_each_other() {
        let text = table().render(Look::default());
        insta::assert_snapshot!(console::strip_ansi_codes(&text), @"
         N  Name    Rest
         7  日本語  anything that is there
        42  ok
        ");
    }

    #[test]
    fn h189_a_line_is_cut_where_the_terminal_ends() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            for width in [1, 5, 9, 20, 40, 80] {
                let text = table().render(Look { style: Style { glyphs, colour: false }, width: Some(width) });
                assert!(text.lines().all(|line| measure_text_width(line) <= width), "{width}: {text}");
            }
        }
        let look = Look { width: Some(20), ..Look::default() };
        insta::assert_snapshot!(console::strip_ansi_codes(&table().render(look)), @"
         N  Name    Rest
         7  日本語  anythin…
        42  ok
        ");
    }
}
