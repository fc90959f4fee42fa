//! The list of ad-hoc jobs, written and damaged in a directory of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::thread;

use proptest::prelude::*;

use super::*;

fn project() -> (tempfile::TempDir, ProjectDir) {
    let dir = tempfile::tempdir().unwrap();
    let project = ProjectDir::new(dir.path(), Path::new("/p"));
    (dir, project)
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

fn add_in(project: &ProjectDir, line: &[&str], dir: &str) -> Found {
    let argv = words(line);
    let now = Timestamp { unix_ms: 7, mono_us: 0 };
    let wanted = Wanted { argv: &argv, dir: Path::new(dir), is_taken: &|_| false, now };
    find_or_create(project, Path::new("/p"), &wanted).unwrap()
}

fn add(project: &ProjectDir, line: &[&str]) -> Found {
    add_in(project, line, "")
}

#[test]
fn the_same_command_in_the_same_directory_is_the_same_job() {
    let (_dir, project) = project();
    let first = add(&project, &["make", "test"]);
    assert!(first.is_new);
    let again = add(&project, &["make", "test"]);
    assert_eq!((again.is_new, &again.job), (false, &first.job));
    assert_ne!(add_in(&project, &["make", "test"], "sub").job.name, first.job.name);
    assert_eq!(read(&project).unwrap().len(), 2);
    assert_eq!(fs::metadata(project.jobs()).unwrap().permissions().mode() & 0o777, 0o600);
}

/// H114: where one word ends and the next begins is part of what a job is.
#[test]
fn h114_words_are_not_joined() {
    let (_dir, project) = project();
    let names = [&["echo", "a b"][..], &["echo", "a", "b"], &["echo a", "b"], &["echo", "a", "b", ""]]
        .map(|line| add(&project, line).job.name);
    let apart: HashSet<&StageName> = names.iter().collect();
    assert_eq!(apart.len(), 4, "{names:?}");
}

#[test]
fn a_name_that_something_else_has_is_not_given() {
    let (_dir, project) = project();
    let usual = add(&project, &["make"]).job.name;
    fs::remove_file(project.jobs()).unwrap();
    let argv = words(&["make"]);
    let taken = usual.as_str().to_owned();
    let wanted = Wanted {
        argv: &argv,
        dir: Path::new(""),
        is_taken: &|name| name == taken,
        now: Timestamp { unix_ms: 0, mono_us: 0 },
    };
    assert_ne!(find_or_create(&project, Path::new("/p"), &wanted).unwrap().job.name, usual);
    let none = Wanted { is_taken: &|_| true, argv: &words(&["other"]), ..wanted };
    assert!(matches!(find_or_create(&project, Path::new("/p"), &none), Err(JobsError::NoNames)));
}

/// H89: however many add one command at once, one job comes of it, and each of them gets it.
#[test]
fn h89_a_race_makes_one_job() {
    let (_dir, project) = project();
    for round in 0..50 {
        let barrier = Barrier::new(4);
        let command = round.to_string();
        let found: Vec<Found> = thread::scope(|scope| {
            let racers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        add(&project, &["echo", &command])
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert_eq!(found.iter().filter(|found| found.is_new).count(), 1);
        assert!(found.iter().all(|one| one.job == found[0].job));
    }
    assert_eq!(open(&project).unwrap(), Jobs { list: read(&project).unwrap(), damaged: 0 });
    assert_eq!(read(&project).unwrap().len(), 50);
}

/// H27: a line that was cut off at any byte is no job, is in nobody's way, and is gone with the next that is added.
#[test]
fn h27_a_line_that_was_cut_off_is_no_job() {
    let (_dir, project) = project();
    let first = add(&project, &["one"]).job;
    let whole = fs::read(project.jobs()).unwrap();
    let second = add(&project, &["two"]).job;
    let both = fs::read(project.jobs()).unwrap();
    for length in whole.len()..both.len() {
        fs::write(project.jobs(), &both[..length]).unwrap();
        let there = read(&project).unwrap();
        // All but the end of the line is a job as well.
        assert_eq!(there.len(), if length + 1 < both.len() { 1 } else { 2 }, "{length}");
        let third = add(&project, &["three"]);
        assert_eq!(third.damaged, 0, "{length}");
        let expected: Vec<AdHoc> = there.into_iter().chain([third.job]).collect();
        assert_eq!(open(&project).unwrap(), Jobs { list: expected, damaged: 0 }, "{length}");
    }
    assert_ne!(first, second);
}

/// H32: lines that are no jobs are passed over and counted, wherever they stand.
#[test]
fn h32_damaged_lines_are_passed_over() {
    let (_dir, project) = project();
    let good = add(&project, &["true"]).job;
    let line = serde_json::to_string(&good).unwrap();
    let outside = line.replace("\"dir\":\"\"", "\"dir\":\"../x\"").replace("true", "false");
    let empty = line.replace("[\"true\"]", "[\"\"]");
    let odd = line.replace(&format!("\"{}\"", good.name), "\"../etc\"").replace("true", "other");
    let text = format!("\u{0}\n{{}}\n{outside}\n{empty}\n{odd}\n{line}\n{line}\n");
    fs::write(project.jobs(), text).unwrap();
    assert_eq!(open(&project).unwrap(), Jobs { list: vec![good], damaged: 6 });
    assert_eq!(add(&project, &["other"]).damaged, 6);
}

#[test]
fn a_removed_job_leaves_the_others_and_what_nobody_understands() {
    let (_dir, project) = project();
    let (one, two) = (add(&project, &["one"]).job, add(&project, &["two"]).job);
    let mut text = fs::read_to_string(project.jobs()).unwrap();
    text.push_str("{\"of\":\"a later version\"}\n");
    fs::write(project.jobs(), text).unwrap();
    assert_eq!(remove(&project, &|job| job.name == one.name).unwrap(), 1);
    assert!(is_listed(&project, &two).unwrap() && !is_listed(&project, &one).unwrap());
    assert!(fs::read_to_string(project.jobs()).unwrap().contains("a later version"));
    assert_eq!(remove(&project, &|job| job.name == one.name).unwrap(), 0);
}

proptest! {
    /// H112: whatever a command consists of, it is kept as it is.
    #[test]
    fn h112_hostile_words_are_kept(argv in prop::collection::vec(any::<String>(), 1..5), dir in "[a-z ']{0,3}(/\\PC{1,4})?") {
        let (_dir, project) = project();
        let argv: Vec<String> = std::iter::once("p".to_owned()).chain(argv).collect();
        let dir = Path::new(dir.trim_start_matches('/'));
        prop_assume!(dir.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)));
        let wanted = Wanted { argv: &argv, dir, is_taken: &|_| false, now: Timestamp { unix_ms: 0, mono_us: 0 } };
        let job = find_or_create(&project, Path::new("/p"), &wanted).unwrap().job;
        prop_assert_eq!(&job.argv, &argv);
        prop_assert_eq!(read(&project).unwrap(), [job]);
    }
}
