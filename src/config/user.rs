//! The user's own configuration: what one person wants in all projects. It never says what runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::error::ConfigError;
use super::fault::{Fault, FaultList, SourceFile};
use super::schema::{self, Color};
use super::{check, file, shape, syntax};
use crate::env::{self, Env};
use crate::pipeline::plugin::Grants;
use crate::pipeline::remote::Remote;

/// What a user's `config.toml` says. What it does not say is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserConfig {
    /// When to use colour: `auto`, `always` or `never`.
    pub color: Option<String>,
    /// The output mode's name.
    pub output: Option<String>,
    /// Slots.
    pub jobs: Option<u32>,
    /// Remotes for all projects, by name.
    pub remotes: BTreeMap<String, Remote>,
    /// How much history is kept.
    pub retention: Retention,
    /// What plugins may do in any project; a key that is not given permits everything. None: no key is.
    pub plugin_policy: Option<Grants>,
}

/// How much history is kept. What is not given has no limit of the user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// How many runs of a project.
    pub runs: Option<u32>,
    /// For how long.
    pub age: Option<Duration>,
    /// How many bytes.
    pub size: Option<u64>,
}

/// Where the user's configuration is: `$XDG_CONFIG_HOME/local-ci/config.toml`, or below `~/.config`.
pub fn user_path(env: &Env) -> Option<PathBuf> {
    let home = || env.absolute(env::HOME).map(|home| home.join(".config"));
    Some(env.absolute(env::XDG_CONFIG_HOME).or_else(home)?.join("local-ci/config.toml"))
}

/// Reads the user's configuration. One that is not there says nothing.
pub fn load_user(env: &Env) -> Result<UserConfig, ConfigError> {
    let Some(path) = user_path(env) else { return Ok(UserConfig::default()) };
    let mut faults = FaultList::default();
    let text = match file::read(&path) {
        Ok(read) => read.text,
        Err(refused) if refused.missing => return Ok(UserConfig::default()),
        Err(refused) => {
            faults.push(Fault::of_file(refused.code, format!("{} {}", path.display(), refused.why), &path));
            return Err(ConfigError::faults_in(faults, Vec::new()));
        }
    };
    let table = syntax::parse(&text, 0, &mut faults).table;
    let user: Option<schema::User> =
        if faults.is_empty() { shape::read(&mut Spanned::new(0..0, DeValue::Table(table)), &mut faults) } else { None };
    let is_whole = faults.is_empty();
    let remotes = user.as_ref().map(|user| check::remotes::check(&user.remotes, |_| !is_whole, &mut faults));
    let policy = user.as_ref().and_then(|user| check::plugins::policy(&user.plugin_policy, &mut faults));
    match user.filter(|_| faults.is_empty()) {
        Some(user) => Ok(UserConfig { plugin_policy: policy, ..settings(&user, remotes.unwrap_or_default()) }),
        None => Err(ConfigError::faults_in(faults, vec![SourceFile::new(path, text)])),
    }
}

fn settings(user: &schema::User, remotes: BTreeMap<String, Remote>) -> UserConfig {
    let color = user.color.map(|color| match color {
        Color::Auto => "auto",
        Color::Always => "always",
        Color::Never => "never",
    });
    UserConfig {
        color: color.map(str::to_owned),
        output: user.output.map(|mode| mode.name().to_owned()),
        jobs: user.jobs.map(Into::into),
        remotes,
        retention: Retention {
            runs: user.retention.runs,
            age: user.retention.age.map(|span| span.0),
            size: user.retention.size.map(|size| size.0),
        },
        plugin_policy: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<UserConfig, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("local-ci")).unwrap();
        std::fs::write(dir.path().join("local-ci/config.toml"), text).unwrap();
        load_user(&Env::from_pairs([(env::XDG_CONFIG_HOME, dir.path().to_str().unwrap())]))
    }

    #[test]
    fn settings_are_read() {
        let user = load(
            "colour = \"never\"\noutput = \"lines\"\njobs = 3\n[remotes.box]\nhost = \"box.example.invalid\"\n\
             [retention]\nruns = 50\nage = \"30d\"\nsize = \"1GiB\"\n",
        )
        .unwrap();
        assert_eq!(user.color.as_deref(), Some("never"));
        assert_eq!((user.output.as_deref(), user.jobs), (Some("lines"), Some(3)));
        assert_eq!(user.remotes["box"].destination.host, "box.example.invalid");
        let age = Duration::from_hours(720);
        assert_eq!(user.retention, Retention { runs: Some(50), age: Some(age), size: Some(1 << 30) });
    }

    /// A key that is not given permits everything, and one that is given only what it says.
    #[test]
    fn a_policy_holds_for_the_keys_that_it_has() {
        let policy = |text: &str| load(text).unwrap().plugin_policy;
        assert_eq!(policy(""), None);
        assert_eq!(policy("[plugin-policy]\n"), None);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let given = policy("[plugin-policy]\nhttp = []\nfiles-write = [\"docs/**\"]\nclock = false\n").unwrap();
        let expected = Grants {
            files_read: words(&["**"]),
            files_write: words(&["docs/**"]),
            env: words(&["*"]),
            commands: words(&["**"]),
            http: Vec::new(),
            secrets: words(&["*"]),
            clock: false,
        };
        assert_eq!(given, expected);
        assert!(policy("[plugin-policy]\nhttp = [\"*\"]\n").is_some(), "every host, which only a user can say");
        let codes = |text: &str| load(text).unwrap_err().faults().iter().map(|fault| fault.code).collect::<Vec<_>>();
        let three = codes("[plugin-policy]\nfiles-read = [\"[\"]\nhttp = [\"a/b\"]\nnet = true\n");
        assert_eq!(three, ["LC0411", "LC0423", "LC0301"]);
    }

    #[test]
    fn what_runs_is_not_the_users_to_say() {
        let error = load("[stages.evil]\nrun = \"true\"\njobs = 0\n").unwrap_err();
        assert_eq!(error.faults()[0].code, "LC0301");
    }

    #[test]
    fn one_that_is_not_there_says_nothing() {
        assert_eq!(load_user(&Env::default()).unwrap(), UserConfig::default());
        let env = Env::from_pairs([(env::HOME, "/nonexistent")]);
        assert_eq!(load_user(&env).unwrap(), UserConfig::default());
    }
}
