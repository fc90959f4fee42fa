//! What stands below the options in the help of a command.

pub(super) const AFTER_HELP: &str = "\
`local-ci [STAGE]...` is short for `local-ci run [STAGE]...`: it runs stages
with what they need, and without STAGE the default set. `local-ci run NAME`
reaches a stage that is called like a command. `local-ci run --help` has its
options, examples and exit codes.";

pub(super) const AFTER_RUN: &str = "\
Examples:
  local-ci                        all stages but those with `default = false`
  local-ci fmt 'test*'            fmt, all that begin with test, their needs
  local-ci --only test -- -v      test alone, with an argument
  local-ci --tag slow --skip e2e  all that have the tag, but for one
  local-ci -q --fail-fast         as little as possible, for a hook
  local-ci --json >report.json    for programs

Exit codes:
  0              all that had to pass passed
  1              a stage failed or timed out
  2              wrong usage or wrong config; nothing ran
  3              no verdict could be had
  4              nothing is selected, or there is no config
  5              a stage is running already
  129, 130, 143  cancelled; the run ends as if by that signal

Every option is also an environment variable: --fail-fast is LOCAL_CI_FAIL_FAST.
What is typed goes first.";

pub(super) const AFTER_HOOK_INSTALL: &str = "\
Examples:
  local-ci hook install             those that `[hooks]` names, else pre-push
  local-ci hook install pre-commit  this one

A hook that is there is kept beside it and runs first. Installing again changes
nothing; `local-ci hook uninstall` puts back what was there.";

pub(super) const AFTER_HOOK_RUN: &str = "\
Examples:
  local-ci hook run pre-push               what a push of HEAD would be told
  LOCAL_CI_NO_CACHE=1 git push             test what has passed before, too
  LOCAL_CI_SKIP=slow git push              without this stage, this once

Before a push the commits are tested, and before a commit what is staged, in a
work tree of their own; `tree = \"worktree\"` in `[hooks]` has the work tree
tested as it is. Options of `local-ci run` are taken from the environment.";

pub(super) const AFTER_PLAN: &str = "\
Examples:
  local-ci plan test                      test, and all that it needs
  local-ci plan --tag slow -v             with what is in each fingerprint
  local-ci plan --graph dot | dot -Tsvg   a drawing, by Graphviz";

pub(super) const AFTER_LOGS: &str = "\
Examples:
  local-ci logs                  what the latest run printed
  local-ci logs -f               all that goes on here, until nothing does
  local-ci logs -f test          the latest run of test, until it ends
  local-ci logs 42/test          test in run 42
  local-ci logs --grep '^error'  only lines that match
Of several stages each line says whose it is; then `|` stands before what came
from stdout, `!` before what came from stderr.";

pub(super) const AFTER_STREAM: &str = "\
Byte for byte, unless a terminal shows it. Of a job that was tried again, the
last attempt; with -f those that follow, too.";

pub(super) const AFTER_AWAIT: &str = "\
Nothing is printed on stdout; what came of it is a line on stderr. The exit code
is that of the run, or of the job where one was named; 124 where --timeout is
over, 3 where the run is lost. Ctrl+C ends the waiting alone.";

pub(super) const AFTER_AWAIT_ANY: &str = "\
Examples:
  n=$(local-ci await-any 41 42)  stdout is the number of the run that has ended,
                                 or its number and job where a job was named
  local-ci await-any             the first of all that go on here";

pub(super) const AFTER_AWAIT_ALL: &str = "\
Examples:
  local-ci await-all && ./deploy  all that go on here
  local-ci await-all 41 42/test   these two
Runs that wait for their turn are waited for, too. With nothing to wait for, the
exit code is 0.";

pub(super) const AFTER_DIFF: &str = "\
Examples:
  local-ci diff 41     run 41 and the latest
  local-ci diff 41 42  from 41 to 42
The exit code is 0 whether they differ or not. Of what stages printed, the first
line that differs is shown, for stdout and stderr each by itself.";

pub(super) const AFTER_EXPLAIN: &str = "\
Examples:
  local-ci explain LC0405  what that fault is; 405 will do
  local-ci explain         all codes, a line each";

pub(super) const AFTER_SCHEMA: &str = "\
Examples:
  local-ci schema >.local-ci.schema.json  then begin local-ci.toml with
                                          #:schema ./.local-ci.schema.json";

pub(super) const AFTER_COMPLETIONS: &str = "\
A shell has them from its start with this line in one of its files:
  ~/.bashrc                   source <(local-ci completions bash)
  ~/.zshrc, after compinit    source <(local-ci completions zsh)
  ~/.config/fish/config.fish  local-ci completions fish | source
  $PROFILE (PowerShell)       local-ci completions powershell | Out-String | iex";

pub(super) const AFTER_MAN: &str = "\
Examples:
  local-ci man | man -l -                                 to read it
  local-ci man >~/.local/share/man/man1/local-ci.1        to keep it";

pub(super) const AFTER_DOCTOR: &str = "\
Exit codes:
  0  no problem was found; warnings are none
  1  a problem that makes a stage fail, or keeps the config from being read
Known tools are asked for their version, outside of the project; nothing else is run.";

pub(super) const AFTER_ADD: &str = "\
Examples:
  local-ci add make test         finds or creates the job for this command here
  local-ci add -- ./serve --dev  the command begins after the dashes
  local-ci list                  shows the job with the rest";

pub(super) const AFTER_REMOTE_LIST: &str = "\
They are those of the project's [remotes], and of your own config.";

pub(super) const AFTER_REMOTE_CHECK: &str = "\
Examples:
  local-ci remote check                           all that are known here
  local-ci remote check ci@build.example.invalid  a machine that is not
Exit codes:
  0  no problem was found; warnings are none
  1  a problem that makes stages fail there
  3  a machine cannot be reached
Nothing is changed there; several machines are looked at at the same time.";

pub(super) const AFTER_PLUGIN: &str = "\
A plugin is one WebAssembly component. It can do what local-ci.toml grants it,
and nothing else; what it is stands in local-ci.lock, by its hash.";

pub(super) const AFTER_PLUGIN_NEW: &str = "\
Examples:
  local-ci plugin new licences              in Rust, in plugins/licences
  local-ci plugin new licences --lang js    in JavaScript
  local-ci plugin new licences --lang c     in C
It is a plugin that works, with an example and a test; the next steps are printed.";

pub(super) const AFTER_PLUGIN_TEST: &str = "\
An example says what the plugin is given (files, lines, what commands answer) and
what comes of it. Nothing is run and no host is spoken to.
Exit codes:
  0  all examples came out as they say
  1  one did not
  4  there is none";

pub(super) const AFTER_PLUGIN_INSPECT: &str = "\
Examples:
  local-ci plugin inspect hygiene           a plugin of this project
  local-ci plugin inspect ./hygiene.wasm    a file, before it is added";

pub(super) const AFTER_PLUGIN_ADD: &str = "\
Examples:
  local-ci plugin add path:plugins/hygiene
  local-ci plugin add https://plugins.example.invalid/hygiene.wasm --name hygiene
What it needs is granted by you: on a terminal you are asked; elsewhere the lines
for local-ci.toml are printed, and --yes writes them.";

pub(super) const AFTER_PLUGIN_UPDATE: &str = "\
Examples:
  local-ci plugin update                    all of local-ci.toml
  local-ci plugin update hygiene --locked   fetches what is locked, and changes
                                            nothing: for a machine without it";

pub(super) const AFTER_PLUGIN_VERIFY: &str = "\
Exit codes:
  0  all are what was locked and approved
  2  one is not, or is not there";

pub(super) const AFTER_REPORT: &str = "\
Examples:
  local-ci report --format markdown         a summary of the newest run
  local-ci report 42 -o out/junit.xml       what a build server reads
  local-ci report --format chrome-trace -o run.json
                                            to be opened in ui.perfetto.dev";
