//! What a run was started with, written once before anybody can see the run.
//!
//! Names of variables and hashes only: the values that a stage gets never reach the disk.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::layout::{RunDir, private_file, read_file};
use crate::clock::Timestamp;
use crate::ids::{RunId, RunNumber, Signature, StageName};
use crate::pipeline::Command;
use crate::pipeline::remote::{Destination, Remote, Sync};

/// The first thing in a run's directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this format: [`crate::event::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The run's identity.
    pub run: RunId,
    /// Its number in the project, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<RunNumber>,
    /// When it was started.
    pub started: Timestamp,
    /// The command line.
    pub argv: Vec<String>,
    /// The `run` command line that does the same, where another command was typed: `rerun`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equivalent: Vec<String>,
    /// The project's directory.
    pub project: String,
    /// The directory it was started from.
    pub directory: String,
    /// The commit that was checked out, where there is a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The config as it was.
    pub config: Vec<ConfigSnapshot>,
    /// What is done.
    pub stages: Vec<HeaderStage>,
    /// The other machines that stages are on: what it takes to find them there again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remotes: Vec<HeaderRemote>,
    /// Slots.
    pub jobs: u32,
    /// What it waits for before it starts; none where it starts at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
}

/// What a queued run waits for. All of it has lower numbers, so no two runs wait for each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Runs that have to have ended, however.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub until_ended: Vec<RunNumber>,
    /// The run that has to have passed; where it has not, this one never starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_passed: Option<RunNumber>,
}

impl Waits {
    /// The runs that it waits for, in ascending order.
    pub fn runs(&self) -> Vec<RunNumber> {
        let mut runs: Vec<RunNumber> = self.until_ended.iter().copied().chain(self.until_passed).collect();
        runs.sort_unstable();
        runs.dedup();
        runs
    }
}

/// A config file as it was when the run was started. The run goes by this, whatever becomes of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigSnapshot {
    /// Where it is.
    pub path: String,
    /// BLAKE3 of its text, in hex.
    pub hash: String,
}

/// A stage of the plan without the values of its variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderStage {
    /// Its name.
    pub name: StageName,
    /// The fingerprint of its command.
    pub signature: Signature,
    /// What it runs.
    pub command: Command,
    /// Where, relative to the project.
    pub dir: String,
    /// The names of the variables that the config gives it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

/// Another machine that stages are on, without the values of its variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderRemote {
    /// What the plan calls it.
    pub name: String,
    /// Whom to connect to.
    pub destination: Destination,
    /// The tmux session in which a person there can look on.
    pub session: String,
    /// The project's directory there, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// How the work tree gets there.
    pub sync: Sync,
    /// The names of the variables that every stage there gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

impl From<&Remote> for HeaderRemote {
    fn from(remote: &Remote) -> Self {
        Self {
            name: remote.name.clone(),
            destination: remote.destination.clone(),
            session: remote.session.clone(),
            dir: remote.dir.clone(),
            sync: remote.sync,
            env: remote.env.keys().cloned().collect(),
        }
    }
}

impl Header {
    /// Writes it into a run directory that nobody can see yet.
    pub fn write(&self, run: &RunDir) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        private_file().write(true).create_new(true).open(run.header())?.write_all(&text)
    }

    /// The version of the format that a run's header is in, also where this version cannot read all of it.
    pub fn schema(run: &RunDir) -> Option<u32> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let text = read_file(&run.header()).ok()?;
        serde_json::from_slice(&text).ok().map(|Version { schema_version }| schema_version)
    }

    /// Reads it back.
    pub fn read(run: &RunDir) -> io::Result<Self> {
        Ok(serde_json::from_slice(&read_file(&run.header())?)?)
    }
}
