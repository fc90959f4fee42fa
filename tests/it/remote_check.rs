//! `remote list` and `remote check`: what is known of other machines, and what stages would find there.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Finished, Host, Invocation, Project, Setup, assert_transcript};

/// A project that knows the machine as an entry of its config, and another that is not there.
struct There {
    // Before the project, which takes the directories away.
    host: Host,
    project: Project,
}

impl There {
    /// None, with a line that says so, where there is no sshd.
    fn new(setup: Setup) -> Option<Self> {
        let project = Project::new();
        project.config("[stages.a]\nrun = \"true\"\n[remotes.build]\nhost = \"box\"\n");
        let host = setup.start(&project)?;
        Some(Self { host, project })
    }

    fn local_ci(&self, args: &[&str]) -> Invocation<'_> {
        self.project.local_ci(args).env("LOCAL_CI_SSH_CONFIG", self.host.ssh_config())
    }

    /// What `remote check --json` says, with this code.
    #[track_caller]
    fn check(&self, args: &[&str], code: i32) -> Value {
        let args: Vec<&str> = ["remote", "check", "--json"].iter().chain(args).copied().collect();
        json(&self.local_ci(&args).output().assert_code(code))
    }

    /// The line is kept for a while, and ends with its other end.
    #[track_caller]
    fn assert_nothing_left(mut self) {
        self.host.down();
        self.project.assert_nothing_left();
    }
}

#[track_caller]
fn json(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {}", finished.stdout()))
}

/// The findings about something, as `level text`.
fn about<'v>(remote: &'v Value, word: &str) -> Vec<(&'v str, &'v Value)> {
    let findings = remote["findings"].as_array().unwrap().iter();
    findings.filter(|found| found["about"] == word).map(|found| (found["level"].as_str().unwrap(), found)).collect()
}

#[test]
fn remotes_are_listed_without_connecting_to_any() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"true\"\n");
    assert_transcript!(project.local_ci(&["remote", "list"]).output(), @"
    $ local-ci remote list
    --- stderr
    no remotes are known here: [remotes.NAME] in local-ci.toml, or in your own config, names one
    --- exit 0
    ");
    project.config(
        "[stages.a]\nrun = \"true\"\n[remotes.build]\nhost = \"ci@build.example.invalid:2222\"\nslots = 16\n\
         description = \"the fast one\"\nenv = { TOKEN = \"canary\" }\n[remotes.far]\nhost = \"far.example.invalid\"\n\
         session = \"ci\"\ndir = \"~/src\"\nsync = { mode = \"none\", include = [\"x\"] }\ntimeout = \"5s\"\n",
    );
    project.write("local-ci.local.toml", "[remotes.mine]\nhost = \"mine.example.invalid\"\nsync = \"rsync\"\n");
    assert_transcript!(project.local_ci(&["remote", "list"]).output(), @"
    $ local-ci remote list
    build: ci@build.example.invalid, port 2222  the fast one
      work tree sent by git, 16 slots, tmux session onion
      [TIME] for one operation, gives up after [TIME]
      from [PROJECT]/local-ci.toml
    far: far.example.invalid
      directory ~/src, nothing is sent, as many slots as here, tmux session ci
      [TIME] for one operation, gives up after [TIME]
      from [PROJECT]/local-ci.toml
    mine: mine.example.invalid
      work tree sent by rsync, as many slots as here, tmux session onion
      [TIME] for one operation, gives up after [TIME]
      from [PROJECT]/local-ci.local.toml
    --- exit 0
    ");
    let list = json(&project.local_ci(&["remote", "list", "--json"]).output().assert_code(0));
    assert!(!list.to_string().contains("canary"), "{list}");
    let names: Vec<&Value> = list["remotes"].as_array().unwrap().iter().map(|remote| &remote["name"]).collect();
    assert_eq!(names, ["build", "far", "mine"]);
    let file = |index: usize| PathBuf::from(list["remotes"][index]["file"].as_str().unwrap());
    assert!(file(0).ends_with("project/local-ci.toml") && file(2).ends_with("project/local-ci.local.toml"), "{list}");
    assert_eq!(
        (&list["remotes"][0]["env"][0], &list["remotes"][1]["timeout_ms"]),
        (&Value::from("TOKEN"), &5000.into())
    );
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

#[test]
fn what_is_to_be_checked_has_to_be_known() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"true\"\n");
    assert_transcript!(project.local_ci(&["remote", "check"]).output(), @"
    $ local-ci remote check
    --- stderr
    error: no remotes are known here
      hint: [remotes.NAME] in local-ci.toml names one; `remote check HOST` looks at any
    --- exit 2
    ");
    project.config("[stages.a]\nrun = \"true\"\n[remotes.build-box]\nhost = \"x.example.invalid\"\n");
    assert_transcript!(project.local_ci(&["remote", "check", "build box"]).output(), @r#"
    $ local-ci remote check 'build box'
    --- stderr
    error: "build box" is neither in [remotes] nor a host: it has ' ' in its host; a host has letters, digits and `.`, `_`, `-`
      hint: did you mean build-box?
    --- exit 2
    "#);
    project.local_ci(&["remote"]).output().assert_code(2);
    project.local_ci(&["remote", "check", "box", "--remote-timeout", "0"]).output().assert_code(2);
    project.assert_nothing_left();
}

#[test]
fn a_machine_that_is_fit_is_described() {
    let Some(there) = There::new(Setup::default()) else { return };
    let checked = there.local_ci(&["remote", "check"]).output().assert_code(0);
    let text = checked.stdout();
    for word in [
        "build (box)\n  ok       connection  reached in ",
        "round trip",
        "git",
        "tmux",
        "disk",
        "cores",
        "memory",
        "clock",
    ] {
        assert!(text.contains(word), "{word}:\n{text}");
    }
    assert!(checked.stderr().is_empty(), "{}", checked.stderr());
    let document = there.check(&["box"], 0);
    assert_eq!((&document["healthy"], &document["problems"]), (&Value::from(true), &Value::from(0)));
    let remote = &document["remotes"][0];
    assert_eq!((&remote["name"], &remote["reached"]), (&Value::from("box"), &Value::from(true)));
    assert_eq!(remote["facts"]["kernel"], "Linux");
    assert!(remote["facts"]["round_trip_us"].as_u64().unwrap() > 0, "{remote}");
    assert!(remote["facts"]["clock_ahead_ms"].as_i64().unwrap().abs() < 60_000, "{remote}");
    assert_eq!(remote["facts"]["noise_bytes"], 0);
    assert!(!there.host.state().exists(), "it only looks");
    there.assert_nothing_left();
}

/// H139, H134: what login scripts print does no harm, and what is missing is told with what brings it.
#[test]
fn h139_what_is_odd_or_missing_there_is_told_with_its_cure() {
    let setup = Setup::default().without(&["tmux", "git"]).profile("echo Welcome to the machine\n");
    let Some(there) = There::new(setup) else { return };
    let document = there.check(&[], 1);
    let remote = &document["remotes"][0];
    let (level, git) = about(remote, "git")[0];
    assert_eq!((level, &git["cures"][0]), ("problem", &Value::from("apt-get install git")));
    let (level, tmux) = about(remote, "tmux")[0];
    assert_eq!((level, &tmux["cures"][0]), ("warning", &Value::from("apt-get install tmux")));
    let (level, shell) = about(remote, "shell")[0];
    assert_eq!(level, "ok");
    assert!(shell["text"].as_str().unwrap().contains("\"Welcome to the machine\""), "{shell}");
    let text = there.local_ci(&["remote", "check"]).output().assert_code(1).stdout();
    assert!(text.contains("try: apt-get install git\n") && text.ends_with("1 problem, 1 warning\n"), "{text}");
    there.assert_nothing_left();
}

/// H128, H129: who cannot be reached is told why, with what to do, and the others are looked at all the same.
#[test]
fn h129_a_machine_that_is_not_reached_is_told_beside_those_that_are() {
    let Some(there) = There::new(Setup::default()) else { return };
    there
        .project
        .config("[stages.a]\nrun = \"true\"\n[remotes.a]\nhost = \"box\"\n[remotes.b]\nhost = \"127.0.0.1:1\"\n");
    let document = there.check(&["--remote-timeout", "10"], 3);
    assert_eq!((&document["remotes"][0]["reached"], &document["remotes"][1]["reached"]), (&true.into(), &false.into()));
    assert_eq!(about(&document["remotes"][1], "connection")[0].0, "problem");
    there.assert_nothing_left();
    let Some(there) = There::new(Setup::default()) else { return };
    there.host.change_key();
    let mut there = there;
    there.host.down();
    there.host.up();
    let document = there.check(&["build"], 3);
    let (_, found) = about(&document["remotes"][0], "connection")[0];
    let cures = found["cures"].to_string();
    assert!(cures.contains("ssh-keygen -R") || cures.contains("ssh-keygen"), "{found}");
    there.assert_nothing_left();
}
