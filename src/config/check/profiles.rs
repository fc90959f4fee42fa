//! `[profiles.NAME]`: that what they name is there.

use std::collections::BTreeMap;

use toml::Spanned;

use super::matrix::Layout;
use super::stage::Stages;
use super::{globs, needs};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::glob::name_matcher;
use crate::config::nearest::nearest;
use crate::config::schema::Document;
use crate::config::visible::visible_line;
use crate::pipeline::Profile;

/// Checks the profiles.
pub(super) fn check(
    document: &Document,
    layout: &Layout<'_>,
    stages: &Stages,
    faults: &mut FaultList,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, Profile> {
    let mut profiles = BTreeMap::new();
    for (key, profile) in &document.profiles.0 {
        for name in profile.stages.iter().chain(&profile.skip) {
            check_name(name, Named::Profile, document, layout, faults);
        }
        for tag in &profile.tags {
            if !stages.values().any(|stage| stage.tags.contains(tag.get_ref())) {
                let (profile, tag) = (visible_line(key.get_ref()), visible_line(tag.get_ref()));
                warnings.push(format!("profile `{profile}` has the tag `{tag}`, which no stage has"));
            }
        }
        let texts = |names: &[Spanned<String>]| names.iter().map(|name| name.get_ref().clone()).collect();
        profiles.insert(
            key.get_ref().clone(),
            Profile {
                description: profile.description.clone(),
                stages: texts(&profile.stages),
                tags: texts(&profile.tags),
                skip: texts(&profile.skip),
            },
        );
    }
    profiles
}

/// What it is that names stages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named {
    Profile,
    Hook,
}

/// That a name is one of a stage, or a glob that matches some.
pub(super) fn check_name(
    name: &Spanned<String>,
    by: Named,
    document: &Document,
    layout: &Layout<'_>,
    faults: &mut FaultList,
) {
    let text = name.get_ref().as_str();
    if layout.is_open || layout.names.contains_key(text) || layout.excused.contains(text) {
        return;
    }
    let message = if globs::is_glob(text) {
        let glob = match name_matcher(text) {
            Ok(glob) => glob,
            Err(why) => return faults.push(globs::bad(name, &why)),
        };
        if layout.names.keys().chain(&layout.excused).any(|name| glob.is_match(name)) {
            return;
        }
        format!("no stage matches `{}`", visible_line(text))
    } else {
        format!("there is no stage `{}`", visible_line(text))
    };
    let code = match by {
        Named::Profile => Code::ProfileStage,
        Named::Hook => Code::HookStage,
    };
    let fault = Fault::new(code, message, name.span(), "matches no stage");
    let near = if faults.may_compare(layout.names.len()) {
        nearest(text, layout.names.keys().map(String::as_str))
    } else {
        None
    };
    faults.push(match near {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(needs::stage_list(document)),
    });
}
