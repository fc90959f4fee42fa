//! What another machine has for stages to run there, looked at beforehand: the line, the shell, the tools, the room.
//!
//! Connects and looks; of what is there nothing is changed.

mod judge;

use std::thread;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::env::Env;
use crate::pipeline::remote::Remote;
use crate::process::tool::Tools;
use crate::remote::probe::{Offset, Probe};
use crate::remote::shell::Shell;
use crate::remote::{Fault, Login, Transport};
use crate::session::doctor::Level;
use crate::session::remotes::Ways;

/// How often the line's round trip is measured.
const ROUND_TRIPS: usize = 5;
/// The stack of a thread that looks at one machine.
const STACK: usize = 1 << 20;

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// How bad it is.
    pub level: Level,
    /// What it is about, in a word or two.
    pub about: &'static str,
    /// What.
    pub text: String,
    /// What to do about it: commands or settings, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cures: Vec<String>,
}

impl Found {
    fn new(level: Level, about: &'static str, text: impl Into<String>) -> Self {
        Self { level, about, text: text.into(), cures: Vec::new() }
    }

    fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cures.push(cure.into());
        self
    }
}

/// What is known of the line to a machine that was reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// How long it took until it was connected; hardly anything where a line was there already.
    pub connected: Duration,
    /// From a request to its answer: the median of a few.
    pub round_trip: Option<Duration>,
    /// What the login scripts print before anything is asked, its first 4 KiB.
    pub noise: Vec<u8>,
    /// Whether the user's profile let a shell come up.
    pub has_profile: bool,
    /// How far its clock is ahead of ours.
    pub clock: Option<Offset>,
    /// What it is and has.
    pub probe: Probe,
}

/// What was found of one machine.
#[derive(Clone, Debug)]
pub struct Checkup {
    /// Which.
    pub remote: Remote,
    /// What could be learnt; none where it was not reached.
    pub reached: Option<Reached>,
    /// What is to be said of it, what was looked at first before what comes after it.
    pub found: Vec<Found>,
}

impl Checkup {
    /// How many findings are this bad.
    pub fn count(&self, level: Level) -> usize {
        self.found.iter().filter(|found| found.level == level).count()
    }
}

/// Looks at these machines, all at the same time; what was found in their order.
pub fn check(remotes: &[Remote], env: &Env) -> Vec<Checkup> {
    let tools = Tools::plain(env);
    let ways = Ways::new(tools.clone(), env);
    let has_here = |tool: &str| tools.find(tool).is_ok();
    let look = &|remote: &Remote| {
        let reached = ways.to(remote).and_then(|way| reach(&*way, remote));
        of(remote, reached, &has_here)
    };
    let looked = thread::scope(|scope| {
        let start = |remote| {
            let started = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || look(remote));
            (remote, started)
        };
        let started: Vec<_> = remotes.iter().map(start).collect();
        let result = |(remote, started): (&Remote, std::io::Result<thread::ScopedJoinHandle<'_, Checkup>>)| {
            // Where there is no room for a thread, one after the other.
            started.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| look(remote))
        };
        started.into_iter().map(result).collect()
    });
    ways.close();
    looked
}

fn of(remote: &Remote, reached: Result<Reached, Fault>, has_here: &dyn Fn(&str) -> bool) -> Checkup {
    let (reached, found) = match reached {
        Ok(reached) => {
            let found = judge::judge(remote, &reached, has_here);
            (Some(reached), found)
        }
        Err(fault) => {
            let found = Found { cures: fault.cures, ..Found::new(Level::Problem, "connection", fault.message) };
            (None, vec![found])
        }
    };
    Checkup { remote: remote.clone(), reached, found }
}

/// Connects to a machine and has it say what it is.
fn reach(way: &dyn Transport, remote: &Remote) -> Result<Reached, Fault> {
    let limit = remote.timeout;
    let began = SystemClock.now();
    way.connect(limit)?;
    let connected = SystemClock.now().since(began);
    let shell = Shell::open(way, Login::Yes, limit)?;
    for _ in 0..ROUND_TRIPS {
        shell.call(":", limit, &|| false)?;
    }
    let round_trip = shell.round_trip();
    let sent = SystemClock.now().unix_ms;
    let answer = shell.call(&Probe::script(None, remote.dir.as_deref()), limit, &|| false)?;
    let received = SystemClock.now().unix_ms;
    let probe = Probe::read(&answer.output);
    Ok(Reached {
        connected,
        round_trip,
        noise: shell.noise().to_vec(),
        has_profile: shell.login() == Login::Yes,
        clock: probe.clock_offset(sent, received),
        probe,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::remote::Destination;
    use crate::remote::here::Here;

    /// This machine, as if it were another one, is fit for stages.
    #[test]
    fn a_machine_that_has_all_has_no_problem() {
        let home = tempfile::tempdir().unwrap();
        let own = Env::capture();
        let env = Env::from_pairs([("PATH", own.text("PATH").unwrap()), ("HOME", home.path().to_str().unwrap())]);
        let remote = Remote::new("here", Destination { user: None, host: "here".into(), port: None });
        let reached = reach(&Here::new(Tools::plain(&env)), &remote).unwrap();
        assert!(reached.probe.is_whole && reached.round_trip.is_some() && reached.has_profile, "{reached:?}");
        assert!(reached.clock.unwrap().ms.abs() < 5_000, "{reached:?}");
        let checkup = of(&remote, Ok(reached), &|_| true);
        let lines: Vec<String> = checkup.found.iter().map(|found| format!("{}: {}", found.about, found.text)).collect();
        assert!(lines.iter().any(|line| line.starts_with("round trip: ")), "{lines:?}");
        // Whether this machine has git and room is not ours to say.
        assert!(lines.iter().any(|line| line.starts_with("git: ")), "{lines:?}");
    }

    #[test]
    fn one_that_is_not_reached_has_its_cures() {
        let remote = Remote::new("here", Destination { user: None, host: "here".into(), port: None });
        let fault = Fault::new(crate::remote::FaultKind::Auth, "here: no key was accepted").cure("ssh-add");
        let checkup = of(&remote, Err(fault), &|_| true);
        assert!(checkup.reached.is_none());
        assert_eq!(
            (checkup.count(Level::Problem), checkup.found[0].cures.as_slice()),
            (1, &["ssh-add".to_owned()][..])
        );
    }
}
