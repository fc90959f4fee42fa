//! What a component is, read without running it: its roles, which version of the contract it speaks, what it imports. Its
//! imports are all that it can ever ask for.
//!
//! Whatever the bytes are, the answer is a value or the rest of a sentence, never a panic. Bodies of functions are not looked
//! at: whoever compiles them does.

use serde::{Deserialize, Serialize};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use super::info::Role;
use crate::text::plain;

/// The most that a component may have, in bytes.
pub const SIZE_MAX: usize = 64 * 1024 * 1024;
/// Where the contract's interfaces are.
const PACKAGE: &str = "local-ci:plugin/";
/// The versions of the contract that are understood: these two numbers, and any third.
const VERSION: (&str, &str) = ("0", "1");
/// The interfaces of that version that a plugin can import. A later one of 0.1 can have more.
const INTERFACES: &[&str] =
    &["types", "output", "settings", "files", "files-write", "env", "commands", "http", "clock"];

/// What a component is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// What it can be, sorted.
    pub roles: Vec<Role>,
    /// The version of the contract that it was made for, such as `0.1.0`.
    pub api: String,
    /// What it imports, sorted: the contract's interfaces by their name alone (`files`, `http`), so that another version of
    /// 0.1 is no other authority; others in full (`wasi:io/poll@0.2.6`).
    pub imports: Vec<String>,
    /// How many bytes it has.
    pub size: u64,
}

/// Reads what a component is. The error is the rest of a sentence that begins with the plugin's name.
pub fn inspect(bytes: &[u8]) -> Result<Shape, String> {
    if bytes.len() > SIZE_MAX {
        let mib = bytes.len().div_ceil(1024 * 1024);
        return Err(format!("is too large: {mib} MiB, and {} MiB are the most", SIZE_MAX / (1024 * 1024)));
    }
    if bytes.is_empty() {
        return Err("is an empty file".to_owned());
    }
    if !bytes.starts_with(b"\0asm") {
        return Err("is no WebAssembly: it does not begin as such a file does".to_owned());
    }
    let surface = Surface::read(bytes)?;
    let api = surface.api()?;
    let roles = surface.roles();
    if !surface.exports.iter().any(|export| export.interface == "about") {
        return Err("does not export `about`, which every plugin does".to_owned());
    }
    if roles.is_empty() {
        return Err("has no role: it exports neither `stage`, `parser`, `expander` nor `reporter`".to_owned());
    }
    Ok(Shape { roles, api, imports: surface.imports()?, size: bytes.len() as u64 })
}

/// An interface of the contract, as a component names it.
struct Named {
    interface: String,
    version: String,
}

impl Named {
    /// Of `local-ci:plugin/files@0.1.0`; none of another package.
    fn new(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(PACKAGE)?;
        let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
        Some(Self { interface: interface.to_owned(), version: version.to_owned() })
    }

    fn is_understood(&self) -> bool {
        let mut numbers = self.version.split('.');
        (numbers.next(), numbers.next()) == (Some(VERSION.0), Some(VERSION.1))
    }
}

/// What a component imports and exports.
#[derive(Default)]
struct Surface {
    ours: Vec<Named>,
    others: Vec<String>,
    exports: Vec<Named>,
}

impl Surface {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut validator = Validator::new_with_features(WasmFeatures::default() | WasmFeatures::CM_ASYNC);
        let mut surface = Self::default();
        // How many components and modules we are inside of.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(|error| damaged(&error))?;
            if let Payload::Version { encoding: Encoding::Module, .. } = payload
                && depth == 0
            {
                return Err(
                    "is a WebAssembly module, and a plugin is a component: build it with `local-ci plugin build`"
                        .to_owned(),
                );
            }
            validator.payload(&payload).map_err(|error| damaged(&error))?;
            match payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    for import in imports {
                        let name = import.map_err(|error| damaged(&error))?.name.name;
                        match Named::new(name) {
                            Some(named) => surface.ours.push(named),
                            None => surface.others.push(name.to_owned()),
                        }
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports {
                        let name = export.map_err(|error| damaged(&error))?.name.name;
                        surface.exports.extend(Named::new(name));
                    }
                }
                _ => {}
            }
        }
        Ok(surface)
    }

    /// Which version of the contract it speaks. More than one of 0.1 is well: the highest is named.
    fn api(&self) -> Result<String, String> {
        let mut highest: Option<(u32, &str)> = None;
        for named in self.exports.iter().chain(&self.ours) {
            if !named.is_understood() {
                let (version, ours) = (printable(&named.version), format!("{}.{}", VERSION.0, VERSION.1));
                return Err(format!("speaks version {version} of the contract, and this local-ci speaks {ours}"));
            }
            let third = named.version.split('.').nth(2).and_then(|third| third.parse().ok()).unwrap_or(0);
            if highest.is_none_or(|(before, _)| third > before) {
                highest = Some((third, &named.version));
            }
        }
        let none = "is no plugin: it neither imports nor exports anything of `local-ci:plugin`";
        highest.map(|(_, version)| version.to_owned()).ok_or_else(|| none.to_owned())
    }

    fn roles(&self) -> Vec<Role> {
        let mut roles: Vec<Role> = self.exports.iter().filter_map(|export| role(&export.interface)).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    fn imports(&self) -> Result<Vec<String>, String> {
        if let Some(unknown) = self.ours.iter().find(|ours| !INTERFACES.contains(&ours.interface.as_str())) {
            let name = printable(&unknown.interface);
            return Err(format!("needs `{name}`, which this version of local-ci does not have: update local-ci"));
        }
        if let Some(foreign) = self.others.iter().find(|other| !other.starts_with("wasi:")) {
            let name = printable(foreign);
            return Err(format!("imports `{name}`, which is nothing that plugins can have"));
        }
        // What has only types is no authority.
        let ours = self.ours.iter().map(|ours| &ours.interface).filter(|interface| *interface != "types");
        let mut imports: Vec<String> = ours.chain(&self.others).cloned().collect();
        imports.sort_unstable();
        imports.dedup();
        Ok(imports)
    }
}

fn role(interface: &str) -> Option<Role> {
    match interface {
        "stage" => Some(Role::Stage),
        "parser" => Some(Role::Parser),
        "expander" => Some(Role::Expander),
        "reporter" => Some(Role::Reporter),
        _ => None,
    }
}

fn damaged(error: &wasmparser::BinaryReaderError) -> String {
    let (why, at) = (printable(error.message()), error.offset());
    format!("is damaged, or is no component: {why} (at byte {at}); `local-ci plugin build DIR` makes one of sources")
}

/// A text of a component's, on a line and not too long.
fn printable(text: &str) -> String {
    let short: String = text.chars().take(200).collect();
    plain::printable(&short).into_owned()
}
