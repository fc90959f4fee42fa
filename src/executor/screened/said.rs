//! From a workflow command to an annotation.

use std::fmt::Write as _;
use std::path::{Component, Path};

use crate::event::{Annotation, Severity, Spot};
use crate::text::plain::printable;

/// By whom annotations are that a stage says itself.
const SOURCE: &str = "stage";
/// The longest message that is kept whole, in bytes.
const MESSAGE_MAX: usize = 16 * 1024;
/// The longest title or path, in bytes.
const TEXT_MAX: usize = 4096;

/// The annotation that a command is: its name with properties, and its data, as they are written. `root` is the project's
/// directory.
pub(super) fn annotation(head: &[u8], data: &[u8], root: &Path) -> Annotation {
    let head = String::from_utf8_lossy(head);
    let (name, properties) = head.split_once(' ').unwrap_or((&head, ""));
    let severity = match name.to_ascii_lowercase().as_str() {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Note,
    };
    let mut message = cut(text(data), MESSAGE_MAX);
    let mut title = None;
    let mut spot = Spot { path: String::new(), line: None, column: None, end_line: None, end_column: None };
    for (key, value) in properties.split(',').filter_map(|pair| pair.split_once('=')) {
        let value = text(value.as_bytes());
        let number = || value.trim().parse::<u32>().ok().filter(|number| *number > 0);
        match key.trim().to_ascii_lowercase().as_str() {
            "file" => spot.path = cut(value, TEXT_MAX),
            "title" => title = Some(cut(value, TEXT_MAX)).filter(|title| !title.is_empty()),
            "line" => spot.line = number(),
            "endline" => spot.end_line = number(),
            "col" => spot.column = number(),
            "endcolumn" => spot.end_column = number(),
            _ => {}
        }
    }
    let at = inside(&spot.path, root).map(|path| Spot { path, ..spot.clone() });
    if at.is_none() && !spot.path.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(message, " (at {}", printable(&spot.path));
        if let Some(line) = spot.line {
            let _ = write!(message, ":{line}");
        }
        message.push(')');
    }
    Annotation { severity, message, code: None, title, at, source: SOURCE.to_owned() }
}

/// The text of bytes with the runner's escapes in them.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&unescaped(bytes)).into_owned()
}

/// Without the runner's escapes: `%25`, `%0D`, `%0A`, `%3A` and `%2C`, with digits of either case. Others stand as they are.
pub(super) fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let escape = after.get(..2).filter(|_| *first == b'%').map(<[u8]>::to_ascii_uppercase);
        let meant = escape.and_then(|digits| match &digits[..] {
            b"25" => Some(b'%'),
            b"0D" => Some(b'\r'),
            b"0A" => Some(b'\n'),
            b"3A" => Some(b':'),
            b"2C" => Some(b','),
            _ => None,
        });
        out.push(meant.unwrap_or(*first));
        rest = if meant.is_some() { &after[2..] } else { after };
    }
    out
}

/// The path relative to the project's directory, without `.`; none where it leads out of it.
fn inside(path: &str, root: &Path) -> Option<String> {
    let relative = Path::new(path).strip_prefix(root).unwrap_or(Path::new(path));
    let mut parts = Vec::new();
    for part in relative.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/")).filter(|path| !path.is_empty())
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(head: &str, data: &str) -> Annotation {
        annotation(head.as_bytes(), data.as_bytes(), Path::new("/project"))
    }

    #[test]
    fn h178_properties_and_escapes_are_the_runners() {
        let annotation = told(
            "error file=/project/./src/a%2Cb.rs,line=3,endLine=4,col=5,endColumn=6,title=A%3A b",
            "one%0Atwo 100%25 %7A",
        );
        insta::assert_debug_snapshot!(annotation, @r#"
        Annotation {
            severity: Error,
            message: "one\ntwo 100% %7A",
            code: None,
            title: Some(
                "A: b",
            ),
            at: Some(
                Spot {
                    path: "src/a,b.rs",
                    line: Some(
                        3,
                    ),
                    column: Some(
                        5,
                    ),
                    end_line: Some(
                        4,
                    ),
                    end_column: Some(
                        6,
                    ),
                },
            ),
            source: "stage",
        }
        "#);
    }

    #[test]
    fn a_place_outside_of_the_project_is_no_place() {
        assert_eq!(told("warning file=../x,line=2", "m").message, "m (at ../x:2)");
        assert_eq!(told("warning file=/etc/passwd", "m").at, None);
        let plain = told("notice line=0", "m");
        assert_eq!((plain.severity, plain.at, plain.message.as_str()), (Severity::Note, None, "m"));
    }

    #[test]
    fn h57_what_is_kept_is_bounded() {
        assert!(told("error", &"ä".repeat(20_000)).message.len() <= MESSAGE_MAX + 3);
    }
}
