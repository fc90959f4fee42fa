//! `[hooks]`: that git has such hooks, and that what they name is there.

use toml::Spanned;

use super::matrix::Layout;
use super::profiles::{Named, check_name};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::nearest::nearest;
use crate::config::schema::Document;
use crate::config::visible::visible_line;
use crate::pipeline::hook::{Hook, Hooks, NAMES};

/// Checks the hooks.
pub(super) fn check(document: &Document, layout: &Layout<'_>, faults: &mut FaultList) -> Hooks {
    let mut hooks = Hooks { tree: document.hooks.tree, hooks: Vec::new() };
    for (name, given) in &document.hooks.hooks {
        check_hook(name, faults);
        let hook = given.get_ref();
        for stage in hook.stages.iter().flatten() {
            check_name(stage, Named::Hook, document, layout, faults);
        }
        if hook.stages.as_ref().is_some_and(Vec::is_empty) && hook.profile.is_none() {
            let text = format!("the hook `{}` names no stage", visible_line(name.get_ref()));
            let fault = Fault::new(Code::HookStage, text, given.span(), "here");
            faults.push(fault.help("name some, or take the line out: then the stages run that run when none is named"));
        }
        if let Some(profile) = &hook.profile {
            check_profile(profile, document, faults);
        }
        let stages = hook.stages.iter().flatten().map(|stage| stage.get_ref().clone()).collect();
        let profile = hook.profile.as_ref().map(|profile| profile.get_ref().clone());
        hooks.hooks.push((name.get_ref().clone(), Hook { stages, profile, tree: hook.tree }));
    }
    hooks
}

/// That git has a hook of this name.
pub(super) fn check_hook(name: &Spanned<String>, faults: &mut FaultList) {
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

fn check_profile(profile: &Spanned<String>, document: &Document, faults: &mut FaultList) {
    let known = || document.profiles.0.iter().map(|(name, _)| name.get_ref().as_str());
    let text = profile.get_ref().as_str();
    if known().any(|name| name == text) {
        return;
    }
    let message = format!("there is no profile `{}`", visible_line(text));
    let fault = Fault::new(Code::HookStage, message, profile.span(), "not in [profiles]");
    faults.push(match nearest(text, known()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("define it as [profiles.{}]", visible_line(text))),
    });
}
