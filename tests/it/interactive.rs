//! Stages that talk with a person: they have the person's terminal, keys and all, one at a time, and give it back as it
//! was, whatever ends them or whoever watches.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::support::{Invocation, Project, Terminal, children_of, have, skip, wait_until};

/// The runner with the plain face, on a terminal.
fn grouped<'p>(project: &'p Project, args: &[&str]) -> Terminal<'p> {
    with_term(project.local_ci(args)).env("LOCAL_CI_OUTPUT", "grouped").on_terminal(24, 80)
}

/// The runner with the live face.
fn live<'p>(project: &'p Project, args: &[&str]) -> Terminal<'p> {
    with_term(project.local_ci(args)).on_terminal(24, 80)
}

/// Waits until a stage has the terminal and has printed this first.
#[track_caller]
fn wait_for_stage(terminal: &mut Terminal<'_>, stage: &str, text: &str) {
    let line = format!("{stage} has the terminal: what is typed goes to it");
    terminal.wait_for_screen(&[&line, text].join(if text.is_empty() { "" } else { "\n" }));
}

fn with_term(invocation: Invocation<'_>) -> Invocation<'_> {
    invocation.env("TERM", "xterm-256color")
}

/// A password prompt: what is typed is not seen, and the stage has it. Before and after it the faces are as ever, and
/// what it said is not said again.
#[test]
fn a_stage_asks_for_a_password() {
    let project = Project::new();
    project.config(
        r#"
        [stages.first]
        run = "echo from the first"
        [stages.asks]
        interactive = true
        needs = ["first"]
        run = "stty -echo; printf 'Password: '; read -r secret; stty echo; echo; echo got ${#secret} characters"
        [stages.last]
        needs = ["asks"]
        run = "echo from the last"
        "#,
    );
    for start in [grouped, live] {
        let mut terminal = start(&project, &[]);
        let modes = terminal.modes();
        wait_for_stage(&mut terminal, "asks", "Password:");
        assert_ne!(terminal.modes(), modes, "the terminal is the stage's");
        terminal.type_keys("hunter2\r");
        let left = terminal.wait();
        assert_eq!(left.status.code(), Some(0), "{}", left.screen);
        let dialogue = "asks has the terminal: what is typed goes to it\nPassword: \ngot 7 characters\n";
        assert!(left.screen.contains(dialogue), "{}", left.screen);
        assert!(!left.screen.contains("hunter2"), "{}", left.screen);
        assert_eq!(left.screen.matches("got 7 characters").count(), 1, "{}", left.screen);
        assert_eq!(left.modes, modes);
    }
    let log = String::from_utf8(project.log(2, "asks.log")).unwrap();
    assert_eq!(log, "Password: \r\ngot 7 characters\r\n");
    project.assert_nothing_left();
}

/// What a face says of it, and where no terminal is: one line in place of what was on the terminal.
#[test]
fn faces_say_that_it_had_the_terminal() {
    let project = Project::new();
    project
        .config("[stages.asks]\ninteractive = true\nrun = \"read -r answer; echo the answer was $answer; exit 3\"\n");
    let mut terminal = grouped(&project, &[]);
    wait_for_stage(&mut terminal, "asks", "");
    let onlooker = project.local_ci(&["attach"]).spawn();
    onlooker.wait_for_stdout("$ read -r answer");
    terminal.type_keys("yes\r");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(1));
    let line = "[it had the terminal; `local-ci logs 1/asks` has what it printed there]\n";
    let shown = left.screen.replace("there]", "there]\n").replace("\n\n", "\n");
    assert!(shown.replace('\n', "").contains(&line.replace('\n', "")), "{}", left.screen);
    let onlooker = onlooker.wait().assert_code(1).stdout();
    assert!(onlooker.contains(&format!("the answer was $answer; exit 3\n{line}::endgroup::\n✗ asks")), "{onlooker}");
    assert!(onlooker.contains(&format!("  Error: exit code 3\n  {line}")), "{onlooker}");
    for face in ["lines", "quiet"] {
        let again = project.local_ci(&["attach", "1", "--output", face]).output().assert_code(1).stdout();
        assert!(again.contains(line) && !again.contains("the answer was yes"), "{face}: {again}");
    }
    let logs = project.local_ci(&["logs", "1/asks"]).output().assert_code(0).stdout();
    assert!(logs.contains("the answer was yes"), "{logs}");
    project.assert_nothing_left();
}

/// A program that has the whole screen: it is told the terminal's size, gets keys as they are, hears of a new size, and
/// what it drew is gone when it has ended.
#[test]
fn h22_a_full_screen_program() {
    let project = Project::new();
    project.config("[stages.edits]\ninteractive = true\nrun = ['chaos', 'screen']\n");
    for start in [grouped, live] {
        let mut terminal = start(&project, &[]);
        let modes = terminal.modes();
        terminal.wait_for_screen("size 24x80");
        terminal.type_keys("ab\x1b[A\x03\x1a");
        terminal.wait_for_screen("keys ab\\x1b[A\\x03\\x1a");
        terminal.resize(30, 90);
        terminal.wait_for_screen("size 30x90");
        terminal.type_keys("q");
        let left = terminal.wait();
        assert_eq!(left.status.code(), Some(0), "{}", left.screen);
        assert!(!left.screen.contains("bottom") && left.screen.contains("edits"), "{}", left.screen);
        assert_eq!(left.modes, modes);
    }
    project.assert_nothing_left();
}

/// The real thing.
#[test]
fn an_editor_writes_a_file() {
    if !have("vim") {
        return skip("there is no vim");
    }
    let project = Project::new();
    project.config("[stages.edits]\ninteractive = true\nrun = 'vim -u NONE -i NONE -n note.txt'\n").expects("note.txt");
    let mut terminal = live(&project, &[]);
    let modes = terminal.modes();
    terminal.wait_for_screen("[New File]");
    terminal.type_keys("ihello\x1b");
    terminal.wait_for_screen("hello");
    terminal.type_keys(":wq\r");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(0), "{}", left.screen);
    assert!(left.screen.contains("✓ edits") && !left.screen.contains("~\n~"), "{}", left.screen);
    assert_eq!(left.modes, modes);
    assert_eq!(std::fs::read_to_string(project.dir().join("note.txt")).unwrap(), "hello\n");
    project.assert_nothing_left();
}

/// A change of the window's size is a signal to the stage, as on any terminal.
#[test]
fn a_stage_hears_of_a_new_size() {
    let project = Project::new();
    project.config(
        "[stages.asks]\ninteractive = true\nrun = \"trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.01; done\"\n",
    );
    let mut terminal = grouped(&project, &[]);
    wait_for_stage(&mut terminal, "asks", "ready");
    terminal.resize(31, 77);
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(0), "{}", left.screen);
    assert!(left.screen.contains("\n31 77\n"), "{}", left.screen);
}

/// Ctrl+C is for the stage, as is Ctrl+Z: the run hears nothing of either.
#[test]
fn keys_that_are_signals_are_the_stages() {
    let project = Project::new();
    project.config(
        "[stages.asks]\ninteractive = true\nrun = \"trap 'echo caught; exit 0' INT; echo ready; chaos sleep 600\"\n",
    );
    let mut terminal = grouped(&project, &[]);
    let modes = terminal.modes();
    wait_for_stage(&mut terminal, "asks", "ready");
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(0), "{}", left.screen);
    assert!(left.screen.contains("caught") && !left.screen.contains("cancelling"), "{}", left.screen);
    assert_eq!(left.modes, modes);
    assert_eq!(project.verdict(1).0, "passed");
    project.assert_nothing_left();
}

/// However many may run at a time, one has the terminal; what else goes on is shown after it.
#[test]
fn one_stage_has_the_terminal_at_a_time() {
    let project = Project::new();
    project.config(&format!(
        r#"
        [stages.one]
        interactive = true
        run = "echo one asks; read -r a; echo one got $a"
        [stages.two]
        interactive = true
        run = "echo two asks; read -r a; echo two got $a"
        [stages.beside]
        run = "touch {beside}; echo from beside"
        "#,
        beside = project.side("beside").display()
    ));
    let mut terminal = grouped(&project, &["-j", "4"]);
    let modes = terminal.modes();
    wait_for_stage(&mut terminal, "one", "one asks");
    wait_until("the stage beside it to run", || project.side("beside").exists());
    assert!(!terminal.screen().contains("two has the terminal") && !terminal.screen().contains("from beside\n::end"));
    terminal.type_keys("1\r");
    wait_for_stage(&mut terminal, "two", "two asks");
    assert!(terminal.screen().contains("one got 1"));
    terminal.type_keys("2\r");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(0), "{}", left.screen);
    let text = String::from_utf8_lossy(&left.bytes);
    assert!(text.contains("two got 2") && text.contains("from beside"), "{text}");
    assert_eq!(left.modes, modes);
    let started: Vec<_> = project.events(1);
    let place = |kind: &str, stage: u64| {
        started.iter().position(|event| event["event"] == kind && event["stage"] == stage).unwrap()
    };
    assert!(place("stage_finished", 0) < place("stage_started", 1), "they did not overlap");
    project.assert_nothing_left();
}

/// Where nobody is there it cannot be run: that is said, it is no verdict on the stage, and nothing waits for ever.
#[test]
fn without_a_terminal_it_cannot_be_run() {
    let project = Project::new();
    project.config("[stages.asks]\ninteractive = true\nrun = \"read -r answer\"\n");
    let message = "it is interactive, and no terminal is attached to the run: start the run from a terminal";
    let piped = project.local_ci(&[]).output().assert_code(3);
    assert!(piped.stdout().contains(&format!("  Error: {message}")), "{}", piped.transcript());
    assert!(!piped.stdout().contains("it had the terminal"), "{}", piped.transcript());
    let json = project.sh("local-ci --json").on_terminal(24, 200).wait();
    assert_eq!(json.status.code(), Some(3), "a program reads that: {}", json.screen);
    // A terminal for output alone is nobody who types.
    let mute = project.sh("local-ci </dev/null").on_terminal(24, 200);
    let modes = mute.modes();
    let mute = mute.wait();
    assert_eq!((mute.status.code(), mute.modes), (Some(3), modes), "{}", mute.screen);
    assert!(mute.screen.contains(message), "{}", mute.screen);
    project.assert_nothing_left();
}

/// H17: in the background of a shell the terminal is not ours to give.
#[test]
fn h17_in_the_background_the_terminal_is_not_ours() {
    let project = Project::new();
    project.config("[stages.asks]\ninteractive = true\nrun = \"read -r answer\"\n");
    let mut terminal = project.sh("set -m; local-ci & wait $!; echo \"code $?\"; read go").on_terminal(40, 200);
    let modes = terminal.modes();
    terminal.wait_for_screen("code 3");
    assert!(terminal.screen().contains("no terminal is attached to the run"), "{}", terminal.screen());
    assert_eq!(terminal.modes(), modes);
    terminal.type_keys("\n");
    assert!(terminal.wait().status.success());
    project.assert_nothing_left();
}

/// H07: the window is closed while a stage has the terminal. The stage goes on, and the next who attaches has it.
#[test]
fn h07_a_closed_terminal_is_come_back_to() {
    let project = Project::new();
    project.config(
        "[stages.asks]\ninteractive = true\nrun = \"printf 'name? '; read -r a; echo hello $a; read -r b; echo bye $b\"\n",
    );
    let mut terminal = live(&project, &[]);
    wait_for_stage(&mut terminal, "asks", "name?");
    assert_eq!(terminal.hang_up().signal(), Some(Signal::HUP.as_raw()));
    let mut back = live(&project, &["attach"]);
    let modes = back.modes();
    back.wait_for_screen("asks has the terminal: what is typed goes to it\nname?");
    back.type_keys("ada\r");
    back.wait_for_screen("hello ada");
    back.kill(Signal::HUP);
    let left = back.wait();
    assert_eq!((left.status.signal(), left.modes), (Some(Signal::HUP.as_raw()), modes.clone()), "{}", left.screen);
    let mut again = grouped(&project, &["attach", "asks"]);
    again.wait_for_screen("hello ada");
    again.type_keys("eve\r");
    let left = again.wait();
    assert_eq!((left.status.code(), left.modes), (Some(0), modes), "{}", left.screen);
    assert!(left.screen.contains("bye eve"), "{}", left.screen);
    project.assert_nothing_left();
}

/// Who comes back to a program with the whole screen sees it drawn anew, also in a terminal of the same size.
#[test]
fn a_full_screen_program_draws_anew_for_who_comes_back() {
    if !have("vim") {
        return skip("there is no vim");
    }
    let project = Project::new();
    project.write("note.txt", "a note\n");
    project.config("[stages.edits]\ninteractive = true\nrun = 'vim -u NONE -i NONE -n note.txt'\n");
    let mut terminal = live(&project, &[]);
    terminal.wait_for_screen("a note");
    assert_eq!(terminal.hang_up().signal(), Some(Signal::HUP.as_raw()));
    let mut back = live(&project, &["attach"]);
    back.wait_for_screen("a note");
    back.type_keys(":q!\r");
    assert_eq!(back.wait().status.code(), Some(0));
    project.assert_nothing_left();
}

/// H18, I5: whatever ends the command line while a stage has the terminal, the terminal is as it was found; the screen too,
/// as far as a program can see to that.
#[test]
fn h18_i5_the_terminal_is_given_back_on_every_way_out() {
    for (way, signal) in [("term", Some(Signal::TERM)), ("hup", Some(Signal::HUP)), ("panic", None)] {
        let project = Project::new();
        project.config("[stages.edits]\ninteractive = true\nrun = ['chaos', 'screen']\n");
        // Whoever looks on leaves at once, whatever the signal; the run is started by another.
        let mut first = live(&project, &[]);
        first.wait_for_screen("size 24x80");
        let panic = project.side("panic");
        let attach = with_term(project.local_ci(&["attach"])).env("LOCAL_CI_TEST_PANIC", &panic);
        let mut terminal = attach.on_terminal(25, 80);
        let modes = terminal.modes();
        terminal.wait_for_screen("size 25x80");
        match signal {
            Some(signal) => terminal.kill(signal),
            None => {
                project.open_gate("panic");
                first.resize(20, 70);
            }
        }
        let left = terminal.wait();
        assert_eq!(left.modes, modes, "{way}: {}", left.screen);
        match signal {
            Some(signal) => assert_eq!(left.status.signal(), Some(signal.as_raw()), "{way}: {}", left.screen),
            None => assert_eq!(left.status.code(), Some(101), "{way}: {}", left.screen),
        }
        first.type_keys("q");
        assert_eq!(first.wait().status.code(), Some(0), "{way}");
        project.assert_nothing_left();
    }
}

/// The third signal leaves a run at once, a stage that has the terminal or not.
#[test]
fn h18_leaving_at_the_third_signal_gives_the_terminal_back() {
    let project = Project::new();
    let ready = project.side("ready");
    project.config(&format!(
        "[stages.asks]\ninteractive = true\ngrace = '600s'\nrun = ['chaos', 'ignore-term', '--ready-file', '{}']\n",
        ready.display()
    ));
    let mut terminal = live(&project, &[]);
    let modes = terminal.modes();
    terminal.wait_for_screen("asks has the terminal");
    wait_until("the stage to ignore what it can", || ready.exists());
    let supervisor = project.supervisor(1);
    // Stopped, it cannot kill what it is told to.
    rustix::process::kill_process(rustix::process::Pid::from_raw(supervisor.pid).unwrap(), Signal::STOP).unwrap();
    for said in ["cancelling", "killing", ""] {
        terminal.kill(Signal::INT);
        if !said.is_empty() {
            terminal.wait_for_screen(said);
        }
    }
    let left = terminal.wait();
    assert_eq!((left.status.signal(), left.modes), (Some(Signal::INT.as_raw()), modes), "{}", left.screen);
    rustix::process::kill_process(rustix::process::Pid::from_raw(supervisor.pid).unwrap(), Signal::CONT).unwrap();
    project.verdict(1);
    project.assert_nothing_left();
}

/// A paused run has nobody who would read: the terminal is the command line's until the run goes on.
#[test]
fn a_paused_run_gives_the_terminal_back_for_so_long() {
    let project = Project::new();
    project.config("[stages.asks]\ninteractive = true\nrun = \"printf 'name? '; read -r a; echo hello $a\"\n");
    let mut terminal = grouped(&project, &[]);
    let modes = terminal.modes();
    wait_for_stage(&mut terminal, "asks", "name?");
    project.local_ci(&["pause", "1"]).output().assert_code(0);
    terminal.wait_for_screen("the run is paused; asks gets the terminal back when it goes on");
    wait_until("the terminal to be as it was", || terminal.modes() == modes);
    project.local_ci(&["resume", "1"]).output().assert_code(0);
    wait_until("the terminal to be the stage's", || terminal.modes() != modes);
    terminal.type_keys("ada\r");
    let left = terminal.wait();
    assert_eq!((left.status.code(), left.modes), (Some(0), modes), "{}", left.screen);
    assert!(left.screen.contains("hello ada"), "{}", left.screen);
    project.assert_nothing_left();
}

/// H11, I5: a command line that is stopped while a stage has the terminal leaves it to the shell, and takes it again.
#[test]
fn h11_a_stopped_command_line_leaves_the_terminal_to_the_shell() {
    let project = Project::new();
    project.config("[stages.edits]\ninteractive = true\nrun = ['chaos', 'screen']\n");
    let script = "set -m; local-ci --output grouped; echo \"stopped with $?\"; read go; fg; echo \"code $?\"";
    let mut terminal = with_term(project.sh(script)).on_terminal(24, 80);
    let modes = terminal.modes();
    terminal.wait_for_screen("size 24x80");
    let command_line = children_of(terminal.pid()).first().copied().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(command_line).unwrap(), Signal::TSTP).unwrap();
    terminal.wait_for_screen("stopped with 148");
    assert_eq!(terminal.modes(), modes);
    assert!(!terminal.screen().contains("bottom"), "{}", terminal.screen());
    terminal.type_keys("\n");
    wait_until("the terminal to be the stage's", || terminal.modes() != modes);
    terminal.type_keys("ab");
    terminal.wait_for_screen("keys ab");
    terminal.type_keys("q");
    terminal.wait_for_screen("code 0");
    let left = terminal.wait();
    assert_eq!(left.modes, modes, "{}", left.screen);
    project.assert_nothing_left();
}

/// Whatever a stage leaves switched on, the terminal does not keep it.
#[test]
fn a_stage_that_leaves_a_mess_leaves_none() {
    let project = Project::new();
    project.config(
        "[stages.mess]\ninteractive = true\nrun = ['chaos', 'screen', '--mess']\n[stages.after]\nneeds = ['mess']\nrun = 'echo from after; exit 1'\n",
    );
    let mut terminal = live(&project, &[]);
    let modes = terminal.modes();
    terminal.wait_for_screen("bottom");
    terminal.type_keys("q");
    let left = terminal.wait();
    assert_eq!((left.status.code(), &left.modes), (Some(1), &modes), "{}", left.screen);
    let mut screen = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
    screen.process(&left.bytes);
    let screen = screen.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    assert!(!screen.application_cursor() && !screen.application_keypad());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    assert!(left.screen.contains("✓ mess") && left.screen.contains("  | from after"), "{}", left.screen);
    project.assert_nothing_left();
}

/// `d` leaves a run that goes on; other keys do nothing but what they always did.
#[test]
fn a_key_leaves_the_run() {
    let project = Project::new();
    project.config(&format!("[stages.hold]\nrun = 'chaos wait-for {}'\n", project.side("gate").display()));
    let mut terminal = live(&project, &[]);
    let modes = terminal.modes();
    terminal.wait_for_screen("d detach");
    wait_until("keys to be read", || terminal.modes() != modes);
    terminal.type_keys("xyz\r?");
    terminal.wait_for_screen("d leaves the run, which goes on; Ctrl+C ends it");
    assert!(!terminal.screen().contains("xyz"), "{}", terminal.screen());
    terminal.type_keys("d");
    let left = terminal.wait();
    let told = "run 1 continues; `local-ci attach 1` comes back to it, `local-ci stop 1` ends it";
    assert_eq!(left.status.code(), Some(3), "nothing that could be taken for a pass: {}", left.screen);
    assert!(left.screen.replace('\n', "").contains(told), "{}", left.screen);
    assert!(!left.screen.contains("d detach"), "{}", left.screen);
    assert_eq!(left.modes, modes);
    let mut back = live(&project, &["attach"]);
    back.wait_for_screen("d detach");
    wait_until("keys to be read", || back.modes() != modes);
    back.type_keys("d");
    let left = back.wait();
    assert_eq!((left.status.code(), left.modes), (Some(3), modes), "{}", left.screen);
    project.open_gate("gate");
    assert_eq!(project.verdict(1).0, "passed");
    project.assert_nothing_left();
}

/// Where leaving would end the run no key is offered, and none is read: what is typed is the shell's.
#[test]
fn no_key_leaves_a_run_that_would_end() {
    let project = Project::new();
    project.config(&format!("[stages.hold]\nrun = 'chaos wait-for {}'\n", project.side("gate").display()));
    let ci = with_term(project.local_ci(&["--output", "live"])).env("CI", "true").on_terminal(24, 100);
    let mut terminal = ci;
    let modes = terminal.modes();
    terminal.wait_for_screen("hold  1s");
    assert!(!terminal.screen().contains("d detach"), "{}", terminal.screen());
    assert_eq!(terminal.modes(), modes);
    terminal.type_keys("d");
    project.open_gate("gate");
    assert_eq!(terminal.wait().status.code(), Some(0));
    project.assert_nothing_left();
}

/// One who attaches while the run takes no more connections sees the stage, and can type as soon as it takes one again.
#[test]
fn keys_reach_a_stage_once_the_run_can_be_reached() {
    let project = Project::new();
    project.config("[stages.asks]\ninteractive = true\nrun = \"read -r a; echo got $a\"\n");
    let mut starter = grouped(&project, &[]);
    wait_for_stage(&mut starter, "asks", "");
    let directory = std::fs::File::open(project.run_dir(1)).unwrap();
    let control = format!("/proc/self/fd/{}/control", directory.as_raw_fd());
    let mut talking = Vec::new();
    loop {
        let mut line = UnixStream::connect(&control).unwrap();
        let request = br#"{"request":"resume"}"#;
        // One that is refused may be closed by now, and has its answer.
        let _ = line.write_all(&[&u32::try_from(request.len()).unwrap().to_le_bytes(), &request[..]].concat());
        let mut length = [0; 4];
        line.read_exact(&mut length).unwrap();
        let mut reply = vec![0; u32::from_le_bytes(length) as usize];
        line.read_exact(&mut reply).unwrap();
        if reply != br#"{"reply":"already"}"# {
            break;
        }
        talking.push(line);
    }
    let mut other = grouped(&project, &["attach"]);
    wait_for_stage(&mut other, "asks", "");
    drop(talking);
    wait_until("a key reaches the stage", || {
        other.type_keys("x");
        other.screen().contains('x')
    });
    other.type_keys("\r");
    assert_eq!(other.wait().status.code(), Some(0));
    assert_eq!(starter.wait().status.code(), Some(0));
    let log = String::from_utf8(project.log(1, "asks.log")).unwrap();
    assert!(log.contains("got x"), "{log}");
    project.assert_nothing_left();
}
