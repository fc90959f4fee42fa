//! `events`: what happens in all runs, one JSON object a line, until somebody ends it.

use std::io;
use std::os::fd::AsFd;

use super::args::EventsArgs;
use super::error::CliError;
use super::project::Context;
use super::{Ending, history, output};
use crate::clock::SystemClock;
use crate::event::EventKind;
use crate::ids::RunNumber;
use crate::outcome::exit;
use crate::session::stream::{Listener, Scope, Told, stream};

/// Prints all events of all runs, from the beginning of those that go on.
///
/// Ctrl+C ends it as it ends any program: by the signal, for there is nothing to tidy up.
pub(super) fn events(context: &Context<'_>, args: &EventsArgs) -> Result<Ending, CliError> {
    let scope = if args.all {
        Scope::Everywhere(context.state_dir()?)
    } else {
        Scope::Project(context.state(&context.anchor()?.root)?)
    };
    stream(scope, &mut Printer, io::stdout().as_fd(), &SystemClock);
    Ok(Ending::Code(exit::PASSED))
}

struct Printer;

impl Listener for Printer {
    fn told(&mut self, events: &[Told]) -> io::Result<()> {
        let mut text = String::new();
        for told in events {
            text.push_str(&line(told)?);
            text.push('\n');
        }
        output::print(&text)
    }

    fn unreadable(&mut self, number: RunNumber, error: &io::Error) {
        history::say_damaged(number, "", error);
    }
}

/// The event as the journal has it, with the run's number and the project's directory in front, which the first event of a
/// run has itself.
fn line(told: &Told) -> io::Result<String> {
    let event = serde_json::to_string(&told.event)?;
    let has_them = matches!(&told.event.kind, EventKind::RunStarted(started) if started.number.is_some());
    let Some(rest) = event.strip_prefix('{').filter(|_| !has_them) else { return Ok(event) };
    let project = serde_json::to_string(&told.project)?;
    Ok(format!("{{\"number\":{},\"project\":{project},{rest}", told.number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::recorded::{Recorded, Step, stage};

    /// Each line says which run it is of, once.
    #[test]
    fn a_line_is_one_flat_object_with_its_run() {
        let mut recorded = Recorded::of(vec![stage("a", "true")]);
        recorded.start(0);
        let lines: Vec<String> = recorded
            .steps
            .into_iter()
            .filter_map(|step| match step {
                Step::Event(event) => Some(event),
                Step::Output { .. } | Step::Tick(_) => None,
            })
            .map(|event| line(&Told { number: RunNumber(42), project: "/home/user/project".into(), event }).unwrap())
            .collect();
        for line in &lines {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!((&value["number"], &value["project"]), (&42.into(), &"/home/user/project".into()), "{line}");
            assert_eq!((line.matches("\"number\":").count(), line.matches("\"project\":").count()), (1, 1), "{line}");
        }
        assert_eq!(
            lines[1],
            r#"{"number":42,"project":"/home/user/project","seq":1,"unix_ms":1700000000000,"mono_us":5000000,"event":"stage_started","stage":0,"attempt":1}"#
        );
    }
}
