//! What another machine is and has: one script there, and its answer as types. Whatever could not be found out is left
//! out, so that an odd machine is still described as far as it goes. Judges nothing: who asks knows what is needed.

use std::collections::BTreeMap;

use crate::plan::quote;
use crate::process::logind::{is_session, would_kill};

/// What is printed there.
const SCRIPT: &str = include_str!("scripts/probe.sh");
/// Everything after its first line has been said: the answer is whole.
const END: &str = "end";

/// What a machine is and has. All texts are as they came: to be made printable before a terminal sees them.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Probe {
    /// `Linux`, as `uname -s` says it.
    pub kernel: Option<String>,
    /// The kernel's release.
    pub release: Option<String>,
    /// What it is built for: `x86_64`.
    pub machine: Option<String>,
    /// What it calls itself.
    pub name: Option<String>,
    /// The distribution, as a person knows it.
    pub system: Option<String>,
    /// Whether processes and their environments can be looked at in `/proc`.
    pub has_proc: bool,
    /// Which boot of it this is.
    pub boot: Option<String>,
    /// How many processors a process of ours may use.
    pub cores: Option<u32>,
    /// How many processes wanted one, on average over the last minute.
    pub load: Option<f64>,
    /// All memory, in bytes.
    pub memory_total: Option<u64>,
    /// What of it can be had without swapping, in bytes.
    pub memory_free: Option<u64>,
    /// Who is logged in.
    pub user: Option<String>,
    /// That user's number.
    pub uid: Option<u32>,
    /// Where that user is at home.
    pub home: Option<String>,
    /// Whether something can be written there.
    pub home_is_writable: bool,
    /// What new files may not be: `0o022`.
    pub umask: Option<u32>,
    /// Where commands are looked for.
    pub path: Option<String>,
    /// The user's shell.
    pub shell: Option<String>,
    /// The file that `/bin/sh` really is.
    pub sh: Option<String>,
    /// Whether `sleep` takes fractions of a second.
    pub sleeps_fractions: bool,
    /// Where runs are kept.
    pub state: Option<Place>,
    /// Where the work tree is, or will be, where that was asked for.
    pub work: Option<Place>,
    /// The programs that were found, of those that are of use.
    pub tools: BTreeMap<String, Tool>,
    /// Whether what is started stays when the user logs out; none where the machine was not understood.
    pub survives_logout: Option<bool>,
    /// How many sessions one connection may have, where sshd's configuration can be read and says so.
    pub max_sessions: Option<u32>,
    /// Its clock at the beginning and at the end of the answer, in milliseconds since 1970.
    pub clock: Option<(i64, i64)>,
    /// Whether the answer came whole.
    pub is_whole: bool,
}

/// A directory there, and the file system under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Place {
    /// The directory, absolute.
    pub path: String,
    /// The nearest directory above that is there; the same where it is there itself.
    pub near: String,
    /// Whether there is something else in its place.
    pub is_blocked: bool,
    /// Whether we may write and go into `near`.
    pub is_writable: bool,
    /// Whether `near` belongs to the user.
    pub is_ours: bool,
    /// All room of the file system, in bytes.
    pub total: Option<u64>,
    /// What of it we may still use, in bytes.
    pub free: Option<u64>,
    /// Where it is mounted.
    pub mount: Option<String>,
    /// Its kind: `ext4`, `nfs4`.
    pub kind: Option<String>,
    /// Whether nothing can be executed there.
    pub is_noexec: bool,
}

impl Place {
    /// Whether the directory is there.
    pub fn exists(&self) -> bool {
        self.path == self.near
    }
}

/// A program there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tool {
    /// Its file.
    pub path: String,
    /// The first line of what it says of its version.
    pub says: String,
}

impl Tool {
    /// The first two numbers of its version, where it tells one.
    pub fn version(&self) -> Option<(u32, u32)> {
        let numbers = |word: &str| {
            let mut numbers = word.split('.').map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        };
        self.says.split(|c: char| c != '.' && !c.is_ascii_digit()).find_map(numbers)
    }
}

/// How far a machine's clock is ahead of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// By so many milliseconds; below zero: it is behind.
    pub ms: i64,
    /// The true offset is no further from that than this, in milliseconds.
    pub margin_ms: i64,
}

impl Probe {
    /// The script to run there. `state`: where runs are kept, if not in the usual place; `work`: the work tree's directory, if
    /// it is to be looked at. Both as a user writes them: from home, or absolute, or with a `~`.
    pub fn script(state: Option<&str>, work: Option<&str>) -> String {
        let assign = |name: &str, value: Option<&str>| format!("{name}={}\n", quote(value.unwrap_or_default()));
        [assign("probe_state", state), assign("probe_work", work), SCRIPT.to_owned()].concat()
    }

    /// What it answered.
    pub fn read(answer: &[u8]) -> Self {
        let mut probe = Self::default();
        let mut logout = Logout::default();
        let text = String::from_utf8_lossy(answer);
        for line in text.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            let value = value.trim();
            if !probe.take(key, value) {
                logout.take(key, value);
            }
        }
        probe.survives_logout = logout.survives(probe.user.as_deref());
        probe
    }

    /// How far its clock is ahead of ours: `sent` and `received` are ours before the question and after the answer, in
    /// milliseconds since 1970. What it took there is taken out, so that only the way there and back makes it uncertain.
    pub fn clock_offset(&self, sent: i64, received: i64) -> Option<Offset> {
        let (first, last) = self.clock?;
        let way = (received - sent).saturating_sub(last - first).max(0);
        Some(Offset { ms: i64::midpoint(first - sent, last - received), margin_ms: (way + 1) / 2 })
    }

    /// Takes in one line; says whether it was about the machine itself.
    fn take(&mut self, key: &str, value: &str) -> bool {
        let text = || Some(value.to_owned());
        let kilobytes = || value.parse::<u64>().ok().and_then(|kilobytes| kilobytes.checked_mul(1024));
        match key {
            "kernel" => self.kernel = text(),
            "release" => self.release = text(),
            "machine" => self.machine = text(),
            "name" => self.name = text(),
            "system" => self.system = text(),
            "proc" => self.has_proc = true,
            "boot" => self.boot = text(),
            "cores" => self.cores = value.parse().ok(),
            "load" => self.load = value.parse().ok(),
            "memory_total" => self.memory_total = kilobytes(),
            "memory_free" => self.memory_free = kilobytes(),
            "user" => self.user = text(),
            "uid" => self.uid = value.parse().ok(),
            "home" => self.home = text(),
            "home_writable" => self.home_is_writable = true,
            "umask" => self.umask = u32::from_str_radix(value, 8).ok(),
            "path" => self.path = text(),
            "shell" => self.shell = text(),
            "sh" => self.sh = text(),
            "fractions" => self.sleeps_fractions = true,
            // The first that says it counts.
            "max_sessions" => self.max_sessions = self.max_sessions.or_else(|| value.parse().ok()),
            "clock_first" => self.clock = milliseconds(value).map(|first| (first, first)),
            "clock_last" => {
                self.clock = self.clock.and_then(|(first, _)| milliseconds(value).map(|last| (first, last)));
            }
            "tool" => {
                if let Some((name, path)) = value.split_once(' ') {
                    path.clone_into(&mut self.tools.entry(name.to_owned()).or_default().path);
                }
            }
            "says" => {
                let (name, says) = value.split_once(' ').unwrap_or((value, ""));
                says.clone_into(&mut self.tools.entry(name.to_owned()).or_default().says);
            }
            END => self.is_whole = true,
            _ => {
                let place = match key.split_once('_') {
                    Some(("state", what)) => Some((&mut self.state, what)),
                    Some(("work", what)) => Some((&mut self.work, what)),
                    _ => None,
                };
                let Some((place, what)) = place else { return false };
                place.get_or_insert_default().take(what, value);
            }
        }
        true
    }
}

impl Place {
    fn take(&mut self, key: &str, value: &str) {
        match key {
            "path" => value.clone_into(&mut self.path),
            "near" => value.clone_into(&mut self.near),
            "file" => self.is_blocked = true,
            "writable" => self.is_writable = true,
            "ours" => self.is_ours = true,
            "room" => self.take_room(value),
            "mount" => {
                let (kind, options) = value.split_once(' ').unwrap_or((value, ""));
                self.kind = Some(kind.to_owned());
                self.is_noexec = options.split(',').any(|option| option == "noexec");
            }
            _ => {}
        }
    }

    /// The last line of `df -Pk`: device, total, used and free in units of 1024 bytes, `12%`, and where it is mounted. A
    /// device's name may have blanks.
    fn take_room(&mut self, line: &str) {
        let Some((numbers, mount)) = line.rsplit_once("% ") else { return };
        let mut numbers = numbers.split_whitespace().rev();
        let mut kilobytes = |skip| numbers.nth(skip)?.parse::<u64>().ok()?.checked_mul(1024);
        // Backwards: how full it is, what is free, what is used, all of it.
        self.free = kilobytes(1);
        self.total = kilobytes(1);
        self.mount = Some(mount.trim().to_owned());
    }
}

/// `1795191702.052725623`, or without a fraction where `date` has none.
fn milliseconds(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let milliseconds = fraction.get(..3).and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(0);
    seconds.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(milliseconds)
}

/// What decides whether processes stay when the user logs out.
#[derive(Default)]
struct Logout {
    cgroup: Option<String>,
    lingers: bool,
    /// The main file, and after it those whose names sort later; of those that have one name the last.
    files: BTreeMap<String, String>,
    file: String,
}

impl Logout {
    fn take(&mut self, key: &str, value: &str) {
        match key {
            "cgroup" => {
                let all = self.cgroup.get_or_insert_default();
                all.push_str(value);
                all.push('\n');
            }
            "linger" => self.lingers = true,
            "logind_file" => {
                let name = value.rsplit('/').next().unwrap_or_default();
                // Sorts before all others.
                self.file = if value.contains("/logind.conf.d/") { name.to_owned() } else { String::new() };
                self.files.insert(self.file.clone(), String::new());
            }
            "logind" => {
                if let Some(text) = self.files.get_mut(&self.file) {
                    text.push_str(value);
                    text.push('\n');
                }
            }
            _ => {}
        }
    }

    fn survives(self, user: Option<&str>) -> Option<bool> {
        let (cgroup, user) = (self.cgroup?, user?);
        let files: Vec<String> = self.files.into_values().collect();
        Some(self.lingers || !is_session(&cgroup) || !would_kill(&files, user))
    }
}

#[cfg(test)]
mod tests;
