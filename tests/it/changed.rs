//! `--changed` and `when.changed`, with the real git.

use serde_json::Value;

use crate::hooks::Repository;

const CONFIG: &str = "[stages.build]\ninputs = ['src/**']\nrun = 'true'\n[stages.test]\ninputs = ['tests/**', 'src/**']\n\
    needs = ['build']\nrun = 'true'\n[stages.docs]\ninputs = ['docs/**']\nrun = 'true'\n[stages.pages]\n\
    when = { changed = ['docs/**'] }\ninputs = ['src/**']\nrun = 'true'\n";

/// A repository that has pushed its first commit.
fn pushed() -> Repository {
    let clone = Repository::new(CONFIG);
    clone.sh("git push -q -u origin main; mkdir -p tests docs");
    clone
}

/// The stages that would run, with what the plan warns of.
fn plan(clone: &Repository, variables: &str, options: &str) -> (String, Vec<String>) {
    let text = clone.run(&format!("{variables} local-ci plan --json {options}")).assert_code(0).stdout();
    let plan: Value = serde_json::from_str(&text).unwrap();
    let stages = plan["stages"].as_array().unwrap().iter();
    let runs: Vec<&str> =
        stages.filter(|stage| stage["decision"] == "run").map(|stage| stage["name"].as_str().unwrap()).collect();
    let warnings = plan["warnings"].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned());
    (runs.join(" "), warnings.collect())
}

fn runs(clone: &Repository, variables: &str, options: &str) -> String {
    plan(clone, variables, options).0
}

#[test]
fn what_was_committed_changed_and_made_since_the_base_counts() {
    let clone = pushed();
    assert_eq!(runs(&clone, "", "--changed"), "");
    assert_eq!(runs(&clone, "", ""), "build test docs");
    let said = clone.sh("local-ci --changed");
    assert!(said.contains("nothing runs: no stage is affected by what has changed since origin/main"), "{said}");
    clone.sh("echo x >tests/new");
    assert_eq!(runs(&clone, "", "--changed"), "build test");
    clone.sh("git checkout -q -b topic; git add .; git commit -qm test; echo x >docs/new");
    assert_eq!(runs(&clone, "", "--changed"), "build test docs");
    assert_eq!(runs(&clone, "", ""), "build test docs pages");
    clone.sh("git add .; git commit -qm docs");
    assert_eq!(runs(&clone, "", "--changed=HEAD~"), "docs");
    assert_eq!(runs(&clone, "LOCAL_CI_CHANGED=HEAD~", "docs test"), "docs");
    assert_eq!(runs(&clone, "LOCAL_CI_CHANGED=1", ""), "build test docs");
    assert_eq!(runs(&clone, "LOCAL_CI_CHANGED=0", ""), "build test docs pages");
    // A renamed file is one that is gone and one that is new; a config may have changed everything.
    clone.sh("git mv docs/new src/new; git commit -qm move");
    assert_eq!(runs(&clone, "", "--changed=HEAD~"), "build test docs pages");
    clone.sh("git reset -q --hard HEAD~; echo '#' >>local-ci.toml");
    assert_eq!(runs(&clone, "", "--changed=HEAD docs"), "docs");
    clone.ends();
}

/// What cannot be told is never a green nothing.
#[test]
fn what_cannot_be_told_runs_everything_and_says_why() {
    let clone = pushed();
    let all = "build test docs pages";
    for (script, variables, options, why) in [
        ("", "", "--changed=nope", "there is no commit nope here"),
        ("", "CI=1", "--changed", "origin/main has all of this already, and CI is set"),
        (
            "",
            "CI=1 GITHUB_BASE_REF=gone",
            "--changed",
            "the branch gone, which this is to be merged into, was not fetched",
        ),
        (
            "git checkout -q --orphan alone; git commit -qm alone",
            "",
            "--changed=main",
            "HEAD and main have no commit in common",
        ),
        ("rm -rf .git", "", "--changed", "this is no work tree of git"),
    ] {
        clone.sh(&format!(":; {script}"));
        let (runs, warnings) = plan(&clone, variables, options);
        assert_eq!(runs, all, "{options} {variables}");
        let said = clone.run(&format!("{variables} local-ci plan {options}")).stderr();
        assert!(
            said.contains(&format!("what has changed is not known, so that nothing is left out: {why}")),
            "{said} {warnings:?}"
        );
    }
    clone.ends();
}

#[test]
fn a_clone_that_ends_too_early_says_how_to_have_the_rest() {
    let clone = pushed();
    clone.sh("git commit -q --allow-empty -m 2; git push -q; git checkout -q -b topic; git commit -q --allow-empty -m 3; git push -q origin topic");
    clone.sh("git clone -q --depth 1 -b topic \"file://$PWD/../side/up.git\" ../side/shallow; cd ../side/shallow; git fetch -q --depth 1 origin main:refs/remotes/origin/main");
    let said = clone.sh("cd ../side/shallow; GITHUB_BASE_REF=main CI=1 local-ci plan --changed");
    assert!(
        said.contains("have no commit in common; this clone is shallow") && said.contains("fetch-depth: 0"),
        "{said}"
    );
    assert!(said.contains("4 of 4 stages would run"), "{said}");
    clone.sh("cd ../side/shallow; git fetch -q --unshallow; GITHUB_BASE_REF=main CI=1 local-ci plan --changed | grep -q '^0 of 4'");
    clone.ends();
}

/// Before a push it is what is there that counts, and for a new branch what the main one has.
#[test]
fn before_a_push_the_base_is_what_is_there() {
    let clone = Repository::new(
        &format!("{CONFIG}[hooks]\npre-push = ['build', 'docs']\n")
            .replace("'true'", "'echo $LOCAL_CI_STAGE >>\"$SIDE/ran\"'"),
    );
    clone.sh("local-ci hook install; export LOCAL_CI_CHANGED=1; git push -q origin main");
    assert_eq!(clone.side("ran").lines().count(), 2, "nothing is there to compare with");
    clone.sh("mkdir docs; touch docs/x; git add .; git commit -qm docs; LOCAL_CI_CHANGED=1 git push -q origin main");
    assert!(clone.side("ran").ends_with("docs\n") && clone.side("ran").matches("build").count() == 1);
    clone.sh("echo y >src/a; git commit -qam src; LOCAL_CI_CHANGED=1 git push -q origin main:new");
    assert!(clone.side("ran").ends_with("build\n") && clone.side("ran").matches("docs").count() == 2);
    clone.ends();
}
