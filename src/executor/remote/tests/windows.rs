//! Windows for onlookers, with a tmux of the test's own.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::harness::{Ends, Log, Machine, Straight, wait_until};
use crate::cancel::{CancelLevel, CancelToken};
use crate::env::Env;
use crate::executor::remote::{RemoteExecutor, Site, window};
use crate::executor::{Executor, Job};
use crate::outcome::Exit;
use crate::process::tool::{Tool, Tools};
use crate::remote::here::Here;

/// A machine with a tmux whose sockets are the test's own. Ends its server.
struct Looking {
    dir: Arc<tempfile::TempDir>,
    tools: Tools,
}

impl Looking {
    /// None, with a line that says so, where there is no tmux.
    fn new() -> Option<Self> {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let path = dir.path().to_str().unwrap();
        let pairs = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", path), ("TMUX_TMPDIR", path)];
        let tools = Tools::plain(&Env::from_pairs(pairs));
        if tools.find("tmux").is_err() {
            eprintln!("skipped: there is no tmux (apt-get install tmux)");
            return None;
        }
        Some(Self { dir, tools })
    }

    fn machine(&self, session: &str) -> Machine {
        let tools = self.tools.clone();
        let line = |_: &std::path::Path| Arc::new(Straight::new(Here::new(tools))) as Arc<_>;
        let adjust = |site| Site { session: Some(session.to_owned()), ..site };
        Machine::adjusted(Arc::clone(&self.dir), line, adjust, RemoteExecutor::new)
    }

    fn tmux(&self, args: &[&str]) -> String {
        let tool = Tool::new(["tmux", "-L", "local-ci", "-f", "/dev/null"].iter().chain(args));
        let ran = self.tools.run(&tool, Duration::from_mins(1), &|| false).unwrap();
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    fn windows(&self) -> Vec<String> {
        self.tmux(&["list-windows", "-a", "-F", "#{session_name}:#{window_name}"]).lines().map(str::to_owned).collect()
    }

    fn screen(&self, window: &str) -> String {
        self.tmux(&["capture-pane", "-p", "-t", window])
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn named(machine: &Machine, stage: &str, script: &str) -> Job {
    Job { stage: crate::ids::StageName::new(stage).unwrap(), ..machine.sh(script) }
}

#[test]
fn a_stage_that_runs_has_a_window_that_shows_its_output() {
    let Some(looking) = Looking::new() else { return };
    // Whose name begins as ours does, and is another.
    looking.tmux(&["new-session", "-d", "-s", "onions", "sleep", "600"]);
    let machine = looking.machine("onion");
    let job = named(&machine, "lint", "echo first; echo '$HOME;'; while [ ! -e go ]; do sleep 0.01; done; echo last;");
    let ends = Ends(CancelToken::new());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.executor.execute(&job, &mut Log::default(), &ends.0));
        wait_until(|| looking.windows().contains(&"onion:lint".to_owned()));
        wait_until(|| looking.screen("=onion:lint").contains("$HOME;"));
        let screen = looking.screen("=onion:lint");
        assert!(screen.starts_with("lint of run 42: echo first; echo '$HOME;'; while"), "{screen}");
        fs::write(machine.path("work/go"), "").unwrap();
        assert_eq!(running.join().unwrap().unwrap().exit, Exit::Code(0));
        wait_until(|| looking.screen("=onion:lint").contains("[ended with code 0] Enter closes this window."));
        assert!(looking.screen("=onion:lint").contains("last\n"));
    });
    assert_eq!(looking.windows().len(), 2);
    drop(machine);
    wait_until(|| looking.windows().len() == 1);
}

/// H133: the window goes, the stage goes on.
#[test]
fn h133_a_killed_tmux_server_ends_no_stage() {
    let Some(looking) = Looking::new() else { return };
    let machine = looking.machine("onion");
    let job = named(&machine, "build", "while [ ! -e go ]; do sleep 0.01; done; echo whole");
    let mut log = Log::default();
    let ends = Ends(CancelToken::new());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.executor.execute(&job, &mut log, &ends.0));
        wait_until(|| !looking.windows().is_empty());
        looking.tmux(&["kill-server"]);
        fs::write(machine.path("work/go"), "").unwrap();
        assert_eq!(running.join().unwrap().unwrap().exit, Exit::Code(0));
    });
    assert_eq!(log.bytes, b"whole\n");
}

/// Windows of what failed stay, the last twenty of them, over the end of the run.
#[test]
fn the_windows_of_what_failed_stay() {
    let Some(looking) = Looking::new() else { return };
    for n in 0..21 {
        let name = format!("old{n}!");
        if n == 0 {
            looking.tmux(&["new-session", "-d", "-s", "onion", "-n", &name, "sleep", "600"]);
        } else {
            looking.tmux(&["new-window", "-d", "-t", "=onion:", "-n", &name, "sleep", "600"]);
        }
    }
    let machine = looking.machine("onion");
    let job = named(&machine, "unit", "echo why; while [ ! -e go ]; do sleep 0.01; done; exit 3");
    let ends = Ends(CancelToken::new());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.executor.execute(&job, &mut Log::default(), &ends.0));
        wait_until(|| {
            looking.windows().contains(&"onion:unit".to_owned()) && looking.screen("=onion:unit").contains("why")
        });
        fs::write(machine.path("work/go"), "").unwrap();
        assert_eq!(running.join().unwrap().unwrap().exit, Exit::Code(3));
    });
    drop(machine);
    wait_until(|| looking.windows().len() == 20);
    let windows = looking.windows();
    assert!(windows.contains(&"onion:unit!".to_owned()) && !windows.contains(&"onion:old1!".to_owned()), "{windows:?}");
    wait_until(|| looking.screen("=onion:unit!").contains("[ended with code 3]"));
    assert!(looking.screen("=onion:unit!").contains("why"));
}

/// Nobody looks into why it has ended who has it end: its window does not wait for Enter.
#[test]
fn the_windows_of_what_was_cancelled_go_with_the_run() {
    let Some(looking) = Looking::new() else { return };
    looking.tmux(&["new-session", "-d", "-s", "onion", "-n", "mine", "sleep", "600"]);
    let machine = looking.machine("onion");
    let job = named(&machine, "unit", "echo up; while :; do sleep 0.01; done");
    let ends = Ends(CancelToken::new());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.executor.execute(&job, &mut Log::default(), &ends.0));
        wait_until(|| looking.windows().contains(&"onion:unit".to_owned()));
        ends.0.raise(CancelLevel::Terminate);
        assert!(!running.join().unwrap().unwrap().exit.success());
    });
    drop(machine);
    wait_until(|| looking.windows() == ["onion:mine"]);
}

#[test]
fn what_to_type_or_why_nobody_can_look_on_is_told() {
    let onlook =
        |says: &str| window::onlook("ssh -t -p 2222 ci@box.example.invalid", "box.example.invalid", "onion", says);
    assert_eq!(
        onlook("tmux 3.3a\n").unwrap(),
        "ssh -t -p 2222 ci@box.example.invalid \"tmux -L local-ci attach -t '=onion'\""
    );
    assert!(onlook("tmux master").is_ok());
    let why = onlook("tmux 1.8").unwrap_err();
    assert!(why.contains("too old for us (tmux 1.8; 2.1 is needed)"), "{why}");
    assert!(onlook("").unwrap_err().starts_with("there is no tmux on box.example.invalid"));
}
