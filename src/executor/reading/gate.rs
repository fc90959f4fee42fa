//! Lets through to a reader's queue what may be of use to it, on the attempt's own thread: to look for texts in a block that
//! was just read costs less than to copy the block for another thread.
//!
//! It is not exact. From the first line of a block on that is wanted, the rest of the block goes through, so that a block is
//! searched once and copied once at most, whatever stands in it; the reader's [`Lines`](super::lines::Lines) are exact. What
//! goes through begins where a line begins and ends where one ends, until all goes through.

use memchr::{memchr, memrchr};

use super::lines::LONGEST;
use super::sieve::Sieve;
use crate::event::Stream;

/// See the module.
#[derive(Debug)]
pub(super) struct Gate {
    sieve: Sieve,
    /// What has no end yet, of stdout and of stderr.
    open: [Vec<u8>; 2],
}

impl Gate {
    pub(super) fn new(sieve: Sieve) -> Self {
        Self { sieve, open: [Vec::new(), Vec::new()] }
    }

    /// Something was printed: hands on what may be of use.
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8], on: &mut impl FnMut(Stream, &[u8])) {
        if self.sieve.is_open() {
            on(stream, bytes);
            return;
        }
        let open = &mut self.open[usize::from(stream == Stream::Stderr)];
        let (mut whole, rest) = bytes.split_at(memrchr(b'\n', bytes).map_or(0, |end| end + 1));
        if !open.is_empty()
            && let Some(end) = memchr(b'\n', whole)
        {
            open.extend_from_slice(&whole[..=end]);
            whole = &whole[end + 1..];
            cut(open, &mut self.sieve, stream, on);
            if self.sieve.is_of_use(open) {
                self.sieve.look_for_from(open);
                on(stream, open);
            }
            open.clear();
        }
        let wanted = self.sieve.skip(whole);
        if !wanted.is_empty() {
            self.sieve.look_for_from(wanted);
            on(stream, wanted);
        }
        open.extend_from_slice(rest);
        cut(open, &mut self.sieve, stream, on);
        if self.sieve.is_open() {
            self.hand_over(on);
        }
    }

    /// There is nothing more to come.
    pub(super) fn end(&mut self, on: &mut impl FnMut(Stream, &[u8])) {
        self.hand_over(on);
    }

    /// What has no end is read on by who gets it.
    fn hand_over(&mut self, on: &mut impl FnMut(Stream, &[u8])) {
        for (stream, open) in [Stream::Stdout, Stream::Stderr].into_iter().zip(&mut self.open) {
            if !open.is_empty() {
                on(stream, open);
            }
            *open = Vec::new();
        }
    }
}

/// Of a line that is too long, what is whole of its pieces goes by itself, cut where a reader would.
fn cut(open: &mut Vec<u8>, sieve: &mut Sieve, stream: Stream, on: &mut impl FnMut(Stream, &[u8])) {
    let mut begins = 0;
    while open.len() - begins >= LONGEST {
        let piece = &open[begins..begins + LONGEST];
        if sieve.is_of_use(piece) {
            sieve.look_for_from(piece);
            on(stream, piece);
        }
        begins += LONGEST;
    }
    open.drain(..begins);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lines::Lines;
    use super::*;
    use crate::pipeline::plugin::Excerpt;

    fn excerpt(lines: &[&str], from: &[&str]) -> Excerpt {
        let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Excerpt { lines: own(lines), from: own(from) }
    }

    /// What gets through of this, together, and in how many pieces.
    fn through(gate: &mut Gate, pieces: &[&[u8]]) -> (Vec<u8>, usize) {
        let (mut all, mut count) = (Vec::new(), 0);
        let mut on = |_: Stream, bytes: &[u8]| {
            all.extend_from_slice(bytes);
            count += 1;
        };
        for piece in pieces {
            gate.push(Stream::Stdout, piece, &mut on);
        }
        gate.end(&mut on);
        (all, count)
    }

    #[test]
    fn nothing_gets_through_that_is_of_no_use() {
        let mut gate = Gate::new(Sieve::new(&excerpt(&["error"], &[])));
        assert_eq!(through(&mut gate, &[b"one\ntwo\n", b"thr", b"ee\n"]), (Vec::new(), 0));
        // A text on both sides of a cut, and what follows in its block.
        let (got, _) = through(&mut gate, &[b"one\nan err", b"or\ntwo\nthree"]);
        assert_eq!(got, b"an error\nthree");
    }

    /// H160: a line without an end is not kept as a whole, wherever its texts stand.
    #[test]
    fn h160_an_endless_line_is_let_through_in_pieces_or_not_at_all() {
        let mut gate = Gate::new(Sieve::new(&excerpt(&["error"], &[])));
        let mut long = vec![b'x'; 10 * LONGEST + 1];
        long[5 * LONGEST + 10..][..5].copy_from_slice(b"error");
        let (mut got, mut on_its_way) = (Vec::new(), 0);
        for piece in long.chunks(1000) {
            gate.push(Stream::Stdout, piece, &mut |_, bytes| got.push(bytes.len()));
            on_its_way = on_its_way.max(gate.open[0].len());
        }
        gate.end(&mut |_, bytes| got.push(bytes.len()));
        // The last has no end, and may have more to come.
        assert_eq!(got, [LONGEST, 1]);
        assert!(on_its_way < LONGEST, "{on_its_way}");
    }

    /// The lines that are handed over of this output. `is_gated`: as in an attempt; else, all of them held against the excerpt.
    fn lines(excerpt: &Excerpt, output: &[(bool, Vec<u8>)], is_gated: bool) -> Vec<(bool, String)> {
        let stream = |is_err: bool| if is_err { Stream::Stderr } else { Stream::Stdout };
        let whole = Excerpt::default();
        let asked = if is_gated { excerpt } else { &whole };
        let (mut lines, mut gate) = (Lines::new(Sieve::new(asked)), Gate::new(Sieve::new(asked)));
        for (is_err, bytes) in output {
            gate.push(stream(*is_err), bytes, &mut |stream, bytes| lines.push(stream, bytes));
        }
        gate.end(&mut |stream, bytes| lines.push(stream, bytes));
        lines.end();
        let all = lines.whole().into_iter().map(|line| (line.is_err, line.text.to_owned()));
        let mut sieve = Sieve::new(excerpt);
        all.filter(|(_, text)| is_gated || sieve.passes(text.as_bytes())).collect()
    }

    fn output() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
        let text = prop_oneof![
            8 => "[a-c\\n ]{0,12}",
            2 => Just("error".to_owned()),
            1 => Just("err".to_owned()),
            1 => Just("or".to_owned()),
            1 => Just("from here".to_owned()),
            2 => Just("\n".to_owned()),
            1 => Just("\r\n".to_owned()),
            1 => (LONGEST - 3..LONGEST + 3).prop_map(|n| "x".repeat(n)),
        ];
        let bytes = prop_oneof![9 => text.prop_map(String::into_bytes), 1 => Just(vec![0xff, b'a'])];
        let written = prop::collection::vec(bytes, 0..4).prop_map(|parts| parts.concat());
        prop::collection::vec((any::<bool>(), written), 0..20)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// However the output comes, a parser is given exactly the lines that it asks for, in their order.
        #[test]
        fn what_is_let_through_and_cut_is_what_was_asked_for(output in output()) {
            let many: Vec<String> = (0..10).map(|n| format!("none{n}")).collect();
            let many: Vec<&str> = many.iter().map(String::as_str).chain(["error"]).collect();
            for excerpt in [
                excerpt(&["error"], &[]),
                excerpt(&["error"], &["from here"]),
                excerpt(&[], &["from", "c"]),
                excerpt(&many, &["from here"]),
                excerpt(&[], &[]),
            ] {
                prop_assert_eq!(lines(&excerpt, &output, true), lines(&excerpt, &output, false));
            }
        }
    }
}
