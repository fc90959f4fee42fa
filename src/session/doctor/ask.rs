//! Asking known tools for their version: all at once, for two seconds at most, and never a program of the project's.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::unbounded;

use super::tools::Tool;
use crate::cancel::{CancelLevel, CancelToken};
use crate::clock::{Clock, SystemClock};
use crate::env::{self, Env};
use crate::event::{OutputSink, Stream};
use crate::executor::jobserver::Offer;
use crate::executor::local::LocalExecutor;
use crate::executor::{Executor, Job, Streams};
use crate::ids::{RunId, StageName};
use crate::pipeline::{Command, DEFAULT_GRACE, Leak};
use crate::process::program::resolve;
use crate::process::reaper::Reaper;

/// How long all answers together may take.
const LIMIT: Duration = Duration::from_secs(2);
/// How much of an answer is kept, in bytes.
const ANSWER_MAX: usize = 4096;

/// Keeps tools that can fetch themselves, or look for newer ones, from doing so; and Python from writing beside what it
/// reads.
const QUIET: [(&str, &str); 6] = [
    ("COREPACK_ENABLE_NETWORK", "0"),
    ("GOTOOLCHAIN", "local"),
    ("NO_UPDATE_NOTIFIER", "1"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("RUSTUP_AUTO_INSTALL", "0"),
    ("npm_config_update_notifier", "false"),
];

/// A question, to find its answer again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuestionId(usize);

#[derive(Debug, PartialEq, Eq)]
struct Question {
    /// The program's file, or why there is none.
    file: Result<PathBuf, String>,
    arguments: Vec<String>,
    /// Whether it may be run.
    is_asked: bool,
}

/// Questions that are asked once, however many want to know.
pub(super) struct Questions {
    project: PathBuf,
    questions: Vec<Question>,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It said this.
    Version {
        /// The first line of it.
        text: String,
        /// The program.
        path: PathBuf,
    },
    /// It is there, and was not run.
    NotAsked(PathBuf),
    /// It is there and did not say.
    Silent {
        /// The program.
        path: PathBuf,
        /// Why not, as far as it said.
        why: String,
    },
    /// It is there, and did not say in time.
    Slow(PathBuf),
    /// It is not there; why not.
    Missing(String),
}

/// What came of all questions.
pub(super) struct Answers(Vec<Answer>);

impl Answers {
    /// What came of this one.
    pub(super) fn of(&self, question: QuestionId) -> &Answer {
        &self.0[question.0]
    }
}

impl Questions {
    /// For a project, none of whose own programs is run.
    pub(super) fn new(project: &Path) -> Self {
        Self { project: project.canonicalize().unwrap_or_else(|_| project.to_owned()), questions: Vec::new() }
    }

    /// Asks a program of the environment's `PATH`.
    pub(super) fn add(&mut self, words: &[&str], env: &Env) -> QuestionId {
        let (program, arguments) = words.split_first().map_or(("", &[] as &[&str]), |(first, rest)| (*first, rest));
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        self.add_from(program, Some(arguments), env.get(env::PATH), Path::new("/"))
    }

    /// Asks a program as a stage in this directory with this `PATH` would find it. Without arguments only whether it is
    /// there.
    pub(super) fn add_from(
        &mut self,
        program: &str,
        arguments: Option<Vec<String>>,
        path: Option<&OsStr>,
        dir: &Path,
    ) -> QuestionId {
        let file = resolve(program, path, dir).map_err(|error| error.message);
        let is_asked = file.as_ref().is_ok_and(|file| {
            let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
            arguments.is_some() && Tool::find(name).is_some() && !self.is_projects(file)
        });
        let question = Question { file, arguments: arguments.unwrap_or_default(), is_asked };
        let known = self.questions.iter().position(|known| *known == question);
        QuestionId(known.unwrap_or_else(|| {
            self.questions.push(question);
            self.questions.len() - 1
        }))
    }

    fn is_projects(&self, file: &Path) -> bool {
        file.starts_with(&self.project) || file.canonicalize().is_ok_and(|file| file.starts_with(&self.project))
    }

    /// Asks them all.
    pub(super) fn answer(self, env: &Env) -> Answers {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let executor = Reaper::start().and_then(|reaper| LocalExecutor::new(reaper, Arc::clone(&clock), env, None));
        let executor = match &executor {
            Ok(executor) => executor,
            Err(error) => {
                let silent = |question: &Question| question.without_asking(&format!("cannot be run: {error}"));
                return Answers(self.questions.iter().map(silent).collect());
            }
        };
        let cancel = CancelToken::new();
        let (done, ended) = unbounded();
        let answers = std::thread::scope(|scope| {
            let ask = |question| {
                let (done, cancel) = (done.clone(), &cancel);
                scope.spawn(move || {
                    let answer = Question::ask(question, executor, cancel);
                    let _ = done.send(());
                    answer
                })
            };
            let threads: Vec<_> = self.questions.iter().map(ask).collect();
            let began = clock.now();
            for _ in &threads {
                if ended.recv_timeout(LIMIT.saturating_sub(clock.now().since(began))).is_err() {
                    cancel.raise(CancelLevel::Kill);
                    break;
                }
            }
            let missing = || Answer::Missing("it could not be asked".to_owned());
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| missing())).collect()
        });
        Answers(answers)
    }
}

/// What a program printed, as far as it is of interest.
#[derive(Default)]
struct Heard {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl OutputSink for Heard {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let kept = match stream {
            Stream::Stdout => &mut self.out,
            Stream::Stderr => &mut self.err,
        };
        kept.extend(bytes.iter().take(ANSWER_MAX.saturating_sub(kept.len())));
    }
}

impl Question {
    /// The answer where nothing is run.
    fn without_asking(&self, why: &str) -> Answer {
        match (&self.file, self.is_asked) {
            (Err(why), _) => Answer::Missing(why.clone()),
            (Ok(path), false) => Answer::NotAsked(path.clone()),
            (Ok(path), true) => Answer::Silent { path: path.clone(), why: why.to_owned() },
        }
    }

    fn ask(&self, executor: &LocalExecutor, cancel: &CancelToken) -> Answer {
        let (Ok(path), true, Ok(stage)) = (&self.file, self.is_asked, StageName::new("doctor")) else {
            return self.without_asking("");
        };
        let mut random = [0; 16];
        // It only tells our processes from those of others.
        let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
        let argv = std::iter::once(path.to_string_lossy().into_owned()).chain(self.arguments.iter().cloned());
        let job = Job {
            run: RunId::from_bytes(random),
            number: None,
            stage,
            attempt: 1,
            part: 0,
            command: Command::Argv(argv.collect()),
            dir: "/".into(),
            env: QUIET.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            leak: Leak::Kill,
            streams: Streams::Pipes,
            offer: Offer::Nothing,
            limit: None,
            grace: DEFAULT_GRACE,
            resumes: None,
        };
        let mut heard = Heard::default();
        let ended = executor.execute(&job, &mut heard, cancel);
        let line = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
        };
        let silent = |why: String| Answer::Silent { path: path.clone(), why };
        match ended {
            Ok(ended) if ended.exit.success() => match line(&heard.out).or_else(|| line(&heard.err)) {
                Some(text) => Answer::Version { text, path: path.clone() },
                None => silent("it said nothing".to_owned()),
            },
            _ if cancel.level().is_some() => Answer::Slow(path.clone()),
            Err(error) => silent(error.to_string()),
            Ok(ended) => {
                silent(line(&heard.err).or_else(|| line(&heard.out)).unwrap_or_else(|| ended.exit.to_string()))
            }
        }
    }
}
