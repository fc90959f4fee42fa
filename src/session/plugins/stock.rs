//! Adding, updating, checking and taking out the plugins of a project.

use std::fs;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

use super::bytes;
use super::declared::Declared;
use super::manifest;
use super::pin::{self, Candidate};
use super::trouble::Trouble;
use crate::env::Env;
use crate::pipeline::plugin::{Grants, Plugin, Source};
use crate::plugin::authority::{Missing, covers};
use crate::plugin::host::Host;
use crate::plugin::lock::{self, Lock, LockError, NAME, approval};
use crate::plugin::{rewrite, store};
use crate::session::init;

/// The plugins of a project, and what is needed to change them.
pub struct Stock {
    /// What the config says.
    pub declared: Declared,
    host: Host,
    env: Env,
    cache: Option<PathBuf>,
    lock: Lock,
    /// What was wrong with the lock file, where it may be written anew.
    pub replaced: Option<LockError>,
}

/// A plugin as it is now, against what the project says of it.
pub struct Offer {
    /// Its entry in `[plugins]`, or what that will be.
    pub plugin: Plugin,
    /// What there is.
    pub found: Candidate,
    /// What it needs that the project does not grant.
    pub missing: Vec<Missing>,
    /// Whether the lock file says the same already.
    pub is_locked: bool,
    /// Whether what it needs and is granted was approved as it is.
    pub is_approved: bool,
}

impl Offer {
    /// The grants that let it do all that it says it needs.
    pub fn all_grants(&self) -> Grants {
        let mut grants = self.plugin.grants.clone();
        for Missing { key, value } in &self.missing {
            key.grant(&mut grants, value);
        }
        grants
    }
}

impl Stock {
    /// The plugins of this project. A lock file that a merge has damaged is no hindrance to who writes it anew; one of a
    /// later version is.
    pub fn open(declared: Declared, host: Host, env: &Env) -> Result<Self, Trouble> {
        let (lock, replaced) = match Lock::read(&lock::place(&declared.root)) {
            Ok(lock) => (lock, None),
            Err(error) if error.may_be_replaced() => (Lock::default(), Some(error)),
            Err(error) => return Err(Trouble::new(error.to_string())),
        };
        Ok(Self { declared, host, env: env.clone(), cache: store::cache_dir(env), lock, replaced })
    }

    /// What is locked.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Fetches a plugin, and looks at what it is. With `is_locked`, only what is locked already is taken.
    pub fn look(&self, plugin: &Plugin, is_locked: bool) -> Result<Offer, Trouble> {
        let name = &plugin.name;
        let locked = self.lock.plugins.get(name);
        if is_locked {
            pin::check_source(plugin, locked)?;
        }
        let hash = locked.and_then(|entry| entry.blake3.as_deref());
        let (path, bytes) = match &plugin.source {
            Source::File(_) | Source::Project(_) => {
                let path = bytes::place(&self.declared.root, plugin, None, None)?;
                let bytes = bytes::read(plugin, &path)?;
                (path, bytes)
            }
            Source::Web(url) => self.fetched(plugin, url, hash.filter(|_| is_locked))?,
        };
        let shown = path.strip_prefix(&self.declared.root).unwrap_or(&path).display().to_string();
        if let (Some(locked), true) = (locked, is_locked) {
            pin::check_bytes(plugin, locked, &shown, &bytes)?;
        }
        let found = Candidate::load(&self.host, name, path, &bytes).map_err(|fault| Trouble::new(fault.to_string()))?;
        found.check_needs(name)?;
        if let (Some(locked), true) = (locked, is_locked) {
            pin::check_approval(plugin, locked, &found, true)?;
        }
        let is_same = locked.is_some_and(|locked| *locked == found.entry(plugin));
        let is_approved = locked.is_some_and(|locked| {
            let imports_no_more = found.shape.imports.iter().all(|import| locked.imports.contains(import));
            imports_no_more && locked.approved == approval(&found.needs, &plugin.grants)
        });
        let missing = covers(&found.needs, &plugin.grants);
        Ok(Offer { plugin: plugin.clone(), found, missing, is_locked: is_same, is_approved })
    }

    /// The bytes from elsewhere: those of this hash where they are on this machine, else fetched and kept.
    fn fetched(&self, plugin: &Plugin, url: &str, hash: Option<&str>) -> Result<(PathBuf, Vec<u8>), Trouble> {
        let name = &plugin.name;
        if let Some(hash) = hash {
            let path = bytes::place(&self.declared.root, plugin, self.cache.as_deref(), Some(hash))?;
            if let Ok(bytes) = store::read(&path)
                && store::hash(&bytes) == hash
            {
                return Ok((path, bytes));
            }
        }
        let Some(cache) = &self.cache else {
            return Err(Trouble::ours(format!("plugin {name} has no place to be kept: there is no cache directory"))
                .or_try("set LOCAL_CI_CACHE_DIR to a directory"));
        };
        let bytes = bytes::fetch(name, url, &self.env)?;
        if let Some(hash) = hash
            && store::hash(&bytes) != hash
        {
            let why =
                format!("plugin {name} is not what was locked: {url} has other bytes now than local-ci.lock says");
            return Err(Trouble::new(why).or_try(format!(
                "without --locked, `local-ci plugin update {name}` shows what it is now and locks that"
            )));
        }
        let path = store::keep(cache, &bytes)
            .map_err(|error| Trouble::ours(format!("plugin {name} cannot be kept in {}: {error}", cache.display())))?;
        Ok((path, bytes))
    }

    /// Takes a plugin in with these grants: into the lock file, and into the config where that does not say so yet.
    pub fn accept(&mut self, offer: &Offer, grants: &Grants) -> Result<(), Trouble> {
        let name = &offer.plugin.name;
        let plugin = Plugin { grants: grants.clone(), ..offer.plugin.clone() };
        let entry = offer.found.entry(&plugin);
        let changed = match self.declared.plugins.get(name) {
            None => Some((self.declared.config.clone(), None)),
            Some(there) if there.grants != *grants => {
                // What that file says goes before whatever would be written into the other, and is one person's own.
                if let Some(own) = self.declared.overridden.get(name) {
                    let own = own.strip_prefix(&self.declared.root).unwrap_or(own).display();
                    let why = format!(
                        "what plugin {name} is granted stands in {own}, which goes before {}",
                        self.declared.shown()
                    );
                    let how = format!(
                        "change it there, then `local-ci plugin update {name}`, with --as-granted where you grant less; \
                         nothing was changed"
                    );
                    return Err(Trouble::new(why).or_try(how));
                }
                Some((self.declared.files.get(name).unwrap_or(&self.declared.config).clone(), Some(())))
            }
            Some(_) => None,
        };
        // An entry of the lock that no config has is nobody's trouble; the other way round it would be.
        self.change_lock(|lock| drop(lock.plugins.insert(name.clone(), entry)))?;
        if let Some(beginning) = self.declared.beginning.take() {
            let text = manifest::with_plugin(&beginning, name, &plugin.source, grants)
                .map_err(|error| Trouble::ours(format!("what was found here {error}")))?;
            init::write(&self.declared.root, &text).map_err(|error| Trouble::ours(error.to_string()))?;
        } else if let Some((path, there)) = changed {
            edit(&path, |text| match there {
                None => manifest::with_plugin(text, name, &plugin.source, grants),
                Some(()) => manifest::with_grants(text, name, grants),
            })?;
        }
        self.declared.plugins.insert(name.clone(), plugin);
        Ok(())
    }

    /// Takes a plugin out, which nothing uses.
    pub fn remove(&mut self, name: &str) -> Result<(), Trouble> {
        self.declared.find(name)?;
        let users = self.declared.users(name);
        if !users.is_empty() {
            let why = format!("plugin {name} is still used by {}", users.join(", "));
            return Err(Trouble::new(why).or_try("take it out there first; nothing was changed"));
        }
        let path = self.declared.files.get(name).unwrap_or(&self.declared.config).clone();
        edit(&path, |text| manifest::without(text, name))?;
        // Overriding what is not there would be another entry without a source.
        if path == self.declared.config {
            let beside = path.with_file_name("local-ci.local.toml");
            if fs::read_to_string(&beside).is_ok_and(|text| manifest::declares(&text, name)) {
                edit(&beside, |text| manifest::without(text, name))?;
            }
        }
        self.declared.plugins.remove(name);
        self.change_lock(|lock| drop(lock.plugins.remove(name)))
    }

    /// Takes out of the lock file what no config has any more, and says what that was.
    pub fn tidy(&mut self) -> Result<Vec<String>, Trouble> {
        let is_gone = |name: &&String| !self.declared.plugins.contains_key(*name);
        let gone: Vec<String> = self.lock.plugins.keys().filter(is_gone).cloned().collect();
        if !gone.is_empty() {
            self.change_lock(|lock| lock.plugins.retain(|name, _| !gone.contains(name)))?;
        }
        Ok(gone)
    }

    /// Changes the lock file as it is by now: whoever else changes it meanwhile has locked something else, which stays.
    fn change_lock(&mut self, change: impl FnOnce(&mut Lock)) -> Result<(), Trouble> {
        let path = lock::place(&self.declared.root);
        let held = fs::File::open(&self.declared.root).and_then(|dir| {
            flock(&dir, FlockOperation::LockExclusive)?;
            Ok(dir)
        });
        let _held = held.map_err(|error| Trouble::ours(format!("{NAME} cannot be changed: {error}")))?;
        let mut lock = match Lock::read(&path) {
            Ok(lock) => lock,
            Err(error) if error.may_be_replaced() && self.replaced.is_some() => self.lock.clone(),
            Err(error) => return Err(Trouble::new(error.to_string())),
        };
        change(&mut lock);
        lock.write(&path).map_err(|error| Trouble::ours(error.to_string()))?;
        self.lock = lock;
        Ok(())
    }
}

/// Changes a config's text, as a whole or not at all.
fn edit(
    path: &std::path::Path,
    change: impl Fn(&str) -> Result<String, manifest::ManifestError>,
) -> Result<(), Trouble> {
    let failed = |error: std::io::Error| Trouble::ours(format!("cannot change {}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(failed)?;
    let new = change(&text).map_err(|error| Trouble::new(format!("{} {error}", path.display())))?;
    rewrite::replace(path, new.as_bytes()).map_err(failed)
}
