//! Git hooks, with the real git: nothing of a push or a commit goes on that did not pass, and nothing of the repository is
//! lost or changed by it.

use std::fs;

use crate::support::{Finished, Project};

/// A clone with a config, whose upstream is a bare repository on disk, and a git that reads nothing of this machine.
pub(crate) struct Repository(pub(crate) Project);

impl Repository {
    pub(crate) fn new(config: &str) -> Self {
        let clone = Self(Project::new());
        clone.sh("git init -q --bare ../side/up.git; git init -q .; git remote add origin ../side/up.git; mkdir src\n\
             echo '/target' >.gitignore; echo good >src/a");
        clone.write("local-ci.toml", config);
        clone.sh("git add .; git commit -qm first");
        clone
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.0.dir().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// A script in the clone, whatever comes of it. Not under the eyes of the harness: what git makes is git's.
    pub(crate) fn run(&self, script: &str) -> Finished {
        let home = self.0.root().join("home");
        let invocation = self.0.sh(&format!("cd ../project || exit\n{script}"));
        let variables = [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_COUNT", "4"),
            ("GIT_CONFIG_KEY_0", "user.name"),
            ("GIT_CONFIG_VALUE_0", "a"),
            ("GIT_CONFIG_KEY_1", "user.email"),
            ("GIT_CONFIG_VALUE_1", "a@example.invalid"),
            ("GIT_CONFIG_KEY_2", "init.defaultBranch"),
            ("GIT_CONFIG_VALUE_2", "main"),
            ("GIT_CONFIG_KEY_3", "protocol.file.allow"),
            ("GIT_CONFIG_VALUE_3", "always"),
        ];
        let invocation =
            variables.into_iter().fold(invocation, |invocation, (name, value)| invocation.env(name, value));
        invocation.env("HOME", home).env("SIDE", self.0.side("")).output()
    }

    /// The same, which has to succeed. Gives what it printed on both streams.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> String {
        let finished = self.run(&format!("set -e; {script}"));
        let said = format!("{}{}", finished.stdout(), finished.stderr());
        assert_eq!(finished.status.code(), Some(0), "{script}\n{said}");
        said
    }

    /// The same, which has to fail.
    #[track_caller]
    pub(crate) fn refused(&self, script: &str) -> String {
        let finished = self.run(script);
        let said = format!("{}{}", finished.stdout(), finished.stderr());
        assert_ne!(finished.status.code(), Some(0), "{script}\n{said}");
        said
    }

    pub(crate) fn side(&self, name: &str) -> String {
        fs::read_to_string(self.0.side(name)).unwrap_or_default()
    }

    /// What the upstream's branch is called whose tip has this subject.
    fn upstream(&self) -> String {
        self.sh("git -C ../side/up.git for-each-ref --format='%(refname:short) %(contents:subject)'")
    }

    /// No process is left, and the work tree that is git's own affair is not looked at.
    pub(crate) fn ends(self) {
        self.0.let_supervisors_end();
        let left: Vec<String> = self.0.left_now().into_iter().filter(|fault| fault.starts_with("process")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The stage says what it sees; `BAD` in a file fails it.
const CHECK: &str = "[hooks]\npre-push = ['check']\n[stages.check]\n\
    run = 'cat src/* >>\"$SIDE/saw\"; mkdir -p target; echo x >>target/built; ! grep -r BAD src'\n[stages.never]\nrun = 'exit 9'\n";

#[test]
fn the_commit_is_tested_and_not_the_work_tree() {
    let clone = Repository::new(CHECK);
    clone.sh("local-ci hook install");
    clone.sh("echo BAD >>src/a; echo BAD >src/new; git add src/new");
    let status = clone.sh("git status --short");
    clone.sh("git push origin main");
    assert_eq!((clone.upstream().as_str(), clone.side("saw").as_str()), ("main first\n", "good\n"));
    assert_eq!(clone.sh("git status --short"), status);
    assert!(!clone.0.dir().join("target").exists());
    assert_eq!(clone.sh("git worktree list | wc -l").trim(), "1");

    let said = clone.refused("git commit -qam bad; git push origin main");
    assert!(said.contains(" (main) did not pass; `git push --no-verify` goes on all the same"), "{said}");
    assert_eq!(clone.upstream(), "main first\n");

    // What was built for one commit is there for the next one, and what was not is gone.
    clone.sh("git rm -qf src/new; echo better >src/a; git commit -qam better; git push origin main");
    assert_eq!(clone.side("saw"), "good\ngood\nBAD\nBAD\nbetter\n");
    assert_eq!(clone.upstream(), "main better\n");
    assert_eq!(clone.sh("cat $LOCAL_CI_CACHE_DIR/trees/*/work/target/built"), "x\nx\nx\n");
    let runs = clone.sh("local-ci runs -n 3 --json | grep -o '\"verdict\": \"[a-z]*' | cut -d'\"' -f4 | tr '\\n' ' '");
    assert_eq!(runs.trim(), "passed failed passed", "the runs are the project's own");
    clone.ends();
}

#[test]
fn a_tree_that_passed_is_not_tested_again() {
    let clone = Repository::new(CHECK);
    clone.sh("local-ci hook install; git push origin main");
    let said = clone.sh("git push origin main:copy");
    assert!(said.contains("passed before, in run 1"), "{said}");
    // The same files in another commit, and only with what is said of them.
    let said = clone.sh("git commit -q --allow-empty -m same; git push origin main");
    assert!(said.contains("passed before, in run 1"), "{said}");
    assert_eq!(clone.side("saw"), "good\n");
    clone.sh("LOCAL_CI_NO_CACHE=1 git push origin main:third");
    clone.sh("LOCAL_CI_TAG= LOCAL_CI_SKIP=never git push origin main:fourth");
    assert_eq!(clone.side("saw"), "good\ngood\ngood\n");
    let said = clone.sh("git push origin main:fifth");
    assert!(said.contains("passed before, in run 2"), "{said}");
    clone.ends();
}

/// What depends on more than the tree is remembered for the same plan only; what was allowed to fail is not at all.
#[test]
fn a_verdict_is_for_what_was_run() {
    let clone = Repository::new(
        "[hooks]\npre-push = ['check', 'may']\n[stages.check]\nrun = 'echo x >>\"$SIDE/saw\"'\n\
         [stages.may]\nallow-failure = true\nwhen = { env = { MAY = '1' } }\nrun = 'exit 1'\n",
    );
    clone.sh("local-ci hook install; git push origin main; git push origin main:a");
    assert_eq!(clone.side("saw"), "x\n");
    clone.sh("MAY=1 git push origin main:b; MAY=1 git push origin main:c");
    assert_eq!(clone.side("saw"), "x\nx\nx\n");
    clone.ends();
}

#[test]
fn several_references_are_tested_once_for_each_tree_and_deletions_not_at_all() {
    let clone = Repository::new(&CHECK.replace(
        "cat src/*",
        "cp \"$LOCAL_CI_PUSH_REFS\" \"$SIDE/refs\"; env | grep LOCAL_CI_PUSH >\"$SIDE/env\"; cat src/*",
    ));
    clone.sh("local-ci hook install; git branch old; git tag -am t v1; git push --no-verify origin old");
    clone.sh("echo other >src/a; git commit -qam other; git branch two; git push --quiet origin main two v1 :old");
    assert_eq!(clone.side("saw"), "other\ngood\n");
    let refs = clone.side("refs");
    assert_eq!(refs.lines().count(), 4, "{refs}");
    assert!(refs.contains("(delete) 0000") && refs.contains("refs/tags/v1"), "{refs}");
    let told = clone.side("env");
    assert!(
        told.contains("LOCAL_CI_PUSH_REMOTE=origin\n") && told.contains("LOCAL_CI_PUSH_REF=refs/tags/v1\n"),
        "{told}"
    );
    assert!(!told.contains("LOCAL_CI_PUSH_BASE"), "it is new there: {told}");
    let said = clone.sh("git push origin :two");
    assert!(said.contains("pre-push: nothing is pushed, only deleted"), "{said}");
    let said = clone.sh("local-ci hook run pre-push origin x </dev/null");
    assert_eq!(said, "pre-push: nothing is pushed\n");
    clone.ends();
}

/// H15: what git says comes to the hook that was there, to the byte; its refusal is the push's.
#[test]
fn h15_the_hook_that_was_there_reads_what_git_says_and_may_refuse() {
    let clone = Repository::new(CHECK);
    clone.sh(
        "printf '#!/bin/sh\\necho \"$1\" >\"$SIDE/lfs\"; cat >>\"$SIDE/lfs\"; exit ${REFUSE:-0}\\n' >.git/hooks/pre-push\n\
         chmod +x .git/hooks/pre-push; cp .git/hooks/pre-push ../side/before",
    );
    let said = clone.sh("local-ci hook install");
    assert!(said.contains("the hook that was there is pre-push.before-local-ci now, and runs first"), "{said}");
    let installed = clone.sh("cksum .git/hooks/pre-push*");
    clone.sh("local-ci hook install");
    assert_eq!(clone.sh("cksum .git/hooks/pre-push*"), installed);
    clone.sh("git push origin main");
    let lfs = clone.side("lfs");
    assert!(lfs.starts_with("origin\nrefs/heads/main ") && lfs.lines().count() == 2, "{lfs}");
    clone.refused("REFUSE=3 git push origin main:b");
    assert_eq!((clone.upstream().as_str(), clone.side("saw").as_str()), ("main first\n", "good\n"));
    clone.sh(
        "local-ci hook uninstall; cmp .git/hooks/pre-push ../side/before; [ ! -e .git/hooks/pre-push.before-local-ci ]",
    );
    clone.ends();
}

/// H115: a stage of a hook calls git in its own tree and in another repository, and meets neither the user's index nor the
/// user's repository, however the commit is made.
#[test]
fn h115_before_a_commit_the_index_is_tested_and_git_is_untied() {
    let clone = Repository::new(
        "[hooks]\npre-commit = ['check']\n[stages.check]\n\
         run = 'git diff --cached --name-only >\"$SIDE/staged\"; env | grep ^GIT_DIR= && exit 7; git -C \"$SIDE/other\" add x; git add -A .; ! grep -r BAD src'\n",
    );
    clone.sh("git init -q ../side/other; touch ../side/other/x; git branch -M main; local-ci hook install");
    // Good is staged, bad is not.
    clone.sh("echo fine >src/b; git add src/b; echo BAD >src/b; git commit -qm staged");
    assert_eq!(clone.side("staged"), "src/b\n");
    let said = clone.refused("git commit -qam all");
    assert!(said.contains("✗ check"), "{said}");
    clone.refused("echo BAD >src/c; git add src/c; git commit -qm one src/b");
    // A commit of one file has an index of its own.
    clone.sh("echo good >src/b; git commit -qm one src/b");
    assert_eq!(clone.side("staged"), "src/b\n");
    assert_eq!(
        clone.sh("git ls-files; git log --format=%s | head -1"),
        ".gitignore\nlocal-ci.toml\nsrc/a\nsrc/b\nsrc/c\none\n"
    );
    assert_eq!(clone.sh("git -C ../side/other ls-files"), "x\n");
    // In a linked work tree git names its repository to the hook.
    clone.sh("git reset -q src/c; rm src/c; git worktree add -q ../side/linked; cd ../side/linked; echo BAD >src/d; git add src/d; ! git commit -qm linked 2>/dev/null; echo good >src/d; git add src/d; git commit -qm linked");
    assert_eq!(clone.side("staged"), "src/d\n");
    clone.ends();
}

#[test]
fn a_message_is_a_file_and_the_work_tree_is_as_it_is() {
    let clone = Repository::new(
        "[hooks]\ncommit-msg = ['message']\n[stages.message]\nrun = 'grep -q ticket \"$LOCAL_CI_COMMIT_MESSAGE\"'\n\
         [stages.hooked]\nwhen = { hook = 'pre-push' }\nrun = 'false'\n",
    );
    clone.sh("local-ci hook install; git commit -q --allow-empty -m 'ticket 1'");
    clone.refused("git commit -q --allow-empty -m none");
    let said = clone.sh("local-ci hooked");
    assert!(said.contains("runs for the git hook pre-push only"), "{said}");
    clone.refused("local-ci hook run pre-push </dev/null");
    clone.ends();
}

/// Whose the directory of hooks is, is for its owner to say.
#[test]
fn hooks_that_others_have_too_are_not_touched() {
    let clone = Repository::new(CHECK);
    for (config, words) in [
        (
            "git config core.hooksPath .husky/_",
            &["a part of the work tree", "put `local-ci hook run pre-push \"$@\"` into .husky/pre-push"][..],
        ),
        (
            "git config --unset core.hooksPath; git config --global core.hooksPath ~/hooks",
            &["all of your repositories", "git config core.hooksPath .git/hooks"],
        ),
    ] {
        clone.sh(config);
        let said = clone.refused("local-ci hook install");
        assert!(words.iter().all(|word| said.contains(word)) && said.contains("nothing was changed"), "{said}");
    }
    clone.sh("[ ! -e .husky ]; [ ! -e ~/hooks ]; [ ! -e .git/hooks/pre-push ]");
    clone.sh("local-ci hook install --anyway; ! grep -n /local-ci ~/hooks/pre-push; git push -q origin main");
    assert_eq!(clone.side("saw"), "good\n");
    for (place, words) in [("../side/up.git", "is a bare repository"), ("../side", "is in no git repository")] {
        let said = clone.refused(&format!("cd {place}; local-ci hook install"));
        assert!(said.contains(words), "{said}");
    }
    clone.ends();
}

#[test]
fn the_config_may_have_the_work_tree_tested() {
    let config = CHECK.replace("['check']", "{ stages = ['check'], tree = 'worktree' }");
    let config = config.replace("cat src/*", "cat \"$LOCAL_CI_PUSH_REFS\" >\"$SIDE/told\"; cat src/*");
    let clone = Repository::new(&config);
    clone.sh("local-ci hook install; echo dirty >src/a; git push -q origin main");
    assert_eq!(clone.side("saw"), "dirty\n");
    clone.sh("git push -q origin main:b");
    assert_eq!(clone.side("saw"), "dirty\ndirty\n", "nothing is known of what no commit has");
    assert_eq!(
        clone.sh("ls $LOCAL_CI_CACHE_DIR/trees/*"),
        "",
        "there is no other tree, and what stages were told is gone"
    );
    assert_eq!(clone.side("told").lines().count(), 1);
    // One's own file goes before what is committed.
    clone.write("local-ci.local.toml", "[hooks.pre-push]\nstages = ['check']\ntree = 'commit'\n");
    clone.sh("local-ci hook list | grep -q 'on the commits that are pushed'");
    clone.ends();
}

/// A project below the top of its repository has its hooks there, and git names its files from the top.
#[test]
fn a_project_in_a_directory_is_tested_there() {
    let clone = Repository::new("");
    clone.sh("git rm -qf local-ci.toml");
    clone.write("sub/local-ci.toml", "[stages.check]\nrun = 'pwd >>\"$SIDE/saw\"; ! grep BAD x'\n");
    clone.sh("touch sub/x; git add sub; git commit -qm sub; cd sub; local-ci hook install pre-commit pre-push");
    let said = clone.refused("local-ci -C src hook install pre-push");
    assert!(said.contains("is for the project in sub"), "{said}");
    clone.sh("echo fine >sub/x; git add sub/x; echo BAD >sub/x; git commit -qm fine; git push -q origin main");
    clone.refused("git commit -qam bad");
    let saw = clone.side("saw");
    assert_eq!(saw.lines().count(), 3, "{saw}");
    assert!(saw.lines().all(|dir| dir.ends_with("/work/sub") && dir.contains("/cache/trees/project-")), "{saw}");
    assert_eq!(clone.sh("cd sub; local-ci runs | grep -c passed").trim(), "2");
    clone.ends();
}

/// A submodule's repository says where its work tree is, and a first commit has none before it.
#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let clone = Repository::new(CHECK);
    clone.sh("git push -q origin main; git submodule --quiet add \"$PWD/../side/up.git\" module; cd module; local-ci hook install");
    clone.sh("cd module; echo BAD >src/b; echo more >src/a; git commit -qm more src/a; git push origin HEAD:more");
    assert_eq!(clone.side("saw"), "more\n");
    assert!(clone.sh("git status --short; ls").contains("module"));
    clone.sh("git init -q ../side/young; cd ../side/young; sed s,pre-push,pre-commit, ../../project/local-ci.toml >local-ci.toml; mkdir src; echo young >src/a; local-ci hook install; git add .; git commit -qm young");
    assert_eq!(clone.side("saw"), "more\nyoung\n");
    clone.ends();
}

/// Whatever became of the tree's own repository: the next push makes it anew.
#[test]
fn a_damaged_tree_is_made_anew() {
    let clone = Repository::new(CHECK);
    clone.sh("local-ci hook install; git push origin main");
    for (damage, n) in [
        ("rm -r .git/objects/info", 2),
        ("echo x >.git/index", 3),
        ("echo x >.git/config", 4),
        ("rm -r .git", 5),
        ("rm -rf .git; echo 'gitdir: /nowhere' >.git", 6),
        ("git checkout -q -b own; git commit -q --allow-empty -m own; echo x >junk; rm src/a", 7),
        ("rm -r ../../*", 8),
    ] {
        clone.sh(&format!(
            "(cd $LOCAL_CI_CACHE_DIR/trees/*/work; {damage}); LOCAL_CI_NO_CACHE=1 git push origin main:b{n}"
        ));
        assert_eq!(clone.side("saw").lines().count(), n, "{damage}");
    }
    assert_eq!(clone.sh("git log --oneline --all | wc -l; git status --short").trim(), "1");
    clone.ends();
}

/// A push that was killed has left a run that is still ending in the tree: the next push waits for that.
#[test]
fn what_a_killed_push_has_left_is_waited_for() {
    let stage = "if [ -e \"$SIDE/began\" ]; then [ ! -e target/held ]; exit; fi\nmkdir -p target/held\n\
        trap 'sleep 0.3; rmdir target/held; exit 1' TERM\ntouch \"$SIDE/began\"\nsleep 60 & wait\n";
    let clone = Repository::new(&format!("[stages.check]\nrun = \"\"\"{}\"\"\"\n", stage.replace('"', "\\\"")));
    clone.sh(
        "local-ci hook install; REAL=$(command -v local-ci); export REAL; mkdir ../side/bin\n\
         printf '#!/bin/sh\\necho $$ >\"$SIDE/pid\"\\nexec \"$REAL\" \"$@\"\\n' >../side/bin/local-ci; chmod +x ../side/bin/local-ci\n\
         PATH=$SIDE/bin:$PATH git push origin main & push=$!\n\
         until [ -e \"$SIDE/began\" ]; do sleep 0.02; done\n\
         kill -9 $(cat \"$SIDE/pid\"); ! wait $push; git push origin main",
    );
    assert_eq!(clone.upstream(), "main first\n");
    assert_eq!(clone.sh("local-ci runs | grep -c cancelled").trim(), "1");
    clone.ends();
}

/// Two pushes at a time: the second waits until the first lets go of the tree.
#[test]
fn the_tree_is_one_pushs_at_a_time() {
    let run = "mkdir -p target; mkdir target/held || exit 9; cat src/a >>\"$SIDE/saw\"; sleep 0.2; rmdir target/held";
    let clone = Repository::new(&format!("[stages.check]\nrun = '''{run}'''\n"));
    clone.sh("local-ci hook install; echo b >src/a; git commit -qam b; git push origin main~:refs/heads/one & git push origin main:refs/heads/two; wait $!");
    let mut saw: Vec<String> = clone.side("saw").lines().map(str::to_owned).collect();
    saw.sort();
    assert_eq!(saw, ["b", "good"]);
    assert_eq!(clone.upstream().lines().count(), 2);
    clone.ends();
}
