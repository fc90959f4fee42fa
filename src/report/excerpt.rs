//! The last lines that an attempt printed, read back from the end of its log.

use std::io;

use super::{LogKey, LogPart, Logs};
use crate::event::LogInfo;
use crate::ids::StageId;
use crate::text::terminal::{FilterOptions, TerminalFilter};

/// How many lines at most.
const LINES: usize = 40;
/// How much of the log is read for them, in bytes.
const WINDOW: u64 = 64 * 1024;
/// The longest line that is shown whole, in characters.
const WIDTH: usize = 1000;

/// The last lines of an attempt's output, filtered. Blank lines at the end are left out.
pub(super) fn last_lines(
    logs: &mut dyn Logs,
    attempt: (StageId, u32),
    log: LogInfo,
    filter: FilterOptions,
) -> io::Result<Vec<String>> {
    let (shown, _) = last_text(logs, attempt, log, filter, WINDOW)?;
    let mut lines: Vec<&str> = shown.lines().collect();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    Ok(lines[lines.len().saturating_sub(LINES)..].iter().map(|line| shortened(line)).collect())
}

/// The end of an attempt's output, filtered: what the last so many bytes of it are. Says whether there is more before it.
pub(super) fn last_text(
    logs: &mut dyn Logs,
    (stage, attempt): (StageId, u32),
    log: LogInfo,
    filter: FilterOptions,
    window: u64,
) -> io::Result<(String, bool)> {
    let (part, length) = if log.tail > 0 { (LogPart::Tail, log.tail) } else { (LogPart::Head, log.bytes) };
    let start = length.saturating_sub(window);
    let bytes = read(logs, LogKey { stage, attempt, part }, start, length)?;
    let mut shown = Vec::new();
    let mut filter = TerminalFilter::new(filter);
    filter.push(&bytes, &mut shown);
    filter.finish(&mut shown);
    let mut shown = String::from_utf8_lossy(&shown).into_owned();
    // The first line was cut by the window; it is shown only where there is no other.
    if start > 0
        && let Some(end) = shown.find('\n').filter(|end| end + 1 < shown.len())
    {
        shown.drain(..=end);
    }
    Ok((shown, start > 0 || log.tail > 0))
}

fn read(logs: &mut dyn Logs, key: LogKey, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
    let mut filled = 0;
    while filled < bytes.len() {
        match logs.read(key, start + filled as u64, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The line, its end cut off where it is too long. Colours take no width.
fn shortened(line: &str) -> String {
    let (mut width, mut in_colour) = (0, false);
    for (at, c) in line.char_indices() {
        match c {
            '\x1b' => in_colour = true,
            'm' if in_colour => in_colour = false,
            _ if in_colour => {}
            _ if width == WIDTH => {
                let reset = if line[..at].contains('\x1b') { "\x1b[0m" } else { "" };
                return format!("{}{reset}…", &line[..at]);
            }
            _ => width += 1,
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::MemoryLogs;

    fn excerpt(output: &str) -> Vec<String> {
        let mut logs = MemoryLogs::default();
        let key = (StageId(0), 1);
        logs.append(LogKey { stage: key.0, attempt: key.1, part: LogPart::Head }, output.as_bytes());
        let log = LogInfo { bytes: output.len() as u64, ..LogInfo::default() };
        last_lines(&mut logs, key, log, FilterOptions { colour: true, ..FilterOptions::default() }).unwrap()
    }

    #[test]
    fn at_most_forty_lines_without_trailing_blanks() {
        let output = (1..=60).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat() + "\n  \n";
        let lines = excerpt(&output);
        assert_eq!(lines.len(), 40);
        assert_eq!((lines[0].as_str(), lines[39].as_str()), ("line 21", "line 60"));
        assert_eq!(excerpt(""), [""; 0]);
        assert_eq!(excerpt("no end"), ["no end"]);
    }

    /// H54: however much was printed, a bounded part of it is read.
    #[test]
    fn h54_a_bounded_window_is_read_and_cut_lines_are_dropped() {
        let output = format!("{}\n{}\nlast\n", "a".repeat(100_000), "b".repeat(30_000));
        let lines = excerpt(&output);
        assert_eq!(lines, ["b".repeat(WIDTH) + "…", "last".into()]);
        let lines = excerpt(&"x".repeat(200_000));
        assert_eq!(lines, ["x".repeat(WIDTH) + "…"]);
    }

    /// H62: a cut line does not leave its colour on.
    #[test]
    fn h62_a_cut_line_ends_its_colours() {
        let lines = excerpt(&format!("\x1b[31m{}", "é".repeat(2000)));
        assert_eq!(lines, [format!("\x1b[31m{}\x1b[0m…", "é".repeat(WIDTH))]);
    }
}
