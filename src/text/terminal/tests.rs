use proptest::prelude::*;

use super::*;

fn filter(options: FilterOptions, pushes: &[&[u8]]) -> String {
    let mut filter = TerminalFilter::new(options);
    let mut out = Vec::new();
    for bytes in pushes {
        filter.push(bytes, &mut out);
    }
    filter.finish(&mut out);
    String::from_utf8(out).unwrap()
}

const COLOUR: FilterOptions = FilterOptions { colour: true, markers: Markers::Keep };
const PLAIN: FilterOptions = FilterOptions { colour: false, markers: Markers::Keep };
const GUARD: FilterOptions = FilterOptions { colour: true, markers: Markers::Guard };
const FENCED: FilterOptions = FilterOptions { colour: true, markers: Markers::Fenced };

const MARKERS: [Markers; 7] = [
    Markers::Keep,
    Markers::Fenced,
    Markers::Guard,
    Markers::Azure,
    Markers::TeamCity,
    Markers::GitLab,
    Markers::Buildkite,
];

/// Whether the service that these are for would act on a line, by its documentation and without colours.
fn is_acted_on(markers: Markers, line: &str) -> bool {
    match markers {
        Markers::Keep => false,
        Markers::Fenced => line.contains("##["),
        Markers::Guard => line.contains("##[") || line.trim_start().starts_with("::"),
        Markers::Azure => line.contains("##vso[") || line.contains("##["),
        Markers::TeamCity => line.contains("##teamcity["),
        Markers::GitLab => line.contains("section_start:") || line.contains("section_end:"),
        Markers::Buildkite => ["---", "+++", "~~~", "^^^"].iter().any(|sign| {
            line.strip_prefix(sign).is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
        }),
    }
}

/// What may stand in filtered text: SGR, line feeds, tabs, printable characters.
fn is_inert(text: &str) -> bool {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        if before.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return false;
        }
        let Some(parameters) = after.strip_prefix('[') else { return false };
        let Some((parameters, text)) = parameters.split_once('m') else { return false };
        if !parameters.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':') {
            return false;
        }
        rest = text;
    }
    !rest.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

/// The text without SGR.
fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, text)| text);
    }
    plain + rest
}

/// H60, H61: nothing that moves, erases, renames, copies, links or asks gets through; text around it does.
#[test]
fn h60_h61_hostile_sequences_are_neutralised() {
    let table: &[(&[u8], &str)] = &[
        // Moving and erasing.
        (b"a\x1b[Ab", "ab\n"),
        (b"a\x1b[10;20Hb", "ab\n"),
        (b"a\x1b[2Jb", "ab\n"),
        (b"a\x1b[3Jb", "ab\n"),
        (b"a\x1b[Kb", "ab\n"),
        (b"a\x1b[1;1fb", "ab\n"),
        (b"a\x1b[5Sb", "ab\n"),
        (b"a\x1b[5Lb", "ab\n"),
        (b"a\x1b[1P b", "a b\n"),
        (b"a\x1b[sb\x1b[uc", "abc\n"),
        (b"a\x1b7b\x1b8c", "abc\n"),
        (b"a\x1bDb\x1bMc\x1bEd", "abcd\n"),
        (b"a\x1b[1;5rb", "ab\n"),
        (b"a\x08b", "ab\n"),
        (b"a\x7fb", "ab\n"),
        (b"a\x0bb\x0cc", "abc\n"),
        // Modes: alternative screen, mouse, bracketed paste, cursor, reset.
        (b"a\x1b[?1049hb", "ab\n"),
        (b"a\x1b[?1000hb", "ab\n"),
        (b"a\x1b[?2004hb", "ab\n"),
        (b"a\x1b[?25lb", "ab\n"),
        (b"a\x1b[!pb", "ab\n"),
        (b"a\x1b[4hb", "ab\n"),
        (b"a\x1bcb", "ab\n"),
        (b"a\x1b=b\x1b>c", "abc\n"),
        (b"a\x1b[2 qb", "ab\n"),
        (b"a\x1b[8;1;1tb", "ab\n"),
        (b"a\x1b[>4;2mb", "ab\n"),
        (b"a\x1b[?4mb", "ab\n"),
        (b"a\x1b[1 mb", "ab\n"),
        // Character sets.
        (b"a\x1b(0b", "ab\n"),
        (b"a\x1b)Bb\x0ec\x0fd", "abcd\n"),
        (b"a\x1b%Gb", "ab\n"),
        (b"a\x1b#8b", "ab\n"),
        (b"a\x1b Fb", "ab\n"),
        // Questions that the terminal would answer by typing.
        (b"a\x1b[6nb", "ab\n"),
        (b"a\x1b[cb", "ab\n"),
        (b"a\x1b[>cb", "ab\n"),
        (b"a\x1b[21tb", "ab\n"),
        (b"a\x1bZb", "ab\n"),
        (b"a\x05b", "ab\n"),
        (b"a\x1b[?1$pb", "ab\n"),
        (b"a\x1bP$qm\x1b\\b", "ab\n"),
        (b"a\x1bP+q544e\x1b\\b", "ab\n"),
        (b"a\x1b]10;?\x07b", "ab\n"),
        // Operating system commands: title, clipboard, links, progress, colours, notifications, file transfer.
        (b"a\x1b]0;title\x07b", "ab\n"),
        (b"a\x1b]2;title\x1b\\b", "ab\n"),
        (b"a\x1b]52;c;cm0gLXJmIH4=\x07b", "ab\n"),
        (b"a\x1b]8;;http://example.invalid\x1b\\link\x1b]8;;\x1b\\b", "alinkb\n"),
        (b"a\x1b]9;4;1;50\x07b", "ab\n"),
        (b"a\x1b]4;1;rgb:00/00/00\x07b", "ab\n"),
        (b"a\x1b]777;notify;x;y\x07b", "ab\n"),
        (b"a\x1b]1337;File=name=eA==:eA==\x07b", "ab\n"),
        (b"a\x1b]0;t\xc2\x9cb", "ab\n"),
        ("a\x1b]0;“quoted”\x07b".as_bytes(), "ab\n"),
        // Other control strings.
        (b"a\x1b_G\x1b\\b", "ab\n"),
        (b"a\x1b^private\x1b\\b", "ab\n"),
        (b"a\x1bXstring\x1b\\b", "ab\n"),
        (b"a\x1bPq#0\x1b\\b", "ab\n"),
        (b"a\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\b", "ab\n"),
        // Unterminated ones end with their line.
        (b"a\x1b]0;title\nb", "a\nb\n"),
        (b"a\x1bPq\nb", "a\nb\n"),
        (b"a\x1b_\nb", "a\nb\n"),
        (b"a\x1b[12;\nb", "a\nb\n"),
        (b"a\x1b\nb", "a\nb\n"),
        (b"a\x1b(\nb", "a\nb\n"),
        (b"a\x1b]0;\r\nb", "a\nb\n"),
        (b"a\x1b", "a\n"),
        (b"a\x1b[", "a\n"),
        (b"a\x1b]", "a\n"),
        (b"a\x1b]x\x1b", "a\n"),
        // Broken off by another, by CAN, by SUB, by a character.
        (b"a\x1b[\x1b[2Jb", "ab\n"),
        (b"a\x1b]x\x1b[2Jb", "ab\n"),
        (b"a\x1b[2\x18b", "ab\n"),
        (b"a\x1b]x\x1ab", "ab\n"),
        ("a\x1b[2äb".as_bytes(), "aäb\n"),
        (b"a\x1b\x07[2Jb", "ab\n"),
        (b"a\x1b[\x072Jb", "ab\n"),
        // C1 controls, as raw bytes and as characters, are shown for what they are: no characters.
        (b"a\x9b2Jb", "a\u{fffd}2Jb\n"),
        (b"a\x9d0;t\x07b", "a\u{fffd}0;tb\n"),
        (b"a\x90q\x9cb", "a\u{fffd}q\u{fffd}b\n"),
        (b"a\x84b\x85c\x8dd", "a\u{fffd}b\u{fffd}c\u{fffd}d\n"),
        ("a\u{9b}2Jb".as_bytes(), "a\u{fffd}2Jb\n"),
        ("a\u{9d}0;t\u{9c}b".as_bytes(), "a\u{fffd}0;t\u{fffd}b\n"),
        ("a\u{85}b".as_bytes(), "a\u{fffd}b\n"),
        // Line ends for some readers, though not for terminals.
        ("a\u{2028}b\u{2029}c".as_bytes(), "a␤b␤c\n"),
        // Bells and the rest.
        (b"a\x07b\x01c\x1cd\x1fe", "abcde\n"),
        // What is built out of pieces that are dropped.
        (b"\x1b\x1b\x1b[31\x07mx", "\x1b[31mx\x1b[0m\n"),
        (b"\x1b]\x1b\x1b]0;x\x07y", "y\n"),
    ];
    assert!(table.len() >= 60);
    for (bytes, shown) in table {
        let text = filter(COLOUR, &[bytes]);
        assert_eq!(&text, shown, "{:?}", bytes.escape_ascii().to_string());
        assert!(is_inert(&text));
        let singly: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(&filter(COLOUR, &singly), shown, "byte by byte: {:?}", bytes.escape_ascii().to_string());
    }
}

/// H61: a stray beginning of a control string does not eat a whole log, even where there are no lines.
#[test]
fn h61_a_control_string_swallows_a_bounded_amount() {
    let mut bytes = b"\x1b]".to_vec();
    bytes.resize(2 + usize::from(STRING_MAX) + 1, b'x');
    bytes.extend_from_slice(b"seen");
    assert_eq!(filter(PLAIN, &[&bytes]), "seen\n");
    let mut bytes = b"\x1b[".to_vec();
    bytes.resize(2 + usize::from(SEQUENCE_MAX) + 1, b'1');
    bytes.extend_from_slice(b"seen");
    assert!(filter(PLAIN, &[&bytes]).ends_with("seen\n"));
}

/// H56: the last line gets an end, and only where it has none.
#[test]
fn h56_the_last_line_is_ended() {
    for (bytes, shown) in [("", ""), ("foo", "foo\n"), ("foo\n", "foo\n"), ("a\n\n", "a\n\n"), ("\n", "\n")] {
        assert_eq!(filter(PLAIN, &[bytes.as_bytes()]), shown);
    }
}

/// H57: a line without end goes out in pieces, and little of it is held.
#[test]
fn h57_a_long_line_is_let_through_in_pieces() {
    let mut filter = TerminalFilter::new(PLAIN);
    let mut out = Vec::new();
    let chunk = [b'x'; 5000];
    let mut longest = 0;
    for _ in 0..400 {
        filter.push(&chunk, &mut out);
        longest = longest.max(filter.line.capacity());
    }
    assert!(out.len() > 400 * 5000 - PIECE);
    assert!(longest <= 2 * PIECE + 16, "{longest}");
    filter.finish(&mut out);
    assert_eq!(out.len(), 400 * 5000 + 1);
}

/// H57, H64: what is out cannot be taken back; the restarted line stands on its own.
#[test]
fn h57_a_long_line_that_starts_again_is_ended_first() {
    let long = "x".repeat(PIECE + 10);
    assert_eq!(filter(PLAIN, &[long.as_bytes(), b"\rshort\n"]), format!("{}\nshort\n", &long[..PIECE]));
    // The end of the colour was held back when the line started again.
    let red = format!("\x1b[31m{}\x1b[0m.\rshort\n", &long[..PIECE]);
    assert!(filter(COLOUR, &[red.as_bytes()]).ends_with("x\x1b[0m\nshort\n"));
}

/// H58: invalid bytes become U+FFFD, and a character that two pushes share is whole.
#[test]
fn h58_utf8_survives_every_cut() {
    assert_eq!(filter(PLAIN, &[b"\xff\xfe\x80"]), "\u{fffd}\u{fffd}\u{fffd}\n");
    assert_eq!(filter(PLAIN, &[b"a\xf0\x9f\x98", b"b"]), "a\u{fffd}b\n");
    assert_eq!(filter(PLAIN, &[b"a\xf0\x9f\x98"]), "a\u{fffd}\n");
    assert_eq!(filter(PLAIN, &[b"\xed\xa0\x80"]), "\u{fffd}\u{fffd}\u{fffd}\n");
    let text = "é日😀x\n";
    for cut in 0..=text.len() {
        let (a, b) = text.as_bytes().split_at(cut);
        assert_eq!(filter(PLAIN, &[a, b]), text, "cut at {cut}");
    }
}

/// H59: a NUL is shown and cuts nothing off.
#[test]
fn h59_nul_is_visible() {
    assert_eq!(filter(PLAIN, &[b"a\0b\n"]), "a␀b\n");
}

/// H62: colours end with each line and are set anew on the next.
#[test]
fn h62_every_line_stands_for_itself() {
    for (bytes, shown) in [
        ("\x1b[31mred", "\x1b[31mred\x1b[0m\n"),
        ("\x1b[31mred\n", "\x1b[31mred\x1b[0m\n"),
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
        ("\x1b[31ma\nb\n", "\x1b[31ma\x1b[0m\n\x1b[31mb\x1b[0m\n"),
        ("\x1b[31ma\n\x1b[0mb\n", "\x1b[31ma\x1b[0m\nb\n"),
        ("\x1b[31ma\n\n\nb", "\x1b[31ma\x1b[0m\n\n\n\x1b[31mb\x1b[0m\n"),
        ("\x1b[0m\x1b[0mplain\n", "plain\n"),
        ("\x1b[1m\x1b[31mx\x1b[my", "\x1b[1;31mx\x1b[0my\n"),
        ("x\x1b[31m", "x\n"),
        ("x\x1b[31m\n", "x\n"),
    ] {
        assert_eq!(filter(COLOUR, &[bytes.as_bytes()]), shown, "{bytes:?}");
        assert_eq!(filter(PLAIN, &[bytes.as_bytes()]), without_colour(shown), "{bytes:?}");
    }
}

/// H64: of a progress bar the last state is shown, in its own colours.
#[test]
fn h64_a_carriage_return_starts_the_line_again() {
    for (bytes, shown) in [
        ("10%\r20%\r30%\n", "30%\n"),
        ("10%\r20%\r", "20%\n"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("a\r\r\nb", "a\nb\n"),
        ("\rx\n", "x\n"),
        ("done\r\x1b[K\n", "done\n"),
        ("\x1b[31m10%\r20%\x1b[0m\n", "\x1b[31m20%\x1b[0m\n"),
        ("\x1b[31m10%\x1b[0m\r20%\n", "20%\n"),
        ("a\r", "a\n"),
        ("\r", ""),
    ] {
        assert_eq!(filter(COLOUR, &[bytes.as_bytes()]), shown, "{bytes:?}");
    }
    let updates = (0..10_000).map(|i| format!("\r{i} of 10000")).collect::<Vec<_>>().concat();
    assert_eq!(filter(PLAIN, &[updates.as_bytes()]), "9999 of 10000\n");
}

/// H65, H66: without a fence, what reads as a command is quoted and broken.
#[test]
fn h66_markers_are_guarded() {
    for (bytes, shown) in [
        ("::endgroup::\n", "  | ::endgroup::\n"),
        ("  ::error::x\n", "  |   ::error::x\n"),
        ("\t::error::x", "  | \t::error::x\n"),
        ("\u{a0}\u{2003}::error::x", "  | \u{a0}\u{2003}::error::x\n"),
        ("\u{feff}::error::x", "  | \u{feff}::error::x\n"),
        ("\x1b[31m::error::x\n", "  | \x1b[31m::error::x\x1b[0m\n"),
        (":\x1b[31m:error::x\n", "  | :\x1b[31m:error::x\x1b[0m\n"),
        (":\x07:error::x\n", "  | ::error::x\n"),
        ("\x1b]0;x\x07::error::x\n", "  | ::error::x\n"),
        ("x\r::error::x\n", "  | ::error::x\n"),
        ("::error::x\rx\n", "x\n"),
        ("a::b\n", "a::b\n"),
        (": : x\n", ": : x\n"),
        ("std::io\n  :x\n", "std::io\n  :x\n"),
        ("x ##[error]y\n", "  | x ## [error]y\n"),
        ("##\x1b[1m[group]y\n", "  | ##\x1b[1m [group]y\x1b[0m\n"),
        ("####[x##[y\nz\n", "  | #### [x## [y\nz\n"),
        ("# [x] #[y]\n", "# [x] #[y]\n"),
        ("::\n", "  | ::\n"),
        (":\n", ":\n"),
    ] {
        assert_eq!(filter(GUARD, &[bytes.as_bytes()]), shown, "{bytes:?}");
    }
    assert_eq!(filter(FENCED, &[b"::error::x\n##[endgroup]\n"]), "::error::x\n## [endgroup]\n");
    assert_eq!(filter(COLOUR, &[b"::error::x\n##[endgroup]\n"]), "::error::x\n##[endgroup]\n");
}

/// H57, H66: a line in pieces cannot smuggle a command past its first piece.
#[test]
fn h66_markers_are_guarded_over_pieces() {
    let blanks = " ".repeat(PIECE);
    assert_eq!(filter(GUARD, &[blanks.as_bytes(), b"::error::x\n"]), format!("  | {blanks}::error::x\n"));
    let text = format!("{}##", "x".repeat(PIECE - 2));
    assert_eq!(filter(GUARD, &[text.as_bytes(), b"[error]x\n"]), format!("{text} [error]x\n"));
    assert_eq!(filter(GUARD, &[format!("{text}[error]x\n").as_bytes()]), format!("{text} [error]x\n"));
}

/// A line of ours may stand in the middle of one that is partly out.
#[test]
fn a_line_can_be_broken_for_another() {
    let mut filter = TerminalFilter::new(GUARD);
    let mut out = Vec::new();
    filter.break_line(&mut out);
    assert_eq!(out, b"");
    filter.push(b"\x1b[31mPassword: ", &mut out);
    assert_eq!(out, b"");
    filter.break_line(&mut out);
    filter.push(b"::error::x\n\x1b[m", &mut out);
    let text = String::from_utf8(std::mem::take(&mut out)).unwrap();
    assert_eq!(text, "\x1b[31mPassword: \x1b[0m\n  | \x1b[31m::error::x\x1b[0m\n");
    filter.push("x".repeat(PIECE).as_bytes(), &mut out);
    out.clear();
    filter.break_line(&mut out);
    filter.push(b"::error::x\n", &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "\n  | ::error::x\n");
}

/// Bytes that are likely to be trouble.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => "[ -~]{0,12}".prop_map(String::into_bytes),
        2 => prop::sample::select(vec![
            &b"\n"[..], b"\r", b"\r\n", b"\x1b", b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b\\", b"\x1b[31m", b"\x1b[0m",
            b"\x1b[1;38;5;200m", b"\x1b[2K", b"::", b":", b"##", b"[", b"::error::", b" ", b"\t", b"m", b"\x07", b"\0",
            b"--- ", b"+++", b"##vso", b"##teamcity", b"section_", b"start:1:x", b"end:1:x", b"#",
            b"\xc2", b"\x9c", b"\xe2\x80", b"\xa8", b"\xf0\x9f", b"\x98\x80",
        ]).prop_map(<[u8]>::to_vec),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        // Long lines, so that pieces come into it.
        1 => (PIECE - 20..PIECE + 20, prop::sample::select(vec![b' ', b'x', b'#', b':'])).prop_map(|(n, b)| vec![b; n]),
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// H59: a question that waits for its answer is seen, once, and what comes after it goes on in its line; a line that is
/// written over is not shown again and again.
#[test]
fn h59_an_open_line_can_be_shown_as_far_as_it_is() {
    let mut filter = TerminalFilter::new(COLOUR);
    let mut shown = |bytes: &[u8]| {
        let mut out = Vec::new();
        filter.push(bytes, &mut out);
        filter.show_open(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(shown(b"one\n\x1b[31mSure? "), "one\n\x1b[31mSure? \x1b[0m");
    assert_eq!(shown(b""), "");
    assert_eq!(shown(b"yes\n"), "\x1b[31myes\x1b[0m\n");
    assert_eq!(shown(b"\x1b[0m10 %"), "10 %");
    assert_eq!(shown(b"\r20 %"), "\n");
    assert_eq!(shown(b"\r30 %\r"), "");
    assert_eq!(shown(b"\n"), "30 %\n");
}

/// H65: what a service acts on is broken or set off, and what only looks like it is left as it is.
#[test]
fn h65_what_a_service_acts_on_has_no_effect() {
    let table: &[(Markers, &str, &str)] = &[
        (Markers::Fenced, "a ##[group]x ###[y", "a ## [group]x ### [y"),
        (Markers::Fenced, "## [x] #[y", "## [x] #[y"),
        (Markers::Azure, "x ##vso[task.complete]##[error]y", "x ##vso [task.complete]## [error]y"),
        (Markers::Azure, "###vso[a #vso[b ##vs[c", "###vso [a #vso[b ##vs[c"),
        (Markers::Azure, "::error::x", "::error::x"),
        (Markers::Azure, "##v\x1b[1mso[x", "##vso [x"),
        (Markers::TeamCity, " ##teamcity[blockClosed name='x']", " ##teamcity [blockClosed name='x']"),
        (Markers::TeamCity, "##team##teamcity[x", "##team##teamcity [x"),
        (Markers::GitLab, "\x1b[0Ksection_end:1:a\r\x1b[0K", "section_end :1:a"),
        (Markers::GitLab, "section_section_start:1:a", "section_section_start :1:a"),
        (Markers::GitLab, "section_started", "section_started"),
        (Markers::Buildkite, "--- a/file", "  | --- a/file"),
        (Markers::Buildkite, "\x1b[1m+++\x1b[0m b", "  | +++ b"),
        (Markers::Buildkite, "^^^ +++", "  | ^^^ +++"),
        (Markers::Buildkite, "~~~", "  | ~~~"),
        (Markers::Buildkite, "---- x", "---- x"),
        (Markers::Buildkite, " --- x", " --- x"),
        (Markers::Buildkite, "--+ x", "--+ x"),
    ];
    for (markers, text, shown) in table {
        let options = FilterOptions { colour: false, markers: *markers };
        assert_eq!(filter(options, &[text.as_bytes()]), format!("{shown}\n"), "{markers:?} {text:?}");
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(filter(options, &bytes), format!("{shown}\n"), "{markers:?} {text:?}");
        // In the second piece of a long line what counts anywhere still counts.
        let long = format!("{}{text}", "x".repeat(PIECE - 4));
        let plain = without_colour(&filter(options, &[long.as_bytes()]));
        assert!(!is_acted_on(*markers, plain.trim_end()), "{markers:?} {text:?}");
    }
}

/// A line that is shown while it is open is set off where it may become one that counts.
#[test]
fn h65_an_open_line_is_set_off_in_time() {
    for (markers, front, rest) in [(Markers::Buildkite, "--", "- x\n"), (Markers::Guard, ":", ":error::x\n")] {
        let mut filter = TerminalFilter::new(FilterOptions { colour: false, markers });
        let mut out = Vec::new();
        filter.push(front.as_bytes(), &mut out);
        filter.show_open(&mut out);
        filter.push(rest.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("  | {front}{rest}"));
    }
}

fn options() -> impl Strategy<Value = FilterOptions> {
    (any::<bool>(), prop::sample::select(MARKERS.to_vec()))
        .prop_map(|(colour, markers)| FilterOptions { colour, markers })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// H57, H58: where the pushes are cut makes no difference.
    #[test]
    fn h58_cuts_make_no_difference(bytes in hostile(), options in options(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pushes: Vec<&[u8]> = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
        prop_assert_eq!(filter(options, &[&bytes]), filter(options, &pushes));
    }

    /// H61, H66: only what is allowed leaves, every line stands for itself, and no guarded line is a command.
    #[test]
    fn h61_only_what_is_allowed_leaves(bytes in hostile(), options in options()) {
        let text = filter(options, &[&bytes]);
        prop_assert!(is_inert(&text));
        prop_assert!(text.is_empty() || text.ends_with('\n'));
        prop_assert!(options.colour || !text.contains('\x1b'));
        for line in text.lines() {
            let last = line.rfind("\x1b[").map(|at| &line[at..]);
            prop_assert!(last.is_none_or(|sequence| sequence.starts_with("\x1b[0m")), "{:?}", line);
            let plain = without_colour(line);
            prop_assert!(!is_acted_on(options.markers, &plain), "{:?}", plain);
        }
    }

    /// Text that is only text is not changed.
    #[test]
    fn plain_text_is_left_alone(text in "([ -~äé日😀\t]{0,40}\n){0,20}") {
        prop_assert_eq!(filter(COLOUR, &[text.as_bytes()]), text);
    }
}
