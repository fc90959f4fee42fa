//! The environment, read once: every variable we look at is a constant here, and nothing else asks the system.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// A stage's run: its [`crate::ids::RunId`]. Set for stages; a process that carries it belongs to that run.
pub const RUN_ID: &str = "LOCAL_CI_RUN_ID";
/// A stage's run by number. Set for stages.
pub const RUN: &str = "LOCAL_CI_RUN";
/// A stage's own name. Set for stages.
pub const STAGE: &str = "LOCAL_CI_STAGE";
/// Which attempt of the stage this is, from one. Set for stages.
pub const ATTEMPT: &str = "LOCAL_CI_ATTEMPT";
/// `1` for everything that we start. Set for stages.
pub const LOCAL_CI: &str = "LOCAL_CI";

/// Replaces the state directory.
pub const STATE_DIR: &str = "LOCAL_CI_STATE_DIR";
/// Replaces the cache directory.
pub const CACHE_DIR: &str = "LOCAL_CI_CACHE_DIR";
/// `-C`: the directory to work in.
pub const DIRECTORY: &str = "LOCAL_CI_DIRECTORY";
/// `--config`.
pub const CONFIG: &str = "LOCAL_CI_CONFIG";
/// `--verbose`.
pub const VERBOSE: &str = "LOCAL_CI_VERBOSE";
/// `--locked`.
pub const LOCKED: &str = "LOCAL_CI_LOCKED";
/// The config that ssh reads in place of the user's; an absolute path.
pub const SSH_CONFIG: &str = "LOCAL_CI_SSH_CONFIG";
/// `--profile`.
pub const PROFILE: &str = "LOCAL_CI_PROFILE";
/// `--tag`; several between commas.
pub const TAG: &str = "LOCAL_CI_TAG";
/// `--skip`; several between commas.
pub const SKIP: &str = "LOCAL_CI_SKIP";
/// `--only`.
pub const ONLY: &str = "LOCAL_CI_ONLY";
/// `--changed`: a base, or `1` for the usual one.
pub const CHANGED: &str = "LOCAL_CI_CHANGED";
/// `--fix`.
pub const FIX: &str = "LOCAL_CI_FIX";
/// `--jobs`.
pub const JOBS: &str = "LOCAL_CI_JOBS";
/// `--fail-fast`; a word for no is `--keep-going`.
pub const FAIL_FAST: &str = "LOCAL_CI_FAIL_FAST";
/// `--keep-going`; a word for no is `--fail-fast`.
pub const KEEP_GOING: &str = "LOCAL_CI_KEEP_GOING";
/// `--flaky`.
pub const FLAKY: &str = "LOCAL_CI_FLAKY";
/// `--timeout`.
pub const TIMEOUT: &str = "LOCAL_CI_TIMEOUT";
/// `--remote`.
pub const REMOTE: &str = "LOCAL_CI_REMOTE";
/// `--session`.
pub const SESSION: &str = "LOCAL_CI_SESSION";
/// `--remote-timeout`.
pub const REMOTE_TIMEOUT: &str = "LOCAL_CI_REMOTE_TIMEOUT";
/// `--remote-dir`.
pub const REMOTE_DIR: &str = "LOCAL_CI_REMOTE_DIR";
/// `--queue`.
pub const QUEUE: &str = "LOCAL_CI_QUEUE";
/// `--after`.
pub const AFTER: &str = "LOCAL_CI_AFTER";
/// `--after-any`.
pub const AFTER_ANY: &str = "LOCAL_CI_AFTER_ANY";
/// `--no-cache`.
pub const NO_CACHE: &str = "LOCAL_CI_NO_CACHE";
/// `--repeat`.
pub const REPEAT: &str = "LOCAL_CI_REPEAT";
/// `--quiet`.
pub const QUIET: &str = "LOCAL_CI_QUIET";
/// `--output`.
pub const OUTPUT: &str = "LOCAL_CI_OUTPUT";
/// `--ci`.
pub const CI_DIALECT: &str = "LOCAL_CI_CI";
/// `--json`.
pub const JSON: &str = "LOCAL_CI_JSON";
/// `--detach`.
pub const DETACH: &str = "LOCAL_CI_DETACH";
/// `--allow`.
pub const ALLOW: &str = "LOCAL_CI_ALLOW";
/// `--follow`.
pub const FOLLOW: &str = "LOCAL_CI_FOLLOW";
/// `--report`; several between commas.
pub const REPORT: &str = "LOCAL_CI_REPORT";
/// `--dry-run`.
pub const DRY_RUN: &str = "LOCAL_CI_DRY_RUN";
/// Set by what `completions` prints, to the shell that wants to know how a command line can go on.
pub const COMPLETE: &str = "LOCAL_CI_COMPLETE";
/// Set and neither empty, `0` nor `false`: nobody sits at the terminal.
pub const CI: &str = "CI";
/// `true` inside a GitHub Actions step.
pub const GITHUB_ACTIONS: &str = "GITHUB_ACTIONS";
/// The branch of the step, where git is on a detached HEAD.
pub const GITHUB_REF_NAME: &str = "GITHUB_REF_NAME";
/// The branch that a pull request goes to, in a step of GitHub Actions.
pub const GITHUB_BASE_REF: &str = "GITHUB_BASE_REF";
/// The branch that a merge request goes to, in a job of GitLab.
pub const CI_MERGE_REQUEST_TARGET_BRANCH_NAME: &str = "CI_MERGE_REQUEST_TARGET_BRANCH_NAME";
/// The branch that a pull request goes to, in a job of Buildkite.
pub const BUILDKITE_PULL_REQUEST_BASE_BRANCH: &str = "BUILDKITE_PULL_REQUEST_BASE_BRANCH";
/// The directory of the step's repository, which paths in annotations are relative to.
pub const GITHUB_WORKSPACE: &str = "GITHUB_WORKSPACE";
/// The file that a step of GitHub Actions writes its outputs to.
pub const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";
/// The file that a step of GitHub Actions writes its summary to, in Markdown.
pub const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// `True` inside a step of Azure Pipelines.
pub const TF_BUILD: &str = "TF_BUILD";
/// The directory of the sources in Azure Pipelines, which paths in issues are relative to.
pub const BUILD_SOURCESDIRECTORY: &str = "BUILD_SOURCESDIRECTORY";
/// Set inside a build of TeamCity, to the server's version.
pub const TEAMCITY_VERSION: &str = "TEAMCITY_VERSION";
/// Set inside a GitLab job, whose log shows colours.
pub const GITLAB_CI: &str = "GITLAB_CI";
/// Set inside a Buildkite job, whose log shows colours.
pub const BUILDKITE: &str = "BUILDKITE";
/// `always`, `never` or `auto`: goes before what other programs' variables say of colour.
pub const COLOR: &str = "LOCAL_CI_COLOR";
/// Set and neither empty, `0` nor `false`: lines in place of what moves on a terminal, sentences in place of signs.
pub const ACCESSIBLE: &str = "LOCAL_CI_ACCESSIBLE";
/// `1` or `0`: whether live mode links to logs (OSC 8), whatever is known of the terminal.
pub const HYPERLINKS: &str = "LOCAL_CI_HYPERLINKS";
/// `1` or `0`: whether live mode marks progress in the terminal's tab (OSC 9;4), whatever is known of the terminal.
pub const PROGRESS: &str = "LOCAL_CI_PROGRESS";
/// A file; once it is there, what shows a run panics. Only in builds for tests.
#[cfg(feature = "chaos")]
pub const TEST_PANIC: &str = "LOCAL_CI_TEST_PANIC";
/// Set and not empty: no colour.
pub const NO_COLOR: &str = "NO_COLOR";
/// Set and not empty: colour, but for `0` and `false`.
pub const FORCE_COLOR: &str = "FORCE_COLOR";
/// Set, not empty and not `0`: colour.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// `0`: no colour.
pub const CLICOLOR: &str = "CLICOLOR";
/// Whether cargo uses colour.
pub const CARGO_TERM_COLOR: &str = "CARGO_TERM_COLOR";
/// Where cargo finds a jobserver, before it looks at make's variable.
pub const CARGO_MAKEFLAGS: &str = "CARGO_MAKEFLAGS";
/// Options for make, and where it and others find a jobserver.
pub const MAKEFLAGS: &str = "MAKEFLAGS";
/// An older name of the same.
pub const MFLAGS: &str = "MFLAGS";
/// How many jobs cargo is to use; it does not look at this where there is a jobserver.
pub const CARGO_BUILD_JOBS: &str = "CARGO_BUILD_JOBS";
/// The kind of terminal; `dumb` has neither colour nor cursor.
pub const TERM: &str = "TERM";
/// The program that the terminal is, where it says so.
pub const TERM_PROGRAM: &str = "TERM_PROGRAM";
/// Its version.
pub const TERM_PROGRAM_VERSION: &str = "TERM_PROGRAM_VERSION";
/// Set in terminals made with VTE: its version, such as 7600 for 0.76.
pub const VTE_VERSION: &str = "VTE_VERSION";
/// Set in Konsole.
pub const KONSOLE_VERSION: &str = "KONSOLE_VERSION";
/// Set in Windows Terminal.
pub const WT_SESSION: &str = "WT_SESSION";
/// `ON` in `ConEmu`, where it obeys sequences.
pub const CON_EMU_ANSI: &str = "ConEmuANSI";
/// Set inside tmux.
pub const TMUX: &str = "TMUX";
/// Set inside screen.
pub const STY: &str = "STY";
/// Names the character set, before [`LC_CTYPE`] and [`LANG`]: without UTF-8, our own lines are ASCII.
pub const LC_ALL: &str = "LC_ALL";
/// Names the character set, before [`LANG`].
pub const LC_CTYPE: &str = "LC_CTYPE";
/// Names the locale, and with it the character set.
pub const LANG: &str = "LANG";
/// Who the user is.
pub const USER: &str = "USER";
/// The same, as login(1) sets it.
pub const LOGNAME: &str = "LOGNAME";
/// The user's home directory.
pub const HOME: &str = "HOME";
/// The user's shell.
pub const SHELL: &str = "SHELL";
/// Where programs are looked for.
pub const PATH: &str = "PATH";
/// Where the agent listens that has the user's keys.
pub const SSH_AUTH_SOCK: &str = "SSH_AUTH_SOCK";
/// See the XDG base directory specification.
pub const XDG_STATE_HOME: &str = "XDG_STATE_HOME";
/// See the XDG base directory specification.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// See the XDG base directory specification.
pub const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";
/// See the XDG base directory specification.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// Where temporary files go.
pub const TMPDIR: &str = "TMPDIR";

/// Variables that a stage does not inherit: they change what a shell does before the stage's first line.
pub const DENIED: &[&str] = &["BASH_ENV", "ENV", "CDPATH", "PROMPT_COMMAND"];

/// Variables that tie git to one repository. A hook has them set; a stage that calls git elsewhere must not.
pub const GIT_REPOSITORY: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// For a stage of a git hook: the hook's name.
pub const HOOK: &str = "LOCAL_CI_HOOK";
/// The words that git gave the hook, as a shell reads them.
pub const HOOK_ARGS: &str = "LOCAL_CI_HOOK_ARGS";
/// For a stage of a hook about a commit's message: the file that it is in, absolute.
pub const COMMIT_MESSAGE: &str = "LOCAL_CI_COMMIT_MESSAGE";
/// For a stage of `pre-push`: the remote's name, or its address where it has none.
pub const PUSH_REMOTE: &str = "LOCAL_CI_PUSH_REMOTE";
/// Its address, without who logs in there.
pub const PUSH_URL: &str = "LOCAL_CI_PUSH_URL";
/// A file with what git says is pushed: a line for each reference, as in githooks(5).
pub const PUSH_REFS: &str = "LOCAL_CI_PUSH_REFS";
/// The commit that is tested.
pub const PUSH_COMMIT: &str = "LOCAL_CI_PUSH_COMMIT";
/// The first reference there that it is pushed to.
pub const PUSH_REF: &str = "LOCAL_CI_PUSH_REF";
/// What that reference is now; not set where it is new.
pub const PUSH_BASE: &str = "LOCAL_CI_PUSH_BASE";

/// The process's environment as it was at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env(BTreeMap<OsString, OsString>);

impl Env {
    /// Reads the process's environment. Called once, by `main`.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn capture() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// An environment of these variables alone, for tests.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }

    /// A variable's value, as the system has it.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// A variable's value, where it is set, not empty, and text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(OsStr::to_str).filter(|v| !v.is_empty())
    }

    /// A variable as an absolute path; the XDG specification has relative ones ignored.
    pub fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|p| p.is_absolute())
    }

    /// Whether a variable is set and says neither nothing, `0` nor `false`.
    pub fn truthy(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| !v.is_empty() && v != "0" && !v.eq_ignore_ascii_case("false"))
    }

    /// Whether the environment says that nobody sits here.
    pub fn is_ci(&self) -> bool {
        self.truthy(CI)
    }

    /// All variables, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(k, v)| (k.as_os_str(), v.as_os_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ci_is_read_leniently() {
        for (value, is_ci) in
            [("", false), ("0", false), ("false", false), ("False", false), ("1", true), ("true", true)]
        {
            assert_eq!(Env::from_pairs([(CI, value)]).is_ci(), is_ci, "CI={value:?}");
        }
        assert!(!Env::default().is_ci());
    }

    /// H78: relative XDG values are as good as none.
    #[test]
    fn h78_relative_directories_are_ignored() {
        let env = Env::from_pairs([(XDG_STATE_HOME, "state"), (XDG_CACHE_HOME, "/c")]);
        assert_eq!(env.absolute(XDG_STATE_HOME), None);
        assert_eq!(env.absolute(XDG_CACHE_HOME), Some("/c".into()));
    }
}
