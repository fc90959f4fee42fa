//! Configs as people write them, before and after.

use proptest::prelude::*;

use super::*;

const CONFIG: &str = "\
#:schema ./local-ci.schema.json
# What we run.

[stages.fmt] # first
run  =  'cargo fmt'

# --- Plugins ---

# Keeps files clean.
[plugins.hygiene]   # ours
source = \"path:plugins/hygiene\"   # built by hand

# What it may.
[plugins.hygiene.grants]
files-read = [
  \"**\", # all
]

[plugins.webhook]
source = \"path:webhook.wasm\"
config.url = \"https://hooks.example.invalid/\"

# The rest.
[stages.test]
run = \"cargo test\"
# at the end
";

fn read_all() -> Grants {
    Grants { files_read: vec!["**".to_owned()], ..Grants::default() }
}

fn source(text: &str) -> Source {
    text.parse().unwrap()
}

/// The lines that differ, `-` and `+` before them.
fn difference(before: &str, after: &str) -> String {
    let diff = similar(before, after);
    diff.join("\n")
}

/// The lines of both by their longest common part: small texts, so plainly.
fn similar(before: &str, after: &str) -> Vec<String> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut longest = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] =
                if a[i] == b[j] { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || longest[i + 1][j] >= longest[i][j + 1]) {
            lines.push(format!("-{}", a[i]));
            i += 1;
        } else {
            lines.push(format!("+{}", b[j]));
            j += 1;
        }
    }
    lines
}

#[test]
fn a_plugin_is_added_behind_the_others_and_nothing_else_changes() {
    let new = with_plugin(CONFIG, "members", &source("path:plugins/members"), &read_all()).unwrap();
    insta::assert_snapshot!(difference(CONFIG, &new), @r#"
    +[plugins.members]
    +source = "path:plugins/members"
    +grants = { files-read = ["**"] }
    +
    "#);
    assert!(new.contains("invalid/\"\n\n[plugins.members]\n") && new.contains("[\"**\"] }\n\n# The rest.\n"), "{new}");
    assert_eq!(without(&new, "members").unwrap(), CONFIG, "taking it out again leaves no trace");
    assert_eq!(
        with_plugin(CONFIG, "hygiene", &source("path:x"), &read_all()),
        Err(ManifestError::There("hygiene".into()))
    );
}

#[test]
fn the_first_plugin_goes_to_the_end() {
    for (before, expected) in [
        ("", "[plugins.a]\nsource = \"path:a\"\n"),
        ("[stages.x]\nrun = 'x'\n", "[stages.x]\nrun = 'x'\n\n[plugins.a]\nsource = \"path:a\"\n"),
        ("[stages.x]\nrun = 'x'", "[stages.x]\nrun = 'x'\n\n[plugins.a]\nsource = \"path:a\"\n"),
        ("[stages.x]\nrun = 'x'\n\n", "[stages.x]\nrun = 'x'\n\n[plugins.a]\nsource = \"path:a\"\n"),
        ("[plugins]\n", "[plugins]\n\n[plugins.a]\nsource = \"path:a\"\n"),
        ("plugins = {}\n", "plugins = { a = { source = \"path:a\" } }\n"),
        ("plugins.b.source = 'path:b'\n", "plugins.b.source = 'path:b'\nplugins.a = { source = \"path:a\" }\n"),
    ] {
        let new = with_plugin(before, "a", &source("path:a"), &Grants::default()).unwrap();
        assert_eq!(new, expected, "{before:?}");
    }
    let odd = with_plugin("", "größe x", &source("path:a"), &Grants::default()).unwrap();
    assert!(odd.starts_with("[plugins.\"größe x\"]\n"), "{odd}");
    assert_eq!(with_plugin("[stages", "a", &source("path:a"), &read_all()), Err(ManifestError::Broken));
    assert_eq!(with_plugin("plugins = 1", "a", &source("path:a"), &read_all()), Err(ManifestError::NoTable));
}

#[test]
fn many_grants_have_a_table_of_their_own() {
    let grants = Grants {
        files_read: vec!["**/*.toml".to_owned(), "package.json".to_owned()],
        commands: vec!["git log **".to_owned(), "git rev-parse *".to_owned()],
        clock: true,
        ..Grants::default()
    };
    let new = with_plugin("", "commits", &source("https://plugins.example.invalid/commits.wasm"), &grants).unwrap();
    insta::assert_snapshot!(new, @r#"
    [plugins.commits]
    source = "https://plugins.example.invalid/commits.wasm"
    [plugins.commits.grants]
    files-read = ["**/*.toml", "package.json"]
    commands = ["git log **", "git rev-parse *"]
    clock = true
    "#);
    assert_eq!(without(&new, "commits").unwrap(), "");
}

#[test]
fn a_plugin_is_taken_out_with_what_is_said_of_it_and_nothing_else() {
    insta::assert_snapshot!(difference(CONFIG, &without(CONFIG, "hygiene").unwrap()), @r#"
    -# Keeps files clean.
    -[plugins.hygiene]   # ours
    -source = "path:plugins/hygiene"   # built by hand
    -
    -# What it may.
    -[plugins.hygiene.grants]
    -files-read = [
    -  "**", # all
    -]
    -
    "#);
    insta::assert_snapshot!(difference(CONFIG, &without(CONFIG, "webhook").unwrap()), @r#"
    -[plugins.webhook]
    -source = "path:webhook.wasm"
    -config.url = "https://hooks.example.invalid/"
    -
    "#);
    assert_eq!(without(CONFIG, "other"), Err(ManifestError::Missing("other".into())));
    let inline = "[plugins]\n# a\na = { source = 'path:a' }\nb.source = 'path:b'\n";
    assert_eq!(without(inline, "b").unwrap(), "[plugins]\n# a\na = { source = 'path:a' }\n");
}

#[test]
fn grants_are_changed_where_they_stand() {
    let grants = Grants { files_write: vec!["src/**".to_owned()], clock: true, ..read_all() };
    insta::assert_snapshot!(difference(CONFIG, &with_grants(CONFIG, "hygiene", &grants).unwrap()), @r#"
    +files-write = ["src/**"]
    +clock = true
    "#);
    insta::assert_snapshot!(difference(CONFIG, &with_grants(CONFIG, "webhook", &grants).unwrap()), @r#"+grants = { files-read = ["**"], files-write = ["src/**"], clock = true }"#);
    let more = Grants { files_read: vec!["**".to_owned(), "../x".to_owned()], ..Grants::default() };
    let inline = "[plugins]\na = { source = 'path:a', grants = { clock = true } } # mine\n";
    insta::assert_snapshot!(with_grants(inline, "a", &more).unwrap(), @r#"
    [plugins]
    a = { source = 'path:a', grants = { files-read = ["**", "../x"] } } # mine
    "#);
}

proptest! {
    /// Whatever stands around it, a plugin that was added is there, and once taken out again everything is as it was, but for
    /// blank lines.
    #[test]
    fn what_was_added_is_taken_out_without_a_trace(
        parts in prop::collection::vec(prop::sample::select(vec![
            "[stages.A]\nrun = 'x' # c\n", "# comment\n", "\n", "[plugins.A]\nsource = 'path:a'\n", "[remotes.A]\nhost = 'h'\n",
            "[plugins.A]\nsource = 'path:a'\n[plugins.A.grants]\nenv = ['B']\n", "[[expand]]\nuses = 'A'\n",
        ]), 0..8),
    ) {
        let text: String =
            parts.iter().enumerate().map(|(at, part)| part.replace('A', &format!("n{at}"))).collect();
        let lines = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let new = with_plugin(&text, "added", &source("path:added"), &read_all()).unwrap();
        prop_assert!(declares(&new, "added"));
        prop_assert!(new.parse::<DocumentMut>().is_ok());
        prop_assert_eq!(lines(&without(&new, "added").unwrap()), lines(&text));
    }
}
