//! Before a run is claimed: the line to every machine of its plan, all at the same time. What is wrong with one is said now,
//! with what to do about it, and no run is made.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::pipeline::remote::Remote;
use crate::remote::{Fault, FaultKind, Transport};

/// After how long somebody who waits is told for what.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to a machine, or why there is none.
pub type Way = Result<Arc<dyn Transport>, Fault>;

/// A machine that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// Its name in the plan.
    pub remote: String,
    /// What is wrong.
    pub fault: Fault,
}

/// Makes sure of the lines to these machines. Takes as long as the slowest of them, and `say`s for whom it waits when that is
/// longer than a moment. `make` says how a machine is reached.
pub fn connect<'a>(
    remotes: impl Iterator<Item = &'a Remote>,
    make: &(dyn Fn(&Remote) -> Way + Sync),
    say: &mut dyn FnMut(&str),
) -> Result<(), Vec<Unreached>> {
    let mut open: Vec<&Remote> = remotes.collect();
    let mut unreached = Vec::new();
    std::thread::scope(|scope| {
        let (ended, results) = channel();
        open.retain(|remote| {
            let (remote, ended) = (*remote, ended.clone());
            let connect = move || {
                let result = make(remote).and_then(|transport| transport.connect(remote.timeout));
                // Whoever waits does so until all have ended.
                let _ = ended.send((&remote.name, result));
            };
            let started = std::thread::Builder::new().name("connect".into()).spawn_scoped(scope, connect);
            if let Err(error) = &started {
                let why = format!("cannot start a thread to connect to {}: {error}", remote.destination);
                unreached.push(Unreached { remote: remote.name.clone(), fault: Fault::new(FaultKind::Busy, why) });
            }
            started.is_ok()
        });
        drop(ended);
        let mut is_said = false;
        while !open.is_empty() {
            let next = if is_said { results.recv().map_err(Into::into) } else { results.recv_timeout(PATIENCE) };
            match next {
                Ok((name, result)) => {
                    open.retain(|remote| remote.name != *name);
                    let fault = result.err();
                    unreached.extend(fault.map(|fault| Unreached { remote: name.clone(), fault }));
                }
                Err(RecvTimeoutError::Timeout) => {
                    is_said = true;
                    let hosts: Vec<String> = open.iter().map(|remote| remote.destination.to_string()).collect();
                    say(&format!("connecting to {}...", hosts.join(", ")));
                }
                // A thread that panicked is told of where panics are.
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    for remote in open {
        let why = format!("the connection to {} ended unexpectedly", remote.destination);
        unreached.push(Unreached { remote: remote.name.clone(), fault: Fault::new(FaultKind::Protocol, why) });
    }
    unreached.sort_by(|a, b| a.remote.cmp(&b.remote));
    if unreached.is_empty() { Ok(()) } else { Err(unreached) }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::pipeline::remote::{DEFAULT_GIVE_UP, DEFAULT_SESSION, Destination, Sync};
    use crate::remote::{Bulk, Channel, Login};

    fn remote(name: &str) -> Remote {
        Remote {
            name: name.into(),
            destination: Destination { user: None, host: format!("{name}.example.invalid"), port: None },
            session: DEFAULT_SESSION.into(),
            dir: None,
            sync: Sync::Git,
            include: Vec::new(),
            env: std::collections::BTreeMap::new(),
            slots: None,
            description: None,
            timeout: Duration::from_secs(5),
            give_up: DEFAULT_GIVE_UP,
        }
    }

    /// A machine that is reached when all others are being reached too.
    struct Meeting(Arc<Barrier>, Option<Fault>);

    impl Transport for Meeting {
        fn host(&self) -> &'static str {
            "somebody"
        }

        fn connect(&self, limit: Duration) -> Result<(), Fault> {
            assert_eq!(limit, Duration::from_secs(5));
            self.0.wait();
            self.1.clone().map_or(Ok(()), Err)
        }

        fn open(&self, _: Login, _: Duration) -> Result<Channel, Fault> {
            Err(Fault::new(FaultKind::Unsupported, "nobody asks for it"))
        }

        fn bulk(&self) -> Bulk {
            Bulk { command: Vec::new(), host: String::new() }
        }

        fn close(&self) {}
    }

    #[test]
    fn all_are_connected_to_at_the_same_time_and_all_faults_are_told() {
        let remotes = ["a", "b", "c", "d"].map(remote);
        let barrier = Arc::new(Barrier::new(3));
        let refused = |name: &str| Fault::new(FaultKind::Refused, format!("nobody listens on {name}")).cure("start it");
        let make = |remote: &Remote| -> Way {
            let fault = (remote.name == "c").then(|| refused("c"));
            match &*remote.name {
                "b" => Err(refused("b")),
                _ => Ok(Arc::new(Meeting(Arc::clone(&barrier), fault))),
            }
        };
        let unreached = connect(remotes.iter(), &make, &mut |text| panic!("{text}")).unwrap_err();
        let told: Vec<(&str, &str)> = unreached.iter().map(|u| (&*u.remote, &*u.fault.message)).collect();
        assert_eq!(told, [("b", "nobody listens on b"), ("c", "nobody listens on c")]);
        assert_eq!(connect([].into_iter(), &make, &mut |text| panic!("{text}")), Ok(()));
    }

    /// H127: whoever waits knows for what.
    #[test]
    fn h127_who_waits_longer_than_a_moment_is_told_for_whom() {
        let remotes = ["a", "b"].map(remote);
        // Nobody gets there before it was said that somebody waits.
        let barrier = Arc::new(Barrier::new(2));
        let make = |remote: &Remote| -> Way {
            let alone = Arc::new(Barrier::new(1));
            Ok(Arc::new(Meeting(if remote.name == "b" { Arc::clone(&barrier) } else { alone }, None)))
        };
        let mut said = Vec::new();
        let result = connect(remotes.iter(), &make, &mut |text| {
            said.push(text.to_owned());
            barrier.wait();
        });
        assert_eq!((result, &said[..]), (Ok(()), &["connecting to b.example.invalid...".to_owned()][..]));
    }
}
