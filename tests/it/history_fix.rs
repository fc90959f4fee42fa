//! What `--fix` ran is not taken for what the stage's own command came to.

use serde_json::Value;

use crate::support::Project;

/// A check that never passes, and a fix that always does.
const PIPELINE: &str = "[stages.fmt]\nrun = \"false\"\nfix = \"true\"\n";

fn json(project: &Project, args: &[&str]) -> Value {
    serde_json::from_str(&project.local_ci(args).output().assert_code(0).stdout()).unwrap()
}

#[test]
fn a_fix_that_passed_is_no_check_that_passed() {
    let project = Project::new();
    project.config(PIPELINE);
    project.local_ci(&["-q"]).output().assert_code(1);
    project.local_ci(&["-q", "--fix"]).output().assert_code(0);
    let listed = json(&project, &["list", "--json"]);
    assert_eq!((&listed[0]["status"], &listed[0]["run"]), (&"fail".into(), &1.into()), "{listed}");
    let stats = json(&project, &["stats", "fmt", "--json"]);
    let job = &stats["jobs"][0];
    assert_eq!((&job["runs"], &job["passed"]), (&1.into(), &0.into()), "{stats}");
    assert!(job["estimate"].is_null(), "{stats}");
    let plan = json(&project, &["plan", "--json"]);
    assert!(plan["stages"][0].get("estimate").is_none(), "{plan}");
    // The fix has a history of its own.
    let plan = json(&project, &["plan", "--fix", "--json"]);
    assert_eq!(plan["stages"][0]["estimate"]["samples"], 1, "{plan}");
    let runs = json(&project, &["runs", "--json"]);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "{runs}");
    project.assert_nothing_left();
}

/// A run has to wait for all attempts of a stage, not for the last one only.
#[test]
fn a_stage_takes_as_long_as_all_its_attempts() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"test $LOCAL_CI_ATTEMPT = 2\"\nretries = 1\nretry-delay = \"300ms\"\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    let stats = json(&project, &["stats", "a", "--json"]);
    let job = &stats["jobs"][0];
    assert_eq!(job["retried"], 1, "{stats}");
    assert!(job["fastest_ms"].as_u64().unwrap() >= 300, "{stats}");
    project.assert_nothing_left();
}
