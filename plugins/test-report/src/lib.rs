//! Parsers that read the results of tests: out of what a stage prints, and of `JUnit`'s XML also out of files when it has ended.
//! What failed is told with its place, where the output has one, and at the end how many tests there were.

mod cargo;
mod junit;
mod pytest;
mod report;
mod tap;
#[cfg(test)]
mod tests;
mod xml;

use local_ci_plugin::{
    Annotation, Context, Example, Info, Kind, Line, Need, ParserPlugin, ParserSession, Plugin, Problem, files, settings,
};
use serde_json::json;

use crate::report::Report;

/// So many files are read at the end.
const FILES_MAX: u32 = 1000;
/// So much of a file is read at once, in bytes.
const PIECE: u64 = 256 * 1024;
/// Of a larger file, no more than this is read, in bytes.
const FILE_MAX: u64 = 256 * 1024 * 1024;

/// The plugin.
pub struct TestReport;

/// `[plugins.NAME] config`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    junit: Vec<String>,
}

impl Plugin for TestReport {
    fn info() -> Info {
        let config = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "junit": { "type": "array", "items": { "type": "string", "minLength": 1 }, "description":
                    "Globs of the reports that `junit` reads when the stage has ended, beside those in the output." },
            },
        });
        Info::new("test-report", env!("CARGO_PKG_VERSION"), "Reads the results of tests")
            .parser(
                Kind::new("cargo-test", "What cargo test prints")
                    .lines(&["test result: ", " ... FAILED"])
                    .lines_from(&[" stdout ----"]),
            )
            .parser(Kind::new("junit", "JUnit's XML, in the output or in files").lines_from(&["<testsuite"]))
            .parser(
                Kind::new("pytest", "What pytest prints")
                    .lines(&[" passed", " failed", " error", " skipped", " xfailed", " xpassed", "FAILED ", "ERROR "])
                    .lines_from(&["___"]),
            )
            .parser(
                Kind::new("tap", "The Test Anything Protocol")
                    .lines(&["ok", "Bail out!", "1.."])
                    .lines_from(&["not ok"]),
            )
            .config(config)
            .need(Need::files_read("**", "to read the reports that `config` names"))
            .example(
                Example::parser("finds where a test of cargo's has panicked", "cargo-test")
                    .lines(include_str!("../samples/cargo-test.txt"))
                    .exit_code(101)
                    .finds(json!({ "severity": "error", "title": "tests::subtracts", "path": "src/lib.rs", "line": 17,
                        "column": 9, "message": "assertion `left == right` failed: by one\n  left: 3\n right: 4" }))
                    .finds(json!({ "title": "src/lib.rs - add (line 4)", "path": "src/lib.rs", "line": 4 }))
                    .finds(json!({ "severity": "note", "message": "5 tests: 2 passed, 2 failed, 1 skipped" })),
            )
            .example(
                Example::parser("finds where an assertion of pytest's stands", "pytest")
                    .lines(include_str!("../samples/pytest.txt"))
                    .exit_code(1)
                    .finds(json!({ "title": "test_adds", "path": "tests/test_math.py", "line": 7,
                        "message": "assert 3 == 4\n+  where 3 = add(1, 2)" }))
                    .finds(json!({ "title": "tests/test_text.py::TestText::test_upper", "path": "tests/test_text.py" }))
                    .finds(json!({ "message": "5 tests: 2 passed, 2 failed, 1 skipped" })),
            )
            .example(
                Example::parser("reads diagnostics of TAP", "tap")
                    .lines(include_str!("../samples/tap.txt"))
                    .exit_code(1)
                    .finds(json!({ "title": "subtracts", "path": "lib/math.js", "line": 7, "message": "expected 1, got 3" }))
                    .finds(json!({ "title": "divides", "path": "t/math.t", "line": 12 }))
                    .finds(json!({ "severity": "warning", "message": "6 tests were planned, and 5 ran" }))
                    .finds(json!({ "message": "5 tests: 1 passed, 2 failed, 2 skipped" })),
            )
            .example(
                Example::parser("reads reports when the stage has ended", "junit")
                    .config(json!({ "junit": ["out/*.xml"] }))
                    .file("out/a.xml", include_str!("../samples/junit.xml"))
                    .lines("building\nok")
                    .exit_code(1)
                    .finds(json!({ "title": "math subtracts", "path": "lib/math.js", "line": 9, "column": 2,
                        "message": "expected 1 < 2\n    at lib/math.js:9:2" }))
                    .finds(json!({ "message": "3 tests: 1 passed, 1 failed, 1 skipped" })),
            )
    }
}

/// What reads a form of output.
enum Form {
    Cargo(cargo::Cargo),
    Junit(junit::Junit),
    Pytest(pytest::Pytest),
    Tap(tap::Tap),
}

/// What reads one stage's output.
pub struct Session {
    form: Form,
    report: Report,
}

impl ParserPlugin for TestReport {
    type Session = Session;

    fn start(parser: &str, _context: &Context) -> Result<Session, Problem> {
        let form = match parser {
            "cargo-test" => Form::Cargo(cargo::Cargo::default()),
            "junit" => Form::Junit(junit::Junit::default()),
            "pytest" => Form::Pytest(pytest::Pytest::default()),
            "tap" => Form::Tap(tap::Tap::default()),
            other => return Err(Problem::new("no-parser", format!("there is no parser {other:?}"))),
        };
        Ok(Session { form, report: Report::default() })
    }
}

impl ParserSession for Session {
    fn feed(&mut self, lines: &[Line]) -> Result<Vec<Annotation>, Problem> {
        for line in lines {
            let report = &mut self.report;
            match &mut self.form {
                Form::Cargo(form) => form.line(&line.text, report),
                Form::Junit(form) => form.line(&line.text, report),
                Form::Pytest(form) => form.line(&line.text, report),
                Form::Tap(form) => form.line(&line.text, report),
            }
        }
        Ok(self.report.take())
    }

    fn finish(&mut self, _exit_code: Option<i32>) -> Result<Vec<Annotation>, Problem> {
        let report = &mut self.report;
        match &mut self.form {
            Form::Cargo(form) => form.end(report),
            Form::Pytest(form) => form.end(report),
            Form::Tap(form) => form.end(report),
            Form::Junit(form) => {
                form.end("the output", report);
                let settings: Settings = settings::get()?;
                for pattern in &settings.junit {
                    reports(pattern, form, report)?;
                }
            }
        }
        Ok(self.report.close())
    }
}

/// Reads the reports that are meant: by a glob, or by a name, which may be that of a file that git ignores.
fn reports(pattern: &str, form: &mut junit::Junit, report: &mut Report) -> Result<(), Problem> {
    if !pattern.contains(['*', '?', '[', '{']) {
        return match file(pattern, form, report) {
            Err(files::Failure::Missing) => {
                report.warn(format!("there is no report {pattern}"));
                Ok(())
            }
            read => Ok(read?),
        };
    }
    let found = files::glob(pattern, FILES_MAX)?;
    if found.is_empty() {
        report.warn(format!("there is no report {pattern}; a file that git ignores has to be named in full"));
    }
    for entry in found.iter().filter(|entry| !entry.dir) {
        file(&entry.path, form, report)?;
    }
    Ok(())
}

/// Reads one report, piece by piece.
fn file(path: &str, form: &mut junit::Junit, report: &mut Report) -> Result<(), files::Failure> {
    let (mut offset, mut rest) = (0, Vec::new());
    loop {
        let piece = files::read_at(path, offset, PIECE)?;
        offset += piece.len() as u64;
        rest.extend_from_slice(&piece);
        // A character may stand on both sides of the cut.
        let end = match std::str::from_utf8(&rest) {
            Err(error) if error.error_len().is_none() && !piece.is_empty() => error.valid_up_to(),
            Ok(_) | Err(_) => rest.len(),
        };
        form.text(&String::from_utf8_lossy(&rest[..end]), report);
        rest.drain(..end);
        if offset > FILE_MAX {
            report.warn(format!("of {path} the first {} MiB were read", FILE_MAX >> 20));
            break;
        }
        if piece.is_empty() {
            break;
        }
    }
    form.end(path, report);
    Ok(())
}

local_ci_plugin::export!(TestReport: parser);
