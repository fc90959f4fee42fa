//! What stages write for the CI step around the run: outputs and a summary. Each stage has files of its own for them, and
//! once the run has ended they are added to the step's, in the order of the stages, by the process that followed it.
//!
//! So stages that run at the same time do not write into one file, none is shown what another wrote, and what one leaves
//! open (a delimiter, a fence) does not take in the next. Stages on other machines have none. See `docs/events.md`,
//! "Files of a CI step".

mod outputs;
mod summaries;

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::env::{self, Env};
use crate::ids::StageName;
use crate::journal::layout::{RunDir, create_dir, open_to_read, private_file};
use crate::pipeline::remote::HERE;
use crate::plan::Plan;

/// How much of one stage's file is read, in bytes. GitHub takes no more of a step.
const READ_MAX: u64 = 1024 * 1024;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Names and values.
    Outputs,
    /// Markdown.
    Summary,
}

impl Purpose {
    fn variable(self) -> &'static str {
        match self {
            Self::Outputs => env::GITHUB_OUTPUT,
            Self::Summary => env::GITHUB_STEP_SUMMARY,
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Outputs => "outputs",
            Self::Summary => "summary.md",
        }
    }
}

/// The files of a run's stages, and the step's.
#[derive(Debug)]
pub struct StepFiles {
    dir: PathBuf,
    targets: Vec<Target>,
}

/// One of the step's files, and those of stages that are added to it.
#[derive(Debug)]
struct Target {
    purpose: Purpose,
    outer: PathBuf,
    files: Vec<(StageName, PathBuf)>,
}

impl StepFiles {
    /// Makes a file for each stage of the plan that runs here, and has the stage find it where it would find the step's.
    /// None where no step is around, or nothing runs. A stage whose config sets the variable itself keeps what that says.
    pub fn lay_out(plan: &mut Plan, run: &RunDir, env: &Env) -> io::Result<Option<Self>> {
        let dir = run.step();
        let mut targets = Vec::new();
        for purpose in [Purpose::Outputs, Purpose::Summary] {
            let Some(outer) = env.absolute(purpose.variable()) else { continue };
            let mut files = Vec::new();
            for stage in plan.stages.values_mut() {
                if !stage.runs() || stage.executor != HERE || stage.env.contains_key(purpose.variable()) {
                    continue;
                }
                create_dir(&dir)?;
                let file = dir.join(format!("{}.{}", stage.name, purpose.extension()));
                let Some(text) = file.to_str() else {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "the run's directory has no name that is text",
                    ));
                };
                private_file().write(true).create_new(true).open(&file)?;
                stage.env.insert(purpose.variable().to_owned(), text.to_owned());
                files.push((stage.name.clone(), file));
            }
            if !files.is_empty() {
                targets.push(Target { purpose, outer, files });
            }
        }
        Ok((!targets.is_empty()).then_some(Self { dir, targets }))
    }

    /// Adds what the stages wrote to the step's files, and takes theirs away. Gives what a person should know of it.
    pub fn merge(self) -> Vec<String> {
        let mut complaints = Vec::new();
        for Target { purpose, outer, files } in &self.targets {
            let mut written = Vec::new();
            for (stage, file) in files {
                match read(file) {
                    Ok((bytes, _)) if bytes.is_empty() => {}
                    Ok((bytes, left)) => written.push((stage, String::from_utf8_lossy(&bytes).into_owned(), left)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        complaints.push(format!("{stage}: its {} cannot be read: {error}", purpose.variable()));
                    }
                }
            }
            let text = match purpose {
                Purpose::Outputs => outputs::merged(&written, &mut complaints),
                Purpose::Summary => {
                    let there = std::fs::metadata(outer).map_or(0, |file| file.len());
                    summaries::merged(&written, usize::try_from(there).unwrap_or(usize::MAX))
                }
            };
            if text.is_empty() {
                continue;
            }
            if let Err(error) = append(outer, text.as_bytes()) {
                complaints.push(format!(
                    "what stages wrote to {} is not in the step's: {} cannot be written: {error}",
                    purpose.variable(),
                    outer.display()
                ));
            }
        }
        let _ = std::fs::remove_dir_all(&self.dir);
        complaints
    }
}

/// What a stage wrote, and how many bytes more there are than that.
fn read(file: &Path) -> io::Result<(Vec<u8>, u64)> {
    let file = open_to_read(file)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(READ_MAX).read_to_end(&mut bytes)?;
    let left = length.saturating_sub(bytes.len() as u64);
    Ok((bytes, left))
}

fn append(file: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(file)?.write_all(bytes)
}
