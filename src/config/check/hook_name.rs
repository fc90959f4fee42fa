//! That git has such hooks.

use toml::Spanned;

use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::nearest::nearest;
use crate::config::visible::visible_line;
use crate::pipeline::hook::NAMES;

/// That git has a hook of this name.
pub(super) fn check(name: &Spanned<String>, faults: &mut FaultList) {
    let text = name.get_ref().as_str();
    if NAMES.contains(&text) {
        return;
    }
    let message = format!("`{}` is not a git hook", visible_line(text));
    let fault = Fault::new(Code::UnknownHook, message, name.span(), "here");
    faults.push(match nearest(text, NAMES.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("for example: pre-push, pre-commit, commit-msg"),
    });
}
