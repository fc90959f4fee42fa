//! A configuration as it is written: every table and key, typed, nothing checked across keys.
//!
//! Names are those of the file in kebab-case. What later versions will act on is kept as it stands. The comments on keys
//! are what an editor shows of them: `local-ci schema` prints these types as a JSON schema.

use std::collections::HashSet;
use std::num::{NonZeroU16, NonZeroU32};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use toml::Spanned;

use super::value::duration::{Limit, Span};
use super::value::elsewhere::Syncing;
use super::value::hooks::Hooks;
use super::value::origin::Origin;
use super::value::reporter::Reporter;
use super::value::scalar::{Pairs, Scalar};
use super::value::size::Size;
use super::value::words::{self, Matrix, TextOrTexts, Variables, Words};
use super::value::written::Settings;
use crate::event::Severity;
use crate::ids::STAGE_NAME_MAX;
use crate::pipeline::remote::DEFAULT_SESSION;
use crate::pipeline::secret::DEFAULT_MASK;
use crate::pipeline::{Annotations, Flaky, Jobserver, Leak};

/// The whole of `local-ci.toml`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    /// What holds for the run as a whole.
    pub(super) run: Run,
    /// What holds for every stage that does not say otherwise.
    pub(super) defaults: Defaults,
    /// Environment variables of all stages.
    pub(super) env: Pairs<Scalar>,
    /// The stages, by name.
    #[schemars(schema_with = "stages")]
    pub(super) stages: Pairs<Stage>,
    /// Named selections, for `--profile NAME`.
    pub(super) profiles: Pairs<Profile>,
    /// Places for `on`, by name.
    pub(super) remotes: Pairs<Remote>,
    /// Plugins for `uses`, by name.
    pub(super) plugins: Pairs<Plugin>,
    /// Plugins that are told of a run's events, by name: `true`, or a table.
    #[schemars(with = "Pairs<Reporter>")]
    pub(super) reporters: Pairs<Spanned<Reporter>>,
    /// Problem matchers for `annotate`, by name.
    pub(super) matchers: Pairs<Matcher>,
    /// Stages that plugins make.
    #[schemars(with = "Vec<Expand>")]
    pub(super) expand: Vec<Spanned<Expand>>,
    /// What git hooks run, by the hook's name: an array of stages, or a table.
    pub(super) hooks: Hooks,
    /// Where secrets come from, by the names under which stages get them: `true` for the environment variable of that name, or
    /// a table.
    #[schemars(with = "Pairs<Origin>")]
    pub(super) secrets: Pairs<Spanned<Origin>>,
    // Read so that they may stand in a file; a later version acts on them.
    /// Remotes, plugins, secrets and matchers that were taken out because they could not be read, and those of which something
    /// was that may have been the host or the source: who names one is not blamed, and what is missing is no fault.
    #[serde(skip)]
    pub(super) excused: HashSet<String>,
    /// The plugins of whose tables something was taken out because it could not be read: nobody is asked for them.
    #[serde(skip)]
    pub(super) dented: HashSet<String>,
    /// Whether something was taken out of an `[[expand]]`.
    #[serde(skip)]
    pub(super) expand_spoilt: bool,
}

/// `[stages]`: tables with the names of stages, which are [`crate::ids::StageName`]s.
fn stages(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.:+-]*$", "maxLength": STAGE_NAME_MAX },
        "additionalProperties": generator.subschema_for::<Stage>(),
    })
}

/// `[run]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Run {
    /// How many stages run at a time; one with `threads` counts as so many. Without it, as many as there are cores.
    pub(super) jobs: Option<NonZeroU32>,
    /// Whether the first failure cancels the rest.
    #[schemars(extend("default" = false))]
    pub(super) fail_fast: Option<bool>,
    /// What a stage is worth that passed only at another attempt.
    #[schemars(extend("default" = "pass"))]
    pub(super) flaky: Option<FlakyPolicy>,
    /// How a run is shown.
    #[schemars(extend("default" = "auto"))]
    pub(super) output: Option<OutputMode>,
    /// How long the whole run may take, or "none".
    #[schemars(extend("default" = "none"))]
    pub(super) timeout: Option<Limit>,
    /// Whether the CI around acts on commands that stages print (`::error` and the like), or is kept from it.
    #[schemars(extend("default" = "fenced"))]
    pub(super) annotations: Option<Annotations>,
    /// Globs of variables' names: their values are masked in what stages print. An empty list masks none but `[secrets]`.
    #[schemars(with = "Option<Vec<String>>", extend("default" = DEFAULT_MASK))]
    pub(super) mask: Option<Vec<Spanned<String>>>,
}

/// What a stage is worth that passed only at another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FlakyPolicy {
    Pass,
    Fail,
}

impl From<FlakyPolicy> for Flaky {
    fn from(policy: FlakyPolicy) -> Self {
        match policy {
            FlakyPolicy::Pass => Self::Pass,
            FlakyPolicy::Fail => Self::Fail,
        }
    }
}

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OutputMode {
    Auto,
    Live,
    Grouped,
    Lines,
    Quiet,
    Json,
}

impl OutputMode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Live => "live",
            Self::Grouped => "grouped",
            Self::Lines => "lines",
            Self::Quiet => "quiet",
            Self::Json => "json",
        }
    }
}

/// `[defaults]`: what holds for every stage that does not say otherwise.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Defaults {
    #[schemars(with = "Vec<String>")]
    pub(super) inputs: Option<Vec<Spanned<String>>>,
    pub(super) env: Pairs<Scalar>,
    pub(super) env_file: Option<Words>,
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) secrets: Option<Vec<Spanned<String>>>,
    #[schemars(with = "Option<String>")]
    pub(super) dir: Option<Spanned<String>>,
    #[schemars(schema_with = "words::shell")]
    pub(super) shell: Option<Spanned<TextOrTexts>>,
    pub(super) timeout: Option<Limit>,
    pub(super) grace: Option<Span>,
    pub(super) retries: Option<u32>,
    pub(super) retry_delay: Option<Span>,
    pub(super) allow_failure: Option<bool>,
    pub(super) when: Option<When>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) threads: Option<NonZeroU32>,
    pub(super) locks: Option<Vec<String>>,
    pub(super) pty: Option<bool>,
    #[schemars(with = "Option<String>")]
    pub(super) on: Option<Spanned<String>>,
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) annotate: Option<Vec<Spanned<String>>>,
    pub(super) log_max: Option<Size>,
    pub(super) leak: Option<Leak>,
    pub(super) jobserver: Option<Jobserver>,
}

/// `[stages.NAME]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Stage {
    /// What the stage is for, in a line.
    #[schemars(with = "Option<String>")]
    pub(super) description: Option<Spanned<String>>,
    /// What the stage does. A string is a script for the stage's shell; an array is a program and its arguments, without a
    /// shell.
    #[schemars(schema_with = "words::command")]
    pub(super) run: Option<Spanned<TextOrTexts>>,
    /// A plugin's stage kind, instead of `run`: an entry of `[plugins]`, or one and its kind as `NAME:KIND`.
    #[schemars(with = "Option<String>")]
    pub(super) uses: Option<Spanned<String>>,
    /// The settings of what the stage `uses`. What there is, its plugin says.
    #[schemars(with = "Option<Settings>")]
    pub(super) with: Option<Spanned<Settings>>,
    /// What `--fix` runs instead of `run`, written like it.
    #[schemars(schema_with = "words::command")]
    pub(super) fix: Option<Spanned<TextOrTexts>>,
    /// Stages that come first. The name of a stage with a matrix means all its cells.
    #[schemars(with = "Vec<String>")]
    pub(super) needs: Vec<Spanned<String>>,
    /// Globs of the files that the stage reads. A `!` in front takes matches out again.
    #[schemars(with = "Vec<String>")]
    pub(super) inputs: Option<Vec<Spanned<String>>>,
    /// Globs of the files that the stage writes.
    #[schemars(with = "Vec<String>")]
    pub(super) outputs: Vec<Spanned<String>>,
    /// Environment variables of the stage.
    #[schemars(with = "Pairs<Scalar>")]
    pub(super) env: Pairs<Spanned<Scalar>>,
    /// Files of `NAME=value` lines, relative to the project. A path that ends in `?` may be missing.
    pub(super) env_file: Option<Words>,
    /// Secrets that the stage is given as variables: names in `[secrets]`.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) secrets: Option<Vec<Spanned<String>>>,
    /// The directory that the stage runs in: relative to the project's, and inside it.
    #[schemars(with = "Option<String>")]
    pub(super) dir: Option<Spanned<String>>,
    /// What takes a script: the name of a shell that knows `-e -c SCRIPT`, or a whole command to which the script is
    /// appended.
    #[schemars(schema_with = "words::shell", extend("default" = ["sh", "-e", "-c"]))]
    pub(super) shell: Option<Spanned<TextOrTexts>>,
    /// How long one attempt may take, or "none".
    #[schemars(extend("default" = "none"))]
    pub(super) timeout: Option<Limit>,
    /// From asking the stage to end to killing it. Where `CI` is on, at most five seconds.
    #[schemars(extend("default" = "10s"))]
    pub(super) grace: Option<Span>,
    /// Further attempts after one that did not pass.
    #[schemars(extend("default" = 0))]
    pub(super) retries: Option<u32>,
    /// How long to wait between attempts.
    #[schemars(extend("default" = "0s"))]
    pub(super) retry_delay: Option<Span>,
    /// Whether a failure of the stage leaves the run's verdict alone.
    #[schemars(extend("default" = false))]
    pub(super) allow_failure: Option<bool>,
    /// What has to hold for the stage to run; else it is skipped, which is no failure.
    pub(super) when: Option<When>,
    /// Runs the stage once for each combination of the values of its axes.
    #[schemars(with = "Option<Matrix>")]
    pub(super) matrix: Option<Spanned<Matrix>>,
    /// Words that the stage can be selected by, with `--tag`.
    pub(super) tags: Option<Vec<String>>,
    /// How many slots the stage takes.
    #[schemars(extend("default" = 1))]
    pub(super) threads: Option<NonZeroU32>,
    /// Names of locks. Two stages that have one in common never run at the same time.
    pub(super) locks: Option<Vec<String>>,
    /// Whether the stage talks with whoever started the run: it gets their terminal, keys and all, for as long as it runs.
    /// Such stages run one at a time.
    #[schemars(with = "Option<bool>", extend("default" = false))]
    pub(super) interactive: Option<Spanned<bool>>,
    /// Whether the stage's output is a terminal.
    #[schemars(with = "Option<bool>", extend("default" = false))]
    pub(super) pty: Option<Spanned<bool>>,
    /// Where the stage runs: an entry of `[remotes]`, of this file or of your own config. Without it, here.
    #[schemars(with = "Option<String>")]
    pub(super) on: Option<Spanned<String>>,
    /// Who reads the stage's output and finds annotations in it: entries of `[matchers]`, entries of `[plugins]`, or one and
    /// its parser as `NAME:PARSER`, and matchers that are built in, such as `rustc`.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) annotate: Option<Vec<Spanned<String>>>,
    /// Whether the stage runs when none is named.
    #[schemars(extend("default" = true))]
    pub(super) default: Option<bool>,
    /// How much of the stage's output is kept: so much of its beginning and, of what is longer, so much of its end.
    #[schemars(extend("default" = "1GiB"))]
    pub(super) log_max: Option<Size>,
    /// What happens to processes that are still there when the stage has ended: `kill` ends them and says so, `fail` also
    /// fails the stage, `warn` leaves them and says so, `allow` leaves them on purpose.
    #[schemars(extend("default" = "kill"))]
    pub(super) leak: Option<Leak>,
    /// How the stage's programs learn of slots that nobody uses: `auto` tells cargo, `make` tells make too, `off` none.
    #[schemars(extend("default" = "auto"))]
    pub(super) jobserver: Option<Jobserver>,
    /// Whether some of it was taken out because it could not be read, so that what is missing is no fault.
    #[serde(skip)]
    pub(super) spoilt: bool,
}

/// `when`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct When {
    /// Operating systems: it runs on one of these.
    #[schemars(schema_with = "words::systems")]
    pub(super) os: Option<Words>,
    /// Variables that have these values; or, as an array, variables that are set.
    pub(super) env: Option<Variables>,
    /// Whether `CI` has to be on, or has to be off.
    pub(super) ci: Option<bool>,
    /// Globs: one of them matches the branch that is checked out. `GITHUB_REF_NAME` is taken where none is.
    pub(super) branch: Option<Words>,
    /// Globs: one of them matches a file that has changed, see `--changed`. Where nobody can tell what has, it holds.
    pub(super) changed: Option<Words>,
    /// Git hooks: it runs for one of these.
    pub(super) hook: Option<Words>,
}

/// `[profiles.NAME]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Profile {
    /// What the profile is for.
    pub(super) description: Option<String>,
    /// Names of stages, or globs of names.
    #[schemars(with = "Vec<String>")]
    pub(super) stages: Vec<Spanned<String>>,
    /// Tags of stages.
    #[schemars(with = "Vec<String>")]
    pub(super) tags: Vec<Spanned<String>>,
    /// Names of stages to leave out, or globs of names.
    #[schemars(with = "Vec<String>")]
    pub(super) skip: Vec<Spanned<String>>,
}

/// `[remotes.NAME]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Remote {
    /// Whom to connect to, as `[user@]host[:port]`: a name, an address, or an alias in your ssh config. Always given.
    #[schemars(with = "String")]
    pub(super) host: Option<Spanned<String>>,
    /// The user there; goes before one in `host`. Without either, what your ssh config says.
    #[schemars(with = "Option<String>")]
    pub(super) user: Option<Spanned<String>>,
    /// The port; goes before one in `host`. Without either, what your ssh config says.
    pub(super) port: Option<NonZeroU16>,
    /// The tmux session there in which a person can look on.
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_SESSION))]
    pub(super) session: Option<Spanned<String>>,
    /// The project's directory there: an absolute path, or one that begins with `~/`. Without it, one of local-ci's own.
    #[schemars(with = "Option<String>")]
    pub(super) dir: Option<Spanned<String>>,
    /// How the work tree gets there: as a commit of its own (`git`), by `rsync`, or not at all (`none`). A table also says
    /// what is sent beside it.
    pub(super) sync: Option<Syncing>,
    /// Environment variables of all stages there; a stage's own go before them.
    #[schemars(with = "Pairs<Scalar>")]
    pub(super) env: Pairs<Spanned<Scalar>>,
    /// How many stages run there at a time; one with `threads` counts as so many. Without it, as many as here.
    pub(super) slots: Option<NonZeroU32>,
    /// What the machine is, in a line.
    pub(super) description: Option<String>,
    /// How long one operation over the line may take.
    #[schemars(with = "Option<Span>", extend("default" = "30s"))]
    pub(super) timeout: Option<Spanned<Span>>,
    /// For how long a line that was lost is tried again, before the run is left to itself.
    #[schemars(extend("default" = "10m"))]
    pub(super) give_up: Option<Span>,
}

/// `[matchers.NAME]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Matcher {
    /// A regular expression that finds one annotation in a line. Its groups are called `file`, `line`, `column`, `endLine`,
    /// `endColumn`, `severity`, `code` and `message`; the last has to be there.
    #[schemars(with = "Option<String>")]
    pub(super) pattern: Option<Spanned<String>>,
    /// The same for several lines that come one after the other, an expression for each.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) patterns: Option<Spanned<Vec<Spanned<String>>>>,
    /// Whether the last line may come again and again, each time for one more annotation.
    #[serde(rename = "loop")]
    #[schemars(with = "Option<bool>", extend("default" = false))]
    pub(super) repeats: Option<Spanned<bool>>,
    /// How much it matters where no group says so.
    #[schemars(extend("default" = "error"))]
    pub(super) severity: Option<Level>,
    /// A JSON file of problem matchers, in the shape of GitHub Actions or of VS Code, instead of `pattern`.
    #[schemars(with = "Option<String>")]
    pub(super) file: Option<Spanned<String>>,
}

/// How much an annotation matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    Note,
    Warning,
    Error,
}

impl Level {
    pub(super) fn severity(self) -> Severity {
        match self {
            Self::Note => Severity::Note,
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
        }
    }
}

/// `[plugins.NAME]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Plugin {
    /// Where it comes from: `path:FILE.wasm`, `path:DIR` of its own project, or `https://…`. Always given.
    #[schemars(with = "String")]
    pub(super) source: Option<Spanned<String>>,
    /// What it may do: nothing that is not named.
    pub(super) grants: Grants,
    /// What it may use up.
    pub(super) limits: Limits,
    /// Its settings. What there is, it says itself.
    #[schemars(with = "Option<Settings>")]
    pub(super) config: Option<Spanned<Settings>>,
}

/// `grants` of a plugin, and `[plugin-policy]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Grants {
    /// Globs of files that may be read, relative to the project's directory.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) files_read: Option<Vec<Spanned<String>>>,
    /// Globs of files that may be written.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) files_write: Option<Vec<Spanned<String>>>,
    /// Environment variables that may be read.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) env: Option<Vec<Spanned<String>>>,
    /// Commands that may be run, in words; `*` stands for any one word, and `**` at the end for any number.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) commands: Option<Vec<Spanned<String>>>,
    /// Hosts that may be spoken to, as `host` or `host:port`.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) http: Option<Vec<Spanned<String>>>,
    /// Environment variables whose values may be sent to those hosts, without the plugin seeing them.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) secrets: Option<Vec<Spanned<String>>>,
    /// Whether the time may be known.
    pub(super) clock: Option<bool>,
}

/// `limits` of a plugin.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    /// How much memory it may have. Without it, what is usual for its role.
    #[schemars(with = "Option<Size>")]
    pub(super) memory: Option<Spanned<Size>>,
    /// How long one call may take of its own time. Without it, what is usual for its role.
    #[schemars(with = "Option<Span>")]
    pub(super) time: Option<Spanned<Span>>,
}

/// `[[expand]]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Expand {
    /// A plugin's expander: an entry of `[plugins]`, or one and its expander as `NAME:KIND`. Always given.
    #[schemars(with = "String")]
    pub(super) uses: Option<Spanned<String>>,
    /// The settings of what it `uses`. What there is, its plugin says.
    #[schemars(with = "Option<Settings>")]
    pub(super) with: Option<Spanned<Settings>>,
}

/// A user's own `config.toml`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct User {
    #[serde(alias = "colour")]
    /// When to use colour.
    #[schemars(extend("default" = "auto"))]
    pub(super) color: Option<Color>,
    /// How a run is shown.
    #[schemars(extend("default" = "auto"))]
    pub(super) output: Option<OutputMode>,
    /// How many stages run at a time. Without it, as many as there are cores.
    pub(super) jobs: Option<NonZeroU32>,
    /// Remotes for all projects, by name. A project's own of the same name goes before it.
    pub(super) remotes: Pairs<Remote>,
    /// How much history is kept.
    pub(super) retention: Retention,
    /// What plugins may do in any project, whatever its pipeline grants them. What is not named is the pipeline's to grant.
    pub(super) plugin_policy: Grants,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

/// `[retention]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Retention {
    /// How many runs of a project are kept.
    pub(super) runs: Option<u32>,
    /// For how long they are kept.
    pub(super) age: Option<Span>,
    /// How many bytes they may take.
    pub(super) size: Option<Size>,
}
