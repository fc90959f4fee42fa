//! What the attempts of a run share to be screened: what is secret, and what stages are given of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::commands::DATA_MAX;
use super::said::unescaped;
use crate::event::Annotation;
use crate::executor::news::{News, Tell, portions};
use crate::ids::StageName;
use crate::pipeline::secret::Value;
use crate::text::mask::{Needles, TOO_SHORT, mask};

/// How many values stages can add to what is masked.
const ADDED_MAX: usize = 1_000;
/// How large they can be together, in bytes: each is looked for in some twenty forms.
const ADDED_BYTES_MAX: usize = 1024 * 1024;

/// What a run's secrets are. What is added stays.
pub struct Screen {
    /// What its stages are given, as variables.
    given: BTreeMap<StageName, Vec<(String, Value)>>,
    needles: Mutex<Needed>,
    /// Grows with each that is added.
    generation: AtomicUsize,
    /// The project's directory.
    pub(super) root: PathBuf,
    tell: Tell,
}

struct Needed {
    needles: Arc<Needles>,
    added: usize,
    bytes: usize,
}

impl Screen {
    /// Masks these, and gives stages the secrets that are theirs.
    pub fn new(needles: Needles, given: BTreeMap<StageName, Vec<(String, Value)>>, root: PathBuf, tell: Tell) -> Self {
        let needles = Needed { needles: Arc::new(needles), added: 0, bytes: 0 };
        Self { given, needles: Mutex::new(needles), generation: AtomicUsize::new(0), root, tell }
    }

    /// What is looked for by now.
    pub fn needles(&self) -> Arc<Needles> {
        Arc::clone(&self.needles.lock().unwrap_or_else(PoisonError::into_inner).needles)
    }

    /// Changes whenever there is more to look for.
    pub(super) fn generation(&self) -> usize {
        self.generation.load(Ordering::Acquire)
    }

    /// What a stage is given.
    pub(super) fn given(&self, stage: &StageName) -> &[(String, Value)] {
        self.given.get(stage).map(Vec::as_slice).unwrap_or_default()
    }

    /// A text with its secrets masked.
    pub fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let needles = self.needles();
        if needles.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(mask(text, &needles)) }
    }

    /// A stage says that this is a secret: it is masked from now on, whoever prints it.
    pub(super) fn add(&self, stage: &StageName, written: &[u8]) {
        let value = unescaped(written);
        let remark = |text: &str| {
            (self.tell)(News::Remark { stage: Some(stage.clone()), text: text.to_owned() });
        };
        if written.len() >= DATA_MAX {
            remark(
                "a value of `::add-mask::` is too long to be looked for in what follows: it was left out where it stood",
            );
            return;
        }
        if value.trim_ascii().len() < TOO_SHORT {
            remark(
                "a value of `::add-mask::` is too short to be looked for in what follows: it has fewer than 6 bytes",
            );
            return;
        }
        let mut needed = self.needles.lock().unwrap_or_else(PoisonError::into_inner);
        if needed.added >= ADDED_MAX || needed.bytes + value.len() > ADDED_BYTES_MAX {
            // Told once: the next ones find it just as full.
            let is_first = needed.added != usize::MAX;
            needed.added = usize::MAX;
            drop(needed);
            if is_first {
                remark("so many values were given with `::add-mask::` that no more of them are looked for");
            }
            return;
        }
        needed.added += 1;
        needed.bytes += value.len();
        needed.needles = Arc::new(needed.needles.with("::add-mask::", &value));
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Tells what was found, and how much was left out.
    pub(super) fn tell(&self, stage: &StageName, attempt: u32, items: &[Annotation], more: usize) {
        for items in portions(items.to_vec()) {
            (self.tell)(News::Annotated { stage: stage.clone(), attempt, items });
        }
        if more > 0 {
            let text = format!("{more} more annotations were left out: {} of a stage are kept", items.len());
            (self.tell)(News::Remark { stage: Some(stage.clone()), text });
        }
    }
}
