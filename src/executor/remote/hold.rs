//! Standing still on another machine: a paused run's processes there are stopped, all of them, and go on when it does. And
//! signals, which reach a tree whether it stands still or not.

use std::time::Duration;

use super::attempt::{Attempt, Turn};
use super::fault;
use super::processes::{self, Remaining, named};
use super::verdict::Verdict;
use crate::cancel::{CancelLevel, CancelToken};
use crate::clock::{Clock, SystemClock};
use crate::event::OutputSink;
use crate::executor::ExecError;
use crate::remote::shell::Answer;
use crate::remote::{Fault, FaultKind};

/// Has it stand still, go on, or take a signal: see the file.
const HOLD: &str = include_str!("scripts/hold.sh");
/// For how long who asked waits for a line that is down, before being told so. It is done once the line is there again.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of having it stand still.
enum Stopped {
    /// It does, but for what this sentence names.
    Still(Option<String>),
    /// Something else is asked of it meanwhile.
    Otherwise,
}

impl Attempt<'_> {
    /// Does what was asked meanwhile: sends signals, and has it stand still for as long as it is to. Its verdict, where it
    /// has ended all the same.
    pub(super) fn attend(
        &mut self,
        out: &mut dyn OutputSink,
        cancel: &CancelToken,
    ) -> Result<Option<Verdict>, ExecError> {
        self.pass_signals_on(cancel)?;
        let level = cancel.level();
        let (mut told, mut asked, mut over) = (None, false, None);
        while let Some(hold) = cancel.held().filter(|_| cancel.level() == level) {
            self.pass_signals_on(cancel)?;
            if told != Some(hold) {
                asked = true;
                let Stopped::Still(restless) = self.stop(hold, cancel)? else { continue };
                told = Some(hold);
                cancel.say_still(hold, restless);
            }
            if let Turn::Over(verdict) = self.turn(None, out)? {
                over = Some(verdict);
                break;
            }
        }
        if asked && over.is_none() {
            self.go_on(cancel)?;
        }
        Ok(over)
    }

    /// Stops all of it.
    fn stop(&self, hold: u64, cancel: &CancelToken) -> Result<Stopped, ExecError> {
        let level = cancel.level();
        let began = SystemClock.now();
        let changed = || cancel.held() != Some(hold) || cancel.level() != level;
        let host = self.site.host();
        let mut is_late = false;
        loop {
            let limit = PATIENCE.min(self.site.timeout);
            let late = || !is_late && SystemClock.now().since(began) >= limit;
            match self.ask("still", &|| changed() || late()) {
                Ok(answer) => return Ok(Stopped::Still(restless(&answer, host))),
                Err(fault) if fault.kind != FaultKind::Cancelled => return Err(fault::ended(&fault)),
                Err(_) if changed() => return Ok(Stopped::Otherwise),
                Err(_) => {
                    is_late = true;
                    let said = format!("{host} cannot be reached: what runs there stands still once it can");
                    cancel.say_still(hold, Some(said));
                }
            }
        }
    }

    /// Has all of it go on, before anything else but being killed, which reaches what stands still.
    pub(super) fn go_on(&self, cancel: &CancelToken) -> Result<(), ExecError> {
        match self.ask("on", &|| cancel.level() == Some(CancelLevel::Kill)) {
            Ok(_) => Ok(()),
            Err(fault) if fault.kind == FaultKind::Cancelled => Ok(()),
            Err(fault) => Err(fault::ended(&fault)),
        }
    }

    /// Sends signals that came to every process of the tree, and says how many got each.
    fn pass_signals_on(&self, cancel: &CancelToken) -> Result<(), ExecError> {
        if !cancel.has_signals() {
            return Ok(());
        }
        for (at, signal) in cancel.take_signals().into_iter().enumerate() {
            let began = SystemClock.now();
            let limit = PATIENCE.min(self.site.timeout);
            // So that one that was sent before the line was cut is not sent again.
            let claim = format!("{signal} __claim={}.{at}", began.mono_us);
            let late = || SystemClock.now().since(began) >= limit || cancel.level() == Some(CancelLevel::Kill);
            let reached = match self.ask(&claim, &late) {
                Ok(answer) => signalled(&answer),
                Err(fault) if fault.kind == FaultKind::Cancelled => 0,
                Err(fault) => {
                    cancel.say_signalled(0);
                    return Err(fault::ended(&fault));
                }
            };
            cancel.say_signalled(reached);
        }
        Ok(())
    }

    fn ask(&self, what: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        let script = processes::script(&self.site.place, self.job, &format!("__ask={what}"), HOLD);
        self.call(&script, cancelled)
    }
}

/// How many processes got a signal.
fn signalled(answer: &Answer) -> usize {
    let text = answer.text();
    let count = text.lines().last().and_then(|line| line.strip_prefix("signalled "));
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// What does not stand still, as a sentence.
fn restless(answer: &Answer, host: &str) -> Option<String> {
    let text = answer.text();
    let running: Vec<Remaining> =
        text.lines().filter_map(|line| Remaining::read(line.strip_prefix("restless ")?)).collect();
    let refused: usize = text.lines().find_map(|line| line.strip_prefix("refused ")?.parse().ok()).unwrap_or(0);
    let hung = (!running.is_empty())
        .then(|| format!("{} hangs in the kernel and stops only when it comes out of it", named(&running)));
    let refused = match refused {
        0 => None,
        n => Some(format!("{n} of its processes belong to another user and cannot be stopped")),
    };
    let parts: Vec<String> = [hung, refused].into_iter().flatten().collect();
    (!parts.is_empty())
        .then(|| format!("not all of it stands still on {host} while the run is paused: {}", parts.join("; ")))
}
