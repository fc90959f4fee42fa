//! Plans drawn in both languages, hostile text included.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Sheet, dot, mermaid};
use crate::event::{Basis, Estimate};
use crate::ids::{DenseMap, StageId, StageName};
use crate::outcome::SkipReason;
use crate::pipeline::{Command, Policy, Stage};
use crate::plan::signature::{LOCAL, Work, signature};
use crate::plan::{Decision, Plan, PlannedStage};

fn name(text: &str) -> StageName {
    StageName::new(text).unwrap()
}

fn stage(text: &str, needs: &[u32], script: &str) -> PlannedStage {
    let command = Command::Shell { shell: vec!["sh".into()], script: script.into(), args: Vec::new() };
    let policy: Policy = Stage::new(name(text), command.clone()).policy;
    let env = BTreeMap::new();
    let signature = signature(&Work { command: &command, env: &env, dir: "".as_ref(), secrets: &[], executor: LOCAL });
    PlannedStage {
        name: name(text),
        decision: Decision::Run,
        reasons: Vec::new(),
        command,
        needs: needs.iter().map(|need| StageId(*need)).collect(),
        env,
        dir: "".into(),
        policy,
        executor: LOCAL.into(),
        signature,
        is_fix: false,
        has_fix: false,
        inputs: Vec::new(),
        inputs_digest: None,
        outputs: Vec::new(),
        annotate: Vec::new(),
        secrets: Vec::new(),
        estimate: None,
    }
}

fn takes(mut stage: PlannedStage, expected_ms: u64) -> PlannedStage {
    let (low_ms, high_ms) = (expected_ms, expected_ms);
    let basis = Basis::default();
    stage.estimate = Some(Estimate { expected_ms, low_ms, high_ms, samples: 3, basis, longer_ms: Vec::new() });
    stage
}

fn skipped(mut stage: PlannedStage, why: &str) -> PlannedStage {
    stage.decision = Decision::Skip { reason: SkipReason::Condition { why: why.into() } };
    stage
}

fn plan(stages: Vec<PlannedStage>) -> Plan {
    let stages: DenseMap<StageId, PlannedStage> = stages.into_iter().collect();
    let (left_out, warnings) = (Vec::new(), Vec::new());
    Plan {
        root: "/p".into(),
        stages,
        jobs: 2,
        fail_fast: false,
        flaky: crate::pipeline::Flaky::Pass,
        timeout: None,
        left_out,
        warnings,
        remotes: BTreeMap::new(),
        plugins: BTreeMap::new(),
        reporters: Vec::new(),
        secrets: BTreeMap::new(),
        mask: Vec::new(),
    }
}

/// As a pipeline would say it: what stands before the first colon of a name is a matrix.
fn sheet(stages: Vec<PlannedStage>) -> Sheet {
    let plan = plan(stages);
    let declared: Vec<StageName> = plan
        .stages
        .values()
        .filter_map(|stage| stage.name.as_str().split_once(':').map(|(matrix, _)| name(matrix)))
        .collect();
    let matrix = |name: &StageName| {
        let (matrix, _) = name.as_str().split_once(':')?;
        declared.iter().find(|declared| declared.as_str() == matrix)
    };
    Sheet::new(&plan, matrix)
}

fn pipeline() -> Sheet {
    let mut lint = takes(stage("lint", &[0], "cargo clippy"), 2_300);
    lint.policy.allow_failure = true;
    lint.policy.locks = vec!["target".into()];
    let mut cell = takes(stage("test:1.80:linux", &[0], "cargo test"), 150_000);
    cell.policy.locks = vec!["target".into(), "db".into()];
    sheet(vec![
        takes(stage("fmt", &[], "cargo fmt"), 245),
        lint,
        cell,
        stage("test:stable:linux", &[0], "cargo test"),
        skipped(stage("mac", &[], "true"), "runs on macos only"),
        takes(stage("package", &[1, 2, 3, 4], "cargo package"), 1_000),
    ])
}

#[test]
fn a_pipeline_in_dot() {
    insta::assert_snapshot!(dot(&pipeline()), @r#"
    digraph plan {
      rankdir=LR
      node [shape=box, style=rounded]
      "fmt" [label="fmt\nabout 245ms", tooltip="cargo fmt", penwidth=3]
      "lint" [label="lint\nabout 2.3s\nmay fail\nlock: target", tooltip="cargo clippy"]
      "mac" [label="mac\nskipped: runs on macos only", tooltip="true", style="rounded,dashed"]
      "package" [label="package\nabout 1.0s", tooltip="cargo package", penwidth=3]
      subgraph cluster_0 {
        label="test"
        "test:1.80:linux" [label="test:1.80:linux\nabout 2m30s\nlocks: target, db", tooltip="cargo test", penwidth=3]
        "test:stable:linux" [label="test:stable:linux", tooltip="cargo test"]
      }
      "fmt" -> "lint"
      "fmt" -> "test:1.80:linux" [penwidth=3]
      "fmt" -> "test:stable:linux"
      "lint" -> "package"
      "test:1.80:linux" -> "package" [penwidth=3]
      "test:stable:linux" -> "package"
      "mac" -> "package"
    }
    "#);
}

#[test]
fn a_pipeline_in_mermaid() {
    insta::assert_snapshot!(mermaid(&pipeline()), @r#"
    flowchart LR
      stage0["fmt<br/>about 245ms"]:::critical
      stage1["lint<br/>about 2.3s<br/>may fail<br/>lock: target"]
      stage4["mac<br/>skipped: runs on macos only"]:::skipped
      stage5["package<br/>about 1.0s"]:::critical
      subgraph matrix0["test"]
        stage2["test:1.80:linux<br/>about 2m30s<br/>locks: target, db"]:::critical
        stage3["test:stable:linux"]
      end
      stage0 --> stage1
      stage0 ==> stage2
      stage0 --> stage3
      stage1 --> stage5
      stage2 ==> stage5
      stage3 --> stage5
      stage4 --> stage5
      classDef skipped stroke-dasharray:4 4
      classDef critical stroke-width:3px
    "#);
}

/// What nobody knows is not emphasised; once something is known, the longest way through is, and what is skipped never.
#[test]
fn only_a_known_way_is_emphasised() {
    let unknown = sheet(vec![stage("a", &[], "x"), stage("b", &[0], "x")]);
    assert!(!unknown.boxes.iter().any(|stage| stage.critical) && !unknown.arrows[0].critical);
    let known = sheet(vec![takes(stage("a", &[], "x"), 5), stage("b", &[0], "x"), stage("c", &[], "x")]);
    assert_eq!(known.boxes.iter().map(|stage| stage.critical).collect::<Vec<_>>(), [true, true, false]);
    assert!(known.arrows[0].critical);
    let skipped = sheet(vec![skipped(stage("a", &[], "x"), "no"), takes(stage("b", &[0], "x"), 5)]);
    assert_eq!(skipped.boxes.iter().map(|stage| stage.critical).collect::<Vec<_>>(), [false, true]);
    assert!(!skipped.arrows[0].critical);
}

const HOSTILE: &str = "\"];x -> y\\ \u{1b}[31m\u{202e}\r\n%%{init: {}}%% <script>&lt;`#quot;\t";

/// H61: text of a config ends no string of the languages, adds nothing to them, and moves no cursor.
#[test]
fn h61_hostile_text_stays_text() {
    let mut hostile = stage("a", &[], HOSTILE);
    hostile.policy.locks = vec![HOSTILE.into()];
    let sheet = sheet(vec![hostile, skipped(stage("b", &[0], "x"), HOSTILE)]);
    insta::assert_snapshot!(dot(&sheet), @r#"
    digraph plan {
      rankdir=LR
      node [shape=box, style=rounded]
      "a" [label="a\nlock: \"];x -> y\\ ␛[31m�␍␊%%{init: {}}%% <script>&amp;lt;`#quot;	", tooltip="\"];x -> y\\ ␛[31m�"]
      "b" [label="b\nskipped: \"];x -> y\\ ␛[31m�␍␊%%{init: {}}%% <script>&amp;lt;`#quot;	", tooltip="x", style="rounded,dashed"]
      "a" -> "b"
    }
    "#);
    insta::assert_snapshot!(mermaid(&sheet), @r#"
    flowchart LR
      stage0["a<br/>lock: #34;#93;#59;x -#62; y#92; ␛#91;31m�␍␊#37;#37;#123;init: #123;#125;#125;#37;#37; #60;script#62;#38;lt#59;#96;#35;quot#59;#9;"]
      stage1["b<br/>skipped: #34;#93;#59;x -#62; y#92; ␛#91;31m�␍␊#37;#37;#123;init: #123;#125;#125;#37;#37; #60;script#62;#38;lt#59;#96;#35;quot#59;#9;"]:::skipped
      stage0 --> stage1
      classDef skipped stroke-dasharray:4 4
    "#);
}

/// The strings of a DOT text, read as its grammar has it: a backslash takes the next character with it.
fn strings(text: &str) -> usize {
    let (mut inside, mut count, mut chars) = (false, 0, text.chars());
    while let Some(c) = chars.next() {
        match (inside, c) {
            (true, '\\') => drop(chars.next()),
            (_, '"') => {
                inside = !inside;
                count += usize::from(inside);
            }
            (false, c) => assert!(c.is_ascii_alphanumeric() || " \n{}[]=,->_;".contains(c), "{c:?} in {text}"),
            (true, c) => assert!(!c.is_control() || c == '\t', "{c:?} in {text}"),
        }
    }
    assert!(!inside, "{text}");
    count
}

proptest! {
    #[test]
    fn any_text_is_one_string(text in r#"[\\"&#%{}<>`;\[\]\n\r\t a-c-]{0,12}|\PC{0,12}|.{0,12}"#) {
        let mut any = stage("a", &[], &text);
        any.policy.locks = vec![text.clone()];
        let sheet = sheet(vec![any, skipped(stage("b", &[], "x"), &text)]);
        // Of each stage its name, label and tooltip, and the style of the skipped one.
        prop_assert_eq!(strings(&dot(&sheet)), 7);
        for line in mermaid(&sheet).lines().filter(|line| line.contains('[')) {
            let (_, label) = line.split_once("[\"").unwrap();
            let (label, class) = label.split_once("\"]").unwrap();
            prop_assert!(["", ":::skipped"].contains(&class), "{}", line);
            let label = label.replace("<br/>", "");
            prop_assert!(!label.contains(['"', '<', '>', '&', '%', '`', '{']), "{}", label);
            prop_assert!(!label.chars().any(char::is_control), "{:?}", label);
        }
    }
}
