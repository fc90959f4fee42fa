//! What is said to a shell, and how its answers are told from everything else that comes out of it.
//!
//! Each request is one line of shell, which prints a line with a nonce, the request's number and an opening parenthesis,
//! runs the script in a subshell, and prints another with a closing one and the script's code. What stands between the
//! two is the script's output, byte by byte; what stands anywhere else is nobody's.

use std::io;

use memchr::memmem;
use rustix::rand::{GetRandomFlags, getrandom};

/// The most that one answer may have, in bytes.
pub(super) const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// 128 random bits in hex, which nobody there knows before they are said.
#[derive(Clone, Debug)]
pub(super) struct Nonce(String);

impl Nonce {
    pub(super) fn new() -> io::Result<Self> {
        let mut bytes = [0_u8; 16];
        getrandom(&mut bytes, GetRandomFlags::empty())?;
        Ok(Self(format!("{:032x}", u128::from_le_bytes(bytes))))
    }

    /// What a shell is told first of all. It lets go of whatever the user's own shell has handed on (csh leaves two
    /// descriptors open), and says the nonce, which stands here in two halves: what merely repeats this has not said it.
    pub(super) fn greeting(&self) -> Vec<u8> {
        let (one, other) = self.0.split_at(self.0.len() / 2);
        format!(
            "exec 2>/dev/null 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-\nlocal_ci_nonce={one}\n\
             local_ci_nonce=${{local_ci_nonce}}{other}\nprintf '\\n%s !\\n' \"$local_ci_nonce\"\n"
        )
        .into_bytes()
    }

    /// What a shell answers to that.
    pub(super) fn greeted(&self) -> Vec<u8> {
        format!("\n{} !\n", self.0).into_bytes()
    }

    /// What has a shell that was greeted run a script, as the request of this number.
    pub(super) fn request(number: u64, script: &str) -> Vec<u8> {
        // A word in single quotes is taken as it is; `eval` in a subshell, so that neither an error of syntax nor `exit`
        // ends more than the script.
        let quoted = script.replace('\'', r"'\''");
        format!(
            "printf '\\n%s ( %s\\n' \"$local_ci_nonce\" {number}; ( eval '{quoted}' ) </dev/null; \
             printf '\\n%s ) %s %s\\n' \"$local_ci_nonce\" {number} $?\n"
        )
        .into_bytes()
    }
}

/// What came out of a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It has begun with this request.
    Began(u64),
    /// It is done with it.
    Answered {
        /// Which.
        number: u64,
        /// The script's own code, or 128 and the signal that ended it.
        code: i32,
        /// What it printed.
        output: Vec<u8>,
    },
    /// An answer became longer than [`ANSWER_MAX`], or is none.
    Broken,
}

/// Reads what comes out of a shell.
#[derive(Debug)]
pub(super) struct Reader {
    opening: Vec<u8>,
    closing: Vec<u8>,
    /// What was not made sense of yet.
    bytes: Vec<u8>,
    /// So much of it was looked through.
    seen: usize,
    /// The request whose output this is.
    inside: Option<u64>,
}

impl Reader {
    pub(super) fn new(nonce: &Nonce) -> Self {
        let (opening, closing) = (format!("\n{} ( ", nonce.0), format!("\n{} ) ", nonce.0));
        Self { opening: opening.into(), closing: closing.into(), bytes: Vec::new(), seen: 0, inside: None }
    }

    /// Takes what came, and says what that makes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Heard> {
        self.bytes.extend_from_slice(bytes);
        let mut heard = Vec::new();
        while let Some(one) = self.next() {
            let is_over = one == Heard::Broken;
            heard.push(one);
            if is_over {
                break;
            }
        }
        heard
    }

    fn next(&mut self) -> Option<Heard> {
        let mark = if self.inside.is_some() { &self.closing } else { &self.opening };
        let Some(at) = memmem::find(&self.bytes[self.seen..], mark).map(|at| at + self.seen) else {
            // The mark may have begun in the last bytes.
            self.seen = self.bytes.len().saturating_sub(mark.len() - 1);
            if self.inside.is_none() {
                self.bytes.drain(..self.seen);
                self.seen = 0;
            }
            return (self.bytes.len() > ANSWER_MAX).then_some(Heard::Broken);
        };
        self.seen = at;
        let words_at = at + mark.len();
        let end = words_at + memchr::memchr(b'\n', &self.bytes[words_at..])?;
        let words = String::from_utf8_lossy(&self.bytes[words_at..end]).into_owned();
        let mut words = words.split(' ');
        let number = words.next().and_then(|word| word.parse::<u64>().ok());
        let code = words.next().and_then(|word| word.parse::<i32>().ok());
        let heard = match (self.inside, number, code) {
            (None, Some(number), None) => {
                self.inside = Some(number);
                Heard::Began(number)
            }
            (Some(inside), Some(number), Some(code)) if inside == number => {
                self.inside = None;
                Heard::Answered { number, code, output: self.bytes[..at].to_vec() }
            }
            _ => Heard::Broken,
        };
        // The line feed that ends one line may begin the next mark only where ours print their own.
        self.bytes.drain(..=end);
        self.seen = 0;
        Some(heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nonce() -> Nonce {
        Nonce("0123456789abcdef0123456789abcdef".into())
    }

    fn answer(number: u64, code: i32, output: &[u8]) -> Vec<u8> {
        let Nonce(nonce) = nonce();
        let (opening, closing) = (format!("\n{nonce} ( {number}\n"), format!("\n{nonce} ) {number} {code}\n"));
        [opening.as_bytes(), output, closing.as_bytes()].concat()
    }

    #[test]
    fn what_stands_outside_of_answers_is_nobodys() {
        let stream = [b"late noise\n".to_vec(), answer(1, 0, b"a\n"), b"more".to_vec(), answer(2, 7, b"")].concat();
        let heard = Reader::new(&nonce()).take(&stream);
        let expected = [
            Heard::Began(1),
            Heard::Answered { number: 1, code: 0, output: b"a\n".to_vec() },
            Heard::Began(2),
            Heard::Answered { number: 2, code: 7, output: Vec::new() },
        ];
        assert_eq!(heard, expected);
    }

    #[test]
    fn an_answer_to_something_else_breaks_the_line() {
        let Nonce(text) = nonce();
        let stream = format!("\n{text} ( 1\nx\n{text} ) 2 0\n");
        assert_eq!(Reader::new(&nonce()).take(stream.as_bytes()), [Heard::Began(1), Heard::Broken]);
    }

    proptest! {
        /// Whatever is printed comes out as it was, however it was cut on its way.
        #[test]
        fn output_is_taken_byte_by_byte(outputs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..5),
                                        cut in 1_usize..40) {
            let stream: Vec<u8> = (1..).zip(&outputs).flat_map(|(number, output)| answer(number, 3, output)).collect();
            let mut reader = Reader::new(&nonce());
            let heard: Vec<_> = stream.chunks(cut).flat_map(|chunk| reader.take(chunk)).collect();
            let answers: Vec<_> = heard.into_iter().filter_map(|heard| match heard {
                Heard::Answered { output, .. } => Some(output),
                Heard::Began(_) | Heard::Broken => None,
            }).collect();
            prop_assert_eq!(answers, outputs);
        }
    }
}
