//! Go: what `go build` and `go vet` say, tests that failed, and where a program panicked.
//!
//! ```text
//! --- FAIL: TestAdds (0.00s)
//!     add_test.go:7: 3 is not 4
//! FAIL    example.invalid/project/pkg    0.002s
//! ```
//!
//! A test's file is relative to its package's directory, and the package is named when all of it was told.

use regex::Regex;

use crate::matcher::member::{Find, Finds, Member, Whereabouts, own};

/// How many finds wait for the name of their package at most.
const WAITING_MAX: usize = 1000;

/// Something of a test, and its file as the test names it.
struct Waiting {
    find: Find,
    file: String,
}

/// See the module.
pub(super) struct Go {
    /// The test that is being told.
    test: Option<String>,
    waiting: Vec<Waiting>,
    /// Whether the last line was one of these, so that what is further indented goes on with it.
    is_open: bool,
    /// What was said by a panic whose place has not come yet.
    panic: Option<String>,
    built: Regex,
    said: Regex,
    frame: Regex,
}

impl Go {
    pub(super) fn new() -> Self {
        Self {
            test: None,
            waiting: Vec::new(),
            is_open: false,
            panic: None,
            built: own(r"^(?:vet: )?((?:\.{0,2}/)?[^\s:]+\.go):(\d+)(?::(\d+))?: (.+)$"),
            said: own(r"^\s+([^\s:/]+\.go):(\d+): ?(.*)$"),
            frame: own(r"^\t(/\S+\.go):(\d+)(?: \+0x[0-9a-f]+)?$"),
        }
    }

    /// The package of what waits is known now, or never will be.
    fn flush(&mut self, package: Option<&str>, finds: &mut Finds<'_>) {
        self.is_open = false;
        for Waiting { mut find, file } in std::mem::take(&mut self.waiting) {
            let path = package.and_then(|package| finds.place.in_package(package, &file)).unwrap_or(file);
            if let Some(at) = &mut find.at {
                at.path = path;
                // It is relative to the project already.
                if package.is_some() {
                    at.from = Some(finds.place.root().to_owned());
                }
            }
            finds.add(find);
        }
    }

    fn indented(&mut self, line: &str, finds: &mut Finds<'_>) {
        if self.panic.is_some()
            && let Some(captures) = self.frame.captures(line)
            && finds.place.has(&captures[1])
            && let Some(said) = self.panic.take()
        {
            let line = captures.get(2).map(|line| line.as_str());
            let mut find = Find::error(said).at(Whereabouts::new(&captures[1], line, None));
            find.title.clone_from(&self.test);
            finds.add(find);
            return;
        }
        let trimmed = line.trim_start();
        if let Some(test) = trimmed.strip_prefix("--- FAIL: ") {
            self.begin(test);
        } else if trimmed.starts_with("--- ") {
            self.test = None;
        } else if let Some(test) = &self.test
            && let Some(captures) = self.said.captures(line)
        {
            if self.waiting.len() < WAITING_MAX {
                let at = Whereabouts::new(&captures[1], captures.get(2).map(|line| line.as_str()), None);
                let find = Find::error(&captures[3]).title(test.clone()).at(at);
                self.waiting.push(Waiting { find, file: captures[1].to_owned() });
                self.is_open = true;
            }
        } else if self.is_open
            && line.starts_with("        ")
            && let Some(last) = self.waiting.last_mut()
            && last.find.message.lines().count() < 20
        {
            last.find.message.push('\n');
            last.find.message.push_str(trimmed);
        }
    }

    fn begin(&mut self, test: &str) {
        self.test = Some(test.split(" (").next().unwrap_or_default().to_owned());
        self.is_open = false;
    }
}

impl Member for Go {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        if line.starts_with([' ', '\t']) {
            if self.test.is_some() || self.panic.is_some() {
                self.indented(line, finds);
            }
        } else if let Some(test) = line.strip_prefix("--- FAIL: ") {
            self.begin(test);
        } else if let Some(said) = line.strip_prefix("panic: ") {
            self.panic = Some(format!("panic: {}", said.split(" [recovered").next().unwrap_or(said)));
        } else if line.starts_with("FAIL\t") || line.starts_with("ok  \t") {
            self.flush(line.split('\t').nth(1).map(|package| package.split(' ').next().unwrap_or(package)), finds);
            (self.test, self.panic) = (None, None);
        } else if line.contains(".go:")
            && let Some(captures) = self.built.captures(line)
        {
            let text = |group| captures.get(group).map(|found| found.as_str());
            finds.add(Find::error(&captures[4]).at(Whereabouts::new(&captures[1], text(2), text(3))));
        }
    }

    fn finish(&mut self, _exit: Option<i32>, finds: &mut Finds<'_>) {
        self.flush(None, finds);
        if let Some(said) = self.panic.take() {
            finds.add(Find::error(said));
        }
    }
}
