//! Of what a stage prints, the lines that somebody wants.
//!
//! Plain texts and no patterns: they are looked for in whole blocks at the speed of memory, whatever the texts are and
//! whatever the block is.

use aho_corasick::packed::{self, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem::Finder;
use memchr::{memchr, memrchr};

use crate::pipeline::plugin::Excerpt;

/// So few texts are found fastest one by one.
const FEW: usize = 3;

/// Lets through what an [`Excerpt`] is of. It remembers whether all is wanted from now on.
#[derive(Clone, Debug)]
pub struct Sieve {
    /// Of both kinds.
    any: Texts,
    from: Texts,
    is_open: bool,
}

impl Sieve {
    /// For one attempt's output.
    pub fn new(excerpt: &Excerpt) -> Self {
        let any: Vec<&str> = excerpt.lines.iter().chain(&excerpt.from).map(String::as_str).collect();
        let from: Vec<&str> = excerpt.from.iter().map(String::as_str).collect();
        Self { any: Texts::new(&any), from: Texts::new(&from), is_open: excerpt.is_whole() }
    }

    /// Whether every line is wanted from now on.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether the next line is wanted.
    pub fn passes(&mut self, line: &[u8]) -> bool {
        let is_wanted = self.is_of_use(line);
        if is_wanted {
            self.look_for_from(line);
        }
        is_wanted
    }

    /// Looks whether all is wanted from somewhere in this block on.
    pub(super) fn look_for_from(&mut self, block: &[u8]) {
        self.is_open = self.is_open || self.from.find(block).is_some();
    }

    /// Whether a line of this block is wanted.
    pub(super) fn is_of_use(&self, block: &[u8]) -> bool {
        self.is_open || self.any.find(block).is_some()
    }

    /// The rest of a block of whole lines, from the first line on that is wanted.
    pub(super) fn skip<'b>(&self, block: &'b [u8]) -> &'b [u8] {
        if self.is_open {
            return block;
        }
        match self.any.find(block) {
            Some(at) => &block[memrchr(b'\n', &block[..at]).map_or(0, |end| end + 1)..],
            None => &[],
        }
    }
}

/// Finds the first of some texts. What it takes grows with what is searched, whatever stands there.
#[derive(Clone, Debug)]
enum Texts {
    Few(Vec<Finder<'static>>),
    Many(Box<Searcher>),
    /// Where the processor has nothing for many.
    Slowly(AhoCorasick),
    /// Nothing is left out then.
    Anything,
}

impl Texts {
    fn new(texts: &[&str]) -> Self {
        if texts.len() <= FEW {
            return Self::Few(texts.iter().map(|text| Finder::new(text.as_bytes()).into_owned()).collect());
        }
        let many = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder().extend(texts).build();
        if let Some(many) = many {
            return Self::Many(Box::new(many));
        }
        let slowly = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(texts);
        slowly.map_or(Self::Anything, Self::Slowly)
    }

    /// Where one of them begins, in the first line that has one.
    fn find(&self, block: &[u8]) -> Option<usize> {
        match self {
            Self::Few(finders) => {
                let mut first = None;
                let mut block = block;
                for finder in finders {
                    if let Some(at) = finder.find(block) {
                        first = Some(at);
                        // The others are looked for as far as the same line goes.
                        let end = memchr(b'\n', &block[at..]).map_or(block.len(), |end| at + end);
                        block = &block[..end];
                    }
                }
                first
            }
            Self::Many(searcher) => searcher.find(block).map(|found| found.start()),
            Self::Slowly(automaton) => automaton.find(block).map(|found| found.start()),
            Self::Anything => Some(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sieve(lines: &[&str], from: &[&str]) -> Sieve {
        let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Sieve::new(&Excerpt { lines: own(lines), from: own(from) })
    }

    fn passing<'l>(sieve: &mut Sieve, lines: &[&'l str]) -> Vec<&'l str> {
        lines.iter().copied().filter(|line| sieve.passes(line.as_bytes())).collect()
    }

    #[test]
    fn lines_with_a_text_pass_and_all_from_one_on() {
        let lines = ["a", "an error: b", "c", "Traceback", "d", ""];
        assert_eq!(passing(&mut sieve(&["error: "], &["Trace"]), &lines), ["an error: b", "Traceback", "d", ""]);
        assert_eq!(passing(&mut sieve(&["error: "], &[]), &lines), ["an error: b"]);
        assert_eq!(passing(&mut sieve(&[], &["c"]), &lines), ["c", "Traceback", "d", ""]);
        assert_eq!(passing(&mut sieve(&[], &[]), &lines), lines);
    }

    /// However many texts there are, and so whatever finds them, what is found is the same.
    #[test]
    fn a_block_is_skipped_to_the_line_that_has_a_text() {
        let block = b"one two\nthree four\nfive\n";
        for more in [0, 1, 3, 20, 64] {
            let texts: Vec<String> =
                ["five".to_owned(), "four".to_owned()].into_iter().chain((0..more).map(|n| format!("no{n}"))).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            assert_eq!(sieve(&texts, &[]).skip(block), b"three four\nfive\n", "{more}");
            assert_eq!(sieve(&texts[..1], &texts[2..]).skip(block), b"five\n", "{more}");
            assert_eq!(sieve(&texts[2..], &["x"]).skip(block), b"", "{more}");
        }
    }
}
