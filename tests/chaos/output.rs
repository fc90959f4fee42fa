//! Output of every unpleasant kind.

use std::io::{self, Write};

/// Bytes given as hex digits.
#[derive(Clone)]
pub(crate) struct Bytes(Vec<u8>);

/// `64k`, `1G`: a number of bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.strip_suffix(['k', 'M', 'G']) {
        None => (text, 1),
        Some(number) if text.ends_with('k') => (number, 1 << 10),
        Some(number) if text.ends_with('M') => (number, 1 << 20),
        Some(number) => (number, 1 << 30),
    };
    let number: u64 = number.parse().map_err(|e| format!("{e}"))?;
    number.checked_mul(unit).ok_or_else(|| "too many bytes".into())
}

/// `1b5b33316d`: bytes as hex digits.
pub(crate) fn hex(text: &str) -> Result<Bytes, String> {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2 && !pair.starts_with('+'))?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect::<Option<_>>().map(Bytes).ok_or_else(|| "an even number of hex digits".into())
}

/// Says what went wrong on stderr, as well as that can be done.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "chaos: {text}");
}

pub(crate) fn flood(bytes: u64, newlines: bool, stderr: bool) -> io::Result<()> {
    let mut line = [b'x'; 80];
    if newlines {
        line[79] = b'\n';
    }
    // A whole number of lines, so that writing it over and over is writing lines.
    let block = line.repeat(4096);
    let mut out: Box<dyn Write> = if stderr { Box::new(io::stderr()) } else { Box::new(unbuffered_stdout()?) };
    let mut left = bytes;
    while left > 0 {
        let length = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        out.write_all(&block[..length])?;
        left -= length as u64;
    }
    Ok(())
}

/// Stdout without the line buffer of [`io::stdout`].
fn unbuffered_stdout() -> io::Result<std::fs::File> {
    Ok(rustix::io::dup(rustix::stdio::stdout())?.into())
}

pub(crate) fn lines(count: u64) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for number in 1..=count {
        writeln!(out, "line {number}")?;
    }
    out.flush()
}

pub(crate) fn interleave(count: u64) -> io::Result<()> {
    for number in 1..=count {
        let mut out = io::stdout();
        out.write_all(format!("out {number}\n").as_bytes())?;
        out.flush()?;
        io::stderr().write_all(format!("err {number}\n").as_bytes())?;
    }
    Ok(())
}

pub(crate) fn progress(steps: u64) -> io::Result<()> {
    let mut out = unbuffered_stdout()?;
    for step in 0..=steps {
        out.write_all(format!("\rstep {step}/{steps}").as_bytes())?;
    }
    out.write_all(b"\n")
}

pub(crate) fn print(bytes: &[Bytes]) -> io::Result<()> {
    let mut out = unbuffered_stdout()?;
    bytes.iter().try_for_each(|bytes| out.write_all(&bytes.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_hex_are_read() {
        assert_eq!(size("7"), Ok(7));
        assert_eq!(size("64k"), Ok(65536));
        assert_eq!(size("1G"), Ok(1 << 30));
        assert!(size("k").is_err() && size("1kk").is_err() && size("-1").is_err());
        assert_eq!(hex("1b5B00ff").map(|b| b.0), Ok(vec![0x1b, 0x5b, 0, 0xff]));
        assert!(hex("1").is_err() && hex("zz").is_err());
    }
}
