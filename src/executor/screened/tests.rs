use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::executor::Streams;
use crate::executor::fake::{FakeExecutor, Script};
use crate::executor::jobserver::Offer;
use crate::executor::news::{News, Tell};
use crate::ids::{RunId, StageName};
use crate::outcome::Exit;
use crate::pipeline::secret::Value;
use crate::pipeline::{Command, Leak};
use crate::text::mask::Needles;

/// A log in memory.
#[derive(Default)]
struct Written(Vec<(Stream, String)>);

impl OutputSink for Written {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        self.0.push((stream, String::from_utf8_lossy(bytes).into_owned()));
    }
}

impl Written {
    fn of(&self, stream: Stream) -> String {
        self.0.iter().filter(|(of, _)| *of == stream).map(|(_, text)| text.as_str()).collect()
    }
}

struct World {
    fake: Arc<FakeExecutor>,
    screened: Screened,
    told: Arc<Mutex<Vec<News>>>,
}

fn name() -> StageName {
    StageName::new("deploy").unwrap()
}

/// A stage whose secrets are these.
fn world(secrets: &[(&str, &str)]) -> World {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let tell: Tell = Arc::new(move |news| log.lock().unwrap().push(news));
    let given = secrets.iter().map(|(name, value)| ((*name).to_owned(), Value::new(*value))).collect();
    let needles = Needles::new(secrets.iter().map(|(name, value)| (*name, value.as_bytes())));
    let screen = Screen::new(needles, BTreeMap::from([(name(), given)]), PathBuf::from("/project"), tell);
    let fake = Arc::new(FakeExecutor::new());
    World { screened: Screened::new(fake.clone(), Arc::new(screen)), fake, told }
}

impl World {
    fn run(&self, resumes: Option<u64>, pieces: &[(Stream, &str)]) -> (Written, Result<Ended, ExecError>) {
        let output = pieces.iter().map(|(stream, text)| (*stream, text.as_bytes().to_vec())).collect();
        self.fake.script(&name(), Script { output, ..Script::exit(0) });
        let mut written = Written::default();
        let result = self.screened.execute(&job(resumes), &mut written, &CancelToken::new());
        (written, result)
    }
}

fn job(resumes: Option<u64>) -> Job {
    Job {
        run: RunId::from_bytes([1; 16]),
        number: None,
        stage: name(),
        attempt: 1,
        part: 0,
        command: Command::Argv(vec!["true".into()]),
        dir: PathBuf::from("/project"),
        env: Vec::new(),
        leak: Leak::Kill,
        streams: Streams::Pipes,
        offer: Offer::Nothing,
        limit: None,
        grace: Duration::from_secs(1),
        resumes,
    }
}

const OUT: Stream = Stream::Stdout;
const ERR: Stream = Stream::Stderr;

#[test]
fn h174_each_stream_is_masked_for_itself_and_across_writes() {
    let world = world(&[("TOKEN", "canary-4711")]);
    let (written, result) = world
        .run(None, &[(OUT, "a canary"), (ERR, "e canary-"), (OUT, "-4711 b canary-"), (ERR, "4711\n"), (OUT, "47")]);
    assert_eq!(written.of(OUT), "a *** b canary-47");
    assert_eq!(written.of(ERR), "e ***\n");
    assert_eq!(result.unwrap().exit, Exit::Code(0));
}

#[test]
fn without_secrets_bytes_go_on_in_the_pieces_that_they_came_in() {
    let world = world(&[]);
    let (written, _) = world.run(None, &[(OUT, "a::b\n"), (OUT, "::error"), (OUT, "::c\n")]);
    assert_eq!(written.0, [(OUT, "a::b\n".to_owned()), (OUT, "::error".to_owned()), (OUT, "::c\n".to_owned())]);
    assert_eq!(world.told.lock().unwrap().len(), 1);
}

#[test]
fn h178_a_value_that_a_stage_names_is_masked_from_there_on_in_all_streams_and_attempts() {
    let world = world(&[]);
    let (written, _) = world.run(
        None,
        &[
            (OUT, "hunter2-x\n::add-"),
            (OUT, "mask::hunter2"),
            (OUT, "-x%0Asecond-line\n"),
            (ERR, "hunter2-x"),
            (OUT, "second-line\n"),
        ],
    );
    assert_eq!(written.of(OUT), "hunter2-x\n::add-mask::***\n***\n");
    assert_eq!(written.of(ERR), "***");
    let (written, _) = world.run(None, &[(OUT, "hunter2-x ::add-mask::second-line")]);
    assert_eq!(written.of(OUT), "*** ::add-mask::***");
}

/// H57: whoever floods it with values gets told so, once.
#[test]
fn h57_values_that_stages_add_are_bounded() {
    let world = world(&[]);
    let flood = (0..1_010).map(|n| format!("::add-mask::value-{n}-")).collect::<Vec<_>>().join("\n") + "\n";
    let (written, _) = world.run(None, &[(OUT, &flood), (OUT, "value-7- value-1005-")]);
    assert!(written.of(OUT).ends_with("*** value-1005-"));
    let told = world.told.lock().unwrap();
    let [News::Remark { text, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(text, "so many values were given with `::add-mask::` that no more of them are looked for");
}

#[test]
fn a_value_too_short_to_be_looked_for_is_said() {
    let world = world(&[]);
    let (written, _) = world.run(None, &[(OUT, "::add-mask::abc\nabc\n")]);
    assert_eq!(written.of(OUT), "::add-mask::***\nabc\n");
    assert!(matches!(&world.told.lock().unwrap()[..], [News::Remark { text, .. }] if text.contains("too short")));
}

/// A run that is taken over goes on in its log where that ended, whatever the masks did to its length.
#[test]
fn h174_a_stage_that_is_joined_goes_on_at_the_place_of_the_masked_log() {
    let world = world(&[("TOKEN", "canary-4711")]);
    let output = "one canary-4711 two canary-4711 three";
    let (whole, _) = world.run(None, &[(OUT, output)]);
    let whole = whole.of(OUT);
    for there in 1..=whole.len() {
        let (rest, _) = world.run(Some(there as u64), &[(OUT, output)]);
        assert_eq!(format!("{}{}", &whole[..there], rest.of(OUT)), whole);
    }
    assert!(world.fake.joined().iter().all(|(_, from)| *from == 0));
}
