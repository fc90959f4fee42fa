//! `[hooks]` and the conditions on hooks and changes.

use crate::config::tests::{faults, sound};
use crate::pipeline::hook::{Hook, Tree};

#[test]
fn hooks_are_lists_or_tables() {
    let loaded = sound(
        "[hooks]\ntree = 'worktree'\npre-push = ['a', 't*']\ncommit-msg = { profile = 'p', tree = 'commit' }\npre-commit = {}\n\
         [stages.a]\nrun = 'x'\n[stages.t1]\nrun = 'x'\n[profiles.p]\nstages = ['a']\n",
    );
    let hooks = loaded.pipeline.hooks();
    let names: Vec<&str> = hooks.hooks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["pre-push", "commit-msg", "pre-commit"]);
    assert_eq!(hooks.find("pre-push").unwrap().stages, ["a", "t*"]);
    assert_eq!(hooks.find("commit-msg").unwrap().profile.as_deref(), Some("p"));
    assert_eq!(hooks.find("pre-commit"), Some(&Hook::default()));
    assert_eq!((hooks.tree("pre-push"), hooks.tree("commit-msg")), (Tree::Worktree, Tree::Commit));
}

#[expect(clippy::too_many_lines, reason = "one file, and all that is wrong with it")]
#[test]
fn what_hooks_name_has_to_be_there() {
    let text = r#"[hooks]
prepush = ["a"]
pre-push = ["b", "z*"]
pre-commit = []
commit-msg = { profile = "pp", stage = "a" }
tree = "index"
[stages.a]
run = "x"
when = { hook = ["pre-pusch"], changed = "[" }
[profiles.p]
stages = ["a"]
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0440

      × `prepush` is not a git hook
       ╭─[local-ci.toml:2:1]
     1 │ [hooks]
     2 │ prepush = ["a"]
       · ───┬───
       ·    ╰── here
     3 │ pre-push = ["b", "z*"]
       ╰────
      help: did you mean `pre-push`?

    LC0441

      × there is no stage `b`
       ╭─[local-ci.toml:3:13]
     2 │ prepush = ["a"]
     3 │ pre-push = ["b", "z*"]
       ·             ─┬─
       ·              ╰── matches no stage
     4 │ pre-commit = []
       ╰────
      help: did you mean `a`?

    LC0441

      × no stage matches `z*`
       ╭─[local-ci.toml:3:18]
     2 │ prepush = ["a"]
     3 │ pre-push = ["b", "z*"]
       ·                  ──┬─
       ·                    ╰── matches no stage
     4 │ pre-commit = []
       ╰────
      help: the stages are: a

    LC0441

      × the hook `pre-commit` names no stage
       ╭─[local-ci.toml:4:14]
     3 │ pre-push = ["b", "z*"]
     4 │ pre-commit = []
       ·              ─┬
       ·               ╰── here
     5 │ commit-msg = { profile = "pp", stage = "a" }
       ╰────
      help: name some, or take the line out: then the stages run that run when none is named

    LC0441

      × there is no profile `pp`
       ╭─[local-ci.toml:5:26]
     4 │ pre-commit = []
     5 │ commit-msg = { profile = "pp", stage = "a" }
       ·                          ──┬─
       ·                            ╰── not in [profiles]
     6 │ tree = "index"
       ╰────
      help: did you mean `p`?

    LC0301

      × there is no key `stage` here
       ╭─[local-ci.toml:5:32]
     4 │ pre-commit = []
     5 │ commit-msg = { profile = "pp", stage = "a" }
       ·                                ──┬──
       ·                                  ╰── unknown key
     6 │ tree = "index"
       ╰────
      help: did you mean `stages`?

    LC0306

      × `tree` cannot be "index"
       ╭─[local-ci.toml:6:8]
     5 │ commit-msg = { profile = "pp", stage = "a" }
     6 │ tree = "index"
       ·        ───┬───
       ·           ╰── one of commit, worktree
     7 │ [stages.a]
       ╰────

    LC0440

      × `pre-pusch` is not a git hook
        ╭─[local-ci.toml:9:18]
      8 │ run = "x"
      9 │ when = { hook = ["pre-pusch"], changed = "[" }
        ·                  ─────┬─────
        ·                       ╰── here
     10 │ [profiles.p]
        ╰────
      help: did you mean `pre-push`?

    LC0411

      × `[` is not a glob: unclosed character class; missing ']'
        ╭─[local-ci.toml:9:42]
      8 │ run = "x"
      9 │ when = { hook = ["pre-pusch"], changed = "[" }
        ·                                          ─┬─
        ·                                           ╰── here
     10 │ [profiles.p]
        ╰────
      help: put [brackets] around a special character to mean itself

    9 faults in the configuration
    "#);
}
