//! Git hooks: which stages one runs, and on what.

use serde::{Deserialize, Serialize};

/// The hooks of git that a person's own work calls, as githooks(5) has them.
pub const NAMES: &[&str] = &[
    "applypatch-msg",
    "commit-msg",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-merge",
    "post-rewrite",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "prepare-commit-msg",
];

/// The hook that git calls before it pushes.
pub const PRE_PUSH: &str = "pre-push";

/// What the stages of a hook run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tree {
    /// What is pushed or committed, in a work tree of local-ci's own.
    Commit,
    /// The work tree as it is.
    Worktree,
}

impl Tree {
    /// What it is for a hook of this name where nothing says so: a hook that has files to judge judges what git is about
    /// to take.
    pub fn of(hook: &str) -> Self {
        match hook {
            PRE_PUSH | "pre-commit" | "pre-merge-commit" => Self::Commit,
            _ => Self::Worktree,
        }
    }
}

/// One hook, as `[hooks]` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hook {
    /// Names of stages, or globs of names.
    pub stages: Vec<String>,
    /// A profile.
    pub profile: Option<String>,
    /// What they run on, where the hook says so.
    pub tree: Option<Tree>,
}

/// `[hooks]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hooks {
    /// What the stages of all hooks run on, where it says so.
    pub tree: Option<Tree>,
    /// The hooks by name, in the order of the file.
    pub hooks: Vec<(String, Hook)>,
}

impl Hooks {
    /// What is said of a hook.
    pub fn find(&self, name: &str) -> Option<&Hook> {
        self.hooks.iter().find(|(known, _)| known == name).map(|(_, hook)| hook)
    }

    /// What the stages of a hook run on.
    pub fn tree(&self, name: &str) -> Tree {
        self.find(name).and_then(|hook| hook.tree).or(self.tree).unwrap_or_else(|| Tree::of(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_says_before_all_hooks_do_what_it_runs_on() {
        let hook = |tree| Hook { tree, ..Hook::default() };
        let hooks = Hooks { tree: None, hooks: vec![("pre-push".into(), hook(Some(Tree::Worktree)))] };
        assert_eq!((hooks.tree("pre-push"), hooks.tree("pre-commit")), (Tree::Worktree, Tree::Commit));
        assert_eq!(hooks.tree("commit-msg"), Tree::Worktree);
        let all = Hooks { tree: Some(Tree::Commit), hooks: vec![("pre-push".into(), hook(None))] };
        assert_eq!((all.tree("pre-push"), all.tree("commit-msg")), (Tree::Commit, Tree::Commit));
    }
}
