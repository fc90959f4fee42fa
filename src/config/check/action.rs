//! What a stage does: a command, or what it uses of a plugin.

use std::collections::HashSet;

use toml::Spanned;

use super::abilities::{Chosen, Plugins, Wanted};
use super::matrix::{Cell, Declared};
use super::{command, settings};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::schema;
use crate::config::value::written::Settings;
use crate::config::visible::visible_line;
use crate::pipeline::plugin::Use;
use crate::pipeline::{Action, Command, Stage};

/// What a stage does, for all its cells.
pub(super) enum Doing<'d> {
    Run(Command),
    Use(Uses<'d>),
}

/// What a stage uses of a plugin.
pub(super) struct Uses<'d> {
    chosen: Chosen,
    asked: &'d Spanned<String>,
    with: Option<&'d Spanned<Settings>>,
    /// The settings of cells that were checked; none are any more, once some did not fit.
    checked: Option<HashSet<String>>,
}

/// What a stage does; nothing where that cannot be said, which is a fault.
pub(super) fn action<'d>(
    declared: &Declared<'d>,
    shell: &[String],
    plugins: &mut Plugins<'_, '_>,
    faults: &mut FaultList,
) -> Option<Doing<'d>> {
    let stage = declared.stage;
    let name = visible_line(declared.key.get_ref());
    if let (Some(with), None) = (&stage.with, &stage.uses) {
        let fault = Fault::new(Code::UnusedWith, "`with` is only for a stage with `uses`", with.span(), "here");
        faults.push(fault.help("take it away, or say which plugin it is for with `uses`"));
    }
    match (&stage.run, &stage.uses) {
        (Some(run), Some(uses)) => {
            let text = format!("stage `{name}` has both `run` and `uses`");
            let fault = Fault::new(Code::TwoActions, text, run.span(), "a command");
            faults.push(fault.and(uses.span(), "and a plugin").help("keep one of them"));
            None
        }
        (Some(run), None) => command::command("run", run, shell, declared, faults).map(Doing::Run),
        (None, Some(uses)) => {
            for (text, span) in stage.with.iter().flat_map(|with| with.get_ref().texts()) {
                command::text(text, "with", &span, &declared.variables, faults);
            }
            check_keys(stage, &name, uses, faults);
            let chosen = plugins.choose(Wanted::Stage, uses, faults)?;
            Some(Doing::Use(Uses { chosen, asked: uses, with: stage.with.as_ref(), checked: Some(HashSet::new()) }))
        }
        (None, None) => {
            if !stage.spoilt {
                let text = format!("stage `{name}` has neither `run` nor `uses`");
                let fault = Fault::new(Code::NoAction, text, declared.key.span(), "nothing to do");
                faults.push(fault.help("say what it does: run = \"cargo test\""));
            }
            None
        }
    }
}

/// Refuses what would mean something to a command only.
fn check_keys(stage: &schema::Stage, name: &str, uses: &Spanned<String>, faults: &mut FaultList) {
    let is_on = |key: &Option<Spanned<bool>>| key.as_ref().filter(|on| *on.get_ref()).map(Spanned::span);
    // A command that mends what the plugin finds has a shell.
    let shell = stage.shell.as_ref().filter(|_| stage.fix.is_none()).map(Spanned::span);
    let keys = [("interactive", is_on(&stage.interactive)), ("pty", is_on(&stage.pty)), ("shell", shell)];
    for (key, span) in keys.into_iter().filter_map(|(key, span)| Some((key, span?))) {
        let text = format!("stage `{name}` has `{key}`, which means nothing to a plugin");
        let fault = Fault::new(Code::NotForPlugins, text, span, "for commands alone");
        faults.push(fault.and(uses.span(), "and this is a plugin").help("take it away"));
    }
}

impl Uses<'_> {
    /// Fills in what a cell of the stage does, and checks that its settings fit.
    pub(super) fn settle(
        &mut self,
        stage: &mut Stage,
        cell: &Cell,
        plugins: &mut Plugins<'_, '_>,
        faults: &mut FaultList,
    ) {
        let fill = |text: &str| command::fill(text, &cell.values);
        let params = self.with.map_or_else(|| "{}".to_owned(), |with| with.get_ref().json(&fill));
        let Chosen { plugin, kind } = &self.chosen;
        if let (Some(schema), Some(checked)) = (&kind.params, &mut self.checked)
            && checked.insert(params.clone())
        {
            let given = settings::Given {
                plugin,
                what: "with",
                settings: self.with,
                json: &params,
                place: self.asked.span(),
                described: plugins.place(plugin),
            };
            if !settings::check(&given, schema, &mut plugins.judge, faults) {
                self.checked = None;
            }
        }
        let used = Use { plugin: plugin.clone(), kind: kind.name.clone(), params, fix: false };
        if kind.fixes && stage.fix.is_none() {
            stage.fix = Some(Command::Plugin(Use { fix: true, ..used.clone() }));
        }
        stage.action = Action::Use(used);
    }
}
