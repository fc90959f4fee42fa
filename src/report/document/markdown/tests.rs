use super::*;
use crate::event::Severity;
use crate::outcome::Verdict;
use crate::report::document::Kind;
use crate::report::document::tests::{document, find, finding};
use crate::report::tests::{MemoryLogs, assorted, failing, flaky};
use crate::view::recorded::{Recorded, after, expecting, failed, stage};
use proptest::prelude::*;

fn markdown(run: &Recorded) -> String {
    document(Kind::Markdown, run)
}

#[test]
fn a_summary_has_the_stages_and_what_failed() {
    let mut run = failing();
    find(&mut run, 1, vec![finding(Severity::Error, Some(("src/main.rs", 2, 5)), "mismatched types")]);
    insta::assert_snapshot!(markdown(&run), @"
    ## ❌ project run 42: failed

    **2 stages**: 1 passed, 1 failed; in 2.6s · `0123456789ab` · `main`

    | | Stage | Took | Expected | |
    | --- | --- | ---: | ---: | --- |
    | ✅ | `fmt` | 245ms |  |  |
    | ❌ | `clippy` | 2.3s |  | exit code 101 |

    <details><summary>clippy: exit code 101</summary>

    ```text
    $ cargo clippy --workspace
        Checking app v0.1.0
    error[E0308]: mismatched types
     --> src/main.rs:2:5
    ```

    </details>

    ### Found by `clippy`

    - src/main.rs:2:5: error: mismatched types (E0308)
    ");
}

#[test]
fn a_stage_that_passed_at_another_go_is_flaky() {
    let text = markdown(&flaky());
    assert!(text.contains("1 passed; 1 flaky; in 7.0s"), "{text}");
    assert!(text.contains("| ⚠️ flaky | `test` | 7.0s |  | passed at attempt 2 |"), "{text}");
    assert!(text.contains("<summary>test (attempt 1): exit code 101</summary>"), "{text}");
}

#[test]
fn every_way_to_end_is_told() {
    let text = markdown(&assorted());
    for row in [
        "| ❌ | `slow` | 2.0s |  | timed out (limit 2.0s) |",
        "| ⚠️ | `lint` | 10ms |  | exit code 2, which is allowed |",
        "| ⏭️ | `deploy` |  |  | needs ghost, which did not pass |",
        "| ♻️ | `kept` |  |  | cached |",
    ] {
        assert!(text.contains(row), "{row}\n{text}");
    }
}

#[test]
fn what_was_expected_stands_beside_what_it_took() {
    let mut slow = after(stage("slow", "make"), &[0]);
    slow.estimate = Some(expecting(1000));
    let mut run = Recorded::of(vec![stage("first", "true"), slow]);
    run.start(0).wait(100).finish(0, crate::outcome::Outcome::Passed).start(1).wait(2500);
    run.finish(1, crate::outcome::Outcome::Passed).end(Verdict::Passed);
    let text = markdown(&run);
    assert!(text.contains("| ✅ | `slow` | 2.5s | 1.0s | slower than usual |"), "{text}");
    assert!(text.contains("\nCritical path: `first` → `slow` (2.6s)\n"), "{text}");
}

/// H58: what a stage prints stays where it stands.
#[test]
fn h58_nothing_printed_ends_its_fence_or_is_markup() {
    let mut run = failing();
    let hostile = "</details>|<img src=x>`a`*b*[c](d)\nnext";
    find(&mut run, 0, vec![finding(Severity::Error, Some(("a|b", 1, 1)), hostile)]);
    let mut printed = Recorded::of(vec![stage("test", "echo '````'")]);
    printed.start(0).print(0, "```\n`````\n</details>\n").wait(1).finish(0, failed(1)).end(Verdict::Failed);
    let text = markdown(&printed);
    assert_eq!(text.matches("``````").count(), 2, "{text}");
    let (before, inside) = text.split_once("``````text\n").unwrap();
    let (inside, after) = inside.split_once("\n``````\n").unwrap();
    assert_eq!(inside, "$ echo '````'\n```\n`````\n</details>");
    assert!(!before.contains("</details>") && after.trim() == "</details>", "{text}");
    let text = markdown(&run);
    assert!(
        text.contains(r"- a\|b:1:1: error: &lt;/details&gt;\|&lt;img src=x&gt;\`a\`\*b\*\[c\](d) (E0308)"),
        "{text}"
    );
}

/// How many lines open and close what has to be closed.
fn is_whole(text: &str) -> bool {
    text.matches("<details>").count() == text.matches("</details>").count()
        && text.lines().filter(|line| line.starts_with("```")).count() % 2 == 0
}

/// H54: a service that gets too much shows nothing.
#[test]
fn h54_a_summary_stays_within_its_limit_and_says_what_it_left_out() {
    let stages: Vec<_> = (0..200).map(|n| stage(&format!("stage-{n}"), "make")).collect();
    let mut run = Recorded::of(stages);
    for n in 0..200 {
        run.start(n).print(n, "é".repeat(900).repeat(20)).wait(1).finish(n, failed(1));
    }
    run.end(Verdict::Failed);
    let text = markdown(&run);
    assert!(text.len() <= MOST && text.len() > MOST / 2, "{}", text.len());
    assert!(text.contains("more failures are left out here.") && is_whole(&text), "{}", text.len());
}

proptest! {
    #[test]
    fn whatever_is_printed_a_summary_is_whole_and_short_enough(
        output in ".*", limit in 2000..6000_usize, many in 1..40_u32,
    ) {
        let mut run = Recorded::of((0..many).map(|n| stage(&format!("s{n}"), "make")).collect());
        for n in 0..many {
            run.start(n).print(n, &output).wait(1).finish(n, failed(1));
        }
        run.end(Verdict::Failed);
        let text = within(limit, &run.view(), &mut MemoryLogs::default(), &Facts::default());
        prop_assert!(text.len() <= limit);
        prop_assert!(is_whole(&text), "{}", text);
    }
}
