//! The transcript in each dialect, and what the service of each makes of it: parsers here are written from what the
//! services document, and know nothing of our writer.

use proptest::prelude::*;

use super::github::hostile_run;
use super::*;

/// What a service acted on: what it is, with what belongs to it.
type Acts = Vec<(String, Vec<(String, String)>, String)>;

fn text_of(run: &Recorded, dialect: Dialect, colour: bool) -> String {
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

fn unescaped(text: &str, table: &[(&str, &str)]) -> String {
    let mut plain = String::new();
    let mut rest = text;
    'text: while let Some(c) = rest.chars().next() {
        for (written, meant) in table {
            if let Some(after) = rest.strip_prefix(written) {
                plain.push_str(meant);
                rest = after;
                continue 'text;
            }
        }
        plain.push(c);
        rest = &rest[c.len_utf8()..];
    }
    plain
}

/// GitHub: "Workflow commands for GitHub Actions". A command is `::name key=value,…::data` at the start of a line, blanks
/// aside; between `stop-commands` and its token there is none. The older form counts anywhere, for the viewer even there.
fn on_github_actions(text: &str) -> Acts {
    const DATA: [(&str, &str); 3] = [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")];
    const PROPERTY: [(&str, &str); 5] = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];
    let mut acts = Acts::new();
    let mut stopped: Option<String> = None;
    for line in text.split(['\n', '\r']) {
        if let Some(at) = line.find("##[") {
            acts.push(("older".into(), Vec::new(), line[at..].into()));
        }
        let Some((command, data)) = line.trim_start().strip_prefix("::").and_then(|rest| rest.split_once("::")) else {
            continue;
        };
        let (name, properties) = command.split_once(' ').unwrap_or((command, ""));
        match &stopped {
            Some(token) if name == token => stopped = None,
            Some(_) => {}
            None if name == "stop-commands" => stopped = Some(data.to_owned()),
            None => {
                let pairs = properties.split(',').filter_map(|pair| pair.trim().split_once('='));
                let pairs = pairs.map(|(key, value)| (key.to_owned(), unescaped(value, &PROPERTY))).collect();
                acts.push((name.to_owned(), pairs, unescaped(data, &DATA)));
            }
        }
    }
    assert_eq!(stopped, None, "a fence is left open");
    acts
}

/// Azure: "Logging commands". `##vso[area.action key=value;…]data` counts anywhere in a line; the viewer formats lines with
/// `##[word]`.
fn on_azure_pipelines(text: &str) -> Acts {
    const DATA: [(&str, &str); 3] = [("%0D", "\r"), ("%0A", "\n"), ("%AZP25", "%")];
    const PROPERTY: [(&str, &str); 5] = [("%0D", "\r"), ("%0A", "\n"), ("%3B", ";"), ("%5D", "]"), ("%AZP25", "%")];
    let mut acts = Acts::new();
    for line in text.split(['\n', '\r']) {
        if let Some((command, data)) = line.find("##vso[").and_then(|at| line[at + "##vso[".len()..].split_once(']')) {
            let (name, properties) = command.split_once(' ').unwrap_or((command, ""));
            let pairs = properties.split(';').filter_map(|pair| pair.split_once('='));
            let pairs = pairs.map(|(key, value)| (key.to_owned(), unescaped(value, &PROPERTY))).collect();
            acts.push((name.to_owned(), pairs, unescaped(data, &DATA)));
        } else if let Some((word, data)) = line.find("##[").and_then(|at| line[at + 3..].split_once(']')) {
            acts.push((word.to_owned(), Vec::new(), data.to_owned()));
        }
    }
    acts
}

/// TeamCity: "Service messages". `##teamcity[name key='value' …]`, with `|` before what is special in a value.
fn on_teamcity_server(text: &str) -> Acts {
    let mut acts = Acts::new();
    for line in text.split(['\n', '\r']) {
        let mut rest = line;
        while let Some((_, message)) = rest.split_once("##teamcity[") {
            let (name, mut message) = message.split_once([' ', ']']).unwrap();
            let mut pairs = Vec::new();
            while let Some((key, value)) = message.split_once("='") {
                let (mut plain, mut units, mut chars) = (String::new(), Vec::new(), value.char_indices());
                let end = loop {
                    let (at, c) = chars.next().unwrap();
                    let escape = if c == '|' { Some(chars.next().unwrap().1) } else { None };
                    if escape != Some('0') && !units.is_empty() {
                        plain.push_str(&String::from_utf16(&std::mem::take(&mut units)).unwrap());
                    }
                    match (c, escape) {
                        ('\'', None) => break at,
                        (c, None) => plain.push(c),
                        (_, Some('n')) => plain.push('\n'),
                        (_, Some('r')) => plain.push('\r'),
                        (_, Some('0')) => {
                            assert_eq!(chars.next().unwrap().1, 'x');
                            let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                            units.push(u16::from_str_radix(&hex, 16).unwrap());
                        }
                        (_, Some(c)) => plain.push(c),
                    }
                };
                pairs.push((key.trim().to_owned(), plain));
                message = &value[end + 1..];
            }
            acts.push((name.to_owned(), pairs, String::new()));
            rest = message;
        }
    }
    acts
}

/// GitLab: "Custom collapsible sections". The viewer wants `\r` and `ESC [0K` after a marker; here what only begins like
/// one counts, too.
fn on_gitlab_ci(text: &str) -> Acts {
    let pattern =
        regex::Regex::new(r"section_(start|end):(?:(\d+):([A-Za-z0-9_.-]+)(\[[^\]\n]*\])?\r\x1b\[0K([^\n]*))?")
            .unwrap();
    let acts = pattern.captures_iter(text).map(|found| {
        let part = |at: usize| found.get(at).map_or("", |part| part.as_str()).to_owned();
        (part(1), vec![("at".into(), part(2)), ("name".into(), part(3)), ("options".into(), part(4))], part(5))
    });
    acts.collect()
}

/// Buildkite: "Managing log output". A line that begins with three of the same signs and a blank is a heading.
fn on_buildkite_log(text: &str) -> Acts {
    let colours = regex::Regex::new("\x1b\\[[0-9;:]*m").unwrap();
    let mut acts = Acts::new();
    for line in text.split(['\n', '\r']) {
        let line = colours.replace_all(line, "");
        let sign = ["---", "+++", "~~~", "^^^"].into_iter().find(|sign| line.starts_with(sign));
        let Some((sign, title)) = sign.map(|sign| (sign, &line[sign.len()..])) else { continue };
        if title.is_empty() || title.starts_with([' ', '\t']) {
            acts.push((sign.into(), Vec::new(), title.trim().into()));
        }
    }
    acts
}

fn acts(dialect: Dialect, text: &str) -> Acts {
    match dialect {
        Dialect::Plain | Dialect::GitHub => on_github_actions(text),
        Dialect::GitLab => on_gitlab_ci(text),
        Dialect::Buildkite => on_buildkite_log(text),
        Dialect::Azure => on_azure_pipelines(text),
        Dialect::TeamCity => on_teamcity_server(text),
    }
}

/// The groups that a service sees, in the order in which they open. Fails where one opens within another, is not closed, or
/// closes another.
fn groups(dialect: Dialect, acts: &Acts) -> Vec<String> {
    let (opens, closes) = match dialect {
        Dialect::Plain | Dialect::GitHub => ("group", "endgroup"),
        Dialect::GitLab => ("start", "end"),
        Dialect::Buildkite => ("---", "+++ or ~~~"),
        Dialect::Azure => ("group", "endgroup"),
        Dialect::TeamCity => ("blockOpened", "blockClosed"),
    };
    let name_of = |pairs: &[(String, String)]| {
        pairs.iter().find(|(key, _)| key == "name").map(|(_, name)| name.clone()).unwrap_or_default()
    };
    let (mut open, mut titles, mut names) = (None, Vec::new(), Vec::new());
    for (name, pairs, data) in acts {
        if name == opens {
            assert_eq!(open, None, "{data} opens within another group");
            open = Some(name_of(pairs));
            titles.push(if data.is_empty() { name_of(pairs) } else { data.clone() });
            names.push(name_of(pairs));
        } else if name == closes || closes.contains(name.as_str()) {
            if dialect != Dialect::Buildkite {
                assert_eq!(open, Some(name_of(pairs)), "what closes is open");
            }
            open = None;
        }
    }
    assert_eq!(open, None, "a group is left open");
    if dialect == Dialect::GitLab {
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "sections have names of their own");
    }
    titles
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

/// Of more than a service hears, the worst are said, those with a place first and of each stage some; the rest is counted.
#[test]
fn a_step_s_budget_is_kept() {
    let mut run = Recorded::of(vec![stage("a", "a"), stage("b", "b"), stage("silent", "c")]);
    let at = |n: u32| Spot { path: format!("{n}.rs"), line: Some(n), column: None, end_line: None, end_column: None };
    for id in [0u32, 1] {
        let items = (1..=30).map(|n| Annotation {
            severity: [Severity::Note, Severity::Warning, Severity::Error][n as usize % 3],
            message: format!("{n} {}", "x".repeat(5000)),
            code: None,
            title: None,
            // The first of each has no place.
            at: (n > 3).then(|| at(100 * id + n)),
            source: "p".into(),
        });
        let items: Vec<Annotation> = items.collect();
        run.start(id).push(EventKind::Annotated { stage: StageId(id), attempt: 1, items });
        run.finish(id, failed(1));
    }
    run.start(2).finish(2, failed(3)).end(Verdict::Failed);
    let text = text_of(&run, Dialect::GitHub, false);
    let found = on_github_actions(&text);
    let of = |kind: &str| found.iter().filter(|(name, ..)| name == kind).collect::<Vec<_>>();
    assert_eq!(["error", "warning", "notice"].map(|kind| of(kind).len()), [10, 10, 10]);
    let files: Vec<&str> = of("error").iter().filter_map(|(_, pairs, _)| Some(pairs.first()?.1.as_str())).collect();
    assert_eq!(files[..3], ["silent failed", "user/project/5.rs", "user/project/105.rs"]);
    assert!(files[1..].iter().all(|file| file.ends_with(".rs")), "{files:?}");
    assert!(found.iter().all(|(.., message)| message.chars().count() <= 4096));
    assert!(text.contains(
        "\nnote: not annotated, being more than are shown: 11 errors, 10 warnings, 10 notes; local-ci show 42\n"
    ));
    assert_eq!(text, text_of(&run, Dialect::GitHub, false));
}

/// What cells of a matrix find alike is said once.
#[test]
fn the_same_at_the_same_place_is_said_once() {
    let mut run = Recorded::of(vec![stage("a:1", "a"), stage("a:2", "a")]);
    let item = Annotation {
        severity: Severity::Warning,
        message: "m".into(),
        code: None,
        title: None,
        at: Some(Spot { path: "x".into(), line: Some(1), column: None, end_line: None, end_column: None }),
        source: "p".into(),
    };
    for id in [0u32, 1] {
        run.start(id).push(EventKind::Annotated { stage: StageId(id), attempt: 1, items: vec![item.clone()] });
        run.finish(id, Outcome::Passed);
    }
    run.end(Verdict::Passed);
    assert_eq!(text_of(&run, Dialect::GitHub, false).matches("::warning ").count(), 1);
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
}
