//! What was asked for: the stages of a pipeline after its config was read, layered and checked.
//!
//! A [`Pipeline`] is valid by construction: names are unique, needs exist and have no cycle. It knows nothing
//! of TOML, of what is selected, or of how anything is run.

pub mod hook;
pub mod matcher;
pub mod plugin;
mod policy;
pub mod remote;
pub mod secret;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{DenseId, DenseMap, StageId, StageName};
use hook::Hooks;
use matcher::Annotate;
use plugin::{Ready, Use};
pub use policy::{DEFAULT_GRACE, DEFAULT_LOG_MAX, Jobserver, Leak, Policy};
use remote::Remote;
use secret::Origin;

/// What a stage runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A script, given to a shell as its last argument.
    Shell {
        /// The shell and its options, such as `["sh", "-e", "-c"]`.
        shell: Vec<String>,
        /// The script.
        script: String,
        /// What `"$@"` is in it: the command line's `-- ARGS`.
        args: Vec<String>,
    },
    /// A program and its arguments, without a shell.
    Argv(Vec<String>),
    /// A plugin's stage kind.
    Plugin(Use),
}

impl Command {
    /// The command as the arguments that a program gets, its own name first.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Argv(argv) => argv.clone(),
            Self::Plugin(used) => vec![used.name(), used.params.clone()],
            Self::Shell { shell, script, args } => {
                let mut words = shell.clone();
                words.push(script.clone());
                if !args.is_empty() {
                    // The first word after a script is `$0`, the name that the shell's own messages begin with.
                    words.push(shell.first().cloned().unwrap_or_default());
                    words.extend(args.iter().cloned());
                }
                words
            }
        }
    }
}

/// The shell of a stage that names none.
pub const DEFAULT_SHELL: [&str; 3] = ["sh", "-e", "-c"];

/// What a stage is: a command, or a kind that a plugin brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `run`.
    Run(Command),
    /// `uses` and `with`.
    Use(Use),
}

/// Where a stage runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// On this machine.
    #[default]
    Local,
    /// On an entry of `[remotes]`.
    Remote(String),
}

/// `when`: what has to hold for a stage to run. Parts that are not given hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// One of these operating systems, as Rust names them: `linux`, `macos` …
    pub os: Option<Vec<String>>,
    /// Variables with the values they must have; `None`: set at all.
    pub env: BTreeMap<String, Option<String>>,
    /// Whether `CI` must be on, or off.
    pub ci: Option<bool>,
    /// Globs of which the current branch must match one.
    pub branch: Option<Vec<String>>,
    /// Globs of which one must match a file that has changed; one with a leading `!` takes out again.
    pub changed: Option<Vec<String>>,
    /// The git hooks that it runs for.
    pub hook: Option<Vec<String>>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name; a matrix cell's is `test:1.80:linux`.
    pub name: StageName,
    /// The name as it stands in the config; differs from `name` for a matrix cell.
    pub declared: StageName,
    /// What it is for.
    pub description: Option<String>,
    /// What it does.
    pub action: Action,
    /// What `--fix` runs instead.
    pub fix: Option<Command>,
    /// Stages that come first.
    pub needs: Vec<StageId>,
    /// Every variable that the config gives it, `[env]`, `env-file`, `env` and matrix values merged.
    pub env: BTreeMap<String, String>,
    /// Its directory relative to the project's; empty: the project's own.
    pub dir: PathBuf,
    /// How it is supervised.
    pub policy: Policy,
    /// When it runs at all.
    pub when: When,
    /// The axes' values, for a matrix cell.
    pub matrix: BTreeMap<String, String>,
    /// Words it can be selected by.
    pub tags: Vec<String>,
    /// Where it runs.
    pub placement: Placement,
    /// Whether it is in the default set.
    pub default: bool,
    /// Globs of files it reads.
    pub inputs: Vec<String>,
    /// Globs of files it writes.
    pub outputs: Vec<String>,
    /// Who reads its output.
    pub annotate: Vec<Annotate>,
    /// The names of the secrets that it is given.
    pub secrets: Vec<String>,
}

impl Stage {
    /// The name of the executor that it says: of a remote, or [`remote::HERE`].
    pub fn executor(&self) -> &str {
        match &self.placement {
            Placement::Local => remote::HERE,
            Placement::Remote(name) => name,
        }
    }

    /// A stage with this name and command, and defaults for the rest.
    pub fn new(name: StageName, command: Command) -> Self {
        Self {
            declared: name.clone(),
            name,
            description: None,
            action: Action::Run(command),
            fix: None,
            needs: Vec::new(),
            env: BTreeMap::new(),
            dir: PathBuf::new(),
            policy: Policy::default(),
            when: When::default(),
            matrix: BTreeMap::new(),
            tags: Vec::new(),
            placement: Placement::Local,
            default: true,
            inputs: Vec::new(),
            outputs: Vec::new(),
            annotate: Vec::new(),
            secrets: Vec::new(),
        }
    }
}

/// A named selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// What it is for.
    pub description: Option<String>,
    /// Names and globs of stages.
    pub stages: Vec<String>,
    /// Tags of stages.
    pub tags: Vec<String>,
    /// Names and globs of stages that it leaves out.
    pub skip: Vec<String>,
}

/// What a stage is worth to the verdict that passed, and not at its first attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaky {
    /// It has passed, and is named.
    #[default]
    Pass,
    /// The run fails. What needs the stage runs all the same.
    Fail,
}

impl Flaky {
    /// What it is called in a config and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }

    /// Why a stage that passed fails the run, as a sentence.
    pub fn sentence(attempt: u32) -> String {
        format!("it passed at attempt {attempt} only, and flaky stages are set to fail the run")
    }

    /// By its word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pass, Self::Fail].into_iter().find(|flaky| flaky.word() == word)
    }
}

/// `[run]`: the run's own defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunDefaults {
    /// Slots; none: as many as the machine has cores.
    pub jobs: Option<u32>,
    /// Whether the first failure cancels the rest.
    pub fail_fast: Option<bool>,
    /// What a stage is worth that passed only at another attempt.
    pub flaky: Option<Flaky>,
    /// The output mode's name.
    pub output: Option<String>,
    /// How long the whole run may take.
    pub timeout: Option<Duration>,
    /// What becomes of commands to a CI that stages print.
    pub annotations: Annotations,
    /// Globs of the names of variables whose values are masked; none: [`secret::DEFAULT_MASK`].
    pub mask: Option<Vec<String>>,
}

/// What becomes of commands to the CI around that stages print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Annotations {
    /// They are kept from it.
    #[default]
    Fenced,
    /// It acts on them, on all of them: what a stage prints can open and close groups, set masks and stop our own.
    Passthrough,
}

/// A valid pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    root: PathBuf,
    stages: DenseMap<StageId, Stage>,
    by_name: HashMap<StageName, StageId>,
    profiles: BTreeMap<String, Profile>,
    run: RunDefaults,
    remotes: BTreeMap<String, Remote>,
    plugins: BTreeMap<String, Ready>,
    reporters: Vec<String>,
    hooks: Hooks,
    secrets: BTreeMap<String, Origin>,
}

/// Why stages do not make a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// Two stages have one name.
    #[error("stage {0} stands twice")]
    Duplicate(StageName),
    /// A need is not one of the stages.
    #[error("stage {0} needs a stage that is not there")]
    UnknownNeed(StageName),
    /// Stages need each other in a ring; the shortest one, its first stage not repeated at the end.
    #[error("stages need each other in a ring")]
    Cycle(Vec<StageId>),
}

impl Pipeline {
    /// Checks stages and makes them a pipeline. `root` is the project's directory, absolute.
    pub fn new(
        root: PathBuf,
        stages: DenseMap<StageId, Stage>,
        profiles: BTreeMap<String, Profile>,
        run: RunDefaults,
    ) -> Result<Self, PipelineError> {
        let mut by_name = HashMap::with_capacity(stages.len());
        for (id, stage) in stages.iter() {
            if by_name.insert(stage.name.clone(), id).is_some() {
                return Err(PipelineError::Duplicate(stage.name.clone()));
            }
            if stage.needs.iter().any(|need| need.index() >= stages.len()) {
                return Err(PipelineError::UnknownNeed(stage.name.clone()));
            }
        }
        let needs: DenseMap<StageId, Vec<StageId>> = stages.values().map(|stage| stage.needs.clone()).collect();
        if let Some(cycle) = shortest_cycle(&needs) {
            return Err(PipelineError::Cycle(cycle));
        }
        Ok(Self {
            root,
            stages,
            by_name,
            profiles,
            run,
            remotes: BTreeMap::new(),
            plugins: BTreeMap::new(),
            reporters: Vec::new(),
            hooks: Hooks::default(),
            secrets: BTreeMap::new(),
        })
    }

    /// The same with other machines, by name.
    #[must_use]
    pub fn with_remotes(self, remotes: BTreeMap<String, Remote>) -> Self {
        Self { remotes, ..self }
    }

    /// The other machines that stages can run on, by name: those of the project, and of the user.
    pub fn remotes(&self) -> &BTreeMap<String, Remote> {
        &self.remotes
    }

    /// The same with plugins that stages and reporters use, by name, and the names of those that are told of events.
    #[must_use]
    pub fn with_plugins(self, plugins: BTreeMap<String, Ready>, reporters: Vec<String>) -> Self {
        Self { plugins, reporters, ..self }
    }

    /// The same with what git hooks run.
    #[must_use]
    pub fn with_hooks(self, hooks: Hooks) -> Self {
        Self { hooks, ..self }
    }

    /// What git hooks run.
    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// The same with secrets that stages are given, by name.
    #[must_use]
    pub fn with_secrets(self, secrets: BTreeMap<String, Origin>) -> Self {
        Self { secrets, ..self }
    }

    /// Where its secrets come from, by name.
    pub fn secrets(&self) -> &BTreeMap<String, Origin> {
        &self.secrets
    }

    /// The plugins that anything of it uses, by name.
    pub fn plugins(&self) -> &BTreeMap<String, Ready> {
        &self.plugins
    }

    /// The names of the plugins that are told of a run's events, in the order in which they are.
    pub fn reporters(&self) -> &[String] {
        &self.reporters
    }

    /// The project's directory, absolute.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// The stages, in order of declaration.
    pub fn stages(&self) -> &DenseMap<StageId, Stage> {
        &self.stages
    }

    /// The stage of this exact name.
    pub fn find(&self, name: &str) -> Option<StageId> {
        StageName::new(name).ok().and_then(|name| self.by_name.get(&name).copied())
    }

    /// The named selections.
    pub fn profiles(&self) -> &BTreeMap<String, Profile> {
        &self.profiles
    }

    /// The run's own defaults.
    pub fn run(&self) -> &RunDefaults {
        &self.run
    }
}

/// The shortest ring of needs, if there is one: each stage of it needs the next, the last needs the first.
///
/// Stages that no ring goes through are peeled off first (Kahn's algorithm), so that an acyclic graph costs one
/// pass. What is left is searched breadth first from one stage after the other, never deeper than the best ring so
/// far; a stage that was searched from is peeled off as well, since every ring through it is known.
pub fn shortest_cycle(needs: &DenseMap<StageId, Vec<StageId>>) -> Option<Vec<StageId>> {
    let mut peel = Peel::new(needs);
    peel.off(needs.iter().filter(|(_, of)| of.is_empty()).map(|(id, _)| id).collect());
    let mut best: Option<Vec<StageId>> = None;
    for start in needs.ids() {
        if peel.gone[start] {
            continue;
        }
        let limit = best.as_ref().map_or(usize::MAX, Vec::len);
        if let Some(ring) = ring_through(start, needs, &peel.gone, limit) {
            // Nothing is shorter than two stages but one that needs itself, and that is found where it stands.
            let done = ring.len() == 1;
            best = Some(ring);
            if done {
                break;
            }
        }
        peel.off(vec![start]);
    }
    best
}

/// A graph from which stages are taken that no ring goes through.
struct Peel {
    /// How many needs of each stage are still there.
    open: DenseMap<StageId, usize>,
    dependants: DenseMap<StageId, Vec<StageId>>,
    gone: DenseMap<StageId, bool>,
}

impl Peel {
    fn new(needs: &DenseMap<StageId, Vec<StageId>>) -> Self {
        let mut dependants: DenseMap<StageId, Vec<StageId>> = DenseMap::filled(needs.len(), Vec::new());
        for (id, of) in needs.iter() {
            for need in of {
                dependants[*need].push(id);
            }
        }
        let open = needs.values().map(Vec::len).collect();
        Self { open, dependants, gone: DenseMap::filled(needs.len(), false) }
    }

    /// Takes these stages away, and whatever needs nothing that is still there.
    fn off(&mut self, mut ready: Vec<StageId>) {
        while let Some(id) = ready.pop() {
            if std::mem::replace(&mut self.gone[id], true) {
                continue;
            }
            for dependant in &self.dependants[id] {
                self.open[*dependant] = self.open[*dependant].saturating_sub(1);
                if self.open[*dependant] == 0 {
                    ready.push(*dependant);
                }
            }
        }
    }
}

/// The shortest ring through `start` of fewer than `limit` stages.
fn ring_through(
    start: StageId,
    needs: &DenseMap<StageId, Vec<StageId>>,
    peeled: &DenseMap<StageId, bool>,
    limit: usize,
) -> Option<Vec<StageId>> {
    let mut came_from: HashMap<StageId, StageId> = HashMap::new();
    let mut queue = VecDeque::from([(start, 1)]);
    while let Some((id, length)) = queue.pop_front() {
        if length >= limit {
            return None;
        }
        for need in needs[id].iter().copied().filter(|need| !peeled[*need]) {
            if need == start {
                let mut ring = vec![id];
                while let Some(before) = came_from.get(ring.last()?) {
                    ring.push(*before);
                }
                ring.reverse();
                return Some(ring);
            }
            if let std::collections::hash_map::Entry::Vacant(slot) = came_from.entry(need) {
                slot.insert(id);
                queue.push_back((need, length + 1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(of: &[&[u32]]) -> DenseMap<StageId, Vec<StageId>> {
        of.iter().map(|ids| ids.iter().map(|id| StageId(*id)).collect()).collect()
    }

    /// H100: the shortest ring is the one that is shown.
    #[test]
    fn h100_the_shortest_cycle_is_found() {
        // 0 → 1 → 2 → 3 → 0 is longer than 2 → 4 → 2.
        let ring = shortest_cycle(&needs(&[&[1], &[2], &[3, 4], &[0], &[2]])).unwrap();
        assert_eq!(ring.len(), 2);
        assert!(ring.contains(&StageId(2)) && ring.contains(&StageId(4)));
        assert_eq!(shortest_cycle(&needs(&[&[0]])), Some(vec![StageId(0)]));
        assert_eq!(shortest_cycle(&needs(&[&[], &[0], &[0, 1]])), None);
    }

    /// H99: no recursion, however deep the chain.
    #[test]
    fn h99_a_deep_chain_is_no_cycle() {
        let chain: Vec<Vec<u32>> = (0..100_000u32).map(|i| i.checked_sub(1).into_iter().collect()).collect();
        let chain: DenseMap<StageId, Vec<StageId>> =
            chain.into_iter().map(|ids| ids.into_iter().map(StageId).collect()).collect();
        assert_eq!(shortest_cycle(&chain), None);
    }

    /// H99: nor does a ring of very many stages take long to be told.
    #[test]
    fn h99_a_long_ring_is_found_in_one_search() {
        let ring: DenseMap<StageId, Vec<StageId>> = (0..50_000).map(|i| vec![StageId((i + 1) % 50_000)]).collect();
        assert_eq!(shortest_cycle(&ring).map(|ring| ring.len()), Some(50_000));
    }

    #[test]
    fn a_ring_reads_in_the_direction_of_needs() {
        assert_eq!(shortest_cycle(&needs(&[&[1], &[2], &[0]])), Some(vec![StageId(0), StageId(1), StageId(2)]));
    }

    #[test]
    fn a_script_gets_its_arguments_as_positional_parameters() {
        let shell = |args: &[&str]| Command::Shell {
            shell: vec!["sh".into(), "-e".into(), "-c".into()],
            script: "echo \"$@\"".into(),
            args: args.iter().map(|a| (*a).to_owned()).collect(),
        };
        assert_eq!(shell(&[]).words(), ["sh", "-e", "-c", "echo \"$@\""]);
        assert_eq!(shell(&["a b"]).words(), ["sh", "-e", "-c", "echo \"$@\"", "sh", "a b"]);
    }
}
