//! What a follower's loop says, taken apart: lines that begin with a mark, and bytes that a line announced.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The longest line that is waited for, in bytes; what a login script prints may be longer, and is passed over.
const LINE_MAX: usize = 64 * 1024;
/// The most that one frame announces, in bytes.
pub(super) const CHUNK_MAX: u64 = 1024 * 1024;

/// What the loop there says of one of those that it follows, or of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// It can be asked.
    Ready,
    /// Output of this one, from this byte.
    Bytes { number: u64, offset: u64, bytes: Vec<u8> },
    /// The record of how this one ended.
    Verdict { number: u64, record: String },
    /// There is none of this one and will be none.
    Lost { number: u64, why: String },
    /// There is nothing of this one yet.
    Nothing { number: u64 },
    /// A sign of life.
    Alive,
    /// It cannot follow anything.
    Fault { kind: String, text: String },
}

/// The end of a channel that is read.
#[derive(Debug)]
pub(super) struct Wire {
    file: File,
    mark: String,
    buffer: Vec<u8>,
    /// Where in the buffer what was not taken yet begins.
    at: usize,
    /// How long the rest of a frame may take after what there is of it.
    patience: Duration,
}

impl Wire {
    /// Reads what begins with this mark. A frame that has begun may stand still for so long, and no longer: a line that was
    /// there a moment ago may pause within it.
    pub(super) fn new(file: File, mark: &str, patience: Duration) -> Self {
        Self { file, mark: mark.to_owned(), buffer: Vec::new(), at: 0, patience }
    }

    /// The next frame. None where none has begun for this long; `InvalidData` where it is no frame; `UnexpectedEof` at the
    /// end; `TimedOut` where one has begun and does not come. Before the first, whatever login scripts print is passed over.
    pub(super) fn next(&mut self, limit: Duration, is_first: bool) -> io::Result<Option<Frame>> {
        loop {
            while let Some(line) = self.line() {
                match line.strip_prefix(self.mark.as_str()).and_then(|line| line.strip_prefix(' ')) {
                    Some(line) => return self.frame(line).map(Some),
                    // It may say what is wrong before it knows its mark.
                    None if is_first => {
                        if let Some(("fault", rest)) = line.split_once(' ') {
                            let (kind, text) = rest.split_once(' ').unwrap_or((rest, ""));
                            return Ok(Some(Frame::Fault { kind: kind.to_owned(), text: text.to_owned() }));
                        }
                    }
                    None => return Err(invalid()),
                }
            }
            if !is_first && self.buffer.len() - self.at > LINE_MAX {
                return Err(invalid());
            }
            if !self.fill(limit)? {
                return Ok(None);
            }
        }
    }

    fn frame(&mut self, line: &str) -> io::Result<Frame> {
        let mut words = line.splitn(3, ' ');
        let (what, number, rest) = (words.next().unwrap_or(""), words.next(), words.next());
        let number = number.map(|number| number.parse::<u64>().map_err(|_| invalid())).transpose()?;
        match (what, number, rest) {
            ("R", None, None) => Ok(Frame::Ready),
            ("H", None, None) => Ok(Frame::Alive),
            ("N", Some(number), None) => Ok(Frame::Nothing { number }),
            ("V", Some(number), Some(record)) => Ok(Frame::Verdict { number, record: record.to_owned() }),
            ("L", Some(number), Some(why)) => Ok(Frame::Lost { number, why: why.to_owned() }),
            ("D", Some(number), Some(rest)) => {
                let (offset, length) = rest.split_once(' ').ok_or_else(invalid)?;
                let offset = offset.parse().map_err(|_| invalid())?;
                let length: u64 = length.parse().map_err(|_| invalid())?;
                if length > CHUNK_MAX {
                    return Err(invalid());
                }
                let bytes = self.bytes(usize::try_from(length).map_err(|_| invalid())?)?;
                Ok(Frame::Bytes { number, offset, bytes })
            }
            _ => Err(invalid()),
        }
    }

    /// Takes a line that is there, without its end.
    fn line(&mut self) -> Option<String> {
        let rest = &self.buffer[self.at..];
        let end = memchr::memchr(b'\n', rest)?;
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        self.at += end + 1;
        Some(line)
    }

    /// Takes so many bytes, which were announced and are on their way.
    fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let here = length.min(self.buffer.len() - self.at);
        let mut bytes = vec![0; length];
        bytes[..here].copy_from_slice(&self.buffer[self.at..self.at + here]);
        self.at += here;
        let mut filled = here;
        while filled < length {
            if !self.wait(self.patience)? {
                return Err(ErrorKind::TimedOut.into());
            }
            match self.file.read(&mut bytes[filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    /// Reads some more. Says whether anything came.
    fn fill(&mut self, limit: Duration) -> io::Result<bool> {
        self.buffer.drain(..std::mem::take(&mut self.at));
        if !self.wait(limit)? {
            return Ok(false);
        }
        let mut more = [0; 16 * 1024];
        match self.file.read(&mut more) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                self.buffer.extend_from_slice(&more[..read]);
                Ok(true)
            }
            Err(error) if is_later(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn wait(&self, limit: Duration) -> io::Result<bool> {
        let limit = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        match poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&limit)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn invalid() -> io::Error {
    ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LIMIT: Duration = Duration::from_secs(10);

    /// All frames of what a loop said, cut into reads of this size.
    fn frames(said: &[u8], size: usize) -> Vec<Frame> {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let mut wire = Wire::new(File::from(read), "mark", LIMIT);
        let mut frames = Vec::new();
        let writer = std::thread::spawn({
            let (said, mut write) = (said.to_vec(), File::from(write));
            move || said.chunks(size).try_for_each(|part| write.write_all(part))
        });
        while let Ok(Some(frame)) = wire.next(LIMIT, frames.is_empty()) {
            frames.push(frame);
        }
        let _ = writer.join().unwrap();
        frames
    }

    #[test]
    fn bytes_are_taken_for_what_was_announced_and_lines_for_what_they_begin_with() {
        let said =
            b"Welcome!\nmark R\nmark D 3 10 9\nmark V 3\nmark H\nmark N 4\nmark V 3 local-ci 1 end\nmark L 4 gone\n";
        for size in 1..said.len() {
            assert_eq!(
                frames(said, size),
                [
                    Frame::Ready,
                    Frame::Bytes { number: 3, offset: 10, bytes: b"mark V 3\n".to_vec() },
                    Frame::Alive,
                    Frame::Nothing { number: 4 },
                    Frame::Verdict { number: 3, record: "local-ci 1 end".into() },
                    Frame::Lost { number: 4, why: "gone".into() },
                ],
                "{size}"
            );
        }
        assert_eq!(frames(b"mark R\nnoise\nmark H\n", 5), [Frame::Ready]);
        assert_eq!(frames(b"mark R\nmark D 1 0 99999999999\n", 5), [Frame::Ready]);
    }

    /// Whether a thread of ours waits for something.
    fn is_asleep(thread: i32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
    }

    #[test]
    fn a_frame_that_has_begun_may_stand_still_for_longer_than_is_waited_for_the_next_one() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let mut write = File::from(write);
        write.write_all(b"mark R\nmark D 1 0 6\nabc").unwrap();
        let mut wire = Wire::new(File::from(read), "mark", LIMIT);
        assert_eq!(wire.next(LIMIT, true).unwrap(), Some(Frame::Ready));
        let (tell, told) = crossbeam_channel::bounded(1);
        let reader = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
            // Any pause at all is longer than that.
            (wire.next(Duration::ZERO, false), wire.next(Duration::ZERO, false))
        });
        let thread = told.recv().unwrap();
        while !is_asleep(thread) && !reader.is_finished() {
            std::thread::yield_now();
        }
        let _ = write.write_all(b"def");
        let (frame, more) = reader.join().unwrap();
        assert_eq!(frame.unwrap(), Some(Frame::Bytes { number: 1, offset: 0, bytes: b"abcdef".to_vec() }));
        assert_eq!(more.unwrap(), None);
    }

    #[test]
    fn a_frame_whose_rest_never_comes_is_not_waited_for() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let mut write = File::from(write);
        write.write_all(b"mark R\nmark D 1 0 6\nabc").unwrap();
        let mut wire = Wire::new(File::from(read), "mark", Duration::from_millis(1));
        assert_eq!(wire.next(LIMIT, true).unwrap(), Some(Frame::Ready));
        assert_eq!(wire.next(LIMIT, false).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
