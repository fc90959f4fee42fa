"""Runs every case with every runner, in turn, and prints medians and ratios as Markdown.

Interleaved, because a machine's mood lasts longer than a run: each round runs all runners once, and only medians of
the same rounds are compared. Memory, threads and descriptors are looked at in one more run that is not timed.
"""

import argparse
import collections
import json
import os
import platform
import select
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import cases

LIMIT = 300.0
#: What takes longer than this once is timed only twice.
SLOW = 4.0
TIME = shutil.which("time")
ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "TURBO_TELEMETRY_DISABLED": "1",
    "TURBO_NO_UPDATE_NOTIFIER": "1",
    "MOON_LOG": "error",
    "LANG": "C.UTF-8",
}


class Failed(Exception):
    pass


def environment(work):
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    for name in ("home", "state", "cache", "tmp"):
        (work / name).mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        **ENVIRONMENT,
        "HOME": str(work / "home"),
        "TMPDIR": str(work / "tmp"),
        "LOCAL_CI_STATE_DIR": str(work / "state"),
        "LOCAL_CI_CACHE_DIR": str(work / "cache"),
    }


def keep(tail, block):
    """Adds a block to the output's end, and drops what is not its end any more, at the same small cost for each."""
    tail.append(block)
    while len(tail) > 64:
        tail.popleft()


def run(argv, directory, env, while_running=None):
    """Runs once, reading all output: seconds, and the output's end and length."""
    out, into = os.pipe()
    start = time.perf_counter()
    child = subprocess.Popen(argv, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=into, stderr=into, start_new_session=True)
    os.close(into)
    if while_running:
        while_running()
    pidfd = os.pidfd_open(child.pid)
    tail, length, ended = collections.deque(), 0, False
    while True:
        ready, _, _ = select.select([out, pidfd], [], [], max(0.0, start + LIMIT - time.perf_counter()))
        if not ready:
            os.killpg(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
            raise Failed(f"not done after {LIMIT:.0f} s")
        if out in ready:
            block = os.read(out, 1 << 20)
            length += len(block)
            keep(tail, block)
            if block:
                continue
        if not ended and (pidfd in ready or not block):
            _, status = os.waitpid(child.pid, 0)
            seconds, ended = time.perf_counter() - start, True
            os.set_blocking(out, False)
        # What a process that stays behind might still write is not waited for.
        break
    try:
        while block := os.read(out, 1 << 20):
            length += len(block)
            keep(tail, block)
    except BlockingIOError:
        pass
    os.close(out)
    os.close(pidfd)
    tail = b"".join(tail)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise Failed(f"exit {child.returncode}: {tail[-300:].decode(errors='replace').strip()}")
    return seconds, tail, length


class Watch(threading.Thread):
    """Looks at the runner's own processes while they live: peak memory, most threads, most descriptors."""

    def __init__(self, program, directory):
        super().__init__(daemon=True)
        self.program, self.directory = program, directory
        # What runs already is none of ours, and need not be looked at again and again.
        self.foreign = {entry.name for entry in os.scandir("/proc")}
        self.found, self.done = {}, threading.Event()

    def run(self):
        while not self.done.wait(0.001):
            for entry in os.scandir("/proc"):
                if entry.name.isdigit() and entry.name not in self.foreign:
                    try:
                        self.look(int(entry.name))
                    except (OSError, ValueError, KeyError):
                        # It ended while we looked.
                        pass

    def look(self, pid):
        if os.readlink(f"/proc/{pid}/exe") != self.program:
            return
        # Somebody else may be using the same make; our supervisor may be anywhere, but is only ours.
        if not self.is_local_ci() and not os.readlink(f"/proc/{pid}/cwd").startswith(self.directory):
            return
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        role = "supervisor" if b"supervise" in arguments else "cli"
        now = {
            "parent": int(status["PPid"]),
            "role": role,
            "kib": int(status["VmHWM"].split()[0]),
            "threads": int(status["Threads"]),
            "fds": len(os.listdir(f"/proc/{pid}/fd")),
        }
        before = self.found.get(pid, {"looks": 0})
        peaks = {name: max(now[name], before.get(name, 0)) for name in ("kib", "threads", "fds")}
        self.found[pid] = {**now, **peaks, "looks": before["looks"] + 1}

    def is_local_ci(self):
        return self.program.endswith("/local-ci")

    def stop(self):
        self.done.set()
        self.join()
        # A stage's process is a copy of the runner for a moment, before it executes the stage's command.
        lasting = sorted(self.found, key=lambda pid: -self.found[pid]["looks"])[: 3 if self.is_local_ci() else 1]
        self.found = {pid: self.found[pid] for pid in lasting}
        # Of two supervisors, the parent is the guard.
        for process in list(self.found.values()):
            above = self.found.get(process["parent"])
            if process["role"] == "supervisor" and above and above["role"] == "supervisor":
                above["role"] = "guard"
        return sorted(self.found.values(), key=lambda p: ("cli", "guard", "supervisor").index(p["role"]))


def look_at(runner, case, directory, env):
    """One run that is not timed: whether it does all of the work, and what it needs for that."""
    watch = Watch(os.path.realpath(runner.program), str(directory))
    argv, kib = runner.argv(case), directory / "peak-kib"
    # GNU time is small. What we start directly begins as a copy of this Python, and the kernel remembers its size.
    if TIME:
        argv = [TIME, "-q", "-f", "%M", "-o", str(kib), *argv]
    try:
        seconds, tail, length = run(argv, directory, env, watch.start)
    finally:
        processes = watch.stop()
    fault = runner.check(case, tail)
    if length < case.least_output:
        fault = f"only {length} bytes of output arrived"
    if fault:
        raise Failed(fault)
    peaks = [p["kib"] for p in processes] + ([int(kib.read_text())] if TIME else [])
    return {"warm_up": seconds, "peak_kib": max(peaks, default=None), "processes": processes}


def measure(case, runners, work, rounds, env):
    rows = {}
    for r in runners:
        directory = work / case.name / r.name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        r.write(case, directory)
        rows[r.name] = {"case": case.name, "runner": r.name, "note": r.notes.get(case.name, ""), "times": []}
    # The first round warms caches up and is looked at instead of timed.
    for number in range(rounds + 1):
        for r in runners:
            row, directory = rows[r.name], work / case.name / r.name
            if "fault" in row or (number > 2 and row["warm_up"] > SLOW):
                continue
            if sys.stderr.isatty():
                print(f"\r{case.name} {number}/{rounds} {r.name:10}", end="\r", file=sys.stderr, flush=True)
            try:
                if number:
                    row["times"].append(run(r.argv(case), directory, env)[0])
                else:
                    row.update(look_at(r, case, directory, env))
            except Failed as failed:
                row["fault"] = str(failed)
    for row in rows.values():
        if "fault" not in row:
            row["median"], row["best"] = statistics.median(row["times"]), min(row["times"])
    return list(rows.values())


def text(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def table(case, rows):
    lines = [f"### {case.title}", "", "| runner | median | best | local-ci takes | largest process | threads | fds | |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    ours = next((row.get("median") for row in rows if row["runner"] == "local-ci"), None)
    for row in rows:
        if "fault" in row:
            fault = " ".join(row["fault"].split())[:160].replace("|", "/")
            lines.append(f"| {row['runner']} | failed | | | | | | {fault} |")
            continue
        ratio = f"{ours / row['median']:.2f} ×" if ours else ""
        peak = f"{row['peak_kib'] / 1024:.1f} MiB" if row["peak_kib"] else ""
        threads, fds = (sum(p[name] for p in row["processes"]) or "" for name in ("threads", "fds"))
        lines.append(
            f"| {row['runner']} | {text(row['median'])} | {text(row['best'])} | {ratio} "
            f"| {peak} | {threads} | {fds} | {row['note']} |"
        )
    for row in rows:
        if row["runner"] == "local-ci" and row.get("processes"):
            parts = [f"{p['role']} {p['kib'] / 1024:.1f} MiB, {p['threads']} threads, {p['fds']} fds" for p in row["processes"]]
            lines += ["", "local-ci's own processes at their peak: " + "; ".join(parts) + "."]
    return "\n".join(lines) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--bin", required=True, help="directory of the release binaries")
    arguments.add_argument("--work", required=True, help="directory to generate the cases in")
    arguments.add_argument("--only", help="these cases alone, by name, with commas between")
    arguments.add_argument("--runners", help="these runners alone, by name, with commas between")
    arguments.add_argument("--rounds", type=int, help="this many timed rounds instead of each case's own number")
    arguments.add_argument("--json", help="write all figures to this file, too")
    options = arguments.parse_args()
    work = Path(options.work).resolve()
    env = environment(work)
    runners, missing = cases.runners(options.bin)
    if options.runners:
        runners = [r for r in runners if r.name in options.runners.split(",")]
    only = options.only.split(",") if options.only else None
    print(f"{platform.machine()}, {cases.JOBS} cores, Linux {platform.release()}\n")
    for name in missing:
        print(f"skipped: {name} is not installed\n")
    figures = []
    for case in cases.cases(str(Path(options.bin).resolve() / "chaos")):
        if only and case.name not in only:
            continue
        able = [r for r in runners if case.name not in r.without]
        rows = measure(case, able, work, options.rounds or case.rounds, env)
        figures += rows
        print(table(case, rows), flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
