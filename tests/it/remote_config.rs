//! Stages on other machines, as far as nothing is connected to: `on`, `[remotes]`, `--remote` and what is said with it.

use std::fs;

use serde_json::Value;

use crate::support::{Finished, Project, assert_transcript, have};

const CONFIG: &str = r#"
[stages.fmt]
run = "true"
[stages.build]
run = "make"
on = "box"
[stages.talk]
run = "sh"
interactive = true
default = false
[remotes.box]
host = "ci@build.example.invalid:2222"
slots = 8
"#;

fn project() -> Project {
    let project = Project::new();
    project.config(CONFIG);
    project
}

/// The user's own config.
fn user_config(project: &Project, text: &str) {
    let dir = project.root().join("config/local-ci");
    project.expects(dir.join("config.toml"));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), text).unwrap();
}

fn json(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {}", finished.stdout()))
}

/// The executor of each stage of a plan.
fn executors(project: &Project, args: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["plan", "--json"].iter().chain(args).copied().collect();
    let plan = json(&project.local_ci(&args).output().assert_code(0));
    plan["stages"].as_array().unwrap().iter().map(|stage| stage["executor"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn stages_run_where_they_say_or_all_where_the_command_line_says() {
    let project = project();
    assert_eq!(executors(&project, &[]), ["local", "box"]);
    assert_eq!(executors(&project, &["--remote", "box"]), ["box", "box"]);
    assert_eq!(executors(&project, &["--remote=[::1]:22", "fmt"]), ["[::1]:22"]);
    assert_eq!(executors(&project, &["--remote", "local"]), ["local", "local"]);
    let set = project.local_ci(&["plan", "--json"]).env("LOCAL_CI_REMOTE", "box");
    assert_eq!(json(&set.output().assert_code(0))["stages"][0]["executor"], "box");
    project.assert_nothing_left();
}

#[test]
fn a_project_may_name_the_remotes_of_its_user() {
    let project = project();
    project.config("[stages.build]\nrun = \"make\"\non = \"mine\"\n");
    project.local_ci(&["plan"]).output().assert_code(2);
    user_config(&project, "[remotes.mine]\nhost = \"mine.example.invalid\"\n");
    assert_eq!(executors(&project, &[]), ["mine"]);
    user_config(&project, "[remotes.mine]\nhost = \"-x\"\n");
    let refused = project.local_ci(&["plan"]).output().assert_code(2);
    assert!(refused.stderr().contains("begins with `-`"), "{}", refused.stderr());
    project.assert_nothing_left();
}

/// H143: nothing is started for what is no destination, and no word of it is taken for an option.
#[test]
fn h143_what_is_no_destination_is_refused() {
    let project = project();
    assert_transcript!(project.local_ci(&["--remote=-oProxyCommand=touch x"]).output(), @r#"
    $ local-ci '--remote=-oProxyCommand=touch x'
    --- stderr
    error: --remote is "-oProxyCommand=touch x", which has a host that begins with `-`, which ssh would take for an option
    --- exit 2
    "#);
    for host in ["", "a b", "box;id", "$(id)", "ci@", "@box", "::1", "box:0", "b\u{1b}[2Jx"] {
        let refused = project.local_ci(&["--remote", host]).output().assert_code(2);
        assert!(refused.stdout.is_empty() && !refused.stderr().contains('\u{1b}'), "{host:?}: {}", refused.stderr());
    }
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

#[test]
fn what_is_said_of_a_remote_is_checked_before_anything_is_done() {
    let project = project();
    for (args, why) in [
        (&["--remote", "box", "--session", "a.b"][..], "tmux turns into `_`"),
        (&["--remote", "box", "--session", ""], "is empty"),
        (&["--remote", "box", "--remote-timeout", "0"], "no time at all"),
        (&["--remote", "box", "--remote-timeout", "soon"], "is not a duration"),
        (&["--remote", "box", "--remote-dir", "src"], "neither an absolute path"),
        (&["fmt", "--session", "s"], "--session is for one remote, and these stages run here"),
        (&["fmt", "--remote-dir", "/x"], "--remote-dir is for one remote"),
        (&["talk", "--remote", "box"], "talk is interactive"),
        (&["--remote", "bix:0"], "no port"),
    ] {
        let refused = project.local_ci(args).output().assert_code(2);
        assert!(refused.stderr().contains(why), "{args:?}: {}", refused.stderr());
        let args: Vec<&str> = std::iter::once("plan").chain(args.iter().copied()).collect();
        project.local_ci(&args).output().assert_code(2);
    }
    for args in [&["plan", "--session", "s"][..], &["plan", "--remote", "box", "--remote-timeout", "5"]] {
        project.local_ci(args).output().assert_code(0);
    }
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

/// A name that leads nowhere was meant for an entry, perhaps.
#[test]
fn a_name_that_is_neither_a_host_nor_an_entry_is_told_to_be_neither() {
    if !have("ssh") {
        return;
    }
    let project = project();
    let told = project.local_ci(&["--remote", "nosuch.example.invalid", "fmt"]).output().assert_code(3);
    let said = "no such host: its name leads nowhere, and there is no [remotes.nosuch.example.invalid]";
    assert!(told.stderr().contains(said), "{}", told.transcript());
    project.assert_nothing_left();
}

#[test]
fn a_plan_says_where_each_stage_runs() {
    let project = project();
    assert_transcript!(project.local_ci(&["plan", "-j", "2"]).output(), @"
    $ local-ci plan -j 2
    2 of 2 stages would run, 2 at a time here, 8 on box
      run   fmt    true
                   in the default set
      run   build  make
                   in the default set
                   on box
    box: ci@build.example.invalid, port 2222, tmux session onion, work tree sent by rsync
      at most 1 file, 189 B: what is there already is not sent
      the project is in no git repository: its files are sent by rsync
    --- exit 0
    ");
    assert_transcript!(project.local_ci(&["plan", "-j", "2", "--remote", "ci@127.0.0.1", "fmt"]).output(), @"
    $ local-ci plan -j 2 --remote ci@127.0.0.1 fmt
    1 of 1 stages would run, 2 at a time on ci@127.0.0.1
      run   fmt  true
                 asked for
                 on ci@127.0.0.1
    ci@127.0.0.1: tmux session onion, work tree sent by rsync
      at most 1 file, 189 B: what is there already is not sent
      the project is in no git repository: its files are sent by rsync
    --- exit 0
    ");
    let plan = json(&project.local_ci(&["plan", "--json", "--session", "ci"]).output().assert_code(0));
    insta::assert_snapshot!(plan["remotes"], @r#"[{"host":"ci@build.example.invalid","name":"box","port":2222,"sends":{"bytes":189,"files":1,"left_out":[],"notices":["the project is in no git repository: its files are sent by rsync"]},"session":"ci","slots":8,"sync":"git"}]"#);
    project.assert_nothing_left();
}
