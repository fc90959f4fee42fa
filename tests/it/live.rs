//! Live mode on a terminal: what a person sees while a run goes on and afterwards, and that the terminal is left as it
//! was found, whatever ends the command line.

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::support::{Invocation, Left, Project, wait_until};

/// A stage that runs until its gate is opened, then one that fails.
fn gated(project: &Project) {
    let gate = project.side("gate");
    project.config(&format!(
        "[stages.hold]\nrun = \"echo from hold; chaos wait-for {}\"\n\
         [stages.fails]\nrun = \"echo one; echo two; exit 7\"\nneeds = [\"hold\"]\n",
        gate.display()
    ));
}

/// The runner, on a terminal that has all there is.
fn live<'p>(project: &'p Project, args: &[&str]) -> Invocation<'p> {
    on_xterm(project.local_ci(args))
}

fn on_xterm(invocation: Invocation<'_>) -> Invocation<'_> {
    invocation.env("TERM", "xterm-256color").env("LOCAL_CI_PROGRESS", "1")
}

/// Fails unless nothing of live mode is left: no lines, no mark, no mode of the terminal changed.
#[track_caller]
fn assert_restored(left: &Left, modes: &str) {
    let text = String::from_utf8_lossy(&left.bytes);
    let marks: Vec<&str> = text.split("\x1b]9;4;").skip(1).map(|rest| &rest[..3]).collect();
    assert!(marks.len() > 1, "there was a mark: {text:?}");
    assert_eq!(marks.last(), Some(&"0;0"), "{text:?}");
    assert!(!text.contains("\x1b[?"), "no mode of the terminal is ever changed: {text:?}");
    assert!(!left.screen.contains("first run") && !left.screen.contains("waiting"), "{}", left.screen);
    assert_eq!(left.modes, modes);
}

/// The screen without what differs from run to run.
fn redacted(project: &Project, left: &Left) -> String {
    project.redactions().apply(&left.screen)
}

#[test]
fn a_run_on_a_terminal_is_shown_as_it_goes_on() {
    let project = Project::new();
    gated(&project);
    let mut terminal = live(&project, &[]).on_terminal(30, 100);
    let modes = terminal.modes();
    terminal.wait_for_screen("hold  <1s, first run\n  1 waiting\n0/2 · <1s");
    terminal.wait_for_screen("hold  1s, first run\n  1 waiting\n0/2 · 1s");
    assert!(!terminal.screen().contains("from hold"), "output is shown with -v only");
    project.open_gate("gate");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(1));
    insta::assert_snapshot!(redacted(&project, &left), @r"
    ✓ hold  [TIME]

    ✗ fails  exit 7  [TIME]
      | one
      | two
      log: [STATE]/projects/[HASH]/runs/1/logs/fails.log

    📊 Summary:
      Total stages: 2
      Passed: 1
      Failed: 1
      Total time: [TIME]

    Failed:
      ✗ fails: exit code 7
        log: [STATE]/projects/[HASH]/runs/1/logs/fails.log
        rerun: local-ci fails

    Run 1 is kept: local-ci show 1
    ");
    assert_restored(&left, &modes);
    project.assert_nothing_left();
}

#[test]
fn all_output_is_shown_on_request() {
    let project = Project::new();
    gated(&project);
    let mut terminal = live(&project, &["-v"]).on_terminal(40, 100);
    let modes = terminal.modes();
    terminal.wait_for_screen("from hold\n");
    terminal.wait_for_screen("0/2 · 1s");
    project.open_gate("gate");
    let left = terminal.wait();
    assert!(left.screen.starts_with("hold  $ echo from hold; chaos wait-for "), "{}", left.screen);
    assert!(
        left.screen.contains("\n\nfails  $ echo one; echo two; exit 7\none\ntwo\n✗ fails  exit 7  "),
        "{}",
        left.screen
    );
    assert_restored(&left, &modes);
}

/// What a stage prints in colour is shown so: it is asked for colour.
#[test]
fn stages_are_asked_for_colour() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"echo colour: $FORCE_COLOR; exit 1\"\n");
    for (args, shown) in [(&[][..], "  | colour: 1\n"), (&["--color", "never"], "  | colour:\n")] {
        let left = live(&project, args).on_terminal(30, 100).wait();
        assert!(left.screen.contains(shown), "{}", left.screen);
        let coloured = String::from_utf8_lossy(&left.bytes).contains("\x1b[31m✗\x1b[0m a  exit 1");
        assert_eq!(coloured, args.is_empty());
    }
}

/// The view is on stderr: who takes stdout elsewhere and asks for it has it all the same, and nothing on stdout.
#[test]
fn nothing_of_it_is_on_stdout() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'echo from a'\n");
    let script = "local-ci --output live >\"$SIDE/out\"; test ! -s \"$SIDE/out\" && echo nothing; \
                  local-ci >\"$SIDE/out\"; grep -c ::group:: \"$SIDE/out\"";
    let left = on_xterm(project.sh(script)).env("SIDE", project.side_dir()).on_terminal(40, 100).wait();
    assert!(left.screen.starts_with("✓ a  "), "{}", left.screen);
    assert!(left.screen.ends_with("\nnothing\n1"), "{}", left.screen);
}

/// H22: whatever becomes of the terminal's size, it is drawn anew, and the end is whole.
#[test]
fn h22_a_terminal_changes_its_size() {
    let project = Project::new();
    gated(&project);
    let mut terminal = live(&project, &[]).on_terminal(24, 80);
    let modes = terminal.modes();
    terminal.wait_for_screen("hold  <1s, first run");
    // What is on a screen of this size after a frame. Without a size, lines are drawn for the usual one.
    for ((rows, columns), drawn) in
        [((1, 1), "…"), ((0, 0), "h"), ((2, 10), "0/2"), ((0, 40), "0/2"), ((50, 20), "hold  "), ((24, 200), "hold  ")]
    {
        terminal.resize(rows, columns);
        terminal.wait_for_screen(drawn);
    }
    terminal.resize(30, 80);
    terminal.wait_for_screen("first run\n  1 waiting\n0/2 · ");
    assert_eq!(terminal.screen().matches("first run").count(), 1, "{}", terminal.screen());
    project.open_gate("gate");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(1));
    assert!(left.screen.contains("✗ fails  exit 7  ") && left.screen.contains("  Failed: 1\n"), "{}", left.screen);
    assert_restored(&left, &modes);
    project.assert_nothing_left();
}

/// H01, H05: what ends a run early leaves the terminal as it was.
#[test]
fn h01_h05_a_run_that_is_cancelled_leaves_the_terminal_alone() {
    for (signal, word) in [(Signal::INT, "interrupted"), (Signal::TERM, "terminated")] {
        let project = Project::new();
        gated(&project);
        let mut terminal = live(&project, &[]).on_terminal(30, 100);
        let modes = terminal.modes();
        terminal.wait_for_screen("0/2 · ");
        match signal {
            Signal::INT => terminal.type_keys("\x03"),
            _ => terminal.kill(signal),
        }
        let left = terminal.wait();
        assert_eq!(left.status.signal(), Some(signal.as_raw()), "{}", left.screen);
        assert!(left.screen.contains(&format!("- hold  cancelled: {word}  ")), "{}", left.screen);
        assert!(left.screen.contains(&format!("\nCancelled: {word}.\n")), "{}", left.screen);
        assert_restored(&left, &modes);
        project.assert_nothing_left();
    }
}

/// A run that takes its time to end says so, and how to end it at once.
#[test]
fn cancelling_is_shown_for_as_long_as_it_lasts() {
    let project = Project::new();
    let ready = project.side("ready");
    project.config(&format!(
        "[stages.stays]\nrun = [\"chaos\", \"ignore-term\", \"--ready-file\", \"{}\"]\ngrace = \"10m\"\n",
        ready.display()
    ));
    let mut terminal = live(&project, &[]).on_terminal(24, 80);
    let modes = terminal.modes();
    wait_until("the stage to be ready", || ready.exists());
    terminal.wait_for_screen("0/1 · ");
    terminal.type_keys("\x03");
    terminal.wait_for_screen("0/1 · cancelling for 1s, press Ctrl+C again to kill");
    assert!(terminal.screen().starts_with("cancelling (press Ctrl+C again to kill)\n"), "{}", terminal.screen());
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.signal(), Some(Signal::INT.as_raw()), "{}", left.screen);
    assert_restored(&left, &modes);
    project.assert_nothing_left();
}

/// H03: who leaves at once leaves nothing of the view.
#[test]
fn h03_three_ctrl_c_leave_a_clean_terminal() {
    let project = Project::new();
    gated(&project);
    let mut terminal = live(&project, &[]).on_terminal(24, 80);
    let modes = terminal.modes();
    terminal.wait_for_screen("0/2 · ");
    let supervisor = project.supervisor(1);
    supervisor.kill(Signal::STOP);
    wait_until("the supervisor to stop", || supervisor.state() == Some('T'));
    for answer in ["press Ctrl+C again to kill", "press Ctrl+C again to leave at once"] {
        terminal.type_keys("\x03");
        terminal.wait_for_screen(answer);
    }
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.signal(), Some(Signal::INT.as_raw()), "{}", left.screen);
    assert!(left.screen.ends_with("kills what is left of it"), "{}", left.screen);
    assert_restored(&left, &modes);
    supervisor.kill(Signal::CONT);
    wait_until("the run to end", || project.last_word(1).is_some());
    project.assert_nothing_left();
}

/// H18: a bug in what shows the run leaves the terminal as it was, says so below that, and costs the run nothing.
#[test]
fn h18_a_panic_restores_the_terminal_and_leaves_the_run_alone() {
    let project = Project::new();
    gated(&project);
    let bug = project.side("bug");
    let mut terminal = live(&project, &["hold"]).env("LOCAL_CI_TEST_PANIC", &bug).on_terminal(40, 100);
    let modes = terminal.modes();
    terminal.wait_for_screen("0/1 · ");
    project.open_gate("bug");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(101), "{}", left.screen);
    assert_restored(&left, &modes);
    let text = String::from_utf8_lossy(&left.bytes);
    let (before, after) = text.split_once("panicked at").expect("a message");
    assert!(before.contains("\x1b]9;4;0;0\x1b\\\r\x1b[K\x1b[C\x1b[J\r"), "restored before the message: {before:?}");
    assert!(!after.contains("\x1b[J") && !after.contains("\x1b]9"), "{after:?}");
    assert!(project.last_word(1).is_none(), "the run goes on");
    project.open_gate("gate");
    assert_eq!(project.verdict(1), ("passed".into(), String::new(), 0));
    project.assert_nothing_left();
}

/// H04: who looks at a run of somebody else's is not told that Ctrl+C would kill it.
#[test]
fn h04_an_onlooker_leaves_a_clean_terminal() {
    let project = Project::new();
    gated(&project);
    let run = project.local_ci(&[]).spawn();
    run.wait_for_stdout("from hold");
    let mut terminal = live(&project, &["attach"]).on_terminal(24, 120);
    let modes = terminal.modes();
    terminal.wait_for_screen(", first run\n  1 waiting\n0/2 · ");
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.signal(), Some(Signal::INT.as_raw()));
    assert!(left.screen.ends_with("run 1 continues; `local-ci attach 1` comes back to it, `local-ci stop 1` ends it"));
    assert_restored(&left, &modes);
    let terminal = live(&project, &["attach"]).on_terminal(24, 120);
    project.open_gate("gate");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(1));
    assert!(left.screen.contains("✗ fails  exit 7  "), "{}", left.screen);
    run.wait().assert_code(1);
    project.assert_nothing_left();
}

/// H55: a terminal that was stopped with Ctrl+S stops what is shown, not the run; all of it is shown in the end.
#[test]
fn h55_a_stopped_terminal_does_not_stop_the_run() {
    let project = Project::new();
    gated(&project);
    let mut terminal = live(&project, &[]).on_terminal(30, 100);
    let modes = terminal.modes();
    terminal.wait_for_screen("0/2 · ");
    terminal.type_keys("\x13");
    project.open_gate("gate");
    assert_eq!(project.verdict(1).2, 1);
    terminal.type_keys("\x11");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(1));
    assert!(left.screen.contains("✗ fails  exit 7  ") && left.screen.contains("Run 1 is kept"), "{}", left.screen);
    assert_restored(&left, &modes);
}

/// Ctrl+Z leaves the shell a clean terminal; `fg` shows the run again, as often as that is done.
#[test]
fn who_is_stopped_leaves_nothing_below_the_prompt() {
    let project = Project::new();
    gated(&project);
    let shell = project.sh("exec bash --norc --noprofile -i").env("PS1", "> ").env("HISTFILE", "/dev/null");
    let mut terminal = on_xterm(shell).on_terminal(30, 100);
    terminal.type_keys("local-ci hold\n");
    for _ in 0..2 {
        terminal.wait_for_screen(", first run\n0/1 · ");
        terminal.type_keys("\x1a");
        terminal.wait_for_screen("Stopped");
        terminal.wait_for_screen("\n> ");
        assert!(!terminal.screen().contains("first run"), "{}", terminal.screen());
        terminal.type_keys("clear; fg\n");
    }
    terminal.wait_for_screen(", first run\n0/1 · ");
    project.open_gate("gate");
    terminal.wait_for_screen("Run 1 is kept");
    terminal.type_keys("exit\n");
    assert_eq!(terminal.wait().status.code(), Some(0));
    project.assert_nothing_left();
}

/// Where no key leaves the run, what is typed meanwhile is for who comes next.
#[test]
fn keys_are_left_for_the_shell() {
    let project = Project::new();
    gated(&project);
    let mut terminal =
        on_xterm(project.sh("CI=1 local-ci --output live hold; read line; echo \"got $line\"")).on_terminal(30, 100);
    terminal.wait_for_screen("0/1 · ");
    terminal.type_keys("typed ahead\n");
    project.open_gate("gate");
    let left = terminal.wait();
    assert!(left.screen.ends_with("got typed ahead"), "{}", left.screen);
}

/// H17, H193: without a cursor, in the background, in CI and elsewhere than on a terminal a run is shown as text; who
/// asks for more is told why.
#[test]
fn h17_h193_where_nothing_can_be_drawn_there_is_text() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'echo from a'\n");
    let shown = |invocation: Invocation<'_>| {
        let bytes = invocation.on_terminal(30, 100).wait().bytes;
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    };
    let grouped =
        |text: &str| text.contains("::group::a\n$ echo from a\nfrom a\n::endgroup::\n") && !text.contains("\x1b[J");
    for text in [
        shown(live(&project, &[]).env("TERM", "dumb")),
        shown(live(&project, &[]).env_remove("TERM")),
        shown(live(&project, &[]).env("CI", "true")),
        shown(on_xterm(project.sh("set -m; local-ci & wait $!"))),
    ] {
        assert!(grouped(&text) && !text.contains("note:"), "{text}");
    }
    let why = [
        (live(&project, &["--output", "live"]).env("TERM", "dumb"), "TERM is not set, or is dumb"),
        (on_xterm(project.sh("set -m; local-ci --output live & wait $!")), "this is in the background of its terminal"),
        (on_xterm(project.sh("local-ci --output live 2>&1 | cat")), "stderr is no terminal"),
    ];
    for (invocation, why) in why {
        let text = shown(invocation);
        assert!(grouped(&text), "{text}");
        assert!(text.contains(&format!("note: output is grouped, not live: {why}\n")), "{text}");
    }
    let asked = project.local_ci(&["--output", "live"]).output().assert_code(0);
    assert_eq!(asked.stderr(), "note: output is grouped, not live: stderr is no terminal\n");
}

/// H193: without UTF-8 what is drawn is ASCII.
#[test]
fn h193_a_terminal_without_utf8() {
    let project = Project::new();
    gated(&project);
    let mut terminal = live(&project, &[]).env("LC_ALL", "C").on_terminal(30, 100);
    terminal.wait_for_screen("| hold  <1s, first run\n  1 waiting\n0/2, <1s");
    project.open_gate("gate");
    let left = terminal.wait();
    assert!(left.bytes.is_ascii(), "{}", left.screen);
    assert!(left.screen.contains("ok hold  ") && left.screen.contains("FAIL fails  exit 7  "), "{}", left.screen);
}

/// Who has a screen read out gets sentences, and nothing that moves.
#[test]
fn who_has_it_read_out_gets_lines() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'echo from a'\n[stages.b]\nrun = 'exit 3'\nneeds = ['a']\n");
    for args in [&[][..], &["--output", "live"]] {
        let left = live(&project, args).env("LOCAL_CI_ACCESSIBLE", "1").on_terminal(40, 100).wait();
        assert_eq!(left.status.code(), Some(1));
        let text = String::from_utf8(left.bytes).unwrap();
        assert!(text.is_ascii() && !text.replace("\x1b[", "").contains('\x1b'), "{text:?}");
        let plain = left.screen;
        assert_eq!(plain.contains("note: output is in lines, not live: LOCAL_CI_ACCESSIBLE is set"), !args.is_empty());
        assert!(plain.contains("a started.\n[a] from a\na passed in less than a second.\nb started.\n"), "{plain}");
        assert!(plain.contains("b failed in less than a second: exit code 3.\n"), "{plain}");
    }
}
