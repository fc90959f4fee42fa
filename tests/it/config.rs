//! A config that is wrong, hostile or not a file: a message that says where, exit 2, and nothing has run. And one that
//! is right is only read by every command that does not run it.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::storage::run_dir;
use crate::support::{Finished, Project, assert_transcript, wait_until};

/// A stage that would leave a mark, and the fault after it.
fn faulty(fault: &str) -> Project {
    let project = Project::new();
    project.config(&format!("[stages.mark]\nrun = \"touch mark\"\n{fault}"));
    project
}

/// Exit 2, nothing on stdout, no state, no mark.
#[track_caller]
fn assert_refused(project: &Project, args: &[&str]) -> Finished {
    let finished = project.local_ci(args).limit(Duration::from_secs(20)).output().assert_code(2);
    assert_eq!(finished.stdout(), "", "{}", finished.transcript());
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
    finished
}

/// Every kind of fault ends every command that needs the config, before anything is done.
#[test]
fn h118_to_h124_a_fault_runs_nothing() {
    let deep = format!("x = {}", "[".repeat(100_000));
    let faults = [
        ("[stages.mark]\nrun = 'true'", "mark"),
        ("[stages.b]\nrun = 'true'\nrun = 'false'", "run"),
        (&deep, "nest"),
        ("[stages.b]\nruns = 'true'", "run"),
        ("[stages.b]\nrun = 3", "run"),
        ("[stages.b]\nrun = 'true'\ntimeout = '30'", "30s"),
        ("[stages.b]\nrun = 'true'\ntimeout = '-1s'", "timeout"),
        ("[stages.b]\nrun = 'true'\nretries = -1", "retries"),
        ("[stages.b]\nrun = 'true'\nthreads = nan", "threads"),
        ("[stages.b]\nrun = 'true'\nneeds = ['mrak']", "mark"),
        ("[stages.b]\nrun = 'true'\nneeds = ['b']", "itself"),
        ("[stages.\"a b\"]\nrun = 'true'", "a b"),
        ("[stages.b]", "run"),
        ("[stages.b]\nrun = 'true'\nenv-file = 'none.env'", "none.env"),
        ("stages = 3", "stages"),
        ("]", "local-ci.toml"),
    ];
    for (fault, word) in faults {
        let project = faulty(fault);
        for args in [&["mark"][..], &["plan"], &["list"], &["--json"]] {
            let said = assert_refused(&project, args).stderr();
            assert!(said.contains(word) && said.contains("local-ci.toml"), "{word:?} {args:?}: {said}");
        }
        project.local_ci(&["validate"]).output().assert_code(2);
        let json = project.local_ci(&["validate", "--json"]).output().assert_code(2);
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json["valid"], false);
        assert!(!json["faults"].as_array().unwrap().is_empty(), "{word}");
    }
}

/// H124: what is no text is refused with the place; marks and line ends of other systems are accepted.
#[test]
fn h124_encodings_end_to_end() {
    let project = Project::new();
    project.config("");
    let file = project.dir().join("local-ci.toml");
    fs::write(&file, b"[stages.mark]\nrun = \"touch mark \xff\"\n").unwrap();
    assert_transcript!(assert_refused(&project, &[]), @"
    $ local-ci
    --- stderr
    LC0105

      × local-ci.toml is not UTF-8: the byte 0xff at offset 32 (line 2) begins no
      │ character

    1 fault in the configuration
      hint: `local-ci explain LC0105` says more about it
    --- exit 2
    ");
    fs::write(&file, "\u{feff}[stages.one]\r\nrun = '''\r\necho one\r\necho two'''\r\n").unwrap();
    let finished = project.local_ci(&[]).output().assert_code(0);
    assert!(finished.stdout().contains("one\ntwo\n"), "{}", finished.stdout());
    project.assert_nothing_left();
}

/// H100, H122: all faults of a file in one pass, each drawn where it is.
#[test]
fn h100_cycles_and_typos_are_drawn() {
    let project = Project::new();
    project.config(
        r#"[stages.build]
run = "touch mark"
needs = ["test"]

[stages.test]
run = "touch mark"
needs = ["lint", "build"]
timeuot = "30s"

[stages.lint]
run = "touch mark"
needs = ["fmtt"]

[stages.fmt]
run = "touch mark"
"#,
    );
    assert_transcript!(assert_refused(&project, &[]), @r#"
    $ local-ci
    --- stderr
    LC0407

      × stages need each other: build → test → build
       ╭─[local-ci.toml:3:10]
     2 │ run = "touch mark"
     3 │ needs = ["test"]
       ·          ───┬──
       ·             ╰── `build` needs `test`
     4 │ 
       ╰────
       ╭─[local-ci.toml:7:18]
     6 │ run = "touch mark"
     7 │ needs = ["lint", "build"]
       ·                  ───┬───
       ·                     ╰── `test` needs `build`
     8 │ timeuot = "[TIME]"
       ╰────
      help: take one of these needs away

    LC0301

      × there is no key `timeuot` here
       ╭─[local-ci.toml:8:1]
     7 │ needs = ["lint", "build"]
     8 │ timeuot = "[TIME]"
       · ───┬───
       ·    ╰── unknown key
     9 │ 
       ╰────
      help: did you mean `timeout`?

    LC0405

      × there is no stage `fmtt`
        ╭─[local-ci.toml:12:10]
     11 │ run = "touch mark"
     12 │ needs = ["fmtt"]
        ·          ───┬──
        ·             ╰── unknown stage
     13 │ 
        ╰────
      help: did you mean `fmt`?

    3 faults in the configuration
      hint: `local-ci explain CODE` says more about each code, such as `local-ci explain LC0301`
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["validate", "--json"]).output(), @r#"
    $ local-ci validate --json
    {
      "faults": [
        {
          "code": "LC0407",
          "column": 10,
          "file": "[PROJECT]/local-ci.toml",
          "help": "take one of these needs away",
          "line": 3,
          "message": "stages need each other: build → test → build"
        },
        {
          "code": "LC0301",
          "column": 1,
          "file": "[PROJECT]/local-ci.toml",
          "help": "did you mean `timeout`?",
          "line": 8,
          "message": "there is no key `timeuot` here"
        },
        {
          "code": "LC0405",
          "column": 10,
          "file": "[PROJECT]/local-ci.toml",
          "help": "did you mean `fmt`?",
          "line": 12,
          "message": "there is no stage `fmtt`"
        }
      ],
      "valid": false,
      "warnings": []
    }
    --- exit 2
    "#);
    project.assert_nothing_left();
}

/// H118: both places of what stands twice are drawn.
#[test]
fn h118_what_stands_twice_is_drawn_twice() {
    let project = faulty("\n[stages.mark]\nrun = \"touch mark again\"\n");
    assert_transcript!(assert_refused(&project, &[]), @r#"
    $ local-ci
    --- stderr
    LC0202

      × `stages.mark` is defined twice
       ╭─[local-ci.toml:4:9]
     1 │ [stages.mark]
       ·         ──┬─
       ·           ╰── first here
     2 │ run = "touch mark"
     3 │ 
     4 │ [stages.mark]
       ·         ──┬─
       ·           ╰── again here
     5 │ run = "touch mark again"
       ╰────
      help: keep one of them

    1 fault in the configuration
      hint: `local-ci explain LC0202` says more about it
    --- exit 2
    "#);
}

/// H120: what is no file of a sensible size never hangs and is never read.
#[test]
fn h120_what_is_no_file_is_refused_at_once() {
    let project = Project::new();
    let file = project.dir().join("local-ci.toml");
    project.expects("local-ci.toml");
    let mut listener = None;
    let kinds: &mut [(&str, &mut dyn FnMut())] = &mut [
        ("a FIFO", &mut || drop(project.sh("mkfifo local-ci.toml").output().assert_code(0))),
        ("a device", &mut || symlink("/dev/zero", &file).unwrap()),
        ("a terminal", &mut || symlink("/dev/tty", &file).unwrap()),
        ("a directory", &mut || fs::create_dir(&file).unwrap()),
        ("a socket", &mut || listener = Some(UnixListener::bind(&file).unwrap())),
        ("a loop", &mut || symlink(&file, &file).unwrap()),
        ("a link to nothing", &mut || symlink("nothing", &file).unwrap()),
        ("a gigabyte", &mut || fs::File::create(&file).unwrap().set_len(1 << 30).unwrap()),
        ("closed", &mut || symlink("/proc/self/mem", &file).unwrap()),
    ];
    for (kind, make) in kinds {
        make();
        let said = assert_refused(&project, &[]).stderr();
        assert!(said.contains("local-ci.toml"), "{kind}: {said}");
        let remove = if file.symlink_metadata().unwrap().is_dir() { fs::remove_dir } else { fs::remove_file };
        remove(&file).unwrap();
    }
    drop(listener);
    // The same for the files beside it, and for the user's own.
    project.config("[stages.mark]\nrun = \"touch mark\"\n");
    project.expects("local-ci.local.toml");
    project.sh("mkfifo local-ci.local.toml").output().assert_code(0);
    assert_refused(&project, &[]);
    fs::remove_file(project.dir().join("local-ci.local.toml")).unwrap();
    let user = project.root().join("config/local-ci");
    fs::create_dir_all(&user).unwrap();
    symlink("/dev/zero", user.join("config.toml")).unwrap();
    let finished = project.local_ci(&[]).limit(Duration::from_secs(20)).output().assert_code(2);
    assert!(finished.stderr().contains("config.toml"), "{}", finished.stderr());
}

/// H121: cells are counted before they are made.
#[test]
fn h121_a_matrix_of_a_billion_is_refused_at_once() {
    let axes = (0..30).map(|n| format!("a{n} = [1, 2]\n")).collect::<Vec<_>>().concat();
    let project = faulty(&format!("[stages.m]\nrun = 'true'\n[stages.m.matrix]\n{axes}"));
    let said = assert_refused(&project, &[]).stderr();
    assert!(said.contains("1,073,741,824"), "{said}");
}

/// H125: a run goes by the config as it was when it was started, and the record says by which.
#[test]
fn h125_an_edit_during_a_run_changes_nothing_of_it() {
    let project = Project::new();
    let before = "[stages.one]\nrun = \"touch $SIDE/begun; chaos wait-for $SIDE/go\"\n\
                  [stages.two]\nneeds = [\"one\"]\nrun = \"echo as it was\"\n";
    project.config(before);
    let running = project.local_ci(&[]).env("SIDE", project.root().join("side")).spawn();
    wait_until("the first stage", || project.side("begun").exists());
    project.config("[stages.two]\nrun = \"echo as it is\"\n");
    fs::write(project.side("go"), "").unwrap();
    let finished = running.wait().assert_code(0);
    assert!(finished.stdout().contains("as it was\n"), "{}", finished.stdout());
    let header = fs::read_to_string(run_dir(&project, 1).join("header.json")).unwrap();
    assert!(header.contains(blake3::hash(before.as_bytes()).to_hex().as_str()), "{header}");
    project.local_ci(&["-q"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// H170: what makes stages is run for whoever only looks, and is worth nothing of what the project grants it.
#[test]
fn h170_looking_has_stages_made_by_who_can_only_read() {
    let project = Project::new();
    crate::plugin_runs::add_writing_expander(&project);
    for args in [&["list"][..], &["plan"], &["validate"], &["doctor"], &["list", "--json"]] {
        let looked = project.local_ci(args).output();
        assert!(args[0] == "doctor" || looked.stdout().contains("made") || args[0] == "validate", "{args:?}");
        assert!(!project.state_dir().exists(), "{args:?}");
        project.assert_nothing_left();
    }
}

/// H170: nothing that only looks runs anything of the config, or writes anything.
#[test]
fn h170_looking_runs_nothing() {
    let project = Project::new();
    project.write("values.env", "FILE=$(touch mark) `touch mark`\n");
    project.config(
        r#"
        [env]
        ALL = "$(touch mark)"
        [defaults]
        shell = ["sh", "-c", "touch mark"]
        [stages.one]
        description = "$(touch mark) `touch mark`"
        run = "touch mark; ${matrix.a}"
        fix = "touch mark"
        inputs = ["$(touch mark)"]
        env = { OWN = "`touch mark`" }
        env-file = "values.env"
        tags = ["$(touch mark)"]
        matrix = { a = ["x", "y"] }
        [stages.two]
        run = ["sh", "-c", "touch mark"]
        when = { env = { HOME = "$(touch mark)" }, branch = "$(touch mark)" }
        [stages.list]
        run = "touch mark"
        [profiles."$(touch mark)"]
        stages = ["*"]
        "#,
    );
    let commands: &[&[&str]] = &[
        &["--help"],
        &["help", "run"],
        &["--version"],
        &["list"],
        &["list", "--json"],
        &["--list"],
        &["plan"],
        &["plan", "-v"],
        &["plan", "--json"],
        &["plan", "--fix", "one"],
        &["--dry-run", "one", "list"],
        &["--dry-run", "--json"],
        &["plan", "--profile", "$(touch mark)"],
        &["validate"],
        &["validate", "--json"],
        &["run", "list", "--help"],
    ];
    for args in commands {
        project.local_ci(args).output().assert_code(0);
        assert!(!project.state_dir().exists(), "{args:?}");
        project.assert_nothing_left();
    }
    for args in [&["show"][..], &["logs"], &["attach"], &["stop"], &["nope"]] {
        project.local_ci(args).output().assert_code(2);
        project.assert_nothing_left();
    }
}
