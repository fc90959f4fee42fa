//! Commands of plugins on another machine: each runs where its stage does, ends as it is asked to, and outlives no run.

use std::fmt::Write as _;
use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::conformance::{Backend, Ssh};
use crate::support::forge::{About, Forge, import};
use crate::support::{Running, wait_until};

/// A command of the plugin's.
#[derive(Clone, Copy)]
struct Runs {
    /// For `sh -c`.
    script: &'static str,
    /// In milliseconds.
    timeout: Option<u64>,
    /// Whether the plugin kills it once it has printed something.
    killed: bool,
}

fn runs(script: &'static str) -> Runs {
    Runs { script, timeout: None, killed: false }
}

/// A command of its own, and no script.
const ABSENT: &str = "no-such-program-of-ours";

/// A plugin that runs these commands one after the other, and says of each how it ended: `ended 3` with this code, `ended s`
/// by a signal, `ended t` after its time was over. Its stage fails where one has another code than zero.
fn plugin(commands: &[Runs]) -> Vec<u8> {
    let mut forge = Forge::default();
    let about = About {
        name: "runs",
        stages: vec![("runs", None)],
        needs: vec![("commands", "sh -c *"), ("commands", ABSENT)],
        ..About::default()
    };
    forge.describe = Some(format!("(i32.const {})", forge.info(&about)));
    let request = "(param i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32)";
    for (interface, function, name, signature) in [
        ("output", "log", "log", "(param i32 i32 i32)"),
        ("commands", "spawn", "spawn", request),
        ("commands", "[method]process.next-lines", "next", "(param i32 i32 i32)"),
        ("commands", "[method]process.kill", "kill", "(param i32)"),
        ("commands", "[method]process.wait", "wait", "(param i32 i32)"),
    ] {
        forge.imports.push_str(&import(interface, function, name, signature));
    }
    let problem = forge.problem("command", "it could not be run");
    // Results of the host's are written below the data, at 512: a variant first, what it is of behind that.
    let failed = |at: u32| {
        format!(
            "(if (i32.load8_u (i32.const 512)) (then
               (call $log (i32.const 2) (i32.load (i32.const {})) (i32.load (i32.const {})))
               (return (i32.const {problem}))))",
            at + 4,
            at + 8
        )
    };
    let (failed_early, failed_late) = (failed(516), failed(520));
    let mut body = "(local $process i32) (local $failed i32)".to_owned();
    for Runs { script, timeout, killed } in commands {
        let words = if *script == ABSENT { vec![ABSENT] } else { vec!["sh", "-c", script] };
        let texts: Vec<u32> = words.iter().flat_map(|word| forge.text(word)).collect();
        let (argv, count) = (forge.words(&texts), words.len());
        let [said, len] = forge.text("ended ?");
        let (has_timeout, timeout) = (u32::from(timeout.is_some()), timeout.unwrap_or(0));
        let kill = if *killed {
            "(call $next (local.get $process) (i32.const 1) (i32.const 512)) (call $kill (local.get $process))"
        } else {
            ""
        };
        let _ = write!(
            body,
            "(call $spawn (i32.const {argv}) (i32.const {count}) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const {has_timeout}) (i64.const {timeout}) (i32.const 0) (i32.const 0) (i32.const 512))
             {failed_early}
             (local.set $process (i32.load (i32.const 516)))
             {kill}
             (loop $more
               (call $next (local.get $process) (i32.const 100) (i32.const 512))
               {failed_early}
               (br_if $more (i32.load (i32.const 520))))
             (call $wait (local.get $process) (i32.const 512))
             {failed_late}
             (i32.store8 (i32.const {mark}) (select (i32.const 116)
               (select (i32.add (i32.const 48) (i32.load (i32.const 524))) (i32.const 115) (i32.load8_u (i32.const 520)))
               (i32.load8_u (i32.const 536))))
             (call $log (i32.const 2) (i32.const {said}) (i32.const {len}))
             (if (i32.ne (i32.load8_u (i32.const {mark})) (i32.const 48)) (then (local.set $failed (i32.const 1))))",
            mark = said + len - 1
        );
    }
    let (well, ill) = (forge.outcome(0, Some("all ended well")), forge.outcome(1, Some("one did not end well")));
    forge.run = format!("{body} (select (i32.const {ill}) (i32.const {well}) (local.get $failed))");
    forge.build()
}

/// The plugin in a project whose stage `s` it is; `more` is what else that says. Commands find the test's directory as `SIDE`.
fn furnish(at: &Ssh, commands: &[Runs], more: &str) {
    let project = at.project();
    let side = project.side_dir().into_os_string().into_string().unwrap();
    project.config(&format!(
        "[env]\nSIDE = {side:?}\n[plugins.runs]\nsource = \"path:runs.wasm\"\ngrants = {{ commands = [\"sh -c *\", \"{ABSENT}\"] }}\n\
         [stages.s]\nuses = \"runs\"\n{more}"
    ));
    project.expects("runs.wasm").expects("local-ci.lock");
    fs::write(project.dir().join("runs.wasm"), plugin(commands)).unwrap();
    project.local_ci(&["plugin", "update", "runs", "--as-granted"]).output().assert_code(0);
}

/// What a run says that its stage `s` came to.
fn came_to(at: &Ssh, number: u64) -> Value {
    at.project().verdict(number);
    let ended = at.project().events(number).into_iter().filter(|event| event["event"] == "stage_finished");
    let mut ended: Vec<Value> = ended.map(|event| event["outcome"].clone()).collect();
    assert_eq!(ended.len(), 1, "{ended:?}");
    ended.remove(0)
}

fn log(at: &Ssh, number: u64) -> String {
    String::from_utf8(at.project().log(number, "s.log")).unwrap()
}

/// Kills the supervisor of a run, and waits until whoever follows it has said how to come back.
#[track_caller]
fn kill_supervisor(at: &Ssh, run: Running<'_>, number: u64) {
    at.project().supervisor(number).kill(Signal::KILL);
    let told = run.wait().assert_code(3);
    assert!(told.stderr().contains(&format!("`local-ci attach {number}` takes it over")), "{}", told.transcript());
}

#[test]
fn commands_run_there_one_after_the_other_and_end_as_they_do_here() {
    let Some(at) = Ssh::new() else { return };
    let commands = [
        runs(
            "pwd | sed 's,.*/,,'; echo \"in $HOME, $LOCAL_CI_STAGE\"; ls -d \"$HOME\"/.local/state/local-ci/*/runs/*/s.1~*",
        ),
        runs("echo on its error stream >&2; printf 'no end'; exit 3"),
        runs("kill -9 $$"),
        Runs { timeout: Some(300), ..runs("echo up; exec chaos sleep 600 --pid-file \"$SIDE/late\"") },
        Runs {
            killed: true,
            ..runs(
                "chaos fork-daemon --setsid --pid-file \"$SIDE/daemon\"; echo up; exec chaos sleep 600 --pid-file \"$SIDE/pid\"",
            )
        },
        runs("chaos lines 3000"),
    ];
    furnish(&at, &commands, "dir = \"sub\"\n");
    at.project().write("sub/file", "x");
    at.run_there(&["--output", "quiet"]).output().assert_code(1);
    let home = at.host().home().display().to_string();
    let log = log(&at, 1);
    let lines: Vec<&str> = log.lines().collect();
    // Whose home that is says where it ran.
    assert_eq!(lines[..2], ["sub", &format!("in {home}, s")], "{log}");
    assert!(lines[2].ends_with("/s.1~1"), "{log}");
    let rest: Vec<&str> = lines[3..].iter().copied().filter(|line| !line.starts_with("line ")).collect();
    assert_eq!(rest[0], "ended 0");
    let expected =
        "on its error stream\nno end\nended 3\nended s\nup\nended t\nup\nended s\nended 0\none did not end well";
    assert_eq!(rest[1..].join("\n"), expected);
    assert_eq!(lines.iter().filter(|line| line.starts_with("line ")).count(), 3000);
    for name in ["pid", "daemon", "late"] {
        assert!(!at.project().identity(name).is_alive(), "{name} lives");
    }
    assert_eq!(came_to(&at, 1)["status"], "failed");
    at.assert_nothing_left();
    assert_eq!(at.attempts_there(), Vec::<std::path::PathBuf>::new());
}

/// What is not there is said where it is not, and is for the plugin to judge.
#[test]
fn a_program_that_is_not_there_is_said_to_be_missing_there() {
    let Some(at) = Ssh::new() else { return };
    furnish(&at, &[runs(ABSENT)], "");
    at.project().local_ci(&["--output", "quiet"]).output().assert_code(3);
    at.run_there(&["--output", "quiet"]).output().assert_code(3);
    for number in 1..=2 {
        let outcome = came_to(&at, number);
        assert_eq!(outcome["message"], "plugin runs says: it could not be run (command)");
        let (log, place) = (log(&at, number), if number == 1 { "" } else { " on box" });
        assert!(log.starts_with(&format!("command not found: {ABSENT}\nlooked in PATH{place}: /")), "{log}");
    }
    at.assert_nothing_left();
}

/// H144: the guest waits for its command here, and it is the command there that ends, with all that it started.
#[test]
fn h144_a_stage_that_is_to_end_ends_its_command_there() {
    let there = runs(
        "chaos fork-daemon --setsid --pid-file \"$SIDE/daemon\"; echo up; exec chaos ignore-term --pid-file \"$SIDE/pid\"",
    );
    for (more, status) in [("grace = \"300ms\"", "cancelled"), ("grace = \"300ms\"\ntimeout = \"2s\"", "timed_out")] {
        let Some(at) = Ssh::new() else { return };
        furnish(&at, &[there, runs("echo never")], more);
        let run = at.run_there(&["--output", "quiet"]).spawn();
        let all = ["pid", "daemon"].map(|name| at.project().identity(name));
        if status == "cancelled" {
            at.product.local_ci(&["stop", "1"]).output().assert_code(0);
        }
        run.wait();
        assert!(all.iter().all(|one| !one.is_alive()), "{status}: it lives");
        assert_eq!(came_to(&at, 1)["status"], status);
        assert_eq!(log(&at, 1), "up\n");
        at.assert_nothing_left();
        assert_eq!(at.attempts_there(), Vec::<std::path::PathBuf>::new());
    }
}

/// H126: a line that is cut in the middle of a command, and between two, loses and doubles nothing; the guest hears nothing of it.
#[test]
fn h126_a_line_that_is_cut_during_a_command_loses_nothing() {
    let Some(at) = Ssh::new() else { return };
    let commands = [
        runs(
            "echo x >>\"$SIDE/starts\"; chaos lines 2000; chaos touch \"$SIDE/at1\"; chaos wait-for \"$SIDE/go1\"; chaos lines 2000",
        ),
        runs("echo y >>\"$SIDE/starts\"; chaos touch \"$SIDE/at2\"; chaos wait-for \"$SIDE/go2\"; exit 4"),
    ];
    furnish(&at, &commands, "");
    let run = at.run_there(&["--output", "quiet"]).spawn();
    for n in 1..=2 {
        wait_until("the command to be there", || at.project().side(&format!("at{n}")).exists());
        at.line.cut();
        at.project().open_gate(&format!("go{n}"));
    }
    run.wait().assert_code(1);
    let lines = (1..=2000).fold(String::new(), |text, n| text + &format!("line {n}\n"));
    assert!(log(&at, 1) == format!("{lines}{lines}ended 0\nended 4\none did not end well\n"), "{}", log(&at, 1));
    assert_eq!(fs::read_to_string(at.project().side("starts")).unwrap(), "x\ny\n");
    at.assert_nothing_left();
    assert_eq!(at.attempts_there(), Vec::<std::path::PathBuf>::new());
}

/// A command that never ends by itself, but where the test has said that it is calm.
const WAITS: &str = "test -e \"$SIDE/calm\" && exit 0; echo up; exec chaos ignore-term --pid-file \"$SIDE/pid\"";

/// H24: a guest is gone with its supervisor. Who takes the run over ends what it had started there, says so, and makes no
/// verdict of it; a stage that may be retried is, from its beginning.
#[test]
fn h24_who_takes_over_ends_the_commands_of_a_guest_that_is_gone() {
    for (more, code, status) in [("", 3, "errored"), ("retries = 1", 0, "passed")] {
        let Some(at) = Ssh::new() else { return };
        furnish(&at, &[runs("echo x >>\"$SIDE/starts\""), runs(WAITS)], more);
        let run = at.run_there(&["--output", "quiet"]).spawn();
        let left = at.project().identity("pid");
        kill_supervisor(&at, run, 1);
        assert!(left.is_alive(), "it went with the supervisor here");
        at.project().open_gate("calm");
        let attached = at.product.local_ci(&["attach", "1", "--output", "grouped"]).output().assert_code(code);
        left.assert_gone();
        let outcome = came_to(&at, 1);
        assert_eq!(outcome["status"], status, "{}", attached.transcript());
        let why = "lost: plugin runs ran it in the process that saw to the run, which is gone; \
                   nothing that it started on box goes on";
        let retried = at.project().events(1).into_iter().find(|event| event["event"] == "stage_retrying");
        let of_first = retried.as_ref().map_or(&outcome, |event| &event["outcome"]);
        assert_eq!(of_first["message"], why);
        let starts = fs::read_to_string(at.project().side("starts")).unwrap();
        assert_eq!(starts, if retried.is_some() { "x\nx\n" } else { "x\n" });
        at.assert_nothing_left();
        assert_eq!(at.attempts_there(), Vec::<std::path::PathBuf>::new());
    }
}

/// H126: a line that does not come back is given up. What the command came to is not known then, so the plugin's word is no
/// verdict: the run is left, and who attaches ends what goes on there.
#[test]
fn h126_a_command_that_nobody_follows_any_more_leaves_no_verdict() {
    let Some(at) = Ssh::new() else { return };
    furnish(&at, &[runs(WAITS)], "on = \"box\"\n[remotes.box]\nhost = \"box\"\ngive-up = \"1s\"\ntimeout = \"2s\"");
    let run = at.product.local_ci(&["run", "--output", "quiet"]).spawn();
    let left = at.project().identity("pid");
    at.line.sever();
    let told = run.wait().assert_code(3);
    assert!(told.stderr().contains("run 1 goes on on box; `local-ci attach 1` takes it over"), "{}", told.transcript());
    assert!(at.project().events(1).iter().all(|event| event["event"] != "stage_finished"));
    assert!(left.is_alive());
    at.line.mend();
    at.product.local_ci(&["attach", "1"]).output().assert_code(3);
    left.assert_gone();
    assert_eq!(came_to(&at, 1)["status"], "errored");
    at.assert_nothing_left();
    assert_eq!(at.attempts_there(), Vec::<std::path::PathBuf>::new());
}
