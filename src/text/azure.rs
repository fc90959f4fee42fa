//! Azure Pipelines' logging commands. The agent acts on `##vso[area.event name=value;…]data` anywhere in a line; its
//! viewer draws groups from lines with `##[group]` and `##[endgroup]`. The escapes are those of its documentation
//! ("Logging commands").

/// How what the agent and the viewer act on begins.
pub(super) const COMMANDS: [&str; 2] = ["##[", "##vso["];

/// The line that opens a group of this title, which is one line and without commands.
pub fn group(title: &str) -> String {
    format!("##[group]{title}")
}

/// The line that closes the open group. Groups do not nest.
pub const END_GROUP: &str = "##[endgroup]";

/// An issue of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue<'a> {
    /// `error` or `warning`.
    pub kind: &'a str,
    /// The file, relative to the sources' directory.
    pub file: Option<&'a str>,
    /// From one.
    pub line: Option<u32>,
    /// From one.
    pub column: Option<u32>,
    /// What the rule is called.
    pub code: Option<&'a str>,
    /// What is said.
    pub message: &'a str,
}

/// The line that logs an issue.
pub fn issue(issue: &Issue<'_>) -> String {
    let Issue { kind, file, line, column, code, message } = *issue;
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let properties: String = [
        ("type", Some(kind.to_owned())),
        ("sourcepath", file.map(str::to_owned)),
        ("linenumber", number(line)),
        ("columnnumber", number(column.filter(|_| line.is_some()))),
        ("code", code.map(str::to_owned)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("{name}={};", escape(&value?, true))))
    .collect();
    format!("##vso[task.logissue {properties}]{}", escape(message, false))
}

/// Text for a command's data, or for one of its properties.
fn escape(text: &str, is_property: bool) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '%' => escaped.push_str("%AZP25"),
            '\r' => escaped.push_str("%0D"),
            '\n' => escaped.push_str("%0A"),
            ';' if is_property => escaped.push_str("%3B"),
            ']' if is_property => escaped.push_str("%5D"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H67: no text ends its property, its command or its line.
    #[test]
    fn h67_an_issue_is_one_line_of_its_own_properties() {
        let text = issue(&Issue {
            kind: "error",
            file: Some("a;b]c.rs"),
            line: Some(2),
            column: Some(7),
            code: Some("100%"),
            message: "one\r\ntwo; three]",
        });
        assert_eq!(
            text,
            "##vso[task.logissue type=error;sourcepath=a%3Bb%5Dc.rs;linenumber=2;columnnumber=7;code=100%AZP25;]one%0D%0Atwo; three]"
        );
    }
}
