//! The plugins that come with the program, as the components that are made of their sources, in projects as people have them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::plugin_fetch::{Answer, Authority, Server};
use crate::support::{Project, have, skip};

/// What Rust compiles plugins for.
const TARGET: &str = "wasm32-unknown-unknown";

/// The directory of the components; none, with a line that says so, where Rust has nothing to make them with.
fn components() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let cargo = std::env::var_os("CARGO")?;
        let rustc = Path::new(&cargo).with_file_name("rustc");
        let said = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output().ok()?;
        let library = PathBuf::from(String::from_utf8_lossy(&said.stdout).trim());
        fs::read_dir(library).ok()?.next()?.ok()?;
        let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
        // Where this test is built as well: below the plugins, it would be taken for one of them.
        let target = Path::new(env!("CARGO_BIN_EXE_chaos")).ancestors().nth(2)?.to_owned();
        let mut build = Command::new(cargo);
        build.args(["build", "--locked", "--quiet", "--release", "--target", TARGET]).current_dir(&plugins);
        let made = build.env("CARGO_TARGET_DIR", &target).stdin(Stdio::null()).status().unwrap();
        assert!(made.success(), "the plugins cannot be built");
        Some(target.join(TARGET).join("release"))
    });
    if built.is_none() {
        skip(&format!("skipped: Rust cannot make components here; rustup target add {TARGET}"));
    }
    built.as_deref()
}

/// Locks one of them, as the config has it, with what that grants.
fn lock(project: &Project, name: &str) -> Option<()> {
    let file = format!("{name}.wasm");
    let component = components()?.join(&file);
    fs::copy(component, project.dir().join(&file)).unwrap();
    project.expects(&file).expects("local-ci.lock");
    project.local_ci(&["plugin", "update", name, "--as-granted"]).output().assert_code(0);
    Some(())
}

/// All that is below a directory, as one run of bytes.
fn all_bytes(dir: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(all_bytes(&path));
        } else if path.is_file() {
            bytes.extend(fs::read(path).unwrap());
        }
    }
    bytes
}

/// What is said of a run that could be heard, goes to the host; what the host makes of that is no verdict; and the secret part
/// of the address is nowhere but there.
#[test]
fn a_webhook_is_told_of_a_run_and_knows_no_secret() {
    let project = Project::new();
    let Some(authority) = Authority::new(&project) else { return };
    let server = Server::new(&authority.0, "good");
    let secret = "T0P/s3cr3t-of-ours";
    let config = |run: &str| {
        project.config(&format!(
            "[stages.check]\nrun = \"{run}\"\n[reporters]\nwebhook = true\n[plugins.webhook]\nsource = \"path:webhook.wasm\"\n\
             config = {{ url = \"https://127.0.0.1:{port}/hook/{{{{HOOK}}}}\", when = \"always\" }}\n\
             grants = {{ http = [\"127.0.0.1:{port}\"], secrets = [\"HOOK\"] }}\n",
            port = server.port
        ));
    };
    config("exit 3");
    if lock(&project, "webhook").is_none() {
        return;
    }
    let run = || authority.trusted(&project, &["--output", "grouped"]).env("HOOK", secret).output();
    server.answers(Answer::Bytes(b"ok".to_vec()));
    let mut said = run().assert_code(1).transcript();
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "{said}");
    assert_eq!(asked[0].0, "POST /hook/T0P/s3cr3t-of-ours HTTP/1.1");
    let body: Value = serde_json::from_str(&asked[0].1).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(
        text.starts_with("project: run 1 failed after ") && text.ends_with("\nnot passed: check (failed)"),
        "{text}"
    );
    assert!(!said.contains("webhook"), "nothing is wrong: {said}");

    // Whatever the host does then, a run that passes has passed, and one sentence says that nobody was told.
    config("true");
    let whole = "answered with status 500: see that `url` and its secret are right (status)";
    let answers = [
        (Answer::Raw("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), whole),
        (
            Answer::Raw("HTTP/1.1 302 Found\r\nLocation: https://example.invalid/\r\nContent-Length: 0\r\n\r\n"),
            "with status 302",
        ),
        (Answer::Raw("no HTTP at all\r\n"), "plugin webhook says: "),
        (Answer::Nothing, "plugin webhook says: "),
    ];
    for (answer, expected) in answers {
        server.answers(answer);
        let finished = run().assert_code(0);
        let told = finished.transcript();
        assert!(told.contains(expected), "{expected}: {told}");
        assert_eq!(told.matches("plugin webhook").count(), 1, "{told}");
        said += &told;
    }
    // Without the certificate of its authority, it is not trusted, and not told either.
    let count = server.asked().len();
    let finished = project.local_ci(&["--output", "grouped"]).env("HOOK", secret).output().assert_code(0);
    assert!(
        finished.transcript().contains("nobody who is trusted says that this is the host"),
        "{}",
        finished.transcript()
    );
    assert_eq!(server.asked().len(), count);
    said += &finished.transcript();
    for word in ["s3cr3t-of-ours", "T0P"] {
        assert!(!said.contains(word), "{said}");
        for dir in [project.state_dir(), project.root().join("cache"), project.dir()] {
            let kept = all_bytes(&dir);
            assert!(memchr::memmem::find(&kept, word.as_bytes()).is_none(), "{word} is kept in {}", dir.display());
        }
    }
    project.assert_nothing_left();
}

/// One stage for each member of a workspace, of whatever kind it is.
#[test]
fn members_of_workspaces_become_stages() {
    let project = Project::new();
    let config = |with: &str| {
        project.config(&format!(
            "[plugins.members]\nsource = \"path:members.wasm\"\ngrants = {{ files-read = [\"**/Cargo.toml\", \"**/package.json\", \
             \"**/pnpm-workspace.yaml\", \"**/go.work\", \"**/go.mod\"] }}\n[[expand]]\nuses = \"members\"\nwith = {with}\n"
        ));
    };
    config("{ run = \"echo ${member} in ${path}\", root = \"rust\" }");
    if lock(&project, "members").is_none() {
        return;
    }
    project
        .write("rust/Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/old\"]\n")
        .write("rust/crates/core/Cargo.toml", "[package]\nname = \"shop-core\"\nversion = \"0.1.0\"\n")
        .write("rust/crates/web/Cargo.toml", "[package]\nname = \"shop-web\"\nversion = \"0.1.0\"\n")
        .write("rust/crates/old/Cargo.toml", "[package]\nname = \"shop-old\"\nversion = \"0.1.0\"\n")
        .write("npm/package.json", r#"{ "workspaces": ["packages/*"] }"#)
        .write("npm/packages/a/package.json", r#"{ "name": "@shop/a", "scripts": { "lint": "x" } }"#)
        .write("npm/packages/b/package.json", r#"{ "name": "@shop/b" }"#)
        .write("pnpm/package.json", "{}")
        .write("pnpm/pnpm-workspace.yaml", "packages:\n  - 'apps/*' # all of them\n  - \"!apps/old\"\n")
        .write("pnpm/apps/site/package.json", r#"{ "name": "site" }"#)
        .write("pnpm/apps/old/package.json", r#"{ "name": "old" }"#)
        .write("go/go.work", "go 1.22\nuse (\n\t./api\n\t./cmd // tools\n)\n")
        .write("go/api/go.mod", "module example.invalid/shop/api\n")
        .write("go/cmd/go.mod", "module example.invalid/shop/cmd\n");
    let run = |with: &str| {
        config(with);
        let finished = project.local_ci(&["--json"]).output();
        let code = finished.status.code();
        let report: Value =
            serde_json::from_str(&finished.stdout()).unwrap_or_else(|_| panic!("{}", finished.transcript()));
        let stages = report["results"].as_array().unwrap().iter();
        let mut names: Vec<String> = stages.map(|stage| stage["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        (code, names)
    };
    let made = [
        ("{ run = \"echo ${member} in ${path}\", root = \"rust\" }", &["shop-core", "shop-web"][..]),
        ("{ run = \"true\", root = \"npm\", name = \"t-${member}\" }", &["t-shop-a", "t-shop-b"]),
        ("{ run = \"true\", root = \"npm\", script = \"lint\" }", &["shop-a"]),
        ("{ run = \"true\", root = \"pnpm\" }", &["site"]),
        (
            "{ run = \"test -f go.mod\", root = \"go\", name = \"go-${path}\", stage = { dir = \"${path}\" } }",
            &["go-go-api", "go-go-cmd"],
        ),
    ];
    for (with, expected) in made {
        let (code, names) = run(with);
        assert_eq!(
            (code, names.iter().map(String::as_str).collect::<Vec<_>>()),
            (Some(0), expected.to_vec()),
            "{with}"
        );
    }
    assert_eq!(project.log(1, "shop-core.log"), b"shop-core in rust/crates/core\n");
    // What is not as it should be is said, with the file that it is in.
    for (file, text, word) in [
        ("rust/crates/web/Cargo.toml", "[package\n", "rust/crates/web/Cargo.toml"),
        ("rust/Cargo.toml", "[package]\nname = \"alone\"\n", "workspace"),
    ] {
        project.write(file, text);
        config("{ run = \"true\", root = \"rust\" }");
        let said = project.local_ci(&["plan"]).output().assert_code(2).stderr();
        assert!(said.contains("plugin members says: ") && said.contains(word), "{said}");
    }
    project.assert_nothing_left();
}

/// Commits since a base that is named, or that the remote calls its own; and what is said where there is none.
#[test]
fn commits_since_a_base_are_looked_at() {
    if !have("git") {
        return;
    }
    let project = Project::new();
    let config = |with: &str| {
        project.config(&format!(
            "[plugins.commits]\nsource = \"path:commits.wasm\"\ngrants = {{ commands = [\
             \"git merge-base --end-of-options * HEAD\", \"git log --no-merges --no-show-signature --no-notes \
             --encoding=UTF-8 --format=%H%n%w(0,1,1)%B --end-of-options *\"] }}\n[stages.commits]\nuses = \"commits\"\n{with}"
        ));
    };
    config("");
    if lock(&project, "commits").is_none() {
        return;
    }
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a", "-c", "init.defaultBranch=main"]).args(args);
        git.current_dir(project.dir()).env_clear().env("HOME", project.root()).env("GIT_CONFIG_NOSYSTEM", "1");
        git.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
        let done = git.output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    let commit = |message: &str| git(&["commit", "-q", "--allow-empty", "-m", message]);
    git(&["init", "-q", "--separate-git-dir", project.side("git").to_str().unwrap()]);
    project.expects(".git");
    commit("whatever was before");
    let run = |code: i32| project.local_ci(&["--output", "grouped"]).output().assert_code(code).transcript();
    // No remote is known, so nobody knows since when.
    let said = run(3);
    assert!(said.contains("plugin commits says: ") && said.contains("origin/HEAD") && said.contains("base"), "{said}");
    config("with = { base = \"main\" }\n");
    assert!(run(0).contains("Skipped: 1"), "nothing to look at is no verdict");
    git(&["checkout", "-q", "-b", "work"]);
    commit("feat(cli): add a switch");
    let passed = run(0);
    assert!(passed.contains("1 commit"), "{passed}");
    commit("Added Stuff.");
    commit("fixup! feat(cli): add a switch");
    let failed = run(1);
    for word in ["Added Stuff.", "commit-format", "commit-fixup"] {
        assert!(failed.contains(word), "{word}: {failed}");
    }
    assert!(!failed.contains("whatever was before"), "{failed}");
    // What the remote calls its main branch is the base where none is named.
    config("");
    git(&["update-ref", "refs/remotes/origin/main", "main"]);
    git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    assert!(run(1).contains("Added Stuff."));
    project.assert_nothing_left();
}

/// A project of ten thousand files, with all that a disk can hold and text is not: it is looked at to its end, and what cannot
/// be looked at is said.
#[test]
fn whatever_is_in_a_project_is_looked_at_or_said() {
    let project = Project::new();
    let config = |name: &str| {
        project.config(&format!(
            "[plugins.{name}]\nsource = \"path:{name}.wasm\"\ngrants = {{ files-read = [\"**\"] }}\n\
             [stages.look]\nuses = \"{name}\"\ntimeout = \"2m\"\n"
        ));
    };
    config("hygiene");
    if lock(&project, "hygiene").is_none() {
        return;
    }
    let dir = project.dir();
    for number in 0..10_000 {
        let path = format!("many/{}/file-{number}.txt", number / 500);
        if number % 500 == 0 {
            fs::create_dir_all(dir.join(&path).parent().unwrap()).unwrap();
            project.expects(Path::new(&path).parent().unwrap());
        }
        fs::write(dir.join(&path), "a line\n").unwrap();
        project.expects(&path);
    }
    let key = format!("{}{}", "AKIA", "Z7QK2M4NX5P3R6TV");
    for (name, text) in [
        ("a b'c\"d.txt", "trailing \n"),
        ("-rf", "trailing \n"),
        ("\u{1b}[2Jred\nline.txt", "trailing \n"),
        ("größe-日本.txt", "trailing \n"),
        ("key.txt", key.as_str()),
    ] {
        project.write(name, text);
    }
    let odd = OsStr::from_bytes(b"not-\xff-utf8.txt");
    fs::write(dir.join(odd), "trailing \n").unwrap();
    project.expects(odd);
    std::os::unix::fs::symlink("/etc/passwd", dir.join("out.txt")).unwrap();
    std::os::unix::fs::symlink("loop.txt", dir.join("loop.txt")).unwrap();
    for special in ["pipe.txt", "device.txt"] {
        let mut make = Command::new(if special == "pipe.txt" { "mkfifo" } else { "mknod" });
        make.arg(dir.join(special));
        if special == "device.txt" {
            // Endless zeros; root alone can make one.
            make.args(["c", "1", "5"]);
        }
        assert!(make.stderr(Stdio::null()).status().unwrap().success() || special == "device.txt");
        project.expects(special);
    }
    project.expects("out.txt").expects("loop.txt");
    let spaced = ["\u{1b}[2Jred\nline.txt", "-rf", "a b'c\"d.txt", "größe-日本.txt", "key.txt"];
    for (number, plugin, expected) in [(1, "hygiene", &spaced[..]), (2, "secrets", &["key.txt"])] {
        config(plugin);
        lock(&project, plugin).unwrap();
        let finished = project.local_ci(&["--json"]).output().assert_code(1);
        let report: Value = serde_json::from_str(&finished.stdout()).unwrap();
        assert_eq!(report["results"][0]["status"], "fail", "{report}");
        let found = report["results"][0]["annotations"].as_array().unwrap().iter();
        let paths: Vec<&str> = found.map(|one| one["at"]["path"].as_str().unwrap()).collect();
        assert_eq!(paths, expected, "{plugin}");
        let log = String::from_utf8(project.log(number, "look.log")).unwrap();
        // What a plugin cannot name, it has not looked at.
        assert!(log.contains("the name of `not-\u{fffd}-utf8.txt` is no UTF-8"), "{log}");
        let shown = project.local_ci(&["show", "--output", "grouped"]).output().stdout();
        assert!(!shown.contains('\u{1b}') && !shown.contains(&key) && !log.contains(&key), "{shown}{log}");
    }
    project.assert_nothing_left();
}
