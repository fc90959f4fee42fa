//! What can be wrong with one text, and how it would be without that. Nothing here knows of files.

use std::collections::BTreeMap;

/// What is looked for. Its name is how a pipeline writes it, and the annotation's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// Spaces or tabs at the end of a line.
    TrailingWhitespace,
    /// What git leaves in a file where a merge has a conflict.
    MergeMarker,
    /// Lines that end in CR LF beside others that end in LF.
    MixedLineEndings,
    /// A file that is larger than it should be.
    LargeFile,
    /// A last line without its end.
    MissingFinalNewline,
    /// A path that differs from another in case alone.
    CaseConflict,
}

impl Rule {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::TrailingWhitespace,
        Self::MergeMarker,
        Self::MixedLineEndings,
        Self::LargeFile,
        Self::MissingFinalNewline,
        Self::CaseConflict,
    ];

    /// How a pipeline writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TrailingWhitespace => "trailing-whitespace",
            Self::MergeMarker => "merge-marker",
            Self::MixedLineEndings => "mixed-line-endings",
            Self::LargeFile => "large-file",
            Self::MissingFinalNewline => "missing-final-newline",
            Self::CaseConflict => "case-conflict",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What it is.
    pub(crate) rule: Rule,
    /// In which line, counted from one; none: the file as a whole.
    pub(crate) line: Option<u32>,
    /// What it is, in words.
    pub(crate) message: String,
}

/// Whether this is no text: a NUL among its first bytes, as git decides it.
pub(crate) fn is_binary(content: &[u8]) -> bool {
    content.iter().take(8000).any(|&byte| byte == 0)
}

/// A line and its end.
fn split_end(line: &[u8]) -> (&[u8], &[u8]) {
    let body = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
    line.split_at(body.len())
}

fn trimmed(body: &[u8]) -> &[u8] {
    let len = body.iter().rposition(|&byte| byte != b' ' && byte != b'\t').map_or(0, |last| last + 1);
    &body[..len]
}

/// Whether what stands at the end of the line means something: in Markdown, two spaces after a text are a line break.
fn is_line_break(body: &[u8], is_markdown: bool) -> bool {
    let text = trimmed(body);
    is_markdown && !text.is_empty() && &body[text.len()..] == b"  "
}

/// What is wrong with a text, by line. Only `rules` are looked for.
pub(crate) fn findings(content: &[u8], is_markdown: bool, rules: &[Rule]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut put = |rule: Rule, line: Option<u32>, message: &str| {
        if rules.contains(&rule) {
            found.push(Finding { rule, line, message: message.to_owned() });
        }
    };
    let (mut open, mut crlf, mut lf) = (false, Vec::new(), Vec::new());
    let mut last = 0;
    for (number, line) in (1u32..).zip(content.split_inclusive(|&byte| byte == b'\n')) {
        let (body, end) = split_end(line);
        if trimmed(body).len() < body.len() && !is_line_break(body, is_markdown) {
            put(Rule::TrailingWhitespace, Some(number), "the line ends in white space");
        }
        if let Some(marker) = marker(body, &mut open) {
            put(Rule::MergeMarker, Some(number), &format!("a merge left its conflict here: {marker}"));
        }
        match end {
            b"\r\n" => crlf.push(number),
            b"\n" => lf.push(number),
            _ => {}
        }
        last = number;
    }
    if let (Some(&first_crlf), Some(&first_lf)) = (crlf.first(), lf.first()) {
        let (odd, count, end) =
            if crlf.len() < lf.len() { (first_crlf, crlf.len(), "CR LF") } else { (first_lf, lf.len(), "LF") };
        let lines = if count == 1 { "line ends" } else { "lines end" };
        let message = format!("{count} {lines} in {end} and the others do not; the first of them is here");
        put(Rule::MixedLineEndings, Some(odd), &message);
    }
    if content.last().is_some_and(|&byte| byte != b'\n') {
        put(Rule::MissingFinalNewline, Some(last), "the last line has no end");
    }
    found
}

/// The marker that a line is. `=======` is one only within a conflict: elsewhere it underlines a heading.
fn marker(body: &[u8], open: &mut bool) -> Option<&'static str> {
    let labelled =
        |mark: &[u8]| body.strip_prefix(mark).is_some_and(|rest| rest.first() == Some(&b' ') && rest.len() > 1);
    if labelled(b"<<<<<<<") || body == b"<<<<<<<" {
        *open = true;
        return Some("<<<<<<<");
    }
    if labelled(b">>>>>>>") || (*open && body == b">>>>>>>") {
        *open = false;
        return Some(">>>>>>>");
    }
    match body {
        b"=======" if *open => Some("======="),
        _ if *open && labelled(b"|||||||") => Some("|||||||"),
        _ => None,
    }
}

/// The text without what can be mended of `rules`; none where it is as it should be. Mixed ends of lines become those that
/// more lines have, and LF where both are as many.
pub(crate) fn mended(content: &[u8], is_markdown: bool, rules: &[Rule]) -> Option<Vec<u8>> {
    let mut ends: BTreeMap<&[u8], usize> = BTreeMap::new();
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        *ends.entry(split_end(line).1).or_default() += 1;
    }
    let count = |end: &[u8]| ends.get(end).copied().unwrap_or(0);
    let usual: &[u8] = if count(b"\r\n") > count(b"\n") { b"\r\n" } else { b"\n" };
    let mut text = Vec::with_capacity(content.len() + 2);
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        let (body, end) = split_end(line);
        let strip = rules.contains(&Rule::TrailingWhitespace) && !is_line_break(body, is_markdown);
        text.extend_from_slice(if strip { trimmed(body) } else { body });
        text.extend_from_slice(match end {
            b"" if rules.contains(&Rule::MissingFinalNewline) => usual,
            b"" => b"",
            _ if rules.contains(&Rule::MixedLineEndings) => usual,
            _ => end,
        });
    }
    (text != content).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(content: &str) -> Vec<(Rule, u32)> {
        let found = findings(content.as_bytes(), false, &Rule::ALL);
        found.into_iter().map(|finding| (finding.rule, finding.line.unwrap())).collect()
    }

    #[test]
    fn white_space_at_the_end_of_a_line_is_found_before_either_end() {
        assert_eq!(
            found("a \nb\n\t\nc\t\r\n\r\n\u{a0}\n"),
            [
                (Rule::TrailingWhitespace, 1),
                (Rule::TrailingWhitespace, 3),
                (Rule::TrailingWhitespace, 4),
                (Rule::MixedLineEndings, 4),
            ]
        );
    }

    #[test]
    fn two_spaces_are_a_line_break_in_markdown_alone() {
        let text = b"a  \nb   \n  \nc \n";
        let lines = |is_markdown| {
            findings(text, is_markdown, &Rule::ALL).iter().filter_map(|finding| finding.line).collect::<Vec<_>>()
        };
        assert_eq!(lines(false), [1, 2, 3, 4]);
        assert_eq!(lines(true), [2, 3, 4]);
        assert_eq!(mended(text, true, &Rule::ALL).unwrap(), b"a  \nb\n\nc\n");
    }

    #[test]
    fn what_a_merge_leaves_is_found_and_headings_are_let_be() {
        let conflict = "<<<<<<< HEAD\na\n||||||| 1234\nb\n=======\nc\n>>>>>>> branch\n";
        let lines: Vec<_> = found(conflict).into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, [1, 3, 5, 7]);
        assert_eq!(found("Heading\n=======\n\n>>>>>>>\n<<<<<<<<\n >>>>>>> x\n||||||| x\n"), []);
        assert_eq!(found("half\n>>>>>>> branch\n"), [(Rule::MergeMarker, 2)]);
        assert_eq!(found("<<<<<<<\r\n=======\r\n>>>>>>>\r\n").len(), 3);
    }

    #[test]
    fn a_last_line_without_an_end_is_found_and_an_empty_file_is_well() {
        assert_eq!(found("a\nb"), [(Rule::MissingFinalNewline, 2)]);
        assert_eq!(found(""), []);
        assert_eq!(found("\n"), []);
        assert_eq!(mended(b"a\r\nb", false, &Rule::ALL).unwrap(), b"a\r\nb\r\n");
    }

    #[test]
    fn mixed_ends_are_told_where_the_fewer_begin_and_become_what_is_more() {
        assert_eq!(found("a\nb\r\nc\n"), [(Rule::MixedLineEndings, 2)]);
        assert_eq!(found("a\r\nb\nc\r\n"), [(Rule::MixedLineEndings, 2)]);
        assert_eq!(mended(b"a\r\nb\nc\r\n", false, &Rule::ALL).unwrap(), b"a\r\nb\r\nc\r\n");
        assert_eq!(mended(b"a\r\nb\n", false, &Rule::ALL).unwrap(), b"a\nb\n");
    }

    #[test]
    fn what_was_mended_has_nothing_left_to_mend() {
        for text in ["a \r\nb\t\nc", " ", "\r\n \n", "x\ry \n", "a\n\r\n\r\n"] {
            let once = mended(text.as_bytes(), false, &Rule::ALL).unwrap();
            assert_eq!(mended(&once, false, &Rule::ALL), None, "{text:?}");
            assert_eq!(findings(&once, false, &Rule::ALL), [], "{text:?}");
        }
    }

    #[test]
    fn rules_that_are_not_asked_for_find_and_mend_nothing() {
        let text = b"a \r\nb\nc";
        assert_eq!(findings(text, false, &[]), []);
        assert_eq!(mended(text, false, &[Rule::MergeMarker]), None);
        assert_eq!(mended(text, false, &[Rule::TrailingWhitespace]).unwrap(), b"a\r\nb\nc");
    }
}
