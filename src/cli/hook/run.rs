//! `hook run`: what a hook of ours calls. Reads what git says once, decides what is to be tested and on what, and runs it
//! like any other run of the project.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use super::super::args::{Command, HookRunArgs, Presence, RunArgs};
use super::super::error::CliError;
use super::super::project::Context;
use super::super::rerun::words::words;
use super::super::run::{Occasion, run_in};
use super::super::{Ending, argv, output, variables};
use super::subjects::{Push, Target, push, targets};
use super::trial::Trial;
use super::{check, surroundings};
use crate::clock::{Clock, SystemClock};
use crate::config::LoadRequest;
use crate::env;
use crate::ids::RunNumber;
use crate::journal::layout::{ProjectDir, RunDir, state_dir};
use crate::outcome::exit;
use crate::pipeline::hook::{PRE_PUSH, Tree};
use crate::plan::command::quote_all;
use crate::plugin::store::cache_dir;
use crate::process::tool::Tools;
use crate::report::Ago;
use crate::session::changed::Since;
use crate::session::hooks::install::way_around;
use crate::session::hooks::push::{Update, without_login};
use crate::session::hooks::repository::{Commit, Repository, Surroundings};
use crate::session::hooks::tree::{Head, PrivateTree, References, Subject};
use crate::session::hooks::verdicts::{Green, fingerprint, is_settled};
use crate::session::prepare::{self, Project};
use crate::session::source::Source;
use crate::text::plain::printable;

/// Runs a hook.
pub(super) fn run(context: &Context<'_>, args: &HookRunArgs) -> Result<Ending, CliError> {
    check(&args.hook)?;
    let tools = Tools::plain(context.env);
    let args: (&str, Vec<String>) =
        (&args.hook, args.args.iter().map(|word| word.to_string_lossy().into_owned()).collect());
    let (name, words) = args;
    let repository = match surroundings(context, &tools)? {
        Surroundings::Repository(repository) => Some(*repository),
        Surroundings::Bare(_) | Surroundings::Nothing => None,
    };
    let push = if name == PRE_PUSH { push(&words, repository.as_ref(), &tools)? } else { Push::default() };
    let call = Call { context, name, words, tools, push, title: RefCell::new("it".to_owned()) };
    let ending = match &repository {
        Some(repository) => call.of_repository(repository),
        None => {
            output::say(&format!("{name}: this is no work tree of git, so the stages run in the directory as it is"));
            call.as_it_is()
        }
    };
    if !matches!(ending, Ok(Ending::Code(exit::PASSED))) {
        call.say_refused();
    }
    ending
}

/// One call of a hook.
struct Call<'a> {
    context: &'a Context<'a>,
    name: &'a str,
    /// What git gave it.
    words: Vec<String>,
    tools: Tools,
    push: Push,
    /// What is tested at the moment.
    title: RefCell<String>,
}

/// What came of a tree.
enum Tested {
    /// This.
    Ended(Ending),
    /// Its config would have the work tree tested instead.
    NotHere,
}

impl Call<'_> {
    fn of_repository(&self, repository: &Repository) -> Result<Ending, CliError> {
        if self.name != PRE_PUSH {
            return match self.tree() {
                Tree::Worktree => self.as_it_is(),
                Tree::Commit => self.of_index(repository),
            };
        }
        if self.push.updates.iter().all(Update::is_deletion) {
            let what =
                if self.push.updates.is_empty() { "nothing is pushed" } else { "nothing is pushed, only deleted" };
            output::say(&format!("{PRE_PUSH}: {what}"));
            return Ok(Ending::Code(exit::PASSED));
        }
        for target in targets(&self.push, repository, &self.tools)? {
            match self.pushed(&target, repository)? {
                Tested::NotHere => return self.as_it_is(),
                Tested::Ended(Ending::Code(exit::PASSED)) => {}
                Tested::Ended(ending) => return Ok(ending),
            }
        }
        Ok(Ending::Code(exit::PASSED))
    }

    /// What the stages run on, as the config here has it. One that cannot be read may be a fault of what is not committed.
    fn tree(&self) -> Tree {
        let here = self.context.project().ok();
        here.map_or_else(|| Tree::of(self.name), |project| project.pipeline.hooks().tree(self.name))
    }

    fn pushed(&self, target: &Target, repository: &Repository) -> Result<Tested, CliError> {
        let title = target.title();
        self.title.replace(title.clone());
        let Commit { id, tree } = &target.commit;
        let trial = self.trial(repository, tree)?;
        let recalled = trial.recall();
        if let Some(green) = &recalled
            && green.plan.is_none()
        {
            self.say_green(&title, green);
            return Ok(Tested::Ended(Ending::Code(exit::PASSED)));
        }
        if self.tree() == Tree::Worktree {
            return Ok(Tested::NotHere);
        }
        let place = self.place(repository)?;
        let subject = Subject { tree: tree.clone(), head: Head::Commit(id.clone()) };
        let branch = target.updates.iter().find_map(|update| update.branch()).map(str::to_owned);
        let source = Source { commit: Some(id.clone()), branch };
        let since = Since::Push(before(&target.updates));
        let place = Place { tree: &place, subject, source, since, title: &title };
        self.test(&trial, &place, recalled.as_ref(), Some(target))
    }

    /// What is about to be committed.
    fn of_index(&self, repository: &Repository) -> Result<Ending, CliError> {
        let place = self.place(repository)?;
        let tree = place.tree_of_index(repository)?;
        let trial = self.trial(repository, &tree)?;
        let recalled = trial.recall();
        let title = "what is to be committed";
        self.title.replace(title.to_owned());
        if let Some(green) = &recalled
            && green.plan.is_none()
        {
            self.say_green(title, green);
            return Ok(Ending::Code(exit::PASSED));
        }
        let head = repository.commits(&["HEAD"], &self.tools)?.pop().flatten();
        let branch = repository.branch(&self.tools)?;
        let source = Source {
            commit: head.as_ref().map(|commit| commit.id.clone()),
            branch: branch.as_ref().and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned),
        };
        let head = match (head, branch) {
            (Some(commit), _) => Head::Commit(commit.id),
            (None, Some(branch)) => Head::Unborn(branch),
            (None, None) => Head::Unborn("refs/heads/main".to_owned()),
        };
        let subject = Subject { tree: tree.clone(), head };
        match self.test(
            &trial,
            &Place { tree: &place, subject, source, since: Since::Head, title },
            recalled.as_ref(),
            None,
        )? {
            Tested::Ended(ending) => Ok(ending),
            Tested::NotHere => self.as_it_is(),
        }
    }

    /// The work tree for tests. Waits for it.
    fn place(&self, repository: &Repository) -> Result<PrivateTree, CliError> {
        let cache = self.cache()?;
        Ok(PrivateTree::take(&cache, repository, &self.tools, &|text| output::say(&printable(text)))?)
    }

    fn cache(&self) -> Result<PathBuf, CliError> {
        cache_dir(self.context.env).ok_or_else(|| {
            CliError::infrastructure("there is nowhere to keep a work tree: none of LOCAL_CI_CACHE_DIR, XDG_CACHE_HOME and HOME is an absolute path")
                .or_try("set LOCAL_CI_CACHE_DIR to a directory, or `tree = \"worktree\"` in [hooks]")
        })
    }

    /// Tests what a place is to hold.
    fn test(
        &self,
        trial: &Trial<'_>,
        place: &Place<'_>,
        recalled: Option<&Green>,
        target: Option<&Target>,
    ) -> Result<Tested, CliError> {
        let (tree, repository) = (place.tree, trial.repository);
        for notice in tree.check_out(&place.subject, repository)? {
            output::warning(&format!("{}: {notice}", tree.work().display()));
        }
        let open = || self.open(trial, place);
        let project = open()?;
        if project.pipeline.hooks().tree(self.name) == Tree::Worktree {
            return Ok(Tested::NotHere);
        }
        let args = self.args(&project, Tree::Commit)?;
        let plan = project.plan(&args.selection.request(), self.context.env)?;
        let print = fingerprint(&plan);
        if let Some(green) = recalled.filter(|green| green.plan.as_ref() == Some(&print)) {
            self.say_green(place.title, green);
            return Ok(Tested::Ended(Ending::Code(exit::PASSED)));
        }
        // What has changed depends on what is there already.
        let settled = is_settled(&project.pipeline, &plan) && args.selection.changed.is_none();
        output::say(&printable(&format!("{}: testing {} in {}", self.name, place.title, tree.work().display())));
        let number = Cell::new(None);
        let placed = |run: &RunDir, given: Option<RunNumber>| {
            tree.used_by(run);
            number.set(given);
        };
        let mut variables = self.variables(repository);
        let references = target.map(|_| self.references(repository)).transpose()?;
        if let Some(target) = target {
            let commit = Some(target.commit.id.as_str());
            variables.extend(self.push_variables(&target.updates, commit, references.as_ref()));
        }
        let equivalent = words(&args, None);
        let occasion = Occasion { equivalent: &equivalent, variables, is_bound: true, placed: Some(&placed) };
        let ending = run_in(self.context, &args, &occasion, &open)?;
        if ending == Ending::Code(exit::PASSED)
            && let Some(number) = number.get()
        {
            trial.remember(number, (!settled).then_some(print));
        }
        Ok(Tested::Ended(ending))
    }

    /// The project as it is in a place, which is the user's project elsewhere: its runs are the project's, and its files are
    /// called by their names here.
    fn open(&self, trial: &Trial<'_>, place: &Place<'_>) -> Result<Project, CliError> {
        let work = place.tree.work();
        let top = &trial.repository.top;
        let there = |path: &Path| path.strip_prefix(top).map(|below| work.join(below));
        let start = work.join(&trial.project);
        if !start.is_dir() {
            return Err(CliError::usage(format!("there is no directory {} in it", trial.project.display()))
                .or_try("what is tested is what git takes, without what is not committed"));
        }
        let explicit = match self.context.config() {
            None => None,
            Some(file) => Some(there(&file).map_err(|_| {
                CliError::usage(format!("the config {} is not a part of the repository", file.display()))
                    .or_try("what is tested brings its own; or set `tree = \"worktree\"` in [hooks]")
            })?),
        };
        let request = LoadRequest { start, explicit, ..self.context.load_request() };
        let mut project = prepare::open(&request, self.context.supplier())?;
        let work = work.canonicalize().unwrap_or(work);
        let here = |path: &Path| path.strip_prefix(&work).map_or_else(|_| path.to_owned(), |below| joined(top, below));
        project.root = here(&project.root);
        for (path, _) in &mut project.config {
            *path = here(path);
        }
        project.source = place.source.clone();
        project.hook = Some(self.name.to_owned());
        project.since = place.since.clone();
        Ok(project)
    }

    /// Runs the stages in the work tree as it is.
    fn as_it_is(&self) -> Result<Ending, CliError> {
        self.title.replace("the work tree".to_owned());
        let open = || {
            let mut project = self.context.project()?;
            project.hook = Some(self.name.to_owned());
            project.since = match self.name {
                PRE_PUSH => Since::Push(before(&self.push.updates)),
                "pre-commit" | "pre-merge-commit" => Since::Head,
                _ => Since::Work,
            };
            Ok(project)
        };
        let args = self.args(&open()?, Tree::Worktree)?;
        let repository = surroundings(self.context, &self.tools)?;
        let mut variables = match &repository {
            Surroundings::Repository(repository) => self.variables(repository),
            Surroundings::Bare(_) | Surroundings::Nothing => self.named(),
        };
        let pushed: Vec<Update> = self.push.updates.iter().filter(|update| !update.is_deletion()).cloned().collect();
        let references = match &repository {
            Surroundings::Repository(repository) if !pushed.is_empty() => Some(self.references(repository)?),
            Surroundings::Repository(_) | Surroundings::Bare(_) | Surroundings::Nothing => None,
        };
        if let Some(first) = pushed.first() {
            variables.extend(self.push_variables(&pushed, Some(&first.local), references.as_ref()));
        }
        let equivalent = words(&args, self.context.config().as_deref());
        let occasion = Occasion { equivalent: &equivalent, variables, is_bound: true, placed: None };
        run_in(self.context, &args, &occasion, &open)
    }

    /// The `run` that a hook is. It waits for other runs of the project, and nobody leaves it.
    fn args(&self, project: &Project, tree: Tree) -> Result<RunArgs, CliError> {
        let hook = project.pipeline.hooks().find(self.name).cloned().unwrap_or_default();
        let profile = hook.profile.map(|name| format!("--profile={name}"));
        let mut args = self.plain(profile.into_iter().chain(hook.stages))?;
        // What it would change is nobody's to commit.
        args.selection.fix &= tree == Tree::Worktree;
        Ok(args)
    }

    /// A `run` of these words, with what the environment says.
    fn plain(&self, given: impl Iterator<Item = String>) -> Result<RunArgs, CliError> {
        let line: Vec<std::ffi::OsString> =
            ["local-ci", "run"].into_iter().map(Into::into).chain(given.map(Into::into)).collect();
        let mut cli = argv::parse(&line).map_err(|error| CliError::usage(error.to_string()))?;
        variables::fill_in(&mut cli, self.context.env)?;
        let Command::Run(mut args) = cli.command else {
            return Err(CliError::usage(format!("the hook {} has stages that cannot be named", self.name)));
        };
        args.presence = Presence { queue: true, ..Presence::default() };
        (args.dry_run, args.list, args.repeat) = (false, false, None);
        Ok(args)
    }

    /// What a verdict on a tree depends on.
    fn trial<'t>(&self, repository: &'t Repository, tree: &'t str) -> Result<Trial<'t>, CliError>
    where
        Self: 't,
    {
        let directory = self.context.directory.canonicalize().unwrap_or_else(|_| self.context.directory.clone());
        let project = directory.strip_prefix(&repository.top).unwrap_or(Path::new("")).to_owned();
        let args = self.plain(std::iter::empty())?;
        let mut selection = words(&args, self.context.global.config.as_deref());
        // The same whether it is looked up or not.
        selection.retain(|word| word != "--no-cache");
        let root = prepare::locate(&self.context.load_request());
        let state = state_dir(self.context.env).map(|state| ProjectDir::new(&state, &root));
        Ok(Trial {
            repository,
            tree,
            hook: self.name.to_owned(),
            selection,
            state,
            project,
            is_looked_up: !args.no_cache,
        })
    }

    /// Says how to go on all the same, where git will not.
    fn say_refused(&self) {
        if let Some(way) = way_around(self.name) {
            let title = self.title.borrow();
            output::say(&printable(&format!("{}: {title} did not pass; `{way}` goes on all the same", self.name)));
        }
    }

    fn say_green(&self, title: &str, green: &Green) {
        let ago = Ago::between(green.at_ms, SystemClock.now().unix_ms);
        let again = match self.name {
            PRE_PUSH => "git push",
            _ => "git commit",
        };
        output::say(&printable(&format!(
            "{}: {title} passed before, in run {} ({ago}); `{}=1 {again}` tests it again",
            self.name,
            green.run,
            env::NO_CACHE
        )));
    }

    /// What every stage of a hook is told.
    fn named(&self) -> Vec<(String, String)> {
        let mut told = vec![(env::HOOK.to_owned(), self.name.to_owned())];
        // Who logs in there is not for every stage to know.
        let words: Vec<String> = self.words.iter().map(|word| without_login(word)).collect();
        told.push((env::HOOK_ARGS.to_owned(), quote_all(&words)));
        told
    }

    fn variables(&self, repository: &Repository) -> Vec<(String, String)> {
        let mut told = self.named();
        let is_about_a_message = matches!(self.name, "commit-msg" | "prepare-commit-msg" | "applypatch-msg");
        if let Some(file) = self.words.first().filter(|_| is_about_a_message) {
            // Git names it from the top of the work tree, where it starts hooks.
            let file = repository.top.join(file).to_string_lossy().into_owned();
            told.push((env::COMMIT_MESSAGE.to_owned(), file));
        }
        told
    }

    fn references(&self, repository: &Repository) -> Result<References, CliError> {
        Ok(References::write(&self.cache()?, repository, &self.push.text)?)
    }

    fn push_variables(
        &self,
        updates: &[Update],
        commit: Option<&str>,
        references: Option<&References>,
    ) -> Vec<(String, String)> {
        let first = updates.first();
        let told = [
            (env::PUSH_REMOTE, self.words.first().map(|word| without_login(word))),
            (env::PUSH_URL, self.words.get(1).map(|word| without_login(word))),
            (env::PUSH_REFS, references.map(|file| file.path().to_string_lossy().into_owned())),
            (env::PUSH_COMMIT, commit.map(str::to_owned)),
            (env::PUSH_REF, first.map(|update| update.remote_ref.clone())),
            (env::PUSH_BASE, first.and_then(|update| update.known_before()).map(str::to_owned)),
        ];
        told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// What is tested, and where.
struct Place<'a> {
    tree: &'a PrivateTree,
    subject: Subject,
    source: Source,
    since: Since,
    title: &'a str,
}

/// What these references are there now. For one that is new nobody knows what is there of it, and what the others are says
/// nothing of it.
fn before(updates: &[Update]) -> Vec<String> {
    let pushed = updates.iter().filter(|update| !update.is_deletion());
    let before: Option<Vec<String>> = pushed.map(|update| update.known_before().map(str::to_owned)).collect();
    before.unwrap_or_default()
}

/// A path below a directory; the directory itself without a slash at its end.
fn joined(top: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { top.to_owned() } else { top.join(below) }
}
