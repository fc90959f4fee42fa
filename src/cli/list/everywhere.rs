//! `list -a`: the jobs of all directories that the state knows. No config of another directory is read: stages are those
//! of earlier runs, and of what goes on.

use std::collections::HashSet;

use super::job::{of_ad_hoc, of_former};
use super::{complain, in_json};
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, faces, history, output};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::ids::StageName;
use crate::outcome::exit;
use crate::report::job_list::{Group, ListedJob, render_groups};
use crate::session::past::{Elsewhere, everywhere};
use crate::session::standing::{Board, board};

/// Lists the jobs of all directories.
pub(super) fn list(context: &Context<'_>, json: bool) -> Result<Ending, CliError> {
    let state = context.state_dir()?;
    let now = SystemClock.now();
    let (projects, warnings) = everywhere(&state);
    for warning in &warnings {
        output::warning(warning);
    }
    let groups: Vec<Group> =
        projects.into_iter().map(|project| group(project, now)).filter(|group| !group.jobs.is_empty()).collect();
    let text = if json { in_json(&groups)? } else { render_groups(&groups, faces::look(context)) };
    let _ = output::print(&text);
    if groups.is_empty() {
        output::say("nothing has run in any directory yet");
    }
    Ok(Ending::Code(exit::PASSED))
}

fn group(elsewhere: Elsewhere, now: Timestamp) -> Group {
    let Elsewhere { project, root, latest, unseen } = elsewhere;
    let mut board = board(&project, latest, &unseen, now);
    let ad_hoc = history::ad_hoc(&project);
    let names: HashSet<&StageName> = ad_hoc.iter().map(|job| &job.name).collect();
    board.find_commands(&project, |name| !names.contains(name));
    complain(&board, &root.as_ref().map_or(String::new(), |root| format!(" of {}", root.display())));
    let mut jobs = stages(&board, &names, now);
    jobs.extend(ad_hoc.iter().map(|job| of_ad_hoc(job, board.jobs.get(&job.name), now)));
    Group {
        gone: root.as_ref().is_some_and(|root| !root.exists()),
        project: root.map(|root| root.to_string_lossy().into_owned()),
        jobs,
    }
}

/// The jobs that were not added, by name.
fn stages(board: &Board, ad_hoc: &HashSet<&StageName>, now: Timestamp) -> Vec<ListedJob> {
    let mut names: Vec<&StageName> = board.jobs.keys().filter(|name| !ad_hoc.contains(name)).collect();
    names.sort();
    names.into_iter().map(|name| of_former(name, &board.jobs[name], now)).collect()
}
