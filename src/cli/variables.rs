//! Options as environment variables: what was not typed may be set there. `--fail-fast` is `LOCAL_CI_FAIL_FAST`.
//!
//! What is typed goes before what is set. Options that exclude each other are one question: where one of them is
//! typed, the variables of all of them are passed over. An empty variable is as good as none.

use super::args::{Cli, Command, Elsewhere, Global, Presence, RemoteArgs, RemoteCommand, Reports, RunArgs, Selection};
use super::error::CliError;
use super::values::{self, colour, count, dialect, duration};
use crate::env::{self, Env};
use crate::report::document::Target;

/// Fills in what was not typed.
pub(super) fn fill_in(cli: &mut Cli, env: &Env) -> Result<(), CliError> {
    let variables = Variables(env);
    variables.global(&mut cli.global)?;
    match &mut cli.command {
        Command::Run(args) => {
            variables.selection(&mut args.selection)?;
            variables.run(args)
        }
        Command::Plan(args) => variables.selection(&mut args.selection),
        Command::Attach(args) => {
            args.output = args.output.take().or_else(|| variables.text(env::OUTPUT));
            Ok(())
        }
        Command::Remote(RemoteArgs { command: RemoteCommand::Check(args) }) => {
            if args.remote_timeout.is_none() {
                args.remote_timeout = variables.parsed(env::REMOTE_TIMEOUT, values::seconds)?;
            }
            Ok(())
        }
        Command::Rerun(args) => {
            variables.face(&mut args.json, &mut args.quiet, &mut args.output)?;
            variables.reports(&mut args.reports)
        }
        Command::List(_)
        | Command::Add(_)
        | Command::Start(_)
        | Command::Restart(_)
        | Command::Stdout(_)
        | Command::Stderr(_)
        | Command::Events(_)
        | Command::Await(_)
        | Command::AwaitAny(_)
        | Command::AwaitAll(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Signal(_)
        | Command::Diff(_)
        | Command::Remove(_)
        | Command::Nuke(_)
        | Command::Validate(_)
        | Command::Show(_)
        | Command::Report(_)
        | Command::Logs(_)
        | Command::Stop(_)
        | Command::Runs(_)
        | Command::Stats(_)
        | Command::Prune(_)
        | Command::Init(_)
        | Command::Doctor(_)
        | Command::Remote(RemoteArgs { command: RemoteCommand::List(_) })
        | Command::Hook(_)
        | Command::Plugin(_)
        | Command::Explain(_)
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Man => Ok(()),
    }
}

struct Variables<'a>(&'a Env);

impl Variables<'_> {
    fn global(&self, global: &mut Global) -> Result<(), CliError> {
        let path = |name| self.0.get(name).filter(|value| !value.is_empty()).map(Into::into);
        global.directory = global.directory.take().or_else(|| path(env::DIRECTORY));
        global.config = global.config.take().or_else(|| path(env::CONFIG));
        if global.color.is_none() {
            global.color = self.parsed(env::COLOR, colour)?;
        }
        if global.ci.is_none() {
            global.ci = self.parsed(env::CI_DIALECT, dialect)?;
        }
        if global.verbose == 0 {
            global.verbose = u8::from(self.is_set(env::VERBOSE)?);
        }
        global.locked |= self.is_set(env::LOCKED)?;
        Ok(())
    }

    fn selection(&self, selection: &mut Selection) -> Result<(), CliError> {
        selection.profile = selection.profile.take().or_else(|| self.text(env::PROFILE));
        for (list, name) in [(&mut selection.tags, env::TAG), (&mut selection.skip, env::SKIP)] {
            if list.is_empty() {
                list.extend(self.list(name));
            }
        }
        selection.only |= self.is_set(env::ONLY)?;
        if selection.changed.is_none() {
            // A word for yes is no base: nobody has a branch of that name that is meant here.
            selection.changed = match self.switch(env::CHANGED) {
                Ok(on) => on.filter(|on| *on).map(|_| String::new()),
                Err(_) => self.text(env::CHANGED),
            };
        }
        selection.fix |= self.is_set(env::FIX)?;
        if selection.jobs.is_none() {
            selection.jobs = self.parsed(env::JOBS, count)?;
        }
        if !selection.fail_fast && !selection.keep_going {
            // Set to a word for no, either of them asks for the other: a config may say so too, and goes after.
            let keep_going = self.switch(env::KEEP_GOING)?;
            if let Some(fail_fast) = self.switch(env::FAIL_FAST)?.or(keep_going.map(|keep_going| !keep_going)) {
                (selection.fail_fast, selection.keep_going) = (fail_fast, !fail_fast);
            }
        }
        if selection.flaky.is_none() {
            selection.flaky = self.parsed(env::FLAKY, values::flaky)?;
        }
        if selection.timeout.is_none() {
            selection.timeout = self.parsed(env::TIMEOUT, duration)?;
        }
        self.elsewhere(&mut selection.elsewhere)
    }

    /// What is set of a machine is meant for one that is named, or else no run here could be started while it is set; its
    /// directory for the one that is set with it.
    fn elsewhere(&self, elsewhere: &mut Elsewhere) -> Result<(), CliError> {
        let Elsewhere { remote, session, remote_timeout, remote_dir } = elsewhere;
        let is_typed = remote.is_some();
        *remote = remote.take().or_else(|| self.text(env::REMOTE));
        if remote.is_none() {
            return Ok(());
        }
        if session.is_none() {
            *session = self.parsed(env::SESSION, values::session)?;
        }
        if remote_timeout.is_none() {
            *remote_timeout = self.parsed(env::REMOTE_TIMEOUT, values::seconds)?;
        }
        if remote_dir.is_none() && !is_typed {
            *remote_dir = self.parsed(env::REMOTE_DIR, values::remote_dir)?;
        }
        Ok(())
    }

    fn run(&self, args: &mut RunArgs) -> Result<(), CliError> {
        args.no_cache |= self.is_set(env::NO_CACHE)?;
        args.dry_run |= self.is_set(env::DRY_RUN)?;
        self.presence(args)?;
        self.turn(&mut args.presence)?;
        let leaves = args.presence.detach || args.presence.allow;
        if args.repeat.is_none() && !leaves {
            args.repeat = self.parsed(env::REPEAT, count)?;
        }
        if args.repeat.is_none() && !args.presence.detach {
            // What is set is passed over where it could not be done.
            self.reports(&mut args.reports)?;
        }
        if args.presence.allow {
            // A report at the end is for who waits for the run's end.
            args.output = args.output.take().or_else(|| self.text(env::OUTPUT));
            args.quiet |= args.output.is_none() && self.is_set(env::QUIET)?;
            return Ok(());
        }
        self.face(&mut args.json, &mut args.quiet, &mut args.output)?;
        if args.presence.detach {
            // Nothing of the run is shown.
            args.output = None;
        }
        Ok(())
    }

    /// What is written at the run's end.
    fn reports(&self, reports: &mut Reports) -> Result<(), CliError> {
        if reports.targets.is_empty() {
            let words = self.parsed(env::REPORT, |_| {
                self.list(env::REPORT).iter().map(|word| word.parse()).collect::<Result<Vec<Target>, String>>()
            })?;
            reports.targets.extend(words.unwrap_or_default());
        }
        Ok(())
    }

    /// Whether somebody stays with the run: one question, too. What was typed and excludes an answer passes over it.
    fn presence(&self, args: &mut RunArgs) -> Result<(), CliError> {
        let (is_shown, json) = (args.output.is_some(), args.json);
        let Presence { detach, allow, follow, queue, after, after_any } = &mut args.presence;
        if *detach || *allow || *follow || args.repeat.is_some() {
            return Ok(());
        }
        let starts_later = *queue || after.is_some() || after_any.is_some();
        *follow = self.is_set(env::FOLLOW)?;
        *detach = self.is_set(env::DETACH)? && !*follow && !is_shown;
        *allow = self.is_set(env::ALLOW)? && !*follow && !*detach && !starts_later && !json;
        Ok(())
    }

    /// When a run starts: one question. What excludes waiting and was typed passes over all of its variables.
    fn turn(&self, presence: &mut Presence) -> Result<(), CliError> {
        if !presence.allow && !presence.queue && presence.after.is_none() && presence.after_any.is_none() {
            presence.queue = self.is_set(env::QUEUE)?;
            presence.after = self.text(env::AFTER);
            presence.after_any = self.text(env::AFTER_ANY);
            if presence.after.is_some() && presence.after_any.is_some() {
                return Err(CliError::usage(format!(
                    "the environment variables {} and {} exclude each other",
                    env::AFTER,
                    env::AFTER_ANY
                )));
            }
        }
        Ok(())
    }

    /// How a run is shown: one question, so that any of the three that was typed passes over the variables of all.
    fn face(&self, json: &mut bool, quiet: &mut bool, output: &mut Option<String>) -> Result<(), CliError> {
        if !*json && !*quiet && output.is_none() {
            *json = self.is_set(env::JSON)?;
            *quiet = self.is_set(env::QUIET)?;
            *output = self.text(env::OUTPUT);
        }
        Ok(())
    }

    /// Whether a switch is on, off or not set. A word that is neither is refused: it was meant to change something.
    fn switch(&self, name: &str) -> Result<Option<bool>, CliError> {
        self.parsed(name, |text| match text.to_ascii_lowercase().as_str() {
            "1" | "y" | "yes" | "t" | "true" | "on" => Ok(true),
            "0" | "n" | "no" | "f" | "false" | "off" => Ok(false),
            _ => Err("expected 1 or 0, true or false, yes or no".to_owned()),
        })
    }

    fn is_set(&self, name: &str) -> Result<bool, CliError> {
        Ok(self.switch(name)? == Some(true))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.text(name).map(str::to_owned)
    }

    /// Words between commas.
    fn list(&self, name: &str) -> Vec<String> {
        let words = self.0.text(name).unwrap_or_default().split(',').map(str::trim);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn parsed<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, CliError> {
        let Some(text) = self.0.text(name) else { return Ok(None) };
        let fault = |why| CliError::usage(format!("the environment variable {name} is {text:?}: {why}"));
        parse(text).map(Some).map_err(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// The command line as it is after these variables were looked at.
    fn filled(line: &str, variables: &[(&str, &str)]) -> Result<Cli, String> {
        let words = ["local-ci"].into_iter().chain(line.split_whitespace());
        let mut cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        fill_in(&mut cli, &Env::from_pairs(variables.iter().copied())).map_err(|error| error.to_string())?;
        Ok(cli)
    }

    fn run(line: &str, variables: &[(&str, &str)]) -> RunArgs {
        match filled(&format!("run {line}"), variables).unwrap().command {
            Command::Run(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_typed_goes_before_what_is_set() {
        let args = run("-j 2 --skip a", &[("LOCAL_CI_JOBS", "x"), ("LOCAL_CI_SKIP", "b"), ("LOCAL_CI_TAG", "c, d,")]);
        assert_eq!(args.selection.jobs, Some(2));
        assert_eq!(args.selection.skip, ["a"]);
        assert_eq!(args.selection.tags, ["c", "d"]);
        let args = run("", &[("LOCAL_CI_JOBS", "3"), ("LOCAL_CI_TIMEOUT", ""), ("LOCAL_CI_FIX", "false")]);
        assert_eq!((args.selection.jobs, args.selection.timeout, args.selection.fix), (Some(3), None, false));
    }

    #[test]
    fn a_typed_option_passes_over_the_variables_of_those_it_excludes() {
        let policy = |line, variables| {
            let selection = run(line, variables).selection;
            (selection.fail_fast, selection.keep_going)
        };
        assert_eq!(policy("-k", &[("LOCAL_CI_FAIL_FAST", "1")]), (false, true));
        assert_eq!(policy("--fail-fast", &[("LOCAL_CI_KEEP_GOING", "1")]), (true, false));
        assert_eq!(policy("", &[("LOCAL_CI_FAIL_FAST", "1")]), (true, false));
        assert_eq!(policy("", &[("LOCAL_CI_FAIL_FAST", "0")]), (false, true));
        assert_eq!(policy("", &[("LOCAL_CI_KEEP_GOING", "No"), ("LOCAL_CI_FAIL_FAST", "")]), (true, false));
        assert_eq!(policy("", &[]), (false, false));
        let face = |line, variables| {
            let args = run(line, variables);
            (args.json, args.quiet, args.output)
        };
        let all = &[("LOCAL_CI_JSON", "1"), ("LOCAL_CI_QUIET", "1"), ("LOCAL_CI_OUTPUT", "json")];
        assert_eq!(face("-q", all), (false, true, None));
        assert_eq!(face("--json", all), (true, false, None));
        assert_eq!(face("--output grouped", all), (false, false, Some("grouped".into())));
        assert_eq!(face("", &all[2..]), (false, false, Some("json".into())));
    }

    #[test]
    fn when_a_run_starts_is_one_question() {
        let turn = |line: &str, variables: &[(&str, &str)]| {
            let presence = run(line, variables).presence;
            (presence.queue, presence.after, presence.after_any)
        };
        let text = |text: &str| Some(text.to_owned());
        let both = &[("LOCAL_CI_QUEUE", "1"), ("LOCAL_CI_AFTER", "7")];
        assert_eq!(turn("", both), (true, text("7"), None));
        assert_eq!(turn("", &[("LOCAL_CI_AFTER_ANY", "latest")]), (false, None, text("latest")));
        assert_eq!(turn("--after-any 3", both), (false, None, text("3")));
        assert_eq!(turn("--queue", both), (true, None, None));
        assert_eq!(turn("--allow", both), (false, None, None), "what is typed excludes it");
        assert_eq!(turn("", &[("LOCAL_CI_QUEUE", "0"), ("LOCAL_CI_AFTER", "")]), (false, None, None));
        let fault = filled("run", &[("LOCAL_CI_AFTER", "1"), ("LOCAL_CI_AFTER_ANY", "2")]).unwrap_err();
        assert_eq!(fault, "the environment variables LOCAL_CI_AFTER and LOCAL_CI_AFTER_ANY exclude each other");
    }

    #[test]
    fn staying_with_a_run_is_one_question() {
        let presence = |line, variables| {
            let RunArgs { presence, repeat, json, quiet, output, .. } = run(line, variables);
            let words = [("detach", presence.detach), ("allow", presence.allow), ("follow", presence.follow)];
            let shown = [("json", json), ("quiet", quiet), ("output", output.is_some()), ("repeat", repeat.is_some())];
            let on: Vec<&str> = words.into_iter().chain(shown).filter(|(_, on)| *on).map(|(word, _)| word).collect();
            on.join(" ")
        };
        let both = &[("LOCAL_CI_DETACH", "1"), ("LOCAL_CI_ALLOW", "1")];
        assert_eq!(presence("", both), "detach");
        assert_eq!(presence("--allow", both), "allow");
        assert_eq!(presence("--follow", both), "follow");
        assert_eq!(presence("--repeat 2", both), "repeat");
        assert_eq!(presence("--output lines", both), "allow output");
        assert_eq!(presence("--json", both), "detach json");
        assert_eq!(presence("--json", &both[1..]), "json");
        assert_eq!(presence("--queue", &both[1..]), "");
        assert_eq!(presence("--after 3", &both[1..]), "");
        assert_eq!(presence("-q", both), "detach quiet");
        assert_eq!(presence("", &[("LOCAL_CI_FOLLOW", "1"), ("LOCAL_CI_DETACH", "1")]), "follow");
        let all = &[("LOCAL_CI_REPEAT", "2"), ("LOCAL_CI_JSON", "1"), ("LOCAL_CI_OUTPUT", "lines")];
        assert_eq!(presence("-d", all), "detach json");
        assert_eq!(presence("-d", &all[2..]), "detach");
        assert_eq!(presence("--allow", all), "allow output");
    }

    #[test]
    fn what_is_set_of_a_machine_is_meant_for_one_that_is_named() {
        let elsewhere = |line: &str, remote: &'static str| {
            let variables = [
                ("LOCAL_CI_REMOTE", remote),
                ("LOCAL_CI_SESSION", "s"),
                ("LOCAL_CI_REMOTE_TIMEOUT", "5"),
                ("LOCAL_CI_REMOTE_DIR", "~/x"),
            ];
            let found = run(line, &variables).selection.elsewhere;
            let timeout = found.remote_timeout.map(|limit| limit.as_secs());
            [found.remote, found.session, timeout.map(|limit| limit.to_string()), found.remote_dir]
                .map(Option::unwrap_or_default)
                .join(" ")
        };
        assert_eq!(elsewhere("", "box"), "box s 5 ~/x");
        assert_eq!(elsewhere("--remote other --session t", "box"), "other t 5 ");
        assert_eq!(elsewhere("", "").trim(), "");
    }

    #[test]
    fn what_is_set_wrongly_is_named() {
        let fault = |name, value| filled("run", &[(name, value)]).unwrap_err();
        assert_eq!(
            fault("LOCAL_CI_JOBS", "many"),
            r#"the environment variable LOCAL_CI_JOBS is "many": expected a whole number from 1 on, such as 4"#
        );
        let session = filled("run --remote box", &[("LOCAL_CI_SESSION", "a.b")]).unwrap_err();
        assert!(session.contains("LOCAL_CI_SESSION is \"a.b\": it has `.` in it"), "{session}");
        assert!(fault("LOCAL_CI_REPEAT", "0").contains("LOCAL_CI_REPEAT"));
        assert!(fault("LOCAL_CI_TIMEOUT", "5").contains("5s"));
        let dialects = "expected plain, github, gitlab, buildkite, azure, teamcity";
        assert!(fault("LOCAL_CI_CI", "travis").ends_with(dialects));
        assert!(filled("--ci travis", &[]).unwrap_err().contains(dialects));
        assert!(fault("LOCAL_CI_COLOR", "blue").contains("auto, always or never"));
    }
}
