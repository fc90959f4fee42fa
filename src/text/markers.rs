//! Finding workflow commands in filtered lines, and taking their effect away. Which form is which: see
//! [`super::workflow`]. Lines here are what the terminal filter made: UTF-8, with no sequences but SGR.

use memchr::memchr;

use super::workflow::LEGACY_BROKEN;

/// What stands before a line that is not ours, wherever it could be taken for ours.
pub const QUOTE: &str = "  | ";

/// What is done about lines that read as workflow commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Markers {
    /// Nothing: a person reads this.
    #[default]
    Keep,
    /// A stop-commands fence is in force, so `::` does nothing. `##[` is broken, as the log's viewer draws groups from
    /// it all the same.
    Fenced,
    /// No fence: a line with a command is shown with [`QUOTE`] before it, and `##[` is broken.
    Guard,
}

/// Whether a line begins with `::` after blanks, colours aside. Of a line that goes on, whether it still could.
pub(super) fn reads_as_command(line: &[u8], whole: bool) -> bool {
    let mut rest = line;
    let mut colons = 0;
    loop {
        match rest {
            [] => return !whole,
            [b':', ..] if colons == 1 => return true,
            [b':', after @ ..] => {
                colons = 1;
                rest = after;
            }
            [b'\x1b', after @ ..] => rest = after_colour(after),
            [b' ' | b'\t', after @ ..] if colons == 0 => rest = after,
            [0x80..=0xff, ..] if colons == 0 => match blank(rest) {
                Some(length) => rest = &rest[length..],
                None => return false,
            },
            _ => return false,
        }
    }
}

/// What follows an SGR sequence, given what follows its ESC.
fn after_colour(text: &[u8]) -> &[u8] {
    memchr(b'm', text).map_or(&[], |end| &text[end + 1..])
}

/// The length of the white space or invisible character that a text begins with.
fn blank(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(4)];
    let c = text.utf8_chunks().next()?.valid().chars().next()?;
    (c.is_whitespace() || matches!(c, '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'))
        .then(|| c.len_utf8())
}

/// Appends a line with every `##[` in it broken, colours aside; whether there was one. `hashes` is how many `#` the
/// text before it ended with.
pub(super) fn break_legacy(line: &[u8], hashes: &mut u8, out: &mut Vec<u8>) -> bool {
    let (mut broken, mut copied, mut at) = (false, 0, 0);
    if *hashes == 0 && memchr(b'#', line).is_none() {
        out.extend_from_slice(line);
        return false;
    }
    while let Some(byte) = line.get(at) {
        match byte {
            b'#' => *hashes = (*hashes + 1).min(2),
            b'\x1b' => {
                at = line.len() - after_colour(&line[at + 1..]).len();
                continue;
            }
            b'[' if *hashes == 2 => {
                out.extend_from_slice(&line[copied..at]);
                out.extend_from_slice(&LEGACY_BROKEN.as_bytes()[2..3]);
                copied = at;
                broken = true;
                *hashes = 0;
            }
            _ => *hashes = 0,
        }
        at += 1;
    }
    out.extend_from_slice(&line[copied..]);
    broken
}
