//! What it costs to keep secrets out of a log: so many bytes a second through the masker, with a hundred values of which each
//! has some twenty forms. Beside it, copying the same bytes.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::sync::Arc;

use local_ci::clock::{Clock, SystemClock};
use local_ci::text::mask::{Masker, Needles};

const SECRETS: usize = 100;
const CHUNK: usize = 64 * 1024;
const LOG: usize = 64 * 1024 * 1024;
const ROUNDS: usize = 7;

/// Numbers that are the same every time (the multiplier is Knuth's, for MMIX).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % below
    }
}

fn log(colour: bool) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "Compiling",
        "warning:",
        "test",
        "ok",
        "src/engine/machine.rs:120:9",
        "unused",
        "running",
        "error[E0308]",
        "tests::a_needle_in_a_haystack",
        "0.25s",
        "...",
        "https://example.invalid/path?x=1",
    ];
    let mut numbers = Numbers(1);
    let mut log = Vec::with_capacity(LOG + 256);
    while log.len() < LOG {
        if colour {
            log.extend_from_slice(b"\x1b[1m\x1b[32m");
        }
        for _ in 0..numbers.next(12) + 2 {
            log.extend_from_slice(WORDS[numbers.next(WORDS.len())].as_bytes());
            log.push(b' ');
        }
        log.extend_from_slice(if colour { b"\x1b[0m\n" } else { b"\n" });
    }
    log
}

fn main() {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/+";
    let mut numbers = Numbers(7);
    let secrets: Vec<Vec<u8>> = (0..SECRETS)
        .map(|_| (0..20 + numbers.next(20)).map(|_| LETTERS[numbers.next(LETTERS.len())]).collect())
        .collect();
    let began = SystemClock.now();
    let needles = Arc::new(Needles::new(secrets.iter().map(|secret| ("SECRET", secret.as_slice()))));
    println!("{needles:?} of {SECRETS} values, made in {:?}", SystemClock.now().since(began));
    for (what, log) in [("plain", log(false)), ("coloured", log(true))] {
        let mut out = Vec::with_capacity(2 * CHUNK);
        let mut fastest = |masker: Option<Masker>| {
            let took = (0..ROUNDS).map(|_| {
                let mut masker = masker.clone();
                let began = SystemClock.now();
                for chunk in log.chunks(CHUNK) {
                    out.clear();
                    match &mut masker {
                        Some(masker) => masker.push(chunk, &mut out),
                        None => out.extend_from_slice(chunk),
                    }
                }
                SystemClock.now().since(began)
            });
            took.min().unwrap_or_default()
        };
        let (masked, copied) = (fastest(Some(Masker::new(Arc::clone(&needles)))), fastest(None));
        #[expect(clippy::cast_precision_loss, reason = "megabytes a second")]
        let rate = |took: std::time::Duration| log.len() as f64 / took.as_secs_f64() / 1e6;
        println!("{what}: {:.0} MB/s; copied {:.0} MB/s", rate(masked), rate(copied));
    }
}
