//! Commands: which are started, and how one that runs is read, ended and waited for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Bench, list};
use crate::cancel::{CancelLevel, CancelToken, Heard};
use crate::event::{OutputSink, Stream};
use crate::executor::{Ended, ExecError};
use crate::outcome::Exit;
use crate::pipeline::plugin::Grants;
use crate::plugin::granted::Commands;
use crate::plugin::granted::commands::{Patience, Running, Work};
use crate::plugin::services::{CommandExit, CommandFailure, CommandRequest, Process, Services};

const PATIENT: Patience = Patience { timeout: None, grace: Duration::from_mins(1) };

#[expect(clippy::unnecessary_wraps, reason = "it is what work answers")]
fn ended(exit: Exit) -> Result<Ended, ExecError> {
    Ok(Ended { exit, leaked: Vec::new(), took: None })
}

fn start(
    stage: &CancelToken,
    patience: Patience,
    work: impl FnOnce(&mut dyn OutputSink, &CancelToken) -> Result<Ended, ExecError> + Send + 'static,
) -> Running {
    Running::start(Box::new(work), patience, stage).unwrap()
}

/// Waits until so much is asked of a command.
fn until(token: &CancelToken, asked: impl Fn(&CancelToken) -> bool) {
    let (ring, bell) = crossbeam_channel::unbounded();
    let _registration = token.register(move || {
        // Nobody hears it any more.
        let _ = ring.send(());
    });
    while !asked(token) {
        bell.recv().unwrap();
    }
}

fn killed(token: &CancelToken) -> bool {
    token.level() == Some(CancelLevel::Kill)
}

fn all(process: &mut dyn Process) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let lines = process.next_lines(100).unwrap();
        if lines.is_empty() {
            return texts;
        }
        texts.extend(lines.into_iter().map(|line| line.text));
    }
}

#[test]
fn a_command_is_read_to_its_end() {
    let mut running = start(&CancelToken::new(), PATIENT, |out, _| {
        out.write(Stream::Stdout, b"a\nb");
        out.write(Stream::Stderr, b"c\n");
        ended(Exit::Code(3))
    });
    assert_eq!(all(&mut running), ["a", "c", "b"]);
    assert!(running.next_lines(1).unwrap().is_empty());
    assert_eq!(running.wait().unwrap(), CommandExit { code: Some(3), ..CommandExit::default() });
}

/// A guest that is slower than the command holds it up, and loses nothing.
#[test]
fn nothing_is_lost_where_the_guest_is_slow() {
    let mut running = start(&CancelToken::new(), PATIENT, |out, _| {
        for nth in 0..5000 {
            out.write(Stream::Stdout, format!("{nth}\n").as_bytes());
        }
        ended(Exit::Code(0))
    });
    let first = running.next_lines(3).unwrap();
    assert!((1..=3).contains(&first.len()));
    let rest = all(&mut running);
    assert_eq!(first.len() + rest.len(), 5000);
    assert_eq!(running.wait().unwrap().dropped_bytes, 0);
}

#[test]
fn what_nobody_fetches_is_counted_by_who_waits_for_the_end() {
    let mut running = start(&CancelToken::new(), PATIENT, |out, _| {
        for _ in 0..1000 {
            out.write(Stream::Stdout, b"123456789\n");
        }
        ended(Exit::Signal(6))
    });
    let exit = running.wait().unwrap();
    assert_eq!(exit, CommandExit { signal: Some(6), dropped_bytes: 10_000, ..CommandExit::default() });
    assert_eq!(running.wait().unwrap(), exit);
    assert!(running.next_lines(9).unwrap().is_empty());
}

#[test]
fn why_a_command_was_not_run_is_said_where_it_is_asked_for() {
    for (error, is) in [
        (
            ExecError::NotStarted { code: 127, message: "no such program".into() },
            CommandFailure::NotFound("no such program".into()),
        ),
        (ExecError::NotStarted { code: 126, message: "no".into() }, CommandFailure::Other("no".into())),
        (ExecError::Infrastructure { message: "gone".into() }, CommandFailure::Other("gone".into())),
    ] {
        let mut running = start(&CancelToken::new(), PATIENT, |_, _| Err(error));
        assert_eq!(running.next_lines(1), Err(is.clone()));
        assert_eq!(running.wait(), Err(is));
    }
}

#[test]
fn a_command_that_panics_is_a_failure_of_its_own() {
    let mut running = start(&CancelToken::new(), PATIENT, |_, _| panic!("on purpose"));
    assert!(matches!(running.wait(), Err(CommandFailure::Other(_))));
}

#[test]
fn kill_ends_it_and_so_does_dropping_it() {
    let work = |_: &mut dyn OutputSink, token: &CancelToken| {
        until(token, killed);
        ended(Exit::Signal(9))
    };
    let mut running = start(&CancelToken::new(), PATIENT, work);
    running.kill();
    assert_eq!(running.wait().unwrap().signal, Some(9));
    let (tell, told) = crossbeam_channel::unbounded();
    let running = start(&CancelToken::new(), PATIENT, move |out, token| {
        let end = work(out, token);
        tell.send(()).unwrap();
        end
    });
    drop(running);
    told.try_recv().expect("it was gone when dropping it had come to its end");
}

/// Whoever prints is who ends a command: one that floods a guest which fetches nothing can be ended all the same.
#[test]
fn a_flood_that_nobody_fetches_can_be_ended() {
    let mut running = start(&CancelToken::new(), PATIENT, |out, token| {
        while !killed(token) {
            out.write(Stream::Stdout, &b"x\n".repeat(100));
        }
        ended(Exit::Signal(9))
    });
    running.kill();
    let exit = running.wait().unwrap();
    assert_eq!(exit.signal, Some(9));
}

#[test]
fn a_command_whose_time_is_up_is_asked_to_end_and_then_killed() {
    let brief = Patience { timeout: Some(Duration::from_millis(1)), grace: Duration::from_mins(1) };
    let mut running = start(&CancelToken::new(), brief, |_, token| {
        until(token, |token| token.level() == Some(CancelLevel::Terminate));
        ended(Exit::Signal(15))
    });
    let exit = running.wait().unwrap();
    assert_eq!((exit.signal, exit.timed_out), (Some(15), true));
    let brief = Patience { timeout: Some(Duration::from_millis(1)), grace: Duration::from_millis(1) };
    let mut running = start(&CancelToken::new(), brief, |_, token| {
        until(token, killed);
        ended(Exit::Signal(9))
    });
    assert!(running.wait().unwrap().timed_out);
    let long = Patience { timeout: Some(Duration::from_mins(10)), grace: Duration::ZERO };
    let mut running = start(&CancelToken::new(), long, |_, _| ended(Exit::Code(0)));
    assert_eq!(running.wait().unwrap(), CommandExit { code: Some(0), ..CommandExit::default() });
}

#[test]
fn a_stage_that_is_to_end_ends_its_command() {
    let stage = CancelToken::new();
    let mut running = start(&stage, PATIENT, |_, token| {
        until(token, |token| token.level().is_some());
        ended(Exit::Signal(15))
    });
    stage.raise(CancelLevel::Terminate);
    assert_eq!(running.next_lines(1), Err(CommandFailure::Cancelled));
    assert_eq!(running.wait(), Err(CommandFailure::Cancelled));
    let again: Work = Box::new(|_, _| panic!("it is not started"));
    assert!(matches!(Running::start(again, PATIENT, &stage), Err(CommandFailure::Cancelled)));
}

#[test]
fn a_command_stands_still_with_its_stage_and_takes_its_signals() {
    let (tell, told) = crossbeam_channel::unbounded();
    let stage = CancelToken::answered(move |heard| tell.send(heard).unwrap());
    let mut running = start(&stage, PATIENT, |_, token| {
        until(token, CancelToken::is_held);
        token.say_still(token.held().unwrap(), Some("one goes on".into()));
        until(token, |token| !token.is_held());
        until(token, CancelToken::has_signals);
        assert_eq!(token.take_signals(), [10]);
        token.say_signalled(2);
        ended(Exit::Code(0))
    });
    stage.hold(true);
    assert_eq!(told.recv().unwrap(), Heard::Still { hold: 1, restless: Some("one goes on".into()) });
    stage.hold(false);
    stage.signal(10);
    assert_eq!(told.recv().unwrap(), Heard::Signalled { processes: 2 });
    assert_eq!(running.wait().unwrap().code, Some(0));
    // What has ended takes no signals of its stage.
    stage.signal(12);
    assert_eq!(stage.take_signals(), [12]);
}

/// Notes what it is asked for, and runs commands that end when they are killed.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<CommandRequest>>>);

impl Commands for Noting {
    fn start(&mut self, request: CommandRequest) -> Result<Box<dyn Process>, CommandFailure> {
        self.0.lock().unwrap().push(request);
        let work: Work = Box::new(|_, token| {
            until(token, killed);
            ended(Exit::Signal(9))
        });
        Ok(Box::new(Running::start(work, PATIENT, &CancelToken::new())?))
    }
}

fn request(argv: &[&str]) -> CommandRequest {
    CommandRequest { argv: list(argv), ..CommandRequest::default() }
}

#[test]
fn granted_commands_are_started_where_the_project_is_and_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("project");
    std::fs::create_dir_all(root.join("src/deep")).unwrap();
    std::fs::write(root.join("file"), "").unwrap();
    std::os::unix::fs::symlink("..", root.join("out")).unwrap();
    let noting = Noting::default();
    let mut bench = Bench::at(&root);
    bench.commands = Some(Box::new(noting.clone()));
    let grants = Grants {
        commands: list(&["git log -**", "true"]),
        env: list(&["CI", "PATH", "LD_PRELOAD"]),
        ..Grants::default()
    };
    let mut granted = bench.granted(&grants);
    for argv in [&["git"][..], &["git", "push"], &["true", "x"], &["sh", "-c", "true"], &["/bin/true"], &["./true"]] {
        assert!(matches!(granted.spawn(request(argv)), Err(CommandFailure::Denied(_))), "{argv:?}");
    }
    for argv in [&[][..], &["", "x"], &["true\0"]] {
        assert!(matches!(granted.spawn(request(argv)), Err(CommandFailure::Other(_))), "{argv:?}");
    }
    for bad in ["..", "../x", "/", "/tmp", "out", "src/../..", "a\\b"] {
        let dir = Some(bad.to_owned());
        assert!(
            matches!(granted.spawn(CommandRequest { dir, ..request(&["true"]) }), Err(CommandFailure::Denied(_))),
            "{bad}"
        );
    }
    let dir = Some("file".to_owned());
    assert!(matches!(granted.spawn(CommandRequest { dir, ..request(&["true"]) }), Err(CommandFailure::Other(_))));
    for name in ["PATH", "LD_PRELOAD", "LOCAL_CI_STAGE", "GIT_SSH_COMMAND", "HOME", "CI"] {
        let env = vec![(name.to_owned(), "x".to_owned())];
        assert!(
            matches!(granted.spawn(CommandRequest { env, ..request(&["true"]) }), Err(CommandFailure::Denied(_))),
            "{name}"
        );
    }
    for (name, value) in [("", "x"), ("A=B", "x"), ("LC_ALL", "\0")] {
        let env = vec![(name.to_owned(), value.to_owned())];
        assert!(
            matches!(granted.spawn(CommandRequest { env, ..request(&["true"]) }), Err(CommandFailure::Other(_))),
            "{name}"
        );
    }
    assert!(noting.0.lock().unwrap().is_empty(), "nothing of that was started");
    for (given, is) in
        [(None, None), (Some("src/./deep/"), Some("src/deep")), (Some("."), Some(".")), (Some("new"), Some("new"))]
    {
        let env = vec![("NO_COLOR".to_owned(), "1".to_owned()), ("LC_ALL".to_owned(), "C".to_owned())];
        let wanted =
            CommandRequest { dir: given.map(str::to_owned), env: env.clone(), ..request(&["git", "log", "-1"]) };
        drop(granted.spawn(wanted).unwrap());
        let started = noting.0.lock().unwrap().pop().unwrap();
        assert_eq!((started.dir.as_deref(), started.env), (is, env));
    }
}

#[test]
fn commands_run_one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::at(dir.path());
    bench.commands = Some(Box::new(Noting::default()));
    let cancel = bench.cancel.clone();
    let mut granted = bench.granted(&Grants { commands: list(&["true"]), ..Grants::default() });
    let mut first = granted.spawn(request(&["true"])).unwrap();
    assert!(
        matches!(granted.spawn(request(&["true"])), Err(CommandFailure::Other(why)) if why.contains("one at a time"))
    );
    first.kill();
    first.wait().unwrap();
    let second = granted.spawn(request(&["true"])).expect("the first has ended");
    drop(second);
    let mut third = granted.spawn(request(&["true"])).expect("the second is gone");
    third.kill();
    while !third.next_lines(1).unwrap().is_empty() {}
    drop(granted.spawn(request(&["true"])).expect("the third has ended"));
    cancel.raise(CancelLevel::Terminate);
    assert!(matches!(granted.spawn(request(&["true"])), Err(CommandFailure::Cancelled)));
}

#[test]
fn where_there_is_no_stage_no_command_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut granted = Bench::at(dir.path()).granted(&Grants { commands: list(&["true"]), ..Grants::default() });
    assert!(matches!(granted.spawn(request(&["true"])), Err(CommandFailure::Other(why)) if why.contains("no stage")));
}
