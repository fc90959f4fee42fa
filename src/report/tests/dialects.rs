//! The transcript in each dialect, and what the service of each makes of it.

use proptest::prelude::*;

use super::github::hostile_run;
use super::services::{acts, groups};
use super::*;
use crate::report::lines::Lines;

pub(super) fn text_of(run: &Recorded, dialect: Dialect, colour: bool) -> String {
    let mut seed = 0xa0u8;
    play(run, |paper| {
        let mut options = options(dialect, colour);
        options.workspace = Some("/home".into());
        // What no stage can guess.
        options.randomness = Box::new(move || {
            seed += 1;
            [seed; 16]
        });
        Box::new(Grouped::new(paper, options))
    })
}

/// One of each: a pass, a stage at the same time that fails and says where, one that is not to run, one that fails and says
/// nothing.
fn mixed() -> Recorded {
    let mut run = Recorded::of(vec![
        stage("fmt", "cargo fmt --check"),
        stage("clippy", "cargo clippy"),
        stage("deploy", "deploy"),
        after(stage("test:1.80", "cargo test"), &[0]),
    ]);
    run.start(0).start(1).print(0, "--- a/file\n+++ b/file\n").print(1, "error: unused variable\n").wait(245);
    let spot = |line, column| Spot {
        path: "./src/a,b.rs".into(),
        line: Some(line),
        column: Some(column),
        end_line: Some(line),
        end_column: Some(column + 3),
    };
    let item = |severity, message: &str, code: Option<&str>, at| Annotation {
        severity,
        message: message.into(),
        code: code.map(str::to_owned),
        title: None,
        at,
        source: "rustc".into(),
    };
    let items = vec![
        item(Severity::Warning, "this is 100% slow", Some("slow"), Some(spot(9, 1))),
        item(Severity::Error, "unused variable: `x`\n::error::not this", Some("E0001"), Some(spot(3, 5))),
        item(Severity::Note, "2 found", None, None),
    ];
    run.push(EventKind::Annotated { stage: StageId(1), attempt: 1, items });
    run.finish(0, Outcome::Passed).start(3).wait(1000).finish(1, failed(101));
    run.print(3, "::endgroup::\n##vso[task.complete]\n##teamcity[blockClosed name='x']\nsection_end:1:x\n");
    run.finish(2, skipped("branch is main")).wait(10).finish(3, failed(2)).end(Verdict::Failed);
    run
}

fn golden(dialect: Dialect) -> String {
    text_of(&mixed(), dialect, false).replace('\x1b', "^[").replace('\r', "^M")
}

#[test]
fn a_run_in_github_actions() {
    insta::assert_snapshot!(golden(Dialect::GitHub), @"
        🚀 Running local CI pipeline...

        ::group::fmt
        ::stop-commands::a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
        $ cargo fmt --check
        --- a/file
        +++ b/file
        ::a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1::
        ::endgroup::
        ✓ fmt (245ms)

        ::group::clippy
        ::stop-commands::a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2
        $ cargo clippy
        error: unused variable
        ::a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2::
        ::endgroup::
        ✗ clippy (1.2s)
          Error: exit code 101
        ::stop-commands::a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3
          | error: unused variable
        ::a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3::
          ./src/a,b.rs:9:1: warning: this is 100% slow (slow)
          ./src/a,b.rs:3:5: error: unused variable: `x` (E0001)
          note: 2 found

        ::group::test:1.80
        ::stop-commands::a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4
        $ cargo test
        ::endgroup::
        ##vso[task.complete]
        ##teamcity[blockClosed name='x']
        section_end:1:x
        ::a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4::
        ::endgroup::
        ✗ test:1.80 (1.0s)
          Error: exit code 2
        ::stop-commands::a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5
          | ::endgroup::
          | ##vso[task.complete]
          | ##teamcity[blockClosed name='x']
          | section_end:1:x
        ::a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5::

        - deploy (skipped: branch is main)

        ::error title=test%3A1.80 failed::exit code 2
        ::error file=user/project/src/a%2Cb.rs,line=3,endLine=3,col=5,endColumn=8,title=E0001 (clippy)::unused variable: `x`%0A::error::not this
        ::warning file=user/project/src/a%2Cb.rs,line=9,endLine=9,col=1,endColumn=4,title=slow (clippy)::this is 100%25 slow
        ::notice title=clippy::2 found

        📊 Summary:
          Total stages: 4
          Passed: 1
          Failed: 2
          Skipped: 1
          Total time: 1.3s

        Annotations: 1 error, 1 warning, 1 note.
        Critical path: fmt → test:1.80, 1.3s of 1.3s.

        Failed:
          ✗ clippy: exit code 101
            log: /state/runs/42/logs/1.1.log
            rerun: local-ci clippy
          ✗ test:1.80: exit code 2
            log: /state/runs/42/logs/3.1.log
            rerun: local-ci test:1.80

        Run 42 is kept: local-ci show 42
    ");
}

#[test]
fn a_run_in_gitlab_ci() {
    insta::assert_snapshot!(golden(Dialect::GitLab), @"
        🚀 Running local CI pipeline...

        ^[[0Ksection_start:1700000000:local_ci_01010101_0_fmt[collapsed=true]^M^[[0Kfmt
        $ cargo fmt --check
        --- a/file
        +++ b/file
        ^[[0Ksection_end:1700000000:local_ci_01010101_0_fmt^M^[[0K
        ✓ fmt (245ms)

        ^[[0Ksection_start:1700000000:local_ci_01010101_1_clippy[collapsed=true]^M^[[0Kclippy
        $ cargo clippy
        error: unused variable
        ^[[0Ksection_end:1700000001:local_ci_01010101_1_clippy^M^[[0K
        ✗ clippy (1.2s)
          Error: exit code 101
          | error: unused variable
          ./src/a,b.rs:9:1: warning: this is 100% slow (slow)
          ./src/a,b.rs:3:5: error: unused variable: `x` (E0001)
          note: 2 found

        ^[[0Ksection_start:1700000000:local_ci_01010101_3_test_1.80[collapsed=true]^M^[[0Ktest:1.80
        $ cargo test
        ::endgroup::
        ##vso[task.complete]
        ##teamcity[blockClosed name='x']
        section_end :1:x
        ^[[0Ksection_end:1700000001:local_ci_01010101_3_test_1.80^M^[[0K
        ✗ test:1.80 (1.0s)
          Error: exit code 2
          | ::endgroup::
          | ##vso[task.complete]
          | ##teamcity[blockClosed name='x']
          | section_end :1:x

        - deploy (skipped: branch is main)

        📊 Summary:
          Total stages: 4
          Passed: 1
          Failed: 2
          Skipped: 1
          Total time: 1.3s

        Annotations: 1 error, 1 warning, 1 note.
        Critical path: fmt → test:1.80, 1.3s of 1.3s.

        Failed:
          ✗ clippy: exit code 101
            log: /state/runs/42/logs/1.1.log
            rerun: local-ci clippy
          ✗ test:1.80: exit code 2
            log: /state/runs/42/logs/3.1.log
            rerun: local-ci test:1.80

        Run 42 is kept: local-ci show 42
    ");
}

#[test]
fn a_run_in_buildkite() {
    insta::assert_snapshot!(golden(Dialect::Buildkite), @"
        ~~~ 🚀 Running local CI pipeline...

        --- fmt
        $ cargo fmt --check
          | --- a/file
          | +++ b/file
        ~~~ ✓ fmt (245ms)

        --- clippy
        $ cargo clippy
        error: unused variable
        +++ ✗ clippy (1.2s)
          Error: exit code 101
          | error: unused variable
          ./src/a,b.rs:9:1: warning: this is 100% slow (slow)
          ./src/a,b.rs:3:5: error: unused variable: `x` (E0001)
          note: 2 found

        --- test:1.80
        $ cargo test
        ::endgroup::
        ##vso[task.complete]
        ##teamcity[blockClosed name='x']
        section_end:1:x
        +++ ✗ test:1.80 (1.0s)
          Error: exit code 2
          | ::endgroup::
          | ##vso[task.complete]
          | ##teamcity[blockClosed name='x']
          | section_end:1:x

        ~~~ - deploy (skipped: branch is main)

        +++ 📊 Summary:
          Total stages: 4
          Passed: 1
          Failed: 2
          Skipped: 1
          Total time: 1.3s

        Annotations: 1 error, 1 warning, 1 note.
        Critical path: fmt → test:1.80, 1.3s of 1.3s.

        Failed:
          ✗ clippy: exit code 101
            log: /state/runs/42/logs/1.1.log
            rerun: local-ci clippy
          ✗ test:1.80: exit code 2
            log: /state/runs/42/logs/3.1.log
            rerun: local-ci test:1.80

        Run 42 is kept: local-ci show 42
    ");
}

#[test]
fn a_run_in_azure_pipelines() {
    insta::assert_snapshot!(golden(Dialect::Azure), @"
        🚀 Running local CI pipeline...

        ##[group]fmt
        $ cargo fmt --check
        --- a/file
        +++ b/file
        ##[endgroup]
        ✓ fmt (245ms)

        ##[group]clippy
        $ cargo clippy
        error: unused variable
        ##[endgroup]
        ✗ clippy (1.2s)
          Error: exit code 101
          | error: unused variable
          ./src/a,b.rs:9:1: warning: this is 100% slow (slow)
          ./src/a,b.rs:3:5: error: unused variable: `x` (E0001)
          note: 2 found

        ##[group]test:1.80
        $ cargo test
        ::endgroup::
        ##vso [task.complete]
        ##teamcity[blockClosed name='x']
        section_end:1:x
        ##[endgroup]
        ✗ test:1.80 (1.0s)
          Error: exit code 2
          | ::endgroup::
          | ##vso [task.complete]
          | ##teamcity[blockClosed name='x']
          | section_end:1:x

        - deploy (skipped: branch is main)

        ##vso[task.logissue type=error;]test:1.80 failed: exit code 2
        ##vso[task.logissue type=error;sourcepath=user/project/src/a,b.rs;linenumber=3;columnnumber=5;code=E0001;]clippy: unused variable: `x`%0A::error::not this
        ##vso[task.logissue type=warning;sourcepath=user/project/src/a,b.rs;linenumber=9;columnnumber=1;code=slow;]clippy: this is 100%AZP25 slow
        note: not annotated, being more than are shown: 1 note; local-ci show 42

        📊 Summary:
          Total stages: 4
          Passed: 1
          Failed: 2
          Skipped: 1
          Total time: 1.3s

        Annotations: 1 error, 1 warning, 1 note.
        Critical path: fmt → test:1.80, 1.3s of 1.3s.

        Failed:
          ✗ clippy: exit code 101
            log: /state/runs/42/logs/1.1.log
            rerun: local-ci clippy
          ✗ test:1.80: exit code 2
            log: /state/runs/42/logs/3.1.log
            rerun: local-ci test:1.80

        Run 42 is kept: local-ci show 42
    ");
}

#[test]
fn a_run_in_teamcity() {
    insta::assert_snapshot!(golden(Dialect::TeamCity), @"
        🚀 Running local CI pipeline...

        ##teamcity[blockOpened name='fmt']
        $ cargo fmt --check
        --- a/file
        +++ b/file
        ##teamcity[blockClosed name='fmt']
        ✓ fmt (245ms)

        ##teamcity[blockOpened name='clippy']
        $ cargo clippy
        error: unused variable
        ##teamcity[blockClosed name='clippy']
        ✗ clippy (1.2s)
          Error: exit code 101
          | error: unused variable
          ./src/a,b.rs:9:1: warning: this is 100% slow (slow)
          ./src/a,b.rs:3:5: error: unused variable: `x` (E0001)
          note: 2 found

        ##teamcity[blockOpened name='test:1.80']
        $ cargo test
        ::endgroup::
        ##vso[task.complete]
        ##teamcity [blockClosed name='x']
        section_end:1:x
        ##teamcity[blockClosed name='test:1.80']
        ✗ test:1.80 (1.0s)
          Error: exit code 2
          | ::endgroup::
          | ##vso[task.complete]
          | ##teamcity [blockClosed name='x']
          | section_end:1:x

        - deploy (skipped: branch is main)

        ##teamcity[inspectionType id='local-ci-error' name='errors of stages' description='What stages found' category='local-ci']
        ##teamcity[inspectionType id='local-ci-warning' name='warnings of stages' description='What stages found' category='local-ci']
        ##teamcity[buildProblem description='test:1.80 failed: exit code 2' identity='local_ci_test_1_80']
        ##teamcity[inspection typeId='local-ci-error' message='E0001 (clippy): unused variable: `x`|n::error::not this' file='user/project/src/a,b.rs' line='3' SEVERITY='ERROR']
        ##teamcity[inspection typeId='local-ci-warning' message='slow (clippy): this is 100% slow' file='user/project/src/a,b.rs' line='9' SEVERITY='WARNING']
        ##teamcity[message text='clippy: 2 found' status='NORMAL']

        📊 Summary:
          Total stages: 4
          Passed: 1
          Failed: 2
          Skipped: 1
          Total time: 1.3s

        Annotations: 1 error, 1 warning, 1 note.
        Critical path: fmt → test:1.80, 1.3s of 1.3s.

        Failed:
          ✗ clippy: exit code 101
            log: /state/runs/42/logs/1.1.log
            rerun: local-ci clippy
          ✗ test:1.80: exit code 2
            log: /state/runs/42/logs/3.1.log
            rerun: local-ci test:1.80

        Run 42 is kept: local-ci show 42
    ");
}

/// What each service finds in that run, by its own rules.
#[test]
fn each_service_finds_the_groups_and_the_annotations() {
    for dialect in Dialect::ALL {
        let found = acts(dialect, &text_of(&mixed(), dialect, false));
        assert_eq!(groups(dialect, &found), ["fmt", "clippy", "test:1.80"], "{dialect:?} {found:?}");
        let rest: Vec<String> = found
            .iter()
            .filter(|(name, ..)| {
                let groups = ["group", "endgroup", "start", "end", "blockOpened", "blockClosed", "---", "+++", "~~~"];
                !groups.contains(&name.as_str())
            })
            .map(|(name, pairs, data)| {
                let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
                format!("{name} {} {data:?}", pairs.join(" "))
            })
            .collect();
        let expected: &[&str] = match dialect {
            Dialect::Plain | Dialect::GitLab | Dialect::Buildkite => &[],
            Dialect::GitHub => &[
                "error title=test:1.80 failed \"exit code 2\"",
                "error file=user/project/src/a,b.rs line=3 endLine=3 col=5 endColumn=8 title=E0001 (clippy) \
                 \"unused variable: `x`\\n::error::not this\"",
                "warning file=user/project/src/a,b.rs line=9 endLine=9 col=1 endColumn=4 title=slow (clippy) \
                 \"this is 100% slow\"",
                "notice title=clippy \"2 found\"",
            ],
            Dialect::Azure => &[
                "task.logissue type=error \"test:1.80 failed: exit code 2\"",
                "task.logissue type=error sourcepath=user/project/src/a,b.rs linenumber=3 columnnumber=5 code=E0001 \
                 \"clippy: unused variable: `x`\\n::error::not this\"",
                "task.logissue type=warning sourcepath=user/project/src/a,b.rs linenumber=9 columnnumber=1 code=slow \
                 \"clippy: this is 100% slow\"",
            ],
            Dialect::TeamCity => &[
                "inspectionType id=local-ci-error name=errors of stages description=What stages found \
                 category=local-ci \"\"",
                "inspectionType id=local-ci-warning name=warnings of stages description=What stages found \
                 category=local-ci \"\"",
                "buildProblem description=test:1.80 failed: exit code 2 identity=local_ci_test_1_80 \"\"",
                "inspection typeId=local-ci-error message=E0001 (clippy): unused variable: `x`\n::error::not this \
                 file=user/project/src/a,b.rs line=3 SEVERITY=ERROR \"\"",
                "inspection typeId=local-ci-warning message=slow (clippy): this is 100% slow \
                 file=user/project/src/a,b.rs line=9 SEVERITY=WARNING \"\"",
                "message text=clippy: 2 found status=NORMAL \"\"",
            ],
        };
        assert_eq!(rest, expected, "{dialect:?}");
    }
}

/// Where a project asks for it, what stages print reaches the service as it is; what is repeated of it does not.
#[test]
fn what_is_passed_through_is_acted_on_once() {
    for (dialect, line) in [
        (Dialect::GitHub, "::error::theirs"),
        (Dialect::Azure, "##vso[task.logissue type=error]theirs"),
        (Dialect::TeamCity, "##teamcity[message text='theirs']"),
        (Dialect::Buildkite, "--- theirs"),
    ] {
        let mut run = Recorded::of(vec![stage("a", "a")]);
        run.start(0).print(0, line).finish(0, failed(1)).end(Verdict::Failed);
        let text = play(&run, |paper| {
            Box::new(Grouped::new(paper, TranscriptOptions { is_passed_through: true, ..options(dialect, false) }))
        });
        assert!(!text.contains("stop-commands"), "{text}");
        assert!(text.lines().any(|shown| shown == line), "{text}");
        let theirs = acts(dialect, &text).iter().filter(|act| format!("{act:?}").contains("theirs")).count();
        assert_eq!(theirs, 1, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// H65, H66: whatever stages print, each service finds our groups, our annotations and our headings.
    #[test]
    fn h65_h66_a_service_finds_what_is_ours(run in hostile_run(), dialect in prop::sample::select(Dialect::ALL.to_vec())) {
        let found = acts(dialect, &text_of(&run, dialect, true));
        let view = run.view();
        let mut titles = groups(dialect, &found);
        titles.sort();
        let names: Vec<String> = view.stages().values().map(|stage| stage.info.name.to_string()).collect();
        prop_assert_eq!(&titles, &names);
        let failed = view.stages().values().filter(|stage| stage.tally() == Some(crate::view::Tally::Failed)).count();
        let beyond = match dialect {
            Dialect::Plain | Dialect::GitLab => 2 * names.len(),
            Dialect::GitHub | Dialect::Azure | Dialect::TeamCity => 2 * names.len() + failed,
            // A heading for the start, one for each group, one for what came of it, one for the summary.
            Dialect::Buildkite => 2 * names.len() + 2,
        };
        prop_assert_eq!(found.len(), beyond, "{:?}", found);
    }

    /// The same where lines are shown as they come, or failures alone.
    #[test]
    fn h65_h66_other_faces_are_as_inert(run in hostile_run(), dialect in prop::sample::select(Dialect::ALL.to_vec())) {
        let view = run.view();
        let failed = view.stages().values().filter(|stage| stage.tally() == Some(crate::view::Tally::Failed)).count();
        let (said, is_buildkite) = match dialect {
            Dialect::Plain | Dialect::GitLab => (0, 0),
            Dialect::GitHub | Dialect::Azure | Dialect::TeamCity => (failed, 0),
            Dialect::Buildkite => (0, 1),
        };
        let lines = play(&run, |paper| Box::new(Lines::new(paper, options(dialect, true), false)));
        prop_assert_eq!(acts(dialect, &lines).len(), said + is_buildkite, "{}", lines);
        let quiet = play(&run, |paper| Box::new(Quiet::new(paper, options(dialect, true))));
        prop_assert_eq!(acts(dialect, &quiet).len(), said + is_buildkite * (1 + failed), "{}", quiet);
    }
}
