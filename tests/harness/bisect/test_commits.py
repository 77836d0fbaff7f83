"""The commits between two revisions, and the revisions that have none between them."""

import pytest

from harness.bisect.changed import changed_functions
from harness.bisect.commits import between, grouped
from harness.errors import UsageError
from tests.support.git import git
from tests.support.session import commit, project


@pytest.fixture
def repository(tmp_path):
    folder = project(tmp_path / "one")
    return folder, [git(folder, "rev-parse", "HEAD")]


def test_commits_come_in_order_and_those_of_documents_are_left_out(repository):
    folder, (first,) = repository
    words = commit(folder, {"README": "words"})
    code = commit(
        folder,
        {"pkg/__init__.py": "def work():\n    return 1\n\n\nclass A:\n    def b(self):\n        return 2\n"},
    )
    more = commit(folder, {"README": "more words"})
    found = between(folder, first, "HEAD")
    assert (found.good, found.bad, found.commits, found.is_linear) == (first, more, (words, code, more), True)
    assert grouped(folder, found, ["pkg"]) == [first, code]
    assert grouped(folder, found, []) == [first, words, code, more]
    assert changed_functions(folder, words, code, ["pkg"]) == [
        "pkg/__init__.py:work",
        "pkg/__init__.py:A.b",
        "pkg/__init__.py:(module)",
    ]


def test_a_merge_stands_for_its_branch_unless_the_good_one_is_inside(repository):
    folder, (first,) = repository
    git(folder, "checkout", "-q", "-b", "side")
    inside = commit(folder, {"pkg/a.py": "a = 1\n"})
    commit(folder, {"pkg/a.py": "a = 2\n"})
    git(folder, "checkout", "-q", "main")
    main = commit(folder, {"pkg/b.py": "b = 1\n"})
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "side")
    merge = git(folder, "rev-parse", "HEAD")
    assert between(folder, first, merge).commits == (main, merge)
    found = between(folder, inside, merge)
    assert (len(found.commits), found.is_linear) == (2, False)


def test_ends_in_the_wrong_order_of_other_branches_and_of_no_common_history_are_refused(repository, tmp_path):
    folder, (first,) = repository
    last = commit(folder, {"README": "words"})
    git(folder, "checkout", "-q", "-b", "side", first)
    side = commit(folder, {"README": "other"})
    git(folder, "checkout", "-q", "--orphan", "alone")
    alone = commit(folder, {"README": "alone"})
    for good, bad, words in (
        (last, first, f"GOOD is the earlier one: harness bisect {first} {last}"),
        (side, last, f"Search from where they part: harness bisect {first[:12]} {last}"),
        (alone, last, "no commit in common"),
        (last, last, "the same commit"),
        ("nowhere", last, "'nowhere' does not exist"),
    ):
        with pytest.raises(UsageError) as error:
            between(folder, good, bad)
        assert words in str(error.value)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "main", f"file://{folder}", str(shallow))
    git(shallow, "fetch", "-q", "--depth", "1", "origin", "alone")
    with pytest.raises(UsageError, match="shallow"):
        between(shallow, alone, "HEAD")
