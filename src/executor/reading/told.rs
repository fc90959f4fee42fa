//! Tells what was found in an attempt.

use super::found::Found;
use crate::executor::Job;
use crate::executor::news::{News, Tell, portions};

/// Tells what was found in an attempt, and what else there is to say of it.
pub fn tell(to: &Tell, job: &Job, found: Found) {
    let (items, remarks) = found.into_parts();
    let (stage, attempt) = (&job.stage, job.attempt);
    for items in portions(items) {
        to(News::Annotated { stage: stage.clone(), attempt, items });
    }
    for text in remarks {
        to(News::Remark { stage: Some(stage.clone()), text });
    }
}
