//! What the facts of a machine mean for stages that are to run there, and what to do about those that are in their way.

use std::time::Duration;

use super::{Found, Reached};
use crate::outcome::HumanDuration;
use crate::pipeline::remote::{Remote, Sync};
use crate::plan::quote;
use crate::remote::probe::{Place, Probe};
use crate::session::doctor::Level;

/// With less room than this, the next run may be the one that fills the disk.
const ROOM_LITTLE: u64 = 1 << 30;
/// With less, there is none worth the name.
const ROOM_NONE: u64 = 64 << 20;
/// Less free memory than this is little for any compiler.
const MEMORY_LITTLE: u64 = 256 << 20;
/// Clocks that are further apart than this confuse tools that compare times of files.
const CLOCK_OFF_MS: i64 = 60_000;
/// How many sessions on one connection a run takes: for control, for following, and for sending the tree.
const SESSIONS_LEAST: u32 = 3;

/// What is to be said of a machine that was reached. `has_here` says whether this one has a program.
pub(super) fn judge(remote: &Remote, reached: &Reached, has_here: &dyn Fn(&str) -> bool) -> Vec<Found> {
    let Reached { probe, .. } = reached;
    let mut found = vec![connection(reached)];
    found.extend(reached.round_trip.map(|time| ok("round trip", format!("{} (median)", exactly(time)))));
    found.push(shell(reached));
    found.extend(system(probe));
    found.extend(sending(remote, probe, has_here));
    found.push(tmux(probe));
    found.extend(tools(probe));
    found.extend(runs(probe));
    found.extend(work(remote, probe));
    found.extend(strength(probe));
    found.extend(clock(reached));
    found.extend(logout(probe));
    found.extend(sessions(probe));
    if !probe.is_whole {
        found.push(Found::new(Level::Warning, "answer", "it was cut off, so that not all of it is known"));
    }
    found
}

fn ok(about: &'static str, text: impl Into<String>) -> Found {
    Found::new(Level::Ok, about, text)
}

fn connection(reached: &Reached) -> Found {
    ok("connection", format!("reached in {}, and the key is accepted", HumanDuration(reached.connected)))
}

/// A time that is mostly less than a few milliseconds.
fn exactly(time: Duration) -> String {
    if time < Duration::from_millis(10) {
        format!("{:.1}ms", time.as_secs_f64() * 1000.0)
    } else {
        HumanDuration(time).to_string()
    }
}

fn shell(reached: &Reached) -> Found {
    let name = reached.probe.shell.as_deref().unwrap_or("the login shell");
    if !reached.has_profile {
        let text = "the profile ends a login shell: stages start without what it sets, PATH perhaps";
        return Found::new(Level::Warning, "shell", text).cure("have ~/.profile there end without `exit` or `exec`");
    }
    let noise = String::from_utf8_lossy(&reached.noise);
    match noise.lines().map(str::trim).find(|line| !line.is_empty()) {
        None => ok("shell", name),
        Some(first) => {
            ok("shell", format!("{name}; it prints \"{first}\" before anything is asked, which does no harm"))
        }
    }
}

fn system(probe: &Probe) -> Vec<Found> {
    let kernel = probe.kernel.as_deref().unwrap_or("of an unknown kind");
    if kernel != "Linux" {
        return vec![Found::new(Level::Problem, "system", format!("it is {kernel}, and stages run on Linux alone"))];
    }
    let words = [probe.system.as_deref(), Some(kernel), probe.release.as_deref(), probe.machine.as_deref()];
    let mut found = vec![ok("system", words.into_iter().flatten().collect::<Vec<_>>().join(" "))];
    if !probe.has_proc {
        let text = "/proc cannot be read: a stage could neither be ended nor told from another";
        found.push(Found::new(Level::Problem, "system", text).cure("mount -t proc proc /proc"));
    }
    found
}

/// What it takes to bring the work tree there.
fn sending(remote: &Remote, probe: &Probe, has_here: &dyn Fn(&str) -> bool) -> Vec<Found> {
    let program = match remote.sync {
        Sync::Git => "git",
        Sync::Rsync => "rsync",
        Sync::None => return vec![version(probe, "git").unwrap_or_else(|| ok("git", "not there, and not needed"))],
    };
    let mut found = Vec::new();
    found.push(version(probe, program).unwrap_or_else(|| {
        let text = format!("{program} is not there, and is what the work tree is brought by");
        Found::new(Level::Problem, program, text).cure(install(program))
    }));
    if !has_here(program) {
        let text = format!("{program} is not here, on this machine, and is what the work tree is sent by");
        found.push(Found::new(Level::Problem, program, text).cure(install(program)));
    }
    let other = if program == "git" { "rsync" } else { "git" };
    let why = if other == "rsync" { "sync = \"rsync\", or where there is no repository" } else { "sync = \"git\"" };
    found.push(version(probe, other).unwrap_or_else(|| ok(other, format!("not there; needed only for {why}"))));
    found
}

fn install(program: &str) -> String {
    format!("apt-get install {program}")
}

/// A program that is there.
fn version(probe: &Probe, name: &'static str) -> Option<Found> {
    let tool = probe.tools.get(name)?;
    let says = tool.says.trim();
    Some(ok(name, if says.is_empty() { tool.path.as_str() } else { says }))
}

fn tmux(probe: &Probe) -> Found {
    version(probe, "tmux").unwrap_or_else(|| {
        let text = "not there: stages run all the same, and nobody can look on";
        Found::new(Level::Warning, "tmux", text).cure(install("tmux"))
    })
}

/// What a stage is started with.
fn tools(probe: &Probe) -> Vec<Found> {
    let mut found = Vec::new();
    if !probe.tools.contains_key("setsid") {
        let text = "not there, and is what stages are started by";
        found.push(Found::new(Level::Problem, "setsid", text).cure(install("util-linux")));
    }
    if !probe.tools.contains_key("script") {
        found.push(ok("script", "not there; needed only for stages with `pty = true`"));
    }
    found
}

/// Where runs are kept there.
fn runs(probe: &Probe) -> Vec<Found> {
    let Some(state) = &probe.state else { return Vec::new() };
    let mut found: Vec<Found> = place(state, "runs").into_iter().collect();
    found.extend(room(state, "disk"));
    found
}

/// The project's directory there.
fn work(remote: &Remote, probe: &Probe) -> Vec<Found> {
    let Some(work) = &probe.work else { return Vec::new() };
    let mut found: Vec<Found> = if remote.sync == Sync::None && !work.exists() && !work.is_blocked {
        let text = format!("{} is not there, and with sync = \"none\" nothing is sent", work.path);
        vec![Found::new(Level::Problem, "directory", text).cure("clone the project into it, or set another `sync`")]
    } else {
        place(work, "directory").into_iter().chain([ok("directory", work.path.as_str())]).take(1).collect()
    };
    if work.is_noexec {
        let text = format!("{} is on a file system from which nothing can be executed", work.path);
        found.push(Found::new(Level::Warning, "directory", text).cure("set `dir` to one elsewhere"));
    }
    let same = probe.state.as_ref().is_some_and(|state| state.mount == work.mount);
    found.extend(room(work, "disk").filter(|_| !same));
    found
}

/// What is wrong with a directory that is to be written to.
fn place(place: &Place, about: &'static str) -> Option<Found> {
    let Place { path, near, .. } = place;
    if place.is_blocked {
        let text = format!("something else is in the place of {path}");
        return Some(Found::new(Level::Problem, about, text).cure(format!(
            "mv {} {}",
            quote(path),
            quote(&format!("{path}.old"))
        )));
    }
    (!place.is_writable).then(|| {
        let text = format!("{path} cannot be written: {near} is not yours to write to");
        let cure = format!("sudo mkdir -p {0} && sudo chown \"$USER\" {0}", quote(path));
        Found::new(Level::Problem, about, text).cure(cure)
    })
}

fn room(place: &Place, about: &'static str) -> Option<Found> {
    let free = place.free?;
    let mount = place.mount.as_deref().unwrap_or(&place.near);
    let all = place.total.map(|total| format!(" of {}", size(total))).unwrap_or_default();
    let text = format!("{} free{all} on {mount}", size(free));
    let level = match free {
        ..ROOM_NONE => Level::Problem,
        ROOM_NONE..ROOM_LITTLE => Level::Warning,
        ROOM_LITTLE.. => return Some(ok(about, text)),
    };
    Some(Found::new(level, about, text).cure(format!("du -xh {} | sort -h | tail", quote(mount))))
}

/// Bytes as people count them.
#[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
fn size(bytes: u64) -> String {
    match bytes {
        ..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)),
    }
}

fn strength(probe: &Probe) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(cores) = probe.cores {
        let load = probe.load.map(|load| format!(", load {load:.1}")).unwrap_or_default();
        found.push(ok("cores", format!("{cores}{load}")));
    }
    if let (Some(free), Some(total)) = (probe.memory_free, probe.memory_total) {
        let level = if free < MEMORY_LITTLE { Level::Warning } else { Level::Ok };
        found.push(Found::new(level, "memory", format!("{} free of {}", size(free), size(total))));
    }
    found
}

fn clock(reached: &Reached) -> Option<Found> {
    let offset = reached.clock?;
    let apart = offset.ms.abs().saturating_sub(offset.margin_ms);
    let time = |ms: i64| HumanDuration(Duration::from_millis(ms.unsigned_abs()));
    if apart <= CLOCK_OFF_MS {
        let most = offset.ms.abs().saturating_add(offset.margin_ms);
        return Some(ok("clock", format!("at most {} from the one here", time(most))));
    }
    let word = if offset.ms > 0 { "ahead of" } else { "behind" };
    let text = format!("{} {word} the one here: tools that compare times of files may be wrong", time(offset.ms));
    Some(Found::new(Level::Warning, "clock", text).cure("sudo timedatectl set-ntp true"))
}

fn logout(probe: &Probe) -> Option<Found> {
    if probe.survives_logout? {
        return Some(ok("logout", "what runs goes on when the line is lost"));
    }
    let text =
        "what runs is killed when the last session of the user ends (KillUserProcesses): a lost line ends stages";
    let user = probe.user.as_deref().map_or("\"$USER\"".into(), quote);
    Some(Found::new(Level::Warning, "logout", text).cure(format!("sudo loginctl enable-linger {user}")))
}

fn sessions(probe: &Probe) -> Option<Found> {
    let most = probe.max_sessions.filter(|most| *most < SESSIONS_LEAST)?;
    let text = format!("MaxSessions is {most} there: several connections are made instead of one");
    Some(Found::new(Level::Warning, "sessions", text).cure("MaxSessions 10 in sshd_config there"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::remote::Destination;
    use crate::remote::probe::{Offset, Tool};

    fn tool(says: &str) -> Tool {
        Tool { path: "/usr/bin/x".into(), says: says.into() }
    }

    fn place_of(path: &str, near: &str, free: u64) -> Place {
        Place {
            path: path.into(),
            near: near.into(),
            is_writable: true,
            is_ours: true,
            total: Some(10 << 30),
            free: Some(free),
            mount: Some("/".into()),
            ..Place::default()
        }
    }

    /// A machine that has all there is to wish for.
    fn good() -> Reached {
        let tools =
            ["git", "rsync", "tmux", "setsid", "script"].map(|name| (name.to_owned(), tool(&format!("{name} 3.2"))));
        let probe = Probe {
            kernel: Some("Linux".into()),
            release: Some("6.1".into()),
            machine: Some("x86_64".into()),
            system: Some("Debian GNU/Linux 12".into()),
            has_proc: true,
            cores: Some(8),
            load: Some(0.25),
            memory_total: Some(8 << 30),
            memory_free: Some(4 << 30),
            user: Some("ci".into()),
            shell: Some("/bin/bash".into()),
            state: Some(place_of("/home/ci/state", "/home/ci", 5 << 30)),
            tools: tools.into(),
            survives_logout: Some(true),
            max_sessions: Some(10),
            is_whole: true,
            ..Probe::default()
        };
        let (connected, round_trip) = (Duration::from_millis(240), Some(Duration::from_micros(1240)));
        let clock = Some(Offset { ms: -3, margin_ms: 2 });
        Reached { connected, round_trip, noise: Vec::new(), has_profile: true, clock, probe }
    }

    fn remote() -> Remote {
        Remote::new("box", Destination { user: None, host: "box".into(), port: None })
    }

    fn said(remote: &Remote, reached: &Reached, has_here: bool) -> String {
        let line = |found: Found| {
            let cures: Vec<String> = found.cures.iter().map(|cure| format!("\n  try: {cure}")).collect();
            format!("{} {}: {}{}\n", found.level.word(), found.about, found.text, cures.concat())
        };
        judge(remote, reached, &|_| has_here).into_iter().map(line).collect()
    }

    /// What is said of it that is not as it should be.
    fn amiss(remote: &Remote, change: impl FnOnce(&mut Reached)) -> String {
        let mut reached = good();
        change(&mut reached);
        let all = said(remote, &reached, true);
        let mut lines: Vec<&str> = Vec::new();
        for line in all.lines() {
            let follows = line.starts_with("  ") && !lines.is_empty();
            if follows || !line.starts_with("ok ") && !line.starts_with("  ") {
                lines.push(line);
            }
        }
        lines.join("\n")
    }

    #[test]
    fn a_machine_that_has_all_is_described() {
        insta::assert_snapshot!(said(&remote(), &good(), true), @"
        ok connection: reached in 240ms, and the key is accepted
        ok round trip: 1.2ms (median)
        ok shell: /bin/bash
        ok system: Debian GNU/Linux 12 Linux 6.1 x86_64
        ok git: git 3.2
        ok rsync: rsync 3.2
        ok tmux: tmux 3.2
        ok disk: 5.0 GiB free of 10.0 GiB on /
        ok cores: 8, load 0.2
        ok memory: 4.0 GiB free of 8.0 GiB
        ok clock: at most 5ms from the one here
        ok logout: what runs goes on when the line is lost
        ");
        assert_eq!(amiss(&remote(), |_| {}), "");
    }

    #[test]
    fn what_is_missing_is_told_with_its_cure() {
        let bare = amiss(&remote(), |reached| reached.probe.tools.clear());
        insta::assert_snapshot!(bare, @"
        problem git: git is not there, and is what the work tree is brought by
          try: apt-get install git
        warning tmux: not there: stages run all the same, and nobody can look on
          try: apt-get install tmux
        problem setsid: not there, and is what stages are started by
          try: apt-get install util-linux
        ");
        let rsync = Remote { sync: Sync::Rsync, ..remote() };
        assert!(said(&rsync, &good(), false).contains("problem rsync: rsync is not here, on this machine"));
        let mut without_git = good();
        without_git.probe.tools.remove("git");
        assert!(!said(&rsync, &without_git, true).contains("problem"));
        assert!(!said(&Remote { sync: Sync::None, ..remote() }, &without_git, true).contains("problem"));
    }

    #[test]
    fn what_is_in_the_way_of_stages_is_told_with_its_cure() {
        let odd = amiss(&remote(), |reached| {
            reached.has_profile = false;
            reached.clock = Some(Offset { ms: 3_600_000, margin_ms: 10 });
            reached.probe.survives_logout = Some(false);
            reached.probe.max_sessions = Some(1);
            reached.probe.memory_free = Some(1 << 20);
            reached.probe.is_whole = false;
            reached.probe.state = Some(Place { is_writable: false, ..place_of("/srv/x y", "/srv", 1 << 20) });
        });
        insta::assert_snapshot!(odd, @r#"
        warning shell: the profile ends a login shell: stages start without what it sets, PATH perhaps
          try: have ~/.profile there end without `exit` or `exec`
        problem runs: /srv/x y cannot be written: /srv is not yours to write to
          try: sudo mkdir -p '/srv/x y' && sudo chown "$USER" '/srv/x y'
        problem disk: 1 MiB free of 10.0 GiB on /
          try: du -xh / | sort -h | tail
        warning memory: 1 MiB free of 8.0 GiB
        warning clock: 1h00m ahead of the one here: tools that compare times of files may be wrong
          try: sudo timedatectl set-ntp true
        warning logout: what runs is killed when the last session of the user ends (KillUserProcesses): a lost line ends stages
          try: sudo loginctl enable-linger ci
        warning sessions: MaxSessions is 1 there: several connections are made instead of one
          try: MaxSessions 10 in sshd_config there
        warning answer: it was cut off, so that not all of it is known
        "#);
        let other = amiss(&remote(), |reached| reached.probe.kernel = Some("Darwin".into()));
        assert_eq!(other, "problem system: it is Darwin, and stages run on Linux alone");
    }

    #[test]
    fn a_directory_that_was_named_is_looked_at() {
        let named = |sync| Remote { sync, dir: Some("~/x".into()), ..remote() };
        let missing = place_of("/home/ci/x", "/home/ci", 5 << 30);
        let with = |sync, work: Place| amiss(&named(sync), |reached| reached.probe.work = Some(work));
        assert_eq!(with(Sync::Git, missing.clone()), "");
        assert!(with(Sync::None, missing.clone()).starts_with("problem directory: /home/ci/x is not there"));
        assert_eq!(with(Sync::None, place_of("/home/ci/x", "/home/ci/x", 5 << 30)), "");
        let blocked = Place { is_blocked: true, ..missing.clone() };
        assert!(with(Sync::Git, blocked).contains("try: mv /home/ci/x /home/ci/x.old"));
        let full = Place { mount: Some("/mnt".into()), free: Some(1 << 20), is_noexec: true, ..missing };
        let full = with(Sync::Git, full);
        assert!(
            full.contains("warning directory") && full.contains("problem disk: 1 MiB free of 10.0 GiB on /mnt"),
            "{full}"
        );
    }

    #[test]
    fn noise_before_the_first_word_does_no_harm() {
        let mut reached = good();
        reached.noise = b"\n Welcome!\nmore\n".to_vec();
        let all = said(&remote(), &reached, true);
        assert!(all.contains("ok shell: /bin/bash; it prints \"Welcome!\" before"), "{all}");
    }
}
