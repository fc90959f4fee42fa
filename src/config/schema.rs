//! A configuration as it is written: every table and key, typed, nothing checked across keys.
//!
//! Names are those of the file in kebab-case. What later versions will act on is kept as it stands.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;

use serde::Deserialize;
use toml::{Spanned, Table, Value};

use super::value::duration::{Limit, Span};
use super::value::scalar::{Pairs, Scalar};
use super::value::size::Size;
use super::value::words::{Matrix, TextOrTexts, Variables, Words};
use crate::pipeline::{Jobserver, Leak};

/// The whole of `local-ci.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    pub(super) run: Run,
    pub(super) defaults: Defaults,
    pub(super) env: Pairs<Scalar>,
    pub(super) stages: Pairs<Stage>,
    pub(super) profiles: Pairs<Profile>,
    pub(super) remotes: Pairs<Table>,
    pub(super) plugins: Pairs<Table>,
    // Read so that they may stand in a file; a later version acts on them.
    hooks: Table,
    secrets: Table,
    matchers: Table,
    reporters: Table,
    expand: Vec<Table>,
    /// Remotes and plugins that were taken out because they could not be read: who names one is not blamed.
    #[serde(skip)]
    pub(super) excused: HashSet<String>,
}

/// `[run]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Run {
    pub(super) jobs: Option<NonZeroU32>,
    pub(super) fail_fast: Option<bool>,
    pub(super) output: Option<OutputMode>,
    pub(super) timeout: Option<Limit>,
}

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Defaults {
    pub(super) inputs: Option<Vec<Spanned<String>>>,
    pub(super) env: Pairs<Scalar>,
    pub(super) env_file: Option<Words>,
    pub(super) secrets: Option<Value>,
    pub(super) dir: Option<Spanned<String>>,
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
    pub(super) on: Option<Spanned<String>>,
    pub(super) annotate: Option<Value>,
    pub(super) log_max: Option<Size>,
    pub(super) leak: Option<Leak>,
    pub(super) jobserver: Option<Jobserver>,
}

/// `[stages.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Stage {
    pub(super) description: Option<Spanned<String>>,
    pub(super) run: Option<Spanned<TextOrTexts>>,
    pub(super) uses: Option<Spanned<String>>,
    pub(super) with: Option<Spanned<Table>>,
    pub(super) fix: Option<Spanned<TextOrTexts>>,
    pub(super) needs: Vec<Spanned<String>>,
    pub(super) inputs: Option<Vec<Spanned<String>>>,
    pub(super) outputs: Vec<Spanned<String>>,
    pub(super) env: Pairs<Spanned<Scalar>>,
    pub(super) env_file: Option<Words>,
    pub(super) secrets: Option<Value>,
    pub(super) dir: Option<Spanned<String>>,
    pub(super) shell: Option<Spanned<TextOrTexts>>,
    pub(super) timeout: Option<Limit>,
    pub(super) grace: Option<Span>,
    pub(super) retries: Option<u32>,
    pub(super) retry_delay: Option<Span>,
    pub(super) allow_failure: Option<bool>,
    pub(super) when: Option<When>,
    pub(super) matrix: Option<Spanned<Matrix>>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) threads: Option<NonZeroU32>,
    pub(super) locks: Option<Vec<String>>,
    pub(super) interactive: Option<bool>,
    pub(super) pty: Option<bool>,
    pub(super) on: Option<Spanned<String>>,
    pub(super) annotate: Option<Value>,
    pub(super) default: Option<bool>,
    pub(super) log_max: Option<Size>,
    pub(super) leak: Option<Leak>,
    pub(super) jobserver: Option<Jobserver>,
    /// Whether some of it was taken out because it could not be read, so that what is missing is no fault.
    #[serde(skip)]
    pub(super) spoilt: bool,
}

/// `when`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct When {
    pub(super) os: Option<Words>,
    pub(super) env: Option<Variables>,
    pub(super) ci: Option<bool>,
    pub(super) branch: Option<Words>,
    pub(super) changed: Option<Value>,
    pub(super) hook: Option<Value>,
}

/// `[profiles.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Profile {
    pub(super) description: Option<String>,
    pub(super) stages: Vec<Spanned<String>>,
    pub(super) tags: Vec<Spanned<String>>,
    pub(super) skip: Vec<Spanned<String>>,
}

/// A user's own `config.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct User {
    #[serde(alias = "colour")]
    pub(super) color: Option<Color>,
    pub(super) output: Option<OutputMode>,
    pub(super) jobs: Option<NonZeroU32>,
    pub(super) remotes: BTreeMap<String, Table>,
    pub(super) retention: Retention,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

/// `[retention]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Retention {
    pub(super) runs: Option<u32>,
    pub(super) age: Option<Span>,
    pub(super) size: Option<Size>,
}
