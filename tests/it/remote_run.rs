//! Runs whose stages are on other machines, from the command line to the summary: what is shown, what is kept, and what
//! comes of signals, failures and lines that end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Finished, Host, Invocation, Line, Project, Setup, assert_transcript, have, wait_until};

/// A project in a repository, and a machine that is reached over a line.
struct There {
    // Before the project, which takes the directories away.
    host: Host,
    line: Line,
    project: Project,
}

impl There {
    /// None, with a line that says so, where there is no sshd.
    fn new() -> Option<Self> {
        if !have("git") {
            return None;
        }
        let project = Project::new();
        let host = Setup::default().start(&project)?;
        let line = Line::to(host.port());
        host.address("127.0.0.1", line.port());
        let there = Self { host, line, project };
        there.git(&["init", "-q", "--separate-git-dir", there.project.side("git").to_str().unwrap()]);
        there.project.expects(".git");
        Some(there)
    }

    #[track_caller]
    fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        git.args(args).current_dir(self.project.dir()).env_clear().env("HOME", self.project.root());
        git.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
        let done = git.output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    /// The program, which knows the machine as `box`.
    fn local_ci(&self, args: &[&str]) -> Invocation<'_> {
        let invocation = self.project.local_ci(args).env("LOCAL_CI_SSH_CONFIG", self.host.ssh_config());
        invocation.env("SIDE", self.project.side_dir())
    }

    /// What a run said of other machines.
    fn news(&self, run: u64) -> Vec<String> {
        let events = self.project.events(run);
        let of = |event: &Value| Some(event.get("news")?.as_str()?.to_owned());
        events.iter().filter_map(of).collect()
    }

    /// The directories of attempts that are there.
    fn attempts(&self) -> Vec<PathBuf> {
        let entries = |dir: &PathBuf| {
            fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
        };
        let runs = entries(&self.host.state()).into_iter().flat_map(|project| entries(&project.join("runs")));
        runs.flat_map(|run| entries(&run)).filter(|path| path.is_dir()).collect()
    }

    /// Fails unless nothing is left, there and here. The line is kept for the next run for a while, and ends with its
    /// other end.
    #[track_caller]
    fn assert_nothing_left(mut self) {
        wait_until("the attempts' directories to be gone", || self.attempts().is_empty());
        // A session of tmux stays for who looks on.
        self.host.tmux(&["kill-server"]);
        self.host.down();
        self.project.assert_nothing_left();
    }
}

/// Stages one after the other, with all that a transcript has: output of either stream (of both at once, only the other machine knows the order), a failure, what is skipped for it, no last line's end.
const PIPELINE: &str = r#"
[stages.first]
run = "echo one; printf '\\033[31mred\\033[0m\\n'; printf 'no end'"
[stages.errors]
run = "echo two >&2"
needs = ["silent"]
[stages.silent]
run = ["true"]
needs = ["first"]
[stages.broken]
run = "echo before; exit 255"
needs = ["script"]
[stages.after]
run = "echo never"
needs = ["broken"]
[stages.script]
run = """
set -u
echo "$LOCAL_CI_STAGE of $LOCAL_CI_RUN: $WORD"
pwd | sed 's,.*/,,'
"""
env = { WORD = "two words" }
dir = "sub"
needs = ["errors"]
"#;

/// The repository of the product does the same wherever its stages run: the transcript differs in its first line, in times
/// and paths, and in nothing else.
#[test]
fn a_transcript_is_the_same_wherever_stages_run() {
    let Some(there) = There::new() else { return };
    there.project.config(PIPELINE).write("sub/file", "x");
    let shown = |finished: Finished| {
        let finished = finished.redact(r"/runs/\d+/", "/runs/[N]/").redact(r"\b(?:show|Run) \d+\b", "[RUN]");
        let text = finished.redact(r" of \d+: ", " of [N]: ").transcript();
        let (command, rest) = text.split_once('\n').unwrap();
        let (first, rest) = rest.split_once('\n').unwrap();
        (command.to_owned(), first.to_owned(), rest.split_once("--- stderr").map_or(rest, |(out, _)| out).to_owned())
    };
    let options = ["-k", "-j", "1", "--output", "grouped"];
    let (_, first_here, here) = shown(there.local_ci(&options).output().assert_code(1));
    let remote = there.local_ci(&[&options[..], &["--remote", "box"]].concat()).output().assert_code(1);
    let sent = remote.stderr();
    let (_, first_there, elsewhere) = shown(remote);
    assert_eq!(first_here, "🚀 Running local CI pipeline...");
    assert_eq!(first_there, "🚀 Running local CI pipeline remotely on box...");
    let strip = |text: &str| text.split_once("--- exit").map_or(text.to_owned(), |(out, _)| out.to_owned());
    // How it is run again is for who reads it: there.
    assert_eq!(strip(&elsewhere).replace(" --remote box", ""), strip(&here));
    // What is said of the machine stands beside it.
    assert!(sent.starts_with("sent 2 files, "), "{sent}");
    assert!(sent.contains(" to box in "), "{sent}");
    // ssh's own code for what is wrong with a line is a stage's like any other.
    let broken: Vec<Value> = there.project.events(2).into_iter().filter(|e| e["exit"]["code"] == 255).collect();
    assert_eq!(broken.len(), 1);
    // It is there, whatever has become of the machine since.
    let again = there.local_ci(&["attach", "2", "--output", "grouped"]).output().assert_code(1);
    assert_eq!(shown(again).1, "🚀 Running local CI pipeline remotely on box...");
    let stderr = there.local_ci(&["stderr", "2/first"]).output().assert_code(0);
    assert_transcript!(stderr, @"
    $ local-ci stderr 2/first
    --- stderr
    first ran on box, and both of its streams are one: `local-ci stdout first` has it
    --- exit 0
    ");
    assert_eq!(there.news(2), ["connected", "sent", "done"]);
    there.assert_nothing_left();
}

/// Stages here and on two machines in one pipeline, each after what it needs, with what one makes brought to the next.
#[test]
fn a_pipeline_can_be_in_several_places() {
    let Some(there) = There::new() else { return };
    let config = |port: &str| {
        format!(
            r#"
            [remotes.one]
            host = "box{port}"
            env = {{ WHERE = "one" }}
            [remotes.two]
            host = "box{port}"
            dir = "{dir}"
            env = {{ WHERE = "two" }}
            [stages.make]
            run = "mkdir -p out && echo \"made on $WHERE\" >out/made"
            on = "one"
            outputs = ["out/**"]
            [stages.here]
            run = "cat out/made >>$SIDE/log"
            needs = ["make"]
            [stages.use]
            run = "cat out/made; echo \"seen on $WHERE\""
            on = "two"
            needs = ["here"]
            "#,
            dir = there.host.home().join("another").display()
        )
    };
    there.project.config(&config("")).write(".gitignore", "out\n").expects("out/made");
    let done = there.local_ci(&["--output", "grouped"]).output().assert_code(0);
    let out = done.stdout();
    assert!(out.starts_with("🚀 Running local CI pipeline...\n"), "{out}");
    assert!(out.contains("made on one\nseen on two\n"), "{out}");
    assert_eq!(fs::read_to_string(there.project.dir().join("out/made")).unwrap(), "made on one\n");
    assert_eq!(fs::read_to_string(there.project.side("log")).unwrap(), "made on one\n");
    let report = there.local_ci(&["show", "1", "--json"]).output().assert_code(0).stdout();
    let report: Value = serde_json::from_str(&report).unwrap();
    let names: Vec<&str> = report["remotes"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(report["remotes"][0]["fetched_files"], 1, "{report}");
    assert_eq!(report["remotes"][1]["state"], "done", "{report}");
    there.assert_nothing_left();
}

/// H144: Ctrl+C ends what runs there, to the last process of it.
#[test]
fn h144_an_interrupt_ends_what_runs_there() {
    let Some(there) = There::new() else { return };
    there.project.config("[stages.long]\nrun = \"chaos double-fork & echo up; exec sleep 1000\"\n");
    let run = there.local_ci(&["--remote", "box", "--output", "grouped"]).spawn();
    run.wait_for_stdout("up\n");
    run.kill(Signal::INT);
    let out = run.wait().assert_signal(Signal::INT).stdout();
    assert!(out.contains("- long ("), "{out}");
    assert_eq!(there.project.verdict(1), ("cancelled".into(), "interrupt".into(), 130));
    there.assert_nothing_left();
}

/// A run goes on there without anybody, is listed with where, and is followed again from its first byte.
#[test]
fn a_run_is_left_and_joined_again() {
    let Some(there) = There::new() else { return };
    there
        .project
        .config("[stages.long]\nrun = \"echo first; until test -e $SIDE/go; do sleep 0.05; done; echo last\"\n");
    let side = format!("SIDE = {:?}\n", there.project.side_dir().to_str().unwrap());
    there
        .project
        .config(&format!("[env]\n{side}{}", fs::read_to_string(there.project.dir().join("local-ci.toml")).unwrap()));
    let left = there.local_ci(&["--remote", "box", "-d", "--json"]).output().assert_code(0).stdout();
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!(left["remotes"][0]["host"], "box", "{left}");
    let attached = there.local_ci(&["attach", "1", "--output", "grouped"]).spawn();
    attached.wait_for_stdout("first\n");
    let list = there.local_ci(&["list"]).output().assert_code(0).stdout();
    assert!(list.starts_with("long  running: ") && list.contains("[on box, "), "{list}");
    // Without any connection of its own: all of it is here.
    let logs = there.local_ci(&["logs", "1"]).output().assert_code(0).stdout();
    assert!(logs.contains("first\n"), "{logs}");
    there.project.open_gate("go");
    let out = attached.wait().assert_code(0).stdout();
    assert!(out.starts_with("🚀 Running local CI pipeline remotely on box...\n"), "{out}");
    assert!(out.contains("first\nlast\n"), "{out}");
    there.assert_nothing_left();
}

/// What runs on another machine is a job like any other: it is started again there, though the config says nothing of it.
#[test]
fn a_job_that_is_restarted_stays_where_it_runs() {
    let Some(there) = There::new() else { return };
    let side = there.project.side_dir();
    let stage = "[stages.long]\nrun = \"echo up; until test -e $SIDE/go; do sleep 0.05; done\"\n";
    there.project.config(&format!("[env]\nSIDE = {side:?}\n{stage}"));
    there.local_ci(&["--remote", "box", "-d"]).output().assert_code(0);
    // Nor does it run here beside that.
    let refused = there.local_ci(&["long"]).output().assert_code(5).stderr();
    assert!(refused.contains("stage long is running already, in run 1"), "{refused}");
    let said = there.local_ci(&["restart", "long"]).output().assert_code(0).stderr();
    assert!(said.contains("run 1 is on box: it is started there again\n"), "{said}");
    there.project.open_gate("go");
    there.local_ci(&["await", "2"]).output().assert_code(0);
    let started = there.project.events(2).into_iter().find(|event| event["event"] == "run_started").unwrap();
    assert_eq!(started["stages"][0]["executor"], "box", "{started}");
    there.assert_nothing_left();
}

/// H126: while the line is gone that is said, on stderr; when it is there again the output goes on where it stopped.
#[test]
fn h126_a_line_that_is_cut_is_told_and_loses_nothing() {
    let Some(there) = There::new() else { return };
    let side = there.project.side_dir();
    there.project.config(&format!(
        "[env]\nSIDE = {side:?}\n[stages.long]\nrun = \"echo up; until test -e $SIDE/cut; do sleep 0.05; done; chaos lines \
         2000; until test -e $SIDE/go; do sleep 0.05; done\"\n"
    ));
    let run = there.local_ci(&["--remote", "box", "--output", "grouped"]).spawn();
    run.wait_for_stdout("up\n");
    there.line.sever();
    run.wait_for_stderr("box: the line is gone (");
    there.project.open_gate("cut");
    there.line.mend();
    run.wait_for_stderr("box: the line is there again after ");
    there.project.open_gate("go");
    let finished = run.wait().assert_code(0);
    let log = there.project.log(1, "long.log");
    let expected = there.project.chaos(&["lines", "2000"]).output().stdout;
    assert!(log == [b"up\n", &expected[..]].concat(), "{} bytes", log.len());
    assert!(!finished.stdout().contains("the line"), "{}", finished.stdout());
    let news = there.news(1);
    assert!(news.contains(&"down".to_owned()) && news.contains(&"up".to_owned()), "{news:?}");
    there.assert_nothing_left();
}

/// Nothing is claimed where a machine cannot be reached, and what to do is said.
#[test]
fn what_cannot_be_reached_is_told_before_there_is_a_run() {
    let Some(mut there) = There::new() else { return };
    there.project.config("[stages.a]\nrun = \"true\"\n");
    there.host.down();
    for more in [&[][..], &["-d"], &["--queue"], &["--allow"]] {
        let told = there.local_ci(&[&["--remote", "box"], more].concat()).output().assert_code(3).stderr();
        assert!(told.starts_with("error: ") && told.contains("box") && told.contains("\n  hint: "), "{told}");
    }
    // What only looks as if it were an option of ssh's is none.
    let told = there.local_ci(&["--remote=-oProxyCommand=x"]).output().assert_code(2).stderr();
    assert!(told.contains("begins with"), "{told}");
    assert!(there.project.run_numbers().is_empty());
    there.project.assert_nothing_left();
}

/// Where a project has no config, its kind says what runs there.
#[test]
fn a_project_without_a_config_runs_elsewhere() {
    let Some(there) = There::new() else { return };
    there.project.write("Makefile", "check:\n\techo checked in $$(basename $$PWD)\n");
    let out = there.local_ci(&["--remote", "box", "--output", "grouped"]).output().assert_code(0).stdout();
    assert!(out.contains("\nchecked in work\n"), "{out}");
    there.assert_nothing_left();
}

/// Stay-attached mode says where the run goes on: there.
#[test]
fn who_stays_is_told_where_the_run_goes_on() {
    let Some(there) = There::new() else { return };
    there.project.config("[stages.long]\nrun = \"echo up; exec sleep 1000\"\n");
    let run = there.local_ci(&["--remote", "box", "--allow", "--output", "grouped"]).spawn();
    run.wait_for_stdout("up\n");
    run.kill(Signal::INT);
    let said = run.wait().assert_signal(Signal::INT).stderr();
    assert!(said.contains("Run 1 on box in "), "{said}");
    assert!(said.contains("Run 1 continues on box.\n"), "{said}");
    there.local_ci(&["stop", "1"]).output().assert_code(0);
    assert_eq!(there.project.verdict(1).0, "cancelled");
    there.assert_nothing_left();
}

/// What keeps what is there from others' eyes.
#[test]
fn h136_what_is_kept_there_is_private() {
    let Some(there) = There::new() else { return };
    let state = there.host.state();
    let find = format!("find {}/*/runs -perm /077", state.display());
    there.project.config(&format!("[stages.look]\nrun = {find:?}\n"));
    let out = there.local_ci(&["--remote", "box", "--output", "grouped"]).output().assert_code(0).stdout();
    // It prints nothing, and its group has nothing but its command.
    assert_eq!(out.lines().skip_while(|line| *line != "::group::look").nth(2), Some("::endgroup::"), "{out}");
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o077, 0);
    there.assert_nothing_left();
}

/// H173, H174: a secret gets there in no command line, and is in no file there once the stage has it; what the stage prints of
/// it is masked here.
#[test]
fn h173_a_secret_elsewhere_is_in_no_command_line_and_no_file() {
    const CANARY: &str = "canary-4711 'quoted'";
    let Some(there) = There::new() else { return };
    let gate = there.project.side("gate");
    let stage = |name: &str, more: &str| {
        let script =
            format!("echo begun; while [ ! -e {} ]; do sleep 0.02; done; echo \"it is $TOKEN.\"", gate.display());
        format!("[stages.{name}]\nrun = '''{script}'''\nsecrets = [\"TOKEN\"]\non = \"box\"\n{more}")
    };
    let both = stage("piped", "") + &stage("on-pty", "pty = true\n");
    there.project.config(&format!("{both}[secrets]\nTOKEN = true\n[remotes.box]\nhost = \"box\"\n"));
    let run = there.local_ci(&["-j", "2"]).env("TOKEN", CANARY).spawn();
    let has_begun = |name: &str| {
        there.project.runs_dir().is_some() && {
            let log = there.project.run_dir(1).join("logs").join(format!("{name}.log"));
            fs::read_to_string(log).is_ok_and(|text| text.contains("begun"))
        }
    };
    wait_until("both stages to print", || has_begun("piped") && has_begun("on-pty"));
    let mut left = vec![there.host.state()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
            assert!(!text.contains("canary-4711"), "{}: {text}", path.display());
        }
    }
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains("canary-4711"), "{}", path.display());
    }
    there.project.open_gate("gate");
    let shown = run.wait().assert_code(0);
    let said = shown.stdout() + &shown.stderr();
    assert!(said.contains("it is ***.") && !said.contains("canary-4711"), "{said}");
    for name in ["piped", "on-pty"] {
        let log = String::from_utf8(there.project.log(1, &format!("{name}.log"))).unwrap();
        assert!(log.contains("it is ***."), "{log}");
    }
    there.assert_nothing_left();
}
