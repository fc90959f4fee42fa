//! What a command needs to be there, as far as its words say.

use super::tools::{PYTHON_MODULES, SHELL_WORDS, Tool, cargo_program};
use crate::pipeline::Command;

/// A program that a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) program: String,
    /// What has it say its version; none where it is not to be run.
    pub(super) arguments: Option<Vec<String>>,
    /// Whether the command fails without it for certain.
    pub(super) is_certain: bool,
    /// Whether the command fails if it cannot say its version.
    pub(super) must_answer: bool,
    /// How to get it, where that is known.
    pub(super) cure: Option<String>,
}

impl Need {
    fn new(program: &str) -> Self {
        let tool = Tool::find(base(program));
        Self {
            program: program.to_owned(),
            arguments: tool.and_then(|tool| tool.version).map(|argument| vec![argument.to_owned()]),
            is_certain: true,
            must_answer: false,
            cure: tool.map(|tool| tool.cure.to_owned()),
        }
    }
}

/// The name of a program without where it is.
pub(super) fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// What a command needs, the program that is started first.
pub(super) fn needs(command: &Command) -> Vec<Need> {
    match command {
        Command::Argv(argv) => of_words(&argv.iter().map(String::as_str).collect::<Vec<_>>()),
        // Its plugin was looked at where the pipeline was read.
        Command::Plugin(_) => Vec::new(),
        Command::Shell { shell, script, args: _ } => {
            let mut needs: Vec<Need> = shell.first().map(|shell| Need::new(shell)).into_iter().collect();
            needs.extend(of_words(&first_words(script)));
            needs
        }
    }
}

fn of_words(words: &[&str]) -> Vec<Need> {
    let Some((program, arguments)) = words.split_first() else { return Vec::new() };
    let mut needs = vec![Need::new(program)];
    match (base(program), arguments) {
        ("cargo", arguments) => {
            let command = arguments.iter().find(|word| !word.starts_with(['+', '-']));
            if let Some(name) = command.and_then(|command| cargo_program(command)) {
                let is_known = Tool::find(&name).is_some();
                let cure = (!is_known).then(|| format!("cargo install --locked {name}, unless it is an alias"));
                let need = Need::new(&name);
                let cure = need.cure.clone().or(cure);
                // What is not known may be an alias of the project's.
                needs.push(Need { is_certain: is_known, must_answer: is_known, cure, ..need });
            }
        }
        ("python" | "python3", ["-m", module, ..]) if PYTHON_MODULES.contains(module) => {
            needs.push(Need {
                arguments: Some(["-m", module, "--version"].map(str::to_owned).to_vec()),
                must_answer: true,
                cure: Some(format!("{program} -m pip install {module}")),
                ..Need::new(program)
            });
        }
        _ => {}
    }
    needs
}

/// The first command of a script, as far as it can be read without knowing a shell's grammar: its words up to the first
/// that means more than itself.
fn first_words(script: &str) -> Vec<&str> {
    let line =
        script.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let is_plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:+=,@".contains(c));
    let mut words = line.split_whitespace().skip_while(|word| is_plain(word) && assigned(word).is_some()).peekable();
    // `x=$(program …)` fails as the program does.
    let substituted = words.peek().and_then(|word| assigned(word)?.strip_prefix("$("));
    if let Some(program) = substituted {
        let is_name = is_plain(program) && !program.is_empty();
        return if is_name { vec![program] } else { Vec::new() };
    }
    let words: Vec<&str> = words.take_while(|word| is_plain(word)).collect();
    match words.first() {
        Some(first) if !SHELL_WORDS.contains(&format!(" {first} ")) => words,
        _ => Vec::new(),
    }
}

/// The value of `NAME=value`.
fn assigned(word: &str) -> Option<&str> {
    let (name, value) = word.split_once('=')?;
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_command_of_a_script_is_read() {
        for (script, words) in [
            ("cargo test --workspace && x", "cargo test --workspace"),
            ("\n# first\n  A=1 B=2 go vet ./...\nnext", "go vet ./..."),
            ("x=$(gofmt -l .)\n", "gofmt"),
            ("npm run lint -- \"$@\"", "npm run lint --"),
            ("if true; then x; fi", ""),
            ("echo hello", ""),
            ("\"$X\" y", ""),
            ("x() { y; }", ""),
            ("for a in b; do", ""),
            ("a; b", ""),
            ("A=1", ""),
            ("", ""),
        ] {
            assert_eq!(first_words(script).join(" "), words, "{script}");
        }
    }

    fn programs(argv: &[&str]) -> Vec<(String, bool)> {
        let command = Command::Argv(argv.iter().map(|word| (*word).to_owned()).collect());
        needs(&command).into_iter().map(|need| (need.program, need.is_certain)).collect()
    }

    #[test]
    fn what_a_program_starts_is_needed_too() {
        let named = |name: &str| name.to_owned();
        assert_eq!(programs(&["cargo", "test"]), [(named("cargo"), true)]);
        assert_eq!(programs(&["cargo", "+nightly", "fmt"]), [(named("cargo"), true), (named("cargo-fmt"), true)]);
        assert_eq!(programs(&["cargo", "deny", "check"]), [(named("cargo"), true), (named("cargo-deny"), false)]);
        assert_eq!(programs(&["python3", "-m", "pytest"]).len(), 2);
        assert_eq!(programs(&["python3", "-m", "unittest"]).len(), 1);
        assert_eq!(programs(&[]), []);
    }
}
