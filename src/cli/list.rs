//! `list`: the stages of this project and its ad-hoc jobs, a line each, with how each stands. Needs no config, and is not
//! kept from what it knows by a broken one.

mod everywhere;
mod job;

use std::collections::{HashMap, HashSet};

use super::args::ListArgs;
use super::error::CliError;
use super::project::{Anchor, Context};
use super::{Ending, faces, history, output};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::history::Sought;
use crate::ids::{DenseMap, Signature, StageName};
use crate::journal::layout::ProjectDir;
use crate::outcome::exit;
use crate::pipeline::{Action, Command, Stage};
use crate::plan::signature::{self, LOCAL};
use crate::report::job_list::{ListedJob, render};
use crate::session::jobs::AdHoc;
use crate::session::past::{self, Past};
use crate::session::standing::{Board, board};
use crate::text::plain::printable;
use job::{of_ad_hoc, of_former, of_stage};

/// A name for any other machine: of that, only the kind is in a fingerprint.
const ELSEWHERE: &str = "";

/// Lists the jobs.
pub(super) fn list(context: &Context<'_>, args: &ListArgs) -> Result<Ending, CliError> {
    if args.all {
        return everywhere::list(context, args.json);
    }
    let anchor = context.anchor()?;
    let now = SystemClock.now();
    // Without a state directory nothing has ever run as far as anybody knows.
    let state = context.state(&anchor.root).ok();
    let past = state.as_ref().map(|state| past::glance(state, &anchor.root));
    let mut board = match (&state, &past) {
        (Some(state), Some(past)) => standings(state, past, now),
        _ => Board::default(),
    };
    let ad_hoc = state.as_ref().map_or_else(Vec::new, history::ad_hoc);
    let mut jobs = Listing { board: &mut board, state: state.as_ref(), now }.jobs(&anchor, &ad_hoc);
    if jobs.is_empty() {
        return nothing(context, anchor);
    }
    // For people a list is what it was; programs may want to plan with it.
    if args.json
        && let Some(past) = &past
    {
        let works = works(&anchor, &ad_hoc, &board);
        expect(past, &mut jobs, &works);
    }
    if let Some(past) = &past {
        history::say(past);
    }
    complain(&board, "");
    say_fault(context, &anchor);
    if let Some(project) = &anchor.project {
        context.say_detected(project);
    }
    let text = if args.json { in_json(&jobs)? } else { render(&jobs, faces::look(context)) };
    let _ = output::print(&text);
    Ok(Ending::Code(exit::PASSED))
}

fn in_json(document: &impl serde::Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(document).map_err(|error| CliError::infrastructure(error.to_string()))?;
    Ok(text + "\n")
}

/// How all jobs stand that ever ran here. What cannot be read is said.
fn standings(state: &ProjectDir, past: &Past, now: Timestamp) -> Board {
    let or_nothing = |error: std::io::Error| output::warning(&history::unreadable(error).to_string());
    // The runs that are not in the index are looked for first: one that is added to it meanwhile is in both, not in neither.
    let unseen = past.unseen().map_err(or_nothing).unwrap_or_default();
    let latest = past.latest().map_err(or_nothing).unwrap_or_default();
    board(state, latest, &unseen, now)
}

/// Says of each damaged run that it is passed over. `place` says whose runs these are, where that has to be said.
fn complain(board: &Board, place: &str) {
    for (number, error) in &board.damaged {
        history::say_damaged(*number, place, error);
    }
}

/// A broken config is a sentence here: `validate` has the drawing.
fn say_fault(context: &Context<'_>, anchor: &Anchor) {
    if let Some(fault) = &anchor.fault {
        let faults = fault.faults();
        let place = faults.first().map(|fault| match fault.line {
            Some(line) => format!("{}:{line}: ", fault.file),
            None => format!("{}: ", fault.file),
        });
        output::warning(&format!("{}{fault}; stages are those of earlier runs", place.unwrap_or_default()));
        output::say(&format!("  hint: `{} validate` shows what is wrong", printable(&context.program())));
    }
}

/// There is nothing to list: says why.
fn nothing(context: &Context<'_>, anchor: Anchor) -> Result<Ending, CliError> {
    match (anchor.project, anchor.fault) {
        (_, Some(fault)) => Err(fault.into()),
        (Some(_), None) => {
            output::say("the pipeline has no stages");
            Ok(Ending::Code(exit::NOTHING_SELECTED))
        }
        // Looked for again, to say where there is none.
        (None, None) => context.project().map(|_| Ending::Code(exit::NOTHING_SELECTED)),
    }
}

/// The jobs of a project in the making.
struct Listing<'a> {
    board: &'a mut Board,
    state: Option<&'a ProjectDir>,
    now: Timestamp,
}

impl Listing<'_> {
    /// The stages, the ad-hoc jobs, and what goes on that is neither; where no config was read, all that ever ran.
    fn jobs(&mut self, anchor: &Anchor, ad_hoc: &[AdHoc]) -> Vec<ListedJob> {
        let stages = anchor.project.as_ref().map(|project| project.pipeline.stages());
        let mut jobs: Vec<ListedJob> = Vec::with_capacity(ad_hoc.len() + stages.map_or(0, DenseMap::len));
        if let Some(stages) = stages {
            let commands = faces::commands();
            for stage in stages.values() {
                let standing = self.board.jobs.get(&stage.name);
                let needs = stage.needs.iter().map(|need| stages[*need].name.clone()).collect();
                let hidden_by_command = commands.iter().any(|command| command == stage.name.as_str());
                let job = of_stage(stage, &works_anywhere(stage), standing, self.now);
                jobs.push(ListedJob { needs, hidden_by_command, ..job });
            }
        }
        // A stage goes before an ad-hoc job of the same name.
        let stages: HashSet<StageName> = jobs.iter().map(|job| job.name.clone()).collect();
        let ad_hoc = ad_hoc.iter().filter(|job| !stages.contains(&job.name));
        jobs.extend(ad_hoc.map(|job| of_ad_hoc(job, self.board.jobs.get(&job.name), self.now)));
        self.add_former(anchor.project.is_some(), &mut jobs);
        jobs
    }

    fn add_former(&mut self, has_config: bool, jobs: &mut Vec<ListedJob>) {
        let listed: HashSet<&StageName> = jobs.iter().map(|job| &job.name).collect();
        let known = self.board.jobs.iter();
        let wanted = known.filter(|(name, job)| (!has_config || job.state.goes_on()) && !listed.contains(name));
        let mut former: Vec<StageName> = wanted.map(|(name, _)| name.clone()).collect();
        if former.is_empty() {
            return;
        }
        former.sort();
        if let Some(state) = self.state {
            let former: HashSet<&StageName> = former.iter().collect();
            self.board.find_commands(state, |name| former.contains(name));
        }
        for name in &former {
            if let Some(standing) = self.board.jobs.get(name) {
                jobs.push(of_former(name, standing, self.now));
            }
        }
    }
}

/// What a job would run now, and where.
struct Work<'a> {
    signature: Signature,
    executor: &'a str,
}

/// What the jobs would run now, where that is known: the stages, the ad-hoc jobs, and what only ran once. A stage goes
/// before an ad-hoc job of the same name.
fn works<'a>(anchor: &'a Anchor, ad_hoc: &'a [AdHoc], board: &'a Board) -> HashMap<StageName, Work<'a>> {
    let here = |signature| Work { signature, executor: LOCAL };
    let former = board.jobs.iter().map(|(name, standing)| (name.clone(), here(standing.signature)));
    let ad_hoc = ad_hoc.iter().map(|job| (job.name.clone(), here(job.signature())));
    let mut works: HashMap<StageName, Work<'a>> = former.chain(ad_hoc).collect();
    for stage in anchor.project.iter().flat_map(|project| project.pipeline.stages().values()) {
        let signature = signature_on(stage, stage.executor());
        works.insert(stage.name.clone(), Work { signature, executor: stage.executor() });
    }
    works
}

/// The fingerprint of what the stage would run now in such a place.
fn signature_on(stage: &Stage, executor: &str) -> Signature {
    let command = match &stage.action {
        Action::Run(command) => command.clone(),
        Action::Use(used) => Command::Plugin(used.clone()),
    };
    signature::signature(&signature::Work {
        command: &command,
        env: &stage.env,
        dir: &stage.dir,
        secrets: &stage.secrets,
        executor,
    })
}

/// The fingerprints that what the stage would run now can have: `--remote` may have had it run elsewhere.
fn works_anywhere(stage: &Stage) -> Vec<Signature> {
    [LOCAL, ELSEWHERE].iter().map(|executor| signature_on(stage, executor)).collect()
}

/// Foretells how long each job takes that does not run now.
fn expect(past: &Past, jobs: &mut [ListedJob], works: &HashMap<StageName, Work<'_>>) {
    let work = |job: &ListedJob| works.get(&job.name).filter(|_| job.elapsed_ms.is_none());
    let (mut open, works): (Vec<&mut ListedJob>, Vec<&Work<'_>>) =
        jobs.iter_mut().filter_map(|job| work(job).map(|work| (job, work))).unzip();
    let asked: Vec<Sought<'_>> = open
        .iter()
        .zip(&works)
        .map(|(job, work)| Sought { name: Some(&job.name), signature: &work.signature, executor: work.executor })
        .collect();
    let estimates = past.estimates(&asked);
    drop(asked);
    for (job, estimate) in open.iter_mut().zip(estimates) {
        job.expected_ms = estimate.map(|estimate| estimate.expected_ms);
    }
}
