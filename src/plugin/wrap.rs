//! Making a component of a module: what a compiler that knows nothing of components has made, with the world that it was
//! written to put around it. Of the world's imports only those functions that the module calls are in the component.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Makes a component of a module that was written to a world in a directory of WIT. The error is the rest of a sentence that
/// begins with the plugin.
pub fn wrap(module: &[u8], wit: &Path, world: &str) -> Result<Vec<u8>, String> {
    let shown = wit.display();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).map_err(|error| format!("cannot be built to {shown}: {error:#}"))?;
    let world = resolve
        .select_world(&[package], Some(world))
        .map_err(|error| format!("cannot be built to {shown}: {error:#}"))?;
    let mut module = module.to_vec();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .and_then(|()| ComponentEncoder::default().validate(true).module(&module)?.encode())
        .map_err(|error| format!("does not do what {shown} says: {error:#}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::plugin::component::inspect;
    use crate::plugin::info::Role;

    /// A module that exports what a stage must, and calls one function of the host. Nobody runs it.
    const MODULE: &str = r#"(module
        (import "local-ci:plugin/clock@0.1.0" "now-ms" (func (result i64)))
        (memory (export "memory") 1)
        (func (export "local-ci:plugin/about@0.1.0#describe") (result i32) unreachable)
        (func (export "local-ci:plugin/stage@0.1.0#run")
            (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable))"#;

    /// The contract with a world in a directory of their own.
    fn wit(world: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("plugin.wit"), include_str!("../../wit/plugin.wit")).unwrap();
        fs::write(dir.path().join("world.wit"), world).unwrap();
        dir
    }

    #[test]
    fn a_component_asks_for_no_more_than_its_module_calls() {
        let dir = wit("world plugin { include host-side; export about; export stage; }");
        let component = wrap(&wat::parse_str(MODULE).unwrap(), dir.path(), "plugin").unwrap();
        let shape = inspect(&component).unwrap();
        assert_eq!((shape.roles, shape.imports), (vec![Role::Stage], vec!["clock".to_owned()]));
    }

    #[test]
    fn what_does_not_fit_its_world_is_named() {
        let module = wat::parse_str(MODULE).unwrap();
        let said = |world: &str| wrap(&module, wit(world).path(), "plugin").unwrap_err();
        let missing = said("world plugin { include host-side; export about; export stage; export reporter; }");
        assert!(missing.contains("does not do what") && missing.contains("reporter"), "{missing}");
        let unasked = said("world plugin { export about; export stage; }");
        assert!(unasked.contains("does not do what") && unasked.contains("clock"), "{unasked}");
        let torn = said("world plugin { export ");
        assert!(torn.contains("cannot be built to") && torn.contains("expected an identifier"), "{torn}");
        let other = said("world other { export about; export stage; }");
        assert!(other.contains("cannot be built to"), "{other}");
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let dir = wit("world plugin { export about; export stage; }");
        assert!(wrap(b"no module", dir.path(), "plugin").is_err());
        assert!(wrap(b"", dir.path(), "plugin").is_err());
    }
}
