//! What is told besides how attempts end.

use std::sync::Arc;

use super::found::Found;
use crate::event::Annotation;
use crate::executor::Job;
use crate::ids::StageName;

/// How many annotations go into one event.
const IN_ONE: usize = 500;

/// What is told besides how attempts end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// What was found in the project.
    Annotated {
        /// By which stage.
        stage: StageName,
        /// In which attempt.
        attempt: u32,
        /// What.
        items: Vec<Annotation>,
    },
    /// Something a person should know.
    Remark {
        /// The stage it is about, if one.
        stage: Option<StageName>,
        /// A sentence.
        text: String,
    },
}

/// Takes what is told.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Tells what was found in an attempt, and what else there is to say of it.
pub fn tell(to: &Tell, job: &Job, found: Found) {
    let (items, remarks) = found.into_parts();
    let (stage, attempt) = (&job.stage, job.attempt);
    for items in items.chunks(IN_ONE) {
        to(News::Annotated { stage: stage.clone(), attempt, items: items.to_vec() });
    }
    for text in remarks {
        to(News::Remark { stage: Some(stage.clone()), text });
    }
}
