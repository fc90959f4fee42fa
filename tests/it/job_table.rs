//! What the origin's table of commands says of those that only look at a job, or send it something.

use crate::adhoc::{jobs, settle};
use crate::support::Project;

/// `signal abc TERM` signals the running job; one that does not run is an error.
#[test]
fn the_table_says_signal_signals_the_running_job() {
    let project = Project::new();
    let script = "trap 'echo heard; exit 7' TERM; echo ready; while :; do chaos sleep 600 & wait; done";
    project.local_ci(&["add", "sh", "-c", script]).output().assert_code(0);
    let name = &jobs(&project)[0].0;
    let viewer = project.local_ci(&["attach", "--output", "lines"]).spawn();
    viewer.wait_for_stdout("ready\n");
    let sent = project.local_ci(&["signal", name, "TERM"]).output().assert_code(0).stderr();
    assert!(sent.starts_with("SIGTERM sent to "), "{sent}");
    viewer.wait().assert_code(1);
    assert!(project.log(1, &format!("{name}.log")).ends_with(b"heard\n"));
    settle(&project);
    let refused = project.local_ci(&["signal", name, "TERM"]).output().assert_code(2).stderr();
    assert!(refused.contains(name.as_str()), "{refused}");
    project.assert_nothing_left();
}

/// `runs abc` lists the job's runs, and `stats abc` says how often it passed and how long it takes.
#[test]
fn the_table_says_runs_and_stats_show_the_jobs_history() {
    let project = Project::new();
    let script = "[ -e ok ] || exit 3";
    for (number, verdict) in [(1, "failed"), (2, "passed"), (3, "passed")] {
        project.local_ci(&["add", "sh", "-c", script]).output().assert_code(0);
        assert_eq!(project.verdict(number).0, verdict);
        project.write("ok", "");
        settle(&project);
    }
    let name = &jobs(&project)[0].0;
    let runs = project.local_ci(&["runs", name]).output().assert_code(0).stdout();
    let runs: Vec<&str> = runs.lines().skip(1).collect();
    let told = ["✓ passed", "✓ passed", "✗ failed (3)"];
    assert_eq!(runs.len(), told.len(), "{runs:#?}");
    assert!(runs.iter().zip(told).all(|(run, told)| run.contains(told)), "{runs:#?}");
    let stats = project.local_ci(&["stats", name]).output().assert_code(0).stdout();
    for line in [&format!("Job: {name} "), "Total runs: 3\n", "Success rate: 67% (2/3)\n", "Estimated next run: ~"] {
        assert!(stats.contains(line), "{line:?}: {stats}");
    }
    project.assert_nothing_left();
}
