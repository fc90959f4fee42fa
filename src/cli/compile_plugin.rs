//! `local-ci compile-plugin FILE`, which nobody types: the child of ours that compiles a plugin. It reads the component from its
//! stdin and writes what comes of it to a file that is not there yet.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::{Ending, output};
use crate::outcome::exit;
use crate::plugin::host;

/// Does it, where the command line says so. What was wrong is said on stderr, as the rest of a sentence.
pub(super) fn callback(arguments: &[OsString]) -> Option<Ending> {
    let [_, command, file] = arguments else { return None };
    let file = Path::new(file);
    // A stage of that name is reached with others, or as `run compile-plugin`.
    if command != host::COMMAND || !file.is_absolute() {
        return None;
    }
    Some(match host::compile_here(io::stdin().lock(), file) {
        Ok(()) => Ending::Code(exit::PASSED),
        Err(why) => {
            output::say(&why);
            Ending::Code(exit::INFRASTRUCTURE)
        }
    })
}
