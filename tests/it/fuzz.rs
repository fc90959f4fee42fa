//! What is fuzzed, without a fuzzer: each target of `tests/fuzz` takes its seeds, and some thousand changes of them that are
//! the same each time. So no target can rot, and what a seed once showed is seen again.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::support::forge;

#[path = "../fuzz/src/component.rs"]
mod component;
#[path = "../fuzz/src/config.rs"]
mod config;
#[path = "../fuzz/src/line.rs"]
mod line;
#[path = "../fuzz/src/lock.rs"]
mod lock;
#[path = "../fuzz/src/mask.rs"]
mod mask;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz");

/// The names below a directory, without what comes after the dot.
fn names(directory: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(DIRECTORY).join(directory)).unwrap();
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    entries.map(|entry| stem(&entry.unwrap().path())).collect()
}

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(Path::new(DIRECTORY).join("seeds").join(target)).unwrap().collect();
    paths.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
    paths.into_iter().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// Numbers that are as good as random, and always the same: xorshift64* of S. Vigna.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        usize::try_from(number).unwrap() % limit.max(1)
    }
}

/// One of the seeds with one to four changes.
fn changed(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(20)).min(bytes.len());
        match numbers.below(5) {
            0 => bytes.insert(at, u8::try_from(numbers.below(256)).unwrap()),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << numbers.below(8)),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let other = &seeds[numbers.below(seeds.len())];
                let from = numbers.below(other.len() + 1);
                let to = (from + numbers.below(60)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

fn hold(target: &str, changes: usize, run: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(!seeds.is_empty());
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let made = (0..changes).map(|_| changed(&seeds, &mut numbers));
    for data in seeds.iter().cloned().chain(made) {
        let held = catch_unwind(AssertUnwindSafe(|| run(&data)));
        assert!(held.is_ok(), "{target} does not hold for \"{}\", as said above", data.escape_ascii());
    }
}

#[test]
fn h158_whatever_a_component_is_it_is_asked_or_refused() {
    hold("component", 400, component::run);
}

/// A component as it stands, and not how to make one: each cut and each changed byte of a hundred.
#[test]
fn h158_whatever_becomes_of_a_component_it_is_asked_or_refused() {
    let whole = forge::Forge { world: "parser-plugin", ..forge::Forge::default() }.build();
    component::run(&whole);
    let mut numbers = Numbers(1);
    for _ in 0..300 {
        component::run(&changed(std::slice::from_ref(&whole), &mut numbers));
    }
}

#[test]
fn whatever_a_configuration_is_its_faults_are_in_it() {
    hold("config", 3000, config::run);
}

#[test]
fn whatever_a_shell_answers_it_is_that_or_no_answer() {
    hold("line", 3000, line::run);
}

#[test]
fn h161_whatever_a_lock_file_is_it_says_every_word_of_what_it_locks() {
    hold("lock", 5000, lock::run);
}

#[test]
fn h57_however_a_text_is_cut_no_value_is_left_in_it() {
    hold("mask", 1500, mask::run);
}

#[test]
fn every_target_is_built_has_seeds_and_is_tried_here() {
    let modules: BTreeSet<_> = names("src").into_iter().filter(|name| name != "lib").collect();
    assert_eq!(modules, names("targets"));
    assert_eq!(modules, names("seeds"));
    let manifest = fs::read_to_string(Path::new(DIRECTORY).join("Cargo.toml")).unwrap();
    let here = include_str!("fuzz.rs");
    for name in &modules {
        assert!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"\npath = \"targets/{name}.rs\"")), "{name}");
        assert!(here.contains(&format!("hold(\"{name}\", ")), "{name}");
    }
}
