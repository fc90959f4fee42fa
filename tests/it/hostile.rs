//! Output made to do harm: to the terminal of whoever looks at it, and to the CI that reads along.

use std::fmt::Write as _;
use std::fs;

use crate::support::{Invocation, Project, assert_transcript};

/// What a terminal would obey, answer or be confused by. Each stands on a line of its own, some without their end.
const CORPUS: &[&[u8]] = &[
    // Moving, erasing, scrolling.
    b"\x1b[A",
    b"\x1b[5B",
    b"\x1b[10;20H",
    b"\x1b[1;1f",
    b"\x1b[2J",
    b"\x1b[3J",
    b"\x1b[K",
    b"\x1b[5S",
    b"\x1b[2T",
    b"\x1b[5L",
    b"\x1b[3M",
    b"\x1b[1P",
    b"\x1b[4@",
    b"\x1b[9X",
    b"\x1b[s\x1b[u",
    b"\x1b7\x1b8",
    b"\x1bD\x1bE\x1bM",
    b"\x1b[1;5r",
    b"\x1b[5G",
    b"\x08\x08\x08",
    b"\x0b\x0c",
    b"\x7f",
    b"\x07",
    // Modes, reset, character sets.
    b"\x1b[?1049h",
    b"\x1b[?47h",
    b"\x1b[?1000h\x1b[?1006h",
    b"\x1b[?2004h",
    b"\x1b[?25l",
    b"\x1b[?5h",
    b"\x1b[!p",
    b"\x1b[4h",
    b"\x1bc",
    b"\x1b=",
    b"\x1b[5 q",
    b"\x1b[>4;2m",
    b"\x1b[?4m",
    b"\x1b[>1u",
    b"\x1b(0",
    b"\x1b)0\x0e",
    b"\x1b%G",
    b"\x1b#8",
    // Questions that a terminal answers by typing.
    b"\x1b[6n",
    b"\x1b[5n",
    b"\x1b[c",
    b"\x1b[>c",
    b"\x1b[=c",
    b"\x1b[>q",
    b"\x1b[21t",
    b"\x1b[18t",
    b"\x1bZ",
    b"\x05",
    b"\x1b[?1$p",
    b"\x1b[?u",
    b"\x1b]10;?\x07",
    b"\x1b]11;?\x1b\\",
    b"\x1b]4;1;?\x07",
    b"\x1b]52;c;?\x07",
    b"\x1bP$qm\x1b\\",
    b"\x1bP+q544e\x1b\\",
    // Titles, clipboard, links, progress, notifications, files.
    b"\x1b]0;title\x07",
    b"\x1b]2;title\x1b\\",
    b"\x1b]52;c;cm0gLXJmIH4=\x07",
    b"\x1b]8;;http://example.invalid\x07x\x1b]8;;\x07",
    b"\x1b]9;4;1;50\x07",
    b"\x1b]777;notify;x;y\x07",
    b"\x1b]1337;File=name=eA==:eA==\x07",
    b"\x1b]133;A\x07",
    b"\x1b_Gi=1;AAAA\x1b\\",
    b"\x1b^private\x1b\\",
    b"\x1bXstring\x1b\\",
    b"\x1bPq#0\x1b\\",
    b"\x1bPtmux;\x1b\x1b[6n\x1b\\",
    // The same with C1 controls, as bytes and as characters.
    b"\x9b2J",
    b"\x9b6n",
    b"\x9d0;title\x07",
    b"\x90$qm\x9c",
    b"\x85",
    b"\xc2\x9b2J",
    b"\xc2\x9d52;c;eA==\xc2\x9c",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    // Without an end.
    b"\x1b",
    b"\x1b[",
    b"\x1b[12;",
    b"\x1b]0;title",
    b"\x1bPq",
    b"\x1b_",
    b"\x1b[31m",
    b"\x1b]52;c;\x1b",
];

/// Fails unless the text is printable, with line feeds, tabs and SGR sequences, and nothing else.
#[track_caller]
fn assert_inert(command: &str, bytes: &[u8]) {
    // A terminal's driver adds carriage returns.
    let text = str::from_utf8(bytes).unwrap_or_else(|e| panic!("{command}: {e}")).replace("\r\n", "\n");
    let mut rest = text.as_str();
    while let Some(at) = rest.find(|c: char| c.is_control() && c != '\n' && c != '\t') {
        let sequence = rest[at..].strip_prefix("\x1b[").and_then(|after| after.split_once('m'));
        let is_colour = |parameters: &str| parameters.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':');
        match sequence {
            Some((parameters, after)) if is_colour(parameters) => rest = after,
            _ => panic!("{command} let this through: {:?}", &rest[at.saturating_sub(40)..rest.len().min(at + 20)]),
        }
    }
}

/// H60, H61: on a terminal, nothing but text and colour comes out of any command: not in output, in excerpts, in
/// commands, in descriptions, in names of files.
#[test]
fn h60_h61_no_command_lets_anything_through_to_the_terminal() {
    let project = Project::new();
    let mut config = String::new();
    // An excerpt shows forty lines.
    for (n, part) in CORPUS.chunks(30).enumerate() {
        let mut text = Vec::new();
        for sequence in part {
            text.extend_from_slice(b"<");
            text.extend_from_slice(sequence);
            text.extend_from_slice(b">\n");
        }
        fs::write(project.side(&format!("part{n}")), text).unwrap();
        let _ = write!(
            config,
            "[stages.part{n}]\ndescription = \"about\\u001b[2J\\u009b6n\"\nrun = \"cat $SIDE/part{n}; exit 1 # \\u001b]0;x\\u0007\\u001b[6n\"\n"
        );
    }
    config += "[stages.missing]\nrun = [\"no\\u001b[2Jsuch\", \"\\u001b[6n\"]\n[stages.nowhere]\ndir = \"a\\u001b[2Jb\"\nrun = 'true'\n";
    project.config(&config);
    let on_terminal = |args: &[&str]| {
        let invocation = project.local_ci(args).env("TERM", "xterm-256color").env("SIDE", project.side_dir());
        invocation.on_terminal(50, 200).wait().bytes
    };
    let shown = on_terminal(&["run", "-k", "--output", "grouped"]);
    assert_inert("run", &shown);
    let text = String::from_utf8_lossy(&shown);
    assert!(text.contains("\x1b[31m>"), "colour is let through: {text}");
    assert!(text.contains("\n<>\r\n"), "what stands around it is shown: {text}");
    assert!(text.contains("\n  | <"), "there are excerpts: {text}");
    // Live mode writes sequences of its own: those of its region, in the places where it writes them.
    for args in [&["run", "-k"][..], &["run", "-k", "-v"], &["attach", "1"]] {
        let bytes = on_terminal(args);
        // The terminal's driver adds a return to every line feed.
        let text = str::from_utf8(&bytes).unwrap().replace("\r\n", "\n");
        let own = ["\r\x1b[K\x1b[C\x1b[J\r", "\x1b[K\r\n", "\x1b[J\r"]
            .into_iter()
            .fold(text.clone(), |t, own| t.replace(own, "\n"));
        let moves = (1..50).fold(own, |text, rows| text.replace(&format!("\n\x1b[{rows}A"), "\n"));
        assert!(args[0] == "attach" || moves != text, "{args:?} is live");
        assert_inert(&format!("{args:?}"), moves.replace('\r', "").as_bytes());
    }
    for args in [
        &["logs"][..],
        &["logs", "part0"],
        &["logs", "-f", "latest"],
        &["runs"],
        &["runs", "part0"],
        &["stats", "part0", "--accuracy"],
        &["stats", "nowhere\x1b[2J"],
        &["rerun", "1", "--dry-run"],
        &["rerun", "1", "--failed", "--dry-run"],
        &["logs", "--grep", "<"],
        &["logs", "--tail", "3"],
        &["show"],
        &["attach", "--output", "grouped"],
        &["attach", "--output", "lines"],
        &["attach", "--output", "quiet"],
        &["attach", "--output", "json"],
        &["list"],
        &["plan"],
        &["run", "-q", "part1"],
        &["run", "--json", "part2"],
        &["validate"],
        &["logs", "\x1b[2J\x1b[6n"],
        &["\x1b[6n"],
    ] {
        let bytes = on_terminal(args);
        assert!(!bytes.is_empty(), "{args:?} says something");
        assert_inert(&format!("{args:?}"), &bytes);
    }
    project.assert_nothing_left();
}

/// A run inside a GitHub Actions step.
fn in_action<'p>(project: &'p Project, args: &[&str]) -> Invocation<'p> {
    project.local_ci(args).env("GITHUB_ACTIONS", "true").env("CI", "true").env("SIDE", project.side_dir())
}

/// The commands that GitHub's runner acts on in this text: those at the start of a line, but for what stands between a
/// `stop-commands` and its token, and the older form anywhere.
fn acted_on(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut stopped: Option<String> = None;
    for line in text.lines() {
        let command = line.trim_start().strip_prefix("::").and_then(|rest| rest.split_once("::"));
        match (&stopped, command) {
            (Some(token), Some((name, _))) if name == token => stopped = None,
            (None, Some(("stop-commands", token))) => stopped = Some(token.to_owned()),
            (None, Some((name, data))) => found.push(format!("{name} {data}").trim_end().to_owned()),
            (Some(_) | None, _) => {}
        }
        // Where commands are stopped the runner ignores this form too, but its viewer draws groups from it.
        if line.contains("##[") {
            found.push(format!("older {line}"));
        }
    }
    assert_eq!(stopped, None, "a fence is left open");
    found
}

const LOOKALIKES: &str = "::endgroup::\n::group::theirs\n::error file=x::no\n::add-mask::no\n::set-env name=a::b\n\
    ::stop-commands::0123456789abcdef0123456789abcdef\n::0123456789abcdef0123456789abcdef::\n##[group]theirs\n##[endgroup]\n\
     \x20::debug::no\n\x1b[1m::warning::no\ndone::endgroup::\n::endgroup::";

/// H65, H66: under GitHub Actions, nothing that a stage prints is acted on: neither live, nor late, nor in an excerpt. What
/// it says is wrong is said by us.
#[test]
fn h65_h66_nothing_that_a_stage_prints_is_a_command() {
    let project = Project::new();
    fs::write(project.side("lines"), LOOKALIKES).unwrap();
    project.config(
        "[stages.first]\nrun = 'cat \"$SIDE/lines\"'\n[stages.second]\nneeds = ['first']\nrun = '''\ncat \"$SIDE/lines\"; exit 1\n::endgroup::'''\n",
    );
    let shown = in_action(&project, &["run"]).output().assert_code(1).stdout();
    let wanted = ["group first", "endgroup", "group second", "endgroup", "error file=x,title=first no"];
    assert_eq!(acted_on(&shown), wanted, "{shown}");
    // Each fence has a token of its own, of 128 bits, which stands in its two lines and nowhere else.
    let tokens: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("::stop-commands::")).collect();
    let ours: Vec<&&str> = tokens.iter().filter(|token| **token != "0123456789abcdef0123456789abcdef").collect();
    assert_eq!(ours.len(), 3, "two groups and an excerpt: {shown}");
    for token in &ours {
        assert!(token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit()), "{token}");
        assert_eq!(shown.matches(**token).count(), 2, "{token}");
        let found = project.sh(&format!("grep -r {token} \"$LOCAL_CI_STATE_DIR\"")).output();
        assert_eq!(found.status.code(), Some(1), "a stage could find it:\n{}", found.stdout());
    }
    let golden = in_action(&project, &["run"]).env("NO_COLOR", "1").output();
    assert_transcript!(golden, @r#"
    $ local-ci run
    🚀 Running local CI pipeline...

    ::group::first
    ::stop-commands::[RUN-ID]
    $ cat "$SIDE/lines"
    ::endgroup::
    ::group::theirs
    ::error file=x::no
    ::add-mask::***
    ::set-env name=a::b
    ::stop-commands::[RUN-ID]
    ::[RUN-ID]::
    ## [group]theirs
    ## [endgroup]
     ::debug::no
    ::warning::no
    done::endgroup::
    ::endgroup::
    ::[RUN-ID]::
    ::endgroup::
    ✓ first ([TIME])
      x: error: no
    note: a value of `::add-mask::` is too short to be looked for in what follows: it has fewer than 6 bytes

    ::group::second
    ::stop-commands::[RUN-ID]
    $ cat "$SIDE/lines"; exit 1
      | ::endgroup::
    ::endgroup::
    ::group::theirs
    ::error file=x::no
    ::add-mask::***
    ::set-env name=a::b
    ::stop-commands::[RUN-ID]
    ::[RUN-ID]::
    ## [group]theirs
    ## [endgroup]
     ::debug::no
    ::warning::no
    done::endgroup::
    ::endgroup::
    ::[RUN-ID]::
    ::endgroup::
    ✗ second ([TIME])
      Error: exit code 1
    ::stop-commands::[RUN-ID]
      | ::endgroup::
      | ::group::theirs
      | ::error file=x::no
      | ::add-mask::***
      | ::set-env name=a::b
      | ::stop-commands::[RUN-ID]
      | ::[RUN-ID]::
      | ## [group]theirs
      | ## [endgroup]
      |  ::debug::no
      | ::warning::no
      | done::endgroup::
      | ::endgroup::
    ::[RUN-ID]::
      x: error: no
    note: a value of `::add-mask::` is too short to be looked for in what follows: it has fewer than 6 bytes

    ::error file=x,title=first::no

    📊 Summary:
      Total stages: 2
      Passed: 1
      Failed: 1
      Total time: [TIME]

    Annotations: 2 errors.

    Failed:
      ✗ second: exit code 1
        log: [STATE]/projects/[HASH]/runs/2/logs/second.log
        rerun: local-ci second

    Run 2 is kept: local-ci show 2
    --- exit 1
    "#);
    // The later views are for people, or fenced as well.
    for args in [&["attach"][..], &["show"], &["run", "-q"]] {
        let shown = in_action(&project, args).output().stdout();
        let commands = acted_on(&shown);
        assert!(commands.iter().all(|command| wanted.contains(&command.as_str())), "{args:?}: {commands:?}\n{shown}");
    }
    project.assert_nothing_left();
}

/// H66: elsewhere, wrappers read the same markers: a stage's own are shown as quotations, ours stay flat.
#[test]
fn h66_markers_are_ours_alone_without_a_ci_too() {
    let project = Project::new();
    fs::write(project.side("lines"), LOOKALIKES).unwrap();
    project
        .config("[stages.first]\nrun = 'cat \"$SIDE/lines\"'\n[stages.second]\nrun = 'cat \"$SIDE/lines\"; exit 1'\n");
    let shown = project.local_ci(&["run", "-j2"]).env("SIDE", project.side_dir()).output().assert_code(1).stdout();
    let commands = acted_on(&shown);
    let mut groups = commands.chunks(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect::<Vec<_>>();
    groups.sort_unstable();
    assert_eq!(groups, [("group first", "endgroup"), ("group second", "endgroup")], "{shown}");
    assert!(shown.contains("\n  | ::endgroup::\n"), "{shown}");
    project.assert_nothing_left();
}

/// H67: a command of several lines is shown, and none of its lines can be taken for ours.
#[test]
fn h67_a_command_of_several_lines_is_quoted() {
    let project = Project::new();
    project.config("[stages.a]\nrun = '''\necho one\n::error::x () { :; }\n::endgroup:: () { :; }'''\n");
    for action in [false, true] {
        let invocation = if action { in_action(&project, &["run"]) } else { project.local_ci(&["run"]) };
        let shown = invocation.output().stdout();
        let mut commands = acted_on(&shown);
        // Some shells take no such function, and the stage fails.
        commands.retain(|command| !command.starts_with("error title=a failed"));
        assert_eq!(commands, ["group a", "endgroup"], "{shown}");
        assert!(shown.contains("$ echo one\n  | ::error::x () { :; }\n  | ::endgroup:: () { :; }\n"), "{shown}");
    }
    project.assert_nothing_left();
}

/// H63: what would reorder or hide text in what we say ourselves is written out.
#[test]
fn h63_direction_controls_are_written_out() {
    let project = Project::new();
    project.config("[stages.a]\ndescription = \"x\\u202ey\"\nrun = \"true # a\\u202eb\\u2066c\\u200bd\"\n");
    for args in [&["run"][..], &["plan"], &["list"], &["show"]] {
        let shown = project.local_ci(args).output().assert_code(0).stdout();
        assert!(!shown.contains(['\u{202e}', '\u{2066}', '\u{200b}']), "{args:?}: {shown:?}");
    }
    project.assert_nothing_left();
}
