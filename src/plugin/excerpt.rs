//! Of what a stage prints, the lines that a parser wants, read from what its plugin says of it.
//!
//! Plain texts and no patterns: they are looked for in whole blocks at the speed of memory, whatever the texts are and
//! whatever the block is, and whoever writes a plugin sees at once which lines have them.

use crate::pipeline::plugin::Excerpt;

/// The keys of a parser's `extra`.
const LINES: &str = "lines";
const FROM: &str = "lines-from";
/// The most texts of a parser.
const TEXTS_MAX: usize = 64;
/// The most of a text, in bytes.
const TEXT_MAX: usize = 200;

/// What a parser's `extra` says of the lines that it wants. The error is the rest of a sentence that begins with the plugin.
pub fn read(parser: &str, extra: &[(String, String)]) -> Result<Excerpt, String> {
    let texts = |key: &str| {
        let said = extra.iter().filter(|(name, _)| name == key).map(|(_, value)| texts(value));
        let said: Result<Vec<_>, String> = said.collect();
        let said = said.map(|all| all.concat());
        said.map_err(|why| format!("has a parser `{parser}` whose `{key}` {why}"))
    };
    let excerpt = Excerpt { lines: texts(LINES)?, from: texts(FROM)? };
    let count = excerpt.lines.len() + excerpt.from.len();
    if count > TEXTS_MAX {
        return Err(format!("has a parser `{parser}` that looks for {count} texts, and {TEXTS_MAX} are the most"));
    }
    Ok(excerpt)
}

fn texts(json: &str) -> Result<Vec<String>, String> {
    let texts: Vec<String> =
        serde_json::from_str(json).map_err(|_| "is no JSON array of texts, such as `[\"error: \"]`".to_owned())?;
    if texts.is_empty() {
        return Err("has no text in it: leave it out to be given every line".to_owned());
    }
    for text in &texts {
        if text.is_empty() {
            return Err("has an empty text in it, which every line has: leave it out to be given every line".to_owned());
        }
        if text.len() > TEXT_MAX {
            return Err(format!("has a text of {} bytes, and {TEXT_MAX} are the most", text.len()));
        }
        if text.contains(['\n', '\r']) {
            return Err("has a text with the end of a line in it, which no line has".to_owned());
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_said_with_the_parsers_name() {
        let say = |key: &str, value: &str| read("p", &[(key.to_owned(), value.to_owned())]).unwrap_err();
        let long = format!("[\"{}\"]", "x".repeat(TEXT_MAX + 1));
        let many = serde_json::json!(vec!["x"; TEXTS_MAX + 1]).to_string();
        let said = [
            say("lines", "error"),
            say("lines", "[1]"),
            say("lines-from", "[]"),
            say("lines", "[\"\"]"),
            say("lines", r#"["a\nb"]"#),
            say("lines", &long),
            say("lines", &many),
        ];
        insta::assert_snapshot!(said.join("\n"), @r#"
        has a parser `p` whose `lines` is no JSON array of texts, such as `["error: "]`
        has a parser `p` whose `lines` is no JSON array of texts, such as `["error: "]`
        has a parser `p` whose `lines-from` has no text in it: leave it out to be given every line
        has a parser `p` whose `lines` has an empty text in it, which every line has: leave it out to be given every line
        has a parser `p` whose `lines` has a text with the end of a line in it, which no line has
        has a parser `p` whose `lines` has a text of 201 bytes, and 200 are the most
        has a parser `p` that looks for 65 texts, and 64 are the most
        "#);
        // Of what a later version says there is nothing to understand, and nothing wrong.
        assert_eq!(read("p", &[("later".to_owned(), "x".to_owned())]), Ok(Excerpt::default()));
    }
}
