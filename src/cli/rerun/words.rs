//! A request as a command line, in one form: what a run that was started in other words writes into its header.

use std::path::Path;

use crate::cli::args::{Elsewhere, RunArgs, Selection};

/// The `run` command line that asks for the same of this config, or of the one that is found. How the run is shown is no
/// part of it.
pub(in crate::cli) fn words(args: &RunArgs, config: Option<&Path>) -> Vec<String> {
    // Named one by one, so that an option that is added is thought of here.
    let Selection {
        stages,
        args: arguments,
        profile,
        tags,
        skip,
        only,
        changed,
        fix,
        jobs,
        fail_fast,
        keep_going,
        flaky,
        timeout,
        elsewhere,
    } = &args.selection;
    let Elsewhere { remote, session, remote_timeout, remote_dir } = elsewhere;
    let mut words: Vec<String> = ["local-ci", "run"].map(str::to_owned).into();
    // With `=`, a value that begins with a dash is no option.
    words.extend(config.map(|file| format!("--config={}", file.to_string_lossy())));
    words.extend(profile.iter().map(|name| format!("--profile={name}")));
    words.extend(tags.iter().map(|tag| format!("--tag={tag}")));
    words.extend(skip.iter().map(|stage| format!("--skip={stage}")));
    words.extend(changed.iter().map(|base| match base.as_str() {
        "" => "--changed".to_owned(),
        base => format!("--changed={base}"),
    }));
    words.extend(jobs.iter().map(|jobs| format!("--jobs={jobs}")));
    words.extend(flaky.iter().map(|flaky| format!("--flaky={}", flaky.word())));
    words.extend(timeout.iter().map(|timeout| format!("--timeout={}ms", timeout.as_millis())));
    words.extend(remote.iter().map(|host| format!("--remote={host}")));
    words.extend(session.iter().map(|name| format!("--session={name}")));
    words.extend(remote_timeout.iter().map(|limit| format!("--remote-timeout={}ms", limit.as_millis())));
    words.extend(remote_dir.iter().map(|dir| format!("--remote-dir={dir}")));
    let switches = [
        ("--only", *only),
        ("--fix", *fix),
        ("--fail-fast", *fail_fast),
        ("--keep-going", *keep_going),
        ("--no-cache", args.no_cache),
    ];
    words.extend(switches.into_iter().filter(|(_, on)| *on).map(|(switch, _)| switch.to_owned()));
    words.extend(stages.iter().cloned());
    if !arguments.is_empty() {
        words.push("--".into());
        words.extend(arguments.iter().cloned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;
    use crate::cli::argv;
    use crate::pipeline::Flaky;
    use proptest::prelude::*;
    use std::ffi::OsString;

    fn parsed(words: &[String]) -> RunArgs {
        let words: Vec<OsString> = words.iter().map(Into::into).collect();
        match argv::parse(&words).unwrap().command {
            Command::Run(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn typed(line: &[&str]) -> RunArgs {
        let words: Vec<String> = std::iter::once("local-ci").chain(line.iter().copied()).map(str::to_owned).collect();
        parsed(&words)
    }

    #[test]
    fn a_request_is_written_in_one_form() {
        let line = ["-kj", "4", "run", "list", "--timeout", "1m30s", "-q", "--tag=-x", "--", "a b", "--fix"];
        let args = typed(&line);
        assert_eq!(
            words(&args, Some(Path::new("/p/other.toml"))).join("|"),
            "local-ci|run|--config=/p/other.toml|--tag=-x|--jobs=4|--timeout=90000ms|--keep-going|list|--|a b|--fix"
        );
        assert_eq!(words(&typed(&[]), None).join(" "), "local-ci run");
    }

    proptest! {
        #[test]
        fn what_is_written_asks_for_the_same(
            stages in prop::collection::vec("[a-z*][a-z:.*]{0,6}", 0..4),
            arguments in prop::collection::vec("[a-z -]{0,6}", 0..4),
            tags in prop::collection::vec("[a-z-]{1,6}", 0..3),
            skip in prop::collection::vec("[a-z-]{1,6}", 0..3),
            profile in prop::option::of("[a-z-]{1,6}"),
            jobs in prop::option::of(1..1000u32),
            timeout in prop::option::of(1..10_000_000u64),
            flaky in prop::option::of(prop::sample::select(vec![Flaky::Pass, Flaky::Fail])),
            remote in prop::option::of("[a-z-]{1,6}"),
            elsewhere in prop::option::of(("[a-z]{1,6}", 1..10_000_000u64, "/[a-z ]{0,6}")),
            changed in prop::option::of("[a-z/~-]{0,6}"),
            switches in prop::collection::vec(any::<bool>(), 4),
        ) {
            let mut args = typed(&["--quiet"]);
            args.no_cache = switches[0];
            let elsewhere = Elsewhere {
                remote,
                session: elsewhere.as_ref().map(|said| said.0.clone()),
                remote_timeout: elsewhere.as_ref().map(|said| std::time::Duration::from_millis(said.1)),
                remote_dir: elsewhere.map(|said| said.2),
            };
            args.selection = Selection {
                stages, args: arguments, profile, tags, skip, jobs, flaky, elsewhere, changed,
                only: switches[1],
                fix: switches[2],
                fail_fast: switches[3],
                keep_going: !switches[3],
                timeout: timeout.map(std::time::Duration::from_millis),
            };
            let written = words(&args, None);
            let again = parsed(&written);
            prop_assert_eq!(format!("{:?}", &again.selection), format!("{:?}", &args.selection));
            prop_assert_eq!(again.no_cache, args.no_cache);
            prop_assert!(!again.quiet);
            prop_assert_eq!(words(&again, None), written);
        }
    }
}
