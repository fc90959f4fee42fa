//! What a plugin says of itself. Each part is a value with public fields, and with functions to write it down in one go.

use serde_json::Value;

use crate::example::Example;

/// What a plugin says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Info {
    /// What it calls itself: lower-case letters, digits and hyphens.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is for, in a line.
    pub summary: String,
    /// Its stage kinds. One of the plugin's own name is what `uses = "NAME"` means.
    pub stages: Vec<Kind>,
    /// Its parsers.
    pub parsers: Vec<Kind>,
    /// Its expanders.
    pub expanders: Vec<Kind>,
    /// The kinds of events that its reporter wants; empty: all.
    pub events: Vec<String>,
    /// A JSON schema of `[plugins.NAME] config`; none: it takes whatever is given.
    pub config: Option<Value>,
    /// What it asks for. What is not asked for here is never granted.
    pub needs: Vec<Need>,
    /// What `local-ci plugin test` runs.
    pub examples: Vec<Example>,
}

impl Info {
    /// A plugin without abilities. `env!("CARGO_PKG_NAME")` and `env!("CARGO_PKG_VERSION")` are good for the first two.
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self { name: name.to_owned(), version: version.to_owned(), summary: summary.to_owned(), ..Self::default() }
    }

    /// With a stage kind.
    pub fn stage(mut self, kind: Kind) -> Self {
        self.stages.push(kind);
        self
    }

    /// With a parser.
    pub fn parser(mut self, kind: Kind) -> Self {
        self.parsers.push(kind);
        self
    }

    /// With an expander.
    pub fn expander(mut self, kind: Kind) -> Self {
        self.expanders.push(kind);
        self
    }

    /// Its reporter wants events of these kinds alone.
    pub fn events(mut self, kinds: &[&str]) -> Self {
        self.events.extend(kinds.iter().map(|&kind| kind.to_owned()));
        self
    }

    /// With a JSON schema of its settings.
    pub fn config(mut self, schema: Value) -> Self {
        self.config = Some(schema);
        self
    }

    /// With something that it asks for.
    pub fn need(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }

    /// With an example of its use.
    pub fn example(mut self, example: Example) -> Self {
        self.examples.push(example);
        self
    }
}

/// Something that a plugin offers under a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kind {
    /// The name.
    pub name: String,
    /// What it is, in a line.
    pub summary: String,
    /// A JSON schema of its `with`. It is checked where the pipeline is read, and faults are shown in the file. None:
    /// whatever is given is passed on.
    pub params: Option<Value>,
    /// Whether it mends what it finds, if it is asked to; for stages alone.
    pub fixes: bool,
    /// For parsers: see [`Kind::lines`].
    pub lines: Vec<String>,
    /// For parsers: see [`Kind::lines_from`].
    pub lines_from: Vec<String>,
}

impl Kind {
    /// A name, and what it stands for.
    pub fn new(name: &str, summary: &str) -> Self {
        Self { name: name.to_owned(), summary: summary.to_owned(), ..Self::default() }
    }

    /// With a JSON schema of its `with`.
    pub fn params(mut self, schema: Value) -> Self {
        self.params = Some(schema);
        self
    }

    /// It mends what it finds, if it is asked to: see [`Context::fix`](crate::Context::fix).
    pub fn fixes(mut self) -> Self {
        self.fixes = true;
        self
    }

    /// The parser is given those lines alone that have one of these texts in them, at any place. The host looks for them far
    /// faster than a plugin can: with this a parser costs next to nothing where there is nothing to find.
    ///
    /// Name what each line that you look at has to have; a line too many does no harm. Where several lines belong together, only
    /// the first can be known by its text: that is what [`Self::lines_from`] is for. What is found has to be the same as with
    /// all lines, which is what a host gives that knows nothing of this: see
    /// [`Host::unabridged`](crate::mock::Host::unabridged).
    pub fn lines(mut self, texts: &[&str]) -> Self {
        self.lines.extend(texts.iter().map(|&text| text.to_owned()));
        self
    }

    /// The parser is given all lines from the first on that has one of these texts in it. Before that, those that
    /// [`Self::lines`] names.
    pub fn lines_from(mut self, texts: &[&str]) -> Self {
        self.lines_from.extend(texts.iter().map(|&text| text.to_owned()));
        self
    }

    /// Whether a line is one that the parser is given. `is_open` says whether all are by now, and is set where they are.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn wants(&self, line: &str, is_open: &mut bool) -> bool {
        let has = |texts: &[String]| texts.iter().any(|text| line.contains(text));
        *is_open = *is_open || has(&self.lines_from) || (self.lines.is_empty() && self.lines_from.is_empty());
        *is_open || has(&self.lines)
    }
}

/// Something that a plugin asks for. Who adds the plugin reads the reason and decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The grant's key, such as `files-read`.
    pub kind: String,
    /// What of it, as it would stand in `grants`.
    pub value: String,
    /// What for, in a sentence.
    pub reason: String,
}

impl Need {
    fn new(kind: &str, value: &str, reason: &str) -> Self {
        Self { kind: kind.to_owned(), value: value.to_owned(), reason: reason.to_owned() }
    }

    /// To read the files that match a glob.
    pub fn files_read(glob: &str, reason: &str) -> Self {
        Self::new("files-read", glob, reason)
    }

    /// To write the files that match a glob.
    pub fn files_write(glob: &str, reason: &str) -> Self {
        Self::new("files-write", glob, reason)
    }

    /// To read an environment variable.
    pub fn env(name: &str, reason: &str) -> Self {
        Self::new("env", name, reason)
    }

    /// To run a command, in words; `*` stands for any one word, and `**` at the end for any number.
    pub fn command(pattern: &str, reason: &str) -> Self {
        Self::new("commands", pattern, reason)
    }

    /// To speak to a host, `host` or `host:port`; `*` where only who uses the plugin knows which: the grants then name them.
    pub fn http(host: &str, reason: &str) -> Self {
        Self::new("http", host, reason)
    }

    /// To send the value of an environment variable, without seeing it; `*` as for hosts.
    pub fn secret(name: &str, reason: &str) -> Self {
        Self::new("secrets", name, reason)
    }

    /// To know the time.
    pub fn clock(reason: &str) -> Self {
        Self::new("clock", "true", reason)
    }
}
