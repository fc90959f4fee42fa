"""How long a line takes to the screen of whoever looks on, what an idle viewer costs, and how much of a long log it reads.

    python3 benches/attach.py [--lines 2000] [--program target/release/local-ci] [--only latency,idle,detach,memory,tail]

A stage prints the time, a line each 7 ms or so; the viewer's output is read from a pipe (grouped) and from a pseudo-terminal
(live, with -v), and the time at which a line is read is compared with what stands in it. Needs Python 3 and Linux.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

PRINTS = "import sys,time\nfor n in range(%d):\n    print('at', time.clock_gettime_ns(time.CLOCK_MONOTONIC), flush=True)\n    time.sleep(0.007)\n"
LINE = re.compile(rb"at (\d{10,})\r?\n")


class Project:
    def __init__(self, program):
        self.program = program
        self.place = Path(tempfile.mkdtemp(prefix="local-ci-attach-"))
        (self.place / "project").mkdir()
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place),
            "LOCAL_CI_STATE_DIR": str(self.place / "state"),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }

    def config(self, argv):
        argv = ", ".join(json.dumps(word) for word in argv)
        (self.place / "project/local-ci.toml").write_text(f'[stages.a]\nrun = [{argv}]\nlog-max = "8GiB"\n')

    def start(self, *args, **how):
        how = {"stdin": subprocess.DEVNULL, **how}
        return subprocess.Popen([self.program, *args], cwd=self.place / "project", env=self.env, **how)

    def call(self, *args):
        began = time.perf_counter()
        done = self.start(*args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = done.communicate()[0]
        return text, (time.perf_counter() - began) * 1000

    def run_dir(self, number):
        (project,) = (self.place / "state/projects").iterdir()
        return project / "runs" / str(number)

    def remove(self):
        self.call("stop", "-f")
        shutil.rmtree(self.place, ignore_errors=True)


def delays(read):
    """Of each line that `read` gives, how many milliseconds it is old."""
    found, rest = [], b""
    while True:
        try:
            block = read()
        except OSError:
            block = b""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        if not block:
            return found
        rest += block
        last = 0
        for match in LINE.finditer(rest):
            found.append((now - int(match[1])) / 1e6)
            last = match.end()
        rest = rest[last:][-200:]


def terminal(project, *args):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    how = {"stdin": slave, "stdout": slave, "stderr": slave, "start_new_session": True}
    child = project.start(*args, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **how)
    os.close(slave)
    return child, master


def tell(what, values):
    values = sorted(values)
    p99 = values[int(len(values) * 0.99)]
    print(f"{what:34} p50 {statistics.median(values):5.1f} ms, p99 {p99:5.1f} ms, at most {values[-1]:.1f} ms ({len(values)})")


def latency(project, lines):
    project.config([sys.executable, "-c", PRINTS % lines])
    for face in ("grouped", "live -v"):
        for how in ("attach", "run"):
            if how == "attach":
                project.call("-d")
                time.sleep(0.3)
            args = ["attach"] if how == "attach" else ["run"]
            if face == "grouped":
                child = project.start(*args, stdout=subprocess.PIPE)
                found = delays(lambda: os.read(child.stdout.fileno(), 65536))
            else:
                child, master = terminal(project, *args, "-v", "--output", "live")
                found = delays(lambda: os.read(master, 65536))
                os.close(master)
            child.wait()
            # What had been printed before the viewer came is no measure of anything.
            tell(f"a line on the screen, {face}, {how}", found[len(found) // 5 :])


def ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def idle(project, _lines):
    project.config(["sleep", "600"])
    project.call("-d")
    for face in ("grouped", "live"):
        if face == "grouped":
            child = project.start("attach", stdout=subprocess.DEVNULL)
        else:
            child, master = terminal(project, "attach", "--output", "live")
        time.sleep(1)
        before = ticks(child.pid)
        time.sleep(10)
        used = (ticks(child.pid) - before) / os.sysconf("SC_CLK_TCK")
        print(f"{'an idle viewer, ' + face:34} {used * 1000:.0f} ms of processor time in 10 s")
        child.kill()
        child.wait()
    project.call("stop", "-f")


def detach(project, _lines):
    project.config(["sleep", "600"])
    project.call("plan")
    plans, detached = [], []
    for _ in range(21):
        plans.append(project.call("plan")[1])
        detached.append(project.call("-d")[1])
        project.call("stop", "-f")
    tell("detaching", detached)
    tell("planning alone", plans)


def peak(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def memory(project, _lines):
    gib = "b = b'x' * 63 + b'\\n'\nimport sys\nfor _ in range(1024):\n    sys.stdout.buffer.write(b * 16384)\n"
    project.config([sys.executable, "-c", gib])
    project.call("-q")
    child = project.start("attach", "1", stdout=subprocess.PIPE)
    began, got, most = time.perf_counter(), 0, 0
    while block := os.read(child.stdout.fileno(), 1 << 20):
        got += len(block)
        most = max(most, peak(child.pid))
    child.wait()
    took = time.perf_counter() - began
    print(f"{'attaching to 1 GiB of log':34} {most:.1f} MiB at most, {got / took / 2**20:.0f} MiB/s ({got >> 20} MiB)")


def tail(project, _lines):
    """A log of 5 GB: a run that is over, whose log is made longer than its disk has room for."""
    project.config([sys.executable, "-c", "for n in range(100):\n    print('line', n)\n"])
    project.call("-q")
    run = project.run_dir(1)
    log = run / "logs/a.log"
    text, size = log.read_bytes(), 5_000_000_000
    with log.open("r+b") as file:
        file.truncate(size)
        file.seek(size - len(text) - 1)
        file.write(b"\n" + text)
    events = (run / "events.jsonl").read_text()
    (run / "events.jsonl").write_text(events.replace(f'"bytes":{len(text)}', f'"bytes":{size}'))
    times = []
    for _ in range(11):
        said, took = project.call("attach", "1", "--tail", "20")
        assert b"line 80\n" in said and b"line 79\n" not in said and b"line 99\n" in said, said
        times.append(took)
    tell("the last 20 lines of 5 GB", times)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--lines", type=int, default=2000)
    options.add_argument("--program", default="target/release/local-ci")
    options.add_argument("--only", default="latency,idle,detach,memory,tail")
    options = options.parse_args()
    for name in options.only.split(","):
        project = Project(str(Path(options.program).resolve()))
        try:
            globals()[name](project, options.lines)
        finally:
            project.remove()


if __name__ == "__main__":
    main()
