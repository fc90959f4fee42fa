//! What a shell is told while somebody types: through the callback as each shell makes it, and in the shells that are
//! installed.

use std::process::{Command, Stdio};

use crate::support::{Invocation, Project, assert_transcript, skip};

const PIPELINE: &str = r#"
[stages.fmt]
description = "formatting"
run = "true"
tags = ["quick"]
[stages.test]
run = "exit ${matrix.code}"
matrix = { code = [0, 1] }
[stages.list]
run = "true"
[profiles.all]
"#;

fn project() -> Project {
    let project = Project::new();
    project.config(PIPELINE);
    project
}

/// What the script of a shell asks; the last word is the one that is being typed.
fn asked<'p>(project: &'p Project, shell: &str, words: &[&str]) -> Invocation<'p> {
    let words: Vec<&str> = ["--"].into_iter().chain(words.iter().copied()).collect();
    project.local_ci(&words).env("LOCAL_CI_COMPLETE", shell)
}

/// The answer, which is all there is.
#[track_caller]
fn answer(project: &Project, shell: &str, words: &[&str]) -> String {
    let finished = asked(project, shell, words).output().assert_code(0);
    assert_eq!(finished.stderr(), "");
    finished.stdout()
}

#[test]
fn each_shell_is_answered() {
    let project = project();
    assert_eq!(answer(&project, "bash", &["local-ci te", "te"]), "test\ntest:0\ntest:1\n");
    assert_eq!(answer(&project, "bash", &["local-ci test:", ""]), "0\n1\n");
    assert_eq!(answer(&project, "zsh", &["local-ci", "fm"]), "fmt:formatting\n");
    assert_eq!(
        answer(&project, "zsh", &["local-ci", "te"]),
        "test:all cells of the matrix\ntest\\:0:exit 0\ntest\\:1:exit 1\n"
    );
    assert_eq!(answer(&project, "fish", &["local-ci", "run", "fm"]), "fmt\tformatting\n");
    assert_eq!(answer(&project, "powershell", &["local-ci", "run", ".fm"]), "fmt\tformatting\n");
    assert_eq!(answer(&project, "fish", &["local-ci", "--profile", ""]), "all\n");
    assert_eq!(answer(&project, "fish", &["local-ci", "--tag="]), "--tag=quick\n");
    assert_eq!(answer(&project, "fish", &["local-ci", "--", "x"]), ":files\n");
    assert_eq!(answer(&project, "fish", &["local-ci", "-C", ""]), ":directories\n");
    // Nothing was written to find that out.
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

/// Runs are offered newest first, with what came of them; their stages behind a slash.
#[test]
fn runs_are_offered_with_what_came_of_them() {
    let project = project();
    assert_eq!(answer(&project, "fish", &["local-ci", "show", ""]), "");
    project.local_ci(&["-q", "fmt"]).output().assert_code(0);
    project.local_ci(&["-q", "test:1", "fmt"]).output().assert_code(1);
    let mut finished = asked(&project, "fish", &["local-ci", "show", ""]).output().assert_code(0);
    finished = finished.redact("\t", " | ");
    assert_transcript!(finished, @"
    $ local-ci -- local-ci show ''
    latest | run 2: failed, [AGO]: -q test:1 fmt
    2 | failed, [AGO]: -q test:1 fmt
    1 | passed, [AGO]: -q fmt
    --- exit 0
    ");
    assert_eq!(answer(&project, "fish", &["local-ci", "logs", "2/"]), "2/fmt\ttrue\n2/test:1\texit 1\n");
    assert_eq!(answer(&project, "bash", &["local-ci logs latest/t", "latest/t"]), "latest/test:1\n");
    assert_eq!(answer(&project, "bash", &["local-ci logs 2", "2"]), "2\n");
    assert!(answer(&project, "fish", &["local-ci", "attach", ""]).contains("\nfmt\tformatting\n"));
    // Nothing goes on that could be stopped.
    assert_eq!(answer(&project, "fish", &["local-ci", "stop", ""]), "");
    project.assert_nothing_left();
}

/// H170: a line in the making is not a command: nothing of it runs, and whatever is wrong is passed over in silence.
#[test]
fn h170_whatever_is_wrong_there_is_only_less_to_offer() {
    let project = Project::new();
    project.config("[stages.fmt\n");
    assert_eq!(
        answer(&project, "zsh", &["local-ci", "va"]),
        "validate:Check the config: every fault in one pass, nothing is run\n"
    );
    for words in [&["local-ci", "run", ""][..], &["local-ci", "show", ""], &["local-ci", "-C", "nowhere", "run", ""]] {
        assert_eq!(answer(&project, "zsh", words), "", "{words:?}");
    }
    project.config("[stages.a]\nrun = \"touch mark\"\n");
    for line in [
        "local-ci $(touch mark) ",
        "local-ci `touch mark`",
        "local-ci run a; touch mark ",
        "local-ci -C $(touch mark) run ",
    ] {
        answer(&project, "bash", &[line, ""]);
    }
    // No shell, or none of its words.
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert_eq!(answer(&project, shell, &[]), "");
    }
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

/// H170: stages that a plugin makes are offered, by who can only read; and nothing is compiled for a line in the making.
#[test]
fn h170_a_line_in_the_making_compiles_no_plugin_and_lets_none_write() {
    let project = Project::new();
    crate::plugin_runs::add_writing_expander(&project);
    assert_eq!(answer(&project, "fish", &["local-ci", "run", "ma"]), "made\ttrue\n");
    project.assert_nothing_left();
    let empty = project.dir().join("empty-cache");
    project.expects("empty-cache");
    let asked = asked(&project, "fish", &["local-ci", "run", "ma"]).env("LOCAL_CI_CACHE_DIR", &empty);
    assert_eq!(asked.output().assert_code(0).stdout(), "");
    let compiled = walk(&empty).into_iter().filter(|path| path.extension().is_some_and(|is| is == "cwasm"));
    assert_eq!(compiled.count(), 0);
}

/// All that is in a directory.
fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| [vec![path.clone()], walk(&path)].concat()).collect()
}

/// A run is never taken for a question, whatever is in the environment.
#[test]
fn a_variable_alone_makes_no_question() {
    let project = project();
    for shell in ["bash", "1", ""] {
        let finished = project.local_ci(&["-q", "fmt"]).env("LOCAL_CI_COMPLETE", shell).output().assert_code(0);
        assert!(finished.stdout().contains("Passed: 1"), "{}", finished.transcript());
    }
    project.assert_nothing_left();
}

#[test]
fn a_shell_that_is_unknown_is_answered_in_a_sentence() {
    let project = Project::new();
    assert_transcript!(project.local_ci(&["completions", "tcsh"]).output(), @r#"
    $ local-ci completions tcsh
    --- stderr
    error: there are no completions for "tcsh"
      hint: name one of bash, zsh, fish, powershell
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["completions"]).output(), @"
    $ local-ci completions
    --- stderr
    error: SHELL is not set, and no shell is named
      hint: name one of bash, zsh, fish, powershell
    --- exit 2
    ");
    let elvish = project.local_ci(&["completions"]).env("SHELL", "/usr/bin/elvish").output();
    assert_transcript!(elvish, @r#"
    $ local-ci completions
    --- stderr
    error: SHELL is "/usr/bin/elvish", for which there are no completions
      hint: name one of bash, zsh, fish, powershell
    --- exit 2
    "#);
    let named = project.local_ci(&["completions", "bash"]).output().assert_code(0).stdout();
    let found = project.local_ci(&["completions"]).env("SHELL", "/usr/local/bin/bash").output().assert_code(0);
    assert_eq!(found.stdout(), named);
}

/// Whether a program is there; otherwise a line says what is skipped.
fn installed(program: &str) -> bool {
    let trial = Command::new(program).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status();
    let is_there = trial.is_ok_and(|status| status.success());
    if !is_there {
        // Debian has no package of PowerShell.
        let how = if program == "pwsh" {
            "PowerShell's own packages have it".into()
        } else {
            format!("apt-get install {program}")
        };
        skip(&format!("skipped: {program} is not installed, and completions in it are not tried; {how}"));
    }
    is_there
}

/// In an interactive bash, with real keys: colons and equals signs, which bash cuts words at, included.
#[test]
fn bash_completes() {
    if !installed("bash") {
        return;
    }
    let project = project();
    project.write("below/local-ci.toml", "[stages.elsewhere]\nrun = \"true\"\n");
    let bash = project.sh("exec bash --norc --noprofile -i").env("PS1", "> ").env("INPUTRC", "/dev/null");
    let mut terminal = bash.env("TERM", "xterm").env("HISTFILE", "/dev/null").on_terminal(30, 100);
    terminal.type_keys("source <(local-ci completions bash); echo so\"urce\"d\n");
    terminal.wait_for_screen("\nsourced");
    for (keys, shown) in [
        ("local-ci fm\t-", "> local-ci fmt -"),
        ("local-ci test:1\t-", "> local-ci test:1 -"),
        ("true | local-ci -C below els\t-", "> true | local-ci -C below elsewhere -"),
        ("local-ci --output=q\t-", "> local-ci --output=quiet -"),
        ("local-ci -C bel\trun", "> local-ci -C below/run"),
        ("local-ci run -- local-ci.t\t-", "> local-ci run -- local-ci.toml -"),
        ("local-ci nothing\t-", "> local-ci nothing-"),
    ] {
        terminal.type_keys(keys);
        terminal.wait_for_screen(shown);
        // The line is thrown away, the next begins below it.
        terminal.type_keys("\x15\x0c");
    }
    terminal.type_keys("exit 0\n");
    assert!(terminal.wait().status.success());
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

/// The other shells, asked by their own means for what a Tab would bring.
#[test]
fn other_shells_complete() {
    let project = project();
    for (program, script) in [
        ("fish", "exec fish --no-config -c 'local-ci completions fish | source; complete -C \"local-ci fm\"'"),
        (
            "pwsh",
            "exec pwsh -NoProfile -Command 'local-ci completions powershell | Out-String | iex; \
             (TabExpansion2 \"local-ci fm\" 11).CompletionMatches.CompletionText'",
        ),
    ] {
        if installed(program) {
            let answer = project.sh(script).output().assert_code(0).stdout();
            assert!(answer.starts_with("fmt"), "{program}: {answer}");
        }
    }
    if installed("zsh") {
        project.sh("local-ci completions zsh | zsh -n /dev/stdin").output().assert_code(0);
        let zsh = project.sh("exec zsh -f -i").env("TERM", "xterm").env("PS1", "> ");
        let mut terminal = zsh.on_terminal(30, 100);
        terminal.type_keys(
            "autoload -Uz compinit && compinit -u -D; source <(local-ci completions zsh); echo so\"urce\"d\n",
        );
        terminal.wait_for_screen("\nsourced");
        terminal.type_keys("local-ci fm\t-");
        terminal.wait_for_screen("local-ci fmt -");
        terminal.type_keys("\x15exit 0\n");
        assert!(terminal.wait().status.success());
    }
}

/// Every command is offered what can be done with it: what runs to stop, what stands still to resume, what was added to
/// start and to remove, without a config too.
#[test]
fn jobs_and_runs_are_offered_by_what_can_be_done_with_them() {
    let project = Project::new();
    let gate = project.side("go");
    let added = project.local_ci(&["add", "chaos", "wait-for", gate.to_str().unwrap()]).output().assert_code(0);
    project.wait_for_event(1, "stage_started");
    let job = project.events(1)[0]["stages"][0]["name"].as_str().unwrap().to_owned();
    assert!(added.stdout().contains(&job), "{}", added.transcript());
    let offered = |words: &[&str]| answer(&project, "fish", &[&["local-ci"], words, &[""]].concat());
    let known = format!("{job}\tchaos wait-for {}\n", gate.display());
    for command in ["start", "restart", "runs", "stats", "remove"] {
        assert_eq!(offered(&[command]), known, "{command}");
    }
    for command in ["stop", "pause", "await", "await-any", "await-all"] {
        let text = offered(&[command]);
        assert!(
            text.starts_with("1\trunning, ") && text.ends_with(&format!("{job}\trunning in run 1\n")),
            "{command}: {text}"
        );
    }
    assert_eq!(offered(&["resume"]), "", "nothing stands still");
    project.local_ci(&["pause", "1"]).output().assert_code(0);
    let paused = offered(&["resume"]);
    assert!(paused.starts_with("1\tpaused, ") && paused.ends_with(&format!("{job}\tpaused in run 1\n")), "{paused}");
    project.local_ci(&["resume", "1"]).output().assert_code(0);
    assert!(offered(&["run", "--after"]).starts_with("1\trunning, "));
    assert!(offered(&["signal", &job]).starts_with("HUP\n") || offered(&["signal", &job]).contains("TERM\n"));
    assert_eq!(answer(&project, "fish", &["local-ci", "stdout", "1/"]), format!("1/{known}"));
    for command in ["attach", "logs", "stderr"] {
        let text = offered(&[command]);
        assert!(text.starts_with("latest\t") && text.ends_with(&known), "{command}: {text}");
    }
    project.open_gate("go");
    assert_eq!(project.verdict(1).0, "passed");
    assert!(offered(&["diff", "1"]).contains("1\tpassed, "));
    assert_eq!(offered(&["stop"]), "", "what has ended cannot be stopped");
    // A damaged run is no reason for a word.
    std::fs::write(project.run_dir(1).join("header.json"), "{").unwrap();
    assert_eq!(offered(&["show"]), "");
    project.assert_nothing_left();
}
