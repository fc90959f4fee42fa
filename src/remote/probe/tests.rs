use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::clock::{Clock, SystemClock};

/// Asks this machine, with a shell that has no more than the script needs.
#[expect(clippy::disallowed_methods, reason = "nobody else waits for a test's child")]
fn ask(script: &str, env: &[(&str, &str)]) -> Vec<u8> {
    let mut shell = Command::new("/bin/sh")
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    shell.wait_with_output().unwrap().stdout
}

#[test]
fn this_machine_is_as_it_says() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_str().unwrap();
    let sent = SystemClock.now().unix_ms;
    let answer = ask(&Probe::script(None, Some("~/a b/it's")), &[("HOME", path)]);
    let received = SystemClock.now().unix_ms;
    let probe = Probe::read(&answer);
    assert!(probe.is_whole && probe.has_proc && probe.home_is_writable && probe.sleeps_fractions, "{probe:?}");
    assert_eq!(probe.kernel.as_deref(), Some("Linux"));
    assert_eq!(probe.boot, crate::process::identity::boot_id().ok());
    assert_eq!(probe.uid, Some(rustix::process::getuid().as_raw()));
    assert_eq!(probe.home.as_deref(), Some(path));
    assert!(probe.cores.is_some_and(|cores| cores > 0) && probe.load.is_some() && probe.shell.is_some());
    assert!(probe.memory_free.unwrap() < probe.memory_total.unwrap());
    assert!(probe.survives_logout.is_some());
    let work = probe.work.clone().unwrap();
    assert_eq!((work.path.as_str(), work.near.as_str()), (&*format!("{path}/a b/it's"), path));
    assert!(!work.exists() && work.is_writable && work.is_ours && !work.is_blocked);
    assert!(work.free.unwrap() <= work.total.unwrap() && work.kind.is_some());
    assert_eq!(probe.state.clone().unwrap().path, format!("{path}/.local/state/local-ci"));
    assert_eq!(probe.tools["tar"].path.rsplit('/').next(), Some("tar"));
    let offset = probe.clock_offset(sent, received).unwrap();
    assert!(offset.ms.abs() <= offset.margin_ms + 2, "{offset:?}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "it leaves nothing");
}

#[test]
fn a_machine_that_has_nothing_is_described_as_far_as_it_goes() {
    let bare = tempfile::tempdir().unwrap();
    let answer = ask(&Probe::script(None, None), &[("PATH", bare.path().to_str().unwrap()), ("HOME", "/nowhere")]);
    let probe = Probe::read(&answer);
    assert!(probe.is_whole && probe.has_proc);
    assert!(probe.tools.is_empty() && probe.kernel.is_none() && probe.clock.is_none() && !probe.sleeps_fractions);
    assert!(!probe.home_is_writable && probe.boot.is_some());
    let state = probe.state.unwrap();
    assert_eq!((state.near.as_str(), state.exists(), state.free), ("/", false, None));
}

#[test]
fn a_file_in_a_directorys_place_is_told() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let answer = ask(&Probe::script(None, file.to_str()), &[("HOME", "/")]);
    let work = Probe::read(&answer).work.unwrap();
    assert!(work.is_blocked && !work.exists() && Path::new(&work.near) == home.path());
}

#[test]
fn an_answer_that_was_cut_or_is_full_of_noise_is_read_as_far_as_it_is_one() {
    let text = "Welcome!\nkernel Linux\n\ncores two\numask 0027\nmax_sessions 5\nmax_sessions 9\nstate_room x y z\ntool\nsays git\nload 0.5";
    let probe = Probe::read(text.as_bytes());
    assert_eq!((probe.kernel.as_deref(), probe.cores, probe.umask), (Some("Linux"), None, Some(0o027)));
    assert_eq!((probe.max_sessions, probe.load, probe.is_whole), (Some(5), Some(0.5), false));
    assert_eq!(probe.survives_logout, None);
    Probe::read(b"\xff\xfe \0\nstate_\nwork_mount\nclock_first 9999999999999999999.1\n");
}

#[test]
fn room_is_read_whatever_the_device_is_called() {
    let answer = "state_room //server/my share 1000 400 600      40% /mnt/a b\nstate_mount cifs rw,noexec,nosuid\n";
    let place = Probe::read(answer.as_bytes()).state.unwrap();
    assert_eq!((place.total, place.free, place.mount.as_deref()), (Some(1_024_000), Some(614_400), Some("/mnt/a b")));
    assert_eq!((place.kind.as_deref(), place.is_noexec), (Some("cifs"), true));
}

#[test]
fn versions_are_the_first_two_numbers() {
    let table = [
        ("tmux 3.3a", Some((3, 3))),
        ("tmux next-3.4", Some((3, 4))),
        ("tmux master", None),
        ("git version 2.47.3", Some((2, 47))),
        ("rsync  version 3.2.7  protocol version 31", Some((3, 2))),
        ("util-linux2 2.38.1", Some((2, 38))),
        ("v99999999999.1", None),
        ("ünix 7", None),
        ("", None),
    ];
    for (says, version) in table {
        assert_eq!(Tool { path: String::new(), says: says.into() }.version(), version, "{says}");
    }
}

/// H145: only the way there and back makes the offset uncertain, however long the answer took to be made.
#[test]
fn h145_a_clocks_offset_is_known_to_half_a_round_trip() {
    let probe = Probe { clock: Some((1_003_610_050, 1_003_611_050)), ..Probe::default() };
    assert_eq!(probe.clock_offset(1_000_010_000, 1_000_011_100), Some(Offset { ms: 3_600_000, margin_ms: 50 }));
    assert_eq!(Probe::default().clock_offset(0, 1), None);
    assert_eq!(milliseconds("5.%N"), Some(5000));
    assert_eq!(milliseconds("5"), Some(5000));
}

/// H36: what is started dies with the login where logind is told so, unless the user lingers.
#[test]
fn h36_whether_processes_stay_after_logout_is_read_from_the_machine() {
    let session = "user ada\ncgroup 0::/user.slice/user-1000.slice/session-3.scope\n";
    let kills = "logind_file /etc/systemd/logind.conf\nlogind [Login]\nlogind KillUserProcesses=yes\n";
    let again = |dir: &str, value: &str| {
        format!("logind_file {dir}/logind.conf.d/a.conf\nlogind [Login]\nlogind KillUserProcesses={value}\n")
    };
    let table = [
        (session.to_owned(), Some(true)),
        (format!("{session}{kills}"), Some(false)),
        (format!("{session}{kills}linger yes\n"), Some(true)),
        (format!("{session}{kills}{}", again("/run/systemd", "no")), Some(true)),
        (format!("{session}{}{}", again("/run/systemd", "no"), again("/etc/systemd", "yes")), Some(false)),
        (format!("user ada\ncgroup 0::/\n{kills}"), Some(true)),
        (kills.to_owned(), None),
    ];
    for (text, survives) in table {
        assert_eq!(Probe::read(text.as_bytes()).survives_logout, survives, "{text}");
    }
}
