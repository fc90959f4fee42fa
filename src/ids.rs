//! Names and numbers of things: runs, stages, signatures, and a map indexed by dense ids.
//!
//! Every id is a type of its own, so that a stage cannot be looked up by a run's number.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A run's identity, unique across machines: 128 random bits in lower-case hex.
///
/// Stages find it in their environment, so that what belongs to a run can be told from what does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Arc<str>);

impl RunId {
    /// The id made of these random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex(&bytes).into())
    }

    /// The id as it stands in files and environments.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A run's number within its project: 1, 2, 3 …, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunNumber(pub u64);

impl fmt::Display for RunNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A key of a [`DenseMap`]: small consecutive integers from zero.
pub trait DenseId: Copy {
    /// The id with this index.
    fn from_index(index: usize) -> Self;
    /// The index of this id.
    fn index(self) -> usize;
}

/// A stage's place in its pipeline or plan, counted from zero in order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StageId(pub u32);

impl DenseId for StageId {
    fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The longest stage name, in bytes. It becomes part of a file name.
pub const STAGE_NAME_MAX: usize = 100;

/// A stage's name: `[A-Za-z0-9_][A-Za-z0-9_.:+-]*`, at most [`STAGE_NAME_MAX`] bytes.
///
/// So a name is always safe as a file name, in a terminal, in `::group::` and in a shell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StageName(Arc<str>);

/// Why a text cannot be a stage's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageNameError {
    /// There is nothing in it.
    #[error("a stage name cannot be empty")]
    Empty,
    /// It is longer than [`STAGE_NAME_MAX`] bytes.
    #[error("a stage name has at most {STAGE_NAME_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// It holds a character that names cannot have, at this byte.
    #[error("a stage name cannot have {0:?} here: letters, digits and _ first, then also . : + -")]
    Character(char, usize),
}

impl StageName {
    /// Checks a text and makes it a name.
    pub fn new(text: &str) -> Result<Self, StageNameError> {
        if text.is_empty() {
            return Err(StageNameError::Empty);
        }
        for (at, c) in text.char_indices() {
            let word = c.is_ascii_alphanumeric() || c == '_';
            if !(word || at > 0 && matches!(c, '.' | ':' | '+' | '-')) {
                return Err(StageNameError::Character(c, at));
            }
        }
        if text.len() > STAGE_NAME_MAX {
            return Err(StageNameError::TooLong(text.len()));
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for StageName {
    type Error = StageNameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<StageName> for String {
    fn from(name: StageName) -> Self {
        name.0.as_ref().into()
    }
}

/// The fingerprint of what a stage would do: BLAKE3 over its canonical command (see `plan::signature`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature([u8; 32]);

impl Signature {
    /// The signature with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hex digits: enough for a person to tell two apart.
    pub fn short(&self) -> String {
        hex(&self.0[..4])
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", self.short())
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        signature.to_string()
    }
}

/// A text that is not 64 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signature is 64 hexadecimal digits")]
pub struct SignatureError;

impl TryFrom<String> for Signature {
    type Error = SignatureError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(SignatureError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, SignatureError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(SignatureError),
    }
}

/// Lower-case hex digits of these bytes.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// A vector indexed by a dense id instead of a bare number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DenseMap<K, V> {
    values: Vec<V>,
    #[serde(skip)]
    key: PhantomData<K>,
}

impl<K: DenseId, V> DenseMap<K, V> {
    /// An empty map.
    pub fn new() -> Self {
        Self { values: Vec::new(), key: PhantomData }
    }

    /// A map of `len` equal values.
    pub fn filled(len: usize, value: V) -> Self
    where
        V: Clone,
    {
        Self { values: vec![value; len], key: PhantomData }
    }

    /// Adds a value and returns its id.
    pub fn push(&mut self, value: V) -> K {
        self.values.push(value);
        K::from_index(self.values.len() - 1)
    }

    /// The value of an id, if the map has it.
    pub fn get(&self, id: K) -> Option<&V> {
        self.values.get(id.index())
    }

    /// The value of an id to change, if the map has it.
    pub fn get_mut(&mut self, id: K) -> Option<&mut V> {
        self.values.get_mut(id.index())
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator + use<K, V> {
        (0..self.values.len()).map(K::from_index)
    }

    /// All ids with their values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + ExactSizeIterator {
        self.values.iter().enumerate().map(|(i, v)| (K::from_index(i), v))
    }

    /// All ids with their values to change, in order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.values.iter_mut().enumerate().map(|(i, v)| (K::from_index(i), v))
    }

    /// All values, in order, to be changed.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, V> {
        self.values.iter_mut()
    }

    /// All values, in order.
    pub fn values(&self) -> std::slice::Iter<'_, V> {
        self.values.iter()
    }
}

impl<K: DenseId, V> Default for DenseMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: DenseId, V> FromIterator<V> for DenseMap<K, V> {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self { values: values.into_iter().collect(), key: PhantomData }
    }
}

impl<K: DenseId, V> Index<K> for DenseMap<K, V> {
    type Output = V;
    fn index(&self, id: K) -> &V {
        &self.values[id.index()]
    }
}

impl<K: DenseId, V> IndexMut<K> for DenseMap<K, V> {
    fn index_mut(&mut self, id: K) -> &mut V {
        &mut self.values[id.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_at_both_ends() {
        assert!(StageName::new("test:1.80:linux+x_y-z").is_ok());
        assert!(StageName::new(&"a".repeat(100)).is_ok());
        assert_eq!(StageName::new(""), Err(StageNameError::Empty));
        assert_eq!(StageName::new(&"a".repeat(101)), Err(StageNameError::TooLong(101)));
        for (name, at) in [(".a", 0), ("-a", 0), ("a b", 1), ("a/b", 1), ("a\n::error::x", 1), ("é", 0)] {
            assert!(matches!(StageName::new(name), Err(StageNameError::Character(_, i)) if i == at), "{name:?}");
        }
    }

    #[test]
    fn a_signature_survives_its_text() {
        let signature = Signature::from_bytes(std::array::from_fn(|i| u8::try_from(i * 7).unwrap_or(255)));
        assert_eq!(Signature::try_from(signature.to_string()), Ok(signature));
        assert_eq!(Signature::try_from("zz".repeat(32)), Err(SignatureError));
        assert_eq!(Signature::try_from("ab".repeat(31)), Err(SignatureError));
    }
}
