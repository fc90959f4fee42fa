//! Stages in run directories on another machine, over ssh itself: what they cost, how fast their output comes, and that a
//! connection that is cut loses none of it. Below the command line.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use local_ci::cancel::CancelToken;
use local_ci::env::Env;
use local_ci::event::{OutputSink, Stream};
use local_ci::executor::jobserver::Offer;
use local_ci::executor::remote::{Line, Place, RemoteExecutor, Site, WorkTree};
use local_ci::executor::{Executor, Job, Streams};
use local_ci::ids::{RunId, StageName};
use local_ci::outcome::Exit;
use local_ci::pipeline::remote::Destination;
use local_ci::pipeline::{Command, Leak};
use local_ci::process::tool::Tools;
use local_ci::remote::link::{Generation, Link, LinkNews, Patience};
use local_ci::remote::shell::Answer;
use local_ci::remote::ssh::SshTransport;
use local_ci::remote::{Channel, Fault, Login};

use crate::support::{self, Host, Project, Setup};

const LIMIT: Duration = Duration::from_mins(1);

/// A line without anybody who hears what becomes of it.
struct Over(Link);

impl Line for Over {
    fn host(&self) -> &str {
        self.0.host()
    }

    fn call(&self, script: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        self.0.call(script, cancelled)
    }

    fn open(&self, cancelled: &dyn Fn() -> bool) -> Result<(Channel, u64), Fault> {
        let (channel, generation) = self.0.open(Login::No, cancelled)?;
        Ok((channel, generation.into()))
    }

    fn lost(&self, generation: u64, why: Fault) {
        self.0.lost(Generation::from(generation), why);
    }
}

/// A project on the machine `box`.
struct There {
    executor: RemoteExecutor,
    line: Arc<Over>,
    lost: Arc<Mutex<usize>>,
    run: RunId,
}

impl There {
    fn new(project: &Project, host: &Host, run: u8) -> Self {
        let runtime = project.side("run");
        fs::create_dir_all(&runtime).unwrap();
        let path = std::env::var("PATH").unwrap();
        let home = project.root().join("home");
        let env = Env::from_pairs([
            ("PATH", path.as_str()),
            ("HOME", home.to_str().unwrap()),
            ("XDG_RUNTIME_DIR", runtime.to_str().unwrap()),
        ]);
        let destination = Destination { user: None, host: "box".into(), port: None };
        let transport = SshTransport::new(destination, Some(host.ssh_config()), Tools::plain(&env), &env).unwrap();
        let lost = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&lost);
        let tell = move |news| {
            if matches!(news, LinkNews::Up { .. }) {
                *counted.lock().unwrap() += 1;
            }
        };
        let patience = Patience { operation: LIMIT, give_up: LIMIT };
        let link = Link::new(Arc::new(transport), patience, tell);
        let line = Arc::new(Over(link));
        let run = RunId::from_bytes([run; 16]);
        let work = host.home().join("work");
        fs::create_dir_all(&work).unwrap();
        let site = Site {
            name: "box".into(),
            line: Arc::clone(&line) as Arc<dyn Line>,
            place: Place::new("project-0", &run),
            root: "/project".into(),
            env: Vec::new(),
            session: None,
            timeout: LIMIT,
            carrier: Box::new(WorkTree { path: work.to_str().unwrap().to_owned() }),
        };
        Self { executor: RemoteExecutor::new(site), line, lost, run }
    }

    fn job(&self, script: &str, attempt: u32) -> Job {
        Job {
            run: self.run.clone(),
            number: None,
            stage: StageName::new("s").unwrap(),
            attempt,
            part: 0,
            command: Command::Shell {
                shell: ["sh", "-e", "-c"].map(str::to_owned).to_vec(),
                script: script.to_owned(),
                args: Vec::new(),
            },
            dir: "/project".into(),
            env: Vec::new(),
            leak: Leak::Kill,
            streams: Streams::Pipes,
            offer: Offer::Nothing,
            limit: None,
            grace: Duration::from_secs(1),
            resumes: None,
        }
    }

    fn execute(&self, job: &Job) -> Log {
        let mut log = Log::default();
        let ended = self.executor.execute(job, &mut log, &CancelToken::new()).unwrap();
        assert_eq!(ended.exit, Exit::Code(4));
        log
    }
}

impl Drop for There {
    fn drop(&mut self) {
        self.line.0.close();
    }
}

#[derive(Default)]
struct Log {
    bytes: u64,
    hash: blake3::Hasher,
}

impl OutputSink for Log {
    fn write(&mut self, _: Stream, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
    }
}

fn hash_of(file: &Path) -> blake3::Hash {
    blake3::hash(&fs::read(file).unwrap())
}

/// What a stage costs and how fast its output comes is printed, to be looked at; that all of it comes is checked.
#[test]
fn stages_run_there_and_all_of_their_output_comes() {
    let project = Project::new();
    let _cleared = crate::ssh_line::Cleared(&project);
    let Some(host) = Setup::default().start(&project) else { return };
    let there = There::new(&project, &host, 1);
    let mut took: Vec<Duration> = (1..=20)
        .map(|attempt| {
            let job = there.job("echo x; exit 4", attempt);
            let began = Instant::now();
            assert_eq!(there.execute(&job).bytes, 2);
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    eprintln!("a stage: {:?}; a round trip: {:?}", took[10], there.line.0.round_trip());
    let job = there.job("head -c 300000000 /dev/zero; exit 4", 21);
    let began = Instant::now();
    assert_eq!(there.execute(&job).bytes, 300_000_000);
    eprintln!("300 MB, written and followed: {:?}", began.elapsed());
}

/// H126: with a connection that ends in the middle of the output, again and again.
#[test]
fn h126_a_connection_that_is_cut_loses_no_byte_and_repeats_none() {
    let project = Project::new();
    let _cleared = crate::ssh_line::Cleared(&project);
    let Some(host) = Setup::default().start(&project) else { return };
    let proxy = support::Line::to(host.port());
    host.address("127.0.0.1", proxy.port());
    let there = There::new(&project, &host, 2);
    let bytes: Vec<u8> = (0..6_000_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let file = host.home().join("work/bytes");
    fs::write(&file, &bytes).unwrap();
    // The first connection is made before it is cut; each of the next lives a little.
    proxy.cut_after([700_000, 1_000_003, 1_300_007]);
    let log = there.execute(&there.job("cat bytes; sleep 0.2; exit 4", 1));
    assert_eq!((log.bytes, log.hash.finalize()), (6_000_000, hash_of(&file)));
    assert!(proxy.were_cut() >= 3 && *there.lost.lock().unwrap() >= 3, "{}", proxy.were_cut());
}
