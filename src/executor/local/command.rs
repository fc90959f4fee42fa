//! From a job to a program with its arguments and environment.

use std::ffi::{CString, OsStr};
use std::path::PathBuf;

use super::LocalExecutor;
use super::jobserver::Told;
use crate::env;
use crate::executor::{ExecError, Job, Streams};
use crate::process::program::resolve;
use crate::process::spawn::{Program, variable};

/// Variables that tell a process which attempt of which stage of which run it belongs to.
pub(super) fn cookie(job: &Job) -> [(&'static str, String); 3] {
    [(env::RUN_ID, job.run.to_string()), (env::STAGE, job.stage.to_string()), (env::ATTEMPT, job.attempt.to_string())]
}

impl LocalExecutor {
    /// The job as a program to start, the file it was found in, and whether it has the jobserver's ends.
    pub(super) fn program(&self, job: &Job) -> Result<(PathBuf, Program, bool), ExecError> {
        let argv = job.command.words();
        let declared_path =
            job.env.iter().rev().find(|(name, _)| name == env::PATH).map(|(_, value)| OsStr::new(value));
        let name = argv.first().map_or("", String::as_str);
        let path = declared_path.or(self.path.as_deref());
        let file = resolve(name, path, &job.dir)?;
        let told = self.sharing.as_ref().map_or_else(Told::default, |sharing| sharing.tell(job, path));
        let environment = self.environment(job, told.variables)?;
        let program = Program::new(&file, &argv)?.env(environment).dir(&job.dir)?;
        let program = match job.streams {
            Streams::Console => program.controlled(),
            Streams::Pipes | Streams::Pty => program.new_session(),
        };
        Ok((file, program, told.descriptors))
    }

    fn environment(&self, job: &Job, told: Vec<(&'static str, String)>) -> Result<Vec<CString>, ExecError> {
        let number = job.number.map(|number| (env::RUN, number.to_string()));
        let ours = cookie(job).into_iter().chain([(env::LOCAL_CI, "1".to_owned())]).chain(number).chain(told);
        // Ours come last: what belongs to which run cannot be declared away.
        let set: Vec<(String, String)> =
            job.env.iter().cloned().chain(ours.map(|(name, value)| (name.to_owned(), value))).collect();
        let mut environment: Vec<CString> = self
            .inherited
            .iter()
            .filter(|(name, _)| !set.iter().any(|(ours, _)| name == OsStr::new(ours)))
            .map(|(_, both)| both.clone())
            .collect();
        for (at, (name, value)) in set.iter().enumerate() {
            if !set[at + 1..].iter().any(|(later, _)| later == name) {
                environment.push(variable(OsStr::new(name), OsStr::new(value))?);
            }
        }
        Ok(environment)
    }
}
