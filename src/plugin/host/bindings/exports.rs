//! What a component exports: found once, checked against the contract's types at each instantiation, called.

use wasmtime::component::{Func, Instance, InstancePre, ResourceAny};
use wasmtime::error::Context as _;
use wasmtime::{Result, Store};

use super::convert;
use super::generated::exports::local_ci::plugin::{about, expander, parser, reporter, stage};
use super::generated::local_ci::plugin::types;
use crate::event::Annotation;
use crate::pipeline::plugin::Generated;
use crate::plugin::fault::FaultKind;
use crate::plugin::host::state::State;
use crate::plugin::info::{Context, Info, Notification, Role, StageEnd};
use crate::plugin::services::Printed;

/// The interface of parsers, and its function that takes lines.
const PARSER: &str = "local-ci:plugin/parser@0.1.0";
const FEED: &str = "[method]session.feed";

/// What `feed` gives back.
type Found = std::result::Result<Vec<types::Annotation>, types::Problem>;

/// What a guest answers: what was asked for, or a problem of its own.
type Answer<T> = Result<Result<T, FaultKind>>;

/// Where the exports are. Of a role that it does not have, none.
pub(in super::super) struct Exports {
    about: about::GuestIndices,
    stage: Option<stage::GuestIndices>,
    parser: Option<parser::GuestIndices>,
    expander: Option<expander::GuestIndices>,
    reporter: Option<reporter::GuestIndices>,
}

impl Exports {
    /// Of these roles. Fails where one has not all that belongs to it.
    pub(in super::super) fn find(pre: &InstancePre<State>, roles: &[Role]) -> Result<Self> {
        let has = |role| roles.contains(&role);
        Ok(Self {
            about: about::GuestIndices::new(pre)?,
            stage: has(Role::Stage).then(|| stage::GuestIndices::new(pre)).transpose()?,
            parser: has(Role::Parser).then(|| parser::GuestIndices::new(pre)).transpose()?,
            expander: has(Role::Expander).then(|| expander::GuestIndices::new(pre)).transpose()?,
            reporter: has(Role::Reporter).then(|| reporter::GuestIndices::new(pre)).transpose()?,
        })
    }

    /// Fails where any of the exports has other types than the contract says. Runs nothing.
    pub(in super::super) fn check(&self, store: &mut Store<State>, instance: &Instance) -> Result<()> {
        self.about.load(&mut *store, instance).context("its export `about`")?;
        let stage = self.stage.as_ref().map(|stage| stage.load(&mut *store, instance)).transpose();
        stage.context("its export `stage`")?;
        let parser = self.parser.as_ref().map(|parser| parser.load(&mut *store, instance)).transpose();
        parser.context("its export `parser`")?;
        let expander = self.expander.as_ref().map(|expander| expander.load(&mut *store, instance)).transpose();
        expander.context("its export `expander`")?;
        let reporter = self.reporter.as_ref().map(|reporter| reporter.load(&mut *store, instance)).transpose();
        reporter.context("its export `reporter`")?;
        Ok(())
    }

    pub(in super::super) fn describe(&self, store: &mut Store<State>, instance: &Instance) -> Answer<Info> {
        let about = self.about.load(&mut *store, instance)?;
        Ok(convert::info(about.call_describe(store)?))
    }

    pub(in super::super) fn run_stage(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        kind: &str,
        context: &Context,
    ) -> Answer<StageEnd> {
        let stage = required(self.stage.as_ref(), "stage")?.load(&mut *store, instance)?;
        let answer = stage.call_run(store, kind, &convert::context(context))?;
        Ok(answer.map(convert::stage_end).map_err(convert::problem))
    }

    pub(in super::super) fn expand(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        kind: &str,
        context: &Context,
    ) -> Answer<Vec<Generated>> {
        let expander = required(self.expander.as_ref(), "expander")?.load(&mut *store, instance)?;
        let answer = expander.call_expand(store, kind, &convert::context(context))?;
        Ok(answer.map(|specs| specs.into_iter().map(convert::generated).collect()).map_err(convert::problem))
    }

    pub(in super::super) fn notify(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        batch: &[Notification],
    ) -> Answer<()> {
        let reporter = required(self.reporter.as_ref(), "reporter")?.load(&mut *store, instance)?;
        let batch: Vec<_> = batch.iter().map(convert::event).collect();
        Ok(reporter.call_notify(store, &batch)?.map_err(convert::problem))
    }

    /// Begins a session of this parser.
    pub(in super::super) fn session(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        name: &str,
        context: &Context,
    ) -> Result<Session> {
        let guest = required(self.parser.as_ref(), "parser")?.load(&mut *store, instance)?;
        let interface = instance.get_export_index(&mut *store, None, PARSER);
        let feed = interface.and_then(|interface| instance.get_export_index(&mut *store, Some(&interface), FEED));
        let feed = feed.and_then(|feed| instance.get_func(&mut *store, feed));
        let feed = feed.ok_or_else(|| wasmtime::format_err!("its export `parser` has no `{FEED}`"))?;
        let handle = guest.session().call_constructor(store, name, &convert::context(context))?;
        Ok(Session { guest, feed, handle })
    }
}

fn required<'a, T>(indices: Option<&'a T>, role: &str) -> Result<&'a T> {
    indices.ok_or_else(|| wasmtime::format_err!("it has no role `{role}`"))
}

/// A parser that reads.
pub(in super::super) struct Session {
    guest: parser::Guest,
    /// The guest's `feed`, which is called with lines that it does not own.
    feed: Func,
    handle: ResourceAny,
}

impl Session {
    pub(in super::super) fn feed(&self, store: &mut Store<State>, lines: &[Printed<'_>]) -> Answer<Vec<Annotation>> {
        let lines: Vec<_> = lines.iter().map(convert::lent).collect();
        let feed = self.feed.typed::<(ResourceAny, &[convert::Lent<'_>]), (Found,)>(&*store)?;
        let (answer,) = feed.call(store, (self.handle, lines.as_slice()))?;
        Ok(answer.map(annotations).map_err(convert::problem))
    }

    pub(in super::super) fn finish(&self, store: &mut Store<State>, exit: Option<i32>) -> Answer<Vec<Annotation>> {
        let answer = self.guest.session().call_finish(store, self.handle, exit)?;
        Ok(answer.map(annotations).map_err(convert::problem))
    }
}

fn annotations(items: Vec<types::Annotation>) -> Vec<Annotation> {
    items.into_iter().map(convert::annotation).collect()
}
