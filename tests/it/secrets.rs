//! A secret reaches the stages that name it and nobody else: not what is kept, not what is shown, not who looks at processes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::support::{Project, wait_until};

const CANARY: &str = "canary-4711/x+y=z";
/// What the canary becomes, as far as it is the same wherever it stands: as it is, its base64, and in hexadecimal digits.
const FORMS: [&str; 3] = ["canary-4711", "Y2FuYXJ5LTQ3MTEve", "63616e6172792d34373131"];

/// A project whose secret is in a file.
fn with_a_secret(config: &str) -> Project {
    let project = Project::new();
    token(&project, &format!("{CANARY}\n"), 0o600);
    let file = project.side("token");
    project.config(&format!("[secrets]\nTOKEN = {{ file = '{}' }}\n{config}", file.display()));
    project
}

fn token(project: &Project, text: &str, mode: u32) {
    let file = project.side("token");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn assert_says_nothing(what: &str, text: &str) {
    for form in FORMS {
        assert!(!text.contains(form), "{what}: {text}");
    }
}

/// Everything below a directory, as bytes read as text.
fn assert_holds_nothing(dir: &std::path::Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += assert_holds_nothing(&path);
        } else if path.is_file() {
            assert_says_nothing(path.to_str().unwrap(), &String::from_utf8_lossy(&fs::read(&path).unwrap()));
            files += 1;
        }
    }
    files
}

/// H174, H175, H176: through every face, into every file, in every form that a stage can print with a shell.
#[test]
fn h174_a_secret_is_in_nothing_that_is_kept_or_shown() {
    let project = with_a_secret(
        r#"
[stages.prints]
run = '''
test "$TOKEN" = "can""ary-4711/x+y=z"
echo "it is $TOKEN."; echo "on stderr: $TOKEN" >&2
printf %s "$TOKEN" | base64
printf 'user:%s' "$TOKEN" | base64
printf %s "$TOKEN" | od -An -v -tx1 | tr -d ' \n'; echo
rest=${TOKEN#can}
printf can; printf '%s\n' "$rest"
printf 'can\033[31m%s\033[0m\n' "$rest"
echo "::error file=a.rs,line=3::no $TOKEN here"
echo "::add-mask::other-""canary"; echo "then other-""canary"
exit 1
'''
secrets = ["TOKEN"]
retries = 1
[stages.literal]
run = "echo canary-4711/x+y=z"
[stages.not-there]
run = ["no-such-canary-4711/x+y=z"]
[stages.without]
run = 'test -z "$TOKEN"'
"#,
    );
    let commands: &[&[&str]] = &[
        &[],
        &["--json"],
        &["--output", "json", "-v"],
        &["--output", "lines"],
        &["-q"],
        &["show"],
        &["show", "--json"],
        &["logs"],
        &["logs", "prints"],
        &["logs", "--json"],
        &["runs", "--json"],
        &["stats", "prints", "--json"],
        &["diff", "1", "2"],
    ];
    for args in commands {
        let finished = project.local_ci(args).env("GITHUB_ACTIONS", "").output();
        let said = finished.stdout() + &finished.stderr();
        assert_says_nothing(&format!("{args:?}"), &said);
        assert!(!said.contains("other-canary"), "{args:?} {said}");
    }
    let github = project.local_ci(&[]).env("GITHUB_ACTIONS", "true").env("CI", "true").output();
    assert_says_nothing("github", &(github.stdout() + &github.stderr()));
    // Who looks at a config without running it knows no secret, and shows what stands there.
    for args in [&["--skip", "literal", "--skip", "not-there"][..], &["bug"]] {
        let finished = project.local_ci(args).output();
        assert_says_nothing(&format!("{args:?}"), &(finished.stdout() + &finished.stderr()));
    }
    let live = project.local_ci(&["--output", "live"]).on_terminal(24, 100).wait();
    assert_says_nothing("live", &String::from_utf8_lossy(&live.bytes));
    let log = String::from_utf8(project.log(1, "prints.log")).unwrap();
    assert!(log.contains("it is ***.") && log.contains("on stderr: ***") && log.contains("then ***"), "{log}");
    assert!(log.contains("::error file=a.rs,line=3::no *** here"), "{log}");
    let shown = project.local_ci(&["show", "1", "--json"]).output().stdout();
    assert!(shown.contains("no *** here"), "{shown}");
    assert!(assert_holds_nothing(&project.state_dir()) > 20);
    assert_holds_nothing(&project.root().join("cache"));
    assert_holds_nothing(&project.root().join("tmp"));
    let (verdict, ..) = project.verdict(1);
    assert_eq!(verdict, "failed");
    project.assert_nothing_left();
}

/// H173: no command line of any process has it, at any moment of the run; and its supervisor leaves no core (H177).
#[test]
fn h173_a_secret_is_in_no_command_line() {
    let project =
        with_a_secret("[stages.waits]\nrun = \"exec chaos sleep 600 --pid-file $SIDE/pid\"\nsecrets = [\"TOKEN\"]\n");
    let run = project.local_ci(&[]).env("SIDE", project.side_dir()).spawn();
    let stage = project.identity("pid");
    let environment = fs::read(format!("/proc/{}/environ", stage.pid)).unwrap();
    assert!(String::from_utf8_lossy(&environment).contains(&format!("TOKEN={CANARY}")));
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path().join("cmdline");
        let text = fs::read(&path).unwrap_or_default();
        assert_says_nothing(path.to_str().unwrap(), &String::from_utf8_lossy(&text));
    }
    let supervisor = project.supervisor(1);
    let environment = fs::read(format!("/proc/{}/environ", supervisor.pid)).unwrap_or_default();
    assert_says_nothing("the supervisor's environment", &String::from_utf8_lossy(&environment));
    run.kill(Signal::TERM);
    run.wait().assert_signal(Signal::TERM);
    assert_holds_nothing(&project.state_dir());
    project.assert_nothing_left();
}

#[test]
fn a_secret_that_is_not_to_be_had_starts_nothing() {
    let project = with_a_secret(
        "[secrets.OTHER]\nenv = \"ELSEWHERE\"\n[stages.a]\nrun = \"true\"\nsecrets = [\"TOKEN\"]\n[stages.b]\nrun = \"true\"\nsecrets = [\"TOKEN\", \"OTHER\"]\n",
    );
    token(&project, CANARY, 0o644);
    let refused = project.local_ci(&[]).output().assert_code(2);
    assert!(
        refused.stderr().contains("secret TOKEN, for stages a, b: others may read or change"),
        "{}",
        refused.stderr()
    );
    assert!(refused.stderr().contains("secret OTHER, for stage b: the variable ELSEWHERE is not set"));
    assert!(refused.stderr().contains("chmod 600"));
    // Who only looks asks for none.
    for args in [&["plan"][..], &["list"], &["validate"]] {
        project.local_ci(args).output().assert_code(0);
    }
    assert!(project.run_numbers().is_empty());
    project.assert_nothing_left();
}

#[test]
fn variables_whose_names_say_so_are_masked_where_nothing_is_configured() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'echo \"$NPM_TOKEN and $PLAIN\"'\n");
    let run = |project: &Project| project.local_ci(&[]).env("NPM_TOKEN", CANARY).env("PLAIN", "plain-text").output();
    let said = run(&project).assert_code(0).stdout();
    assert!(said.contains("*** and plain-text"), "{said}");
    assert_holds_nothing(&project.state_dir());
    project.config("[run]\nmask = []\n[stages.a]\nrun = 'echo \"$NPM_TOKEN and $PLAIN\"'\n");
    assert!(run(&project).stdout().contains(CANARY));
    project.assert_nothing_left();
}

#[test]
fn a_secret_too_short_to_be_masked_is_said() {
    let project = with_a_secret("[stages.a]\nrun = \"true\"\nsecrets = [\"TOKEN\"]\n");
    token(&project, "1234", 0o600);
    let said = project.local_ci(&[]).output().assert_code(0).stderr();
    assert!(said.contains("TOKEN is shorter than 6 bytes, so that it cannot be masked"), "{said}");
    project.assert_nothing_left();
}

/// H177: nobody but root can look into the memory of who has secrets.
#[test]
fn h177_a_supervisor_with_secrets_cannot_be_looked_into() {
    let project =
        with_a_secret("[stages.waits]\nrun = \"exec chaos sleep 600 --pid-file $SIDE/pid\"\nsecrets = [\"TOKEN\"]\n");
    let run = project.local_ci(&[]).env("SIDE", project.side_dir()).spawn();
    let stage = project.identity("pid");
    let supervisor = project.supervisor(1);
    let owner = |pid: i32, what: &str| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(format!("/proc/{pid}/{what}")).map(|about| about.uid()).ok()
    };
    wait_until("the supervisor to be root's alone", || owner(supervisor.pid, "environ") == Some(0));
    assert!(owner(stage.pid, "environ").is_some());
    run.kill(Signal::TERM);
    run.wait().assert_signal(Signal::TERM);
    project.assert_nothing_left();
}
