//! Names for ad-hoc jobs: short, and such that they can be said aloud.
//!
//! Consonant, vowel, consonant. A name is made of the job's fingerprint, so the same command in the same place of a
//! project is called the same wherever there is nothing in the way; where there is, the next one of a walk that goes
//! through all names of that length. Where many are taken the name gets a letter more, rather than a long walk.

use crate::ids::{Signature, StageName};

/// Those that nobody mistakes for others.
const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
/// See [`CONSONANTS`].
const VOWELS: &[u8; 5] = b"aeiou";

/// How many letters a name has, and how many names of that length are tried.
const LENGTHS: [(u32, u64); 3] = [(3, 32), (4, 64), (5, 100_000)];

/// Words that come out of these letters and that nobody wants to have called out.
const AVOIDED: [&str; 14] =
    ["dik", "fag", "fuk", "fut", "gaz", "god", "hor", "jap", "kok", "kuk", "nig", "pis", "rap", "tit"];

/// The first name for a job that is not taken. None where all are, of which there are a hundred thousand.
pub(super) fn name(signature: &Signature, is_taken: &dyn Fn(&str) -> bool) -> Option<StageName> {
    let names = LENGTHS.into_iter().flat_map(|(letters, tries)| walk(signature, letters).take(cut(tries)));
    let mut free = names.filter(|name| !AVOIDED.contains(&name.as_str()) && !is_taken(name));
    free.find_map(|name| StageName::new(&name).ok())
}

fn cut(tries: u64) -> usize {
    usize::try_from(tries).unwrap_or(usize::MAX)
}

/// Names of so many letters, in an order that the fingerprint decides, each once.
fn walk(signature: &Signature, letters: u32) -> impl Iterator<Item = String> {
    let bytes = signature.as_bytes();
    // Another part of the fingerprint for each length.
    let part = letters as usize * 4;
    let number = bytes[part..part + 8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let all = (0..letters).map(|place| alphabet(place).len() as u64).product::<u64>();
    // All alphabets have lengths of twos and fives alone, so a step that neither divides goes through all names.
    let step = 1 + 10 * u64::from(bytes[part + 8]);
    (0..all).map(move |n| spell((number % all + n * step) % all, letters))
}

fn alphabet(place: u32) -> &'static [u8] {
    if place.is_multiple_of(2) { CONSONANTS } else { VOWELS }
}

fn spell(mut number: u64, letters: u32) -> String {
    let mut letter = |place: u32| {
        let alphabet = alphabet(place);
        let at = usize::try_from(number % alphabet.len() as u64).unwrap_or(0);
        number /= alphabet.len() as u64;
        char::from(alphabet[at])
    };
    (0..letters).map(&mut letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn of(n: u64) -> Signature {
        Signature::from_bytes(*blake3::hash(&n.to_le_bytes()).as_bytes())
    }

    #[test]
    fn a_name_is_three_letters_and_always_the_same() {
        let nothing = |_: &str| false;
        for n in 0..500 {
            let name = name(&of(n), &nothing).unwrap();
            assert_eq!(Some(&name), super::name(&of(n), &nothing).as_ref());
            let letters = name.as_str().as_bytes();
            assert_eq!(letters.len(), 3);
            assert!(
                VOWELS.contains(&letters[1]) && CONSONANTS.contains(&letters[0]) && CONSONANTS.contains(&letters[2])
            );
        }
    }

    #[test]
    fn names_are_spread() {
        let names: BTreeSet<StageName> = (0..100).map(|n| name(&of(n), &|_| false).unwrap()).collect();
        assert!(names.len() > 90, "{}", names.len());
    }

    #[test]
    fn a_taken_name_is_nobody_elses_and_where_room_is_tight_names_get_longer() {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for n in 0..4000 {
            let name = name(&of(n), &|name| taken.contains(name)).unwrap();
            assert!(taken.insert(name.as_str().to_owned()), "{name} twice");
        }
        let of_length = |letters| taken.iter().filter(|name| name.len() == letters).count();
        assert!(of_length(3) > 1000 && of_length(4) > 1000, "{} {} {}", of_length(3), of_length(4), of_length(5));
        assert_eq!(name(&of(0), &|_| true), None);
    }

    proptest! {
        #[test]
        fn a_walk_goes_through_all_names(n in any::<u64>()) {
            let names: BTreeSet<String> = walk(&of(n), 3).collect();
            prop_assert_eq!(names.len(), 16 * 5 * 16);
        }
    }
}
