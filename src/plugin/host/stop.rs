//! Why we stopped a guest, and what its own errors mean, as faults.

use std::any::Any;
use std::time::Duration;

use wasmtime::{Error, Trap};

use crate::plugin::fault::FaultKind;
use crate::text::plain::printable;

/// The most that one call may bring from the guest to the host, in bytes.
pub(super) const HOSTCALL_MAX: usize = 16 * 1024 * 1024;
/// The most of a guest's text that becomes a part of a sentence, in characters.
const TEXT_MAX: usize = 500;

/// A reason of ours to stop a guest. It travels through WebAssembly as an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    /// Nobody waits for it any more.
    #[error("was cancelled")]
    Cancelled,
    /// It used more time than it may.
    #[error("used more than {} of its own time for one call: if that is right, raise `time` in its `limits`", seconds(*.0))]
    TooSlow(Duration),
    /// It took longer than anybody waits, whatever it waited for.
    #[error("took longer than {} for one call", seconds(*.0))]
    TooLong(Duration),
    /// It used more than it may of something else.
    #[error("{0}")]
    TooMuch(String),
    /// It called what is not there, or not granted.
    #[error("{0}")]
    Refused(String),
}

/// A time limit as one would write it in a config.
fn seconds(limit: Duration) -> String {
    if limit.subsec_millis() == 0 { format!("{} s", limit.as_secs()) } else { format!("{} ms", limit.as_millis()) }
}

/// What an error of a guest means. `last_words` is what it said just before.
pub(super) fn fault(error: &Error, last_words: Option<&str>) -> FaultKind {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return match stop {
            Stop::Cancelled => FaultKind::Cancelled,
            Stop::TooSlow(_) | Stop::TooLong(_) => FaultKind::TooSlow(stop.to_string()),
            Stop::TooMuch(_) => FaultKind::TooMuch(stop.to_string()),
            Stop::Refused(why) => FaultKind::Trapped(words(why, last_words)),
        };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        let what = match trap {
            Trap::UnreachableCodeReached => "gave up, as after a panic",
            Trap::StackOverflow => "used up its stack",
            Trap::MemoryOutOfBounds => "reached outside of its memory",
            Trap::IntegerDivisionByZero => "divided by zero",
            Trap::CannotEnterComponent => "was called while it was waiting for an answer",
            other => {
                let other = other.to_string();
                let what = format!("gave up: {}", other.trim_start_matches("wasm trap: "));
                return FaultKind::Trapped(words(&what, last_words));
            }
        };
        return FaultKind::Trapped(words(what, last_words));
    }
    let root = error.root_cause().to_string();
    if root.contains("fuel allocated for hostcalls") {
        return FaultKind::TooMuch(format!("hands over more than {} MiB at once", HOSTCALL_MAX >> 20));
    }
    if let Some(what) = root.strip_prefix("resource limit exceeded: ") {
        return FaultKind::TooMuch(format!("has too much in it: {}", short(what)));
    }
    FaultKind::Nonsense(words(&format!("answered something that makes no sense: {}", short(&root)), last_words))
}

/// What it means that a component cannot be linked, or has other types than the contract of this version.
pub(super) fn misfit(error: &Error, version: &str) -> FaultKind {
    let whole = format!("{error:#}");
    // What wasmtime says besides helps nobody who did not write it.
    let noise =
        [", but a matching implementation was not found in the linker", "failed to convert function to given type: "];
    let why = noise.iter().fold(whole.clone(), |why, noise| why.replace(noise, ""));
    let update = if whole.contains("implementation is missing") { "; a later local-ci may have it" } else { "" };
    FaultKind::NoSuchRole(format!("does not fit version {version} of the contract: {}{update}", short(&why)))
}

/// What a panic of our own means.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> FaultKind {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    FaultKind::Unable(format!("met a fault of local-ci itself and was stopped: {}", short(&text)))
}

fn words(what: &str, last_words: Option<&str>) -> String {
    match last_words {
        Some(words) => format!("{what}; it said: {}", short(words)),
        None => what.to_owned(),
    }
}

/// A foreign text on one line, and not too long.
pub(super) fn short(text: &str) -> String {
    let text = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let mut short: String = text.chars().take(TEXT_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    printable(&short).into_owned()
}
