//! Texts with `${member}`, `${path}` and `${slug}` in them, for each member.

use serde_json::Value;

use crate::member::Member;

/// Where a text goes, which says how what is put into it must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// To a shell: what is not plain is put in quotes.
    Shell,
    /// To the name of a stage: what cannot stand there becomes `-`.
    Name,
    /// As it is.
    Plain,
}

/// What can stand in the name of a stage, of a text; the rest becomes `-`.
fn slug(text: &str) -> String {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "_.+-".contains(c);
    let slug: String = text.chars().map(|c| if is_fit(c) { c } else { '-' }).collect();
    slug.trim_matches(['-', '.', '+']).to_owned()
}

fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Whether what comes next in a shell's text stands in quotes, or behind a backslash.
fn is_quoted(before: &str) -> bool {
    let (mut quote, mut chars) = (None, before.chars());
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None | Some('"'), '\\') if chars.next().is_none() => return true,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    quote.is_some()
}

/// The text with what stands for the member in it. `$${` is left to who comes after, as `${`.
pub(crate) fn filled(text: &str, member: &Member, place: Place) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        if before.ends_with('$') {
            filled.push_str(&before[..start - 1]);
            filled.push_str("${");
            rest = &from[2..];
            continue;
        }
        filled.push_str(before);
        let name = from[2..].split_once('}').map(|(name, _)| name);
        let value = match name {
            Some("member") => member.name.clone(),
            Some("path") if member.path.is_empty() => ".".to_owned(),
            Some("path") => member.path.clone(),
            Some("slug") => slug(&member.name),
            // A shell's own, or the pipeline's.
            _ => {
                if matches!(place, Place::Name) {
                    return Err(format!("{text} has what is none of ${{member}}, ${{path}} and ${{slug}}"));
                }
                filled.push_str("${");
                rest = &from[2..];
                continue;
            }
        };
        filled.push_str(&match place {
            Place::Shell if quoted(&value) != value && is_quoted(&text[..text.len() - from.len()]) => {
                return Err(format!(
                    "{text} has quotes around ${{{}}}, which is put in quotes where it needs them, as here: leave them out",
                    name.unwrap_or_default()
                ));
            }
            Place::Shell => quoted(&value),
            Place::Name => slug(&value),
            Place::Plain => value,
        });
        rest = &from[3 + name.map_or(0, str::len)..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A value with every text in it filled.
pub(crate) fn filled_value(value: &Value, member: &Member, place: Place) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(filled(text, member, place)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| filled_value(item, member, place)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let pair = |(key, item): (&String, &Value)| Ok((key.clone(), filled_value(item, member, place)?));
            Value::Object(map.iter().map(pair).collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Member {
        Member { path: "packages/a b".to_owned(), name: name.to_owned(), scripts: Vec::new() }
    }

    #[test]
    fn each_place_has_its_own_way_to_write_a_name() {
        let member = member("@shop/a");
        let text = "x ${member} ${path} ${slug}";
        assert_eq!(filled(text, &member, Place::Plain).unwrap(), "x @shop/a packages/a b shop-a");
        assert_eq!(filled(text, &member, Place::Shell).unwrap(), "x @shop/a 'packages/a b' shop-a");
        assert_eq!(filled("test-${member}", &member, Place::Name).unwrap(), "test-shop-a");
    }

    #[test]
    fn a_name_that_means_something_to_a_shell_is_put_in_quotes() {
        let text = filled("cargo test -p ${member}", &member("$(x) 'y'"), Place::Shell).unwrap();
        assert_eq!(text, r"cargo test -p '$(x) '\''y'\'''");
    }

    /// In the user's quotes, ours would end them.
    #[test]
    fn a_name_that_needs_quotes_is_refused_in_quotes() {
        for text in ["echo '${member}'", "echo \"${member}\"", "echo a\\${member}", "echo \"a\\\"\" '${member}"] {
            assert!(filled(text, &member("x;id"), Place::Shell).is_err(), "{text}");
            assert!(filled(text, &member("plain"), Place::Shell).is_ok(), "{text}");
        }
        let text = "echo 'a' \"b\" \\' ${member}";
        assert_eq!(filled(text, &member("x;id"), Place::Shell).unwrap(), "echo 'a' \"b\" \\' 'x;id'");
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let member = member("a");
        assert_eq!(
            filled("echo ${HOME} $${member} ${open", &member, Place::Shell).unwrap(),
            "echo ${HOME} ${member} ${open"
        );
        assert!(filled("${HOME}", &member, Place::Name).is_err());
    }

    #[test]
    fn every_text_of_a_value_is_filled() {
        let value = serde_json::json!({ "needs": ["build-${member}"], "dir": "${path}", "retries": 1 });
        let filled = filled_value(&value, &member("a"), Place::Plain).unwrap();
        assert_eq!(filled, serde_json::json!({ "needs": ["build-a"], "dir": "packages/a b", "retries": 1 }));
    }
}
