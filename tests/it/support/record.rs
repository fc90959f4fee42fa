//! What a run left on disk, read as any other program would.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::project::Project;
use super::wait::wait_until;

impl Project {
    /// The directory of a run of this project, once it is there.
    #[track_caller]
    pub(crate) fn run_dir(&self, number: u32) -> PathBuf {
        let mut found = None;
        wait_until(&format!("run {number} to have a directory"), || {
            let projects = fs::read_dir(self.state_dir().join("projects")).into_iter().flatten();
            found = projects.map(|dir| dir.unwrap().path().join(format!("runs/{number}"))).find(|run| run.is_dir());
            found.is_some()
        });
        found.unwrap()
    }

    /// A file of a run's logs, such as `test.log`.
    #[track_caller]
    pub(crate) fn log(&self, number: u32, file: &str) -> Vec<u8> {
        let path = self.run_dir(number).join("logs").join(file);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The events of a run so far.
    #[track_caller]
    pub(crate) fn events(&self, number: u32) -> Vec<Value> {
        let text = fs::read_to_string(self.run_dir(number).join("events.jsonl")).unwrap_or_default();
        // A last line without its end is not written yet.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        text[..whole].lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The supervisor of a run that goes on.
    #[track_caller]
    pub(crate) fn supervisor(&self, number: u32) -> i32 {
        let file = self.run_dir(number).join("owner.json");
        let mut pid = None;
        wait_until(&format!("run {number} to say who supervises it"), || {
            let text = fs::read(&file).unwrap_or_default();
            pid = serde_json::from_slice::<Value>(&text).ok().and_then(|owner| owner["pid"].as_i64());
            pid.is_some()
        });
        pid.unwrap().try_into().unwrap()
    }

    /// Waits until a run's journal has an event of this kind.
    #[track_caller]
    pub(crate) fn wait_for_event(&self, number: u32, kind: &str) {
        wait_until(&format!("run {number} to have an event {kind}"), || {
            self.events(number).iter().any(|event| event["event"] == kind)
        });
    }

    /// A directory for stages and tests to agree through; tests hand it to stages as `SIDE`.
    pub(crate) fn side_dir(&self) -> PathBuf {
        self.root().join("side")
    }
}
