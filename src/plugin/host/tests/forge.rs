//! Components made in the test: core modules in text, written to the canonical ABI of `wit/plugin.wit`, made components by
//! wit-component. No compiler to WebAssembly is needed.

use std::fmt::Write;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract as it is now.
pub(crate) const CONTRACT: &str = include_str!("../../../../wit/plugin.wit");

/// Where data begins in the module's memory; below it, calls of the host write their results.
const DATA: u32 = 1024;

/// The eleven parameters that a name and a context are.
const NAME_AND_CONTEXT: &str = "(param $name i32) (param $name-len i32)
    (param $run i32) (param $run-len i32) (param $stage i32) (param $stage-len i32) (param $attempt i32)
    (param $params i32) (param $params-len i32) (param $extra i32) (param $extra-len i32)";

/// What a component is made of. Bodies are WebAssembly in text, and give what the canonical ABI says: the address of a result.
#[derive(Clone, Debug)]
pub(crate) struct Forge {
    pub(crate) world: &'static str,
    pub(crate) contract: String,
    /// Which version it says that it was made for.
    pub(crate) version: &'static str,
    pub(crate) imports: String,
    /// Functions and globals of its own.
    pub(crate) more: String,
    pub(crate) describe: Option<String>,
    pub(crate) run: String,
    pub(crate) session: String,
    pub(crate) feed: String,
    pub(crate) finish: String,
    pub(crate) expand: String,
    pub(crate) notify: String,
    pub(crate) start: String,
    /// Pages of 64 KiB that the memory has at first.
    pub(crate) pages: u32,
    /// What the memory holds from [`DATA`] on: see [`Self::bytes`].
    pub(crate) data: Vec<u8>,
}

/// The parts of [`Forge::info`].
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// The name and the schema of its stage kinds.
    pub(crate) stages: Vec<(&'static str, Option<&'static str>)>,
    /// The names of its parsers.
    pub(crate) parsers: Vec<&'static str>,
    /// The names of its expanders.
    pub(crate) expanders: Vec<&'static str>,
    pub(crate) config: Option<&'static str>,
    pub(crate) needs: Vec<(&'static str, &'static str)>,
    pub(crate) examples: &'static str,
}

impl Default for About {
    fn default() -> Self {
        Self {
            name: "sample",
            version: "1.2.3",
            stages: vec![("sample", None)],
            parsers: Vec::new(),
            expanders: Vec::new(),
            config: None,
            needs: Vec::new(),
            examples: "[]",
        }
    }
}

impl Default for Forge {
    /// A plugin with all roles that passes every stage, finds nothing, makes nothing and is content with every event.
    fn default() -> Self {
        let mut forge = Self {
            world: "full-plugin",
            contract: CONTRACT.to_owned(),
            version: "0.1.0",
            imports: String::new(),
            more: String::new(),
            describe: None,
            run: String::new(),
            session: "(call $new-session (i32.const 7))".to_owned(),
            feed: String::new(),
            finish: String::new(),
            expand: String::new(),
            notify: String::new(),
            start: String::new(),
            pages: 2,
            data: Vec::new(),
        };
        let nothing = forge.words(&[0; 16]);
        let nothing = format!("(i32.const {nothing})");
        for body in [&mut forge.run, &mut forge.feed, &mut forge.finish, &mut forge.expand, &mut forge.notify] {
            nothing.clone_into(body);
        }
        forge
    }
}

impl Forge {
    /// Puts bytes into the module's memory, on an address divisible by eight.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> u32 {
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        let at = DATA + u32::try_from(self.data.len()).unwrap();
        self.data.extend_from_slice(bytes);
        at
    }

    /// Puts words into the module's memory.
    pub(crate) fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.bytes(&bytes)
    }

    /// Puts a text into the module's memory: its address and length.
    pub(crate) fn text(&mut self, text: &str) -> [u32; 2] {
        [self.bytes(text.as_bytes()), u32::try_from(text.len()).unwrap()]
    }

    fn option(&mut self, text: Option<&str>) -> [u32; 3] {
        match text {
            Some(text) => {
                let [at, len] = self.text(text);
                [1, at, len]
            }
            None => [0; 3],
        }
    }

    /// A `result<outcome, problem>` that is an outcome. Verdicts: 0 passed, 1 failed, 2 skipped.
    pub(crate) fn outcome(&mut self, verdict: u32, summary: Option<&str>) -> u32 {
        self.outcome_with(verdict, summary, &[])
    }

    /// The same with outputs.
    pub(crate) fn outcome_with(&mut self, verdict: u32, summary: Option<&str>, outputs: &[(&str, &str)]) -> u32 {
        let [some, at, len] = self.option(summary);
        let words: Vec<u32> =
            outputs.iter().flat_map(|(key, value)| [self.text(key), self.text(value)].concat()).collect();
        let (count, outputs) = (u32::try_from(outputs.len()).unwrap(), self.words(&words));
        self.words(&[0, verdict, some, at, len, outputs, count, 0, 0])
    }

    /// A result of any kind that is a problem.
    pub(crate) fn problem(&mut self, code: &str, message: &str) -> u32 {
        let ([code, code_len], [message, message_len]) = (self.text(code), self.text(message));
        self.words(&[1, code, code_len, message, message_len, 0, 0, 0])
    }

    /// An annotation, as its 22 words: a warning with this message, at this line of this file.
    pub(crate) fn annotation(&mut self, message: &str, path: &str, line: u32) -> [u32; 22] {
        let ([message, len], [path, path_len]) = (self.text(message), self.text(path));
        let mut words = [0; 22];
        words[0] = 1;
        words[1..3].copy_from_slice(&[message, len]);
        words[9..14].copy_from_slice(&[1, path, path_len, 1, line]);
        words
    }

    /// A `result<list<annotation>, problem>` of these annotations.
    pub(crate) fn annotations(&mut self, items: &[[u32; 22]]) -> u32 {
        let at = self.words(&items.concat());
        self.words(&[0, at, u32::try_from(items.len()).unwrap()])
    }

    /// A `result<list<stage-spec>, problem>` of these names and bodies.
    pub(crate) fn specs(&mut self, specs: &[(&str, &str)]) -> u32 {
        let mut words = Vec::new();
        for (name, body) in specs {
            words.extend(self.text(name));
            words.extend(self.text(body));
            words.extend([0, 0]);
        }
        let at = self.words(&words);
        self.words(&[0, at, u32::try_from(specs.len()).unwrap()])
    }

    /// What `describe` answers.
    pub(crate) fn info(&mut self, about: &About) -> u32 {
        let mut kinds = Vec::new();
        for (name, params) in &about.stages {
            kinds.extend(self.text(name));
            kinds.extend(self.text("does it"));
            kinds.extend(self.option(*params));
            kinds.extend([0, 0, 0]);
        }
        let mut parsers = Vec::new();
        for name in &about.parsers {
            parsers.extend(self.text(name));
            parsers.extend(self.text("reads it"));
            parsers.extend([0; 6]);
        }
        let mut expanders = Vec::new();
        for name in &about.expanders {
            expanders.extend(self.text(name));
            expanders.extend(self.text("makes it"));
            expanders.extend([0; 6]);
        }
        let mut needs = Vec::new();
        for (kind, value) in &about.needs {
            needs.extend(self.text(kind));
            needs.extend(self.text(value));
            needs.extend(self.text("because"));
        }
        let (kinds, parsers, needs) = (self.words(&kinds), self.words(&parsers), self.words(&needs));
        let expanders = self.words(&expanders);
        let mut words = Vec::new();
        words.extend(self.text(about.name));
        words.extend(self.text(about.version));
        words.extend(self.text("a sample"));
        words.extend([kinds, u32::try_from(about.stages.len()).unwrap()]);
        words.extend([parsers, u32::try_from(about.parsers.len()).unwrap()]);
        words.extend([expanders, u32::try_from(about.expanders.len()).unwrap(), 0, 0]);
        words.extend(self.option(about.config));
        words.extend([needs, u32::try_from(about.needs.len()).unwrap()]);
        words.extend(self.text(about.examples));
        words.extend([0, 0]);
        self.words(&words)
    }

    /// The module in text.
    fn module(&self) -> String {
        let mut forge = self.clone();
        let describe = match &self.describe {
            Some(describe) => describe.clone(),
            None => format!("(i32.const {})", forge.info(&About::default())),
        };
        let data = forge.data.iter().fold(String::new(), |mut text, byte| {
            write!(text, "\\{byte:02x}").unwrap();
            text
        });
        let heap = (DATA as usize + forge.data.len()).next_multiple_of(16);
        let Self { imports, more, run, session, feed, finish, expand, notify, start, version, world, .. } = self;
        let package = |interface: &str| format!("local-ci:plugin/{interface}@{version}");
        let has = |role: &str| *world == "full-plugin" || *world == format!("{role}-plugin");
        let mut text = format!("(module {imports}\n");
        if has("parser") {
            let module = format!("[export]{}", package("parser"));
            writeln!(
                text,
                r#"(import "{module}" "[resource-new]session" (func $new-session (param i32) (result i32)))"#
            )
            .unwrap();
        }
        write!(
            text,
            r#"(memory (export "memory") {pages})
            (data (i32.const {DATA}) "{data}")
            (global $heap (mut i32) (i32.const {heap}))
            (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
              (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
              (global.set $heap (i32.add (local.get $at) (local.get 3)))
              (block $fits
                (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
                (drop (memory.grow
                  (i32.add (i32.div_u (local.get 3) (i32.const 65536)) (i32.const 1)))))
              (local.get $at))
            {more}
            (func (export "{about}#describe") (result i32) {describe})
            "#,
            pages = self.pages,
            about = package("about"),
        )
        .unwrap();
        let mut role = |role: &str, functions: &[(&str, &str, &str)]| {
            for (name, parameters, body) in functions.iter().filter(|_| has(role)) {
                let interface = package(role);
                writeln!(text, r#"(func (export "{interface}#{name}") {parameters} (result i32) {body})"#).unwrap();
            }
        };
        role("stage", &[("run", NAME_AND_CONTEXT, run)]);
        role("expander", &[("expand", NAME_AND_CONTEXT, expand)]);
        role("reporter", &[("notify", "(param $events i32) (param $count i32)", notify)]);
        let lines = "(param $session i32) (param $lines i32) (param $count i32)";
        let exit = "(param $session i32) (param $has-code i32) (param $code i32)";
        role(
            "parser",
            &[
                ("[constructor]session", NAME_AND_CONTEXT, session),
                ("[method]session.feed", lines, feed),
                ("[method]session.finish", exit, finish),
            ],
        );
        if !start.is_empty() {
            write!(text, "(func $start {start}) (start $start)").unwrap();
        }
        text.push(')');
        text
    }

    /// The component.
    pub(crate) fn build(&self) -> Vec<u8> {
        component(&self.module(), &self.contract.replace("@0.1.0", &format!("@{}", self.version)), self.world)
    }
}

/// Makes a component of a module in text, which has the shape of a world of this contract.
pub(crate) fn component(module: &str, contract: &str, world: &str) -> Vec<u8> {
    let mut bytes = wat::parse_str(module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", contract).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&bytes).unwrap().validate(true).encode().unwrap()
}

/// An import of the contract's, to be called as `$name`.
pub(crate) fn import(interface: &str, function: &str, name: &str, signature: &str) -> String {
    format!(r#"(import "local-ci:plugin/{interface}@0.1.0" "{function}" (func ${name} {signature}))"#)
}
