//! `report` and `--report`: a run's documents, at its end and afterwards.

use std::fs;

use crate::support::Project;

/// A stage that passes, and one that does not.
fn project() -> Project {
    let project = Project::new();
    for path in ["j.xml", "s.sarif", "m.md", "h.html", "out/deep/t.json", "new/r.md", "r.xml", "r.txt", "again.md"] {
        project.expects(path);
    }
    project.config("[stages.good]\nrun = 'echo fine'\n[stages.bad]\nneeds = ['good']\nrun = 'echo \"<oh>\"; exit 7'\n");
    project
}

/// A document without what differs from run to run.
fn steady(text: &str) -> String {
    let times = regex::Regex::new(r#"time="[0-9.]+"|"ts":\d+|"dur":\d+|\d+(ms|\.\ds)"#).unwrap();
    times.replace_all(text, "T").into_owned()
}

#[test]
fn a_report_is_the_same_at_the_run_s_end_and_afterwards() {
    let project = project();
    let kinds = [("junit", "j.xml"), ("sarif", "s.sarif"), ("markdown", "m.md"), ("html", "h.html")];
    let mut args = vec!["-q".to_owned(), "--report=chrome-trace=out/deep/t.json".to_owned()];
    args.extend(kinds.iter().map(|(kind, file)| format!("--report={kind}={file}")));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    project.local_ci(&args).output().assert_code(1);
    for (kind, file) in kinds.into_iter().chain([("chrome-trace", "out/deep/t.json")]) {
        let written = fs::read_to_string(project.dir().join(file)).unwrap();
        let printed = project.local_ci(&["report", "1", "--format", kind]).output().assert_code(0).stdout();
        assert_eq!(written, printed, "{kind}");
        assert!(kind == "sarif" || printed.contains("bad"), "{printed}");
    }
    let junit = fs::read_to_string(project.dir().join("j.xml")).unwrap();
    assert!(junit.contains("<failure type=\"fail\" message=\"exit code 7\"/>"), "{junit}");
    assert!(junit.contains("<system-out>&lt;oh&gt;</system-out>"), "{junit}");
    assert!(steady(&junit).contains("tests=\"2\" failures=\"1\" errors=\"0\" T>"), "{junit}");
}

#[test]
fn the_latest_run_is_reported_and_the_kind_is_known_by_the_file() {
    let project = project();
    project.local_ci(&["-q"]).output().assert_code(1);
    project.local_ci(&["report", "-o", "new/r.md"]).output().assert_code(0);
    assert!(fs::read_to_string(project.dir().join("new/r.md")).unwrap().contains("run 1: failed"));
    let unknown = project.local_ci(&["report", "-o", "r.json"]).output().assert_code(2);
    assert!(unknown.stderr().contains("what kind of report r.json is to be"), "{}", unknown.stderr());
    let unknown = project.local_ci(&["report"]).output().assert_code(2);
    assert!(unknown.stderr().contains("hint: one of junit, sarif, markdown, html, chrome-trace"));
}

#[test]
fn what_there_is_no_report_of_is_said() {
    let project = project();
    let none = project.local_ci(&["report", "--format", "junit"]).output().assert_code(2);
    assert!(none.stderr().contains("there are no runs of this project yet"), "{}", none.stderr());
    project.local_ci(&["-q"]).output().assert_code(1);
    let none = project.local_ci(&["report", "9", "--format", "junit"]).output().assert_code(2);
    assert!(none.stderr().contains("there is no run 9"), "{}", none.stderr());
    let stage = project.local_ci(&["report", "good", "--format", "junit"]).output().assert_code(2);
    assert!(stage.stderr().contains("\"good\" is not a run"), "{}", stage.stderr());
}

#[test]
fn a_report_that_cannot_be_written_changes_no_verdict() {
    let project = project();
    project.write("file", "");
    let failed = project.local_ci(&["-q", "--report=junit=file/r.xml"]).output().assert_code(1);
    assert!(failed.stderr().contains("the junit report cannot be written to file/r.xml"));
    let passed = project.local_ci(&["-q", "good", "--report=junit=file/r.xml"]).output().assert_code(3);
    assert!(passed.stderr().contains("the junit report cannot be written to file/r.xml"));
    // The run itself has passed.
    project.local_ci(&["show"]).output().assert_code(0);
}

#[test]
fn who_does_not_stay_is_told_what_to_do_later() {
    let project = project();
    let refused = project.local_ci(&["-d", "--report=junit=r.xml"]).output().assert_code(2);
    let said = refused.stderr();
    assert!(said.contains("`local-ci report RUN --format junit -o r.xml` writes it of a run that has ended"), "{said}");
    let refused = project.local_ci(&["--repeat=2", "--report=r.xml"]).output().assert_code(2);
    assert!(refused.stderr().contains("--repeat makes several runs"), "{}", refused.stderr());
    assert!(!project.dir().join("r.xml").exists());
}

#[test]
fn reports_are_asked_for_by_a_variable_and_not_asked_for_again() {
    let project = project();
    project.local_ci(&["-q"]).env("LOCAL_CI_REPORT", "r.xml, markdown=r.txt").output().assert_code(1);
    assert!(project.dir().join("r.xml").exists() && project.dir().join("r.txt").exists());
    project.local_ci(&["-q", "--report=once.md"]).output().assert_code(1);
    fs::remove_file(project.dir().join("once.md")).unwrap();
    project.local_ci(&["rerun", "-q", "--report=again.md"]).output().assert_code(1);
    assert!(!project.dir().join("once.md").exists() && project.dir().join("again.md").exists());
}

#[test]
fn a_flaky_stage_fails_a_run_that_is_told_so() {
    let project = Project::new();
    let stage = "[stages.test]\nretries = 1\nrun = 'test -e seen || { touch seen; exit 1; }'\n";
    project.expects("seen").config(stage);
    project.local_ci(&["-q"]).output().assert_code(0);
    fs::remove_file(project.dir().join("seen")).unwrap();
    let failed = project.local_ci(&["--flaky=fail"]).output().assert_code(1);
    let said = format!("{}{}", failed.stdout(), failed.stderr());
    assert!(said.contains("it passed at attempt 2 only, and flaky stages are set to fail the run"), "{said}");
    fs::remove_file(project.dir().join("seen")).unwrap();
    project.config(&format!("[run]\nflaky = 'fail'\n{stage}"));
    project.local_ci(&["-q"]).output().assert_code(1);
    fs::remove_file(project.dir().join("seen")).unwrap();
    project.local_ci(&["-q", "--flaky", "pass"]).output().assert_code(0);
}
