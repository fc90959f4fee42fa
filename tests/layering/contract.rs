//! What was released of the contract with plugins stays as it is: components that were built on it are out there.
//!
//! `wit/released/VERSION.txt` has the shape of each released version, a line for each thing: comments may change, and nothing
//! else. The next version of the same minor version has all of the earlier ones' lines, and may have more.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use wit_parser::{
    Function, Handle, InterfaceId, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner, WorldItem, WorldKey,
};

/// A version of the contract, and what it has, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) version: String,
    pub(crate) lines: Vec<String>,
}

impl Shape {
    /// The shape of a package in WIT.
    pub(crate) fn of(wit: &str) -> Result<Self, String> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("plugin.wit", wit).map_err(|error| format!("{error:?}"))?;
        let package = &resolve.packages[package];
        let mut lines = Vec::new();
        for (name, &interface) in &package.interfaces {
            let types = resolve.interfaces[interface].types.iter();
            lines.extend(types.map(|(of, &id)| format!("{name}: {of} = {}", definition(&resolve, &resolve.types[id]))));
            let functions = resolve.interfaces[interface].functions.iter();
            lines.extend(functions.map(|(of, function)| format!("{name}: {of}{}", signature(&resolve, function))));
        }
        for (name, &world) in &package.worlds {
            let world = &resolve.worlds[world];
            let items = world.imports.iter().map(|item| ("import", item));
            let items = items.chain(world.exports.iter().map(|item| ("export", item)));
            lines.extend(items.map(|(way, (key, item))| format!("{name}: {way} {}", world_item(&resolve, key, item))));
        }
        lines.sort();
        let version = package.name.version.as_ref().map(ToString::to_string).unwrap_or_default();
        Ok(Self { version, lines })
    }

    /// As it stands in its file.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }
}

/// The shapes that were released.
pub(crate) fn released() -> Vec<Shape> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit/released");
    let mut shapes = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let version = entry.file_name().into_string().unwrap().trim_end_matches(".txt").to_owned();
        let text = fs::read_to_string(entry.path()).unwrap();
        shapes.push(Shape { version, lines: text.lines().map(str::to_owned).collect() });
    }
    shapes
}

/// `0.1` of `0.1.3`, and `2` of `2.4.0`: who was built for one version of these can be run by another.
fn line_of(version: &str) -> Vec<&str> {
    let parts: Vec<_> = version.split('.').collect();
    if parts[0] == "0" { parts[..2].to_vec() } else { parts[..1].to_vec() }
}

/// What is no longer as it was released, as sentences.
pub(crate) fn faults(now: &Shape, released: &[Shape]) -> Vec<String> {
    let mut faults = Vec::new();
    let (version, line) = (&now.version, line_of(&now.version));
    for then in released.iter().filter(|then| line_of(&then.version) == line) {
        let gone = then.lines.iter().filter(|line| !now.lines.contains(line));
        faults.extend(
            gone.map(|line| format!("{version} has no longer what {} was released with: {line}", then.version)),
        );
    }
    match released.iter().find(|then| then.version == *version) {
        None => faults.push(format!("wit/released/{version}.txt is missing; it would be\n{}", now.text())),
        Some(then) => {
            let new = now.lines.iter().filter(|line| !then.lines.contains(line));
            faults.extend(
                new.map(|line| format!("{version} was released without this, which wants a new version: {line}")),
            );
        }
    }
    faults
}

fn interface(resolve: &Resolve, id: InterfaceId) -> String {
    resolve.interfaces[id].name.clone().unwrap_or_else(|| "?".to_owned())
}

fn named(resolve: &Resolve, id: TypeId) -> String {
    let def = &resolve.types[id];
    match (&def.name, def.owner) {
        (Some(name), TypeOwner::Interface(owner)) => format!("{}.{name}", interface(resolve, owner)),
        (Some(name), _) => name.clone(),
        (None, _) => definition(resolve, def),
    }
}

fn spelled(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Id(id) => named(resolve, *id),
        plain => format!("{plain:?}").to_lowercase(),
    }
}

fn maybe(resolve: &Resolve, ty: Option<&Type>) -> String {
    ty.map_or_else(|| "_".to_owned(), |ty| spelled(resolve, ty))
}

fn definition(resolve: &Resolve, def: &TypeDef) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match &def.kind {
        TypeDefKind::Record(record) => {
            let field = |field: &wit_parser::Field| format!("{}: {}", field.name, spelled(resolve, &field.ty));
            format!("record {{ {} }}", list(record.fields.iter().map(field).collect()))
        }
        TypeDefKind::Variant(variant) => {
            let case = |case: &wit_parser::Case| format!("{}({})", case.name, maybe(resolve, case.ty.as_ref()));
            format!("variant {{ {} }}", list(variant.cases.iter().map(case).collect()))
        }
        TypeDefKind::Enum(of) => {
            format!("enum {{ {} }}", list(of.cases.iter().map(|case| case.name.clone()).collect()))
        }
        TypeDefKind::Flags(of) => {
            format!("flags {{ {} }}", list(of.flags.iter().map(|flag| flag.name.clone()).collect()))
        }
        TypeDefKind::Resource => "resource".to_owned(),
        TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", named(resolve, *id)),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", named(resolve, *id)),
        TypeDefKind::Tuple(tuple) => {
            format!("tuple<{}>", list(tuple.types.iter().map(|ty| spelled(resolve, ty)).collect()))
        }
        TypeDefKind::Option(ty) => format!("option<{}>", spelled(resolve, ty)),
        TypeDefKind::Result(of) => {
            format!("result<{}, {}>", maybe(resolve, of.ok.as_ref()), maybe(resolve, of.err.as_ref()))
        }
        TypeDefKind::List(ty) => format!("list<{}>", spelled(resolve, ty)),
        TypeDefKind::Type(ty) => spelled(resolve, ty),
        other => panic!("say how a {} is written here before it is used", other.as_str()),
    }
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let param = |param: &wit_parser::Param| format!("{}: {}", param.name, spelled(resolve, &param.ty));
    let params: Vec<_> = function.params.iter().map(param).collect();
    let mut text = format!("({})", params.join(", "));
    if let Some(result) = &function.result {
        write!(text, " -> {}", spelled(resolve, result)).unwrap();
    }
    text
}

fn world_item(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> String {
    match (key, item) {
        (WorldKey::Interface(id), _) | (_, WorldItem::Interface { id, .. }) => interface(resolve, *id),
        (WorldKey::Name(name), WorldItem::Function(function)) => format!("{name}{}", signature(resolve, function)),
        (WorldKey::Name(name), WorldItem::Type { id, .. }) => {
            format!("{name} = {}", definition(resolve, &resolve.types[*id]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "
        package a:b@0.1.0;
        interface i { record r { x: u32 } f: func(r: r) -> option<string>; }
        world w { import i; }";

    fn shape(wit: &str) -> Shape {
        Shape::of(wit).unwrap()
    }

    /// What changes when this text of the first version becomes that.
    fn change(from: &str, to: &str) -> Vec<String> {
        assert!(FIRST.contains(from));
        faults(&shape(&FIRST.replace(from, to)), &[shape(FIRST)])
    }

    #[test]
    fn a_comment_is_no_change() {
        assert_eq!(change("interface i {", "/// Of i.\ninterface i {\n/// Of r.\n"), Vec::<String>::new());
    }

    #[test]
    fn a_field_that_is_added_or_renamed_is_a_change() {
        for to in ["{ x: u32, y: u32 }", "{ y: u32 }", "{ x: s32 }"] {
            let found = change("{ x: u32 }", to);
            assert_eq!(found[0], "0.1.0 has no longer what 0.1.0 was released with: i: r = record { x: u32 }", "{to}");
        }
    }

    #[test]
    fn a_function_that_changes_or_goes_is_a_change() {
        let was = "i: f(r: i.r) -> option<string>";
        for to in ["", "f: func(r: r) -> string;", "f: func(r: r, s: bool) -> option<string>;"] {
            let found = change("f: func(r: r) -> option<string>;", to);
            assert_eq!(found[0], format!("0.1.0 has no longer what 0.1.0 was released with: {was}"), "{to}");
        }
    }

    #[test]
    fn what_a_world_has_is_part_of_it() {
        assert_eq!(change("import i;", ""), ["0.1.0 has no longer what 0.1.0 was released with: w: import i"]);
    }

    #[test]
    fn a_released_version_does_not_grow() {
        let found = change("import i;", "import i; import g: func();");
        assert_eq!(found, ["0.1.0 was released without this, which wants a new version: w: import g()"]);
    }

    #[test]
    fn a_later_version_may_grow_and_is_released_with_a_file_of_its_own() {
        let later = shape(&FIRST.replace("@0.1.0", "@0.1.1").replace("import i;", "import i; import g: func();"));
        let found = faults(&later, &[shape(FIRST)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("wit/released/0.1.1.txt is missing"), "{}", found[0]);
        assert_eq!(faults(&later, &[shape(FIRST), later.clone()]), Vec::<String>::new());

        let less = shape(&FIRST.replace("@0.1.0", "@0.1.1").replace("import i;", ""));
        assert_eq!(
            faults(&less, &[shape(FIRST), less.clone()]),
            ["0.1.1 has no longer what 0.1.0 was released with: w: import i"]
        );
        let other_line = shape(&FIRST.replace("@0.1.0", "@0.2.0").replace("import i;", ""));
        assert_eq!(faults(&other_line, &[shape(FIRST), other_line.clone()]), Vec::<String>::new());
    }
}
