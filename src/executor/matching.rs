//! Problem matchers, as readers of attempts: all of a stage's read together, on one thread.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Job;
use super::reading::{Ears, Printed, Reader, Reads, Stop};
use crate::cancel::CancelToken;
use crate::event::Annotation;
use crate::matcher::{Place, Session};
use crate::pipeline::matcher::Annotate;
use crate::text::terminal::{FilterOptions, TerminalFilter};

/// What the thread's stack has, in bytes: regular expressions are compiled there, up to a depth that their crate bounds.
const STACK: usize = 2 * 1024 * 1024;

/// The matchers of a stage, for one attempt.
pub struct Matching {
    annotate: Vec<Annotate>,
    place: Place,
}

impl Matching {
    /// For an attempt of a stage in the project `root`. `is_here` says whether it runs on this machine. None where the stage has
    /// no matchers.
    pub fn of(annotate: &[Annotate], root: &Path, job: &Job, is_here: bool) -> Option<Arc<dyn Reads>> {
        let annotate: Vec<Annotate> = annotate.iter().filter(|one| one.parser().is_none()).cloned().collect();
        if annotate.is_empty() {
            return None;
        }
        let is_file = |path: &Path| path.is_file();
        let place = Place::new(root, &absolute(root, &job.dir), is_file);
        let place = if is_here { place } else { place.elsewhere() };
        Some(Arc::new(Self { annotate, place }))
    }
}

fn absolute(root: &Path, dir: &Path) -> PathBuf {
    if dir.starts_with(root) { dir.to_owned() } else { root.to_owned() }
}

impl Reads for Matching {
    fn source(&self) -> &'static str {
        "matcher"
    }

    fn subject(&self) -> String {
        "its matchers' reading".into()
    }

    fn stack(&self) -> usize {
        STACK
    }

    fn begin(&self, ears: &Ears) -> Result<Box<dyn Reader>, Stop> {
        let session = Session::new(&self.annotate, self.place.clone()).map_err(Stop::Failed)?;
        Ok(Box::new(AtWork { session, cancel: ears.cancel.clone() }))
    }

    fn failed(&self, why: String) -> Option<String> {
        Some(format!("its matchers have not read all of the output: {why}"))
    }
}

struct AtWork {
    session: Session,
    cancel: CancelToken,
}

impl Reader for AtWork {
    fn feed(&mut self, lines: &[Printed<'_>]) -> Result<Vec<Annotation>, Stop> {
        self.cancel.wait_while_held();
        let mut found = Vec::new();
        for line in lines {
            self.session.line(&plain(line.text), &mut found);
        }
        Ok(found)
    }

    fn finish(&mut self, exit: Option<i32>) -> Result<Vec<Annotation>, Stop> {
        let mut found = Vec::new();
        self.session.finish(exit, &mut found);
        Ok(found)
    }
}

/// A line without what is for terminals: of one that was written again and again, what it said in the end.
fn plain(line: &str) -> Cow<'_, str> {
    if memchr::memchr2(b'\x1b', b'\r', line.as_bytes()).is_none() {
        return Cow::Borrowed(line);
    }
    let (mut filter, mut shown) = (TerminalFilter::new(FilterOptions::default()), Vec::with_capacity(line.len()));
    filter.push(line.as_bytes(), &mut shown);
    filter.finish(&mut shown);
    let mut shown = String::from_utf8_lossy(&shown).into_owned();
    shown.truncate(shown.trim_end_matches('\n').len());
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_without_its_colours() {
        assert_eq!(
            plain("\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: \u{1b}]8;;file:///x\u{1b}\\x\u{1b}]8;;\u{1b}\\"),
            "error: x"
        );
        assert_eq!(plain("10%\r100%"), "100%");
        assert!(matches!(plain("error: x"), Cow::Borrowed("error: x")));
    }
}
