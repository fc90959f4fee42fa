//! A component from anywhere: it is read, compiled, linked, described and asked to do what it can, or refused in a sentence.
//!
//! What begins with a zero byte is a component as it stands. Everything else is how to make one, since few changes of a
//! whole component leave one that gets any further than the validator:
//!
//! ```text
//!  =W…          its memory is what follows; every function answers with the address of that. W picks a world
//!  P edit…      one of those below, changed: kind, two bytes of where, one of how much, and what
//! ```

use std::sync::OnceLock;
use std::time::Duration;

use local_ci::cancel::CancelToken;
use local_ci::event::Annotation;
use local_ci::pipeline::plugin::Limits;
use local_ci::plugin::component::inspect;
use local_ci::plugin::host::{Call, Compiler, Component, Host};
use local_ci::plugin::services::{
    CommandFailure, CommandRequest, Entry, FileFailure, HttpFailure, HttpRequest, HttpResponse, Level, Printed,
    Process, Services,
};
use local_ci::plugin::{Context, Fault, FaultKind, Notification, Role, schema};
use local_ci::text::plain::printable;
use wasmparser::{Operator, Parser, Payload};

use super::forge::{Forge, import};

/// What takes longer to compile shows nothing that less does not.
const SIZE_MAX: usize = 64 * 1024;
/// The guest's own time for a call, and its memory.
const LIMITS: Limits = Limits { memory: Some(4 << 20), time: Some(Duration::from_millis(20)) };
const WORLDS: [&str; 5] = ["full-plugin", "stage-plugin", "parser-plugin", "expander-plugin", "reporter-plugin"];

pub(crate) fn run(data: &[u8]) {
    let bytes = match data {
        [0, ..] | [] => data.to_vec(),
        [b'=', world, memory @ ..] => answering(WORLDS[usize::from(*world) % WORLDS.len()], memory),
        [which, edits @ ..] => {
            let samples = samples();
            let mut bytes = samples[usize::from(*which) % samples.len()].clone();
            change(&mut bytes, edits);
            bytes
        }
    };
    // Reading it costs little, whatever its length.
    let shape = inspect(&bytes);
    if bytes.len() > SIZE_MAX {
        return;
    }
    match (shape, Host::new(None, Compiler::Here).load("sample", &bytes)) {
        (Ok(shape), Ok(component)) => {
            assert_eq!(*component.shape(), shape);
            ask(&component, has_loop(&bytes));
        }
        (Ok(_), Err(fault)) => {
            sentence(&fault);
            assert!(!matches!(fault.kind, FaultKind::Malformed(_)), "{fault}");
        }
        (Err(why), Err(fault)) => {
            sentence(&fault);
            assert_eq!(fault.kind, FaultKind::Malformed(why));
        }
        (Err(why), Ok(_)) => panic!("loaded what {why}"),
    }
}

/// Asks a component for all that it can do. What it is has no limit below ten seconds, so nobody asks one that could take
/// them.
fn ask(component: &Component, has_loop: bool) {
    if !has_loop {
        match component.describe() {
            Ok(info) => {
                let _ = info.needs();
                let abilities = info.abilities(component.roles());
                let kinds = abilities.stages.iter().chain(&abilities.expanders);
                for params in kinds.filter_map(|kind| kind.params.as_ref()).chain(&abilities.config) {
                    let _ = schema::misfits(params, "{\"x\": [1, \"y\"]}");
                }
            }
            Err(fault) => sentence(&fault),
        }
    }
    let call = || Call { services: Box::new(Denying), limits: Some(LIMITS), cancel: CancelToken::new() };
    let context = Context { stage: "lint".to_owned(), attempt: 1, params: "{}".to_owned(), ..Context::default() };
    for role in component.roles() {
        let asked = match role {
            Role::Stage => component.run_stage(call(), "sample", &context).map(drop),
            Role::Expander => component.expand(call(), "sample", &context).map(drop),
            Role::Parser => component.parser(call(), "sample", &context).and_then(|mut parser| {
                let lines = [Printed { is_err: false, text: "a line" }];
                parser.feed(&lines).and_then(|_| parser.finish(Some(1))).map(drop)
            }),
            Role::Reporter => component.reporter(call()).and_then(|mut reporter| {
                let (kind, data) = ("run_started".to_owned(), "{}".to_owned());
                reporter.notify(&[Notification { seq: 1, at_ms: 2, kind, stage: None, data }])
            }),
        };
        if let Err(fault) = asked {
            sentence(&fault);
        }
    }
}

/// Whatever a plugin does, what is said of it is one harmless line with its name.
fn sentence(fault: &Fault) {
    let said = fault.to_string();
    assert!(said.starts_with("plugin sample ") && said == printable(&said), "{said:?}");
}

/// Components to begin with.
fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let of = |world| Forge { world, ..Forge::default() };
        let for_ever = "(loop $for-ever (br $for-ever)) unreachable".to_owned();
        let mut finding = of("parser-plugin");
        let annotation = finding.annotation("too long", "src/a.rs", 3);
        finding.feed = format!("(i32.const {})", finding.annotations(&[annotation]));
        let mut making = of("expander-plugin");
        making.expand = format!("(i32.const {})", making.specs(&[("a", "{\"run\": \"x\"}"), ("b", "{")]));
        let mut failing = of("stage-plugin");
        failing.run = format!("(i32.const {})", failing.problem("E1", "it is broken"));
        let mut logging = of("stage-plugin");
        let [text, len] = logging.text("a line of its own");
        logging.imports = import("output", "log", "log", "(param i32 i32 i32)");
        logging.run = format!("(call $log (i32.const 2) (i32.const {text}) (i32.const {len})) {}", logging.run);
        let reading =
            Forge { imports: import("files", "read", "read", "(param i32 i32 i64 i64 i32)"), ..of("stage-plugin") };
        let mut growing = of("stage-plugin");
        growing.run = format!("(drop (memory.grow (i32.const 900))) {}", growing.run);
        let forges = [
            Forge::default(),
            of("reporter-plugin"),
            finding,
            making,
            failing,
            logging,
            reading,
            growing,
            Forge { run: for_ever.clone(), ..of("stage-plugin") },
            Forge { start: for_ever, ..of("reporter-plugin") },
            Forge { start: "unreachable".to_owned(), ..of("stage-plugin") },
        ];
        forges.iter().map(Forge::build).collect()
    })
}

/// A component that has this in its memory, and answers with it.
fn answering(world: &'static str, memory: &[u8]) -> Vec<u8> {
    let mut forge = Forge { world, data: Vec::new(), ..Forge::default() };
    let at = format!("(i32.const {})", forge.bytes(&memory[..memory.len().min(4096)]));
    forge.describe = Some(at.clone());
    for body in [&mut forge.run, &mut forge.feed, &mut forge.finish, &mut forge.expand, &mut forge.notify] {
        at.clone_into(body);
    }
    forge.build()
}

/// Changes bytes as edits say.
fn change(bytes: &mut Vec<u8>, mut edits: &[u8]) {
    while let [kind, high, low, length, rest @ ..] = edits {
        let at = usize::from(u16::from_be_bytes([*high, *low])).min(bytes.len());
        let length = usize::from(*length);
        let (what, rest) = rest.split_at(if kind % 4 < 2 { rest.len().min(length % 32) } else { 0 });
        let end = (at + length).min(bytes.len());
        match kind % 4 {
            0 => {
                let end = (at + what.len()).min(bytes.len());
                bytes.splice(at..end, what.iter().copied());
            }
            1 => drop(bytes.splice(at..at, what.iter().copied())),
            2 => drop(bytes.drain(at..end)),
            _ => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
        edits = rest;
    }
}

/// Whether anything in a component could go on without end, but for calls of calls: the stack ends those.
fn has_loop(bytes: &[u8]) -> bool {
    Parser::new(0).parse_all(bytes).any(|payload| match payload {
        Ok(Payload::CodeSectionEntry(body)) => body
            .get_operators_reader()
            .is_ok_and(|operators| operators.into_iter().any(|operator| matches!(operator, Ok(Operator::Loop { .. })))),
        _ => false,
    })
}

/// Services of who is granted next to nothing.
struct Denying;

impl Services for Denying {
    fn hears(&self, _: Level) -> bool {
        true
    }

    fn log(&mut self, _: Level, _: &str) {}

    fn annotate(&mut self, _: Vec<Annotation>) {}

    fn progress(&mut self, _: u64, _: Option<u64>, _: Option<&str>) {}

    fn settings(&self) -> String {
        "{}".to_owned()
    }

    fn read(&mut self, _: &str, _: u64, len: u64) -> Result<Vec<u8>, FileFailure> {
        Ok(vec![b'x'; usize::try_from(len.min(100)).unwrap_or(0)])
    }

    fn glob(&mut self, _: &str, _: u32) -> Result<Vec<Entry>, FileFailure> {
        Ok(vec![Entry { path: "a".to_owned(), size: 1, dir: false }])
    }

    fn write(&mut self, _: &str, _: &[u8]) -> Result<(), FileFailure> {
        Err(FileFailure::Missing)
    }

    fn env(&mut self, _: &str) -> Option<String> {
        None
    }

    fn spawn(&mut self, _: CommandRequest) -> Result<Box<dyn Process>, CommandFailure> {
        Err(CommandFailure::Denied("not granted".to_owned()))
    }

    fn send(&mut self, _: HttpRequest) -> Result<HttpResponse, HttpFailure> {
        Err(HttpFailure::Timeout)
    }

    fn now_ms(&mut self) -> Result<u64, String> {
        Err("asked for the time, and `clock` is not granted".to_owned())
    }
}
