//! From a directory to a pipeline: find the files, read them, put one over the other, check the result.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::builtin::{self, LoadRequest, Place};
use super::check::{self, Around, EnvFile, EnvFiles};
use super::code::Code;
use super::detect::Detected;
use super::error::ConfigError;
use super::fault::{Fault, FaultList, SourceFile, Sources};
use super::find::{self, Found, NAMES, OVERRIDE, Owner};
use super::schema::Document;
use super::supplier::Supplier;
use super::visible::visible;
use super::{file, layer, shape, syntax};
use crate::pipeline::Pipeline;

/// A configuration without faults.
#[derive(Debug)]
pub struct Loaded {
    /// What it asks for.
    pub pipeline: Pipeline,
    /// The project's directory, canonical.
    pub root: PathBuf,
    /// The files it was read from, as they were then; later ones override earlier ones.
    pub sources: Vec<SourceFile>,
    /// What a person should know, though nothing is wrong.
    pub warnings: Vec<String>,
    /// What the project is, where there is no configuration and the first source is one that was made for it.
    pub detected: Option<Detected>,
    /// Its own remotes by name, each with the file that begins it. Those of the pipeline that are not among them are the
    /// user's.
    pub remotes: BTreeMap<String, PathBuf>,
}

/// Finds, reads and checks a configuration; where there is none, the one that the project's files stand for. `supplier`
/// answers for its plugins.
pub fn load(request: &LoadRequest, supplier: &dyn Supplier) -> Result<Loaded, ConfigError> {
    let place = Place::of(request);
    let start = place.start.as_path();
    let found = match &request.explicit {
        Some(file) => find::named(start, file),
        None => find::find(start, place.bounds()),
    };
    let mut faults = FaultList::default();
    let mut sources = Vec::new();
    let strict = request.explicit.is_none().then_some(place.me);
    let (found, detected) = match found {
        Ok(found) => {
            sources.extend(source(&found.path, start, strict, &mut faults));
            (found, None)
        }
        Err(missing) if missing.stop.is_none() => return Err(ConfigError::NotFound(Box::new(missing))),
        Err(_) => {
            let detected = builtin::detected(start, place.bounds())?;
            let path = detected.root.join(NAMES[0]);
            sources.push(builtin::source(&detected, &path));
            (Found { path, root: detected.root.clone(), ignored: Vec::new() }, Some(detected))
        }
    };
    sources.extend(override_of(&found, start, strict, &mut faults));
    if sources.is_empty() || !faults.is_empty() {
        return Err(ConfigError::faults_in(faults, sources));
    }
    let mut warnings = detected.as_ref().map(|detected| detected.warnings.clone()).unwrap_or_default();
    if let (Some(used), [_, ..]) = (found.path.strip_prefix(&found.root).ok(), found.ignored.as_slice()) {
        warnings.push(format!("{} is used; {} beside it is not read", used.display(), found.ignored.join(" and ")));
    }
    let files: Vec<PathBuf> = sources.iter().map(|source| source.path.clone()).collect();
    let mut loaded = {
        let env_files = &Disk { root: &found.root };
        let around = Around { files: &files, env_files, remotes: &request.remotes, supplier };
        assemble(&found.root, sources, &around)?
    };
    loaded.warnings.splice(0..0, warnings);
    loaded.detected = detected;
    Ok(loaded)
}

/// Checks a configuration that is already in memory. Later files override earlier ones; `env_files` gives the
/// environment files that stages name, by their path relative to `root`; `supplier` answers for plugins.
pub fn parse(
    root: &Path,
    files: &[(&str, &str)],
    env_files: &dyn Fn(&Path) -> Option<String>,
    supplier: &dyn Supplier,
) -> Result<Loaded, ConfigError> {
    let sources: Vec<SourceFile> = files.iter().map(|(path, text)| SourceFile::new(*path, *text)).collect();
    let files: Vec<PathBuf> = sources.iter().map(|source| source.path.clone()).collect();
    let env_files = &Memory { read: env_files };
    let around = Around { files: &files, env_files, remotes: &BTreeMap::new(), supplier };
    assemble(root, sources, &around)
}

fn assemble(root: &Path, sources: Vec<SourceFile>, around: &Around<'_>) -> Result<Loaded, ConfigError> {
    let mut faults = FaultList::default();
    let sources = Sources(sources);
    let checked = {
        let end = sources.base(sources.0.len());
        let files: Vec<Shaped<'_>> = (0..sources.0.len()).map(|file| shaped(&sources, file, &mut faults)).collect();
        // With its grammar broken, a file may lack what it has; nothing can be said across its keys.
        let sound = files.iter().all(|file| !file.broken);
        sound.then(|| {
            let document = layered(files);
            let begun = |name: &Spanned<String>| sources.0[sources.locate(name.span().start).0].path.clone();
            let remotes = document.remotes.0.iter().map(|(name, _)| (name.get_ref().clone(), begun(name))).collect();
            let checked = check::check(document, root, around, end, &mut faults);
            (checked, remotes)
        })
    };
    match checked {
        Some((check::Checked { pipeline: Some(pipeline), warnings }, remotes)) => {
            Ok(Loaded { pipeline, root: root.into(), sources: sources.0, warnings, detected: None, remotes })
        }
        _ => Err(ConfigError::faults_in(faults, sources.0)),
    }
}

/// One file, its own faults taken out of it.
struct Shaped<'t> {
    table: DeTable<'t>,
    document: Document,
    broken: bool,
}

fn shaped<'t>(sources: &'t Sources, file: usize, faults: &mut FaultList) -> Shaped<'t> {
    let mut parsed = syntax::parse(&sources.0[file].text, sources.base(file), faults);
    let mut misfits = FaultList::default();
    let document = shape::document(&mut parsed.table, &mut misfits);
    // What stands on a line that is no TOML was not meant as it was read.
    let meant = |fault: &Fault| {
        fault.start().is_none_or(|at| !parsed.broken.iter().any(|line| line.start <= at && at <= line.end))
    };
    faults.push_all(misfits.faults.into_iter().filter(meant));
    faults.left_out += misfits.left_out;
    Shaped { table: parsed.table, document, broken: !parsed.broken.is_empty() }
}

/// All files as one: later ones over earlier ones.
fn layered(mut files: Vec<Shaped<'_>>) -> Document {
    if files.len() == 1
        && let Some(file) = files.pop()
    {
        return file.document;
    }
    let stages = files.iter().flat_map(|file| &file.document.stages.0);
    let spoilt: HashSet<String> =
        stages.filter(|(_, stage)| stage.spoilt).map(|(name, _)| name.get_ref().clone()).collect();
    let (mut excused, mut dented) = (HashSet::new(), HashSet::new());
    let expand_spoilt = files.iter().any(|file| file.document.expand_spoilt);
    let mut table = DeTable::new();
    for file in files {
        excused.extend(file.document.excused);
        dented.extend(file.document.dented);
        layer::merge(&mut table, file.table);
    }
    // Each file's faults were taken out of it, so that none are left to find.
    let mut document = shape::document(&mut table, &mut FaultList::default());
    (document.excused, document.dented) = (excused, dented);
    document.expand_spoilt = expand_spoilt;
    for (name, stage) in &mut document.stages.0 {
        stage.spoilt = spoilt.contains(name.get_ref());
    }
    document
}

/// Reads one file of the configuration. With `strict`, it has to belong to this user or to whom its directory does.
fn source(path: &Path, start: &Path, strict: Option<u32>, faults: &mut FaultList) -> Option<SourceFile> {
    let shown = path.strip_prefix(start).unwrap_or(path).display().to_string();
    let name = visible(&shown).into_owned();
    let read = match file::read(path) {
        Ok(read) => read,
        Err(refused) => {
            faults.push(Fault::of_file(refused.code, format!("{name} {}", refused.why), path));
            return None;
        }
    };
    if let (Some(me), Some(Ok(owner))) = (strict, path.parent().map(Owner::of))
        && !find::file_trusted(read.owner, owner, me)
    {
        let text = format!("{name} belongs to another user (number {})", read.owner);
        let fault = Fault::of_file(Code::NotOwned, text, path);
        faults.push(fault.help("if you trust it, name it with `--config FILE`"));
        return None;
    }
    Some(SourceFile { name, ..SourceFile::new(path, read.text) })
}

/// Reads the file that overrides a configuration, if there is one. A file that was named and has a name of its own is
/// not overridden: it was chosen as it is.
fn override_of(found: &Found, start: &Path, strict: Option<u32>, faults: &mut FaultList) -> Option<SourceFile> {
    let name = found.path.file_name()?;
    if name != "local-ci.toml" && name != ".local-ci.toml" {
        return None;
    }
    let path = found.path.with_file_name(OVERRIDE);
    std::fs::symlink_metadata(&path).ok()?;
    source(&path, start, strict, faults)
}

/// Environment files on disk.
struct Disk<'a> {
    root: &'a Path,
}

impl EnvFiles for Disk<'_> {
    fn read(&self, path: &Path) -> EnvFile {
        match file::read(&self.root.join(path)) {
            Ok(read) => EnvFile::Text(read.text),
            Err(refused) if refused.missing => EnvFile::Missing,
            Err(refused) => EnvFile::Unusable(refused.why),
        }
    }
}

/// Environment files in memory.
struct Memory<'a> {
    read: &'a dyn Fn(&Path) -> Option<String>,
}

impl EnvFiles for Memory<'_> {
    fn read(&self, path: &Path) -> EnvFile {
        (self.read)(path).map_or(EnvFile::Missing, EnvFile::Text)
    }
}
