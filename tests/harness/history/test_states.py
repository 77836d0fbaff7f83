"""The state of the code in a commit, and the addresses of its web page."""

import pytest

from harness.history import states
from tests.support.gate import edit, make_shop
from tests.support.git import git


def test_commits_that_leave_the_measured_code_as_it_is_have_one_state(tmp_path):
    shop = make_shop(tmp_path / "shop")
    first = git(shop, "rev-parse", "HEAD")
    (shop / "README").write_text("words\n")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "Words | of\tit")
    second = git(shop, "rev-parse", "HEAD")
    edit(shop, "i * 7", "i * 8")
    assert states.is_unchanged(shop, second, ["benchmarks"])
    assert not states.is_unchanged(shop, second, ["shop"])
    git(shop, "commit", "-q", "-a", "-m", "third")
    third = git(shop, "rev-parse", "HEAD")
    codes = [states.code_of(shop, one, ["shop"]) for one in (first, second, third, "0" * 40)]
    assert codes[0] == codes[1] != codes[2]
    assert codes[3] is None
    found = states.facts_of(shop, [first, "1" * 40, second])
    assert (set(found), found[second].subject) == ({first, second}, "Words | of\tit")
    assert found[first].committed.endswith("+00:00")
    assert states.facts_of(tmp_path, [first]) == {}
    assert states.web_address(shop) is None


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/one/two.git", "https://github.com/one/two/commit/"),
        ("https://user:secret@github.com/one/two", "https://github.com/one/two/commit/"),
        ("git@github.com:one/two.git", "https://github.com/one/two/commit/"),
        ("ssh://git@gitlab.example.org:22/a/b/c.git", "https://gitlab.example.org/a/b/c/-/commit/"),
        ("https://bitbucket.org/a/b", "https://bitbucket.org/a/b/commits/"),
        ("/srv/git/shop.git", None),
        ("file:///srv/shop", None),
        ('https://host/one"onclick=alert(1)', None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_remote_of_a_web_host_gives_the_address_of_a_commit_without_its_login(remote, address):
    assert states.commits_address(remote) == address
