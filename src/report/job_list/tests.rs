//! Lists as people and programs see them.

use super::*;
use crate::report::{Glyphs, Style};

fn job(name: &str, state: &'static str, command: &str) -> ListedJob {
    ListedJob {
        name: StageName::new(name).unwrap(),
        kind: JobKind::Stage,
        state,
        exit_code: None,
        status: None,
        run: None,
        age_ms: None,
        duration_ms: None,
        on: None,
        elapsed_ms: None,
        expected_ms: None,
        left_ms: None,
        percent: None,
        attempt: None,
        paused_ms: None,
        stuck_ms: None,
        behind: Vec::new(),
        queued: Vec::new(),
        other_command: false,
        command: Some(command.into()),
        dir: None,
        description: None,
        default: true,
        needs: Vec::new(),
        hidden_by_command: false,
    }
}

/// What a job of this run came to, 23 seconds after that began.
fn ended(name: &str, status: &'static str, code: i32, command: &str) -> ListedJob {
    let age_ms = Some(23_500);
    ListedJob {
        exit_code: Some(code),
        status: Some(status),
        run: Some(RunNumber(7)),
        age_ms,
        ..job(name, "stopped", command)
    }
}

fn running(name: &str, command: &str) -> ListedJob {
    let (run, age_ms) = (Some(RunNumber(8)), Some(14_000));
    ListedJob { run, age_ms, elapsed_ms: Some(12_300), ..job(name, "running", command) }
}

fn jobs() -> Vec<ListedJob> {
    vec![
        ListedJob { description: Some("the form\u{1b}[2J of it".into()), ..ended("fmt", "pass", 0, "cargo fmt") },
        ListedJob { other_command: true, ..ended("test", "fail", 101, "cargo test --workspace\nsecond") },
        ListedJob {
            expected_ms: Some(40_000),
            left_ms: Some(27_700),
            percent: Some(30),
            ..running("clippy", "cargo clippy")
        },
        ListedJob { attempt: Some(2), queued: vec![RunNumber(9), RunNumber(11)], ..running("new", "make new") },
        ListedJob { expected_ms: Some(9_000), percent: Some(99), ..running("slow", "make slow") },
        ListedJob {
            expected_ms: Some(130_000),
            percent: Some(99),
            elapsed_ms: Some(400_000),
            stuck_ms: Some(240_000),
            ..running("hung", "make hung")
        },
        ListedJob { state: "paused", paused_ms: Some(190_000), ..running("still", "make still") },
        ListedJob {
            state: "queued",
            elapsed_ms: None,
            behind: vec![RunNumber(6), RunNumber(8)],
            ..running("later", "make later")
        },
        ListedJob { state: "waiting", elapsed_ms: None, ..running("next", "make next") },
        ListedJob { exit_code: None, status: None, state: "lost", ..ended("gone", "pass", 0, "make gone") },
        ListedJob { default: false, hidden_by_command: true, ..job("list", "never run", "make list") },
        ListedJob {
            kind: JobKind::AdHoc,
            default: false,
            dir: Some("sub".into()),
            ..ended("abc", "timeout", 143, "./serve --dev")
        },
        ListedJob { kind: JobKind::Former, default: false, command: None, ..ended("old", "error", 127, "") },
    ]
}

fn shown(jobs: &[ListedJob], width: Option<usize>, glyphs: Glyphs) -> String {
    render(jobs, Look { style: Style { colour: false, glyphs }, width })
}

/// runs.txt, "Listing": `abc  running: make test`, `def  stopped (0): make build`, without anything that a program would
/// have to skip.
#[test]
fn programs_read_name_state_and_command() {
    insta::assert_snapshot!(shown(&jobs(), None, Glyphs::Unicode), @r#"
    fmt  stopped (0): cargo fmt  [passed, run 7, 23 sec ago]  # the form\u{1b}[2J of it
    test  stopped (101): cargo test --workspace …  [failed, run 7, another command, 23 sec ago]
    clippy  running: cargo clippy  [30%, 12.3s so far, ~28s left, run 8, 14 sec ago]
    new  running: make new  [12.3s so far, attempt 2, run 8, 14 sec ago, queued again as runs 9 and 11]
    slow  running: make slow  [99%, 12.3s so far, longer than ever, usually ~9.0s, run 8, 14 sec ago]
    hung  running: make hung  [seems stuck: nothing printed for 4m, usually done after 2m10s, 99%, 6m40s so far, run 8, 14 sec ago]
    still  paused: make still  [paused for 3m10s, 12.3s so far, run 8, 14 sec ago]
    later  queued: make later  [run 8, waits for runs 6 and 8, 14 sec ago]
    next  waiting: make next  [run 8, 14 sec ago]
    gone  lost: make gone  [run 7, 23 sec ago]
    list  never run: make list  [not in the default set]  [local-ci run list]
    abc  stopped (143): ./serve --dev  [timed out, run 7, 23 sec ago]  [in sub]
    old  stopped (127):  [could not be run, run 7, 23 sec ago]
    "#);
}

#[test]
fn names_and_states_stand_under_each_other_on_a_terminal() {
    insta::assert_snapshot!(shown(&jobs(), Some(100), Glyphs::Ascii), @r#"
    fmt     stopped (0):   cargo fmt  [passed, run 7, 23 sec ago]  # the form\u{1b}[2J of it
    test    stopped (101): cargo test --workspace ...  [failed, run 7, another command, 23 sec ago]
    clippy  running:       cargo clippy  [30%, 12.3s so far, ~28s left, run 8, 14 sec ago]
    new     running:       make new  [12.3s so far, attempt 2, run 8, 14 sec ago, queued again as runs 9 and 11]
    slow    running:       make slow  [99%, 12.3s so far, longer than ever, usually ~9.0s, run 8, 14 sec ago]
    hung    running:       make hung  [seems stuck: nothing printed for 4m, usually done after 2m10s, 99%, 6m40s so far, run 8, 14 sec ago]
    still   paused:        make still  [paused for 3m10s, 12.3s so far, run 8, 14 sec ago]
    later   queued:        make later  [run 8, waits for runs 6 and 8, 14 sec ago]
    next    waiting:       make next  [run 8, 14 sec ago]
    gone    lost:          make gone  [run 7, 23 sec ago]
    list    never run:     make list  [not in the default set]  [local-ci run list]
    abc     stopped (143): ./serve --dev  [timed out, run 7, 23 sec ago]  [in sub]
    old     stopped (127):  [could not be run, run 7, 23 sec ago]
    "#);
}

/// What came of a stage stands on its line wherever there is room for it.
#[test]
fn the_command_gives_way_on_a_terminal() {
    let one = [ended("test", "pass", 0, "cargo test --workspace --all-features\nsecond")];
    let tail = "  [passed, run 7, 23 sec ago]\n";
    let whole = "test  stopped (0): cargo test --workspace --all-features";
    assert_eq!(shown(&one, None, Glyphs::Unicode), format!("{whole} …{tail}"));
    assert_eq!(shown(&one, Some(200), Glyphs::Ascii), format!("{whole} ...{tail}"));
    assert_eq!(
        shown(&one, Some(80), Glyphs::Unicode),
        format!("test  stopped (0): cargo test --workspace --all-fe…{tail}")
    );
    assert_eq!(shown(&one, Some(20), Glyphs::Ascii), format!("test  stopped (0): cargo test --wo~{tail}"));
}

/// A long name is on its own line what it is, and does not move all others.
#[test]
fn a_long_name_moves_no_other_line() {
    let long = "n".repeat(90);
    let text = shown(&[job("a", "never run", "true"), job(&long, "never run", "true")], Some(80), Glyphs::Ascii);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], format!("a{}  never run: true", " ".repeat(NAME_MOST - 1)));
    assert_eq!(lines[1], format!("{long}  never run: true"));
}

#[test]
fn colours_say_nothing_that_words_do_not() {
    for width in [None, Some(100)] {
        let look = Look { style: Style { colour: true, glyphs: Glyphs::Unicode }, width };
        let coloured = render(&jobs(), look);
        assert!(coloured.contains("\x1b[31mstopped (101):\x1b[0m") && coloured.contains("\x1b[36mrunning:\x1b[0m"));
        assert_eq!(console::strip_ansi_codes(&coloured), shown(&jobs(), width, Glyphs::Unicode));
    }
}

#[test]
fn directories_stand_above_their_jobs_and_those_that_are_gone_are_said_to_be() {
    let group =
        |project: Option<&str>, gone| Group { project: project.map(str::to_owned), gone, jobs: vec![jobs().remove(0)] };
    let groups = [group(Some("/home/a\u{1b}b"), false), group(Some("/home/old"), true), group(None, false)];
    insta::assert_snapshot!(render_groups(&groups, Look::default()), @r#"
    /home/a\u{1b}b
    fmt  stopped (0): cargo fmt  [passed, run 7, 23 sec ago]  # the form\u{1b}[2J of it

    /home/old  (this directory is gone)
    fmt  stopped (0): cargo fmt  [passed, run 7, 23 sec ago]  # the form\u{1b}[2J of it

    a directory that is not known any more
    fmt  stopped (0): cargo fmt  [passed, run 7, 23 sec ago]  # the form\u{1b}[2J of it
    "#);
}

#[test]
fn programs_get_all_of_it() {
    insta::assert_snapshot!(serde_json::to_string(&jobs()[5]).unwrap(), @r#"{"name":"hung","kind":"stage","state":"running","run":8,"age_ms":14000,"elapsed_ms":400000,"expected_ms":130000,"percent":99,"stuck_ms":240000,"command":"make hung","default":true,"needs":[],"hidden_by_command":false}"#);
    insta::assert_snapshot!(serde_json::to_string(&jobs()[12]).unwrap(), @r#"{"name":"old","kind":"former","state":"stopped","exit_code":127,"status":"error","run":7,"age_ms":23500,"command":null,"default":false,"needs":[],"hidden_by_command":false}"#);
}

#[test]
fn what_runs_elsewhere_says_where() {
    let job = ListedJob { on: Some("build-box".into()), percent: Some(30), ..running("clippy", "cargo clippy") };
    let text = render(&[job], Look { style: Style { colour: false, glyphs: Glyphs::Unicode }, width: None });
    assert_eq!(text, "clippy  running: cargo clippy  [on build-box, 30%, 12.3s so far, run 8, 14 sec ago]\n");
}
