//! `report`: a run's report, printed or written; and `--report`, which has them written when a run has ended.
//!
//! That a report cannot be written never changes a verdict: it is said, and makes exit code 3 of a 0 only.

use std::io::{self, Write};

use super::args::{ReportArgs, Reports, RunArgs};
use super::error::CliError;
use super::project::Context;
use super::{Ending, output, queue, target};
use crate::ids::RunNumber;
use crate::journal::layout::RunDir;
use crate::journal::state::RunState;
use crate::outcome::exit;
use crate::report::document::Kind;
use crate::session::past;
use crate::session::reports::{Record, write};

/// Prints or writes a report of a run.
pub(super) fn report(context: &Context<'_>, args: &ReportArgs) -> Result<Ending, CliError> {
    let kind = match (args.format, &args.output) {
        (Some(kind), _) => kind,
        (None, Some(file)) => Kind::of_file(file).ok_or_else(|| {
            CliError::usage(format!("what kind of report {} is to be is not known by its name", file.display()))
                .or_try(formats())
        })?,
        (None, None) => return Err(CliError::usage("which report? --format says it").or_try(formats())),
    };
    let root = context.anchor()?.root;
    let state = context.state(&root)?;
    let target = target::find(&state, &args.run)?;
    let run = target.run;
    let number = run.number;
    if target.narrowed {
        return Err(CliError::usage(format!("{:?} is not a run, and reports are of runs", args.run))
            .or_try(format!("its latest run is {number}")));
    }
    let how = match run.state {
        RunState::Queued => Some(queue::is_queued(&state, number)),
        RunState::Running if run.view.end().is_none() => Some("has not ended yet".to_owned()),
        RunState::Running | RunState::Finished { .. } | RunState::Lost => None,
    };
    if let Some(how) = how {
        return Err(CliError::infrastructure(format!("there is no report of run {number} yet: it {how}"))
            .or_try(format!("`{} await {number}` waits for its end", context.program())));
    }
    if run.view.header().is_none() {
        return Err(CliError::infrastructure(format!("there is no report of run {number}: it never started")));
    }
    let record = Record::of(run.view, &run.dir);
    let mut record = match kind {
        Kind::Html => record.with_history(&past::glance(&state, &root)),
        Kind::Junit | Kind::Sarif | Kind::Markdown | Kind::ChromeTrace => record,
    };
    let text = record.render(kind);
    match &args.output {
        Some(file) => write(&context.directory.join(file), &text)
            .map_err(|error| CliError::infrastructure(unwritten(kind, &file.display().to_string(), &error)))?,
        None => {
            let mut out = io::stdout().lock();
            match out.write_all(&text).and_then(|()| out.flush()) {
                // Who has stopped reading has what he wanted.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                Err(error) => {
                    return Err(CliError::infrastructure(format!("the report cannot be printed: {error}")));
                }
                Ok(()) => {}
            }
        }
    }
    Ok(Ending::Code(exit::PASSED))
}

/// What is there to be asked for.
fn formats() -> String {
    format!("one of {}, such as `local-ci report --format markdown`", Kind::ALL.map(Kind::word).join(", "))
}

fn unwritten(kind: Kind, file: &str, error: &io::Error) -> String {
    format!("the {kind} report cannot be written to {file}: {error}")
}

/// Refuses reports of a run whose end this process does not see, or of several runs in one file.
pub(super) fn refuse(context: &Context<'_>, args: &RunArgs) -> Result<(), CliError> {
    let Some(asked) = args.reports.targets.first() else { return Ok(()) };
    let later = |run: &str| {
        let (program, file) = (context.program(), asked.path.display());
        format!("`{program} report {run} --format {} -o {file}` writes it of a run that has ended", asked.kind)
    };
    if args.presence.detach {
        return Err(CliError::usage("--report is for who stays with the run until its end, and --detach leaves it")
            .or_try(later("RUN")));
    }
    if args.repeat.is_some_and(|rounds| rounds > 1) {
        return Err(
            CliError::usage("--report writes one run's report, and --repeat makes several runs").or_try(later("RUN"))
        );
    }
    Ok(())
}

/// Writes what was asked for of a run that was followed. Gives how the process is to end.
pub(super) fn write_all(
    context: &Context<'_>,
    reports: &Reports,
    (run, number): (&RunDir, Option<RunNumber>),
    ending: Ending,
) -> Ending {
    if reports.targets.is_empty() {
        return ending;
    }
    let mut record = match Record::read(run) {
        Ok(Some(record)) => record,
        Ok(None) => {
            for target in &reports.targets {
                let (kind, file) = (target.kind, target.path.display());
                output::say(&match number {
                    Some(number) => format!(
                        "the {kind} report is not written, run {number} goes on; once it has ended: `{} report {number} \
                         --format {kind} -o {file}`",
                        context.program()
                    ),
                    None => format!("the {kind} report is not written: the run goes on"),
                });
            }
            return ending;
        }
        Err(error) => {
            output::problem(&format!("no report can be written: what happened in the run cannot be read: {error}"));
            return failed(ending);
        }
    };
    let wants_history = reports.targets.iter().any(|target| target.kind == Kind::Html);
    if let (true, Ok(state)) = (wants_history, context.state(record.root())) {
        let past = past::glance(&state, record.root());
        record = record.with_history(&past);
    }
    let mut all = true;
    for target in &reports.targets {
        let text = record.render(target.kind);
        if let Err(error) = write(&context.directory.join(&target.path), &text) {
            output::problem(&unwritten(target.kind, &target.path.display().to_string(), &error));
            all = false;
        }
    }
    if all { ending } else { failed(ending) }
}

/// What was asked for is not there: all the rest went well, so that is what there is to say.
fn failed(ending: Ending) -> Ending {
    match ending {
        Ending::Code(exit::PASSED) => Ending::Code(exit::INFRASTRUCTURE),
        Ending::Code(_) | Ending::Signal(_) => ending,
    }
}
