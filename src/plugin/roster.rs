//! The plugins of a run, each found where it was verified, verified again, and loaded when it is first needed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::authority::Authority;
use super::fault::{Fault, FaultKind};
use super::granted::{Granted, Surroundings};
use super::guests::{Around, Guests, Listener, Parser};
use super::host::{self, Call, Component, Host};
use super::info::{Context, Notification, StageEnd};
use super::services::Printed;
use super::store;
use super::turn::Turn;
use crate::cancel::CancelToken;
use crate::clock::SystemClock;
use crate::event::Annotation;
use crate::pipeline::plugin::{ParserUse, Ready, Use};

/// A plugin, and what came of loading it.
struct Entry {
    ready: Ready,
    /// Of who loads it.
    turn: Turn,
    component: OnceLock<Result<Component, Fault>>,
}

/// Where plugins are at work.
#[derive(Clone, Debug)]
pub struct Workplace {
    /// The project's directory, absolute.
    pub root: PathBuf,
    /// Directories of our own, in which nobody writes.
    pub ours: Vec<PathBuf>,
    /// Whether what they say for who looks for a fault in them is wanted.
    pub verbose: bool,
}

/// The plugins of a run, by name.
pub struct Roster {
    host: Host,
    place: Workplace,
    entries: BTreeMap<String, Entry>,
}

impl Roster {
    /// These plugins, at work there.
    pub fn new(host: Host, plugins: BTreeMap<String, Ready>, place: Workplace) -> Self {
        let entry = |ready: Ready| Entry { ready, turn: Turn::default(), component: OnceLock::new() };
        let entries = plugins.into_iter().map(|(name, ready)| (name, entry(ready))).collect();
        Self { host, place, entries }
    }

    /// A plugin's component, and what a call of it needs.
    fn call(&self, name: &str, around: Around) -> Result<(Component, Call), Fault> {
        let unknown = || Fault::new(name, FaultKind::Unable("is not among this run's plugins".into()));
        let entry = self.entries.get(name).ok_or_else(unknown)?;
        let component = self.component(entry, &around.cancel)?;
        let authority = Authority::of(&entry.ready).map_err(|why| Fault::new(name, FaultKind::Unable(why)))?;
        let Around { env, cancel, log, annotate, commands } = around;
        let surroundings = Surroundings {
            root: self.place.root.clone(),
            ours: self.place.ours.iter().chain(&entry.ready.plugin.files).cloned().collect(),
            env,
            settings: entry.ready.plugin.config.clone(),
            clock: Arc::new(SystemClock),
            cancel: cancel.clone(),
            verbose: self.place.verbose,
            log,
            annotate,
            commands,
        };
        let services = Box::new(Granted::new(authority, surroundings));
        Ok((component, Call { services, limits: Some(entry.ready.plugin.limits), cancel }))
    }

    /// The component, loaded by who comes first while others wait. Of who was asked to end meanwhile nothing stays: the next
    /// begins anew.
    fn component(&self, entry: &Entry, cancel: &CancelToken) -> Result<Component, Fault> {
        let cancelled = || Fault::new(&entry.ready.plugin.name, FaultKind::Cancelled);
        if entry.component.get().is_none() {
            let _turn = entry.turn.take(cancel).ok_or_else(cancelled)?;
            if entry.component.get().is_none() {
                let loaded = self.load(&entry.ready, cancel);
                if !matches!(&loaded, Err(Fault { kind: FaultKind::Cancelled, .. })) {
                    let _ = entry.component.set(loaded);
                }
            }
        }
        entry.component.get().cloned().unwrap_or_else(|| Err(cancelled()))
    }

    /// What is run is what was verified.
    fn load(&self, ready: &Ready, cancel: &CancelToken) -> Result<Component, Fault> {
        let (name, file) = (&ready.plugin.name, ready.component.display());
        let unable = |why: String| Fault::new(name, FaultKind::Unable(why));
        let bytes =
            store::read(&ready.component).map_err(|error| unable(format!("cannot be read from {file}: {error}")))?;
        if blake3::hash(&bytes).to_hex().as_str() != ready.hash {
            return Err(unable(format!(
                "is not what it was when this run was planned: {file} has changed since; run it again"
            )));
        }
        self.host.load_unless(cancel, name, &bytes)
    }
}

impl Guests for Roster {
    fn stage(&self, used: &Use, around: Around, context: &Context) -> Result<StageEnd, Fault> {
        let (component, call) = self.call(&used.plugin, around)?;
        component.run_stage(call, &used.kind, context)
    }

    fn parser(&self, used: &ParserUse, around: Around, context: &Context) -> Result<Box<dyn Parser>, Fault> {
        let (component, call) = self.call(&used.plugin, around)?;
        Ok(Box::new(component.parser(call, &used.parser, context)?))
    }

    fn reporter(&self, plugin: &str, around: Around) -> Result<Box<dyn Listener>, Fault> {
        let (component, call) = self.call(plugin, around)?;
        Ok(Box::new(component.reporter(call)?))
    }

    fn wanted(&self, plugin: &str) -> Vec<String> {
        self.entries.get(plugin).map(|entry| entry.ready.events.clone()).unwrap_or_default()
    }

    fn root(&self) -> PathBuf {
        self.place.root.clone()
    }
}

impl Parser for host::Parser {
    fn feed(&mut self, lines: &[Printed<'_>]) -> Result<Vec<Annotation>, Fault> {
        host::Parser::feed(self, lines)
    }

    fn finish(&mut self, exit: Option<i32>) -> Result<Vec<Annotation>, Fault> {
        host::Parser::finish(self, exit)
    }
}

impl Listener for host::Reporter {
    fn notify(&mut self, batch: &[Notification]) -> Result<(), Fault> {
        host::Reporter::notify(self, batch)
    }
}
