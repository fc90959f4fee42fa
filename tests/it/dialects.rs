//! The program in the surroundings of CI services: what it prints there, and the files of a step.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Invocation, Project};

const STAGES: &str = "\
[stages.good]\nrun = 'echo fine; echo \"--- a/file\"'\n\
[stages.bad]\nneeds = ['good']\nrun = 'echo \"##vso[task.complete]##teamcity[x]section_end:1:x\"; exit 3'\n\
[stages.never]\nwhen = { env = { NEVER = '1' } }\nrun = 'true'\n";

/// The variables that tell of a service.
const SERVICES: [(&str, &str, &str); 5] = [
    ("github", "GITHUB_ACTIONS", "true"),
    ("gitlab", "GITLAB_CI", "true"),
    ("buildkite", "BUILDKITE", "true"),
    ("azure", "TF_BUILD", "True"),
    ("teamcity", "TEAMCITY_VERSION", "2025.07"),
];

/// What of a transcript is the dialect's own.
fn marks(text: &str) -> Vec<String> {
    let section = regex::Regex::new(r"section_(start|end):\d+:local_ci_[0-9a-f]{8}_").unwrap();
    let is_mark = |line: &&str| {
        [
            "::group::",
            "::endgroup::",
            "::error",
            "\x1b[0Ksection_",
            "--- ",
            "+++ ",
            "~~~ ",
            "##[",
            "##vso[",
            "##teamcity[",
        ]
        .iter()
        .any(|mark| line.starts_with(mark))
    };
    let time = regex::Regex::new(r" \([0-9.]+m?s\)").unwrap();
    let shown =
        |line: &str| time.replace(&section.replace(line, "section_$1:TIME:RUN_"), " (TIME)").replace('\x1b', "^[");
    text.split('\n').filter(is_mark).map(shown).collect()
}

/// Each service is recognised, or asked for by name anywhere, and has its groups, its annotations and nothing of the
/// stages'.
#[test]
fn h65_each_service_is_spoken_to_in_its_own_words() {
    let project = Project::new();
    project.config(STAGES);
    for (word, variable, value) in SERVICES {
        let there =
            project.local_ci(&["run"]).env(variable, value).env("NO_COLOR", "1").output().assert_code(1).stdout();
        let here = project.local_ci(&["run", "--ci", word]).output().assert_code(1).stdout();
        let set = project.local_ci(&["run"]).env("LOCAL_CI_CI", word).output().assert_code(1).stdout();
        assert_eq!(marks(&there), marks(&here), "{there}\n{here}");
        assert_eq!(marks(&there), marks(&set), "{there}\n{set}");
        let expected: &[&str] = match word {
            "github" => &[
                "::group::good",
                "::endgroup::",
                "::group::bad",
                "::endgroup::",
                "::error title=bad failed::exit code 3",
            ],
            "gitlab" => &[
                "^[[0Ksection_start:TIME:RUN_0_good[collapsed=true]\r^[[0Kgood",
                "^[[0Ksection_end:TIME:RUN_0_good\r^[[0K",
                "^[[0Ksection_start:TIME:RUN_1_bad[collapsed=true]\r^[[0Kbad",
                "^[[0Ksection_end:TIME:RUN_1_bad\r^[[0K",
            ],
            "buildkite" => &[
                "~~~ 🚀 Running local CI pipeline...",
                "~~~ - never (skipped: NEVER is not set)",
                "--- good",
                "~~~ ✓ good (TIME)",
                "--- bad",
                "+++ ✗ bad (TIME)",
                "+++ 📊 Summary:",
            ],
            "azure" => &[
                "##[group]good",
                "##[endgroup]",
                "##[group]bad",
                "##[endgroup]",
                "##vso[task.logissue type=error;]bad failed: exit code 3",
            ],
            _ => &[
                "##teamcity[blockOpened name='good']",
                "##teamcity[blockClosed name='good']",
                "##teamcity[blockOpened name='bad']",
                "##teamcity[blockClosed name='bad']",
                "##teamcity[buildProblem description='bad failed: exit code 3' identity='local_ci_bad']",
            ],
        };
        let mut found = marks(&there);
        // What means nothing to this service is left as it was printed.
        found.retain(|line| word == "buildkite" || line != "--- a/file");
        found.retain(|line| word == "azure" || !line.starts_with("##vso[task.complete]"));
        assert_eq!(found, expected, "{there}");
    }
    let plain =
        project.local_ci(&["run", "--ci", "plain"]).env("GITHUB_ACTIONS", "true").output().assert_code(1).stdout();
    assert!(
        plain.contains("::group::bad\n") && !plain.contains("::error") && !plain.contains("stop-commands"),
        "{plain}"
    );
    project.assert_nothing_left();
}

#[test]
fn an_unknown_dialect_is_refused_with_those_there_are() {
    let project = Project::new();
    project.config(STAGES);
    let expected = "expected plain, github, gitlab, buildkite, azure, teamcity";
    let typed = project.local_ci(&["--ci", "travis"]).output().assert_code(2);
    assert!(typed.stderr().contains(expected), "{}", typed.stderr());
    let set = project.local_ci(&["run"]).env("LOCAL_CI_CI", "travis").output().assert_code(2);
    assert!(set.stderr().contains("LOCAL_CI_CI is \"travis\": expected plain"), "{}", set.stderr());
}

/// A project that asks for it has its stages' own commands reach the runner.
#[test]
fn commands_are_passed_through_where_the_project_says_so() {
    let project = Project::new();
    let stage = "[stages.a]\nrun = 'echo ::warning::mine'\n";
    let run = |config: &str| {
        project.config(config);
        project.local_ci(&["run"]).env("GITHUB_ACTIONS", "true").output().assert_code(0).stdout()
    };
    let fenced = run(stage);
    assert!(fenced.contains("::stop-commands::"), "{fenced}");
    let passed = run(&format!("[run]\nannotations = 'passthrough'\n{stage}"));
    assert!(!passed.contains("stop-commands") && passed.contains("\n::warning::mine\n"), "{passed}");
    let attached = project.local_ci(&["attach", "2"]).env("GITHUB_ACTIONS", "true").output().assert_code(0).stdout();
    assert!(!attached.contains("stop-commands") && attached.contains("\n::warning::mine\n"), "{attached}");
}

/// A run in a step of GitHub Actions, with the step's files.
fn in_a_step<'p>(project: &'p Project, args: &[&str]) -> Invocation<'p> {
    let run = project.local_ci(args).env("GITHUB_ACTIONS", "true").env("SIDE", project.side_dir());
    run.env("GITHUB_OUTPUT", project.side("output")).env("GITHUB_STEP_SUMMARY", project.side("summary"))
}

/// What stages write for the step is put together in their order, none sees another's, and what one leaves open does not
/// take in the next. Nothing of it is kept.
#[test]
fn h172_a_step_s_files_are_put_together_in_the_order_of_the_stages() {
    let project = Project::new();
    project.config(
        "[stages.late]\nrun = '''\nchaos wait-for \"$SIDE/go\"\nstat -c %a \"$GITHUB_OUTPUT\" >\"$SIDE/mode\"\n\
         wc -c <\"$GITHUB_OUTPUT\" >\"$SIDE/empty\"\necho late=1 >>\"$GITHUB_OUTPUT\"\nprintf 'log<<X\\nopen' >>\"$GITHUB_OUTPUT\"\n\
         printf '```\\nlate' >>\"$GITHUB_STEP_SUMMARY\"\n'''\n\
         [stages.early]\nrun = '''\necho early=2 >>\"$GITHUB_OUTPUT\"\necho '# early' >>\"$GITHUB_STEP_SUMMARY\"\n\
         touch \"$SIDE/go\"\nexit 1\n'''\n",
    );
    fs::write(project.side("output"), "before=0\n").unwrap();
    let run = in_a_step(&project, &["run", "-j", "2"]).output().assert_code(1);
    assert_eq!(fs::read_to_string(project.side("output")).unwrap(), "before=0\nlate=1\nearly=2\n");
    assert_eq!(fs::read_to_string(project.side("summary")).unwrap(), "```\nlate\n```\n\n# early\n\n");
    assert_eq!(fs::metadata(project.side("summary")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(project.side("mode")).unwrap().trim(), "600");
    assert_eq!(fs::read_to_string(project.side("empty")).unwrap().trim(), "0");
    assert!(run.stderr().contains("late: not all that it wrote to GITHUB_OUTPUT is an output"), "{}", run.stderr());
    let kept = project.sh("find \"$LOCAL_CI_STATE_DIR\" -name step").output().assert_code(0);
    assert_eq!(kept.stdout(), "");
    project.assert_nothing_left();
}

/// A run in a stage of another writes for that stage, and so for the step. A stage that has a file of its own choice keeps
/// it, and a step's file that cannot be written changes no verdict.
#[test]
fn a_step_s_files_are_reached_from_a_run_within_a_run() {
    let project = Project::new();
    project.config(
        "[stages.outer]\nrun = 'local-ci run inner'\n\
         [stages.inner]\ndefault = false\nrun = 'echo a=1 >>\"$GITHUB_OUTPUT\"'\n\
         [stages.own]\ndefault = false\nrun = 'test \"$GITHUB_OUTPUT\" = mine'\nenv = { GITHUB_OUTPUT = 'mine' }\n",
    );
    in_a_step(&project, &["run"]).output().assert_code(0);
    assert_eq!(fs::read_to_string(project.side("output")).unwrap(), "a=1\n");
    in_a_step(&project, &["run", "own"]).output().assert_code(0);
    fs::create_dir(project.side("directory")).unwrap();
    let refused = in_a_step(&project, &["run", "inner"]).env("GITHUB_OUTPUT", project.side("directory")).output();
    let refused = refused.assert_code(0);
    assert!(refused.stderr().contains("is not in the step's"), "{}", refused.stderr());
    project.assert_nothing_left();
}

/// Paths in annotations are those of the repository, wherever in it the project is.
#[test]
fn h65_a_stage_that_fails_is_annotated_once() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'exit 1'\n[stages.b]\nneeds = ['a']\nrun = 'true'\n[stages.c]\nallow-failure = true\nrun = 'exit 2'\n");
    let text = project.local_ci(&["run"]).env("GITHUB_ACTIONS", "true").output().assert_code(1).stdout();
    let said: Vec<&str> =
        text.lines().filter(|line| line.starts_with("::error") || line.starts_with("::warn")).collect();
    assert_eq!(said, ["::error title=a failed::exit code 1", "::warning title=c failed::exit code 2"], "{text}");
    // A run that is shown again is not annotated again.
    let again = project.local_ci(&["show", "1"]).env("GITHUB_ACTIONS", "true").output().assert_code(1).stdout();
    assert!(!again.contains("::error") && !again.contains("::warning"), "{again}");
}
