"""What is measured, and how each runner is told to do it.

A case is a number of stages of one shape. A runner writes its own kind of file for a case and names the command line
that runs it, the way its users would: its defaults, and as many jobs as there are cores where it asks for a number.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

JOBS = os.cpu_count() or 1
GIB = 1 << 30


@dataclass(frozen=True)
class Case:
    """One shape of work."""

    name: str
    title: str
    stages: int
    chained: bool = False
    command: tuple = ("true",)
    planned: bool = False
    rounds: int = 7
    least_output: int = 0

    def needs(self, i):
        return [f"s{i - 1}"] if self.chained and i else []

    def ends(self):
        """The stages that nothing else needs."""
        return [f"s{self.stages - 1}"] if self.chained else [f"s{i}" for i in range(self.stages)]


def cases(chaos):
    return [
        Case("one", "1 stage, `true`", 1, rounds=21),
        Case("chain", "200 stages in a chain", 200, chained=True),
        Case("wide", "1,000 independent stages", 1000, rounds=5),
        Case("flood", "1 GiB of output to a pipe", 1, command=(chaos, "flood", "1G"), rounds=3, least_output=GIB),
        Case("plan", "10,000 stages planned, not run", 10_000, planned=True, rounds=5),
    ]


class Runner:
    name = ""
    #: Cases that the runner has no equal of, or that take it minutes.
    without = ()
    #: What a reader of a case's figures should know.
    notes = {}

    def __init__(self, program):
        self.program = str(Path(program).resolve())

    def write(self, case, directory):
        raise NotImplementedError

    def argv(self, case):
        raise NotImplementedError

    def check(self, case, output):
        """Why the output cannot be that of a full run, if it cannot."""
        return None


class LocalCi(Runner):
    name = "local-ci"

    def write(self, case, directory):
        command = json.dumps(list(case.command))
        lines = []
        for i in range(case.stages):
            lines.append(f"[stages.s{i}]\nrun = {command}\nneeds = {json.dumps(case.needs(i))}\n")
        (directory / "local-ci.toml").write_text("\n".join(lines))

    def argv(self, case):
        return [self.program, "plan"] if case.planned else [self.program, "-j", str(JOBS)]

    def check(self, case, output):
        if case.planned:
            return None if b"s9999" in output else "the plan does not show the last stage"
        return None if f"Passed: {case.stages}\n".encode() in output else "the summary does not show all stages as passed"


class Make(Runner):
    name = "make"

    def write(self, case, directory):
        lines = [f".PHONY: all {' '.join(f's{i}' for i in range(case.stages))}", f"all: {' '.join(case.ends())}"]
        for i in range(case.stages):
            lines += [f"s{i}: {' '.join(case.needs(i))}", "\t@" + " ".join(case.command)]
        (directory / "Makefile").write_text("\n".join(lines) + "\n")

    def argv(self, case):
        return [self.program, "-n"] if case.planned else [self.program, f"-j{JOBS}"]


class Ninja(Runner):
    name = "ninja"
    notes = {"flood": "keeps all output of a stage in memory"}

    def write(self, case, directory):
        lines = ["rule run", f"  command = {' '.join(case.command)}"]
        for i in range(case.stages):
            lines.append(f"build s{i}: run {' '.join(case.needs(i))}")
        (directory / "build.ninja").write_text("\n".join(lines) + "\n")

    def argv(self, case):
        return [self.program, "-n"] if case.planned else [self.program]


class Just(Runner):
    name = "just"
    notes = {"wide": "one stage at a time"}

    def write(self, case, directory):
        lines = [f"all: {' '.join(case.ends())}"]
        for i in range(case.stages):
            lines += [f"s{i}: {' '.join(case.needs(i))}", "    @" + " ".join(case.command)]
        (directory / "justfile").write_text("\n".join(lines) + "\n")

    def argv(self, case):
        return [self.program, "--dry-run"] if case.planned else [self.program]


class Task(Runner):
    name = "task"

    def write(self, case, directory):
        tasks = {"default": {"deps": case.ends()}}
        for i in range(case.stages):
            tasks[f"s{i}"] = {"deps": case.needs(i), "cmds": [" ".join(case.command)], "silent": True}
        # JSON is YAML.
        (directory / "Taskfile.yml").write_text(json.dumps({"version": "3", "tasks": tasks}))

    def argv(self, case):
        return [self.program, "--dry"] if case.planned else [self.program, "--concurrency", str(JOBS)]


class Turbo(Runner):
    name = "turbo"
    notes = {name: "started by node; each stage through `npm run`" for name in ("one", "chain", "flood")}
    # A minute and a half of npm.
    without = ("wide",)

    def write(self, case, directory):
        scripts = {f"s{i}": " ".join(case.command) for i in range(case.stages)}
        package = {"name": "bench", "version": "1.0.0", "packageManager": "npm@10.0.0", "scripts": {**scripts, "all": "true"}}
        tasks = {f"s{i}": {"cache": False, "dependsOn": case.needs(i)} for i in range(case.stages)}
        tasks["all"] = {"cache": False, "dependsOn": case.ends()}
        (directory / "package.json").write_text(json.dumps(package))
        lock = {"name": "bench", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "bench"}}}
        (directory / "package-lock.json").write_text(json.dumps(lock))
        (directory / "turbo.json").write_text(json.dumps({"tasks": tasks}))

    def argv(self, case):
        mode = ["--dry=json"] if case.planned else []
        return [self.program, "run", "all" if case.stages > 1 else "s0", f"--concurrency={JOBS}", *mode]


class Moon(Runner):
    name = "moon"
    notes = {name: "started by node" for name in ("one", "chain", "wide", "flood")}
    # It has no dry run.
    without = ("plan",)

    def write(self, case, directory):
        (directory / ".moon").mkdir(exist_ok=True)
        workspace = {"projects": {"bench": "."}, "telemetry": False}
        (directory / ".moon/workspace.yml").write_text(json.dumps(workspace))
        tasks = {"all": {"command": "noop", "deps": [f"~:{end}" for end in case.ends()], "options": {"cache": False}}}
        for i in range(case.stages):
            deps = [f"~:{need}" for need in case.needs(i)]
            tasks[f"s{i}"] = {"command": " ".join(case.command), "deps": deps, "options": {"cache": False}}
        (directory / "moon.yml").write_text(json.dumps({"tasks": tasks}))

    def argv(self, case):
        return [self.program, "run", "bench:all", "--concurrency", str(JOBS)]


def runners(binaries):
    """All runners that are there, and the names of those that are not."""
    found, missing = [], []
    for kind in (LocalCi, Make, Ninja, Just, Task, Turbo, Moon):
        program = Path(binaries) / "local-ci" if kind is LocalCi else shutil.which(kind.name)
        if program and Path(program).exists():
            found.append(kind(program))
        else:
            missing.append(kind.name)
    return found, missing
