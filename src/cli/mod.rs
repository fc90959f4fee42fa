//! The command line: from argv to a command, from what came of it to an exit code. One file per command.
//!
//! The only place, with `report`, that prints, and the only one that decides hints and exit codes (`error.rs`).

mod add;
mod again;
mod args;
mod argv;
mod attach;
mod background;
#[cfg(feature = "chaos")]
mod bug;
mod busy;
#[cfg(feature = "plugins")]
mod compile_plugin;
mod completions;
mod diff;
mod doctor;
mod elsewhere;
mod error;
mod events;
mod explain;
mod faces;
mod forget;
mod history;
mod hold;
mod hook;
mod init;
mod keys;
mod leave;
mod list;
mod logs;
mod man;
mod onlooker;
mod output;
mod plan;
mod plugin;
mod project;
mod prune;
mod queue;
mod remote;
mod report;
mod rerun;
mod run;
mod runs;
mod schema;
mod secrets;
mod show;
mod start;
mod stats;
mod stop;
mod streams;
mod takeover;
mod target;
mod validate;
mod values;
mod variables;
mod wait;

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};

use crate::env::Env;
use crate::outcome::exit;
use crate::session::supervise;
use args::{Cli, Command, PlanArgs, RunArgs};
use error::CliError;
use project::Context;

/// How the process is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Code(u8),
    /// By this signal, so that whoever started us sees it; with 128 + signal where that fails.
    Signal(i32),
}

/// Does what the command line says.
pub fn main(arguments: &[OsString], env: &Env) -> Ending {
    // Before anything else, and before any thread: this process is a supervisor, not a command line.
    if let [_, command, directory] = arguments
        && command == "supervise"
        && std::path::Path::new(directory).is_absolute()
    {
        return match supervise::main(directory.as_ref(), env) {
            Ok(()) => Ending::Code(exit::PASSED),
            Err(error) => {
                output::problem(&format!("the supervisor cannot work: {error}"));
                Ending::Code(exit::INFRASTRUCTURE)
            }
        };
    }
    #[cfg(feature = "plugins")]
    if let Some(ending) = compile_plugin::callback(arguments) {
        return ending;
    }
    if let Some(answer) = completions::callback(arguments, env) {
        let _ = output::print(&answer);
        return Ending::Code(exit::PASSED);
    }
    let mut cli = match argv::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(error),
    };
    let filled_in = variables::fill_in(&mut cli, env);
    let colour = cli.global.color;
    let typed = match &cli.command {
        Command::Run(RunArgs { selection, .. }) | Command::Plan(PlanArgs { selection, .. }) => selection.stages.clone(),
        _ => Vec::new(),
    };
    match filled_in.and_then(|()| dispatch(cli, arguments, env)) {
        Ok(ending) => ending,
        Err(error) => {
            let error = error.of_words(&typed, &faces::commands());
            output::fault(&error, colour.unwrap_or_default(), env);
            Ending::Code(error.code())
        }
    }
}

/// Help and version are what was asked for, and go to stdout; everything else is a usage error.
fn refuse(mut error: clap::Error) -> Ending {
    // What clap would suggest: `-- --bogus`. Here that is an argument for a stage, and hardly what was meant.
    error.remove(ContextKind::Suggested);
    // Nor an option that would be refused.
    if let Some(ContextValue::String(near)) = error.get(ContextKind::SuggestedArg)
        && is_hidden(near)
    {
        error.remove(ContextKind::SuggestedArg);
    }
    let _ = error.print();
    Ending::Code(if error.use_stderr() { exit::USAGE } else { exit::PASSED })
}

/// Whether an option is known only so that the answer is a sentence.
fn is_hidden(option: &str) -> bool {
    let command = Cli::command();
    let mut options = command.get_subcommands().flat_map(clap::Command::get_arguments);
    options.any(|arg| arg.is_hide_set() && arg.get_long() == option.strip_prefix("--"))
}

fn dispatch(cli: Cli, arguments: &[OsString], env: &Env) -> Result<Ending, CliError> {
    let Cli { global, command } = cli;
    // Not for all: those that look at no project say what they have to say wherever they are started.
    let context = || Context::new(global, arguments, env);
    match command {
        Command::Run(args) => run::run(&context()?, &args),
        Command::Plan(args) => plan::plan(&context()?, &args),
        Command::List(args) => list::list(&context()?, &args),
        Command::Validate(args) => validate::validate(&context()?, &args),
        Command::Report(args) => report::report(&context()?, &args),
        Command::Show(args) => show::show(&context()?, &args),
        Command::Logs(args) => logs::logs(&context()?, &args),
        Command::Attach(args) => attach::attach(&context()?, &args),
        Command::Stop(args) => stop::stop(&context()?, &args),
        Command::Add(args) => add::add(&context()?, &args),
        Command::Start(args) => start::start(&context()?, &args),
        Command::Restart(args) => start::restart(&context()?, &args),
        Command::Stdout(args) => streams::stdout(&context()?, &args),
        Command::Stderr(args) => streams::stderr(&context()?, &args),
        Command::Events(args) => events::events(&context()?, &args),
        Command::Await(args) => wait::one(&context()?, &args),
        Command::AwaitAny(args) => wait::any(&context()?, &args),
        Command::AwaitAll(args) => wait::all(&context()?, &args),
        Command::Pause(args) => hold::pause(&context()?, &args),
        Command::Resume(args) => hold::resume(&context()?, &args),
        Command::Signal(args) => hold::signal(&context()?, &args),
        Command::Diff(args) => diff::diff(&context()?, &args),
        Command::Remove(args) => forget::remove(&context()?, &args),
        Command::Nuke(args) => forget::nuke(&context()?, &args),
        Command::Runs(args) => runs::runs(&context()?, &args),
        Command::Stats(args) => stats::stats(&context()?, &args),
        Command::Rerun(args) => rerun::rerun(&context()?, &args),
        Command::Prune(args) => prune::prune(&context()?, &args),
        Command::Init(args) => init::init(&context()?, &args),
        Command::Doctor(args) => doctor::doctor(&context()?, &args),
        Command::Remote(args) => remote::remote(&context()?, &args.command),
        Command::Hook(args) => hook::hook(&context()?, &args.command),
        Command::Plugin(args) => plugin::plugin(&context()?, &args.command),
        Command::Explain(args) => explain::explain(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Completions(args) => {
            completions::completions(&args, arguments.first().and_then(|program| program.to_str()), env)
        }
        Command::Man => man::man(),
    }
}
