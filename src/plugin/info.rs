//! What plugins say of themselves and answer, in our own words: nothing here is a generated type.

use serde::{Deserialize, Serialize};

use crate::pipeline::plugin::{Abilities, Grants, Kind};

/// What a plugin can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It brings stage kinds.
    Stage,
    /// It reads what stages print.
    Parser,
    /// It makes stages.
    Expander,
    /// It is told of events.
    Reporter,
}

/// Something that a plugin asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The grant's key, such as `files-read`.
    pub kind: String,
    /// What of it, as it would stand in `grants`; of `clock`, `true`.
    pub value: String,
    /// What for, in a sentence.
    pub reason: String,
}

/// What a plugin says of itself: always the same, whoever asks. Its texts are foreign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// What it calls itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is for, in a line.
    pub summary: String,
    /// Its stage kinds.
    pub stages: Vec<Kind>,
    /// Its parsers.
    pub parsers: Vec<Kind>,
    /// Its expanders.
    pub expanders: Vec<Kind>,
    /// The kinds of events that it wants; empty: all.
    pub events: Vec<String>,
    /// The JSON schema of its settings, as text; none: anything goes.
    pub config: Option<String>,
    /// What it asks for.
    pub needs: Vec<Need>,
    /// What `plugin test` runs: a JSON array, as text.
    pub examples: String,
}

impl Info {
    /// What it asks for, as grants; with the needs of kinds that do not exist.
    pub fn needs(&self) -> (Grants, Vec<&Need>) {
        let (mut grants, mut unknown) = (Grants::default(), Vec::new());
        for need in &self.needs {
            let list = match need.kind.as_str() {
                "files-read" => &mut grants.files_read,
                "files-write" => &mut grants.files_write,
                "env" => &mut grants.env,
                "commands" => &mut grants.commands,
                "http" => &mut grants.http,
                "secrets" => &mut grants.secrets,
                "clock" => {
                    grants.clock = true;
                    continue;
                }
                _ => {
                    unknown.push(need);
                    continue;
                }
            };
            list.push(need.value.clone());
        }
        (grants, unknown)
    }

    /// What a pipeline is checked against.
    pub fn abilities(&self, roles: &[Role]) -> Abilities {
        Abilities {
            stages: self.stages.clone(),
            parsers: self.parsers.clone(),
            expanders: self.expanders.clone(),
            reports: roles.contains(&Role::Reporter),
            config: self.config.clone(),
        }
    }
}

/// What a call is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The run's identifier; empty where nothing runs yet.
    pub run: String,
    /// The stage; empty for an expander.
    pub stage: String,
    /// Counted from one.
    pub attempt: u32,
    /// The settings of this use, a JSON object as text.
    pub params: String,
    /// More of it, by name.
    pub extra: Vec<(String, String)>,
}

/// Something that happened in a run, as a reporter is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The event's number.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What kind of event, as in the journal.
    pub kind: String,
    /// The stage that it is about, by name.
    pub stage: Option<String>,
    /// The event as it stands in the journal, a JSON text.
    pub data: String,
}

/// What a stage came to, as its plugin says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Passed,
    /// Something is not.
    Failed,
    /// There was nothing to look at.
    Skipped,
}

/// How a plugin's stage ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageEnd {
    /// What it came to.
    pub verdict: Verdict,
    /// The same in a line.
    pub summary: Option<String>,
    /// The names of what it gave as outputs. Nothing takes their values yet. Foreign.
    pub outputs: Vec<String>,
}
