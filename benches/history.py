"""How long commands take in a project that has run very often.

    python3 benches/history.py [--runs 50000] [--stages 20] [--jobs 10000] [--rounds 21]
                               [--program target/release/local-ci]

Writes what is kept of so many pruned runs, and of one run each of so many ad-hoc jobs, has local-ci make its index of that (which is timed, once), and times what
asks the index. A command that this version does not have is left out. Needs Python 3 alone.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

STARTED = 1_700_000_000_000


def config(stages):
    lines = []
    for i in range(stages):
        lines.append(f'[stages.s{i}]\nrun = ["true"]\nenv = {{ STAGE = "{i}" }}\n')
    return "\n".join(lines)


def write_runs(path, runs, stages, signatures):
    """A line for each run, as `local-ci prune` writes it."""
    random.seed(1)
    level = [random.lognormvariate(9, 1.5) for _ in range(stages)]
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
        for number in range(1, runs + 1):
            failing = random.randrange(stages) if random.random() < 0.1 else None
            done = []
            for i in range(stages):
                took = int(level[i] * random.lognormvariate(0, 0.1))
                stage = {
                    "name": f"s{i}",
                    "signature": signatures[f"s{i}"],
                    "executor": "local",
                    "status": "fail" if i == failing else "pass",
                    "exit_code": int(i == failing),
                    "attempts": 1,
                    "duration_ms": took,
                    "foretold": [int(level[i]), int(level[i] * 0.9), int(level[i] * 1.1)],
                    "is_sample": i != failing,
                }
                done.append(stage)
            run = {
                "pruned_ms": STARTED,
                "number": number,
                "run": f"{number:032x}",
                "started_ms": STARTED + number * 600_000,
                "duration_ms": sum(stage["duration_ms"] for stage in done),
                "verdict": "passed" if failing is None else "failed",
                "exit_code": int(failing is not None),
                "commit": f"{number:040x}",
                "branch": "main",
                "stages": done,
            }
            out.write(json.dumps(run, separators=(",", ":")) + "\n")


def write_jobs(project, first, jobs):
    """Ad-hoc jobs as `local-ci add` writes them, and a line for a run of each, as it is written when that is pruned."""
    mode = {"opener": lambda name, flags: os.open(name, flags, 0o600)}
    with open(project / "jobs.jsonl", "w", **mode) as list_, open(project / "pruned.jsonl", "a", **mode) as out:
        for i in range(jobs):
            name, number = f"j{i}", first + i
            job = {"name": name, "argv": ["make", f"target-{i}"], "dir": "", "added_ms": STARTED}
            list_.write(json.dumps(job, separators=(",", ":")) + "\n")
            stage = {
                "name": name,
                "signature": f"{i + 1:064x}",
                "executor": "local",
                "status": "pass",
                "exit_code": 0,
                "attempts": 1,
                "duration_ms": 1000 + i,
                "is_sample": True,
            }
            run = {
                "pruned_ms": STARTED,
                "number": number,
                "run": f"{number:032x}",
                "started_ms": STARTED + number * 600_000,
                "duration_ms": 1000 + i,
                "verdict": "passed",
                "exit_code": 0,
                "stages": [stage],
            }
            out.write(json.dumps(run, separators=(",", ":")) + "\n")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=50_000)
    options.add_argument("--stages", type=int, default=20)
    options.add_argument("--jobs", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=21)
    options.add_argument("--program", default="target/release/local-ci")
    options = options.parse_args()
    program = str(Path(options.program).resolve())
    place = Path(tempfile.mkdtemp(prefix="local-ci-history-"))
    env = {"PATH": os.environ["PATH"], "HOME": str(place), "LOCAL_CI_STATE_DIR": str(place / "state")}

    def call(*args):
        began = time.perf_counter()
        done = subprocess.run([program, *args], cwd=place / "project", env=env, capture_output=True, text=True)
        return done, (time.perf_counter() - began) * 1000

    try:
        (place / "project").mkdir()
        (place / "project/local-ci.toml").write_text(config(options.stages))
        plan, _ = call("plan", "--json")
        signatures = {stage["name"]: stage["signature"] for stage in json.loads(plan.stdout)["stages"]}
        call("-q")
        (project,) = (place / "state/projects").iterdir()
        # The supervisor is about for a moment longer.
        while (place / "state/history.db").stat().st_size == 0 or list((project / "active").iterdir()):
            time.sleep(0.05)
        time.sleep(1)
        shutil.rmtree(project / "runs/1")
        for file in (place / "state").glob("history.db*"):
            file.unlink()
        write_runs(project / "pruned.jsonl", options.runs, options.stages, signatures)
        write_jobs(project, options.runs + 1, options.jobs)
        (project / "counter").write_text(f"{options.runs + options.jobs:>20}\n")
        pruned, took = call("prune")
        assert pruned.returncode == 0, pruned.stderr
        size = sum(file.stat().st_size for file in (place / "state").glob("history.db*"))
        kept = (project / "pruned.jsonl").stat().st_size
        print(f"{options.runs} runs of {options.stages} stages, {options.jobs} ad-hoc jobs, {kept >> 20} MiB kept of them")
        print(f"the index made anew: {took / 1000:.1f} s, {size >> 20} MiB")
        listings = (["list"], ["list", "-a"], ["list", "--json"])
        for args in (["--version"], *listings, ["runs"], ["runs", "s3"], ["stats", "s3"], ["plan"], ["run", "-q"]):
            first, _ = call(*args)
            if "is not in this version" in first.stderr:
                print(f"{'local-ci ' + ' '.join(args):24} not in this version")
                continue
            assert first.returncode == 0, first.stderr
            times = [call(*args)[1] for _ in range(options.rounds)]
            print(f"{'local-ci ' + ' '.join(args):24} {statistics.median(times):6.1f} ms, at most {max(times):.1f} ms")
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
