//! What a config says of its plugins, whatever else is wrong with it: `plugin` is how some of that is put right.
//!
//! Whether a config is sound is for [`crate::config`] to say. Here only `[plugins]` is read, and who uses its entries.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::trouble::Trouble;
use crate::config::{LoadRequest, Survey, root_of, survey};
use crate::pipeline::plugin::{Grants, Limits, Plugin};
use crate::plan::error::nearest;
use crate::session::init::NAME;

/// The file beside a config that overrides it for one person.
const OVERRIDE: &str = "local-ci.local.toml";

/// The plugins of a project.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The project's directory, canonical.
    pub root: PathBuf,
    /// Its config.
    pub config: PathBuf,
    /// Its plugins by name.
    pub plugins: BTreeMap<String, Plugin>,
    /// Which of its files has a plugin, by the plugin's name.
    pub files: BTreeMap<String, PathBuf>,
    /// The file that goes before that one and says itself what a plugin is granted, by the plugin's name.
    pub overridden: BTreeMap<String, PathBuf>,
    /// Where the project has no config: what the first one begins with, so that what runs without it runs on.
    pub beginning: Option<String>,
    /// Who uses a plugin, by the plugin's name: `stages.clean`, `reporters`.
    uses: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Entry {
    source: String,
    #[serde(default)]
    grants: Grants,
    #[serde(default)]
    config: Table,
}

impl Declared {
    /// Reads the plugins of the project that a request is about. It has to have a config.
    pub fn read(request: &LoadRequest) -> Result<Self, Trouble> {
        Self::of(place(request)?)
    }

    /// The same, where a project without a config is one that is about to have its first.
    pub fn read_or_begin(request: &LoadRequest) -> Result<Self, Trouble> {
        let (root, text) = match request.explicit {
            Some(_) => return Self::read(request),
            None => match survey(request) {
                Ok(Survey::Detected(detected)) => (detected.root, detected.text),
                Ok(Survey::Unknown { root, .. }) => (root, String::new()),
                Ok(Survey::Written(_)) | Err(_) => return Self::read(request),
            },
        };
        Ok(Self {
            config: root.join(NAME),
            root,
            plugins: BTreeMap::new(),
            files: BTreeMap::new(),
            overridden: BTreeMap::new(),
            beginning: Some(text),
            uses: BTreeMap::new(),
        })
    }

    fn of(config: PathBuf) -> Result<Self, Trouble> {
        let root = root_of(&config).ok_or_else(|| Trouble::ours(format!("cannot find {}", config.display())))?;
        let mut whole = Table::new();
        let (mut files, mut overridden) = (BTreeMap::new(), BTreeMap::new());
        let is_overridden = config.file_name().is_some_and(|name| name == "local-ci.toml" || name == ".local-ci.toml");
        let beside = is_overridden.then(|| config.with_file_name(OVERRIDE)).filter(|path| path.exists());
        for path in [Some(config.clone()), beside].into_iter().flatten() {
            let table = table(&path)?;
            for (name, entry) in table.get("plugins").and_then(Value::as_table).into_iter().flatten() {
                let first = files.entry(name.clone()).or_insert_with(|| path.clone());
                if *first != path && entry.get("grants").is_some() {
                    overridden.insert(name.clone(), path.clone());
                }
            }
            merge(&mut whole, table);
        }
        let uses = uses(&whole);
        let plugins = match whole.remove("plugins") {
            None => BTreeMap::new(),
            Some(Value::Table(entries)) => {
                let plugins = entries.into_iter().map(|(name, entry)| Ok((name.clone(), plugin(&name, entry)?)));
                plugins.collect::<Result<_, Trouble>>()?
            }
            Some(_) => return Err(faulty("`plugins` is no table")),
        };
        Ok(Self { root, config, plugins, files, overridden, beginning: None, uses })
    }

    /// A plugin; where there is none of this name, the nearest are named.
    pub fn find(&self, name: &str) -> Result<&Plugin, Trouble> {
        self.plugins.get(name).ok_or_else(|| {
            let near = nearest(name, self.plugins.keys().map(String::as_str));
            let why = format!("there is no plugin {name:?} in {}", self.shown());
            let all: Vec<&str> = self.plugins.keys().map(String::as_str).collect();
            match (near.first(), all.as_slice()) {
                (Some(near), _) => Trouble::new(format!("{why}; did you mean {near}?")),
                (None, []) => Trouble::new(why).or_try("it has none; `local-ci plugin add SOURCE` adds one"),
                (None, all) => Trouble::new(why).or_try(format!("it has {}", all.join(", "))),
            }
        })
    }

    /// What of the config uses a plugin, as its keys.
    pub fn users(&self, name: &str) -> &[String] {
        self.uses.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The config's name for messages.
    pub fn shown(&self) -> String {
        let short = self.config.strip_prefix(&self.root).unwrap_or(&self.config);
        short.display().to_string()
    }
}

/// Where the config is.
fn place(request: &LoadRequest) -> Result<PathBuf, Trouble> {
    let none = |root: &Path| {
        Trouble::new(format!("there is no local-ci.toml in {}", root.display()))
            .or_try("`local-ci init` writes one; plugins are named in it")
    };
    if let Some(file) = &request.explicit {
        let path = request.start.join(file);
        let path = path
            .canonicalize()
            .map_err(|error| Trouble::new(format!("the config {} cannot be read: {error}", path.display())))?;
        return Ok(path);
    }
    match survey(request) {
        Ok(Survey::Written(path)) => Ok(path),
        Ok(Survey::Detected(detected)) => Err(none(&detected.root)),
        Ok(Survey::Unknown { root, .. }) => Err(none(&root)),
        Err(_) => Err(none(&request.start)),
    }
}

fn faulty(why: &str) -> Trouble {
    Trouble::new(format!("the config is faulty: {why}")).or_try("`local-ci validate` shows where")
}

fn table(path: &Path) -> Result<Table, Trouble> {
    let text = fs::read_to_string(path)
        .map_err(|error| Trouble::new(format!("the config {} cannot be read: {error}", path.display())))?;
    text.parse::<Table>().map_err(|error: toml::de::Error| faulty(error.message()))
}

/// Later keys over earlier ones, tables into each other.
fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

fn plugin(name: &str, entry: Value) -> Result<Plugin, Trouble> {
    let entry: Entry =
        entry.try_into().map_err(|error: toml::de::Error| faulty(&format!("plugin {name}: {}", error.message())))?;
    let source =
        entry.source.parse().map_err(|why| faulty(&format!("the source of plugin {name} cannot be used: {why}")))?;
    let config = serde_json::to_string(&entry.config).map_err(|error| faulty(&format!("plugin {name}: {error}")))?;
    // Who asks for one here only looks at it.
    let (limits, files) = (Limits::default(), Vec::new());
    Ok(Plugin { name: name.to_owned(), source, grants: entry.grants, limits, config, files })
}

/// Who uses which plugin.
fn uses(whole: &Table) -> BTreeMap<String, Vec<String>> {
    let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |used: &str, by: &str| {
        // `NAME` or `NAME:KIND`.
        let plugin = used.split(':').next().unwrap_or_default();
        let users = uses.entry(plugin.to_owned()).or_default();
        if !users.iter().any(|user| user == by) {
            users.push(by.to_owned());
        }
    };
    let table = |value: Option<&Value>| value.and_then(Value::as_table).cloned().unwrap_or_default();
    let texts = |value: Option<&Value>| -> Vec<String> {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let stages = table(whole.get("stages"));
    let defaults = whole.get("defaults").map(|defaults| ("defaults".to_owned(), defaults));
    let stages = stages.iter().map(|(name, stage)| (format!("stages.{name}"), stage));
    for (by, stage) in stages.chain(defaults) {
        if let Some(used) = stage.get("uses").and_then(Value::as_str) {
            add(used, &by);
        }
        for used in texts(stage.get("annotate")) {
            add(&used, &by);
        }
    }
    for expand in whole.get("expand").and_then(Value::as_array).into_iter().flatten() {
        if let Some(used) = expand.get("uses").and_then(Value::as_str) {
            add(used, "expand");
        }
    }
    table(whole.get("reporters")).keys().for_each(|used| add(used, "reporters"));
    uses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Declared, Trouble> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        for (path, text) in files {
            fs::write(dir.path().join(path), text).unwrap();
        }
        Declared::read(&LoadRequest { start: dir.path().into(), ..LoadRequest::default() })
    }

    #[test]
    fn plugins_are_read_though_something_else_is_wrong() {
        let config = "[stages.a]\nuses = \"hygiene:spaces\"\nneeds = [\"nobody\"]\nbogus = 1\n\
                      [stages.b]\nrun = \"x\"\nannotate = [\"rustc\", \"hygiene\", \"reports:junit\"]\n\
                      [[expand]]\nuses = \"members\"\n[reporters]\nhygiene = true\n\
                      [plugins.hygiene]\nsource = \"path:plugins/hygiene\"\ngrants = { files-read = [\"**\"] }\n\
                      config = { deep = { x = 1 } }\n";
        let own = "[plugins.hygiene]\ngrants = { clock = true }\n[plugins.mine]\nsource = \"path:mine.wasm\"\n";
        let declared = read(&[("local-ci.toml", config), ("local-ci.local.toml", own)]).unwrap();
        let hygiene = declared.find("hygiene").unwrap();
        assert_eq!(hygiene.source.to_string(), "path:plugins/hygiene");
        assert_eq!((hygiene.grants.files_read.len(), hygiene.grants.clock), (1, true));
        assert_eq!(hygiene.config, r#"{"deep":{"x":1}}"#);
        assert_eq!(declared.users("hygiene"), ["stages.a", "stages.b", "reporters"]);
        assert_eq!((declared.users("members"), declared.users("mine")), (&["expand".to_owned()][..], &[][..]));
        assert!(declared.files["mine"].ends_with("local-ci.local.toml"));
        assert!(declared.files["hygiene"].ends_with("local-ci.toml"));
        let said = |name: &str| declared.find(name).unwrap_err().to_string();
        assert_eq!(said("hygeine"), "there is no plugin \"hygeine\" in local-ci.toml; did you mean hygiene?");
        assert_eq!(said("zzz"), "there is no plugin \"zzz\" in local-ci.toml: it has hygiene, mine");
    }

    #[test]
    fn what_cannot_be_read_says_where_to_look() {
        for (config, why) in [
            ("[plugins", "the config is faulty"),
            ("plugins = 1", "`plugins` is no table"),
            (
                "[plugins.a]\nsource = \"oci:x\"",
                "the source of plugin a cannot be used: plugins cannot be had from OCI",
            ),
            ("[plugins.a]\nsource = 1", "plugin a: invalid type"),
            ("[plugins.a]\nsource = \"path:x\"\ngrants = { all = true }", "unknown field `all`"),
        ] {
            let error = read(&[("local-ci.toml", config)]).unwrap_err();
            assert!(error.why.contains(why), "{error}");
            assert!(error.to_string().ends_with("`local-ci validate` shows where"), "{error}");
        }
        assert!(read(&[]).unwrap_err().to_string().contains("`local-ci init` writes one"));
    }
}
