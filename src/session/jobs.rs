//! Ad-hoc jobs: commands that were given on the command line, and are known by a short name from then on.
//!
//! `jobs.jsonl` in a project's state has a line for each. A job is what it runs and where: the same command in the same
//! directory is the same job, whenever it is added again. Runs of it are runs like any other, of one stage that has the
//! job's name.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::ids::{Signature, StageName};
use crate::journal::layout::{ProjectDir, read_file};
use crate::pipeline::Command;
use crate::plan::signature::{self, Work};

/// A job that was given on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdHoc {
    /// What it is called: three letters that were made up for it.
    pub name: StageName,
    /// What it runs, the program first. No shell reads it.
    pub argv: Vec<String>,
    /// Where, relative to the project's directory.
    pub dir: PathBuf,
    /// When it was added first, in milliseconds since 1970-01-01 UTC.
    pub added_ms: i64,
}

impl AdHoc {
    /// What it runs.
    pub fn command(&self) -> Command {
        Command::Argv(self.argv.clone())
    }

    /// The fingerprint of what it runs and where: what it is known by.
    pub fn signature(&self) -> Signature {
        let (command, env) = (self.command(), BTreeMap::new());
        signature::signature(&Work { command: &command, env: &env, dir: &self.dir, executor: signature::LOCAL })
    }
}

/// The ad-hoc jobs of a project, in the order in which they were added. A line that is damaged is passed over.
pub fn read(project: &ProjectDir) -> io::Result<Vec<AdHoc>> {
    let text = match read_file(&project.jobs()) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}
