//! What is told of an attempt besides how it ends and what it prints.

use std::sync::Arc;

use crate::event::Annotation;
use crate::ids::StageName;

/// How many annotations go into one event.
pub const IN_ONE: usize = 500;

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
