//! Environment files: `NAME=value` lines as most programs understand them.
//!
//! A value is taken as it stands: no variable in it is expanded. In double quotes `\n`, `\t`, `\r`, `\"`, `\\` and `\$`
//! are escapes; in single quotes nothing is. Without quotes, a value ends before ` #`.

/// Reads an environment file. A fault is its line, counted from one, and what is wrong, which reads after the line's
/// number and has none of the line's text in it.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, (usize, &'static str)> {
    let mut variables = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        variables.push(variable(line).map_err(|why| (i + 1, why))?);
    }
    Ok(variables)
}

fn variable(line: &str) -> Result<(String, String), &'static str> {
    let exported = line.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let (name, value) = exported.unwrap_or(line).split_once('=').ok_or("has no `=`")?;
    let name = name.trim();
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !(begins && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
        return Err("does not begin with a variable's name");
    }
    let value = value.trim_start();
    let value = match value.chars().next() {
        Some('\'') => single_quoted(&value[1..])?,
        Some('"') => double_quoted(&value[1..])?,
        _ => unquoted(value),
    };
    if value.contains('\0') {
        return Err("has a NUL character in it");
    }
    Ok((name.to_owned(), value))
}

fn unquoted(value: &str) -> String {
    let comment = value.char_indices().find(|(at, c)| *c == '#' && (*at == 0 || value[..*at].ends_with([' ', '\t'])));
    value[..comment.map_or(value.len(), |(at, _)| at)].trim_end().to_owned()
}

fn single_quoted(rest: &str) -> Result<String, &'static str> {
    let (value, after) = rest.split_once('\'').ok_or("has a quote that is not closed")?;
    ended(after)?;
    Ok(value.to_owned())
}

fn double_quoted(rest: &str) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                ended(chars.as_str())?;
                return Ok(value);
            }
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('r') => value.push('\r'),
                Some(c @ ('"' | '\\' | '$')) => value.push(c),
                Some(other) => value.extend(['\\', other]),
                None => break,
            },
            c => value.push(c),
        }
    }
    Err("has a quote that is not closed")
}

/// Only a comment may stand behind a closing quote.
fn ended(after: &str) -> Result<(), &'static str> {
    let after = after.trim_start();
    if after.is_empty() || after.starts_with('#') { Ok(()) } else { Err("goes on behind its closing quote") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = "# comment\n\nA=1\r\n export B = two words # not this\nC='a # $b \\n'\nD=\"x\\ty\\\"\\$z\" # c\nE=\n\
                    F=a#b\nexport=1\nG=#none\n";
        let read = parse(text).unwrap();
        let read: Vec<(&str, &str)> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            read,
            [
                ("A", "1"),
                ("B", "two words"),
                ("C", "a # $b \\n"),
                ("D", "x\ty\"$z"),
                ("E", ""),
                ("F", "a#b"),
                ("export", "1"),
                ("G", ""),
            ]
        );
    }

    #[test]
    fn faults_name_the_line_and_nothing_of_it() {
        for (text, line) in
            [("A=1\nsecret", 2), ("A='x", 1), ("A=\"x\\", 1), ("A=\"x\" y", 1), ("1A=x", 1), ("=x", 1), ("\n\nA=\0", 3)]
        {
            let (at, why) = parse(text).unwrap_err();
            assert_eq!(at, line, "{text:?}");
            assert!(!why.contains("secret"));
        }
    }
}
