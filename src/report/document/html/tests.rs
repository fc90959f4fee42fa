use super::*;
use crate::event::Severity;
use crate::report::document::Kind;
use crate::report::document::tests::{document, find, finding};
use crate::report::tests::{assorted, cancelled, failing, flaky, parallel};
use crate::view::recorded::{Recorded, failed, stage};
use proptest::prelude::*;

fn html(run: &Recorded) -> String {
    let page = document(Kind::Html, run);
    check(&page);
    page
}

/// Elements that have no end.
const VOID: &[&str] = &["meta", "!DOCTYPE"];

/// Every element is one of ours, closed in its order, with attributes in quotes; nothing is loaded and nothing runs.
fn check(page: &str) {
    let known = "html head title style body h1 h2 ul li b code span div i p table thead tbody tr th td small details \
                 summary pre footer meta !DOCTYPE";
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let (tag, after) = rest[at + 1..].split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(known.split_whitespace().any(|known| known == name), "<{name}>");
        let mut said = if name == "!DOCTYPE" { "" } else { attributes };
        while let Some((attribute, value)) = said.split_once("=\"") {
            let attribute = attribute.trim();
            assert!(!attribute.starts_with("on") && !["src", "href"].contains(&attribute), "{tag}");
            said = value.split_once('"').unwrap().1;
        }
        assert_eq!(said.trim(), "", "{tag}");
        if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!page.contains("url(") && !page.contains("@import"), "nothing is loaded");
}

#[test]
fn a_page_says_what_became_of_the_run_and_its_stages() {
    let mut run = failing();
    find(&mut run, 1, vec![finding(Severity::Error, Some(("src/main.rs", 2, 5)), "mismatched types")]);
    let page = html(&run);
    for part in [
        "<title>project run 42: failed</title>",
        "<span class=\"verdict fail\">failed</span>",
        "started 2023-11-14 22:13:20 UTC",
        "commit <code>0123456789ab</code>",
        "<td><code>clippy</code></td><td class=\"status fail\">✗ failed</td><td>exit code 101</td>",
        "<code>src/main.rs:2:5</code> · error · rustc · E0308</span>mismatched types",
        "error[E0308]: mismatched types",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

#[test]
fn the_timeline_has_a_row_for_each_slot_and_marks_the_critical_path() {
    let page = html(&parallel());
    assert_eq!(page.matches("class=\"track\"").count(), 2);
    assert_eq!(page.matches("bar pass critical").count(), 2, "lint and doc, not test");
    assert!(page.contains("Critical path: lint → doc (1.1s)"), "{page}");
    assert!(page.contains("style=\"left:27.273%;width:72.727%\" title=\"doc: ✓ passed, 800ms\""), "{page}");
}

#[test]
fn attempts_that_failed_have_bars_and_output_of_their_own() {
    let page = html(&flaky());
    assert!(page.contains("test, attempt 1: ✗ failed, 800ms"), "{page}");
    assert!(page.contains("⚠ flaky") && page.contains("connection refused"), "{page}");
}

#[test]
fn every_way_to_end_has_a_word() {
    let page = html(&assorted()) + &html(&cancelled());
    for word in ["✗ allowed", "– skipped", "✓ cached", "– cancelled", "needs ghost, which did not pass"] {
        assert!(page.contains(word), "{word}");
    }
}

#[test]
fn what_came_before_is_drawn() {
    let run = failing();
    let name = crate::ids::StageName::new("fmt").unwrap();
    let facts = Facts { history: [(name, vec![Some(100), None, Some(900)])].into(), ..Facts::default() };
    let page = render(&run.view(), &mut crate::report::tests::MemoryLogs::default(), &facts);
    check(&page);
    assert!(page.contains("data-name=\"History\">▁✗█</td>"), "{page}");
}

proptest! {
    /// H58, H63: whatever a run says of itself, it is text.
    #[test]
    fn h58_h63_foreign_text_is_text(text in any::<String>(), output in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut info = stage("test", &text);
        info.executor.clone_from(&text);
        let mut run = Recorded::of(vec![info]);
        run.notice(None, &text).start(0).print(0, &output).print(0, &text).wait(10);
        find(&mut run, 0, vec![finding(Severity::Warning, Some((&text, 1, 1)), &text)]);
        run.finish(0, failed(1)).end(Verdict::Failed);
        html(&run);
    }

    #[test]
    fn escaped_text_has_no_markup_and_turns_nothing(text in any::<String>()) {
        let shown = escape(&text);
        let is_clean = !shown.contains(['<', '>', '"', '\'', '\u{202e}', '\u{1b}']);
        prop_assert!(is_clean, "{}", shown);
    }
}
