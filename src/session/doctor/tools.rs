//! Tools that are known: how they are asked for their version, and how one comes by them.

/// What is known of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tool {
    name: &'static str,
    /// The argument that has it say its version and do nothing else; none where it would do more than that, or take
    /// long.
    pub(super) version: Option<&'static str>,
    /// How to get it.
    pub(super) cure: &'static str,
}

const fn tool(name: &'static str, version: &'static str, cure: &'static str) -> Tool {
    Tool { name, version: Some(version), cure }
}

const fn unasked(name: &'static str, cure: &'static str) -> Tool {
    Tool { name, version: None, cure }
}

const RUST: &str = "install Rust, for example with rustup";
const NODE: &str = "install Node.js, which brings npm";
const GO: &str = "install Go";
const PYTHON: &str = "install Python 3";

const TOOLS: [Tool; 26] = [
    tool("cargo", "--version", RUST),
    tool("rustc", "--version", RUST),
    tool("cargo-fmt", "--version", "rustup component add rustfmt"),
    tool("rustfmt", "--version", "rustup component add rustfmt"),
    tool("cargo-clippy", "--version", "rustup component add clippy"),
    tool("node", "--version", NODE),
    tool("npm", "--version", NODE),
    // Where corepack stands in for them, they may want to download themselves first.
    unasked("pnpm", "corepack enable pnpm, or npm install --global pnpm"),
    unasked("yarn", "corepack enable yarn, or npm install --global yarn"),
    tool("bun", "--version", "install Bun"),
    tool("deno", "--version", "install Deno"),
    tool("go", "version", GO),
    unasked("gofmt", GO),
    tool("python3", "--version", PYTHON),
    tool("python", "--version", PYTHON),
    tool("uv", "--version", "install uv, for example with pipx install uv"),
    unasked("poetry", "pipx install poetry"),
    tool("ruff", "--version", "pipx install ruff, or uv tool install ruff"),
    // These start a virtual machine, or leave files behind.
    unasked("mvn", "install Maven"),
    unasked("gradle", "install Gradle, or add its wrapper to the project"),
    tool("make", "--version", "install make"),
    tool("just", "--version", "cargo install --locked just"),
    tool("git", "--version", "install git"),
    unasked("sh", "install a shell"),
    unasked("bash", "install bash"),
    unasked("docker", "install Docker"),
];

impl Tool {
    /// The tool of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }
}

/// Commands that cargo has itself, or that come with it.
const CARGO_COMMANDS: &str = " add b bench build c check clean config d doc fetch fix generate-lockfile help info init \
                              install locate-project login logout metadata new owner package pkgid publish r \
                              read-manifest remove report rm run rustc rustdoc search t test tree uninstall update vendor \
                              verify-project version yank ";

/// The program that cargo hands this command on to; none where it does it itself.
pub(super) fn cargo_program(command: &str) -> Option<String> {
    let is_own = CARGO_COMMANDS.contains(&format!(" {command} "));
    let is_name = !command.is_empty() && command.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    (is_name && !command.starts_with('-') && !is_own).then(|| format!("cargo-{command}"))
}

/// Modules of Python that say their version without doing anything else.
pub(super) const PYTHON_MODULES: [&str; 3] = ["pytest", "mypy", "ruff"];

/// Words at the beginning of a script that are the shell's own, or are everywhere.
pub(super) const SHELL_WORDS: &str = " . : [ [[ { ( ! alias break case cd command continue do echo eval exec exit export \
                                      false for function getopts hash if local printf pwd read readonly return set \
                                      shift source test time times trap true type ulimit umask unalias unset until wait \
                                      while ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_stands_once() {
        for (at, tool) in TOOLS.iter().enumerate() {
            assert!(TOOLS[at + 1..].iter().all(|other| other.name != tool.name), "{}", tool.name);
        }
    }

    #[test]
    fn cargo_hands_on_what_it_has_not_itself() {
        assert_eq!(cargo_program("fmt").as_deref(), Some("cargo-fmt"));
        assert_eq!(cargo_program("nextest").as_deref(), Some("cargo-nextest"));
        for own in ["test", "t", "build", "", "--version", "a b", "+nightly"] {
            assert_eq!(cargo_program(own), None, "{own:?}");
        }
    }
}
