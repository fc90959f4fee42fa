//! Slots that no stage uses go to the stages that run: together they use as many as `--jobs` says, no more and no fewer.
//!
//! The clients here write down when a piece of work begins and ends while they hold its slot, so what overlaps in that
//! file is what was used at a time. Pieces are held until all slots are in use, so that they are is shown as well.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::environment::skipped;
use crate::support::{Project, wait_until};

/// The most that overlapped in a file of `begin` and `end` lines, from its line `from` on.
fn most_at_once(marks: &str, from: usize) -> usize {
    let (mut now, mut most) = (0, 0);
    for (at, line) in marks.lines().enumerate() {
        if line.starts_with("begin") {
            now += 1;
        } else {
            now -= 1;
        }
        if at >= from {
            most = most.max(now);
        }
    }
    assert_eq!(now, 0, "all that began has ended: {marks}");
    most
}

fn marks(project: &Project) -> String {
    fs::read_to_string(project.side("marks")).unwrap_or_default()
}

fn begun(project: &Project) -> usize {
    marks(project).matches("begin").count()
}

/// Directories with a `make` that knows FIFOs, as far as can be seen, and with one that does not.
fn path_with(project: &Project, make: &str) -> String {
    let text = match make {
        "new" => "#!/bin/sh\n# jobserver-style\n",
        _ => "#!/bin/sh\n",
    };
    let dir = project.side(make);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("make"), text).unwrap();
    fs::set_permissions(dir.join("make"), fs::Permissions::from_mode(0o755)).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_chaos")).parent().unwrap();
    format!("{}:{}:/usr/bin:/bin", dir.display(), bin.display())
}

fn local_ci<'p>(project: &'p Project, args: &[&str], make: &str) -> crate::support::Invocation<'p> {
    project.local_ci(args).env("SIDE", project.side_dir()).env("PATH", path_with(project, make))
}

/// Two clients at once, in each way that they can be told, with two, three and four jobs.
#[test]
fn two_clients_use_all_jobs_and_no_more() {
    for (make, key) in [("new", "auto"), ("new", "make"), ("old", "make")] {
        for jobs in 2..=4 {
            let project = Project::new();
            let stage = format!(
                "jobserver = '{key}'\nrun = 'chaos jobserver-client --work 12 --marks $SIDE/marks --hold $SIDE/go'\n"
            );
            project.config(&format!("[stages.a]\n{stage}[stages.b]\n{stage}"));
            let running = local_ci(&project, &["-q", "-j", &jobs.to_string()], make).spawn();
            wait_until(&format!("{jobs} pieces to begin ({make}, {key})"), || begun(&project) >= jobs);
            project.open_gate("go");
            running.wait().assert_code(0);
            let marks = marks(&project);
            assert_eq!(marks.matches("end").count(), 24);
            assert_eq!(most_at_once(&marks, 0), jobs, "{make}, {key}: {marks}");
            assert!(!project.run_dir(1).join("jobserver").exists());
            project.assert_nothing_left();
        }
    }
}

/// One stage alone has all jobs, whatever it takes of them; and one job is one.
#[test]
fn a_stage_alone_has_all_jobs() {
    for (threads, jobs) in [(1, 3), (2, 3), (9, 3), (1, 1)] {
        let project = Project::new();
        project.config(&format!(
            "[stages.a]\nthreads = {threads}\nrun = 'chaos jobserver-client --work 12 --marks $SIDE/marks --hold $SIDE/go'\n"
        ));
        let running = local_ci(&project, &["-q", "-j", &jobs.to_string()], "new").spawn();
        wait_until(&format!("{jobs} pieces to begin"), || begun(&project) >= jobs);
        project.open_gate("go");
        running.wait().assert_code(0);
        assert_eq!(most_at_once(&marks(&project), 0), jobs, "{threads} threads");
        project.assert_nothing_left();
    }
}

/// What a killed client held is there again when nothing runs, also where the next stage starts at once.
#[test]
fn a_killed_client_takes_no_slots_with_it() {
    let project = Project::new();
    project.config(
        "[stages.dies]\nallow-failure = true\n\
         run = ['chaos', 'jobserver-client', '--work', '9', '--marks', 'lost', '--hold', 'never', '--crash-at', '3']\n\
         [stages.next]\nneeds = ['dies']\n\
         run = 'chaos jobserver-client --work 9 --marks $SIDE/marks --hold $SIDE/go'\n",
    );
    project.expects("lost");
    let running = local_ci(&project, &["-q", "-j3"], "new").spawn();
    wait_until("three pieces to begin", || begun(&project) >= 3);
    project.open_gate("go");
    running.wait().assert_code(0);
    assert_eq!(fs::read_to_string(project.dir().join("lost")).unwrap().matches("begin").count(), 3);
    assert_eq!(most_at_once(&marks(&project), 0), 3);
    project.assert_nothing_left();
}

/// A stage starts at once although its slots are lent; what was lent is taken back when it is returned.
#[test]
fn a_start_does_not_wait_for_slots_that_are_lent() {
    let project = Project::new();
    let client = "chaos jobserver-client --marks $SIDE/marks --hold $SIDE/go";
    project.config(&format!(
        "[stages.long]\nrun = '{client}1 --work 3; chaos touch $SIDE/back; chaos wait-for $SIDE/next; {client}2 --work 12'\n\
         [stages.short]\nrun = 'chaos wait-for $SIDE/short'\n\
         [stages.wide]\nneeds = ['short']\nthreads = 2\njobserver = 'off'\n\
         run = 'chaos touch $SIDE/wide; chaos wait-for $SIDE/end'\n"
    ));
    let running = local_ci(&project, &["-q", "-j4"], "new").spawn();
    wait_until("three of four slots to be used beside the short stage", || begun(&project) == 3);
    let fifo = fs::File::options().read(true).write(true).open(project.run_dir(1).join("jobserver")).unwrap();
    let pooled = || rustix::io::ioctl_fionread(&fifo).unwrap();
    assert_eq!(pooled(), 0);
    project.open_gate("short");
    wait_until("the wide stage to start although the slots are lent", || project.side("wide").exists());
    project.open_gate("go1");
    wait_until("the client to give back both, and one to be taken", || project.side("back").exists() && pooled() == 1);
    project.open_gate("next");
    wait_until("the next client to use what is left", || begun(&project) == 5);
    project.open_gate("go2");
    wait_until("its work to be done", || marks(&project).matches("end").count() == 15);
    project.open_gate("end");
    running.wait().assert_code(0);
    let marks = marks(&project);
    assert_eq!(most_at_once(&marks, 6), 2, "of four slots the wide stage has two: {marks}");
    project.assert_nothing_left();
}

/// A run that is cut off leaves no FIFO either, at which whoever copies the directory would wait for ever.
#[test]
fn h52_a_killed_supervisor_leaves_no_fifo() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'chaos wait-for $SIDE/never'\n");
    let running = local_ci(&project, &["-q"], "new").spawn();
    let fifo = project.run_dir(1).join("jobserver");
    wait_until("the run to have a pool", || fifo.exists());
    let owner = fs::read(project.run_dir(1).join("owner.json")).unwrap();
    let owner: serde_json::Value = serde_json::from_slice(&owner).unwrap();
    let supervisor = i32::try_from(owner["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
    running.wait().assert_code(3);
    assert!(!fifo.exists());
    project.assert_nothing_left();
}

/// What a stage is told, by what its `make` takes, what it asks for and what it says itself.
#[test]
fn h51_what_a_stage_is_told_and_which_descriptors_it_has() {
    let project = Project::new();
    let echo = "chaos echo-env CARGO_MAKEFLAGS MAKEFLAGS; chaos fds | cut -d\" \" -f1 | tr \"\\n\" \" \"";
    project.config(&format!(
        "[stages.plain]\nrun = '{echo}'\n\
         [stages.cargo]\nrun = ': cargo; {echo}'\n\
         [stages.own-j]\nrun = ': cargo -j2; {echo}'\n\
         [stages.make]\njobserver = 'make'\nrun = '{echo}'\n\
         [stages.off]\njobserver = 'off'\nrun = ': cargo; {echo}'\n\
         [stages.own]\njobserver = 'make'\nenv = {{ MAKEFLAGS = '-j7' }}\nrun = '{echo}'\n\
         [stages.terminal]\npty = true\njobserver = 'make'\nrun = '{echo}'\n"
    ));
    local_ci(&project, &["-q", "-j3"], "new").env("MAKEFLAGS", "k -j9").output().assert_code(0);
    local_ci(&project, &["-q", "-j3"], "old").env("MAKEFLAGS", "k -j9").output().assert_code(0);
    let log = |run, stage: &str| {
        let log = String::from_utf8(project.log(run, &format!("{stage}.log"))).unwrap();
        let fifo = project.run_dir(run).join("jobserver");
        log.replace(fifo.to_str().unwrap(), "FIFO").replace('\r', "")
    };
    let told = |cargo: &str, make: &str, descriptors: &str| {
        let shown = |name, value: &str| match value {
            "" => format!("{name} is not set\n"),
            value => format!("{name}={value}\n"),
        };
        shown("CARGO_MAKEFLAGS", cargo) + &shown("MAKEFLAGS", make) + descriptors
    };
    let (fifo, ends) = ("-j3 --jobserver-auth=fifo:FIFO", "-j3 --jobserver-auth=28,29");
    let nothing = told("", "k -j9", "0 1 2 ");
    for stage in ["plain", "cargo"] {
        assert_eq!(log(1, stage), told(fifo, "k -j9", "0 1 2 "), "new, {stage}");
    }
    assert_eq!(log(2, "plain"), nothing);
    assert_eq!(log(2, "cargo"), told(ends, "k -j9", "0 1 2 28 29 "));
    for stage in ["make", "terminal"] {
        assert_eq!(log(1, stage), told(fifo, &format!("k {fifo}"), "0 1 2 "), "new, {stage}");
        assert_eq!(log(2, stage), told(ends, &format!("k {ends}"), "0 1 2 28 29 "), "old, {stage}");
    }
    for run in [1, 2] {
        for stage in ["own-j", "off"] {
            assert_eq!(log(run, stage), nothing, "run {run}, {stage}");
        }
        assert_eq!(log(run, "own"), told("", "-j7", "0 1 2 "), "run {run}");
    }
    project.assert_nothing_left();
}

/// A run below somebody's jobserver: one that stages can use is theirs, one that they cannot is taken out of the way.
#[test]
fn the_jobserver_that_we_were_started_with() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'chaos echo-env CARGO_MAKEFLAGS MAKEFLAGS; ls $LOCAL_CI_STATE_DIR/projects/*/runs/$LOCAL_CI_RUN'\n");
    let fifo = project.side("outer");
    project.sh(&format!("mkfifo -m 600 {}", fifo.display())).output().assert_code(0);
    let usable = format!(" -j8 --jobserver-auth=fifo:{}", fifo.display());
    for (run, makeflags) in [(1, usable.as_str()), (2, "s -j8 --jobserver-auth=3,4 -- A=b")] {
        local_ci(&project, &["-q", "-j3"], "new").env("MAKEFLAGS", makeflags).output().assert_code(0);
        let log = String::from_utf8(project.log(run, "a.log")).unwrap();
        let (outer, own) = (run == 1, log.lines().any(|line| line == "jobserver"));
        assert_eq!(own, !outer, "{log}");
        if outer {
            assert!(log.starts_with(&format!("CARGO_MAKEFLAGS is not set\nMAKEFLAGS={usable}\n")), "{log}");
        } else {
            let ours = project.run_dir(run).join("jobserver");
            let cargo = format!("CARGO_MAKEFLAGS=-j3 --jobserver-auth=fifo:{}\n", ours.display());
            assert!(log.starts_with(&format!("{cargo}MAKEFLAGS=s -- A=b\n")), "{log}");
        }
    }
    project.assert_nothing_left();
}

/// Where the real make is missing there is nothing to try.
fn make_is_missing(project: &Project) -> bool {
    let missing = project.sh("make --version >/dev/null 2>&1").output().status.code() != Some(0);
    if missing {
        skipped("make is not installed");
    }
    missing
}

/// The real make, whatever its version: two of them with eight targets each use three jobs together.
#[test]
fn two_makes_use_all_jobs_and_no_more() {
    let project = Project::new();
    if make_is_missing(&project) {
        return;
    }
    project.write(
        "Makefile",
        ".SILENT:\nT = 1 2 3 4 5 6 7 8\nall: $T\n$T:\n\techo begin >>$$SIDE/marks; chaos wait-for $$SIDE/go; echo end >>$$SIDE/marks\n",
    );
    let stage = "jobserver = 'make'\nrun = ['make']\n";
    project.config(&format!("[stages.a]\n{stage}[stages.b]\n{stage}"));
    let running = project.local_ci(&["-q", "-j3"]).env("SIDE", project.side_dir()).spawn();
    wait_until("three targets to be made at once", || begun(&project) >= 3);
    project.open_gate("go");
    running.wait().assert_code(0);
    let marks = marks(&project);
    assert_eq!(marks.matches("end").count(), 16);
    assert_eq!(most_at_once(&marks, 0), 3, "{marks}");
    for stage in ["a.log", "b.log"] {
        assert!(!project.run_dir(1).join("logs").join(stage).exists(), "make warned of nothing");
    }
    project.assert_nothing_left();
}

/// A build script that takes as long as the test says.
const SCRIPT: &str = r#"
use std::io::Write;
fn main() {
    let side = std::env::var("SIDE").unwrap();
    let mark = |line: &str| {
        let mut marks = std::fs::File::options().append(true).create(true).open(format!("{side}/marks")).unwrap();
        marks.write_all(line.as_bytes()).unwrap();
    };
    mark("begin\n");
    while !std::path::Path::new(&format!("{side}/go")).exists() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    mark("end\n");
}
"#;

/// The real cargo, with whatever make there is: two of them with four build scripts each use three jobs together.
#[test]
fn two_cargos_use_all_jobs_and_no_more() {
    let cargo = Path::new(env!("CARGO"));
    if !cargo.exists() {
        return skipped("the cargo that built the tests is gone");
    }
    let project = Project::new();
    let members = ["a", "b", "c", "d"];
    for workspace in ["one", "two"] {
        let dir = project.side(workspace);
        for member in members {
            fs::create_dir_all(dir.join(member).join("src")).unwrap();
            let write = |file: &str, text: &str| fs::write(dir.join(member).join(file), text).unwrap();
            write("Cargo.toml", &format!("[package]\nname = '{member}'\nedition = '2024'\n"));
            write("src/lib.rs", "");
            write("build.rs", SCRIPT);
        }
        fs::write(dir.join("Cargo.toml"), format!("[workspace]\nresolver = '3'\nmembers = {members:?}\n")).unwrap();
    }
    let stage = |name: &str| {
        format!("[stages.{name}]\nrun = 'cargo build --offline --quiet --manifest-path $SIDE/{name}/Cargo.toml'\n")
    };
    project.config(&(stage("one") + &stage("two")));
    let path = format!("{}:{}", cargo.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let running = project.local_ci(&["-q", "-j3"]).env("SIDE", project.side_dir()).env("PATH", path);
    let running = running.env("CARGO_HOME", project.side("cargo-home")).spawn();
    wait_until("three build scripts to run at once", || begun(&project) >= 3);
    project.open_gate("go");
    running.wait().assert_code(0);
    let marks = marks(&project);
    assert_eq!(marks.matches("end").count(), 8);
    assert_eq!(most_at_once(&marks, 0), 3, "{marks}");
    project.assert_nothing_left();
}
