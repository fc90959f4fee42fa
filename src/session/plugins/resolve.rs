//! Plugins for config: each one found, verified against `local-ci.lock`, loaded, and asked what it can do. The order is the
//! point: its bytes are verified before anything reads them, and its authority before anything is asked of it.
//!
//! Nothing here fetches and nothing writes but the host's own cache.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::pin::{self, Candidate};
use super::stale::is_stale;
use super::trouble::Trouble;
use super::{Rules, bytes};
use crate::cancel::CancelToken;
use crate::clock::SystemClock;
use crate::config::{Misfit, Supplier, Unsupplied};
use crate::env::Env;
use crate::journal::layout::state_dir;
use crate::pipeline::plugin::{Abilities, Expand, Generated, Plugin, Ready, Source};
use crate::plan::quote;
use crate::plugin::authority::Authority;
use crate::plugin::granted::{Granted, Surroundings};
use crate::plugin::host::{Call, Compiler, Host};
use crate::plugin::info::Context;
use crate::plugin::lock::{self, Lock, LockError};
use crate::plugin::schema;
use crate::plugin::store::cache_dir;
use crate::process::tool::Tools;

/// What takes a line that a plugin says while it makes stages. It is foreign.
pub type Ear = Arc<dyn Fn(&str) + Send + Sync>;

/// The host of a command line: it compiles in a child of its own.
pub fn host(env: &Env) -> Host {
    // As started, whatever has been installed in its place since.
    let compiler = Compiler::Child { tools: Tools::plain(env), program: PathBuf::from("/proc/self/exe") };
    Host::new(cache_dir(env), compiler)
}

/// The host of who is judged and heard by these rules.
pub fn host_for(env: &Env, rules: &Rules) -> Host {
    if rules.in_passing { Host::new(cache_dir(env), Compiler::Nobody) } else { host(env) }
}

/// The time of its own that a plugin has to make stages where somebody is typing.
const IN_PASSING: Duration = Duration::from_secs(1);

/// Answers for the plugins of projects.
pub struct Resolver {
    host: Host,
    env: Env,
    rules: Rules,
    ear: Ear,
    locks: Mutex<HashMap<PathBuf, Result<Lock, LockError>>>,
    /// What was verified, by the project's directory and the plugin, so that what was asked once is asked once.
    found: Mutex<Vec<(PathBuf, Plugin, Candidate)>>,
}

impl Resolver {
    /// One for this environment.
    pub fn new(host: Host, env: &Env, rules: Rules, ear: Ear) -> Self {
        Self { host, env: env.clone(), rules, ear, locks: Mutex::default(), found: Mutex::default() }
    }

    /// Finds and verifies a plugin of a project, and asks it what it is.
    pub fn find(&self, root: &Path, plugin: &Plugin) -> Result<Candidate, Trouble> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, candidate)) = found.iter().find(|(at, which, _)| at == root && which == plugin) {
            return Ok(candidate.clone());
        }
        let lock = self.lock(root)?;
        let locked = pin::check_source(plugin, lock.plugins.get(&plugin.name))?;
        let path = bytes::place(root, plugin, cache_dir(&self.env).as_deref(), locked.blake3.as_deref())?;
        let bytes = bytes::read(plugin, &path)?;
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        pin::check_bytes(plugin, locked, &shown, &bytes)?;
        let candidate =
            Candidate::load(&self.host, &plugin.name, path, &bytes).map_err(|fault| Trouble::new(fault.to_string()))?;
        pin::check_approval(plugin, locked, &candidate, self.rules.is_locked)?;
        if found.is_empty()
            && let Some(why) = self.host.complaint()
        {
            (self.ear)(why);
        }
        if let (Source::Project(dir), false) = (&plugin.source, self.rules.in_passing)
            && is_stale(&root.join(dir))
        {
            let dir = quote(&dir.to_string_lossy());
            (self.ear)(&format!(
                "plugin {}: its sources are newer than what was built of them: `local-ci plugin build {dir}`",
                plugin.name
            ));
        }
        found.push((root.to_owned(), plugin.clone(), candidate.clone()));
        Ok(candidate)
    }

    fn lock(&self, root: &Path) -> Result<Lock, Trouble> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        // Of all of them, and not of each.
        if !lock::place(root).exists() {
            let why = "there is no local-ci.lock, which says what the plugins of this project are and may do";
            let how = "`local-ci plugin update` shows what each asks for and locks it; commit local-ci.lock then";
            return Err(Trouble::new(why).or_try(how));
        }
        let lock = locks.entry(root.to_owned()).or_insert_with(|| Lock::read(&lock::place(root)));
        lock.clone().map_err(|error| Trouble::new(error.to_string()))
    }

    fn ready(&self, plugin: &Plugin, found: &Candidate) -> Ready {
        Ready {
            plugin: plugin.clone(),
            component: found.path.clone(),
            hash: found.hash.clone(),
            needs: found.needs.clone(),
            policy: self.rules.policy.clone(),
            events: found.info.events.clone(),
        }
    }

    /// What a plugin gets while it makes stages: files to read, as granted, and nothing else. Who only looks at a project has
    /// its stages made as well, and has not said that it is to be trusted.
    fn call(&self, root: &Path, ready: &Ready) -> Result<Call, Trouble> {
        let authority = Authority::of(ready).map_err(Trouble::new)?.only_reading();
        let ear = Arc::clone(&self.ear);
        let cancel = CancelToken::new();
        let ours = [state_dir(&self.env), cache_dir(&self.env)].into_iter().flatten();
        let surroundings = Surroundings {
            root: root.to_owned(),
            ours: ours.chain(ready.plugin.files.iter().cloned()).collect(),
            env: Vec::new(),
            settings: ready.plugin.config.clone(),
            clock: Arc::new(SystemClock),
            cancel: cancel.clone(),
            verbose: self.rules.verbose,
            log: Box::new(move |line| ear(line)),
            annotate: Box::new(drop),
            commands: None,
        };
        let mut limits = ready.plugin.limits;
        if self.rules.in_passing {
            limits.time = Some(limits.time.map_or(IN_PASSING, |time| time.min(IN_PASSING)));
        }
        Ok(Call { services: Box::new(Granted::new(authority, surroundings)), limits: Some(limits), cancel })
    }
}

impl Supplier for Resolver {
    fn abilities(&self, root: &Path, plugin: &Plugin) -> Result<(Ready, Abilities), Unsupplied> {
        let found = self.find(root, plugin)?;
        Ok((self.ready(plugin, &found), found.info.abilities(&found.shape.roles)))
    }

    fn expand(&self, root: &Path, plugin: &Plugin, expand: &Expand) -> Result<Vec<Generated>, Unsupplied> {
        let found = self.find(root, plugin)?;
        let call = self.call(root, &self.ready(plugin, &found))?;
        let context = Context { attempt: 1, params: expand.params.clone(), ..Context::default() };
        let made = found.component.expand(call, &expand.kind, &context);
        made.map_err(|fault| Unsupplied::new(fault.to_string()))
    }

    fn misfits(&self, of: &str, value: &str) -> Result<Vec<Misfit>, String> {
        schema::misfits(of, value)
    }
}
