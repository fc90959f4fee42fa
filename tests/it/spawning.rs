//! What cannot be started is said so that a person can mend it, and what can is started whatever its name.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::support::{Finished, Invocation, Project};

fn run<'p>(project: &'p Project, args: &[&str]) -> Invocation<'p> {
    project.local_ci(&[&["run"], args].concat()).env("SIDE", project.side_dir())
}

/// Writes a program with this mode. Another process does it: a descriptor of ours could be inherited by what another
/// test starts at that moment, and as long as anybody can write to a file it cannot be executed (H108).
fn program(project: &Project, path: &str, text: &str, mode: u32) {
    project.expects(path);
    let script = format!("mkdir -p bin && cat > {path} && chmod {mode:o} {path}");
    project.expects("bin").sh(&script).stdin(text).output().assert_code(0);
}

/// The error lines of a run, by stage, in the summary.
fn errors(finished: &Finished) -> Vec<String> {
    finished.stdout().lines().filter_map(|line| line.strip_prefix("  ✗ ").map(str::to_owned)).collect()
}

/// H103–H106: each way in which a command cannot be started is a failed stage with a sentence of its own, and others
/// go on.
#[test]
fn h103_h104_h105_h106_what_cannot_be_started_says_why() {
    let project = Project::new();
    program(&project, "plain.sh", "echo no\n", 0o755);
    program(&project, "empty", "", 0o755);
    program(&project, "crlf.sh", "#!/bin/sh\r\necho no\r\n", 0o755);
    program(&project, "nowhere.sh", "#!/no/such/interp -x\n", 0o755);
    program(&project, "locked.sh", "#!/bin/sh\n", 0o644);
    program(&project, "bin/thing", "#!/bin/sh\n", 0o644);
    project.config(
        "[env]\nPATH = '/nonexistent:bin'\n\
         [stages.missing]\nrun = ['no-such-tool']\n[stages.shell]\nshell = 'zsh'\nenv = { PATH = '/nowhere' }\nrun = 'echo no'\n\
         [stages.path]\nrun = ['./no/such']\n[stages.plain]\nrun = ['./plain.sh']\n[stages.empty]\nrun = ['./empty']\n\
         [stages.crlf]\nrun = ['./crlf.sh']\n[stages.nowhere]\nrun = ['./nowhere.sh']\n\
         [stages.locked]\nrun = ['./locked.sh']\n[stages.dir]\nrun = ['./bin']\n[stages.found]\nrun = ['thing']\n\
         [stages.good]\nrun = ['/bin/echo', 'it', 'goes', 'on']\n",
    );
    let finished = run(&project, &["-j1"]).output().assert_code(1);
    let dir = project.dir();
    let dir = dir.display();
    let format = "not an executable format; give it a first line like #!/bin/sh, or run it through a shell";
    for path in ["/nonexistent:bin", "/nowhere"] {
        let line = format!("\n  | looked in PATH: {path}\n");
        assert!(finished.stdout().contains(&line), "{}", finished.stdout());
    }
    assert_eq!(
        errors(&finished),
        [
            "missing: command not found: no-such-tool".to_owned(),
            "shell: command not found: zsh".to_owned(),
            format!("path: command not found: ./no/such (no such file in {dir})"),
            format!("plain: cannot execute {dir}/plain.sh: {format}"),
            format!("empty: cannot execute {dir}/empty: {format}"),
            format!(
                "crlf: cannot execute {dir}/crlf.sh: its interpreter '/bin/sh\\r' is not there (the file has CRLF line endings)"
            ),
            format!("nowhere: cannot execute {dir}/nowhere.sh: its interpreter '/no/such/interp' is not there"),
            format!("locked: cannot execute {dir}/locked.sh: permission denied; try: chmod +x {dir}/locked.sh"),
            format!("dir: cannot execute {dir}/bin: it is a directory"),
            format!("found: cannot execute {dir}/bin/thing: permission denied; try: chmod +x {dir}/bin/thing"),
        ]
    );
    assert!(finished.stdout().contains("\nit goes on\n"));
    // The codes that a shell would give are in the report.
    let report = project.local_ci(&["show", "--json"]).output().stdout;
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let codes: Vec<_> = report["results"].as_array().unwrap().iter().map(|stage| stage["exit_code"].as_i64()).collect();
    let expected = [127, 127, 127, 126, 126, 127, 127, 126, 126, 126, 0];
    assert_eq!(codes, expected.map(Some));
    project.assert_nothing_left();
}

/// H111: a directory that is not there is said to be just that, even if an earlier stage took it away.
#[test]
fn h111_a_missing_directory_is_not_a_missing_command() {
    let project = Project::new();
    project.write("file", "").write("gone/x", "");
    project.config(
        "[stages.never]\ndir = 'no/such'\nrun = 'true'\n[stages.file]\ndir = 'file'\nrun = 'true'\n\
         [stages.removes]\nrun = 'rm -r gone'\n[stages.gone]\nneeds = ['removes']\ndir = 'gone'\nrun = 'true'\n\
         [stages.removes-own]\ndir = 'own'\nneeds = ['makes']\nrun = 'rm -r ../own; echo still here'\n[stages.makes]\nrun = 'mkdir own'\n",
    );
    let finished = run(&project, &["-j1"]).output().assert_code(1);
    let mut found = errors(&finished);
    found.sort_unstable();
    let dir = project.dir();
    let dir = dir.display();
    assert_eq!(
        found,
        [
            format!("file: the working directory {dir}/file is not a directory"),
            format!("gone: the working directory {dir}/gone is not there"),
            format!("never: the working directory {dir}/no/such is not there"),
        ]
    );
    assert!(finished.stdout().contains("\nstill here\n"));
    project.assert_nothing_left();
}

/// H111: started in a directory that is no longer there, we say so.
#[test]
fn h111_our_own_directory_may_be_gone() {
    let project = Project::new();
    let session = project.sh("mkdir gone; cd gone; rmdir ../gone; local-ci run").output();
    assert!(matches!(session.status.code(), Some(2..=4)), "{}", session.transcript());
    assert!(session.stderr().starts_with("error: the current directory cannot be used"), "{}", session.stderr());
    project.assert_nothing_left();
}

/// H107: one string too long, or all too long together: named, with its size, and never with its value.
#[test]
fn h107_what_is_too_long_is_named_and_never_shown() {
    let project = Project::new();
    let secret = "s3cr3t".repeat(22_000);
    let fits = "y".repeat(131_071 - "FITS=".len());
    project.config(&format!(
        "[stages.variable]\nenv = {{ BIG = '{secret}' }}\nrun = ['true']\n\
         [stages.argument]\nrun = ['true', '{secret}']\n\
         [stages.script]\nrun = \": {secret}\"\n\
         [stages.fits]\nenv = {{ FITS = '{fits}' }}\nrun = 'echo ${{#FITS}}'\n"
    ));
    let finished = run(&project, &["-j1", "-q"]).output().assert_code(1);
    let said = finished.stdout() + &finished.stderr();
    for sentence in [
        "variable: cannot start the command: the variable BIG has 132004 bytes; the system takes 131071 at most in one",
        "argument: cannot start the command: argument 1 has 132000 bytes",
        "script: cannot start the command: argument 3 has 132002 bytes",
    ] {
        assert!(said.contains(sentence), "{sentence}\n{said:.2000}");
    }
    assert_eq!(project.log(1, "fits.log"), format!("{}\n", fits.len()).as_bytes());
    let errors: Vec<_> = said.lines().filter(|line| line.contains("cannot start")).collect();
    assert!(errors.iter().all(|line| !line.contains("s3cr3t")), "{errors:.500?}");
    project.assert_nothing_left();
}

/// H107: where all together is too much, the largest of it is named.
#[test]
fn h107_all_together_too_long_names_the_largest() {
    let project = Project::new();
    let variables =
        (0..30).map(|n| format!("PART{n} = '{}'\n", "s3cr3t".repeat(21_000 + n))).collect::<Vec<_>>().concat();
    project
        .config(&format!("[stages.good]\nrun = 'true'\n[stages.all]\nrun = ['true']\n[stages.all.env]\n{variables}"));
    let finished = run(&project, &["-j1"]).output().assert_code(1);
    let errors = errors(&finished);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("more than the system takes"), "{errors:?}");
    assert!(errors[0].contains("the largest is the variable PART29 with 126181 bytes"), "{errors:?}");
    assert!(!errors[0].contains("s3cr3t"));
    project.assert_nothing_left();
}

/// H109: thirty-two descriptors are enough, if need be for one stage after the other.
#[test]
fn h109_few_descriptors_are_enough() {
    let project = Project::new();
    let stages = (0..24).map(|n| format!("[stages.s{n}]\nrun = 'echo out; echo err >&2'\n")).collect::<Vec<_>>();
    project.config(&stages.concat());
    let session = project.sh("ulimit -n 32; exec local-ci run -j24").output().assert_code(0);
    assert!(session.stdout().contains("  Passed: 24\n"), "{}", session.stdout());
    for n in 0..24 {
        assert_eq!(project.log(1, &format!("s{n}.log")).len(), 8, "s{n}");
    }
    project.assert_nothing_left();
}

/// H110: where the system has no room for a stage for a moment, it is tried again.
#[test]
fn h110_no_room_for_a_moment_is_tried_again() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'echo made it'\n");
    let calls = [
        "inject=pipe2:error=EMFILE:when=1..3",
        "inject=eventfd2:error=EMFILE:when=1..3",
        // The first two threads are the supervisor's own, the third is the stage's.
        "inject=clone,clone3:error=EAGAIN:when=3..5",
    ];
    for call in calls {
        let Some(run) = run(&project, &[]).under_strace(&["-e", call]) else { return };
        assert!(run.output().assert_code(0).stdout().contains("\nmade it\n"), "{call}");
    }
    project.assert_nothing_left();
}

/// H110: no room at all is no verdict, and it does not take for ever to say so. It takes five seconds.
#[test]
fn h110_no_room_at_all_is_no_verdict() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'echo no'\n");
    // Every way to make a process or thread fails, and the command line says so at once.
    let all = ["-e", "inject=clone,clone3,vfork,fork:error=EAGAIN"];
    let Some(none) = run(&project, &[]).under_strace(&all) else { return };
    let finished = none.output().assert_code(3);
    assert!(finished.stderr().contains("Resource temporarily unavailable"), "{}", finished.transcript());
    let listed = project.local_ci(&["list"]).output().assert_code(0);
    assert!(listed.stdout().contains("never run"), "the claim was withdrawn: {}", listed.stdout());
    // The stage's own process cannot be made.
    let finished =
        run(&project, &[]).under_strace(&["-e", "inject=pipe2:error=ENFILE"]).unwrap().output().assert_code(3);
    assert_eq!(errors(&finished).len(), 1, "{}", finished.transcript());
    assert!(errors(&finished)[0].contains("after trying for 5 s"), "{}", finished.transcript());
    project.assert_nothing_left();
}

/// Names that have broken somebody's quoting.
const NAMES: &[&[u8]] = &[
    b"with space",
    b" leading",
    b"trailing ",
    b"it's",
    b"\"quoted\"",
    b"$HOME",
    b"$(touch pwned)",
    b"`touch pwned`",
    b"a\nb",
    b"a\tb",
    b"-rf",
    b"--help",
    b"*",
    b"[a-z]?",
    b"~",
    b"#x",
    b"a;b&c|d",
    b"<x>",
    b"back\\slash",
    b"%s%n",
    b"!history",
    b"{a,b}",
    b"\xff\xfe",
    b"a\xc3",
    "n\u{f6}".as_bytes(),
    "no\u{308}".as_bytes(),
    b"\x1b[2J",
    b"a=b",
    b"::error::x",
];

/// H112: a project may be called anything; stages run in it, and logs, names and history come back.
#[test]
fn h112_a_project_may_have_any_name() {
    let project = Project::new();
    for name in NAMES {
        let name = OsStr::from_bytes(name);
        let dir = project.dir().join(name);
        fs::create_dir_all(dir.join("sub")).unwrap();
        for path in [
            Path::new(name),
            &Path::new(name).join("sub"),
            &Path::new(name).join("sub/made"),
            &Path::new(name).join("local-ci.toml"),
        ] {
            project.expects(path);
        }
        fs::write(
            dir.join("local-ci.toml"),
            "[stages.here]\ndir = 'sub'\nrun = 'pwd -P | chaos touch made; printf \"%s\" \"$PWD\"'\n",
        )
        .unwrap();
        let there = |args: &[&str]| project.local_ci(args).cwd(name).output();
        let shown = there(&["run"]).assert_code(0);
        assert!(dir.join("sub/made").exists(), "{name:?}");
        // As the stage printed it; on a terminal's face it is made harmless.
        let logs: Vec<_> = find_logs(&project, "here.log")
            .into_iter()
            .filter(|log| *log == dir.join("sub").as_os_str().as_bytes())
            .collect();
        assert_eq!(logs.len(), 1, "{name:?}: {}", shown.transcript());
        there(&["show"]).assert_code(0);
        there(&["logs"]).assert_code(0);
        assert!(there(&["list"]).assert_code(0).stdout().contains("stopped (0)"), "{name:?}");
        there(&["plan"]).assert_code(0);
        // The same from elsewhere, and named by hand. A shell word of it begins with a dash only where a person lets it.
        project.local_ci(&["list", "-C"]).arg(Path::new(".").join(name)).output().assert_code(0);
        project.local_ci(&["run", "-c"]).arg(dir.join("local-ci.toml")).output().assert_code(0);
    }
    assert!(!project.dir().join("pwned").exists());
    project.assert_nothing_left();
}

/// H112: a path of thousands of bytes is a path.
#[test]
fn h112_a_project_may_be_deep() {
    let project = Project::new();
    let mut deep = std::path::PathBuf::new();
    while deep.as_os_str().len() < 3500 {
        deep.push("d".repeat(200));
        fs::create_dir(project.dir().join(&deep)).unwrap();
    }
    fs::write(project.dir().join(&deep).join("local-ci.toml"), "[stages.a]\nrun = 'pwd -P'\n").unwrap();
    project.expects(deep.join("local-ci.toml"));
    project.local_ci(&["run"]).cwd(&deep).output().assert_code(0);
    let printed = project.log(1, "a.log");
    assert_eq!(printed, [project.dir().join(&deep).as_os_str().as_bytes(), b"\n"].concat());
    project.assert_nothing_left();
}

/// All logs of this name, of all projects.
fn find_logs(project: &Project, name: &str) -> Vec<Vec<u8>> {
    let projects = fs::read_dir(project.state_dir().join("projects")).unwrap();
    let runs = projects.flat_map(|dir| fs::read_dir(dir.unwrap().path().join("runs")).unwrap());
    runs.filter_map(|run| fs::read(run.unwrap().path().join("logs").join(name)).ok()).collect()
}
