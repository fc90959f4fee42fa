//! What is told of an attempt besides how it ends and what it prints.

use std::sync::Arc;

use crate::event::Annotation;
use crate::ids::StageName;

/// How many annotations go into one event at most,
const IN_ONE: usize = 500;
/// and about how much of them, in bytes: who reads events reads each whole.
const BYTES_IN_ONE: usize = 256 * 1024;

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
    /// The same of a reporter or from it, which no reporter is told.
    Aside {
        /// A sentence.
        text: String,
    },
}

/// Takes what is told.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Annotations in as many pieces as they have events.
pub fn portions(items: Vec<Annotation>) -> Vec<Vec<Annotation>> {
    let (mut portions, mut bytes) = (Vec::<Vec<Annotation>>::new(), 0);
    for item in items {
        bytes += item.size();
        match portions.last_mut().filter(|last| last.len() < IN_ONE && bytes <= BYTES_IN_ONE) {
            Some(last) => last.push(item),
            None => {
                bytes = item.size();
                portions.push(vec![item]);
            }
        }
    }
    portions
}

/// How much of a sentence is kept that is told, in bytes.
const REMARK_MAX: usize = 1024;

/// A sentence of bounded length: foreign words are in it.
pub fn bounded(mut text: String) -> String {
    if text.len() > REMARK_MAX {
        text.truncate(text.floor_char_boundary(REMARK_MAX));
        text.push('…');
    }
    text
}
