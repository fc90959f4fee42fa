"""What runs in the background cost: to start one, to ask one something, to have it stand about, and to lose one.

    python3 benches/jobs.py [--rounds 41] [--idle 20] [--many 20] [--program target/release/local-ci] [--only NAMES]

What is compared is measured in turn, round by round, so that a machine's good and bad minutes fall on all alike; a
difference is the median of the rounds' differences. A command that this version does not have is left out. Needs Python 3
and Linux.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

CONFIG = """\
[stages.quick]
run = ["true"]
[stages.sleep]
run = ["sleep", "3600"]
default = false
"""


class Project:
    def __init__(self, program):
        self.program = program
        self.place = Path(tempfile.mkdtemp(prefix="local-ci-jobs-"))
        (self.place / "project").mkdir()
        (self.place / "project/local-ci.toml").write_text(CONFIG)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.place), "LOCAL_CI_STATE_DIR": str(self.place / "state")}

    def call(self, *args):
        """Runs it to its end; its output and how long it took, in milliseconds."""
        began = time.perf_counter()
        done = subprocess.run([self.program, *args], cwd=self.place / "project", env=self.env, capture_output=True, text=True)
        return done, (time.perf_counter() - began) * 1000

    def has(self, *args):
        done, _ = self.call(*args, "--help")
        return done.returncode == 0

    def ok(self, *args):
        done, took = self.call(*args)
        assert done.returncode == 0, (args, done.returncode, done.stderr)
        return took

    def runs(self):
        (project,) = (self.place / "state/projects").iterdir()
        return project / "runs"

    def latest(self):
        return max(int(entry.name) for entry in self.runs().iterdir())

    def supervisor(self, number):
        file = self.runs() / str(number) / "owner.json"
        return wait_for(lambda: file.exists() and file.read_text() and json.loads(file.read_text())["pid"])

    def stage(self, number):
        """The process of a run's only stage."""
        supervisor = self.supervisor(number)
        return wait_for(lambda: children(supervisor))[0]

    def start_sleeping(self):
        self.ok("-d", "sleep")
        number = self.latest()
        self.stage(number)
        return number

    def close(self):
        if (self.place / "state/projects").exists():
            for run in self.runs().iterdir():
                self.call("stop", "-f", run.name)
        shutil.rmtree(self.place, ignore_errors=True)


def wait_for(look):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.0005)
    raise TimeoutError(look)


def children(pid):
    """Of all its threads: each has those that it started."""
    try:
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])


def tell(what, times, unit="ms"):
    print(f"{what:46} {statistics.median(times):8.2f} {unit}, at most {max(times):.2f}")


def detach(project, options):
    """A run in the background against what comes before it in any run, and against a run that is waited for."""
    columns = {"--version": [], "plan quick": [], "-d quick": [], "-q quick": []}
    for _ in range(options.rounds):
        columns["--version"].append(project.ok("--version"))
        columns["plan quick"].append(project.ok("plan", "quick"))
        columns["-d quick"].append(project.ok("-d", "quick"))
        last = project.runs() / str(project.latest()) / "events.jsonl"
        wait_for(lambda: last.exists() and "run_finished" in last.read_text())
        columns["-q quick"].append(project.ok("-q", "quick"))
    for what, times in columns.items():
        tell(what, times)
    beyond = [a - b for a, b in zip(columns["-d quick"], columns["plan quick"])]
    tell("-d quick beyond plan quick (target: 30)", beyond)


def ask(project, options):
    """Questions to a run that goes on, each a process of its own."""
    number = str(project.start_sleeping())
    for args in (["pause", number], ["resume", number], ["signal", "sleep", "CONT"], ["list"]):
        if not project.has(args[0]):
            print(f"{args[0]:46} not in this version")
            continue
        times = []
        for _ in range(options.rounds):
            # Each has to have something to do.
            project.call("pause" if args[0] == "resume" else "resume", number)
            times.append(project.ok(*args))
        project.call("resume", number)
        tell(" ".join(args[:1]), times)
    project.ok("stop", number)
    times = []
    for _ in range(min(options.rounds, 11)):
        number = str(project.start_sleeping())
        times.append(project.ok("stop", number))
    tell("stop, until all of it is gone", times)


def lose(project, options):
    """kill -9 of a supervisor: until its stage is gone, and until the run's lock is free."""
    gone, free = [], []
    for _ in range(min(options.rounds, 21)):
        number = project.start_sleeping()
        supervisor, stage = project.supervisor(number), project.stage(number)
        guard = parent(supervisor)
        began = time.perf_counter()
        os.kill(supervisor, signal.SIGKILL)
        while is_there(stage):
            pass
        gone.append((time.perf_counter() - began) * 1000)
        while is_there(guard):
            pass
        free.append((time.perf_counter() - began) * 1000)
    tell("supervisor killed: its stage is gone (1000)", gone)
    tell("supervisor killed: the run is lost", free)


def usage(pid):
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    smaps = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    switches = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        switches += sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return {
        "ticks": int(stat[11]) + int(stat[12]),
        "switches": switches,
        "rss": int(status["VmRSS"].split()[0]),
        "pss": int(smaps["Pss"].split()[0]),
        "threads": int(status["Threads"]),
        "fds": len(list(Path(f"/proc/{pid}/fd").iterdir())),
    }


def idle(project, options):
    """What a run in the background takes that sleeps."""
    number = project.start_sleeping()
    supervisor = project.supervisor(number)
    who = {"supervisor": supervisor, "guard": parent(supervisor)}
    time.sleep(1)
    before = {name: usage(pid) for name, pid in who.items()}
    time.sleep(options.idle)
    for name, pid in who.items():
        now = usage(pid)
        ticks, switches = (now[key] - before[name][key] for key in ("ticks", "switches"))
        print(
            f"{'idle ' + name:46} {ticks * 10} ms of processor and {switches} wake-ups in {options.idle} s, "
            f"{now['rss']} KiB resident ({now['pss']} its own), {now['threads']} threads, {now['fds']} descriptors"
        )
    project.ok("stop", str(number))


def many(project, options):
    """So many jobs at once, each in a run of its own."""
    if not project.has("add"):
        print(f"{'add':46} not in this version")
        return
    times = [project.ok("add", "--", "sleep", str(3600 + n)) for n in range(options.many)]
    tell(f"add, {options.many} of them at once", times)
    supervisors = [project.supervisor(number) for number in sorted(int(run.name) for run in project.runs().iterdir())[-options.many :]]
    total = sum(usage(pid)["pss"] for s in supervisors for pid in (s, parent(s)))
    print(f"{f'{options.many} runs, supervisors and guards':46} {total / 1024:8.1f} MiB in all")
    tell("list of them", [project.ok("list") for _ in range(options.rounds)])


CASES = {"detach": detach, "ask": ask, "lose": lose, "idle": idle, "many": many}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=41)
    options.add_argument("--idle", type=int, default=20)
    options.add_argument("--many", type=int, default=20)
    options.add_argument("--program", default="target/release/local-ci")
    options.add_argument("--only", default=",".join(CASES))
    options = options.parse_args()
    for name in options.only.split(","):
        project = Project(str(Path(options.program).resolve()))
        try:
            CASES[name](project, options)
        finally:
            project.close()


if __name__ == "__main__":
    main()
