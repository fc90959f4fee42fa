//! `doctor`: what is missing is named with its cure, and looking changes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::{Finished, Project};

/// Writes a shell script that can be run by its name.
pub(crate) fn program(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The findings of a section: level, stage, text and cure of each.
fn findings(finished: &Finished, section: &str) -> Vec<[String; 4]> {
    let document: Value = serde_json::from_slice(&finished.stdout).unwrap();
    let sections = document["sections"].as_array().unwrap();
    let found = sections.iter().find(|found| found["name"] == section).unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let findings = found["findings"].as_array().unwrap().iter();
    findings.map(|finding| ["level", "stage", "text", "cure"].map(|key| text(finding, key))).collect()
}

#[test]
fn a_healthy_project_is_said_to_be_well() {
    let project = Project::new();
    project.config("[stages.one]\nrun = \"true\"\n[stages.two]\nrun = [\"sh\", \"-c\", \"x\"]\n");
    let finished = project.local_ci(&["doctor"]).output().assert_code(0);
    let said = finished.stdout();
    for part in ["program\n", "\nstate\n", "\nlimits\n", "\ngit\n", "\nterminal\n", "\nenvironment\n", "\nproject\n"] {
        assert!(said.contains(part), "{part:?}: {said}");
    }
    assert!(said.ends_with("\nall is well\n"), "{said}");
    assert!(said.contains("  ok       two  "), "{said}");
    let json = project.local_ci(&["doctor", "--json"]).output().assert_code(0);
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&document["healthy"], &document["problems"]), (&true.into(), &0.into()));
    // It looks, and makes nothing.
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

#[test]
fn what_would_make_a_stage_fail_is_a_problem_with_its_cure() {
    let project = Project::new();
    project.write("package.json", r#"{ "devDependencies": { "x": "1" } }"#).write("yarn.lock", "");
    project.config(
        r#"
        [stages.tool]
        run = "no-such-tool --all"
        [stages.clippy]
        run = ["cargo", "clippy"]
        [stages.place]
        run = "true"
        dir = "not-there"
        [stages.scripts]
        run = ["yarn", "run", "x"]
        [stages.shell]
        run = "true"
        shell = ["no-such-shell", "-c"]
        [stages.elsewhere]
        run = "no-such-tool"
        when = { os = "macos" }
        "#,
    );
    let bin = project.side("bin");
    program(&bin.join("yarn"), "echo 1.0");
    program(&bin.join("cargo"), "echo cargo 1.0");
    program(&bin.join("sh"), "exec /bin/sh \"$@\"");
    let finished = project.local_ci(&["doctor", "--json"]).env("PATH", &bin).output().assert_code(1);
    let found = findings(&finished, "stages");
    let is = |stage: &str, text: &str, cure: &str| {
        let problem = ["problem", stage, text, cure];
        assert!(
            found.iter().any(|finding| finding.iter().zip(problem).all(|(a, b)| a.contains(b))),
            "{stage}: {found:?}"
        );
    };
    is("tool", "command not found: no-such-tool", "");
    is("clippy", "command not found: cargo-clippy", "rustup component add clippy");
    is("place", "not-there is not there", "");
    is("scripts", "no node_modules", "yarn install");
    is("shell", "command not found: no-such-shell", "");
    assert!(found.iter().any(|finding| finding[0] == "ok" && finding[1] == "elsewhere"), "{found:?}");
    let said = project.local_ci(&["doctor"]).env("PATH", &bin).output().assert_code(1).stdout();
    assert!(
        said.contains("try: rustup component add clippy\n") && said.ends_with("5 problems, 0 warnings\n"),
        "{said}"
    );
    project.assert_nothing_left();
}

/// H170: known tools are asked, and nothing of the project's own, whatever it is called.
#[test]
fn h170_nothing_of_the_project_is_run() {
    let project = Project::new();
    project.config(
        "[stages.own]\nrun = [\"./own\"]\n[stages.cargo]\nrun = [\"cargo\", \"test\"]\n[stages.tool]\nrun = \"some-tool\"\n\
         [stages.script]\nrun = \"touch mark; x\"\n[stages.make]\nrun = [\"make\"]\n",
    );
    project.expects("bin/cargo").expects("own").expects("bin/linked");
    let mark = format!("touch {}", project.dir().join("mark").display());
    program(&project.dir().join("own"), &mark);
    program(&project.dir().join("bin/cargo"), &mark);
    program(&project.side("bin/some-tool"), &mark);
    program(&project.dir().join("bin/linked"), &mark);
    // A link from outside leads into the project all the same.
    std::os::unix::fs::symlink(project.dir().join("bin/linked"), project.side("bin/make")).unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", project.dir().join("bin").display(), project.side("bin").display());
    let finished = project.local_ci(&["doctor", "--json"]).env("PATH", path).output().assert_code(0);
    assert_eq!(findings(&finished, "stages").len(), 5);
    project.assert_nothing_left();
}

/// A tool that hangs, and one that leaves something behind, cost two seconds together and nothing after.
#[test]
fn tools_that_hang_are_given_up() {
    let project = Project::new();
    project.config(
        "[stages.a]\nrun = [\"cargo\", \"test\"]\n[stages.b]\nrun = [\"make\"]\n[stages.c]\nrun = [\"node\"]\n",
    );
    let bin = project.side("bin");
    for tool in ["cargo", "make"] {
        program(&bin.join(tool), "trap '' TERM; sleep 1000 & wait; sleep 1000");
    }
    program(&bin.join("node"), "echo node 1");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let finished = project.local_ci(&["doctor", "--json"]).env("PATH", path).output().assert_code(0);
    let found = findings(&finished, "stages");
    let silent = found.iter().filter(|finding| finding[0] == "warning" && finding[2].contains("takes more than 2 s"));
    assert_eq!(silent.count(), 2, "{found:?}");
    assert!(found.iter().any(|finding| finding[1] == "c" && finding[2] == "node 1"), "{found:?}");
    project.assert_nothing_left();
}

#[test]
fn a_config_with_faults_is_a_problem_and_none_is_a_warning() {
    let project = Project::new();
    let finished = project.local_ci(&["doctor", "--json"]).output().assert_code(0);
    assert_eq!(findings(&finished, "project")[0][0], "warning");
    project.config("[stages.a]\nrnu = \"x\"\n");
    let finished = project.local_ci(&["doctor", "--json"]).output().assert_code(1);
    let [level, _, text, cure] = findings(&finished, "project").remove(0);
    assert_eq!((level.as_str(), cure.as_str()), ("problem", "`local-ci validate` shows where"));
    assert!(text.contains("rnu") || text.contains("faults"), "{text}");
    project.assert_nothing_left();
}

#[test]
fn a_state_that_cannot_be_kept_is_a_warning() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"true\"\n");
    let invocation = project.local_ci(&["doctor", "--json"]).env("LOCAL_CI_STATE_DIR", project.side("file"));
    fs::write(project.side("file"), "").unwrap();
    let finished = invocation.output().assert_code(0);
    let found = findings(&finished, "state");
    assert!(found[0][0] == "warning" && found[0][2].contains("is no directory"), "{found:?}");
    project.assert_nothing_left();
}
