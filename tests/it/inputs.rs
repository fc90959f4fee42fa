//! Fingerprints of what stages read, as runs keep them.

use serde_json::Value;

use crate::support::Project;

const PIPELINE: &str = r#"
[stages.lint]
run = "true"
inputs = ["src/**/*.rs", "!src/generated.rs"]
[stages.docs]
run = "true"
inputs = ["docs/*.md"]
[stages.free]
run = "true"
"#;

/// The fingerprint that a run's first event has of a stage's inputs.
fn digest(project: &Project, run: u64, stage: &str) -> Option<String> {
    let started = project.events(run).into_iter().next().unwrap();
    let stages = started["stages"].as_array().unwrap();
    let stage = stages.iter().find(|info| info["name"] == stage).unwrap();
    stage.get("inputs").and_then(Value::as_str).map(str::to_owned)
}

#[test]
fn a_run_says_what_its_stages_read() {
    let project = Project::new();
    project.config(PIPELINE).write("src/a.rs", "fn a() {}").write("src/generated.rs", "1");
    let run = |number: u64| {
        project.local_ci(&["-q"]).output().assert_code(0);
        digest(&project, number, "lint").unwrap()
    };
    let first = run(1);
    assert_eq!(digest(&project, 1, "docs"), None, "its glob matches nothing");
    assert_eq!(digest(&project, 1, "free"), None, "it has none");
    project.write("src/generated.rs", "2").write("README", "what nobody reads");
    assert_eq!(run(2), first);
    project.write("src/a.rs", "fn b() {}").write("docs/a.md", "text");
    assert_ne!(run(3), first);
    assert!(digest(&project, 3, "docs").is_some());
    // The directory a run is asked for in is not what globs are relative to.
    project.local_ci(&["-q"]).cwd(project.dir().join("src")).output().assert_code(0);
    assert_eq!(digest(&project, 4, "lint"), digest(&project, 3, "lint"));
    project.assert_nothing_left();
}
