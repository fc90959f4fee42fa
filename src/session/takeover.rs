//! Runs that nobody sees to any more and that can be gone on with: their supervisor was killed or has left them to themselves,
//! and some of what they do is on other machines.
//!
//! Nothing of that happens by itself. [`look`] says what there is to go on with; [`plan`] makes the plan for it, [`past`] what
//! the next supervisor has to know; [`super::start::take_over`] starts that one.

pub mod past;
pub mod plan;

use crate::ids::StageName;
use crate::journal::header::Header;
use crate::journal::layout::RunDir;
use crate::journal::state::{self, RunState};
use crate::plan::signature::LOCAL;
use crate::view::{RunView, StageState, StageView};

/// What a lost run has left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Stages that were started on other machines and may run there still, each with the machine's name in the plan.
    pub elsewhere: Vec<(StageName, String)>,
    /// How many stages were not started, or were to be tried again.
    pub unstarted: usize,
}

impl Left {
    /// The machines on which something of it may run, each once.
    pub fn machines(&self) -> Vec<&str> {
        let mut machines: Vec<&str> = Vec::new();
        for (_, machine) in &self.elsewhere {
            if !machines.contains(&machine.as_str()) {
                machines.push(machine);
            }
        }
        machines
    }

    /// How it is, as the end of a sentence about the run.
    pub fn sentence(&self) -> String {
        match &self.machines()[..] {
            [] => "was left before all of it was started".to_owned(),
            machines => format!("goes on on {}", machines.join(", ")),
        }
    }
}

/// What there is to go on with of a run that is lost, as far as its events say. None where it was on this machine alone, or
/// has nothing more to do.
pub fn look(view: &RunView, header: &Header) -> Option<Left> {
    if header.remotes.is_empty() || view.header().is_none() {
        return None;
    }
    let mut left = Left::default();
    for stage in view.stages().values() {
        match &stage.state {
            StageState::Waiting => left.unstarted += usize::from(stage.info.skip.is_none()),
            StageState::Retrying { .. } => left.unstarted += 1,
            StageState::Running { .. } if is_elsewhere(stage) => {
                left.elsewhere.push((stage.info.name.clone(), stage.info.executor.clone()));
            }
            // It was here, and is gone with its supervisor.
            StageState::Finished(_) | StageState::Running { .. } => {}
        }
    }
    (left != Left::default()).then_some(left)
}

/// The same of a run in this directory, where it is lost.
pub fn look_in(run: &RunDir, view: &RunView) -> Option<Left> {
    let is_lost = matches!(state::of(run), Ok(RunState::Lost));
    let header = Header::read(run).ok().filter(|_| is_lost)?;
    look(view, &header)
}

fn is_elsewhere(stage: &StageView) -> bool {
    stage.info.executor != LOCAL
}

#[cfg(test)]
mod tests;
