//! What tools print, held against what is found in it. The outputs are of the tools themselves, in `tests/fixtures/matchers`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::{Place, Session};
use crate::event::Annotation;
use crate::pipeline::matcher::{Annotate, BuiltIn, Definition, Groups, Matcher, Part, Pattern, compile};

mod built_in;
mod form;
mod speed;

fn place() -> Place {
    let files = [
        "src/lib.rs",
        "sub/main.c",
        "tests/test_halves.py",
        "tests/halves.py",
        "tests/deep.py",
        "tests/test_import.py",
        "main.py",
        "pkg/half_test.go",
    ];
    Place::new(Path::new("/project"), Path::new("/project"), move |path| {
        files.iter().any(|file| Path::new("/project").join(file) == path)
    })
}

/// What these matchers find in a text.
fn found(annotate: &[Annotate], text: &str) -> Vec<Annotation> {
    let mut session = Session::new(annotate, place()).unwrap();
    let mut out = Vec::new();
    for line in text.lines() {
        session.line(line, &mut out);
    }
    session.finish(Some(1), &mut out);
    out
}

/// Annotations as lines.
fn shown(annotations: &[Annotation]) -> String {
    let mut text = String::new();
    for Annotation { severity, message, code, title, at, source } in annotations {
        if let Some(at) = at {
            text.push_str(&at.path);
            for number in [at.line, at.column].into_iter().flatten() {
                write!(text, ":{number}").unwrap();
            }
            if let Some(line) = at.end_line {
                write!(text, "-{line}:{}", at.end_column.unwrap_or_default()).unwrap();
            }
            text.push(' ');
        }
        let code = code.as_ref().map(|code| format!(" [{code}]")).unwrap_or_default();
        let title = title.as_ref().map(|title| format!(" <{title}>")).unwrap_or_default();
        writeln!(text, "{source} {}{code}{title}: {}", severity.word(), message.replace('\n', " | ")).unwrap();
    }
    text
}

/// What a tool printed.
fn printed(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/matchers").join(format!("{name}.txt"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(matcher: BuiltIn, name: &str) -> String {
    shown(&found(&[Annotate::BuiltIn(matcher)], &printed(name)))
}
