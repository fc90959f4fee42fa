//! That globs are globs.

use globset::{Glob, GlobBuilder, GlobMatcher};
use toml::Spanned;

use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::visible::visible_line;

/// A glob of paths, in which `*` stops at `/`.
pub(super) fn path(text: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(text).literal_separator(true).build()
}

/// A glob of stage names.
pub(super) fn name(text: &str) -> Option<GlobMatcher> {
    Glob::new(text).ok().map(|glob| glob.compile_matcher())
}

/// Whether a name is meant as a glob.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Checks globs and gives them as texts. A leading `!` takes what the rest matches out again.
pub(super) fn check(globs: &[Spanned<String>], faults: &mut FaultList) -> Vec<String> {
    for glob in globs {
        let text = glob.get_ref().as_str();
        let pattern = text.strip_prefix('!').unwrap_or(text);
        if pattern.is_empty() {
            let fault = Fault::new(Code::BadGlob, "this glob is empty", glob.span(), "here");
            faults.push(fault.help("for example: \"src/**/*.rs\""));
        } else if let Err(error) = path(pattern) {
            faults.push(bad(glob, &error));
        }
    }
    globs.iter().map(|glob| glob.get_ref().clone()).collect()
}

/// The fault of a glob that is none.
pub(super) fn bad(glob: &Spanned<String>, error: &globset::Error) -> Fault {
    let text = format!("`{}` is not a glob: {}", visible_line(glob.get_ref()), error.kind());
    Fault::new(Code::BadGlob, text, glob.span(), "here")
        .help("put [brackets] around a special character to mean itself")
}
