//! Where the state cannot be kept: full, read-only, nowhere, or only in part. The stages run all the same, their
//! verdict is the exit code, and a sentence says what is missing.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;

use crate::support::{Finished, Invocation, Project, assert_transcript, wait_until};

/// The directory of a run, whether it is there yet or not. Some run has to be.
pub(crate) fn run_dir(project: &Project, number: u32) -> PathBuf {
    let projects = project.state_dir().join("projects");
    let kept = fs::read_dir(&projects).unwrap().next().unwrap().unwrap();
    kept.path().join("runs").join(number.to_string())
}

/// A project with a run 1 behind it, so that the directory of run 2 is known beforehand.
fn with_a_run(config: &str) -> Project {
    let project = Project::new();
    project.config("[stages.first]\nrun = \"true\"\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    project.config(config);
    project
}

/// The run whose writes to one file, from the n-th on, all fail with this error.
fn failing<'p>(project: &'p Project, args: &[&str], file: &str, error: &str, when: &str) -> Option<Invocation<'p>> {
    let path = run_dir(project, 2).join(file);
    let inject = format!("inject=write,writev:{error}:when={when}");
    project.local_ci(args).under_strace(&["-P", path.to_str().unwrap(), "-e", &inject])
}

const FLOODED: &str = r#"
[stages.flood]
run = "chaos lines 20000"
[stages.after]
needs = ["flood"]
run = "echo it ran"
"#;

/// H74: a log that the disk refuses costs its bytes, counted and said; the run goes on and passes.
#[test]
fn h74_a_full_disk_costs_the_rest_of_a_log() {
    let project = with_a_run(FLOODED);
    let Some(run) = failing(&project, &["-q"], "logs/flood.log", "error=ENOSPC", "2+") else { return };
    let session = run.output().assert_code(0).redact(r"\d+ bytes lost", "[N] bytes lost");
    assert_transcript!(session, @"
    $ local-ci -q
    📊 Summary:
      Total stages: 2
      Passed: 2
      Total time: [TIME]

    Log incomplete, because it could not be written: flood ([N] bytes lost).

    Run 2 is kept: local-ci show 2
    --- exit 0
    ");
    let kept = fs::read_to_string(run_dir(&project, 2).join("logs/flood.log")).unwrap();
    let whole = (1..=20_000).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    assert!(!kept.is_empty() && kept.len() < whole.len() && whole.starts_with(&kept), "I4: {} bytes", kept.len());
    let report = project.local_ci(&["show", "--json"]).output().assert_code(0).stdout();
    let lost = whole.len() - kept.len();
    assert!(report.contains(&format!("flood: its log is incomplete: {lost} bytes could not be written")), "{report}");
    let logs = project.local_ci(&["logs", "flood", "--tail", "1"]).output().assert_code(0).stdout();
    assert!(logs.ends_with(&format!("[{lost} bytes lost: they could not be written to the log]\n")), "{logs}");
    project.local_ci(&["logs", "--grep", "ran"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// H88: whatever the file system says, it is the same class.
#[test]
fn h88_no_error_of_the_file_system_reaches_a_stage() {
    for error in ["EDQUOT", "EIO", "EROFS"] {
        let project = with_a_run(FLOODED);
        let inject = format!("error={error}");
        let Some(run) = failing(&project, &["--json"], "logs/flood.log", &inject, "1+") else { return };
        let report: serde_json::Value = serde_json::from_slice(&run.output().assert_code(0).stdout).unwrap();
        assert_eq!(report["verdict"], "passed", "{error}");
        assert_eq!(report["results"][0]["log"], serde_json::Value::Null, "nothing of it was kept");
        assert_eq!(report["warnings"][0], "flood: its log is incomplete: 208894 bytes could not be written");
        project.assert_nothing_left();
    }
}

const FAILING: &str = r#"
[stages.one]
run = "echo first"
[stages.two]
needs = ["one"]
run = "echo second; exit 3"
"#;

/// H75, H76: events that cannot be written reach the foreground all the same, and the exit code is the stages'.
#[test]
fn h76_events_reach_the_foreground_without_a_journal() {
    for when in ["1+", "2+", "4+"] {
        let project = with_a_run(FAILING);
        let Some(run) = failing(&project, &[], "events.jsonl", "error=ENOSPC", when) else { return };
        let session = run.output().assert_code(1);
        insta::allow_duplicates! { assert_transcript!(session, @"
        $ local-ci
        🚀 Running local CI pipeline...

        ::group::one
        $ echo first
        first
        ::endgroup::
        ✓ one ([TIME])

        ::group::two
        $ echo second; exit 3
        second
        ::endgroup::
        ✗ two ([TIME])
          Error: exit code 3
          | second

        📊 Summary:
          Total stages: 2
          Passed: 1
          Failed: 1
          Total time: [TIME]

        Failed:
          ✗ two: exit code 3
            log: [STATE]/projects/[HASH]/runs/2/logs/two.log
            rerun: local-ci two

        Run 2 is kept: local-ci show 2
        --- stderr
        warning: the record of this run will be incomplete: its journal cannot be written (No space left on device (os error 28))
        --- exit 1
        "); }
        // What was not written was not said: such a run is lost to those who come later, and never passed.
        let later = project.local_ci(&["show", "2"]).output().assert_code(3);
        assert!(!later.stdout().contains("Total stages: 2\n  Passed: 2"), "{}", later.stdout());
        project.assert_nothing_left();
    }
}

/// H76: the last event alone is refused. Everything is shown, and the code is the stages' own.
#[test]
fn h76_a_last_event_that_does_not_fit_is_told() {
    let project = with_a_run("[stages.one]\nrun = \"echo first\"\n");
    // One for each: run started, stage started, stage finished, run finished.
    let Some(run) = failing(&project, &["--output", "json"], "events.jsonl", "error=ENOSPC", "4+") else { return };
    let finished = run.output().assert_code(0);
    assert_eq!(kinds(&finished), ["run_started", "stage_started", "stage_finished", "run_finished"]);
    assert!(finished.stderr().contains("the record of this run will be incomplete"), "{}", finished.stderr());
    project.local_ci(&["show", "2"]).output().assert_code(3);
    project.assert_nothing_left();
}

/// H76: a line that is cut short is taken back, and the next one is whole.
#[test]
fn h76_a_torn_line_is_taken_back() {
    let project = with_a_run("[stages.one]\nrun = \"echo first\"\n");
    let Some(run) = failing(&project, &["--output", "json"], "events.jsonl", "retval=10", "2") else { return };
    let finished = run.output().assert_code(0);
    assert_eq!(kinds(&finished), ["run_started", "stage_started", "stage_finished", "run_finished"]);
    let kept = fs::read_to_string(run_dir(&project, 2).join("events.jsonl")).unwrap();
    let kept: Vec<serde_json::Value> = kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kept.iter().map(|event| event["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 2, 3]);
    project.local_ci(&["show", "2"]).output().assert_code(0);
    project.assert_nothing_left();
}

fn kinds(finished: &Finished) -> Vec<String> {
    let stdout = finished.stdout();
    let events: Vec<serde_json::Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().enumerate().all(|(seq, event)| event["seq"] == seq), "{stdout}");
    events.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
}

/// A script whose state directory is a file system of its own, of that size. None, with a line that says so, where this
/// user may not mount one.
fn on_tmpfs<'p>(project: &'p Project, size: &str, script: &str) -> Option<Invocation<'p>> {
    let state = project.state_dir();
    fs::DirBuilder::new().mode(0o700).create(&state).unwrap();
    let mount = format!("mount -t tmpfs -o size={size},mode=0700 none '{}'", state.display());
    if !project.sh(&format!("unshare -rm sh -c \"{mount}\"")).output().status.success() {
        skip("skipped: cannot mount a tmpfs here; run as root, or allow user namespaces");
        return None;
    }
    Some(project.sh(&format!("exec unshare -rm sh -c \"{mount} && {{ {script} }}\"")))
}

#[expect(clippy::print_stdout, reason = "the test's own output, which tests/run.sh counts")]
fn skip(why: &str) {
    println!("{why}");
}

/// H74, H75: a file system that is really full. The first run fills it, the next one finds no room at all.
#[test]
fn h75_a_full_file_system_costs_history_only() {
    let project = Project::new();
    project.config(
        r#"
        [stages.flood]
        run = "chaos flood 4M"
        [stages.after]
        needs = ["flood"]
        run = "echo it ran"
        "#,
    );
    let script = "local-ci -q; echo code $?; local-ci --json; echo code $?; local-ci list; echo code $?;";
    let Some(session) = on_tmpfs(&project, "1m", script) else { return };
    let session = session.output().redact(r"\d+ bytes", "[N] bytes").redact("(?m)^\\$ sh .*$", "$ sh …");
    assert_transcript!(session, @r#"
    $ sh …
    📊 Summary:
      Total stages: 2
      Passed: 2
      Total time: [TIME]

    Log incomplete, because it could not be written: flood ([N] bytes lost), after ([N] bytes lost).

    Run 1 is kept: local-ci show 1
    code 0
    {"schema_version":1,"run":{"id":"[RUN-ID]","number":null},"verdict":"passed","exit_code":0,"results":[{"name":"flood","command":"chaos flood 4M","status":"pass","exit_code":0,"duration_ms":[TIME],"expected_ms":null,"cache_hit":false,"attempt":1,"log":null,"annotations":[]},{"name":"after","command":"echo it ran","status":"pass","exit_code":0,"duration_ms":[TIME],"expected_ms":null,"cache_hit":false,"attempt":1,"log":null,"annotations":[]}],"passed":2,"failed":0,"skipped":0,"cached":0,"duration_ms":[TIME],"warnings":[]}
    code 0
    flood  stopped (0): chaos flood 4M  [passed, run 1, [AGO]]
    after  stopped (0): echo it ran  [passed, run 1, [AGO]]
    code 0
    --- stderr
    warning: no history is kept of this run: the state directory cannot be used ([STATE]: No space left on device (os error 28))
    --- exit 0
    "#);
    project.assert_nothing_left();
}

/// H77: a state directory that can only be read costs history and one warning; old history can still be read.
#[test]
fn h77_a_read_only_state_costs_history_only() {
    let project = Project::new();
    project.config("[stages.one]\nrun = \"echo done; exit $CODE\"\n");
    // The first run's supervisor closes its files just after its last word.
    let script = "CODE=0 local-ci -q; until mount -o remount,ro $LOCAL_CI_STATE_DIR 2>/dev/null; do chaos sleep 0.01; done; CODE=1 local-ci; echo code $?; \
                  local-ci list; local-ci show; local-ci logs; local-ci logs -f one; local-ci attach --output quiet; local-ci stop 1;";
    let Some(session) = on_tmpfs(&project, "1m", &script.replace('$', "\\$")) else { return };
    let session = session.output().redact("(?m)^\\$ sh .*$", "$ sh …");
    assert_transcript!(session, @"
    $ sh …
    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 1 is kept: local-ci show 1
    🚀 Running local CI pipeline...

    ::group::one
    $ echo done; exit $CODE
    done
    ::endgroup::
    ✗ one ([TIME])
      Error: exit code 1
      | done

    📊 Summary:
      Total stages: 1
      Failed: 1
      Total time: [TIME]

    Failed:
      ✗ one: exit code 1
        rerun: local-ci one
    code 1
    one  stopped (0): echo done; exit $CODE  [passed, run 1, [AGO]]
    ✓ one ([TIME])

    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 1 is kept: local-ci show 1
    done
    done
    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 1 is kept: local-ci show 1
    --- stderr
    warning: no history is kept of this run: the state directory cannot be used ([STATE]: Read-only file system (os error 30))
    run 1 has ended already
    --- exit 0
    ");
    project.assert_nothing_left();
}

/// H77: the same where there cannot be a directory at all.
#[test]
fn h77_an_impossible_state_directory_costs_history_only() {
    let project = Project::new();
    project.config("[stages.one]\nrun = \"echo done; exit 4\"\n");
    let nowhere = |args: &[&str]| project.local_ci(args).env("LOCAL_CI_STATE_DIR", "/dev/null/state").output();
    assert_transcript!(nowhere(&[]), @"
    $ local-ci
    🚀 Running local CI pipeline...

    ::group::one
    $ echo done; exit 4
    done
    ::endgroup::
    ✗ one ([TIME])
      Error: exit code 4
      | done

    📊 Summary:
      Total stages: 1
      Failed: 1
      Total time: [TIME]

    Failed:
      ✗ one: exit code 4
        rerun: local-ci one
    --- stderr
    warning: no history is kept of this run: the state directory cannot be used (/dev/null/state: Not a directory (os error 20))
    --- exit 1
    ");
    let report: serde_json::Value = serde_json::from_slice(&nowhere(&["--json"]).assert_code(1).stdout).unwrap();
    assert_eq!(report["run"]["number"], serde_json::Value::Null);
    assert_eq!(report["results"][0]["log"], serde_json::Value::Null, "its directory is gone by now");
    nowhere(&["list"]).assert_code(0);
    nowhere(&["plan"]).assert_code(0);
    assert_transcript!(nowhere(&["show"]), @"
    $ local-ci show
    --- stderr
    error: the project's runs cannot be read: Not a directory (os error 20)
    --- exit 3
    ");
    project.assert_nothing_left();
}

/// H78: without a home, a run lives in a private directory that nobody can guess, and that goes with it.
#[test]
fn h78_without_a_home_the_run_is_private_and_temporary() {
    let project = Project::new();
    project.config("[stages.one]\nrun = \"chaos wait-for $SIDE/go\"\n");
    let run = |args: &[&str]| {
        let invocation = project.local_ci(args).env("SIDE", project.root().join("side"));
        let homeless = ["HOME", "XDG_CONFIG_HOME", "LOCAL_CI_STATE_DIR", "LOCAL_CI_CACHE_DIR"];
        homeless.into_iter().fold(invocation, Invocation::env_remove).env("XDG_STATE_HOME", "relative/state")
    };
    let running = run(&["-q"]).spawn();
    let made =
        || fs::read_dir(project.root().join("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    wait_until("the run to have a directory", || {
        made().first().is_some_and(|dir| dir.join("run/events.jsonl").exists())
    });
    let [dir] = &made()[..] else { panic!("{:?}", made()) };
    let name = dir.file_name().unwrap().to_str().unwrap();
    let random = name.strip_prefix("local-ci-").unwrap();
    assert!(random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
    assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
    fs::write(project.side("go"), "").unwrap();
    assert_transcript!(running.wait(), @"
    $ local-ci -q
    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]
    --- stderr
    warning: no history is kept of this run: the state directory cannot be used (none of LOCAL_CI_STATE_DIR, XDG_STATE_HOME and HOME is an absolute path)
    --- exit 0
    ");
    assert!(made().is_empty(), "{:?}", made());

    assert_transcript!(run(&["show"]).output(), @"
    $ local-ci show
    --- stderr
    error: no history is kept: none of LOCAL_CI_STATE_DIR, XDG_STATE_HOME and HOME is an absolute path
      hint: set LOCAL_CI_STATE_DIR to a directory, and run again
    --- exit 3
    ");
    run(&["list"]).output().assert_code(0);
    // A directory that is no place for files is passed over for the next.
    run(&["-q"]).env("XDG_RUNTIME_DIR", "/dev/null").env("TMPDIR", "relative").output().assert_code(0);
    project.assert_nothing_left();
}
