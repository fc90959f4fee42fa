//! Starting a job in the background and saying so: what `add`, `start` and `restart` have in common.

use std::cell::RefCell;
use std::fmt::Write as _;

use serde::Serialize;

use super::error::CliError;
use super::leave::Leaving;
use super::project::Context;
use super::{Ending, busy, faces, output};
use crate::clock::{Clock, SystemClock};
use crate::event::{Estimate, SCHEMA_VERSION};
use crate::history::Totals;
use crate::ids::{RunNumber, StageName};
use crate::journal::layout::ProjectDir;
use crate::report::statistics::outlook;
use crate::session::assignment::OnHangup;
use crate::session::interrupts::Interrupts;
use crate::session::place::{Caller, Place, StartError, place};
use crate::session::prepare::Prepared;
use crate::session::secrets::Secrets;
use crate::session::start::start;
use crate::session::{inputs, past};

/// A job that is to be started.
pub(super) struct Background<'a> {
    pub(super) context: &'a Context<'a>,
    /// The project's state.
    pub(super) state: &'a ProjectDir,
    /// What was asked for: one stage, or the cells of a matrix.
    pub(super) jobs: Vec<StageName>,
    /// What it runs, as a person reads it; none where that is several things.
    pub(super) command: Option<String>,
    /// Where it runs, as a person reads it.
    pub(super) directory: String,
    /// The command line that does the same, for who runs it again.
    pub(super) equivalent: Vec<String>,
    /// What its stages are given that nobody else is to see.
    pub(super) secrets: Secrets,
    /// The ad-hoc job is a new one; none for stages.
    pub(super) is_new: Option<bool>,
}

/// What programs are told of a run that was started.
#[derive(Serialize)]
struct StartedDocument<'a> {
    schema_version: u32,
    /// The job, or of several that were asked for by one name the first.
    job: &'a StageName,
    jobs: &'a [StageName],
    run: RunNumber,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    directory: &'a str,
    /// Whether the ad-hoc job was added just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
    /// How often it came to an end of its own before: passed, failed or timed out.
    runs: u64,
    passed: u64,
    /// The share of those that passed, from 0 to 1, where there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    success_rate: Option<f64>,
    /// How long it should take, where history knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    low_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high_ms: Option<u64>,
}

/// What the history knows of a job.
#[derive(Default)]
struct Known {
    totals: Totals,
    estimate: Option<Estimate>,
}

impl Background<'_> {
    fn caller(&self) -> Caller<'_> {
        Caller {
            env: self.context.env,
            argv: self.context.argv.clone(),
            equivalent: self.equivalent.clone(),
            directory: self.context.directory.clone(),
            // Nobody stays with it.
            on_hangup: OnHangup::Continue,
            verbose: self.context.global.verbose > 0,
            terminal: None,
            stage_env: Vec::new(),
            secrets: self.secrets.clone(),
            now: SystemClock.now(),
        }
    }

    /// Takes a number for the run. What nobody could come back to is not started.
    pub(super) fn claim(&self, prepared: &Prepared) -> Result<Place, CliError> {
        let place = place(prepared, &self.caller()).map_err(|error| match error {
            StartError::Running { stage, number, .. } => self.running(&stage, number),
            other => other.into(),
        })?;
        if let Some(warning) = &place.warning {
            place.withdraw();
            return Err(CliError::infrastructure(format!(
                "nothing was started, for nobody could come back to it: {warning}"
            ))
            .or_try("set LOCAL_CI_STATE_DIR to a directory that can be written"));
        }
        Ok(place)
    }

    /// Starts the run and says so on stdout, once it is known to have begun. Signals that come meanwhile wait until somebody
    /// can come back to it.
    pub(super) fn launch(
        &self,
        prepared: Prepared,
        place: Place,
        interrupts: &Interrupts,
        json: bool,
    ) -> Result<Ending, CliError> {
        let number = place.number.ok_or_else(|| CliError::infrastructure("the run has no number"))?;
        let known = RefCell::new((Known::default(), Vec::new()));
        let root = prepared.root.clone();
        let stages = prepared.plan.stages.values().map(|stage| stage.name.clone()).collect();
        let leaving = Leaving::new(self.context, (&place.run, &place.id, Some(number)), root.clone(), stages);
        let started = start(prepared, &self.caller(), place, |plan| {
            inputs::fingerprint(plan);
            let past = past::glance(self.state, &root);
            past.foretell(plan);
            let mut known = known.borrow_mut();
            if let [job] = &self.jobs[..] {
                // What cannot be asked is not known; why, the warnings say.
                known.0.totals = past.totals(job).unwrap_or_default();
                known.0.estimate =
                    plan.stages.values().find(|stage| stage.name == *job).and_then(|stage| stage.estimate.clone());
            }
            known.1 = past.warnings();
        })
        .inspect_err(|_| interrupts.done())?;
        let (known, warnings) = known.into_inner();
        for text in warnings {
            output::warning(&text);
        }
        let text = if json { self.document(number, &known)? } else { self.sentences(number, &known) };
        // That nobody reads it is no reason to end the run.
        let say = || drop(output::print(&text));
        Ok(leaving.detach_saying(self.context, &started, interrupts, say))
    }

    fn sentences(&self, number: RunNumber, known: &Known) -> String {
        let names: Vec<&str> = self.jobs.iter().map(StageName::as_str).collect();
        let plural = if names.len() == 1 { "" } else { "s" };
        let look = faces::look(self.context);
        let command = self.command.as_ref().map_or(String::new(), |command| format!(": {}", look.first_line(command)));
        let mut text = format!("{}\n", look.cut(&format!("Job{plural} {}{command}", names.join(", "))));
        let _ = writeln!(text, "Run {number} continues in the background.");
        for line in outlook(&known.totals, known.estimate.as_ref(), look) {
            let _ = writeln!(text, "{}", look.cut(&line));
        }
        // A run of several is known by its number.
        let name = match &names[..] {
            [only] => (*only).to_owned(),
            _ => number.to_string(),
        };
        let ways = [("attach", "follows it"), ("await", "waits until it has ended"), ("stop", "ends it")].map(
            |(way, what)| {
                let way = format!("{way} {name}");
                (way, what)
            },
        );
        let width = ways.iter().map(|(way, _)| way.len()).max().unwrap_or(0);
        for (way, what) in ways {
            let _ = writeln!(text, "  {} {way:width$}  {what}", self.context.program());
        }
        text
    }

    fn document(&self, number: RunNumber, known: &Known) -> Result<String, CliError> {
        let Some(job) = self.jobs.first() else { return Err(CliError::infrastructure("the run has no job")) };
        let Known { totals, estimate } = known;
        #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
        let rate = (totals.runs > 0).then(|| totals.passed as f64 / totals.runs as f64);
        let document = StartedDocument {
            schema_version: SCHEMA_VERSION,
            job,
            jobs: &self.jobs,
            run: number,
            command: self.command.as_deref(),
            directory: &self.directory,
            new: self.is_new,
            runs: totals.runs,
            passed: totals.passed,
            success_rate: rate,
            expected_ms: estimate.as_ref().map(|estimate| estimate.expected_ms),
            low_ms: estimate.as_ref().map(|estimate| estimate.low_ms),
            high_ms: estimate.as_ref().map(|estimate| estimate.high_ms),
        };
        let text = serde_json::to_string(&document).map_err(|error| CliError::infrastructure(error.to_string()))?;
        Ok(text + "\n")
    }

    /// What is in the way, and the ways on.
    fn running(&self, stage: &StageName, number: RunNumber) -> CliError {
        let program = self.context.program();
        let job = match (&self.jobs[..], self.is_new) {
            ([job], Some(_)) if job != stage => format!("the same command, as stage {stage},"),
            (_, Some(_)) => format!("job {stage}"),
            (_, None) => format!("stage {stage}"),
        };
        CliError::Busy {
            message: busy::message(&job, self.state, number),
            hint: format!(
                "`{program} attach {number}` follows it, `{program} await {number}` waits for it, `{program} stop \
                 {number}` ends it"
            ),
        }
    }
}
