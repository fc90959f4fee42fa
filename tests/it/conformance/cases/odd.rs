//! Odd surroundings: names of directories, clocks.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use local_ci::outcome::Exit;

use crate::conformance::backend::{Backend, Stage};

pub(crate) fn a_directory_may_have_any_name(at: &impl Backend) {
    let dirs = ["with space", "ümläut 目录", "line\nbreak", "quote'\"$(echo x)`", "-dash"];
    let stages: Vec<_> = dirs
        .iter()
        .enumerate()
        .map(|(index, dir)| {
            at.project().write(&format!("{dir}/file in it"), &format!("of {index}\n"));
            Stage::new("basename \"$PWD\"; cat 'file in it'").named(format!("s{index}")).dir(*dir)
        })
        .collect();
    for (index, seen) in at.run(&stages).into_iter().enumerate() {
        seen.assert("passed", Exit::Code(0));
        assert_eq!(seen.text(), format!("{}\nof {index}\n", dirs[index]));
    }
    at.assert_nothing_left();
}

/// H145: how long a stage takes is nothing that a calendar says. `date` is an hour off, in either direction, and changes
/// its mind while the stage runs.
pub(crate) fn a_clock_that_jumps_changes_no_duration(at: &impl Backend) {
    let shims = at.project().side("shims");
    fs::create_dir(&shims).unwrap();
    let date = "#!/bin/sh\n[ -e \"$SIDE/shims/later\" ] && by='+ 1 hour' || by='- 1 hour'\nPATH=${PATH#*:} exec date -d \"now $by\" \"$@\"\n";
    fs::write(shims.join("date"), date).unwrap();
    fs::set_permissions(shims.join("date"), Permissions::from_mode(0o755)).unwrap();
    at.put_on_path(&shims);
    let seen = at.run_one(Stage::new("date +%s; chaos sleep 1; chaos touch \"$SIDE/shims/later\"; date +%s"));
    seen.assert("passed", Exit::Code(0));
    let said: Vec<u64> = seen.text().lines().map(|line| line.parse().unwrap()).collect();
    assert!(said[1] - said[0] >= 7200, "the clock did not jump: {said:?}");
    assert!(seen.took >= Duration::from_secs(1) && seen.took < Duration::from_mins(1), "{}", seen.said);
    at.assert_nothing_left();
}
