//! Why there is no plan. Every variant carries its data; what exit code goes with it is decided elsewhere.

use std::fmt;

use crate::ids::StageName;
use crate::pipeline::remote::BadDestination;

/// Why a request cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No stage has this name.
    #[error("there is no stage {name:?}{}{}", by(.from.as_ref()), did_you_mean(.nearest))]
    UnknownStage {
        /// What was asked for.
        name: String,
        /// Stages with a similar name, the most similar first.
        nearest: Vec<String>,
        /// The profile that names it, if it was not the command line.
        from: Option<String>,
    },
    /// Not a glob.
    #[error("{glob:?} is not a glob: {fault}")]
    InvalidGlob {
        /// What was asked for.
        glob: String,
        /// What is wrong with it.
        fault: String,
    },
    /// No stage's name matches this glob.
    #[error("no stage matches {glob:?}")]
    UnmatchedGlob {
        /// What was asked for.
        glob: String,
    },
    /// No stage has this tag.
    #[error("no stage has the tag {tag:?}{}", instead(.nearest, .known, "no stage has a tag"))]
    UnmatchedTag {
        /// What was asked for.
        tag: String,
        /// Tags with a similar name, the most similar first.
        nearest: Vec<String>,
        /// All tags.
        known: Vec<String>,
    },
    /// No profile has this name.
    #[error("there is no profile {name:?}{}", instead(.nearest, .known, "the config has no profiles"))]
    UnknownProfile {
        /// What was asked for.
        name: String,
        /// Profiles with a similar name, the most similar first.
        nearest: Vec<String>,
        /// All profiles.
        known: Vec<String>,
    },
    /// The profile selects no stage.
    #[error("no stage matches the profile {name:?}")]
    EmptyProfile {
        /// Its name.
        name: String,
    },
    /// There is nothing to choose from.
    #[error("the pipeline has no stages")]
    NoStages,
    /// Nothing was asked for, and no stage is in the default set.
    #[error("no stage is in the default set: name one, or take `default = false` off one")]
    NoDefaultStages,
    /// Everything that was asked for is left out again.
    #[error("nothing is left to run: {} left out by {by}", are(.left_out))]
    NothingLeft {
        /// The stages that were asked for.
        left_out: Vec<StageName>,
        /// By what: `--skip`, or a profile.
        by: String,
    },
    /// `-- ARGS` were given, and there is not one stage that they are meant for.
    #[error("arguments after -- go to exactly one stage, and {} selected: name one stage", are(.asked))]
    ArgsForMany {
        /// The stages that were asked for.
        asked: Vec<StageName>,
    },
    /// `-- ARGS` were given, and the one stage that they are meant for is a plugin's.
    #[error(
        "stage {stage} uses plugin {used}, which takes no arguments after --: give it settings as `with` in the config"
    )]
    ArgsForPlugin {
        /// The stage.
        stage: StageName,
        /// What it uses.
        used: String,
    },
    /// `--remote` names nobody to connect to.
    #[error("--remote is {text:?}, which {why}")]
    BadRemote {
        /// What was typed.
        text: String,
        /// What is wrong with it.
        why: BadDestination,
    },
    /// A stage is to run on a remote that is not there.
    #[error("there is no remote {name:?}{}", did_you_mean(.nearest))]
    UnknownRemote {
        /// Its name.
        name: String,
        /// Remotes with a similar name, the most similar first.
        nearest: Vec<String>,
    },
    /// Something is said of the one remote of a plan that has none, or several.
    #[error("{option} is for one remote, and {remotes}: name it with --remote")]
    WhichRemote {
        /// What was typed.
        option: &'static str,
        /// The remotes of the plan.
        remotes: Remotes,
    },
    /// Stages that talk with a person would run on another machine.
    #[error("{} interactive, which works on this machine only: {}, or leave it out with --skip", are(.stages), home(*.for_all))]
    InteractiveElsewhere {
        /// Which.
        stages: Vec<StageName>,
        /// Whether it is `--remote` that has them there.
        for_all: bool,
    },
}

/// The remotes of a plan, as a sentence has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remotes(pub Vec<String>);

impl fmt::Display for Remotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("these stages run here");
        }
        write!(f, "these stages run on {}", enumerate(&self.0, "and"))
    }
}

impl PlanError {
    /// Whether the request is well formed and selects nothing; else the request, or the config, is wrong.
    pub fn selects_nothing(&self) -> bool {
        match self {
            Self::UnmatchedGlob { .. }
            | Self::UnmatchedTag { .. }
            | Self::UnknownProfile { .. }
            | Self::EmptyProfile { .. }
            | Self::NoStages
            | Self::NoDefaultStages
            | Self::NothingLeft { .. } => true,
            Self::UnknownStage { .. }
            | Self::InvalidGlob { .. }
            | Self::ArgsForMany { .. }
            | Self::ArgsForPlugin { .. }
            | Self::BadRemote { .. }
            | Self::UnknownRemote { .. }
            | Self::WhichRemote { .. }
            | Self::InteractiveElsewhere { .. } => false,
        }
    }
}

/// The names most like what was typed, the most similar first, three at most.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut similar: Vec<(f64, &str)> =
        names.filter_map(|name| similarity(typed, name).map(|similarity| (similarity, name))).collect();
    similar.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    similar.dedup_by(|a, b| a.1 == b.1);
    similar.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// How like a name is what was typed, up to one; none where it is not like it at all.
pub(crate) fn similarity(typed: &str, name: &str) -> Option<f64> {
    // Nobody mistypes a name into several times its length, and the comparison is quadratic.
    const LONGEST: usize = 200;
    const SIMILAR: f64 = 0.75;
    if typed.is_empty() || typed.len() > LONGEST {
        return None;
    }
    // Of short words, two letters the wrong way round are most of the word.
    let slip = typed.len() > 2 && name.len() <= LONGEST && strsim::osa_distance(typed, name) == 1;
    let similarity = if slip { 1.0 } else { strsim::jaro_winkler(typed, name) };
    (similarity >= SIMILAR).then_some(similarity)
}

fn by(profile: Option<&String>) -> String {
    profile.map(|name| format!(", which the profile {name:?} names")).unwrap_or_default()
}

fn did_you_mean(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; did you mean {}?", nearest.join(" or ")) }
}

/// What could have been meant, or else what there is.
fn instead(nearest: &[String], known: &[String], none: &str) -> String {
    match (nearest, known) {
        ([], []) => format!("; {none}"),
        ([], known) => format!("; the config has {}", enumerate(known, "and")),
        (nearest, _) => did_you_mean(nearest),
    }
}

/// Names in a sentence: a few in full, many by number. `last` stands before the last one.
pub(super) fn enumerate<S: AsRef<str>>(names: &[S], last: &str) -> String {
    const SHOWN: usize = 5;
    let more = format!("{} more", names.len().saturating_sub(SHOWN));
    let mut shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    if names.len() > SHOWN {
        shown.push(&more);
    }
    match shown.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        Some((end, _)) => (*end).to_owned(),
        None => "none".to_owned(),
    }
}

/// What has a stage run here.
fn home(for_all: bool) -> &'static str {
    if for_all { "leave out --remote" } else { "take `on` off" }
}

fn are(stages: &[StageName]) -> String {
    let names: Vec<&str> = stages.iter().map(StageName::as_str).collect();
    format!("{} {}", enumerate(&names, "and"), if names.len() == 1 { "is" } else { "are" })
}
