//! `await`, `await-any`, `await-all`: quiet until what is waited for has ended, then its code.

use std::fs;

use rustix::process::Signal;

use crate::support::{Project, Running, assert_transcript, wait_until, watches};

/// Two jobs that each end when the test says so: `good` passes, `bad` fails.
fn project() -> Project {
    let project = Project::new();
    let gate = |name: &str| project.side(name).display().to_string();
    project.config(&format!(
        "[stages.good]\nrun = 'chaos wait-for {}'\n[stages.bad]\nrun = 'chaos wait-for {}; exit 7'\n",
        gate("good"),
        gate("bad")
    ));
    project
}

/// A run of one of them.
fn begun<'p>(project: &'p Project, stage: &str) -> Running<'p> {
    let before = project.run_numbers().len() as u64;
    let running = project.local_ci(&["-q", stage]).spawn();
    project.run_dir(before + 1);
    project.wait_for_event(before + 1, "stage_started");
    running
}

/// A command that waits, once it does.
fn waiting<'p>(project: &'p Project, args: &[&str]) -> Running<'p> {
    let waiting = project.local_ci(args).spawn();
    wait_until("the command to wait", || watches(waiting.pid()));
    waiting
}

/// runs.txt, `await abc`: waits for the job to complete; here with its exit code, and without a word until then.
#[test]
fn runs_txt_await_waits_for_the_job_and_exits_with_its_code() {
    let project = project();
    let run = begun(&project, "bad");
    let by_job = waiting(&project, &["await", "bad"]);
    let by_number = waiting(&project, &["await", "1"]);
    let by_both = waiting(&project, &["await", "1/bad"]);
    let latest = waiting(&project, &["await"]);
    project.open_gate("bad");
    assert_transcript!(by_job.wait(), @"
    $ local-ci await bad
    --- stderr
    bad in run 1 failed in [TIME]: exit code 7
    --- exit 1
    ");
    assert_transcript!(by_number.wait(), @"
    $ local-ci await 1
    --- stderr
    run 1 failed in [TIME]: bad
    --- exit 1
    ");
    by_both.wait().assert_code(1);
    latest.wait().assert_code(1);
    run.wait().assert_code(1);
    // What has ended is not waited for.
    project.local_ci(&["await", "bad", "--timeout", "1ms"]).output().assert_code(1);
    project.open_gate("good");
    project.local_ci(&["-q", "good"]).output().assert_code(0);
    assert_transcript!(project.local_ci(&["await"]).output(), @"
    $ local-ci await
    --- stderr
    run 2 passed in [TIME]
    --- exit 0
    ");
    project.assert_nothing_left();
}

/// A job that was named has ended when it has, whatever becomes of its run.
#[test]
fn a_job_is_not_waited_for_longer_than_it_runs() {
    let project = project();
    let run = project.local_ci(&["-q", "-j2"]).spawn();
    project.wait_for_event(1, "stage_started");
    let waiting = waiting(&project, &["await", "bad"]);
    project.open_gate("bad");
    waiting.wait().assert_code(1);
    project.open_gate("good");
    run.wait().assert_code(1);
    project.local_ci(&["await", "good"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// runs.txt, `await-any`: waits for any job to complete, says which on stdout, and exits with its code.
#[test]
fn runs_txt_await_any_ends_with_the_first() {
    let project = project();
    let (good, bad) = (begun(&project, "good"), begun(&project, "bad"));
    let any = waiting(&project, &["await-any"]);
    let job = waiting(&project, &["await-any", "good", "bad"]);
    let other = waiting(&project, &["await-any", "1"]);
    project.open_gate("bad");
    assert_transcript!(any.wait(), @"
    $ local-ci await-any
    2
    --- stderr
    run 2 failed in [TIME]: bad
    --- exit 1
    ");
    assert_transcript!(job.wait(), @"
    $ local-ci await-any good bad
    2/bad
    --- stderr
    bad in run 2 failed in [TIME]: exit code 7
    --- exit 1
    ");
    bad.wait().assert_code(1);
    project.open_gate("good");
    assert_eq!(other.wait().assert_code(0).stdout(), "1\n");
    good.wait().assert_code(0);
    assert_transcript!(project.local_ci(&["await-any"]).output(), @"
    $ local-ci await-any
    --- stderr
    error: nothing is running here
      hint: name runs or jobs to wait for
    --- exit 2
    ");
    project.assert_nothing_left();
}

/// runs.txt, `await-all`: waits for all jobs to complete, says each as it ends, and exits with the first code that is not
/// 0, by numbers.
#[test]
fn runs_txt_await_all_ends_with_the_last() {
    let project = project();
    let (good, bad) = (begun(&project, "good"), begun(&project, "bad"));
    let all = waiting(&project, &["await-all"]);
    let named = waiting(&project, &["await-all", "2", "good", "good", "1/good"]);
    project.open_gate("bad");
    all.wait_for_stderr("run 2 failed");
    project.open_gate("good");
    assert_transcript!(all.wait(), @"
    $ local-ci await-all
    --- stderr
    run 2 failed in [TIME]: bad
    run 1 passed in [TIME]
    --- exit 1
    ");
    assert_eq!(named.wait().assert_code(1).stderr().lines().count(), 2);
    good.wait().assert_code(0);
    bad.wait().assert_code(1);
    assert_transcript!(project.local_ci(&["await-all"]).output(), @"
    $ local-ci await-all
    --- stderr
    nothing is running here
    --- exit 0
    ");
    project.assert_nothing_left();
}

#[test]
fn waiting_can_be_limited_and_left() {
    let project = project();
    let (good, bad) = (begun(&project, "good"), begun(&project, "bad"));
    assert_transcript!(project.local_ci(&["await", "good", "--timeout", "20ms"]).output(), @"
    $ local-ci await good --timeout [TIME]
    --- stderr
    good in run 1 has not ended after [TIME]
    --- exit 124
    ");
    project.local_ci(&["await-any", "--timeout", "20ms"]).output().assert_code(124);
    let timed_out = project.local_ci(&["await-all", "--timeout", "20ms"]).output().assert_code(124);
    assert_eq!(timed_out.stderr(), "run 1, run 2 have not ended after 20ms\n");
    let left = waiting(&project, &["await-all"]);
    left.kill(Signal::INT);
    left.wait().assert_signal(Signal::INT);
    for (gate, run, code) in [("good", good, 0), ("bad", bad, 1)] {
        project.open_gate(gate);
        run.wait().assert_code(code);
    }
    project.assert_nothing_left();
}

/// H24, H72: a run whose supervisor is killed is lost, and who waits for it is told so at once.
#[test]
fn h24_h72_a_lost_run_is_not_waited_for() {
    let project = project();
    let run = begun(&project, "good");
    let (whole, job) = (waiting(&project, &["await", "1"]), waiting(&project, &["await", "good"]));
    project.supervisor(1).kill(Signal::KILL);
    assert_transcript!(whole.wait(), @"
    $ local-ci await 1
    --- stderr
    run 1 is lost: its supervisor is gone and left no verdict
    --- exit 3
    ");
    job.wait().assert_code(3);
    run.wait().assert_code(3);
}

/// One that is deleted while it is waited for is none any more; and who needs no config has none.
#[test]
fn what_is_deleted_is_said_and_no_config_is_needed() {
    let project = project();
    project.open_gate("good");
    project.local_ci(&["-q", "good"]).output().assert_code(0);
    fs::write(project.dir().join("local-ci.toml"), "no config at all").unwrap();
    project.local_ci(&["await"]).output().assert_code(0);
    let (lock, _) = project.young_run(1, 2);
    let waiting = waiting(&project, &["await", "2"]);
    fs::remove_dir_all(project.run_dir(2)).unwrap();
    drop(lock);
    assert_transcript!(waiting.wait(), @"
    $ local-ci await 2
    --- stderr
    run 2 was deleted while it was waited for
    --- exit 3
    ");
    project.local_ci(&["await", "2"]).output().assert_code(2);
    project.local_ci(&["await", "nope"]).output().assert_code(2);
}

/// A stage that waits for its own run would wait for ever.
#[test]
fn no_run_waits_for_itself() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'local-ci await-all && ! local-ci await-any && local-ci await latest'\n");
    let run = project.local_ci(&[]).output().assert_code(1);
    assert!(run.stdout().contains("run 1 is the one that this command is a part of"), "{}", run.transcript());
    project.assert_nothing_left();
}

/// Hundreds of runs are waited for with one descriptor, and without looking at them again and again.
#[test]
fn hundreds_of_runs_are_waited_for_without_work() {
    let project = project();
    project.open_gate("good");
    project.local_ci(&["-q", "good"]).output().assert_code(0);
    let mut young: Vec<_> = (2..=301).map(|number| (number, project.young_run(1, number))).collect();
    let waiting = waiting(&project, &["await-all"]);
    let descriptors = fs::read_dir(format!("/proc/{}/fd", waiting.pid())).unwrap().count();
    assert!(descriptors < 10, "{descriptors} descriptors");
    for (number, (lock, events)) in young.drain(..) {
        fs::write(project.run_dir(number).join("events.jsonl"), events).unwrap();
        drop(lock);
    }
    let ended = waiting.wait().assert_code(0);
    assert_eq!(ended.stderr().lines().count(), 300);
}
