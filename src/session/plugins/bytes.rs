//! The bytes of a plugin: where they are, and for those from elsewhere how they come here.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;

use super::trouble::Trouble;
use crate::env::Env;
use crate::pipeline::plugin::{Plugin, Source};
use crate::plan::error::nearest;
use crate::plan::quote;
use crate::plugin::store::{self, COMPONENT_MAX};
use crate::plugin::web;

/// The file in the directory of a plugin of one's own that `plugin build` writes.
pub const BUILT: &str = "plugin.wasm";
/// How long fetching may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long it may take to reach the other machine.
const TO_CONNECT: Duration = Duration::from_secs(30);
/// How long the other machine may take to begin its answer.
const TO_ANSWER: Duration = Duration::from_mins(1);

/// The file that a plugin's component is in, where it is no other machine's.
pub fn place(root: &Path, plugin: &Plugin, cache: Option<&Path>, locked: Option<&str>) -> Result<PathBuf, Trouble> {
    let name = &plugin.name;
    match &plugin.source {
        Source::File(path) => Ok(root.join(path)),
        Source::Project(dir) => Ok(root.join(dir).join(BUILT)),
        Source::Web(_) => {
            let cache = cache.ok_or_else(|| {
                Trouble::ours(format!("plugin {name} has no place to be kept: there is no cache directory"))
                    .or_try("set LOCAL_CI_CACHE_DIR to a directory")
            })?;
            let hash = locked.ok_or_else(|| {
                Trouble::new(format!("plugin {name} is not in local-ci.lock"))
                    .or_try(format!("`local-ci plugin update {name}` fetches and locks it"))
            })?;
            Ok(store::kept(cache, hash))
        }
    }
}

/// Reads the bytes of a plugin from where [`place`] says. Nothing is fetched.
pub fn read(plugin: &Plugin, path: &Path) -> Result<Vec<u8>, Trouble> {
    let name = &plugin.name;
    match store::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(match &plugin.source {
            Source::File(file) => missing(name, file, path),
            Source::Project(dir) => match path.parent() {
                Some(there) if !there.exists() => missing(name, dir, there),
                Some(_) | None => {
                    let dir = quote(&dir.to_string_lossy());
                    Trouble::new(format!("plugin {name} is not built")).or_try(format!("`local-ci plugin build {dir}`"))
                }
            },
            Source::Web(_) => Trouble::new(format!("plugin {name} is not on this machine; no run fetches one"))
                .or_try(format!("`local-ci plugin update {name} --locked` fetches what is locked")),
        }),
        Err(error) => Err(match (&plugin.source, path.parent()) {
            (Source::Project(dir), Some(there)) if there.is_file() => Trouble::new(format!(
                "plugin {name} cannot be used: {} is a file, and neither a `.wasm` nor a directory",
                dir.display()
            ))
            .or_try(format!("name one of them as the source in [plugins.{name}]")),
            _ => Trouble::new(format!("plugin {name}: {} cannot be read: {error}", path.display())),
        }),
    }
}

/// What `path:` names is not there at all.
fn missing(name: &str, named: &Path, there: &Path) -> Trouble {
    let trouble = Trouble::new(format!("plugin {name} is missing: there is no {}", named.display()));
    match near(named, there) {
        Some(near) => {
            trouble.or_try(format!("did you mean `path:{}`? change the source in [plugins.{name}]", near.display()))
        }
        None => trouble.or_try(format!("put it there, or take another source in [plugins.{name}]")),
    }
}

/// What is there and called nearly so: the first of the names on the way that is not there, with the most similar in its
/// place. `named` is the end of `path`.
fn near(named: &Path, path: &Path) -> Option<PathBuf> {
    let there = path.ancestors().find(|ancestor| ancestor.exists())?;
    let rest: Vec<&OsStr> = path.strip_prefix(there).ok()?.iter().collect();
    let (wrong, below) = rest.split_first()?;
    let names: Vec<String> =
        fs::read_dir(there).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let like = nearest(wrong.to_str()?, names.iter().map(String::as_str)).into_iter();
    let mut right = like.filter(|name| below.iter().fold(there.join(name), |path, name| path.join(name)).exists());
    let before = named.iter().count().checked_sub(rest.len())?;
    let before: PathBuf = named.iter().take(before).collect();
    Some(below.iter().fold(before.join(right.next()?), |path, name| path.join(name)))
}

/// Fetches a component.
pub fn fetch(name: &str, url: &str, env: &Env) -> Result<Vec<u8>, Trouble> {
    fetch_within(name, url, env, PATIENCE)
}

/// The same, within this time.
pub(super) fn fetch_within(name: &str, url: &str, env: &Env, patience: Duration) -> Result<Vec<u8>, Trouble> {
    let failed = |why: String| {
        Trouble::ours(format!("plugin {name} cannot be fetched from {url}: {why}"))
            .or_try("see that the address is right and can be reached from here")
    };
    let is_secure = url.starts_with("https:");
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    // What comes from this machine itself needs nobody between.
    let proxy = if is_secure { web::proxy(|name| env.text(name), &host).map_err(failed)? } else { None };
    let config = Agent::config_builder()
        // Also where a redirect leads. What comes from this machine itself comes from nowhere else.
        .https_only(is_secure)
        .max_redirects(if is_secure { 5 } else { 0 })
        .max_redirects_will_error(true)
        .timeout_global(Some(patience))
        .timeout_connect(Some(TO_CONNECT))
        .timeout_recv_response(Some(TO_ANSWER))
        .proxy(proxy)
        .tls_config(web::roots(env.text(web::CERT_FILE)).map_err(failed)?)
        .user_agent(concat!("local-ci/", env!("CARGO_PKG_VERSION")))
        .build();
    let mut response = config.new_agent().get(url).call().map_err(|error| failed(web::why(&error)))?;
    if response.status().is_redirection() {
        return Err(failed("it leads elsewhere".to_owned()));
    }
    let too_large = || failed(format!("it is larger than {} MiB", COMPONENT_MAX >> 20));
    if response.body().content_length().is_some_and(|length| length > COMPONENT_MAX) {
        return Err(too_large());
    }
    response.body_mut().with_config().limit(COMPONENT_MAX).read_to_vec().map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => too_large(),
        error => failed(web::why(&error)),
    })
}
