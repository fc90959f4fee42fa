use super::*;
use proptest::prelude::*;

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn argv(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

/// Some of everything.
fn some() -> Grants {
    Grants {
        files_read: list(&["src/**", "*.toml"]),
        files_write: list(&["out/*.txt"]),
        env: list(&["CI"]),
        commands: list(&["git log **", "git log --oneline -1", "cargo * --quiet"]),
        http: list(&["example.invalid", "127.0.0.1:8080", "[::1]:9"]),
        secrets: list(&["TOKEN"]),
        clock: true,
    }
}

/// Asks for one thing of each kind that `some` permits.
fn asked(authority: &Authority) -> Vec<(Key, Result<(), Refusal>)> {
    vec![
        (Key::FilesRead, authority.may_read("src/a/b.rs")),
        (Key::FilesWrite, authority.may_write("out/a.txt")),
        (Key::Env, authority.may_know("CI")),
        (Key::Commands, authority.may_run(&argv("git log --oneline -1"))),
        (Key::Http, authority.may_reach("127.0.0.1", 8080)),
        (Key::Secrets, authority.may_send("TOKEN")),
        (Key::Clock, authority.may_tell_time()),
    ]
}

#[test]
fn what_all_three_permit_is_permitted() {
    for policy in [None, Some(some()), Some(everything())] {
        let authority = Authority::new("x", &some(), &some(), policy.as_ref()).unwrap();
        for (key, answer) in asked(&authority) {
            assert_eq!(answer, Ok(()), "{key:?}");
        }
    }
}

#[test]
fn what_one_of_them_does_not_permit_is_refused_and_it_is_named() {
    let (some, none) = (some(), Grants::default());
    for (needs, grants, policy, by) in [
        (&none, &some, None, vec![Side::Needs]),
        (&some, &none, None, vec![Side::Grants]),
        (&some, &some, Some(&none), vec![Side::Policy]),
        (&none, &none, Some(&none), vec![Side::Needs, Side::Grants, Side::Policy]),
    ] {
        let authority = Authority::new("x", needs, grants, policy).unwrap();
        for (key, answer) in asked(&authority) {
            let refusal = answer.unwrap_err();
            assert_eq!((refusal.key, refusal.by), (key, by.clone()));
        }
    }
}

/// H170: whoever looks at a project has its stages made, so that what the project grants itself gives away nothing.
#[test]
fn h170_who_makes_stages_reads_files_and_does_nothing_else() {
    for policy in [None, Some(everything())] {
        let authority = Authority::new("x", &some(), &some(), policy.as_ref()).unwrap().only_reading();
        for (key, answer) in asked(&authority) {
            match key {
                Key::FilesRead => assert_eq!(answer, Ok(())),
                _ => assert!(answer.unwrap_err().to_string().ends_with(ONLY_READS), "{key:?}"),
            }
        }
    }
}

#[test]
fn nothing_beside_what_is_granted_is_permitted() {
    let some = some();
    let authority = Authority::new("x", &everything_by_name(), &some, None).unwrap();
    for path in ["a", "src", "a/b.toml", "srcs/a", "Src/a", ".git/config", "src/.git/config", "src/a/.GIT/x"] {
        assert!(authority.may_read(path).is_err() && !authority.reads(path), "{path}");
    }
    for path in ["out", "out/a/b.txt", "out/a.rs", "src/a.rs"] {
        assert!(authority.may_write(path).is_err(), "{path}");
    }
    for variable in ["", "ci", "CI2", "PATH", "*"] {
        assert!(authority.may_know(variable).is_err() && authority.may_send(variable).is_err(), "{variable}");
    }
    for command in
        ["git", "git log-x", "git status", "cargo --quiet", "cargo a b --quiet", "cargo a --quiet b", "log git"]
    {
        assert!(authority.may_run(&argv(command)).is_err(), "{command}");
    }
    assert!(authority.may_run(&[]).is_err());
    // A word is a word, whatever is in it.
    assert!(authority.may_run(&list(&["git log", "a"])).is_err());
    assert!(authority.may_run(&list(&["git", "log", "a; rm -rf /", "b\nc"])).is_ok());
    // An option can be as good as any command.
    assert!(authority.may_run(&argv("git log -1 --output=.git/hooks/pre-commit")).is_err());
    for (host, port, fine) in [
        ("example.invalid", 443, true),
        ("example.invalid", 80, true),
        ("example.invalid", 8080, false),
        ("a.example.invalid", 443, false),
        ("127.0.0.1", 443, false),
        ("127.0.0.1", 8080, true),
        ("[::1]", 9, true),
        ("*", 443, false),
    ] {
        assert_eq!(authority.may_reach(host, port).is_ok(), fine, "{host}:{port}");
    }
}

/// Needs that never are what refuses.
fn everything_by_name() -> Grants {
    Grants { http: some().http, env: some().env, secrets: some().secrets, ..everything() }
}

#[test]
fn a_need_that_names_nothing_is_for_the_pipeline_to_name() {
    let needs = Grants { http: list(&["*"]), secrets: list(&["*"]), ..Grants::default() };
    let grants = Grants { http: list(&["example.invalid"]), secrets: list(&["TOKEN"]), ..Grants::default() };
    assert_eq!(covers(&needs, &Grants::default()), []);
    let authority = Authority::new("x", &needs, &grants, None).unwrap();
    assert_eq!(authority.may_reach("example.invalid", 443), Ok(()));
    assert_eq!(authority.may_send("TOKEN"), Ok(()));
    assert_eq!(authority.may_reach("other.invalid", 443).unwrap_err().by, [Side::Grants]);
    assert_eq!(authority.may_send("OTHER").unwrap_err().by, [Side::Grants]);
    // A pipeline names what it grants.
    assert!(Authority::new("x", &needs, &needs, None).is_err());
    assert_eq!(Authority::of_needs("x", &needs).unwrap().may_reach("any.invalid", 1), Ok(()));
}

/// What a pattern leaves open is what a command works on, unless the pattern says that no option can stand there, or that one
/// may.
#[test]
fn options_are_not_what_is_left_open() {
    let runs = |pattern: &str, command: &str| {
        let one = Grants { commands: list(&[pattern]), ..Grants::default() };
        Authority::new("x", &everything(), &one, None).unwrap().may_run(&argv(command)).is_ok()
    };
    for (pattern, command, is) in [
        ("git log *", "git log main", true),
        ("git log *", "git log --output=x", false),
        ("git log **", "git log a -x", false),
        ("git log --format=x *", "git log --format=x a", true),
        ("git log --end-of-options *", "git log --end-of-options -x", true),
        ("git log -- **", "git log -- a -x", true),
        ("git log * -- *", "git log -x -- -y", false),
        ("git log -*", "git log -x", true),
        ("git log -**", "git log a -x --output=y", true),
        ("**", "git log -x", true),
        ("* log *", "git log -x", true),
    ] {
        assert_eq!(runs(pattern, command), is, "{command} by {pattern}");
    }
}

#[test]
fn what_decides_over_plugins_is_written_by_none() {
    let all = Grants { files_write: list(&["**"]), files_read: list(&["**"]), ..Grants::default() };
    let authority = Authority::new("x", &all, &all, None).unwrap();
    for path in ["local-ci.toml", "local-ci.lock", ".git/hooks/pre-push", "a/.git", ".local-ci-workdir"] {
        let refusal = authority.may_write(path).unwrap_err();
        assert!(refusal.by.is_empty() && refusal.to_string().contains("is not permitted: what "), "{refusal}");
    }
    assert!(authority.may_read("local-ci.toml").is_ok());
    assert!(authority.may_write(".gitignore").is_ok());
}

#[test]
fn what_is_taken_out_on_purpose_is_not_permitted_and_no_line_would_change_that() {
    let all = Grants { files_read: list(&["**"]), files_write: list(&["**"]), ..Grants::default() };
    let most =
        Grants { files_read: list(&["!**/.env", "**"]), files_write: list(&["**", "!src/**"]), ..Grants::default() };
    for (needs, grants, policy) in [(&most, &all, None), (&all, &most, None), (&all, &all, Some(&most))] {
        let authority = Authority::new("x", needs, grants, policy).unwrap();
        assert!(authority.may_read("a/.env.local").is_ok() && authority.may_write("a").is_ok());
        let refusal = authority.may_read("a/.env").unwrap_err();
        assert!(refusal.by.is_empty() && refusal.to_string().contains("a glob with `!` in "), "{refusal}");
        assert!(!authority.reads(".env") && authority.may_write("src/a").is_err());
    }
    assert_eq!(covers(&all, &most), []);
    assert_eq!(covers(&most, &Grants::default()).len(), 2);
}

#[test]
fn a_refusal_says_what_would_have_to_be_added_and_where() {
    let none = Grants::default();
    let authority = Authority::new("lint", &some(), &none, Some(&none)).unwrap();
    let said = |answer: Result<(), Refusal>| answer.unwrap_err().to_string();
    let mut told = vec![
        said(authority.may_read("src/a[1].rs")),
        said(authority.may_look("src/**")),
        said(authority.may_run(&list(&["git", "log", "a b\u{1b}[2J"]))),
        said(authority.may_reach("127.0.0.1", 8080)),
        said(authority.may_tell_time()),
    ];
    let authority = Authority::new("lint", &none, &some(), None).unwrap();
    told.extend([said(authority.may_know("CI")), said(authority.may_write("local-ci.lock"))]);
    let authority = Authority::new("lint", &none, &none, Some(&none)).unwrap();
    told.push(said(authority.may_send("TOKEN")));
    insta::assert_snapshot!(told.join("\n"), @r#"
    reading `src/a[1].rs` is not permitted: add `files-read = ["src/a[[]1[]].rs"]` to `grants` in `[plugins.lint]` of the pipeline, and to `[plugin-policy]` in the user's config.toml
    reading `src/**` is not permitted: add `files-read = ["src/**"]` to `grants` in `[plugins.lint]` of the pipeline, and to `[plugin-policy]` in the user's config.toml
    running `git log a b\u{1b}[2J` is not permitted: add `commands = ["git log *"]` to `grants` in `[plugins.lint]` of the pipeline, and to `[plugin-policy]` in the user's config.toml
    speaking to `127.0.0.1:8080` is not permitted: add `http = ["127.0.0.1:8080"]` to `grants` in `[plugins.lint]` of the pipeline, and to `[plugin-policy]` in the user's config.toml
    knowing the time is not permitted: add `clock = true` to `grants` in `[plugins.lint]` of the pipeline, and to `[plugin-policy]` in the user's config.toml
    knowing the variable `CI` is not permitted: the plugin itself does not say that it needs `env = ["CI"]`, which whoever makes it would have to add
    writing `local-ci.lock` is not permitted: what decides over plugins is not written by one
    sending the variable `TOKEN` is not permitted: the plugin itself does not say that it needs `secrets = ["TOKEN"]`, which whoever makes it would have to add; and then add `secrets = ["TOKEN"]` to `grants` in `[plugins.lint]` of the pipeline, and to `[plugin-policy]` in the user's config.toml
    "#);
}

#[test]
fn the_line_that_a_refusal_names_permits_it() {
    let none = Grants::default();
    let authority = Authority::new("lint", &some(), &none, None).unwrap();
    let odd = list(&["git", "log", "a b", "\"'\\", ""]);

    let refusals = [
        authority.may_read("src/a[1]{2}*.rs"),
        authority.may_run(&odd),
        authority.may_reach("[::1]", 9),
        authority.may_send("TOKEN"),
        authority.may_tell_time(),
    ];
    let lines: Vec<_> = refusals.into_iter().map(|answer| answer.unwrap_err().line()).collect();
    let grants: Grants = toml::from_str(&lines.join("\n")).unwrap();
    let authority = Authority::new("lint", &some(), &grants, None).unwrap();
    assert_eq!(authority.may_read("src/a[1]{2}*.rs"), Ok(()));
    assert!(authority.may_read("src/a1{2}x.rs").is_err());
    assert_eq!(authority.may_run(&odd), Ok(()));
    assert_eq!(authority.may_reach("[::1]", 9), Ok(()));
    assert_eq!(authority.may_send("TOKEN"), Ok(()));
    assert_eq!(authority.may_tell_time(), Ok(()));
}

#[test]
fn the_line_that_is_named_for_an_option_permits_it() {
    let option = list(&["git", "log", "--format=%h %s"]);
    let refused =
        Authority::new("lint", &everything(), &Grants::default(), None).unwrap().may_run(&option).unwrap_err();
    let grants: Grants = toml::from_str(&refused.line()).unwrap();
    assert_eq!(Authority::new("lint", &everything(), &grants, None).unwrap().may_run(&option), Ok(()));
}

#[test]
fn what_can_permit_nothing_is_a_flaw() {
    let bad = Grants {
        files_read: list(&["../x", "/etc/**", "a[", "src/", "!../a", ""]),
        files_write: list(&["a/../b"]),
        env: list(&["*", "A B", ""]),
        commands: list(&["", "git ** log"]),
        http: list(&["*", "https://example.invalid", "example.invalid/a", "a:b", "a:0", "[::1", "u@example.invalid"]),
        secrets: list(&["1A"]),
        clock: false,
    };
    let flaws = flaws(&bad);
    let all: usize = Key::ALL.iter().map(|key| key.values(&bad).len()).sum();
    assert_eq!(flaws.len(), all, "{flaws:#?}");
    insta::assert_snapshot!(flaws[0], @"`files-read` has `../x`, which does not stay in the project; globs are relative to its directory");
    // For a policy, `*` among variables and hosts is every one.
    assert_eq!(policy_flaws(&bad).len(), all - 2);
    assert_eq!(policy_flaws(&everything()), []);
    let error = Authority::new("x", &Grants::default(), &bad, None).unwrap_err();
    insta::assert_snapshot!(error, @"cannot be used: in the pipeline's grants, `files-read` has `../x`, which does not stay in the project; globs are relative to its directory");
}

#[test]
fn what_is_missing_is_told_with_the_lines_to_add() {
    let needs = some();
    assert_eq!(covers(&needs, &needs), []);
    assert_eq!(covers(&needs, &everything()), []);
    assert_eq!(covers(&Grants::default(), &Grants::default()), []);
    let granted = Grants {
        files_read: list(&["src/lib.rs"]),
        commands: list(&["git **"]),
        http: list(&["example.invalid:443", "127.0.0.1:8080"]),
        ..Grants::default()
    };
    let missing = covers(&needs, &granted);
    insta::assert_snapshot!(as_toml(&missing, &granted), @r#"
    files-read = ["src/lib.rs", "src/**", "*.toml"]
    files-write = ["out/*.txt"]
    env = ["CI"]
    commands = ["git **", "git log --oneline -1", "cargo * --quiet"]
    http = ["example.invalid:443", "127.0.0.1:8080", "example.invalid", "[::1]:9"]
    secrets = ["TOKEN"]
    clock = true
    "#);
}

#[test]
fn one_pattern_covers_another_where_it_means_all_that_it_means() {
    let covered = |key: Key, need: &str, grant: &str| {
        let of = |value: &str| match key {
            Key::FilesRead => Grants { files_read: list(&[value]), ..Grants::default() },
            Key::Commands => Grants { commands: list(&[value]), ..Grants::default() },
            _ => Grants { http: list(&[value]), ..Grants::default() },
        };
        covers(&of(need), &of(grant)).is_empty()
    };
    for (need, grant, is) in [
        ("a", "a", true),
        ("./a", "a", true),
        ("a/b.rs", "a/*.rs", true),
        ("src/**/*.rs", "src/**", true),
        ("src/**/*.rs", "**", true),
        ("src/**/*.rs", "**/*.rs", true),
        ("src/*/x", "src/**/x", true),
        ("{a,b}/c", "**", true),
        ("d/{a,b}/c", "d/**", true),
        ("{a,b}", "{a,b}", true),
        ("**", "src/**", false),
        ("src/**", "src/*", false),
        ("a", "a/**", false),
        ("{a/b,c}", "*", false),
        ("*.rs", "*.toml", false),
        ("a/**", "a/**/b", false),
    ] {
        assert_eq!(covered(Key::FilesRead, need, grant), is, "{need} by {grant}");
    }
    for (need, grant, is) in [
        ("git log", "git *", true),
        ("git log **", "git **", true),
        ("git  log", "git log", true),
        ("git log **", "git log", false),
        ("git log **", "git log -**", true),
        ("git log -**", "git log **", false),
        ("git log -1", "git log *", false),
        ("git log -1", "git log -*", true),
        ("git log -- *", "git log -- **", true),
        ("git log -- *", "git log **", false),
        ("git log -- *", "git log -- a", false),
        ("git log -- *", "git log -* *", false),
        ("git log", "git log *", false),
        ("git *", "git log", false),
        ("git", "git **", true),
        ("**", "git **", false),
    ] {
        assert_eq!(covered(Key::Commands, need, grant), is, "{need} by {grant}");
    }
    for (need, grant, is) in [
        ("Example.invalid", "example.INVALID", true),
        ("example.invalid:443", "example.invalid", true),
        ("example.invalid", "example.invalid:443", false),
        ("example.invalid", "*", true),
        ("example.invalid", "a.example.invalid", false),
    ] {
        assert_eq!(covered(Key::Http, need, grant), is, "{need} by {grant}");
    }
}

proptest! {
    /// What is covered, grants permit: whatever access a need means.
    #[test]
    fn what_is_covered_is_permitted(
        need in "(\\*\\*|[ab*?]{1,2}|\\{a,b\\})(/(\\*\\*|[ab*?]{1,2}|\\{a,b/a\\})){0,2}",
        grant in "(\\*\\*|[ab*?]{1,2}|\\[ab\\])(/(\\*\\*|[ab*?]{1,2})){0,2}",
        paths in proptest::collection::vec("[ab]{1,2}(/[ab]{1,2}){0,3}", 1..40),
    ) {
        let of = |glob: &str| Grants { files_read: list(&[glob]), ..Grants::default() };
        if covers(&of(&need), &of(&grant)).is_empty() {
            let needed = Authority::new("x", &of(&need), &everything(), None);
            let granted = Authority::new("x", &of(&need), &of(&grant), None);
            if let (Ok(needed), Ok(granted)) = (needed, granted) {
                for path in &paths {
                    prop_assert!(!needed.reads(path) || granted.reads(path), "{} of {} by {}", path, need, grant);
                }
            }
        }
    }

    /// The same of commands.
    #[test]
    fn commands_that_are_covered_are_permitted(
        need in "[ab*]( ([a*]|-a|--|-\\*)){0,3}( -?\\*\\*)?",
        grant in "[ab*]( ([a*]|-a|--|-\\*)){0,3}( -?\\*\\*)?",
        words in proptest::collection::vec("[ab*]|-a|--", 0..6),
    ) {
        let of = |command: &str| Grants { commands: list(&[command]), ..Grants::default() };
        let one = |grants: &Grants| Authority::new("x", grants, &Grants { commands: list(&["**"]), ..Grants::default() }, None).unwrap();
        if covers(&of(&need), &of(&grant)).is_empty() && one(&of(&need)).may_run(&words).is_ok() {
            prop_assert!(one(&of(&grant)).may_run(&words).is_ok(), "{:?} of {} by {}", words, need, grant);
        }
    }

    /// Whatever a plugin gives for a path, what is judged has one form and leads nowhere else.
    #[test]
    fn h159_no_text_becomes_a_path_that_leads_out(path in "[./ab\\\\\0]{0,12}") {
        if let Ok(clean) = place::clean(&path) {
            prop_assert!(!clean.starts_with('/') && clean.split('/').all(|name| !matches!(name, "" | "." | "..")));
            prop_assert_eq!(place::clean(&clean), Ok(clean.clone()));
        }
    }

    /// A host is granted by the value that a refusal of it names.
    #[test]
    fn a_host_is_what_its_grant_says(host in "[a-z]{1,3}(\\.[a-z]{1,3}){0,2}", port in 1_u16..) {
        let given = patterns::host_and_port(&host, port);
        let (its, ports) = patterns::host(&given).unwrap();
        prop_assert!(its == host && ports.contains(&port));
    }
}
