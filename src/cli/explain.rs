//! `explain`: the long form of an error code, with a configuration that has the fault and one that has not; and the whole
//! reference of the configuration, which nobody else has at hand.

use std::fmt::Write as _;

use super::args::{ExplainArgs, WIDTH};
use super::error::CliError;
use super::{Ending, output};
use crate::config::Code;
use crate::outcome::exit;
use crate::plan::error::nearest;
use crate::text::plain::printable;

/// Every key of a configuration.
const REFERENCE: &str = include_str!("../../docs/config.md");

/// Explains a code or the configuration; without either, lists all codes.
pub(super) fn explain(args: &ExplainArgs) -> Result<Ending, CliError> {
    let text = match &args.code {
        None => {
            let codes = Code::ALL.iter().map(|code| format!("{code}  {}\n", code.title()));
            let rest = [
                "config  every key of a configuration\n",
                "KEY     those of one table: stages, plugins, grants, expand …\n",
            ];
            codes.chain(rest.map(str::to_owned)).collect()
        }
        Some(typed) if typed.eq_ignore_ascii_case("config") => REFERENCE.to_owned(),
        Some(typed) => match section(typed) {
            Some(section) => format!("{section}\n"),
            None => text(find(typed)?),
        },
    };
    let _ = output::print(&text);
    Ok(Ending::Code(exit::PASSED))
}

/// What the reference has under a key: `plugins`, `grants`, `expand`.
fn section(typed: &str) -> Option<&'static str> {
    let level = |line: &str| line.bytes().take_while(|byte| *byte == b'#').count();
    let mut lines = REFERENCE.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    });
    let is_it = |line: &str| {
        // "## `[plugins.NAME]`"
        let Some((_, key)) = line.split_once('`') else { return false };
        let key = key.trim_start_matches('[').split(['.', ']', '`']).next().unwrap_or_default();
        matches!(level(line), 2 | 3) && key.eq_ignore_ascii_case(typed.trim())
    };
    let (start, heading) = lines.find(|(_, line)| is_it(line))?;
    let next = lines.find(|(_, line)| (1..=level(heading)).contains(&level(line)));
    let end = next.map_or(REFERENCE.len(), |(at, _)| at);
    REFERENCE.get(start..end).map(str::trim_end)
}

/// The code that is meant: `LC0101`, `lc101` or `101`.
fn find(typed: &str) -> Result<Code, CliError> {
    let typed = typed.trim();
    let number = if typed.get(..2).is_some_and(|front| front.eq_ignore_ascii_case("LC")) { &typed[2..] } else { typed };
    let is_number = !number.is_empty() && number.len() <= 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    let id = if is_number { format!("LC{number:0>4}") } else { typed.to_ascii_uppercase() };
    Code::find(&id).ok_or_else(|| {
        let near = nearest(&id, Code::ALL.iter().map(|code| code.id()));
        let near: Vec<String> = near.into_iter().filter(|_| id.starts_with("LC")).collect();
        let meant = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
        CliError::usage(format!("there is no code {}{meant}", printable(&format!("{typed:?}"))))
            .or_try("`local-ci explain` lists all codes")
    })
}

fn text(code: Code) -> String {
    let mut text = format!("{code}: {}\n", code.title());
    for paragraph in code.explanation().split("\n\n") {
        text.push('\n');
        wrap(&mut text, paragraph);
    }
    if let Some(example) = code.example() {
        for (heading, config) in [("Wrong", example.wrong), ("Right", example.right)] {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n{heading}:\n");
            for line in config.lines() {
                let _ = writeln!(text, "{}", format!("  {line}").trim_end());
            }
        }
    }
    text
}

fn wrap(text: &mut String, paragraph: &str) {
    let mut column = 0;
    for word in paragraph.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for typed in ["LC0101", "lc0101", "Lc101", "101", "0101", " LC0101 "] {
            assert_eq!(find(typed).unwrap(), Code::NotFound, "{typed:?}");
        }
    }

    #[test]
    fn a_table_of_the_configuration_is_explained_by_its_name() {
        let plugins = section("Plugins").unwrap();
        assert!(plugins.starts_with("## `[plugins.NAME]`\n") && plugins.contains("### `grants`"));
        assert!(!plugins.contains("[[expand]]`\n"), "{plugins}");
        assert!(section("grants").unwrap().starts_with("### `grants`\n"));
        assert!(section("expand").unwrap().starts_with("## `[[expand]]`\n"));
        assert_eq!((section("nothing"), section("")), (None, None));
    }

    #[test]
    fn what_is_no_code_is_answered_in_a_sentence() {
        let answer = |typed| find(typed).unwrap_err().to_string();
        assert_eq!(answer("LC0108"), "there is no code \"LC0108\"; did you mean LC0101 or LC0102 or LC0103?");
        assert_eq!(answer("stages"), "there is no code \"stages\"");
        assert_eq!(answer(""), "there is no code \"\"");
        assert_eq!(answer("é\u{1b}"), r#"there is no code "é\u{1b}""#);
        assert!(answer("LC99999").starts_with("there is no code"));
    }

    #[test]
    fn every_text_keeps_to_the_width() {
        for code in Code::ALL {
            let text = text(*code);
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH && line == line.trim_end(), "{code}: {line:?}");
            }
        }
    }

    #[test]
    fn an_explanation_has_a_wrong_and_a_right_example() {
        insta::assert_snapshot!(text(Code::UnknownNeed), @r#"
        LC0405: a need that is not a stage

        `needs` lists stages by name. The name of a stage with a matrix means all its
        cells; one cell can be named as `test:1.80:linux`. Globs are not accepted here,
        so that a typo is always found.

        Wrong:

          [stages.fmt]
          run = "cargo fmt --check"

          [stages.test]
          run = "cargo test"
          needs = ["format"]

        Right:

          [stages.fmt]
          run = "cargo fmt --check"

          [stages.test]
          run = "cargo test"
          needs = ["fmt"]
        "#);
    }
}
