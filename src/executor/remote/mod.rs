//! Runs stages on another machine: each in a private run directory there, which says how it ended, so that neither the line
//! nor this process has to live as long as the stage. See `docs/design.md`, "Elsewhere".
//!
//! ```text
//!  <state>/local-ci/<project>/runs/<run>/      0700, ours alone
//!    wake.<remote>.<mark>                      a FIFO: what the follower there sleeps in
//!    .done.<stage>.<attempt>                   it was here, and was taken away
//!    <stage>.<attempt>/
//!      script      the wrapper, with the command and its environment
//!      pid         the claim: `PID START BOOT end` of the wrapper, made by one alone
//!      group       `PID START end` of the command, which leads a session of its own
//!      log         what it prints
//!      said        how the shell says it ended, or why it was not run
//!      verdict     the last word; `verdict.part` until then, with room for it
//! ```
//!
//! `attempt` is the loop that sees one through; `follower` tells all loops what happens there.

mod attempt;
mod carrier;
mod cleanup;
mod ending;
mod fault;
mod follower;
mod hold;
mod line;
mod place;
mod processes;
mod refusal;
mod script;
mod site;
mod verdict;
pub mod window;
mod wire;

#[cfg(test)]
mod tests;

use super::{Ended, ExecError, Executor, Job, Streams};
use crate::cancel::CancelToken;
use crate::clock::{Clock, SystemClock};
use crate::event::OutputSink;
use crate::outcome::Exit;
use crate::remote::{Fault, FaultKind};
use attempt::Attempt;
pub use carrier::{Carrier, WorkTree};
use follower::Heard;
pub use line::Line;
pub use place::Place;
use script::Order;
use site::Shared;
pub use site::Site;

/// Runs stages on another machine.
pub struct RemoteExecutor {
    shared: Shared,
}

impl RemoteExecutor {
    /// An executor for this machine. It opens its channels once there is something to run.
    pub fn new(site: Site) -> Self {
        Self { shared: Shared::new(site) }
    }

    /// One that takes nothing away there.
    #[cfg(test)]
    fn keeping(site: Site) -> Self {
        let executor = Self::new(site);
        executor.shared.janitor.rest();
        executor
    }

    /// How much has come over the line as output of stages, in bytes.
    pub fn received(&self) -> u64 {
        self.shared.follower.received()
    }
}

/// What came of a start.
enum Started {
    /// It runs, or has run.
    There,
    /// There is nothing of it, and nothing was to be started.
    Absent,
    /// There was something of it, which was taken away.
    Gone,
    /// It cannot be started there, for this reason.
    Refused(Fault),
}

impl RemoteExecutor {
    /// The text that starts the attempt, once all is there that it needs.
    fn order(&self, job: &Job, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<String, ExecError> {
        let site = &self.shared.site;
        let id = place::attempt(job);
        if job.resumes.is_some() {
            return Ok(script::join(&site.place, &id));
        }
        let tree = self.shared.tree(cancelled)?;
        site.carrier.bring(job, cancelled).map_err(|fault| fault::ended(&fault))?;
        let dir = site.there(&tree, &job.dir)?;
        let order = Order { job, dir: &dir, place: &site.place, env: &site.env };
        let window = site.session.as_ref().map(|session| window::script(&site.place, job, session));
        Ok(order.start() + window.as_deref().unwrap_or_default())
    }

    fn start(&self, order: &str, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Started, Fault> {
        let site = &self.shared.site;
        let answer = site.line.call(order, cancelled)?.text();
        let said = answer.lines().last().unwrap_or("");
        match said {
            "started" | "joined" => return Ok(Started::There),
            "absent" => return Ok(Started::Absent),
            "gone" => return Ok(Started::Gone),
            _ => {}
        }
        match said.strip_prefix("fault ").and_then(|fault| fault.split_once(' ')) {
            Some((kind, text)) => Ok(Started::Refused(fault::told(site.host(), kind, text))),
            None => {
                let said = format!("{} says what it was not asked where a stage is to be started", site.host());
                Err(Fault::new(FaultKind::Protocol, said))
            }
        }
    }
}

impl Executor for RemoteExecutor {
    fn name(&self) -> &str {
        &self.shared.site.name
    }

    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let site = &self.shared.site;
        if job.streams == Streams::Console {
            let message =
                format!("a stage with `interactive = true` cannot run on {}: it needs this terminal", site.host());
            return Err(ExecError::Infrastructure { message });
        }
        let cancelled = || cancel.level().is_some();
        let no_thread = |error: std::io::Error| ExecError::Infrastructure {
            message: format!("cannot start a thread to follow stages on {}: {error}", site.host()),
        };
        // While the tree is on its way, the channel is opened.
        self.shared.follower.warm_up().map_err(no_thread)?;
        // From now on there may be something of it: the run's directory is made by whoever comes there first.
        let id = place::attempt(job);
        self.shared.janitor.begun(&id).map_err(no_thread)?;
        let nothing_is_left = || self.shared.janitor.done(&id, true);
        let order = self.order(job, &cancelled).inspect_err(|_| nothing_is_left())?;
        // Nothing starts in a paused run.
        cancel.wait_while_held();
        // What runs there already has to be ended there.
        if cancelled() && job.resumes.is_none() {
            nothing_is_left();
            return Err(fault::ended(&Fault::new(FaultKind::Cancelled, "cancelled")));
        }
        let (tell, heard) = crossbeam_channel::unbounded();
        let wake = tell.clone();
        let _registration = cancel.register(move || drop(wake.send(Heard::Woken)));
        // Asked for before it is there: so its end is told without one more round trip.
        let following = self.shared.follower.follow(&id, job.resumes.unwrap_or(0), tell).map_err(no_thread)?;
        let attempt = Attempt { site, job, id: id.clone(), heard, following, seen: SystemClock.now() };
        // To join costs nothing that would not be wanted: what is to be ended has to be found first.
        let ended = match self.start(&order, &|| cancelled() && job.resumes.is_none()) {
            Ok(Started::There) => {
                if job.resumes.is_none() {
                    cancel.say_begun();
                }
                attempt.run(out, cancel)
            }
            // One of several that is joined to be ended, and was: that is all there is to say of it.
            Ok(Started::Gone) if job.part > 0 && job.resumes.is_some() => {
                nothing_is_left();
                return Ok(Ended { exit: Exit::Signal(libc::SIGKILL), leaked: Vec::new(), took: None });
            }
            Ok(Started::Absent) if job.resumes == Some(0) => {
                // Not done with: it is about to be started. None of several is, when who had them started is gone.
                if job.part > 0 {
                    nothing_is_left();
                }
                let message = format!("lost on {}: it was never started there", site.host());
                return Err(ExecError::NotThere { message });
            }
            Ok(Started::Absent | Started::Gone) => {
                nothing_is_left();
                return Err(fault::lost(site.host(), "what was started there is gone"));
            }
            Ok(Started::Refused(fault)) => {
                nothing_is_left();
                return Err(fault::ended(&fault));
            }
            // It may have been on its way there: whatever came of it has to end.
            Err(fault) if fault.kind == FaultKind::Cancelled => attempt.run(out, cancel),
            Err(fault) => Err(attempt.unheard(fault::ended(&fault))),
        };
        if !matches!(ended, Err(ExecError::Left { .. })) {
            let passed = ended.as_ref().is_ok_and(|ended| ended.exit.success());
            // Who has it end knows why it has: there is nothing to look into.
            self.shared.janitor.done(&id, passed || cancel.level().is_some());
        }
        ended
    }
}
