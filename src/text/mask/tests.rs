use proptest::prelude::*;

use super::*;

fn needles(values: &[&str]) -> Arc<Needles> {
    Arc::new(Needles::new(values.iter().map(|value| ("NAME", value.as_bytes()))))
}

/// In the pieces that the cuts make.
fn in_pieces(text: &[u8], cuts: &[usize], needles: &Arc<Needles>) -> Vec<u8> {
    let (mut masker, mut out, mut from) = (Masker::new(Arc::clone(needles)), Vec::new(), 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        masker.push(&text[from..cut.max(from)], &mut out);
        from = cut.max(from);
    }
    masker.finish(&mut out);
    out
}

fn masked(text: &str, values: &[&str]) -> String {
    mask(text, &needles(values))
}

/// What masking is, said plainly: every byte of every occurrence of every form is covered.
fn plainly(text: &[u8], values: &[&str]) -> Vec<u8> {
    let mut ranges = Vec::new();
    for form in values.iter().flat_map(|value| forms::of(value.as_bytes())).filter(|form| form.len() >= TOO_SHORT) {
        let starts = (0..text.len()).filter(|at| text[*at..].starts_with(&form));
        ranges.extend(starts.map(|at| at..at + form.len()));
    }
    ranges.sort_by_key(|range: &Range<usize>| (range.start, range.end));
    let mut out = Vec::new();
    let mut end = 0;
    for range in ranges {
        if range.start >= end {
            out.extend_from_slice(&text[end..range.start]);
            out.extend_from_slice(REPLACEMENT.as_bytes());
        }
        end = end.max(range.end);
    }
    out.extend_from_slice(&text[end..]);
    out
}

#[test]
fn h175_each_form_of_a_value_is_masked() {
    let value = "p&ss'w\"rd $1/2";
    for form in [
        value,
        "cCZzcyd3InJkICQxLz",
        "7026737327772272642024312f32",
        "7026737327772272642024312F32",
        "p%26ss%27w%22rd%20%241%2F2",
        "p%26ss%27w%22rd%20%241%2f2",
        "p%26ss%27w%22rd+%241%2F2",
        "p&ss'w\\\"rd $1/2",
        "p&ss'w\\\"rd $1\\/2",
        "p&ss'\\''w\"rd $1/2",
        "p&ss'w\\\"rd \\$1/2",
        "p\\&ss\\'w\\\"rd\\ \\$1/2",
        "p&amp;ss'w\"rd $1/2",
        "p&amp;ss&#39;w&quot;rd $1/2",
    ] {
        assert_eq!(masked(&format!("<{form}>"), &[value]), "<***>", "{form}");
    }
}

/// Whatever stands before and after it, its base64 is found.
#[test]
fn h175_base64_of_a_text_with_a_value_in_it_gives_nothing_away() {
    let value = "correct horse battery";
    for before in ["", "u", "us", "use", "user"] {
        for after in ["", "x", "xy", "xyz"] {
            let text =
                base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{before}:{value}{after}"));
            let shown = masked(&text, &[value]);
            assert!(shown.contains(REPLACEMENT), "{before} {after}: {shown}");
            assert!(shown.len() < text.len() - 20, "{before} {after}: {shown}");
        }
    }
}

#[test]
fn h175_lines_of_a_value_of_several_are_masked_each() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nabc\nkqhkiG9w0BAQEF\n-----END KEY-----\n";
    assert_eq!(masked("a kqhkiG9w0BAQEF b\n", &[key]), "a *** b\n");
    assert_eq!(masked("a MIIEvQIBADANBg\r\nb\n", &[key]), "a ***\r\nb\n");
    assert_eq!(masked("abc\n", &[key]), "abc\n", "a line that is in many texts");
}

#[test]
fn h175_a_value_in_two_colours_is_one() {
    let value = "hunter2-hunter2";
    for text in ["hun\x1b[1mter2-\x1b[0mhunter2", "hunter2\x1b]8;;x\x07-hunter2", "hunter2\x1b(B-hunter2"] {
        assert_eq!(masked(&format!("a {text}\x1b[0m b"), &[value]), "a ***\x1b[0m b", "{text:?}");
    }
}

#[test]
fn values_that_overlap_are_covered_whole() {
    assert_eq!(masked("xabcdefghix", &["abcdef", "defghi"]), "x***x");
    assert_eq!(masked("abcdefgh", &["abcdef", "abcdefgh"]), "***");
    assert_eq!(masked("abcdefabcdef", &["abcdef"]), "******", "side by side they are two");
    assert_eq!(masked(&"a".repeat(100), &["aaaaaa"]), "***");
}

#[test]
fn what_is_put_in_completes_nothing() {
    assert_eq!(masked("xabcdefy", &["abcdef", "x***yz"]), "x***y");
}

#[test]
fn what_is_too_short_is_named_and_left() {
    let needles = Arc::new(Needles::new([("PIN", b"1234\n".as_slice()), ("EMPTY", b"")]));
    assert_eq!(needles.short(), ["PIN", "EMPTY"]);
    assert_eq!(mask("1234 MTIzNA", &needles), "1234 MTIzNA");
}

/// Nothing is held back of a text that no needle can begin in.
#[test]
fn only_the_beginning_of_a_needle_is_held_back() {
    let mut masker = Masker::new(needles(&["abcdefgh"]));
    let mut out = Vec::new();
    masker.push(b"Password: ", &mut out);
    assert_eq!(out, b"Password: ");
    masker.push(b"xabc", &mut out);
    assert_eq!(out, b"Password: x");
    masker.push(b"\n", &mut out);
    assert_eq!(out, b"Password: xabc\n");
}

/// H57: an endless needle in an endless line takes no memory.
#[test]
fn h57_what_is_held_back_is_bounded() {
    let needles = needles(&["aaaaaaaa", "bbbbbbbbbb"]);
    let mut masker = Masker::new(Arc::clone(&needles));
    let mut out = Vec::new();
    for _ in 0..10_000 {
        masker.push(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &mut out);
        assert!(masker.held.len() <= needles.longest());
    }
    let escapes = "b\x1b[0m".repeat(4) + &"\x1b[0m".repeat(100_000);
    masker.push(escapes.as_bytes(), &mut out);
    assert!(masker.held.len() <= needles.longest() + HELD_MAX, "{}", masker.held.len());
    masker.finish(&mut out);
    assert_eq!(memchr::memchr_iter(b'*', &out).count(), 3);
}

/// A needle that comes to be known in the middle of a stream is found in what is held back, too.
#[test]
fn a_value_can_be_added_while_the_stream_goes_on() {
    let mut masker = Masker::new(needles(&["abcdefgh"]));
    let mut out = Vec::new();
    masker.push(b"first zyxwvu abc", &mut out);
    masker.look_for(needles(&["abcdefgh", "abczyxwvu"]));
    masker.push(b"zyxwvu", &mut out);
    masker.finish(&mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "first zyxwvu ***");
}

/// H57: at every place where a text can be cut in two or three.
#[test]
fn h57_every_cut_gives_the_same() {
    let values = ["secret", "secretive", "rets-are"];
    let needles = needles(&values);
    let text = b"my secrets-are se\x1b[1mcre\x1b]0;t\x07t and sec secret\xc3\xa9 c2VjcmV0 secretive\x1b[";
    let whole = in_pieces(text, &[], &needles);
    for first in 0..=text.len() {
        for second in first..=text.len() {
            let pieces = in_pieces(text, &[first, second], &needles);
            assert_eq!(String::from_utf8_lossy(&pieces), String::from_utf8_lossy(&whole), "{first} {second}");
        }
    }
}

fn letters() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ab]{6,9}|[abc]{7}").expect("a pattern")
}

proptest! {
    #[test]
    fn masking_in_pieces_is_masking_all_of_it(
        values in prop::collection::vec(letters(), 1..5),
        text in "([abc]{0,12}|\u{1b}\\[[0-9]m|\u{1b}|\n){0,12}",
        cuts in prop::collection::vec(0_usize..160, 0..8),
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let needles = needles(&values);
        let text = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        let pieces = in_pieces(text, &cuts, &needles);
        prop_assert_eq!(&pieces, &in_pieces(text, &[], &needles));
        let bare = String::from_utf8_lossy(&pieces).into_owned();
        for value in &values {
            prop_assert!(!bare.contains(value), "{} in {}", value, bare);
        }
    }

    #[test]
    fn a_text_without_escapes_is_masked_as_said_plainly(
        values in prop::collection::vec(letters(), 1..5),
        text in "[abc\n]{0,80}",
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        prop_assert_eq!(in_pieces(text.as_bytes(), &[], &needles(&values)), plainly(text.as_bytes(), &values));
    }
}
