//! Finds the workflow commands in what a stage prints, as GitHub's runner would: lines that begin with `::NAME` after blanks,
//! whose properties go on to the next `::` and whose data to the end of the line.
//!
//! Bytes go through as they come, so nothing waits for the end of its line; only the value of `::add-mask::` is kept back and
//! `***` put in its place. A text without `::` costs two searches.

use memchr::{memchr, memmem, memrchr};

use crate::text::mask::REPLACEMENT;

/// The longest name with properties that is read, in bytes.
const HEAD_MAX: usize = 8 * 1024;
/// How much of a command's data is read, in bytes.
pub(super) const DATA_MAX: usize = 64 * 1024;
const MARK: &[u8] = b"::";

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    /// Bytes that are shown as they are.
    Bytes(&'a [u8]),
    /// The data of `::add-mask::`, as it is written. Where it is longer than [`DATA_MAX`], its beginning.
    Secret(&'a [u8]),
    /// A command with its properties, and its data, both as they are written.
    Said(&'a [u8], &'a [u8]),
}

/// Where in a line a reader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// At its beginning, or behind blanks.
    #[default]
    Start,
    /// Behind the first colon.
    Colon,
    /// Where no command can be.
    Text,
    /// Behind the first `::`.
    Head,
    /// Behind the second.
    Data,
    /// The same, where what follows is a secret.
    Secret,
}

/// Reads one stream.
#[derive(Debug, Default)]
pub(super) struct Commands {
    at: At,
    head: Vec<u8>,
    data: Vec<u8>,
}

impl Commands {
    /// Reads on. `stopped` has what commands are resumed with, where they were stopped.
    pub(super) fn push(&mut self, bytes: &[u8], stopped: &mut Option<Vec<u8>>, hear: &mut dyn FnMut(Heard<'_>)) {
        let (mut from, mut at) = (0, 0);
        while let Some(byte) = bytes.get(at).copied() {
            match self.at {
                At::Start | At::Colon => {
                    self.at = match (byte, self.at) {
                        (b' ' | b'\t' | b'\r' | b'\n', At::Start) | (b'\n', _) => At::Start,
                        (b':', At::Start) => At::Colon,
                        (b':', _) => At::Head,
                        _ => At::Text,
                    };
                    self.head.clear();
                    self.data.clear();
                    at += 1;
                }
                At::Text => match next_start(&bytes[at..]) {
                    Some(next) => {
                        at += next;
                        self.at = At::Start;
                    }
                    None => break,
                },
                At::Head => {
                    at += 1;
                    match byte {
                        b'\n' => self.at = At::Start,
                        b':' if self.head.last() == Some(&b':') => {
                            self.head.pop();
                            self.at = self.begin(stopped);
                            if self.at == At::Secret {
                                hear(Heard::Bytes(&bytes[from..at]));
                                from = at;
                            }
                        }
                        _ if self.head.len() == HEAD_MAX => self.at = At::Text,
                        byte => self.head.push(byte),
                    }
                }
                At::Data | At::Secret => {
                    let end = memchr(b'\n', &bytes[at..]).map(|end| at + end);
                    let piece = &bytes[at..end.unwrap_or(bytes.len())];
                    let room = DATA_MAX - self.data.len();
                    self.data.extend_from_slice(&piece[..piece.len().min(room)]);
                    at += piece.len();
                    if self.at == At::Secret {
                        from = at;
                    }
                    if end.is_some() {
                        self.end(stopped, hear);
                        self.at = At::Start;
                    }
                }
            }
        }
        if from < bytes.len() {
            hear(Heard::Bytes(&bytes[from..]));
        }
    }

    /// The stream has ended, and with it its last line.
    pub(super) fn finish(&mut self, stopped: &mut Option<Vec<u8>>, hear: &mut dyn FnMut(Heard<'_>)) {
        self.end(stopped, hear);
        self.at = At::Text;
    }

    /// A command's name is known: what its data is.
    fn begin(&self, stopped: &mut Option<Vec<u8>>) -> At {
        if let Some(token) = stopped {
            if self.head == *token {
                *stopped = None;
            }
            return At::Text;
        }
        match &self.name()[..] {
            b"add-mask" => At::Secret,
            b"error" | b"warning" | b"notice" | b"stop-commands" => At::Data,
            _ => At::Text,
        }
    }

    fn name(&self) -> Vec<u8> {
        self.head.split(|byte| *byte == b' ').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// A command's line has ended.
    fn end(&mut self, stopped: &mut Option<Vec<u8>>, hear: &mut dyn FnMut(Heard<'_>)) {
        let data = self.data.strip_suffix(b"\r").unwrap_or(&self.data);
        match self.at {
            At::Secret => {
                if !data.is_empty() {
                    hear(Heard::Secret(data));
                    hear(Heard::Bytes(REPLACEMENT.as_bytes()));
                }
                if data.len() < self.data.len() {
                    hear(Heard::Bytes(b"\r"));
                }
            }
            At::Data if self.name() == b"stop-commands" => {
                // Without a token nothing could resume them: the runner refuses it, too.
                *stopped = Some(data.to_vec()).filter(|token| !token.is_empty());
            }
            At::Data => hear(Heard::Said(&self.head, data)),
            At::Start | At::Colon | At::Text | At::Head => {}
        }
    }
}

/// Where the next line begins that may be a command; of a text without one, its last line. None where there is none.
fn next_start(bytes: &[u8]) -> Option<usize> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let mut from = 0;
    while let Some(mark) = memmem::find(&bytes[from..], MARK).map(|mark| from + mark) {
        // Most are in paths, and what stands before them says so.
        if mark > 0 && (is_blank(&bytes[mark - 1]) || bytes[mark - 1] == b'\n') {
            let line = memrchr(b'\n', &bytes[..mark]);
            if line.is_some_and(|line| bytes[line + 1..mark].iter().all(is_blank)) {
                return Some(mark);
            }
        }
        from = mark + MARK.len();
    }
    // What follows may be a command whose beginning is here.
    memrchr(b'\n', &bytes[from..]).map(|line| from + line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is shown, what was a secret, and what was said, of these pieces.
    fn read(pieces: &[&[u8]]) -> (String, Vec<String>, Vec<(String, String)>) {
        let (mut commands, mut stopped) = (Commands::default(), None);
        let (mut shown, mut secrets, mut said) = (Vec::new(), Vec::new(), Vec::new());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut hear = |heard: Heard<'_>| match heard {
            Heard::Bytes(bytes) => shown.extend_from_slice(bytes),
            Heard::Secret(value) => secrets.push(text(value)),
            Heard::Said(head, data) => said.push((text(head), text(data))),
        };
        for piece in pieces {
            commands.push(piece, &mut stopped, &mut hear);
        }
        commands.finish(&mut stopped, &mut hear);
        (text(&shown), secrets, said)
    }

    #[test]
    fn h178_a_value_to_be_masked_is_not_shown() {
        let (shown, secrets, _) =
            read(&[b"a\n::add-mask::hunter2-hunter2\r\n  ::Add-Mask::other-value\nb ::add-mask::no\n::add-mask::last"]);
        assert_eq!(shown, "a\n::add-mask::***\r\n  ::Add-Mask::***\nb ::add-mask::no\n::add-mask::***");
        assert_eq!(secrets, ["hunter2-hunter2", "other-value", "last"]);
    }

    #[test]
    fn h178_commands_are_found_where_lines_begin_and_stay_in_the_log() {
        let text = b"use a::b;\n::error file=a.rs,line=3::wrong\nx ::error::no\n\n \t::notice::n\n::group::g\n::warning title=a::b";
        let (shown, _, said) = read(&[text]);
        assert_eq!(shown.as_bytes(), text);
        let said: Vec<(&str, &str)> = said.iter().map(|(head, data)| (head.as_str(), data.as_str())).collect();
        assert_eq!(said, [("error file=a.rs,line=3", "wrong"), ("notice", "n"), ("warning title=a", "b")]);
    }

    /// What a stage prints that is not its own it keeps from being read as the runner has it.
    #[test]
    fn h65_stopped_commands_are_not_read_until_they_are_resumed() {
        let (shown, secrets, said) =
            read(&[b"::stop-commands::abc\n::error::no\n::add-mask::not-a-secret\n::abd::\n::error::no\n::abc::\n::error::yes\n"]);
        assert_eq!((secrets.len(), said.len()), (0, 1));
        assert!(shown.contains("not-a-secret"));
        assert_eq!(said[0].1, "yes");
    }

    #[test]
    fn h57_a_command_without_an_end_is_bounded() {
        let (mut commands, mut stopped) = (Commands::default(), None);
        let mut shown = 0;
        commands.push(b"::add-mask::", &mut stopped, &mut |_| {});
        for _ in 0..100 {
            commands.push(&[b'x'; 10_000], &mut stopped, &mut |heard| {
                if let Heard::Bytes(bytes) = heard {
                    shown += bytes.len();
                }
            });
        }
        assert_eq!((shown, commands.data.len()), (0, DATA_MAX));
    }

    proptest! {
        #[test]
        fn h57_cuts_change_nothing(
            text in "(::|:|add-mask|error|notice|stop-commands|file=a| |\t|\r|\n|\n|x|y){0,40}",
            cuts in prop::collection::vec(0_usize..200, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            let mut pieces = Vec::new();
            for cut in cuts.into_iter().chain([text.len()]) {
                pieces.push(&text.as_bytes()[from..cut]);
                from = cut;
            }
            let singly: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            prop_assert_eq!(read(&pieces), read(&singly));
            prop_assert_eq!(read(&[text.as_bytes()]), read(&singly));
        }
    }
}
