//! The executor with plugins and an executor inside that do as they are told.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::cancel::{CancelLevel, Heard};
use crate::clock::{Clock as _, SystemClock};
use crate::event::{Annotation, LeakedProcess, Severity, Stream};
use crate::executor::Streams;
use crate::executor::fake::{FakeExecutor, Script};
use crate::executor::jobserver::Offer;
use crate::executor::news::{News, Tell};
use crate::executor::reading::ReadingExecutor;
use crate::ids::RunId;
use crate::outcome::Exit;
use crate::pipeline::Leak;
use crate::pipeline::plugin::{Excerpt, Use};
use crate::plugin::fault::{Fault, FaultKind};
use crate::plugin::guests::{Around, Listener, Parser};
use crate::plugin::info::{StageEnd, Verdict};
use crate::plugin::services::{CommandRequest, Printed};

type Act = Box<dyn Fn(Around, &Context) -> Result<StageEnd, Fault> + Send + Sync>;

/// A stage that does this, and parsers that find every line with `:` in it, or fail at the word `trap`.
struct Scripted(Act);

impl Scripted {
    fn stage(act: impl Fn(Around, &Context) -> Result<StageEnd, Fault> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self(Box::new(act)))
    }

    fn idle() -> Arc<Self> {
        Self::stage(|_, _| end(Verdict::Passed, None))
    }
}

impl Guests for Scripted {
    fn stage(&self, _used: &Use, around: Around, context: &Context) -> Result<StageEnd, Fault> {
        (self.0)(around, context)
    }

    fn parser(&self, used: &ParserUse, around: Around, _context: &Context) -> Result<Box<dyn Parser>, Fault> {
        if used.plugin == "uncompiled" {
            return Err(cancelled(&around));
        }
        Ok(Box::new(Colons { plugin: used.plugin.clone(), lines: 0 }))
    }

    fn reporter(&self, plugin: &str, _around: Around) -> Result<Box<dyn Listener>, Fault> {
        Err(Fault::new(plugin, FaultKind::NoSuchRole("is no reporter".into())))
    }

    fn wanted(&self, _plugin: &str) -> Vec<String> {
        Vec::new()
    }

    fn root(&self) -> PathBuf {
        "/project".into()
    }
}

struct Colons {
    plugin: String,
    lines: usize,
}

impl Parser for Colons {
    fn feed(&mut self, lines: &[Printed<'_>]) -> Result<Vec<Annotation>, Fault> {
        self.lines += lines.len();
        if lines.iter().any(|line| line.text == "trap") {
            return Err(Fault::new(&self.plugin, FaultKind::Trapped("gave up".into())));
        }
        if lines.iter().any(|line| line.text == "wait") {
            // For as long as anybody could wait for it, and no longer than a test may.
            std::thread::park_timeout(Duration::from_mins(1));
        }
        Ok(lines.iter().filter(|line| line.text.contains(':')).map(|line| note(line.text)).collect())
    }

    fn finish(&mut self, exit: Option<i32>) -> Result<Vec<Annotation>, Fault> {
        Ok(vec![note(&format!("{} lines, {exit:?}", self.lines))])
    }
}

fn note(message: &str) -> Annotation {
    let source = String::new();
    Annotation { severity: Severity::Note, message: message.into(), code: None, title: None, at: None, source }
}

#[expect(clippy::unnecessary_wraps, reason = "an answer, beside those that are faults")]
fn end(verdict: Verdict, summary: Option<&str>) -> Result<StageEnd, Fault> {
    Ok(StageEnd { verdict, summary: summary.map(str::to_owned), outputs: Vec::new() })
}

/// A run of one attempt.
struct Bench {
    fake: Arc<FakeExecutor>,
    executor: ReadingExecutor,
    told: Arc<Mutex<Vec<News>>>,
    out: Log,
}

#[derive(Clone, Default)]
struct Log(Vec<u8>);

impl OutputSink for Log {
    fn write(&mut self, _stream: Stream, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fn name(name: &str) -> StageName {
    StageName::new(name).unwrap()
}

fn job(command: Command) -> Job {
    Job {
        run: RunId::from_bytes([1; 16]),
        number: None,
        stage: name("s"),
        attempt: 1,
        part: 0,
        command,
        dir: "/project/sub".into(),
        env: vec![("A".into(), "job".into())],
        leak: Leak::Kill,
        streams: Streams::Pipes,
        offer: Offer::Nothing,
        limit: None,
        grace: Duration::from_secs(10),
        resumes: None,
    }
}

fn plugin() -> Job {
    let used = Use { plugin: "p".into(), kind: "k".into(), params: r#"{"a":1}"#.into(), fix: true };
    job(Command::Plugin(used))
}

fn command() -> Job {
    job(Command::Argv(vec!["true".into()]))
}

impl Bench {
    fn new(guests: Arc<dyn Guests>, parsers: &[&str]) -> Self {
        let fake = Arc::new(FakeExecutor::new());
        let told = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&told);
        let used =
            |parser: &&str| ParserUse { plugin: (*parser).to_owned(), parser: "r".into(), excerpt: Excerpt::default() };
        let parsers = BTreeMap::from([(name("s"), parsers.iter().map(used).collect())]);
        let env = vec![("A".into(), "inherited".into()), ("B".into(), "inherited".into())];
        let tell: Tell = Arc::new(move |news| hears.lock().unwrap().push(news));
        let shared = Arc::new(Shared::new(guests, env, parsers, Arc::clone(&tell)));
        let executor = Arc::new(PluginExecutor::new(fake.clone(), Arc::clone(&shared)));
        let executor = ReadingExecutor::new(executor, move |job| readers(&shared, job), tell);
        Self { fake, executor, told, out: Log::default() }
    }

    fn run(&mut self, job: &Job) -> Result<Ended, ExecError> {
        self.executor.execute(job, &mut self.out, &CancelToken::new())
    }

    fn log(&self) -> &str {
        std::str::from_utf8(&self.out.0).unwrap()
    }

    fn messages(&self) -> Vec<String> {
        let message = |item: &Annotation| format!("{}: {}", item.source, item.message);
        let said = |news: &News| match news {
            News::Annotated { items, .. } => items.iter().map(message).collect(),
            News::Remark { text, .. } | News::Aside { text } => vec![format!("remark: {text}")],
        };
        self.told.lock().unwrap().iter().flat_map(said).collect()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what an attempt came to")]
fn exit(code: i32) -> Result<Ended, ExecError> {
    Ok(Ended { exit: Exit::Code(code), leaked: Vec::new(), took: None })
}

#[test]
fn a_plugins_stage_is_told_what_it_is_about_and_its_summary_is_the_last_line_of_its_log() {
    let guests = Scripted::stage(|mut around, context| {
        let (extra, env) = (&context.extra, &around.env);
        (around.log)(&format!("{} {} {} {extra:?}", context.stage, context.attempt, context.params));
        let text = format!("{env:?}");
        (around.log)(&text);
        (around.annotate)(vec![note("found")]);
        end(Verdict::Failed, Some("1 thing\n"))
    });
    let mut bench = Bench::new(guests, &[]);
    assert_eq!(bench.run(&plugin()), exit(1));
    insta::assert_snapshot!(bench.log(), @r#"
    s 1 {"a":1} [("dir", "sub"), ("fix", "true")]
    [("B", "inherited"), ("A", "job")]
    1 thing
    "#);
    assert_eq!(bench.messages(), ["p: found"]);
    assert!(bench.fake.started().is_empty());
}

#[test]
fn what_has_nothing_to_do_is_skipped_and_a_fault_is_no_verdict() {
    let mut bench = Bench::new(Scripted::stage(|_, _| end(Verdict::Skipped, Some("no files"))), &[]);
    assert_eq!(bench.run(&plugin()), Err(ExecError::NothingToDo { why: "no files".into() }));
    let guests = Scripted::stage(|_, _| Err(Fault::new("p", FaultKind::Trapped("used up its stack".into()))));
    let message = "plugin p used up its stack".to_owned();
    assert_eq!(Bench::new(guests, &[]).run(&plugin()), Err(ExecError::Infrastructure { message }));
}

/// H157: a panic of ours while a guest runs is that stage's alone.
#[test]
fn h157_a_panic_while_a_guest_runs_is_an_error_of_its_stage() {
    let mut bench = Bench::new(Scripted::stage(|_, _| panic!("a fault of ours")), &[]);
    let Err(ExecError::Infrastructure { message }) = bench.run(&plugin()) else { panic!("it was run") };
    assert_eq!(message, "plugin p could not be called: the supervisor's log says more");
}

#[test]
fn a_guests_command_runs_where_its_stage_runs_and_prints_to_the_stages_log() {
    let guests = Scripted::stage(|mut around, _| {
        let mut commands = around.commands.take().unwrap();
        let argv = vec!["git".to_owned(), "log".to_owned()];
        let mut process = commands.start(CommandRequest { argv, ..CommandRequest::default() }).unwrap();
        let lines = process.next_lines(10).unwrap();
        let code = process.wait().unwrap().code;
        (around.log)(&format!("{} {code:?}", lines[0].text));
        end(Verdict::Passed, None)
    });
    let mut bench = Bench::new(guests, &[]);
    bench.fake.script(&name("s"), Script::exit(3).printing("a line\n").printing("no end"));
    assert_eq!(bench.run(&plugin()), exit(0));
    assert_eq!(bench.log(), "a line\nno end\na line Some(3)\n");
    assert_eq!(bench.fake.started(), [(name("s"), 1)]);
}

/// Waits for as long as it is not asked to end.
fn cancelled(around: &Around) -> Fault {
    let (wake, woken) = crossbeam_channel::bounded(1);
    let _registration = around.cancel.register(move || {
        let _ = wake.try_send(());
    });
    while around.cancel.level().is_none() {
        woken.recv().unwrap();
    }
    Fault::new("p", FaultKind::Cancelled)
}

/// A stage that is asked to end has ended: what its guest says of that is no fault.
#[test]
fn a_cancelled_guest_has_ended() {
    let guests = Scripted::stage(|around, _| Err(cancelled(&around)));
    let mut bench = Bench::new(guests, &[]);
    let token = CancelToken::new();
    std::thread::scope(|scope| {
        let attempt = scope.spawn(|| bench.executor.execute(&plugin(), &mut bench.out, &token));
        token.raise(CancelLevel::Terminate);
        let ended = attempt.join().unwrap();
        // Asked before it began, nothing was started.
        let early = Err(ExecError::Infrastructure { message: "cancelled before it could be started".into() });
        let late = Ok(Ended { exit: Exit::Signal(15), leaked: Vec::new(), took: None });
        assert!(ended == early || ended == late, "{ended:?}");
    });
}

/// A guest that computes stands still by itself; one that waits for something outside of it is answered for.
#[test]
fn a_paused_guest_stands_still() {
    for computes in [true, false] {
        let (go_on, may) = crossbeam_channel::bounded::<()>(0);
        let guests = Scripted::stage(move |around, _| {
            while may.try_recv().is_err() {
                if computes {
                    around.cancel.wait_while_held();
                }
                std::thread::yield_now();
            }
            end(Verdict::Passed, None)
        });
        let bench = Bench::new(guests, &[]);
        let (tell, told) = crossbeam_channel::unbounded();
        let token = CancelToken::answered(move |heard| drop(tell.send(heard)));
        let mut out = Log::default();
        std::thread::scope(|scope| {
            let attempt = scope.spawn(|| bench.executor.execute(&plugin(), &mut out, &token));
            token.hold(true);
            // Where the executor inside is elsewhere, that the time begins is said as well.
            let still = told.iter().find(|heard| !matches!(heard, Heard::Begun | Heard::Over));
            assert_eq!(still, Some(Heard::Still { hold: 1, restless: None }));
            token.hold(false);
            go_on.send(()).unwrap();
            assert_eq!(attempt.join().unwrap(), exit(0));
        });
    }
}

/// H163: what two parsers find is told by the order of the declaration, not of their threads, and what the stage says itself
/// comes before; so the same inputs give the same events.
#[test]
fn h163_the_same_output_gives_the_same_events() {
    let tell = |_: usize| {
        let guests = Scripted::stage(|mut around, _| {
            (around.annotate)(vec![note("own")]);
            (0..2000).for_each(|n| (around.log)(&format!("{n}: text")));
            end(Verdict::Passed, None)
        });
        let mut bench = Bench::new(guests, &["q", "p"]);
        assert_eq!(bench.run(&plugin()), exit(0));
        bench.told.lock().unwrap().clone()
    };
    let runs: Vec<Vec<News>> = (0..5).map(tell).collect();
    assert!(runs.iter().all(|run| *run == runs[0]));
    let items: Vec<&Annotation> = runs[0]
        .iter()
        .flat_map(|news| match news {
            News::Annotated { items, .. } => items.iter(),
            News::Remark { .. } | News::Aside { .. } => [].iter(),
        })
        .collect();
    assert_eq!(items.len(), 1 + 2 * 2001);
    assert_eq!((items[0].source.as_str(), items[0].message.as_str()), ("p", "own"));
    assert_eq!((items[1].source.as_str(), items[1].message.as_str()), ("q:r", "0: text"));
    assert_eq!((items[2002].source.as_str(), items[4002].message.as_str()), ("p:r", "2000 lines, Some(0)"));
}

/// H157: a parser that fails changes nothing of the stage; it is said once, and not asked again.
#[test]
fn h157_a_parser_that_fails_is_out_of_action_for_the_run() {
    let mut bench = Bench::new(Scripted::idle(), &["p", "q"]);
    for _ in 0..2 {
        bench.fake.script(&name("s"), Script::exit(1).printing("a: b\ntrap\n"));
    }
    assert_eq!(bench.run(&command()), exit(1));
    assert_eq!(bench.run(&command()), exit(1));
    assert_eq!(bench.log(), "a: b\ntrap\na: b\ntrap\n");
    let remarks: Vec<String> = bench.messages().into_iter().filter(|text| text.starts_with("remark")).collect();
    insta::assert_debug_snapshot!(remarks, @r#"
    [
        "remark: plugin p gave up; what stages print is read by it no more in this run",
        "remark: plugin q gave up; what stages print is read by it no more in this run",
    ]
    "#);
}

/// What a command of a guest left behind is told, whatever the guest says of itself, and where that is a failure it is one.
#[test]
fn what_a_guests_command_left_behind_is_not_lost() {
    let left = LeakedProcess { pid: 7, command: "sleep".into(), killed: true };
    let run = |leak: Leak, answer: fn() -> Result<StageEnd, Fault>| {
        let guests = Scripted::stage(move |mut around, _| {
            let request = CommandRequest { argv: vec!["x".into()], ..CommandRequest::default() };
            around.commands.take().unwrap().start(request).unwrap().wait().unwrap();
            answer()
        });
        let mut bench = Bench::new(guests, &[]);
        let result = Ok(Ended { exit: Exit::Code(0), leaked: vec![left.clone()], took: None });
        bench.fake.script(&name("s"), Script { result, ..Script::exit(0) });
        (bench.run(&Job { leak, ..plugin() }), bench.messages())
    };
    let ended = |code| Ok(Ended { exit: Exit::Code(code), leaked: vec![left.clone()], took: None });
    let remark = vec!["remark: plugin p: process 7 (sleep) outlived its stage; it was killed".to_owned()];
    assert_eq!(run(Leak::Fail, || end(Verdict::Passed, None)), (ended(0), Vec::new()));
    let skipped = Err(ExecError::NothingToDo { why: "nothing to do".into() });
    assert_eq!(run(Leak::Kill, || end(Verdict::Skipped, None)), (skipped, remark.clone()));
    assert_eq!(run(Leak::Fail, || end(Verdict::Skipped, None)), (ended(0), Vec::new()));
    let (faulted, said) = run(Leak::Fail, || Err(Fault::new("p", FaultKind::Trapped("gave up".into()))));
    assert!(matches!(faulted, Err(ExecError::Infrastructure { .. })), "{faulted:?}");
    assert_eq!(said, remark);
}

/// The contract has outputs, and no pipeline can use them yet: who gives some is told so where a person looks.
#[test]
fn outputs_that_nothing_takes_are_not_lost_without_a_word() {
    let guests = Scripted::stage(|_, _| {
        let outputs = ["version", "a\u{1b}b"].map(str::to_owned).to_vec();
        Ok(StageEnd { verdict: Verdict::Passed, summary: Some("built".into()), outputs })
    });
    let mut bench = Bench::new(guests, &[]);
    assert_eq!(bench.run(&plugin()), exit(0));
    insta::assert_snapshot!(bench.log(), @r"
    plugin p: its outputs `version`, `a\u{1b}b` are not kept: no stage can use them yet
    built
    ");
}

/// Whoever kills a stage does not wait for what reads its output.
#[test]
fn a_parser_is_not_waited_for_where_the_stage_is_killed() {
    let mut bench = Bench::new(Scripted::idle(), &["p"]);
    bench.fake.script(&name("s"), Script::exit(0).printing("a: b\n"));
    let token = CancelToken::new();
    token.raise(CancelLevel::Kill);
    assert_eq!(bench.executor.execute(&command(), &mut bench.out, &token), exit(0));
}

/// One that is compiled for seconds yet is not waited for by a stage that is asked to end in whatever way.
#[test]
fn a_parser_that_is_not_there_yet_is_not_waited_for_where_the_stage_is_asked_to_end() {
    let mut bench = Bench::new(Scripted::idle(), &["uncompiled"]);
    bench.fake.script(&name("s"), Script::exit(0).printing("a: b\n"));
    let token = CancelToken::new();
    token.raise(CancelLevel::Interrupt);
    let began = SystemClock.now();
    assert_eq!(bench.executor.execute(&command(), &mut bench.out, &token), exit(0));
    assert!(SystemClock.now().since(began) < Duration::from_secs(5));
}

fn broken(message: &str) -> Script {
    Script { result: Err(ExecError::Infrastructure { message: message.into() }), ..Script::exit(0) }
}

/// What it had started elsewhere is joined, one command after the other until there was none, to be ended.
#[test]
fn what_a_guest_ran_in_a_supervisor_that_is_gone_is_lost() {
    let absent = || Script { result: Err(ExecError::NotThere { message: "never".into() }), ..Script::exit(0) };
    let lost = "lost: plugin p ran it in the process that saw to the run, which is gone";
    for (scripts, more) in [
        (vec![absent()], ""),
        (vec![Script::exit(0), Script::exit(9), absent()], "; nothing that it started on fake goes on"),
        (vec![Script::exit(0), broken("no way there")], "; what it started may go on: no way there"),
    ] {
        let mut bench = Bench::new(Scripted::idle(), &[]);
        let joined = vec![(name("s"), 0); scripts.len()];
        for script in scripts {
            bench.fake.script(&name("s"), script);
        }
        let message = format!("{lost}{more}");
        assert_eq!(bench.run(&Job { resumes: Some(0), ..plugin() }), Err(ExecError::Infrastructure { message }));
        assert_eq!((bench.fake.joined(), bench.fake.started()), (joined, Vec::new()));
    }
    let mut bench = Bench::new(Scripted::idle(), &[]);
    bench.fake.script(&name("s"), Script::left());
    assert!(matches!(bench.run(&Job { resumes: Some(0), ..plugin() }), Err(ExecError::Left { .. })));
}

/// A command whose end nobody saw is nothing that a verdict on the project can be made of, whatever its guest makes of it.
#[test]
fn a_command_whose_end_nobody_saw_leaves_no_verdict() {
    let there = ExecError::NotStarted { code: 127, message: "no such program".into() };
    for (script, killed, expected) in [
        (broken("no way there"), false, broken("no way there").result),
        (Script::left(), false, Script::left().result),
        (Script::left(), true, Script::left().result),
        // What the guest ended itself, and what was never there, is for it to say.
        (Script { until_cancelled: true, ..broken("ended") }, true, exit(1)),
        (Script { result: Err(there), ..Script::exit(0) }, false, exit(1)),
    ] {
        let guests = Scripted::stage(move |mut around, _| {
            let mut commands = around.commands.take().unwrap();
            let argv = vec!["git".to_owned()];
            let mut process = commands.start(CommandRequest { argv, ..CommandRequest::default() }).unwrap();
            if killed {
                process.kill();
            }
            process.wait().unwrap_err();
            end(Verdict::Failed, None)
        });
        let mut bench = Bench::new(guests, &[]);
        bench.fake.script(&name("s"), script);
        assert_eq!(bench.run(&plugin()), expected);
    }
}

/// H160: who reads events reads each whole, so none is long.
#[test]
fn h160_what_is_found_is_told_in_events_that_are_not_long() {
    let found = |message: &str, count: usize| crate::executor::news::portions(vec![note(message); count]);
    let counts = |portions: &[Vec<Annotation>]| portions.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(counts(&found("short", 1201)), [500, 500, 201]);
    assert_eq!(counts(&found("", 0)), [0; 0]);
    let long = found(&"x".repeat(16 * 1024), 40);
    assert_eq!(counts(&long), [15, 15, 10]);
    assert!(long.iter().all(|portion| serde_json::to_string(portion).unwrap().len() <= 256 * 1024));
}
