//! A place for a run: a number and a directory in the project's state, or a private temporary one.
//!
//! Where no state can be kept the run goes on all the same, without a number and without history.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::assignment::OnHangup;
use super::prepare::Prepared;
use super::secrets::Secrets;
use super::turn::outer_runs;
use crate::clock::Timestamp;
use crate::env::{self, Env};
use crate::event::SCHEMA_VERSION;
use crate::ids::{RunId, RunNumber, Signature, StageName, hex};
use crate::journal::claim::{self, Claim, ClaimError, claim, withdraw};
use crate::journal::header::{ConfigSnapshot, Header, HeaderRemote, HeaderStage, Waits};
use crate::journal::layout::{ProjectDir, RunDir, create_dir, state_dir};
use crate::journal::lock;
use crate::journal::turn::{Refusal, Turn};
use crate::pipeline::Command;
use crate::pipeline::plugin::Use;
use crate::plan::PlannedStage;
use crate::process::pty::Size;
use crate::text::mask::mask;

/// Why no run could be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A stage of it is running already, or waits for its turn.
    #[error("stage {stage} is {} already, in run {number}", if *.is_queued { "queued" } else { "running" })]
    Running {
        /// The stage.
        stage: StageName,
        /// The run.
        number: RunNumber,
        /// Whether that run waits for its turn.
        is_queued: bool,
    },
    /// Its turn will never come.
    #[error(transparent)]
    OutOfTurn(Refusal),
    /// It was to start after another run, and where no state is kept nobody can tell when that has ended.
    #[error("nobody can tell when its turn has come: the state directory cannot be used ({0})")]
    Untold(String),
    /// There is nowhere to keep even this one run.
    #[error("cannot make a directory for the run: {0}")]
    NoRoom(#[source] io::Error),
    /// The supervisor could not be started.
    #[error("cannot start the run's supervisor: {0}")]
    Supervisor(#[source] io::Error),
}

/// Who asks, and how.
#[derive(Clone, Debug)]
pub struct Caller<'a> {
    /// The environment.
    pub env: &'a Env,
    /// The command line, for the record.
    pub argv: Vec<String>,
    /// The `run` command line that does the same, where that is another one.
    pub equivalent: Vec<String>,
    /// Where it was typed.
    pub directory: PathBuf,
    /// What becomes of the run when the caller goes away.
    pub on_hangup: OnHangup,
    /// Whether more is to be said than usual: plugins are heard when they look for their own faults.
    pub verbose: bool,
    /// How large the caller's terminal is, where stages may have it.
    pub terminal: Option<Size>,
    /// Variables for every stage, below its own.
    pub stage_env: Vec<(String, String)>,
    /// What stages are given that nobody else is to see.
    pub secrets: Secrets,
    /// The time.
    pub now: Timestamp,
}

/// A place for a run: claimed in the project's state, or a private one that will be thrown away.
#[derive(Debug)]
pub struct Place {
    /// The run's directory.
    pub run: RunDir,
    /// Its identity.
    pub id: RunId,
    /// Its number; none in a temporary place.
    pub number: Option<RunNumber>,
    /// The project's state; none in a temporary place.
    pub project: Option<ProjectDir>,
    /// Why no state is kept, where none is.
    pub warning: Option<String>,
    /// What the run waits for before it starts; none where it starts at once.
    pub waits: Option<Waits>,
    /// The run's lock, held.
    pub lock: File,
}

impl Place {
    /// Gives up a place whose run was never started. Its number stays used.
    pub fn withdraw(&self) {
        match (&self.project, self.number) {
            (Some(project), Some(number)) => withdraw(project, &self.run, number),
            _ => discard_temporary(&self.run),
        }
    }
}

/// Takes a temporary run away, with the private directory that was made for it.
pub fn discard_temporary(run: &RunDir) {
    if let Some(parent) = run.path().parent() {
        let _ = std::fs::remove_dir_all(parent);
    }
}

/// Finds a place for a run that starts at once, and writes its header.
pub fn place(prepared: &Prepared, caller: &Caller<'_>) -> Result<Place, StartError> {
    place_in_turn(prepared, caller, &Turn::default())
}

/// Finds a place for a run that starts when its turn has come, and writes its header.
pub fn place_in_turn(prepared: &Prepared, caller: &Caller<'_>, turn: &Turn) -> Result<Place, StartError> {
    let mut random = [0; 16];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| StartError::NoRoom(error.into()))?;
    let id = RunId::from_bytes(random);
    let why = match state_dir(caller.env) {
        None => "none of LOCAL_CI_STATE_DIR, XDG_STATE_HOME and HOME is an absolute path".to_owned(),
        Some(state) => {
            let project = ProjectDir::new(&state, &prepared.root);
            let jobs: Vec<(Signature, StageName)> =
                prepared.plan.stages.values().filter(|s| s.runs()).map(|s| (s.job(), s.name.clone())).collect();
            let outer = if turn.is_at_once() { Vec::new() } else { outer_runs(&project) };
            let turn = Turn { outer, ..turn.clone() };
            let request = claim::Request { project: &project, root: &prepared.root, jobs: &jobs, turn: &turn };
            let fill = |run: &RunDir, number, waits: Option<&Waits>| {
                Header { waits: waits.cloned(), ..header(prepared, caller, &id, Some(number)) }.write(run)
            };
            match claim(&request, fill) {
                Ok(Claim { run, number, lock, waits }) => {
                    let (number, project) = (Some(number), Some(project));
                    return Ok(Place { run, id, number, project, warning: None, waits, lock });
                }
                Err(ClaimError::Refused(Refusal::Running { stage, number, is_queued })) => {
                    return Err(StartError::Running { stage, number, is_queued });
                }
                Err(ClaimError::Refused(refusal)) => return Err(StartError::OutOfTurn(refusal)),
                Err(ClaimError::Newer(newer)) => format!(
                    "{} was {newer}; update this one, or set LOCAL_CI_STATE_DIR to another directory",
                    project.path().display()
                ),
                Err(ClaimError::Io(error)) => format!("{}: {error}", state.display()),
            }
        }
    };
    if turn.after.is_some() || turn.after_any.is_some() {
        return Err(StartError::Untold(why));
    }
    let alone = if turn.queue { ", and it waits for no other run" } else { "" };
    let warning = format!("no history is kept of this run{alone}: the state directory cannot be used ({why})");
    let (run, lock) = temporary(caller.env, &hex(&random), |run| header(prepared, caller, &id, None).write(run))
        .map_err(StartError::NoRoom)?;
    Ok(Place { run, id, number: None, project: None, warning: Some(warning), waits: None, lock })
}

/// A run directory that nobody else can have, made in the first place that takes one.
fn temporary(env: &Env, unique: &str, fill: impl Fn(&RunDir) -> io::Result<()>) -> io::Result<(RunDir, File)> {
    let places = [env.absolute(env::XDG_RUNTIME_DIR), env.absolute(env::TMPDIR)];
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for place in places.into_iter().flatten().chain(["/tmp".into(), "/dev/shm".into()]) {
        let make = || {
            use std::os::unix::fs::DirBuilderExt;
            let parent = place.join(format!("local-ci-{unique}"));
            // Not recursive: a directory that is there already was planted.
            std::fs::DirBuilder::new().mode(0o700).create(&parent)?;
            let run = RunDir::new(parent.join("run"));
            let filled = create_dir(&run.logs()).and_then(|()| {
                // Where there are no locks anywhere, whoever started the run still knows that it goes on.
                let lock = lock::create_held(&run.lock()).or_else(|error| lock::create_free(&run.lock(), error))?;
                fill(&run).map(|()| lock)
            });
            // A place that takes a directory and nothing in it keeps nothing of ours.
            let lock = filled.inspect_err(|_| discard_temporary(&run))?;
            Ok((run, lock))
        };
        match make() {
            Ok(made) => return Ok(made),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn header(prepared: &Prepared, caller: &Caller<'_>, id: &RunId, number: Option<RunNumber>) -> Header {
    let needles = Arc::new(caller.secrets.needles());
    let masked = |words: &[String]| words.iter().map(|word| mask(word, &needles)).collect::<Vec<_>>();
    let stage = |stage: &PlannedStage| HeaderStage {
        name: stage.name.clone(),
        signature: stage.signature,
        command: masked_command(&stage.command, &masked),
        dir: stage.dir.to_string_lossy().into_owned(),
        env: stage.env.keys().cloned().collect(),
    };
    Header {
        schema_version: SCHEMA_VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        run: id.clone(),
        number,
        started: caller.now,
        argv: masked(&caller.argv),
        equivalent: masked(&caller.equivalent),
        project: prepared.root.to_string_lossy().into_owned(),
        directory: caller.directory.to_string_lossy().into_owned(),
        commit: prepared.source.commit.clone(),
        branch: prepared.source.branch.clone(),
        config: prepared
            .config
            .iter()
            .map(|(path, text)| ConfigSnapshot {
                path: path.to_string_lossy().into_owned(),
                hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
            })
            .collect(),
        stages: prepared.plan.stages.values().map(stage).collect(),
        remotes: prepared.plan.remotes.values().map(HeaderRemote::from).collect(),
        jobs: prepared.plan.jobs,
        waits: None,
    }
}

/// The command, with no secret in its words.
fn masked_command(command: &Command, masked: &dyn Fn(&[String]) -> Vec<String>) -> Command {
    match command {
        Command::Argv(words) => Command::Argv(masked(words)),
        Command::Shell { shell, script, args } => Command::Shell {
            shell: masked(shell),
            script: masked(std::slice::from_ref(script)).concat(),
            args: masked(args),
        },
        Command::Plugin(used) => {
            Command::Plugin(Use { params: masked(std::slice::from_ref(&used.params)).concat(), ..used.clone() })
        }
    }
}
