//! For each code that a configuration's text can have: one that has it, and the same as it should be.

use super::code::Code;

/// A configuration with a fault, and without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// Has the fault, and no other.
    pub wrong: &'static str,
    /// Has none.
    pub right: &'static str,
}

const fn example(wrong: &'static str, right: &'static str) -> Example {
    Example { wrong, right }
}

impl Code {
    /// A wrong configuration and a right one. None for what is about files rather than about what is in them, and for
    /// limits that no page has room to pass.
    #[expect(clippy::too_many_lines, reason = "a table of two columns")]
    pub const fn example(self) -> Option<Example> {
        Some(match self {
            Self::NotFound
            | Self::Unreadable
            | Self::NotAFile
            | Self::TooLarge
            | Self::NotUtf8
            | Self::NotOwned
            | Self::ProjectFile
            | Self::TooDeep
            | Self::TooManyCells
            | Self::PluginFails => return None,
            Self::Syntax => example("[stages.test]\nrun = cargo test\n", "[stages.test]\nrun = \"cargo test\"\n"),
            Self::Duplicate => example(
                "[stages.test]\nrun = \"cargo test\"\nrun = \"cargo test --doc\"\n",
                "[stages.test]\nrun = \"cargo test\"\n\n[stages.doctest]\nrun = \"cargo test --doc\"\n",
            ),
            Self::UnknownKey => example(
                "[stages.test]\nrun = \"cargo test\"\ntime-out = \"5m\"\n",
                "[stages.test]\nrun = \"cargo test\"\ntimeout = \"5m\"\n",
            ),
            Self::WrongType => example(
                "[stages.test]\nrun = \"cargo test\"\nretries = \"1\"\n",
                "[stages.test]\nrun = \"cargo test\"\nretries = 1\n",
            ),
            Self::BadDuration => example(
                "[stages.test]\nrun = \"cargo test\"\ntimeout = \"30\"\n",
                "[stages.test]\nrun = \"cargo test\"\ntimeout = \"30s\"\n",
            ),
            Self::BadSize => example(
                "[stages.test]\nrun = \"cargo test\"\nlog-max = \"64M\"\n",
                "[stages.test]\nrun = \"cargo test\"\nlog-max = \"64MiB\"\n",
            ),
            Self::OutOfRange => example(
                "[stages.test]\nrun = \"cargo test\"\nthreads = 0\n",
                "[stages.test]\nrun = \"cargo test\"\nthreads = 2\n",
            ),
            Self::UnknownValue => example(
                "[stages.test]\nrun = \"cargo test\"\nleak = \"ignore\"\n",
                "[stages.test]\nrun = \"cargo test\"\nleak = \"allow\"\n",
            ),
            Self::BadStageName => example(
                "[stages.\"unit tests\"]\nrun = \"cargo test\"\n",
                "[stages.unit-tests]\nrun = \"cargo test\"\n",
            ),
            Self::NoAction => example(
                "[stages.test]\ndescription = \"unit tests\"\n",
                "[stages.test]\ndescription = \"unit tests\"\nrun = \"cargo test\"\n",
            ),
            Self::TwoActions => example(
                "[stages.check]\nrun = \"cargo check\"\nuses = \"hygiene\"\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
                "[stages.check]\nrun = \"cargo check\"\n\n[stages.hygiene]\nuses = \"hygiene\"\nneeds = [\"check\"]\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
            ),
            Self::EmptyCommand => example(
                "[stages.fmt]\nrun = \"cargo fmt --check\"\n\n[stages.all]\nrun = \"\"\nneeds = [\"fmt\"]\n",
                "[stages.fmt]\nrun = \"cargo fmt --check\"\n\n[stages.all]\nrun = \"true\"\nneeds = [\"fmt\"]\n",
            ),
            Self::UnknownNeed => example(
                "[stages.fmt]\nrun = \"cargo fmt --check\"\n\n[stages.test]\nrun = \"cargo test\"\nneeds = [\"format\"]\n",
                "[stages.fmt]\nrun = \"cargo fmt --check\"\n\n[stages.test]\nrun = \"cargo test\"\nneeds = [\"fmt\"]\n",
            ),
            Self::SelfNeed => example(
                "[stages.test]\nrun = \"cargo test\"\nneeds = [\"test\"]\n",
                "[stages.test]\nrun = \"cargo test\"\n",
            ),
            Self::Cycle => example(
                "[stages.build]\nrun = \"make\"\nneeds = [\"test\"]\n\n[stages.test]\nrun = \"make test\"\nneeds = [\"build\"]\n",
                "[stages.build]\nrun = \"make\"\n\n[stages.test]\nrun = \"make test\"\nneeds = [\"build\"]\n",
            ),
            Self::UnknownRemote => example(
                "[stages.test]\nrun = \"cargo test\"\non = \"build-box\"\n",
                "[stages.test]\nrun = \"cargo test\"\non = \"build-box\"\n\n[remotes.build-box]\nhost = \"ci@build.example.invalid\"\n",
            ),
            Self::UnknownPlugin => example(
                "[stages.check]\nuses = \"hygiene\"\n",
                "[stages.check]\nuses = \"hygiene\"\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
            ),
            Self::ProfileStage => example(
                "[stages.fmt]\nrun = \"cargo fmt --check\"\n\n[profiles.quick]\nstages = [\"format\"]\n",
                "[stages.fmt]\nrun = \"cargo fmt --check\"\n\n[profiles.quick]\nstages = [\"fmt\"]\n",
            ),
            Self::BadGlob => example(
                "[stages.test]\nrun = \"cargo test\"\ninputs = [\"src/[a-.rs\"]\n",
                "[stages.test]\nrun = \"cargo test\"\ninputs = [\"src/[a-z]*.rs\"]\n",
            ),
            Self::BadMatrix => example(
                "[stages.test]\nrun = \"cargo test\"\nmatrix = { rust = [] }\n",
                "[stages.test]\nrun = \"cargo test\"\nmatrix = { rust = [\"1.80\", \"stable\"] }\n",
            ),
            Self::UnknownAxis => example(
                "[stages.test]\nrun = \"cargo +${matrix.toolchain} test\"\nmatrix = { rust = [\"1.80\", \"stable\"] }\n",
                "[stages.test]\nrun = \"cargo +${matrix.rust} test\"\nmatrix = { rust = [\"1.80\", \"stable\"] }\n",
            ),
            Self::BadDirectory => example(
                "[stages.test]\nrun = \"cargo test\"\ndir = \"../core\"\n",
                "[stages.test]\nrun = \"cargo test\"\ndir = \"crates/core\"\n",
            ),
            Self::BadVariable => example(
                "[stages.test]\nrun = \"cargo test\"\nenv = { \"RUST_LOG=debug\" = \"\" }\n",
                "[stages.test]\nrun = \"cargo test\"\nenv = { RUST_LOG = \"debug\" }\n",
            ),
            Self::BadEnvFile => example(
                "[stages.test]\nrun = \"cargo test\"\nenv-file = \"not-everybody-has.env\"\n",
                "[stages.test]\nrun = \"cargo test\"\nenv-file = \"not-everybody-has.env?\"\n",
            ),
            Self::BadShell => example(
                "[stages.test]\nrun = \"cargo test\"\nshell = \"fish\"\n",
                "[stages.test]\nrun = \"cargo test\"\nshell = [\"fish\", \"-c\"]\n",
            ),
            Self::NameClash => example(
                "[stages.test]\nrun = \"cargo test\"\nmatrix = { kind = [\"unit\"] }\n\n[stages.\"test:unit\"]\nrun = \"cargo test --lib\"\n",
                "[stages.test]\nrun = \"cargo test\"\nmatrix = { kind = [\"unit\"] }\n\n[stages.test-lib]\nrun = \"cargo test --lib\"\n",
            ),
            Self::UnusedWith => example(
                "[stages.test]\nrun = \"cargo test\"\nwith = { verbose = true }\n",
                "[stages.test]\nrun = \"cargo test --verbose\"\n",
            ),
            Self::BadRemote => example(
                "[stages.test]\nrun = \"cargo test\"\non = \"build-box\"\n\n[remotes.build-box]\nuser = \"ci\"\n",
                "[stages.test]\nrun = \"cargo test\"\non = \"build-box\"\n\n[remotes.build-box]\nhost = \"build.example.invalid\"\nuser = \"ci\"\n",
            ),
            Self::BadPlugin => example(
                "[stages.check]\nuses = \"hygiene\"\n\n[plugins.hygiene]\nsource = \"plugins/hygiene\"\n",
                "[stages.check]\nuses = \"hygiene\"\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
            ),
            Self::UnknownKind => example(
                "[stages.check]\nuses = \"hygiene:hygeine\"\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
                "[stages.check]\nuses = \"hygiene:hygiene\"\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
            ),
            Self::BadSettings => example(
                "[stages.check]\nuses = \"hygiene\"\nwith = { max-file-kib = \"512\" }\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
                "[stages.check]\nuses = \"hygiene\"\nwith = { max-file-kib = 512 }\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
            ),
            Self::UnknownParser => example(
                "[stages.test]\nrun = \"cargo test\"\nannotate = [\"test-repot\"]\n\n[plugins.test-report]\nsource = \"path:plugins/test-report\"\n",
                "[stages.test]\nrun = \"cargo test\"\nannotate = [\"test-report\"]\n\n[plugins.test-report]\nsource = \"path:plugins/test-report\"\n",
            ),
            Self::NotForPlugins => example(
                "[stages.check]\nuses = \"hygiene\"\npty = true\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
                "[stages.check]\nuses = \"hygiene\"\n\n[plugins.hygiene]\nsource = \"path:plugins/hygiene\"\n",
            ),
            Self::BadMatcher => example(
                "[stages.lint]\nrun = \"./lint\"\nannotate = [\"lint\"]\n\n[matchers.lint]\npattern = '^(?<file>.+):(?<line>\\d+: (?<message>.+)$'\n",
                "[stages.lint]\nrun = \"./lint\"\nannotate = [\"lint\"]\n\n[matchers.lint]\npattern = '^(?<file>.+):(?<line>\\d+): (?<message>.+)$'\n",
            ),
            Self::BadExpansion => example(
                "[plugins.members]\nsource = \"path:plugins/members\"\n\n[[expand]]\nwith = { run = \"cargo test -p ${member}\" }\n",
                "[plugins.members]\nsource = \"path:plugins/members\"\n\n[[expand]]\nuses = \"members\"\nwith = { run = \"cargo test -p ${member}\" }\n",
            ),
            Self::UnknownHook => example(
                "[hooks]\nprepush = [\"test\"]\n\n[stages.test]\nrun = \"cargo test\"\n",
                "[hooks]\npre-push = [\"test\"]\n\n[stages.test]\nrun = \"cargo test\"\n",
            ),
            Self::HookStage => example(
                "[hooks]\npre-push = [\"tests\"]\n\n[stages.test]\nrun = \"cargo test\"\n",
                "[hooks]\npre-push = [\"test\"]\n\n[stages.test]\nrun = \"cargo test\"\n",
            ),
            Self::BadSecret => example(
                "[stages.publish]\nrun = \"npm publish\"\nsecrets = [\"NPM_TOKEN\"]\n\n[secrets]\nNPM_TOKEN = {}\n",
                "[stages.publish]\nrun = \"npm publish\"\nsecrets = [\"NPM_TOKEN\"]\n\n[secrets]\nNPM_TOKEN = { file = \"~/.config/npm-token\" }\n",
            ),
            Self::UnknownSecret => example(
                "[stages.publish]\nrun = \"npm publish\"\nsecrets = [\"NPM_TOKN\"]\n\n[secrets]\nNPM_TOKEN = true\n",
                "[stages.publish]\nrun = \"npm publish\"\nsecrets = [\"NPM_TOKEN\"]\n\n[secrets]\nNPM_TOKEN = true\n",
            ),
            Self::NulCharacter => {
                example("[stages.test]\nrun = \"printf 'a\\u0000b'\"\n", "[stages.test]\nrun = 'printf \"a\\000b\"'\n")
            }
        })
    }
}
