"""What plugins cost: a stage of one beside a process, a parser beside the output that it reads, and none at all.

    python3 benches/plugins.py [--rounds 7] [--program target/release/local-ci] [--without OTHER] [--only stage,parser,none]
                               [--stage plugins/hygiene] [--parser plugins/test-report]

Plugins are directories, which are built first, or files `NAME.wasm`. OTHER is a build with `--no-default-features --features
ssh`. What is compared is measured in turn, round by round; ratios of one run are what counts. Needs Python 3, Linux,
and for `none` GNU time.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

STAGES = 40
LOG_MB = 100


class Bench:
    """A project of its own with a state and a cache of its own."""

    def __init__(self, program):
        self.program = str(Path(program).resolve())
        self.held = tempfile.TemporaryDirectory(prefix="local-ci-bench-", ignore_cleanup_errors=True)
        self.root = Path(self.held.name)
        self.project = self.root / "project"
        self.project.mkdir()
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME") if name in os.environ}
        self.env = keep | {"LOCAL_CI_STATE_DIR": str(self.root / "state"), "LOCAL_CI_CACHE_DIR": str(self.root / "cache")}

    def call(self, *arguments, check=True, program=None):
        done = subprocess.run([program or self.program, *arguments], cwd=self.project, env=self.env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        if check and done.returncode != 0:
            raise SystemExit(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def component(self, source):
        """The plugin's file in the project, built where it is a directory; and its name."""
        source = Path(source).resolve()
        if source.is_dir():
            self.call("plugin", "build", str(source))
            name, file = source.name, source / "plugin.wasm"
        else:
            name, file = source.stem, source
        (self.project / f"{name}.wasm").write_bytes(file.read_bytes())
        return name

    def config(self, text, plugin=None, grants=""):
        if plugin:
            text += f'[plugins.{plugin}]\nsource = "path:{plugin}.wasm"\n{grants}'
        (self.project / "local-ci.toml").write_text(text)
        if plugin:
            self.call("plugin", "update", plugin, "--as-granted")

    def took(self, *names):
        """How long each stage took in the latest run, in microseconds."""
        runs = next((self.root / "state" / "projects").iterdir()) / "runs"
        events = max(runs.iterdir(), key=lambda run: int(run.name) if run.name.isdigit() else -1) / "events.jsonl"
        events = [json.loads(line) for line in events.read_text().splitlines()]
        stages = [stage["name"] for stage in events[0]["stages"]]
        began, took = {}, {}
        for event in events:
            if event["event"] == "stage_started":
                began[event["stage"]] = event["mono_us"]
            elif event["event"] == "stage_finished":
                took[stages[event["stage"]]] = event["mono_us"] - began[event["stage"]]
        return [took[name] for name in names]


def say(what, mine, beside, target):
    ratio = mine / beside
    print(f"{what}: {mine / 1000:.2f} ms beside {beside / 1000:.2f} ms, {ratio:.3f}; {target}", flush=True)


def stage(bench, options):
    """A warm stage of a plugin, and `/bin/true`, in turn."""
    name = bench.component(options.stage)
    text = "[run]\njobs = 1\n"
    for n in range(STAGES):
        text += f'[stages.p{n}]\nuses = "{name}"\n[stages.t{n}]\nrun = ["/bin/true"]\n'
    bench.config(text, name, 'grants = { files-read = ["*.none"] }\n')
    ratios = []
    for _ in range(options.rounds):
        bench.call("--output", "quiet", check=False)
        # The first loads what was compiled.
        plugins = statistics.median(bench.took(*(f"p{n}" for n in range(1, STAGES))))
        processes = statistics.median(bench.took(*(f"t{n}" for n in range(1, STAGES))))
        ratios.append((plugins / processes, plugins, processes))
    _, mine, beside = sorted(ratios)[len(ratios) // 2]
    say("a stage of a plugin, beside /bin/true", mine, beside, "to be less than 1")


LINE = "src/some/module.rs:12: a line as tools print it, of about eighty characters {:8}"
LINES = LOG_MB * 1_000_000 // (len(LINE.format(0)) + 1)
# Prints the same as it makes it, as a program that has something else to do as well.
PROGRAM = f"""
import hashlib
for n in range({LINES}):
    hashlib.md5(b"something else to do")
    print("{LINE}".format(n))
"""


def parser(bench, options):
    """The same log with a parser that reads along, and without: out of a file, out of a program, and one that is read whole."""
    name = bench.component(options.parser)
    log, whole = bench.root / "log.txt", bench.root / "whole.txt"
    log.write_text("".join(LINE.format(n) + "\n" for n in range(LINES)))
    whole.write_text(options.whole + "\n" + log.read_text())
    program = bench.root / "program.py"
    program.write_text(PROGRAM)
    cases = {
        "with a parser": ["cat", log],
        "of a program, with a parser": ["python3", program],
        "with a parser that wants all of it": ["cat", whole],
    }
    for what, argv in cases.items():
        run = f'run = {json.dumps([str(word) for word in argv])}\nlog-max = "{LOG_MB * 2}MB"\n'
        annotate = f'annotate = ["{name}:{options.kind}"]\n'
        bench.config(f"[run]\njobs = 1\n[stages.with]\n{run}{annotate}[stages.bare]\n{run}", name)
        pairs = []
        for _ in range(options.rounds):
            bench.call("--output", "quiet")
            mine, beside = bench.took("with", "bare")
            pairs.append((mine / beside, mine, beside))
        _, mine, beside = sorted(pairs)[len(pairs) // 2]
        say(f"{LOG_MB} MB of output {what}, beside none", mine, beside, "to be at most 1.05")


def none(bench, options):
    """Start-up and memory where no plugin is configured, with the feature and without."""
    if not options.without:
        print("none: needs --without, a build that has no plugins")
        return
    bench.config('[stages.a]\nrun = ["/bin/true"]\n')
    programs = (bench.program, str(Path(options.without).resolve()))
    times, memory = ([], []), ([], [])
    for _ in range(options.rounds * 5):
        for at, program in enumerate(programs):
            child = subprocess.Popen([program, "list"], cwd=bench.project, env=bench.env, stdout=subprocess.DEVNULL)
            _, _, usage = os.wait4(child.pid, 0)
            child.returncode = 0
            times[at].append(usage.ru_utime + usage.ru_stime)
            # A child counts its parent's memory until it becomes the program, so a small parent has to start it.
            timed = subprocess.run(["/usr/bin/time", "-f", "%M", program, "list"], cwd=bench.project, env=bench.env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            memory[at].append(int(timed.stderr.split()[-1]))
    mine, beside = (statistics.median(each) * 1e6 for each in times)
    say("`list`, processor time, with the feature beside without", mine, beside, "to be the same within noise")
    mine, beside = (statistics.median(each) for each in memory)
    print(f"`list`, peak memory: {mine / 1024:.1f} MiB beside {beside / 1024:.1f} MiB, {mine / beside:.3f}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--program", default="target/release/local-ci")
    options.add_argument("--without")
    options.add_argument("--only", default="stage,parser,none")
    options.add_argument("--stage", default="plugins/hygiene")
    options.add_argument("--parser", default="plugins/test-report")
    options.add_argument("--kind", default="cargo-test", help="which of its parsers")
    options.add_argument("--whole", default="---- a stdout ----", help="a line after which that one wants all lines")
    options = options.parse_args()
    for each in options.only.split(","):
        {"stage": stage, "parser": parser, "none": none}[each](Bench(options.program), options)


main()
