//! What a component is, as it is locked; and whether what is there is what was locked.

use std::path::PathBuf;

use super::trouble::Trouble;
use crate::pipeline::plugin::{Grants, Plugin, Source};
use crate::plugin::authority::covers;
use crate::plugin::component::Shape;
use crate::plugin::host::{Component, Host};
use crate::plugin::info::Info;
use crate::plugin::lock::{Entry, approval};
use crate::plugin::{Fault, store};

/// A component that was loaded and asked what it is.
#[derive(Clone)]
pub struct Candidate {
    /// Where its bytes are.
    pub path: PathBuf,
    /// Their hash, in hex digits.
    pub hash: String,
    /// What it is, read without running it.
    pub shape: Shape,
    /// What it says of itself.
    pub info: Info,
    /// What it says that it needs.
    pub needs: Grants,
    /// It, to be asked more.
    pub component: Component,
}

impl Candidate {
    /// Loads a component. It is not asked for more than what it is, with nothing granted.
    pub fn load(host: &Host, name: &str, path: PathBuf, bytes: &[u8]) -> Result<Self, Fault> {
        let component = host.load(name, bytes)?;
        let info = component.describe()?;
        let (needs, _) = info.needs();
        let shape = component.shape().clone();
        Ok(Self { path, hash: store::hash(bytes), shape, info, needs, component })
    }

    /// Fails where it needs something that this version has no name for: it was made for a later one.
    pub fn check_needs(&self, name: &str) -> Result<(), Trouble> {
        match self.info.needs().1.first() {
            None => Ok(()),
            Some(need) => Err(Trouble::new(format!(
                "plugin {name} needs {:?}, which this version of local-ci cannot grant",
                need.kind
            ))
            .or_try("update local-ci, or take an earlier version of the plugin")),
        }
    }

    /// What is locked of it, for this entry of `[plugins]`.
    pub fn entry(&self, plugin: &Plugin) -> Entry {
        let is_pinned = is_pinned(&plugin.source);
        Entry {
            name: plugin.name.clone(),
            source: plugin.source.to_string(),
            version: self.info.version.clone(),
            blake3: is_pinned.then(|| self.hash.clone()),
            size: is_pinned.then_some(self.shape.size),
            api: self.shape.api.clone(),
            roles: self.shape.roles.clone(),
            imports: self.shape.imports.clone(),
            approved: approval(&self.needs, &plugin.grants),
        }
    }
}

/// Whether its bytes are locked. A part of the project changes with it; of that one what is locked is what it may do.
pub fn is_pinned(source: &Source) -> bool {
    match source {
        Source::File(_) | Source::Web(_) => true,
        Source::Project(_) => false,
    }
}

/// What to type, so that what there is now is locked.
fn update(name: &str) -> String {
    format!("`local-ci plugin update {name}` shows what it asks for and locks it; commit local-ci.lock then")
}

/// Fails unless a plugin was locked, and from this source.
pub fn check_source<'l>(plugin: &Plugin, locked: Option<&'l Entry>) -> Result<&'l Entry, Trouble> {
    let name = &plugin.name;
    let Some(entry) = locked else {
        return Err(Trouble::new(format!("plugin {name} is not in local-ci.lock")).or_try(update(name)));
    };
    let source = plugin.source.to_string();
    if entry.source != source {
        let why = format!("plugin {name} comes from {source}, and local-ci.lock has it from {}", entry.source);
        return Err(Trouble::new(why).or_try(update(name)));
    }
    if is_pinned(&plugin.source) != entry.blake3.is_some() {
        let why =
            format!("local-ci.lock was changed by hand: its hash of plugin {name} is no longer as it was written");
        return Err(Trouble::new(why).or_try(format!("get it back from git, or {}", update(name))));
    }
    Ok(entry)
}

/// Fails unless these are the bytes that were locked. To be asked before anything else is done with them.
pub fn check_bytes(plugin: &Plugin, locked: &Entry, shown: &str, bytes: &[u8]) -> Result<(), Trouble> {
    let Some(expected) = &locked.blake3 else { return Ok(()) };
    let found = store::hash(bytes);
    if found == *expected && locked.size == Some(bytes.len() as u64) {
        return Ok(());
    }
    let name = &plugin.name;
    let why = format!(
        "plugin {name} is not what was locked: {shown} has the blake3 hash {}, and local-ci.lock has {}",
        short(&found),
        short(expected)
    );
    let back = match &plugin.source {
        Source::Web(_) => "delete it, and `local-ci plugin update --locked` fetches what was locked".to_owned(),
        Source::File(_) | Source::Project(_) => format!("if the change is meant, {}; else get it back", update(name)),
    };
    Err(Trouble::new(why).or_try(back))
}

/// Fails unless a component asks for no more than was approved, and everything else is as it was locked. With `is_strict`
/// the lock must say exactly what it would say if it were written now.
pub fn check_approval(plugin: &Plugin, locked: &Entry, found: &Candidate, is_strict: bool) -> Result<(), Trouble> {
    let name = &plugin.name;
    found.check_needs(name)?;
    let now = found.entry(plugin);
    let added: Vec<&str> =
        now.imports.iter().filter(|import| !locked.imports.contains(import)).map(String::as_str).collect();
    if !added.is_empty() {
        let why = format!("plugin {name} can ask for more than was approved: it imports {} now", added.join(", "));
        return Err(Trouble::new(why).or_try(update(name)));
    }
    if now.approved != locked.approved {
        let why = format!("what plugin {name} needs or is granted is not what was approved");
        let how = if covers(&found.needs, &plugin.grants).is_empty() {
            update(name)
        } else {
            format!(
                "`local-ci plugin update {name} --as-granted` approves what is granted here, which is less than it needs, and \
                 `local-ci plugin inspect {name}` shows that; commit local-ci.lock then"
            )
        };
        return Err(Trouble::new(why).or_try(how));
    }
    // The bytes are the same, so whatever differs was written there by somebody else.
    if is_pinned(&plugin.source) && now != *locked {
        let why = format!("local-ci.lock was changed by hand: it does not say of plugin {name} what its component is");
        return Err(Trouble::new(why).or_try(format!("get it back from git, or {}", update(name))));
    }
    if is_strict && now != *locked {
        let why = format!("local-ci.lock is out of date for plugin {name}, and --locked lets nothing change it");
        return Err(Trouble::new(why).or_try(update(name)));
    }
    Ok(())
}

/// Enough of a hash to tell two apart.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
