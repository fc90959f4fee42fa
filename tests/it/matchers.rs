//! What checkers print becomes annotations: by matchers that are built in, and by those of a config.

use serde_json::Value;

use crate::support::{Project, toolchain};

/// What a stage's last attempt found, as places and messages.
fn annotations(report: &Value, stage: usize) -> Vec<String> {
    let items = report["results"][stage]["annotations"].as_array().into_iter().flatten();
    let shown = items.map(|item| {
        let at = &item["at"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let place = format!("{}:{}:{}", text(&at["path"]), at["line"], at["column"]);
        format!(
            "{place} {} {} {} {}",
            text(&item["source"]),
            text(&item["severity"]),
            text(&item["code"]),
            text(&item["message"])
        )
    });
    shown.collect()
}

#[test]
fn rustc_says_where_it_is_wrong() {
    let Some(bin) = toolchain(&["rustc"]) else { return };
    let project = Project::new();
    let rustc = bin.join("rustc");
    project.write("src/lib.rs", "pub fn f() -> u32 {\n    let unused = 1;\n    \"two\"\n}\n");
    project.config(&format!(
        "[stages.build]\nrun = [\"{}\", \"--crate-type\", \"lib\", \"--emit\", \"metadata\", \"--color\", \"always\", \"-o\", \"/dev/null\", \"lib.rs\"]\n\
         dir = \"src\"\nannotate = [\"rustc\"]\n",
        rustc.display()
    ));
    let run = project.local_ci(&["--json"]).output().assert_code(1);
    let report: Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(annotations(&report, 0), ["src/lib.rs:3:5 rustc error E0308 mismatched types"]);
    // The same again, of the run's record.
    let shown = project.local_ci(&["show", "1"]).output().assert_code(1);
    assert!(shown.stdout().contains("src/lib.rs:3:5: error: mismatched types (E0308)"), "{}", shown.stdout());
    project.assert_nothing_left();
}

#[test]
fn matchers_of_a_config_and_of_a_file_read_along() {
    let project = Project::new();
    project.write("a.c", "");
    project.write(
        "matcher.json",
        r#"{"problemMatcher": [{"owner": "x", "severity": "warning", "pattern": [
            {"regexp": "^== (.+)$", "file": 1},
            {"regexp": "^  (\\d+),(\\d+) (.+)$", "line": 1, "column": 2, "message": 3, "loop": true}]}]}"#,
    );
    project.config(
        "[stages.a]\nrun = \"printf 'a.c(3): bad\\\\nok\\\\n== a.c\\\\n  1,2 one\\\\n  3,4 two\\\\nend\\\\n  5,6 three\\\\n'\"\n\
         annotate = [\"own\", \"file\"]\n\
         [matchers.own]\npattern = '^(?<file>.+)\\((?<line>\\d+)\\): (?<message>.+)$'\nseverity = \"note\"\n\
         [matchers.file]\nfile = \"matcher.json\"\n",
    );
    let run = project.local_ci(&["--json"]).output().assert_code(0);
    let report: Value = serde_json::from_str(&run.stdout()).unwrap();
    let found = annotations(&report, 0);
    assert_eq!(found, ["a.c:3:null own note  bad", "a.c:1:2 file warning  one", "a.c:3:4 file warning  two"]);
    project.assert_nothing_left();
}

/// What nobody can know by heart is said where it is asked for wrongly.
#[test]
fn an_unknown_matcher_is_a_fault_with_what_was_meant() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"true\"\nannotate = [\"rustcc\"]\n");
    let run = project.local_ci(&["validate"]).output().assert_code(2);
    let text = run.stderr();
    assert!(
        text.contains("there is no matcher or parser `rustcc`") && text.contains("did you mean `rustc`?"),
        "{text}"
    );
}
