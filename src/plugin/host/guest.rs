//! A guest: an instance of a component in a store of its own, and the one way to call it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Engine, Store};

use super::bindings::Exports;
use super::state::{Call, State};
use super::stop::{self, HOSTCALL_MAX};
use super::ticker::Ticker;
use crate::plugin::fault::{Fault, FaultKind};
use crate::plugin::info::Role;

/// What of a component all its guests share.
pub(super) struct Code {
    pub(super) pre: InstancePre<State>,
    pub(super) exports: Exports,
    pub(super) ticker: Arc<Ticker>,
}

/// See the module.
pub(super) struct Guest {
    plugin: String,
    code: Arc<Code>,
    /// Why it is gone, once it is.
    state: Result<Live, FaultKind>,
}

struct Live {
    store: Store<State>,
    instance: Instance,
}

impl Guest {
    /// Makes an instance, for this role. `source` is where what it finds is said to come from.
    pub(super) fn new(plugin: &str, code: &Arc<Code>, call: Call, role: Role, source: String) -> Result<Self, Fault> {
        let engine: &Engine = code.pre.engine();
        let mut store = Store::new(engine, State::new(call, role, source));
        store.set_hostcall_fuel(HOSTCALL_MAX);
        store.limiter(|state| &mut state.quota);
        store.epoch_deadline_callback(|mut store| store.data_mut().tick());
        let instance = run(&code.ticker, &mut store, |store| code.pre.instantiate(store));
        let instance = instance.map_err(|kind| Fault::new(plugin, kind))?;
        let state = Ok(Live { store, instance });
        Ok(Self { plugin: plugin.to_owned(), code: Arc::clone(code), state })
    }

    /// Calls it. After a fault it is gone, and every further call has the same one.
    pub(super) fn call<R>(
        &mut self,
        what: impl FnOnce(&Exports, &mut Store<State>, &Instance) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        let called = match &mut self.state {
            Ok(Live { store, instance }) => {
                let (exports, instance) = (&self.code.exports, *instance);
                run(&self.code.ticker, store, |store| what(exports, store, &instance))
            }
            Err(kind) => Err(kind.clone()),
        };
        called.map_err(|kind| {
            self.state = Err(kind.clone());
            Fault::new(&self.plugin, kind)
        })
    }

    /// The same, of something that the guest can answer with a problem of its own, which it survives.
    pub(super) fn ask<R>(
        &mut self,
        what: impl FnOnce(&Exports, &mut Store<State>, &Instance) -> wasmtime::Result<Result<R, FaultKind>>,
    ) -> Result<R, Fault> {
        self.call(what)?.map_err(|kind| Fault::new(&self.plugin, kind))
    }

    /// Its state, while it is there.
    pub(super) fn state(&mut self) -> Option<&mut State> {
        self.state.as_mut().ok().map(|live| live.store.data_mut())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let state = self.store.data_mut();
        // A service that panics here has nobody left to tell.
        let _ = catch_unwind(AssertUnwindSafe(|| state.say_dropped()));
    }
}

/// Runs what may run a guest: counts its time, ticks, and turns whatever goes wrong into a fault.
fn run<R>(
    ticker: &Arc<Ticker>,
    store: &mut Store<State>,
    what: impl FnOnce(&mut Store<State>) -> wasmtime::Result<R>,
) -> Result<R, FaultKind> {
    let ticking = match ticker.enter() {
        Ok(Some(ticking)) => ticking,
        Ok(None) => {
            let text =
                "cannot be called while this thread waits for a plugin: what a plugin asks for must not run another";
            return Err(FaultKind::Nonsense(text.to_owned()));
        }
        Err(error) => return Err(FaultKind::Unable(format!("cannot run: no thread to keep its time: {error}"))),
    };
    if let Err(stop) = store.data_mut().begin() {
        return Err(stop::fault(&wasmtime::Error::new(stop), None));
    }
    store.set_epoch_deadline(1);
    // WebAssembly is unwound properly by wasmtime, and nothing of the store is used again but to drop it.
    let result = catch_unwind(AssertUnwindSafe(|| what(store)));
    drop(ticking);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(stop::fault(&error, store.data().last_words())),
        Err(panic) => Err(stop::panicked(panic.as_ref())),
    }
}
