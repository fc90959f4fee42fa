//! `[remotes.NAME]`: whom they mean, and that ssh, tmux and a shell take every part of it for what it is.

use std::collections::BTreeMap;

use toml::Spanned;

use super::{environment, globs};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::schema;
use crate::config::value::scalar::{Pairs, Scalar};
use crate::config::visible::visible_line;
use crate::pipeline::remote::{self, Destination, Remote};

/// Checks the remotes of one file, or of several as one. Those that are excused have a host that could not be read.
pub(in crate::config) fn check(
    remotes: &Pairs<schema::Remote>,
    excused: impl Fn(&str) -> bool,
    faults: &mut FaultList,
) -> BTreeMap<String, Remote> {
    let checked = remotes.0.iter().filter_map(|(name, written)| {
        if let Err(why) = remote::check_name(name.get_ref()) {
            faults.push(bad(name, format!("the name of a remote {why}: `{}`", visible_line(name.get_ref()))));
        }
        let is_excused = written.host.is_none() && excused(name.get_ref());
        let destination = if is_excused { None } else { destination(name, written, faults) };
        let remote = one(name, written, faults);
        Some((name.get_ref().clone(), Remote { destination: destination?, ..remote }))
    });
    checked.collect()
}

fn bad(value: &Spanned<String>, message: impl Into<String>) -> Fault {
    Fault::new(Code::BadRemote, message, value.span(), "here")
}

/// One of them, but for whom it means.
fn one(name: &Spanned<String>, written: &schema::Remote, faults: &mut FaultList) -> Remote {
    let nobody = Destination { user: None, host: String::new(), port: None };
    let mut checked = Remote::new(name.get_ref(), nobody);
    if let Some(session) = &written.session {
        if let Err(why) = remote::check_session(session.get_ref()) {
            faults.push(bad(session, format!("`session` {why}")));
        }
        checked.session.clone_from(session.get_ref());
    }
    if let Some(dir) = &written.dir {
        if let Err(why) = remote::check_dir(dir.get_ref()) {
            faults.push(bad(dir, format!("`dir` of a remote {why}")));
        }
        checked.dir = Some(dir.get_ref().clone());
    }
    if let Some(sync) = &written.sync {
        checked.sync = sync.mode;
        checked.include = globs::check_inside(&sync.include, faults);
    }
    for (name, value) in &written.env.0 {
        let Scalar(text) = value.get_ref();
        environment::check(name, text, &name.span(), faults);
        checked.env.insert(name.get_ref().clone(), text.clone());
    }
    if let Some(timeout) = &written.timeout {
        if timeout.get_ref().0.is_zero() {
            let fault =
                Fault::new(Code::BadDuration, "`timeout` leaves no time at all: it is zero", timeout.span(), "here");
            faults.push(fault.help("for example: timeout = \"30s\""));
        }
        checked.timeout = timeout.get_ref().0;
    }
    if let Some(give_up) = written.give_up {
        checked.give_up = give_up.0;
    }
    checked.slots = written.slots.map(Into::into);
    checked.description.clone_from(&written.description);
    checked
}

fn destination(name: &Spanned<String>, written: &schema::Remote, faults: &mut FaultList) -> Option<Destination> {
    let Some(host) = &written.host else {
        let text = format!("remote `{}` does not say whom to connect to", visible_line(name.get_ref()));
        faults.push(bad(name, text).help("for example: host = \"build.example.invalid\""));
        return None;
    };
    let user = written.user.as_ref().filter(|user| match Destination::check_user(user.get_ref()) {
        Ok(()) => true,
        Err(why) => {
            faults.push(bad(user, format!("`user` {why}")));
            false
        }
    });
    match Destination::parse(host.get_ref()) {
        Ok(destination) => Some(Destination {
            user: user.map(|user| user.get_ref().clone()).or(destination.user),
            port: written.port.map(Into::into).or(destination.port),
            ..destination
        }),
        Err(why) => {
            let fault = bad(host, format!("`host` {why}"));
            faults.push(
                fault.help("a host is written as [user@]host[:port], such as host = \"build.example.invalid:2222\""),
            );
            None
        }
    }
}
