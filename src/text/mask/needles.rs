//! What is looked for, prepared so that most bytes are never looked at.
//!
//! The search is that of Wu and Manber (TR-94-17): every needle is at least [`TOO_SHORT`] bytes long, so a window of that
//! length moves over the text; how far it may move is in a table, by the last three bytes in it. Where it may not move, the
//! window is looked up among the beginnings of needles.

use std::collections::{BTreeSet, HashMap};

use super::{Found, forms};

/// A form shorter than this, in bytes, is not looked for: it would be found in texts that have nothing to do with it.
pub const TOO_SHORT: usize = 6;

/// How many last bytes of the window are looked at.
const BLOCK: usize = 3;
/// How far the window moves where those are in no needle's beginning.
const FAR: u8 = 4;
const _: () = assert!(FAR as usize == TOO_SHORT - BLOCK + 1, "a move never passes over a needle");
const TABLE: usize = 1 << 16;

/// What is looked for.
#[derive(Clone)]
pub struct Needles {
    /// How far the window moves, by a hash of its last bytes.
    moves: Box<[u8]>,
    /// Whether a needle may begin with these bytes, by a hash of them: most windows that stop are told here that they are none.
    may_begin: Box<[bool]>,
    /// Which needles begin with these bytes.
    beginnings: HashMap<u64, Vec<Box<[u8]>>>,
    /// The beginnings that are shorter than the window, by how long they are.
    shorter: [Vec<u64>; TOO_SHORT],
    longest: usize,
    /// The names of values of which no form is long enough.
    short: Vec<String>,
}

impl Default for Needles {
    fn default() -> Self {
        Self::new(std::iter::empty::<(&str, &[u8])>())
    }
}

/// Shows how many there are, and none of them.
impl std::fmt::Debug for Needles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Needles({})", self.beginnings.values().map(Vec::len).sum::<usize>())
    }
}

impl Needles {
    /// Values with their names, in all their forms.
    pub fn new<'v>(values: impl IntoIterator<Item = (&'v str, &'v [u8])>) -> Self {
        let mut needles = Self {
            moves: vec![FAR; TABLE].into(),
            may_begin: vec![false; TABLE].into(),
            beginnings: HashMap::new(),
            shorter: Default::default(),
            longest: 0,
            short: Vec::new(),
        };
        needles.extend(values);
        needles
    }

    /// These and one more value, in all its forms.
    #[must_use]
    pub fn with(&self, name: &str, value: &[u8]) -> Self {
        let mut needles = self.clone();
        needles.extend([(name, value)]);
        needles
    }

    fn extend<'v>(&mut self, values: impl IntoIterator<Item = (&'v str, &'v [u8])>) {
        let mut all = BTreeSet::new();
        for (name, value) in values {
            // The encoded forms of what is too short itself would give it away no more than its absence.
            if value.trim_ascii().len() < TOO_SHORT {
                self.short.push(name.to_owned());
                continue;
            }
            let forms = forms::of(value).into_iter().filter(|form| form.len() >= TOO_SHORT);
            all.extend(forms.map(Vec::into_boxed_slice));
        }
        for form in all {
            self.add(form);
        }
        for shorter in &mut self.shorter {
            shorter.sort_unstable();
            shorter.dedup();
        }
    }

    fn add(&mut self, form: Box<[u8]>) {
        for at in 0..=TOO_SHORT - BLOCK {
            let far = &mut self.moves[hash(&form[at..])];
            let left = u8::try_from(TOO_SHORT - BLOCK - at).unwrap_or(0);
            *far = (*far).min(left);
        }
        for (length, shorter) in self.shorter.iter_mut().enumerate().skip(1) {
            shorter.push(number(&form[..length]));
        }
        self.longest = self.longest.max(form.len());
        let beginning = number(&form[..TOO_SHORT]);
        self.may_begin[slot(beginning)] = true;
        let beside = self.beginnings.entry(beginning).or_default();
        if !beside.contains(&form) {
            beside.push(form);
        }
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.beginnings.is_empty()
    }

    /// The names of values that are too short to be looked for.
    pub fn short(&self) -> &[String] {
        &self.short
    }

    /// The length of the longest, in bytes.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Every place at which one is, with the longest of those that begin there; and from where on what is left may be the
    /// beginning of one.
    pub(super) fn search(&self, text: &[u8]) -> Found {
        let mut found = Found::default();
        if self.is_empty() {
            return found;
        }
        let mut at = 0;
        while let Some(window) = text.get(at..at + TOO_SHORT) {
            let far = self.moves[hash(&window[TOO_SHORT - BLOCK..])];
            if far > 0 {
                at += usize::from(far);
                continue;
            }
            let beginning = number(window);
            if !self.may_begin[slot(beginning)] {
                at += 1;
                continue;
            }
            if let Some(needles) = self.beginnings.get(&beginning) {
                let rest = &text[at..];
                let whole = needles.iter().filter(|needle| rest.starts_with(needle)).map(|needle| needle.len()).max();
                found.ranges.extend(whole.map(|length| at..at + length));
                if needles.iter().any(|needle| needle.len() > rest.len() && needle.starts_with(rest)) {
                    found.live = found.live.or(Some(at));
                }
            }
            at += 1;
        }
        let tail = text.len().saturating_sub(TOO_SHORT - 1)..text.len();
        found.live = found.live.or_else(|| tail.into_iter().find(|at| self.is_beginning(&text[*at..])));
        found
    }

    /// Whether a needle begins with these bytes, which are fewer than the window has.
    fn is_beginning(&self, bytes: &[u8]) -> bool {
        self.shorter[bytes.len()].binary_search(&number(bytes)).is_ok()
    }
}

/// The first three bytes as an index.
fn hash(bytes: &[u8]) -> usize {
    let [a, b, c] = [bytes[0], bytes[1], bytes[2]].map(u32::from);
    // Multiplicative: the upper bits of the product depend on all of the number.
    ((a | b << 8 | c << 16).wrapping_mul(0x9e37_79b1) >> 16) as usize
}

/// The bytes of a window as an index.
fn slot(window: u64) -> usize {
    (window.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize
}

/// At most eight bytes as a number.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
