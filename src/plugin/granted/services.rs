//! The services themselves: every access of a plugin comes by here.

use std::path::PathBuf;
use std::sync::Arc;

use super::files::Files;
use super::http::Web;
use super::spawn::{self, Place};
use super::surroundings::{Commands, Surroundings};
use super::voice::{Ears, Voice};
use crate::cancel::CancelToken;
use crate::clock::Clock;
use crate::event::Annotation;
use crate::plugin::authority::Authority;
use crate::plugin::services::{
    CommandFailure, CommandRequest, Entry, FileFailure, HttpFailure, HttpRequest, HttpResponse, Level, Process,
    Services,
};
use crate::text::plain::printable;

/// The services of one plugin for one call, or one session.
pub struct Granted {
    authority: Authority,
    root: PathBuf,
    files: Files,
    web: Web,
    voice: Voice,
    env: Vec<(String, String)>,
    settings: String,
    clock: Arc<dyn Clock>,
    cancel: CancelToken,
    commands: Option<Box<dyn Commands>>,
    command: Place,
}

impl Granted {
    /// What a plugin of this authority gets here. Opens nothing yet.
    pub fn new(authority: Authority, surroundings: Surroundings) -> Self {
        let Surroundings { root, ours, env, settings, clock, cancel, verbose, log, annotate, commands } = surroundings;
        Self {
            files: Files::new(root.clone(), ours),
            web: Web::default(),
            voice: Voice::new(authority.plugin(), verbose, Ears { log, annotate }),
            command: Place::default(),
            authority,
            root,
            env,
            settings,
            clock,
            cancel,
            commands,
        }
    }
}

impl Services for Granted {
    fn hears(&self, level: Level) -> bool {
        self.voice.hears(level)
    }

    fn log(&mut self, level: Level, message: &str) {
        self.voice.log(level, message);
    }

    fn annotate(&mut self, items: Vec<Annotation>) {
        self.voice.annotate(items, &self.root);
    }

    fn progress(&mut self, done: u64, total: Option<u64>, note: Option<&str>) {
        self.voice.progress(done, total, note);
    }

    fn settings(&self) -> String {
        self.settings.clone()
    }

    fn read(&mut self, path: &str, offset: u64, len: u64) -> Result<Vec<u8>, FileFailure> {
        self.files.read(&self.authority, path, offset, len)
    }

    fn glob(&mut self, pattern: &str, limit: u32) -> Result<Vec<Entry>, FileFailure> {
        let found = self.files.glob(&self.authority, (pattern, limit), &self.cancel)?;
        if let Some(unseen) = found.unseen {
            self.voice.notice(&unseen);
        }
        Ok(found.entries)
    }

    fn write(&mut self, path: &str, content: &[u8]) -> Result<(), FileFailure> {
        self.files.write(&self.authority, path, content)
    }

    fn env(&mut self, name: &str) -> Option<String> {
        if let Err(refusal) = self.authority.may_know(name) {
            self.voice.notice(&refusal.to_string());
            return None;
        }
        self.env.iter().rev().find(|(its, _)| its == name).map(|(_, value)| value.clone())
    }

    fn spawn(&mut self, request: CommandRequest) -> Result<Box<dyn Process>, CommandFailure> {
        let request = spawn::permitted(&self.authority, &mut self.files, request)?;
        if self.cancel.level().is_some() {
            return Err(CommandFailure::Cancelled);
        }
        let Some(commands) = &mut self.commands else {
            let program = request.argv.first().map(|program| printable(program).into_owned()).unwrap_or_default();
            return Err(CommandFailure::Other(format!("`{program}` cannot be run: there is no stage to run it in")));
        };
        self.command.start(|| commands.start(request))
    }

    fn send(&mut self, request: HttpRequest) -> Result<HttpResponse, HttpFailure> {
        self.web.send(&self.authority, &self.env, &self.cancel, request)
    }

    fn now_ms(&mut self) -> Result<u64, String> {
        self.authority.may_tell_time().map_err(|refusal| refusal.to_string())?;
        Ok(u64::try_from(self.clock.now().unix_ms).unwrap_or(0))
    }
}
