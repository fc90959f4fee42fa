//! Tests of Rust: where each panicked, and those that failed without.
//!
//! ```text
//! test tests::adds ... FAILED
//! ---- tests::adds stdout ----
//! thread 'tests::adds' panicked at src/lib.rs:9:9:
//! assertion `left == right` failed
//!   left: 3
//!  right: 4
//! note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
//! ```

use std::sync::LazyLock;

use regex::Regex;

use crate::matcher::member::{Find, Finds, Member, Whereabouts, own};

/// The longest message, in lines.
const LINES_MAX: usize = 40;

/// `thread 'name' (17) panicked at src/lib.rs:9:9:`, the number since Rust 1.91; before 1.73 what it said stood before the place.
static PANIC: LazyLock<Regex> = LazyLock::new(|| {
    own(
        r"^thread '(?<thread>.*?)'(?: \(\d+\))? panicked at (?:'(?<old>.*)', )?(?<file>[^':]\S*?):(?<line>\d+):(?<column>\d+):?$",
    )
});
/// Of a test that was to panic and did not.
static STILL: LazyLock<Regex> = LazyLock::new(|| {
    own(r"^note: (?<said>test did not panic as expected) at (?<file>\S+?):(?<line>\d+):(?<column>\d+)$")
});
/// `src/lib.rs - add (line 3)`: a test in documentation.
static DOCUMENTED: LazyLock<Regex> = LazyLock::new(|| own(r"^(?<file>.+\.\w+) - (?:.* )?\(line (?<line>\d+)\)"));

/// A panic, as far as it was told.
struct Panic {
    find: Find,
    lines: usize,
}

/// What a test printed.
struct Section {
    test: String,
    lines: Vec<String>,
    was_told: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Tests {
    panic: Option<Panic>,
    section: Option<Section>,
    /// Tests that are said to have failed, and those of which more was said.
    failed: Vec<String>,
    told: Vec<String>,
}

impl Tests {
    fn close_panic(&mut self, finds: &mut Finds<'_>) {
        let Some(Panic { mut find, .. }) = self.panic.take() else { return };
        if find.message.is_empty() {
            find.message = "panicked".into();
        }
        if let Some(test) = &find.title {
            self.told.push(test.clone());
        }
        finds.add(find);
    }

    fn close_section(&mut self, finds: &mut Finds<'_>) {
        self.close_panic(finds);
        let Some(Section { test, lines, was_told }) = self.section.take() else { return };
        if was_told || lines.is_empty() {
            return;
        }
        let mut find = Find::error(lines.join("\n")).title(test.clone());
        if let Some(captures) = DOCUMENTED.captures(&test) {
            let line = captures.name("line").map(|line| line.as_str());
            find = find.at(Whereabouts::new(&captures["file"], line, None));
        }
        self.told.push(test);
        finds.add(find);
    }

    fn panicked(&mut self, captures: &regex::Captures<'_>) {
        let text = |name| captures.name(name).map(|found| found.as_str());
        let thread = text("thread").unwrap_or_default();
        let mut find = Find::error(text("old").unwrap_or_default());
        let test = match &mut self.section {
            // A test in documentation panics in a file of its own.
            Some(section) if DOCUMENTED.is_match(&section.test) => return,
            Some(section) => {
                section.was_told = true;
                Some(section.test.clone())
            }
            None => (!matches!(thread, "main" | "<unnamed>")).then(|| thread.to_owned()),
        };
        if let Some(test) = test {
            find = find.title(test);
        }
        if let Some(file) = text("file") {
            find = find.at(Whereabouts::new(file, text("line"), text("column")));
        }
        self.panic = Some(Panic { find, lines: 0 });
    }

    /// A line after that of a panic; whether it belongs to it.
    fn said(&mut self, line: &str, finds: &mut Finds<'_>) -> bool {
        let Some(panic) = &mut self.panic else { return false };
        let ends = line.starts_with("note: ") || line.starts_with("stack backtrace:") || line.starts_with("----");
        let is_over = ends || line.is_empty() || panic.lines >= LINES_MAX;
        if is_over {
            self.close_panic(finds);
            return !line.starts_with("----");
        }
        if !panic.find.message.is_empty() {
            panic.find.message.push('\n');
        }
        panic.find.message.push_str(line);
        panic.lines += 1;
        true
    }
}

impl Member for Tests {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        if line.starts_with("thread '")
            && let Some(captures) = PANIC.captures(line)
        {
            self.close_panic(finds);
            self.panicked(&captures);
            if self.panic.is_some() {
                return;
            }
        }
        if self.said(line, finds) {
            return;
        }
        if let Some(test) = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----")) {
            self.close_section(finds);
            self.section = Some(Section { test: test.to_owned(), lines: Vec::new(), was_told: false });
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.close_section(finds);
        } else if let Some(section) = &mut self.section {
            if let Some(captures) = STILL.captures(line) {
                let text = |name| captures.name(name).map(|found| found.as_str());
                let find = Find::error(&captures["said"]).title(section.test.clone());
                section.was_told = true;
                self.told.push(section.test.clone());
                finds.add(find.at(Whereabouts::new(&captures["file"], text("line"), text("column"))));
            } else if !line.is_empty() && !line.starts_with("note: ") && section.lines.len() < LINES_MAX {
                section.lines.push(line.to_owned());
            }
        } else if line.ends_with(" ... FAILED")
            && let Some(test) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"))
        {
            self.failed.push(test.to_owned());
        }
    }

    fn finish(&mut self, _exit: Option<i32>, finds: &mut Finds<'_>) {
        self.close_section(finds);
        let name = |test: &str| test.split(" - should panic").next().unwrap_or_default().trim().to_owned();
        for test in std::mem::take(&mut self.failed) {
            if !self.told.iter().any(|told| name(told) == name(&test)) {
                finds.add(Find::error(format!("test {test} failed")));
            }
        }
    }
}
