//! What is drawn of a plan: boxes with what is to be said of each, arrows, and frames around the cells of a matrix.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::config::visible_line;
use crate::ids::{DenseId, DenseMap, StageId, StageName};
use crate::outcome::HumanDuration;
use crate::plan::{Decision, Plan, PlannedStage};

/// A plan as boxes, arrows and frames, in the order of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    pub(super) boxes: Vec<StageBox>,
    pub(super) arrows: Vec<Arrow>,
    pub(super) frames: Vec<Frame>,
}

/// A stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StageBox {
    pub(super) name: String,
    /// What is said of it below its name, a line each.
    pub(super) lines: Vec<String>,
    /// The first line of its command.
    pub(super) command: String,
    pub(super) skipped: bool,
    /// Whether it is on the longest way through the plan.
    pub(super) critical: bool,
}

/// From a stage to one that waits for it, by their places in [`Sheet::boxes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether it is on the longest way through the plan.
    pub(super) critical: bool,
}

/// The cells of one matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) name: String,
    /// Places in [`Sheet::boxes`].
    pub(super) members: Vec<usize>,
}

impl Sheet {
    /// Lays a plan out. `matrix_of` says which stage of the config a cell comes from; nothing for a stage of its own.
    pub fn new<'a>(plan: &Plan, matrix_of: impl Fn(&StageName) -> Option<&'a StageName>) -> Self {
        let critical = critical(plan);
        let mut on_path = DenseMap::filled(plan.stages.len(), false);
        let mut before = DenseMap::filled(plan.stages.len(), None);
        for (place, id) in critical.iter().enumerate().filter(|(_, id)| plan.stages[**id].runs()) {
            on_path[*id] = true;
            before[*id] = place.checked_sub(1).map(|before| critical[before]);
        }
        let mut boxes = Vec::with_capacity(plan.stages.len());
        let mut arrows = Vec::new();
        let mut frames: Vec<Frame> = Vec::new();
        let mut frame_of: HashMap<&StageName, usize> = HashMap::new();
        for (id, stage) in plan.stages.iter() {
            let to = id.index();
            let command = stage.command_text();
            boxes.push(StageBox {
                name: stage.name.as_str().to_owned(),
                lines: lines(stage),
                command: visible_line(command.trim().lines().next().unwrap_or_default()),
                skipped: !stage.runs(),
                critical: on_path[id],
            });
            for need in &stage.needs {
                let critical = before[id] == Some(*need) && on_path[*need];
                arrows.push(Arrow { from: need.index(), to, critical });
            }
            if let Some(matrix) = matrix_of(&stage.name) {
                let frame = *frame_of.entry(matrix).or_insert(frames.len());
                if frame == frames.len() {
                    frames.push(Frame { name: matrix.as_str().to_owned(), members: Vec::new() });
                }
                frames[frame].members.push(to);
            }
        }
        // A frame around one box says nothing that its name does not.
        frames.retain(|frame| frame.members.len() > 1);
        Self { boxes, arrows, frames }
    }

    /// The places of boxes that stand in no frame.
    pub(super) fn unframed(&self) -> Vec<usize> {
        let framed: HashSet<usize> = self.frames.iter().flat_map(|frame| frame.members.iter().copied()).collect();
        (0..self.boxes.len()).filter(|place| !framed.contains(place)).collect()
    }
}

/// The longest way through the plan. Without any history there is none to be known, and the first of many that are
/// equal would be a guess.
fn critical(plan: &Plan) -> Vec<StageId> {
    let is_known = plan.stages.values().any(|stage| stage.runs() && stage.estimate.is_some());
    if is_known { plan.paths().critical } else { Vec::new() }
}

fn lines(stage: &PlannedStage) -> Vec<String> {
    let mut lines = Vec::new();
    match &stage.decision {
        Decision::Skip { reason } => lines.push(format!("skipped: {}", visible_line(&reason.to_string()))),
        Decision::Run => {
            if let Some(estimate) = &stage.estimate {
                lines.push(format!("about {}", HumanDuration(Duration::from_millis(estimate.expected_ms))));
            }
            if stage.policy.allow_failure {
                lines.push("may fail".to_owned());
            }
            if let [first, rest @ ..] = stage.policy.locks.as_slice() {
                let locks = rest.iter().fold(first.clone(), |locks, lock| format!("{locks}, {lock}"));
                let word = if rest.is_empty() { "lock" } else { "locks" };
                lines.push(format!("{word}: {}", visible_line(&locks)));
            }
        }
    }
    lines
}
