//! The rules and the stage. No line here is a secret: those are put together where they are needed.

use local_ci_plugin::Severity;
use local_ci_plugin::mock::{self, Host};
use serde_json::json;

use crate::rules::hits;
use crate::{DIFF, MERGE_BASE, Secrets, fingerprint, fits};

fn rules(line: &str) -> Vec<&'static str> {
    hits(line, true).iter().map(|hit| hit.rule).collect()
}

/// Forty characters, as random as they come.
const RANDOM: &str = concat!("q8Zr2LkV9xT4", "mWc7NbYd3Jf6HpGs5Ra1QeUt0KoX");

#[test]
fn the_examples_hold() {
    mock::stage_examples::<Secrets>();
}

#[test]
fn keys_of_known_makers_are_found_by_how_they_look() {
    let b = RANDOM;
    for (line, rule) in [
        (format!("x = AKIA{}", "Q7ZP4LMX2WN6RT3K"), "aws-key"),
        (format!("//ghp_{}", &b[..36]), "github-token"),
        (format!("a github_pat_{b}"), "github-token"),
        (format!("url: https://glpat-{}@example.invalid", &b[..20]), "gitlab-token"),
        (format!("xoxb-12345678901-{}", &b[..12]), "slack-token"),
        (format!("-----BEGIN {} KEY-----", "RSA PRIVATE"), "private-key"),
        (format!("Bearer eyJ{}.eyJ{}.{}", &b[..12], &b[12..24], &b[..20]), "jwt"),
    ] {
        assert_eq!(rules(&line), [rule], "{line}");
    }
}

#[test]
fn a_password_is_found_by_where_it_stands() {
    for line in [
        "password = \"hunter2-and-more\"",
        "db_password: 'hunter2-and-more'",
        "\"apiKey\": \"hunter2-and-more\",",
        "let secret: &str = \"hunter2-and-more\";",
        "config[\"token\"] => 'hunter2-and-more'",
        "PASSWD:=`hunter2-and-more`",
    ] {
        assert_eq!(rules(line), ["password"], "{line}");
    }
}

#[test]
fn what_only_looks_like_a_secret_is_let_be() {
    for line in [
        "password = \"${DB_PASSWORD}\"",
        "password = \"changeme-1234\"",
        "password = \"short1\"",
        "token = \"{{TOKEN-12345}}\"",
        "let token = \"identifier\";",
        "tokens = \"hunter2-and-more\"",
        "password = read(\"hunter2-and-more\")",
        "AKIAshort AKIA_NOT_A_KEY_12345 ghp_short",
        "-----BEGIN PUBLIC KEY-----",
        "a.b.c eyJ.eyJ.x",
        "\"ThisIsALongNameInCamelCase1\"",
        "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
        "\"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\"",
        "ä = 'ö' \"",
        "é: \"hunter2-and-more\"",
    ] {
        assert_eq!(rules(line), [""; 0], "{line}");
    }
}

#[test]
fn a_random_text_is_found_once_and_only_if_asked_for() {
    let line = format!("x(\"{RANDOM}\")");
    assert_eq!(rules(&line), ["entropy"]);
    assert_eq!(hits(&line, false), []);
    assert_eq!(rules(&format!("password = \"{RANDOM}\"")), ["password"]);
    assert_eq!(rules(&format!("token = \"ghp_{}\"", &RANDOM[..36])), ["github-token"]);
}

#[test]
fn no_secret_is_ever_printed() {
    let text = format!("password = \"{RANDOM}\"\nx ghp_{0}\n\"{0}zZ9\"\n", &RANDOM[..36]);
    let mut host = Host::new().file("a", text);
    host.stage::<Secrets>("secrets", json!({})).unwrap();
    let said = format!("{:?} {:?}", host.annotations(), host.log());
    assert_eq!(host.annotations().len(), 3);
    assert!((0..RANDOM.len() - 6).all(|at| !said.contains(&RANDOM[at..at + 6])), "{said}");
}

#[test]
fn a_fingerprint_lets_one_finding_be() {
    let text = format!("\"{RANDOM}\"\n");
    let allowed = fingerprint("a", "entropy", RANDOM);
    let mut host = Host::new().file("a", text.clone()).file("b", text);
    host.stage::<Secrets>("secrets", json!({ "allow": { "fingerprints": [allowed] } })).unwrap();
    assert_eq!(host.annotations().len(), 1);
    assert_eq!(host.annotations()[0].at.as_ref().unwrap().path, "b");
}

#[test]
fn a_pattern_has_stars_for_any_characters() {
    for (pattern, text, is) in [
        ("a*", "abc", true),
        ("*c", "abc", true),
        ("a*b*c", "aXbYc", true),
        ("a*b", "abc", false),
        ("abc", "abc", true),
        ("ab*bc", "abc", false),
    ] {
        assert_eq!(fits(pattern, text), is, "{pattern} {text}");
    }
}

#[test]
fn a_base_that_is_not_there_is_a_problem_and_no_changes_are_no_failure() {
    let (merge_base, diff) = (MERGE_BASE.join(" "), DIFF.join(" "));
    let params = json!({ "base": "main" });
    let mut host =
        Host::new().file("a", "").command(&format!("{merge_base} main HEAD"), 128, "", "fatal: bad revision");
    assert_eq!(host.stage::<Secrets>("secrets", params.clone()).unwrap_err().code, "no-base");
    let mut host = Host::new().file("a", "").command(&format!("{merge_base} main HEAD"), 0, "beef", "");
    host = host.command(&format!("{diff} beef"), 0, "", "");
    let outcome = host.stage::<Secrets>("secrets", params.clone()).unwrap();
    assert_eq!(outcome.summary.unwrap(), "there are no files to look at");
    let problem = Host::new().refusing("commands").stage::<Secrets>("secrets", params).unwrap_err();
    assert_eq!(problem.code, "denied");
}

#[test]
fn bytes_are_not_looked_into() {
    let mut host = Host::new().file("a", format!("\0password = \"{RANDOM}\""));
    assert_eq!(host.stage::<Secrets>("secrets", json!({})).unwrap().summary.unwrap(), "no secret in 1 file");
}

/// What git prints of many changed files is one line to a host, which hands it over in pieces.
#[test]
fn no_changed_file_is_passed_over_however_many_there_are() {
    let (merge_base, diff) = (MERGE_BASE.join(" "), DIFF.join(" "));
    for end in ["ä", "ä\nb"] {
        let paths: Vec<String> = (0..5000).map(|nth| format!("some/directory/file-{nth}-{end}")).collect();
        let mut host = Host::new()
            .file("other", "")
            .command(&format!("{merge_base} main HEAD"), 0, "beef\n", "")
            .command(&format!("{diff} beef"), 0, &(paths.join("\0") + "\0"), "");
        for path in &paths {
            host = host.file(path, "");
        }
        let outcome = host.stage::<Secrets>("secrets", json!({ "base": "main" })).unwrap();
        assert_eq!(outcome.summary.unwrap(), "no secret in 5000 files");
    }
}

#[test]
fn a_text_that_is_too_large_is_told_and_counted() {
    let text = format!("password = \"{RANDOM}\"\n");
    let mut host = Host::new().file("a", "x\n".repeat(5 << 20)).file("b", vec![0; 9 << 20]).file("c", "");
    let outcome = host.stage::<Secrets>("secrets", json!({})).unwrap();
    assert_eq!(outcome.summary.unwrap(), "no secret in 2 files; 1 file was not looked into");
    assert_eq!(host.annotations().len(), 1);
    assert_eq!(
        (host.annotations()[0].severity, host.annotations()[0].at.as_ref().unwrap().path.as_str()),
        (Severity::Warning, "a")
    );
    let outcome = host.file("d", text).stage::<Secrets>("secrets", json!({})).unwrap();
    assert_eq!(outcome.summary.unwrap(), "1 secret in 1 of 4 files; 1 file was not looked into");
}
