//! The page has all that the program has, and stays what man(7) understands.

use clap::CommandFactory;

use super::page::page;
use crate::cli::args::Cli;
use crate::outcome::exit;

/// The page as its reader sees its words: without fonts and escapes.
fn plain() -> String {
    page(&Cli::command()).replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")
}

#[test]
fn every_command_option_and_argument_is_on_the_page() {
    let page = plain();
    let mut root = Cli::command();
    root.build();
    for command in root.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let (_, section) = page.split_once(&format!(".SS \"local-ci {}\"\n", command.get_name())).unwrap();
        let section = section.split("\n.S").next().unwrap();
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_global_set()) {
            let name = arg
                .get_long()
                .map_or_else(|| arg.get_value_names().unwrap()[0].to_string(), |long| format!("--{long}"));
            assert!(section.contains(&name), "{} {name}", command.get_name());
        }
    }
    for arg in root.get_arguments().filter_map(|arg| arg.get_long()) {
        assert!(page.contains(&format!("--{arg}")), "--{arg}");
    }
}

/// Every variable of ours that `env.rs` knows is on the page, and every option that is a variable is said to be one.
#[test]
fn every_variable_is_on_the_page() {
    let page = plain();
    let source = include_str!("../../env.rs");
    let mut seen = 0;
    for name in source.split("&str = \"").skip(1).filter_map(|rest| rest.split('"').next()) {
        if name.starts_with("LOCAL_CI") && !name.starts_with("LOCAL_CI_TEST_") {
            assert!(page.contains(&format!("\n{name}\n")), "{name}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
    let read = include_str!("../variables.rs");
    for (option, variable) in super::sections::OPTIONS_AS_VARIABLES {
        let constant = variable.strip_prefix("LOCAL_CI_").unwrap();
        assert!(read.contains(&format!("env::{constant}")), "{variable}");
        assert_eq!(option.trim_start_matches('-').replace('-', "_").to_uppercase(), constant);
    }
}

#[test]
fn every_exit_code_is_on_the_page() {
    let page = plain();
    let (_, section) = page.split_once(".SH \"EXIT STATUS\"\n").unwrap();
    let section = section.split("\n.SH").next().unwrap();
    for code in [
        exit::PASSED,
        exit::FAILED,
        exit::USAGE,
        exit::INFRASTRUCTURE,
        exit::NOTHING_SELECTED,
        exit::ALREADY_RUNNING,
        exit::HUNG_UP,
        exit::INTERRUPTED,
        exit::TERMINATED,
    ] {
        let codes = section.lines().flat_map(|line| line.split(", "));
        assert!(codes.into_iter().any(|word| word == code.to_string()), "{code}: {section}");
    }
}

/// No line is taken for a request that is none: a word with a dot or an apostrophe in front is text.
#[test]
fn only_requests_begin_with_a_dot() {
    let page = page(&Cli::command());
    for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
        let request: String = line.chars().skip(1).take_while(|c| !c.is_whitespace()).collect();
        assert!(["TH", "SH", "SS", "TP", "PP", "br", "nh", "ie", "el"].contains(&request.as_str()), "{line}");
    }
}
