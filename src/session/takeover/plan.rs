//! The plan of a run that is gone on with: its stages as its journal has them, with today's commands and variables where those
//! are what they were.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::event::StageInfo;
use crate::ids::{DenseMap, StageId};
use crate::journal::header::{Header, HeaderRemote};
use crate::pipeline::remote::{DEFAULT_GIVE_UP, DEFAULT_TIMEOUT, Remote};
use crate::pipeline::{Command, Flaky, Policy};
use crate::plan::{Decision, Plan, PlannedStage};
use crate::view::RunView;

/// A plan to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// The plan. Its stages are those of the run, in their order.
    pub plan: Plan,
    /// Stages of which nothing is to be started, and why.
    pub barred: Vec<(StageId, String)>,
    /// Stages that have not come to their last word.
    pub open: Vec<StageId>,
}

/// Makes the plan of a run that said this of itself. `today` is what its command line comes to with the config as it is now;
/// without it nothing is started, and what runs can be joined and ended all the same.
pub fn again(view: &RunView, header: &Header, today: Option<&Plan>) -> Again {
    let mut barred = Vec::new();
    let mut stages = DenseMap::new();
    for (id, stage) in view.stages().iter() {
        let info = &stage.info;
        let now = today.and_then(|plan| plan.find(info.name.as_str()).map(|id| &plan.stages[id]));
        let planned = match now {
            Some(now) if now.signature == info.signature && now.executor == info.executor => now.clone(),
            other => {
                let why = match (other, today) {
                    (Some(_), _) => "what it runs has changed since its run was started, so it was not started",
                    (None, Some(_)) => "it is not in the config any more, so it was not started",
                    (None, None) => "what it would run is not known any more, so it was not started",
                };
                barred.push((id, why.to_owned()));
                unknown(info, header)
            }
        };
        stages.push(as_it_was(planned, info));
    }
    let open: Vec<StageId> =
        view.stages().iter().filter(|(_, stage)| stage.finished().is_none()).map(|(id, _)| id).collect();
    // Where nothing is to be started nobody has to be there but who has something to end.
    let is_needed = |remote: &&HeaderRemote| {
        open.iter()
            .map(|id| &view.stages()[*id])
            .any(|stage| stage.executor() == remote.name && (today.is_some() || stage.left_on().is_some()))
    };
    let root = today.map_or_else(|| PathBuf::from(&header.project), |plan| plan.root.clone());
    let plan = Plan {
        root,
        stages,
        jobs: view.header().map_or(header.jobs, |run| run.jobs),
        flaky: today.map_or(Flaky::Pass, |plan| plan.flaky),
        fail_fast: today.is_some_and(|plan| plan.fail_fast),
        timeout: today.and_then(|plan| plan.timeout),
        left_out: Vec::new(),
        warnings: Vec::new(),
        remotes: header
            .remotes
            .iter()
            .filter(is_needed)
            .map(|remote| (remote.name.clone(), reached(remote, today)))
            .collect(),
        plugins: today.map(|plan| plan.plugins.clone()).unwrap_or_default(),
        reporters: today.map(|plan| plan.reporters.clone()).unwrap_or_default(),
        secrets: today.map(|plan| plan.secrets.clone()).unwrap_or_default(),
        mask: today.map(|plan| plan.mask.clone()).unwrap_or_default(),
    };
    Again { plan, barred, open }
}

/// What the run said of a stage holds: what waits for what, what it holds while it runs, and that it was skipped.
fn as_it_was(planned: PlannedStage, info: &StageInfo) -> PlannedStage {
    let decision = match &info.skip {
        None => Decision::Run,
        Some(reason) => Decision::Skip { reason: reason.clone() },
    };
    let policy = Policy {
        threads: info.threads,
        locks: info.locks.clone(),
        allow_failure: info.allow_failure,
        interactive: info.interactive,
        ..planned.policy
    };
    PlannedStage {
        decision,
        policy,
        needs: info.needs.clone(),
        inputs_digest: info.inputs.clone(),
        estimate: info.estimate.clone(),
        ..planned
    }
}

/// A stage that is what it was no more.
fn unknown(info: &StageInfo, header: &Header) -> PlannedStage {
    let then = header.stages.iter().find(|stage| stage.name == info.name);
    PlannedStage {
        name: info.name.clone(),
        decision: Decision::Run,
        reasons: Vec::new(),
        command: then.map_or_else(|| Command::Argv(Vec::new()), |then| then.command.clone()),
        needs: Vec::new(),
        env: BTreeMap::new(),
        dir: PathBuf::from(&info.dir),
        policy: Policy::default(),
        executor: info.executor.clone(),
        signature: info.signature,
        is_fix: info.is_fix,
        has_fix: info.has_fix,
        inputs: Vec::new(),
        outputs: Vec::new(),
        annotate: Vec::new(),
        secrets: Vec::new(),
        inputs_digest: None,
        estimate: None,
    }
}

/// A machine as it was, for that is where the stages are; with what the config has today that was not written down.
fn reached(then: &HeaderRemote, today: Option<&Plan>) -> Remote {
    let HeaderRemote { name, destination, session, dir, sync, env: _ } = then.clone();
    let now = today.and_then(|plan| plan.remotes.get(&name));
    Remote {
        include: now.map(|now| now.include.clone()).unwrap_or_default(),
        env: now.map(|now| now.env.clone()).unwrap_or_default(),
        slots: now.and_then(|now| now.slots),
        description: None,
        timeout: now.map_or(DEFAULT_TIMEOUT, |now| now.timeout),
        give_up: now.map_or(DEFAULT_GIVE_UP, |now| now.give_up),
        name,
        destination,
        session,
        dir,
        sync,
    }
}
