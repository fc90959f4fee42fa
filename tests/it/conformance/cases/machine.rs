//! What another machine may be like: its shells, its programs, its disk, its keys, and that it may begin anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use local_ci::outcome::Exit;
use rustix::process::getuid;

use crate::conformance::backend::{Backend, Stage};
use crate::conformance::elsewhere::Ssh;
use crate::support::{Finished, Setup, have, skip, wait_until};

/// Runs something of everything there, and fails unless it went as it does anywhere.
#[track_caller]
fn assert_works(at: &Ssh) {
    let quoted = "it's \"here\" $HOME `x` \\ ünï";
    let run = format!("printf '%s\\n' {}; echo err >&2; exit 3", local_ci::plan::quote(quoted));
    let seen = at.run(&[Stage::new(run), Stage::new("cat local-ci.toml").named("tree")]);
    seen[0].assert("failed", Exit::Code(3));
    assert_eq!(seen[0].text(), format!("{quoted}\nerr\n"));
    seen[1].assert("passed", Exit::Code(0));
    assert_eq!(seen[1].text(), fs::read_to_string(at.project().dir().join("local-ci.toml")).unwrap());
    at.assert_nothing_left();
}

/// Runs a stage that would say so if it were started, and fails unless nothing ran, with this code; what was said.
#[track_caller]
fn refused(at: &Ssh, args: &[&str]) -> Finished {
    at.product.configure(&[Stage::new("chaos touch \"$SIDE/it-ran\"")]);
    let refused = at.run_there(args).limit(Duration::from_secs(90)).output().assert_code(3);
    assert!(!at.project().side("it-ran").exists(), "it ran\n{}", refused.transcript());
    refused
}

#[track_caller]
fn assert_says(finished: &Finished, words: &[&str]) {
    let said = finished.stdout() + &finished.stderr();
    for word in words {
        assert!(said.contains(word), "{word:?} was not said\n{}", finished.transcript());
    }
}

/// H139: whatever the login shell is and prints, scripts go to `/bin/sh`.
pub(crate) fn login_shells_may_be_odd() {
    for shell in ["sh", "fish", "csh"] {
        if !have(shell) {
            continue;
        }
        let Some(at) = Ssh::with(Setup::default().shell(shell)) else { return };
        assert_works(&at);
    }
}

/// H139: what scripts print that a shell runs at its start is no answer to anything, even where it looks like the end of
/// one; nor does it matter that they fail.
pub(crate) fn start_files_may_be_noisy() {
    let noise = "echo 'Welcome to this machine!'; printf 'no newline \\001\\377'; echo to stderr >&2; cd /; false\n";
    for setup in [
        Setup::default().rc(noise).profile(noise),
        Setup::default().shell("sh").profile(noise),
        Setup::default().profile("set -eu\n").rc("umask 000\nset -f\n"),
        Setup::default().line("Banner /etc/hostname"),
    ] {
        let Some(at) = Ssh::with(setup) else { return };
        assert_works(&at);
    }
}

/// H139: accounts that run nothing. It is said what answered, and that nothing ran.
pub(crate) fn an_account_without_a_shell_is_said() {
    for force in ["echo 'This account is currently not available.'; exit 1", "cat >/dev/null", "exit 0"] {
        let Some(at) = Ssh::with(Setup::default().force(force)) else { return };
        let said = refused(&at, &["--remote-timeout", "5"]);
        assert_says(&said, &["box", "shell"]);
        at.assert_nothing_left();
    }
}

/// Names of directories there, which nobody here has chosen.
pub(crate) fn a_home_may_have_any_name() {
    let state = |name: &str| format!("XDG_STATE_HOME=\"$HOME/{name}\"\nexport XDG_STATE_HOME\n");
    let name = "state of me's, ünï";
    let Some(at) = Ssh::with(Setup::default().profile(&state(name))) else { return };
    assert_works(&at);
    assert!(at.host().home().join(name).join("local-ci").is_dir(), "nothing was kept where the profile said");
    // But for a line break, which no answer from there could have in it: that is said, and nothing runs.
    let Some(at) = Ssh::with(Setup::default().profile(&state("two\nlines"))) else { return };
    assert_says(&refused(&at, &[]), &["box", "line break"]);
    at.assert_nothing_left();
}

/// H134: tmux is for onlookers.
pub(crate) fn tmux_may_be_missing() {
    let Some(at) = Ssh::with(Setup::default().without(&["tmux"])) else { return };
    at.product.configure(&[Stage::new("echo it works")]);
    let told = at.run_there(&["-v"]).output().assert_code(0);
    assert!(told.stdout().contains("\nit works\n"), "{}", told.transcript());
    let events = at.project().events(1);
    let says = |event: &serde_json::Value| event["text"].as_str().is_some_and(|text| text.contains("tmux"));
    assert!(events.iter().any(says), "nobody was told\n{}\n{events:#?}", told.transcript());
    at.assert_nothing_left();
}

/// The cure says how git comes there.
pub(crate) fn git_may_be_missing() {
    let Some(at) = Ssh::with(Setup::default().without(&["git", "git-receive-pack"])) else { return };
    let said = refused(&at, &[]);
    assert_says(&said, &["box", "git", "apt-get install"]);
    at.assert_nothing_left();
}

pub(crate) fn rsync_may_be_missing() {
    if !have("rsync") {
        return;
    }
    let Some(at) = Ssh::with(Setup::default().without(&["rsync"])) else { return };
    at.product.configure_with(
        "[remotes.box]\nhost = \"box\"\nsync = \"rsync\"",
        &[Stage::new("chaos touch \"$SIDE/it-ran\"")],
    );
    let said = at.run_there(&[]).output().assert_code(3);
    assert!(!at.project().side("it-ran").exists());
    assert_says(&said, &["box", "rsync", "apt-get install"]);
    at.assert_nothing_left();
}

/// H129: what ssh says of it, and nothing runs.
pub(crate) fn a_changed_host_key_is_refused(at: &Ssh) {
    at.host().change_key();
    at.host_mut().down();
    at.host_mut().up();
    let said = refused(at, &[]);
    assert_says(&said, &["box", "key", "ssh-keygen"]);
    at.host().trust();
    assert_works(at);
}

/// H129: a key that nobody has seen is no key to be trusted.
pub(crate) fn an_unknown_host_key_is_refused(at: &Ssh) {
    at.host().forget();
    let said = refused(at, &[]);
    assert_says(&said, &["box", "key"]);
    assert_eq!(fs::read_to_string(at.project().side("there/known_hosts")).unwrap(), "", "it was trusted by itself");
    at.host().trust();
    assert_works(at);
}

/// H128: a key that is not taken; and one that wants its passphrase, which nobody is asked for.
pub(crate) fn a_key_that_is_not_taken_is_said(at: &Ssh) {
    let authorized = at.project().side("there/authorized_keys");
    let key = fs::read(&authorized).unwrap();
    fs::write(&authorized, "").unwrap();
    assert_says(&refused(at, &[]), &["box", "ssh-copy-id"]);
    fs::write(&authorized, key).unwrap();
    let locked = Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "a phrase", "-f"])
        .arg(at.project().side("there/user_key"))
        .status();
    assert!(locked.unwrap().success());
    assert_says(&refused(at, &[]), &["box", "ssh-add"]);
    at.assert_nothing_left();
}

/// H127: nobody there, nobody of that name, and somebody who takes the connection and says nothing: each is said in time.
pub(crate) fn a_machine_that_does_not_answer_is_said(at: &Ssh) {
    at.host_mut().down();
    assert_says(&refused(at, &["--remote-timeout", "5"]), &["box"]);
    at.line.sever();
    assert_says(&refused(at, &["--remote-timeout", "5"]), &["box"]);
    at.line.mend();
    at.line.stall();
    at.host_mut().up();
    assert_says(&refused(at, &["--remote-timeout", "3"]), &["box"]);
    at.line.flow();
    at.host().address("no-such-host.invalid", 22);
    assert_says(&refused(at, &["--remote-timeout", "5"]), &["box"]);
    at.assert_nothing_left();
}

/// H143: a name is a name and never an option of ssh.
pub(crate) fn a_host_is_never_an_option(at: &Ssh) {
    at.product.configure(&[Stage::new("true")]);
    let planted = at.project().side("planted");
    let option = format!("-oProxyCommand=touch {}", planted.display());
    let user = format!("x{option}");
    for host in [option.as_str(), "-", "", "a b", "box;id", "$(id)", "`id`", "a\nb", user.as_str()] {
        let refused = at.product.local_ci(&["run", &format!("--remote={host}")]).output();
        assert_eq!(refused.status.code(), Some(2), "{host:?}\n{}", refused.transcript());
        assert!(!planted.exists(), "{host:?} was run");
    }
    at.assert_nothing_left();
}

/// A disk of so many KiB that is mounted for as long as this lives; root alone has that.
struct Disk(PathBuf);

impl Disk {
    fn at(dir: &Path, kib: u32) -> Option<Self> {
        if !getuid().is_root() {
            skip("skipped: a small disk is mounted by root alone; run the tests as root in a container");
            return None;
        }
        fs::create_dir_all(dir).unwrap();
        let options = format!("size={kib}k,mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(dir).output().unwrap();
        if !mounted.status.success() {
            skip("skipped: this container may not mount anything; it needs the capability SYS_ADMIN");
            return None;
        }
        Some(Self(dir.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A machine whose state is on a disk of four megabytes.
fn on_a_small_disk() -> Option<(Disk, Ssh)> {
    let at = Ssh::new()?;
    let disk = Disk::at(&at.host().home().join(".local/state"), 4096)?;
    Some((disk, at))
}

/// H131: what is printed has no room there. It is no fault of the stage's, and it is said where there is none.
pub(crate) fn a_full_disk_for_the_log_is_said() {
    let Some((_disk, at)) = on_a_small_disk() else { return };
    at.product.configure(&[Stage::new("chaos flood 20M; echo flooded >\"$SIDE/flooded\"")]);
    let run = at.run_there(&[]).output();
    let seen = at.product.seen(at.product.count_run(), &["s"], &run.transcript()).remove(0);
    assert_ne!(seen.status, "passed", "{}", seen.said);
    assert!(
        seen.log.iter().all(|byte| matches!(byte, b'x' | b'\n')) || seen.text().contains("No space"),
        "not what it wrote"
    );
    let end = run.stdout();
    let end = &end[end.len().saturating_sub(4000)..];
    assert!(end.contains("no room") && end.contains("on box"), "{end}");
    at.assert_nothing_left();
}

/// H131: the verdict finds its room, or there is none; it is never made up.
pub(crate) fn a_full_disk_for_the_verdict_is_no_verdict() {
    let Some((disk, at)) = on_a_small_disk() else { return };
    let fill = format!("dd if=/dev/zero of={}/fill bs=1k 2>/dev/null || :; echo filled; exit 3", disk.0.display());
    let seen = at.run_one(Stage::new(fill));
    match seen.status.as_str() {
        "failed" => assert_eq!(seen.exit, Some(Exit::Code(3)), "{}", seen.said),
        _ => {
            assert_eq!(seen.status, "errored", "{}", seen.said);
            assert!(seen.said.contains("on box") && seen.said.contains("no room"), "{}", seen.said);
        }
    }
    at.assert_nothing_left();
}

/// H131: there is no room for the work tree.
pub(crate) fn a_full_disk_for_the_tree_is_said() {
    let Some((_disk, at)) = on_a_small_disk() else { return };
    let mut noise = vec![0; 8 << 20];
    fs::File::open("/dev/urandom").and_then(|mut random| std::io::Read::read_exact(&mut random, &mut noise)).unwrap();
    fs::write(at.project().dir().join("large"), noise).unwrap();
    at.project().expects("large");
    assert_says(&refused(&at, &[]), &["box", "room"]);
    at.assert_nothing_left();
}

/// H132: everything there is gone, and it is another boot: the stage is lost, and nothing is started anew.
pub(crate) fn a_reboot_is_said_and_starts_nothing() {
    if !getuid().is_root() {
        skip("skipped: another boot id is mounted by root alone; run the tests as root in a container");
        return;
    }
    let boot = |n: u32| format!("{n}0000000-0000-4000-8000-000000000000");
    let Some(at) = Ssh::with(Setup::default().boot(&boot(1))) else { return };
    let begun =
        at.start(&[Stage::new("echo x >>\"$SIDE/starts\"; echo begun; exec chaos sleep 600 --pid-file \"$SIDE/pid\"")]);
    let there = at.project().identity("pid");
    at.host_mut().kill_all();
    there.assert_gone();
    for dir in at.attempts_there() {
        let _ = fs::remove_file(dir.join("verdict"));
    }
    at.host_mut().change(|setup| setup.boot(&boot(2)));
    at.host_mut().up();
    let seen = begun.wait().remove(0);
    assert_eq!(seen.status, "errored", "{}", seen.said);
    assert!(seen.said.contains("box: the machine was started anew"), "{}", seen.said);
    assert_eq!(fs::read_to_string(at.project().side("starts")).unwrap(), "x\n");
    at.assert_nothing_left();
}

/// H133: onlookers lose their view, the stage loses nothing.
pub(crate) fn a_killed_tmux_ends_nothing(at: &Ssh) {
    if !have("tmux") {
        return;
    }
    let run = "chaos touch \"$SIDE/up\"; chaos wait-for \"$SIDE/go\"; echo it works";
    let begun = at.start(&[Stage::new(run)]);
    wait_until("the stage to run", || at.project().side("up").exists());
    wait_until("a window to show it", || at.host().tmux(&["list-windows", "-t", "=onion:"]).status.success());
    at.host().tmux(&["kill-server"]);
    at.project().open_gate("go");
    let seen = begun.wait().remove(0);
    seen.assert("passed", Exit::Code(0));
    assert_eq!(seen.text(), "it works\n");
    at.assert_nothing_left();
}

/// Nothing of a run that has ended is there any more; what is left of one whose end nobody saw goes with a later one; and
/// it does not matter that it is not there.
pub(crate) fn cleaning_up_twice_is_harmless(at: &Ssh) {
    for _ in 0..2 {
        at.run_one(Stage::new("echo it works")).assert("passed", Exit::Code(0));
        // The verdict is told before its supervisor has taken away what it has there.
        wait_until("the attempts' directories to be gone", || at.attempts_there().is_empty());
    }
    fs::remove_dir_all(at.host().state()).unwrap();
    at.run_one(Stage::new("echo it works")).assert("passed", Exit::Code(0));
    at.assert_nothing_left();
}
