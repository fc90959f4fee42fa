//! From bytes to something that can be asked: out of the cache, or compiled first.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use wasmtime::Engine;

use super::bindings::{Exports, linker};
use super::cache::{Cache, Slot};
use super::compile::Compiler;
use super::engine;
use super::guest::{Code, Guest};
use super::nothing::Nothing;
use super::state::Call;
use super::stop;
use super::ticker::Ticker;
use crate::cancel::CancelToken;
use crate::plugin::component::{Shape, inspect};
use crate::plugin::fault::{Fault, FaultKind};
use crate::plugin::info::{Info, Role};
use crate::plugin::turn::Turn;
use crate::process::{load_component, load_component_bytes};
use crate::text::plain::printable;

/// Loads and runs components. Clones are the same host. Nothing of WebAssembly happens before the first is loaded.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    cache: Option<PathBuf>,
    compiler: Compiler,
    started: OnceLock<Result<Started, FaultKind>>,
    /// Of who makes one ready.
    turn: Turn,
    /// What was loaded, by its hash: a stage, a parser and a reporter of one plugin share it.
    loaded: Mutex<HashMap<blake3::Hash, Arc<Loaded>>>,
}

/// What a host has once it was needed.
struct Started {
    engine: Engine,
    ticker: Arc<Ticker>,
    cache: Option<Cache>,
    complaint: Option<String>,
}

/// A component that was loaded, whatever it is called.
struct Loaded {
    shape: Shape,
    code: Arc<Code>,
    info: OnceLock<Result<Info, FaultKind>>,
    slot: Option<Slot>,
}

impl Host {
    /// A host that keeps what it compiled below this directory, the program's cache; without one it compiles whenever it must.
    pub fn new(cache: Option<PathBuf>, compiler: Compiler) -> Self {
        let (started, turn, loaded) = (OnceLock::new(), Turn::default(), Mutex::default());
        Self(Arc::new(Inner { cache, compiler, started, turn, loaded }))
    }

    fn started(&self) -> Result<&Started, FaultKind> {
        let started = self.0.started.get_or_init(|| {
            let engine = engine::engine().map_err(|error| {
                FaultKind::Unable(format!("cannot be run on this machine: {}", stop::short(&error.to_string())))
            })?;
            let opened = self.0.cache.as_deref().map(|root| Cache::open(root, &engine)).transpose();
            let (cache, complaint) = match opened {
                Ok(cache) => (cache, None),
                Err(complaint) => (None, Some(complaint)),
            };
            Ok(Started { ticker: Arc::new(Ticker::new(engine.clone())), engine, cache, complaint })
        });
        started.as_ref().map_err(Clone::clone)
    }

    /// Why nothing that was compiled is kept, as a sentence, once something was loaded.
    pub fn complaint(&self) -> Option<&str> {
        self.0.started.get()?.as_ref().ok()?.complaint.as_deref()
    }

    /// Makes a component of these bytes ready, which must be what was verified. `name` is what it is called in `[plugins]`.
    pub fn load(&self, name: &str, bytes: &[u8]) -> Result<Component, Fault> {
        self.load_unless(&CancelToken::new(), name, bytes)
    }

    /// The same for who may be asked to end meanwhile: that ends it soon, whatever it waits for, and leaves nothing half-made.
    pub fn load_unless(&self, cancel: &CancelToken, name: &str, bytes: &[u8]) -> Result<Component, Fault> {
        let hash = blake3::hash(bytes);
        // Whoever comes meanwhile waits, and has it then.
        let _turn = self.0.turn.take(cancel).ok_or_else(|| Fault::new(name, FaultKind::Cancelled))?;
        let known = self.loaded().get(&hash).map(Arc::clone);
        let loaded = match known {
            Some(loaded) => loaded,
            None => {
                let loaded = Arc::new(self.make(hash, bytes, cancel).map_err(|kind| Fault::new(name, kind))?);
                self.loaded().insert(hash, Arc::clone(&loaded));
                loaded
            }
        };
        Ok(Component { name: name.into(), loaded })
    }

    fn loaded(&self) -> MutexGuard<'_, HashMap<blake3::Hash, Arc<Loaded>>> {
        self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self, hash: blake3::Hash, bytes: &[u8], cancel: &CancelToken) -> Result<Loaded, FaultKind> {
        let started = self.started()?;
        let slot = started.cache.as_ref().map(|cache| cache.slot(&hash.to_hex()));
        let (component, shape, info) = match slot.as_ref().and_then(|slot| kept(&started.engine, slot)) {
            Some(kept) => kept,
            None => self.compiled(started, slot.as_ref(), bytes, cancel)?,
        };
        let code = link(started, &component, &shape).map_err(|error| stop::misfit(&error, &shape.api))?;
        let known = OnceLock::new();
        if let Some(info) = info {
            let _ = known.set(Ok(info));
        }
        Ok(Loaded { shape, code: Arc::new(code), info: known, slot })
    }

    fn compiled(
        &self,
        started: &Started,
        slot: Option<&Slot>,
        bytes: &[u8],
        cancel: &CancelToken,
    ) -> Result<Ready, FaultKind> {
        let (engine, compiler) = (&started.engine, &self.0.compiler);
        let shape = inspect(bytes).map_err(FaultKind::Malformed)?;
        // Who does not compile does not wait for who does, either.
        if let Some(slot) = slot
            && !matches!(compiler, Compiler::Nobody)
            && let Ok(lock) = slot.lock(cancel)
        {
            let _lock = lock.ok_or(FaultKind::Cancelled)?;
            // Another process may have done it while this one waited.
            if let Some(kept) = kept(engine, slot) {
                return Ok(kept);
            }
            slot.fill(shape.clone(), |file| compiler.to_file(engine, bytes, file, cancel))?;
            if let Some(kept) = kept(engine, slot) {
                return Ok(kept);
            }
        }
        let code = compiler.to_memory(engine, bytes, cancel)?;
        let component = load_component_bytes(engine, &code);
        let unfit = |error| FaultKind::NotCompiled(format!("was compiled, but cannot be loaded: {error:#}"));
        let component = component.map_err(unfit)?;
        Ok((component, shape, None))
    }
}

type Ready = (wasmtime::component::Component, Shape, Option<Info>);

/// What is kept in this place, where it can be loaded.
fn kept(engine: &Engine, slot: &Slot) -> Option<Ready> {
    let (file, note) = slot.find()?;
    let component = load_component(engine, &file).ok()?;
    Some((component, note.shape, note.info))
}

fn link(started: &Started, component: &wasmtime::component::Component, shape: &Shape) -> wasmtime::Result<Code> {
    let pre = linker(&started.engine, component)?.instantiate_pre(component)?;
    let exports = Exports::find(&pre, &shape.roles)?;
    Ok(Code { pre, exports, ticker: Arc::clone(&started.ticker) })
}

/// A component that can be asked. Clones are the same.
#[derive(Clone)]
pub struct Component {
    name: Arc<str>,
    loaded: Arc<Loaded>,
}

impl Component {
    /// What it is called in `[plugins]`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it can be, sorted.
    pub fn roles(&self) -> &[Role] {
        &self.loaded.shape.roles
    }

    /// What it imports: see [`Shape::imports`].
    pub fn imports(&self) -> &[String] {
        &self.loaded.shape.imports
    }

    /// What it is, as read without running it.
    pub fn shape(&self) -> &Shape {
        &self.loaded.shape
    }

    /// What it says of itself, with nothing granted. Asked once, and kept beside the compiled code: the answer is always the
    /// same. Also checks that all of its roles have the contract's types.
    pub fn describe(&self) -> Result<Info, Fault> {
        let info = self.loaded.info.get_or_init(|| {
            let info = self.ask_about().map_err(|fault| fault.kind)?;
            if let Some(slot) = &self.loaded.slot {
                // Not kept, it is asked again.
                let _ = slot.keep_info(&info);
            }
            Ok(info)
        });
        info.clone().map_err(|kind| self.fault(kind))
    }

    fn ask_about(&self) -> Result<Info, Fault> {
        let call = Call { services: Box::new(Nothing), limits: None, cancel: CancelToken::new() };
        let mut guest = Guest::new(&self.name, &self.loaded.code, call, Role::Expander, String::new())?;
        let fits = guest.call(|exports, store, instance| Ok(exports.check(store, instance)))?;
        fits.map_err(|error| self.fault(stop::misfit(&error, &self.loaded.shape.api)))?;
        let info = guest.ask(Exports::describe)?;
        sensible(&info).map_err(|why| self.fault(FaultKind::Nonsense(why)))?;
        Ok(info)
    }

    /// A fault of this plugin.
    pub(super) fn fault(&self, kind: FaultKind) -> Fault {
        Fault::new(&self.name, kind)
    }

    /// An instance, for this role. Fails where it does not have it.
    pub(super) fn guest(&self, call: Call, role: Role, source: String) -> Result<Guest, Fault> {
        if !self.roles().contains(&role) {
            let what = match role {
                Role::Stage => "stages",
                Role::Parser => "parsers",
                Role::Expander => "expanders",
                Role::Reporter => "a reporter",
            };
            return Err(self.fault(FaultKind::NoSuchRole(format!("has no {what}"))));
        }
        Guest::new(&self.name, &self.loaded.code, call, role, source)
    }
}

/// How many kinds of a sort, needs and kinds of events a plugin may have.
const OFFERS_MAX: usize = 1000;
/// How long its name and its version may be, in characters.
const NAME_MAX: usize = 100;

/// Fails where what a plugin says of itself cannot be worked with.
fn sensible(info: &Info) -> Result<(), String> {
    let counts = [
        ("stage kinds", info.stages.len()),
        ("parsers", info.parsers.len()),
        ("expanders", info.expanders.len()),
        ("needs", info.needs.len()),
        ("kinds of events", info.events.len()),
    ];
    if let Some((what, count)) = counts.into_iter().find(|(_, count)| *count > OFFERS_MAX) {
        return Err(format!("has {count} {what}, and {OFFERS_MAX} are the most"));
    }
    for (what, text) in [("name", &info.name), ("version", &info.version)] {
        // They stand in the lock file and in tables.
        if text.chars().count() > NAME_MAX || matches!(printable(text), Cow::Owned(_)) {
            let shown = stop::short(text);
            return Err(format!("says that its {what} is `{shown}`: {NAME_MAX} printable characters are the most"));
        }
    }
    for (what, kinds) in [("stage kind", &info.stages), ("parser", &info.parsers), ("expander", &info.expanders)] {
        let mut names = HashSet::new();
        for kind in kinds {
            let name = stop::short(&kind.name);
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
            if kind.name.is_empty() || kind.name.len() > 100 || !kind.name.chars().all(is_name) {
                return Err(format!(
                    "has a {what} `{name}`, which is no name: letters, digits and `_-.+`, 100 at most"
                ));
            }
            if !names.insert(&kind.name) {
                return Err(format!("has two of the {what} `{name}`"));
            }
            json(&format!("the schema of its {what} `{name}`"), kind.params.as_deref().unwrap_or("{}"))?;
        }
    }
    needs(info)?;
    json("the schema of its settings", info.config.as_deref().unwrap_or("{}"))?;
    json("what it has of examples", &info.examples)
}

/// How long a value is that a plugin needs, in characters: somebody has to read it and say yes.
const NEED_MAX: usize = 200;

/// Fails where somebody could not see at a glance what would be granted.
fn needs(info: &Info) -> Result<(), String> {
    let is_long = |text: &str| text.chars().nth(NEED_MAX).is_some();
    match info.needs.iter().find(|need| is_long(&need.kind) || is_long(&need.value)) {
        Some(need) => {
            let start: String = need.value.chars().take(40).collect();
            Err(format!(
                "needs `{}…`, which has more than {NEED_MAX} characters: nobody could say yes to that",
                stop::short(&start)
            ))
        }
        None => Ok(()),
    }
}

fn json(what: &str, text: &str) -> Result<(), String> {
    let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
    parsed.map(drop).map_err(|error| format!("says something that makes no sense: {what} is no JSON: {error}"))
}
