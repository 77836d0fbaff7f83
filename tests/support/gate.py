"""A small project of its own, in a repository of its own, for the commands that compare."""

import json
import os
import subprocess
import sys

WORK = """
def total(n):
    s = 0
    for i in range(n):
        s += i * 7 % 13
    return s


class Shop:
    operations = {"buy": 3, "look": 1}

    def __init__(self):
        self._calls = {"buy": 0, "look": 0}

    def _query(self, operation):
        self._calls[operation] += 1

    def call(self, event):
        self._query(event)
        return total(20)

    def make_event(self, operation, rng):
        return operation

    def counters(self):
        return {name: {"stock.calls": count} for name, count in self._calls.items()}


def create():
    return Shop()
"""
BENCHMARKS = """
from shop import work


def test_total(benchmark):
    assert benchmark(work.total, 4000) > 0
"""
POLICY = """
[project]
name = "shop"
version = "0"

[tool.harness]
source-roots = ["shop"]
suite = "benchmarks"
target = "shop.work:create"
scenario = "steady"
"""


def git(folder, *words):
    """Run git in `folder`, as nobody in particular."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make_shop(folder):
    """Make the project with one commit on `main`."""
    (folder / "shop").mkdir(parents=True)
    (folder / "benchmarks").mkdir()
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "work.py").write_text(WORK)
    (folder / "benchmarks" / "test_work.py").write_text(BENCHMARKS)
    (folder / "pyproject.toml").write_text(POLICY)
    (folder / ".gitignore").write_text("runs/\n__pycache__/\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def edit(folder, old, new):
    """Change the shop's code; the text must be there."""
    path = folder / "shop" / "work.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def without_target(folder):
    """Take the target out of the shop's policy: only its benchmarks are measured then."""
    path = folder / "pyproject.toml"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "target" not in line))


def harness(folder, *words, timeout=240, **environment):
    """Run the command line in `folder`, with a temporary folder of its own; return the finished process."""
    temporary = folder.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-P", "-m", "harness", *words],
        cwd=folder, env={**os.environ, "COLUMNS": "100", "TMPDIR": str(temporary), **environment},
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def document(done):
    """Return the JSON document of a finished process."""
    assert done.stdout.strip(), done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert "error" not in found, found
    return found


def comparison(found, metric, benchmark=""):
    """Return the one comparison of a metric."""
    (one,) = (
        one for one in found["comparisons"] if one["metric"] == metric and benchmark in one["benchmark"]
    )
    return one


def leftovers(folder):
    """Return what commands run in `folder` have left of their sessions."""
    return sorted((folder.parent / "tmp").glob("asset-harness-private-*"))
