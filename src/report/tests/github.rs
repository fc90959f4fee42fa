//! What GitHub's runner would make of the transcript.

use proptest::prelude::*;

use super::*;

/// H65: output, commands and excerpts stand between fences, each with a token of its own.
#[test]
fn h65_what_stages_print_is_fenced() {
    let mut run = failing();
    run.steps.retain(|step| !matches!(step, Step::Output { .. }));
    let output = b"::error::x\n::endgroup::\n##[endgroup]\n::stop-commands::mine\n::mine::\n::add-mask::e".to_vec();
    let at = run.steps.iter().rposition(|step| matches!(step, Step::Event(e) if e.seq == 3)).unwrap();
    run.steps.insert(at + 1, Step::Output { stage: StageId(1), attempt: 1, tail: false, bytes: output.clone() });
    for step in &mut run.steps {
        if let Step::Event(Event { kind: crate::event::EventKind::StageFinished(finished), .. }) = step {
            finished.log.bytes = if finished.stage == StageId(1) { output.len() as u64 } else { 0 };
        }
    }
    insta::assert_snapshot!(on_github(&run), @r#"
        🚀 Running local CI pipeline...

        ::group::fmt
        ::stop-commands::01010101010101010101010101010101
        $ cargo fmt --all -- --check
        ::01010101010101010101010101010101::
        ::endgroup::
        ✓ fmt (245ms)

        ::group::clippy
        ::stop-commands::02020202020202020202020202020202
        $ cargo clippy --workspace
        ::error::x
        ::endgroup::
        ## [endgroup]
        ::stop-commands::mine
        ::mine::
        ::add-mask::e
        ::02020202020202020202020202020202::
        ::endgroup::
        ✗ clippy (2.3s)
          Error: exit code 101
        ::stop-commands::03030303030303030303030303030303
          | ::error::x
          | ::endgroup::
          | ## [endgroup]
          | ::stop-commands::mine
          | ::mine::
          | ::add-mask::e
        ::03030303030303030303030303030303::

        ::error title=clippy failed::exit code 101

        📊 Summary:
          Total stages: 2
          Passed: 1
          Failed: 1
          Total time: 2.6s

        Failed:
          ✗ clippy: exit code 101
            log: /state/runs/42/logs/1.1.log
            rerun: local-ci clippy

        Run 42 is kept: local-ci show 42
    "#);
}

/// What the runner acts on, by its own rules: `::name…::` first on a line while no stop token is in force, and the
/// older form anywhere. Its viewer draws groups from the older form whatever is in force.
fn acted_on(transcript: &str) -> Vec<String> {
    let mut stopped: Option<String> = None;
    let mut commands = Vec::new();
    for line in transcript.lines() {
        assert!(!line.contains("##["), "{line:?}");
        let Some(command) = line.trim_start().strip_prefix("::") else { continue };
        match &stopped {
            Some(token) => {
                if command == format!("{token}::") {
                    stopped = None;
                }
            }
            None => match command.strip_prefix("stop-commands::") {
                Some(token) => stopped = Some(token.to_owned()),
                None => commands.push(command.to_owned()),
            },
        }
    }
    assert_eq!(stopped, None, "every fence is opened again");
    commands
}

fn hostile_output() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        prop::sample::select(vec![
            "--- s0",
            "+++ x",
            "~~~",
            "##vso[task.complete]",
            "##teamcity[blockClosed name='s0']",
            "section_end:1700000000:local_ci_01010101_0_s0",
            "section_start:1:x",
            "##",
            "\x1b[0K",
            "::group::x",
            "::endgroup::",
            "::error file=a::b",
            "::set-env name=PATH::x",
            "::add-mask::y",
            "##[group]z",
            "::stop-commands::t",
            "::t::",
            "::01010101010101010101010101010101::",
            "\n",
            "\r",
            "\r\n",
            " ",
            "\t",
            "::",
            "\x1b[31m",
            "\x1b]0;",
            "\x07",
            "\0",
            "text",
            "\u{85}",
            "\u{2028}",
            "\u{a0}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(token, 0..16).prop_map(|tokens| tokens.concat())
}

/// A run of some stages with hostile output, sequential or not, with retries and failures.
pub(super) fn hostile_run() -> impl Strategy<Value = Recorded> {
    let one = (hostile_output(), hostile_output(), any::<bool>(), any::<bool>(), any::<bool>());
    (prop::collection::vec(one, 1..5), "\\PC{0,20}", "[ -~\n]{0,40}").prop_map(|(stages, notice, command)| {
        let infos = (0..stages.len()).map(|i| stage(&format!("s{i}"), &command)).collect();
        let mut run = Recorded::of(infos);
        for (id, (output, more, together, retry, fail)) in (0u32..).zip(&stages) {
            run.start(id).print(id, output).wait(10).tick(61_000).notice(Some(id), &notice);
            if *retry {
                run.retry(id, failed(1), 5).start(id).print(id, more);
            }
            if !together {
                run.finish(id, if *fail { failed(1) } else { Outcome::Passed });
            }
        }
        for (id, (.., more, together, _, fail)) in (0u32..).zip(&stages) {
            if *together {
                run.print(id, more).finish(id, if *fail { failed(1) } else { Outcome::Passed });
            }
        }
        run.end(Verdict::Failed);
        run
    })
}

/// Groups open and close in turn, one for each stage, and nothing else is acted on.
fn assert_flat(commands: &[String], stages: usize) -> Result<(), TestCaseError> {
    let mut names = Vec::new();
    prop_assert_eq!(commands.len(), 2 * stages, "{:?}", commands);
    for pair in commands.chunks(2) {
        names.push(pair[0].strip_prefix("group::").unwrap_or_default().to_owned());
        prop_assert_eq!(pair[1].as_str(), "endgroup::");
    }
    names.sort();
    let wanted: Vec<String> = (0..stages).map(|i| format!("s{i}")).collect();
    prop_assert_eq!(names, wanted);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// H65, H66: nothing that a stage prints is acted on, and groups are flat: fenced, or without a fence guarded.
    /// The one exception is a stage that knows a token; the tokens of the real source cannot be known.
    #[test]
    fn h65_h66_only_our_own_markers_are_acted_on(run in hostile_run()) {
        let stages = run.view().stages().len();
        let mut seed = 0xa0u8;
        let fenced = play(&run, |paper| {
            let mut options = options(Dialect::GitHub, true);
            options.randomness = Box::new(move || { seed += 1; [seed; 16] });
            Box::new(Grouped::new(paper, options))
        });
        // What failed is said once more at the end, by us.
        let (ends, rest): (Vec<_>, Vec<_>) =
            acted_on(&fenced).into_iter().partition(|command| command.starts_with("error title=s"));
        let view = run.view();
        let failed = view.stages().values().filter(|stage| stage.tally() == Some(crate::view::Tally::Failed));
        prop_assert_eq!(ends.len(), failed.count());
        assert_flat(&rest, stages)?;
        assert_flat(&acted_on(&grouped(&run)), stages)?;
    }
}
