//! What the documents say, against the program: examples are sound, commands exist, what is said to be missing is, links
//! lead somewhere, and transcripts are what is printed.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::support::Project;
use crate::support::forge::{About, Forge};

const README: &str = include_str!("../../README.md");
const QUICKSTART: &str = include_str!("../../examples/quickstart/README.md");

/// Every document for users, by its path from the top of the checkout.
const DOCUMENTS: [(&str, &str); 8] = [
    ("README.md", README),
    ("CHANGELOG.md", include_str!("../../CHANGELOG.md")),
    ("docs/config.md", include_str!("../../docs/config.md")),
    ("docs/design.md", include_str!("../../docs/design.md")),
    ("docs/detection.md", include_str!("../../docs/detection.md")),
    ("docs/events.md", include_str!("../../docs/events.md")),
    ("docs/reports.md", include_str!("../../docs/reports.md")),
    ("examples/quickstart/README.md", QUICKSTART),
];

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

/// The fenced blocks of a document, in this language; in all where it is none.
fn blocks<'d>(document: &'d str, language: Option<&str>) -> Vec<&'d str> {
    static FENCE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?ms)^```(\w*)\n(.*?)^```$"));
    let is_wanted = |found: &str| language.is_none_or(|language| found == language);
    let all = FENCE.captures_iter(document).map(|found| found.extract());
    all.filter(|(_, [found, _])| is_wanted(found)).map(|(_, [_, text])| text).collect()
}

/// The part of a document below this heading.
fn section<'d>(document: &'d str, heading: &str) -> &'d str {
    let (_, rest) = document.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The arguments of every call of local-ci in a document: in its prose, its examples and its transcripts.
fn calls(document: &str) -> Vec<Vec<String>> {
    static IN_PROSE: LazyLock<Regex> = LazyLock::new(|| regex(r"`(local-ci(?: [^`\n]*)?)`"));
    // Such as `[STAGE]...`, which stands for nothing that has to be there.
    static OPTIONAL: LazyLock<Regex> = LazyLock::new(|| regex(r"\[[^\]]*\](?:\.\.\.)?"));
    let prose = IN_PROSE.captures_iter(document).map(|found| found.extract::<1>().1[0]);
    let typed = blocks(document, None).into_iter().flat_map(str::lines).map(|line| {
        let line = line.split("  #").next().unwrap_or_default();
        ["$ ", "exec ", "- run: "].iter().fold(line, |line, before| line.strip_prefix(before).unwrap_or(line))
    });
    let arguments = |call: &str| -> Option<Vec<String>> {
        let rest = call.strip_prefix("local-ci").or_else(|| call.strip_prefix("cargo run --release --"))?;
        let words = OPTIONAL.replace_all(rest, "").split_whitespace().map(str::to_owned).collect();
        (rest.is_empty() || rest.starts_with(' ')).then_some(words)
    };
    prose.chain(typed).filter_map(arguments).collect()
}

/// The stages of every example.
fn stages() -> Vec<&'static str> {
    let table = regex(r"\[stages\.([^\].]+)");
    let example = include_str!("../../examples/quickstart/local-ci.toml");
    let texts = DOCUMENTS.iter().map(|(_, document)| *document).chain([example]);
    texts
        .flat_map(|text| table.captures_iter(text).map(|found| found.extract::<1>().1[0]).collect::<Vec<_>>())
        .collect()
}

/// What the program calls its commands.
fn commands(project: &Project) -> Vec<String> {
    let help = project.local_ci(&["--help"]).output().assert_code(0).stdout();
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let lines = rest.lines().take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).map(str::to_owned).collect()
}

/// What a session in a document shows after this command, up to the next one.
fn session<'d>(document: &'d str, command: &str) -> Vec<&'d str> {
    let (_, rest) = document.split_once(&format!("\n$ {command}\n")).unwrap();
    rest.lines().take_while(|line| !line.starts_with("```") && !line.starts_with("$ local-ci")).collect()
}

/// Adds a plugin of that name, as the README has it before this example.
fn use_words(project: &Project, example: &str) {
    let mut forge = Forge::default();
    let info = forge.info(&About { name: "words", stages: vec![("words", None)], ..About::default() });
    forge.describe = Some(format!("(i32.const {info})"));
    project.expects("words.wasm").expects("local-ci.lock").config("");
    std::fs::write(project.dir().join("words.wasm"), forge.build()).unwrap();
    project.local_ci(&["plugin", "add", "path:words.wasm", "--yes"]).output().assert_code(0);
    let added = std::fs::read_to_string(project.dir().join("local-ci.toml")).unwrap();
    project.config(&format!("{example}{added}"));
}

#[test]
fn examples_are_sound() {
    let examples = blocks(README, Some("toml"));
    assert!(!examples.is_empty());
    for example in examples {
        let project = Project::new();
        project.config(example);
        if example.contains("uses = \"words\"") {
            use_words(&project, example);
        }
        project.local_ci(&["validate"]).output().assert_code(0);
    }
}

#[test]
fn every_call_is_understood() {
    let project = Project::new();
    let (known, stages) = (commands(&project), stages());
    let mut seen = 0;
    for (path, document) in DOCUMENTS {
        for call in calls(document) {
            let mut arguments: Vec<&str> =
                call.iter().map(String::as_str).take_while(|word| !["--", ">", "|"].contains(word)).collect();
            let first = arguments.first().copied().unwrap_or_default();
            if !known.iter().any(|command| command == first) {
                let is_bare = first.is_empty() || first.starts_with('-') || stages.contains(&first);
                assert!(is_bare, "{path}: {first:?} of {call:?} is neither a command nor a stage of an example");
                arguments.insert(0, "run");
            }
            // Everything before it is parsed, and nothing is done. What `add` is given is a command with its own options, and
            // what a hook is given is git's.
            let end = match arguments[..] {
                ["add", ..] => 1,
                ["hook", "run", ..] => 2,
                _ => arguments.len(),
            };
            arguments.insert(end, "--help");
            let help = project.local_ci(&arguments).output();
            assert_eq!(help.status.code(), Some(0), "{path}: {call:?}\n{}", help.stderr());
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} calls were found");
    project.assert_nothing_left();
}

#[test]
fn every_command_is_in_the_table() {
    let table = section(README, "Commands");
    for command in commands(&Project::new()).iter().filter(|command| *command != "help") {
        assert!(table.contains(&format!("| `local-ci {command}")), "{command} is not in the README's table");
    }
}

/// What the README says is not there yet is refused in a sentence; where it is not, the README is out of date.
#[test]
fn what_is_missing_is_refused() {
    let missing = section(README, "What is not there yet");
    let options: Vec<_> = regex("`(--[^`]+)`").captures_iter(missing).map(|found| found.extract::<1>().1[0]).collect();
    assert!(!options.is_empty());
    let project = Project::new();
    project.config("[stages.1]\nrun = [\"true\"]\n");
    for option in options {
        // The last word is a value where the option takes one, and else the stage's name.
        let words: Vec<&str> = option.split(' ').chain(["1"]).collect();
        let answer = project.local_ci(&words).output();
        match option {
            "--no-cache" => drop(answer.assert_code(0)),
            _ => {
                let answer = answer.assert_code(2);
                assert!(answer.stderr().contains("not in this version"), "{option}: {}", answer.stderr());
            }
        }
    }
    project.assert_nothing_left();
}

#[test]
fn links_lead_somewhere() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let link = regex(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)");
    let anchor = |heading: &str| heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    for (path, document) in DOCUMENTS {
        for found in link.captures_iter(document).filter(|found| !found[1].contains("://")) {
            let target = top.join(path).parent().unwrap().join(&found[1]);
            assert!(target.exists(), "{path}: {}", &found[0]);
            if let (Some(wanted), "") = (found.get(2), &found[1]) {
                let mut headings = document.lines().filter(|line| line.starts_with('#'));
                assert!(headings.any(|heading| anchor(heading) == wanted.as_str()), "{path}: {}", &found[0]);
            }
        }
    }
}

#[test]
fn the_quickstart_prints_what_the_readme_shows() {
    let project = Project::new();
    let quickstart = project.local_ci(&["-C", "examples/quickstart"]).cwd(env!("CARGO_MANIFEST_DIR"));
    let printed = quickstart.output().assert_code(1).stdout();
    let printed = project.redactions().apply(&printed);
    let shown = session(README, "local-ci -C examples/quickstart").join("\n");
    let shown = project.redactions().apply(&shown.replace("/home/user/.local/state/local-ci", "[STATE]"));
    let mut rest = printed.lines();
    for line in shown.lines().filter(|line| !line.is_empty() && *line != "[…]") {
        assert!(rest.any(|other| other == line), "{line:?} is not printed, or not there:\n{printed}");
    }
    project.assert_nothing_left();
}

#[test]
fn the_ten_lines_do_what_the_readme_shows() {
    let project = Project::new();
    let page = section(README, "In a project of your own");
    project.config(blocks(page, Some("toml"))[0]);
    let validated = project.local_ci(&["validate"]).output().assert_code(0);
    let shown = session(page, "local-ci validate").join("\n").replace("/home/user/hello", "[PROJECT]");
    assert_eq!(project.redactions().apply(validated.stderr().trim_end()), shown);
    // How many run at a time is the machine's.
    let planned = project.local_ci(&["plan", "-j", "2"]).output().assert_code(0);
    assert_eq!(planned.stdout().trim_end(), session(page, "local-ci plan").join("\n"));
    project.assert_nothing_left();
}

#[test]
fn a_crate_without_a_configuration_does_what_the_readme_shows() {
    let project = Project::new();
    project.write("Cargo.toml", "[package]\nname = \"hello\"\nversion = \"0.1.0\"\n").write("src/lib.rs", "");
    let page = section(README, "Without a configuration");
    let planned = project.local_ci(&["plan", "-j", "2"]).output().assert_code(0);
    assert_eq!(planned.stderr() + planned.stdout().trim_end(), session(page, "local-ci plan").join("\n"));
    project.expects("local-ci.toml");
    let written = project.local_ci(&["init"]).output().assert_code(0);
    let shown = session(page, "local-ci init").join("\n").replace("/home/user/hello", "[PROJECT]");
    let printed = project.redactions().apply(&(written.stderr() + &written.stdout()));
    assert_eq!(printed.trim_end(), shown);
    project.assert_nothing_left();
}
