//! That globs are globs.

use std::path::{Component, Path};

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

/// The same for globs of files that are brought from one machine to another, which are below the project's directory.
pub(super) fn check_inside(globs: &[Spanned<String>], faults: &mut FaultList) -> Vec<String> {
    let is_inside = |pattern: &str| {
        let path = pattern.strip_prefix("./").unwrap_or(pattern).trim_end_matches('/');
        !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
    };
    for given in globs {
        let text = given.get_ref().as_str();
        let pattern = text.strip_prefix('!').unwrap_or(text);
        if !pattern.is_empty() && !is_inside(pattern) {
            let said = format!("`{}` does not name files below the project's directory", visible_line(text));
            let fault = Fault::new(Code::BadGlob, said, given.span(), "here");
            faults.push(fault.help("give a path relative to the project's directory, such as \"dist/**\""));
        }
    }
    check(globs, faults)
}

/// The fault of a glob that is none.
pub(super) fn bad(glob: &Spanned<String>, why: &str) -> Fault {
    let text = format!("`{}` is not a glob: {}", visible_line(glob.get_ref()), visible_line(why));
    Fault::new(Code::BadGlob, text, glob.span(), "here")
        .help("put [brackets] around a special character to mean itself")
}
