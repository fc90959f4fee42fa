//! That globs are globs.

use toml::Spanned;

use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::glob;
use crate::config::visible::visible_line;

/// Whether a name is meant as a glob.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Checks globs and gives them as texts. A leading `!` takes what the rest matches out again.
pub(super) fn check(globs: &[Spanned<String>], faults: &mut FaultList) -> Vec<String> {
    for given in globs {
        let text = given.get_ref().as_str();
        let pattern = text.strip_prefix('!').unwrap_or(text);
        if pattern.is_empty() {
            let fault = Fault::new(Code::BadGlob, "this glob is empty", given.span(), "here");
            faults.push(fault.help("for example: \"src/**/*.rs\""));
        } else if let Err(why) = glob::path(pattern) {
            faults.push(bad(given, &why));
        }
    }
    globs.iter().map(|glob| glob.get_ref().clone()).collect()
}

/// The fault of a glob that is none.
pub(super) fn bad(glob: &Spanned<String>, why: &str) -> Fault {
    let text = format!("`{}` is not a glob: {}", visible_line(glob.get_ref()), visible_line(why));
    Fault::new(Code::BadGlob, text, glob.span(), "here")
        .help("put [brackets] around a special character to mean itself")
}
