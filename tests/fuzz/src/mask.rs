//! The masker: whatever is masked, and however the text is cut, what comes out is the same, and no value is in it.
//!
//! Before the line `--` stand values, one a line, and after it the text.

use std::sync::Arc;

use local_ci::text::mask::{Masker, Needles, TOO_SHORT};

/// A longer text is cut in pieces of a few lengths, and not at every place.
const SHORT: usize = 300;
/// More values make no other cases, and take longer.
const VALUES_MAX: usize = 20;

pub(crate) fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let values: Vec<&[u8]> = lines.by_ref().take_while(|line| *line != b"--").take(VALUES_MAX).collect();
    let text = lines.collect::<Vec<_>>().join(&b'\n');
    let needles = Arc::new(Needles::new(values.iter().map(|value| ("NAME", *value))));
    let whole = masked(&needles, [text.as_slice()]);
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(masked(&needles, text.chunks(size)), whole, "in pieces of {size}");
    }
    if text.len() <= SHORT {
        for cut in 0..=text.len() {
            assert_eq!(masked(&needles, [&text[..cut], &text[cut..]]), whole, "cut at {cut}");
        }
    }
    // What is put in may be a part of a value that has asterisks in it.
    for value in values.iter().map(|value| value.trim_ascii()).filter(|value| !value.contains(&b'*')) {
        if value.len() >= TOO_SHORT {
            assert!(!whole.windows(value.len()).any(|window| window == value), "\"{}\" is left", value.escape_ascii());
        }
    }
}

fn masked<'t>(needles: &Arc<Needles>, pieces: impl IntoIterator<Item = &'t [u8]>) -> Vec<u8> {
    let (mut masker, mut out) = (Masker::new(Arc::clone(needles)), Vec::new());
    for piece in pieces {
        masker.push(piece, &mut out);
    }
    masker.finish(&mut out);
    out
}
