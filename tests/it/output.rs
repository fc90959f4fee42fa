//! What stages print is kept as it came, and shown so that a person can read it.

use std::fs;

use crate::support::{Finished, Project, assert_transcript};

/// Runs the project's stages one after the other.
fn run(project: &Project) -> Finished {
    project.local_ci(&["run", "-j1"]).env("SIDE", project.side_dir()).output()
}

/// H56: an end without a newline is kept so, and what follows it stands on a line of its own.
#[test]
fn h56_a_last_line_without_an_end() {
    let project = Project::new();
    project.config("[stages.good]\nrun = 'printf foo'\n[stages.bad]\nrun = 'printf one; printf two >&2; exit 3'\n");
    assert_transcript!(run(&project), @r"
    $ local-ci run -j1
    🚀 Running local CI pipeline...

    ::group::good
    $ printf foo
    foo
    ::endgroup::
    ✓ good ([TIME])

    ::group::bad
    $ printf one; printf two >&2; exit 3
    onetwo
    ::endgroup::
    ✗ bad ([TIME])
      Error: exit code 3
      | onetwo

    📊 Summary:
      Total stages: 2
      Passed: 1
      Failed: 1
      Total time: [TIME]

    Failed:
      ✗ bad: exit code 3
        log: [STATE]/projects/[HASH]/runs/1/logs/bad.log
        rerun: local-ci bad

    Run 1 is kept: local-ci show 1
    --- exit 1
    ");
    assert_eq!(project.log(1, "good.log"), b"foo");
    assert_eq!(project.local_ci(&["logs", "good"]).output().stdout(), "foo\n");
    project.assert_nothing_left();
}

/// H58, H59: bytes that are no text are kept as they are and shown as what they are not.
#[test]
fn h58_h59_bytes_that_are_no_text() {
    let project = Project::new();
    // An emoji in two writes, with a pause of a process's start between them.
    project.config(
        "[stages.bytes]\nrun = '''\n\
         chaos print-hex 61fffe80620a; chaos print-hex f09f; chaos print-hex 98800a; chaos print-hex 610062000a\n\
         chaos print-hex c3'''\n",
    );
    let shown = run(&project).assert_code(0).stdout();
    assert!(shown.contains("\na\u{fffd}\u{fffd}\u{fffd}b\n😀\na␀b␀\n\u{fffd}\n::endgroup::\n"), "{shown}");
    let log = b"a\xff\xfe\x80b\n\xf0\x9f\x98\x80\na\0b\0\n\xc3";
    assert_eq!(project.log(1, "bytes.log"), log);
    assert!(project.local_ci(&["logs", "bytes"]).output().stdout().contains("\n😀\na␀b␀\n\u{fffd}\n"));
    project.assert_nothing_left();
}

/// H62: a colour that is never reset ends with its line, on a terminal as well as where colour is asked for.
#[test]
fn h62_a_colour_ends_with_its_line() {
    let project = Project::new();
    project.config("[stages.red]\nrun = 'chaos print-hex 1b5b33316d7265640a7374696c6c; exit 1'\n");
    let shown = project.local_ci(&["run", "--color", "always"]).output().assert_code(1).stdout();
    assert!(shown.contains("\n\x1b[31mred\x1b[0m\n\x1b[31mstill\x1b[0m\n::endgroup::\n"), "{shown:?}");
    assert!(shown.contains("\n  | \x1b[31mred\x1b[0m\n  | \x1b[31mstill\x1b[0m\n"), "{shown:?}");
    let plain = project.local_ci(&["logs", "red"]).output().stdout();
    assert_eq!(plain, "red\nstill\n", "no terminal, no colour");
    project.assert_nothing_left();
}

/// H64: of ten thousand steps of progress the log has all, and a reader sees the last.
#[test]
fn h64_progress_is_kept_and_its_last_state_shown() {
    let project = Project::new();
    project.config("[stages.build]\nrun = 'chaos progress-cr 10000; echo done'\n");
    let shown = run(&project).assert_code(0).stdout();
    assert!(shown.contains("\nstep 10000/10000\ndone\n::endgroup::\n"), "{shown}");
    assert_eq!(shown.matches("step ").count(), 1);
    let log = project.log(1, "build.log");
    assert_eq!(log.split(|byte| *byte == b'\r').count(), 10_002, "a return before each step");
    assert_eq!(project.local_ci(&["logs", "build"]).output().stdout(), "step 10000/10000\ndone\n");
    project.assert_nothing_left();
}

/// H54: a log over its limit keeps its first and last bytes, wherever they are cut, and says how many are missing.
#[test]
fn h54_a_capped_log_keeps_both_ends() {
    let project = Project::new();
    project.config("[stages.lines]\nlog-max = 100\nrun = 'chaos lines 1000; exit 1'\n");
    let text = (1..=1000).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    let (head, tail) = (&text[..100], &text[text.len() - 100..]);
    let shown = run(&project).assert_code(1).stdout();
    assert_eq!(project.log(1, "lines.log"), head.as_bytes());
    assert_eq!(project.log(1, "lines.tail"), tail.as_bytes());
    let omitted = text.len() - 200;
    let gap = format!("[{omitted} bytes omitted; the log keeps the first 100 and the last 100 (log-max)]");
    assert!(shown.contains(&format!("{head}\n{gap}\n{tail}::endgroup::\n")), "{shown}");
    // The excerpt is of the end.
    assert!(shown.contains("\n  | line 999\n  | line 1000\n"), "{shown}");
    let logged = project.local_ci(&["logs", "lines"]).output().stdout();
    assert_eq!(logged, format!("{head}\n[{omitted} bytes omitted]\n{tail}"));
    project.assert_nothing_left();
}

/// H68: one log in order of arrival, and an index that says which bytes came from which stream, and when.
#[test]
fn h68_the_index_tells_stdout_from_stderr() {
    let project = Project::new();
    // Two pipes have no order between them: each line is waited for until it is in the log.
    project.config(
        "[stages.mixed]\nrun = '''\n\
         kept() { until grep -qsx \"$1\" \"$LOCAL_CI_STATE_DIR\"/projects/*/runs/1/logs/mixed.log; do chaos sleep 0.003; done; }\n\
         for n in 1 2 3; do echo out $n; kept \"out $n\"; echo err $n >&2; kept \"err $n\"; done'''\n",
    );
    run(&project).assert_code(0);
    let log = project.log(1, "mixed.log");
    assert_eq!(log, b"out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
    let index = project.log(1, "mixed.idx");
    let (records, rest) = index.as_chunks::<16>();
    assert!(rest.is_empty());
    let mut streams = [Vec::new(), Vec::new()];
    let (mut start, mut before) = (0, 0);
    for record in records {
        let number = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().unwrap());
        let (time, end, stream) = (number(0), usize::try_from(number(8) >> 1).unwrap(), number(8) & 1);
        assert!(time >= before && end > start, "{records:?}");
        streams[usize::try_from(stream).unwrap()].extend_from_slice(&log[start..end]);
        (start, before) = (end, time);
    }
    assert_eq!(start, log.len());
    assert_eq!(streams, [&b"out 1\nout 2\nout 3\n"[..], b"err 1\nerr 2\nerr 3\n"]);
    project.assert_nothing_left();
}

/// H69, H70: with `pty` a stage prints to a terminal that nobody types on; its bytes are kept as they came, and what
/// holds it open is not waited for.
#[test]
fn h69_h70_a_stage_on_a_terminal() {
    let project = Project::new();
    project.config(
        "[stages.tty]\npty = true\nrun = '''\n\
         test -t 1 && test -t 2 && ! test -t 0 && echo a terminal\n\
         chaos ids | grep -o 'no controlling terminal'; stty size <&1; chaos read-stdin\n\
         chaos fork-daemon --hold-stdout --pid-file \"$SIDE/daemon\"'''\n\
         [stages.asks]\npty = true\nrun = ['chaos', 'read-tty']\n",
    );
    let shown = run(&project).assert_code(1).stdout();
    let text = "a terminal\nno controlling terminal\n24 80\nstdin had 0 bytes\n";
    assert_eq!(String::from_utf8(project.log(1, "tty.log")).unwrap(), text);
    assert!(shown.contains(text) && shown.contains("outlived its stage; it was killed"), "{shown}");
    assert!(!project.identity("daemon").is_alive());
    // A question is not waited for: there is nobody to answer.
    assert!(shown.contains("  Error: exit code 6\n"), "{shown}");
    project.assert_nothing_left();
}

/// H59, H68: output that came while a log could not be shown is not in any event: the journal stays small and text.
#[test]
fn h59_the_journal_has_no_output() {
    let project = Project::new();
    project.config("[stages.bytes]\nrun = 'chaos print-hex 00ff1b; chaos flood 1M; exit 1'\n");
    run(&project).assert_code(1);
    let journal = fs::read(project.run_dir(1).join("events.jsonl")).unwrap();
    assert!(journal.len() < 4096 && journal.iter().all(|byte| matches!(byte, b'\n' | b' '..=b'~')));
    let report = project.local_ci(&["show", "--json"]).output().assert_code(1).stdout;
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["results"][0]["status"], "fail");
    project.assert_nothing_left();
}
