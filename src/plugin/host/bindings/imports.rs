//! What a component imports, translated to [`Services`](crate::plugin::services::Services). No check is made here.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker, Resource, ResourceType};
use wasmtime::{Engine, Error, Result};

use super::convert;
use super::generated::FullPlugin;
use super::generated::local_ci::plugin::{clock, commands, env, files, files_write, http, output, settings, types};
use super::running::Running;
use crate::plugin::host::state::State;
use crate::plugin::host::stop::Stop;
use crate::plugin::services::{
    CommandFailure, CommandRequest, FileFailure, HeaderValue, HttpFailure, HttpRequest, Level,
};

/// A linker with all that the contract has, and for what `component` imports of `wasi:` functions that end the guest with a
/// sentence: what makes components of other languages brings such imports along, and calls them only for what plugins do not
/// have.
pub(in super::super) fn linker(engine: &Engine, component: &Component) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    FullPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    for (name, item) in component.component_type().imports(engine) {
        if let ComponentItem::ComponentInstance(instance) = item.ty
            && name.starts_with("wasi:")
        {
            let mut absent = linker.instance(name)?;
            for (function, item) in instance.exports(engine) {
                match item.ty {
                    ComponentItem::ComponentFunc(_) => {
                        let what = format!("{name}#{function}");
                        absent.func_new(function, move |_, _, _, _| Err(refused(&what)))?;
                    }
                    ComponentItem::Resource(_) => {
                        absent.resource(function, ResourceType::host::<Absent>(), |_, _| Ok(()))?;
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(linker)
}

/// A resource of an interface that is not there: there is never one.
enum Absent {}

fn refused(what: &str) -> Error {
    Error::new(Stop::Refused(format!("called `{what}`, which plugins do not have")))
}

impl types::Host for State {}

impl output::Host for State {
    fn log(&mut self, level: output::Level, message: String) -> Result<()> {
        let level = match level {
            output::Level::Trace => Level::Trace,
            output::Level::Debug => Level::Debug,
            output::Level::Info => Level::Info,
            output::Level::Warn => Level::Warn,
            output::Level::Error => Level::Error,
        };
        State::log(self, level, &message);
        Ok(())
    }

    fn annotate(&mut self, items: Vec<types::Annotation>) -> Result<()> {
        State::annotate(self, items.into_iter().map(convert::annotation).collect());
        Ok(())
    }

    fn progress(&mut self, done: u64, total: Option<u64>, note: Option<String>) -> Result<()> {
        State::progress(self, done, total, note.as_deref());
        Ok(())
    }

    fn panicked(&mut self, message: String) -> Result<()> {
        State::panicked(self, &message);
        Ok(())
    }
}

impl settings::Host for State {
    fn get(&mut self) -> Result<String> {
        Ok(self.serve(|services| services.settings()))
    }
}

fn file_failure(failure: FileFailure) -> files::Failure {
    match failure {
        FileFailure::Denied(why) => files::Failure::Denied(why),
        FileFailure::Missing => files::Failure::Missing,
        FileFailure::TooLarge(size) => files::Failure::TooLarge(size),
        FileFailure::Other(why) => files::Failure::Other(why),
    }
}

impl files::Host for State {
    fn read(&mut self, path: String, offset: u64, len: u64) -> Result<Result<Vec<u8>, files::Failure>> {
        Ok(self.labour(|services| services.read(&path, offset, len)).map_err(file_failure))
    }

    fn glob(&mut self, pattern: String, limit: u32) -> Result<Result<Vec<files::Entry>, files::Failure>> {
        let found = self.labour(|services| services.glob(&pattern, limit)).map_err(file_failure);
        let entry =
            |entry: crate::plugin::services::Entry| files::Entry { path: entry.path, size: entry.size, dir: entry.dir };
        Ok(found.map(|entries| entries.into_iter().map(entry).collect()))
    }
}

impl files_write::Host for State {
    fn write(&mut self, path: String, content: Vec<u8>) -> Result<Result<(), files::Failure>> {
        Ok(self.labour(|services| services.write(&path, &content)).map_err(file_failure))
    }
}

impl env::Host for State {
    fn get(&mut self, name: String) -> Result<Option<String>> {
        Ok(self.serve(|services| services.env(&name)))
    }
}

fn command_failure(failure: CommandFailure) -> commands::Failure {
    match failure {
        CommandFailure::Denied(why) => commands::Failure::Denied(why),
        CommandFailure::NotFound(why) => commands::Failure::NotFound(why),
        CommandFailure::Cancelled => commands::Failure::Cancelled,
        CommandFailure::Other(why) => commands::Failure::Other(why),
    }
}

impl commands::Host for State {
    fn spawn(&mut self, request: commands::Request) -> Result<Result<Resource<Running>, commands::Failure>> {
        let request = CommandRequest {
            argv: request.argv,
            dir: request.cwd,
            env: convert::own_pairs(request.env),
            timeout_ms: request.timeout_ms,
            quiet: request.extra.iter().any(|pair| pair.key == "quiet" && pair.value == "true"),
        };
        match self.serve(|services| services.spawn(request)) {
            Ok(process) => Ok(Ok(self.commands.push(Running(process))?)),
            Err(failure) => Ok(Err(command_failure(failure))),
        }
    }
}

impl commands::HostProcess for State {
    fn next_lines(
        &mut self,
        process: Resource<Running>,
        max: u32,
    ) -> Result<Result<Vec<types::Line>, commands::Failure>> {
        let lines = self.serve_command(|commands| Ok::<_, Error>(commands.get_mut(&process)?.0.next_lines(max)))?;
        Ok(lines.map(|lines| lines.iter().map(convert::line).collect()).map_err(command_failure))
    }

    fn kill(&mut self, process: Resource<Running>) -> Result<()> {
        self.serve_command(|commands| {
            commands.get_mut(&process)?.0.kill();
            Ok(())
        })
    }

    fn wait(&mut self, process: Resource<Running>) -> Result<Result<commands::Exit, commands::Failure>> {
        let exit = self.serve_command(|commands| Ok::<_, Error>(commands.get_mut(&process)?.0.wait()))?;
        let exit = exit.map(|exit| commands::Exit {
            code: exit.code,
            signal: exit.signal,
            timed_out: exit.timed_out,
            dropped_bytes: exit.dropped_bytes,
        });
        Ok(exit.map_err(command_failure))
    }

    fn drop(&mut self, process: Resource<Running>) -> Result<()> {
        // Ends it, which may take a moment.
        self.serve_command(|commands| commands.delete(process).map(drop))?;
        Ok(())
    }
}

impl http::Host for State {
    fn send(&mut self, request: http::Request) -> Result<Result<http::Response, http::Failure>> {
        let header = |(name, value): (String, http::HeaderValue)| match value {
            http::HeaderValue::Plain(value) => (name, HeaderValue::Plain(value)),
            http::HeaderValue::Secret(value) => (name, HeaderValue::Secret(value)),
        };
        let request = HttpRequest {
            method: request.method,
            url: request.url,
            headers: request.headers.into_iter().map(header).collect(),
            body: request.body,
            timeout_ms: request.timeout_ms,
        };
        let answer = self.serve(|services| services.send(request));
        let response = |response: crate::plugin::services::HttpResponse| http::Response {
            status: response.status,
            headers: convert::pairs(&response.headers),
            body: response.body,
        };
        Ok(answer.map(response).map_err(|failure| match failure {
            HttpFailure::Denied(why) => http::Failure::Denied(why),
            HttpFailure::Timeout => http::Failure::Timeout,
            HttpFailure::Other(why) => http::Failure::Other(why),
        }))
    }
}

impl clock::Host for State {
    fn now_ms(&mut self) -> Result<u64> {
        self.serve(|services| services.now_ms()).map_err(|why| Error::new(Stop::Refused(why)))
    }
}
