//! Tests of pytest that failed: at the places that its tracebacks end in, and those of the short summary that have none.
//!
//! ```text
//! ______________ test_adds ______________
//!     def test_adds():
//! >       assert 1 + 1 == 3
//! E       assert (1 + 1) == 3
//!
//! tests/test_a.py:2: AssertionError
//! ========= short test summary info =========
//! FAILED tests/test_a.py::test_adds - assert (1 + 1) == 3
//! ```

use regex::Regex;

use crate::matcher::member::{Find, Finds, Member, Whereabouts, own};

/// The longest message, in lines.
const LINES_MAX: usize = 20;

/// See the module.
pub(super) struct Tests {
    /// The test of which a traceback is being told.
    test: Option<String>,
    said: Vec<String>,
    /// The tests that were told, as far as their tracebacks name them.
    told: Vec<String>,
    head: Regex,
    place: Regex,
    frame: Regex,
    /// The last place that is no end of a traceback: of a file that cannot be imported there is no other.
    last: Option<Whereabouts>,
    summary: Regex,
}

impl Tests {
    pub(super) fn new() -> Self {
        Self {
            test: None,
            said: Vec::new(),
            told: Vec::new(),
            head: own(r"^_{2,} (.+?) _{2,}$"),
            frame: own(r"^([^\s:][^:]*\.\w+):(\d+): in .+$"),
            last: None,
            place: own(r"^([^\s:][^:]*\.\w+):(\d+): (\w[\w.]*)$"),
            summary: own(r"^(FAILED|ERROR) (.+?\.\w+)(?:::(\S.*?))?(?: - (.*))?$"),
        }
    }
}

impl Tests {
    /// What was said of a test is over.
    fn close(&mut self, finds: &mut Finds<'_>) {
        let (test, last) = (self.test.take(), self.last.take());
        let said = std::mem::take(&mut self.said);
        if let (Some(test), Some(at), false) = (test, last, said.is_empty()) {
            finds.add(Find::error(said.join("\n")).title(test.clone()).at(at));
            self.told.push(test);
        }
    }
}

impl Member for Tests {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        match line.as_bytes() {
            [b'_', b'_', ..] => {
                if let Some(captures) = self.head.captures(line) {
                    self.close(finds);
                    self.test = Some(captures[1].to_owned());
                }
            }
            [b'=', b'=', ..] => self.close(finds),
            [b'E', b' ', ..] if self.test.is_some() => {
                if self.said.len() < LINES_MAX {
                    self.said.push(line[1..].trim().to_owned());
                }
            }
            [b'F' | b'E', ..] => {
                if let Some(captures) = self.summary.captures(line) {
                    let text = |group| captures.get(group).map(|found| found.as_str());
                    let name = text(3).map_or_else(|| captures[2].to_owned(), |name| name.replace("::", "."));
                    let short = name.rsplit('.').next().unwrap_or_default();
                    let is_told =
                        self.told.iter().any(|told| told.ends_with(&name) || text(3).is_some() && told == short);
                    if !is_told {
                        let message = text(4).map_or_else(|| "failed".to_owned(), str::to_owned);
                        let find = Find::error(message).title(name);
                        finds.add(find.at(Whereabouts::new(&captures[2], None, None)));
                    }
                }
            }
            _ => {
                if let Some(test) = &self.test
                    && let Some(captures) = self.place.captures(line)
                {
                    let said = std::mem::take(&mut self.said);
                    let message = if said.is_empty() { captures[3].to_owned() } else { said.join("\n") };
                    let find = Find::error(message).code(Some(&captures[3])).title(test.clone());
                    finds.add(find.at(Whereabouts::new(&captures[1], captures.get(2).map(|line| line.as_str()), None)));
                    self.told.push(test.clone());
                    self.last = None;
                } else if self.test.is_some()
                    && let Some(captures) = self.frame.captures(line)
                    && finds.place.has(&captures[1])
                {
                    let number = captures.get(2).map(|line| line.as_str());
                    self.last = Some(Whereabouts::new(&captures[1], number, None));
                }
            }
        }
    }

    fn finish(&mut self, _exit: Option<i32>, finds: &mut Finds<'_>) {
        self.close(finds);
    }
}
