//! The answers of a shell at the other end of a line: whatever comes, a call has the answer that was framed for it, or fails.
//!
//! The first byte says who is there. An honest shell (even) has printed what follows, and all of that is the answer. Of any
//! other, what follows is all that comes over the line, with the nonce for each `@`.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use local_ci::remote::shell::Shell;
use local_ci::remote::{Bulk, Channel, Fault, FaultKind, Login, Transport};

/// More than this is a line that hangs.
const LIMIT: Duration = Duration::from_secs(20);
/// So much fits into a pipe, with a nonce for each byte, so that nobody has to wait for who reads it.
const SIZE_MAX: usize = 1000;
/// What the honest shell's scripts end with.
const CODE: i32 = 3;

pub(crate) fn run(data: &[u8]) {
    let [who, said @ ..] = data else { return };
    let (is_honest, said): (_, Arc<[u8]>) = (who % 2 == 0, said[..said.len().min(SIZE_MAX)].into());
    let (tell, told) = channel();
    let other = Other { is_honest, said: Arc::clone(&said), tell };
    // The first request measures the line, and is its own; the second is this one.
    let shell = Shell::open(&other, Login::No, LIMIT).unwrap_or_else(|fault| panic!("{fault}"));
    let answer = shell.call("true", LIMIT, &|| false);
    if is_honest {
        let answer = answer.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!((answer.code, answer.output.as_slice()), (CODE, &*said));
        return;
    }
    // The one that is left to tell is the other side, if it has not come to that.
    drop(other);
    let (nonce, stream) = told.recv().unwrap_or_else(|error| panic!("{error}"));
    let expected = Expected::of(&nonce, &stream);
    match answer {
        Ok(answer) => assert!(expected.answers.contains(&(answer.code, answer.output)), "{expected:?}"),
        Err(fault) => {
            assert!(expected.answers.is_empty(), "{fault}: {expected:?}");
            assert_eq!(fault.kind, if expected.is_broken { FaultKind::Protocol } else { FaultKind::Cut });
        }
    }
}

/// What there is to make of all that came: the protocol once more, of a whole stream.
#[derive(Debug, Default)]
struct Expected {
    /// Answers to the second request. Of several, any may be taken.
    answers: Vec<(i32, Vec<u8>)>,
    /// Whether it ends with what is no answer.
    is_broken: bool,
}

impl Expected {
    fn of(nonce: &str, mut stream: &[u8]) -> Self {
        let mut expected = Self::default();
        while let Some((_, words, rest)) = part(stream, &format!("\n{nonce} ( ")) {
            let (Some(number), None) = numbers(words) else {
                expected.is_broken = true;
                break;
            };
            let Some((output, words, rest)) = part(rest, &format!("\n{nonce} ) ")) else { break };
            match numbers(words) {
                (Some(closed), Some(code)) if closed == number => {
                    expected.answers.extend((number == 2).then(|| (code, output.to_vec())));
                }
                _ => {
                    expected.is_broken = true;
                    break;
                }
            }
            stream = rest;
        }
        expected
    }
}

/// What stands before a mark, from there to the end of its line, and after that.
fn part<'a>(stream: &'a [u8], mark: &str) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
    let at = stream.windows(mark.len()).position(|window| window == mark.as_bytes())?;
    let (before, line) = (&stream[..at], &stream[at + mark.len()..]);
    let end = line.iter().position(|byte| *byte == b'\n')?;
    Some((before, &line[..end], &line[end + 1..]))
}

/// The number of a request, and a script's code.
fn numbers(words: &[u8]) -> (Option<u64>, Option<i32>) {
    let words = String::from_utf8_lossy(words);
    let mut words = words.split(' ');
    let number = words.next().and_then(|word| word.parse().ok());
    (number, words.next().and_then(|word| word.parse().ok()))
}

/// A line to who says this.
struct Other {
    is_honest: bool,
    said: Arc<[u8]>,
    /// Is told the nonce, and what was said with it.
    tell: Sender<(String, Vec<u8>)>,
}

impl Transport for Other {
    fn host(&self) -> &'static str {
        "the other side"
    }

    fn connect(&self, _: Duration) -> Result<(), Fault> {
        Ok(())
    }

    fn open(&self, _: Login, _: Duration) -> Result<Channel, Fault> {
        let pipes = || -> io::Result<_> { Ok((io::pipe()?, io::pipe()?, io::pipe()?.0)) };
        let ((heard, input), (output, says), errors) = pipes().unwrap_or_else(|error| panic!("{error}"));
        // Kept open at this end, too: nobody here ignores SIGPIPE.
        let kept = output.try_clone();
        let (is_honest, said, tell) = (self.is_honest, Arc::clone(&self.said), self.tell.clone());
        std::thread::spawn(move || {
            // It ends early where the shell does.
            let _ = kept.and_then(|_kept| answer(heard, says, is_honest, &said, &tell));
        });
        let file = |end: OwnedFd| File::from(end);
        Ok(Channel {
            input: file(input.into()),
            output: file(output.into()),
            errors: file(errors.into()),
            guard: Box::new(()),
        })
    }

    fn bulk(&self) -> Bulk {
        Bulk { command: Vec::new(), host: String::new() }
    }

    fn close(&self) {}
}

/// Greets who speaks, and once it has asked twice, says all at once.
fn answer(
    mut heard: PipeReader,
    mut says: PipeWriter,
    is_honest: bool,
    said: &[u8],
    tell: &Sender<(String, Vec<u8>)>,
) -> io::Result<()> {
    let mut asked = String::new();
    let mut listen = |until: &str| -> io::Result<String> {
        while !asked.contains(until) {
            let mut bytes = [0; 4096];
            match heard.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => asked.push_str(&String::from_utf8_lossy(&bytes[..read])),
            }
        }
        Ok(asked.clone())
    };
    let greeting = listen(" !\\n' \"$local_ci_nonce\"\n")?;
    let half = |begin: &str| greeting.split(begin).nth(1).map_or("", |rest| &rest[..16]);
    let nonce = [half("local_ci_nonce="), half("{local_ci_nonce}")].concat();
    says.write_all(format!("\n{nonce} !\n").as_bytes())?;
    listen("\" 2; ( eval ")?;
    let stream = if is_honest {
        let framed = |number: u64, output: &[u8]| {
            let (begin, end) = (format!("\n{nonce} ( {number}\n"), format!("\n{nonce} ) {number} {CODE}\n"));
            [begin.as_bytes(), output, end.as_bytes()].concat()
        };
        [framed(1, b"measured"), framed(2, said)].concat()
    } else {
        said.iter()
            .flat_map(|byte| if *byte == b'@' { nonce.as_bytes() } else { std::slice::from_ref(byte) })
            .copied()
            .collect()
    };
    // In two pieces, of which one may come alone.
    let (first, second) = stream.split_at(stream.len() / 2);
    says.write_all(first)?;
    says.write_all(second)?;
    // Who asked is gone where it had its answer and went.
    let _ = tell.send((nonce, stream));
    Ok(())
}
