//! The stable codes of configuration faults, each with a title and the long form that `explain` prints.
//!
//! A code that has been released keeps its meaning for ever; a new kind of fault takes a new code.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $title:literal, $explanation:literal;)*) => {
        /// What kind of fault something is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as it is written: `LC0301`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What it means, in one line.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What it means, why it is a fault, and what to do.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => $explanation,)* }
            }
        }
    };
}

codes! {
    NotFound = "LC0101", "no configuration was found",
        "local-ci looks for `local-ci.toml`, `.local-ci.toml` and `.config/local-ci.toml`, first in the directory it is \
         started in, then in each one above it. It stops at the repository's root (the directory with `.git`), below \
         your home directory, at another file system, and at a directory that belongs to another user.\n\n\
         Without a configuration the project's own files say what to run: `Cargo.toml`, `package.json`, `go.mod` and \
         others. None was found either, or none that gives a stage.\n\n\
         Start it inside the project, name a file with `--config FILE`, or write a first one with `local-ci init`.";
    Unreadable = "LC0102", "a file cannot be read",
        "The file is there, but the system does not let local-ci read it: its permissions forbid it, it is a symbolic \
         link that leads nowhere or in a circle, or the disk failed.";
    NotAFile = "LC0103", "not a regular file",
        "A configuration has to be a regular file, or a symbolic link to one. Directories, pipes, sockets and devices \
         are refused before anything is read from them, because reading them could wait for ever.";
    TooLarge = "LC0104", "a file is too large",
        "No configuration written by a person comes near the limit, so a file above it is a mistake, and it is \
         refused before it is read.";
    NotUtf8 = "LC0105", "a file is not UTF-8",
        "TOML is always UTF-8. The message names the first byte that is not; save the file as UTF-8. A byte order mark \
         and Windows line ends do no harm.";
    NotOwned = "LC0106", "a file belongs to another user",
        "The configuration was found in a directory that others can write to, and it belongs to one of them. To run \
         it would be to run that user's commands as you. If that is what you want, name it with `--config FILE`.";
    ProjectFile = "LC0107", "a project's file cannot be understood",
        "Without a local-ci.toml the project's own files say what to run, and this one, such as package.json or \
         pyproject.toml, is not what its name promises at the place shown. Its own tools would refuse it, too. Mend it, \
         or say what to run in a local-ci.toml.";
    Syntax = "LC0201", "this is not TOML",
        "The file breaks TOML's grammar at the place shown. The usual reasons are a string without quotes, a bracket \
         or quote that is not closed, or two settings on one line. While the grammar is broken, only faults that \
         cannot come from that are shown beside it.";
    Duplicate = "LC0202", "defined twice",
        "A key can be given once in its table, and a table can be opened once in a file. Both places are shown. Keep \
         one of them; to change a setting for yourself only, put it into `local-ci.local.toml`.";
    TooDeep = "LC0203", "nested too deeply",
        "Arrays, tables and dotted keys can be nested 80 deep. Nothing in a pipeline needs more than a few.";
    UnknownKey = "LC0301", "an unknown key",
        "The table has no key of this name. It is an error and not a warning, because a setting that is misspelt and \
         ignored is worse than none. If the key is spelt right, it may belong to a newer version of local-ci.";
    WrongType = "LC0302", "a value of the wrong type",
        "The key expects another type of value, such as a string where a number is given. The help line shows one \
         that is right.";
    BadDuration = "LC0303", "not a duration",
        "A duration is a text of numbers with units, the largest first: \"500ms\", \"30s\", \"20m\", \"1h30m\", \"7d\". \
         A number without a unit is refused, since nobody can tell seconds from minutes. `timeout` also takes \
         \"none\".";
    BadSize = "LC0304", "not a size",
        "A size is a whole number of bytes, or a text with a unit: \"512KiB\", \"64MiB\", \"1GiB\" count in 1024, \
         \"64MB\" counts in 1000.";
    OutOfRange = "LC0305", "a number out of range",
        "The number is negative, zero where that has no meaning, or larger than can be used.";
    UnknownValue = "LC0306", "an unknown value",
        "The key takes one of a few words, and this is none of them. The message lists them.";
    BadStageName = "LC0401", "not a stage name",
        "A stage name begins with a letter, a digit or `_`, and goes on with these or `.`, `:`, `+`, `-`, at most 100 \
         bytes in all. So it is safe as a file name, in a terminal and in a shell. A matrix cell's name is the \
         stage's with the values of its axes behind it, so these have to fit too.";
    NoAction = "LC0402", "a stage without anything to do",
        "A stage says what it does with `run` (a command) or with `uses` (a plugin's stage kind).";
    TwoActions = "LC0403", "a stage with both `run` and `uses`",
        "A stage is either a command or a plugin's stage kind. Make it two stages, one of which `needs` the other.";
    EmptyCommand = "LC0404", "an empty command",
        "The command has no words. To have a stage that only gathers others, give it `needs` and `run = \"true\"`.";
    UnknownNeed = "LC0405", "a need that is not a stage",
        "`needs` lists stages by name. The name of a stage with a matrix means all its cells; one cell can be named \
         as `test:1.80:linux`. Globs are not accepted here, so that a typo is always found.";
    SelfNeed = "LC0406", "a stage that needs itself",
        "No stage can come before itself. In a matrix, a cell cannot need cells of its own stage.";
    Cycle = "LC0407", "stages that need each other",
        "Each stage of the ring waits for the next, so none could ever start. The shortest ring is shown; take one of \
         its needs away.";
    UnknownRemote = "LC0408", "an unknown remote",
        "`on` names an entry of `[remotes]`.";
    UnknownPlugin = "LC0409", "an unknown plugin",
        "`uses` and `[reporters]` name entries of `[plugins]`.";
    ProfileStage = "LC0410", "a profile with an unknown stage",
        "The names in a profile's `stages` and `skip` are those of stages, or globs that match some.";
    BadGlob = "LC0411", "not a glob",
        "A glob has `*` for anything but `/`, `**` for anything, `?` for one character, `[a-z]` for a range, and \
         `{a,b}` for alternatives. Those of `outputs` and `sync.include` are of files below the project's directory: what \
         lies elsewhere is not brought from one machine to another.";
    BadMatrix = "LC0412", "not a matrix",
        "A matrix is a table of axes, each a list of values: `matrix = { rust = [\"1.80\", \"stable\"] }`. `exclude` \
         takes combinations out; `include` adds variables to the combinations it matches, or a new combination that \
         gives a value for every axis.";
    TooManyCells = "LC0413", "a pipeline that grows too large",
        "All matrices of a pipeline together may have 10,000 cells, and `needs` between cells may come to 1,000,000. \
         They are counted before anything is built.";
    UnknownAxis = "LC0414", "an unknown matrix variable",
        "`${matrix.NAME}` stands for a value of the stage's own matrix. To have these characters themselves, write \
         `$${matrix.NAME}`.";
    BadDirectory = "LC0415", "a directory outside the project",
        "`dir` is relative to the project's directory and stays inside it, so that the stage finds the same place \
         wherever it runs. `~` and variables are not expanded.";
    BadVariable = "LC0416", "not an environment variable",
        "A variable's name is not empty and has neither `=` nor a NUL character in it.";
    BadEnvFile = "LC0417", "an environment file that cannot be used",
        "An environment file has lines of `NAME=value`; `export ` before them, comments with `#`, and single or double \
         quotes are understood. Its path is relative to the project. A missing file is a fault unless the path ends \
         in `?`.";
    BadShell = "LC0418", "an unknown shell",
        "`shell` is the name of a shell that takes `-e -c SCRIPT` (sh, bash, dash, zsh, ksh, mksh, ash, yash), or the \
         whole command as an array, to which the script is appended: `shell = [\"fish\", \"-c\"]`.";
    NameClash = "LC0419", "two stages of one name",
        "A matrix cell has the name of another stage or cell. Rename one of them.";
    UnusedWith = "LC0420", "`with` without `uses`",
        "`with` holds the settings of a plugin's stage kind; a command has none.";
    NulCharacter = "LC0421", "a NUL character",
        "Programs, arguments, variables and paths end at a NUL character, so none of them can hold one.";
    BadRemote = "LC0422", "a remote that cannot be used",
        "`host` says whom to connect to, as `[user@]host[:port]`: a name, an address, or an alias in your ssh config; an IPv6 \
         address stands in brackets. Whatever ssh would take for an option, or a shell for a command, is refused. \
         `session` is the name of a tmux session, without `.` and `:`. `dir` is an absolute path there, or one that \
         begins with `~/`. A remote's name has letters, digits, `.`, `_`, `+` and `-`; `local` is this machine.";
    BadPlugin = "LC0423", "a plugin that is not described as it should be",
        "An entry of `[plugins]` says where the plugin comes from: `source = \"path:DIR\"` for one that is a part of the \
         project, `path:FILE.wasm` for a file in it, `https://…` for one that `local-ci plugin add` fetches. `grants` names \
         what it may do, `limits` what it may use up, `config` are its settings. Its name has letters, digits, `.`, `_` \
         and `-`.";
    PluginFails = "LC0424", "a plugin that cannot be used",
        "The plugin is not what was locked, is not built, needs more than it is granted, or failed when it was asked what \
         it can do. The message is its host's, and the help line says what to type. It is told once, at the plugin's own \
         table, and only where something uses the plugin.";
    UnknownKind = "LC0425", "something that a plugin does not have",
        "`uses = \"NAME\"` means the only stage kind of a plugin, or the one that is called like it; with several it is \
         `NAME:KIND`. It is the same with the parsers of `annotate` and the expanders of `[[expand]]`. `[reporters]` \
         names plugins that take events. `local-ci plugin list` says what each has.";
    BadSettings = "LC0426", "settings that a plugin does not take",
        "A plugin says what settings it has, as a JSON schema: those of `with` for each of its kinds, and those of its \
         `config`. These do not fit. `local-ci plugin inspect` shows what there is. Dates and infinite numbers are in no settings: \
         plugins get JSON, which has none.";
    UnknownParser = "LC0427", "an unknown matcher or parser",
        "`annotate` names who reads what a stage prints: an entry of `[matchers]`; an entry of `[plugins]`, as `NAME`, or as \
         `NAME:PARSER` for one that has several parsers; or a matcher that is built in. They are looked for in this order.";
    NotForPlugins = "LC0428", "a key that means nothing to a plugin",
        "`interactive`, `pty` and `shell` are about the process of a command. A stage with `uses` has none. Where such a \
         stage has a command as its `fix`, `shell` is for that.";
    BadExpansion = "LC0429", "stages that cannot be made",
        "An `[[expand]]` says with `uses` which plugin makes its stages, up to 1,000 of them. They are checked as if they \
         stood in the file; what is wrong with one is told with its name, where it is asked for.";
    BadMatcher = "LC0430", "a matcher that cannot be used",
        "An entry of `[matchers]` has a `pattern`, `patterns` for several lines, or a `file` of matchers in the shape of \
         GitHub Actions or VS Code. Expressions are those of the crate `regex`: no lookaround, no backreferences. Their named \
         groups say what is what, and one is the `message`.";
    UnknownHook = "LC0440", "an unknown git hook",
        "`[hooks]` and `when.hook` name hooks of git: pre-push, pre-commit, commit-msg and the others of githooks(5) that \
         your own work calls.";
    HookStage = "LC0441", "a hook with an unknown stage or profile",
        "The names in a hook's `stages` are those of stages, or globs that match some; its `profile` is one of \
         `[profiles]`. A hook that names nothing would pass for nothing: without a line of its own, it runs the stages that \
         run when none is named.";
    BadSecret = "LC0442", "a secret that is not described as it should be",
        "An entry of `[secrets]` says in one way where the secret comes from: `{ env = \"NAME\" }` for an environment variable, \
         `{ file = \"PATH\" }` for a file that nobody else can read, `{ command = [\"pass\", \"show\", \"x\"] }` for what a \
         program prints; `true` is the variable of its own name. Stages get it as a variable of that name, so a name has \
         letters, digits and `_`, and begins with no digit.";
    UnknownSecret = "LC0443", "an unknown secret",
        "`secrets` of a stage names entries of `[secrets]`.";
}

impl Code {
    /// The code that is written like this, in any case.
    pub fn find(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.id().eq_ignore_ascii_case(id))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_in_order_and_found_by_their_text() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].id() < pair[1].id()));
        for code in Code::ALL {
            assert_eq!(Code::find(&code.id().to_lowercase()), Some(*code));
            assert!(code.explanation().ends_with('.') && !code.title().ends_with('.'), "{code}");
        }
        assert_eq!(Code::find("LC9999"), None);
    }
}
