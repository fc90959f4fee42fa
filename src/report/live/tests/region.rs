//! What is written to a terminal to get from one frame to the next.

use super::*;
use crate::report::live::region::Region;
use crate::report::terminal::{ERASE, Mark};

fn region(screen: &Screen) -> (Region<Screen>, &'static Standing) {
    let standing: &'static Standing = Box::leak(Box::default());
    (Region::new(screen.clone(), standing), standing)
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn what_is_above_stays_and_what_is_below_changes() {
    let screen = Screen::new(6, 30);
    let (mut region, standing) = region(&screen);
    region.show(b"one\n", &lines(&["first, a long line", "second", "third"]), Mark::None).unwrap();
    assert_eq!(screen.text(), "one\nfirst, a long line\nsecond\nthird");
    assert_eq!(screen.cursor(), (1, 0), "where the region begins");
    assert!(standing.has_region());
    region.show(b"", &lines(&["1st"]), Mark::None).unwrap();
    assert_eq!(screen.text(), "one\n1st");
    region.show(b"two\nthree\n", &lines(&["a", "b"]), Mark::None).unwrap();
    assert_eq!(screen.text(), "one\ntwo\nthree\na\nb");
    // More than there is room for below: the screen scrolls, and what is above goes where it always goes.
    region.show(b"four\n", &lines(&["a", "b", "c", "d"]), Mark::None).unwrap();
    assert_eq!(screen.text(), "three\nfour\na\nb\nc\nd");
    region.show(b"five\n", &[], Mark::None).unwrap();
    assert_eq!(screen.text(), "three\nfour\nfive");
    assert!(!standing.has_region());
    assert_eq!(screen.writes(), 5, "one write a frame");
}

#[test]
fn what_does_not_change_is_not_written() {
    let screen = Screen::new(6, 30);
    let (mut region, _) = region(&screen);
    region.show(b"", &[], Mark::None).unwrap();
    assert_eq!(screen.writes(), 0);
    for _ in 0..3 {
        region.show(b"", &lines(&["a", "b"]), Mark::Percent(1)).unwrap();
    }
    assert_eq!(screen.writes(), 1);
    region.show(b"", &lines(&["a", "b"]), Mark::Percent(2)).unwrap();
    assert_eq!(screen.writes(), 2);
    region.show(b"", &lines(&["a", "b"]), Mark::None).unwrap();
    region.show(b"", &[], Mark::None).unwrap();
    region.show(b"", &[], Mark::None).unwrap();
    assert_eq!(screen.writes(), 4);
}

/// A sentence from elsewhere takes the region's place; the next frame stands below it, even if it is the same.
#[test]
fn a_sentence_in_between_is_kept() {
    let screen = Screen::new(6, 30);
    let (mut region, standing) = region(&screen);
    region.show(b"", &lines(&["a", "b"]), Mark::None).unwrap();
    // As `terminal::say` does.
    standing.set_region(false);
    screen.clone().write_all(&[ERASE, b"cancelling\n"].concat()).unwrap();
    assert_eq!(screen.text(), "cancelling");
    region.show(b"", &lines(&["a", "b"]), Mark::None).unwrap();
    assert_eq!(screen.text(), "cancelling\na\nb");
}

/// H19: what stands is noted before it is written, for whoever comes in between.
#[test]
fn h19_what_may_stand_is_noted_first() {
    let screen = Screen::new(6, 30);
    let (mut region, standing) = region(&screen);
    screen.0.is_gone.set(true);
    assert!(region.show(b"", &lines(&["a"]), Mark::Percent(3)).is_err());
    assert!(standing.has_region());
}

/// H22: whatever size a terminal says it has, nothing is taller or wider than it, and what is above is left alone.
#[test]
fn h22_a_region_keeps_to_the_terminal() {
    let screen = Screen::new(8, 40);
    let (mut region, _) = region(&screen);
    let all = lines(&["a line that is rather long", "b", "c", "d", "e", "f", "g", "h", "i", "j"]);
    region.show(b"above\n", &all, Mark::None).unwrap();
    assert_eq!(screen.text(), "above\na line that is rather long\nb\nc\nd\ne\nf\ng");
    for (rows, columns) in [(3, 40), (1, 1), (2, 2), (1, 200), (50, 1), (4, 20)] {
        screen.resize(rows, columns);
        region.show(b"", &lines(&["x", "y"]), Mark::None).unwrap();
        let expected = if rows > 2 { "x\ny" } else { "x" };
        assert!(screen.text().ends_with(expected), "{rows}x{columns}: {:?}", screen.text());
        assert_eq!(screen.cursor().1, 0, "{rows}x{columns}");
    }
    screen.resize(8, 40);
    region.show(b"", &lines(&["x", "y"]), Mark::None).unwrap();
    assert!(screen.text().ends_with("x\ny"), "{:?}", screen.text());
    assert_eq!(screen.text().matches('x').count(), 1, "{:?}", screen.text());
}

/// A terminal that breaks its lines anew when it is made narrower leaves the cursor at the start of the region: nothing
/// of the frame before is left.
#[test]
fn lines_that_the_terminal_broke_are_taken_away_whole() {
    let screen = Screen::new(8, 40);
    let (mut region, _) = region(&screen);
    region.show(b"above\n", &lines(&["a line of thirty characters...", "b"]), Mark::None).unwrap();
    // What such a terminal shows then, cursor included.
    screen.resize(8, 20);
    screen.clone().write_all(b"\x1b[2J\x1b[Habove\na line of thirty cha\nracters...\nb\x1b[2;1H").unwrap();
    region.show(b"", &lines(&["c"]), Mark::None).unwrap();
    assert_eq!(screen.text(), "above\nc");
}

/// Nothing is written but text, colours, the moves of the region, and the mark.
#[test]
fn no_mode_is_changed() {
    let screen = Screen::new(8, 40);
    let (mut region, _) = region(&screen);
    region.show(b"above\n", &lines(&["\x1b[31ma\x1b[0m", "b", "c"]), Mark::Unknown).unwrap();
    region.show(b"", &lines(&["a"]), Mark::Failing(9)).unwrap();
    region.show(b"", &[], Mark::None).unwrap();
    let text = String::from_utf8(screen.bytes()).unwrap();
    let sequences: Vec<&str> = text.split('\x1b').skip(1).collect();
    for sequence in &sequences {
        let known = ["[J", "[K", "[C", "[31m", "[0m", "[2A", "]9;4;", "\\"];
        assert!(known.iter().any(|known| sequence.starts_with(known)), "{sequence:?}");
    }
    assert!(text.ends_with("\x1b]9;4;0;0\x1b\\"), "{text:?}");
}
