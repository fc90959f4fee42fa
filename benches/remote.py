"""What stages on another machine cost: to start one, to run many, to bring the work tree there, and to bring a log back.

    python3 benches/remote.py [--rounds 11] [--program target/release/local-ci] [--only stage,wide,sync,log]

The other machine is this one: an sshd of its own on 127.0.0.1, with throw-away keys, behind a proxy that holds every byte
for half a round trip in either direction. A round trip of 0 goes without the proxy. What is compared (`ssh` over a shared
connection, `ssh` without one, rsync) is measured in turn, round by round. Needs Python 3, Linux, sshd, git and rsync.
"""

import argparse
import collections
import json
import math
import os
import pwd
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

PAUSE = 0.05
TRIPS = (0, 20, 100)


def delaying_proxy(listener, server, trip_ms):
    """Carries connections, each byte half a round trip late. Runs in a process of its own, for good."""
    late = trip_ms / 2000

    def carry(source, target):
        held, arrived = collections.deque(), threading.Condition()

        def let_go():
            while True:
                with arrived:
                    while not held:
                        arrived.wait()
                    due, block = held.popleft()
                left = due - time.perf_counter()
                if left > 0:
                    time.sleep(left)
                try:
                    if not block:
                        target.shutdown(socket.SHUT_WR)
                        return
                    target.sendall(block)
                except OSError:
                    return

        threading.Thread(target=let_go, daemon=True).start()
        while True:
            try:
                block = source.recv(1 << 18)
            except OSError:
                block = b""
            with arrived:
                held.append((time.perf_counter() + late, block))
                arrived.notify()
            if not block:
                return

    while True:
        client, _ = listener.accept()
        far = socket.create_connection(("127.0.0.1", server))
        for end in (client, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=carry, args=(client, far), daemon=True).start()
        threading.Thread(target=carry, args=(far, client), daemon=True).start()


class Machine:
    """An sshd of our own, and a line to it of each length."""

    def __init__(self):
        self.place = Path(tempfile.mkdtemp(prefix="lci-remote-"))
        self.home = self.place / "home"
        self.home.mkdir()
        for key in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.place / key], check=True)
        shutil.copy(self.place / "user_key.pub", self.place / "authorized_keys")
        host_key = (self.place / "host_key.pub").read_text()
        (self.place / "known_hosts").write_text("box.example.invalid " + host_key)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        (self.place / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.place}/host_key\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.place}/authorized_keys\nStrictModes no\nPermitRootLogin yes\n"
            f'SetEnv "HOME={self.home}" "PATH={os.environ["PATH"]}" "TMUX_TMPDIR={self.place}"\nSubsystem sftp internal-sftp\n'
        )
        (self.home / ".profile").write_text(f"PATH='{os.environ['PATH']}'\n")
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.processes = [subprocess.Popen([sshd, "-D", "-f", self.place / "sshd_config", "-E", self.place / "log"])]
        wait_for(self.answers)
        config = ""
        for trip in TRIPS:
            port = self.port
            if trip:
                listener = socket.create_server(("127.0.0.1", 0))
                port = listener.getsockname()[1]
                proxy = os.fork()
                if not proxy:
                    signal.signal(signal.SIGINT, signal.SIG_DFL)
                    delaying_proxy(listener, self.port, trip)
                listener.close()
                self.processes.append(proxy)
            config += (
                f"Host box{trip}\n  HostName 127.0.0.1\n  Port {port}\n  User {pwd.getpwuid(os.getuid()).pw_name}\n"
                f"  HostKeyAlias box.example.invalid\n  IdentitiesOnly yes\n  IdentityFile {self.place}/user_key\n"
                f"  UserKnownHostsFile {self.place}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
            )
        self.config = self.place / "ssh_config"
        self.config.write_text(config)
        for trip in TRIPS:
            self.ssh(trip, True, "-M", "-N", "-f", "-o", "ControlPersist=600")

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as hello:
                return hello.recv(4) == b"SSH-"
        except OSError:
            return False

    def words(self, trip, shared, *options):
        path = str(self.place / f"m{trip}") if shared else "none"
        return ["ssh", "-F", str(self.config), "-o", "BatchMode=yes", "-S", path, *options, f"box{trip}"]

    def ssh(self, trip, shared, *options, command=()):
        """Milliseconds that ssh takes with this."""
        began = time.perf_counter()
        subprocess.run([*self.words(trip, shared, *options), *command], check=True, **QUIET)
        return (time.perf_counter() - began) * 1000

    def close(self):
        for trip in TRIPS:
            subprocess.run(self.words(trip, True, "-O", "exit"), **QUIET)
        server, *proxies = self.processes
        server.terminate()
        server.wait()
        for proxy in proxies:
            os.kill(proxy, signal.SIGKILL)
            os.waitpid(proxy, 0)
        subprocess.run(["tmux", "-L", "local-ci", "kill-server"], env={**os.environ, "TMUX_TMPDIR": str(self.place)}, **QUIET)
        shutil.rmtree(self.place, ignore_errors=True)


QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Project:
    def __init__(self, program, machine):
        self.program = program
        self.place = Path(tempfile.mkdtemp(prefix="lci-remote-here-"))
        self.dir = self.place / "project"
        self.dir.mkdir()
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place),
            "LANG": "C.UTF-8",
            "LOCAL_CI_STATE_DIR": str(self.place / "state"),
            "LOCAL_CI_CACHE_DIR": str(self.place / "cache"),
            "LOCAL_CI_SSH_CONFIG": str(machine.config),
        }
        self.git("init", "-q")

    def git(self, *args):
        identity = ["-c", "user.name=n", "-c", "user.email=n@example.invalid"]
        subprocess.run(["git", *identity, *args], cwd=self.dir, env=self.env, check=True, **QUIET)

    def config(self, text):
        (self.dir / "local-ci.toml").write_text(text)

    def start(self, trip, *args):
        words = [self.program, "run", "--output", "quiet", *([] if trip is None else ["--remote", f"box{trip}"]), *args]
        return subprocess.Popen(words, cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, trip, *args):
        """Runs it to its end: milliseconds, and its events."""
        began = time.perf_counter()
        running = self.start(trip, *args)
        said = running.communicate()[0]
        took = (time.perf_counter() - began) * 1000
        assert running.returncode == 0, said.decode()
        return took, self.events()

    def latest(self):
        (project,) = (self.place / "state/projects").iterdir()
        return project / "runs" / str(max(int(run.name) for run in (project / "runs").iterdir()))

    def events(self):
        return [json.loads(line) for line in (self.latest() / "events.jsonl").read_text().splitlines()]

    def close(self):
        subprocess.run([self.program, "stop", "-f"], cwd=self.dir, env=self.env, **QUIET)
        shutil.rmtree(self.place, ignore_errors=True)


def wait_for(look):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.001)
    raise TimeoutError(look)


def tell(what, times, unit="ms", beyond=""):
    print(f"{what:52} {statistics.median(times):8.1f} {unit}, at most {max(times):.1f}{beyond}", flush=True)


def at(events, kind, which=0):
    """When the first (0) or last (-1) event of a kind was, in milliseconds."""
    return [event["mono_us"] / 1000 for event in events if event["event"] == kind][which]


def each(events, count):
    """What one of so many stages took that ran one after the other. The first one waits for the work tree and does not count."""
    return (at(events, "stage_finished", -1) - at(events, "stage_finished")) / (count - 1)


def stage(project, machine, options):
    """Stages one after the other: each takes its command, and what it costs to start it and to hear of its end."""
    count = 10
    stages = [f's{n}]\nrun = ["sleep", "{PAUSE}"]\n' + (f'needs = ["s{n - 1}"]\n' if n else "") for n in range(count)]
    project.config("".join(f"[stages.{text}" for text in stages))
    pause = PAUSE * 1000
    mean = {}
    for trip in TRIPS:
        project.run(trip)
        columns = collections.defaultdict(list)
        for _ in range(options.rounds):
            whole, events = project.run(trip)
            columns["a stage"].append(each(events, count) - pause)
            columns["all before and after the stages"].append(
                whole - (at(events, "stage_finished", -1) - at(events, "stage_started"))
            )
            columns["ssh, over a shared connection"].append(machine.ssh(trip, True, command=[f"sleep {PAUSE}"]) - pause)
            if trip < 100 or len(columns["ssh, alone"]) < 3:
                columns["ssh, alone"].append(machine.ssh(trip, False, command=[f"sleep {PAUSE}"]) - pause)
        for what, times in columns.items():
            trips = f" ({statistics.median(times) / trip:.1f} round trips)" if trip else ""
            tell(f"{trip:3} ms: {what}", times, beyond=trips)
        mean[trip] = statistics.median(columns["a stage"])
        goal = 1.5 * trip + 15
        print(f"{'':52} target {goal:.0f} ms: {'met' if mean[trip] <= goal else 'MISSED'}")
    slope = (mean[100] - mean[20]) / 80
    print(f"{'a stage, from 20 to 100 ms':52} {slope:.2f} round trips + {mean[100] - slope * 100:.1f} ms")
    here, events = project.run(None)
    beside = each(events, count) - pause
    print(f"{'a stage of this machine, for comparison':52} {beside:8.1f} ms")


def wide(project, machine, options):
    """Twenty stages of 0.1 s in eight slots, over a line of 100 ms: three turns, each with a way there and back."""
    project.config("".join(f'[stages.s{n}]\nrun = ["sleep", "0.1"]\n' for n in range(20)))
    trip, turns = 100, math.ceil(20 / 8)
    project.run(trip, "-j8")
    times = []
    for _ in range(options.rounds):
        _, events = project.run(trip, "-j8")
        # The work tree comes before the first of them.
        there = max(event["mono_us"] / 1000 for event in sent(events))
        times.append(at(events, "stage_finished", -1) - max(there, at(events, "stage_started")))
    ideal = turns * (100 + trip)
    ratio = statistics.median(times) / ideal
    tell("twenty stages of 0.1 s, 8 slots, 100 ms", times, beyond=f"; {ratio:.2f} of {ideal} ms (target 1.3)")
    print(f"{'the same without a line at all would be':52} {turns * 100:8.1f} ms")


def sync(project, machine, options):
    """A change of one file among 12,000, beside rsync of the same files over the same kind of connection."""
    project.config('[stages.s]\nrun = ["true"]\n')
    noise = random.Random(1)
    for n in range(12_000):
        file = project.dir / f"d{n % 120}/f{n}"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(noise.randbytes(noise.randrange(1, 22_000)))
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "all")
    whole, events = project.run(0)
    (first,) = sent(events)
    print(f"{'all 12,000 files, for the first time':52} {first['duration_ms']:8.1f} ms, {first['bytes'] >> 20} MiB; the run {whole:.0f} ms")
    medians = {}
    for trip in (0, 100):
        project.run(trip)
        there = machine.home / f"rsync{trip}"
        shared = " ".join(machine.words(trip, True)[:-1])
        rsync = ["rsync", "-a", "--delete", "--exclude=.git", "-e", shared, f"{project.dir}/", f"box{trip}:{there}/"]
        subprocess.run(rsync, check=True, **QUIET)
        columns = collections.defaultdict(list)
        for round_ in range(options.rounds):
            (project.dir / "d7/f7").write_text(f"{trip} {round_}\n")
            whole, events = project.run(trip)
            (news,) = sent(events)
            assert news["files"] == 1, news
            columns["one file changed: sync"].append(news["duration_ms"])
            columns["one file changed: the whole run"].append(whole)
            (project.dir / "d7/f7").write_text(f"again {trip} {round_}\n")
            began = time.perf_counter()
            subprocess.run(rsync, check=True, **QUIET)
            columns["one file changed: rsync"].append((time.perf_counter() - began) * 1000)
            project.run(trip)
            whole, events = project.run(trip)
            columns["nothing changed: the whole run"].append(whole)
        for what, times in columns.items():
            tell(f"{trip:3} ms: {what}", times)
        medians[trip] = statistics.median(columns["one file changed: sync"])
    trips = (medians[100] - medians[0]) / 100
    met = medians[0] <= 600 and medians[100] <= 600 + 4 * 100
    print(f"{'sync of one file':52} {medians[0]:8.1f} ms and {trips:.1f} round trips (600 ms, and with 4 round trips of 100 ms): {'met' if met else 'MISSED'}")


def sent(events):
    return [event for event in events if event["event"] == "remote" and event["news"] == "sent"]


def log(project, machine, options):
    """A gigabyte of output, beside the same over ssh alone; and how much memory it takes here to follow it."""
    size = 1 << 30
    project.config(f'[stages.s]\nrun = "head -c {size} /dev/zero"\nlog-max = "8GiB"\n')
    rates, beside, peaks = [], [], []
    for _ in range(min(options.rounds, 5)):
        running = project.start(0)
        peak = 0
        while running.poll() is None:
            peak = max(peak, supervisor_peak(project))
            time.sleep(0.02)
        said = running.stdout.read()
        assert running.returncode == 0, said.decode()
        events = project.events()
        took = (at(events, "stage_finished") - at(events, "stage_started")) / 1000
        assert [event["log"]["bytes"] for event in events if event["event"] == "stage_finished"] == [size]
        rates.append(size / took / 1e6)
        peaks.append(peak / 1024)
        for old in project.latest().glob("logs/*"):
            old.unlink()
        began = time.perf_counter()
        with open(project.place / "out", "wb") as out:
            words = [*machine.words(0, True), f"head -c {size} /dev/zero"]
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=out)
        beside.append(size / (time.perf_counter() - began) / 1e6)
        (project.place / "out").unlink()
    tell("a gigabyte of log (target 200)", rates, "MB/s")
    tell("the same by ssh into a file", beside, "MB/s")
    tell("memory of the supervisor (target 64)", peaks, "MiB")


def supervisor_peak(project):
    """The most memory that the latest run's supervisor has had, in KiB."""
    try:
        pid = json.loads((project.latest() / "owner.json").read_text())["pid"]
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])
    except (OSError, ValueError, TypeError, KeyError):
        return 0


CASES = {"stage": stage, "wide": wide, "sync": sync, "log": log}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=11)
    options.add_argument("--program", default="target/release/local-ci")
    options.add_argument("--only", default=",".join(CASES))
    options = options.parse_args()
    machine = Machine()
    try:
        for name in options.only.split(","):
            project = Project(str(Path(options.program).resolve()), machine)
            try:
                CASES[name](project, machine, options)
            finally:
                project.close()
    finally:
        machine.close()


if __name__ == "__main__":
    main()
