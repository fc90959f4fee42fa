//! What CI services make of a transcript: parsers written from what the services document, which know nothing of our writer.

use super::*;

/// What a service acted on: what it is, with what belongs to it.
pub(super) type Acts = Vec<(String, Vec<(String, String)>, String)>;

fn unescaped(text: &str, table: &[(&str, &str)]) -> String {
    let mut plain = String::new();
    let mut rest = text;
    'text: while let Some(c) = rest.chars().next() {
        for (written, meant) in table {
            if let Some(after) = rest.strip_prefix(written) {
                plain.push_str(meant);
                rest = after;
                continue 'text;
            }
        }
        plain.push(c);
        rest = &rest[c.len_utf8()..];
    }
    plain
}

/// GitHub: "Workflow commands for GitHub Actions". A command is `::name key=value,…::data` at the start of a line, blanks
/// aside; between `stop-commands` and its token there is none. The older form counts anywhere, for the viewer even there.
pub(super) fn on_github_actions(text: &str) -> Acts {
    const DATA: [(&str, &str); 3] = [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")];
    const PROPERTY: [(&str, &str); 5] = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];
    let mut acts = Acts::new();
    let mut stopped: Option<String> = None;
    for line in text.split(['\n', '\r']) {
        if let Some(at) = line.find("##[") {
            acts.push(("older".into(), Vec::new(), line[at..].into()));
        }
        let Some((command, data)) = line.trim_start().strip_prefix("::").and_then(|rest| rest.split_once("::")) else {
            continue;
        };
        let (name, properties) = command.split_once(' ').unwrap_or((command, ""));
        match &stopped {
            Some(token) if name == token => stopped = None,
            Some(_) => {}
            None if name == "stop-commands" => stopped = Some(data.to_owned()),
            None => {
                let pairs = properties.split(',').filter_map(|pair| pair.trim().split_once('='));
                let pairs = pairs.map(|(key, value)| (key.to_owned(), unescaped(value, &PROPERTY))).collect();
                acts.push((name.to_owned(), pairs, unescaped(data, &DATA)));
            }
        }
    }
    assert_eq!(stopped, None, "a fence is left open");
    acts
}

/// Azure: "Logging commands". `##vso[area.action key=value;…]data` counts anywhere in a line; the viewer formats lines with
/// `##[word]`.
fn on_azure_pipelines(text: &str) -> Acts {
    const DATA: [(&str, &str); 3] = [("%0D", "\r"), ("%0A", "\n"), ("%AZP25", "%")];
    const PROPERTY: [(&str, &str); 5] = [("%0D", "\r"), ("%0A", "\n"), ("%3B", ";"), ("%5D", "]"), ("%AZP25", "%")];
    let mut acts = Acts::new();
    for line in text.split(['\n', '\r']) {
        if let Some((command, data)) = line.find("##vso[").and_then(|at| line[at + "##vso[".len()..].split_once(']')) {
            let (name, properties) = command.split_once(' ').unwrap_or((command, ""));
            let pairs = properties.split(';').filter_map(|pair| pair.split_once('='));
            let pairs = pairs.map(|(key, value)| (key.to_owned(), unescaped(value, &PROPERTY))).collect();
            acts.push((name.to_owned(), pairs, unescaped(data, &DATA)));
        } else if let Some((word, data)) = line.find("##[").and_then(|at| line[at + 3..].split_once(']')) {
            acts.push((word.to_owned(), Vec::new(), data.to_owned()));
        }
    }
    acts
}

/// TeamCity: "Service messages". `##teamcity[name key='value' …]`, with `|` before what is special in a value.
fn on_teamcity_server(text: &str) -> Acts {
    let mut acts = Acts::new();
    for line in text.split(['\n', '\r']) {
        let mut rest = line;
        while let Some((_, message)) = rest.split_once("##teamcity[") {
            let (name, mut message) = message.split_once([' ', ']']).unwrap();
            let mut pairs = Vec::new();
            while let Some((key, value)) = message.split_once("='") {
                let (mut plain, mut units, mut chars) = (String::new(), Vec::new(), value.char_indices());
                let end = loop {
                    let (at, c) = chars.next().unwrap();
                    let escape = if c == '|' { Some(chars.next().unwrap().1) } else { None };
                    if escape != Some('0') && !units.is_empty() {
                        plain.push_str(&String::from_utf16(&std::mem::take(&mut units)).unwrap());
                    }
                    match (c, escape) {
                        ('\'', None) => break at,
                        (_, Some('n')) => plain.push('\n'),
                        (_, Some('r')) => plain.push('\r'),
                        (_, Some('0')) => {
                            assert_eq!(chars.next().unwrap().1, 'x');
                            let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                            units.push(u16::from_str_radix(&hex, 16).unwrap());
                        }
                        (c, None) | (_, Some(c)) => plain.push(c),
                    }
                };
                pairs.push((key.trim().to_owned(), plain));
                message = &value[end + 1..];
            }
            acts.push((name.to_owned(), pairs, String::new()));
            rest = message;
        }
    }
    acts
}

/// GitLab: "Custom collapsible sections". The viewer wants `\r` and `ESC [0K` after a marker; here what only begins like
/// one counts, too.
fn on_gitlab_ci(text: &str) -> Acts {
    let pattern =
        regex::Regex::new(r"section_(start|end):(?:(\d+):([A-Za-z0-9_.-]+)(\[[^\]\n]*\])?\r\x1b\[0K([^\n]*))?")
            .unwrap();
    let acts = pattern.captures_iter(text).map(|found| {
        let part = |at: usize| found.get(at).map_or("", |part| part.as_str()).to_owned();
        (part(1), vec![("at".into(), part(2)), ("name".into(), part(3)), ("options".into(), part(4))], part(5))
    });
    acts.collect()
}

/// Buildkite: "Managing log output". A line that begins with three of the same signs and a blank is a heading.
fn on_buildkite_log(text: &str) -> Acts {
    let colours = regex::Regex::new("\x1b\\[[0-9;:]*m").unwrap();
    let mut acts = Acts::new();
    for line in text.split(['\n', '\r']) {
        let line = colours.replace_all(line, "");
        let sign = ["---", "+++", "~~~", "^^^"].into_iter().find(|sign| line.starts_with(sign));
        let Some((sign, title)) = sign.map(|sign| (sign, &line[sign.len()..])) else { continue };
        if title.is_empty() || title.starts_with([' ', '\t']) {
            acts.push((sign.into(), Vec::new(), title.trim().into()));
        }
    }
    acts
}

pub(super) fn acts(dialect: Dialect, text: &str) -> Acts {
    match dialect {
        Dialect::Plain | Dialect::GitHub => on_github_actions(text),
        Dialect::GitLab => on_gitlab_ci(text),
        Dialect::Buildkite => on_buildkite_log(text),
        Dialect::Azure => on_azure_pipelines(text),
        Dialect::TeamCity => on_teamcity_server(text),
    }
}

/// The groups that a service sees, in the order in which they open. Fails where one opens within another, is not closed, or
/// closes another.
pub(super) fn groups(dialect: Dialect, acts: &Acts) -> Vec<String> {
    let (opens, closes) = match dialect {
        Dialect::Plain | Dialect::GitHub | Dialect::Azure => ("group", "endgroup"),
        Dialect::GitLab => ("start", "end"),
        Dialect::Buildkite => ("---", "+++ or ~~~"),
        Dialect::TeamCity => ("blockOpened", "blockClosed"),
    };
    let name_of = |pairs: &[(String, String)]| {
        pairs.iter().find(|(key, _)| key == "name").map(|(_, name)| name.clone()).unwrap_or_default()
    };
    let (mut open, mut titles, mut names) = (None, Vec::new(), Vec::new());
    for (name, pairs, data) in acts {
        if name == opens {
            assert_eq!(open, None, "{data} opens within another group");
            open = Some(name_of(pairs));
            titles.push(if data.is_empty() { name_of(pairs) } else { data.clone() });
            names.push(name_of(pairs));
        } else if name == closes || closes.contains(name.as_str()) {
            if dialect != Dialect::Buildkite {
                assert_eq!(open, Some(name_of(pairs)), "what closes is open");
            }
            open = None;
        }
    }
    assert_eq!(open, None, "a group is left open");
    if dialect == Dialect::GitLab {
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "sections have names of their own");
    }
    titles
}
