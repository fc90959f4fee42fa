//! The lines mode of the real program: every line with its stage's name, in a log as well as on a terminal.

use crate::support::{Project, assert_transcript};

#[test]
fn every_line_has_its_stages_name() {
    let project = Project::new();
    project.config(
        "[stages.build]\nrun = \"printf 'one\\\\ntwo'\"\n\
         [stages.test]\nrun = \"echo four; exit 3\"\nneeds = [\"build\"]\n\
         [stages.publish]\nrun = \"true\"\nneeds = [\"test\"]\n",
    );
    assert_transcript!(project.local_ci(&["--output", "lines"]).output(), @r"
    $ local-ci --output lines
    [build] $ printf 'one\ntwo'
    [build] one
    [build] two
    [build] ✓ passed in [TIME]
    [test] $ echo four; exit 3
    [test] four
    [test] ✗ failed in [TIME]: exit code 3
    [publish] - skipped: needs test, which did not pass

    📊 Summary:
      Total stages: 3
      Passed: 1
      Failed: 1
      Skipped: 1
      Total time: [TIME]

    Failed:
      ✗ test: exit code 3
        log: [STATE]/projects/[HASH]/runs/1/logs/test.log
        rerun: local-ci test

    Run 1 is kept: local-ci show 1
    --- exit 1
    ");
    let again = project.local_ci(&["attach", "--output", "lines"]).output().assert_code(1);
    assert!(again.stdout().starts_with("[build] $ printf"), "{}", again.transcript());
    project.assert_nothing_left();
}

/// Stages that run at once are both shown while they run.
#[test]
fn stages_at_the_same_time_are_both_shown() {
    let project = Project::new();
    let gate = project.side("gate");
    let stage =
        |name: &str| format!("[stages.{name}]\nrun = \"echo from {name}; chaos wait-for {}\"\n", gate.display());
    project.config(&(stage("a") + &stage("b") + "[run]\njobs = 2\noutput = \"lines\"\n"));
    let run = project.local_ci(&[]).spawn();
    run.wait_for_stdout("[a] from a\n");
    run.wait_for_stdout("[b] from b\n");
    project.open_gate("gate");
    let run = run.wait().assert_code(0);
    assert!(run.stdout().contains("[a] ✓ passed in ") && run.stdout().contains("[b] ✓ passed in "), "{}", run.stdout());
}

/// Who has it read out hears words, after the run as well as in it: nothing is said by a sign alone.
#[test]
fn what_is_read_out_has_words_for_signs() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"true\"\n[stages.b]\nrun = \"exit 2\"\n");
    let run = |args: &[&str]| project.local_ci(args).env("LOCAL_CI_ACCESSIBLE", "1").output().assert_code(1);
    let said = run(&["--output", "lines"]).stdout();
    assert!(said.contains("a passed in ") && said.contains("b failed in "), "{said}");
    for args in [&["show"][..], &["attach", "--output", "quiet"], &["-q", "b"]] {
        let told = run(args).stdout();
        assert!(told.is_ascii() && told.contains("FAIL b (") && told.contains("\n  FAIL b: exit code 2\n"), "{told}");
    }
    assert!(run(&["show", "1"]).stdout().starts_with("ok a ("));
}

/// H65, H66: under GitHub nothing that a stage prints is acted on, without a fence.
#[test]
fn h65_h66_no_line_is_a_command() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"echo ::error::x; printf '##[group]y\\\\n  ::endgroup::'; exit 1\"\n");
    let run = project.local_ci(&["--output", "lines"]).env("GITHUB_ACTIONS", "true").output().assert_code(1);
    let text = run.stdout();
    let commands: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    assert_eq!(commands, ["::error title=a::x"], "what it says is wrong, in our words: {text}");
    assert!(!text.contains("##["), "{text}");
    assert!(text.contains("::error::x\n") && text.contains("  ::endgroup::\n"), "{text}");
}

/// Colours are asked of stages where they are shown, and a name has one of its own.
#[test]
fn colours_are_asked_for_where_they_are_shown() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"echo colour: $FORCE_COLOR\"\n");
    let shown = |args: &[&str]| project.local_ci(args).output().assert_code(0).stdout();
    let coloured = shown(&["--output", "lines", "--color", "always"]);
    assert!(coloured.contains("m[a]\x1b[0m colour: 1\n"), "{coloured:?}");
    assert!(shown(&["--output", "lines"]).contains("[a] colour:\n"));
}
