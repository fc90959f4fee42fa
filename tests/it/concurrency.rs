//! Several at once: two starters of one job, stages that must not overlap, one project reached in two ways, and
//! pipelines of ten thousand stages.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;

use rustix::process::Signal;

use crate::storage::run_dir;
use crate::support::{Project, assert_transcript, have, parent_of, peak_memory_kib, skip, wait_until};

/// A stage that has begun when `begun` is there, and that ends when the test says so.
const WAITING: &str = r#"
[stages.wait]
run = "chaos touch $SIDE/begun; chaos wait-for $SIDE/go"
[stages.other]
run = "true"
"#;

fn waiting(project: &Project) -> crate::support::Running<'_> {
    let running = project.local_ci(&["wait"]).env("SIDE", project.root().join("side")).spawn();
    wait_until("the stage to begin", || project.side("begun").exists());
    running
}

/// H89: the second one is told at once which run has the job, and the ways on. H93: another job does not mind.
#[test]
fn h89_a_job_that_runs_is_not_started_again() {
    let project = Project::new();
    project.config(WAITING);
    let running = waiting(&project);
    assert_transcript!(project.local_ci(&["wait"]).output(), @"
    $ local-ci wait
    --- stderr
    error: stage wait is running already, in run 1 (pid [PID], for [TIME])
      hint: `local-ci attach 1` follows it, `--queue` waits for its turn, `local-ci stop 1` ends it
    --- exit 5
    ");
    // All stages are wanted, and one of them runs: nothing is started.
    project.local_ci(&[]).output().assert_code(5);
    let json = project.local_ci(&["--json"]).output().assert_code(5);
    assert_eq!(json.stdout(), "", "no report of a run that is not there");
    project.local_ci(&["other"]).output().assert_code(0);
    project.local_ci(&["plan", "wait"]).output().assert_code(0);
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(0);
    project.local_ci(&["wait"]).env("SIDE", project.root().join("side")).output().assert_code(0);
    project.assert_nothing_left();
}

/// How often two start the same job at once, in all.
const ROUNDS: u32 = 200;
/// In so many projects side by side.
const PROJECTS: u32 = 4;

/// H89: two starters at once have exactly one winner, every time: 200 rounds.
#[test]
fn h89_of_two_starters_one_wins() {
    std::thread::scope(|scope| {
        for _ in 0..PROJECTS {
            scope.spawn(|| rounds_of_two(ROUNDS / PROJECTS));
        }
    });
}

fn rounds_of_two(rounds: u32) {
    let project = Project::new();
    project.config("[stages.wait]\nrun = \"chaos wait-for $GO\"\n");
    // A FIFO is the barrier: who opens it to read waits until somebody opens it to write, and all of them go on at once.
    let barrier = project.side("barrier");
    rustix::fs::mkfifoat(rustix::fs::CWD, &barrier, 0o600.into()).unwrap();
    for round in 0..rounds {
        // Who loses lets the winner go. Were there two winners, both would wait in vain.
        let go = project.side(&format!("go-{round}"));
        let script = "chaos touch $GO-$1; exec 3<$BARRIER; local-ci -q >&2 3<&-; code=$?; [ $code = 0 ] || chaos touch $GO; echo $code";
        let both = ["1", "2"].map(|name| {
            let one = project.sh(script).arg("sh").arg(name).env("GO", &go).env("BARRIER", &barrier).spawn();
            let ready = project.side(&format!("go-{round}-{name}"));
            wait_until("the starter to be ready", || ready.exists());
            one
        });
        let open = fs::File::options().write(true).open(&barrier).unwrap();
        let mut codes = both.map(|one| one.wait().stdout());
        drop(open);
        codes.sort();
        assert_eq!(codes, ["0\n", "5\n"], "round {round}");
    }
    // A number is taken by a run that comes to be, and by no other.
    assert!(run_dir(&project, rounds).exists() && !run_dir(&project, rounds + 1).exists());
    project.assert_nothing_left();
}

/// H90: the lock goes with its owner, however it went; the next one starts, and the run before is lost.
#[test]
fn h90_a_dead_owner_is_in_nobodys_way() {
    let project = Project::new();
    project.config(WAITING);
    let running = waiting(&project);
    let owner: serde_json::Value =
        serde_json::from_slice(&fs::read(run_dir(&project, 1).join("owner.json")).unwrap()).unwrap();
    let supervisor = i32::try_from(owner["pid"].as_i64().unwrap()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
    running.wait().assert_code(3);
    fs::write(project.side("go"), "").unwrap();
    project.local_ci(&["wait"]).env("SIDE", project.root().join("side")).output().assert_code(0);
    project.local_ci(&["show", "1"]).output().assert_code(3);
    project.assert_nothing_left();
}

/// H90: as soon as the owner is dead and what it had started is gone, the next one starts: nothing has to be cleaned up,
/// and nobody waits for a time to pass.
#[test]
fn h90_the_next_one_starts_at_once() {
    let project = Project::new();
    project.config(WAITING);
    let running = waiting(&project);
    let supervisor = project.supervisor(1);
    let guard = supervisor.parent().unwrap();
    project.local_ci(&["wait"]).output().assert_code(5);
    supervisor.kill(Signal::KILL);
    let killed = std::time::Instant::now();
    wait_until("the guard to be done", || !guard.is_alive());
    fs::write(project.side("go"), "").unwrap();
    project.local_ci(&["wait"]).env("SIDE", project.side_dir()).output().assert_code(0);
    let took = killed.elapsed();
    assert!(took < std::time::Duration::from_secs(2), "{took:?}");
    running.wait().assert_code(3);
    project.assert_nothing_left();
}

/// Each stage writes a line when it begins and one when it ends; what overlaps has two of a kind in a row.
fn overlaps(stage: &str, options: &[&str]) -> Vec<String> {
    let project = Project::new();
    let stages = (0..4).fold(String::new(), |mut text, n| {
        let _ = write!(text, "[stages.s{n}]\n{stage}\n");
        text
    });
    project.config(&stages);
    let run = project.local_ci(&[&["-q"], options].concat()).env("MARKS", project.side("marks"));
    run.output().assert_code(0);
    project.assert_nothing_left();
    fs::read_to_string(project.side("marks")).unwrap().lines().map(str::to_owned).collect()
}

/// H93: two stages that name one lock never overlap, whatever the jobs.
#[test]
fn h93_stages_with_one_lock_never_overlap() {
    let stage = "locks = ['db']\nrun = 'echo begin >>$MARKS; chaos sleep 0.02; echo end >>$MARKS'";
    assert_eq!(overlaps(stage, &["-j", "8"]), ["begin", "end"].repeat(4));
}

/// Two stages that take two of three slots never overlap; one that takes more than there are runs alone.
#[test]
fn threads_are_slots() {
    for (threads, jobs) in [("2", "3"), ("8", "2")] {
        let stage = format!("threads = {threads}\nrun = 'echo begin >>$MARKS; chaos sleep 0.02; echo end >>$MARKS'");
        assert_eq!(overlaps(&stage, &["-j", jobs]), ["begin", "end"].repeat(4), "{threads} of {jobs}");
    }
}

/// `--fix` changes files: those stages that have a fix run it one at a time.
#[test]
fn fixes_run_one_at_a_time() {
    let stage = "run = 'exit 1'\nfix = 'echo begin >>$MARKS; chaos sleep 0.02; echo end >>$MARKS'";
    assert_eq!(overlaps(stage, &["--fix", "-j", "8"]), ["begin", "end"].repeat(4));
}

/// Stages that nothing keeps apart do overlap: each waits for the other three.
#[test]
fn independent_stages_run_side_by_side() {
    let stage = "run = 'echo begin >>$MARKS; until [ $(wc -l <$MARKS) -ge 4 ]; do chaos sleep 0.01; done; exit 0'\ntimeout = '50s'";
    assert_eq!(overlaps(stage, &["-j", "4"]).len(), 4);
    let stage = format!("{stage}\nthreads = 2");
    assert_eq!(overlaps(&stage, &["-j", "8"]).len(), 4);
}

/// H94: a project reached through a link is the same project, with the same runs and the same jobs.
#[test]
fn h94_a_project_behind_a_link_is_the_same() {
    let project = Project::new();
    project.config(WAITING);
    let link = project.side("link");
    symlink(project.dir(), &link).unwrap();
    let through = |args: &[&str]| {
        let args: Vec<&str> = ["-C", link.to_str().unwrap()].into_iter().chain(args.iter().copied()).collect();
        project.local_ci(&args).cwd("..").output()
    };
    let running = waiting(&project);
    through(&["wait"]).assert_code(5);
    assert!(through(&["list"]).assert_code(0).stdout().contains("wait  running"));
    // Not by -C alone: a shell that stands in the link.
    let shell = project.sh("cd \"$LINK\" && exec local-ci wait").env("LINK", &link).output();
    shell.assert_code(5);
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(0);
    through(&["-q", "other"]).assert_code(0);
    project.local_ci(&["show", "2"]).output().assert_code(0);
    assert_eq!(fs::read_dir(project.state_dir().join("projects")).unwrap().count(), 1);
    project.assert_nothing_left();
}

/// H94: another worktree of the same repository is another directory with other files: the same job may run in both.
#[test]
fn h94_worktrees_are_projects_of_their_own() {
    if !have("git") {
        return;
    }
    let project = Project::new();
    project.config(WAITING);
    let tree = project.side("tree");
    let script = "git init -q && git -c user.name=n -c user.email=n@example.invalid commit -q --allow-empty -m m && \
                  git worktree add -q \"$TREE\" && cp local-ci.toml \"$TREE\"";
    project.sh(script).env("TREE", &tree).output().assert_code(0);
    let running = waiting(&project);
    let there = |args: &[&str]| project.local_ci(args).cwd(&tree).env("SIDE", project.side_dir()).output();
    fs::write(project.side("go"), "").unwrap();
    there(&["-q", "wait"]).assert_code(0);
    assert!(there(&["list"]).assert_code(0).stdout().contains("wait  stopped (0): "));
    running.wait().assert_code(0);
    assert_eq!(fs::read_dir(project.state_dir().join("projects")).unwrap().count(), 2);
}

/// H94: a directory that is mounted in a second place is reached by two paths that both are canonical. These are two
/// projects, which is safe where they do not share a state: no run of one is taken for one of the other.
#[test]
fn h94_a_directory_mounted_twice_is_two_projects() {
    let project = Project::new();
    project.config(WAITING);
    let second = project.side("second");
    fs::create_dir(&second).unwrap();
    let mount = format!("mount --bind '{}' '{}'", project.dir().display(), second.display());
    if !project.sh(&format!("unshare -rm sh -c \"{mount}\"")).output().status.success() {
        skip("skipped: cannot mount here; run as root, or allow user namespaces");
        return;
    }
    let script = format!(
        "{mount} && local-ci -q other && local-ci -C {0} -q other && local-ci -C {0} runs --json && local-ci runs --json",
        second.display()
    );
    let session = project.sh(&format!("exec unshare -rm sh -c '{}'", script.replace('\'', ""))).output().assert_code(0);
    let projects = fs::read_dir(project.state_dir().join("projects")).unwrap().count();
    assert_eq!(projects, 2, "{}", session.transcript());
    assert_eq!(session.stdout().matches("\"run\": 1,").count(), 2, "{}", session.transcript());
}

/// How many threads a process has, and how many files it has open.
fn size(pid: i32) -> (usize, usize) {
    let count = |what| fs::read_dir(format!("/proc/{pid}/{what}")).map_or(0, Iterator::count);
    (count("task"), count("fd"))
}

/// H98: threads and descriptors are as many as stages run at a time, not as many as there are.
#[test]
fn h98_ten_thousand_stages_take_two_slots() {
    let project = Project::new();
    let mut config = String::new();
    for n in 0..10_000 {
        let _ = write!(config, "[stages.s{n}]\nrun = \"chaos wait-for $SIDE/go\"\n");
    }
    project.config(&config);
    let plan = project.local_ci(&["plan", "--json"]).output().assert_code(0);
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan["stages"].as_array().unwrap().len(), 10_000);

    let running = project.local_ci(&["-q", "-j", "2"]).env("SIDE", project.root().join("side")).spawn();
    let owner = || -> Option<i32> {
        let projects = project.state_dir().join("projects").read_dir().ok()?.next()?.ok()?;
        let owner = fs::read(projects.path().join("runs/1/owner.json")).ok()?;
        serde_json::from_slice::<serde_json::Value>(&owner).ok()?["pid"].as_i64()?.try_into().ok()
    };
    let logs_begun = || {
        let journal = fs::read_to_string(run_dir(&project, 1).join("events.jsonl")).unwrap_or_default();
        journal.matches("stage_started").count() == 2
    };
    wait_until("a supervisor", || owner().is_some());
    wait_until("two stages to run", logs_begun);
    let supervisor = owner().unwrap();
    for (who, pid) in [("command line", running.pid()), ("supervisor", supervisor), ("guard", parent_of(supervisor))] {
        let (threads, descriptors) = size(pid);
        assert!((1..=10).contains(&threads) && (3..=32).contains(&descriptors), "{who}: {threads}, {descriptors}");
        let memory = peak_memory_kib(pid);
        assert!(memory < 200 * 1024, "{who}: {memory} KiB");
    }
    running.kill(Signal::TERM);
    running.wait().assert_signal(Signal::TERM);
    project.assert_nothing_left();
}

/// H99: a chain of ten thousand is planned, and a need that fails at its head is told to the last.
#[test]
fn h99_a_chain_of_ten_thousand_ends() {
    let project = Project::new();
    let mut config = "[stages.s0]\nrun = \"exit 1\"\n".to_owned();
    for n in 1..10_000 {
        let _ = write!(config, "[stages.s{n}]\nrun = \"true\"\nneeds = [\"s{}\"]\n", n - 1);
    }
    project.config(&config);
    let report = project.local_ci(&["--json"]).output().assert_code(1);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["failed"], &report["skipped"]), (&1.into(), &9_999.into()));
    assert_eq!(report["results"][9_999]["error"], "needs s9998, which did not pass");
    project.assert_nothing_left();
}
