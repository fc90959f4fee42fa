"""What a hook costs: a push of what was green before, and the work tree that another commit is tested in.

    python3 benches/hooks.py [--rounds 41] [--files 1000] [--program target/release/local-ci]

A repository with so many files of 4 KiB, an upstream on the same disk, and a stage that does nothing. What is compared is
measured in turn, round by round. Fails where a green push takes longer than its target. Needs Python 3, git and Linux.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_MS = 50
CONFIG = '[hooks]\npre-push = ["check"]\n[stages.check]\nrun = ["true"]\n'


class Clone:
    def __init__(self, program, files):
        self.place = Path(tempfile.mkdtemp(prefix="local-ci-hooks-"))
        self.dir = self.place / "project"
        bin = self.place / "bin"
        for made in (self.dir, bin):
            made.mkdir()
        (bin / "local-ci").symlink_to(Path(program).resolve())
        names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": ""}
        self.env = {"PATH": f"{bin}:{os.environ['PATH']}", "HOME": str(self.place), "GIT_CONFIG_NOSYSTEM": "1", **names}
        self.call("git", "init", "-q", "--bare", "../up.git")
        self.call("git", "init", "-q", "-b", "main", ".")
        self.call("git", "remote", "add", "origin", "../up.git")
        (self.dir / "local-ci.toml").write_text(CONFIG)
        for n in range(files):
            file = self.dir / f"src/{n // 50}/{n}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{n}\n" * (4096 // (len(str(n)) + 1)))
        self.commit()
        self.call("local-ci", "hook", "install")

    def commit(self):
        self.call("git", "add", ".")
        self.call("git", "commit", "-qm", "commit", "--allow-empty")

    def refs(self):
        head = self.call("git", "rev-parse", "HEAD")[0].strip()
        return f"refs/heads/main {head} refs/heads/main {'0' * 40}\n"

    def call(self, *argv, stdin="", env=()):
        """Runs it to its end; its output and how long it took, in milliseconds."""
        began = time.perf_counter()
        done = subprocess.run(argv, cwd=self.dir, env={**self.env, **dict(env)}, input=stdin, capture_output=True, text=True)
        took = (time.perf_counter() - began) * 1000
        if done.returncode != 0:
            sys.exit(f"{argv} ended with {done.returncode}: {done.stderr}")
        return done.stdout + done.stderr, took

    def hook(self, refs, expected, **env):
        said, took = self.call(str(self.dir / ".git/hooks/pre-push"), "origin", "../up.git", stdin=refs, env=env)
        if expected not in said:
            sys.exit(f"the hook did not say {expected!r}: {said}")
        return took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--program", default="target/release/local-ci")
    args = parser.parse_args()
    clone = Clone(args.program, args.files)
    figures = {}
    try:
        first = clone.refs()
        figures["the first commit, into a new work tree"] = [clone.hook(first, "testing")]
        for n in range(args.rounds):
            (clone.dir / "src/0/0").write_text(f"round {n}\n")
            clone.commit()
            refs = clone.refs()
            cases = {
                "`git rev-parse`, for comparison": lambda: clone.call("git", "rev-parse", "HEAD")[1],
                "another commit, one file changed": lambda: clone.hook(refs, "testing"),
                "a commit whose tree was green": lambda: clone.hook(refs, "passed before"),
                "the same tested again": lambda: clone.hook(refs, "testing", LOCAL_CI_NO_CACHE="1"),
                "one from before, green as well": lambda: clone.hook(first, "passed before"),
            }
            for name, case in cases.items():
                figures.setdefault(name, []).append(case())
    finally:
        shutil.rmtree(clone.place, ignore_errors=True)
    print(f"{args.files} files, {args.rounds} rounds\n")
    print("| | median | 90 % |\n| --- | ---: | ---: |")
    for name, times in figures.items():
        times.sort()
        print(f"| {name} | {statistics.median(times):.1f} ms | {times[int(len(times) * 0.9)]:.1f} ms |")
    green = statistics.median(figures["a commit whose tree was green"])
    if green > TARGET_MS:
        sys.exit(f"a green push takes {green:.1f} ms, more than {TARGET_MS}")


if __name__ == "__main__":
    main()
