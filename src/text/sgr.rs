//! Colours and attributes of text (SGR, ECMA-48 8.3.117) as a value: parsed from a stage's sequences, and written anew
//! as the shortest sequence that gets from one state to another.
//!
//! So what leaves the filter is always well-formed and bounded, however many sequences came in. "Concealed" is not
//! among the attributes: hidden text is shown.

use std::io::Write;

/// One of the three colours of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Colour {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the sixteen, as the parameter that sets it: 30–37, 40–47, 90–97, 100–107.
    Named(u8),
    /// One of 256.
    Indexed(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

/// Attributes that are on or off: the parameters that turn them on and off.
const FLAGS: [(u16, &[u16]); 7] = [(1, &[22]), (2, &[22]), (3, &[23]), (5, &[25]), (7, &[27]), (9, &[29]), (53, &[55])];

/// The state of a terminal's text attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sgr {
    /// Bit *i* is on where `FLAGS[i]` is.
    flags: u8,
    /// The style of underline, as in `4:3`; zero is none.
    underline: u8,
    foreground: Colour,
    background: Colour,
    line: Colour,
}

/// What resets every attribute.
const RESET: &[u8] = b"\x1b[0m";

impl Sgr {
    /// The state after a sequence with these parameters: digits, `;` and `:`. What is not known changes nothing.
    pub(super) fn apply(&mut self, parameters: &[u8]) {
        let mut fields = parameters.split(|b| *b == b';');
        while let Some(field) = fields.next() {
            let mut parts = field.split(|b| *b == b':').map(number);
            let code = parts.next().unwrap_or(0);
            let parts: Vec<u16> = parts.collect();
            match code {
                0 => *self = Self::default(),
                4 => self.underline = parts.first().map_or(1, |style| byte((*style).min(5))),
                6 => self.set(5),
                21 => self.underline = 2,
                24 => self.underline = 0,
                30..=37 | 90..=97 => self.foreground = Colour::Named(byte(code)),
                40..=47 | 100..=107 => self.background = Colour::Named(byte(code)),
                39 => self.foreground = Colour::Default,
                49 => self.background = Colour::Default,
                59 => self.line = Colour::Default,
                38 | 48 | 58 => {
                    let colour = if parts.is_empty() { following(&mut fields) } else { within(&parts) };
                    if let Some(colour) = colour {
                        match code {
                            38 => self.foreground = colour,
                            48 => self.background = colour,
                            _ => self.line = colour,
                        }
                    }
                }
                _ => self.set(code),
            }
        }
    }

    /// Turns a flag on, or those off that the code turns off.
    fn set(&mut self, code: u16) {
        for (bit, (on, off)) in FLAGS.iter().enumerate() {
            if *on == code {
                self.flags |= 1 << bit;
            } else if off.contains(&code) {
                self.flags &= !(1 << bit);
            }
        }
    }

    /// Appends the sequence that takes a terminal from the state `from` to this one.
    pub(super) fn write(self, from: Self, out: &mut Vec<u8>) {
        if self == from {
            return;
        }
        if self == Self::default() {
            out.extend_from_slice(RESET);
            return;
        }
        out.extend_from_slice(if from == Self::default() { b"\x1b[" } else { b"\x1b[0;" });
        for (bit, (on, _)) in FLAGS.iter().enumerate() {
            if self.flags & (1 << bit) != 0 {
                // Writing to a Vec cannot fail.
                let _ = write!(out, "{on};");
            }
        }
        let _ = match self.underline {
            0 => Ok(()),
            1 => write!(out, "4;"),
            style => write!(out, "4:{style};"),
        };
        for (base, colour) in [(38, self.foreground), (48, self.background), (58, self.line)] {
            let _ = match colour {
                Colour::Default => Ok(()),
                Colour::Named(code) => write!(out, "{code};"),
                Colour::Indexed(index) => write!(out, "{base};5;{index};"),
                Colour::Rgb(red, green, blue) => write!(out, "{base};2;{red};{green};{blue};"),
            };
        }
        out.pop();
        out.push(b'm');
    }
}

/// A colour given in the fields after `38`: `5;n` or `2;r;g;b`.
fn following<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<Colour> {
    let mut next = || fields.next().map(number);
    match next()? {
        5 => next().map(|index| Colour::Indexed(byte(index))),
        2 => Some(Colour::Rgb(byte(next()?), byte(next()?), byte(next()?))),
        _ => None,
    }
}

/// A colour given within the field of `38`: `:5:n`, `:2:r:g:b`, or `:2:SPACE:r:g:b`.
fn within(parts: &[u16]) -> Option<Colour> {
    match parts {
        [5, index, ..] => Some(Colour::Indexed(byte(*index))),
        [2, red, green, blue] | [2, _, red, green, blue, ..] => {
            Some(Colour::Rgb(byte(*red), byte(*green), byte(*blue)))
        }
        _ => None,
    }
}

/// A parameter's value; nothing is zero, and what is too large is as large as can be.
fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0u16, |n, digit| n.saturating_mul(10).saturating_add(u16::from(digit.wrapping_sub(b'0'))))
}

fn byte(n: u16) -> u8 {
    u8::try_from(n).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(sequences: &[&str]) -> String {
        let mut state = Sgr::default();
        for parameters in sequences {
            state.apply(parameters.as_bytes());
        }
        let mut out = Vec::new();
        state.write(Sgr::default(), &mut out);
        String::from_utf8(out).unwrap().replace('\x1b', "^")
    }

    #[test]
    fn a_state_is_written_as_one_sequence() {
        for (sequences, written) in [
            (&["31"] as &[&str], "^[31m"),
            (&["1", "31", "44"], "^[1;31;44m"),
            (&["1;2;3;5;7;9;53"], "^[1;2;3;5;7;9;53m"),
            (&["1", "22"], ""),
            (&["31", ""], ""),
            (&["31", "0;32"], "^[32m"),
            (&["38;5;208"], "^[38;5;208m"),
            (&["38;5;0"], "^[38;5;0m"),
            (&["48;2;1;2;3"], "^[48;2;1;2;3m"),
            (&["38:2::1:2:3"], "^[38;2;1;2;3m"),
            (&["38:2:1:2:3"], "^[38;2;1;2;3m"),
            (&["58:5:9", "4:3"], "^[4:3;58;5;9m"),
            (&["4", "24"], ""),
            (&["4:0"], ""),
            (&["21"], "^[4:2m"),
            (&["38;5;300"], "^[38;5;255m"),
            (&["38;9;1"], "^[1m"),
            (&["97;107"], "^[97;107m"),
            (&["99999999999"], ""),
            (&["8"], ""),
            (&["38"], ""),
        ] {
            assert_eq!(after(sequences), written, "{sequences:?}");
        }
    }

    #[test]
    fn what_goes_off_is_reset_first() {
        let (mut from, mut to) = (Sgr::default(), Sgr::default());
        from.apply(b"1;31");
        to.apply(b"32");
        let mut out = Vec::new();
        to.write(from, &mut out);
        assert_eq!(out, b"\x1b[0;32m");
    }
}
