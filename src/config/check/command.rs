//! Commands: `run`, `fix` and `shell`, and the `${matrix.…}` in them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::matrix::Declared;
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::nearest::nearest;
use crate::config::value::words::{SHELLS, TextOrTexts};
use crate::config::visible::visible_line;
use crate::pipeline::{Command, DEFAULT_SHELL};

const OPENING: &str = "${matrix.";

/// The shell's command line, to which a script is appended.
pub(super) fn shell(value: Option<&Spanned<TextOrTexts>>, faults: &mut FaultList) -> Vec<String> {
    let default = || DEFAULT_SHELL.map(str::to_owned).to_vec();
    let Some(value) = value else { return default() };
    let bad = |text: &str, help: String| Fault::new(Code::BadShell, text, value.span(), "here").help(help);
    match value.get_ref() {
        TextOrTexts::One(name) => {
            nul(name, "shell", &value.span(), faults);
            let base = Path::new(name).file_name().and_then(|base| base.to_str()).unwrap_or_default();
            if SHELLS.contains(&base) && !name.ends_with('/') {
                return vec![name.clone(), "-e".into(), "-c".into()];
            }
            let shown = visible_line(name);
            let words: Vec<String> =
                name.split_whitespace().map(|word| format!("\"{}\"", visible_line(word))).collect();
            let fault = match words.as_slice() {
                [] => bad("`shell` is empty", "for example: shell = \"bash\"".into()),
                [word] => bad(
                    &format!("`{shown}` is not a shell that is known to take `-e -c SCRIPT`"),
                    format!("write its whole command, the script is appended: shell = [{word}, \"-c\"]"),
                ),
                words => {
                    // The script has to be an option's value, or it would be taken for a file's name.
                    let takes_script = words.last().is_some_and(|word| word.starts_with("\"-") && word.contains('c'));
                    let end = if takes_script { "" } else { ", \"-c\"" };
                    let help = format!("the script is appended to it: shell = [{}{end}]", words.join(", "));
                    bad("a shell with options is written as an array", help)
                }
            };
            faults.push(fault);
            default()
        }
        TextOrTexts::Many(words) => {
            if words.first().is_none_or(|word| word.get_ref().trim().is_empty()) {
                faults.push(bad("`shell` is empty", "for example: shell = [\"bash\", \"-e\", \"-c\"]".into()));
            }
            for word in words {
                nul(word.get_ref(), "shell", &word.span(), faults);
            }
            words.iter().map(|word| word.get_ref().clone()).collect()
        }
    }
}

/// A command, its variables not yet filled in.
pub(super) fn command(
    key: &str,
    value: &Spanned<TextOrTexts>,
    shell: &[String],
    declared: &Declared<'_>,
    faults: &mut FaultList,
) -> Option<Command> {
    let variables = declared.variables.as_slice();
    let empty = |faults: &mut FaultList| {
        // What could not be read was taken out of it, and has its own fault.
        if !declared.stage.spoilt {
            let fault = Fault::new(Code::EmptyCommand, format!("`{key}` is empty"), value.span(), "no command");
            let example =
                format!("for example: {key} = \"cargo test\"; for a stage that does nothing: {key} = \"true\"");
            faults.push(fault.help(example));
        }
        None
    };
    match value.get_ref() {
        TextOrTexts::One(script) => {
            text(script, key, &value.span(), variables, faults);
            if script.trim().is_empty() {
                return empty(faults);
            }
            Some(Command::Shell { shell: shell.to_vec(), script: script.clone(), args: Vec::new() })
        }
        TextOrTexts::Many(words) => {
            for word in words {
                text(word.get_ref(), key, &word.span(), variables, faults);
            }
            if words.first().is_none_or(|word| word.get_ref().is_empty()) {
                return empty(faults);
            }
            Some(Command::Argv(words.iter().map(|word| word.get_ref().clone()).collect()))
        }
    }
}

/// Checks a text that may have `${matrix.…}` in it and goes to the system.
pub(super) fn text(text: &str, key: &str, span: &Range<usize>, variables: &[&str], faults: &mut FaultList) {
    nul(text, key, span, faults);
    for piece in pieces(text) {
        let Piece::Variable(name) = piece else { continue };
        if variables.contains(&name) {
            continue;
        }
        let shown = visible_line(name);
        let fault = Fault::new(
            Code::UnknownAxis,
            format!("`{key}` uses the unknown ${{matrix.{shown}}}"),
            span.clone(),
            "here",
        );
        faults.push(match nearest(name, variables.iter().copied()) {
            Some(near) => fault.help(format!("did you mean ${{matrix.{near}}}?")),
            None if variables.is_empty() => {
                fault.help("this stage has no matrix; to write these characters themselves, begin with $$")
            }
            None => fault.help(format!("the stage's matrix has {}", variables.join(", "))),
        });
    }
}

/// Refuses NUL characters, which would end the text for the system.
pub(super) fn nul(text: &str, key: &str, span: &Range<usize>, faults: &mut FaultList) {
    if text.contains('\0') {
        let fault = Fault::new(Code::NulCharacter, format!("`{key}` has a NUL character in it"), span.clone(), "here");
        faults.push(fault.help("take the \\u0000 out"));
    }
}

/// A part of a text with variables.
enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// The text in parts: `${matrix.NAME}` is a variable, `$${matrix.NAME}` the same without its first `$`, as text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut next = None;
    std::iter::from_fn(move || {
        if let Some(piece) = next.take() {
            return Some(piece);
        }
        if rest.is_empty() {
            return None;
        }
        let found = rest.find(OPENING).and_then(|at| Some((at, at + rest[at..].find('}')?)));
        let Some((at, end)) = found else {
            return Some(Piece::Text(std::mem::take(&mut rest)));
        };
        let (before, variable) = (&rest[..at], &rest[at..=end]);
        rest = &rest[end + 1..];
        if let Some(before) = before.strip_suffix('$') {
            next = Some(Piece::Text(variable));
            return Some(Piece::Text(before));
        }
        next = Some(Piece::Variable(&variable[OPENING.len()..variable.len() - 1]));
        Some(Piece::Text(before))
    })
}

/// The text with its variables filled in; one that a cell does not have is empty.
pub(super) fn fill(text: &str, values: &BTreeMap<String, String>) -> String {
    if !text.contains(OPENING) {
        return text.to_owned();
    }
    let fill = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Variable(name) => values.get(name).map_or("", String::as_str),
    };
    pieces(text).map(fill).collect()
}

/// The command with its variables filled in.
pub(super) fn fill_command(command: &Command, values: &BTreeMap<String, String>) -> Command {
    match command {
        Command::Shell { shell, script, args } => {
            Command::Shell { shell: shell.clone(), script: fill(script, values), args: args.clone() }
        }
        Command::Argv(words) => Command::Argv(words.iter().map(|word| fill(word, values)).collect()),
        Command::Plugin(used) => Command::Plugin(used.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_can_be_escaped() {
        let values = BTreeMap::from([("rust".to_owned(), "1.80".to_owned())]);
        for (text, filled) in [
            ("cargo +${matrix.rust} test", "cargo +1.80 test"),
            ("${matrix.rust}${matrix.rust}", "1.801.80"),
            ("echo $${matrix.rust} $$ ${HOME}", "echo ${matrix.rust} $$ ${HOME}"),
            ("${matrix.other}|", "|"),
            ("${matrix.rust", "${matrix.rust"),
            ("", ""),
        ] {
            assert_eq!(fill(text, &values), filled);
        }
    }
}
