//! The services of who is granted nothing: for asking a plugin what it is.

use crate::event::Annotation;
use crate::plugin::services::{
    CommandFailure, CommandRequest, Entry, FileFailure, HttpFailure, HttpRequest, HttpResponse, Level, Process,
    Services,
};

/// See the module.
pub(super) struct Nothing;

const WHY: &str = "nothing is granted while a plugin says what it is";

impl Services for Nothing {
    fn hears(&self, _: Level) -> bool {
        false
    }

    fn log(&mut self, _: Level, _: &str) {}

    fn annotate(&mut self, _: Vec<Annotation>) {}

    fn progress(&mut self, _: u64, _: Option<u64>, _: Option<&str>) {}

    fn settings(&self) -> String {
        "{}".to_owned()
    }

    fn read(&mut self, _: &str, _: u64, _: u64) -> Result<Vec<u8>, FileFailure> {
        Err(FileFailure::Denied(WHY.to_owned()))
    }

    fn glob(&mut self, _: &str, _: u32) -> Result<Vec<Entry>, FileFailure> {
        Err(FileFailure::Denied(WHY.to_owned()))
    }

    fn write(&mut self, _: &str, _: &[u8]) -> Result<(), FileFailure> {
        Err(FileFailure::Denied(WHY.to_owned()))
    }

    fn env(&mut self, _: &str) -> Option<String> {
        None
    }

    fn spawn(&mut self, _: CommandRequest) -> Result<Box<dyn Process>, CommandFailure> {
        Err(CommandFailure::Denied(WHY.to_owned()))
    }

    fn send(&mut self, _: HttpRequest) -> Result<HttpResponse, HttpFailure> {
        Err(HttpFailure::Denied(WHY.to_owned()))
    }

    fn now_ms(&mut self) -> Result<u64, String> {
        Err(format!("asked for the time, and {WHY}"))
    }
}
