//! The secrets of a run: found where it is started, before anything of it runs, and handed to its supervisor over the
//! private line.
//!
//! What is found is each secret that a stage of the plan names, and, to be masked alone, the values of variables whose names
//! say that they are secrets. Nothing that only looks at a plan comes here.

mod find;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use find::{COMMAND_LIMIT, FILE_MAX};

use crate::config::name_matcher;
use crate::env::Env;
use crate::ids::StageName;
use crate::pipeline::secret::Value;
use crate::plan::Plan;
use crate::process::tool::Tools;
use crate::text::mask::Needles;

/// What nobody is to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// What stages are given, by name.
    pub given: BTreeMap<String, Value>,
    /// What is masked besides, by the names of variables. A variable may have several values: that of ours, and stages' own.
    pub masked: Vec<(String, Value)>,
}

impl Secrets {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.masked.is_empty()
    }

    /// What is looked for, to be masked.
    pub fn needles(&self) -> Needles {
        let given = self.given.iter().map(|(name, value)| (name.as_str(), value.bytes()));
        Needles::new(given.chain(self.masked.iter().map(|(name, value)| (name.as_str(), value.bytes()))))
    }

    /// The names of those that stages are given and that are too short to be masked.
    pub fn too_short(&self) -> Vec<String> {
        let given = self.given.iter().map(|(name, value)| (name.as_str(), value.bytes()));
        Needles::new(given).short().to_vec()
    }

    /// What each stage of a plan is given.
    pub fn by_stage(&self, plan: &Plan) -> BTreeMap<StageName, Vec<(String, Value)>> {
        let given = |names: &[String]| {
            names.iter().filter_map(|name| Some((name.clone(), self.given.get(name)?.clone()))).collect::<Vec<_>>()
        };
        let stages = plan.stages.values().filter(|stage| !stage.secrets.is_empty());
        stages.map(|stage| (stage.name.clone(), given(&stage.secrets))).collect()
    }
}

/// A secret that is not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub name: String,
    /// The stages that name it.
    pub stages: Vec<StageName>,
    /// Why, as the end of a sentence. Nothing of any secret is in it.
    pub why: String,
    /// What to do about it.
    pub cure: Option<String>,
}

/// Finds the secrets of a plan. Commands take [`COMMAND_LIMIT`] each, and end once `cancelled` says so. The error has all that
/// are not to be had.
pub fn resolve(plan: &Plan, env: &Env, tools: &Tools, cancelled: &dyn Fn() -> bool) -> Result<Secrets, Vec<Missing>> {
    let mut secrets = Secrets { given: BTreeMap::new(), masked: to_be_masked(plan, env) };
    let mut missing = Vec::new();
    let place = find::Place { root: &plan.root, env, tools, cancelled };
    for (name, origin) in &plan.secrets {
        match place.find(origin, &secrets) {
            Ok(value) => {
                secrets.given.insert(name.clone(), Value::new(value));
            }
            Err(find::Refusal { why, cure }) => {
                let stages = plan.stages.values().filter(|stage| stage.runs() && stage.secrets.contains(name));
                let stages = stages.map(|stage| stage.name.clone()).collect();
                missing.push(Missing { name: name.clone(), stages, why, cure });
            }
        }
    }
    if missing.is_empty() { Ok(secrets) } else { Err(missing) }
}

/// Variables whose names say that they hold a secret, and those that plugins may send: of ours, and of the stages' own.
fn to_be_masked(plan: &Plan, env: &Env) -> Vec<(String, Value)> {
    // The config was checked: what is no glob matches nothing.
    let globs: Vec<_> = plan.mask.iter().filter_map(|glob| name_matcher(glob).ok()).collect();
    let granted =
        |name: &str| plan.plugins.values().any(|ready| ready.plugin.grants.secrets.iter().any(|grant| grant == name));
    let is_secret = |name: &str| granted(name) || globs.iter().any(|glob| glob.is_match(Path::new(name)));
    let ours = env.iter().filter_map(|(name, value)| Some((name.to_str()?, value.as_encoded_bytes())));
    let stages =
        plan.stages.values().flat_map(|stage| &stage.env).map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut masked: Vec<(String, Value)> = Vec::new();
    for (name, value) in ours.chain(stages).filter(|(name, value)| !value.is_empty() && is_secret(name)) {
        let both = (name.to_owned(), Value::new(value));
        if !masked.contains(&both) {
            masked.push(both);
        }
    }
    masked
}
