//! Much output, slow readers and long lines: what a stage prints costs bounded memory and never its time.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::process::Signal;

use crate::support::{Identity, Invocation, Project, Running, parent_of, peak_memory_kib, wait_until};

/// What the command line, the guard and the supervisor may have resident at the most, each.
const MEMORY_KIB: u64 = 64 * 1024;

fn run<'p>(project: &'p Project, args: &[&str]) -> Invocation<'p> {
    project.local_ci(&[&["run"], args].concat()).env("SIDE", project.side_dir())
}

/// A run whose output goes into the file `out` of the side directory.
fn run_into_file(project: &Project) -> Running<'_> {
    project.sh("exec local-ci run -j2 > \"$SIDE/out\"").env("SIDE", project.side_dir()).spawn()
}

/// Whether a file of any size ends with something that has this in it.
fn ends_with(file: &Path, text: &str) -> bool {
    let Ok(mut file) = File::open(file) else { return false };
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length.saturating_sub(4096))).unwrap();
    let mut end = Vec::new();
    file.read_to_end(&mut end).unwrap();
    String::from_utf8_lossy(&end).contains(text)
}

/// Fails where the command line, the supervisor or the guard of run 1 has had too much memory.
fn assert_small(project: &Project, command_line: i32) {
    let supervisor = project.supervisor(1).pid;
    for (who, pid) in [("command line", command_line), ("supervisor", supervisor), ("guard", parent_of(supervisor))] {
        let peak = peak_memory_kib(pid);
        assert!(peak <= MEMORY_KIB, "the {who} had {peak} KiB");
    }
}

/// H54: 2 GiB cost neither memory nor the verdict; the log keeps the head and the end, and counts the rest.
#[test]
fn h54_a_flood_is_bounded_in_memory_and_on_disk() {
    let project = Project::new();
    project.config(
        "[stages.flood]\nlog-max = '4MiB'\nrun = 'chaos flood 2G; echo; echo the end'\n\
         [stages.waits]\nrun = 'chaos wait-for \"$SIDE/go\"'\n",
    );
    let running = run_into_file(&project);
    // The other stage goes on, so that all three processes are there when all of the flood has been shown.
    wait_until("the flood to be shown", || ends_with(&project.side("out"), "✓ flood"));
    assert_small(&project, running.pid());
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(0);

    let (head, tail) = (project.log(1, "flood.log"), project.log(1, "flood.tail"));
    assert_eq!((head.len(), tail.len()), (4 << 20, 1 << 20));
    assert!(head.chunks(80).all(|line| line.iter().all(|byte| matches!(byte, b'x' | b'\n'))));
    assert!(tail.ends_with(b"x\nthe end\n") || tail.ends_with(b"x\n\nthe end\n"), "{:?}", tail.last_chunk::<20>());
    let omitted = (2u64 << 30) + 9 - (4 << 20) - (1 << 20);
    let gap =
        format!("[{omitted} bytes omitted; the log keeps the first {} and the last {} (log-max)]", 4 << 20, 1 << 20);
    let shown = fs::read_to_string(project.side("out")).unwrap();
    assert!(shown.lines().any(|line| line == gap), "{gap}");
    assert!(shown.contains("\nthe end\n::endgroup::\n✓ flood"));
    // The same from afar, and the same bytes.
    let logged = project.local_ci(&["logs", "flood"]).output().assert_code(0).stdout;
    assert!(logged.starts_with(&head) && logged.ends_with(&tail));
    project.assert_nothing_left();
}

/// H54: what is within the limit is kept whole, and shown with little memory.
#[test]
fn h54_a_long_log_is_shown_whole_with_little_memory() {
    let project = Project::new();
    project.config(
        "[stages.flood]\nrun = ['chaos', 'flood', '96M']\n[stages.waits]\nrun = 'chaos wait-for \"$SIDE/go\"'\n",
    );
    let running = run_into_file(&project);
    wait_until("the flood to be shown", || ends_with(&project.side("out"), "✓ flood"));
    assert_small(&project, running.pid());
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(0);
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    assert_eq!(size(&project.run_dir(1).join("logs/flood.log")), 96 << 20);
    assert!(size(&project.side("out")) >= 96 << 20);
    project.assert_nothing_left();
}

/// H55: a viewer that is stopped costs the run nothing, and has missed nothing when it goes on.
#[test]
fn h55_a_stopped_viewer_does_not_hold_up_the_run() {
    let project = Project::new();
    project.config(
        "[stages.flood]\nrun = 'chaos touch \"$SIDE/up\"; chaos wait-for \"$SIDE/go\"; chaos flood 32M; echo the end'\n",
    );
    let running = run_into_file(&project);
    wait_until("the stage to run", || project.side("up").exists());
    running.kill(Signal::STOP);
    fs::write(project.side("go"), "").unwrap();
    // All of it ends while nobody looks: the stage, the run, the supervisor.
    project.wait_for_event(1, "run_finished");
    running.kill(Signal::CONT);
    running.wait().assert_code(0);
    let shown = fs::read(project.side("out")).unwrap();
    assert!(shown.len() > 32 << 20 && ends_with(&project.side("out"), "the end\n::endgroup::\n✓ flood"));
    project.assert_nothing_left();
}

/// H55: a pipe that nobody reads from stops the viewer and not the stage.
#[test]
fn h55_a_full_pipe_does_not_hold_up_the_run() {
    let project = Project::new();
    project.config("[stages.flood]\nrun = ['chaos', 'flood', '8M']\n");
    let session =
        project.sh("local-ci run | { chaos wait-for \"$SIDE/ended\"; wc -c; }").env("SIDE", project.side_dir()).spawn();
    project.wait_for_event(1, "run_finished");
    fs::write(project.side("ended"), "").unwrap();
    let counted: u64 = session.wait().assert_code(0).stdout().trim().parse().unwrap();
    assert!(counted > 8 << 20, "{counted}");
    project.assert_nothing_left();
}

/// H57: a line of 200 MB without an end: kept byte for byte, shown in pieces with little memory, ended for ours.
#[test]
fn h57_one_line_of_two_hundred_megabytes() {
    let project = Project::new();
    project.config(
        "[stages.line]\nrun = ['chaos', 'flood', '200M', '--no-newline']\n\
         [stages.waits]\nrun = 'chaos wait-for \"$SIDE/go\"'\n",
    );
    let running = run_into_file(&project);
    wait_until("the line to be shown", || ends_with(&project.side("out"), "✓ line"));
    assert_small(&project, running.pid());
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(0);
    assert!(ends_with(&project.side("out"), "xxx\n::endgroup::\n✓ line"));
    let log = File::open(project.run_dir(1).join("logs/line.log")).unwrap();
    let (mut at, mut block) = (0, vec![0; 1 << 20]);
    let expected = vec![b'x'; 1 << 20];
    loop {
        let read = log.read_at(&mut block, at).unwrap();
        if read == 0 {
            break;
        }
        assert!(block[..read] == expected[..read], "at {at}");
        at += read as u64;
    }
    assert_eq!(at, 200 << 20);
    project.assert_nothing_left();
}

/// H71: logs are followed from before there are any. H72: following ends with the run, with the run's code.
#[test]
fn h71_h72_following_begins_before_the_first_byte_and_ends_with_the_run() {
    let project = Project::new();
    project.config(
        "[stages.late]\nrun = 'chaos touch \"$SIDE/up\"; chaos wait-for \"$SIDE/go\"; chaos lines 3; exit 7'\n",
    );
    let running = run(&project, &[]).spawn();
    wait_until("the stage to run", || project.side("up").exists());
    assert!(!project.run_dir(1).join("logs/late.log").exists());
    let followers =
        [&["logs", "-f", "late"][..], &["logs", "-f", "1"], &["attach"]].map(|args| project.local_ci(args).spawn());
    let watching = |pid| {
        let fds = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
        fds.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok()).any(|to| to.to_str() == Some("anon_inode:inotify"))
    };
    for follower in &followers {
        wait_until("the follower to watch", || watching(follower.pid()));
    }
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(1);
    let [logs, all, attached] = followers.map(|follower| follower.wait().assert_code(1).stdout());
    assert_eq!(logs, "line 1\nline 2\nline 3\n");
    assert_eq!(all, logs);
    assert!(attached.contains("\nline 1\nline 2\nline 3\n::endgroup::\n✗ late"), "{attached}");
    // After the end it is no different.
    assert_eq!(project.local_ci(&["logs", "-f", "late"]).output().assert_code(1).stdout(), logs);
    assert_eq!(project.local_ci(&["attach", "1"]).output().assert_code(1).stdout(), attached);
    project.assert_nothing_left();
}

/// H71: a log that somebody cuts off or takes away while it is followed is said to be short, and the run goes on.
#[test]
fn h71_a_log_that_is_cut_off_is_said_to_be_short() {
    let project = Project::new();
    project.config(
        "[stages.a]\nrun = 'chaos lines 3; chaos wait-for \"$SIDE/go\"; chaos lines 1'\n[stages.b]\nrun = 'echo b'\n",
    );
    let running = run(&project, &["-j1"]).spawn();
    running.wait_for_stdout("line 3\n");
    let log = project.run_dir(1).join("logs/a.log");
    File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
    fs::write(project.side("go"), "").unwrap();
    let shown = running.wait().assert_code(0).stdout();
    let told = "line 3\n[the log was truncated; what it has now follows]\nline 1\n\
                [the log ends early: 21 bytes of it are missing]\n::endgroup::\n✓ a";
    assert!(shown.contains(told), "{shown}");
    fs::remove_file(project.run_dir(1).join("logs/b.log")).unwrap();
    let attached = project.local_ci(&["attach", "1"]).output().assert_code(0).stdout();
    assert!(attached.contains("[the log ends early: 2 bytes of it are missing]\n::endgroup::\n✓ b"), "{attached}");
    project.local_ci(&["logs", "1"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// H72: following one stage ends with that stage and its own code, whatever the run comes to and however long it takes.
#[test]
fn h72_following_a_stage_ends_with_the_stage() {
    let project = Project::new();
    project.config(
        "[stages.good]\nrun = 'echo good'\n[stages.bad]\nrun = 'echo bad; exit 9'\n\
         [stages.long]\nrun = 'chaos wait-for \"$SIDE/go\"'\n",
    );
    let running = run(&project, &["-j3"]).spawn();
    // A stage that has not begun is followed as well, but its run has to be there.
    project.wait_for_event(1, "stage_started");
    let follow = |stage| project.local_ci(&["logs", "-f", stage]).output();
    assert_eq!(follow("good").assert_code(0).stdout(), "good\n");
    assert_eq!(follow("bad").assert_code(1).stdout(), "bad\n");
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(1);
    follow("good").assert_code(0);
    follow("bad").assert_code(1);
    project.assert_nothing_left();
}

/// H72: a run that ends after it was looked at and before it is watched does not leave a follower waiting for ever.
#[test]
fn h72_a_run_that_ends_before_it_is_watched_ends_its_follower() {
    let project = Project::new();
    project.config("[stages.short]\nrun = 'chaos touch \"$SIDE/up\"; chaos wait-for \"$SIDE/go\"; echo done'\n");
    let running = run(&project, &[]).spawn();
    wait_until("the stage to run", || project.side("up").exists());
    // The log of the trace shows when the run was seen to go on; watching it is held up from then on.
    let late = ["-e", "trace=flock,inotify_init1", "-e", "inject=inotify_init1:delay_enter=1000000"];
    let Some(follower) = project.local_ci(&["logs", "-f", "short"]).under_strace(&late) else { return };
    let follower = follower.spawn();
    let trace = || fs::read_to_string(project.side("strace.log")).unwrap_or_default();
    wait_until("the follower to have looked", || trace().contains("EAGAIN"));
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(0);
    assert_eq!(follower.wait().assert_code(0).stdout(), "done\n");
    project.assert_nothing_left();
}

/// H73: the end of a log is there at once, whether it is in the log's head or in its tail.
#[test]
fn h73_the_last_lines_are_the_last_lines() {
    let project = Project::new();
    project.config(
        "[stages.whole]\nrun = ['chaos', 'lines', '100000']\n[stages.capped]\nlog-max = '64KiB'\nrun = ['chaos', 'lines', '100000']\n\
         [stages.open]\nlog-max = '64KiB'\nrun = 'chaos lines 100000; printf open'\n",
    );
    run(&project, &[]).output().assert_code(0);
    let tail = |stage, lines| project.local_ci(&["logs", stage, "--tail", lines]).output().assert_code(0).stdout();
    for stage in ["whole", "capped"] {
        assert_eq!(tail(stage, "2"), "line 99999\nline 100000\n", "{stage}");
        assert_eq!(tail(stage, "0"), "", "{stage}");
    }
    assert_eq!(tail("open", "2"), "line 100000\nopen\n");
    // More than the tail has: the gap is said, and what is before it is shown.
    let most = tail("capped", "9000");
    assert!(most.contains(" bytes omitted") && most.ends_with("\nline 100000\n"), "{}", &most[..200]);
    assert_eq!(tail("whole", "200000").lines().count(), 100_000);
    project.assert_nothing_left();
}

/// H54, H28: a stage's process is never signalled or held up by what its viewer does; its own end is its own.
#[test]
fn h55_killing_a_viewer_leaves_the_stage_alone() {
    let project = Project::new();
    project.config(
        "[stages.flood]\nrun = 'chaos sleep 0 --pid-file \"$SIDE/pid\"; chaos wait-for \"$SIDE/go\"; chaos flood 4M; echo the end'\n",
    );
    let running = run(&project, &[]).spawn();
    let _: Identity = project.identity("pid");
    let viewer = project.local_ci(&["attach"]).spawn();
    viewer.wait_for_stdout("::group::flood");
    viewer.kill(Signal::KILL);
    viewer.wait().assert_signal(Signal::KILL);
    fs::write(project.side("go"), "").unwrap();
    let finished = running.wait().assert_code(0);
    assert!(finished.stdout().contains("the end\n::endgroup::\n✓ flood"));
    project.assert_nothing_left();
}
