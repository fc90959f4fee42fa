//! What a stage finds in its environment, and how words reach a shell.

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::{Command, Stdio};

use local_ci::plan::{command::quote_all, quote};
use proptest::prelude::*;

use crate::support::{Invocation, Project};

fn run<'p>(project: &'p Project, args: &[&str]) -> Invocation<'p> {
    project.local_ci(&[&["run"], args].concat()).env("SIDE", project.side_dir())
}

/// Says that the test is skipped, and why.
#[expect(clippy::print_stdout, reason = "the test's own output, which tests/run.sh counts")]
pub(crate) fn skipped(why: &str) {
    println!("skipped: {why}");
}

/// The shells of this machine that take a script as `sh` does.
fn shells() -> Vec<Vec<&'static str>> {
    let known: [&[&str]; 6] = [&["sh"], &["dash"], &["bash"], &["busybox", "sh"], &["zsh", "-f"], &["ksh"]];
    let there = |command: &&&[&str]| {
        let mut trial = Command::new(command[0]);
        trial.args(&command[1..]).args(["-c", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        trial.status().is_ok_and(|status| status.success())
    };
    known.iter().filter(there).map(|command| command.to_vec()).collect()
}

/// What a shell makes of the words in this text.
fn words(shell: &[&str], text: &str) -> Vec<Vec<u8>> {
    let mut command = Command::new(shell[0]);
    // On stdin, so that a script may be longer than an argument.
    let mut child = command
        .args(&shell[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    write!(child.stdin.take().unwrap(), "printf '%s\\0' {text}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{shell:?} did not take {text:?}");
    let mut words: Vec<Vec<u8>> = output.stdout.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    assert_eq!(words.pop(), Some(Vec::new()));
    words
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// H113: whatever a word is, every shell reads back the quoted word as it was.
    #[test]
    fn h113_every_shell_reads_back_the_words(
        given in prop::collection::vec(
            prop_oneof![
                r#"[a-c'"\\ \n\t$`*~=#;&|<>(){}\[\]!?^%@:,./+-]{1,8}"#,
                r"\PC{1,6}",
                r"[\x01-\x7f]{1,6}",
                Just(String::new()),
                r"-[a-z-]{0,4}",
            ],
            1..40,
        )
    ) {
        let expected: Vec<Vec<u8>> = given.iter().map(|word| word.clone().into_bytes()).collect();
        for shell in shells() {
            prop_assert_eq!(words(&shell, &quote_all(&given)), expected.clone(), "{:?}", shell);
        }
    }
}

/// H113: as a command's own name too, a quoted word is that word: no keyword, no assignment. (But for `%1`, which bash
/// takes for a job even in quotes.)
#[test]
fn h113_a_quoted_word_names_a_command() {
    let project = Project::new();
    let shells = shells();
    assert!(!shells.is_empty());
    for name in ["if", "time", "A=1", "a b", "!", "{", "[[", "function", "~", "*", "it's", "a\nb", "café"] {
        // A link, as a file that was just written cannot always be executed.
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_chaos"), project.side(name)).unwrap();
        for shell in &shells {
            let mut command = Command::new(shell[0]);
            command.args(&shell[1..]).args(["-c", &format!("{} exit 77", quote(name))]);
            let path = format!("{}:/usr/bin:/bin", project.side_dir().display());
            let output = command.env("PATH", path).stdin(Stdio::null()).output().unwrap();
            assert_eq!(output.status.code(), Some(77), "{shell:?} {name:?} {output:?}");
        }
    }
}

/// H112, H113: arguments reach an argv and a script's `"$@"` as they were typed.
#[test]
fn h112_arguments_reach_the_stage_as_they_were_typed() {
    let project = Project::new();
    project
        .config("[stages.argv]\nrun = ['printf', '[%s]\\n']\n[stages.script]\nrun = '''printf '[%s]\\n' \"$@\"'''\n");
    let typed = ["a b", "", "it's", "$HOME", "`id`", "-n", "--", "*", "a\nb", "ü", "%s"];
    for (number, stage) in [(1, "argv"), (2, "script")] {
        run(&project, &[&[stage, "--"][..], &typed].concat()).output().assert_code(0);
        let expected: String = typed.map(|word| format!("[{word}]\n")).concat();
        assert_eq!(String::from_utf8(project.log(number, &format!("{stage}.log"))).unwrap(), expected);
    }
    project.assert_nothing_left();
}

/// H116: what would change a shell before its first line stays out; the rest is passed on; what is declared counts.
#[test]
fn h116_what_steers_shells_is_not_inherited() {
    let project = Project::new();
    project.write("src/x", "");
    let evil = project.side("evil.sh");
    fs::write(&evil, "echo pwned\n").unwrap();
    project.config(
        "[stages.names]\nrun = ['chaos', 'echo-env', 'BASH_ENV', 'ENV', 'CDPATH', 'PROMPT_COMMAND', 'KEPT', 'ODD']\n\
         [stages.bash]\nshell = ['sh', '-c']\nrun = 'if command -v bash >/dev/null; then bash -c \"cd src && pwd\"; else cd src && pwd; fi'\n\
         [stages.declared]\nenv = { CDPATH = 'declared', KEPT = 'ours' }\nrun = ['chaos', 'echo-env', 'CDPATH', 'KEPT']\n",
    );
    let mut invocation =
        run(&project, &["-j1"]).env("KEPT", "theirs").env("ODD", std::ffi::OsString::from_vec(b"\xff=\n".to_vec()));
    for name in ["BASH_ENV", "ENV", "PROMPT_COMMAND"] {
        invocation = invocation.env(name, &evil);
    }
    invocation.env("CDPATH", project.root()).output().assert_code(0);
    let log = |stage: &str| String::from_utf8_lossy(&project.log(1, &format!("{stage}.log"))).into_owned();
    assert_eq!(
        log("names"),
        "BASH_ENV is not set\nENV is not set\nCDPATH is not set\nPROMPT_COMMAND is not set\nKEPT=theirs\nODD=\u{fffd}=\n\n"
    );
    assert_eq!(log("bash"), format!("{}\n", project.dir().join("src").display()));
    assert_eq!(log("declared"), "CDPATH=declared\nKEPT=ours\n");
    project.assert_nothing_left();
}

/// A stage knows which run it belongs to, and cannot be told otherwise.
#[test]
fn h116_a_stage_knows_its_run() {
    let project = Project::new();
    let names = "'LOCAL_CI', 'LOCAL_CI_RUN', 'LOCAL_CI_STAGE', 'LOCAL_CI_ATTEMPT', 'LOCAL_CI_RUN_ID'";
    project.config(&format!("[stages.me]\nretries = 1\nrun = ['chaos', 'echo-env', {names}]\n"));
    run(&project, &[]).env("LOCAL_CI_STAGE", "other").env("LOCAL_CI_RUN_ID", "0").output().assert_code(0);
    let log = String::from_utf8(project.log(1, "me.log")).unwrap();
    let id = project.events(1)[0]["run"].as_str().unwrap().to_owned();
    let rest = "LOCAL_CI=1\nLOCAL_CI_RUN=1\nLOCAL_CI_STAGE=me\nLOCAL_CI_ATTEMPT=1\n";
    assert_eq!(log, format!("{rest}LOCAL_CI_RUN_ID={id}\n"));
    project.assert_nothing_left();
}

/// H115: what a git hook has set for its own repository does not reach a stage.
#[test]
fn h115_variables_of_a_hook_are_not_inherited() {
    let project = Project::new();
    let tied = [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_PREFIX",
        "GIT_OBJECT_DIRECTORY",
        "GIT_COMMON_DIR",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_NAMESPACE",
        "GIT_QUARANTINE_PATH",
        "GIT_CONFIG",
    ];
    let list: Vec<String> = tied.iter().map(|name| format!("'{name}'")).collect();
    project.config(&format!("[stages.a]\nrun = ['chaos', 'echo-env', 'GIT_AUTHOR_NAME', {}]\n", list.join(", ")));
    let invocation = tied.iter().fold(run(&project, &[]), |i, name| i.env(name, "/nonexistent"));
    invocation.env("GIT_AUTHOR_NAME", "somebody").output().assert_code(0);
    let expected: String = tied.map(|name| format!("{name} is not set\n")).concat();
    assert_eq!(project.log(1, "a.log"), format!("GIT_AUTHOR_NAME=somebody\n{expected}").into_bytes());
    project.assert_nothing_left();
}

/// H115: a stage in a real hook of a linked work tree, which calls git in another repository, uses that one.
#[test]
fn h115_a_stage_in_a_hook_uses_the_repository_it_is_in() {
    let project = Project::new();
    let git_works = project.sh("git --version").output().status.success();
    if !git_works {
        return skipped("git is not installed");
    }
    let made = project.sh("set -e; exec >/dev/null 2>&1; cd \"$TMPDIR\"\n\
         export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.invalid\n\
         export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.invalid\n\
         git init main; git init other; git -C other commit --allow-empty -m other-commit\n\
         git -C main commit --allow-empty -m first; git -C main worktree add ../linked\n\
         printf '#!/bin/sh\\nenv | grep ^GIT_ > \"$SIDE/hook\"\\nexec local-ci run\\n' > main/.git/hooks/pre-commit\n\
         chmod +x main/.git/hooks/pre-commit\n\
         printf '[stages.other]\\nrun = \"cd ../other; git log --format=%%s; git add x\"\\n' > linked/local-ci.toml\n\
         touch linked/new other/x; git -C linked add new local-ci.toml\n\
         git -C linked commit -m second >\"$SIDE/out\" 2>&1");
    let made = made.env("SIDE", project.side_dir()).env("TMPDIR", project.side_dir()).output();
    let said = fs::read_to_string(project.side("out")).unwrap_or_default();
    assert_eq!(made.status.code(), Some(0), "{said}");
    let hook = fs::read_to_string(project.side("hook")).unwrap();
    assert!(hook.contains("GIT_DIR=") && hook.contains("GIT_INDEX_FILE="), "git sets them: {hook}");
    assert_eq!(project.log(1, "other.log"), b"other-commit\n", "{said}");
    // What the stage added is in the other repository's index, and not in the commit of this one.
    let files = |dir: &str, command: &str| {
        project.sh(&format!("cd \"$SIDE/{dir}\"; {command}")).env("SIDE", project.side_dir()).output().stdout()
    };
    assert_eq!(files("other", "git ls-files"), "x\n");
    assert_eq!(files("linked", "git ls-tree --name-only HEAD"), "local-ci.toml\nnew\n");
    assert!(!Path::new(&project.side("linked")).join("x").exists());
    project.assert_nothing_left();
}
