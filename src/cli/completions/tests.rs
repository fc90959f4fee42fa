//! Lines that are being typed, and what they can go on with.

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgAction, CommandFactory};
use proptest::prelude::*;

use super::callback::{answer, callback};
use super::candidates::kind;
use super::line::{Line, expanded, split};
use super::shell::{Answer, Candidate, Shell};
use crate::cli::args::Cli;
use crate::env::{self, Env};

const CONFIG: &str = r#"
[stages.fmt]
description = "formatting"
run = "cargo fmt"
tags = ["quick", "two words", "bad\u001b[2J"]
[stages.test]
run = "cargo test ${matrix.v}"
matrix = { v = ["a", "b"] }
[stages.list]
run = "true"
[profiles.most]
description = "nearly all"
[profiles."by hand"]
[remotes.build-box]
host = "ci@build.example.invalid"
"#;

/// A project with the config, and an environment without any history.
fn project() -> (tempfile::TempDir, Env) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("local-ci.toml"), CONFIG).unwrap();
    let state = dir.path().join("state");
    let env = Env::from_pairs([(env::STATE_DIR, state.to_str().unwrap())]);
    (dir, env)
}

fn asked(line: &str) -> Answer {
    let (dir, env) = project();
    answer(&split(line), dir.path(), &env)
}

/// The values of the candidates, between blanks.
fn values(line: &str) -> String {
    match asked(line) {
        Answer::Candidates(found) => found.into_iter().map(|one| one.value).collect::<Vec<_>>().join(" "),
        Answer::Files => ":files".to_owned(),
        Answer::Directories => ":directories".to_owned(),
    }
}

#[test]
fn what_can_follow_depends_on_what_stands_before() {
    for (line, expected) in [
        ("local-ci fm", "fmt"),
        ("local-ci te", "test test:a test:b"),
        ("local-ci test:", "test:a test:b"),
        // A stage that is called like a command is reached behind `run`.
        ("local-ci li", "list"),
        ("local-ci run li", "list"),
        ("local-ci run list l", ""),
        ("local-ci run fmt t", "test test:a test:b"),
        ("local-ci fmt f", ""),
        ("local-ci -j 4 fm", "fmt"),
        ("local-ci -j ", ""),
        ("local-ci -k plan fm", "fmt"),
        ("local-ci plan --skip fm", "fmt"),
        ("local-ci --skip=te", "--skip=test --skip=test:a --skip=test:b"),
        ("local-ci --tag qu", "quick"),
        ("local-ci --tag ", "quick two words"),
        ("local-ci --profile ", "by hand most"),
        ("local-ci --color ", "auto always never"),
        ("local-ci --ci git", "github gitlab"),
        ("local-ci --output g", "grouped"),
        ("local-ci explain lc010", "LC0101 LC0102 LC0103 LC0104 LC0105 LC0106 LC0107"),
        ("local-ci plan --graph ", "dot mermaid"),
        ("local-ci completions ", "bash zsh fish powershell"),
        ("local-ci stats f", "fmt"),
        ("local-ci logs 1", ""),
        ("local-ci help va", "validate"),
        ("local-ci --fail", "--fail-fast"),
        ("local-ci plan --js", "--json"),
        // An option of one command, typed before it: `logs` has it, and takes a number.
        ("local-ci --tail ", ""),
        ("local-ci --accu", ""),
        ("local-ci stats --accu", "--accuracy"),
        ("local-ci --det", "--detach"),
        ("local-ci --remote-t", "--remote-timeout"),
        ("local-ci --remote-dir ", ""),
        ("local-ci --session ", ""),
        ("local-ci --remote ", "build-box"),
        ("local-ci start te", "test test:a test:b"),
        ("local-ci remove fmt ", "test test:a test:b list"),
        ("local-ci await ", ""),
        ("local-ci stop f", ""),
        ("local-ci signal fmt us", "USR1 USR2"),
        ("local-ci stdout f", "fmt"),
        ("local-ci remote check ", "build-box"),
        ("local-ci plugin up", "update"),
        ("local-ci plugin new --lang ", "rust js python c"),
        ("local-ci plugin build ", ":directories"),
        ("local-ci --after ", ""),
        ("local-ci add ma", ":files"),
        ("local-ci add make te", ":files"),
        ("local-ci -C ", ":directories"),
        ("local-ci -Cx", ":directories"),
        ("local-ci --config=", ":files"),
        ("local-ci -- f", ":files"),
        ("local-ci run fmt -- ", ":files"),
        ("X=1 local-ci fm", "fmt"),
        ("local-ci 'fm", "fmt"),
        ("local-ci f\\m", "fmt"),
    ] {
        assert_eq!(values(line), expected, "{line:?}");
    }
}

#[test]
fn the_first_word_is_a_stage_or_a_command() {
    let all = values("local-ci ");
    assert!(all.starts_with("fmt test test:a test:b run plan list "), "{all}");
    assert_eq!(all.split(' ').filter(|word| *word == "list").count(), 1, "{all}");
    assert!(!all.contains('-') || !all.split(' ').any(|word| word.starts_with('-')), "options only once begun: {all}");
    let options = values("local-ci -");
    assert!(options.split(' ').all(|word| word.starts_with("--")), "{options}");
    assert!(options.contains("--fail-fast") && options.contains("--directory"), "{options}");
}

#[test]
fn another_directory_has_other_stages() {
    let (dir, env) = project();
    let below = dir.path().join("below");
    std::fs::create_dir_all(below.join(".git")).unwrap();
    std::fs::write(below.join("local-ci.toml"), "[stages.below]\nrun = \"true\"\n").unwrap();
    std::fs::write(below.join("other.toml"), "[stages.other]\nrun = \"true\"\n").unwrap();
    let at = |line: &str, env: &Env| match answer(&split(line), dir.path(), env) {
        Answer::Candidates(found) => found.first().map(|one| one.value.clone()).unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    assert_eq!(at("local-ci run ", &env), "fmt");
    for line in ["local-ci -C below run ", "local-ci run -Cbelow ", "local-ci --directory=below run "] {
        assert_eq!(at(line, &env), "below", "{line}");
    }
    assert_eq!(at("local-ci -C below -c other.toml run ", &env), "other");
    assert_eq!(at("local-ci run ", &Env::from_pairs([(env::DIRECTORY, below.to_str().unwrap())])), "below");
    let home = Env::from_pairs([(env::HOME, dir.path().to_str().unwrap())]);
    assert_eq!(at("local-ci -C ~/below run ", &home), "below");
    assert_eq!(expanded("~x/a".as_ref(), Some(Path::new("/h"))), Path::new("~x/a"));
}

/// H61: nothing that a terminal would act on is offered, and what is said of it is harmless.
#[test]
fn h61_nothing_hostile_is_offered() {
    assert_eq!(values("local-ci --tag b"), "");
    let hostile = Candidate { value: "x".into(), help: "a\u{1b}[2J\tb".into() };
    for shell in Shell::ALL {
        let text = shell.write(&Answer::Candidates(vec![hostile.clone()]), &Line::default());
        assert!(!text.contains('\u{1b}') && text.matches('\t').count() <= 1, "{text:?}");
    }
}

#[test]
fn a_config_that_cannot_be_read_has_no_stages_and_no_complaints() {
    let (dir, env) = project();
    std::fs::write(dir.path().join("local-ci.toml"), "[stages.fmt\n").unwrap();
    assert_eq!(answer(&split("local-ci run "), dir.path(), &env), Answer::Candidates(Vec::new()));
    assert_eq!(answer(&split("local-ci run "), Path::new("/nowhere"), &env), Answer::Candidates(Vec::new()));
}

#[test]
fn each_shell_is_answered_in_its_own_way() {
    let candidate = |value: &str, help: &str| Candidate { value: value.into(), help: help.into() };
    let found = Answer::Candidates(vec![candidate("test:a", "one: \\ of them"), candidate("it's", "")]);
    let line = Line { before: Vec::new(), current: "test:".into(), kept: 5 };
    assert_eq!(Shell::Bash.write(&found, &line), "a\n'it'\\''s'\n");
    let line = Line::default();
    assert_eq!(Shell::Bash.write(&found, &line), "test:a\n'it'\\''s'\n");
    assert_eq!(Shell::Zsh.write(&found, &line), "test\\:a:one: \\\\ of them\nit's\n");
    assert_eq!(Shell::Fish.write(&found, &line), "test:a\tone: \\ of them\nit's\n");
    assert_eq!(Shell::Powershell.write(&found, &line), "test:a\tone: \\ of them\n'it''s'\n");
    for shell in Shell::ALL {
        assert_eq!(shell.write(&Answer::Files, &line), ":files\n");
        assert_eq!(shell.write(&Answer::Directories, &line), ":directories\n");
    }
}

#[test]
fn each_shell_says_in_its_own_way_what_was_typed() {
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let line = |before: &[&str], current: &str, kept| Line { before: words(before), current: current.into(), kept };
    let bash = |typed: &str, replaced: &str| Shell::Bash.line(&words(&[typed, replaced])).unwrap();
    assert_eq!(bash("local-ci test:a", "a"), line(&[], "test:a", 5));
    assert_eq!(bash("local-ci test:", ""), line(&[], "test:", 5));
    assert_eq!(bash("local-ci --skip=t", "t"), line(&[], "--skip=t", 7));
    assert_eq!(bash("local-ci run fm", "fm"), line(&["run"], "fm", 0));
    assert_eq!(bash("local-ci run ", ""), line(&["run"], "", 0));
    assert_eq!(bash("local-ci 'fm", "'fm"), line(&[], "fm", 0));
    assert_eq!(Shell::Zsh.line(&words(&["local-ci", "run", "a b"])), Some(line(&["run"], "a b", 0)));
    assert_eq!(Shell::Fish.line(&words(&["local-ci", ""])), Some(line(&[], "", 0)));
    assert_eq!(Shell::Powershell.line(&words(&["local-ci", "run", "."])), Some(line(&["run"], "", 0)));
    assert_eq!(Shell::Powershell.line(&words(&["local-ci"])), None);
    for shell in Shell::ALL {
        assert_eq!(shell.line(&[]), None);
    }
}

/// Only the question of a shell is answered: whatever else the variable says, the program does its work.
#[test]
fn only_a_shells_question_is_taken_for_one() {
    let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
    for (line, value) in [
        ("local-ci -- local-ci run", "1"),
        ("local-ci -- local-ci run", ""),
        ("local-ci fmt", "bash"),
        ("local-ci", "zsh"),
    ] {
        assert_eq!(callback(&words(line), &Env::from_pairs([(env::COMPLETE, value)])), None, "{line} {value}");
    }
    assert_eq!(callback(&words("local-ci -- local-ci va"), &Env::default()), None);
    let zsh = Env::from_pairs([(env::COMPLETE, "zsh")]);
    assert!(callback(&words("local-ci -- local-ci va"), &zsh).unwrap().starts_with("validate:Check"));
    assert_eq!(callback(&words("local-ci --"), &zsh), Some(String::new()));
}

/// An option or argument that is added has to say what it takes.
#[test]
fn every_value_has_its_candidates() {
    let root = Cli::command();
    let nested = root.get_subcommands().flat_map(clap::Command::get_subcommands);
    for command in root.get_subcommands().chain(nested).chain([&root]) {
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
            if takes_value {
                let name = format!("{} {}", command.get_name(), arg.get_id());
                assert!(kind(command.get_name(), arg).is_some(), "{name}: say in candidates.rs what it takes");
            }
        }
    }
}

#[test]
fn the_script_calls_the_program_that_printed_it() {
    for (shell, program, quoted) in [
        (Shell::Bash, "/opt/it's/local-ci", r"command '/opt/it'\''s/local-ci' --"),
        (Shell::Zsh, "local-ci", "command local-ci --"),
        (Shell::Fish, r"/opt/it's\local-ci", r"'/opt/it\'s\\local-ci' --"),
        (Shell::Powershell, "/opt/it's/local-ci", "& '/opt/it''s/local-ci' --"),
    ] {
        let script = shell.script(program);
        assert!(script.contains(quoted), "{script}");
        assert!(script.contains(&format!("{}={}", env::COMPLETE, shell.name())) || shell == Shell::Powershell);
        assert!(!script.contains("@PROGRAM@") && !script.contains("eval") && !script.contains("Invoke-Expression"));
    }
}

proptest! {
    /// Whatever stands on the line, the answer is an answer.
    #[test]
    fn no_line_is_too_odd(line in r#"(local-ci)? ?(-[a-zA-Z-]{0,8}|run|--|-C|'|"|\\|=|:|[a-z]{0,4}| |\PC{0,3}){0,8}"#) {
        let env = Env::default();
        let split = split(&line);
        let found = answer(&split, Path::new("/nowhere"), &env);
        for shell in Shell::ALL {
            let text = shell.write(&found, &split);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }

    /// What is quoted for a shell is read back as the word it is.
    #[test]
    fn quoted_words_are_read_back(words in prop::collection::vec(r#"[a-c'"\\ $`]{1,6}"#, 1..5)) {
        let line = format!("local-ci {}", crate::plan::command::quote_all(&words));
        let split = split(&line);
        let mut read: Vec<String> = split.before.iter().map(|word| word.to_str().unwrap().to_owned()).collect();
        read.push(split.current);
        prop_assert_eq!(read, words);
    }
}
