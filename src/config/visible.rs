//! A file's text as it can be shown on a terminal: nothing in it moves the cursor, turns text around or hides it.
//!
//! Control characters become their pictures, invisible ones U+FFFD, and lines too long to show are cut down to what
//! surrounds the places of interest. Places are translated, so that what is drawn under the text still fits.

use std::borrow::Cow;
use std::ops::Range;

/// How much of a long line is kept on each side of a place, in bytes.
const AROUND: usize = 60;
/// Lines up to this many bytes are kept whole.
const LONG: usize = 200;

/// What stands for a character that must not reach a terminal; `None`: it may.
fn picture(c: char) -> Option<char> {
    match c {
        '\t' => None,
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)),
        '\x7f' => Some('\u{2421}'),
        // C1 controls, then characters that are invisible or change the direction of what follows.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Some('\u{fffd}'),
        _ => None,
    }
}

/// A text of one or more lines without anything that a terminal would act on.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().any(|c| c != '\n' && picture(c).is_some()) {
        Cow::Owned(text.chars().map(|c| if c == '\n' { c } else { picture(c).unwrap_or(c) }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A text on one line: newlines become pictures too, and what is long is cut.
pub fn visible_line(text: &str) -> String {
    const MOST: usize = 80;
    let mut line: String = text.chars().take(MOST).map(|c| picture(c).unwrap_or(c)).collect();
    if text.chars().nth(MOST).is_some() {
        line.push('…');
    }
    line
}

/// A whole file made visible, with the way from places in the file to places in it.
#[derive(Debug)]
pub(super) struct VisibleText {
    text: String,
    /// Where lines begin in `text`.
    lines: Vec<usize>,
    /// Where the two texts part: a place in the file, its place here, and whether what follows is replaced.
    steps: Vec<(usize, usize, bool)>,
}

impl VisibleText {
    /// Makes a file visible; `places` are those whose surroundings are to be kept in long lines.
    pub(super) fn new(file: &str, places: &[Range<usize>]) -> Self {
        let mut places: Vec<usize> = places.iter().flat_map(|place| [place.start, place.end]).collect();
        places.sort_unstable();
        let mut this = Self { text: String::with_capacity(file.len() + 1), lines: vec![0], steps: Vec::new() };
        let mut start = 0;
        for line in file.split_inclusive('\n') {
            this.push_line(start, line, &places);
            start += line.len();
        }
        if !this.text.ends_with('\n') {
            this.text.push('\n');
            this.lines.push(this.text.len());
        }
        this
    }

    fn push_line(&mut self, start: usize, line: &str, places: &[usize]) {
        let body = line.strip_suffix('\n').unwrap_or(line);
        let body = body.strip_suffix('\r').unwrap_or(body);
        let from = places.partition_point(|place| *place < start);
        let to = places.partition_point(|place| *place <= start + body.len());
        let near = |at: usize| {
            body.len() <= LONG
                || at < AROUND
                || places[from..to].iter().any(|place| place.abs_diff(start + at) <= AROUND)
        };
        let mut cut = false;
        for (at, c) in body.char_indices() {
            let replaced = if near(at) { picture(c) } else { Some('…') };
            match replaced {
                Some('…') if c != '…' => {
                    if !cut {
                        self.steps.push((start + at, self.text.len(), true));
                        self.text.push('…');
                    }
                    cut = true;
                    continue;
                }
                Some(shown) => {
                    self.steps.push((start + at, self.text.len(), true));
                    self.text.push(shown);
                    self.steps.push((start + at + c.len_utf8(), self.text.len(), false));
                }
                None => {
                    if cut {
                        self.steps.push((start + at, self.text.len(), false));
                    }
                    self.text.push(c);
                }
            }
            cut = false;
        }
        if cut || body.len() < line.len() && !line[body.len()..].starts_with('\n') {
            self.steps.push((start + body.len(), self.text.len(), true));
        }
        if line.ends_with('\n') {
            if self.steps.last().is_some_and(|step| step.2) {
                self.steps.push((start + line.len() - 1, self.text.len(), false));
            }
            self.text.push('\n');
            self.lines.push(self.text.len());
        }
    }

    /// Where a place in the file is in this text.
    fn place(&self, at: usize) -> usize {
        let step = self.steps.partition_point(|step| step.0 <= at).checked_sub(1).map(|i| self.steps[i]);
        let place = match step {
            None => at,
            Some((_, here, true)) => here,
            Some((there, here, false)) => here + (at - there),
        };
        let mut place = place.min(self.text.len() - 1);
        while !self.text.is_char_boundary(place) {
            place -= 1;
        }
        place
    }

    /// Where a range of the file is in this text, as offset and length; never more than its first line.
    pub(super) fn range(&self, range: &Range<usize>) -> (usize, usize) {
        let start = self.place(range.start);
        let line_end = start + self.text[start..].find('\n').unwrap_or(0);
        let end = self.place(range.end.max(range.start)).clamp(start, line_end);
        (start, end - start)
    }

    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|line| *line <= at).saturating_sub(1)
    }

    /// A piece of the text: its bytes, its offset, and the line and column it begins at, all counted from zero.
    pub(super) fn piece(&self, offset: usize, len: usize, before: usize, after: usize) -> Piece<'_> {
        let offset = offset.min(self.text.len() - 1);
        let end = (offset + len).min(self.text.len() - 1);
        let line = self.line_of(offset);
        let first = line.saturating_sub(before);
        let last = self.line_of(end).saturating_add(after);
        let start = if before == 0 { offset } else { self.lines[first] };
        let stop = self.lines.get(last + 1).copied().unwrap_or(self.text.len());
        let column = self.text[self.lines[first]..start].chars().count();
        Piece { data: &self.text.as_bytes()[start..stop], start, line: first, column, lines: last + 1 - first }
    }
}

/// A piece of a [`VisibleText`].
pub(super) struct Piece<'a> {
    pub(super) data: &'a [u8],
    pub(super) start: usize,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) lines: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(text: &'a VisibleText, range: &Range<usize>) -> &'a str {
        let (start, len) = text.range(range);
        &text.text[start..start + len]
    }

    /// H61: nothing that a terminal acts on is left.
    #[test]
    fn h61_controls_become_pictures() {
        let nasty = "a\x1b]0;title\x07b\u{9b}31mc\u{202e}d\u{feff}e\x7f\rf";
        let text = visible(nasty);
        assert_eq!(text, "a␛]0;title␇b\u{fffd}31mc\u{fffd}d\u{fffd}e␡␍f");
        assert_eq!(visible_line("a\nb"), "a␊b");
        assert!(matches!(visible("plain\n\ttext é"), Cow::Borrowed(_)));
    }

    #[test]
    fn places_are_translated() {
        let file = "a = \"\x1b[31m\"\r\nbc = 1\r\n";
        let text = VisibleText::new(file, &[]);
        assert_eq!(text.text, "a = \"␛[31m\"\nbc = 1\n");
        let at = file.find("bc").unwrap();
        assert_eq!(shown(&text, &(at..at + 2)), "bc");
        assert_eq!(shown(&text, &(4..file.find('\r').unwrap())), "\"␛[31m\"");
        assert_eq!(text.range(&(file.len()..file.len())).1, 0);
    }

    #[test]
    fn long_lines_are_cut_down_to_the_places() {
        let file = format!("x = [{}wrong, {}]\nnext = 1\n", "1, ".repeat(5_000), "2, ".repeat(5_000));
        let at = file.find("wrong").unwrap();
        let next = file.find("next").unwrap();
        let places = [at..at + 5, next..next + 4];
        let text = VisibleText::new(&file, &places);
        assert!(text.text.len() < 400, "{}", text.text);
        assert_eq!(shown(&text, &places[0]), "wrong");
        assert_eq!(shown(&text, &places[1]), "next");
        assert_eq!(shown(&text, &(5_000..5_001)), "");
    }
}
