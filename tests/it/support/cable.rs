//! A cable between this machine and a namespace of the network that stands for another. Root alone can lay one.

use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::getuid;

use super::strace::skip;

/// Those of one test run count up; the process id tells runs apart.
static LAID: AtomicU32 = AtomicU32::new(0);

/// A cable, for as long as this lives.
pub(crate) struct Cable {
    name: String,
    far: String,
}

impl Cable {
    /// None, with a line that says why, where there cannot be one.
    pub(crate) fn lay() -> Option<Self> {
        if !getuid().is_root() {
            skip("skipped: a network namespace is made by root alone; run the tests as root in a container");
            return None;
        }
        let number = LAID.fetch_add(1, Ordering::SeqCst);
        let process = std::process::id();
        // The name of an interface has 15 bytes at most.
        let name = format!("lci{process}-{number}");
        // Of those set aside for documentation, four for each cable; 63 of them at a time are enough for any test run.
        let block = (process.wrapping_mul(7).wrapping_add(number) % 63) * 4;
        let [near, far] = [block + 1, block + 2].map(|last| format!("198.51.100.{last}"));
        let [near_net, far_net] = [&near, &far].map(|address| format!("{address}/30"));
        let cable = Self { name, far };
        let (ns, inside) = (cable.name.as_str(), "eth-there");
        let laid = [
            vec!["netns", "add", ns],
            vec!["link", "add", ns, "type", "veth", "peer", "name", inside, "netns", ns],
            vec!["addr", "add", &near_net, "dev", ns],
            vec!["link", "set", ns, "up"],
            vec!["-n", ns, "addr", "add", &far_net, "dev", inside],
            vec!["-n", ns, "link", "set", inside, "up"],
            vec!["-n", ns, "link", "set", "lo", "up"],
        ];
        for words in laid {
            match ip(&words) {
                Some(done) if done.status.success() => {}
                Some(done) => {
                    let why = String::from_utf8_lossy(&done.stderr);
                    skip(&format!("skipped: no network namespace can be made here: {}", why.trim()));
                    return None;
                }
                None => {
                    skip("skipped: ip is not installed; apt-get install iproute2");
                    return None;
                }
            }
        }
        Some(cable)
    }

    /// The namespace at its other end.
    pub(crate) fn namespace(&self) -> &str {
        &self.name
    }

    /// The address there.
    pub(crate) fn far_address(&self) -> &str {
        &self.far
    }

    /// Draws it: nothing moves, and nobody is told.
    pub(crate) fn draw(&self) {
        self.set("down");
    }

    /// Puts it back.
    pub(crate) fn put_back(&self) {
        self.set("up");
    }

    fn set(&self, state: &str) {
        // At the far end: at this one, an interface that is down would say "unreachable" at once, which no cable does.
        let set = ip(&["-n", &self.name, "link", "set", "eth-there", state]).unwrap();
        assert!(set.status.success(), "{set:?}");
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // The interface goes first: a namespace lives for as long as a process in it, its name or not.
        ip(&["link", "del", &self.name]);
        ip(&["netns", "del", &self.name]);
    }
}

fn ip(words: &[&str]) -> Option<Output> {
    Command::new("ip").args(words).stdin(Stdio::null()).output().ok()
}
