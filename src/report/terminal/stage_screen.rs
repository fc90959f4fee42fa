//! What a stage that had the terminal may have left on it, and how that is put right.
//!
//! Programs that end as they should leave nothing; but one that is killed may leave its own screen, mouse reports, a
//! scrolling region or no cursor, and one that means harm may try. Everything is switched off that is off by default and
//! has an effect on what comes after; none of it moves the cursor, so what a well-behaved program left stands.

/// What is known of the screen from what was written on it.
#[derive(Debug, Default)]
pub(super) struct StageScreen {
    /// The mode by which the other screen was switched on (1049, 1047 or 47), if it is on.
    alternate: Option<&'static [u8]>,
    /// The end of what was written, in which a sequence may have begun.
    end: Vec<u8>,
}

/// The modes of the other screen, as they stand in sequences.
const ALTERNATE: [&[u8]; 3] = [b"1049", b"1047", b"47"];
/// No sequence of those is longer.
const LONGEST: usize = b"\x1b[?1049h".len();

/// In this order: the end of any sequence that was begun (ST); the whole screen scrolls, the cursor where it was; keys are
/// reported as ever (modifyOtherKeys, kitty's protocol, application modes of cursor and keypad off); text is text (no
/// colours, insertion, or other character sets; lines wrap); no reports of mouse, focus or pasting; the cursor is there,
/// in its usual shape. What a terminal does not know of this it passes over (ECMA-48, 5.5).
const DEFAULTS: &str = "\x1b\\\x1b7\x1b[r\x1b8\x1b[>4m\x1b[=0u\x1b[?1l\x1b>\x1b[0m\x1b[4l\x1b(B\x0f\x1b[?7h\
    \x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[0 q";

impl StageScreen {
    /// Nothing is written.
    pub(super) const fn new() -> Self {
        Self { alternate: None, end: Vec::new() }
    }

    /// This was written.
    pub(super) fn saw(&mut self, bytes: &[u8]) {
        self.end.extend_from_slice(bytes);
        for start in memchr::memchr_iter(b'\x1b', &self.end) {
            let Some(rest) = self.end[start..].strip_prefix(b"\x1b[?") else { continue };
            for mode in ALTERNATE {
                match rest.strip_prefix(mode).and_then(<[u8]>::first) {
                    Some(b'h') => self.alternate = Some(mode),
                    Some(b'l') => self.alternate = None,
                    Some(_) | None => {}
                }
            }
        }
        let known = self.end.len().saturating_sub(LONGEST);
        self.end.drain(..known);
    }

    /// What puts the screen right, and leaves the cursor at the beginning of a line.
    pub(super) fn put_right(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // First, for it brings back the cursor of the screen that was there before.
        if let Some(mode) = self.alternate {
            bytes.extend_from_slice(&[b"\x1b\\\x1b[?", mode, b"l"].concat());
        }
        bytes.extend_from_slice(DEFAULTS.as_bytes());
        if self.end.last().is_some_and(|last| *last != b'\n') {
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(written: &[&[u8]]) -> vt100::Parser {
        let mut screen = StageScreen::new();
        let mut parser = vt100::Parser::default();
        parser.process(b"before\r\n");
        for bytes in written {
            parser.process(bytes);
            screen.saw(bytes);
        }
        parser.process(&screen.put_right());
        parser
    }

    /// Whatever a stage has switched on, what comes after it is on the usual screen, seen, and nothing is reported.
    #[test]
    fn whatever_a_stage_leaves_is_put_right() {
        let hostile: &[&[u8]] = &[
            b"\x1b[?1049h\x1b[?25l\x1b[?1003h\x1b[?1006h\x1b[?2004h\x1b[?1h\x1b=\x1b[31;1m\x1b[5;10r\x1b[3;3Htext",
            b"\x1b[?10",
            b"49l\x1b[?104",
            b"9h more\x1b]0;a title without an end",
        ];
        let mut parser = after(hostile);
        let screen = parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert!(!screen.application_cursor() && !screen.application_keypad());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
        assert!(!screen.bold());
        parser.process(b"after");
        assert!(parser.screen().contents().contains("before\n"), "{}", parser.screen().contents());
        assert!(parser.screen().contents().ends_with("after"), "{}", parser.screen().contents());
    }

    /// What ends as it should is left as it stands: the cursor is not moved but to the beginning of a line.
    #[test]
    fn what_a_stage_left_in_order_stands() {
        for (written, expected) in [
            (&[b"one\r\ntwo\r\n" as &[u8]] as &[&[u8]], "before\none\ntwo\nafter"),
            (&[b"no end"], "before\nno end\nafter"),
            (&[], "before\nafter"),
            (&[b"\x1b[?1049h full screen \x1b[?1049l", b"\r\n"], "before\n\nafter"),
        ] {
            let mut parser = after(written);
            parser.process(b"after");
            assert_eq!(parser.screen().contents(), expected);
        }
    }
}
