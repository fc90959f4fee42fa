//! Which format a project's state is in: a number in `project.json`, so that two versions of the program can meet on one
//! state directory.
//!
//! A version that finds a number which it does not know writes nothing there and deletes nothing: it cannot know what that
//! would break. It may read. The number is raised by the first version whose state an older one would damage; what older
//! ones merely pass over (another kind of event, another field) raises nothing.

use serde_json::Value;

use super::layout::{ProjectDir, read_file};

/// The format that this version writes.
pub const FORMAT: u32 = 1;

/// The state of a project is in a format of a later version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("written by a newer version of local-ci, in format {found}, while this one knows format {FORMAT}")]
pub struct Newer {
    /// The format, as it is said there.
    pub found: String,
}

/// Whether this version may write in a project's state and delete in it. One small read.
///
/// What says nothing of a format is of the first, and so is what is not there yet or was cut off by a crash.
pub fn check(project: &ProjectDir) -> Result<(), Newer> {
    let said = read_file(&project.project_file()).unwrap_or_default();
    match serde_json::from_slice::<Value>(&said).unwrap_or_default().get("format") {
        Some(format) if format.as_u64().is_none_or(|format| format > FORMAT.into()) => {
            Err(Newer { found: format.to_string() })
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::layout::create_dir;
    use std::path::Path;

    /// H34: only a number that is known, or none, is a format that may be written in.
    #[test]
    fn h34_a_format_that_is_not_known_is_newer() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        assert_eq!(check(&project), Ok(()), "a project that is not there yet");
        create_dir(project.path()).unwrap();
        for known in ["", "{\"ro", "[]", "{\"root\":\"/p\"}", "{\"root\":\"/p\",\"format\":1}", "{\"format\":0}"] {
            std::fs::write(project.project_file(), known).unwrap();
            assert_eq!(check(&project), Ok(()), "{known:?}");
        }
        for (newer, found) in [("2", "2"), ("4294967297", "4294967297"), ("\"1b\"", "\"1b\""), ("-1", "-1")] {
            std::fs::write(project.project_file(), format!("{{\"format\":{newer},\"more\":[]}}")).unwrap();
            assert_eq!(check(&project), Err(Newer { found: found.to_owned() }));
        }
    }
}
