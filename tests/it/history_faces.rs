//! What came of earlier runs, as people and programs see it: runs, stats, and what list adds while something runs.

use serde_json::Value;

use crate::support::{Finished, Project, Running, assert_transcript, wait_until};

/// `test` fails while a file is there, `flaky` passes at its second attempt while another is.
const PIPELINE: &str = r#"
[stages.fmt]
run = "true"
[stages.test]
needs = ["fmt"]
run = "test ! -e $SIDE/bad || exit 9"
[stages.flaky]
retries = 1
run = 'test ! -e $SIDE/shaky || test $LOCAL_CI_ATTEMPT = 2'
[stages.cell]
matrix = { on = ["a", "b"] }
run = "true"
[stages.late]
default = false
run = "true"
[stages.held]
default = false
run = "chaos touch $SIDE/begun; chaos wait-for $SIDE/go"
"#;

fn project() -> Project {
    let project = Project::new();
    project.config(PIPELINE);
    project
}

fn run(project: &Project, args: &[&str]) -> Finished {
    project.local_ci(args).env("SIDE", project.side_dir()).output()
}

/// Six runs: passed, passed, failed, failed, flaky, cancelled by its limit.
fn with_runs() -> Project {
    with_runs_in(project())
}

fn with_runs_in(project: Project) -> Project {
    run(&project, &["-q"]).assert_code(0);
    // The next one may start before this one is in the history, and then knows nothing of it: who looks takes it in.
    run(&project, &["runs"]).assert_code(0);
    run(&project, &["-q"]).assert_code(0);
    project.open_gate("bad");
    run(&project, &["-q"]).assert_code(1);
    run(&project, &["-q", "test"]).assert_code(1);
    std::fs::remove_file(project.side("bad")).unwrap();
    project.open_gate("shaky");
    run(&project, &["-q"]).assert_code(0);
    run(&project, &["-q", "held", "--timeout", "100ms"]).assert_code(1);
    project
}

/// A run of `held`, which has begun.
fn held(project: &Project) -> Running<'_> {
    let _ = std::fs::remove_file(project.side("begun"));
    let running = project.local_ci(&["-q", "held"]).env("SIDE", project.side_dir()).spawn();
    wait_until("the stage to begin", || project.side("begun").exists());
    running
}

/// Times as people read them here differ from run to run, and so does how wide they are.
fn steady(finished: Finished) -> Finished {
    finished
        .redact(r"just now|\d+ sec ago|\d+ min ago", "[AGO]")
        .redact(r"\[AGO\] +\[TIME\]", "[AGO] [TIME]")
        .redact(r"Started +Duration", "Started Duration")
}

fn json(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap()
}

#[test]
fn runs_are_listed_newest_first() {
    let project = with_runs();
    assert_transcript!(steady(run(&project, &["runs"])), @"
    $ local-ci runs
    Run  Started Duration  Status        Details
    6    [AGO] [TIME]  ✗ failed (1)  held
    5    [AGO] [TIME]  ✓ passed
    4    [AGO] [TIME]  ✗ failed (1)  test
    3    [AGO] [TIME]  ✗ failed (1)  test
    2    [AGO] [TIME]  ✓ passed
    1    [AGO] [TIME]  ✓ passed
    --- exit 0
    ");
    assert_transcript!(steady(run(&project, &["runs", "-n", "2"])), @"
    $ local-ci runs -n 2
    Run  Started Duration  Status        Details
    6    [AGO] [TIME]  ✗ failed (1)  held
    5    [AGO] [TIME]  ✓ passed
    --- exit 0
    ");
    assert_transcript!(steady(run(&project, &["runs", "test"])), @"
    $ local-ci runs test
    Run     Started Duration  Status
    5/test  [AGO] [TIME]  ✓ passed
    4/test  [AGO] [TIME]  ✗ failed (9)
    3/test  [AGO] [TIME]  ✗ failed (9)
    2/test  [AGO] [TIME]  ✓ passed
    1/test  [AGO] [TIME]  ✓ passed
    --- exit 0
    ");
    assert_transcript!(steady(run(&project, &["runs", "flaky", "-n", "1"])), @"
    $ local-ci runs flaky -n 1
    Run      Started Duration  Status    Details
    5/flaky  [AGO] [TIME]  ✓ passed  flaky: passed on attempt 2
    --- exit 0
    ");
    assert_transcript!(steady(run(&project, &["runs", "cell", "-n", "3"])), @"
    $ local-ci runs cell -n 3
    Run       Started Duration  Status
    5/cell:a  [AGO] [TIME]  ✓ passed
    5/cell:b  [AGO] [TIME]  ✓ passed
    3/cell:a  [AGO] [TIME]  ✓ passed
    --- exit 0
    ");
    assert_transcript!(run(&project, &["runs", "late"]), @"
    $ local-ci runs late
    --- stderr
    late has never run
    --- exit 0
    ");
    let document = json(&run(&project, &["runs", "--json", "-n", "4"]).assert_code(0));
    let numbers: Vec<&Value> = document["runs"].as_array().unwrap().iter().map(|run| &run["run"]).collect();
    assert_eq!(numbers, [6, 5, 4, 3]);
    assert_eq!((&document["schema_version"], &document["more"]), (&1.into(), &true.into()));
    assert_eq!(document["runs"][3]["failed_stages"], serde_json::json!(["test"]));
    let document = json(&run(&project, &["runs", "test", "--json"]).assert_code(0));
    let job = &document["runs"][0]["job"];
    assert_eq!((&job["name"], &job["status"], &job["attempts"]), (&"test".into(), &"pass".into(), &1.into()));
    assert_eq!(document["runs"][1]["job"]["exit_code"], 9);
    project.assert_nothing_left();
}

#[test]
fn a_project_without_runs_says_so_and_that_is_no_error() {
    let project = project();
    assert_transcript!(run(&project, &["runs"]), @"
    $ local-ci runs
    --- stderr
    there are no runs of this project yet; `local-ci run` starts one
    --- exit 0
    ");
    let document = json(&run(&project, &["runs", "--json"]).assert_code(0));
    assert_eq!((&document["runs"], &document["more"]), (&serde_json::json!([]), &false.into()));
    assert_transcript!(run(&project, &["stats", "test"]), @"
    $ local-ci stats test
    Job: test (test ! -e $SIDE/bad || exit 9)
    Total runs: 0
    Estimated next run: not known yet (no passed runs)
    --- exit 0
    ");
    assert_transcript!(run(&project, &["stats", "tset"]), @r#"
    $ local-ci stats tset
    --- stderr
    error: there is no job "tset", now or in earlier runs; did you mean test?
      hint: `local-ci list` shows the jobs, `local-ci runs` what came of them
    --- exit 2
    "#);
    assert_transcript!(run(&project, &["runs", "cel"]), @r#"
    $ local-ci runs cel
    --- stderr
    error: there is no job "cel", now or in earlier runs; did you mean cell or cell:a or cell:b?
      hint: `local-ci list` shows the jobs, `local-ci runs` what came of them
    --- exit 2
    "#);
    project.assert_nothing_left();
}

#[test]
fn a_job_is_summed_up() {
    let project = with_runs();
    let digits = |finished: Finished| {
        finished
            .redact(r"just now|\d+ sec ago", "[AGO]")
            .redact(r"~\[TIME\]", "~[TIME]")
            .redact(r"by \d+%", "by [N]%")
            .redact(r"\d+% within", "[N]% within")
    };
    assert_transcript!(digits(run(&project, &["stats", "test"])), @"
    $ local-ci stats test
    Job: test (test ! -e $SIDE/bad || exit 9)
    Total runs: 5
    Success rate: 60% (3/5)
    Average duration: [TIME]
    Fastest: [TIME]
    Slowest: [TIME]
    Estimated next run: ~[TIME]
    Band: [TIME]–[TIME], a guess until it has passed more often
    Estimated from: 3 passed runs
    Median duration: [TIME]
    Last failure: run 4, [AGO]
    Estimates so far: off by [N]% in the median over 2 runs; [N]% within the band
    --- exit 0
    ");
    assert_transcript!(digits(run(&project, &["stats", "flaky"])), @"
    $ local-ci stats flaky
    Job: flaky (test ! -e $SIDE/shaky || test $LOCAL_CI_ATTEMPT = 2)
    Total runs: 4
    Success rate: 100% (4/4)
    Average duration: [TIME]
    Fastest: [TIME]
    Slowest: [TIME]
    Estimated next run: ~[TIME]
    Band: [TIME]–[TIME], a guess until it has passed more often
    Estimated from: 4 passed runs
    Median duration: [TIME]
    Passed only after another attempt: 1 of 4
    Flaky: runs came out differently on unchanged inputs
    Estimates so far: off by [N]% in the median over 3 runs; [N]% within the band
    --- exit 0
    ");
    let all = run(&project, &["stats"]).assert_code(0).stdout();
    assert!(["fmt", "test", "cell:a", "late"].iter().all(|name| all.contains(name)), "{all}");
    assert!(json(&run(&project, &["stats", "--json"]))["job"].is_null());
    let table = run(&project, &["stats", "cell"]).assert_code(0).stdout();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    assert_eq!(rows, [["Job", "Runs", "Success"], ["cell:a", "4", "100%"], ["cell:b", "4", "100%"]]);
    let document = json(&run(&project, &["stats", "test", "--json", "--accuracy"]).assert_code(0));
    let job = &document["jobs"][0];
    assert_eq!((&job["runs"], &job["passed"], &job["estimate"]["samples"]), (&5.into(), &3.into(), &3.into()));
    // The first run had nothing to go by, and what failed is not compared.
    let predicted: Vec<&Value> = job["predictions"].as_array().unwrap().iter().map(|told| &told["run"]).collect();
    assert_eq!(predicted, [5, 2]);
    assert_eq!(job["last_failure"]["run"], 4);
    let statuses: Vec<&Value> = job["last"].as_array().unwrap().iter().map(|run| &run["status"]).collect();
    assert_eq!(statuses, ["pass", "fail", "fail", "pass", "pass"]);
    project.assert_nothing_left();
}

/// A stage is not taken for the cell of a matrix of another's name, nor its command with arguments for its command.
#[test]
fn a_jobs_statistics_are_its_own() {
    let project = Project::new();
    project.config(
        "[stages.test]\nrun = 'sleep ${1:-0.01}'\n\
         [stages.\"test:slow\"]\nrun = 'exit 1'\nallow-failure = true\n",
    );
    run(&project, &["-q"]).assert_code(0);
    run(&project, &["-q"]).assert_code(0);
    run(&project, &["-q", "test", "--", "0.4"]).assert_code(0);
    let document = json(&run(&project, &["stats", "test", "--json"]).assert_code(0));
    let job = &document["jobs"][0];
    assert_eq!((&job["runs"], &job["passed"]), (&3.into(), &3.into()), "{job:#}");
    let listed = json(&run(&project, &["runs", "test", "--json"]).assert_code(0));
    let names: Vec<&Value> = listed["runs"].as_array().unwrap().iter().map(|run| &run["job"]["name"]).collect();
    assert_eq!(names, ["test", "test", "test"]);
    // The newest first, and that one had an argument.
    let took: Vec<u64> = job["last"].as_array().unwrap().iter().filter_map(|run| run["duration_ms"].as_u64()).collect();
    assert!(job["median_ms"].as_u64().unwrap().abs_diff(u64::midpoint(took[1], took[2])) <= 1, "{job:#}");
    let printed = run(&project, &["logs", "1/test"]).assert_code(0).stdout();
    assert!(!printed.contains("slow"), "{printed}");
    assert_eq!(json(&run(&project, &["stats", "test:slow", "--json"]))["jobs"][0]["passed"], 0);
    project.assert_nothing_left();
}

#[test]
fn a_job_that_the_config_no_longer_has_is_remembered() {
    let project = with_runs();
    project.config("[stages.fmt]\nrun = 'true'\n");
    let told = run(&project, &["stats", "test"]).assert_code(0).stdout();
    assert!(told.starts_with("Job: test (not in the config any more)\nTotal runs: 5\n"), "{told}");
    let listed = run(&project, &["runs", "cell", "-n", "1"]).assert_code(0).stdout();
    assert!(listed.lines().nth(1).unwrap().starts_with("5/cell:a "), "{listed}");
    project.assert_nothing_left();
}

#[test]
fn what_goes_on_is_listed_with_how_far_it_is() {
    let project = project();
    let first = held(&project);
    assert!(run(&project, &["list"]).stdout().contains("\nheld  running: "));
    let line = |args: &[&str], begins: &str| {
        let text = run(&project, args).assert_code(0).stdout();
        text.lines().find(|line| line.starts_with(begins)).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert!(line(&["list"], "held ").contains(" so far, run 1, "), "nothing is known of it yet");
    assert!(line(&["runs"], "1 ").ends_with(" ◉ running  0/1: held"));
    assert!(line(&["runs", "held"], "1/held ").ends_with(" ◉ running"));
    project.open_gate("go");
    first.wait().assert_code(0);
    run(&project, &["runs"]).assert_code(0);
    std::fs::remove_file(project.side("go")).unwrap();
    let second = held(&project);
    let document = json(&run(&project, &["list", "--json"]).assert_code(0));
    let stages = document.as_array().unwrap();
    let listed = stages.iter().find(|stage| stage["name"] == "held").unwrap();
    assert!(listed["elapsed_ms"].is_u64(), "{listed}");
    let document = json(&run(&project, &["runs", "--json"]).assert_code(0));
    let going_on = &document["runs"][0];
    assert_eq!((&going_on["verdict"], &going_on["exit_code"]), (&"running".into(), &Value::Null));
    assert!(going_on["left_ms"].is_u64(), "{going_on}");
    assert_eq!((&going_on["running_stages"], &going_on["finished"]), (&serde_json::json!(["held"]), &0.into()));
    assert_eq!(document["runs"][1]["verdict"], "passed");
    project.open_gate("go");
    second.wait().assert_code(0);
    // What does not run is expected by programs, too.
    let document = json(&run(&project, &["list", "--json"]).assert_code(0));
    let listed = document.as_array().unwrap().iter().find(|stage| stage["name"] == "held").unwrap().clone();
    assert!(listed["expected_ms"].is_u64() && listed.get("elapsed_ms").is_none(), "{listed}");
    project.assert_nothing_left();
}

/// H189: on a terminal no line is wider than it, and a locale without UTF-8 gets ASCII.
#[test]
fn h189_a_terminal_gets_what_it_can_show() {
    let project = with_runs();
    for (args, begins, shows) in
        [(&["runs"][..], "Run  ", "x failed (1)"), (&["stats", "test"], "Job: ", "Last 5 runs: ")]
    {
        let left = project.local_ci(args).env("LANG", "C").env("NO_COLOR", "1").on_terminal(30, 40).wait();
        assert!(left.screen.starts_with(begins) && left.screen.contains(shows), "{}", left.screen);
        assert!(left.screen.is_ascii(), "{}", left.screen);
        let longest = left.bytes.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end().len()).max();
        assert!(longest.unwrap() <= 40, "{}", String::from_utf8_lossy(&left.bytes));
    }
    let left = project.local_ci(&["runs"]).env("LANG", "C.UTF-8").env("TERM", "xterm").on_terminal(30, 80).wait();
    assert!(String::from_utf8_lossy(&left.bytes).contains("\x1b[31m✗\x1b[0m failed (1)"));
    project.assert_nothing_left();
}

/// What came of a run is told when the run itself is gone; what it was asked to do is not.
#[test]
fn a_pruned_run_is_listed_as_such() {
    let project = project();
    project.write(".git/HEAD", "ref: refs/heads/topic\n");
    project.write(".git/refs/heads/topic", "0123456789abcdef\n");
    let project = with_runs_in(project);
    project.write("user/local-ci/config.toml", "[retention]\nruns = 2\n");
    project.local_ci(&["prune"]).env("XDG_CONFIG_HOME", project.dir().join("user")).output().assert_code(0);
    let listed = run(&project, &["runs"]).assert_code(0).stdout();
    let third = listed.lines().find(|line| line.starts_with("3 ")).unwrap();
    assert!(third.contains("failed (1)") && third.ends_with("0123456 topic  1 of 5 failed · pruned"), "{listed}");
    assert_transcript!(run(&project, &["rerun", "3"]), @"
    $ local-ci rerun 3
    --- stderr
    error: run 3 was pruned, and what it was asked to do went with it
      hint: `local-ci runs` shows which runs are still there
    --- exit 2
    ");
    project.assert_nothing_left();
}
