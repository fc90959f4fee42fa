//! Code that WebAssembly was compiled to, from a file.

use std::fs::File;
use std::os::fd::AsRawFd;

use wasmtime::component::Component;
use wasmtime::{Engine, Result};

/// Loads a component that was compiled by `Engine::precompile_component`. Fails where another version of wasmtime did, or
/// for another machine, and where the file is cut short.
///
/// The caller promises that the file is its own: written by this program, in a directory that nobody else can write to, never
/// changed after it got its name, and with the content that it had then, which is to be checked by a hash that was kept. What
/// is in it runs with all that this process may do.
pub fn load_component(engine: &Engine, file: &File) -> Result<Component> {
    // The file that was checked, and not what has its name by now.
    let same = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: by this function's contract the content is what `precompile_component` made, and stays so while it is mapped.
    unsafe { Component::deserialize_file(engine, same) }
}

/// The same with bytes that this process, or a child that it trusts, has just compiled. They are copied.
pub fn load_component_bytes(engine: &Engine, bytes: &[u8]) -> Result<Component> {
    // SAFETY: by this function's contract the bytes are what `precompile_component` made.
    unsafe { Component::deserialize(engine, bytes) }
}
