//! What is kept is for its owner alone, from the moment it exists, and holds no value of any variable.

use std::fs;

use crate::storage::run_dir;
use crate::support::Project;

/// H172: with an open umask nothing of ours is open, and nothing ever was; the stage has the umask it was given.
#[test]
fn h172_nothing_is_ever_open_to_others() {
    let project = Project::new();
    project.config("[stages.one]\nrun = \"umask; exit 1\"\nretries = 1\nlog-max = \"4KiB\"\n");
    let open = project.sh("umask 000; exec local-ci -q").output().assert_code(1);
    assert!(open.stdout().contains("| 0000"), "{}", open.stdout());
    project.assert_nothing_left();

    let trace = "trace=open,openat,creat,mkdir,mkdirat,chmod,fchmod,fchmodat,?fchmodat2,mknod,mknodat";
    let Some(traced) = project.sh("umask 000; exec local-ci -q").under_strace(&["-e", trace]) else { return };
    traced.output().assert_code(1);
    let log = fs::read_to_string(project.side("strace.log")).unwrap();
    let state = project.state_dir();
    let created: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(state.to_str().unwrap()))
        .filter(|line| {
            line.contains("O_CREAT") || line.contains("mkdir") || line.contains("chmod") || line.contains("mknod")
        })
        .collect();
    assert!(created.len() > 5, "{created:?}");
    for call in created {
        // A call that another thread's came between is written in two pieces.
        let ends = [", 0600)", ", 0600 <", ", 0700)", ", 0700 <", "|0600)", "|0600 <"];
        assert!(ends.iter().any(|end| call.contains(end)), "not private from the beginning: {call}");
        assert!(!call.contains("chmod"), "changed later: {call}");
    }
    project.assert_nothing_left();
}

/// H174: no variable's value is in anything that we write or print.
#[test]
fn h174_no_value_of_a_variable_is_kept_or_printed() {
    const CANARY: &str = "xyzzy-0451";
    let project = Project::new();
    project.write("secret.env", &format!("FROM_FILE={CANARY}-file\n"));
    project.config(&format!(
        r#"
        [env]
        FOR_ALL = "{CANARY}-all"
        [defaults.env]
        BY_DEFAULT = "{CANARY}-default"
        [stages.one]
        run = 'test "$FOR_ALL$BY_DEFAULT$OWN$FROM_FILE$OUTER" = "$EXPECTED"; exit 1'
        env = {{ OWN = "{CANARY}-own" }}
        env-file = "secret.env"
        retries = 1
        [stages.never]
        run = ["no-such-program"]
        env = {{ OWN = "{CANARY}-own" }}
        "#
    ));
    let expected: String = ["all", "default", "own", "file", "outer"].map(|which| format!("{CANARY}-{which}")).concat();
    let commands: &[&[&str]] = &[
        &[],
        &["--json"],
        &["--output", "json", "-v"],
        &["-q"],
        &["plan"],
        &["plan", "-v"],
        &["plan", "--json"],
        &["list", "--json"],
        &["show"],
        &["show", "--json"],
        &["logs"],
        &["validate", "--json"],
    ];
    for args in commands {
        let invocation = project.local_ci(args).env("OUTER", format!("{CANARY}-outer")).env("EXPECTED", &expected);
        let finished = invocation.output();
        let said = finished.stdout() + &finished.stderr();
        assert!(!said.contains(CANARY), "{args:?} {said}");
        assert!(said.contains("one") || *args == ["logs"] || args[0] == "validate", "{args:?} {said}");
    }
    assert_eq!(project.sh(&format!("grep -rl {CANARY} '{}'", project.state_dir().display())).output().stdout(), "");
    assert!(run_dir(&project, 4).join("header.json").exists());
    project.assert_nothing_left();
}
