//! Standing still, going on, and signals.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;

use super::harness::{Ends, Log, Machine, wait_until};
use crate::cancel::{CancelToken, Heard};
use crate::executor::{Ended, ExecError, Executor, Job};
use crate::outcome::Exit;
use crate::process::table::{environment_has, read_entry};

/// The states of all processes of a job, by their names.
fn states(job: &Job) -> Vec<(String, char)> {
    let cookie = [format!("LOCAL_CI_RUN_ID={}", job.run)];
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let living = |pid: i32| read_entry(pid).filter(|entry| !entry.is_dead() && environment_has(pid, &cookie));
    let mut states: Vec<_> = pids.filter_map(living).map(|entry| (entry.name, entry.state)).collect();
    states.sort();
    states
}

/// Whether it goes on after it stood still.
fn is_running(machine: &Machine) -> bool {
    fs::read_to_string(machine.attempt().join("held")).is_ok_and(|held| held.split_whitespace().count() == 1)
}

/// Runs a job while something is asked of it.
fn while_it_runs(
    machine: &Machine,
    job: &Job,
    ask: impl FnOnce(&CancelToken, &Receiver<Heard>),
) -> (Result<Ended, ExecError>, String) {
    let (tell, told) = crossbeam_channel::unbounded();
    let token = CancelToken::answered(move |heard| drop(tell.send(heard)));
    std::thread::scope(|scope| {
        let theirs = token.clone();
        let running = scope.spawn(move || {
            let mut log = Log::default();
            let result = machine.executor.execute(job, &mut log, &theirs);
            (result, String::from_utf8_lossy(&log.bytes).into_owned())
        });
        let ends = Ends(token);
        ask(&ends.0, &told);
        running.join().unwrap()
    })
}

/// What is said next, after that it has begun.
fn next(told: &Receiver<Heard>) -> Heard {
    match told.recv_timeout(Duration::from_mins(1)).unwrap() {
        Heard::Begun => next(told),
        heard => heard,
    }
}

/// H12: all of it stands still, what has left the group too, and goes on; the time in between is not its own.
#[test]
fn h12_a_tree_stands_still_and_goes_on() {
    let machine = Machine::new();
    let script = "setsid sleep 0.35 & (sleep 600; :) & n=0; : >ready; \
                  while [ ! -e go ]; do n=$((n + 1)); echo $n >count; done; kill $!; wait; echo done";
    let job = machine.sh(script);
    let (result, log) = while_it_runs(&machine, &job, |token, told| {
        wait_until(|| machine.path("work/ready").exists());
        token.hold(true);
        assert_eq!(next(told), Heard::Still { hold: 1, restless: None });
        let stood: Vec<(String, char)> = states(&job);
        assert!(stood.len() >= 3 && stood.iter().all(|(_, state)| *state == 'T'), "{stood:?}");
        let count = fs::read(machine.path("work/count")).unwrap();
        fs::write(machine.path("work/go"), "").unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(states(&job), stood);
        assert_eq!(fs::read(machine.path("work/count")).unwrap(), count);
        token.hold(false);
    });
    let ended = result.unwrap();
    assert_eq!((ended.exit, log.as_str()), (Exit::Code(0), "done\n"));
    let held: u64 = fs::read_to_string(machine.attempt().join("held")).unwrap().trim().parse().unwrap();
    assert!((50..6000).contains(&held), "{held}");
}

#[test]
fn what_stood_still_by_itself_is_left_so() {
    let machine = Machine::new();
    let job = machine.sh("sleep 601 & kill -STOP $!; : >ready; while [ ! -e go ]; do sleep 0.01; done; kill -KILL $!");
    let (result, _) = while_it_runs(&machine, &job, |token, told| {
        // A process that was told to stop has done so once it was scheduled.
        wait_until(|| machine.path("work/ready").exists() && states(&job).iter().any(|(_, state)| *state == 'T'));
        token.hold(true);
        next(told);
        token.hold(false);
        wait_until(|| is_running(&machine));
        assert!(states(&job).iter().any(|(_, state)| *state == 'T'));
        token.hold(true);
        assert_eq!(next(told), Heard::Still { hold: 3, restless: None });
        token.hold(false);
        fs::write(machine.path("work/go"), "").unwrap();
    });
    assert_eq!(result.unwrap().exit, Exit::Code(0));
}

#[test]
fn a_signal_reaches_every_process_and_is_counted() {
    let machine = Machine::new();
    let script = "trap 'echo heard' USR1; setsid sh -c 'trap \"echo too; exit\" USR1; : >two; while :; do sleep 0.01; done' & \
                  : >one; while [ ! -e go ]; do sleep 0.01 || :; done; wait || :";
    // A `sleep` gets the signal as well, where it is there to get it.
    let job = machine.sh(script);
    let (result, log) = while_it_runs(&machine, &job, |token, told| {
        wait_until(|| machine.path("work/one").exists() && machine.path("work/two").exists());
        token.signal(libc::SIGUSR1);
        let Heard::Signalled { processes } = next(told) else { panic!() };
        // Both shells, and each may be starting a `sleep`.
        assert!((2..=4).contains(&processes), "{processes}");
        wait_until(|| {
            fs::read_to_string(machine.attempt().join("log"))
                .is_ok_and(|log| log.contains("too") && log.contains("heard"))
        });
        fs::write(machine.path("work/go"), "").unwrap();
    });
    assert_eq!(result.unwrap().exit, Exit::Code(0));
    assert_eq!(log.matches("heard").count(), 1);
}

/// One that ends while it stands still, since somebody has killed it, is not waited for.
#[test]
fn what_is_killed_while_it_stands_still_has_ended() {
    let machine = Arc::new(Machine::new());
    let job = machine.sh("echo $$ >me; : >ready; sleep 600");
    let (result, _) = while_it_runs(&machine, &job, |token, told| {
        wait_until(|| machine.path("work/ready").exists());
        token.hold(true);
        next(told);
        let me: i32 = fs::read_to_string(machine.path("work/me")).unwrap().trim().parse().unwrap();
        rustix::process::kill_process_group(rustix::process::Pid::from_raw(me).unwrap(), rustix::process::Signal::KILL)
            .unwrap();
    });
    assert_eq!(result.unwrap().exit, Exit::Signal(9));
}
