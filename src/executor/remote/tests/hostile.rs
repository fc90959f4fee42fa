//! What goes wrong there: machines that are started anew, wrappers that are killed, full disks, planted files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use super::harness::{Log, Machine, Straight, here, wait_until};
use crate::cancel::CancelToken;
use crate::executor::{ExecError, Executor};
use crate::outcome::Exit;

fn message(result: Result<crate::executor::Ended, ExecError>) -> String {
    match result {
        Err(ExecError::Infrastructure { message }) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_started_is_joined_and_never_started_twice() {
    let machine = Machine::new();
    let job = machine.sh("echo x >>started; echo one; while [ ! -e go ]; do sleep 0.01; done; echo two; exit 3");
    let joins = crate::executor::Job { resumes: Some(4), ..job.clone() };
    std::thread::scope(|scope| {
        let (machine, job) = (&machine, &job);
        let both = [0, 1].map(|_| scope.spawn(move || machine.execute(job)));
        wait_until(|| machine.attempt().join("pid").exists());
        let third = scope.spawn(|| machine.execute(&joins));
        fs::write(machine.path("work/go"), "").unwrap();
        for one in both {
            let (result, log) = one.join().unwrap();
            assert_eq!((result.unwrap().exit, log.bytes.as_slice()), (Exit::Code(3), b"one\ntwo\n".as_slice()));
        }
        let (result, log) = third.join().unwrap();
        assert_eq!((result.unwrap().exit, log.bytes.as_slice()), (Exit::Code(3), b"two\n".as_slice()));
    });
    assert_eq!(fs::read_to_string(machine.path("work/started")).unwrap(), "x\n");
    // What has ended is joined too, by another supervisor.
    let (result, log) = machine.execute(&job);
    assert_eq!((result.unwrap().exit, log.bytes.as_slice()), (Exit::Code(3), b"one\ntwo\n".as_slice()));
}

#[test]
fn what_was_never_started_is_lost_and_not_started() {
    let machine = Machine::new();
    let job = crate::executor::Job { resumes: Some(0), ..machine.sh("echo x >started") };
    let (result, _) = machine.execute(&job);
    let never = crate::executor::ExecError::NotThere { message: "lost on box: it was never started there".into() };
    assert_eq!(result, Err(never));
    assert!(!machine.path("work/started").exists() && !machine.attempt().exists());
}

/// H132: by the boot's id, and without a verdict; with one, the boot does not matter.
#[test]
fn h132_a_machine_that_was_started_anew_has_lost_what_ran() {
    let machine = Machine::new();
    let job = machine.sh("echo x; while [ ! -e go ]; do sleep 0.01; done");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| machine.execute(&job));
        wait_until(|| machine.attempt().join("pid").exists());
        // Another supervisor, since the follower reads it once: no machine is started anew below one.
        let again = Machine::beside(&machine);
        fs::write(machine.path("boot_id"), "another\n").unwrap();
        let joins = crate::executor::Job { resumes: Some(0), ..job.clone() };
        let (result, _) = again.execute(&joins);
        assert_eq!(message(result), "lost on box: the machine was started anew while it ran");
        fs::write(machine.path("work/go"), "").unwrap();
        drop(first.join());
        wait_until(|| machine.attempt().join("verdict").exists());
        assert_eq!(Machine::beside(&machine).execute(&joins).0.unwrap().exit, Exit::Code(0));
    });
}

#[test]
fn a_wrapper_that_is_killed_is_a_loss() {
    let machine = Machine::new();
    let job = machine.sh("echo out; trap '' HUP; while [ ! -e go ]; do sleep 0.01; done");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.execute(&job));
        wait_until(|| fs::read(machine.attempt().join("log")).is_ok_and(|log| log == b"out\n"));
        let pid = fs::read_to_string(machine.attempt().join("pid")).unwrap();
        let pid = rustix::process::Pid::from_raw(pid.split(' ').next().unwrap().parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let command = fs::read_to_string(machine.attempt().join("group")).unwrap();
        let command = Path::new("/proc").join(command.split(' ').next().unwrap());
        assert!(command.exists());
        let (result, log) = running.join().unwrap();
        assert_eq!(message(result), "lost on box: what waited for its end was killed, for want of memory perhaps");
        // Nobody would ever hear of it again.
        wait_until(|| {
            !command.exists() || fs::read_to_string(command.join("stat")).is_ok_and(|stat| stat.contains(") Z "))
        });
        assert_eq!(log.bytes, b"out\n");
    });
}

/// H137: a verdict that is not all there is none, however often it is looked at.
#[test]
fn h137_half_a_verdict_is_none() {
    let machine = Machine::new();
    let job = machine.sh("while [ ! -e go ]; do sleep 0.01; done; exit 5");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.execute(&job));
        wait_until(|| machine.attempt().join("pid").exists());
        let verdict = machine.attempt().join("verdict");
        for record in ["", "local-ci", "local-ci 1 x code 0", "local-ci 1 x code 0 1 0 - en", "\n"] {
            for _ in 0..200 {
                fs::write(&verdict, record).unwrap();
                assert!(!running.is_finished());
                std::thread::sleep(std::time::Duration::from_micros(500));
            }
        }
        fs::write(machine.path("work/go"), "").unwrap();
        assert_eq!(running.join().unwrap().0.unwrap().exit, Exit::Code(5));
    });
}

/// H136: a record of somebody else's is no verdict, and a link is not followed to one.
#[test]
fn h136_a_planted_verdict_is_not_believed() {
    let machine = Machine::new();
    let job = machine.sh("while [ ! -e go ]; do sleep 0.01; done; exit 5");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.execute(&job));
        wait_until(|| machine.attempt().join("pid").exists());
        let planted = machine.path("planted");
        fs::write(&planted, "local-ci 1 0123456789abcdef code 0 1 0 - end\n").unwrap();
        symlink(&planted, machine.attempt().join("verdict")).unwrap();
        let (result, _) = running.join().unwrap();
        assert_eq!(message(result), "lost on box: what is there as its verdict is not what its wrapper writes");
        fs::write(machine.path("work/go"), "").unwrap();
        // The wrapper's own takes its place, and the file that was linked to is as it was.
        wait_until(|| fs::symlink_metadata(machine.attempt().join("verdict")).is_ok_and(|meta| !meta.is_symlink()));
        assert!(fs::read_to_string(&planted).unwrap().contains(" code 0 "));
    });
    let job = crate::executor::Job { resumes: Some(0), ..job };
    assert_eq!(Machine::beside(&machine).execute(&job).0.unwrap().exit, Exit::Code(5));
}

/// H136: nothing is written below a directory that is a link, or that others may write to.
#[test]
fn h136_directories_that_are_not_ours_alone_are_refused() {
    let machine = Machine::new();
    let elsewhere = machine.path("elsewhere");
    fs::create_dir_all(machine.path("state")).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, machine.path("state/local-ci")).unwrap();
    let told = message(machine.run("true").0);
    assert!(told.starts_with("the directory for runs on box cannot be used:") && told.contains("is a link"), "{told}");
    fs::remove_file(machine.path("state/local-ci")).unwrap();

    fs::create_dir(machine.path("state/local-ci")).unwrap();
    fs::set_permissions(machine.path("state/local-ci"), fs::Permissions::from_mode(0o777)).unwrap();
    let told = message(Machine::beside(&machine).run("true").0);
    assert!(told.contains("others may write to"), "{told}");

    fs::remove_dir_all(machine.path("state/local-ci")).unwrap();
    fs::create_dir_all(machine.run_dir()).unwrap();
    symlink(&elsewhere, machine.attempt()).unwrap();
    let told = message(Machine::beside(&machine).run("true").0);
    assert!(told.contains("s.1 is a link"), "{told}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn what_is_written_there_is_for_us_alone() {
    let machine = Machine::new();
    machine.run("true").0.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for dir in ["state/local-ci", "state/local-ci/p-12345678", "state/local-ci/p-12345678/runs"] {
        assert_eq!(mode(&machine.path(dir)), 0o700, "{dir}");
    }
    assert_eq!((mode(&machine.run_dir()), mode(&machine.attempt())), (0o700, 0o700));
    for file in fs::read_dir(machine.attempt()).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

/// H131: a full disk loses output, and says so; the verdict comes.
#[test]
fn h131_a_full_disk_does_not_lose_the_verdict() {
    let Some(tmpfs) = Tmpfs::mount("1m") else {
        eprintln!("skipped: only root may mount a small file system");
        return;
    };
    let machine = Machine::new();
    let state = machine.path("state");
    symlink(tmpfs.0.path(), &state).unwrap();
    let (result, log) = machine.execute(&machine.sh("head -c 4000000 /dev/zero || exit 3"));
    let told = message(result);
    assert!(told.starts_with("the stage ended with exit code 3 on box, where there is no room"), "{told}");
    assert!(told.contains("100%"), "{told}");
    assert!(log.bytes.len() > 500_000 && log.bytes.len() < 1_100_000, "{}", log.bytes.len());
    // And what cannot begin says so before anything has run.
    let mut job = machine.sh("true");
    job.attempt = 2;
    let told = message(machine.execute(&job).0);
    assert!(told.starts_with("there is no room for the stage's files on box: tmpfs"), "{told}");
}

struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = std::ffi::CString::new(format!("size={size}")).unwrap();
        let mounted = rustix::process::geteuid().is_root()
            && run(&["mount", "-t", "tmpfs", "-o", options.to_str().unwrap(), "tmpfs", dir.path().to_str().unwrap()]);
        mounted.then_some(Self(dir))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        run(&["umount", "-l", self.0.path().to_str().unwrap()]);
    }
}

fn run(argv: &[&str]) -> bool {
    let tools =
        crate::process::tool::Tools::plain(&crate::env::Env::from_pairs([("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")]));
    let tool = crate::process::tool::Tool::new(argv.iter().copied());
    tools.run(&tool, super::harness::LIMIT, &|| false).is_ok_and(|ran| ran.exit == Exit::Code(0))
}

#[test]
fn nothing_starts_where_it_was_cancelled_before() {
    let machine = Machine::with(|home| Arc::new(Straight::new(here(home))));
    let cancel = CancelToken::new();
    cancel.raise(crate::cancel::CancelLevel::Terminate);
    let result = machine.executor.execute(&machine.sh("touch started"), &mut Log::default(), &cancel);
    assert_eq!(message(result), "cancelled before it could be started");
    assert!(!machine.path("work/started").exists());
}
