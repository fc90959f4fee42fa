//! What a component is asked to do, role by role.

use super::bindings::Session;
use super::guest::Guest;
use super::load::Component;
use super::state::Call;
use crate::event::Annotation;
use crate::pipeline::plugin::{GENERATED_MAX, Generated};
use crate::plugin::fault::{Fault, FaultKind};
use crate::plugin::info::{Context, Notification, Role, StageEnd};
use crate::plugin::services::Printed;

impl Component {
    /// Runs a stage of this kind, in an instance of its own. What it finds goes to [`Call::services`] meanwhile.
    pub fn run_stage(&self, call: Call, kind: &str, context: &Context) -> Result<StageEnd, Fault> {
        let mut guest = self.guest(call, Role::Stage, self.name().to_owned())?;
        guest.ask(|exports, store, instance| exports.run_stage(store, instance, kind, context))
    }

    /// Has an expander of this kind make stages, at most [`GENERATED_MAX`].
    pub fn expand(&self, call: Call, kind: &str, context: &Context) -> Result<Vec<Generated>, Fault> {
        let mut guest = self.guest(call, Role::Expander, self.name().to_owned())?;
        let generated = guest.ask(|exports, store, instance| exports.expand(store, instance, kind, context))?;
        if generated.len() > GENERATED_MAX {
            let text = format!("makes {} stages, and {GENERATED_MAX} are the most", generated.len());
            return Err(self.fault(FaultKind::TooMuch(text)));
        }
        Ok(generated)
    }

    /// Begins a session of this parser.
    pub fn parser(&self, call: Call, name: &str, context: &Context) -> Result<Parser, Fault> {
        let source = if name == self.name() { name.to_owned() } else { format!("{}:{name}", self.name()) };
        let mut guest = self.guest(call, Role::Parser, source)?;
        let session = guest.call(|exports, store, instance| exports.session(store, instance, name, context))?;
        Ok(Parser { guest, session })
    }

    /// An instance that is told of events.
    pub fn reporter(&self, call: Call) -> Result<Reporter, Fault> {
        Ok(Reporter(self.guest(call, Role::Reporter, self.name().to_owned())?))
    }
}

/// A parser that reads one stage's output. After a fault other than [`FaultKind::Problem`], every further call has the same.
pub struct Parser {
    guest: Guest,
    session: Session,
}

impl Parser {
    /// Gives it these lines, and gets what it found in them.
    pub fn feed(&mut self, lines: &[Printed<'_>]) -> Result<Vec<Annotation>, Fault> {
        let Self { guest, session } = self;
        let found = guest.ask(|_, store, _| session.feed(store, lines))?;
        Ok(admit(guest, found))
    }

    /// Tells it that the stage has ended, with this code where no signal ended it, and gets what else it found.
    pub fn finish(&mut self, exit: Option<i32>) -> Result<Vec<Annotation>, Fault> {
        let Self { guest, session } = self;
        let found = guest.ask(|_, store, _| session.finish(store, exit))?;
        Ok(admit(guest, found))
    }
}

fn admit(guest: &mut Guest, found: Vec<Annotation>) -> Vec<Annotation> {
    guest.state().map(|state| state.admit(found)).unwrap_or_default()
}

/// A reporter that is told of one run. After a fault other than [`FaultKind::Problem`], every further call has the same.
pub struct Reporter(Guest);

impl Reporter {
    /// Tells it what happened, in order.
    pub fn notify(&mut self, batch: &[Notification]) -> Result<(), Fault> {
        self.0.ask(|exports, store, instance| exports.notify(store, instance, batch))
    }
}
