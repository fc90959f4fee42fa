//! The page in the language of man(7), section by section.
//!
//! What stands behind a command's help ("Examples:" and the like) is read back from its layout: two columns, with two
//! blanks between them at least.

use clap::{Arg, ArgAction, Command};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::sections::{ENVIRONMENT, FILES, OPTIONS_AS_VARIABLES};
use crate::cli::args::USAGE;

/// Paragraphs behind the help of a command that have a section of their own on the page.
const SECTIONS: [(&str, &str); 2] = [("Examples:", "EXAMPLES"), ("Exit codes:", "EXIT STATUS")];

/// The whole page.
pub(super) fn page(command: &Command) -> String {
    let mut command = command.clone();
    command.build();
    let version = command.get_version().unwrap_or_default();
    let mut page = Roff::new();
    page.control("TH", ["LOCAL\\-CI", "1", "\"\"", &format!("local\\-ci {version}"), "User Commands"]);
    // Words are not cut: names of options and variables are to be found.
    page.control("nh", []);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("local-ci - {}", about(&command)))]);
    page.control("SH", ["SYNOPSIS"]);
    for usage in USAGE.lines() {
        page.text([roman(usage.trim())]);
        page.control("br", []);
    }
    page.control("SH", ["DESCRIPTION"]);
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    paragraphs(&mut page, &after, |_| true);
    page.control("SH", ["COMMANDS"]);
    let commands = || command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
    for sub in commands() {
        one_command(&mut page, sub);
    }
    page.control("SH", ["OPTIONS OF EVERY COMMAND"]);
    command.get_arguments().filter(|arg| !arg.is_hide_set()).for_each(|arg| argument(&mut page, arg));
    for (heading, section) in SECTIONS {
        page.control("SH", [section]);
        for sub in commands() {
            let after = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            let is_about_it = |first: &str| first == heading;
            // What is said of `run` holds for the program.
            if sub.get_name() != "run" && after.split("\n\n").filter_map(|text| text.lines().next()).any(is_about_it) {
                page.control("SS", [format!("local\\-ci {}", sub.get_name()).as_str()]);
            }
            paragraphs(&mut page, &after, is_about_it);
        }
    }
    page.control("SH", ["ENVIRONMENT"]);
    page.text(words(
        "Every option is also a variable. What is typed goes first; an empty variable is as good as none.",
    ));
    for (option, variable) in OPTIONS_AS_VARIABLES {
        entry(&mut page, variable, &format!("`{option}`"));
    }
    table(&mut page, ENVIRONMENT);
    page.control("SH", ["FILES"]);
    table(&mut page, FILES);
    page.render()
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn one_command(page: &mut Roff, command: &Command) {
    page.control("SS", [format!("local\\-ci {}", command.get_name()).as_str()]);
    page.text(words(&(about(command) + ".")));
    let own = |arg: &&Arg| !arg.is_global_set() && !arg.is_hide_set();
    command.get_arguments().filter(own).for_each(|arg| argument(page, arg));
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    paragraphs(page, &after, |first| SECTIONS.iter().all(|(heading, _)| first != *heading));
}

fn argument(page: &mut Roff, arg: &Arg) {
    let mut heading = Vec::new();
    let names = [arg.get_short().map(|short| format!("-{short}")), arg.get_long().map(|long| format!("--{long}"))];
    for name in names.into_iter().flatten() {
        if !heading.is_empty() {
            heading.push(roman(", "));
        }
        heading.push(bold(name));
    }
    if arg.get_action().takes_values() {
        let value =
            arg.get_value_names().unwrap_or_default().iter().map(clap::builder::Str::as_str).collect::<Vec<_>>();
        if !heading.is_empty() {
            heading.push(roman(" "));
        }
        heading.push(italic(value.join(" ")));
        let is_several = arg.is_positional() && matches!(arg.get_action(), ArgAction::Append);
        if is_several {
            heading.push(roman("..."));
        }
    }
    page.control("TP", []);
    page.text(heading);
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        help = format!("{help} [default: {}]", defaults.join(" "));
    }
    page.text(words(&help));
}

/// The paragraphs of a text whose first line is wanted. A heading that has a section of its own is not repeated.
fn paragraphs(page: &mut Roff, text: &str, is_wanted: impl Fn(&str) -> bool) {
    for paragraph in text.split("\n\n") {
        let first = paragraph.lines().next().unwrap_or_default();
        if !is_wanted(first) {
            continue;
        }
        let has_section = SECTIONS.iter().any(|(heading, _)| *heading == first);
        page.control("PP", []);
        let mut is_list = false;
        for line in paragraph.lines().skip(usize::from(has_section)) {
            match line.strip_prefix("  ").map(str::trim) {
                // What goes on from the line before, in its second column.
                Some(more) if line.starts_with("          ") => {
                    page.text(words(more));
                }
                None => {
                    if std::mem::take(&mut is_list) {
                        page.control("PP", []);
                    }
                    page.text(words(line));
                }
                Some(indented) => match indented.split_once("  ") {
                    Some((left, right)) => {
                        is_list = true;
                        entry(page, left, right.trim());
                    }
                    None => {
                        page.control("TP", []);
                        page.text([bold(indented)]);
                        page.text([roman("")]);
                    }
                },
            }
        }
    }
}

fn table(page: &mut Roff, rows: &[(&str, &str)]) {
    for (name, text) in rows {
        entry(page, name, text);
    }
}

fn entry(page: &mut Roff, name: &str, text: &str) {
    page.control("TP", []);
    page.text([bold(name)]);
    page.text(words(text));
}

/// A text with what stands between backticks in bold.
fn words(text: &str) -> Vec<Inline> {
    let piece = |(place, piece): (usize, &str)| if place % 2 == 0 { roman(piece) } else { bold(piece) };
    text.split('`').enumerate().filter(|(_, piece)| !piece.is_empty()).map(piece).collect()
}
