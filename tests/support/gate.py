"""A small project of its own, in a repository of its own, for the commands that compare."""

from tests.support.git import git

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


def comparison(found, metric, benchmark=""):
    """Return the one comparison of a metric."""
    (one,) = (
        one for one in found["comparisons"] if one["metric"] == metric and benchmark in one["benchmark"]
    )
    return one


def leftovers(folder):
    """Return what commands run in `folder` have left of their sessions."""
    return sorted((folder.parent / "tmp").glob("asset-harness-private-*"))
